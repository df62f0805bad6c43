"""How numbers and names are said to a reader."""

from collections.abc import Mapping, Sequence
from typing import Any

LANGUAGES = {
    "en": "English",
    "it": "Italian",
    "ru": "Russian",
    "de": "German",
    "fr": "French",
    "es": "Spanish",
    "uk": "Ukrainian",
}
COLUMNS = {
    "lang": "language",
    "holder_side": "holder's side",
    "resource": "resource",
    "year": "year",
    "decade": "decade",
    "length": "length",
    "quote": "quote type",
    "source": "source",
    "hard": "difficulty",
    "register": "register",
    "agreement": "stance and sentiment",
}


def number(value: float | None, *, digits: int = 3) -> str:
    """A figure, or a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share in per cent, one digit where it is small."""
    if value is None:
        return "–"
    return f"{value:.1%}".replace(".0%", "%") if 0 < value < 0.1 else f"{value:.0%}"


def interval(of: Mapping[str, Any] | None, *, share: bool = False) -> str:
    """`0.71 (0.68–0.73)`; the value alone where the rows allow no interval."""
    if of is None:
        return "–"
    shown = percent if share else number
    if of["low"] is None:
        return shown(of["value"])
    return f"{shown(of['value'])} ({shown(of['low'])}–{shown(of['high'])})"


def run_names(names: Sequence[str]) -> dict[str, str]:
    """Names of runs without the words that all begin with.

    >>> run_names(["statements_both_blend", "statements_both_linear"])
    {'statements_both_blend': 'blend', 'statements_both_linear': 'linear'}
    """
    words = [name.split("_") for name in names]
    shared = 0
    while len(names) > 1 and all(len(of) > shared + 1 and of[shared] == words[0][shared] for of in words):
        shared += 1
    return {name: " ".join(of[shared:]) for name, of in zip(names, words, strict=True)}


def signed(of: Mapping[str, Any]) -> tuple[str, str]:
    """A difference in points of a hundred, and its interval."""

    def points(value: float) -> str:
        return f"{100 * value:+.1f}".replace("-", "−")

    if of["low"] is None:
        return points(of["value"]), ""
    return points(of["value"]), f"{points(of['low'])} to {points(of['high'])}"


def language(code: str) -> str:
    """The English name of a language, or the code."""
    return " + ".join(LANGUAGES.get(part, part) for part in code.split("+"))


def column(name: str) -> str:
    """The name of a column as a reader would say it."""
    return COLUMNS.get(name, name.replace("_", " "))


def value(column_name: str, of: str) -> str:
    """The value of a slice."""
    return language(of) if column_name == "lang" else of.replace("_", " ")


def p_value(p: float | None) -> str:
    """A p-value with two digits, small ones as a bound."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def thousands(n: int) -> str:
    """1,125."""
    return f"{n:,}"
