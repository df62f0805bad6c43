"""The majority family: the label frequencies of train, whatever the text; the floor every model must beat."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detente.arrays import FloatArray
from detente.files import write_json
from detente.models.base import Classifier
from detente.records import Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class MajoritySpec:
    """No settings."""

    family: ClassVar[str] = "majority"


@dataclass(frozen=True)
class Majority:
    """Label frequencies by task."""

    tasks: tuple[Task, ...]
    shares: dict[str, list[float]]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """The same frequencies for every statement."""
        return {name: np.tile(np.array(shares), (len(statements), 1)) for name, shares in self.shares.items()}

    def save(self, folder: Path) -> None:
        """One `shares.json`."""
        write_json(folder / "shares.json", self.shares)


def fit(
    spec: MajoritySpec,
    tasks: tuple[Task, ...],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    run_dir: Path,
) -> Classifier:
    """Count labels."""
    shares = {}
    for task in tasks:
        column = list(train[task.name])
        shares[task.name] = [column.count(label) / len(column) for label in task.labels]
    return Majority(tasks, shares)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    return Majority(tasks, json.loads((folder / "shares.json").read_text(encoding="utf-8")))
