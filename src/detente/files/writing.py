"""Writing rows atomically: a file appears under its name only when it is whole."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from detente.errors import InputError
from detente.files.formats import open_bytes, table_format

_CHUNK = 4096
Row = Mapping[str, Any]


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its name when the block ends without an error."""
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (PermissionError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(f"{path} cannot be written ({error.strerror}); choose another place") from None
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} could not be written ({reason}); nothing was left half-written") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with atomic(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write a JSON file atomically, indented, keys in the order given."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def write_rows(path: Path, rows: Iterable[Row], *, columns: Mapping[str, type]) -> int:
    """Write rows to a table file, streaming and atomically; returns how many.

    `columns` gives the order and the type (str, int, float, bool) of every column; a value that is
    none of these is written as JSON where the format has no place for it.
    """
    writers: dict[str, Callable[[IO[bytes], Iterable[Row], Mapping[str, type]], int]] = {
        "jsonl": _write_jsonl,
        "csv": lambda file, rows, columns: _write_csv(file, rows, columns, ","),
        "tsv": lambda file, rows, columns: _write_csv(file, rows, columns, "\t"),
        "parquet": _write_parquet,
    }
    write = writers[table_format(path)]
    with atomic(path) as part, open_bytes(part, "wb") as file:
        return write(file, rows, columns)


def _write_jsonl(file: IO[bytes], rows: Iterable[Row], columns: Mapping[str, type]) -> int:
    count = 0
    for row in rows:
        kept = {name: row.get(name) for name in columns}
        file.write(json.dumps(kept, ensure_ascii=False, default=str).encode() + b"\n")
        count += 1
    return count


def _write_csv(file: IO[bytes], rows: Iterable[Row], columns: Mapping[str, type], delimiter: str) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_as_cell(row.get(name)) for name in columns])
        count += 1
    text.flush()
    text.detach()
    return count


def _as_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _write_parquet(file: IO[bytes], rows: Iterable[Row], columns: Mapping[str, type]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    count = 0
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for chunk in _chunks(rows):
            arrays = [
                pa.array([_as_typed(row.get(name), kind) for row in chunk], type=types[kind])
                for name, kind in columns.items()
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(chunk)
    return count


def _as_typed(value: Any, kind: type) -> Any:
    if value is None or (value == "" and kind is not str):
        return None
    if kind is str and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
    return value


def _chunks(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def column_types(rows: Iterable[Row]) -> dict[str, type]:
    """The columns that rows have, in order of appearance, and the type that holds all values of each.

    Reads all rows once. Mixed or nested values are held as str.
    """
    seen: dict[str, set[type]] = {}
    for row in rows:
        for name, value in row.items():
            kinds = seen.setdefault(name, set())
            if value is not None:
                kinds.add(type(value))
    return {name: _common(kinds) for name, kinds in seen.items()}


def _common(kinds: set[type]) -> type:
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        return next(iter(kinds))
    return float if kinds == {int, float} else str
