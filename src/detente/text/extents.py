"""How far a Russian phrase may reach: "источник | в «Роснефти»", "эксперт института | в Токио Рюта Хосино"."""

from detente.text import morphology
from detente.text.mentions import MARKS, Mention
from detente.text.tokens import QUOTE, Token

# Where somebody is or comes from; what a body is for.
_PLACING = frozenset(("в", "во", "из", "при", "от", "по"))
_ABOUT = frozenset(("по", "за"))
_REACHING = ("person", "role", "vague", "name", "org", "other", "actor")
_NAME = 3


def extended(tokens: list[Token], mention: Mention) -> Mention | None:
    """The phrase with the number before it, the places behind it and the name that ends it; None if it has none."""
    if mention.kind not in _REACHING:
        return None
    start, end = mention.start, mention.end
    if start and morphology.may_be(tokens[start - 1].text, ("NUMR",)) and not tokens[start - 1].cap:
        start -= 1
    named, people = mention.name, mention.kind in ("person", "role", "vague", "name")
    while (after := _bracket(tokens, _governed(tokens, end, _PLACING if people else _ABOUT))) > end:
        end = after
    if people:
        last = _name_end(tokens, end) if not named else end
        if last > end:
            named, end = tuple(t.text for t in tokens[end:last]), last
    if (start, end) == (mention.start, mention.end):
        return None
    kind = "person" if named and mention.kind in ("role", "vague") else mention.kind
    return Mention(start, end, kind, named, mention.role)


def _bracket(tokens: list[Token], at: int) -> int:
    """The end behind a short name in brackets and the genitive that goes on after it."""
    if at + 2 < len(tokens) and tokens[at].text == "(" and tokens[at + 1].text.isupper() and tokens[at + 2].text == ")":
        return _genitives(tokens, at + 3)
    return at


def _genitives(tokens: list[Token], at: int) -> int:
    """The end of the genitives and foreign names that stand there."""
    while at < len(tokens) and (
        morphology.may_be(tokens[at].text, ("NOUN", "ADJF"), ("gent",))
        or (tokens[at].cap and tokens[at].text.isascii())
    ):
        at += 1
    return at


def _governed(tokens: list[Token], at: int, prepositions: frozenset[str]) -> int:
    """The end of what a preposition governs there, `at` itself if none does."""
    if at + 1 >= len(tokens) or tokens[at].key not in prepositions:
        return at
    first = at + 1
    if tokens[first].text in MARKS:
        return next((i + 1 for i in range(first + 1, min(first + 8, len(tokens))) if tokens[i].text in MARKS), at)
    end = first
    while (
        end < len(tokens)
        and morphology.may_be(tokens[end].text, ("ADJF", "PRTF"))
        and not morphology.may_be(tokens[end].text, ("NOUN",))
    ):
        end += 1
    if (
        end == len(tokens)
        or not (morphology.may_be(tokens[end].text, ("NOUN",)) or tokens[end].cap)
        or tokens[end].text == QUOTE
    ):
        return at
    # "в Токио | Рюта Хосино": a name follows a place.
    return end + 1 if tokens[end].cap and morphology.is_place(tokens[end].text) else _genitives(tokens, end + 1)


def _name_end(tokens: list[Token], at: int) -> int:
    """The end of two or three words with capitals that are no place: a person's name."""
    end = at
    while end < len(tokens) and end - at < _NAME and tokens[end].cap and tokens[end].text.isalpha():
        end += 1
    whole = end - at >= 2 and (end == len(tokens) or not tokens[end].cap)
    return end if whole and not any(morphology.is_place(t.text) for t in tokens[at:end]) else at
