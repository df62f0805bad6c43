"""Sheets: a row a statement and annotator in any table format, for people who label in a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from detente import files
from detente.errors import InputError
from detente.files import Layout
from detente.labelling.agreement import Annotation
from detente.labelling.review import annotations as rows
from detente.labelling.review.carried import IDENTITY, RECORD, Around, unpack
from detente.records import COLUMNS, FIELDS, Statement, from_row, to_row
from detente.tasks import Task

GIVEN = "given_"
_OF_ANNOTATION = ("annotator", "kind", *rows.BESIDE)
_OF_TOOL = ("before", "after", "lead_time", "updated_at", "created_at", "annotation_id", RECORD, IDENTITY)
Found = tuple[str, Statement | None, Annotation | None]


def write(
    path: Path,
    statements: Sequence[Statement],
    annotations: Sequence[Annotation],
    tasks: Sequence[Task],
    *,
    around: Mapping[str, Around],
    prelabels: bool,
    annotator: str = "",
) -> None:
    """Write a row an annotation, and one to fill in for a statement that has none.

    With `prelabels` the statements' own labels stand in `given_<task>`; `annotator` signs the empty rows.
    Raises InputError if a column of the statements has the name of one of an annotation's.
    """
    made = list(_rows(statements, annotations, tasks, around, prelabels, annotator))
    kinds = files.column_types(made)
    known = rows.columns(tasks)
    first: list[str] = [name for name in ("id", "lang", "before", "text", "after") if name in kinds]
    first += [*(task.name for task in tasks), "flag", "comment", "skipped", "annotator"]
    # A column of ours that is empty throughout would only be in the way.
    full = [name for name in kinds if name not in COLUMNS or any(row.get(name) not in (None, "") for row in made)]
    columns = {name: known.get(name, kinds.get(name, str)) for name in dict.fromkeys((*first, *full))}
    if path.suffix.lower() in (".csv", ".tsv"):
        _write_for_spreadsheets(path, made, list(columns))
    else:
        files.write_rows(path, made, columns=columns)


def _write_for_spreadsheets(path: Path, made: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Without the byte-order mark, Excel takes UTF-8 for a Western code page."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="," if path.suffix.lower() == ".csv" else "\t")
    writer.writerow(columns)
    for row in made:
        cells = (row.get(name) for name in columns)
        writer.writerow([json.dumps(c, ensure_ascii=False) if isinstance(c, dict | list) else c for c in cells])
    with files.atomic(path) as part:
        part.write_bytes(text.getvalue().encode("utf-8-sig"))


def _rows(
    statements: Sequence[Statement],
    annotations: Sequence[Annotation],
    tasks: Sequence[Task],
    around: Mapping[str, Around],
    prelabels: bool,
    annotator: str,
) -> Iterator[dict[str, Any]]:
    by_id: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        by_id.setdefault(annotation.id, []).append(annotation)
    names = [task.name for task in tasks]
    for statement in statements:
        row = to_row(statement)
        taken = [name for name in (*_OF_ANNOTATION, *(GIVEN + n for n in names)) if name in row]
        if taken:
            raise InputError(
                f'the statements have a column "{taken[0]}", which the sheet needs for the annotation; '
                "rename it in the file, or use export=labelstudio"
            )
        context = around.get(statement.id, Around())
        if context.before or context.after:
            row |= {"before": context.before, "after": context.after}
        if prelabels:
            row |= {GIVEN + name: statement.labels.get(name, "") for name in names}
        row |= dict.fromkeys(names, "")
        empty = Annotation(statement.id, annotator, rows.PERSON, statement.lang, {})
        for annotation in by_id.get(statement.id) or [empty]:
            said = {k: v or None for k, v in rows.to_row(annotation, tasks).items() if k not in ("id", "lang")}
            yield row | said | {"seconds": annotation.seconds}


def read(path: Path, tasks: Sequence[Task], layout: Layout, *, annotator: str = "") -> list[Found]:
    """(where, statement, annotation) of every row: of a sheet, an annotations table, or Label Studio's CSV.

    A table without texts gives annotations alone. Raises InputError naming file and line.
    """
    found: list[Found] = []
    columns = files.column_names(path)
    texts = (layout.columns.get("text") or "text") in columns
    labels = [layout.columns.get(task.name) or task.name for task in tasks]
    if not set(labels) & set(columns):
        raise InputError(f"{path}:1: no column {' or '.join(labels)} among {', '.join(columns)}; give a file of labels")
    for row in files.read_rows(path):
        try:
            if row.problem:
                raise InputError(row.problem)
            statement = _statement(row.values, layout, tasks) if texts else None
            annotation = _annotation(row.values, statement, tasks, layout, annotator)
        except InputError as error:
            raise InputError(f"{row.where}: {error}") from None
        if statement:
            found.append((row.where, statement, None))
        if annotation:
            found.append((row.where, None, annotation))
    return found


def _statement(values: Mapping[str, Any], layout: Layout, tasks: Sequence[Task]) -> Statement:
    if RECORD in values:
        return unpack(values, fallback_id="", columns=layout.columns)
    labels = {t.name: t.label_of(values.get(GIVEN + t.name)) for t in tasks}
    theirs = {layout.columns.get(t.name) or t.name for t in tasks} | {GIVEN + t.name for t in tasks}
    left = {k: v for k, v in values.items() if k not in theirs and k not in (*_OF_ANNOTATION, *_OF_TOOL)}
    fields = {ours: column for ours, column in layout.columns.items() if ours in FIELDS}
    statement = from_row(left, columns=fields)
    given = str(values.get(IDENTITY) or statement.id)
    if not given:
        raise InputError("no id; every row needs the id of its statement")
    return replace(statement, id=given, labels={name: label for name, label in labels.items() if label})


def _annotation(
    values: Mapping[str, Any],
    statement: Statement | None,
    tasks: Sequence[Task],
    layout: Layout,
    annotator: str,
) -> Annotation | None:
    row = dict(values)
    row |= {t.name: values.get(layout.columns.get(t.name) or t.name) for t in tasks}
    row.setdefault("seconds", values.get("lead_time"))
    row.setdefault("at", values.get("updated_at"))
    row["flag"] = False if row.get("flag") in (None, "") else str(row["flag"]).replace("flag", "true")
    if statement:
        row |= {"id": statement.id, "lang": statement.lang}
    signed = row | {"annotator": row.get("annotator") or annotator or "-"}
    said = rows.says_something(rows.from_row(signed, tasks, values=layout.values))
    return rows.from_row(row, tasks, values=layout.values, annotator=annotator) if said else None
