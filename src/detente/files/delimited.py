"""Blocks of rows of CSV and TSV: records may span lines, and a broken one must not take the rest with it."""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from detente.errors import InputError
from detente.files.formats import has_bad_bytes, open_lines, table_format
from detente.files.rows import BOM, MAX_BYTES, Block, Place, Row
from detente.records import MAX_CHARACTERS

# The line before the header in which Excel is told what separates cells.
_SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


class _Lines:
    """The lines of a file as text, for csv.reader, and how many bytes of it were taken.

    Bytes that are not UTF-8 come as lone surrogates, so that a reader can name their line and go on.
    """

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self.offset = offset
        self._lines = _split(file)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = next(self._lines)
        first = not self.offset
        self.offset += len(raw)
        return (raw.removeprefix(BOM) if first else raw).decode("utf-8", "surrogateescape")


def _split(file: BinaryIO) -> Iterator[bytes]:
    for raw in file:
        if b"\r" in raw and b"\r" in raw.removesuffix(b"\r\n"):  # old Macintosh files end lines so
            yield from raw.splitlines(keepends=True)
        else:
            yield raw


def csv_blocks(path: Path, size: int, start: Place) -> Iterator[Block]:
    """See `read_blocks`."""
    csv.field_size_limit(64 * MAX_CHARACTERS)
    with open_lines(path) as file:
        lines, reader, delimiter = _opened(path, file)
        cells = next(reader, None)
        if cells is None:
            return
        header = _header_of(path, cells)
        base = 0
        if start.offset:
            file.seek(start.offset)
            base, lines = start.line, _Lines(file, start.offset)
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
        numbers: list[int] = []
        content: list[list[str] | str] = []
        begun = lines.offset
        for line, row in _records(reader, base, single=len(header) == 1):
            numbers.append(line)
            content.append(row)
            if len(content) == size or lines.offset - begun >= MAX_BYTES:
                yield Block(path, numbers, content, header, Place(lines.offset, base + reader.line_num))
                numbers, content, begun = [], [], lines.offset
        if content:
            yield Block(path, numbers, content, header, Place(lines.offset, base + reader.line_num))


def _records(reader: Any, base: int, *, single: bool) -> Iterator[tuple[int, list[str] | str]]:
    """(line where it begins, its cells or what is wrong with it) of every record, separators and blanks alone left out.

    Of a `single` column a blank cell is a row, and a bad one.
    """
    while True:
        line = base + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            end = base + reader.line_num
            swallowed = f", and lines up to {end} with it" if end > line else ""
            yield line, f"{error}; check the quotes of the row that begins here{swallowed}"
            continue
        # Spreadsheets end in rows of separators alone; a blank cell of a single column is a row, and a bad one.
        if any(cell and not cell.isspace() for cell in cells) or (single and cells):
            yield line, cells


def csv_header(path: Path) -> list[str]:
    """The columns that the first row of a CSV or TSV file names; none for an empty file."""
    with open_lines(path) as file:
        return _header_of(path, next(_opened(path, file)[1], []))


def _opened(path: Path, file: BinaryIO) -> tuple[_Lines, Any, str]:
    """The lines of a file, a csv.reader of them that stands before the header, and what separates cells."""
    first = next(_Lines(file, 0), "")
    told = _SEPARATOR.fullmatch(first)
    delimiter = told[1] if told else _delimiter_of(path, first)
    file.seek(0)
    lines = _Lines(file, 0)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    if told:
        next(reader)
    return lines, reader, delimiter


def _delimiter_of(path: Path, first: str) -> str:
    """Spreadsheets in much of Europe write .csv with semicolons; the header shows it."""
    if table_format(path) == "tsv":
        return "\t"
    return max(",;\t", key=first.count) if first.strip() else ","


def _header_of(path: Path, cells: list[str]) -> list[str]:
    """The names of columns. Raises InputError for one that stands twice."""
    header = [cell.strip() for cell in cells]
    if any(has_bad_bytes(cell) for cell in header):
        raise InputError(f"{path}:1: bytes that are not UTF-8; save the file as UTF-8")
    while header and not header[-1]:  # spreadsheets export columns that somebody once clicked into
        header.pop()
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise InputError(f'{path}:1: two columns are called "{twice[0]}"; rename one')
    return header


def csv_row(path: Path, line: int, header: Sequence[str], cells: list[str] | str) -> Row:
    """One record, or the description of what is wrong with it."""
    if isinstance(cells, str):
        return Row(path, line, {}, cells)
    if len(cells) > len(header) and not any(cell.strip() for cell in cells[len(header) :]):
        cells = cells[: len(header)]
    if len(cells) != len(header):
        reason = f"{len(cells)} cells where the header has {len(header)}; check quotes and separators"
        return Row(path, line, {}, reason)
    values = dict(zip(header, cells, strict=True))
    whole = "".join(cells)
    if has_bad_bytes(whole) or len(whole) > MAX_CHARACTERS:
        for name, cell in values.items():
            if has_bad_bytes(cell):
                return Row(path, line, {}, f'bytes that are not UTF-8 in column "{name}"; save the file as UTF-8')
            if len(cell) > MAX_CHARACTERS:
                reason = f'a cell of {len(cell):,} characters in column "{name}"; at most {MAX_CHARACTERS:,} are taken'
                return Row(path, line, {}, reason)
    return Row(path, line, values)
