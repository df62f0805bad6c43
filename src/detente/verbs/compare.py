"""`detente compare`: several runs side by side, and which of them differ."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente import files, paths
from detente.errors import InputError, UsageError
from detente.evaluation.rankings import compare_runs
from detente.evaluation.runs import Run, read_runs
from detente.evaluation.tables import interval, ranking_table, render
from detente.verbs.outcome import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CompareJob:
    """The run folders (of train or evaluate) to set side by side.

    With `paired` every pair is tested on the statements that all were scored on; `by` names a column for
    whose values they are tested too. `output` is a file for the tables; `comparison.json` goes to
    `run_dir`, nothing if that is empty.
    """

    runs: Sequence[str]
    run_dir: str = ""
    output: str = ""
    paired: bool = True
    by: str = ""
    cluster: str = "auto"
    group_seeds: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise UsageError unless there is at least one run, and for `by` without pairs."""
        if isinstance(self.runs, str) or not self.runs:
            raise UsageError("runs must be a list of run folders: runs=[RUN,RUN]")
        if self.by and not self.paired:
            raise UsageError(f"by={self.by} is about pairs; leave out paired=false")


def run(job: CompareJob) -> Outcome:
    """Read each run's metrics.json and predictions; best first within a task and split, then the pairs."""
    runs = read_runs(job.runs)
    rows = sorted((row for found in runs for row in _rows(found)), key=lambda row: (row[0], row[1], -row[2]))
    if not rows:
        raise InputError("the runs hold no metrics; give run folders that train or evaluate wrote")
    parts = [render(_HEADER, [row[3] for row in rows])]
    folder = Path(job.run_dir) if job.run_dir else None
    if job.paired and len(runs) > 1:
        found = compare_runs(runs, seed=job.seed, cluster=job.cluster, by=job.by, group_seeds=job.group_seeds)
        for note in found["notes"]:
            log.warning(note)
        parts += [ranking_table(ranking) for ranking in found["rankings"]]
        if folder:
            files.write_json(folder / "comparison.json", found)
            parts.append(f"written      {paths.shown(folder / 'comparison.json')}")
    text = "\n\n".join(parts)
    if job.output:
        files.write_text(Path(job.output), text + "\n")
    return Outcome(text=text, run_dir=folder)


_HEADER = ("task", "run", "split", "n", "macro-F1", "95% interval", "accuracy", "F_avg", "mean F_avg", "ECE", "fit s")


def _rows(run: Run) -> list[tuple[str, str, float, list[str]]]:
    """(task, split, score, cells) for every task and split of a run."""
    rows = []
    fit = run.metrics.get("fit_seconds")
    for split, by_task in run.metrics["metrics"].items():
        for task, scores in by_task.items():
            of, mean = scores["all"], scores.get("mean_f_avg")
            macro = of["macro_f1"]
            cells = [
                task,
                run.name,
                split,
                str(of["n"]),
                f"{macro['value']:.3f}",
                interval(macro),
                _number(of["accuracy"]),
                _number(of["f_avg"]),
                f"{mean:.4f}" if mean is not None else "",
                _number(of["ece"]),
                f"{fit:.1f}" if fit is not None else "",
            ]
            rows.append((task, split, float(macro["value"]), cells))
    return rows


def _number(found: Any) -> str:
    """A measure as a cell: with its interval, bare as older runs wrote it, or not taken."""
    value = found["value"] if isinstance(found, dict) else found
    return "none" if value is None else f"{value:.3f}"
