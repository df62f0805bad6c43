"""Gold labels from several voices: the majority, the author's intent one voice among them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Gold:
    """The label most voices gave ("" if two labels lead together), and whether any voice differed."""

    label: str
    unanimous: bool


def majority(labels: Sequence[str]) -> Gold:
    """The majority of at least one label.

    >>> majority(["neutral", "neutral", "skeptical"])
    Gold(label='neutral', unanimous=False)
    >>> majority(["neutral", "skeptical"]).label
    ''
    """
    ranked = Counter(labels).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return Gold("" if tied else ranked[0][0], len(ranked) == 1)
