"""What is done to one piece of an input: read, label, write as bytes. The same in any process."""

import gzip
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.errors import InputError
from detente.evaluation.measuring import added_columns
from detente.files import Block, Kind, Layout, Rejects, Row, encoding
from detente.files.blocks import arrow_table, rows_of
from detente.files.formats import TableFormat, table_format
from detente.inference.batches import Decide, Predict, decide, kept_columns, output_columns
from detente.inference.pieces import Piece
from detente.records import Statement, row_reader
from detente.tasks import Task
from detente.text.documents import Document, read_file

# A frame of Arrow rows is preceded by its length in as many bytes.
FRAME = 8
REPEATED = 'the id "{id}" was given before in this file; ids must differ'


@dataclass(frozen=True, kw_only=True)
class Work:
    """How pieces become rows of the output.

    `columns` are the input's with their types, `added` those that `decide` makes beside the tasks' own.
    `remake` gives a process that shares no memory with this one a `predict` of its own.
    """

    tasks: tuple[Task, ...]
    predict: Predict
    layout: Layout
    languages: Sequence[str]
    columns: Mapping[str, Kind]
    table: TableFormat
    zipped: bool = False
    decide: Decide = decide
    added: Mapping[str, Kind] = field(default_factory=dict)
    remake: Callable[[], Predict] | None = None

    @property
    def kinds(self) -> dict[str, Kind]:
        """The output's columns and their types, in order."""
        return output_columns(self.tasks, self.columns, self.added)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished piece: `read` rows came in, `rows` go out as `data`, `rejected` are told of in `rejects`.

    `ids` are hashes of the ids that its rows were given, at the lines `id_lines`.
    """

    piece: Piece
    read: int
    rows: int
    rejected: int
    data: bytes
    rejects: bytes
    ids: NDArray[np.uint64]
    id_lines: NDArray[np.int64]


@dataclass(slots=True)
class _Read:
    statements: list[Statement] = field(default_factory=list)
    rejects: Rejects = field(default_factory=Rejects)
    kept: list[int] = field(default_factory=list)  # positions in the block of the rows that were kept
    ids: list[tuple[str, int]] = field(default_factory=list)
    rejected: int = 0


def process(work: Work, piece: Piece, *, repeated: Collection[int] = ()) -> Done:
    """Read, label and encode a piece; rows at the lines `repeated` are left out, as their id was given before.

    Raises InputError for a bad row unless the layout says to skip it.
    """
    found = _Read(rejects=Rejects(list(piece.rejects.rows)) if piece.rejects else Rejects())
    if piece.block:
        _read_block(work, piece.block, piece.name, frozenset(repeated), found)
    else:
        found.statements = _extracted(work, piece, found.rejects)
    columns: dict[str, Any] = {}
    if found.statements:
        labelled = work.decide(work.tasks, work.predict(found.statements))
        added = added_columns(work.tasks) | dict(work.added)
        columns = kept_columns(found.statements, work.columns, added) | labelled
        if piece.block and work.table == "parquet":
            columns |= _as_they_were(work, piece.block, found.kept)
    hashes, lines = zip(*found.ids, strict=True) if found.ids else ((), ())
    return Done(
        piece=piece,
        read=len(piece.block.lines) if piece.block else len(found.statements),
        rows=len(found.statements),
        rejected=found.rejected,
        data=_encoded(work, columns),
        rejects=found.rejects.encode(),
        ids=hash_ids(hashes),
        id_lines=np.array(lines, dtype=np.int64),
    )


def _extracted(work: Work, piece: Piece, rejects: Rejects) -> list[Statement]:
    from detente.text.extraction import extract

    documents = _articles(work, piece, rejects)
    return [statement for document in documents for statement in extract(document, languages=work.languages)]


def _articles(work: Work, piece: Piece, rejects: Rejects) -> Iterator[Document]:
    yield from piece.documents
    for file in piece.files:
        yield from read_file(file, root=piece.root, on_error=work.layout.on_error, rejects=rejects)


def _read_block(work: Work, block: Block, name: str, repeated: frozenset[int], found: _Read) -> None:
    read = row_reader(columns=work.layout.columns, values=work.layout.values)
    for position, row in enumerate(rows_of(block)):
        fallback = f"{name}:{row.line}"
        try:
            if row.problem:
                raise InputError(row.problem)
            statement = read(row.values, fallback)
            if row.line in repeated:
                raise InputError(REPEATED.format(id=statement.id[:60]))
        except InputError as error:
            if work.layout.on_error == "stop":
                raise bad_row(row, str(error)) from None
            found.rejects.add(row, str(error))
            found.rejected += 1
            continue
        found.statements.append(statement)
        found.kept.append(position)
        if statement.id != fallback:
            found.ids.append((statement.id, row.line))


def bad_row(row: Row, reason: str) -> InputError:
    """The error that a bad row stops a job with."""
    return InputError(f"{row.where}: {reason} (or leave such rows out with on_error=skip)")


def hash_ids(ids: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits of each id."""
    digests = b"".join(hashlib.blake2b(i.encode("utf-8", "surrogatepass"), digest_size=8).digest() for i in ids)
    return np.frombuffer(digests, dtype=np.uint64)


def _as_they_were(work: Work, block: Block, kept: Sequence[int]) -> dict[str, Any]:
    """The columns of a Parquet block whose type Python has no equal of, such as timestamps, lists, decimals."""
    if table_format(block.path) != "parquet":
        return {}
    table = arrow_table(block)
    names = {theirs: ours for ours, theirs in work.layout.columns.items() if theirs}
    shown = dict(zip(work.columns, work.kinds, strict=False))
    columns = {}
    for theirs in table.column_names:
        ours = names.get(theirs, theirs)
        kind = work.columns.get(ours)
        if kind is not None and not isinstance(kind, type) and table.schema.field(theirs).type == kind:
            column = table.column(theirs)
            columns[shown[ours]] = column if len(kept) == len(column) else column.take(list(kept))
    return columns


def _encoded(work: Work, columns: Mapping[str, Any]) -> bytes:
    if not columns:
        return b""
    if work.table == "parquet":
        return _frame(encoding.arrow_table(columns, work.kinds))
    data = encoding.encode(columns, work.kinds, table=work.table)
    return gzip.compress(data, 6, mtime=0) if work.zipped else data


def opening(work: Work) -> bytes:
    """What stands before all rows in the output's data."""
    data = encoding.header(work.kinds, table=work.table)
    return gzip.compress(data, 6, mtime=0) if work.zipped and data else data


def _frame(table: Any) -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    content = sink.getvalue()
    return len(content).to_bytes(FRAME, "little") + bytes(content)
