"""Who decides between readings: in use the trained weights, while these are fitted the annotations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from detente.text.entities import Option
from detente.text.mentions import Mention
from detente.text.weights import Models, load, score, totals

QUOTES = ("direct", "indirect", "none")


class Reading(NamedTuple):
    """A phrase of a sentence, nobody, or the voice before, with the evidence for it."""

    kind: Literal["phrase", "nobody", "before"]
    at: int
    mention: Mention | None
    features: list[str]
    score: float


class Judge(Protocol):
    """Chooses for the sentence of a number; `models` weigh the readings that are not chosen."""

    @property
    def models(self) -> Models:
        """The weights."""

    def hold(self, at: int, found: Sequence[Reading]) -> int:
        """Which reading tells the holder."""

    def name(self, at: int, found: Sequence[Option]) -> int:
        """Whom a phrase means."""

    def quote(self, at: int, features: list[str]) -> str:
        """The quote type."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Takes what scores highest, the first of equals."""

    models: Models = field(default_factory=load)

    def hold(self, at: int, found: Sequence[Reading]) -> int:
        """The reading with the highest score."""
        return _highest([reading.score for reading in found])

    def name(self, at: int, found: Sequence[Option]) -> int:
        """The option with the highest score."""
        return _highest([score(self.models.names, option.features) for option in found])

    def quote(self, at: int, features: list[str]) -> str:
        """The quote type with the highest score."""
        return QUOTES[_highest(totals(self.models.quotes, features, len(QUOTES)))]


def _highest(scores: Sequence[float]) -> int:
    return scores.index(max(scores))
