"""One fine-tuning: a model for one task, trained by the Trainer of transformers until dev no longer gains.

Rows come in batches of like length that seed and epoch decide, so that a resumed training, or one shared by
several processes, sees the same steps as an undisturbed one.
"""

import hashlib
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.encoders import EncoderSpec, load_pretrained
from detente.errors import InputError
from detente.evaluation.metrics import headline
from detente.models import callbacks, faults, objectives, ranks, resuming, windows
from detente.models.length_batches import LengthBatches
from detente.models.trainer import common_arguments, in_full_precision, training_of
from detente.records import Statement
from detente.seeds import seed_everything
from detente.tasks import Task

if TYPE_CHECKING:
    from detente.models.finetune import FinetuneSpec

log = logging.getLogger(__name__)
# What may differ when a training is taken up again: it changes neither the steps nor the weights.
_FREE = ("batch_size", "accumulate", "gradient_checkpointing", "checkpoint_steps", "compile")
History = list[dict[str, float]]


def train(
    spec: "FinetuneSpec", task: Task, rows: list[Statement], dev: list[Statement], seed: int, folder: Path
) -> tuple[Any, Any, History]:
    """(tokenizer, model of the best dev score in evaluation mode, the Trainer's log).

    Goes on from what `folder` holds of an interrupted training, and leaves it there when done. Raises
    UsageError if that was of other settings, InputError if training fails (what was trained stays there).
    """
    seed_everything(seed)
    trainer, tokenizer, watch = _trainer(spec, task, rows, dev, seed, folder)
    resuming.claim(folder, settings_of(spec, task, rows, dev, seed))
    history = resuming.history_of(folder)
    if history is not None:
        log.info(f"{task.name}: trained before the interruption; not trained again")
        done = EncoderSpec(name=task.name, path=str(folder / resuming.FINISHED))
        tokenizer, model = load_pretrained(done, type(trainer.model))
        return tokenizer, model.eval(), history
    torch_seed(seed + ranks.rank())
    newest = resuming.newest(folder)
    with faults.explained(spec, task, folder):
        if newest is not None and resuming.had_stopped(newest):
            history = _restore_best(trainer.model, folder, newest)
        else:
            if newest is not None:
                log.info(f"{task.name}: going on from step {resuming.step_of(newest)}")
            trainer.train(resume_from_checkpoint=str(newest) if newest else None)
            in_full_precision(trainer.model)
            history = trainer.state.log_history
            _check_divergence(spec, task, watch, trainer.state)
        model = trainer.model.cpu().eval()
        resuming.keep_finished(folder, tokenizer, model, history)
    return tokenizer, model, history


def torch_seed(seed: int) -> None:
    """Seed dropout: each process draws masks of its own, after all made the same model."""
    import torch

    torch.manual_seed(seed)


def settings_of(
    spec: "FinetuneSpec", task: Task, rows: Sequence[Statement], dev: Sequence[Statement], seed: int
) -> dict[str, Any]:
    """What decides the weights: settings, data, seed; by the names that the command has for them."""
    given = {name: value for name, value in asdict(spec).items() if name not in (*_FREE, "encoder")}
    out = {f"model.{name}": value for name, value in given.items()}
    out |= {f"model.encoder.{name}": value for name, value in asdict(spec.encoder).items()}
    out["statements a step (batch_size * accumulate * processes)"] = spec.batch_size * spec.accumulate * ranks.world()
    out |= {"seed": seed, "task": list(task.labels), "train data": _digest(rows, task), "dev data": _digest(dev, task)}
    return out


def _digest(statements: Sequence[Statement], task: Task) -> str:
    digest = hashlib.sha256()
    for s in statements:
        soft = [s.extra.get(f"{task.name}_{label}") for label in task.labels]
        line = [s.text, s.target, s.labels.get(task.name), soft]
        digest.update(json.dumps(line, ensure_ascii=False, default=str).encode())
    return digest.hexdigest()[:12]


def _trainer(
    spec: "FinetuneSpec", task: Task, rows: list[Statement], dev: list[Statement], seed: int, folder: Path
) -> tuple[Any, Any, callbacks.Watch]:
    from transformers import AutoModelForSequenceClassification, DataCollatorWithPadding, Trainer

    labels = {"id2label": dict(enumerate(task.labels)), "label2id": {n: i for i, n in enumerate(task.labels)}}
    tokenizer, model = load_pretrained(
        spec.encoder,
        AutoModelForSequenceClassification,
        num_labels=len(task.labels),
        ignore_mismatched_sizes=True,
        **labels,
    )
    windows.check_length(model, spec.encoder)
    _tell_missing(task, rows, dev)
    targets = objectives.targets_of(rows, task, soft=spec.soft_labels)
    weights = objectives.class_weights(targets) if spec.class_weights else None
    learned, _ = _encoded(spec, tokenizer, rows, targets, task, name="train")
    asked, owner = _encoded(spec, tokenizer, dev, objectives.targets_of(dev, task, soft=False), task, name="dev")
    batches = LengthBatches(
        [len(row["input_ids"]) for row in learned],
        batch_size=spec.batch_size,
        accumulate=spec.accumulate,
        rank=ranks.rank(),
        world=ranks.world(),
        seed=seed,
    )
    if spec.frozen_layers:
        objectives.freeze(model, spec.frozen_layers)
    arguments = _arguments(spec, batches.steps, seed, folder)
    collate = DataCollatorWithPadding(tokenizer)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=learned,
        eval_dataset=asked,
        data_collator=collate,
        processing_class=tokenizer,
        compute_metrics=_dev_score(task, owner, spec.pooling),
        optimizer_cls_and_kwargs=_optimiser(spec, model, arguments),
    )
    loss = objectives.loss(weights, smoothing=spec.label_smoothing, focal_gamma=spec.focal_gamma, r_drop=spec.r_drop)
    watch = callbacks.Watch()
    trainer.compute_loss_func = callbacks.watched(loss, watch)
    given = objectives.repeated(collate) if spec.r_drop else collate
    # The Trainer's own loader knows neither batches of like length in equal steps nor rows given twice.
    trainer.get_train_dataloader = lambda: _loader(learned, batches, given)
    callbacks.attach(trainer, spec, task, watch=watch, batches=batches)
    return trainer, tokenizer, watch


