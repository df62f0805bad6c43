"""Scores of predictions: every measure with its 95% interval, over all rows or by any column.

The modules of `evaluate` in `evaluation/modules` wrap the same functions; importing that library takes
seconds, so it is left to those who call it.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from detente.arrays import FloatArray
from detente.errors import InputError
from detente.evaluation import intervals, metrics
from detente.evaluation.intervals import RESAMPLES, Interval, no_interval
from detente.evaluation.metrics import IntArray
from detente.tasks import Task

__all__ = ["Interval", "LabelScores", "Scores", "check_proba", "mean_f_avg", "score", "score_by"]

_FEW = 10


class LabelScores(TypedDict):
    """Of one label; `n` is how many rows bear it. No interval of what no row speaks to."""

    precision: Interval
    recall: Interval
    f1: Interval
    n: int


class Scores(TypedDict):
    """Of one task on one set of `n` rows in `clusters` (the units drawn by the bootstrap: `n` if rows stand alone).

    Higher is better but for `ece` and `log_loss`; these are null where predictions came without
    probabilities. `f_avg` is the mean F1 of the task's polar labels. `confusion[gold][predicted]` counts
    rows. `note` says what the rows do not allow; empty if there is nothing to say.
    """

    n: int
    clusters: int
    accuracy: Interval
    macro_f1: Interval
    f_avg: Interval
    mcc: Interval
    ece: Interval | None
    log_loss: Interval | None
    labels: dict[str, LabelScores]
    confusion: list[list[int]]
    note: str


def score(
    task: Task,
    gold: IntArray,
    proba: FloatArray,
    *,
    seed: int,
    clusters: Sequence[str] | None = None,
    only_labels: bool = False,
    resamples: int = RESAMPLES,
) -> Scores:
    """All scores of one set of rows, with intervals over rows or over `clusters`, the name of each row's.

    `only_labels` says that `proba` holds ones and zeros for want of probabilities. Raises InputError on
    no rows or on rows that are no probabilities.
    """
    check_proba(task, proba)
    if len(gold) == 0:
        raise InputError(f"there is no row with a {task.name} label to score; give labelled rows")
    predicted = proba.argmax(axis=1)
    counts = metrics.confusion(gold, predicted, len(task.labels))
    numbers = np.arange(len(gold)) if clusters is None else intervals.numbered(clusters)
    n_units = int(numbers.max()) + 1
    drawn = resampled_counts(task, gold, predicted, numbers, seed=seed, resamples=resamples)
    widen = intervals.widening(n_units)
    found = of_counts(task, counts, drawn, n_units)
    calibration = None if only_labels else _of_proba(gold, proba, numbers, widen, seed=seed, resamples=resamples)
    return Scores(
        n=len(gold),
        clusters=n_units,
        accuracy=found["accuracy"],
        macro_f1=found["macro_f1"],
        f_avg=found["f_avg"],
        mcc=found["mcc"],
        ece=calibration[0] if calibration else None,
        log_loss=calibration[1] if calibration else None,
        labels=_by_label(task, counts, drawn, widen),
        confusion=counts.tolist(),
        note=_note(task, counts, n_units),
    )


def resampled_counts(
    task: Task,
    gold: IntArray,
    predicted: IntArray,
    clusters: IntArray,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> FloatArray:
    """Confusion counts of bootstrap samples of the clusters 0 … g-1 and two pseudo-statements: (resamples, k, k)."""
    k = len(task.labels)
    units = intervals.sum_by(clusters, np.eye(k * k)[gold * k + predicted])
    pseudo = intervals.pseudo_units(metrics.confusion(gold, predicted, k))
    return intervals.resample(units, seed=seed, resamples=resamples, pseudo=pseudo, extra=2).reshape(-1, k, k)


def of_counts(task: Task, counts: IntArray, drawn: FloatArray, n_units: int) -> dict[str, Interval]:
    """Accuracy and the measures over labels from counts (k, k) and resampled ones; see `resampled_counts`.

    Where gold has one label only, the measures over labels have no interval.
    """
    points, resampled = metrics.points(task, counts), metrics.points(task, drawn)
    one_label = (counts.sum(axis=1) > 0).sum() < 2
    found = {}
    for name, value in points.items():
        if one_label and name != "accuracy":
            found[name] = no_interval(float(value))
        else:
            least = -1.0 if name == "mcc" else 0.0
            widen = intervals.widening(n_units)
            found[name] = intervals.interval(float(value), resampled[name], widen=widen, least=least)
    return found


def score_by(
    task: Task,
    gold: IntArray,
    proba: FloatArray,
    values: Sequence[str],
    *,
    seed: int,
    clusters: Sequence[str] | None = None,
    only_labels: bool = False,
) -> dict[str, Scores]:
    """`score` for the rows of each value, sorted by value; rows without a value stand under "(none)"."""
    named = np.array([value or "(none)" for value in values])
    found = {}
    for value in sorted(set(named)):
        rows = np.flatnonzero(named == value)
        within = None if clusters is None else [clusters[int(i)] for i in rows]
        found[str(value)] = score(task, gold[rows], proba[rows], seed=seed, clusters=within, only_labels=only_labels)
    return found


def mean_f_avg(by_target: Mapping[str, Scores]) -> float:
    """F_avg averaged over targets, as P-Stance reports it."""
    return float(np.mean([scores["f_avg"]["value"] for scores in by_target.values()]))


def check_proba(task: Task, proba: FloatArray) -> None:
    """Raise InputError unless rows are probabilities over the task's labels."""
    if proba.ndim != 2 or proba.shape[1] != len(task.labels):
        raise InputError(
            f"probabilities of {task.name} have shape {proba.shape}; {len(task.labels)} columns are needed"
        )
    bad = np.flatnonzero(~(np.isfinite(proba).all(axis=1) & (abs(proba.sum(axis=1) - 1) < 1e-3)))
    if len(bad):
        raise InputError(
            f"row {bad[0] + 1}: the probabilities of {task.name} are {np.round(proba[bad[0]], 3).tolist()}; "
            "each row must be numbers that sum to one"
        )


