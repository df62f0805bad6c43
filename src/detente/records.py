"""The one record type that goes all the way: a Statement, and how it stands in a row of a file."""

import datetime
import math
from collections.abc import Mapping, Sequence
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
        if not self.text.strip():
            raise InputError("the text is empty; give every row a text")
        if len(self.text) > MAX_CHARACTERS:
            raise InputError(
                f"the text has {len(self.text):,} characters, at most {MAX_CHARACTERS:,} are taken; "
                "split it, or give it as a document of its own"
            )
        if "\0" in self.text:
            raise InputError("the text contains a NUL byte; remove it or re-export the file as plain text")
        if self.quote not in ("", *QUOTES):
            raise InputError(f'quote is "{self.quote}"; it must be direct, indirect or none')
        for name in ("relevance", "confidence"):
            value = getattr(self, name)
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
    """A statement from a file's row.

    `columns` maps our names (fields and task names) to the file's; None says that the file has no such
    column, whatever its columns are called. `values` maps spellings of labels. Labels are checked
    against `tasks`; label columns of no task in `tasks` are kept as they are. Raises InputError.
    """
    theirs = dict(columns or {})
    by_name = {task.name: task for task in tasks}
    taken: set[str] = set()
    kept: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for name in dict.fromkeys((*FIELDS, *LABEL_COLUMNS, *by_name, *theirs)):
        column = theirs.get(name, name)
        if column is None or column not in row:
            continue
        taken.add(column)
        if name in by_name:
            labels[name] = by_name[name].label_of(row[column], values)
        elif name in LABEL_COLUMNS:
            labels[name] = "" if row[column] is None else str(row[column])
        elif name in FIELDS:
            kept[name] = _cell(name, row[column])
        else:
            kept.setdefault("extra", {})[name] = row[column]
    extra = {k: v for k, v in row.items() if k not in taken} | kept.pop("extra", {})
    if "text" not in kept:
        raise InputError("the row has no text")
    return Statement(labels={k: v for k, v in labels.items() if v}, extra=extra, **kept)


def _cell(name: str, value: Any) -> Any:
    """The value of a cell in the type of field `name`."""
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
