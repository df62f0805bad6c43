"""The finetune family: an encoder trained end to end on pairs of text and target, one model a task.

How it trains stands in `training`, what it minimises in `objectives`, what an interrupted training is taken
up from in `resuming`, how texts become token ids in `windows`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.corpus.tables import from_table
from detente.encoders import EncoderSpec, load_pretrained
from detente.errors import UsageError, did_you_mean
from detente.files import write_json
from detente.forward import Compute, Tokens, run, tokenise, torch_compute
from detente.models import ranks, resuming, training, windows
from detente.models.base import Classifier
from detente.models.inputs import mark_target, target_of, targets_in_text
from detente.models.trainer import training_of
from detente.progress import progress
from detente.records import Statement
from detente.tasks import Task
from detente.text.glossing import Glossaries, kept_glossaries, load_glossaries

if TYPE_CHECKING:
    from datasets import Dataset

READING = "finetune.json"


@dataclass(frozen=True, kw_only=True)
class FinetuneSpec:
    """Settings of the training.

    `patience` is in epochs without a better dev score. `class_weights` weighs each label by the inverse of
    its frequency. `max_steps` above 0 ends the training there, whatever `epochs` says. `soft_labels` learns
    the probabilities in the columns `<task>_<label>` instead of the label. `focal_gamma` and `r_drop` above 0
    turn focal loss and R-Drop on. `layer_decay` below 1 slows each layer against the one above;
    `frozen_layers` holds the embeddings and so many lowest layers still; `gradual_unfreezing` starts with the
    head and lets one more layer learn each epoch. `stride` above 0 reads a long text through windows that
    overlap by as many tokens, and takes their `pooling`. A step sees `batch_size * accumulate` statements
    (in each process). `mark_target` marks the target where it stands in the text, if most texts of train
    mention theirs. `checkpoint_steps` above 0 keeps a state to resume from every so many steps, not
    only after each epoch. `precision` auto is bf16 on a GPU that has it, else fp32.
    """

    family: ClassVar[str] = "finetune"
    encoder: EncoderSpec
    epochs: int = 5
    batch_size: int = 16
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    label_smoothing: float = 0.0
    class_weights: bool = True
    soft_labels: bool = False
    focal_gamma: float = 0.0
    r_drop: float = 0.0
    layer_decay: float = 1.0
    frozen_layers: int = 0
    gradual_unfreezing: bool = False
    stride: int = 0
    pooling: str = "mean"
    mark_target: bool = True
    patience: int = 2
    accumulate: int = 1
    max_steps: int = -1
    checkpoint_steps: int = 0
    gradient_checkpointing: bool = False
    precision: str = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that train nothing."""
        training_of(self)
        for name in ("focal_gamma", "r_drop", "frozen_layers", "stride", "checkpoint_steps"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it must be 0 or more")
        if not 0 < self.layer_decay <= 1:
            raise UsageError(f"model.layer_decay is {self.layer_decay}; it must be above 0 and at most 1")
        if self.stride >= self.encoder.max_length // 2:
            half = self.encoder.max_length // 2
            raise UsageError(f"model.stride is {self.stride}; it must be below half of encoder.max_length, {half}")
        if self.gradual_unfreezing and ranks.world() > 1:
            raise UsageError("model.gradual_unfreezing does not go with torchrun; leave one of them out")
        if self.pooling not in windows.POOLS:
            raise UsageError(f'model.pooling is "{self.pooling}"; {did_you_mean(self.pooling, windows.POOLS)}')


@dataclass(frozen=True)
class Finetuned:
    """A tokenizer and a sequence-classification model for each task; `history` is the Trainer's log by task.

    `marked`: the models read the target marked where it stands in the text.
    `computes` are the models' forward passes: made when first used, or given by who loads them for another runtime.
    `glossaries` are those of the languages that they read in English words.
    """

    tasks: tuple[Task, ...]
    models: Mapping[str, tuple[Any, Any]]
    max_length: int
    history: Mapping[str, list[dict[str, float]]]
    stride: int = 0
    pooling: str = "mean"
    marked: bool = False
    computes: dict[str, Compute] = field(default_factory=dict, repr=False, compare=False)
    glossaries: Glossaries = field(default_factory=Glossaries, repr=False)

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the models' logits, pooled over the windows of a text."""
        return self.finish(self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> dict[str, Tokens | windows.Windowed]:
        """Token ids by task: what can be made ready while another batch is computed."""
        statements = self.glossaries.read(statements)
        statements = [mark_target(s) for s in statements] if self.marked else statements
        texts = [s.text for s in statements]
        prepared: dict[str, Tokens | windows.Windowed] = {}
        for task in self.tasks:
            tokenizer = self.models[task.name][0]
            if self.stride:
                reading = {"max_length": self.max_length, "stride": self.stride}
                prepared[task.name] = windows.tokens_of(
                    tokenizer, windows.windows(tokenizer, statements, task, **reading), n=len(statements)
                )
                continue
            targets = [target_of(s, task) for s in statements]
            pairs = targets if any(targets) else None
            prepared[task.name] = tokenise(tokenizer, texts, pairs, max_length=self.max_length)
        return prepared

    def finish(self, prepared: Mapping[str, Tokens | windows.Windowed]) -> dict[str, FloatArray]:
        """Probabilities of what was prepared."""
        return {task.name: self._of_task(task, prepared[task.name]) for task in self.tasks}

    def _of_task(self, task: Task, prepared: Tokens | windows.Windowed) -> FloatArray:
        if isinstance(prepared, windows.Windowed):
            proba = softmax(self._logits(task, prepared.tokens))
            return windows.pooled(proba, prepared.owner, prepared.n, pooling=self.pooling)
        return softmax(self._logits(task, prepared))

    def _logits(self, task: Task, tokens: Tokens) -> FloatArray:
        if not tokens.lengths:
            return np.zeros((0, len(task.labels)))
        if task.name not in self.computes:
            self.computes[task.name] = torch_compute(self.models[task.name][1], lambda output, mask: output.logits)
        with progress(total=len(tokens.lengths), what=f"predicting {task.name}", unit="texts") as advance:
            found = run(self.computes[task.name], tokens, width=len(task.labels), progress=advance)
        return found.astype(np.float64)

    def save(self, folder: Path) -> None:
        """One folder a task that `transformers` loads as it is."""
        for name, (tokenizer, model) in self.models.items():
            model.save_pretrained(folder / name)
            tokenizer.save_pretrained(folder / name)
        reading: dict[str, Any] = {"max_length": self.max_length}
        if self.stride:
            reading |= {"stride": self.stride, "pooling": self.pooling}
        if self.marked:
            reading |= {"marked": True}
        self.glossaries.save(folder)
        write_json(folder / READING, reading)


def fit(
    spec: FinetuneSpec,
    tasks: tuple[Task, ...],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    run_dir: Path,
) -> Classifier:
    """Train one model a task, one after the other; a task that was done before an interruption is not trained again.

    What is needed to resume stays in `run_dir/trainer` until `resuming.tidy`.
    """
    models, history = {}, {}
    glossaries = load_glossaries(spec.encoder.glossed)
    rows, asked = glossaries.read(from_table(train)), glossaries.read(from_table(dev))
    marked = spec.mark_target and targets_in_text(rows)
    if marked:
        rows, asked = [mark_target(s) for s in rows], [mark_target(s) for s in asked]
    for task in tasks:
        folder = run_dir / resuming.FOLDER / task.name
        tokenizer, model, steps = training.train(spec, task, rows, asked, seed, folder)
        models[task.name], history[task.name] = (tokenizer, model), steps
    return Finetuned(
        tasks, models, spec.encoder.max_length, history, spec.stride, spec.pooling, marked, glossaries=glossaries
    )


def reading_of(folder: Path) -> dict[str, Any]:
    """How the models of a checkpoint folder read: max_length, and where they do, stride, pooling, marked."""
    reading: dict[str, Any] = json.loads((folder / READING).read_text(encoding="utf-8"))
    return reading


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    from transformers import AutoModelForSequenceClassification

    reading = reading_of(folder)
    models = {}
    for task in tasks:
        spec = EncoderSpec(name=task.name, path=str(folder / task.name))
        tokenizer, model = load_pretrained(spec, AutoModelForSequenceClassification)
        models[task.name] = (tokenizer, model.eval())
    pooling, marked = reading.get("pooling", "mean"), reading.get("marked", False)
    glossaries = kept_glossaries(folder)
    return Finetuned(
        tasks, models, reading["max_length"], {}, reading.get("stride", 0), pooling, marked, glossaries=glossaries
    )
