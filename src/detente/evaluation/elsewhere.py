"""Predictions made elsewhere: a table of labels, with probabilities or without, and gold beside or in its own file.

The columns are those that `predict` writes: `<task>` is the predicted label, `<task>_<label>` the probability of
each label, `given_<task>` the gold label; `data.columns.NAME` says what the file calls them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from detente import files
from detente.arrays import FloatArray
from detente.corpus.origins import GIVEN, GIVEN_ORIGIN
from detente.errors import InputError, did_you_mean
from detente.files import Layout, Rejects, Row
from detente.records import LABEL_COLUMNS, Statement, from_row
from detente.tasks import Task

_ROUNDING = 0.02  # by how much rounded probabilities may miss one
_NO_TEXT = "(no text given: {})"  # texts of their own: equal ones would count as copies
_SKIP = "(or leave such rows out with on_error=skip)"


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Statements with gold labels and, for each task measured, probabilities (n, labels) in their order.

    Tasks in `without_proba` have rows of ones and zeros. `notes` are sentences for the user.
    """

    statements: list[Statement]
    tasks: tuple[Task, ...]
    proba: dict[str, FloatArray]
    without_proba: frozenset[str]
    notes: tuple[str, ...]


def read_predictions(source: str, tasks: Sequence[Task], *, gold: str, layout: Layout, rejects: Rejects) -> Predictions:
    """Read predictions and join gold by id if `gold` names a file. Raises InputError naming file and line."""
    paths = _tables(source)
    gold_paths = _tables(gold) if gold else []
    columns = _columns(tasks, layout, paths, gold_paths)
    golds = _golds(gold_paths, columns.gold_id, layout, rejects) if gold else None
    statements: list[Statement] = []
    proba: dict[str, list[list[float]]] = {task.name: [] for task in columns.tasks}
    seen: dict[str, str] = {}
    unjoined = 0
    for path in paths:
        for row in files.read_rows(path):
            try:
                read = _read_row(row, columns, layout, golds, seen)
            except InputError as error:
                _reject(row, error, layout, rejects)
                continue
            if read is None:
                unjoined += 1
                continue
            statements.append(read[0])
            for name, values in read[1].items():
                proba[name].append(values)
    if golds is not None:
        _check_join(source, gold, golds, seen, layout, rejects)
    if not statements:
        raise InputError(f"{source} has no row that can be measured; see the reasons, or correct its rows")
    return Predictions(
        statements=statements,
        tasks=columns.tasks,
        proba={name: np.array(rows, dtype=float) for name, rows in proba.items()},
        without_proba=frozenset(task.name for task in columns.tasks if task.name not in columns.proba),
        notes=(f"{unjoined:,} of {len(seen):,} predictions are not in {gold} and do not count",) if unjoined else (),
    )


@dataclass(frozen=True, kw_only=True)
class _Columns:
    """The files' columns: of ids, of each task's predicted label and probabilities, and of gold by label's name.

    `ours` maps the files' names to ours; `hidden` are our names that say nothing of the statement itself.
    """

    tasks: tuple[Task, ...]
    id: str
    gold_id: str
    label: Mapping[str, str]
    proba: Mapping[str, Sequence[str]]
    gold: Mapping[str, str]
    ours: Mapping[str, str]
    hidden: frozenset[str]


