"""Russian noun phrases in the nominative: "по словам американского чиновника" is said by "американский чиновник"."""

import re

from detente.text import morphology
from detente.text.lexicons import Lexicon, key

_HARD = re.compile(r"(?:ого|ому|ым|ом|ой|ую|ых|ыми|ый|ая|ое|ые)$")
_SOFT = re.compile(r"(?:его|ему|им|ем|ей|юю|их|ими|ий|яя|ее|ие)$")
_PLURALS = (
    (re.compile(r"([гкхжшщч])(?:ов|ам|ах|ами)$"), r"\1и"),
    (re.compile(r"(?:ов|ам|ах|ами)$"), "ы"),
    (re.compile(r"(?:ей|ям|ях|ями|ев)$"), "и"),
)
_SHORT = 4
_NUMERALS = {"двух": "два", "трех": "три", "четырех": "четыре", "пяти": "пять", "нескольких": "несколько"}


def nominative(words: list[str], lex: Lexicon) -> list[str]:
    """The words of a phrase, its adjectives and its head noun in the nominative where the head is known.

    >>> from detente.text.lexicons import lexicon
    >>> nominative(["американского", "чиновника"], lexicon("ru"))
    ['американский', 'чиновник']
    """
    if words and (numeral := _NUMERALS.get(key(words[0]))):
        return [_like(numeral, words[0]), *words[1:]]
    for at, word in enumerate(words):
        head = _head(key(word), lex)
        if head:
            return [*(_adjective(w, head) for w in words[:at]), _like(head, word), *words[at + 1 :]]
        if not _is_adjective(key(word)) and not key(word).isdigit():
            break
    return morphology.in_nominative(words) if lex.lang == "ru" else words


def _head(word: str, lex: Lexicon) -> str:
    """The nominative of a noun that the lexicon has in some form, "" for others."""
    if word in lex.nominative:
        return lex.nominative[word]
    first, _, last = word.rpartition("-")
    if first and last in lex.nominative:
        begin = lex.nominative.get(first, first)
        return f"{begin}-{lex.nominative[last]}"
    groups = lex.words["groups"] | lex.words["vague"]
    if word in groups and word.endswith(("и", "ы", "е", "я", "а")):
        return word
    for pattern, ending in _PLURALS:
        plural = pattern.sub(ending, word)
        if plural != word and (plural in groups or _singular(plural) in lex.nominative):
            return plural
    return _document(word, lex) if word in lex.words["documents"] else ""


def _singular(plural: str) -> str:
    return plural[:-1] if not plural.endswith("ли") else plural[:-1] + "ь"


def _document(word: str, lex: Lexicon) -> str:
    stem = word[: max(_SHORT, len(word) - 2)]
    forms = [w for w in lex.words["documents"] if w.startswith(stem) and len(w) <= len(word) + 1]
    return min(forms, key=lambda w: (len(w), not w.endswith(("ие", "о")), w), default=word)


def _is_adjective(word: str) -> bool:
    return len(word) > _SHORT and bool(_HARD.search(word) or _SOFT.search(word))


def _adjective(word: str, head: str) -> str:
    """An adjective in the gender and number of its noun."""
    low = key(word)
    if not _is_adjective(low):
        return word
    hard = _HARD.search(low)
    ending = hard or _SOFT.search(low)
    stem = word[: ending.start()] if ending else word
    plural = head.endswith(("и", "ы"))
    kind = 3 if plural else 1 if head.endswith(("а", "я")) else 2 if head.endswith(("о", "е")) else 0
    if stem[-1:] in "гкх":
        return stem + ("ий", "ая", "ое", "ие")[kind]
    if stem[-1:] in "жшщч":
        return stem + ("ий", "ая", "ее", "ие")[kind]
    return stem + (("ый", "ая", "ое", "ые") if hard else ("ий", "яя", "ее", "ие"))[kind]


def _like(form: str, word: str) -> str:
    """A form with the capitals of a word."""
    if word.isupper() and len(word) > 1:
        return form.upper()
    return form[:1].upper() + form[1:] if word[0].isupper() else form
