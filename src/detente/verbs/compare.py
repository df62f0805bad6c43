"""`detente compare`: several runs in one table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.errors import InputError, UsageError
from detente.evaluation.tables import interval, render
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class CompareJob:
    """The run folders (of train or evaluate) to set side by side; `output` is a file for the table, if given."""

    runs: Sequence[str]
    output: str = ""

    def __post_init__(self) -> None:
        """Raise UsageError unless there is at least one run."""
        if isinstance(self.runs, str) or not self.runs:
            raise UsageError("runs must be a list of run folders: runs=[RUN,RUN]")


def run(job: CompareJob) -> Outcome:
    """Read each run's metrics.json; best first within a task and split."""
    rows: list[tuple[Any, ...]] = []
    for path in job.runs:
        rows.extend(_rows(Path(path)))
    rows = _told_apart(rows)
    if not rows:
        raise InputError("the runs hold no metrics; give run folders that train or evaluate wrote")
    rows.sort(key=lambda row: (row[0], row[1], -row[2]))
    header = [
        "task",
        "run",
        "split",
        "n",
        "macro-F1",
        "95% interval",
        "accuracy",
        "F_avg",
        "mean F_avg",
        "ECE",
        "fit s",
    ]
    table = render(header, [row[3] for row in rows])
    if job.output:
        from detente.files import write_text

        write_text(Path(job.output), table + "\n")
    return Outcome(text=table)


def _told_apart(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Runs of one name get the name of their folder too."""
    folders: dict[str, set[str]] = {}
    for row in rows:
        folders.setdefault(row[3][1], set()).add(row[4])
    told = []
    for task, split, score, cells, folder in rows:
        name = f"{cells[1]} ({folder})" if len(folders[cells[1]]) > 1 else cells[1]
        told.append((task, split, score, [cells[0], name, *cells[2:]]))
    return told


def _rows(run_dir: Path) -> list[tuple[Any, ...]]:
    """(task, split, score, cells, folder) for every task and split of a run."""
    path = (run_dir.parent if run_dir.name == "checkpoint" else run_dir) / "metrics.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
        named, fit = metrics["name"], metrics.get("fit_seconds")
        by_split = metrics["metrics"]
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give run folders that train or evaluate wrote") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path} is no metrics file of détente; run train or evaluate again") from None
    rows = []
    for split, by_task in by_split.items():
        for task, scores in by_task.items():
            of, mean = scores["all"], scores.get("mean_f_avg")
            macro = of["macro_f1"]
            numbers = [f"{of['accuracy']['value']:.3f}", f"{of['f_avg']['value']:.3f}"]
            numbers += [
                f"{mean:.4f}" if mean is not None else "",
                _number(of["ece"]),
                f"{fit:.1f}" if fit is not None else "",
            ]
            cells = [
                task,
                named,
                split,
                str(of["n"]),
                f"{macro['value']:.3f}",
                interval(macro),
                *numbers,
            ]
            rows.append((task, split, macro["value"], cells, path.parent.name))
    return rows


def _number(found: Any) -> str:
    """A measure as a cell: with its interval as today, bare as older runs wrote it, or not taken."""
    value = found["value"] if isinstance(found, dict) else found
    return "none" if value is None else f"{value:.3f}"
