"""The contract of a model family, and reaching a family by its name.

A family is a module of this package with a frozen `...Spec` dataclass that names it in `family`,
`fit(spec, tasks, train, dev, *, seed) -> Classifier` and `load(folder, tasks) -> Classifier`.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from detente.arrays import FloatArray
from detente.errors import CheckpointError, InputError, did_you_mean
from detente.records import Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

FAMILIES = (
    *("majority", "linear", "frozen", "blend", "finetune", "multitask"),
    *("lora", "contrastive", "nli", "ensemble", "narrowed", "llm"),
)


class Spec(Protocol):
    """What every family's spec has."""

    family: ClassVar[str]


class Classifier(Protocol):
    """A fitted model of one or more tasks."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it predicts."""
        ...

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """For each task name, probabilities (n, len(task.labels)), rows in the order of `statements`."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything `load` needs below `folder`; no pickle."""
        ...


def fit(spec: Spec, tasks: Sequence[Task], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path) -> Classifier:
    """Fit a family on tables made by `detente.corpus.tables.as_table`.

    Dev is for choosing (stopping, regularisation), never for fitting weights. `run_dir` is where a long
    training keeps what it resumes from. Raises InputError if a task has fewer than two labels in train.
    """
    for task in tasks:
        seen = sorted(set(train[task.name]))
        if len(seen) < 2:
            raise InputError(
                f'all {len(train)} training rows have the {task.name} "{seen[0] if seen else ""}"; '
                "a classifier needs rows of at least two labels"
            )
    module = _module(spec.family)
    classifier: Classifier = module.fit(spec, tuple(tasks), train, dev, seed=seed, run_dir=run_dir)
    return classifier


def load(family: str, folder: Path, tasks: Sequence[Task]) -> Classifier:
    """Load what a family saved. Raises CheckpointError for an unknown family."""
    if family not in FAMILIES:
        raise CheckpointError(f'{folder} is of the family "{family}"; {did_you_mean(family, FAMILIES)}')
    classifier: Classifier = _module(family).load(folder, tuple(tasks))
    return classifier


def _module(family: str) -> Any:
    return importlib.import_module(f"detente.models.{family}")
