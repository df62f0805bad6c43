"""What happens between the steps of a training: progress, checkpoints, a loss that diverges, unfreezing.

Callbacks of transformers are classes; each is made here by a function that keeps transformers unimported.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.models import objectives, ranks, resuming
from detente.models.length_batches import LengthBatches
from detente.tasks import Task

if TYPE_CHECKING:
    from detente.models.finetune import FinetuneSpec

log = logging.getLogger(__name__)


@dataclass
class Watch:
    """Whether a loss was seen that is no finite number."""

    diverged: bool = False


def watched(loss: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    """`loss`, which tells `watch` when it is not finite while training."""

    def compute(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        value = loss(outputs, labels, num_items_in_batch)
        if outputs["logits"].requires_grad and not bool(value.isfinite()):
            watch.diverged = True
        return value

    return compute


def attach(trainer: Any, spec: "FinetuneSpec", task: Task, *, watch: Watch, batches: LengthBatches) -> None:
    """Give the trainer early stopping and the callbacks of this module; its own printing is taken away."""
    from transformers import EarlyStoppingCallback, PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(EarlyStoppingCallback(early_stopping_patience=spec.patience))
    trainer.add_callback(_keeping(spec, watch, batches))
    if spec.gradual_unfreezing:
        trainer.add_callback(_unfreezing(spec))
    if ranks.rank() == 0:
        trainer.add_callback(progress_log(task.name))


def _keeping(spec: "FinetuneSpec", watch: Watch, batches: LengthBatches) -> Any:
    """Sets the epoch of the batches, marks whole checkpoints, stops when the loss diverges."""
    from transformers import TrainerCallback

    class Keeping(TrainerCallback):  # type: ignore[misc]
        def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            batches.epoch = int((state.epoch or 0) + 1e-6)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            watch.diverged = ranks.any_of_all(watch.diverged)
            if watch.diverged:
                control.should_training_stop = True
                control.should_save = control.should_evaluate = False
            # Not at an epoch's end, which saves after its evaluation: resuming before it would pass it over.
            elif spec.checkpoint_steps and state.global_step % spec.checkpoint_steps == 0:
                control.should_save |= abs(state.epoch - round(state.epoch)) > 1e-6

        def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if watch.diverged:
                control.should_save = control.should_evaluate = False

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            ranks.wait()
            if ranks.rank() == 0:
                resuming.mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    return Keeping()


def _unfreezing(spec: "FinetuneSpec") -> Any:
    """The head alone in the first epoch, one more layer from the top in each that follows (Howard & Ruder 2018)."""
    from transformers import TrainerCallback

    class Unfreezing(TrainerCallback):  # type: ignore[misc]
        def on_epoch_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            epoch = int((state.epoch or 0) + 1e-6)
            groups = objectives.layers(model)
            for at, group in enumerate(groups):
                held = at < len(groups) - 1 - epoch or bool(spec.frozen_layers and at <= spec.frozen_layers)
                for _name, parameter in group:
                    parameter.requires_grad_(not held)

    return Unfreezing()


def progress_log(name: str) -> Any:
    """Writes step, loss, dev score and time left to the log."""
    from transformers import TrainerCallback

    class ProgressLog(TrainerCallback):  # type: ignore[misc]
        started, first = time.monotonic(), 0

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.started, self.first = time.monotonic(), state.global_step

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
            pace = (time.monotonic() - self.started) / max(state.global_step - self.first, 1)
            left = pace * (state.max_steps - state.global_step)
            shown = {k: v for k, v in (logs or {}).items() if k in ("loss", "eval_loss", "eval_score")}
            if shown:
                values = ", ".join(f"{k.replace('eval_', 'dev ')} {v:.4f}" for k, v in shown.items())
                log.info(f"{name}: step {state.global_step} of {state.max_steps}, {values}, {left:.0f} s left")

    return ProgressLog()
