"""Labelled rows from statements, whatever gives the probabilities."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

from detente.arrays import FloatArray
from detente.evaluation.measuring import added_columns, kept_name, predicted_columns
from detente.files import Kind
from detente.progress import progress
from detente.records import FIELDS, LABEL_COLUMNS, Statement, to_row
from detente.tasks import Task

Predict = Callable[[Sequence[Statement]], Mapping[str, FloatArray]]
# The columns that predicting adds, as lists by name, from the probabilities by task.
Decide = Callable[[Sequence[Task], Mapping[str, FloatArray]], dict[str, list[Any]]]


def output_columns(
    tasks: Sequence[Task], columns: Mapping[str, Kind], more: Mapping[str, Kind] | None = None
) -> dict[str, Kind]:
    """The input's columns, those that predicting would overwrite as `given_<name>`, then the predicted ones.

    `more` are columns that are added beside those of the tasks.
    """
    added = added_columns(tasks) | dict(more or {})
    return {kept_name(name, added): kind for name, kind in columns.items()} | added


def decide(tasks: Sequence[Task], proba: Mapping[str, FloatArray]) -> dict[str, list[Any]]:
    """For each task the likeliest label, its probability, and every label's: the columns of `added_columns`."""
    columns: dict[str, list[Any]] = {}
    for task in tasks:
        found = proba[task.name]
        columns[task.name] = [task.labels[i] for i in found.argmax(axis=1).tolist()]
        columns[f"{task.name}_confidence"] = found.max(axis=1).tolist()
        columns |= {f"{task.name}_{label}": found[:, i].tolist() for i, label in enumerate(task.labels)}
    return columns


def kept_columns(
    statements: Sequence[Statement], columns: Mapping[str, Kind], added: Mapping[str, Kind]
) -> dict[str, list[Any]]:
    """The input's columns of some statements, as lists by their names in the output."""
    foreign = {name for statement in statements for name in statement.extra}
    return {kept_name(name, added): _values(statements, name, foreign) for name in columns}


def _values(statements: Sequence[Statement], name: str, foreign: set[str]) -> list[Any]:
    if name in FIELDS:
        values = list(map(attrgetter(name), statements))
    elif name in LABEL_COLUMNS:
        values = [s.labels.get(name, "") for s in statements]
    else:
        return [s.extra[name] if name in s.extra else s.labels.get(name) for s in statements]
    if name in foreign:  # a column of theirs that bears the name of a field which the file does not have
        return [s.extra.get(name, v) if v in (None, "") else v for s, v in zip(statements, values, strict=True)]
    return values


def labelled_rows(
    statements: Iterator[Statement],
    tasks: Sequence[Task],
    predict: Predict,
    *,
    batch: int,
    total: int | None,
) -> Iterator[dict[str, Any]]:
    """One row a statement, in order; `batch` statements are held at once."""
    added = added_columns(tasks)
    with progress(total=total, what="labelling", unit="statements") as advance:
        while held := list(islice(statements, batch)):
            proba = predict(held)
            rows = [{kept_name(k, added): v for k, v in to_row(s).items()} for s in held]
            for task in tasks:
                for row, columns in zip(rows, predicted_columns(task, proba[task.name]), strict=True):
                    row.update(columns)
            yield from rows
            advance(len(held))
