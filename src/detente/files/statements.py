"""Statements from and to files: the reader that names each bad row, the rejects file, the writer."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from detente.errors import InputError, UsageError, did_you_mean
from detente.files.encoding import plain
from detente.files.formats import has_bad_bytes
from detente.files.reading import column_names, column_types, read_rows
from detente.files.rows import Row
from detente.files.writing import write_rows, write_text
from detente.records import COLUMNS, Statement, row_reader, to_row
from detente.tasks import Task

ON_ERROR = ("stop", "skip")
_LONG = 20_000
_TYPES = {"relevance": float, "start": int, "end": int, "confidence": float}


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file's columns and label spellings map to ours.

    `columns`: our name (a field of Statement, or a task) -> the file's column; null where the file has none.
    `values`: a spelling of a label -> the label. `on_error`: stop at the first bad row, or skip bad
    rows and write them to a rejects file.
    """

    columns: Mapping[str, str | None] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    on_error: str = "stop"

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown `on_error`."""
        if self.on_error not in ON_ERROR:
            raise UsageError(f'on_error is "{self.on_error}"; {did_you_mean(self.on_error, ON_ERROR)}')
        object.__setattr__(self, "values", {str(k): str(v) for k, v in self.values.items()})


@dataclass(slots=True)
class Rejects:
    """Rows that were left out, with file, line and reason."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, row: Row, reason: str) -> None:
        """Note a row that is left out."""
        content = {k: v for k, v in row.values.items() if not (isinstance(v, str) and has_bad_bytes(v))}
        self.rows.append({"file": str(row.path), "line": row.line, "reason": reason, "row": content})

    def write(self, path: Path) -> None:
        """Write them as JSONL; with none, remove those that an earlier run left there."""
        path.unlink(missing_ok=True)
        if self.rows:
            write_text(path, self.encode().decode())

    def encode(self) -> bytes:
        """The lines of a rejects file; of a row of more than 20,000 characters only file, line and reason."""
        lines = (json.dumps(row, ensure_ascii=False, default=plain) for row in self.rows)
        short = (
            line if len(line) <= _LONG else json.dumps(row | {"row": {}}, ensure_ascii=False, default=plain)
            for line, row in zip(lines, self.rows, strict=True)
        )
        return "".join(line + "\n" for line in short).encode()


def read_statements(
    paths: Sequence[Path],
    *,
    layout: Layout | None = None,
    tasks: Sequence[Task] = (),
    rejects: Rejects | None = None,
) -> Iterator[Statement]:
    """Statements of table files in order; each without an id gets `<file>:<line>`.

    Ids must differ within a file. A file below a folder is named by its path there.

    With `on_error="stop"` the first bad row raises InputError naming file and line; with `skip` it goes
    to `rejects`. A missing column always raises: no row could be read without it.
    """
    layout = layout or Layout()
    root = Path(os.path.commonpath([path.absolute().parent for path in paths])) if paths else Path()
    for path in paths:
        try:
            check_columns(path, layout, tasks)
        except InputError as error:
            if layout.on_error == "stop" or len(paths) == 1:
                raise
            if rejects is not None:
                rejects.add(Row(path, 1, {}), str(error))
            continue
        seen: dict[str, str] = {}
        name = path.absolute().relative_to(root).as_posix()
        read = row_reader(columns=layout.columns, values=layout.values, tasks=tasks)
        for row in read_rows(path):
            try:
                if row.problem:
                    raise InputError(row.problem)
                statement = read(row.values, "")
                _check_id(statement.id, row, seen)
            except InputError as error:
                if layout.on_error == "stop":
                    hint = "(or leave such rows out with on_error=skip)"
                    raise InputError(f"{row.where}: {error} {hint}") from None
                if rejects is not None:
                    rejects.add(row, str(error))
                continue
            yield statement if statement.id else replace(statement, id=f"{name}:{row.line}")


def _check_id(given: str, row: Row, seen: dict[str, str]) -> None:
    if not given:
        return
    if given in seen:
        raise InputError(f'the id "{given[:60]}" stands already at {seen[given]}; ids must differ')
    seen[given] = row.where


def check_columns(path: Path, layout: Layout, tasks: Sequence[Task] = ()) -> None:
    """Raise InputError if the file lacks the text column, or a column that the layout or a task asks for."""
    names = column_names(path)
    if not names:
        raise InputError(f"{path} has no rows that can be read; give a file with a header or JSON objects")
    needed = {"text": layout.columns.get("text") or "text"}
    needed |= {task.name: layout.columns.get(task.name) or task.name for task in tasks}
    needed |= {ours: theirs for ours, theirs in layout.columns.items() if theirs is not None}
    for ours, theirs in needed.items():
        if theirs not in names:
            remedy = f"name the column that holds the {ours} with data.columns.{ours}=COLUMN"
            raise InputError(f'{path}:1: no column "{theirs}" among {", ".join(names)}; {remedy}')


def write_statements(path: Path, statements: Iterable[Statement]) -> int:
    """Write statements with all columns of the contract, then other tasks' and foreign columns; returns n."""
    rows = [to_row(statement) for statement in statements]
    kinds = column_types(rows)
    columns = {name: _TYPES.get(name, str) for name in COLUMNS}
    columns |= {name: kind for name, kind in kinds.items() if name not in columns}
    return write_rows(path, rows, columns=columns)
