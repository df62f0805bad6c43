"""Scores of predictions: points, 95% intervals by bootstrap, by any column.

The modules of `evaluate` in `evaluation/modules` wrap the same functions; importing that library takes
seconds, so it is left to those who call it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.errors import InputError
from detente.evaluation.metrics import IntArray, confusion, ece, f1_by_label, log_loss, points
from detente.seeds import rng
from detente.tasks import Task

BOOTSTRAP = 1000


class Interval(TypedDict):
    """A value with its 95% bootstrap interval."""

    value: float
    low: float
    high: float


class LabelScores(TypedDict):
    """Of one label; `n` is how many rows bear it."""

    precision: float
    recall: float
    f1: float
    n: int


class Scores(TypedDict):
    """Of one task on one set of `n` rows. Higher is better but for `ece` and `log_loss`.

    `f_avg` is the mean F1 of the task's polar labels. `confusion[gold][predicted]` counts rows.
    """

    n: int
    accuracy: Interval
    macro_f1: Interval
    f_avg: Interval
    mcc: float
    ece: float
    log_loss: float
    labels: dict[str, LabelScores]
    confusion: list[list[int]]


def score(task: Task, gold: IntArray, proba: FloatArray, *, seed: int, resamples: int = BOOTSTRAP) -> Scores:
    """All scores of one set of rows; intervals by percentile bootstrap over rows (Efron & Tibshirani 1993).

    Raises InputError on no rows or on rows that are no probabilities.
    """
    check_proba(task, proba)
    if len(gold) == 0:
        raise InputError(f"there is no row with a {task.name} label to score; give labelled rows")
    k = len(task.labels)
    predicted = proba.argmax(axis=1)
    counts = confusion(gold, predicted, k)
    found = points(task, counts)
    resampled = points(task, _resampled_counts(gold * k + predicted, k, seed=seed, resamples=resamples))
    intervals = {name: _interval(float(found[name]), resampled[name]) for name in ("accuracy", "macro_f1", "f_avg")}
    return Scores(
        n=len(gold),
        accuracy=intervals["accuracy"],
        macro_f1=intervals["macro_f1"],
        f_avg=intervals["f_avg"],
        mcc=float(found["mcc"]),
        ece=ece(gold, proba),
        log_loss=log_loss(gold, proba),
        labels=_by_label(task, counts),
        confusion=counts.tolist(),
    )


def score_by(task: Task, gold: IntArray, proba: FloatArray, values: Sequence[str], *, seed: int) -> dict[str, Scores]:
    """`score` for the rows of each value, sorted by value; rows without a value stand under "(none)"."""
    named = np.array([value or "(none)" for value in values])
    return {
        str(value): score(task, gold[named == value], proba[named == value], seed=seed) for value in sorted(set(named))
    }


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


def _resampled_counts(cells: IntArray, k: int, *, seed: int, resamples: int) -> NDArray[Any]:
    """Confusion matrices of bootstrap samples: drawing rows is drawing cells of the matrix by their shares."""
    shares = np.bincount(cells, minlength=k * k) / len(cells)
    drawn = rng(seed, "bootstrap").multinomial(len(cells), shares, size=resamples)
    return np.asarray(drawn.reshape(resamples, k, k))


def _interval(point: float, resampled: FloatArray) -> Interval:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Interval(value=point, low=float(low), high=float(high))


def _by_label(task: Task, counts: IntArray) -> dict[str, LabelScores]:
    f1 = f1_by_label(counts)
    out = {}
    for i, label in enumerate(task.labels):
        gold, predicted = int(counts[i].sum()), int(counts[:, i].sum())
        hit = int(counts[i, i])
        out[label] = LabelScores(
            precision=hit / predicted if predicted else 0.0,
            recall=hit / gold if gold else 0.0,
            f1=float(f1[i]),
            n=gold,
        )
    return out
