"""Other words for the same office: "the head of state" is the president, "il capo del governo" the premier."""

from collections.abc import Sequence

from detente.text.lexicons import offices

_KIND = 5


def synonyms(keys: Sequence[str]) -> frozenset[str]:
    """The beginnings of the roles that the words of a phrase may stand for."""
    known, found = offices(), set[str]()
    for words, roles in known.office:
        if all(any(k.startswith(word) for k in keys) for word in words):
            found.update(roles)
    for word in keys:
        found.update(known.kind.get(word[:_KIND], ()))
    return frozenset(found)
