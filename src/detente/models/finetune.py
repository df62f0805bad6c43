"""The finetune family: an encoder trained end to end on pairs of text and target, one model a task.

Rides on the Trainer of transformers: early stopping on dev, the best epoch restored, batches of like
length, class weights, and resuming from `run_dir/trainer/<task>` after an interruption.
"""

import logging
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.corpus.tables import from_table
from detente.encoders import EncoderSpec, load_pretrained
from detente.errors import InputError, UsageError
from detente.evaluation.metrics import headline
from detente.files import write_json
from detente.forward import Compute, Tokens, fitting, run, tokenise, torch_compute
from detente.models.base import Classifier
from detente.models.inputs import target_of
from detente.progress import progress
from detente.records import Statement
from detente.seeds import seed_everything
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

_FOLDER = "trainer"
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class FinetuneSpec:
    """Settings of the training.

    `patience` is in epochs without a better dev score. `class_weights` weighs each label by the
    inverse of its frequency. `max_steps` above 0 ends the training there, whatever `epochs` says.
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
    patience: int = 2
    accumulate: int = 1
    max_steps: int = -1

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that train nothing."""
        if self.max_steps == 0:
            raise UsageError("model.max_steps is 0; it must be above 0, or -1 to train whole epochs")
        for name in ("epochs", "batch_size", "accumulate", "patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it must be at least 1")


@dataclass(frozen=True)
class Finetuned:
    """A tokenizer and a sequence-classification model for each task; `history` is the Trainer's log by task.

    `computes` are the models' forward passes: made when first used, or given by who loads them for another runtime.
    """

    tasks: tuple[Task, ...]
    models: Mapping[str, tuple[Any, Any]]
    max_length: int
    history: Mapping[str, list[dict[str, float]]]
    computes: dict[str, Compute] = field(default_factory=dict, repr=False, compare=False)

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the models' logits."""
        return self.finish(self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> dict[str, Tokens]:
        """Token ids by task: what can be made ready while another batch is computed."""
        texts = [s.text for s in statements]
        prepared = {}
        for task in self.tasks:
            targets = [target_of(s, task) for s in statements]
            pairs = targets if any(targets) else None
            prepared[task.name] = tokenise(self.models[task.name][0], texts, pairs, max_length=self.max_length)
        return prepared

    def finish(self, prepared: Mapping[str, Tokens]) -> dict[str, FloatArray]:
        """Probabilities of what was prepared."""
        return {task.name: softmax(self._logits(task, prepared[task.name])) for task in self.tasks}

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
        write_json(folder / "finetune.json", {"max_length": self.max_length})


def fit(
    spec: FinetuneSpec,
    tasks: tuple[Task, ...],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    run_dir: Path,
) -> Classifier:
    """Train one model a task, one after the other."""
    models, history = {}, {}
    for task in tasks:
        seed_everything(seed)
        tokenizer, model, steps = _train(
            spec, task, from_table(train), from_table(dev), seed, run_dir / _FOLDER / task.name
        )
        models[task.name], history[task.name] = (tokenizer, model), steps
    shutil.rmtree(run_dir / _FOLDER, ignore_errors=True)
    return Finetuned(tasks, models, spec.encoder.max_length, history)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    import json

    from transformers import AutoModelForSequenceClassification

    max_length = json.loads((folder / "finetune.json").read_text(encoding="utf-8"))["max_length"]
    models = {}
    for task in tasks:
        spec = EncoderSpec(name=task.name, path=str(folder / task.name))
        tokenizer, model = load_pretrained(spec, AutoModelForSequenceClassification)
        models[task.name] = (tokenizer, model.eval())
    return Finetuned(tasks, models, max_length, {})


def _train(
    spec: FinetuneSpec,
    task: Task,
    train: list[Statement],
    dev: list[Statement],
    seed: int,
    folder: Path,
) -> tuple[Any, Any, list[dict[str, float]]]:
    from transformers import (
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        EarlyStoppingCallback,
        PrinterCallback,
        Trainer,
    )

    labels = {
        "id2label": dict(enumerate(task.labels)),
        "label2id": {n: i for i, n in enumerate(task.labels)},
    }
    tokenizer, model = load_pretrained(
        spec.encoder,
        AutoModelForSequenceClassification,
        num_labels=len(task.labels),
        ignore_mismatched_sizes=True,
        **labels,
    )
    trainer = Trainer(
        model=model,
        args=_arguments(spec, len(train), seed, folder),
        train_dataset=_encoded(tokenizer, spec.encoder.max_length, train, task),
        eval_dataset=_encoded(tokenizer, spec.encoder.max_length, dev, task),
        data_collator=DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_metrics=_dev_score(task),
        compute_loss_func=_loss(spec, task, train),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=spec.patience)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_progress_log(task))
    trainer.train(resume_from_checkpoint=bool(list(folder.glob("checkpoint-*"))))
    if not all(np.isfinite(entry.get("loss", 0.0)) for entry in trainer.state.log_history):
        raise InputError(f"the loss of {task.name} became NaN; lower model.learning_rate (now {spec.learning_rate})")
    return tokenizer, model.cpu().eval(), trainer.state.log_history


