"""Labelled rows from statements, batch by batch, whatever gives the probabilities."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from detente.arrays import FloatArray
from detente.evaluation.measuring import added_columns, predicted_columns
from detente.progress import progress
from detente.records import Statement, to_row
from detente.tasks import Task

Predict = Callable[[Sequence[Statement]], Mapping[str, FloatArray]]


def output_columns(tasks: Sequence[Task], columns: Mapping[str, type]) -> dict[str, type]:
    """The input's columns, those that predicting would overwrite as `given_<name>`, then the predicted ones."""
    added = added_columns(tasks)
    return {(f"given_{name}" if name in added else name): kind for name, kind in columns.items()} | added


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
            rows = [{(f"given_{k}" if k in added else k): v for k, v in to_row(s).items()} for s in held]
            for task in tasks:
                for row, columns in zip(rows, predicted_columns(task, proba[task.name]), strict=True):
                    row.update(columns)
            yield from rows
            advance(len(held))
