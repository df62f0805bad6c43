"""The ensemble family: trained checkpoints speak together, by the mean of their probabilities or by a stacked head.

Members are loaded, never trained. The checkpoint holds a copy of each, so it stands alone.
"""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente import checkpoint as checkpoints
from detente.arrays import FloatArray, softmax
from detente.checkpoint import Checkpoint
from detente.corpus.tables import from_table
from detente.errors import CheckpointError, InputError, UsageError, did_you_mean
from detente.files import write_json
from detente.models.base import Classifier
from detente.models.heads import Head, fit_head, load_head, save_head
from detente.records import Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

COMBINE = ("mean", "weighted", "stack")
_FLOOR = 1e-6
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EnsembleSpec:
    """The members and how they are combined.

    `members` are run folders, or patterns of them (`runs/seeds/seed_*`). `combine`: mean (of calibrated
    probabilities; nothing is fitted), weighted (a weight a member and task, which minimises log-loss on dev) or
    stack (a logistic head of inverse regularisation `c` on the members' log-probabilities, fitted on dev). What is
    fitted on dev makes the figures of dev too good.
    """

    family: ClassVar[str] = "ensemble"
    members: Sequence[str]
    combine: str = "mean"
    c: float = 0.1

    def __post_init__(self) -> None:
        """Raise UsageError for members that are no list, or an unknown way to combine them."""
        if isinstance(self.members, str) or not self.members:
            raise UsageError(f"model.members is {self.members!r}; it must list runs: model.members=[RUN,RUN]")
        if self.combine not in COMBINE:
            raise UsageError(f'model.combine is "{self.combine}"; {did_you_mean(self.combine, COMBINE)}')
        if not self.c > 0:
            raise UsageError(f"model.c is {self.c}; it must be above 0")


@dataclass(frozen=True)
class Ensemble:
    """Loaded members, where they lie, and by task their weights (members,) or the head that joins them."""

    tasks: tuple[Task, ...]
    members: tuple[Checkpoint, ...]
    folders: tuple[Path, ...]
    weights: Mapping[str, FloatArray]
    heads: Mapping[str, Head]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """The weighted means, or the heads' softmax."""
        found = _probabilities(self.members, self.tasks, statements)
        out = {}
        for task in self.tasks:
            if task.name in self.heads:
                out[task.name] = softmax(self.heads[task.name].logits(_logs(found[task.name])))
            else:
                out[task.name] = np.tensordot(self.weights[task.name], found[task.name], axes=1)
        return out

    def save(self, folder: Path) -> None:
        """Each member's checkpoint in `members/<number>/`, the weights in JSON, the heads in `<task>/`."""
        for i, member in enumerate(self.folders):
            shutil.copytree(member, folder / "members" / str(i))
        for name, head in self.heads.items():
            save_head(head, folder / name / "head.safetensors")
        weights = {name: of.tolist() for name, of in self.weights.items()}
        write_json(folder / "ensemble.json", {"members": len(self.folders), "weights": weights})


