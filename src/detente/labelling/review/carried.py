"""What travels with a statement into another tool: what people should see, and the whole record as one JSON text.

Tools change the types of fields that they do not know (numbers rounded, nulls made NaN); a text comes back
as it went.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from detente.errors import InputError
from detente.records import FIELDS, Statement, from_row
from detente.tasks import Task

RECORD = "statement"
IDENTITY = "statement_id"
_SHOWN = ("lang", "holder", "holder_name", "source", "date", "doc_id")


@dataclass(frozen=True, kw_only=True)
class Around:
    """The sentences before and after a statement in its document; empty where the document is not known."""

    before: str = ""
    after: str = ""


def pack(statement: Statement, around: Around) -> dict[str, Any]:
    """The fields of a tool's task: text, id, context for people, and the record but for its text."""
    record = {name: getattr(statement, name) for name in FIELDS if name != "text"}
    whole = {name: value for name, value in record.items() if value not in (None, "")}
    whole |= {"labels": dict(statement.labels), "extra": dict(statement.extra)}
    shown = {name: getattr(statement, name) for name in _SHOWN}
    context = {"before": around.before, "after": around.after}
    as_text = json.dumps(whole, ensure_ascii=False, default=str)
    return {"text": statement.text, IDENTITY: statement.id, **shown, **context, RECORD: as_text}


def unpack(
    values: Mapping[str, Any],
    *,
    fallback_id: str,
    columns: Mapping[str, str | None] | None = None,
    tasks: Sequence[Task] = (),
) -> Statement:
    """The statement that a tool's task holds: ours by its record, another's by its fields. Raises InputError.

    One without an id of its own gets `fallback_id`: no two statements of a file may share one.
    """
    text = values.get((columns or {}).get("text") or "text")
    if not isinstance(text, str):
        raise InputError("no text; name the field that holds it with data.columns.text=FIELD")
    if RECORD in values:
        try:
            record = json.loads(str(values[RECORD]))
            known = {"id": fallback_id} | {name: record[name] for name in FIELDS if name in record}
            return Statement(text=text, **known, labels=record["labels"], extra=record["extra"])
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(f'the field "{RECORD}" was changed; leave it as the export wrote it') from None
    own = {name: value for name, value in values.items() if name not in {task.name for task in tasks}}
    given = own.pop(IDENTITY, None)
    statement = from_row(own, columns=columns)
    own_id = statement.id if given in (None, "") else str(given)
    return replace(statement, id=own_id or fallback_id, labels={})


def tools_id(values: Mapping[str, Any], place: str) -> str:
    """The id that a tool gave its task, 0 too; else where the task stands."""
    given = values.get("id")
    return place if given in (None, "") else str(given)
