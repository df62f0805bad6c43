"""Measuring the predictions of a checkpoint on a split: all rows, by language, by another column."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from detente import files
from detente.arrays import FloatArray
from detente.evaluation.clusters import AUTO, clusters_of, value_of
from detente.evaluation.metrics import IntArray
from detente.evaluation.scoring import Scores, mean_f_avg, score, score_by
from detente.evaluation.slices import TaskSlices, slice_scores
from detente.records import Statement, to_row
from detente.tasks import Task


class TaskScores(TypedDict, total=False):
    """Scores of one task: over all rows, by language, and by `score_by` with the mean F_avg over its values."""

    all: Scores
    by_lang: dict[str, Scores]
    by_column: dict[str, Scores]
    mean_f_avg: float


_GIVEN = "given_"
SplitScores = dict[str, TaskScores]


def measure(
    tasks: Sequence[Task],
    statements: Sequence[Statement],
    proba: Mapping[str, FloatArray],
    *,
    seed: int,
    score_by: str = "",
    cluster: str = AUTO,
    without_proba: Collection[str] = (),
) -> SplitScores:
    """Scores of every task on labelled statements; rows without a label of a task do not count for it.

    `cluster` says which statements the intervals draw together (`clusters.clusters_of`). For tasks in
    `without_proba` the rows of `proba` are ones and zeros that only name a label.
    """
    return {
        task.name: _of_task(
            task, statements, proba[task.name], seed, score_by, cluster, only_labels=task.name in without_proba
        )
        for task in tasks
    }


def measure_slices(
    tasks: Sequence[Task],
    statements: Sequence[Statement],
    proba: Mapping[str, FloatArray],
    columns: Sequence[str],
    *,
    seed: int,
    cluster: str = AUTO,
) -> dict[str, TaskSlices]:
    """By task, the values of `columns` where it does worst, first; see `slices.slice_scores`."""
    found = {}
    for task in tasks:
        labelled, gold, kept = gold_rows(task, statements, proba[task.name])
        clusters = clusters_of(labelled, cluster)
        found[task.name] = slice_scores(
            task, labelled, gold, kept.argmax(axis=1), columns, seed=seed, clusters=clusters
        )
    return found


def gold_rows(
    task: Task, statements: Sequence[Statement], proba: FloatArray
) -> tuple[list[Statement], IntArray, FloatArray]:
    """The statements that have a label of the task, those labels as positions, and their rows of `proba`."""
    rows = [i for i, s in enumerate(statements) if s.labels.get(task.name)]
    labelled = [statements[i] for i in rows]
    return labelled, np.array(task.index([s.labels[task.name] for s in labelled]), dtype=int), proba[rows]


def _of_task(
    task: Task,
    statements: Sequence[Statement],
    proba: FloatArray,
    seed: int,
    column: str,
    cluster: str,
    *,
    only_labels: bool,
) -> TaskScores:
    labelled, gold, kept = gold_rows(task, statements, proba)
    clusters = clusters_of(labelled, cluster)
    scores: TaskScores = {"all": score(task, gold, kept, seed=seed, clusters=clusters, only_labels=only_labels)}

    def by(values: Sequence[str]) -> dict[str, Scores]:
        return score_by(task, gold, kept, values, seed=seed, clusters=clusters, only_labels=only_labels)

    languages = [s.lang for s in labelled]
    if len(set(languages)) > 1:
        scores["by_lang"] = by(languages)
    if column:
        scores["by_column"] = by([str(value_of(s, column) or "") for s in labelled])
        scores["mean_f_avg"] = mean_f_avg(scores["by_column"])
    return scores


def predicted_columns(task: Task, proba: FloatArray) -> Iterator[dict[str, Any]]:
    """For each row: the label, its probability, and every label's probability, under the contract's names."""
    for row in proba:
        best = int(row.argmax())
        columns: dict[str, Any] = {
            task.name: task.labels[best],
            f"{task.name}_confidence": float(row[best]),
        }
        yield columns | {f"{task.name}_{label}": float(p) for label, p in zip(task.labels, row, strict=True)}


def added_columns(tasks: Sequence[Task]) -> dict[str, type]:
    """The columns that predicting adds, with their types, in order."""
    columns: dict[str, type] = {}
    for task in tasks:
        columns |= {task.name: str, f"{task.name}_confidence": float}
        columns |= {f"{task.name}_{label}": float for label in task.labels}
    return columns


def kept_name(name: str, added: Collection[str]) -> str:
    """The name of an input column beside the `added` ones: given_<name>, once for each time it was predicted on."""
    bare = name
    while bare.startswith(_GIVEN):
        bare = bare.removeprefix(_GIVEN)
    return _GIVEN + name if bare in added else name


def write_predictions(
    path: Path,
    tasks: Sequence[Task],
    statements: Sequence[Statement],
    proba: Mapping[str, FloatArray],
) -> None:
    """One row a statement: its own columns, given labels as `given_<task>`, the predicted columns."""
    added = added_columns(tasks)
    rows = [{kept_name(k, added): v for k, v in to_row(s).items()} for s in statements]
    for task in tasks:
        for row, columns in zip(rows, predicted_columns(task, proba[task.name]), strict=True):
            row.update(columns)
    columns = files.column_types(rows) | added
    files.write_rows(path, rows, columns=columns)


def headline(tasks: Sequence[Task], scores: SplitScores) -> float:
    """The metric that each task maximises, averaged over tasks: what a sweep compares."""
    found: list[Any] = [dict(scores[task.name]["all"])[task.metric] for task in tasks]
    return float(np.mean([each["value"] for each in found]))


def flat(scores: Mapping[str, SplitScores]) -> dict[str, float]:
    """Metrics under dotted names (`test.stance.macro_f1`, `test.stance.en.macro_f1`) for a tracker."""
    out: dict[str, float] = {}
    for split, by_task in scores.items():
        for name, task_scores in by_task.items():
            parts = {"": task_scores["all"]} | {f"{k}.": v for k, v in task_scores.get("by_lang", {}).items()}
            for part, of in parts.items():
                prefix = f"{split}.{name}.{part}".replace("(", "").replace(")", "")
                named = {m: of[m] for m in ("accuracy", "macro_f1", "f_avg", "mcc", "ece", "log_loss")}
                out |= {f"{prefix}{m}": found["value"] for m, found in named.items() if found is not None}
            if "mean_f_avg" in task_scores:
                out[f"{split}.{name}.mean_f_avg"] = task_scores["mean_f_avg"]
    return out


def steps(
    history: Mapping[str, Sequence[Mapping[str, float]]],
) -> tuple[tuple[int, dict[str, float]], ...]:
    """(step, metrics) from a Trainer's log of each task, metrics named `<task>.loss`, `<task>.dev_score` …"""
    out = []
    for task, entries in history.items():
        for entry in entries:
            known = {k: v for k, v in entry.items() if k in ("loss", "learning_rate", "eval_loss", "eval_score")}
            named = {f"{task}.{k.replace('eval_', 'dev_')}": float(v) for k, v in known.items()}
            out.append((int(entry.get("step", 0)), named))
    return tuple(out)
