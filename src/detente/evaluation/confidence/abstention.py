"""Answering only where it is sure: risk and coverage, and thresholds that keep the error under a stated rate.

A row is answered where its confidence is at least the task's threshold. What stands in `metrics.json` under
`abstention` is `{split: {task: Abstention}}`; a checkpoint's manifest holds `{task: Thresholds}` under `thresholds`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from detente.arrays import FloatArray
from detente.errors import UsageError
from detente.evaluation.confidence.proportions import Estimate, exact_share, share, wilson
from detente.evaluation.metrics import IntArray
from detente.evaluation.scoring import check_proba
from detente.seeds import rng
from detente.tasks import Task

RATES = (0.02, 0.05, 0.10, 0.15, 0.20, 0.30)
ASSURANCE = 0.95
STEP = 0.01
# Where the tests start: high enough for a low rate, low enough to have rows; alike for all rates, so that a
# higher rate never answers less.
STARTS = (0.98, 0.93, 0.85, 0.70)
POINTS = 60
DRAWS = 400
MIN_ROWS = 50


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
    coverage: Estimate
    error: Estimate | None
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
    `by_lang` says what they do in each language of at least `MIN_ROWS` rows: the promise is for all rows together.
    """

    n: int
    error: float
    aurc: Estimate
    aurc_best: float
    aurc_random: float
    points: list[Point]
    rates: list[Answered]
    by_lang: dict[str, list[Answered]]


def fit_thresholds(
    gold: IntArray, proba: FloatArray, *, rates: Sequence[float] = RATES, assurance: float = ASSURANCE
) -> Thresholds:
    """For each rate the lowest confidence threshold shown, on rows that trained nothing, to keep it.

    Learn-then-Test with fixed-sequence testing (Angelopoulos, Bates, Candès, Jordan & Lei 2021): thresholds of a
    grid laid down beforehand are tested from the surest downwards, from four starting points, each by the exact
    binomial test (the Clopper-Pearson bound) of "more than `rate` of the answered are wrong" at a quarter of
    1 - assurance, until the first that cannot be rejected. The promise holds at every sample size, for rows
    drawn like these ones, and needs no assumption on how the error falls with confidence.
    """
    confidence, wrong = proba.max(axis=1), proba.argmax(axis=1) != gold
    grid = _grid(proba.shape[1])
    answered = np.array([(confidence >= threshold).sum() for threshold in grid])
    errors = np.array([wrong[confidence >= threshold].sum() for threshold in grid])
    found = []
    for rate in rates:
        at = _lowest(answered, errors, grid, rate=rate, level=1 - assurance)
        found.append(
            RateThreshold(
                rate=rate,
                threshold=None if at is None else float(grid[at]),
                coverage=0.0 if at is None else float(answered[at] / len(gold)),
                error=None if at is None else float(errors[at] / answered[at]),
            )
        )
    return Thresholds(assurance=assurance, n=len(gold), rates=found)


def _grid(labels: int) -> FloatArray:
    """Thresholds from 0.99 down to where every row is answered, which is written as 0."""
    steps = np.arange(1 - STEP, 1 / labels, -STEP)
    return np.append(np.round(steps, 4), 0.0)


def _lowest(answered: IntArray, errors: IntArray, grid: FloatArray, *, rate: float, level: float) -> int | None:
    """The position in the grid of the lowest threshold that the tests reach; None if they reach none."""
    from scipy.stats import binom

    passed = (answered > 0) & (binom.cdf(errors, answered, rate) <= level / len(STARTS))
    reached: list[int] = []
    for start in STARTS:
        at = int(np.argmax(grid <= start + 1e-9))
        while at < len(grid) and passed[at]:
            reached.append(at)
            at += 1
    return max(reached, default=None)


def abstention(
    task: Task,
    gold: IntArray,
    proba: FloatArray,
    *,
    thresholds: Thresholds | None,
    languages: Sequence[str] = (),
    seed: int,
) -> Abstention:
    """The risk-coverage curve of `proba` (n, labels) against `gold` (n,), and what stored thresholds do here.

    `languages` gives each row's language, or nothing.
    """
    check_proba(task, proba)
    confidence, wrong = proba.max(axis=1), (proba.argmax(axis=1) != gold).astype(float)
    order = np.argsort(-confidence, kind="stable")
    ordered, errors = confidence[order], wrong[order]
    kept = [entry for entry in (thresholds["rates"] if thresholds else []) if entry["threshold"] is not None]
    named = np.array(list(languages) or [""] * len(gold))
    parts = {lang: named == lang for lang in sorted(set(named.tolist()) - {""})}
    parts = {lang: rows for lang, rows in parts.items() if MIN_ROWS <= rows.sum() < len(gold)}
    return Abstention(
        n=len(gold),
        error=float(wrong.mean()),
        aurc=_aurc(ordered, errors, seed=seed),
        aurc_best=float(_area(np.sort(errors), np.ones(len(errors)))),
        aurc_random=float(wrong.mean()),
        points=_points(ordered, errors),
        rates=[_answered(confidence, wrong, entry) for entry in kept],
        by_lang={
            lang: [_answered(confidence[rows], wrong[rows], entry) for entry in kept] for lang, rows in parts.items()
        },
    )


