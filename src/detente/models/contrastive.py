"""The contrastive family: an encoder is taught which statements share a label, then a linear head is fitted.

The method of SetFit (Tunstall et al. 2022), for few labels: pairs of statements, one of the same label and one of
another for each, whose cosine is drawn to 1 or 0. One encoder a task, since the tasks order statements differently.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.arrays import FloatArray
from detente.corpus.tables import from_table
from detente.encoders import Encoder, EncoderSpec
from detente.errors import UsageError
from detente.models import frozen
from detente.models.base import Classifier
from detente.models.frozen import Frozen, FrozenSpec
from detente.models.resuming import FOLDER
from detente.models.trainer import run_trainer, settings_of, training_of
from detente.records import Statement
from detente.seeds import rng, seed_everything
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

# Longer training on pairs than this gains nothing that a fine-tuned encoder would not give for less.
MAX_PAIRS = 2_000_000


@dataclass(frozen=True, kw_only=True)
class ContrastiveSpec:
    """Settings of the pairs and of the training on them; of the head, see FrozenSpec.

    Each statement is in `pairs` pairs of one label and as many of two. `batch_size` counts pairs, two texts each.
    """

    family: ClassVar[str] = "contrastive"
    encoder: EncoderSpec
    pairs: int = 5
    epochs: int = 1
    batch_size: int = 16
    learning_rate: float = 2e-5
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    max_steps: int = -1
    precision: str = "auto"
    layers: str = "last"
    c: float = 1.0
    balanced: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that train nothing."""
        if self.pairs < 1:
            raise UsageError(f"model.pairs is {self.pairs}; it must be at least 1")
        training_of(self)

    @property
    def head(self) -> FrozenSpec:
        """The spec of the head on the trained encoder."""
        return FrozenSpec(encoder=self.encoder, layers=self.layers, c=self.c, balanced=self.balanced)


@dataclass(frozen=True)
class Contrastive:
    """By task, the trained encoder with its head; `history` is the Trainer's log."""

    tasks: tuple[Task, ...]
    parts: Mapping[str, Frozen]
    history: Mapping[str, list[dict[str, float]]]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the heads' logits."""
        return {name: part.predict_proba(statements)[name] for name, part in self.parts.items()}

    def save(self, folder: Path) -> None:
        """One folder a task, as the frozen family saves it."""
        for name, part in self.parts.items():
            part.save(folder / name)


def fit(
    spec: ContrastiveSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Train an encoder and fit a head for each task. Dev is not looked at."""
    statements = from_table(train)
    parts, history = {}, {}
    for task in tasks:
        seed_everything(seed)
        features = frozen.make_features(spec.head, statements)
        labels = [s.labels[task.name] for s in statements]
        settings = settings_of(spec, (task,), (train,), seed)
        folder = run_dir / FOLDER / task.name
        steps = _teach(spec, task, features.encoder, statements, labels, seed, folder, settings)
        features = replace(features, encoder=replace(features.encoder, model=features.encoder.model.cpu().eval()))
        head = frozen.fit_task_head(spec.head, task, features.transform(statements), labels, seed=seed)
        parts[task.name], history[task.name] = Frozen((task,), features, {task.name: head}), steps
    return Contrastive(tasks, parts, history)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    return Contrastive(tasks, {task.name: frozen.load(folder / task.name, (task,)) for task in tasks}, {})


def sample_pairs(labels: Sequence[str], *, pairs: int, seed: int) -> list[tuple[int, int, float]]:
    """(row, other row, 1 for one label or 0 for two): for each row `pairs` of either kind, if there are any.

    Raises UsageError if they would be more than MAX_PAIRS.
    """
    if 2 * pairs * len(labels) > MAX_PAIRS:
        most = MAX_PAIRS // (2 * len(labels))
        raise UsageError(
            f"model.pairs={pairs} on {len(labels):,} rows makes {2 * pairs * len(labels):,} pairs; "
            + (f"at most {most} can be had" if most else "use model=finetune for so many rows")
        )
    draws, at = rng(seed, "pairs"), np.array(labels)
    rows = {label: np.flatnonzero(at == label) for label in sorted(set(labels))}
    others = {label: np.flatnonzero(at != label) for label in rows}
    made: list[tuple[int, int, float]] = []
    for _ in range(pairs):
        for i, label in enumerate(labels):
            like = rows[label]
            if len(like) > 1:
                k = int(draws.integers(len(like) - 1))
                made.append((i, int(like[k] if like[k] != i else like[-1]), 1.0))
            if len(others[label]):
                made.append((i, int(draws.choice(others[label])), 0.0))
    return made


def _teach(
    spec: ContrastiveSpec,
    task: Task,
    encoder: Encoder,
    statements: Sequence[Statement],
    labels: Sequence[str],
    seed: int,
    folder: Path,
    settings: Mapping[str, Any],
) -> list[dict[str, float]]:
    """Train the encoder in place on pairs; returns the Trainer's log."""
    from datasets import Dataset

    texts = [encoder.spec.prefix + s.text for s in encoder.glossaries.read(statements)]
    tokens = encoder.tokenizer(texts, truncation=True, max_length=encoder.spec.max_length)
    rows = [{name: values[i] for name, values in tokens.items()} for i in range(len(texts))]
    firsts, seconds, alike = zip(*sample_pairs(labels, pairs=spec.pairs, seed=seed), strict=True)
    lengths = [max(len(rows[i]["input_ids"]), len(rows[j]["input_ids"])) for i, j in zip(firsts, seconds, strict=True)]
    pairs = Dataset.from_dict({"first": firsts, "second": seconds, "labels": alike, "length": lengths})
    encoder.model.train()
    return run_trainer(
        training_of(spec),
        _pooled(encoder),
        encoder.tokenizer,
        train=pairs,
        dev=None,
        loss=_cosine_loss,
        score=None,
        name=task.name,
        seed=seed,
        folder=folder,
        settings=settings,
        collate=_collate(encoder.tokenizer, rows),
    )


def _collate(tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> Callable[..., Any]:
    """A batch of pairs as texts, the two of a pair one after the other."""
    import torch

    def collate(pairs: Sequence[Mapping[str, Any]]) -> Any:
        texts = [rows[pair[side]] for pair in pairs for side in ("first", "second")]
        batch = tokenizer.pad(texts, return_tensors="pt")
        batch["labels"] = torch.tensor([pair["labels"] for pair in pairs])
        return batch

    return collate


def _cosine_loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Mean squared distance of the pairs' cosines from 1 or 0."""
    import torch

    vectors = outputs["logits"].float()
    cosines = (vectors[0::2] * vectors[1::2]).sum(dim=1)
    return torch.nn.functional.mse_loss(cosines, labels.float())


def _pooled(encoder: Encoder) -> Any:
    """The encoder as a module that gives sentence vectors of length one. Modules of torch are classes."""
    import torch

    first = encoder.spec.pooling == "cls"

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder.model

        def forward(self, input_ids: Any, attention_mask: Any, **rest: Any) -> dict[str, Any]:
            hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **rest).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
            pooled = hidden[:, 0] if first else (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
            return {"logits": torch.nn.functional.normalize(pooled, dim=-1)}

    return Pooled()
