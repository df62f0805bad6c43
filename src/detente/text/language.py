"""Which language a text is in, among the few that are expected."""

from collections.abc import Sequence
from functools import cache
from typing import Any

LANGUAGES = ("en", "it", "ru", "de", "fr", "es", "uk")
_UKRAINIAN = frozenset("ґєіїҐЄІЇ")
_RUSSIAN = frozenset("ыэёъЫЭЁЪ")
_CYRILLIC = ("ru", "uk", "bg", "sr", "be", "mk")
_SURE = 0.75
_ENOUGH = 40


def identify(text: str, *, languages: Sequence[str] = LANGUAGES, fallback: str = "") -> str:
    """The likeliest of `languages`; `fallback`, if given, where the text is too short to tell.

    >>> identify("Санкції проти нафти", languages=("ru", "uk"))
    'uk'
    """
    allowed = tuple(dict.fromkeys(languages)) or LANGUAGES
    letters = [c for c in text[:4000] if c.isalpha()]
    if not letters:
        return fallback or allowed[0]
    cyrillic = sum("\u0400" <= c <= "\u04ff" for c in letters) > len(letters) / 2
    allowed = tuple(lang for lang in allowed if (lang in _CYRILLIC) == cyrillic) or allowed
    if cyrillic and {"ru", "uk"} <= set(allowed):
        marks = sum(c in _UKRAINIAN for c in letters), sum(c in _RUSSIAN for c in letters)
        if marks[0] != marks[1]:
            return "uk" if marks[0] > marks[1] else "ru"
    if len(allowed) == 1:
        return allowed[0]
    lang, sure = _identifier(allowed).classify(text[:4000])
    if fallback and fallback != lang and (len(letters) < _ENOUGH or sure < _SURE):
        same_script = (fallback in _CYRILLIC) == cyrillic
        return fallback if same_script else str(lang)
    return str(lang)


@cache
def _identifier(languages: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = set(identifier.labels)
    identifier.set_languages([lang for lang in languages if lang in known] or None)
    return identifier
