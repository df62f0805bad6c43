"""Label Studio: tasks as JSON, the labelling configuration as XML, and the shapes that it exports (JSON, JSON-MIN).

Sources: labelstud.io/guide/task_format, guide/tasks and tags/choices.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from detente import files
from detente.errors import InputError, did_you_mean
from detente.files import Layout
from detente.labelling.agreement import Annotation
from detente.labelling.review import annotations as rows
from detente.labelling.review.carried import Around, pack, tools_id, unpack
from detente.records import Statement
from detente.tasks import Task

FLAG, COMMENT = "flag", "comment"
Found = tuple[str, Statement | None, Annotation | None]


def config(tasks: Sequence[Task]) -> str:
    """The labelling configuration: the text in its context, a choice a task with keys, a flag and a comment."""
    lines = ["<View>", '  <Header value="$holder_name · $source · $date" size="5"/>']
    lines.append('  <Text name="before" value="$before"/>')
    lines.append('  <Text name="text" value="$text" granularity="word"/>')
    lines.append('  <Text name="after" value="$after"/>')
    keys = iter("123456789qwertyuiop")
    for task in tasks:
        lines.append(f"  <Header value={quoteattr(task.name.capitalize())}/>")
        lines.append(
            f'  <Choices name={quoteattr(task.name)} toName="text" choice="single-radio" required="true" '
            'showInline="true">'
        )
        for label in task.labels:
            hotkey = next(keys, "")
            lines.append(f"    <Choice value={quoteattr(label)}{f' hotkey={quoteattr(hotkey)}' if hotkey else ''}/>")
        lines.append("  </Choices>")
    lines.append(f'  <Choices name="{FLAG}" toName="text" choice="multiple"><Choice value="{FLAG}"/></Choices>')
    lines.append(f'  <TextArea name="{COMMENT}" toName="text" maxSubmissions="1" editable="true" rows="2"/>')
    return "\n".join([*lines, "</View>", ""])


def write(
    path: Path,
    statements: Sequence[Statement],
    annotations: Sequence[Annotation],
    tasks: Sequence[Task],
    *,
    around: Mapping[str, Around],
    prelabels: bool,
) -> None:
    """Write tasks with their annotations; with `prelabels`, the statements' own labels as predictions."""
    by_id: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        by_id.setdefault(annotation.id, []).append(annotation)
    made = []
    for statement in statements:
        given = [_annotation(annotation, tasks) for annotation in by_id.get(statement.id, ())]
        task = {"data": pack(statement, around.get(statement.id, Around())), "annotations": given}
        machine = {t.name: statement.labels[t.name] for t in tasks if statement.labels.get(t.name)}
        if prelabels and machine:
            score = {} if statement.confidence is None else {"score": statement.confidence}
            task["predictions"] = [{"model_version": statement.origin, "result": _choices(machine), **score}]
        made.append(task)
    files.write_json(path, made)


def _choices(labels: Mapping[str, str]) -> list[dict[str, Any]]:
    target = {"to_name": "text", "type": "choices"}
    return [{"from_name": name, **target, "value": {"choices": [label]}} for name, label in labels.items()]


def _annotation(annotation: Annotation, tasks: Sequence[Task]) -> dict[str, Any]:
    result = _choices({t.name: annotation.labels[t.name] for t in tasks if annotation.labels.get(t.name)})
    if annotation.flag:
        result += _choices({FLAG: FLAG})
    if annotation.comment:
        value = {"text": [annotation.comment]}
        result.append({"from_name": COMMENT, "to_name": "text", "type": "textarea", "value": value})
    made: dict[str, Any] = {"completed_by": {"email": annotation.annotator}, "result": result}
    made |= {"was_cancelled": annotation.skipped, "kind": annotation.kind, "lang": annotation.lang}
    if annotation.seconds is not None:
        made["lead_time"] = annotation.seconds
    if annotation.at:
        made |= {"created_at": annotation.at, "updated_at": annotation.at}
    return made


