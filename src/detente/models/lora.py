"""The lora family: small matrices beside the frozen weights of an encoder are trained (Hu et al. 2022), then merged.

A trained model is saved merged, so it predicts at the speed of a fine-tuned one and loads in plain transformers;
the adapters alone, a few megabytes, lie beside it in `adapters/<task>/` and load in PEFT.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from detente.arrays import FloatArray
from detente.encoders import EncoderSpec
from detente.errors import UsageError, did_you_mean
from detente.models import finetune
from detente.models.base import Classifier
from detente.models.finetune import Finetuned
from detente.models.multitask import train_joint
from detente.models.resuming import FOLDER
from detente.models.trainer import training_of
from detente.records import Statement
from detente.tasks import Task
from detente.text.glossing import load_glossaries

if TYPE_CHECKING:
    from datasets import Dataset

ALL = ("all",)
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class LoraSpec:
    """Settings of the adapters, and of the training (see TrainerSpec).

    `rank` is the inner dimension of an adapter, which is scaled by `alpha / rank`. `modules` names the linear
    layers that get one, by the end of their name; `all` means every one of the encoder. What stands outside the
    encoder's layers (pooler, head) is trained in full.
    """

    family: ClassVar[str] = "lora"
    encoder: EncoderSpec
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.05
    modules: Sequence[str] = ALL
    epochs: int = 5
    batch_size: int = 16
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    label_smoothing: float = 0.0
    class_weights: bool = True
    patience: int = 2
    accumulate: int = 1
    max_steps: int = -1
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Raise UsageError for adapters that hold nothing, or numbers that train nothing."""
        if self.rank < 1:
            raise UsageError(f"model.rank is {self.rank}; it must be at least 1")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"model.dropout is {self.dropout}; it must be from 0 to below 1")
        if not self.alpha > 0:
            raise UsageError(f"model.alpha is {self.alpha}; it must be above 0")
        if isinstance(self.modules, str) or not self.modules:
            raise UsageError(f"model.modules is {self.modules!r}; it must be a list such as [all] or [query,value]")
        training_of(self)


@dataclass(frozen=True)
class Lora:
    """The merged models, and by task the weights and the configuration of the adapters (none once loaded)."""

    merged: Finetuned
    adapters: Mapping[str, tuple[Mapping[str, Any], Any]]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it predicts."""
        return self.merged.tasks

    @property
    def history(self) -> Mapping[str, list[dict[str, float]]]:
        """The Trainer's log by task."""
        return self.merged.history

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """As a fine-tuned model."""
        return self.merged.predict_proba(statements)

    def save(self, folder: Path) -> None:
        """The merged models as `finetune` saves them; the adapters in `adapters/<task>/` as PEFT does."""
        from safetensors.torch import save_file

        self.merged.save(folder)
        for name, (weights, config) in self.adapters.items():
            place = folder / "adapters" / name
            place.mkdir(parents=True)
            save_file(
                {key: values.contiguous() for key, values in weights.items()}, place / "adapter_model.safetensors"
            )
            config.save_pretrained(place)


def fit(
    spec: LoraSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Train the adapters of each task, one task after the other. Raises UsageError without PEFT."""
    peft = _peft()
    models, history, adapters = {}, {}, {}
    for task in tasks:
        tokenizer, model, history[task.name] = train_joint(
            spec,
            (task,),
            train,
            dev,
            seed=seed,
            folder=run_dir / FOLDER / task.name,
            wrap=lambda model: _attach(spec, model),
        )
        weights = {k: v.detach().clone() for k, v in peft.get_peft_model_state_dict(model).items()}
        config = model.peft_config["default"]
        config.base_model_name_or_path = spec.encoder.path  # as the user wrote it, not where it lies here
        adapters[task.name] = weights, config
        models[task.name] = tokenizer, model.merge_and_unload().eval()
    glossaries = load_glossaries(spec.encoder.glossed)
    return Lora(Finetuned(tasks, models, spec.encoder.max_length, history, glossaries=glossaries), adapters)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read the merged models; needs no PEFT."""
    return finetune.load(folder, tasks)


def _peft() -> Any:
    try:
        import peft
    except ImportError:
        raise UsageError("model=lora needs PEFT; install it with: pip install 'detente[lora]'") from None
    return peft


def _attach(spec: LoraSpec, model: Any) -> Any:
    """The model with adapters on the encoder's linear layers; head and pooler trained in full."""
    peft = _peft()
    linear, full = _layers(model)
    if tuple(spec.modules) == ALL:
        chosen = linear
    else:
        chosen = [name for name in linear if any(f".{name}".endswith(f".{end}") for end in spec.modules)]
        for end in spec.modules:
            if not any(f".{name}".endswith(f".{end}") for name in linear):
                known = {name.rsplit(".", 1)[-1] for name in linear}
                raise UsageError(f'model.modules names "{end}", no linear layer of this encoder; {_hint(end, known)}')
    config = peft.LoraConfig(
        task_type=peft.TaskType.SEQ_CLS,
        r=spec.rank,
        lora_alpha=spec.alpha,
        lora_dropout=spec.dropout,
        target_modules=chosen,
        modules_to_save=full,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers by a name that is to go
        wrapped = peft.get_peft_model(model, config)
    trained = sum(p.numel() for p in wrapped.parameters() if p.requires_grad)
    whole = sum(p.numel() for p in model.parameters())
    log.info(f"adapters on {len(chosen)} layers: {trained:,} weights are trained, {trained / whole:.1%} of {whole:,}")
    return wrapped


def _hint(end: str, known: set[str]) -> str:
    return f"{did_you_mean(end, known)} ([all] takes every one)"


def _layers(model: Any) -> tuple[list[str], list[str]]:
    """(linear layers of the encoder, modules around it that are trained in full), by full name."""
    import torch

    base = model.base_model_prefix
    full = [name for name, child in model.named_children() if name != base and list(child.parameters())]
    encoder = getattr(model, base)
    if getattr(encoder, "pooler", None) is not None:
        full.append(f"{base}.pooler")
    linear = [
        f"{base}.{name}"
        for name, module in encoder.named_modules()
        if isinstance(module, torch.nn.Linear) and not name.startswith("pooler.")
    ]
    return linear, full
