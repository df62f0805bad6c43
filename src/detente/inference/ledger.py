"""The ledger of a job: what is done, on disk, so that a job goes on where it stood whatever ended it.

OUTPUT.job/job.json      what the job is: input, checkpoint, settings, by their fingerprints
OUTPUT.job/rows.part     the output so far (for Parquet, frames of Arrow rows)
OUTPUT.job/rejects.part  the bad rows so far
OUTPUT.job/ids.part      hashes of the ids so far
OUTPUT.job/ledger        a line a commit: how long each of these is, and where the input goes on

A commit makes the parts safe on disk, then its line. After a kill or a power cut the parts are cut to
the lengths of the last whole line, so what is there never depends on when the job was ended.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from detente.errors import InputError, UsageError
from detente.files import write_json
from detente.inference.ids import Hashes
from detente.inference.pieces import Cursor
from detente.inference.work import Done

FORMAT = 1
_PARTS = ("rows.part", "rejects.part", "ids.part")
_FILES = (*_PARTS, "whole.part", "answers.sqlite", "answers.sqlite-wal", "answers.sqlite-shm", "lock", "job.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is done: counts of rows, lengths of the parts in bytes, where the input goes on.

    `lines` are lines of the rejects file (bad rows, and articles that cannot be read); the ids of the
    file at `cursor` begin at `ids_from`.
    """

    cursor: Cursor = field(default_factory=Cursor)
    read: int = 0
    rows: int = 0
    rejected: int = 0
    lines: int = 0
    lengths: tuple[int, int, int] = (0, 0, 0)
    ids_from: int = 0
    whole: bool = False


def folder_of(output: Path) -> Path:
    """Where the job of an output keeps its ledger."""
    return output.with_name(output.name + ".job")


class Ledger:
    """An open job. `state` is what was done, committed or not."""

    def __init__(self, folder: Path, state: State) -> None:
        self.folder = folder
        self.state = self.committed = state
        self._parts: list[IO[bytes]] = []
        for name, length in zip(_PARTS, state.lengths, strict=True):
            path = folder / name
            if state.whole and not path.exists():
                continue  # it has its last name already
            path.touch()
            if path.stat().st_size < length:
                raise InputError(f"{path} is shorter than it was; begin anew with resume=false")
            os.truncate(path, length)
            self._parts.append(path.open("ab"))
        self._ledger = (folder / "ledger").open("ab")

    def open_with(self, data: bytes) -> None:
        """Put what opens the output before all rows."""
        if not self.state.lengths[0]:
            self._parts[0].write(data)
            self.state = replace(self.state, lengths=(len(data), *self.state.lengths[1:]))

    def append(self, done: Done) -> None:
        """Add a finished piece."""
        was, cursor = self.state, done.piece.end
        ids = done.ids.tobytes()
        contents = (done.data, done.rejects, ids)
        for part, content in zip(self._parts, contents, strict=True):
            part.write(content)
        lengths = [length + len(content) for length, content in zip(was.lengths, contents, strict=True)]
        self.state = State(
            cursor=cursor,
            read=was.read + done.read,
            rows=was.rows + done.rows,
            rejected=was.rejected + done.rejected,
            lines=was.lines + done.rejects.count(b"\n"),
            lengths=(lengths[0], lengths[1], lengths[2]),
            ids_from=was.ids_from if cursor.file == was.cursor.file else was.lengths[2],
        )

    def commit(self, *, whole: bool = False) -> None:
        """Make all that was appended safe on disk."""
        state = replace(self.state, whole=whole)
        if state == self.committed:
            return
        for part, length in zip(self._parts, state.lengths, strict=True):
            part.flush()
            os.ftruncate(part.fileno(), length)  # a piece whose writing was broken off
            os.fsync(part.fileno())
        self._ledger.write(json.dumps(asdict(state)).encode() + b"\n")
        self._ledger.flush()
        os.fsync(self._ledger.fileno())
        if self.committed == State():
            sync_folder(self.folder)
            sync_folder(self.folder.parent)
        self.state = self.committed = state

    def ids(self) -> Hashes:
        """Hashes of the ids of the file that the input goes on in."""
        content = np.fromfile(self.folder / "ids.part", dtype=np.uint64, offset=self.state.ids_from)
        return np.asarray(content, dtype=np.uint64)

    def close(self) -> None:
        """Close the files; what was not committed is left to be cut off."""
        for file in (*self._parts, self._ledger):
            try:
                file.close()
            except OSError:  # a full disk refuses what is still buffered, which counts as not written
                continue


@contextmanager
def opened(output: Path, about: Mapping[str, Any], *, resume: bool) -> Iterator[Ledger]:
    """The job of an output: a new one, or the one that was broken off, if it is the same by `about`.

    Raises InputError if the one there is another job, UsageError if a process is at work on it.
    """
    folder = folder_of(output)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        take(lock, output)
        if not resume:
            _remove_parts(folder)
        found = read_about(folder / "job.json")
        if found is None:
            _remove_parts(folder)
            write_json(folder / "job.json", {"format": FORMAT, **about})
        state = _last_state(folder)
        check_same(folder, found, {"format": FORMAT, **about}, state.rows)
        ledger = Ledger(folder, state)
        try:
            yield ledger
        finally:
            ledger.close()
            if ledger.committed == State():
                remove(folder)  # nothing to go on with


def take(lock: IO[bytes], output: Path) -> None:
    """Make this process the one that writes `output`, until `lock` is closed. Raises UsageError if another is."""
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise UsageError(f"another process is writing {output}; wait for it, or choose another output") from None


def read_about(path: Path) -> dict[str, Any] | None:
    """What a job's record says; None if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _last_state(folder: Path) -> State:
    """The last whole line of the ledger; what a broken-off write left after it is cut away."""
    path = folder / "ledger"
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        os.truncate(path, sum(map(len, lines[:-1])))
        lines.pop()
    if not lines:
        return State()
    fields = json.loads(lines[-1])
    return State(**fields | {"cursor": Cursor(**fields["cursor"]), "lengths": tuple(fields["lengths"])})


def check_same(folder: Path, found: Mapping[str, Any] | None, about: Mapping[str, Any], rows: int) -> None:
    """Raise InputError if the job in `folder` is `found` by its record, and not what `about` says."""
    wanted = json.loads(json.dumps(about))
    other = [name for name in wanted if found is not None and found.get(name) != wanted[name]]
    if other:
        what = " and ".join(name.replace("_", " ") for name in other)
        raise InputError(
            f"{folder} holds a job broken off after {rows:,} rows, and since then the {what} changed; "
            "put back what it was to go on, or begin anew with resume=false"
        )


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe on disk."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_parts(folder: Path) -> None:
    broken_off = [path.name for path in folder.glob(".part-*")]  # a kill while job.json was written
    for name in (*broken_off, *_FILES, "ledger"):
        if name != "lock":
            (folder / name).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a job's own files, the ledger last, and the folder if nothing else is in it."""
    _remove_parts(folder)
    (folder / "lock").unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
