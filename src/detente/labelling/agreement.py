"""How far annotators agree: Krippendorff's alpha with a bootstrap interval, Fleiss' kappa, confusion.

An annotations table has one row a label given: `id` of the statement, `annotator`, `kind` (intent, model or
person), `lang`, and a column a task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.errors import InputError
from detente.seeds import rng
from detente.tasks import Task

BOOTSTRAP = 1000
Counts = NDArray[np.int_]


@dataclass(frozen=True)
class Annotation:
    """One annotator's labels of one statement, with what a person may say beside them.

    `seconds` is the time the labels took, `at` when they were given (ISO 8601, UTC).
    """

    id: str
    annotator: str
    kind: str
    lang: str
    labels: Mapping[str, str]
    skipped: bool = False
    flag: bool = False
    comment: str = ""
    seconds: float | None = None
    at: str = ""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """On one task and part of a table: over `units` statements with at least two labels.

    `alpha` is nominal Krippendorff's alpha with its 95% interval (nan where one label alone occurs);
    `kappa` is Fleiss' over the statements with the commonest number of labels; `pairs[a][b]` counts
    ordered pairs of labels that two annotators gave to one statement.
    """

    units: int
    annotators: int
    alpha: float
    low: float
    high: float
    kappa: float
    pairs: Counts


def label_counts(annotations: Sequence[Annotation], task: Task) -> Counts:
    """How often each statement got each label: (statements, labels), statements in order of appearance."""
    rows: dict[str, Counts] = {}
    # Who labels a statement twice is still one voice: the last label counts.
    for annotation in {(a.id, a.annotator): a for a in annotations}.values():
        label = annotation.labels.get(task.name, "")
        if label:
            row = rows.setdefault(annotation.id, np.zeros(len(task.labels), dtype=int))
            row[task.labels.index(label)] += 1
    return np.array(list(rows.values())).reshape(-1, len(task.labels))


def measure(annotations: Sequence[Annotation], task: Task, *, seed: int) -> Agreement:
    """Agreement on a task. Raises InputError if no statement has two labels."""
    counts = label_counts(annotations, task)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        raise InputError(f"no statement has {task.name} labels by two annotators; agreement needs two or more")
    low, high = _interval(counts, seed=seed)
    return Agreement(
        units=len(counts),
        annotators=len({a.annotator for a in annotations if a.labels.get(task.name)}),
        alpha=alpha(counts),
        low=low,
        high=high,
        kappa=fleiss_kappa(counts),
        pairs=_pairs(counts),
    )


def comparable(annotations: Sequence[Annotation], task: Task) -> bool:
    """Whether any statement has labels of the task by two annotators."""
    return bool((label_counts(annotations, task).sum(axis=1) >= 2).any())


def alpha(counts: Counts) -> float:
    """Nominal Krippendorff's alpha (2011) of counts (statements, labels), each row at least two labels."""
    agreeing, totals = _per_unit(counts)
    return float(_alpha(agreeing.sum(), totals.sum(axis=0)))


def _per_unit(counts: Counts) -> tuple[NDArray[np.float64], Counts]:
    """For each statement: its agreeing pairs over (labels given - 1), and its label counts."""
    given = counts.sum(axis=1)
    return (counts * (counts - 1)).sum(axis=1) / (given - 1), counts


def _alpha(agreeing: Any, totals: Any) -> Any:
    """1 - observed / expected disagreement from summed agreeing pairs (...) and label totals (..., labels)."""
    n = totals.sum(axis=-1)
    observed = 1 - agreeing / n
    expected = 1 - (totals * (totals - 1)).sum(axis=-1) / (n * (n - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - observed / np.where(expected > 0, expected, 1), np.nan)


def _interval(counts: Counts, *, seed: int) -> tuple[float, float]:
    """Percentile bootstrap over statements."""
    agreeing, totals = _per_unit(counts)
    n = len(counts)
    drawn = rng(seed, "agreement").multinomial(n, np.full(n, 1 / n), size=BOOTSTRAP)
    resampled = _alpha(drawn @ agreeing, drawn @ totals)
    if np.isnan(resampled).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return float(low), float(high)


def fleiss_kappa(counts: Counts) -> float:
    """Fleiss (1971) over the statements with the commonest number of labels; nan where it is undefined."""
    given = counts.sum(axis=1)
    m = int(np.bincount(given).argmax())
    kept = counts[given == m]
    observed = ((kept * (kept - 1)).sum(axis=1) / (m * (m - 1))).mean()
    shares = kept.sum(axis=0) / kept.sum()
    expected = float((shares**2).sum())
    return float((observed - expected) / (1 - expected)) if expected < 1 else float("nan")


def _pairs(counts: Counts) -> Counts:
    pairs = counts.T @ counts
    return np.asarray(pairs - np.diag(counts.sum(axis=0)))
