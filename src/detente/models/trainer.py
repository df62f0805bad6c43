"""The training loop of the smaller families: the Trainer of transformers, early stopping on dev, resuming.

A family gives it a model, rows, a loss and a score; `finetune`, with all its options, has a loop of its own.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.encoders import EncoderSpec, load_pretrained
from detente.errors import InputError, UsageError, did_you_mean
from detente.models import callbacks, resuming
from detente.tasks import Task
from detente.text.glossing import load_glossaries

if TYPE_CHECKING:
    from datasets import Dataset


PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class TrainerSpec:
    """How long and how fast. `patience` is in epochs without a better dev score; above 0, `max_steps` ends it."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_share: float
    max_steps: int
    patience: int = 1
    accumulate: int = 1
    label_smoothing: float = 0.0
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that train nothing."""
        if self.max_steps == 0 or self.max_steps < -1:
            raise UsageError(f"model.max_steps is {self.max_steps}; it must be above 0, or -1 to train whole epochs")
        for name in ("epochs", "batch_size", "accumulate", "patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.learning_rate < 1:
            raise UsageError(f"model.learning_rate is {self.learning_rate}; it must be above 0 and below 1")
        if not self.weight_decay >= 0:
            raise UsageError(f"model.weight_decay is {self.weight_decay}; it must be 0 or more")
        for name in ("warmup_share", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"model.{name} is {getattr(self, name)}; it must be from 0 to below 1")
        if self.precision not in PRECISIONS:
            raise UsageError(f'model.precision is "{self.precision}"; {did_you_mean(self.precision, PRECISIONS)}')


def training_of(spec: Any) -> TrainerSpec:
    """The settings of training among those of a family. Raises UsageError for numbers that train nothing."""
    names = [field.name for field in fields(TrainerSpec) if hasattr(spec, field.name)]
    return TrainerSpec(**{name: getattr(spec, name) for name in names})


def load_classifier(encoder: EncoderSpec, labels: Sequence[str]) -> tuple[Any, Any]:
    """(tokenizer, sequence-classification model) of an encoder, with an output for each of `labels`, in order."""
    from transformers import AutoModelForSequenceClassification

    return load_pretrained(
        encoder,
        AutoModelForSequenceClassification,
        num_labels=len(labels),
        ignore_mismatched_sizes=True,
        id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)},
    )


def run_trainer(
    spec: TrainerSpec,
    model: Any,
    tokenizer: Any,
    *,
    train: "Dataset",
    dev: "Dataset | None",
    loss: Callable[..., Any],
    score: Callable[[Any], dict[str, float]] | None,
    name: str,
    seed: int,
    folder: Path,
    settings: Mapping[str, Any],
    collate: Callable[..., Any] | None = None,
    for_score: Callable[..., Any] | None = None,
) -> list[dict[str, float]]:
    """Train `model` in place and return the Trainer's log; an interrupted training in `folder` is taken up.

    Raises UsageError if that was of other `settings`, InputError if the loss became NaN. The best epoch by
    `score` on `dev` is kept, the last one without a dev. `collate` makes a batch of rows, padded token ids by
    default; `for_score(logits, labels)` gives what `score` is to see instead of the logits.
    """
    from transformers import DataCollatorWithPadding, EarlyStoppingCallback, PrinterCallback, Trainer

    resuming.claim(folder, settings)
    watch = callbacks.Watch()
    trainer = Trainer(
        model=model,
        args=_arguments(spec, len(train), seed, folder, chooses=dev is not None, all_columns=collate is not None),
        train_dataset=train,
        eval_dataset=dev,
        data_collator=collate or DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_metrics=score,
        compute_loss_func=callbacks.watched(loss, watch),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=spec.patience)] if dev is not None else [],
        preprocess_logits_for_metrics=for_score,
    )
    trainer.loss_is_scaled_for_ga = False  # losses are means over a batch, also where steps accumulate several
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_keeping(watch))
    trainer.add_callback(callbacks.progress_log(name))
    newest = resuming.newest(folder)
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    in_full_precision(trainer.model)
    if watch.diverged:
        raise InputError(f"the loss of {name} became NaN; lower model.learning_rate (now {spec.learning_rate})")
    return list(trainer.state.log_history)


def in_full_precision(model: Any) -> None:
    """Take from a model what mixed precision put before its forward pass: it predicts as it will when loaded."""
    for name in ("forward", "_original_forward"):  # set on the object, over the method of its class
        model.__dict__.pop(name, None)


def _keeping(watch: callbacks.Watch) -> Any:
    """Marks whole checkpoints, and stops when the loss diverges. Callbacks of transformers are classes."""
    from transformers import TrainerCallback

    class Keeping(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if watch.diverged:
                control.should_training_stop = True
                control.should_save = control.should_evaluate = False

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if watch.diverged:
                control.should_save = control.should_evaluate = False

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            resuming.mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Keeping()


def settings_of(spec: Any, tasks: Sequence[Task], tables: Sequence["Dataset"], seed: int) -> dict[str, Any]:
    """What decides the weights: a family's settings, tasks, data, seed; by the names that the command has for them."""
    settings: dict[str, Any] = {f"model.{name}": value for name, value in asdict(spec).items()}
    rows = hashlib.sha256()
    for table in tables:
        columns = ["text", "lang", "target", *(task.name for task in tasks)]
        rows.update(json.dumps(table.select_columns(columns).to_dict(), ensure_ascii=False).encode())
    read = {"data": rows.hexdigest()[:12], "glossaries": load_glossaries(spec.encoder.glossed).digest}
    return settings | {"seed": seed, "tasks": [asdict(task) for task in tasks], **read}


