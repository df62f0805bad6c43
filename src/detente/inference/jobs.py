"""A job: all pieces of an input labelled into one file, which appears when it is whole.

Started again after a kill, a full disk or ^C, a job goes on where its ledger stands and ends with the
same bytes as one that nothing disturbed.
"""

import gzip
import hashlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any, cast

from detente.errors import InputError, StoppedError
from detente.files import Row, read_rows
from detente.files.blocks import rows_of
from detente.files.encoding import arrow_schema
from detente.files.writing import parquet_writer
from detente.inference import crew
from detente.inference.ids import SeenIds
from detente.inference.ledger import Ledger, State, folder_of, opened, remove, sync_folder
from detente.inference.pieces import Piece, pieces
from detente.inference.sources import Source
from detente.inference.work import FRAME, Done, Work, bad_row, opening, process
from detente.progress import log, progress
from detente.records import row_reader

_COMMIT_SECONDS = 2.0
# Rows of a Parquet row group: enough to compress well, few enough to hold.
_GROUP = 1 << 16


def run_job(
    work: Work,
    source: Source,
    output: Path,
    *,
    about: Mapping[str, Any],
    size: int,
    workers: int,
    resume: bool,
    commit_seconds: float = _COMMIT_SECONDS,
) -> State:
    """Label `source` into `output`; returns the counts.

    `about` says what the output depends on, by name; a job that was broken off goes on only if it is
    equal. Pieces have at most `size` rows. A kill loses what was done in the last `commit_seconds`.
    """
    state = State()
    whole = {"input": fingerprint(source), **about}
    try:
        with stoppable(), opened(output, whole, resume=resume) as ledger:
            state = ledger.state
            if state.rows:
                log.info(f"going on after {state.rows:,} rows")
            try:
                if not state.whole:
                    _go_on(work, source, ledger, size=size, workers=workers, commit_seconds=commit_seconds)
                    if fingerprint(source) != whole["input"]:
                        raise InputError(f"{source.path} changed while it was read; begin anew with resume=false")
                    ledger.commit(whole=True)
                _finish(work, ledger, output)
            except KeyboardInterrupt:
                ledger.commit()
                raise
            finally:
                state = ledger.committed
    except KeyboardInterrupt:
        if not state.read:
            raise StoppedError("stopped before any row was written; run the same command again") from None
        raise StoppedError(
            f"stopped after {state.rows:,} rows, which are kept in {folder_of(output)}; "
            "the same command goes on from there, resume=false begins anew"
        ) from None
    except OSError as error:
        raise _unwritable(output, error, state) from None
    return state


def _unwritable(output: Path, error: OSError, state: State) -> InputError:
    reason = error.strerror or str(error)
    if not state.read:
        return InputError(f"{output} cannot be written ({reason}); choose another place, or make room")
    return InputError(
        f"{output} could not be written ({reason}); {state.rows:,} rows are kept in {folder_of(output)}: "
        "make room, and the same command goes on from there"
    )


def fingerprint(source: Source) -> str:
    """Changes when a file of the input does: names, sizes, times of the last change."""
    found = ((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in (*source.tables, *source.documents))
    return hashlib.sha256(repr(list(found)).encode()).hexdigest()


@contextmanager
def stoppable() -> Iterator[None]:
    """What asks a job to end (kill, a cluster that takes its machine back) ends it as ^C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _go_on(work: Work, source: Source, ledger: Ledger, *, size: int, workers: int, commit_seconds: float) -> None:
    """Do what is left, with a commit every `commit_seconds`."""
    seen = SeenIds()
    seen.add(ledger.ids())
    ledger.open_with(opening(work))
    committed = time.monotonic()
    left = pieces(source, work.layout, size=size, start=ledger.state.cursor)
    bar = progress(total=source.rows, what="labelling", unit="statements", before=ledger.state.read)
    with closing(crew.results(work, left, workers=workers)) as finished, bar as advance:
        for done in finished:
            if done.piece.end.file != ledger.state.cursor.file:
                seen.forget()
            fresh = _without_repeats(work, done, seen)
            seen.add(fresh.ids)
            ledger.append(fresh)
            advance(fresh.read)
            if time.monotonic() - committed >= commit_seconds:
                ledger.commit()
                committed = time.monotonic()
    state = ledger.state
    if state.read != state.rows + state.rejected:
        raise RuntimeError(f"{state.read} rows read, {state.rows} written, {state.rejected} left out")


def _without_repeats(work: Work, done: Done, seen: SeenIds) -> Done:
    """The piece without rows whose id was given before in their file, which the process that did it cannot know."""
    again = seen.repeated(done.ids)
    if not again.any() or done.piece.block is None:
        return done
    lines = done.id_lines[again].tolist()
    if work.layout.on_error == "stop":
        _stop_at_repeat(work, done.piece, lines[0])
    return process(work, done.piece, repeated=lines)


def _stop_at_repeat(work: Work, piece: Piece, line: int) -> None:
    """Raise InputError that names both rows. Reads the file up to the first of them."""
    block = piece.block
    if block is None:
        return
    read = row_reader(columns=work.layout.columns)

    def id_of(row: Row) -> str:
        try:
            return read(row.values, "").id
        except InputError:
            return ""

    row = next(row for row in rows_of(block) if row.line == line)
    given = id_of(row)
    earlier = (other for other in read_rows(block.path) if id_of(other) == given)
    where = next(earlier, row).where
    raise bad_row(row, f'the id "{given[:60]}" stands already at {where}; ids must differ')


def _finish(work: Work, ledger: Ledger, output: Path) -> None:
    """Give the parts of a whole job their names, then remove it. May be broken off and done again."""
    whole = ledger.folder / "rows.part"
    if work.table == "parquet" and whole.exists():
        whole = _assemble(work, whole, ledger.folder / "whole.part")
    if whole.exists():
        whole.replace(output)
    rejects, shown = ledger.folder / "rejects.part", rejects_of(output)
    if not ledger.state.lines:
        shown.unlink(missing_ok=True)
    elif rejects.exists():
        rejects.replace(shown)
    sync_folder(output.absolute().parent)
    ledger.close()
    remove(ledger.folder)


def rejects_of(output: Path) -> Path:
    """Where the rows that were left out of an output stand."""
    return output.with_name(output.name + ".rejects.jsonl")


def _assemble(work: Work, frames: Path, target: Path) -> Path:
    """Frames of Arrow rows as one Parquet file."""
    import pyarrow as pa

    with frames.open("rb") as source, target.open("wb") as raw:
        file: IO[bytes] = raw
        if work.zipped:
            file = cast(IO[bytes], gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0))
        with parquet_writer(file, work.kinds) as writer:
            held: list[Any] = []
            while length := source.read(FRAME):
                held.append(pa.ipc.open_stream(source.read(int.from_bytes(length, "little"))).read_all())
                if sum(table.num_rows for table in held) >= _GROUP:
                    _write_group(writer, pa.concat_tables(held))
                    held.clear()
            if held or not frames.stat().st_size:
                _write_group(writer, pa.concat_tables([*held, arrow_schema(work.kinds).empty_table()]))
        if file is not raw:
            file.close()
        raw.flush()
        os.fsync(raw.fileno())
    return target


def _write_group(writer: Any, table: Any) -> None:
    writer.write_table(table, row_group_size=max(table.num_rows, 1))
