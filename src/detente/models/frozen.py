"""The frozen family: embeddings of a sentence encoder that is not trained, and a linear head for each task."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray, softmax
from detente.corpus.tables import from_table
from detente.encoders import (
    Encoder,
    EncoderSpec,
    embed_tokens,
    load_encoder,
    load_saved,
    save_encoder,
    tokenise_for,
    vector_width,
)
from detente.files import write_json
from detente.forward import Tokens
from detente.models.base import Classifier
from detente.models.heads import Head, fit_head, load_head, save_head
from detente.models.inputs import recurring_targets, targets_in_text, window
from detente.progress import progress
from detente.records import Statement, target_span
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

_WINDOW = 12
_ROWS = 1000
# Statements and the token ids of their texts.
Prepared = tuple[Sequence[Statement], Tokens]


@dataclass(frozen=True, kw_only=True)
class FrozenSpec:
    """Settings of the frozen family: the encoder, which `layers` are read, the head.

    `layers`: all (the means of every layer's states) or last (the sentence embedding). `c` is the
    inverse regularisation on standardised features, for 1,000 rows: it shrinks as rows grow;
    `balanced` weighs labels by inverse frequency.
    """

    family: ClassVar[str] = "frozen"
    encoder: EncoderSpec
    layers: str = "all"
    c: float = 0.004
    balanced: bool = False


@dataclass(frozen=True)
class Features:
    """How statements become vectors: the encoder, its layers, and how the target enters.

    With recurring `targets`, each has a copy of the text's vector that is zero for the other targets;
    `windowed` adds the vector of the words around a target that stands in the text.
    """

    encoder: Encoder
    layers: str
    targets: tuple[str, ...]
    windowed: bool

    def transform(self, statements: Sequence[Statement]) -> NDArray[np.float32]:
        """Dense float32 (n, d)."""
        return self.finish(statements, self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> Tokens:
        """Token ids of all texts: what can be made ready while another batch is computed."""
        read = self.encoder.glossaries.read(statements)
        texts = [s.text for s in read]
        if self.windowed:
            texts += [_around(s) for s in read]
        return tokenise_for(self.encoder, texts)

    def finish(self, statements: Sequence[Statement], tokens: Tokens) -> NDArray[np.float32]:
        """The vectors of what was prepared."""
        with progress(total=len(tokens.lengths), what="embedding", unit="texts") as advance:
            vectors = embed_tokens(self.encoder, tokens, layers=self.layers, progress=advance)
        n = len(statements)
        shared = np.hstack([vectors[:n], vectors[n:]]) if self.windowed else vectors
        own = [vectors[:n] * _mask(statements, target) for target in self.targets]
        return np.hstack([shared, *own])


@dataclass(frozen=True)
class Frozen:
    """An encoder and a head a task."""

    tasks: tuple[Task, ...]
    features: Features
    heads: Mapping[str, Head]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the heads' logits."""
        return self.finish(self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> Prepared:
        """What can be made ready while another batch is computed."""
        return statements, self.features.prepare(statements)

    def finish(self, prepared: Prepared) -> dict[str, FloatArray]:
        """Probabilities of what was prepared."""
        vectors = self.features.finish(*prepared)
        return {name: softmax(head.logits(vectors)) for name, head in self.heads.items()}

    def save(self, folder: Path) -> None:
        """`encoder/` and one `<task>/head.safetensors` a task."""
        save_features(self.features, folder)
        for name, head in self.heads.items():
            save_head(head, folder / name / "head.safetensors")


def fit(
    spec: FrozenSpec,
    tasks: tuple[Task, ...],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    run_dir: Path,
) -> Classifier:
    """Embed train once, then fit a head for each task."""
    statements = from_table(train)
    features = make_features(spec, statements)
    vectors = features.transform(statements)
    heads = {task.name: fit_task_head(spec, task, vectors, train[task.name], seed=seed) for task in tasks}
    return Frozen(tasks, features, heads)


def make_features(spec: FrozenSpec, statements: Sequence[Statement], *, encoder: Encoder | None = None) -> Features:
    """The features that a spec asks for, given what train's targets are like; `encoder` stands for the spec's."""
    encoder = encoder or load_encoder(spec.encoder)
    vector_width(encoder, spec.layers)
    return Features(encoder, spec.layers, recurring_targets(statements), targets_in_text(statements))


def fit_task_head(spec: FrozenSpec, task: Task, vectors: Any, labels: Sequence[str], *, seed: int) -> Head:
    """The head that a spec asks for, of one task."""
    return fit_head(
        vectors,
        task.index(labels),
        n_labels=len(task.labels),
        c=spec.c * _ROWS / max(len(labels), 1),
        balanced=spec.balanced,
        seed=seed,
    )


def save_features(features: Features, folder: Path) -> None:
    """Write the encoder with its tokenizer, and how the target enters."""
    save_encoder(features.encoder, folder / "encoder")
    content = {"layers": features.layers, "targets": features.targets, "windowed": features.windowed}
    write_json(folder / "features.json", content)


def load_features(folder: Path, *, encoder: Encoder | None = None) -> Features:
    """Read what `save_features` wrote; `encoder` stands for the saved one if given."""
    content = json.loads((folder / "features.json").read_text(encoding="utf-8"))
    encoder = encoder or load_saved(folder / "encoder")
    return Features(encoder, content["layers"], tuple(content["targets"]), content["windowed"])


def load(folder: Path, tasks: tuple[Task, ...], *, encoder: Encoder | None = None) -> Frozen:
    """Read what `save` wrote; `encoder` stands for the saved one if given."""
    heads = {task.name: load_head(folder / task.name / "head.safetensors") for task in tasks}
    return Frozen(tasks, load_features(folder, encoder=encoder), heads)


def _mask(statements: Sequence[Statement], target: str) -> NDArray[np.float32]:
    """(n, 1): 1 where the statement speaks to the target."""
    return np.array([s.target == target for s in statements], dtype=np.float32).reshape(-1, 1)


def _around(statement: Statement) -> str:
    left, right = window(statement, words=_WINDOW)
    return f"{left}{statement.target}{right}" or statement.text


def read_around(statement: Statement) -> tuple[str, int]:
    """What a windowed model reads beside the whole text, and where in the text it begins."""
    span = target_span(statement)
    left, _ = window(statement, words=_WINDOW)
    return _around(statement), span[0] - len(left) if span else 0
