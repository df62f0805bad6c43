"""Given names, in Russian in any case."""

from detente.text import morphology
from detente.text.lexicons import Lexicon, key, names

# Ending of a case form -> ending of the nominative.
_FEMALE = (
    *(("ии", "ия"), ("ией", "ия"), ("ию", "ия"), ("ой", "а"), ("ей", "я"), ("ы", "а"), ("и", "я")),
    *(("и", "а"), ("е", "а"), ("у", "а"), ("ю", "я")),
)
_MALE = (
    *(("ом", ""), ("ем", "й"), ("ем", "ь"), ("а", ""), ("у", ""), ("е", ""), ("я", "й"), ("ю", "й")),
    *(
        ("я", "ь"),
        ("ю", "ь"),
        ("ла", "ел"),
        ("лу", "ел"),
        ("тра", "тр"),
        ("ьва", "ев"),
        ("ьву", "ев"),
        ("ьвом", "ев"),
        ("ьве", "ев"),
    ),
)


def given_name(word: str, lex: Lexicon) -> str:
    """The nominative of a Russian given name in any case, "" if it is none that is known."""
    low, known = key(word), names()
    if low in known.masculine or low in known.feminine:
        return low
    if lex.lang not in ("ru", "uk") or len(low) < 3 or not word[0].isupper():
        return ""
    for form in _candidates(low):
        if form in known.masculine and not low.endswith(("ой", "ей")):
            return form
    for ending, back in _FEMALE:
        if low.endswith(ending) and low[: -len(ending)] + back in known.feminine:
            return low[: -len(ending)] + back
    return key(morphology.given(word)) if lex.lang == "ru" else ""


def _candidates(low: str) -> list[str]:
    found = []
    for ending, back in _MALE:
        if low.endswith(ending):
            found.append(low[: -len(ending)] + back)
    return found
