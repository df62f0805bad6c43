"""The narrowed family: another family that sees the text alone, or the target alone: the floor of stance detection.

A model of stance should beat both. If the text alone does as well, the target is not read (Allaway and McKeown 2020);
if the target alone does well, the corpus gives its labels away.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from detente.arrays import FloatArray
from detente.corpus.tables import as_table, from_table
from detente.errors import CheckpointError, InputError, UsageError, did_you_mean
from detente.files import write_json
from detente.models import base
from detente.models.base import Classifier
from detente.records import TARGET_SPAN, Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

INPUTS = ("text", "target")
_NO_TARGET = "(none)"


@dataclass(frozen=True, kw_only=True)
class NarrowedSpec:
    """The family that is narrowed, `of`, and what it sees: `inputs` text or target."""

    family: ClassVar[str] = "narrowed"
    of: Any
    inputs: str = "text"

    def __post_init__(self) -> None:
        """Raise UsageError for other inputs, or for what is no model family."""
        if self.inputs not in INPUTS:
            raise UsageError(f'model.inputs is "{self.inputs}"; {did_you_mean(self.inputs, INPUTS)}')
        if not hasattr(type(self.of), "family"):
            raise UsageError("model.of is no model family; choose one with model=text_only or target_only")


@dataclass(frozen=True)
class Narrowed:
    """A fitted model of another `family`, and what it sees."""

    tasks: tuple[Task, ...]
    family: str
    model: Classifier
    inputs: str

    @property
    def history(self) -> Mapping[str, list[dict[str, float]]]:
        """The inner model's log of training, where it has one."""
        found: Mapping[str, list[dict[str, float]]] = getattr(self.model, "history", {})
        return found

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """The inner model's, of what it sees."""
        return self.model.predict_proba([narrow(s, self.inputs, self.tasks) for s in statements])

    def save(self, folder: Path) -> None:
        """The inner model in `of/`."""
        (folder / "of").mkdir(parents=True)
        self.model.save(folder / "of")
        write_json(folder / "narrowed.json", {"family": self.family, "inputs": self.inputs})


def fit(
    spec: NarrowedSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Fit the inner family. Raises InputError for the target alone where all statements have the same."""
    statements = from_table(train)
    if spec.inputs == "target" and len({s.target for s in statements}) < 2:
        raise InputError(
            "all training rows have one target, which alone tells nothing; give data whose rows name their targets, "
            "or use model=text_only"
        )
    tables = (
        as_table([narrow(s, spec.inputs, tasks) for s in rows], tasks=tasks) for rows in (statements, from_table(dev))
    )
    model = base.fit(spec.of, _without_targets(tasks), *tables, seed=seed, run_dir=run_dir)
    return Narrowed(tasks, spec.of.family, model, spec.inputs)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    content = json.loads((folder / "narrowed.json").read_text(encoding="utf-8"))
    if content["inputs"] not in INPUTS or content["family"] == NarrowedSpec.family:
        raise CheckpointError(f"{folder / 'narrowed.json'} is damaged; train again")
    model = base.load(content["family"], folder / "of", _without_targets(tasks))
    return Narrowed(tasks, content["family"], model, content["inputs"])


def narrow(statement: Statement, inputs: str, tasks: Sequence[Task]) -> Statement:
    """The statement with no target, and as text its own text or its target (its own, else a task's)."""
    text = statement.text
    if inputs == "target":
        text = statement.target or next((task.target for task in tasks if task.target), _NO_TARGET)
    extra = {name: value for name, value in statement.extra.items() if name not in TARGET_SPAN}
    return replace(statement, text=text, target="", extra=extra)


def _without_targets(tasks: Sequence[Task]) -> tuple[Task, ...]:
    return tuple(replace(task, target="") for task in tasks)
