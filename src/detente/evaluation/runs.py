"""Runs of train and evaluate as they lie on disk: their metrics and what they predicted."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente import files
from detente.errors import InputError
from detente.records import LABEL_COLUMNS, Statement, from_row


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run folder. `metrics` is its metrics.json; `seed` None where none is written there.

    `recipe` is what its configuration has beside the seed: runs of one recipe are seeds of one
    configuration. Empty where it cannot be told, as for predictions made elsewhere.
    """

    name: str
    folder: Path
    metrics: Mapping[str, Any]
    seed: int | None
    recipe: str

    def predictions(self, split: str) -> Path:
        """The file of what it predicted on a split."""
        return self.folder / f"predictions.{split}.parquet"


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """A statement with its gold label of one task and what a run predicted for it."""

    statement: Statement
    gold: str
    predicted: str


def read_runs(folders: Sequence[str]) -> list[Run]:
    """The runs of train or evaluate, each named so that it differs from the others. Raises InputError."""
    runs = [_read(Path(folder).expanduser()) for folder in folders]
    counted: dict[str, set[str]] = {}
    for run in runs:
        counted.setdefault(run.name, set()).add(str(run.folder))
    told = [_told(run, short=True) if len(counted[run.name]) > 1 else run for run in runs]
    if len({run.name for run in told}) < len({str(run.folder) for run in told}):
        told = [_told(run, short=False) if len(counted[run.name]) > 1 else run for run in runs]
    return list({run.name: run for run in told}.values())


def read_predicted(run: Run, task: str, split: str) -> dict[tuple[str, str], Predicted]:
    """What a run predicted on a split, by id and text; empty where it kept no predictions with gold labels."""
    path = run.predictions(split)
    gold, found = f"given_{task}", {}
    if not path.is_file() or not {gold, task} <= set(files.column_names(path)):
        return {}
    for row in files.read_rows(path):
        if row.values.get(gold) and row.values.get(task):
            statement = _statement(row.values)
            key = (statement.id, statement.text)
            found[key] = Predicted(statement=statement, gold=str(row.values[gold]), predicted=str(row.values[task]))
    return found


def _statement(row: Mapping[str, Any]) -> Statement:
    """The statement of a row of predictions, with its gold labels."""
    values = {name: value for name, value in row.items() if f"given_{name}" not in row}
    labels = {name: row[f"given_{name}"] for name in LABEL_COLUMNS if row.get(f"given_{name}")}
    return from_row({**values, **labels})


def _told(run: Run, *, short: bool) -> Run:
    where = run.folder.name if short else str(run.folder)
    return Run(name=f"{run.name} ({where})", folder=run.folder, metrics=run.metrics, seed=run.seed, recipe=run.recipe)


def _read(given: Path) -> Run:
    folder = given.parent if given.name == "checkpoint" else given
    path = folder / "metrics.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        name, by_split = str(metrics["name"]), metrics["metrics"]
        [scores["all"]["macro_f1"]["value"] for by_task in by_split.values() for scores in by_task.values()]
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} does not exist; give run folders that train or evaluate wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path} is no metrics file of détente; run train or evaluate again") from None
    trained = metrics.get("trained") or metrics
    return Run(name=name, folder=folder, metrics=metrics, seed=trained.get("seed"), recipe=_recipe(trained))


def _recipe(trained: Mapping[str, Any]) -> str:
    model, data = trained.get("model"), trained.get("data")
    if not isinstance(model, Mapping) or not isinstance(data, Mapping):
        return ""
    return json.dumps([trained.get("name"), model, data.get("name"), data.get("fingerprint")], sort_keys=True)
