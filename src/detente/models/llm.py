"""The llm family: a language model behind an OpenAI-compatible endpoint as a classifier, scored beside the others.

Nothing is trained: the codebook is its instruction. Asking, keeping answers and faults of the endpoint are the
labeller's (`detente label labeller=llm`), whose kept answers it shares.
"""

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.arrays import FloatArray
from detente.errors import CheckpointError, InputError, UsageError
from detente.files import write_json
from detente.labelling import codebook as codebooks
from detente.labelling import llm
from detente.labelling.llm_spec import LlmSpec
from detente.models.base import Classifier
from detente.progress import progress
from detente.records import Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

_SPEC, _BOOK = "llm.json", "codebook.toml"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LlmModelSpec:
    """The endpoint, as for `detente label labeller=llm`, and the codebook (the shipped one if empty).

    If a larger share of the statements than `max_unanswered` has no usable answer, there is no score.
    """

    family: ClassVar[str] = "llm"
    labeller: LlmSpec
    codebook: str = ""
    max_unanswered: float = 0.1

    def __post_init__(self) -> None:
        """Raise UsageError for a dry run, which would predict nothing, or a share that is none."""
        if not 0 <= self.max_unanswered <= 1:
            raise UsageError(f"model.max_unanswered is {self.max_unanswered}; it must be from 0 to 1")
        if self.labeller.dry_run:
            raise UsageError("model.labeller.dry_run predicts nothing; see the cost with: detente label labeller=llm")


@dataclass(frozen=True)
class LlmClassifier:
    """The endpoint, the codebook's file, and the label frequencies of train: what an unanswered statement gets."""

    tasks: tuple[Task, ...]
    spec: LlmSpec
    book: Path
    frequencies: Mapping[str, Sequence[float]]
    max_unanswered: float

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """The stated confidences, each statement asked once. A statement without a usable answer has the frequencies.

        Raises InputError if the endpoint is of no use or too few were answered; what was answered is kept.
        """
        asker = llm.open_asker(self.spec, self.tasks, codebooks.load(self.book))
        size = llm.group_size(self.spec)
        parts: list[Mapping[str, FloatArray]] = []
        reasons: list[str] = []
        try:
            with progress(total=len(statements), what=f"asking {self.spec.model}", unit="statements") as advance:
                for start in range(0, len(statements), size):
                    group = statements[start : start + size]
                    answers = llm.label(asker, group)
                    parts.append(answers.proba)
                    reasons += [reason for reason in answers.reasons if reason]
                    advance(len(group))
        finally:
            asker.session.client.close()
        if reasons:
            what = f"{len(reasons)} of {len(statements)} statements have no usable answer (the last: {reasons[-1]})"
            if len(reasons) > self.max_unanswered * len(statements):
                raise InputError(f"{what}; {self.spec.cache} keeps the answers: mend it and give the same command")
            log.warning(f"{what}; label frequencies stand in for them")
        return {task.name: self._filled(task, [part[task.name] for part in parts]) for task in self.tasks}

    def _filled(self, task: Task, parts: Sequence[FloatArray]) -> FloatArray:
        proba = np.vstack([np.zeros((0, len(task.labels))), *parts])
        proba[np.isnan(proba).any(axis=1)] = self.frequencies[task.name]
        return proba

    def save(self, folder: Path) -> None:
        """The settings in JSON (the name of the key's variable, never the key), and the codebook."""
        frequencies = {name: list(of) for name, of in self.frequencies.items()}
        content = {"spec": asdict(self.spec), "frequencies": frequencies, "max_unanswered": self.max_unanswered}
        write_json(folder / _SPEC, content)
        shutil.copyfile(self.book, folder / _BOOK)


def fit(
    spec: LlmModelSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Train gives the label frequencies alone; nothing is sent. Raises UsageError if the codebook lacks a task."""
    book = Path(spec.codebook).expanduser() if spec.codebook else codebooks.SHIPPED
    llm.open_asker(spec.labeller, tasks, codebooks.load(book)).session.client.close()
    frequencies = {}
    for task in tasks:
        counts = np.bincount(task.index(train[task.name]), minlength=len(task.labels)) + 1.0
        frequencies[task.name] = (counts / counts.sum()).tolist()
    return LlmClassifier(tasks, replace(spec.labeller, seed=seed), book, frequencies, spec.max_unanswered)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    try:
        content: dict[str, Any] = json.loads((folder / _SPEC).read_text(encoding="utf-8"))
        spec, most = LlmSpec(**content["spec"]), content["max_unanswered"]
        return LlmClassifier(tasks, spec, folder / _BOOK, content["frequencies"], most)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / _SPEC} is incomplete ({error}); train again") from None