def fit(
    spec: EnsembleSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Load the members and, where asked, fit on dev how much each counts. Train is not looked at."""
    folders = tuple(checkpoints.locate(run) for run in _expand(spec.members))
    members = tuple(checkpoints.load(folder) for folder in folders)
    for folder, member in zip(folders, members, strict=True):
        _check_tasks(folder, member, tasks)
    _warn_of_other_data(folders, members)
    equal = np.full(len(members), 1 / len(members))
    weights, heads = {task.name: equal for task in tasks}, {}
    if spec.combine != "mean":
        found = _probabilities(members, tasks, from_table(dev))
        for task in tasks:
            gold = np.array(task.index(dev[task.name]))
            if len(set(gold.tolist())) < 2:
                raise InputError(
                    f"all {len(gold)} dev rows have one {task.name}, too little to weigh members by; "
                    "use model.combine=mean, or a dev with every label"
                )
            if spec.combine == "weighted":
                weights[task.name] = fit_weights(gold, found[task.name])
                log.info(f"{task.name}: weights {', '.join(f'{w:.2f}' for w in weights[task.name])}")
            else:
                heads[task.name] = fit_head(
                    _logs(found[task.name]), gold.tolist(), n_labels=len(task.labels), c=spec.c, seed=seed
                )
    return Ensemble(tasks, members, folders, weights, heads)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    content = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    folders = tuple(folder / "members" / str(i) for i in range(content["members"]))
    heads = {
        task.name: load_head(path) for task in tasks if (path := folder / task.name / "head.safetensors").is_file()
    }
    weights = {name: np.array(of, dtype=np.float64) for name, of in content["weights"].items()}
    if weights.keys() != {task.name for task in tasks}:
        raise CheckpointError(f"{folder / 'ensemble.json'} has weights for other tasks; train again")
    return Ensemble(tasks, tuple(checkpoints.load(member) for member in folders), folders, weights, heads)


def fit_weights(gold: Any, proba: FloatArray) -> FloatArray:
    """Weights (members,), at least 0 and 1 in sum, that minimise log-loss of the weighted mean of `proba`.

    `proba` is (members, n, labels), `gold` (n,). By expectation–maximisation of the mixture, which is convex.
    """
    of_gold = np.clip(proba[:, np.arange(len(gold)), gold], _FLOOR, 1.0)
    weights = np.full(len(proba), 1 / len(proba))
    for _ in range(1000):
        shares = weights[:, None] * of_gold
        new = (shares / shares.sum(axis=0)).mean(axis=1)
        if np.abs(new - weights).max() < 1e-7:
            break
        weights = new
    return np.asarray(weights, dtype=np.float64)


def _expand(patterns: Sequence[str]) -> list[str]:
    """Run folders of names and patterns, patterns in the order of names. Raises InputError if one meets nothing."""
    runs: list[str] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.exists() or not set("*?[") & set(str(pattern)):
            runs.append(str(path))
            continue
        found = sorted(str(run) for run in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if run.is_dir())
        if not found:
            raise InputError(f"model.members: {pattern} meets no folder; give run folders that train wrote")
        runs += found
    return runs


def _check_tasks(folder: Path, member: Checkpoint, tasks: Sequence[Task]) -> None:
    theirs = {task.name: task for task in member.tasks}
    for task in tasks:
        if task.name not in theirs:
            raise InputError(
                f"{folder} predicts {' and '.join(theirs)}, not {task.name}; "
                f"leave it out, or ensemble the task that it has with task={next(iter(theirs))}"
            )
        labels = theirs[task.name].labels
        if set(labels) != set(task.labels):
            raise InputError(
                f"{folder} has the {task.name} labels {', '.join(labels)}, not {', '.join(task.labels)}; "
                "members must share the labels: leave it out, or train it on this task"
            )


def _warn_of_other_data(folders: Sequence[Path], members: Sequence[Checkpoint]) -> None:
    """A member trained on other rows may have seen what is dev or test here."""
    prints = [dict(member.about.get("data") or {}).get("fingerprint") for member in members]
    for folder, found in zip(folders, prints, strict=True):
        if found != prints[0]:
            log.warning(
                f"{folder} was trained on other data than {folders[0]}; if it saw rows of this dev or test, "
                "the figures are too good"
            )


def _probabilities(
    members: Sequence[Checkpoint], tasks: Sequence[Task], statements: Sequence[Statement]
) -> dict[str, FloatArray]:
    """Calibrated probabilities by task: (members, n, labels), columns in the order of the task's labels here."""
    found: dict[str, list[FloatArray]] = {task.name: [] for task in tasks}
    for member in members:
        proba = member.predict_proba(statements)
        theirs = {task.name: task for task in member.tasks}
        for task in tasks:
            found[task.name].append(proba[task.name][:, theirs[task.name].index(task.labels)])
    return {name: np.stack(of) for name, of in found.items()}


def _logs(proba: FloatArray) -> FloatArray:
    """(n, members * labels) log-probabilities of (members, n, labels)."""
    logs = np.log(np.clip(proba, _FLOOR, 1.0))
    return np.asarray(np.concatenate(list(logs), axis=1))
