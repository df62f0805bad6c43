"""The dev rows of a run, from the predictions that train wrote: what exports and cascades are judged by."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detente import checkpoint as checkpoints
from detente import files
from detente.arrays import FloatArray
from detente.errors import InputError
from detente.files import Layout, Rejects
from detente.records import Statement
from detente.tasks import Task

_NAME = "predictions.dev.parquet"


def dev_rows(run: str | Path, tasks: Sequence[Task]) -> list[Statement]:
    """The labelled dev statements of a run. Raises InputError if they are not beside its checkpoint."""
    path = checkpoints.locate(run).parent / _NAME
    if not path.is_file():
        raise InputError(
            f"{path} is not there, so the run's dev statements are not known; "
            "give the folder that train wrote, whole, or dev rows as input=LABELLED_FILE"
        )
    return labelled_rows(path, Layout(columns={task.name: f"given_{task.name}" for task in tasks}), tasks)


def labelled_rows(path: str | Path, layout: Layout, tasks: Sequence[Task]) -> list[Statement]:
    """The statements of a table that have a label of a task. Raises InputError if none has."""
    tables = [p for p in files.expand(path) if files.ending(p) in files.TABLES]
    if not tables:
        raise InputError(f"{path} holds no table of labelled statements; give .jsonl, .csv, .tsv or .parquet")
    names = {name for table in tables for name in files.column_names(table)}
    wanted = [task for task in tasks if (layout.columns.get(task.name, task.name) or "") in names]
    found = files.read_statements(tables, layout=layout, tasks=wanted, rejects=Rejects())
    kept = [s for s in found if any(task.name in s.labels for task in tasks)]
    if not kept:
        raise InputError(f"{path} has no row with a label of {' or '.join(t.name for t in tasks)}; give labelled rows")
    return kept


def kept_proba(task: Task, statements: Sequence[Statement]) -> FloatArray | None:
    """The probabilities that train wrote beside dev rows, (n, labels); None where a row lacks them."""
    names = [f"{task.name}_{label}" for label in task.labels]
    rows = [[s.extra.get(name) for name in names] for s in statements]
    return np.array(rows, dtype=float) if all(v is not None for row in rows for v in row) else None
