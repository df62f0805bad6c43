"""The one record type that goes all the way: a Statement, and how it stands in a row of a file."""

import datetime
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from detente.errors import InputError
from detente.tasks import Task

QUOTES = ("direct", "indirect", "none")
LABEL_COLUMNS = ("stance", "sentiment")
# The order of columns in every file; `labels` is spread over its columns, other columns follow.
COLUMNS = (
    *("id", "text", "lang", "target", "holder", "holder_name", "quote", "relevance"),
    *("doc_id", "start", "end", "date", "source", *LABEL_COLUMNS, "split", "origin", "confidence"),
)
MAX_CHARACTERS = 1_000_000
# Columns that say where the target stands in the text, offsets as in Python.
TARGET_SPAN = ("target_start", "target_end")
Span = tuple[int, int]
_STRINGS = frozenset(
    (
        "id",
        "lang",
        "target",
        "holder",
        "holder_name",
        "quote",
        "doc_id",
        "date",
        "source",
        "split",
        "origin",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A text, who holds it, the target it speaks to, where it stands in which document, its labels.

    `start` and `end` are offsets in code points into the document as decoded: `text` is exactly that
    slice. `relevance` and `confidence` are probabilities. `labels` maps task names to labels. `extra`
    holds columns that are not ours; they pass through unchanged.
    """

    text: str
    id: str = ""
    lang: str = ""
    target: str = ""
    holder: str = ""
    holder_name: str = ""
    quote: str = ""
    relevance: float | None = None
    doc_id: str = ""
    start: int | None = None
    end: int | None = None
    date: str = ""
    source: str = ""
    split: str = ""
    origin: str = ""
    confidence: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise InputError for a text that is empty or too long, a bad quote type or a bad probability."""
        if not self.text or self.text.isspace():
            raise InputError("the text is empty; give every row a text")
        if len(self.text) > MAX_CHARACTERS:
            raise InputError(
                f"the text has {len(self.text):,} characters, at most {MAX_CHARACTERS:,} are taken; "
                "split it, or give it as a document of its own"
            )
        if "\0" in self.text:
            raise InputError("the text contains a NUL byte; remove it or re-export the file as plain text")
        if self.quote and self.quote not in QUOTES:
            raise InputError(f'quote is "{self.quote}"; it must be direct, indirect or none')
        for name, value in (("relevance", self.relevance), ("confidence", self.confidence)):
            if value is not None and not 0 <= value <= 1:
                raise InputError(f"{name} is {value}; it must be a probability between 0 and 1")


# The fields of a Statement that hold one value each.
FIELDS = tuple(f.name for f in fields(Statement) if f.name not in ("labels", "extra"))


def to_row(statement: Statement) -> dict[str, Any]:
    """The statement as one flat row, columns in the order of COLUMNS, then other tasks, then `extra`."""
    row: dict[str, Any] = {}
    for name in COLUMNS:
        value = statement.labels.get(name, "") if name in LABEL_COLUMNS else getattr(statement, name)
        row[name] = value
    row.update({k: v for k, v in statement.labels.items() if k not in row})
    # A foreign column may bear the name of a field that the file does not have (columns.start=null).
    row.update({k: v for k, v in statement.extra.items() if row.get(k) in (None, "")})
    return row


def from_row(
    row: Mapping[str, Any],
    *,
    columns: Mapping[str, str | None] | None = None,
    values: Mapping[str, str] | None = None,
    tasks: Sequence[Task] = (),
) -> Statement:
    """A statement from a file's row; see `row_reader`. Raises InputError."""
    return row_reader(columns=columns, values=values, tasks=tasks)(row, "")


def row_reader(
    *,
    columns: Mapping[str, str | None] | None = None,
    values: Mapping[str, str] | None = None,
    tasks: Sequence[Task] = (),
) -> Callable[[Mapping[str, Any], str], Statement]:
    """A function of a file's row, and of the id it gets if it has none, that makes a statement or raises InputError.

    `columns` maps our names (fields and task names) to the file's; None says that the file has no such
    column, whatever its columns are called. `values` maps spellings of labels. Labels are checked
    against `tasks`; label columns of no task in `tasks` are kept as they are. Which column is what is
    worked out once for rows with the same columns.
    """
    by_name = {task.name: task for task in tasks}
    plans: dict[tuple[str, ...], _Plan] = {}

    def read(row: Mapping[str, Any], fallback_id: str) -> Statement:
        names = tuple(row)
        plan = plans.get(names)
        if plan is None:
            if len(plans) >= _MAX_PLANS:  # every row has columns of its own
                plans.clear()
            plan = plans[names] = _plan(names, dict(columns or {}), by_name)
        kept = {name: _cell(name, row[column]) for name, column in plan.fields}
        labels = {}
        for name, column in plan.labels:
            value = row[column]
            label = by_name[name].label_of(value, values) if name in by_name else "" if value is None else str(value)
            if label:
                labels[name] = label
        if "text" not in kept:
            raise InputError("the row has no text")
        if not kept.get("id"):
            kept["id"] = fallback_id
        return Statement(labels=labels, extra={name: row[column] for name, column in plan.extra}, **kept)

    return read


_MAX_PLANS = 1000


@dataclass(frozen=True, slots=True)
class _Plan:
    """(our name, the file's column) of the fields, of the labels, and of what passes through."""

    fields: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    extra: tuple[tuple[str, str], ...]


def _plan(names: tuple[str, ...], theirs: Mapping[str, str | None], by_name: Mapping[str, Task]) -> _Plan:
    taken: set[str] = set()
    kept: list[tuple[str, str]] = []
    labels: list[tuple[str, str]] = []
    others: list[tuple[str, str]] = []
    for name in dict.fromkeys((*FIELDS, *LABEL_COLUMNS, *by_name, *theirs)):
        column = theirs.get(name, name)
        if column is None or column not in names:
            continue
        taken.add(column)
        is_label = name in by_name or name in LABEL_COLUMNS
        (labels if is_label else kept if name in FIELDS else others).append((name, column))
    passing = [(name, name) for name in names if name not in taken]
    return _Plan(tuple(kept), tuple(labels), (*passing, *others))


def _cell(name: str, value: Any) -> Any:
    """The value of a cell in the type of field `name`."""
    if type(value) is str and (name == "text" or name in _STRINGS):
        return value if name == "text" else value.strip()
    empty = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
    if name == "text":
        if not empty and not isinstance(value, str):
            raise InputError(f"the text is {value!r}; it must be a string")
        return "" if empty else value
    if name in _STRINGS:
        if isinstance(value, datetime.date | datetime.datetime):
            return value.isoformat()
        return "" if empty else str(value).strip()
    if empty:
        return None
    kind = int if name in ("start", "end") else float
    try:
        number = float(value)
        if kind is float:
            return number
        if number.is_integer():
            return int(number)
        raise ValueError
    except (TypeError, ValueError, OverflowError):
        word = "a whole number" if kind is int else "a number"
        raise InputError(
            f"{name} is {str(value)[:40]!r}; it must be {word} "
            f"(if the column means something else, leave it out with data.columns.{name}=null)"
        ) from None


def target_span(statement: Statement) -> Span | None:
    """Where the target stands in the text: the columns target_start and target_end, else its first occurrence."""
    start, end = (statement.extra.get(name) for name in TARGET_SPAN)
    if start not in (None, "") and end not in (None, ""):
        try:
            return int(float(start)), int(float(end))
        except ValueError:
            raise InputError(
                f"{statement.id}: target_start and target_end are {start!r} and {end!r}; they must be whole numbers"
            ) from None
    at = statement.text.find(statement.target) if statement.target else -1
    return (at, at + len(statement.target)) if at >= 0 else None