def precision_of(name: str) -> dict[str, bool]:
    """The Trainer's settings for a precision on this machine: auto is bf16 where it computes in it, else fp32."""
    import torch

    on_gpu = torch.cuda.is_available()
    if name == "fp16" and not on_gpu:
        raise UsageError("model.precision=fp16 needs a GPU; leave it at auto, or try bf16 on a processor that has it")
    bf16 = name == "bf16" or (name == "auto" and (torch.cuda.is_bf16_supported() if on_gpu else _cpu_has_bf16()))
    # Told so, or several processes on CPUs are each taken for one alone, and bf16 is refused.
    return {"bf16": bf16, "fp16": name == "fp16", "use_cpu": not torch.accelerator.is_available()}


def _cpu_has_bf16() -> bool:
    """Whether the processor multiplies in bfloat16: one that does not would only be slower for it."""
    import torch

    asked = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(has() for has in asked if has)


def common_arguments(spec: TrainerSpec, *, steps: int, seed: int, folder: Path) -> dict[str, Any]:
    """The Trainer's settings that every training shares; `steps` are those of all epochs."""
    import torch

    return {
        "output_dir": str(folder),
        "num_train_epochs": spec.epochs,
        "max_steps": spec.max_steps,
        "per_device_train_batch_size": spec.batch_size,
        "per_device_eval_batch_size": 4 * spec.batch_size,
        "gradient_accumulation_steps": spec.accumulate,
        "learning_rate": spec.learning_rate,
        "weight_decay": spec.weight_decay,
        "warmup_steps": int(spec.warmup_share * (spec.max_steps if spec.max_steps > 0 else steps)),
        "eval_steps": spec.max_steps if spec.max_steps > 0 else None,
        "save_steps": max(1, spec.max_steps),
        "save_total_limit": 2,
        "greater_is_better": True,
        "logging_steps": 20,
        "report_to": [],
        "seed": seed,
        "dataloader_pin_memory": torch.cuda.is_available(),
        **precision_of(spec.precision),
    }


def _arguments(spec: TrainerSpec, rows: int, seed: int, folder: Path, *, chooses: bool, all_columns: bool) -> Any:
    from transformers import TrainingArguments

    every = "epoch" if spec.max_steps < 0 else "steps"
    steps = max(1, rows // (spec.batch_size * spec.accumulate)) * spec.epochs
    return TrainingArguments(
        **common_arguments(spec, steps=steps, seed=seed, folder=folder),
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        eval_strategy=every if chooses else "no",
        save_strategy=every,
        load_best_model_at_end=chooses,
        metric_for_best_model="score" if chooses else None,
        remove_unused_columns=not all_columns,
        disable_tqdm=not sys.stderr.isatty(),
    )
