"""What a labeller gives back for some statements."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detente.arrays import FloatArray
from detente.records import Statement


@dataclass(frozen=True)
class Answers:
    """Probabilities by task, (n, labels), a row of nan where no label was given, then `reasons` says why.

    `columns` are further columns of text by name, one value a statement.
    """

    proba: Mapping[str, FloatArray]
    reasons: Sequence[str] = ()
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)


Labeller = Callable[[Sequence[Statement]], Answers]


def labels_of(proba: FloatArray, labels: Sequence[str]) -> list[str]:
    """The likeliest label of each row, empty for a row of nan."""
    return ["" if np.isnan(row).any() else labels[int(row.argmax())] for row in proba]
