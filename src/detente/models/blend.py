"""The blend family: linear and frozen, stacked on out-of-fold probabilities (Wolpert 1992)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.corpus import splits
from detente.corpus.tables import from_table
from detente.encoders import EncoderSpec
from detente.models import frozen, linear
from detente.models.base import Classifier, FloatArray
from detente.models.frozen import Frozen, FrozenSpec
from detente.models.heads import Head, fit_head, load_head, save_head, softmax
from detente.models.linear import Linear, LinearSpec
from detente.records import Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

_FLOOR = 1e-6


@dataclass(frozen=True, kw_only=True)
class BlendSpec:
    """Settings of its two parts, of the head that joins them (`c`), and in how many `folds` they are crossed.

    Rows of one `group` (the first of these columns that a row has) stay in one fold, so that the
    joining head sees the parts as they are on statements of scenarios they were not fitted on.
    """

    family: ClassVar[str] = "blend"
    encoder: EncoderSpec
    linear: LinearSpec = field(default_factory=LinearSpec)
    frozen_c: float = 10.0
    balanced: bool = False
    c: float = 1.0
    folds: int = 5
    group: Sequence[str] = ("scenario", "doc_id")

    @property
    def frozen(self) -> FrozenSpec:
        """The spec of its frozen part."""
        return FrozenSpec(encoder=self.encoder, c=self.frozen_c, balanced=self.balanced)


@dataclass(frozen=True)
class Blend:
    """The two fitted parts and a joining head a task."""

    tasks: tuple[Task, ...]
    linear: Linear
    frozen: Frozen
    heads: Mapping[str, Head]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the joining heads' logits over both parts' log-probabilities."""
        first, second = self.linear.predict_proba(statements), self.frozen.predict_proba(statements)
        return {name: softmax(head.logits(_joined(first[name], second[name]))) for name, head in self.heads.items()}

    def save(self, folder: Path) -> None:
        """The parts in `linear/` and `frozen/`, one `<task>/head.safetensors` a task."""
        self.linear.save(folder / "linear")
        self.frozen.save(folder / "frozen")
        for name, head in self.heads.items():
            save_head(head, folder / name / "head.safetensors")


def fit(
    spec: BlendSpec,
    tasks: tuple[Task, ...],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    run_dir: Path,
) -> Classifier:
    """Cross-fit the parts' heads for the joining head, then fit them on all of train.

    Terms and embeddings are computed once: they see no label, so folds may share them.
    """
    statements = from_table(train)
    terms = linear.fit_spec_terms(spec.linear, statements)
    features = frozen.make_features(spec.frozen, statements)
    sparse, dense = terms.transform(statements), features.transform(statements)
    groups = splits.groups_of(statements, spec.group)
    first: dict[str, Head] = {}
    second: dict[str, Head] = {}
    heads: dict[str, Head] = {}
    for task in tasks:
        labels = list(train[task.name])
        crossed = _cross_fit(spec, task, sparse, dense, labels, groups, seed=seed)
        heads[task.name] = fit_head(
            crossed,
            task.index(labels),
            n_labels=len(task.labels),
            c=spec.c,
            balanced=spec.balanced,
            seed=seed,
        )
        first[task.name] = linear.fit_task_head(spec.linear, task, sparse, labels, seed=seed)
        second[task.name] = frozen.fit_task_head(spec.frozen, task, dense, labels, seed=seed)
    return Blend(tasks, Linear(tasks, terms, first), Frozen(tasks, features, second), heads)


def _cross_fit(
    spec: BlendSpec,
    task: Task,
    sparse: Any,
    dense: Any,
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    seed: int,
) -> FloatArray:
    """Both parts' log-probabilities of every row by heads that did not see its group: (n, 2 * labels)."""
    given = np.array(labels, dtype=object)
    out = np.zeros((len(labels), 2 * len(task.labels)))
    for kept, held in splits.folds(labels, groups, n=spec.folds, seed=seed):
        one = linear.fit_task_head(spec.linear, task, sparse[kept], list(given[kept]), seed=seed)
        two = frozen.fit_task_head(spec.frozen, task, dense[kept], list(given[kept]), seed=seed)
        out[held] = _joined(softmax(one.logits(sparse[held])), softmax(two.logits(dense[held])))
    return out


def _joined(first: FloatArray, second: FloatArray) -> FloatArray:
    return np.log(np.clip(np.hstack([first, second]), _FLOOR, 1.0))


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    return Blend(
        tasks,
        linear.load(folder / "linear", tasks),
        frozen.load(folder / "frozen", tasks),
        {task.name: load_head(folder / task.name / "head.safetensors") for task in tasks},
    )
