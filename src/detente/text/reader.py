"""What is known while a document is read: its sentences, its people, whom it has spoken of, who spoke last."""

from dataclasses import dataclass, field
from typing import NamedTuple

from detente.text import people
from detente.text.entities import Entity
from detente.text.interviews import Turn
from detente.text.judging import Judge
from detente.text.lexicons import Lexicon
from detente.text.tokens import Token
from detente.text.voices import Cue


class Holder(NamedTuple):
    """As written there, the name it stands for, and the quote type; empty names for the author."""

    written: str = ""
    name: str = ""
    quote: str = "none"


_NOBODY = Holder()


@dataclass(slots=True)
class Sentence:
    """What is known of a sentence while its document is read."""

    start: int
    end: int
    words: str
    tokens: list[Token]
    pieces: list[int]
    cues: list[Cue]
    headline: bool
    paragraph: int
    holder: Holder = _NOBODY
    settled: bool = False
    relevance: float = 0.5
    turn: Turn | None = None


@dataclass(slots=True)
class Reader:
    """The state of reading a document: its text, people, whom it has spoken of, and who spoke last."""

    text: str
    lex: Lexicon
    people: people.People
    judge: Judge
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    # What the document puts in brackets behind a name -> that name.
    short: dict[str, str] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)
    speaker: Holder = _NOBODY
    at: int = 0
    paragraph: int = -1
