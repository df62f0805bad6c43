"""The one training loop: the Trainer of transformers, with early stopping on dev and resuming after an interruption."""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detente.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

    from detente.models.finetune import FinetuneSpec

log = logging.getLogger(__name__)


def run_trainer(
    spec: "FinetuneSpec",
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
    collate: Callable[..., Any] | None = None,
    for_score: Callable[..., Any] | None = None,
) -> list[dict[str, float]]:
    """Train `model` in place and return the Trainer's log; an interrupted training in `folder` is taken up.

    The best epoch by `score` on `dev` is kept, the last one without a dev. `collate` makes a batch of rows,
    padded token ids by default; `for_score(logits, labels)` gives what `score` is to see instead of the logits.
    """
    from transformers import DataCollatorWithPadding, EarlyStoppingCallback, PrinterCallback, Trainer

    trainer = Trainer(
        model=model,
        args=_arguments(spec, len(train), seed, folder, chooses=dev is not None, all_columns=collate is not None),
        train_dataset=train,
        eval_dataset=dev,
        data_collator=collate or DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
        compute_metrics=score,
        compute_loss_func=loss,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=spec.patience)] if dev is not None else [],
        preprocess_logits_for_metrics=for_score,
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_progress_log(name))
    trainer.train(resume_from_checkpoint=bool(list(folder.glob("checkpoint-*"))))
    if not all(np.isfinite(entry.get("loss", 0.0)) for entry in trainer.state.log_history):
        raise InputError(f"the loss of {name} became NaN; lower model.learning_rate (now {spec.learning_rate})")
    return list(trainer.state.log_history)


def _progress_log(name: str) -> Any:
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
                log.info(f"{name}: step {state.global_step} of {state.max_steps}, {values}, {left:.0f} s left")

    return ProgressLog()


def _arguments(spec: "FinetuneSpec", rows: int, seed: int, folder: Path, *, chooses: bool, all_columns: bool) -> Any:
    import torch
    from transformers import TrainingArguments

    every = "epoch" if spec.max_steps < 0 else "steps"
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
        eval_strategy=every if chooses else "no",
        save_strategy=every,
        eval_steps=max(1, spec.max_steps) if spec.max_steps > 0 else None,
        save_steps=max(1, spec.max_steps),
        save_total_limit=2,
        load_best_model_at_end=chooses,
        metric_for_best_model="score" if chooses else None,
        greater_is_better=True,
        remove_unused_columns=not all_columns,
        logging_steps=20,
        report_to=[],
        disable_tqdm=not sys.stderr.isatty(),
        seed=seed,
        bf16=torch.cuda.is_available() and torch.cuda.is_bf16_supported(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )
