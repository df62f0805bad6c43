"""Bias: does the speaker's name, role or country, or the outlet, move the label when nothing else changes?

The labelling guide judges what is said, never who says it. So each counterfactual swap should leave the label, and
the probabilities, where they were.
"""

from typing import TypedDict

from detente.evaluation.probes import Example, Rate
from detente.evaluation.scoring import Interval


class Shift(TypedDict):
    """What a swap does: `flips` is the share of cases whose label changes; `shift` the mean change of each label's
    probability (after minus before) with its 95% interval, clustered like `flips`.
    """

    flips: Rate
    shift: dict[str, Interval]


class SwapScores(TypedDict):
    """One swap, made `on` template sentences ("templates") or measured statements ("statements").

    `swap` says from whom to whom, as "Russia -> United States". `clear` names the labels whose mean shift
    differs from zero after Holm's correction over all swaps, labels and materials of the task.
    """

    task: str
    swap: str
    on: str
    all: Shift
    by_lang: dict[str, Shift]
    clear: list[str]
    examples: list[Example]


# The section `bias` of metrics.json: one entry for each task, swap and material.
Bias = list[SwapScores]
