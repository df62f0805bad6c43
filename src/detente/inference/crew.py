"""Pieces done by several processes, in order."""

import multiprocessing
import queue
import signal
import sys
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from detente.arrays import FloatArray
from detente.errors import InputError
from detente.inference.pieces import Piece
from detente.inference.work import Done, Work, process
from detente.records import Statement

# Pieces a worker holds: one that it works on, one that waits.
_AHEAD = 2
# Seconds that a worker has to end by itself.
_PATIENCE = 1.0


def results(work: Work, pieces: Iterator[Piece], *, workers: int) -> Generator[Done, None, None]:
    """Each piece done, in the order of `pieces`. One worker is this process itself.

    Raises what a piece raised, once all before it were given back.
    """
    if workers == 1:
        for piece in pieces:
            yield process(work, piece)
        return
    crew = _hire(work, workers)
    try:
        yield from _in_turn(crew, pieces)
    finally:
        for worker in crew:
            worker.connection.close()
        for worker in crew:
            worker.process.join(_PATIENCE)
            worker.process.terminate()
            worker.process.join()


@dataclass(frozen=True, slots=True)
class _Worker:
    process: Any
    connection: "Connection[Any, Any]"


def _hire(work: Work, workers: int) -> list[_Worker]:
    # A fork shares the model's memory and starts at once; torch's threads do not survive one.
    forks = sys.platform == "linux" and "torch" not in sys.modules
    context: Any = multiprocessing.get_context("fork" if forks else "spawn")
    crew: list[_Worker] = []
    for _ in range(workers):
        ours, theirs = context.Pipe()
        inherited = [worker.connection for worker in crew] + [ours] if forks else []
        given = replace(work, predict=_unmade) if work.remake and not forks else work
        process = context.Process(target=_serve, args=(theirs, given, inherited), daemon=True)
        process.start()
        theirs.close()
        crew.append(_Worker(process, ours))
    return crew


def _in_turn(crew: Sequence[_Worker], pieces: Iterator[Piece]) -> Iterator[Done]:
    """Give pieces to the workers in turn, and take what they did in the same turn."""
    given = taken = 0
    try:
        while True:
            while given - taken < _AHEAD * len(crew) and (piece := next(pieces, None)) is not None:
                crew[given % len(crew)].connection.send(piece)
                given += 1
            if given == taken:
                return
            done = crew[taken % len(crew)].connection.recv()
            taken += 1
            if isinstance(done, BaseException):
                raise done
            yield done
    except (EOFError, ConnectionError):
        raise InputError(
            "a worker process was killed (perhaps memory ran out); run the same command again to go on, "
            "with workers=1 if memory is short"
        ) from None


def _unmade(statements: Sequence[Statement]) -> Mapping[str, FloatArray]:
    """Stands for a model on its way to a process that loads its own."""
    raise RuntimeError("the model was not loaded")


def _serve(connection: "Connection[Any, Any]", work: Work, inherited: Sequence["Connection[Any, Any]"]) -> None:
    """A worker's life: it ends when the other end of its connection does, also when that process was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the job's own process decides what ^C means
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:
        other.close()
    waiting: queue.Queue[Piece | None] = queue.Queue()
    ended = threading.Event()

    def receive() -> None:
        try:
            while True:
                waiting.put(connection.recv())
        except (EOFError, OSError):
            ended.set()
            waiting.put(None)

    threading.Thread(target=receive, daemon=True).start()
    if work.remake and work.predict is _unmade:
        work = replace(work, predict=work.remake())
    while (piece := waiting.get()) is not None and not ended.is_set():
        try:
            answer: Any = process(work, piece)
        except Exception as error:
            answer = error
        try:
            connection.send(answer)
        except OSError:
            return
