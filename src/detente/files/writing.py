"""Writing rows atomically: a file appears under its name only when it is whole."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from detente.errors import InputError
from detente.files.encoding import Columns, arrow_schema, arrow_table, encode, header
from detente.files.formats import TableFormat, open_bytes, table_format
from detente.files.reading import Kind

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


def write_rows(path: Path, rows: Iterable[Row], *, columns: Mapping[str, Kind]) -> int:
    """Write rows to a table file, streaming and atomically; returns how many.

    `columns` gives the order and the type (str, int, float, bool, or one of Arrow's) of every column; a
    value that is none of these is written as JSON where the format has no place for it.
    """
    table = table_format(path)
    count = 0
    with atomic(path) as part, open_bytes(part, "wb") as file, _appending(file, table, columns) as append:
        chunks = iter(rows)
        while chunk := list(islice(chunks, _CHUNK)):
            append({name: [row.get(name) for row in chunk] for name in columns})
            count += len(chunk)
    return count


@contextmanager
def _appending(file: IO[bytes], table: TableFormat, kinds: Mapping[str, Kind]) -> Iterator[Callable[[Columns], object]]:
    """A function that appends rows, given as columns, to an open file."""
    if table != "parquet":
        file.write(header(kinds, table=table))
        yield lambda columns: file.write(encode(columns, kinds, table=table))
        return
    with parquet_writer(file, kinds) as writer:
        yield lambda columns: writer.write_table(arrow_table(columns, kinds))


def parquet_writer(file: IO[bytes], kinds: Mapping[str, Kind]) -> Any:
    """A `pyarrow.parquet.ParquetWriter`, the one way in which Parquet is written here."""
    import pyarrow.parquet as pq

    return pq.ParquetWriter(file, arrow_schema(kinds), compression="zstd")
