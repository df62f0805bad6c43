"""Reading rows of JSONL, CSV, TSV and Parquet, streaming, with each bad row named by file and line."""

import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from detente.errors import InputError
from detente.files.blocks import ROWS, json_row, parquet_file, read_blocks, rows_of
from detente.files.delimited import csv_header
from detente.files.formats import open_bytes, open_lines, table_format
from detente.files.rows import Row

# The type of a column: str, int, float or bool, or a type of Arrow's where Parquet has a richer one.
Kind = Any
_SCAN = 4 << 20
_INT64 = 1 << 63


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of a table file in order; a row that cannot be read comes with its `problem` set.

    Raises InputError when the file as a whole cannot be read.
    """
    for block in read_blocks(path):
        yield from rows_of(block)


def column_names(path: Path) -> list[str]:
    """The columns of a file: its header, or the keys of the first readable JSONL rows."""
    if table_format(path) == "parquet":
        return list(parquet_file(path).schema_arrow.names)
    if table_format(path) == "jsonl":
        rows = islice((row for row in read_rows(path) if row.values), ROWS)
        return list(dict.fromkeys(name for row in rows for name in row.values))
    return csv_header(path)


def file_columns(path: Path) -> dict[str, Kind]:
    """Columns and their types as `write_rows` takes them; JSONL is read once for it."""
    if table_format(path) == "jsonl":
        return _jsonl_columns(path)
    if table_format(path) == "parquet":
        return {field.name: _kind_of(field.type) for field in parquet_file(path).schema_arrow}
    return dict.fromkeys(column_names(path), str)


def _kind_of(arrow: Any) -> Kind:
    import pyarrow as pa

    plain = {pa.string(): str, pa.large_string(): str, pa.int64(): int, pa.float64(): float, pa.bool_(): bool}
    if pa.types.is_dictionary(arrow):  # categories of a data frame
        return _kind_of(arrow.value_type)
    return str if pa.types.is_null(arrow) else plain.get(arrow, arrow)


def _jsonl_columns(path: Path) -> dict[str, Kind]:
    """What `column_types` says of all readable rows.

    Arrow's reader looks at some megabytes at a time, many times faster than Python's; what it cannot
    take (a bad row, a column of two types) Python reads.
    """
    seen: dict[str, set[type]] = {}
    if not path.is_file():
        raise InputError(f"{path} does not exist; give an existing file (you are in {Path.cwd()})")
    line = 0
    try:
        with open_lines(path) as file:
            while lines := file.readlines(_SCAN):
                for name, kinds in (_arrow_types(lines) or _python_types(path, lines, line)).items():
                    seen.setdefault(name, set()).update(kinds)
                line += len(lines)
    except (EOFError, OSError) as error:
        raise InputError(f"{path} breaks off or cannot be read ({error}); compress or copy it anew") from None
    return {name: common_type(kinds) for name, kinds in seen.items()}


def _arrow_types(lines: list[bytes]) -> dict[str, set[type]] | None:
    import pyarrow as pa
    from pyarrow import json

    try:
        options = json.ReadOptions(block_size=2 * _SCAN, use_threads=False)
        schema = json.read_json(io.BytesIO(b"".join(lines)), read_options=options).schema
    except (pa.ArrowException, OSError):
        return None
    plain: dict[Any, set[type]] = {pa.null(): set(), pa.int64(): {int}, pa.float64(): {float}, pa.bool_(): {bool}}
    return {field.name: plain.get(field.type, {str}) for field in schema}


def _python_types(path: Path, lines: list[bytes], before: int) -> dict[str, set[type]]:
    rows = (json_row(path, line, text) for line, text in enumerate(lines, start=before + 1) if not text.isspace())
    return types_seen(row.values for row in rows if not row.problem)


def types_seen(rows: Iterable[Mapping[str, Any]]) -> dict[str, set[type]]:
    """The columns that rows have, in order of appearance, and the types of their values."""
    seen: dict[str, set[type]] = {}
    for row in rows:
        for name, value in row.items():
            kinds = seen.setdefault(name, set())
            if value is not None:
                kinds.add(_type_of(value))
    return seen


def _type_of(value: Any) -> type:
    """A number with more than 64 bits is held as float, as Arrow does, and past that as text."""
    if type(value) is int and not -_INT64 <= value < _INT64:
        return float if value.bit_length() < 1024 else str
    return type(value)


def common_type(kinds: set[type]) -> type:
    """The type that holds the values of all these; mixed or nested ones are held as str."""
    if len(kinds) == 1 and kinds <= {str, int, float, bool}:
        return next(iter(kinds))
    return float if kinds == {int, float} else str


def column_types(rows: Iterable[Mapping[str, Any]]) -> dict[str, type]:
    """The columns that rows have, in order of appearance, and the type that holds all values of each."""
    return {name: common_type(kinds) for name, kinds in types_seen(rows).items()}


def count_rows(path: Path) -> int:
    """About how many rows, cheaply: exact for Parquet, the lines of the other formats."""
    if table_format(path) == "parquet":
        return int(parquet_file(path).metadata.num_rows)
    with open_bytes(path, "rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return max(lines - (table_format(path) != "jsonl"), 0)