def _loader(rows: Any, batches: LengthBatches, collate: Callable[..., Any]) -> Any:
    import torch

    return torch.utils.data.DataLoader(
        rows,
        batch_sampler=batches,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
    )


def _optimiser(spec: "FinetuneSpec", model: Any, arguments: Any) -> tuple[Any, dict[str, Any]]:
    import torch
    from transformers import Trainer

    groups = objectives.parameter_groups(
        model,
        decaying=Trainer.get_decay_parameter_names(None, model),
        rate=spec.learning_rate,
        layer_decay=spec.layer_decay,
        weight_decay=spec.weight_decay,
    )
    betas = (arguments.adam_beta1, arguments.adam_beta2)
    return torch.optim.AdamW, {"params": groups, "betas": betas, "eps": arguments.adam_epsilon, "fused": True}


def _arguments(spec: "FinetuneSpec", steps: int, seed: int, folder: Path) -> Any:
    """The Trainer's settings; `steps` are those of an epoch."""
    import torch
    from transformers import TrainingArguments

    every = "epoch" if spec.max_steps < 0 else "steps"
    shared = ranks.world() > 1 and not torch.cuda.is_available()
    return TrainingArguments(
        **common_arguments(training_of(spec), steps=steps * spec.epochs, seed=seed, folder=folder),
        eval_strategy=every,
        save_strategy=every,
        load_best_model_at_end=True,
        metric_for_best_model="score",
        restore_callback_states_from_checkpoint=True,
        logging_nan_inf_filter=False,
        disable_tqdm=not sys.stderr.isatty() or ranks.rank() > 0,
        ddp_backend="gloo" if shared else None,
        gradient_checkpointing=spec.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False} if spec.gradient_checkpointing else None,
        torch_compile=spec.compile,
        ddp_find_unused_parameters=False,
    )


def _encoded(
    spec: "FinetuneSpec", tokenizer: Any, statements: list[Statement], targets: FloatArray, task: Task, *, name: str
) -> tuple[list[dict[str, Any]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Windows, longest first, with what they teach as `labels`, and the text that each is of.

    Windows of a text share its weight.
    """
    found = windows.windows(tokenizer, statements, task, max_length=spec.encoder.max_length, stride=spec.stride)
    windows.tell_cut(found, max_length=spec.encoder.max_length, stride=spec.stride, name=f"{task.name}, {name}")
    shares = targets / np.bincount(found.owner, minlength=len(statements))[:, None]
    order = np.argsort([-length for length in found.lengths], kind="stable")
    rows = [dict(found.rows[i], labels=shares[found.owner[i]].tolist()) for i in order]
    return rows, found.owner[order]


def _dev_score(task: Task, owner: np.ndarray[Any, Any], pooling: str) -> Callable[[Any], dict[str, float]]:
    n = int(owner.max()) + 1
    first = np.unique(owner, return_index=True)[1]

    def score(prediction: Any) -> dict[str, float]:
        logits = np.asarray(prediction.predictions, dtype=np.float64)
        if not np.isfinite(logits).all():
            return {"score": 0.0}
        proba = windows.pooled(softmax(logits), owner, n, pooling=pooling)
        gold = np.asarray(prediction.label_ids).argmax(axis=1)[first]
        return {"score": headline(task, gold, proba.argmax(axis=1))}

    return score


def _tell_missing(task: Task, rows: Sequence[Statement], dev: Sequence[Statement]) -> None:
    in_dev = {s.labels[task.name] for s in dev}
    missing = sorted({s.labels[task.name] for s in rows} - in_dev)
    if missing:
        log.warning(
            f'dev has no row of the {task.name} "{", ".join(missing)}", which train has: neither the choice of the '
            "epoch nor the dev score speaks of it; give dev rows of every label"
        )


def _restore_best(model: Any, folder: Path, newest: Path) -> History:
    """Load the weights of the best epoch of a training that had stopped; returns its log."""
    from safetensors.torch import load_model

    state = resuming.state_of(newest)
    load_model(model, str(folder / f"checkpoint-{state['best_global_step']}" / "model.safetensors"))
    history: History = state["log_history"]
    return history


def _check_divergence(spec: "FinetuneSpec", task: Task, watch: callbacks.Watch, state: Any) -> None:
    """Raise InputError if the loss became NaN before there was anything to keep; warn if there was."""
    if not watch.diverged:
        return
    rate = f"lower model.learning_rate (now {spec.learning_rate})"
    what = f"the loss of {task.name} became NaN at step {state.global_step}; {rate}"
    if state.best_global_step:
        log.warning(f"{what}; training stopped, and the best so far (step {state.best_global_step}) is kept")
        return
    raise InputError(f"{what}; no epoch was whole by then, so there is nothing to keep")
