"""Statements as a `datasets` table, the type that training reads, and back."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from detente.records import FIELDS, Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

_TYPES = {"relevance": "float64", "confidence": "float64", "start": "int64", "end": "int64"}
_EXTRA = "extra"


def as_table(statements: Sequence[Statement], *, tasks: Sequence[Task]) -> "Dataset":
    """One column a field of Statement, one a task with its label, and `extra` with foreign columns as JSON."""
    from datasets import Dataset, Features, Value

    columns: dict[str, list[object]] = {name: [getattr(s, name) for s in statements] for name in FIELDS}
    for task in tasks:
        columns[task.name] = [s.labels.get(task.name, "") for s in statements]
    columns[_EXTRA] = [json.dumps(dict(s.extra), ensure_ascii=False, default=str) for s in statements]
    features = Features({name: Value(_TYPES.get(name, "string")) for name in columns})
    return Dataset.from_dict(columns, features=features)


def from_table(table: "Dataset") -> list[Statement]:
    """The statements of a table made by `as_table`, in order."""
    tasks = [name for name in table.column_names if name not in FIELDS and name != _EXTRA]
    return [
        Statement(
            **{name: row[name] for name in FIELDS},
            labels={name: row[name] for name in tasks if row[name]},
            extra=json.loads(row[_EXTRA]),
        )
        for row in table.to_list()
    ]
