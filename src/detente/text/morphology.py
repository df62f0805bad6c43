"""What a Russian word may be, by dictionary and by analogy (pymorphy3): part of speech, case, number, gender."""

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

_LOWER = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_KEPT = 65_536
_READ = re.compile(r"[\u0020-\u024F\u0400-\u04FF’‑–-]{1,64}")
_LEAST = 0.02
_GUESSED = frozenset(("Geox", "Orgn", "Patr"))
# Below this a phrase is taken not to stand in the nominative.
_MAY = 0.1
# Readings below this are not counted with.
_LIKELY = 0.15


class Form(NamedTuple):
    """One reading of a word; `share` is how likely it is among those of the word. Empty strings for what it has not."""

    part: str
    case: str
    number: str
    gender: str
    tense: str
    lemma: str
    share: float
    # Sgtm, Surn, Name, Orgn, Geox ...
    marks: frozenset[str]


@cache
def _analyser() -> Any:
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@lru_cache(_KEPT)
def forms(word: str) -> tuple[Form, ...]:
    """The readings of a word, the likeliest first; none of a word in another script than Cyrillic or Latin."""
    found: list[Form] = []
    if not _READ.fullmatch(word):  # the analyser fails on letters that Unicode has no name for
        return ()
    for parse in _analyser().parse(word):
        tag = parse.tag
        if parse.score >= _LEAST:
            part, case, number, gender, tense = (
                str(v or "") for v in (tag.POS, tag.case, tag.number, tag.gender, tag.tense)
            )
            # What an unknown word is by its ending alone says nothing of whether it names a place or is a patronymic.
            marks = frozenset(tag.grammemes) - (frozenset() if parse.is_known else _GUESSED)
            found.append(Form(part, case, number, gender, tense, parse.normal_form, parse.score, marks))
    return tuple(found)


def is_patronymic(word: str) -> bool:
    """Whether a word is a patronymic and no surname: Степанович, not Абрамович, not Вучич."""
    found = forms(word)
    return bool(found) and all("Patr" in form.marks for form in found)


def may_be(word: str, parts: Sequence[str], cases: Sequence[str] = ()) -> bool:
    """Whether a word may be one of these parts of speech, in one of these cases if any are given."""
    found = forms(word) if word[0].isalpha() else ()
    return any(f.part in parts and (not cases or f.case in cases) and f.share > _LIKELY for f in found)


def nominative_share(word: str) -> float:
    """How likely a noun, adjective or pronoun stands in the nominative, between 0 and 1; -1 if it has no case."""
    cased = [f for f in forms(word) if f.case]
    total = sum(f.share for f in cased)
    return sum(f.share for f in cased if f.case == "nomn") / total if total else -1.0


def finite(word: str) -> Form | None:
    """The reading of a word as a finite verb or a short participle ("введён"), if that is its likeliest."""
    best = next(iter(forms(word)), None)
    return best if best is not None and best.part in ("VERB", "PRTS") and "impr" not in best.marks else None


def agree(subject: Iterable[Form], verb: Form) -> bool:
    """Whether a nominative among the readings goes with a finite verb in number and, in the past, in gender."""
    for form in subject:
        if form.case not in ("nomn", "") or form.part not in ("NOUN", "NPRO", "ADJF", ""):
            continue
        number = not form.number or not verb.number or form.number == verb.number
        gender = verb.number == "plur" or not verb.gender or not form.gender or form.gender == verb.gender
        if number and gender:
            return True
    return False


def cases(words: Iterable[str]) -> dict[str, float]:
    """How likely a phrase stands in each case, by its words up to its first noun; empty if none has a case.

    Adjectives and noun stand in one case, so their likelihoods multiply: "американские власти" is no genitive.
    """
    shares: dict[str, float] = {}
    for word in words:
        found = forms(word)
        own: dict[str, float] = {}
        for form in found:
            if form.case:
                own[form.case] = own.get(form.case, 0.0) + form.share
        if not own:
            continue
        shares = {case: shares.get(case, 0.0) * share for case, share in own.items()} if shares else own
        if found[0].part in ("NOUN", "NPRO"):
            break
    total = sum(shares.values())
    return {case: share / total for case, share in shares.items()} if total else {}


def in_nominative(words: Sequence[str]) -> list[str]:
    """A phrase with its adjectives and its first noun in the nominative, as it is where it may stand in it already.

    >>> in_nominative(["краевом", "агентстве", "по", "рыболовству"])
    ['краевое', 'агентство', 'по', 'рыболовству']
    """
    found = cases(words)
    noun = next((i for i, word in enumerate(words) if (of := forms(word)) and of[0].part in ("NOUN", "NPRO")), -1)
    if noun < 0 or not found or found.get("nomn", 0.0) >= _MAY:
        return list(words)
    case = max(found, key=lambda name: found[name])
    head = next((f for f in forms(words[noun]) if f.case == case), None)
    # What looks like a surname may be a foreign one, which keeps its form; a number governs its noun.
    if head is None or "Surn" in head.marks or forms(words[0])[:1] == () or forms(words[0])[0].part == "NUMR":
        return list(words)
    return [*(_inflected(word, case, head.number, head.gender) for word in words[: noun + 1]), *words[noun + 1 :]]


@lru_cache(_KEPT)
def _inflected(word: str, case: str, number: str, gender: str) -> str:
    """A word of a case, number and gender in the nominative, with its capitals: of "АВТОВАЗа" "АВТОВАЗ"."""
    stem = word.rstrip(_LOWER)
    if len(stem) > 1 and stem.isupper():
        return stem
    for parse in _analyser().parse(word):
        same = number == "plur" or str(parse.tag.gender or "") == gender
        if str(parse.tag.case or "") == case and str(parse.tag.number or "") == number and same:
            changed = parse.inflect({"nomn"})
            if changed is None:
                return word
            form = str(changed.word)
            return form.capitalize() if word[0].isupper() else form
    return word


def is_place(word: str) -> bool:
    """Whether a word with a capital is rather a place or a body than a person: "Аляски"."""
    things = sum(f.share for f in forms(word) if f.marks & {"Geox", "Orgn"})
    return things > 0.5 > sum(f.share for f in forms(word) if f.marks & {"Surn", "Name", "Patr"})


def given(word: str) -> str:
    """The nominative of a given name, "" unless the word is likeliest one."""
    best = next(iter(forms(word)), None)
    return best.lemma if best is not None and "Name" in best.marks and best.share > 0.3 else ""


def verb_forms(infinitive: str) -> list[str]:
    """Its forms in the third person and the past, and its gerunds: those in which a text tells who does it."""
    parse = next((p for p in _analyser().parse(infinitive) if p.tag.POS == "INFN"), None)
    forms = parse.lexeme if parse is not None else ()
    return sorted({form.word for form in forms if form.tag.POS == "GRND" or _is_told(form.tag)})


def _is_told(tag: Any) -> bool:
    return bool(tag.POS == "VERB" and tag.mood == "indc" and (tag.tense == "past" or tag.person == "3per"))
