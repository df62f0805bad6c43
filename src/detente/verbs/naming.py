"""Whether a job's `data.columns` and `data.values` name what there is: a misspelt name would be ignored in silence."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from detente import checkpoint as checkpoints
from detente import paths
from detente.errors import UsageError, did_you_mean
from detente.records import FIELDS, LABEL_COLUMNS
from detente.tasks import Task

# Foreign columns that something reads by name: groups, slices, places of targets, prompts, weights of gold rows.
READ = (
    *("scenario", "holder_side", "resource", "year", "register", "hard", "title"),
    *("target_start", "target_end", "probability", "weight"),
)
# How like a label a word must be to be taken for its misspelling: another task of the file has labels of its own.
_NEAR = 0.8


def check_names(job: Any) -> None:
    """Raise UsageError for a column that nothing reads, and for a label that no task of the job has but nearly."""
    data = getattr(job, "data", None)
    columns, values = getattr(data, "columns", {}), getattr(data, "values", {})
    if not columns and not values:
        return
    tasks = list(_tasks(job))
    known = {*FIELDS, *LABEL_COLUMNS, *READ, *(name for task in tasks for name in _columns_of(task))}
    known |= {path.stem for path in (paths.configs() / "task").glob("*.yaml")} - {"both"}  # of the file's other tasks
    for name in columns:
        if name not in known:
            raise UsageError(
                f"data.columns.{name}: {name} is no column of ours; {did_you_mean(name, known)} "
                "(columns that are not ours keep their own names)"
            )
    labels = {label.casefold(): label for task in tasks for label in task.labels}
    for spelling, label in values.items():
        near = get_close_matches(str(label).casefold(), labels, n=1, cutoff=_NEAR)
        if near and near[0] != str(label).casefold():
            raise UsageError(
                f'data.values.{spelling}={label}: "{label}" is no label; did you mean "{labels[near[0]]}"?'
            )


def _tasks(job: Any) -> Iterator[Task]:
    """The tasks that the job names, and those of the checkpoints that it names."""
    yield from getattr(job, "task", {}).values()
    labeller = getattr(job, "labeller", None)
    for part in (job, labeller, *getattr(labeller, "parts", {}).values()):
        if getattr(part, "checkpoint", ""):
            yield from checkpoints.tasks_of(part.checkpoint)


def _columns_of(task: Task) -> Iterator[str]:
    """The columns that a task has: its label, what predict adds, and the label that a row came with."""
    yield from (task.name, f"given_{task.name}", f"{task.name}_confidence")
    yield from (f"{task.name}_{label}" for label in task.labels)
