"""What a word means, in English: evidence that a model of sentences learns in one language and has in all.

The gloss of a word (see `detente.text.glossing`), brought to its dictionary form. "Promised", "обещал" and "ha
promesso" tell a reader the same; a model that counts words alone has to learn each by itself.
"""

from collections.abc import Mapping
from functools import cache, lru_cache

from detente.text.glossing import SHIPPED, gloss, load_glossaries

_MOST = 65_536
# Words of a gloss that carry none of its meaning: "to have", "of the", "will be".
# fmt: off
_EMPTY = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "been", "being", "by", "for", "from", "had", "has", "have",
        "having", "he", "her", "his", "if", "in", "into", "is", "it", "its", "of", "on", "or", "our", "she", "so",
        "than", "that", "the", "their", "them", "they", "this", "to", "was", "we", "were", "which", "who", "will",
        "with", "would", "you",
    )
)
# fmt: on


@lru_cache(_MOST)
def concept(word: str, lang: str) -> str:
    """The dictionary form of an English word or of the gloss of another; empty where there is none, or no meaning.

    >>> concept("promised", "en") == concept("обещал", "ru") == concept("promesso", "it") == "promise"
    True
    >>> concept("the", "en"), concept("Xyzzy", "it")
    ('', '')
    """
    low = word.lower()
    found = low if lang == "en" else gloss(low, _entries(lang), lang) if _entries(lang) else ""
    telling = [w for w in found.lower().split() if w.isalpha() and w not in _EMPTY]
    if not telling or not telling[-1].isascii():
        return ""
    import simplemma

    return str(simplemma.lemmatize(telling[-1], lang="en")).lower()


@cache
def _entries(lang: str) -> Mapping[str, str]:
    if not (SHIPPED / f"{lang}.txt").is_file():
        return {}
    return load_glossaries([lang]).entries[lang]
