"""An input cut into pieces of work: each can be read by any process, and a job goes on after any of them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from detente.errors import InputError
from detente.files import TABLES, Block, Layout, Place, Rejects, Row, check_columns, ending, read_blocks
from detente.inference.sources import Source
from detente.text.documents import Document, read_file, root_of

# Articles are cut and attributed by rules, which takes longer than labelling their sentences.
_DOCUMENTS = 16


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a source: in which of its files (tables before documents), and where there."""

    file: int = 0
    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Rows of a table, files of articles, or articles of a table; the next piece begins at `end`.

    `name` opens the ids of rows that have none. `problem` stands where a whole table cannot be read.
    """

    end: Cursor
    block: Block | None = None
    name: str = ""
    files: tuple[Path, ...] = ()
    root: Path = Path()
    documents: tuple[Document, ...] = ()
    rejects: Rejects | None = None


def pieces(source: Source, layout: Layout, *, size: int, start: Cursor) -> Iterator[Piece]:
    """Pieces of at most `size` rows from `start` on. Where they end depends on the source and `size` alone."""
    folders = [path.absolute().parent for path in source.tables]
    common = source.root or (Path(os.path.commonpath(folders)) if folders else Path())
    for number, table in enumerate(source.tables[start.file :], start=start.file):
        begun = Place(start.offset, start.line) if number == start.file else Place()
        name = table.absolute().relative_to(common).as_posix()
        try:
            if not begun.line:
                check_columns(table, layout)
        except InputError as error:
            if layout.on_error == "stop" or len(source.tables) == 1:
                raise
            yield _unreadable(table, str(error), Cursor(number + 1))
            continue
        for block in read_blocks(table, size=size, start=begun):
            yield Piece(end=Cursor(number, block.end.offset, block.end.line), block=block, name=name)
    first = max(start.file - len(source.tables), 0)
    yield from _documents(source, layout, first, start.line if start.file >= len(source.tables) else 0)


def _unreadable(table: Path, reason: str, end: Cursor) -> Piece:
    rejects = Rejects()
    rejects.add(Row(table, 1, {}), reason)
    return Piece(end=end, rejects=rejects)


def _documents(source: Source, layout: Layout, first: int, line: int) -> Iterator[Piece]:
    root, base = root_of(source.path), len(source.tables)
    held: list[Path] = []
    for number, file in enumerate(source.documents[first:], start=first):
        if ending(file) not in TABLES:
            held.append(file)
            if len(held) == _DOCUMENTS:
                yield Piece(end=Cursor(base + number + 1), files=tuple(held), root=root)
                held = []
            continue
        if held:
            yield Piece(end=Cursor(base + number), files=tuple(held), root=root)
            held = []
        yield from _articles(file, root, layout, base + number, line if number == first else 0)
    if held:
        yield Piece(end=Cursor(base + len(source.documents)), files=tuple(held), root=root)


def _articles(file: Path, root: Path, layout: Layout, number: int, line: int) -> Iterator[Piece]:
    """The articles of a table, after the first `line`; bad rows go with the articles among which they stand."""
    rejects = Rejects()
    found = read_file(file, root=root, on_error=layout.on_error, rejects=rejects)
    for _ in islice(found, line):
        rejects.rows.clear()
    while True:
        held = tuple(islice(found, _DOCUMENTS))
        line += len(held)
        among = Rejects(list(rejects.rows))
        rejects.rows.clear()
        if len(held) < _DOCUMENTS:
            yield Piece(end=Cursor(number + 1), documents=held, rejects=among)
            return
        yield Piece(end=Cursor(number, 0, line), documents=held, rejects=among)
