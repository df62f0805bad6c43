"""Blocks of rows of a table file, unparsed, and where each one ends: what workers share and jobs resume by."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from detente.errors import InputError
from detente.files.delimited import csv_blocks, csv_row
from detente.files.formats import has_bad_bytes, open_bytes, open_lines, table_format
from detente.files.rows import BOM, MAX_BYTES, Block, Place, Row
from detente.records import MAX_CHARACTERS

ROWS = 1024
_BUFFER = 1 << 18
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


def read_blocks(path: Path, *, size: int = ROWS, start: Place | None = None) -> Iterator[Block]:
    """Blocks of at most `size` rows in order. Where they begin and end depends on the file and `size` alone.

    Raises InputError when the file as a whole cannot be read.
    """
    readers = {"jsonl": _jsonl_blocks, "csv": csv_blocks, "tsv": csv_blocks, "parquet": _parquet_blocks}
    if not path.is_file():
        raise InputError(f"{path} does not exist; give an existing file (you are in {Path.cwd()})")
    try:
        yield from readers[table_format(path)](path, size, start or Place())
    except _DAMAGED as error:
        raise InputError(f"{path} breaks off or is no gzip file ({error}); compress or copy it anew") from None
    except PermissionError:
        raise InputError(f"{path} may not be read; change its permissions") from None


def rows_of(block: Block) -> Iterator[Row]:
    """The rows of a block; one that cannot be read comes with its `problem` set."""
    kind = table_format(block.path)
    if kind == "jsonl":
        for line, text in zip(block.lines, block.content, strict=True):
            yield json_row(block.path, line, text)
    elif kind == "parquet":
        table = arrow_table(block)
        columns = [_python_values(column) for column in table.columns]
        for line, values in zip(block.lines, zip(*columns, strict=True), strict=True):
            yield Row(block.path, line, dict(zip(table.column_names, values, strict=True)))
    else:
        for line, cells in zip(block.lines, block.content, strict=True):
            yield csv_row(block.path, line, block.header, cells)


def arrow_table(block: Block) -> Any:
    """The rows of a Parquet block as a `pyarrow.Table`."""
    import pyarrow as pa

    return pa.ipc.open_stream(block.content).read_all()


def _python_values(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":  # Python's datetime ends at microseconds
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    return list(column.to_pylist())


def _jsonl_blocks(path: Path, size: int, start: Place) -> Iterator[Block]:
    offset, line = start.offset, start.line
    lines: list[int] = []
    content: list[bytes] = []
    held = 0
    with open_lines(path) as file:
        if offset:
            file.seek(offset)
        for text in file:
            line += 1
            held += len(text)
            if not text.isspace():
                lines.append(line)
                content.append(text.removeprefix(BOM) if line == 1 else text)
            if len(lines) == size or held >= MAX_BYTES:
                offset += held
                yield Block(path, lines, content, (), Place(offset, line))
                lines, content, held = [], [], 0
    if held:
        yield Block(path, lines, content, (), Place(offset + held, line))


def json_row(path: Path, line: int, raw: bytes) -> Row:
    """One line of JSONL."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Row(path, line, {}, "bytes that are not UTF-8; save the file as UTF-8")
    if len(text) > 2 * MAX_CHARACTERS:
        reason = f"a line of {len(text):,} characters; at most {2 * MAX_CHARACTERS:,} are taken"
        return Row(path, line, {}, reason)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "too deeply nested" if isinstance(error, RecursionError) else str(error))
        return Row(path, line, {}, f"not a whole JSON object ({reason}); one object a line is needed")
    if not isinstance(values, dict):
        return Row(path, line, {}, f"a JSON {type(values).__name__}; one object a line is needed")
    if ("\\ud" in text or "\\uD" in text) and has_bad_bytes(json.dumps(values, ensure_ascii=False)):
        return Row(path, line, {}, "half of a surrogate pair (\\ud...); a character was cut in two, remove it")
    return Row(path, line, values)


def parquet_file(path: Path) -> Any:
    """An open `pyarrow.parquet.ParquetFile` that reads a row group piece by piece. Raises InputError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pa.BufferReader(open_bytes(path, "rb").read()) if path.suffix == ".gz" else path
        return pq.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no readable Parquet file ({reason}); write it anew") from None


def _parquet_blocks(path: Path, size: int, start: Place) -> Iterator[Block]:
    file = parquet_file(path)
    row = 0
    try:
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if row + count <= start.line:
                row += count
                continue
            for batch in file.iter_batches(batch_size=size, row_groups=[group]):
                row += batch.num_rows
                if row > start.line:
                    lines = range(row - batch.num_rows + 1, row + 1)
                    yield Block(path, lines, _stream(batch), (), Place(row, row))
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is damaged after row {row} ({reason}); write it anew") from None


def _stream(batch: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())
