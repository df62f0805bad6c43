"""Reading a population of predictions and its gold sample, every fault named by file and line."""

import array
import datetime
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente import files
from detente.corpus import origins
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation.shares.table import ALL, NONE, Labelled
from detente.files import Layout, Row
from detente.tasks import Task

PERIODS = ("", "month", "quarter", "year")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[T ].*)?")


@dataclass(kw_only=True)
class Population:
    """Predictions row by row: where each stands, its group and period, and for each task its label and probabilities.

    `proba` holds rows one after another. `hard` names the tasks of which the file has labels alone;
    `given` holds labels that came with the rows, `given_origins` whose these are.
    """

    where: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    keys: list[tuple[str, ...]] = field(default_factory=list)
    predicted: dict[str, list[int]] = field(default_factory=dict)
    proba: "dict[str, array.array[float]]" = field(default_factory=dict)
    given: dict[str, list[int]] = field(default_factory=dict)
    given_origins: list[str] = field(default_factory=list)
    hard: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Gold:
    """Labels by people: for each task, id -> position of the label; the weight of each id, if any is given.

    `machines` counts, by origin, the rows whose labels are a machine's after all.
    """

    labels: Mapping[str, Mapping[str, int]]
    weights: Mapping[str, float] | None
    machines: Mapping[str, int] = field(default_factory=dict)


def read_population(path: str, tasks: Sequence[Task], *, by: Sequence[str], period: str, date: str) -> Population:
    """Read what `predict` wrote: a file, folder or glob of tables.

    Raises InputError for a row without label and probabilities, an unknown label, a date that is none; UsageError
    for a column of `by` or a `date` that the file lacks.
    """
    found = Population()
    tables = [p for p in files.expand(path) if files.ending(p) in files.TABLES]
    if not tables:
        raise InputError(f"{path} holds no table; give what detente predict wrote (.jsonl, .csv, .tsv or .parquet)")
    for table in tables:
        names = files.column_names(table)
        for column in [*by, *([date] if period else [])]:
            if column not in names:
                setting = "date" if column == date and column not in by else "by"
                raise UsageError(f'{setting}: {table} has no column "{column}"; {did_you_mean(column, names)}')
        for row in files.read_rows(table):
            if row.problem:
                raise InputError(f"{row.where}: {row.problem}")
            when = _period(row, date, period) if period else ""
            found.where.append(row.where)
            found.ids.append(_text(row.values.get("id")))
            found.given_origins.append(origins.of_given(row.values, tasks))
            found.keys.append((*(_text(row.values.get(name)) or NONE for name in by), when))
            for task in tasks:
                _add_prediction(found, task, row)
    if not found.ids:
        raise InputError(f"{path} has no rows; give what detente predict wrote")
    return found


def _add_prediction(found: Population, task: Task, row: Row) -> None:
    columns = [f"{task.name}_{label}" for label in task.labels]
    cells = [row.values.get(column) for column in columns]
    label = _label(task, row, task.name)
    if all(_text(cell) == "" for cell in cells):
        if label is None:
            raise InputError(
                f"{row.where}: neither a label in {task.name} nor probabilities in {', '.join(columns)}; "
                "predict this row too, labelled by people or not"
            )
        found.hard.add(task.name)
        proba = np.eye(len(task.labels))[label].tolist()
    else:
        try:
            proba = [float(str(cell)) for cell in cells]
        except ValueError:
            proba = [math.nan]
        if not (min(proba) >= 0 and abs(sum(proba) - 1) < 1e-3):
            shown = ", ".join(str(cell)[:12] for cell in cells)
            raise InputError(f"{row.where}: the probabilities {', '.join(columns)} are {shown}; they must sum to one")
        # The label is empty where predict abstained: the likeliest one stands for it, or answers alone would count.
        label = int(np.argmax(proba)) if label is None else label
    found.predicted.setdefault(task.name, []).append(label)
    found.proba.setdefault(task.name, array.array("d")).extend(proba)
    given = _label(task, row, f"given_{task.name}")
    found.given.setdefault(task.name, []).append(-1 if given is None else given)


def _label(task: Task, row: Row, column: str, layout: Layout | None = None) -> int | None:
    try:
        label = task.label_of(row.values.get(column), layout.values if layout else None)
    except InputError as error:
        raise InputError(f"{row.where}: {error}") from None
    return task.labels.index(label) if label else None


def _text(cell: Any) -> str:
    """A cell as a name: empty for what is missing, 1982 for 1982.0."""
    if cell is None or cell != cell:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip()


def _period(row: Row, column: str, period: str) -> str:
    """The period of a row's date (2025, 2025-Q3 or 2025-07); "(none)" without a date."""
    cell = row.values.get(column)
    text = cell.isoformat() if isinstance(cell, datetime.date) else _text(cell)
    if not text:
        return NONE
    match = _DATE.fullmatch(text)
    year, month, day = (int(part) if part else 0 for part in match.groups()) if match else (0, 0, 0)
    try:
        datetime.date(year, month or 1, day or 1)
    except ValueError:
        raise InputError(
            f'{row.where}: the {column} "{text[:40]}" is no date; it must be YYYY-MM-DD, YYYY-MM or YYYY'
        ) from None
    if period == "year":
        return f"{year:04d}"
    if not month:
        raise InputError(f'{row.where}: the {column} "{text}" has no month; use period=year')
    return f"{year:04d}-{month:02d}" if period == "month" else f"{year:04d}-Q{(month + 2) // 3}"


