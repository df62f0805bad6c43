"""The forms of a verb by which a text tells who does it: third person, past, participles; from its infinitive.

An entry of a lexicon is an infinitive, after it what is irregular: "chiedere|chiese|chiesto", "admit|admitted".
"""

from typing import NamedTuple

from detente.text import morphology

_VOWELS = "aeiou"


class Forms(NamedTuple):
    """Finite forms; participles that stand after an auxiliary; forms that stand for the verb by themselves."""

    finite: list[str]
    participles: list[str]
    base: str = ""
    ing: str = ""


def inflect(entry: str, lang: str) -> Forms:
    """The forms of an entry; none for a language without rules here.

    >>> inflect("chiedere|chiese|chiesto", "it").participles
    ['chiesto', 'chiesta', 'chiesti', 'chieste']
    >>> inflect("deny", "en").finite
    ['denies', 'denied']
    """
    infinitive, *irregular = entry.split("|")
    if lang == "ru":
        return Forms(morphology.verb_forms(infinitive), [])
    if lang == "it":
        return _italian(infinitive, *irregular)
    return _english(infinitive, *irregular) if lang == "en" else Forms([], [])


def _italian(infinitive: str, past: str = "", participle: str = "") -> Forms:
    if infinitive.endswith("rre"):
        root = infinitive[:-3]
        present = (root + "ne", root + "ngono") if root.endswith("o") else (root + "ce", root + "cono")
        futures = [infinitive[:-1] + ending for ending in ("à", "anno", "ebbe", "ebbero")]
        return Forms([*present, *futures, past, past + "ro"], [participle[:-1] + ending for ending in "oaie"])
    stem, kind = infinitive[:-3], infinitive[-3]
    hard = stem + "h" if kind == "a" and stem[-1] in "cg" else stem
    soft = hard[:-1] if kind == "a" and hard.endswith(("ci", "gi", "sci")) else hard
    vowel = "i" if kind == "i" else "e"
    finite = [soft + vowel + ending for ending in ("rà", "ranno", "rebbe", "rebbero")]
    finite += [stem + kind + "va", stem + kind + "vano", stem + ("ando" if kind == "a" else "endo")]
    presents = {"a": ("a", "ano"), "e": ("e", "ono"), "i": ("e", "ono", "isce", "iscono")}
    finite += [stem + ending for ending in presents[kind]]
    if past:
        finite += [past, past + ("ro" if past[-1] == "e" else "")]
    else:
        pasts = {"a": ("ò", "arono"), "e": ("é", "ette", "ettero", "erono"), "i": ("ì", "irono")}
        finite += [stem + ending for ending in pasts[kind]]
    done = participle or stem + {"a": "ato", "e": "uto", "i": "ito"}[kind]
    return Forms(list(dict.fromkeys(finite)), [done[:-1] + ending for ending in "oaie"])


def _english(verb: str, past: str = "") -> Forms:
    consonant = verb.endswith("y") and verb[-2] not in _VOWELS
    third = verb[:-1] + "ies" if consonant else verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")
    doubled = past.removesuffix("ed") if past.endswith("ed") and past != verb + "ed" else ""
    ing = doubled or (verb[:-1] if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) else verb)
    regular = verb[:-1] + "ied" if consonant else verb + ("d" if verb.endswith("e") else "ed")
    return Forms([third, past or regular], [], verb, ing + "ing")
