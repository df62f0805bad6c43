"""Slices: where a model is better or worse than elsewhere, worst first, corrected for looking at many.

A slice is the rows with one value of a column; a row with several values (tags) is in several slices.
Slices are compared by accuracy, which means the same whatever labels a slice holds; macro-F1 stands beside it.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.errors import UsageError, did_you_mean
from detente.evaluation import intervals, metrics
from detente.evaluation.clusters import value_of
from detente.evaluation.intervals import Interval
from detente.evaluation.metrics import IntArray
from detente.evaluation.scoring import of_counts, resampled_counts
from detente.records import FIELDS, Statement
from detente.tasks import Task

AUTO = "auto"
NONE_GIVEN = "(none)"
_LEAST = 30  # rows from which on a slice is tested
_MOST_VALUES = 40  # of a column; the rarer ones are left out
_LENGTHS = (100, 200, 400)
_LEVEL = 0.05


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
    """Slices of one task, least accurate first: those found worse, the others tested, then those too small.

    `tested` is how many Holm's correction is over, `least` the number of rows from which on a slice is
    tested. `left_out` names columns that could not be sliced, and why.
    """

    rows: list[SliceScores]
    tested: int
    least: int
    left_out: list[str]


# What `metrics.json` holds under `slices`: by split, then by task.
Slices = dict[str, dict[str, TaskSlices]]


def slice_scores(
    task: Task,
    statements: Sequence[Statement],
    gold: IntArray,
    predicted: IntArray,
    columns: Sequence[str],
    *,
    seed: int,
    clusters: Sequence[str] | None = None,
) -> TaskSlices:
    """Accuracy and macro-F1 of every value of `columns` (`auto`: those of `columns_of`), worst first.

    Raises UsageError for a column that no statement has.
    """
    numbers = np.arange(len(gold)) if clusters is None else intervals.numbered(clusters)
    rows: list[SliceScores] = []
    left_out: list[str] = []
    for column, given in _expanded(columns, task, statements):
        by_value, why = _members(column, [_values(s, column) for s in statements])
        if why:
            left_out += [why] if given or by_value else []
        for value, inside in by_value.items():
            rows.append(_one(task, column, value, inside, gold, predicted, numbers, seed))
    _correct(rows)
    rows.sort(key=lambda row: (row["verdict"] != "worse", row["p"] is None, row["accuracy"]["value"], -row["n"]))
    tested = sum(row["p"] is not None for row in rows)
    return TaskSlices(rows=rows, tested=tested, least=_LEAST, left_out=left_out)


def _tone(statement: Statement) -> str:
    """Whether the tone goes with the stance, of statements that have both."""
    sign = {"cooperative": 1, "skeptical": -1, "positive": 1, "negative": -1, "neutral": 0}
    stance, tone = (sign.get(statement.labels.get(name, "")) for name in ("stance", "sentiment"))
    if stance is None or tone is None:
        return ""
    return "tone or stance neutral" if not stance * tone else "with the stance" if stance == tone else "against it"


def _length(statement: Statement) -> str:
    n = len(statement.text)
    bounds = (0, *_LENGTHS)
    for low, high in zip(bounds, _LENGTHS, strict=False):
        if n <= high:
            return f"{low + 1}–{high} characters"
    return f"over {_LENGTHS[-1]} characters"


def _year(statement: Statement) -> str:
    year = str(value_of(statement, "year") or statement.date)[:4]
    return year if year.isdigit() else ""


def _decade(statement: Statement) -> str:
    year = _year(statement)
    return f"{year[:3]}0s" if year else ""


# Columns made from others.
_MADE: dict[str, Callable[[Statement], str]] = {"length": _length, "year": _year, "decade": _decade, "tone": _tone}
_USUAL = ("lang", "holder_side", "resource", "decade", "length", "quote", "source", "register", "hard", "tone")


def _expanded(columns: Sequence[str], task: Task, statements: Sequence[Statement]) -> list[tuple[str, bool]]:
    """(column, whether it was asked for by name), `auto` spelled out with the labels of other tasks."""
    found: dict[str, bool] = {}
    labels = sorted({name for s in statements for name in s.labels} - {task.name})
    known = {*FIELDS, *_MADE, *labels, *(name for s in statements for name in s.extra)}
    for column in columns:
        if column == AUTO:
            found = {**dict.fromkeys((*_USUAL, *labels), False), **found}
        elif column == task.name:
            raise UsageError(f"slices names {column}, the very label that is measured; its labels have a table already")
        elif column not in known:
            raise UsageError(f'slices names "{column}", which is no column; {did_you_mean(column, known)}')
        else:
            found[column] = True
    return list(found.items())


def _values(statement: Statement, column: str) -> list[str]:
    """The values of a statement in a column: several where the cell is a list, in JSON or as it was read."""
    value: Any = value_of(statement, column)
    if column in _MADE and (column != "year" or value in (None, "")):
        value = _MADE[column](statement)
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, list | tuple):
        return [str(each) for each in value] or [NONE_GIVEN]
    return [str(value) if value not in (None, "") else NONE_GIVEN]


def _members(column: str, values: Sequence[Sequence[str]]) -> tuple[dict[str, NDArray[np.bool_]], str]:
    """Which rows are in the slice of each value, and what was left out of the column, if anything."""
    counted = Counter(value for each in values for value in set(each))
    if len(counted) < 2:
        return {}, f"{column}: all rows have the same value"
    kept = [value for value, _ in counted.most_common(_MOST_VALUES)]
    at = {value: i for i, value in enumerate(kept)}
    inside = np.zeros((len(kept), len(values)), dtype=bool)
    for row, each in enumerate(values):
        for value in each:
            if value in at:
                inside[at[value], row] = True
    rest = len(counted) - len(kept)
    why = f"{column}: the {rest} rarest of {len(counted)} values" if rest else ""
    return {value: inside[i] for value, i in at.items() if not inside[i].all()}, why


def _one(
    task: Task,
    column: str,
    value: str,
    inside: NDArray[np.bool_],
    gold: IntArray,
    predicted: IntArray,
    clusters: IntArray,
    seed: int,
) -> SliceScores:
    _, within = np.unique(clusters[inside], return_inverse=True)
    n, n_units = int(inside.sum()), int(within.max()) + 1
    counts = metrics.confusion(gold[inside], predicted[inside], len(task.labels))
    drawn = resampled_counts(task, gold[inside], predicted[inside], within, seed=seed)
    found = of_counts(task, counts, drawn, n_units)
    difference, p = difference_of_shares(gold == predicted, inside, clusters)
    tested = n >= _LEAST and difference["low"] is not None
    return SliceScores(
        column=column,
        value=value,
        n=n,
        clusters=n_units,
        accuracy=found["accuracy"],
        macro_f1=found["macro_f1"],
        difference=difference,
        p=p if tested else None,
        p_holm=None,
        verdict="" if tested else "too few rows",
    )


def difference_of_shares(
    right: NDArray[np.bool_], inside: NDArray[np.bool_], clusters: IntArray
) -> tuple[Interval, float]:
    """(share right inside minus outside, two-sided p of none), rows of a cluster depending on each other.

    Agresti & Caffo (2000): one row right and one wrong are added on each side, so that a side without an
    error has an error bar. The variance is that of sums over clusters (Liang & Zeger 1986).
    """
    from scipy.special import stdtr, stdtrit

    influence: FloatArray = np.zeros(len(right))
    centre, spare, value = 0.0, 0.0, 0.0
    for side, sign in ((inside, 1), (~inside, -1)):
        n, hits = int(side.sum()), int(right[side].sum())
        share = (hits + 1) / (n + 2)
        influence[side] = sign * (right[side] - share) / (n + 2)
        spare += (share**2 + (1 - share) ** 2) / (n + 2) ** 2
        centre += sign * share
        value += sign * hits / n
    units = min(len(np.unique(clusters[side])) for side in (inside, ~inside))
    if units < 2:
        return intervals.no_interval(value), 1.0
    sums = np.bincount(clusters, influence)
    error = float((np.square(sums).sum() * units / (units - 1) + spare) ** 0.5)
    reach = float(stdtrit(units - 1, 0.975)) * error
    low, high = max(min(centre - reach, value), -1.0), min(max(centre + reach, value), 1.0)
    return Interval(value=value, low=low, high=high), float(2 * stdtr(units - 1, -abs(centre) / error))


def _correct(rows: Sequence[SliceScores]) -> None:
    """Fill in Holm's corrected p and the verdicts of the slices that were tested."""
    tested = [row for row in rows if row["p"] is not None]
    for row, p in zip(tested, holm([row["p"] or 0.0 for row in tested]), strict=True):
        row["p_holm"] = p
        worse = row["difference"]["value"] < 0
        row["verdict"] = "no difference found" if p >= _LEVEL else "worse" if worse else "better"


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) corrected p-values, in the order given.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    m = len(p_values)
    corrected, highest = [0.0] * m, 0.0
    for rank, i in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (m - rank) * p_values[i]))
        corrected[i] = highest
    return corrected
