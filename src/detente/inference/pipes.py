"""Labelling through a pipe: rows go out as they come in, without waiting for a batch to fill."""

import os
import queue
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO, BinaryIO

from detente.errors import InputError, UsageError
from detente.evaluation.measuring import added_columns
from detente.files import Kind, Layout, atomic, ending
from detente.files.blocks import json_row
from detente.files.encoding import encode
from detente.files.formats import open_bytes
from detente.inference import crew
from detente.inference.batches import Decide, Predict, decide, kept_columns, output_columns
from detente.inference.pieces import Cursor, pieces
from detente.inference.sources import Source
from detente.inference.work import Work, bad_row
from detente.progress import log, progress
from detente.records import Statement, row_reader
from detente.tasks import Task

PIPE = "-"
_STDIN = Path("stdin")
_BLOCK = 1 << 16


def label_stream(
    tasks: Sequence[Task],
    predict: Predict,
    *,
    layout: Layout,
    output: str,
    batch: int,
    decide: Decide = decide,
    added: Mapping[str, Kind] | None = None,
) -> int:
    """Label JSONL from standard input to standard output or a JSONL file; returns how many rows.

    What has come in is labelled at once, at most `batch` rows together. Each row keeps its own columns.
    Bad rows stop the stream, or are named on standard error.
    """
    if output != PIPE and ending(Path(output)) != "jsonl":
        raise UsageError(f"input=- goes to output=- or to a .jsonl file, not to {output}; or give the input as a file")
    extra = dict(added or {})
    count = 0
    with _open_output(output) as out, progress(total=None, what="labelling", unit="statements") as advance:
        for lines in _as_they_come(sys.stdin.buffer, batch):
            found, error = _read(lines, layout)
            if found:
                statements = [statement for _, statement in found]
                columns = decide(tasks, predict(statements))
                start = 0
                for names, group in groupby(found, key=lambda pair: pair[0]):
                    some = [statement for _, statement in group]
                    part = {name: values[start : start + len(some)] for name, values in columns.items()}
                    start += len(some)
                    kinds = dict.fromkeys(names, str)
                    kept = kept_columns(some, kinds, added_columns(tasks) | extra)
                    out.write(encode(kept | part, output_columns(tasks, kinds, extra), table="jsonl"))
                out.flush()
                count += len(found)
                advance(len(found))
            if error:
                raise error
    return count


def _read(
    lines: Sequence[tuple[int, bytes]], layout: Layout
) -> tuple[list[tuple[tuple[str, ...], Statement]], InputError | None]:
    """(the row's columns under our names, the statement) of each good row, up to a bad one that stops."""
    read = row_reader(columns=layout.columns, values=layout.values)
    ours = {theirs: name for name, theirs in layout.columns.items() if theirs}
    found: list[tuple[tuple[str, ...], Statement]] = []
    for line, raw in lines:
        row = json_row(_STDIN, line, raw)
        try:
            if row.problem:
                raise InputError(row.problem)
            statement = read(row.values, f"{_STDIN}:{line}")
        except InputError as error:
            reason = bad_row(row, str(error))
            if layout.on_error == "stop":
                return found, reason
            log.warning(f"left out: {row.where}: {error}")
            continue
        names = dict.fromkeys(("id", "text", *(ours.get(name, name) for name in row.values)))
        found.append((tuple(names), statement))
    return found, None


def _as_they_come(source: BinaryIO, batch: int) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered lines that are not blank: all that have come in by now, at most `batch`, at least one."""
    waiting: queue.Queue[tuple[int, bytes] | None] = queue.Queue(maxsize=4 * batch)
    failed: list[OSError] = []

    def receive() -> None:
        try:
            for line, text in enumerate(_lines(_unbuffered(source)), start=1):
                if not text.isspace():
                    waiting.put((line, text))
        except OSError as error:
            failed.append(error)
        waiting.put(None)

    threading.Thread(target=receive, daemon=True).start()
    yield from _held(waiting, batch)
    if failed:
        raise InputError(f"{_STDIN} could not be read to its end ({failed[0].strerror or failed[0]}); send it again")


def _held(waiting: queue.Queue[tuple[int, bytes] | None], batch: int) -> Iterator[list[tuple[int, bytes]]]:
    while (first := waiting.get()) is not None:
        held = [first]
        while len(held) < batch:
            try:
                following = waiting.get_nowait()
            except queue.Empty:
                break
            if following is None:
                yield held
                return
            held.append(following)
        yield held


def _unbuffered(source: BinaryIO) -> IO[bytes]:
    """The same bytes without a buffer, whose lock a thread that waits would hold: Python could not end then."""
    try:
        return open(os.dup(source.fileno()), "rb", buffering=0)  # noqa: PTH123 (read until the process ends)
    except (OSError, ValueError):  # no descriptor: bytes that are in memory already
        return source


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    """Lines with their ends as soon as they are there; the last may have none."""
    begun: list[bytes] = []
    while block := source.read(_BLOCK):
        *whole, rest = block.split(b"\n")
        for line in whole:
            yield b"".join((*begun, line, b"\n"))
            begun.clear()
        if rest:
            begun.append(rest)
    if begun:
        yield b"".join(begun)


@contextmanager
def _open_output(output: str) -> Iterator[BinaryIO]:
    if output == PIPE:
        yield sys.stdout.buffer
        return
    path = Path(output).expanduser()
    with atomic(path) as part, open_bytes(part, "wb") as file:
        yield file


def label_source(work: Work, source: Source, *, size: int, workers: int) -> None:
    """Label files to standard output as JSONL, in order; bad rows are named on standard error."""
    found = pieces(source, work.layout, size=size, start=Cursor())
    bar = progress(total=source.rows, what="labelling", unit="statements")
    with closing(crew.results(work, found, workers=workers)) as finished, bar as advance:
        for done in finished:
            sys.stdout.buffer.write(done.data)
            sys.stdout.buffer.flush()
            for line in done.rejects.decode().splitlines():
                log.warning(f"left out: {line}")
            advance(done.read)
