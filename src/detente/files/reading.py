"""Reading rows of JSONL, CSV, TSV and Parquet, streaming, with each bad row named by file and line."""

import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from detente.errors import InputError
from detente.files.formats import has_bad_bytes, open_bytes, open_text, table_format
from detente.files.writing import column_types
from detente.records import MAX_CHARACTERS

_BATCH = 1024
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its line (or row, for Parquet), its values, and what is wrong with it, if anything."""

    path: Path
    line: int
    values: Mapping[str, Any]
    problem: str = ""

    @property
    def where(self) -> str:
        """File and line, as editors understand them."""
        return f"{self.path}:{self.line}"


def read_rows(path: Path) -> Iterator[Row]:
    """Every row of a table file in order; a row that cannot be read comes with its `problem` set.

    Raises InputError when the file as a whole cannot be read.
    """
    readers = {"jsonl": _jsonl, "csv": _csv, "tsv": _csv, "parquet": _parquet}
    if not path.is_file():
        raise InputError(f"{path} does not exist; give an existing file (you are in {Path.cwd()})")
    try:
        yield from readers[table_format(path)](path)
    except _DAMAGED as error:
        raise InputError(f"{path} breaks off or is no gzip file ({error}); compress or copy it anew") from None
    except PermissionError:
        raise InputError(f"{path} may not be read; change its permissions") from None


def column_names(path: Path) -> list[str]:
    """The columns of a file: its header, or the keys of the first readable JSONL row."""
    if table_format(path) == "parquet":
        return list(_parquet_file(path).schema_arrow.names)
    if table_format(path) == "jsonl":
        rows = islice((row for row in read_rows(path) if row.values), _BATCH)
        return list(dict.fromkeys(name for row in rows for name in row.values))
    with open_text(path) as file:
        header: list[str] = next(_csv_reader(path, file), [])
    return _header(path, header)


def file_columns(path: Path) -> dict[str, type]:
    """Columns and their types (str, int, float, bool) as `write_rows` takes them; JSONL is read once for it."""
    if table_format(path) == "jsonl":
        return column_types(row.values for row in read_rows(path) if not row.problem)
    if table_format(path) == "parquet":
        import pyarrow.types as kinds

        tests = ((kinds.is_boolean, bool), (kinds.is_integer, int), (kinds.is_floating, float))
        schema = _parquet_file(path).schema_arrow
        return {f.name: next((kind for test, kind in tests if test(f.type)), str) for f in schema}
    return dict.fromkeys(column_names(path), str)


def count_rows(path: Path) -> int:
    """About how many rows, cheaply: exact for Parquet, the lines of the other formats."""
    if table_format(path) == "parquet":
        return int(_parquet_file(path).metadata.num_rows)
    with open_bytes(path, "rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return max(lines - (table_format(path) != "jsonl"), 0)


def _jsonl(path: Path) -> Iterator[Row]:
    with open_text(path) as file:
        for line, text in enumerate(file, start=1):
            if text.strip():
                yield _json_row(path, line, text)


def _json_row(path: Path, line: int, text: str) -> Row:
    if has_bad_bytes(text):
        return Row(path, line, {}, "bytes that are not UTF-8; save the file as UTF-8")
    if len(text) > 2 * MAX_CHARACTERS:
        return Row(
            path,
            line,
            {},
            f"a line of {len(text):,} characters; at most {2 * MAX_CHARACTERS:,} are taken",
        )
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = getattr(error, "msg", "too deeply nested")
        return Row(path, line, {}, f"not a whole JSON object ({reason}); one object a line is needed")
    if not isinstance(values, dict):
        return Row(path, line, {}, f"a JSON {type(values).__name__}; one object a line is needed")
    if "\\ud" in text.lower() and has_bad_bytes(json.dumps(values, ensure_ascii=False)):
        return Row(path, line, {}, "half of a surrogate pair (\\ud...); a character was cut in two, remove it")
    return Row(path, line, values)


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(64 * MAX_CHARACTERS)
    with open_text(path) as file:
        reader = _csv_reader(path, file)
        header: list[str] | None = None
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                swallowed = f", and lines up to {reader.line_num} with it" if reader.line_num > line else ""
                yield Row(path, line, {}, f"{error}; check the quotes of the row that begins here{swallowed}")
                line = reader.line_num + 1
                continue
            if header is None:
                header = _header(path, cells)
            elif cells:
                yield _csv_row(path, line, header, cells)
            line = reader.line_num + 1


def _csv_reader(path: Path, file: IO[str]) -> Any:
    first = file.readline()
    file.seek(0)
    return csv.reader(file, delimiter="\t" if table_format(path) == "tsv" else _delimiter(first), strict=True)


def _delimiter(header: str) -> str:
    """Spreadsheets in much of Europe write .csv with semicolons; the header shows it."""
    return max(",;\t", key=header.count) if header.strip() else ","


def _header(path: Path, cells: list[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if any(has_bad_bytes(cell) for cell in header):
        raise InputError(f"{path}:1: bytes that are not UTF-8; save the file as UTF-8")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f'{path}:1: two columns are called "{twice[0]}"; rename one')
    return header


def _csv_row(path: Path, line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        return Row(
            path,
            line,
            {},
            f"{len(cells)} cells where the header has {len(header)}; check quotes and separators",
        )
    values = dict(zip(header, cells, strict=True))
    for name, cell in values.items():
        if has_bad_bytes(cell):
            return Row(
                path,
                line,
                {},
                f'bytes that are not UTF-8 in column "{name}"; save the file as UTF-8',
            )
        if len(cell) > MAX_CHARACTERS:
            reason = f'a cell of {len(cell):,} characters in column "{name}"; at most {MAX_CHARACTERS:,} are taken'
            return Row(path, line, {}, reason)
    return Row(path, line, values)


def _parquet_file(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pa.BufferReader(open_bytes(path, "rb").read()) if path.suffix == ".gz" else path
        return pq.ParquetFile(source)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no readable Parquet file ({reason}); write it anew") from None


def _parquet(path: Path) -> Iterator[Row]:
    line = 0
    try:
        for batch in _parquet_file(path).iter_batches(batch_size=_BATCH):
            for values in batch.to_pylist():
                line += 1
                yield Row(path, line, values)
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is damaged after row {line} ({reason}); write it anew") from None