def _columns(tasks: Sequence[Task], layout: Layout, paths: Sequence[Path], gold_paths: Sequence[Path]) -> _Columns:
    named = {name for path in paths for name in files.column_names(path)}
    in_gold = {name for path in gold_paths for name in files.column_names(path)} if gold_paths else named

    for ours, theirs in layout.columns.items():
        if theirs and theirs not in named | in_gold:
            known = did_you_mean(theirs, named | in_gold)
            raise InputError(f'{paths[0]}:1: no column "{theirs}" (data.columns.{ours}); {known}')

    def column(name: str, among: set[str]) -> str:
        found = layout.columns.get(name, name)
        return found if found and found in among else ""

    names = dict.fromkeys((*(task.name for task in tasks), *LABEL_COLUMNS))
    gold = {name: column(f"given_{name}", in_gold) for name in names}
    if gold_paths:  # in a file of gold labels the plain name is the gold, and given_<name> what was there before
        plain = {name for name in names if name in in_gold and f"given_{name}" not in layout.columns}
        gold = {name: name if name in plain else found for name, found in gold.items()}
    label = {task.name: column(task.name, named) for task in tasks}
    proba = {task.name: [column(f"{task.name}_{each}", named) for each in task.labels] for task in tasks}
    proba = {name: found for name, found in proba.items() if all(found)}
    measured = tuple(task for task in tasks if gold[task.name] and (label[task.name] or task.name in proba))
    if not measured:
        raise InputError(_nothing(tasks, layout, paths[0], gold_paths[0] if gold_paths else None, named, label, proba))
    hidden = {f"{prefix}{name}" for name in names for prefix in ("", "given_") if gold[name] or name in label}
    hidden |= {f"{task.name}_{part}" for task in tasks for part in (*task.labels, "confidence")}
    return _Columns(
        tasks=measured,
        id=column("id", named) or ("id" if "id" in named else ""),
        gold_id=column("id", in_gold) or ("id" if "id" in in_gold else ""),
        label=label,
        proba=proba,
        gold={name: found for name, found in gold.items() if found},
        ours={theirs: ours for ours, theirs in layout.columns.items() if theirs},
        hidden=frozenset(hidden),
    )


def _tables(source: str) -> list[Path]:
    paths = [path for path in files.expand(source) if files.ending(path) in files.TABLES]
    if not paths:
        raise InputError(f"{source} holds no table; give .jsonl, .csv, .tsv or .parquet")
    return paths


def _nothing(
    tasks: Sequence[Task],
    layout: Layout,
    path: Path,
    gold: Path | None,
    named: set[str],
    label: Mapping[str, str],
    proba: Mapping[str, Sequence[str]],
) -> str:
    """Why no task can be measured, as one sentence."""
    name = next((task.name for task in tasks if label[task.name] or task.name in proba), "")
    if not name:
        name = tasks[0].name
        return (
            f'{path}:1: no column "{layout.columns.get(name) or name}" of predicted labels among '
            f"{', '.join(sorted(named))}; name it with data.columns.{name}=COLUMN (and task=NAME for another task), "
            "or give checkpoint=RUN to predict with"
        )
    if gold is not None:
        return (
            f'{gold}:1: no column "{name}" of gold labels; name it with data.columns.given_{name}=COLUMN '
            "(data.columns is for both files)"
        )
    return (
        f'{path}:1: "{layout.columns.get(name) or name}" is taken as predicted, and no column "given_{name}" holds '
        f"gold labels; name it with data.columns.given_{name}=COLUMN, add gold=FILE (joined by id), "
        "or give checkpoint=RUN to predict with"
    )


def _golds(paths: Sequence[Path], column: str, layout: Layout, rejects: Rejects) -> dict[str, Row]:
    """The rows of gold by id."""
    if not column:
        raise InputError(f"{paths[0]}:1: no column of ids to join by; name it with data.columns.id=COLUMN")
    found: dict[str, Row] = {}
    for path in paths:
        for row in files.read_rows(path):
            try:
                key = _key(row, column)
                if key in found:
                    raise InputError(f'the id "{key[:60]}" stands already at {found[key].where}; ids must differ')
            except InputError as error:
                _reject(row, error, layout, rejects)
                continue
            found[key] = row
    return found


def _key(row: Row, column: str) -> str:
    if row.problem:
        raise InputError(row.problem)
    value = row.values.get(column)
    if value in (None, ""):
        raise InputError(f'no id in the column "{column}"; every row needs one')
    return str(value).strip()


def _reject(row: Row, error: InputError, layout: Layout, rejects: Rejects) -> None:
    if layout.on_error == "stop":
        raise InputError(f"{row.where}: {error} {_SKIP}") from None
    rejects.add(row, str(error))


