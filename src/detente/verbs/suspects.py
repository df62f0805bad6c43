"""`detente suspects`: the labels of a file that are probably wrong, ranked, for a person to look at."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente import files, paths
from detente.corpus import splits
from detente.errors import InputError, UsageError
from detente.evaluation import suspects
from detente.evaluation.suspects import Suspect
from detente.evaluation.tables import render
from detente.files import Layout, Rejects
from detente.models.base import Spec
from detente.records import Statement, to_row
from detente.tasks import Task
from detente.verbs.outcome import Outcome

_ADDED: dict[str, type] = {
    "task": str,
    "rank": int,
    "given": str,
    "suggested": str,
    "score": float,
    "p_given": float,
    "p_suggested": float,
}
_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class SuspectsJob:
    """`input` is a labelled table; `output` the table of suspects, at most `n` a task (0: all).

    Probabilities come from `folds` folds, whole values of the `group` columns held out, so that no model has seen
    the statement it judges, nor another of its scenario or document.
    """

    input: str
    output: str
    model: Spec
    task: Mapping[str, Task]
    data: Layout
    group: Sequence[str]
    folds: int
    n: int
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that make no folds."""
        if self.folds < 2 or self.n < 0:
            raise UsageError(f"folds is {self.folds} and n is {self.n}; folds must be 2 or more, n 0 (all) or more")
        if isinstance(self.group, str):
            raise UsageError("group must be a list of columns: group=[doc_id]")


def run(job: SuspectsJob) -> Outcome:
    """Fit out of fold, rank, write; the labels themselves stay as they are."""
    output = Path(job.output).expanduser()
    files.table_format(output)
    given = Path(paths.resolve(job.input))
    tables = [p for p in files.expand(given) if files.ending(p) in files.TABLES]
    if not tables:
        raise InputError(f"{given} holds no table; suspects reads .jsonl, .csv, .tsv or .parquet")
    if output.resolve() in {p.resolve() for p in tables}:
        raise UsageError(f"output={output} is also an input; give another file")
    tasks, rejects = tuple(job.task.values()), Rejects()
    statements = list(files.read_statements(tables, layout=job.data, tasks=tasks, rejects=rejects))
    found = {task.name: _of_task(job, task, [s for s in statements if s.labels.get(task.name)]) for task in tasks}
    rows = [row for of in found.values() for row in of]
    columns = files.column_types(rows) | _ADDED
    count = files.write_rows(output, rows, columns={name: columns[name] for name in (*_ADDED, *columns)})
    lines = [f"{output}: {count:,} suspects, the most suspicious of each task first"]
    if rejects.rows:
        lines.append(f"{len(rejects.rows):,} bad rows were left out")
    lines += [_shown(task, found[task.name]) for task in tasks]
    lines.append("next: look at them one by one; a suspect is a question, no verdict")
    return Outcome(text="\n".join(lines))


def _of_task(job: SuspectsJob, task: Task, statements: Sequence[Statement]) -> list[dict[str, Any]]:
    if not statements:
        raise InputError(f"{job.input} has no labels of {task.name}; give labelled statements, or another task")
    groups = splits.groups_of(statements, tuple(job.group))
    with tempfile.TemporaryDirectory() as scratch:
        proba = suspects.out_of_fold(
            job.model, task, statements, groups, n=job.folds, seed=job.seed, scratch=Path(scratch)
        )
    found = suspects.find(task, [s.labels[task.name] for s in statements], proba)
    return list(_rows(task, statements, found[: job.n or None]))


def _rows(task: Task, statements: Sequence[Statement], found: Sequence[Suspect]) -> Iterator[dict[str, Any]]:
    for rank, suspect in enumerate(found, start=1):
        yield to_row(statements[suspect.row]) | {
            "task": task.name,
            "rank": rank,
            "given": suspect.given,
            "suggested": suspect.suggested,
            "score": suspect.score,
            "p_given": suspect.p_given,
            "p_suggested": suspect.p_suggested,
        }


def _shown(task: Task, rows: Sequence[Mapping[str, Any]]) -> str:
    header = ["id", "text", "given", "suggested", "score"]
    cells = [
        [str(row["id"]), str(row["text"])[:70], row["given"], row["suggested"], f"{row['score']:.3f}"]
        for row in rows[:_SHOWN]
    ]
    return f"\n{task.name}: {len(rows):,} suspects\n" + (render(header, cells) if cells else "none")
