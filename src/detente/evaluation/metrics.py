"""The measures as functions of gold and predicted labels.

`gold` and `predicted` are positions in a task's labels, shape (n,); `proba` is (n, labels) in that
order. The modules in `evaluation/modules` give them to the `evaluate` library.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.tasks import Task

IntArray = NDArray[np.int_]
_BINS = 10
_FLOOR = 1e-12


def confusion(gold: IntArray, predicted: IntArray, n_labels: int) -> IntArray:
    """Counts (gold, predicted)."""
    flat = np.bincount(gold * n_labels + predicted, minlength=n_labels * n_labels)
    return flat.reshape(n_labels, n_labels)


def f1_by_label(counts: NDArray[Any]) -> FloatArray:
    """F1 of each label from confusion counts (..., labels, labels); 0 where a label neither occurs nor is predicted."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1).astype(float)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    return np.asarray(np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0))


def macro_f1(counts: NDArray[Any]) -> FloatArray:
    """Mean F1 over the labels that occur or are predicted, as scikit-learn averages."""
    present = (counts.sum(axis=-1) + counts.sum(axis=-2)) > 0
    f1 = f1_by_label(counts)
    return np.asarray((f1 * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1))


def mcc(counts: IntArray) -> float:
    """Matthews correlation, the multi-class form of Gorodkin (2004); 0 where it is undefined."""
    total, hits = counts.sum(), np.trace(counts)
    gold, predicted = counts.sum(axis=1), counts.sum(axis=0)
    covariance = float(hits) * float(total) - float(gold @ predicted)
    spread = (float(total) ** 2 - float(predicted @ predicted)) * (float(total) ** 2 - float(gold @ gold))
    return covariance / spread**0.5 if spread > 0 else 0.0


def ece(gold: IntArray, proba: FloatArray) -> float:
    """Expected calibration error of the top label over ten bins of equal mass (Nixon et al. 2019)."""
    confidence = proba.max(axis=1)
    right = proba.argmax(axis=1) == gold
    order = np.argsort(confidence, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(abs(right[b].mean() - confidence[b].mean()) * len(b) for b in bins) / len(gold))


def log_loss(gold: IntArray, proba: FloatArray) -> float:
    """Mean negative log-probability of the gold label, in nats."""
    return float(-np.log(np.clip(proba[np.arange(len(gold)), gold], _FLOOR, 1.0)).mean())


def headline(task: Task, gold: IntArray, predicted: IntArray) -> float:
    """The metric that the task maximises."""
    return float(points(task, confusion(gold, predicted, len(task.labels)))[task.metric])


def points(task: Task, counts: NDArray[Any]) -> dict[str, FloatArray]:
    """Metrics of one confusion matrix (k, k), or of many (resamples, k, k)."""
    polar = task.index(task.polar)
    hits = np.trace(counts, axis1=-2, axis2=-1)
    found = {
        "accuracy": np.asarray(hits / np.maximum(counts.sum(axis=(-2, -1)), 1)),
        "macro_f1": macro_f1(counts),
        "f_avg": np.asarray(f1_by_label(counts)[..., polar].mean(axis=-1)),
    }
    if counts.ndim == 2:
        found["mcc"] = np.asarray(mcc(counts))
    return found
