"""Answering only where it is sure: risk and coverage, and thresholds that keep the error under a stated rate.

A row is answered where its confidence is at least the task's threshold. What stands in `metrics.json` under
`abstention` is `{split: {task: Abstention}}`; in a checkpoint's manifest, `{task: Thresholds}`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from detente.arrays import FloatArray
from detente.errors import CheckpointError, UsageError
from detente.evaluation.metrics import IntArray
from detente.evaluation.proportions import clopper_pearson, wilson
from detente.evaluation.scoring import Interval, check_proba
from detente.seeds import rng
from detente.tasks import Task

RATES = (0.02, 0.05, 0.10, 0.15, 0.20, 0.30)
ASSURANCE = 0.95
STEP = 0.01
POINTS = 60
DRAWS = 400


class RateThreshold(TypedDict):
    """The confidence from which rows are answered so that at most `rate` of the answered are wrong.

    `threshold` is None where no threshold could be shown to keep the rate. `coverage` and `error` are those of
    the rows it was chosen on.
    """

    rate: float
    threshold: float | None
    coverage: float
    error: float | None


class Thresholds(TypedDict):
    """Of one task: thresholds by rate, each kept with probability `assurance` over draws of the `n` rows."""

    assurance: float
    n: int
    rates: list[RateThreshold]


class Answered(TypedDict):
    """What a stored threshold does on other rows. Intervals are 95%: Wilson for coverage, Clopper-Pearson for error.

    `error` is None where nothing is answered; `kept` says whether the rate lies above the lower end of the error.
    """

    rate: float
    threshold: float
    n: int
    answered: int
    wrong: int
    coverage: Interval
    error: Interval | None
    kept: bool


class Point(TypedDict):
    """Of the risk-coverage curve: answering all rows of at least this confidence; `low` and `high` of the error."""

    threshold: float
    coverage: float
    error: float
    low: float
    high: float


class Abstention(TypedDict):
    """Of one task on `n` rows.

    `aurc` is the area under the risk-coverage curve (Geifman & El-Yaniv 2017; lower is better), `aurc_best` that
    of an order that puts every right row before every wrong one, `aurc_random` (the error with no abstention) that
    of no order at all. `points` go from the surest rows to all; `rates` are the checkpoint's stored thresholds.
    """

    n: int
    error: float
    aurc: Interval
    aurc_best: float
    aurc_random: float
    points: list[Point]
    rates: list[Answered]