def read_gold(path: str, tasks: Sequence[Task], layout: Layout) -> Gold:
    """Labels by id from a file, folder or glob of tables; rows with no label yet are passed over.

    A column `probability` (with which the row was chosen) or `weight` (one over it) makes weights. Raises
    InputError for a missing or repeated id, an unknown label, a weight that is none.
    """
    labels: dict[str, dict[str, int]] = {task.name: {} for task in tasks}
    weights: dict[str, float] = {}
    where: dict[str, str] = {}
    machines: Counter[str] = Counter()
    column = {name: layout.columns.get(name) or name for name in ("id", "probability", "weight", *labels)}
    for table in files.expand(path):
        names = files.column_names(table)
        for wanted in (["id"], [task.name for task in tasks]):
            if not {column[name] for name in wanted} & set(names):
                raise InputError(
                    f"{table}:1: no column {' or '.join(column[name] for name in wanted)} among {', '.join(names)}; "
                    f"name the column that holds the {wanted[0]} with data.columns.{wanted[0]}=COLUMN"
                )
        for row in files.read_rows(table):
            given = _text(row.values.get(column["id"]))
            found = {task.name: _label(task, row, column[task.name], layout) for task in tasks}
            if row.problem or not given:
                raise InputError(
                    f"{row.where}: {row.problem or 'no id; every gold row needs the id of its prediction'}"
                )
            if all(label is None for label in found.values()):
                continue
            if given in where:
                raise InputError(f'{row.where}: the id "{given[:60]}" has a label already at {where[given]}')
            where[given] = row.where
            origin = origins.of_row(row.values, layout.columns)
            machines[origin] += origins.is_machine(origin)
            weight = _weight(row, column)
            if weight is not None:
                weights[given] = weight
            for name, label in found.items():
                if label is not None:
                    labels[name][given] = label
    if weights and len(weights) < len(where):
        missing = next(given for given in where if given not in weights)
        raise InputError(f"{where[missing]}: no probability or weight, other rows have one; give every gold row one")
    return Gold(labels=labels, weights=weights or None, machines=+machines)


def _weight(row: Row, column: Mapping[str, str]) -> float | None:
    chance, weight = (_text(row.values.get(column[name])) for name in ("probability", "weight"))
    if not chance and not weight:
        return None
    try:
        number = float(chance or weight)
    except ValueError:
        number = math.nan
    if chance and not 0 < number <= 1:
        raise InputError(f"{row.where}: the probability is {chance[:40]}; it must be above 0 and at most 1")
    if not 0 < number < math.inf:
        raise InputError(f"{row.where}: the weight is {weight[:40]}; it must be a number above 0")
    return 1 / number if chance else number


def given_gold(population: Population, tasks: Sequence[Task]) -> Gold:
    """The labels that came with the predicted rows (`given_<task>`) as gold. Raises InputError if there are none."""
    ids = population.ids
    labels = {
        task.name: {ids[i]: label for i, label in enumerate(population.given[task.name]) if label >= 0 and ids[i]}
        for task in tasks
    }
    if not any(labels.values()):
        raise InputError("no gold: give gold=FILE with id and label, or predictions with a given_<task> column")
    rows = {i for given in population.given.values() for i, label in enumerate(given) if label >= 0 and ids[i]}
    machines = Counter(origin for i in rows if origins.is_machine(origin := population.given_origins[i]))
    return Gold(labels=labels, weights=None, machines=machines)


def labelled(population: Population, gold: Gold, task: Task) -> Labelled:
    """The population of a task with its gold rows. Raises InputError for a gold id that no prediction has."""
    positions: dict[str, int] = {}
    for i, given in enumerate(population.ids):
        if given in gold.labels[task.name]:
            if given in positions:
                raise InputError(
                    f'{population.where[i]}: the id "{given[:60]}" stands already at '
                    f"{population.where[positions[given]]}; ids must differ to be joined with gold"
                )
            positions[given] = i
    missing = [given for given in gold.labels[task.name] if given not in positions]
    if missing:
        raise InputError(
            f'{len(missing)} gold ids are not among the predictions, the first is "{missing[0][:60]}"; '
            "predict on all statements that gold was drawn from, and keep their ids"
        )
    rows = np.array([positions[given] for given in gold.labels[task.name]], dtype=int)
    weights = gold.weights
    return Labelled(
        task=task,
        predicted=np.array(population.predicted[task.name]),
        proba=np.frombuffer(population.proba[task.name]).reshape(-1, len(task.labels)),
        gold_rows=rows,
        gold=np.array(list(gold.labels[task.name].values()), dtype=int),
        weights=None if weights is None else np.array([weights[given] for given in gold.labels[task.name]]),
    )


def cells(population: Population, *, by: Sequence[str]) -> dict[tuple[str, ...], NDArray[np.int_]]:
    """Positions of rows by cell: all, each column of `by` alone, all of them crossed; each over and by period.

    Keys hold a value for each of `by`, then the period; "(all)" stands where none is told apart.
    """
    keys = np.array(population.keys, dtype=object).reshape(len(population.keys), len(by) + 1)
    kept = {(), *((i,) for i in range(len(by))), tuple(range(len(by)))}
    timed = any(key[-1] for key in population.keys)
    found: dict[tuple[str, ...], list[int]] = {}
    for columns, over in product(sorted(kept, key=lambda c: (len(c), c)), (False, True)[: 1 + timed]):
        wanted = [*columns, *([len(by)] if over else [])]
        part: dict[tuple[str, ...], list[int]] = {}
        for i, key in enumerate(keys):
            name = tuple(key[j] if j in wanted else (ALL if j < len(by) or timed else "") for j in range(len(by) + 1))
            part.setdefault(name, []).append(i)
        found |= {name: part[name] for name in sorted(part)}
    return {name: np.array(rows) for name, rows in found.items()}


def output_path(output: str) -> Path:
    """Where shares go. Raises UsageError unless the ending is a table's or .json."""
    path = Path(output).expanduser()
    if path.suffix.lower() != ".json":
        files.table_format(path)
    return path