def _answered(confidence: FloatArray, wrong: FloatArray, entry: RateThreshold) -> Answered:
    threshold = float(entry["threshold"] or 0.0)
    rows = confidence >= threshold
    answered, errors = int(rows.sum()), int(wrong[rows].sum())
    error = exact_share(errors, answered) if answered else None
    return Answered(
        rate=entry["rate"],
        threshold=threshold,
        n=len(wrong),
        answered=answered,
        wrong=errors,
        coverage=share(answered, len(wrong)),
        error=error,
        kept=error is None or error["low"] <= entry["rate"],
    )


def _aurc(ordered: FloatArray, errors: FloatArray, *, seed: int) -> Estimate:
    """The area with its 95% percentile bootstrap interval; rows of equal confidence share their errors evenly."""
    _, group = np.unique(-ordered, return_inverse=True)
    even = (np.bincount(group, errors) / np.bincount(group))[group]
    n, draw = len(errors), rng(seed, "aurc")
    resampled = [_area(even, np.bincount(draw.integers(0, n, n), minlength=n)) for _ in range(DRAWS)]
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Estimate(value=float(_area(even, np.ones(n))), low=float(low), high=float(high))


def _area(errors: FloatArray, counts: FloatArray | IntArray) -> float:
    """Mean risk over the coverages 1/n … 1 of rows in order, each counted `counts` times."""
    risk = np.cumsum(errors * counts) / np.maximum(np.cumsum(counts), 1)
    return float((risk * counts).sum() / counts.sum())


def _points(ordered: FloatArray, errors: FloatArray) -> list[Point]:
    """Up to `POINTS` points at even coverages, each at the last row of its confidence."""
    n = len(ordered)
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    wanted = np.linspace(n / POINTS, n, POINTS) - 1
    chosen = last[np.unique(np.minimum(np.searchsorted(last, wanted), len(last) - 1))]
    wrong = np.cumsum(errors)
    points = []
    for at in chosen.tolist():
        hits, rows = int(wrong[at]), at + 1
        low, high = wilson(hits, rows)
        points.append(Point(threshold=float(ordered[at]), coverage=rows / n, error=hits / rows, low=low, high=high))
    return points


def stored(about: Mapping[str, Any], task: Task) -> Thresholds | None:
    """The thresholds of a task in what a checkpoint's manifest says; None in checkpoints older than thresholds."""
    found: Thresholds | None = about.get("thresholds", {}).get(task.name)
    return found


def threshold_at(thresholds: Thresholds | None, task: Task, rate: float) -> float:
    """The confidence from which a task is answered at `rate`.

    Raises UsageError, naming the lowest rate that can be kept, where there is no threshold for it.
    """
    if thresholds is None:
        raise UsageError(
            f"abstain={rate:g}: the checkpoint holds no thresholds for {task.name}; it was trained before there were "
            "any: train again"
        )
    kept = [entry["rate"] for entry in thresholds["rates"] if entry["threshold"] is not None]
    for entry in thresholds["rates"]:
        if abs(entry["rate"] - rate) < 1e-9 and entry["threshold"] is not None:
            return entry["threshold"]
    can = (
        f"the lowest that can be kept is {min(kept):g} (of {', '.join(f'{r:g}' for r in kept)}): "
        f"abstain={{{task.name}:{min(kept):g}}} for this task alone"
        if kept
        else f"none can be kept on the {thresholds['n']} rows of dev: more of them, or a better model, are needed"
    )
    if any(abs(entry["rate"] - rate) < 1e-9 for entry in thresholds["rates"]):
        what = f"no threshold is sure to keep the error of {task.name} under {rate:g} on the {thresholds['n']} dev rows"
    else:
        what = f"the checkpoint has no threshold for {task.name} at {rate:g}"
    raise UsageError(f"abstain={rate:g}: {what}; {can}")
