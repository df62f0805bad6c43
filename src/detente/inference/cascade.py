"""A cascade: a cheap checkpoint answers where it is sure, a dear one the rest (Viola & Jones 2001; Chen et al. 2023).

How sure it must be is chosen on dev, for each task by itself, and kept beside the dear checkpoint:

RUN/checkpoint.cascade/<cheap checkpoint's digest>.json
"""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from detente import checkpoint as checkpoints
from detente import files
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.errors import InputError, UsageError
from detente.evaluation.metrics import macro_f1
from detente.inference.devset import dev_rows, kept_proba
from detente.models.finetune import Finetuned
from detente.records import Statement
from detente.tasks import Task

log = logging.getLogger(__name__)
MAX_FALL = 0.005
# A threshold that no probability reaches: the cheap checkpoint answers nothing.
NEVER = 2.0
_FORMAT = 1
# A dear checkpoint, the rows it computes, those that each task asked for, the rows made ready.
_Left = tuple[Checkpoint, NDArray[np.intp], dict[str, NDArray[np.intp]], Any]


class Choice(TypedDict):
    """Of one task: the cheap checkpoint answers at `threshold` and above; figures on `n` dev rows.

    `coverage` is the share that it answered; macro-F1 of the cascade, of each of the two alone.
    """

    threshold: float
    coverage: float
    n: int
    macro_f1: float
    cheap_macro_f1: float
    dear_macro_f1: float


def choose(gold: NDArray[np.int_], cheap: FloatArray, dear: FloatArray, *, max_fall: float = MAX_FALL) -> Choice:
    """The lowest threshold on the cheap confidence whose macro-F1 stays within `max_fall` of the dear one's.

    `gold` (n,); probabilities (n, labels). It must also have stayed within at every higher threshold: one
    that is let in again by a lucky stretch of dev is not trusted. Raises InputError without rows.
    """
    n, k = cheap.shape
    if n == 0:
        raise InputError("there is no dev row to choose the threshold of the cascade on; give labelled rows")
    confidence = cheap.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    first, second = (_cells(gold, proba, k)[order] for proba in (cheap, dear))
    nothing = np.zeros((1, k * k))
    counts = (
        np.vstack([nothing, first.cumsum(axis=0)]) + second.sum(axis=0) - np.vstack([nothing, second.cumsum(axis=0)])
    )
    scores = macro_f1(counts.reshape(-1, k, k))
    ordered = confidence[order]
    # The cheap one answers rows of equal confidence together, so a cut falls only between different ones.
    cuts = np.array([0, *(np.flatnonzero(ordered[1:] < ordered[:-1]) + 1), n])
    within = scores[cuts] >= scores[0] - max_fall
    last = len(cuts) - 1 if within.all() else int(np.argmin(within)) - 1
    answered = int(cuts[last])
    threshold = NEVER if answered == 0 else 0.0 if answered == n else float(ordered[answered - 1])
    return Choice(
        threshold=threshold,
        coverage=answered / n,
        n=n,
        macro_f1=float(scores[answered]),
        cheap_macro_f1=float(scores[n]),
        dear_macro_f1=float(scores[0]),
    )


