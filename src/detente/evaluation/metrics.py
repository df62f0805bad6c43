"""The measures as functions of gold and predicted labels.

`gold` and `predicted` are positions in a task's labels, shape (n,); `proba` is (n, labels) in that
order. The modules in `evaluation/modules` give them to the `evaluate` library.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.tasks import Task

IntArray = NDArray[np.int_]
# A measure of confusion counts (..., labels, labels).
Measure = Callable[[NDArray[Any]], FloatArray]
BINS = 10
_FLOOR = 1e-12


def confusion(gold: IntArray, predicted: IntArray, n_labels: int) -> IntArray:
    """Counts (gold, predicted)."""
    flat = np.bincount(gold * n_labels + predicted, minlength=n_labels * n_labels)
    return flat.reshape(n_labels, n_labels)


def recall_by_label(counts: NDArray[Any]) -> FloatArray:
    """Share of each label's rows that are found, from confusion counts (..., labels, labels); 0 where it has none."""
    return _ratio(_hits(counts), counts.sum(axis=-1))


def precision_by_label(counts: NDArray[Any]) -> FloatArray:
    """Share of the rows predicted as each label that bear it; 0 where none is predicted so."""
    return _ratio(_hits(counts), counts.sum(axis=-2))


def f1_by_label(counts: NDArray[Any]) -> FloatArray:
    """F1 of each label from confusion counts (..., labels, labels); 0 where a label neither occurs nor is predicted."""
    return _ratio(2 * _hits(counts), counts.sum(axis=-1) + counts.sum(axis=-2))


def macro_f1(counts: NDArray[Any]) -> FloatArray:
    """Mean F1 over the labels that occur or are predicted, as scikit-learn averages."""
    present = (counts.sum(axis=-1) + counts.sum(axis=-2)) > 0
    f1 = f1_by_label(counts)
    return np.asarray((f1 * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1))


def accuracy(counts: NDArray[Any]) -> FloatArray:
    """Share of rows on the diagonal of confusion counts (..., labels, labels)."""
    return _ratio(_hits(counts).sum(axis=-1), counts.sum(axis=(-2, -1)))


def mcc(counts: NDArray[Any]) -> FloatArray:
    """Matthews correlation, the multi-class form of Gorodkin (2004), of (..., k, k); 0 where it is undefined."""
    counts = np.asarray(counts, dtype=float)
    total, hits = counts.sum(axis=(-2, -1)), _hits(counts).sum(axis=-1)
    gold, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    covariance = hits * total - (gold * predicted).sum(axis=-1)
    spread = (total**2 - (predicted**2).sum(axis=-1)) * (total**2 - (gold**2).sum(axis=-1))
    # Rounding leaves a trace of spread where one label fills a margin: it is none.
    flat = spread <= 1e-12 * total**4
    return _ratio(covariance, np.sqrt(np.where(flat, 0.0, spread)))


def calibration_gaps(gold: IntArray, proba: FloatArray) -> tuple[IntArray, FloatArray]:
    """(bin, hit minus confidence) of each row: ten bins of equal mass by the top label's probability."""
    confidence = proba.max(axis=1)
    right = proba.argmax(axis=1) == gold
    order = np.argsort(confidence, kind="stable")
    bins = np.empty(len(gold), dtype=int)
    for i, part in enumerate(np.array_split(order, BINS)):
        bins[part] = i
    return bins, np.asarray(right - confidence)


def ece(gold: IntArray, proba: FloatArray) -> float:
    """Expected calibration error of the top label over ten bins of equal mass (Nixon et al. 2019)."""
    bins, gaps = calibration_gaps(gold, proba)
    return float(np.abs(np.bincount(bins, gaps, minlength=BINS)).sum() / len(gold))


def log_losses(gold: IntArray, proba: FloatArray) -> FloatArray:
    """Negative log-probability of each row's gold label, in nats."""
    return np.asarray(-np.log(np.clip(proba[np.arange(len(gold)), gold], _FLOOR, 1.0)))


def log_loss(gold: IntArray, proba: FloatArray) -> float:
    """Mean negative log-probability of the gold label, in nats."""
    return float(log_losses(gold, proba).mean())


def headline(task: Task, gold: IntArray, predicted: IntArray) -> float:
    """The metric that the task maximises."""
    return float(points(task, confusion(gold, predicted, len(task.labels)))[task.metric])


def points(task: Task, counts: NDArray[Any]) -> dict[str, FloatArray]:
    """Metrics of one confusion matrix (k, k), or of many (resamples, k, k)."""
    polar = task.index(task.polar)
    return {
        "accuracy": accuracy(counts),
        "macro_f1": macro_f1(counts),
        "f_avg": np.asarray(f1_by_label(counts)[..., polar].mean(axis=-1)),
        "mcc": mcc(counts),
    }


def _hits(counts: NDArray[Any]) -> FloatArray:
    return np.asarray(np.diagonal(counts, axis1=-2, axis2=-1), dtype=float)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> FloatArray:
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