def read(path: Path, tasks: Sequence[Task], layout: Layout, *, annotator: str = "") -> list[Found]:
    """(where, statement, annotation) of every task and annotation. Raises InputError naming the task at fault.

    A task without annotations gives its statement alone. Of two annotations by one person the later counts.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no whole JSON file ({error}); export it anew") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check it and its permissions") from None
    listed = content if isinstance(content, list) else [content]
    found: list[Found] = []
    for number, task in enumerate(listed, start=1):
        where = f"{path}: task {number}"
        if not isinstance(task, dict):
            raise InputError(f"{where} is no object; give a Label Studio export in the format JSON")
        try:
            own_id = tools_id(task, f"{path.name}:{number}")
            found += [(where, *pair) for pair in _task(task, own_id, tasks, layout, annotator)]
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        except (AttributeError, TypeError, ValueError):
            raise InputError(f"{where} has not the shape of a Label Studio export; export it anew as JSON") from None
    return found


def _task(
    task: Mapping[str, Any], own_id: str, tasks: Sequence[Task], layout: Layout, annotator: str
) -> Iterator[tuple[Statement | None, Annotation | None]]:
    if not isinstance(task.get("data"), dict):
        if "text" not in task and not layout.columns.get("text"):
            raise InputError("neither data nor a text; give a Label Studio export in the format JSON")
        yield from _flat(task, own_id, tasks, layout, annotator)
        return
    statement = unpack(task["data"], fallback_id=own_id, columns=layout.columns, tasks=tasks)
    given = [a for a in task.get("annotations") or task.get("completions") or () if isinstance(a, dict)]
    read_ones = [_read_annotation(a, statement, tasks, layout, annotator) for a in given]
    yield statement, None
    for annotation in rows.latest(a for a in read_ones if rows.says_something(a)):
        yield None, annotation


def _flat(
    task: Mapping[str, Any], own_id: str, tasks: Sequence[Task], layout: Layout, annotator: str
) -> Iterator[tuple[Statement | None, Annotation | None]]:
    """JSON-MIN: the data's fields beside the labels, one object an annotation."""
    statement = unpack(task, fallback_id=own_id, columns=layout.columns, tasks=tasks)
    labels = {t.name: task.get(layout.columns.get(t.name) or t.name) for t in tasks}
    remark = task.get(COMMENT)
    if isinstance(remark, dict):  # so it writes a comment of several entries
        remark = "\n".join(map(str, remark.get("text") or ()))
    if not (remark or task.get(FLAG) or any(labels.values())):
        yield statement, None
        return
    beside = {COMMENT: remark, "seconds": task.get("lead_time"), "at": task.get("updated_at")}
    row = {"id": statement.id, "lang": statement.lang, "annotator": task.get("annotator"), **labels, **beside}
    row[FLAG] = bool(task.get(FLAG))
    yield statement, rows.from_row(row, tasks, values=layout.values, annotator=annotator)


def _read_annotation(
    given: Mapping[str, Any], statement: Statement, tasks: Sequence[Task], layout: Layout, annotator: str
) -> Annotation:
    row: dict[str, Any] = {"id": statement.id, "lang": given.get("lang") or statement.lang}
    row |= {
        "annotator": _who(given) or annotator,
        "kind": given.get("kind"),
        "skipped": bool(given.get("was_cancelled")),
    }
    row |= {"seconds": given.get("lead_time"), "at": given.get("updated_at") or given.get("created_at")}
    by_control = {layout.columns.get(t.name) or t.name: t.name for t in tasks}
    foreign: list[str] = []
    for item in given.get("result") or ():
        control, value = item.get("from_name"), item.get("value") or {}
        if control == FLAG:
            row[FLAG] = bool(value.get("choices"))
        elif control == COMMENT:
            row[COMMENT] = "\n".join(map(str, value.get("text") or ()))
        elif control in by_control:
            row[by_control[control]] = _single(by_control[control], value.get("choices") or ())
        else:
            foreign.append(str(control))
    if foreign and not any(row.get(t.name) for t in tasks):
        near = did_you_mean(foreign[0], [t.name for t in tasks])
        raise InputError(
            f'the choice "{foreign[0]}" is no task here ({near}): this is another project\'s export, '
            f"or name its choice with data.columns.{tasks[0].name}={foreign[0]}"
        )
    return rows.from_row(row, tasks, values=layout.values)


def _single(task: str, choices: Sequence[object]) -> object:
    if len(choices) > 1:
        shown = ", ".join(map(str, choices))
        raise InputError(f'{task} has several choices ({shown}); set choice="single-radio" and keep one')
    return choices[0] if choices else ""


def _who(given: Mapping[str, Any]) -> str:
    """The annotator's e-mail, user name or number, whichever the export has."""
    by = given.get("completed_by", given.get("created_username"))
    if isinstance(by, dict):
        return str(by.get("email") or by.get("username") or by.get("id") or "")
    return "" if by is None else str(by)
