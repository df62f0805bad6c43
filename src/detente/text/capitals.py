"""Lines in capitals only, read with the capitals that the rest of the document gives to their words."""

import re

from detente.text.lexicons import key
from detente.text.tokens import Token

_LETTERS = 12
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


def is_shouted(line: str) -> bool:
    """Whether a line has capitals only.

    >>> is_shouted("CONOCOPHILLIPS SI PRENDE IL 7,6% DI LUKOIL")
    True
    """
    return line.isupper() and sum(c.isalpha() for c in line) >= _LETTERS


def named_words(text: str) -> frozenset[str]:
    """The words that a text writes with a capital, though in no line of capitals only."""
    lines = (line for line in text.splitlines() if not is_shouted(line))
    return frozenset(key(w) for line in lines for w in _WORD.findall(line) if w[0].isupper())


def lowered(tokens: list[Token], named: frozenset[str]) -> list[Token]:
    """The tokens of a line in capitals, with a capital only where the document gives it elsewhere."""
    return [t._replace(text=t.text.lower(), cap=False) if t.cap and t.key not in named else t for t in tokens]
