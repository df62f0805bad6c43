"""The blend family: linear, and an encoder with a linear head, joined.

With an encoder that stays as it is, both parts are stacked on out-of-fold probabilities (Wolpert 1992). One that is
trained first has seen the labels of all folds, so then each part's share is fitted on dev: two numbers a task.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.corpus import splits
from detente.corpus.tables import from_table
from detente.encoders import Encoder, EncoderSpec
from detente.errors import InputError, UsageError
from detente.models import frozen, linear
from detente.models.base import Classifier
from detente.models.frozen import Frozen, FrozenSpec
from detente.models.heads import Head, fit_head, load_head, save_head
from detente.models.linear import Linear, LinearSpec
from detente.models.multitask import MultitaskSpec
from detente.models.tuning import tuned_encoder
from detente.records import Statement
from detente.tasks import Task
from detente.text.language import identify

if TYPE_CHECKING:
    from datasets import Dataset

_FLOOR = 1e-6
# The linear probabilities, positions of the rows that the encoder reads, and those rows prepared for it.
Prepared = tuple[dict[str, FloatArray], list[int], frozen.Prepared]


@dataclass(frozen=True, kw_only=True)
class BlendSpec:
    """Settings of its two parts, of the head that joins them (`c`), and in how many `folds` they are crossed.

    Rows of one `group` (the first of these columns that a row has) stay in one fold, so that the
    joining head sees the parts as they are on statements of scenarios they were not fitted on.
    `tuning` trains the encoder on the tasks first; without it, it stays as it is.
    """

    family: ClassVar[str] = "blend"
    encoder: EncoderSpec
    linear: LinearSpec = field(default_factory=LinearSpec)
    layers: str = "all"
    frozen_c: float = 0.004
    balanced: bool = False
    c: float = 1.0
    folds: int = 5
    group: Sequence[str] = ("scenario", "doc_id")
    tuning: MultitaskSpec | None = None

    def __post_init__(self) -> None:
        """Raise UsageError for a training of another encoder than its own."""
        if self.tuning and self.tuning.encoder != self.encoder:
            raise UsageError("model.tuning.encoder is another than model.encoder; leave it out")

    @property
    def frozen(self) -> FrozenSpec:
        """The spec of its frozen part."""
        return FrozenSpec(encoder=self.encoder, layers=self.layers, c=self.frozen_c, balanced=self.balanced)


@dataclass(frozen=True)
class Blend:
    """The two fitted parts and the heads that join them, by task.

    `joined` reads both parts; `alone` reads the linear part only, for languages the encoder does not read.
    """

    tasks: tuple[Task, ...]
    linear: Linear
    frozen: Frozen
    joined: Mapping[str, Head]
    alone: Mapping[str, Head]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the joining heads' logits over the parts' log-probabilities."""
        return self.finish(self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> Prepared:
        """The linear part's probabilities and the frozen part's tokens: ready while another batch is computed."""
        read = read_by(self.frozen.features.encoder.spec, statements)
        return self.linear.predict_proba(statements), read, self.frozen.prepare([statements[i] for i in read])

    def finish(self, prepared: Prepared) -> dict[str, FloatArray]:
        """Probabilities of what was prepared."""
        first, read, tokens = prepared
        second = self.frozen.finish(tokens)
        out = {}
        for task in self.tasks:
            linear_logs = _logs(first[task.name])
            proba = softmax(self.alone[task.name].logits(linear_logs))
            both = np.hstack([linear_logs[read], _logs(second[task.name])])
            proba[read] = softmax(self.joined[task.name].logits(both))
            out[task.name] = proba
        return out

    def save(self, folder: Path) -> None:
        """The parts in `linear/` and `frozen/`, two joining heads a task in `<task>/`."""
        self.linear.save(folder / "linear")
        self.frozen.save(folder / "frozen")
        for task in self.tasks:
            save_head(self.joined[task.name], folder / task.name / "joined.safetensors")
            save_head(self.alone[task.name], folder / task.name / "alone.safetensors")


def fit(
    spec: BlendSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Fit the parts' heads on all of train; cross-fit them for the joining heads, or fit those on dev.

    Terms and embeddings of an encoder that is not trained are computed once: they see no label, so folds share them.
    """
    statements = from_table(train)
    read = read_by(spec.encoder, statements)
    if len({statements[i].labels[task.name] for i in read for task in tasks}) < 2:
        raise InputError(
            f"too few of the training rows are in a language that the encoder {spec.encoder.name} reads "
            f"({', '.join([*spec.encoder.languages, *spec.encoder.glossed])}); use model=linear, or a multilingual "
            "encoder"
        )
    asked = from_table(dev)
    asked = [asked[i] for i in read_by(spec.encoder, asked)]
    encoder = None
    if spec.tuning:
        given = ([statements[i] for i in read], asked)
        encoder = tuned_encoder(spec.tuning, tasks, *given, seed=seed, run_dir=run_dir)
    terms = linear.fit_spec_terms(spec.linear, statements)
    features = frozen.make_features(spec.frozen, statements, encoder=encoder)
    sparse, dense = terms.transform(statements), features.transform([statements[i] for i in read])
    groups = splits.groups_of(statements, spec.group)
    asked_sparse, asked_dense = terms.transform(asked), features.transform(asked) if encoder else None
    parts: list[dict[str, Head]] = [{}, {}, {}, {}]
    for task in tasks:
        labels = list(train[task.name])
        some, of = [labels[i] for i in read], [groups[i] for i in read]
        one = linear.fit_task_head(spec.linear, task, sparse, labels, seed=seed)
        two = frozen.fit_task_head(spec.frozen, task, dense, some, seed=seed)
        first = _crossed(linear.fit_task_head, spec.linear, task, sparse, labels, groups, spec.folds, seed)
        if encoder:
            own, other = _logs(softmax(one.logits(asked_sparse))), _logs(softmax(two.logits(asked_dense)))
            joined = fit_shares(own, other, task.index([s.labels[task.name] for s in asked]))
        else:
            second = _crossed(frozen.fit_task_head, spec.frozen, task, dense, some, of, spec.folds, seed)
            joined = _fit_join(spec, task, np.hstack([first[read], second]), some, seed)
        for part, head in zip(parts, (one, two, joined, _fit_join(spec, task, first, labels, seed)), strict=True):
            part[task.name] = head
    return Blend(tasks, Linear(tasks, terms, parts[0]), Frozen(tasks, features, parts[1]), parts[2], parts[3])


def fit_shares(first: FloatArray, second: FloatArray, gold: Sequence[int]) -> Head:
    """The head a * first + b * second whose a and b, at least 0, minimise log-loss on `gold`.

    `first` and `second` are log-probabilities (n, labels). The product of two experts (Hinton 2002), each to a power:
    two numbers, so that dev, on which they are fitted, is hardly fitted to.
    """
    from scipy.optimize import minimize

    rows = np.arange(len(gold))

    def loss(shares: FloatArray) -> float:
        logits = shares[0] * first + shares[1] * second
        return float(np.mean(np.logaddexp.reduce(logits, axis=1) - logits[rows, gold]))

    shares = minimize(loss, np.array([0.5, 0.5]), bounds=[(0.0, 10.0)] * 2, method="L-BFGS-B").x
    same = np.eye(first.shape[1], dtype=np.float32)
    weights = np.hstack([shares[0] * same, shares[1] * same]).astype(np.float32)
    return Head(weights, np.zeros(first.shape[1], dtype=np.float32))


def read_by(encoder: EncoderSpec, statements: Sequence[Statement]) -> list[int]:
    """Positions of the statements in a language that the encoder reads."""
    if not encoder.languages:
        return list(range(len(statements)))
    return [i for i, s in enumerate(statements) if encoder.reads(s.lang or identify(s.text))]


def _crossed(
    fit_task_head: Callable[..., Head],
    spec: Any,
    task: Task,
    features: Any,
    labels: Sequence[str],
    groups: Sequence[str],
    folds: int,
    seed: int,
) -> FloatArray:
    """A part's log-probabilities of every row by a head that did not see its group: (n, labels)."""
    out = np.zeros((len(labels), len(task.labels)))
    for kept, held in splits.folds(labels, groups, n=folds, seed=seed):
        head = fit_task_head(spec, task, features[kept], [labels[i] for i in kept], seed=seed)
        out[held] = _logs(softmax(head.logits(features[held])))
    return out


def _fit_join(spec: BlendSpec, task: Task, logs: FloatArray, labels: Sequence[str], seed: int) -> Head:
    return fit_head(logs, task.index(labels), n_labels=len(task.labels), c=spec.c, balanced=spec.balanced, seed=seed)


def _logs(proba: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.clip(proba, _FLOOR, 1.0)))


def load(folder: Path, tasks: tuple[Task, ...], *, encoder: Encoder | None = None) -> Blend:
    """Read what `save` wrote; `encoder` stands for the frozen part's if given."""
    heads = [
        {task.name: load_head(folder / task.name / f"{kind}.safetensors") for task in tasks}
        for kind in ("joined", "alone")
    ]
    second = frozen.load(folder / "frozen", tasks, encoder=encoder)
    return Blend(tasks, linear.load(folder / "linear", tasks), second, *heads)
