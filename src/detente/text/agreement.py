"""What a word may take up by its grammar: person or thing, gender, number."""

import re
from typing import NamedTuple

from detente.text import morphology
from detente.text.lexicons import Lexicon, key
from detente.text.mentions import Mention
from detente.text.morphology import Form
from detente.text.tokens import Token

_PLURAL_FIRST = frozenset(
    ("i", "gli", "le", "dei", "degli", "delle", "two", "three", "several", "due", "tre", "quei", "questi")
)
_PLURAL_RU = re.compile(r"(?:и|ы|ие|ые)$")
_NEUTER_RU = re.compile(r"(?:о|ие|ье|е)$")
_FEMININE_RU = re.compile(r"(?:а|я|ь)$")


class Wanted(NamedTuple):
    """What a word may take up; None and "" stand for anything."""

    person: bool | None = None
    gender: str = ""
    plural: bool | None = None


def meant_by(word: str, lex: Lexicon) -> Wanted:
    """What a pronoun may take up.

    >>> from detente.text.lexicons import lexicon
    >>> meant_by("she", lexicon("en"))
    Wanted(person=True, gender='f', plural=False)
    """
    low = key(word)
    if low in ("they", "their", "them", "essi", "loro", "они", "их", "им", "ими", "sie", "ils", "ellos"):
        return Wanted(plural=True)
    if low in ("it", "its"):
        return Wanted(person=False, plural=False)
    slavic = lex.lang in ("ru", "uk")
    if low in lex.words["feminine"] or low in ("her", "ее", "ей", "нее", "ней"):
        return Wanted(None if slavic else True, "f", False)
    if low in lex.words["masculine"] or low in ("его", "ему", "нем", "него", "нему", "questi", "quest'ultimo"):
        return Wanted(None if slavic else True, "m", False)
    if low in ("оно",):
        return Wanted(False, "n", False)
    return Wanted(person=True, plural=False)


def is_plural(mention: Mention, tokens: list[Token], lex: Lexicon) -> bool:
    """Whether a phrase names several."""
    phrase = tokens[mention.start : mention.end]
    words = [t.key for t in phrase if t.text[0].isalnum()]
    if not words or mention.kind in ("person", "role"):
        return False
    joined = any(k in ("and", "e", "ed", "и", "und", "et", "y") for k in words)
    if mention.kind in ("actor", "name"):
        return joined
    if words[0] in _PLURAL_FIRST or joined:
        return True
    if any(k in lex.words["groups"] for k in words):
        return True
    if lex.lang == "en":
        return not phrase[-1].cap and words[-1].endswith("s") and words[0] not in ("a", "an", "one")
    if lex.lang == "ru":
        head = _head(words)
        return head is not None and head.number == "plur"
    if lex.lang == "uk":
        return bool(_PLURAL_RU.search(words[0])) and words[0] not in lex.nominative
    return False


def gender_of(mention: Mention, tokens: list[Token], lex: Lexicon) -> str:
    """The gender of an English role, the grammatical one of a Russian body by its noun; "" elsewhere."""
    if lex.lang == "en" and mention.kind == "role":
        return _gender_en([t.key for t in tokens[mention.start : mention.end]], lex)
    if lex.lang not in ("ru", "uk") or mention.kind in ("person", "name"):
        return ""
    words = [t.key for t in tokens[mention.start : mention.end] if t.text[0].isalpha()]
    if lex.lang == "ru" and mention.kind != "role":
        noun = _head(words)
        return {"masc": "m", "femn": "f", "neut": "n"}.get(noun.gender, "") if noun is not None else ""
    head = next((k for k in words if k in lex.nominative), words[0] if words else "")
    head = lex.nominative.get(head, head)
    if mention.kind == "role":
        return "" if not _FEMININE_RU.search(head) else "f"
    if head.isascii():
        return ""
    if head.endswith(("ия", "ция")) or _FEMININE_RU.search(head):
        return "f"
    return "n" if _NEUTER_RU.search(head) else "m"


def _head(words: list[str]) -> Form | None:
    """The likeliest reading of the first noun of a Russian phrase, in the nominative where it may stand in it."""
    for word in words:
        found = [f for f in morphology.forms(word) if f.part == "NOUN"]
        if found and not word.isascii():
            return next((f for f in found if f.case == "nomn"), found[0])
    return None


def _gender_en(words: list[str], lex: Lexicon) -> str:
    """The gender of a role: "a Mitsui spokesman", "my wife"; whose it is ("his aide") tells nothing."""
    for word in words:
        if word in lex.words["determiners"]:
            continue
        if word in lex.words["feminine"] or word.endswith("woman"):
            return "f"
        if word in lex.words["masculine"] or (word.endswith("man") and word in lex.words["roles"]):
            return "m"
    return ""
