"""Columns of values as the bytes of a table file: many rows at a time, so that a row costs microseconds."""

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

from detente.files.formats import TableFormat
from detente.files.reading import Kind

# Values by column name; all columns are equally long. A column may be a `pyarrow.Array` for Parquet.
Columns = Mapping[str, Sequence[Any]]


def encode(columns: Columns, kinds: Mapping[str, Kind], *, table: TableFormat) -> bytes:
    """Rows of JSONL, CSV or TSV, without a header."""
    return _jsonl(columns, kinds) if table == "jsonl" else _csv(columns, kinds, delimiter_of(table))


def delimiter_of(table: TableFormat) -> str:
    """What stands between the cells of a written file."""
    return "\t" if table == "tsv" else ","


def header(kinds: Mapping[str, Kind], *, table: TableFormat) -> bytes:
    """What opens a file of this format."""
    if table not in ("csv", "tsv"):
        return b""
    return _csv_bytes([list(kinds)], delimiter_of(table))


def plain(value: Any) -> Any:
    """A value that JSON has no word for: dates as ISO 8601, others as text."""
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)


_dumps: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False, default=plain).encode


def _jsonl(columns: Columns, kinds: Mapping[str, Kind]) -> bytes:
    """The same as `json.dumps` of each row, by one template for all."""
    if not columns:
        return b""
    texts = [_json_texts(columns[name], kind) for name, kind in kinds.items()]
    keys = (_dumps(name).replace("%", "%%") for name in kinds)
    template = "{" + ", ".join(f"{key}: %s" for key in keys) + "}\n"
    return "".join(map(template.__mod__, zip(*texts, strict=True))).encode()


def _json_texts(values: Sequence[Any], kind: Kind) -> list[str]:
    if kind is float:
        return [repr(v) if type(v) is float and v - v == 0 else _dumps(v) for v in values]
    if kind is int:
        return [repr(v) if type(v) is int else _dumps(v) for v in values]
    return [encode_basestring(v) if type(v) is str else _dumps(v) for v in values]


def _csv(columns: Columns, kinds: Mapping[str, Kind], delimiter: str) -> bytes:
    cells = [columns[name] if kind in (int, float, bool) else _cells(columns[name]) for name, kind in kinds.items()]
    return _csv_bytes(zip(*cells, strict=True), delimiter)


def _csv_bytes(rows: Iterable[Sequence[Any]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    held = list(rows)
    writer.writerows(held)
    if "\r" in text.getvalue():  # which the writer does not quote, and every reader takes for a line's end
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
        quoting = csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for row in held:
            (quoting if any(isinstance(v, str) and "\r" in v for v in row) else writer).writerow(row)
    return text.getvalue().encode()


def _cells(values: Sequence[Any]) -> list[Any]:
    return [v if type(v) is str or v is None else _cell(v) for v in values]


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return _dumps(value)
    return value if isinstance(value, str | int | float) else plain(value)


def arrow_schema(kinds: Mapping[str, Kind]) -> Any:
    """The `pyarrow.Schema` of a Parquet file with these columns."""
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    return pa.schema(
        [(name, types.get(kind, kind) if isinstance(kind, type) else kind) for name, kind in kinds.items()]
    )


def arrow_table(columns: Columns, kinds: Mapping[str, Kind]) -> Any:
    """The columns as a `pyarrow.Table`; values that are not of a column's type are held as text."""
    import pyarrow as pa

    schema = arrow_schema(kinds)
    arrays = [
        values
        if isinstance(values := columns[field.name], pa.Array | pa.ChunkedArray)
        else pa.array([_typed(v, kinds[field.name]) for v in values], type=field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _typed(value: Any, kind: Kind) -> Any:
    if value is None or type(value) is kind:
        return value
    if kind is str:
        return _dumps(value) if isinstance(value, dict | list) else value if isinstance(value, str) else plain(value)
    if value == "":
        return None
    return float(value) if kind is float and isinstance(value, int) else value