def _progress_log(task: Task) -> Any:
    """A callback that writes step, loss, dev score and time left to the log; callbacks of transformers are classes."""
    from transformers import TrainerCallback

    class ProgressLog(TrainerCallback):  # type: ignore[misc]
        started = time.monotonic()

        def on_log(
            self,
            args: Any,
            state: Any,
            control: Any,
            logs: dict[str, float] | None = None,
            **_: Any,
        ) -> None:
            left = (time.monotonic() - self.started) / max(state.global_step, 1) * (state.max_steps - state.global_step)
            shown = {k: v for k, v in (logs or {}).items() if k in ("loss", "eval_loss", "eval_score")}
            if shown:
                values = ", ".join(f"{k.replace('eval_', 'dev ')} {v:.4f}" for k, v in shown.items())
                log.info(f"{task.name}: step {state.global_step} of {state.max_steps}, {values}, {left:.0f} s left")

    return ProgressLog()


def _arguments(spec: FinetuneSpec, rows: int, seed: int, folder: Path) -> Any:
    import torch
    from transformers import TrainingArguments

    steps = max(1, rows // (spec.batch_size * spec.accumulate)) * spec.epochs
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=spec.epochs,
        max_steps=spec.max_steps,
        per_device_train_batch_size=spec.batch_size,
        per_device_eval_batch_size=4 * spec.batch_size,
        gradient_accumulation_steps=spec.accumulate,
        learning_rate=spec.learning_rate,
        weight_decay=spec.weight_decay,
        warmup_steps=int(spec.warmup_share * (spec.max_steps if spec.max_steps > 0 else steps)),
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        eval_strategy="epoch" if spec.max_steps < 0 else "steps",
        save_strategy="epoch" if spec.max_steps < 0 else "steps",
        eval_steps=max(1, spec.max_steps) if spec.max_steps > 0 else None,
        save_steps=max(1, spec.max_steps),
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="score",
        greater_is_better=True,
        logging_steps=20,
        report_to=[],
        disable_tqdm=not sys.stderr.isatty(),
        seed=seed,
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _encoded(tokenizer: Any, max_length: int, statements: Sequence[Statement], task: Task) -> "Dataset":
    """Token ids of (text, target), the text truncated to fit, with labels and lengths."""
    from datasets import Dataset

    tokens = _tokens(tokenizer, max_length, statements, task)
    columns = {name: list(values) for name, values in tokens.items()}
    columns["length"] = [len(ids) for ids in tokens["input_ids"]]
    columns["labels"] = task.index([s.labels[task.name] for s in statements])
    return Dataset.from_dict(columns)


def _tokens(tokenizer: Any, max_length: int, statements: Sequence[Statement], task: Task) -> Any:
    texts = [s.text for s in statements]
    targets = [target_of(s, task) for s in statements]
    if not any(targets):
        return tokenizer(texts, truncation=True, max_length=max_length)
    targets = fitting(tokenizer, targets, max_length=max_length)
    return tokenizer(texts, targets, truncation="only_first", max_length=max_length)


def _loss(spec: FinetuneSpec, task: Task, train: Sequence[Statement]) -> Callable[..., Any]:
    import torch

    counts = np.bincount(task.index([s.labels[task.name] for s in train]), minlength=len(task.labels))
    weights = len(train) / (len(task.labels) * np.maximum(counts, 1))
    given = torch.tensor(weights, dtype=torch.float32) if spec.class_weights else None

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        logits = outputs["logits"].float()
        weight = given.to(logits.device) if given is not None else None
        return torch.nn.functional.cross_entropy(logits, labels, weight=weight, label_smoothing=spec.label_smoothing)

    return loss


def _dev_score(task: Task) -> Callable[[Any], dict[str, float]]:
    def score(prediction: Any) -> dict[str, float]:
        return {"score": headline(task, prediction.label_ids, prediction.predictions.argmax(axis=1))}

    return score
