"""doccano: text classification as JSONL with lists of labels, a file an annotator in a zip, as it exports them.

A label bears its task (`stance:skeptical`), since two tasks may share a word.
"""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from detente.errors import InputError, UsageError
from detente.files import Layout, atomic
from detente.labelling.agreement import Annotation
from detente.labelling.review import annotations as rows
from detente.labelling.review.carried import Around, pack, tools_id, unpack
from detente.records import Statement
from detente.tasks import Task

LABEL, COMMENTS, BESIDE = "label", "Comments", "annotation"
Found = tuple[str, Statement | None, Annotation | None]


def write(
    path: Path,
    statements: Sequence[Statement],
    annotations: Sequence[Annotation],
    tasks: Sequence[Task],
    *,
    around: Mapping[str, Around],
    prelabels: bool,
) -> None:
    """Write JSONL to import, or for `.zip` one JSONL an annotator. Raises UsageError for several in one JSONL.

    `prelabels` gives a file without annotations the statements' own labels: doccano shows them as labels, and
    those that nobody changes come back as the annotator's.
    """
    kinds = sorted({annotation.kind for annotation in annotations})
    if len(kinds) > 1:
        raise UsageError(
            f"doccano has no place for annotations of several kinds ({', '.join(kinds)}); use another export"
        )
    prelabels = prelabels and not annotations
    names = list(dict.fromkeys(annotation.annotator for annotation in annotations))
    if path.suffix.lower() != ".zip":
        if len(names) > 1:
            raise UsageError(f"{len(names)} annotators do not fit into one JSONL; give output={path.stem}.zip")
        with atomic(path) as part:
            part.write_text(_lines(statements, annotations, tasks, around, prelabels), encoding="utf-8")
        return
    with atomic(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ["unlabelled"]:
            own = [annotation for annotation in annotations if annotation.annotator == name]
            archive.writestr(_member(name), _lines(statements, own, tasks, around, prelabels))


def _member(name: str) -> zipfile.ZipInfo:
    """The member of an annotator, whatever the name holds; with a fixed date, so that equal content is equal bytes."""
    info = zipfile.ZipInfo(quote(name, safe="@+-_ ") + ".jsonl")
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _lines(
    statements: Sequence[Statement],
    annotations: Sequence[Annotation],
    tasks: Sequence[Task],
    around: Mapping[str, Around],
    prelabels: bool,
) -> str:
    by_id = {annotation.id: annotation for annotation in annotations}
    text = io.StringIO()
    for statement in statements:
        line = pack(statement, around.get(statement.id, Around()))
        annotation = by_id.get(statement.id)
        labels = annotation.labels if annotation else statement.labels if prelabels else {}
        line[LABEL] = [f"{t.name}:{labels[t.name]}" for t in tasks if labels.get(t.name)]
        if annotation:
            beside = {name: getattr(annotation, name) for name in ("annotator", "kind", "lang", *rows.BESIDE)}
            line |= {COMMENTS: [annotation.comment] if annotation.comment else [], BESIDE: json.dumps(beside)}
        text.write(json.dumps(line, ensure_ascii=False) + "\n")
    return text.getvalue()


def read(path: Path, tasks: Sequence[Task], layout: Layout, *, annotator: str = "") -> list[Found]:
    """(where, statement, annotation) of every line; a zip's members and a lone file are named after their annotator.

    Raises InputError naming file and line, also where the labels of several people were merged into one list.
    """
    if path.suffix.lower() != ".zip":
        return _read_lines(path.read_bytes(), str(path), annotator, tasks, layout, fallback=unquote(path.stem))
    found: list[Found] = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(n for n in archive.namelist() if n.lower().endswith(".jsonl")):
                who = unquote(Path(name).stem)
                found += _read_lines(archive.read(name), f"{path}/{name}", who, tasks, layout)
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise InputError(f"{path} is no whole zip file ({error}); export it anew") from None
    if not found:
        raise InputError(f"{path} holds no line of JSONL; export the project as JSONL")
    return found


def _read_lines(
    data: bytes, name: str, who: str, tasks: Sequence[Task], layout: Layout, *, fallback: str = ""
) -> list[Found]:
    """Lines by `who`; if that is empty by whom the line names, else by `fallback`."""
    found: list[Found] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        where = f"{name}:{number}"
        if not line.strip():
            continue
        try:
            values = json.loads(line.decode("utf-8-sig"))
            if not isinstance(values, dict):
                raise InputError("no JSON object; export the project as JSONL")
            own_id = tools_id(values, f"{Path(name).name}:{number}")
            found += [(where, *pair) for pair in _line(values, own_id, who, fallback, tasks, layout)]
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        except (AttributeError, TypeError):
            raise InputError(f"{where}: not the shape of a doccano export; export the project as JSONL") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: not a whole JSON object in UTF-8 ({error}); export it anew") from None
    return found


def _line(
    values: Mapping[str, Any], own_id: str, who: str, fallback: str, tasks: Sequence[Task], layout: Layout
) -> Iterator[tuple[Statement | None, Annotation | None]]:
    own = {name: value for name, value in values.items() if name not in (LABEL, COMMENTS, BESIDE)}
    statement = unpack(own, fallback_id=own_id, columns=layout.columns, tasks=tasks)
    yield statement, None
    row: dict[str, Any] = {"id": statement.id, "lang": statement.lang, "annotator": fallback}
    if isinstance(values.get(BESIDE), str):
        row |= json.loads(values[BESIDE])
    row["annotator"] = who or row["annotator"]  # a member's name is doccano's word, the field may be an older one
    labels = values.get(LABEL) or []
    for label in [labels] if isinstance(labels, str) else labels:
        task, value = _of_task(str(label), tasks, layout)
        if row.get(task.name, value) != value:
            raise InputError(
                f"two labels for {task.name}, {row[task.name]} and {value}; a shared project does not tell "
                "whose they are: let each annotator label alone, or keep one"
            )
        row[task.name] = value
    row["comment"] = "\n".join(map(str, values.get(COMMENTS) or ())) or row.get("comment")
    annotation = rows.from_row(row, tasks)
    if rows.says_something(annotation):
        yield None, annotation


def _of_task(label: str, tasks: Sequence[Task], layout: Layout) -> tuple[Task, str]:
    """The task and the label that a doccano label names; the task may be left out where one alone has the word."""
    name, colon, value = label.partition(":")
    for task in tasks:
        if colon and name.strip() == task.name:
            return task, task.label_of(value, layout.values)
    plain = layout.values.get(label, label)
    fitting = [task for task in tasks if plain in task.labels]
    if len(fitting) == 1:
        return fitting[0], plain
    if fitting:
        both = " and ".join(task.name for task in fitting)
        raise InputError(
            f'the label "{plain}" could be {both}; name it {fitting[0].name}:{plain}, or read one task=...'
        )
    known = ", ".join(f"{task.name}:{own}" for task in tasks for own in task.labels)
    raise InputError(
        f'"{label[:60]}" is no label here ({known}): another project\'s export, or map it with data.values'
    )
