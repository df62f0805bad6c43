"""What an explanation is made of: the units of a text, and contributions that stand at spans of it.

A contribution is an array (labels,): what something adds to the logit of each label. Contributions of all units and
of the rest sum to the logits.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detente.arrays import FloatArray
from detente.records import Span, Statement

# Words with their hyphens and apostrophes, and runs of marks: every character but blanks lies in one unit.
_UNIT = re.compile(r"\w+(?:[-'’]\w+)*|[^\w\s]+")


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Why a classifier gives one statement the logits that it gives, for one task.

    `logits` may lack a number common to all labels. `contributions` (units, labels) belong to the `units`, spans of
    the text. `terms` name what a linear model counts (n-grams, cues) with what each adds; there are none of an
    encoder. `rest` stands at no place in the text. `gap` is the largest difference over labels between the logits and
    what contributions and rest sum to. `members` are what all units together get from each member of a blend (labels,).
    """

    statement: Statement
    logits: FloatArray
    units: tuple[Span, ...]
    contributions: FloatArray
    terms: tuple[tuple[str, FloatArray], ...]
    rest: Mapping[str, FloatArray]
    members: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """How far the contributions miss the logits, at most over labels."""
        total = self.contributions.sum(axis=0) + sum(self.rest.values(), np.zeros(len(self.logits)))
        return float(np.abs(total - self.logits).max())

    def words(self) -> list[tuple[str, FloatArray]]:
        """The words of the text in lower case with what falls on each; marks are left out."""
        text = self.statement.text
        named = ((text[a:b].lower(), row) for (a, b), row in zip(self.units, self.contributions, strict=True))
        return [(word, row) for word, row in named if any(c.isalnum() for c in word)]

    def features(self) -> list[tuple[str, FloatArray]]:
        """The word n-grams and cues that the model counts, with what each adds; no character n-grams."""
        return [(name, of) for name, of in self.terms if name.startswith(("word:", "left:", "right:", "cue:"))]


def units_of(text: str) -> tuple[Span, ...]:
    """The spans of the words and marks of a text, in order."""
    return tuple(match.span() for match in _UNIT.finditer(text))


def placed(
    units: Sequence[Span], pieces: Sequence[tuple[Span, FloatArray]], n_labels: int
) -> tuple[FloatArray, FloatArray]:
    """(contributions of the units (units, labels), what fell on no unit (labels,)).

    A piece that covers several units is shared among them by the characters it covers of each.
    """
    out, lost = np.zeros((len(units), n_labels)), np.zeros(n_labels)
    starts = np.array([start for start, _ in units], dtype=int)
    ends = np.array([end for _, end in units], dtype=int)
    for (start, end), contribution in pieces:
        first, last = int(np.searchsorted(ends, start, side="right")), int(np.searchsorted(starts, end, side="left"))
        shares = np.minimum(ends[first:last], end) - np.maximum(starts[first:last], start)
        if not len(shares) or shares.sum() <= 0:
            lost += contribution
            continue
        out[first:last] += np.outer(shares / shares.sum(), contribution)
    return out, lost


def centred(contribution: FloatArray) -> FloatArray:
    """Contributions (..., labels) against their mean over labels: softmax sees no other part of them."""
    return np.asarray(contribution - contribution.mean(axis=-1, keepdims=True))


def without(text: str, units: Sequence[Span]) -> str:
    """The text with some of its units deleted and blanks joined."""
    kept, at = [], 0
    for start, end in sorted(units):
        kept.append(text[at:start])
        at = end
    return " ".join("".join([*kept, text[at:]]).split())
