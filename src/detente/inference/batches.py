"""Labelled rows from statements, batch by batch, whatever gives the probabilities."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from detente.arrays import FloatArray
from detente.evaluation.measuring import added_columns, predicted_columns
from detente.progress import progress
from detente.records import Statement, to_row
from detente.tasks import Task

_GIVEN = "given_"
Predict = Callable[[Sequence[Statement]], Mapping[str, FloatArray]]


def output_columns(tasks: Sequence[Task], columns: Mapping[str, type]) -> dict[str, type]:
    """The input's columns, those that predicting would overwrite as `given_<name>`, then the predicted ones."""
    return {_kept_name(name, tasks): kind for name, kind in columns.items()} | added_columns(tasks)


def _kept_name(name: str, tasks: Sequence[Task]) -> str:
    """The name of an input column in the output: given_<name>, once for each time the row was predicted on."""
    bare = name
    while bare.startswith(_GIVEN):
        bare = bare.removeprefix(_GIVEN)
    return _GIVEN + name if bare in added_columns(tasks) else name


def labelled_rows(
    statements: Iterator[Statement],
    tasks: Sequence[Task],
    predict: Predict,
    *,
    batch: int,
    total: int | None,
) -> Iterator[dict[str, Any]]:
    """One row a statement, in order; `batch` statements are held at once."""
    with progress(total=total, what="labelling", unit="statements") as advance:
        while held := list(islice(statements, batch)):
            proba = predict(held)
            rows = [{_kept_name(k, tasks): v for k, v in to_row(s).items()} for s in held]
            for task in tasks:
                for row, columns in zip(rows, predicted_columns(task, proba[task.name]), strict=True):
                    row.update(columns)
            yield from rows
            advance(len(held))
