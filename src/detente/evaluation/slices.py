"""Slices: where a model is better or worse than elsewhere, worst first, corrected for looking at many."""

from typing import TypedDict

from detente.evaluation.intervals import Interval


class SliceScores(TypedDict):
    """Of the `n` rows in which `column` has `value`.

    `difference` is the accuracy in the slice minus that of all other rows, `p` that of no difference and
    `p_holm` the same after Holm's correction over the slices tested; both null where the slice is too
    small to test. `verdict` is `worse`, `better`, `no difference found` or `too few rows`.
    """

    column: str
    value: str
    n: int
    clusters: int
    accuracy: Interval
    macro_f1: Interval
    difference: Interval
    p: float | None
    p_holm: float | None
    verdict: str


class TaskSlices(TypedDict):
    """Slices of one task, least accurate first. `tested` is how many Holm's correction is over.

    `least` is the number of rows from which on a slice is tested. `left_out` names columns, and why.
    """

    rows: list[SliceScores]
    tested: int
    least: int
    left_out: list[str]


# What `metrics.json` holds under `slices`: by split, then by task.
Slices = dict[str, dict[str, TaskSlices]]
