"""Annotations as rows: who gave which labels to which statement, and what else they said of it.

One row an annotator and statement: `id lang annotator kind`, a column a task, `skipped flag comment seconds at`.
`detente agreement` reads such a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from detente import files
from detente.errors import InputError
from detente.labelling.agreement import Annotation
from detente.tasks import Task

PERSON = "person"
ADJUDICATION = "adjudication"
BESIDE = ("skipped", "flag", "comment", "seconds", "at")
_YES, _NO = frozenset(("true", "yes", "1", "x")), frozenset(("", "false", "no", "0"))
_KINDS: dict[str, type] = {"skipped": bool, "flag": bool, "seconds": float}


def columns(tasks: Sequence[Task]) -> dict[str, type]:
    """The columns of an annotations table and their types."""
    names = ("id", "lang", "annotator", "kind", *(task.name for task in tasks), *BESIDE)
    return {name: _KINDS.get(name, str) for name in names}


def to_row(annotation: Annotation, tasks: Sequence[Task]) -> dict[str, Any]:
    """An annotation as a row of an annotations table."""
    beside = {name: getattr(annotation, name) for name in BESIDE}
    labels = {task.name: annotation.labels.get(task.name, "") for task in tasks}
    named = {name: getattr(annotation, name) for name in ("id", "lang", "annotator", "kind")}
    return named | labels | beside


def from_row(
    row: Mapping[str, Any],
    tasks: Sequence[Task],
    *,
    values: Mapping[str, str] | None = None,
    annotator: str = "",
) -> Annotation:
    """An annotation from a row; `annotator` names who labelled where the row does not. Raises InputError."""
    labels = {task.name: task.label_of(row.get(task.name), values) for task in tasks}
    who = _text(row.get("annotator")).strip() or annotator.strip()
    given = _text(row.get("id")).strip()
    if not given:
        raise InputError("no id; every row needs the id of its statement")
    if not who:
        raise InputError("no annotator; say who labelled in a column annotator, or with annotator=NAME")
    seconds = row.get("seconds")
    try:
        took = None if seconds in (None, "") else float(str(seconds))
    except ValueError:
        raise InputError(f"seconds is {str(seconds)[:40]!r}; it must be a number") from None
    return Annotation(
        id=given,
        annotator=who,
        kind=str(row.get("kind") or PERSON),
        lang=str(row.get("lang") or ""),
        labels={name: label for name, label in labels.items() if label},
        skipped=_truth("skipped", row.get("skipped")),
        flag=_truth("flag", row.get("flag")),
        comment=_text(row.get("comment")),
        seconds=took,
        at=_text(row.get("at")),
    )


def says_something(annotation: Annotation) -> bool:
    """Whether anything was labelled, skipped, flagged or remarked: an untouched row of a sheet says nothing."""
    return bool(annotation.labels or annotation.skipped or annotation.flag or annotation.comment)


def write(path: Path, annotations: Iterable[Annotation], tasks: Sequence[Task]) -> int:
    """Write an annotations table; returns how many rows."""
    rows = (to_row(annotation, tasks) for annotation in annotations)
    return files.write_rows(path, rows, columns=columns(tasks))


def check_unique(annotations: Sequence[Annotation], where: Sequence[str]) -> None:
    """Raise InputError if one annotator labels a statement twice; `where` says where each annotation stands."""
    seen: dict[tuple[str, str, str], str] = {}
    for annotation, place in zip(annotations, where, strict=True):
        key = (annotation.id, annotation.annotator, annotation.kind)
        if key in seen:
            who, what = annotation.annotator[:60], annotation.id[:60]
            raise InputError(f'{place}: "{who}" labels the id "{what}" already at {seen[key]}; keep one of the two')
        seen[key] = place


def latest(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Of several annotations of one statement by one annotator the last given, in order of first appearance."""
    kept: dict[tuple[str, str, str], Annotation] = {}
    for annotation in annotations:
        key = (annotation.id, annotation.annotator, annotation.kind)
        if key not in kept or annotation.at >= kept[key].at:
            kept[key] = annotation
    return list(kept.values())


def joined(given: Sequence[Annotation], own: Sequence[Annotation], source: str) -> list[Annotation]:
    """The annotations of files and of the database; those that stand in both count once.

    Raises InputError, naming the files as `source`, where the two say different things.
    """
    found = {(a.id, a.annotator, a.kind): a for a in given}
    for annotation in own:
        key = (annotation.id, annotation.annotator, annotation.kind)
        if key in found and found[key].labels != annotation.labels:
            raise InputError(
                f'{source}: "{annotation.annotator}" labels the id "{annotation.id[:60]}" otherwise than in the '
                "database of the page; leave out the older of the two"
            )
        found[key] = annotation
    return list(found.values())


def _truth(name: str, value: object) -> bool:
    text = _text(value).strip().casefold()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise InputError(f'{name} is "{text[:40]}"; it must be true or false')


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)
