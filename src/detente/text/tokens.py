"""Words and marks of a sentence with their offsets."""

import re
from typing import NamedTuple

from detente.text.lexicons import key

# Elided articles (dell'Energia) and the English possessive are tokens of their own.
_TOKEN = re.compile(
    r"(?:[^\W\d_]\.){2,}"
    r"|(?:[ldcnsm]|un|dell|all|dall|nell|sull|quell|quest|anch|c|qu|jusqu|lorsqu)['’](?=[^\W_])"
    r"|['’]s\b"
    r"|(?-i:[A-ZА-ЯЁ])\.(?=\s?[^\W\d_])"
    r"|(?:dott|prof|avv)\.ssa\b"
    r"|\d+(?:[.,:]\d+)*"
    r"|[^\W_]+(?:[-‑&][^\W_]+)*(?:['’](?!s\b)[^\W_]+)*(?:(?<=[^\W\d_])\+(?!\w))?"
    r"|\.{3}|[^\w\s]",
    re.IGNORECASE,
)
# Emphasis in Markdown stands between words without a meaning for us.
_MARKUP = frozenset("*_`")
QUOTE = "\x01"


class Token(NamedTuple):
    """A word or mark; `key` is its look-up form, `cap` says that it begins with a capital."""

    text: str
    key: str
    start: int
    end: int
    cap: bool


def words(text: str) -> list[str]:
    """The tokens of a text as strings."""
    return _TOKEN.findall(text)


def tokenize(text: str, *, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens of a slice of a text; offsets count in the text."""
    stop = len(text) if end is None else end
    return [
        Token(word := match.group(), key(word), match.start(), match.end(), word[0].isupper())
        for match in _TOKEN.finditer(text, start, stop)
        if match.group() not in _MARKUP
    ]