def _cells(gold: NDArray[np.int_], proba: FloatArray, k: int) -> FloatArray:
    """One-hot cells of the confusion matrix, (n, labels * labels)."""
    cells: FloatArray = np.eye(k * k)[gold * k + proba.argmax(axis=1)]
    return cells


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """Two checkpoints and the thresholds between them. `answered` counts by task what the cheap one answered."""

    cheap: Checkpoint
    dear: Checkpoint
    choices: Mapping[str, Choice]
    answered: Counter[str] = field(default_factory=Counter, repr=False, compare=False)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Those of the dear checkpoint."""
        return self.dear.tasks

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Calibrated probabilities by task, of whichever checkpoint answered."""
        return self.finish(self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> Any:
        """What can be done while another batch is computed: the cheap answers, and token ids of what is left.

        A cheap checkpoint with an encoder would take the cores from the dear one, so of it only token ids are made.
        """
        if self.cheap.in_halves:
            return statements, self.cheap.prepare(statements), None
        found = self.cheap.predict_proba(statements)
        return statements, found, self._left(statements, found)

    def finish(self, prepared: Any) -> dict[str, FloatArray]:
        """Probabilities of what was prepared."""
        statements, found, left = prepared
        if left is None:
            found = self.cheap.finish(found)
            left = self._left(statements, found)
        n = len(statements)
        out = {
            task.name: found[task.name].copy() if task.name in self.choices else np.zeros((n, len(task.labels)))
            for task in self.tasks
        }
        taken: dict[str, NDArray[np.intp]] = {}
        for checkpoint, rows, asked, ready in left:
            for name, proba in checkpoint.finish(ready).items():
                taken[name] = rows if self._better(name) else asked[name]
                out[name][taken[name]] = proba[np.searchsorted(rows, taken[name])]
        for task in self.tasks:
            self.answered[task.name] += n - len(taken.get(task.name, ()))
        self.answered[""] += n
        return out

    def _left(self, statements: Sequence[Statement], found: Mapping[str, FloatArray]) -> list[_Left]:
        """What the dear checkpoint has to compute, by the tasks that it computes together."""
        left = []
        for checkpoint in _apart(self.dear):
            asked = {}
            for task in checkpoint.tasks:
                choice = self.choices.get(task.name)
                sure = (
                    found[task.name].max(axis=1) >= choice["threshold"] if choice else np.zeros(len(statements), bool)
                )
                asked[task.name] = np.flatnonzero(~sure)
            rows = np.unique(np.concatenate(list(asked.values())))
            if len(rows):
                left.append((checkpoint, rows, asked, checkpoint.prepare([statements[i] for i in rows])))
        return left

    def _better(self, name: str) -> bool:
        """Whether the dear checkpoint's answer is taken also where it was asked for another task and has it anyway."""
        choice = self.choices.get(name)
        return not choice or choice["dear_macro_f1"] > choice["cheap_macro_f1"]

    def shares(self) -> str:
        """One sentence: what share of what this process computed the cheap checkpoint answered; empty for nothing."""
        total = self.answered[""]
        if not total:
            return ""
        parts = [f"{task.name} {self.answered[task.name] / total:.1%}" for task in self.tasks]
        return f"the cascade's cheap checkpoint answered {', '.join(parts)} of {total:,} statements computed"


def _apart(checkpoint: Checkpoint) -> list[Checkpoint]:
    """The checkpoint by the tasks that one forward pass answers together; the finetune family has a model a task."""
    classifier = checkpoint.classifier
    if not isinstance(classifier, Finetuned):
        return [checkpoint]
    return [replace(checkpoint, classifier=replace(classifier, tasks=(task,))) for task in checkpoint.tasks]


def build(run: str | Path, dear: Checkpoint, cheap_run: str | Path) -> Cascade:
    """The cascade of two runs; thresholds are read where they were chosen before, else chosen and kept.

    Raises UsageError if the runs share no task or name different labels.
    """
    cheap = checkpoints.load(cheap_run)
    if cheap.digest == dear.digest:
        raise UsageError(f"cascade={cheap_run} is the checkpoint itself; give a cheaper one, such as a linear run")
    ours = {task.name: task for task in cheap.tasks}
    shared = [task for task in dear.tasks if task.name in ours]
    if not shared:
        raise UsageError(
            f"cascade={cheap_run} predicts {', '.join(ours)}, {run} {', '.join(t.name for t in dear.tasks)}; "
            "they must share a task"
        )
    for task in shared:
        if ours[task.name].labels != task.labels:
            raise UsageError(
                f"the labels of {task.name} are {list(ours[task.name].labels)} in {cheap_run} and "
                f"{list(task.labels)} in {run}; a cascade needs the same in the same order"
            )
    folder = checkpoints.locate(run)
    path = folder.with_name(folder.name + ".cascade") / f"{cheap.digest[:16]}.json"
    choices = _kept(path, cheap, dear)
    if choices is None:
        choices = _chosen(run, cheap, dear, shared)
        _keep(path, cheap, dear, choices)
    for name, choice in choices.items():
        log.info(told(name, choice))
    return Cascade(cheap=cheap, dear=dear, choices=choices)


def told(name: str, choice: Choice) -> str:
    """A task's choice as a sentence."""
    return (
        f"cascade, {name}: the cheap checkpoint answers {choice['coverage']:.1%} of {choice['n']:,} dev statements "
        f"(confidence of {choice['threshold']:.3f} or more); macro-F1 on dev {choice['macro_f1']:.4f}, "
        f"alone {choice['cheap_macro_f1']:.4f} and {choice['dear_macro_f1']:.4f}"
    )


def _chosen(run: str | Path, cheap: Checkpoint, dear: Checkpoint, tasks: Sequence[Task]) -> dict[str, Choice]:
    if cheap.about.get("data", {}).get("fingerprint") != dear.about.get("data", {}).get("fingerprint"):
        log.warning("the two runs were trained on different data: if the cheap one saw these dev rows, it is too sure")
    rows = dev_rows(run, dear.tasks)
    found = cheap.predict_proba(rows)
    computed: dict[str, FloatArray] = {}
    choices = {}
    for task in tasks:
        strong = kept_proba(task, rows)
        if strong is None:
            computed = computed or dear.predict_proba(rows)
            strong = computed[task.name]
        labelled = [i for i, s in enumerate(rows) if s.labels.get(task.name)]
        gold = np.array(task.index([rows[i].labels[task.name] for i in labelled]), dtype=int)
        choices[task.name] = choose(gold, found[task.name][labelled], strong[labelled])
    return choices


def _kept(path: Path, cheap: Checkpoint, dear: Checkpoint) -> dict[str, Choice] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if (content["format"], content["cheap"], content["dear"]) != (_FORMAT, cheap.digest, dear.digest):
            return None
        kept: dict[str, Choice] = content["tasks"]
        return kept if all(Choice.__required_keys__ <= choice.keys() for choice in kept.values()) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(path: Path, cheap: Checkpoint, dear: Checkpoint, choices: Mapping[str, Choice]) -> None:
    content = {"format": _FORMAT, "cheap": cheap.digest, "dear": dear.digest, "max_fall": MAX_FALL, "tasks": choices}
    try:
        files.write_json(path, content)
    except InputError as error:  # a run that may only be read still makes a cascade
        log.info(f"the thresholds were not kept: {error}")