def _of_proba(
    gold: IntArray, proba: FloatArray, clusters: IntArray, widen: float, *, seed: int, resamples: int
) -> tuple[Interval, Interval]:
    """ECE and log-loss; the bins of the ECE are those of the rows in every resample."""
    bins, gaps = metrics.calibration_gaps(gold, proba)
    losses = metrics.log_losses(gold, proba)
    columns = np.column_stack([np.ones(len(gold)), losses, np.eye(metrics.BINS)[bins] * gaps[:, None]])
    sums = intervals.resample(intervals.sum_by(clusters, columns), seed=seed, resamples=resamples)
    rows = sums[:, 0]
    return (
        intervals.of_absolute_sum(columns[:, 2:].mean(axis=0), sums[:, 2:] / rows[:, None], widen=widen),
        intervals.interval(float(losses.mean()), sums[:, 1] / rows, widen=widen, most=float("inf")),
    )


def _by_label(task: Task, counts: IntArray, drawn: FloatArray, widen: float) -> dict[str, LabelScores]:
    measures = {"precision": metrics.precision_by_label, "recall": metrics.recall_by_label, "f1": metrics.f1_by_label}
    points = {name: measure(counts) for name, measure in measures.items()}
    resampled = {name: measure(drawn) for name, measure in measures.items()}
    gold, predicted = counts.sum(axis=1), counts.sum(axis=0)
    speaks = {"precision": predicted > 0, "recall": gold > 0, "f1": gold + predicted > 0}

    def of(name: str, i: int) -> Interval:
        value = float(points[name][i])
        return intervals.interval(value, resampled[name][:, i], widen=widen) if speaks[name][i] else no_interval(value)

    return {
        label: LabelScores(precision=of("precision", i), recall=of("recall", i), f1=of("f1", i), n=int(gold[i]))
        for i, label in enumerate(task.labels)
    }


def _note(task: Task, counts: IntArray, n_units: int) -> str:
    """What the rows do not allow, as one sentence for each."""
    absent = [label for label, n in zip(task.labels, counts.sum(axis=1), strict=True) if n == 0]
    notes = []
    if len(absent) >= len(task.labels) - 1:
        notes.append("gold has one label only: F1 averages and MCC have no interval")
    elif absent:
        notes.append(f"no row is {' or '.join(absent)} in gold")
    if n_units < int(counts.sum()) and n_units < _FEW:
        notes.append(
            "all rows are of one cluster: no interval is possible over clusters"
            if n_units < 2
            else f"only {n_units} clusters: the intervals are rough"
        )
    return "; ".join(notes)
