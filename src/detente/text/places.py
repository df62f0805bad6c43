"""A sentence as evidence sees it, and what stands at its places."""

from typing import NamedTuple

from detente.text.lexicons import Lexicon
from detente.text.tokens import Token
from detente.text.voices import Cue

# How many letters of a word tell it by its beginning, and by its end; how many words of a sentence are read.
STEM, ENDING, READ = 5, 3, 40
_INSERTED = 18


class View(NamedTuple):
    """A sentence as the features see it: its tokens with their classes, the attributions the grammar found."""

    tokens: list[Token]
    tags: list[str]
    cues: list[Cue]
    chosen: Cue | None
    headline: bool
    relevance: float
    # Words that say in which surroundings the sentence stands: "quoted", "after_quote", "in_article" ...
    state: tuple[str, ...]


def tag_at(tags: list[str], at: int) -> str:
    """The class of the word at a place; "^" before the sentence, "$" behind it."""
    return "^" if at < 0 else "$" if at >= len(tags) else tags[at]


def word_at(tokens: list[Token], at: int) -> str:
    """How the word at a place begins; empty outside the sentence."""
    return tokens[at].key[:STEM] if 0 <= at < len(tokens) else ""


def ending_at(tokens: list[Token], at: int) -> str:
    """How the word at a place ends; empty outside the sentence."""
    return tokens[at].key[-ENDING:] if 0 <= at < len(tokens) else ""


def content_from(view: View, at: int, step: int, lex: Lexicon) -> tuple[str, str]:
    """The first word from a place on that is no auxiliary, adverb or pronoun, and what was stepped over."""
    helped = ""
    for i in range(at, at + 5 * step, step):
        tag = tag_at(view.tags, i)
        if tag in "^$Q,;:—–.!?":
            return tag, helped
        if tag in ("X", "s", "#", "H"):
            helped = "X" if tag == "X" or helped == "X" else "s"
        else:
            return view.tokens[i].key, helped
    return "", helped


def resumes_at(tags: list[str], end: int) -> int:
    """Where a phrase's clause goes on: behind an insertion if one follows at once."""
    if tag_at(tags, end) != ",":
        return end
    return next((i + 1 for i in range(end + 1, min(len(tags), end + _INSERTED)) if tags[i] in (",", ")")), end)
