"""Answers that need not be computed again: within a batch, among those just given, in a file that jobs share."""

import hashlib
import os
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from detente.arrays import FloatArray
from detente.errors import InputError
from detente.inference.batches import Predict
from detente.records import Statement
from detente.tasks import Task

# What a model may read of a statement. Everything else (its id, its place, its labels) changes no answer.
READ = ("text", "lang", "target", "holder", "holder_name", "quote")
_READ_EXTRA = ("target_start", "target_end")
_RECENT = 1 << 15
_WAIT_SECONDS = 60.0


def key_of(statement: Statement) -> bytes:
    """16 bytes that stand for all that a model may read of a statement."""
    parts = [getattr(statement, name) for name in READ]
    parts += [str(statement.extra[name]) for name in _READ_EXTRA if name in statement.extra]
    content = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()


class Memory(Protocol):
    """Answers by key: all tasks' probabilities of a statement as the bytes of float64."""

    def get(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those of `keys` that are known."""
        ...

    def put(self, answers: Mapping[bytes, bytes]) -> None:
        """Remember; what is known already stays as it is."""
        ...


@dataclass(frozen=True, slots=True)
class Recent:
    """The last 32,768 different answers, in this process."""

    held: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those of `keys` that are known."""
        return {key: self.held[key] for key in keys if key in self.held}

    def put(self, answers: Mapping[bytes, bytes]) -> None:
        """Remember, and forget as many of the oldest as there are too many."""
        self.held.update(answers)
        while len(self.held) > _RECENT:
            del self.held[next(iter(self.held))]


@dataclass(slots=True)
class Stored:
    """Answers in an SQLite file, which any number of processes of one machine may use at once."""

    path: Path
    _connection: sqlite3.Connection | None = None
    _process: int = 0

    def get(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Those of `keys` that are known."""
        found: dict[bytes, bytes] = {}
        wanted = list(keys)
        for i in range(0, len(wanted), 900):
            some = wanted[i : i + 900]
            marks = ",".join("?" * len(some))
            found.update(self._ask(f"SELECT key, answer FROM answers WHERE key IN ({marks})", some))  # noqa: S608
        return found

    def put(self, answers: Mapping[bytes, bytes]) -> None:
        """Remember; the first answer to a key stays."""
        try:
            with self._open() as connection:
                connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", answers.items())
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _ask(self, query: str, values: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        try:
            return self._open().execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from None

    def _open(self) -> sqlite3.Connection:
        """A connection of this process's own: one must not be carried over a fork."""
        if self._connection is None or self._process != os.getpid():
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = error.strerror or error
                raise InputError(
                    f"the cache {self.path.parent} cannot be made ({reason}); give another folder"
                ) from None
            self._connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
            self._process = os.getpid()
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer BLOB NOT NULL) WITHOUT ROWID"
            )
        return self._connection

    def _fault(self, error: sqlite3.Error) -> InputError:
        return InputError(
            f"the cache {self.path} cannot be used ({error}); make room, or remove the file, or give another cache="
        )


def stored(folder: str | Path, model: str) -> Stored:
    """The answers of one model in a cache folder. `model` is a fingerprint of all that its answers depend on."""
    return Stored(Path(folder).expanduser() / f"{hashlib.sha256(model.encode()).hexdigest()[:32]}.sqlite")


@dataclass(frozen=True, slots=True)
class Once:
    """A Predict that computes what it does not know, and equal statements once."""

    tasks: tuple[Task, ...]
    predict: Predict
    memory: Memory

    def __call__(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Probabilities by task name, rows in the order of `statements`."""
        keys = [key_of(statement) for statement in statements]
        known = self.memory.get(set(keys))
        first: dict[bytes, int] = {}
        for i, key in enumerate(keys):
            if key not in known:
                first.setdefault(key, i)
        if first:
            computed = self.predict([statements[i] for i in first.values()])
            answers = np.hstack([computed[task.name] for task in self.tasks]).astype(np.float64)
            new = {key: row.tobytes() for key, row in zip(first, answers, strict=True)}
            self.memory.put(new)
            known |= new
        found = np.frombuffer(b"".join(known[key] for key in keys), dtype=np.float64).reshape(len(keys), -1)
        ends = np.cumsum([len(task.labels) for task in self.tasks])
        return {task.name: found[:, end - len(task.labels) : end] for task, end in zip(self.tasks, ends, strict=True)}