def _read_row(
    row: Row, columns: _Columns, layout: Layout, golds: Mapping[str, Row] | None, seen: dict[str, str]
) -> tuple[Statement, dict[str, list[float]]] | None:
    """The statement with its gold labels, and each task's probabilities; None where gold has no such id."""
    if row.problem:
        raise InputError(row.problem)
    if golds is not None and not columns.id:
        raise InputError("no column of ids to join gold by; name it with data.columns.id=COLUMN")
    key = _key(row, columns.id) if columns.id else f"{row.path.name}:{row.line}"
    if key in seen:
        raise InputError(f'the id "{key[:60]}" stands already at {seen[key]}; ids must differ')
    seen[key] = row.where
    truth = row if golds is None else golds.get(key)
    if truth is None:
        return None
    statement = replace(_statement(key, row, truth, columns, layout), id=key)
    return statement, {task.name: _proba(task, row.values, columns, layout) for task in columns.tasks}


def _statement(key: str, row: Row, truth: Row, columns: _Columns, layout: Layout) -> Statement:
    """The statement as both files describe it, labelled with gold."""
    values: dict[str, Any] = {}
    for source in (row,) if truth is row else (row, truth):
        for theirs, value in source.values.items():
            name = columns.ours.get(theirs, theirs)
            if name not in columns.hidden and (name not in values or value not in (None, "")):
                values[name] = value
    values["origin"] = _origin(truth, columns)
    for name, column in columns.gold.items():
        values[name] = truth.values.get(column)
    values["text"] = values.get("text") or _NO_TEXT.format(key)
    try:
        return from_row(values, values=layout.values, tasks=columns.tasks)
    except InputError as error:
        raise InputError(f"{error} (in gold, {truth.where})" if truth is not row else str(error)) from None


def _origin(truth: Row, columns: _Columns) -> object:
    """Who gave the gold labels; those beside predictions may be older than the rows' own origin."""
    ours = {columns.ours.get(theirs, theirs): value for theirs, value in truth.values.items()}
    beside = any(column.startswith(GIVEN) for column in columns.gold.values())
    return ours.get(GIVEN_ORIGIN if beside and GIVEN_ORIGIN in ours else "origin")


def _proba(task: Task, values: Mapping[str, Any], columns: _Columns, layout: Layout) -> list[float]:
    """The probabilities of a row, the predicted label highest; ones and zeros where there are none."""
    label = task.label_of(values.get(columns.label[task.name]), layout.values) if columns.label[task.name] else ""
    if task.name not in columns.proba:
        if not label:
            raise InputError(f"no predicted {task.name}; predict every row, or remove those that are not to count")
        return [float(label == each) for each in task.labels]
    row = [_number(values.get(name), name) for name in columns.proba[task.name]]
    total = sum(row)
    if abs(total - 1) > _ROUNDING:
        raise InputError(f"the probabilities of {task.name} are {row}; they must sum to one, not {total:.3g}")
    row = [p / total for p in row]
    best = row.index(max(row))
    if label and label != task.labels[best]:
        at = task.labels.index(label)
        if row[at] < row[best] - _ROUNDING:
            raise InputError(
                f'the predicted {task.name} is "{label}" ({row[at]:.3f}) but "{task.labels[best]}" has the highest '
                f"probability ({row[best]:.3f}); correct one, or leave the probabilities out with "
                f"data.columns.{task.name}_{label}=null"
            )
        row[at], row[best] = row[best] + 1e-9, row[at] - 1e-9  # a tie but for rounding
    return row


def _number(value: Any, column: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= 1:
        raise InputError(f"{column} is {str(value)[:40]!r}; it must be a probability between 0 and 1")
    return number


def _check_join(
    source: str, gold: str, golds: Mapping[str, Row], seen: Mapping[str, str], layout: Layout, rejects: Rejects
) -> None:
    """Raise InputError for gold that has no prediction: a model is not to be measured on the rows it chose."""
    if not golds.keys() & seen.keys():
        where = next((row.where for row in golds.values()), gold)
        raise InputError(
            f'{where}: no id of {gold} is among the ids of {source} (the first is "{next(iter(golds), "")[:60]}", '
            f'there "{next(iter(seen), "")[:60]}"); ids must be the same in both'
        )
    for key, row in golds.items():
        if key not in seen:
            error = InputError(f'the id "{key[:60]}" has no prediction in {source}; predict it too')
            _reject(row, error, layout, rejects)
