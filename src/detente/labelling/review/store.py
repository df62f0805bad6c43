"""The database of a review: one SQLite file, every save on disk before it is acknowledged, nothing overwritten.

A save is a new row; the last row of an annotator and statement counts. Each bears the nonce its sender chose, so
that a save repeated after a lost answer is kept once.
"""

import datetime
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from detente.errors import InputError, UsageError
from detente.files.formats import bare_name
from detente.labelling.agreement import Annotation
from detente.records import Statement
from detente.tasks import Task

_APPLICATION = 0x44745276
_FORMAT = 1
_SCHEMA = """
create table about (key text primary key, value text not null);
create table statement (id text primary key, lang text not null, digest text not null);
create table saved (
  n integer primary key,
  nonce text not null unique,
  id text not null references statement (id),
  annotator text not null,
  kind text not null,
  labels text,
  skipped integer not null,
  flag integer not null,
  comment text not null,
  seconds real,
  at text not null
);
create index saved_by on saved (annotator, kind, id, n);
"""
_CURRENT = """
select saved.id, annotator, kind, lang, labels, skipped, flag, comment, seconds, at from saved join statement using (id)
where n in (select max(n) from saved group by id, annotator, kind) and labels is not null order by n
"""


def beside(path: str) -> Path:
    """Where the labels of an input go unless said otherwise: in the current folder, named after the input."""
    stem = bare_name(Path(path))
    if not stem or any(c in stem for c in "*?["):
        raise UsageError(f"input={path} gives the database no name; give database=FILE")
    return Path(f"{stem}.review.sqlite")


def open_database(path: Path, tasks: Sequence[Task], *, create: bool) -> sqlite3.Connection:
    """Open, or with `create` make, a review database. Raises InputError if it is none or has other tasks."""
    if not create and not path.is_file():
        raise InputError(f"{path} does not exist; label on the page first (annotator=NAME), or give database=FILE")
    new = not path.exists() or path.stat().st_size == 0
    try:
        if new:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # the key that opens the page lies in it
        connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{path} cannot be opened ({error}); give another place with database=FILE") from None
    try:
        connection.execute("pragma foreign_keys = on")
        if new:
            _make(connection, tasks)
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        _check(connection, path, tasks)
    except (sqlite3.Error, InputError) as error:
        connection.close()
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is no review database ({error}); give another with database=FILE") from None
    return connection


def _make(connection: sqlite3.Connection, tasks: Sequence[Task]) -> None:
    about = {"tasks": json.dumps(_plain(tasks), ensure_ascii=False), "key": os.urandom(16).hex()}
    connection.execute("begin exclusive")
    if not connection.execute("select count(*) from sqlite_master").fetchone()[0]:  # another may have been quicker
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.executemany("insert into about values (?, ?)", about.items())
        connection.execute(f"pragma application_id = {_APPLICATION}")
        connection.execute(f"pragma user_version = {_FORMAT}")
    connection.execute("commit")


def _plain(tasks: Sequence[Task]) -> dict[str, list[str]]:
    return {task.name: list(task.labels) for task in tasks}


def _check(connection: sqlite3.Connection, path: Path, tasks: Sequence[Task]) -> None:
    if connection.execute("pragma application_id").fetchone()[0] != _APPLICATION:
        raise InputError(f"{path} is no review database; give another with database=FILE")
    version = connection.execute("pragma user_version").fetchone()[0]
    if version != _FORMAT:
        raise InputError(f"{path} is of format {version}, this version knows {_FORMAT}; use the détente that made it")
    known = json.loads(about(connection, "tasks"))
    if known != _plain(tasks):
        shown = "; ".join(f"{name}: {', '.join(labels)}" for name, labels in known.items())
        raise InputError(
            f"{path} was begun with other tasks ({shown}); choose those with task=NAME, or another database"
        )


def about(connection: sqlite3.Connection, key: str) -> str:
    """A fact about the database: `tasks` (JSON), `key` (opens the page)."""
    return str(connection.execute("select value from about where key = ?", (key,)).fetchone()[0])


def bind(connection: sqlite3.Connection, statements: Iterable[Statement], path: Path) -> None:
    """Tie the database to its corpus; new statements are added. Raises InputError for another corpus."""
    known = dict(connection.execute("select id, digest from statement"))
    rows = [(s.id, s.lang, hashlib.sha256(s.text.encode()).hexdigest()) for s in statements]
    for name, _, digest in rows:
        if known.get(name, digest) != digest:
            raise InputError(
                f'{path} holds labels of another text with the id "{name[:60]}": it belongs to another corpus; '
                "give its own input, or another database=FILE"
            )
    if known and not any(name in known for name, _, _ in rows):
        raise InputError(f"{path} belongs to another corpus: no id of the input is in it; give another database=FILE")
    connection.execute("begin immediate")
    connection.executemany("insert or ignore into statement values (?, ?, ?)", rows)
    connection.execute("commit")


def save(connection: sqlite3.Connection, annotation: Annotation, nonce: str) -> None:
    """Keep an annotation; on disk when this returns. The same nonce again changes nothing."""
    _insert(connection, annotation, json.dumps(dict(annotation.labels), ensure_ascii=False), nonce)


def withdraw(connection: sqlite3.Connection, annotation: Annotation, nonce: str) -> None:
    """Take an annotation back: its statement is unlabelled again, the row stays for the record."""
    _insert(connection, annotation, None, nonce)


def _insert(connection: sqlite3.Connection, annotation: Annotation, labels: str | None, nonce: str) -> None:
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    beside = (annotation.skipped, annotation.flag, annotation.comment, annotation.seconds, at)
    connection.execute(
        "insert or ignore into saved (nonce, id, annotator, kind, labels, skipped, flag, comment, seconds, at) "
        "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (nonce, annotation.id, annotation.annotator, annotation.kind, labels, *beside),
    )


def seen(connection: sqlite3.Connection, nonce: str) -> bool:
    """Whether a save or an undo with this nonce is kept already."""
    return connection.execute("select 1 from saved where nonce = ?", (nonce,)).fetchone() is not None


def current(connection: sqlite3.Connection) -> list[Annotation]:
    """The annotations that count, one an annotator, kind and statement, in the order of their last save."""
    with closing(connection.execute(_CURRENT)) as rows:
        return [
            Annotation(
                *(name, annotator, kind, lang, json.loads(labels)),
                skipped=bool(skipped),
                flag=bool(flag),
                comment=comment,
                seconds=seconds,
                at=at,
            )
            for name, annotator, kind, lang, labels, skipped, flag, comment, seconds, at in rows
        ]
