"""The multitask family: one encoder for all tasks, a head each, one pass a statement.

All heads are rows of one output layer, so the joint model is a plain sequence-classification model whose outputs
are the labels of all tasks, one task after the other. Each task is saved as a folder that loads on its own.
"""

import copy
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.corpus.tables import from_table
from detente.encoders import EncoderSpec, load_pretrained
from detente.errors import CheckpointError, InputError, UsageError, did_you_mean
from detente.evaluation.metrics import headline
from detente.files import write_json
from detente.forward import Compute, Tokens, tokenise
from detente.models.base import Classifier
from detente.models.inputs import target_of
from detente.models.passes import logits_from, tokens_of
from detente.models.resuming import FOLDER
from detente.models.trainer import TrainerSpec, load_classifier, run_trainer, settings_of, training_of
from detente.records import Statement
from detente.seeds import seed_everything
from detente.tasks import Task
from detente.text.glossing import Glossaries, kept_glossaries, load_glossaries

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)
# What cross-entropy passes over: a row without a label of the task.
_NO_LABEL = -100


@dataclass(frozen=True, kw_only=True)
class MultitaskSpec:
    """Settings of the training (see TrainerSpec), and how much each task's loss counts: 1 unless it is named.

    Above 0, `most_statements` ends the training after so many in all, also amid an epoch.
    """

    family: ClassVar[str] = "multitask"
    encoder: EncoderSpec
    task_weights: Mapping[str, float] = field(default_factory=dict)
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
    most_statements: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Raise UsageError for a weight that is no positive number, or numbers that train nothing."""
        for name, weight in self.task_weights.items():
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight > 0:
                raise UsageError(f"model.task_weights.{name} is {weight!r}; it must be a number above 0")
        if self.most_statements < 0:
            raise UsageError(f"model.most_statements is {self.most_statements}; it must be above 0, or 0 for all")
        training_of(self)


@dataclass(frozen=True)
class Multitask:
    """The joint model; its outputs are the labels of `tasks`, one task after the other.

    `history`, `computes` and `glossaries` as in Finetuned; the one forward pass is `computes["logits"]`.
    """

    tasks: tuple[Task, ...]
    tokenizer: Any
    model: Any
    max_length: int
    history: Mapping[str, list[dict[str, float]]]
    computes: dict[str, Compute] = field(default_factory=dict, repr=False, compare=False)
    glossaries: Glossaries = field(default_factory=Glossaries, repr=False)

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """One pass, and a softmax over each task's outputs."""
        return self.finish(self.prepare(statements))

    def prepare(self, statements: Sequence[Statement]) -> Tokens:
        """Token ids: what can be made ready while another batch is computed."""
        read = self.glossaries.read(statements)
        targets = [joint_target(s, self.tasks) for s in read]
        pairs = targets if any(targets) else None
        return tokenise(self.tokenizer, [s.text for s in read], pairs, max_length=self.max_length)

    def finish(self, prepared: Tokens) -> dict[str, FloatArray]:
        """Probabilities of what was prepared."""
        what = f"predicting {' and '.join(task.name for task in self.tasks)}"
        width = sum(len(task.labels) for task in self.tasks)
        logits = logits_from(self.computes, self.model, prepared, width=width, what=what)
        return {task.name: softmax(logits[:, at]) for task, at in _columns(self.tasks)}

    def save(self, folder: Path) -> None:
        """One folder a task that `transformers` loads as it is: the encoder with the task's rows of the output."""
        for task, at in _columns(self.tasks):
            _alone(self.model, task, at).save_pretrained(folder / task.name)
            self.tokenizer.save_pretrained(folder / task.name)
        self.glossaries.save(folder)
        write_json(folder / "multitask.json", {"max_length": self.max_length})


def joint_target(statement: Statement, tasks: Sequence[Task]) -> str:
    """The one target that all tasks read: the statement's own, else the first that a task has."""
    return next((found for task in tasks if (found := target_of(statement, task))), "")


def fit(
    spec: MultitaskSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Train on the weighted mean of the tasks' losses; the epoch with the best mean dev score is kept."""
    unknown = sorted(spec.task_weights.keys() - {task.name for task in tasks})
    if unknown:
        hint = did_you_mean(unknown[0], [task.name for task in tasks])
        raise UsageError(f"model.task_weights names {unknown[0]}, which is not trained here; {hint}")
    tokenizer, model, history = train_joint(spec, tasks, train, dev, seed=seed, folder=run_dir / FOLDER / "multitask")
    glossaries = load_glossaries(spec.encoder.glossed)
    return Multitask(tasks, tokenizer, model, spec.encoder.max_length, {"multitask": history}, glossaries=glossaries)


def train_joint(
    spec: Any,
    tasks: Sequence[Task],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    folder: Path,
    wrap: Callable[[Any], Any] = lambda model: model,
) -> tuple[Any, Any, list[dict[str, float]]]:
    """(tokenizer, trained joint model, the Trainer's log), by the settings of a MultitaskSpec or alike.

    `wrap` says what of the loaded model is trained.
    """
    seed_everything(seed)
    one = len(tasks) == 1
    labels = [label if one else f"{task.name}: {label}" for task in tasks for label in task.labels]
    tokenizer, loaded = load_classifier(spec.encoder, labels)
    output_layer(loaded, len(labels))  # an encoder without one is refused before it is trained
    model, max_length, glossaries = wrap(loaded), spec.encoder.max_length, load_glossaries(spec.encoder.glossed)
    training = glossaries.read(from_table(train))
    history = run_trainer(
        _ending(training_of(spec), len(training), most=getattr(spec, "most_statements", 0)),
        model,
        tokenizer,
        train=_encoded(tokenizer, max_length, training, tasks),
        dev=_encoded(tokenizer, max_length, glossaries.read(from_table(dev)), tasks),
        loss=_loss(spec, tasks, training),
        score=_dev_score(tasks),
        name=" and ".join(task.name for task in tasks),
        seed=seed,
        folder=folder,
        settings=settings_of(spec, tasks, (train, dev), seed),
    )
    return tokenizer, model.cpu().eval(), history


def _ending(training: TrainerSpec, rows: int, *, most: int) -> TrainerSpec:
    """The training, ended by steps where its epochs would see more than `most` statements (0: no limit)."""
    if not most or training.max_steps > 0 or rows * training.epochs <= most:
        return training
    log.info(f"{most:,} statements are trained on (most_statements): {training.epochs} epochs of {rows:,} are more")
    return replace(training, max_steps=max(1, most // (training.batch_size * training.accumulate)))


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote: the first task's folder, and of the others the rows of their output layer."""
    import torch
    from safetensors import safe_open
    from transformers import AutoModelForSequenceClassification

    max_length = length_of(folder)
    spec = EncoderSpec(name=tasks[0].name, path=str(folder / tasks[0].name))
    tokenizer, model = load_pretrained(spec, AutoModelForSequenceClassification)
    name, first = output_layer(model, len(tasks[0].labels))
    rows: dict[str, list[Any]] = {part: [values.detach()] for part, values in first.named_parameters()}
    for task in tasks[1:]:
        weights = folder / task.name / "model.safetensors"
        try:
            with safe_open(weights, framework="pt") as file:
                for part, of in rows.items():
                    of.append(file.get_tensor(f"{name}.{part}"))
        except Exception as error:  # safetensors raises a kind of its own
            raise CheckpointError(f"{weights} could not be read ({error}); train again") from None
    with torch.no_grad():
        _set_outputs(model, name, {part: torch.cat(of) for part, of in rows.items()})
    return Multitask(tasks, tokenizer, model.eval(), max_length, {}, glossaries=kept_glossaries(folder))


def length_of(folder: Path) -> int:
    """To how many tokens the model of a checkpoint folder cuts a text."""
    return int(json.loads((folder / "multitask.json").read_text(encoding="utf-8"))["max_length"])


def output_layer(model: Any, outputs: int) -> tuple[str, Any]:
    """(name, module) of the last linear layer of a sequence-classification model."""
    import torch

    found = [(n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m.out_features == outputs]
    outside = [(n, m) for n, m in found if not n.startswith(f"{model.base_model_prefix}.")]
    if not outside:
        raise InputError(f"{type(model).__name__} has no linear output layer; use model=finetune with this encoder")
    return outside[-1]


def _set_outputs(model: Any, name: str, values: Mapping[str, Any]) -> None:
    """Give the model an output layer of these weights (and biases)."""
    import torch

    layer = model.get_submodule(name)
    layer.out_features = len(values["weight"])
    for part, of in values.items():
        setattr(layer, part, torch.nn.Parameter(of.clone()))
    model.config.num_labels = model.num_labels = len(values["weight"])


def _alone(model: Any, task: Task, at: slice) -> Any:
    """A copy of the joint model with one task's outputs; the encoder's weights are shared, not copied."""
    shared = {id(values): values for values in model.parameters()}
    name, layer = output_layer(model, model.config.num_labels)
    alone = copy.deepcopy(model, shared)
    _set_outputs(alone, name, {part: values.detach()[at] for part, values in layer.named_parameters()})
    alone.config.id2label = dict(enumerate(task.labels))
    alone.config.label2id = {label: i for i, label in enumerate(task.labels)}
    return alone


def _columns(tasks: Sequence[Task]) -> list[tuple[Task, slice]]:
    """Where each task's labels stand among the outputs."""
    ends = np.cumsum([len(task.labels) for task in tasks]).tolist()
    return [(task, slice(end - len(task.labels), end)) for task, end in zip(tasks, ends, strict=True)]


def _gold(statements: Sequence[Statement], tasks: Sequence[Task]) -> list[list[int]]:
    """(n, tasks): positions of the labels, _NO_LABEL where a statement has none."""
    at = [{label: i for i, label in enumerate(task.labels)} for task in tasks]
    return [
        [of.get(s.labels.get(task.name, ""), _NO_LABEL) for task, of in zip(tasks, at, strict=True)] for s in statements
    ]


def _encoded(tokenizer: Any, max_length: int, statements: Sequence[Statement], tasks: Sequence[Task]) -> "Dataset":
    from datasets import Dataset

    targets = [joint_target(s, tasks) for s in statements]
    columns = dict(tokens_of(tokenizer, [s.text for s in statements], targets, max_length=max_length))
    columns["length"] = [len(ids) for ids in columns["input_ids"]]
    return Dataset.from_dict(columns | {"labels": _gold(statements, tasks)})


def _loss(spec: Any, tasks: Sequence[Task], train: Sequence[Statement]) -> Callable[..., Any]:
    import torch

    gold, weights = np.array(_gold(train, tasks)), []
    for k, task in enumerate(tasks):
        counts = np.bincount(gold[gold[:, k] != _NO_LABEL, k], minlength=len(task.labels))
        balanced = counts.sum() / (len(task.labels) * np.maximum(counts, 1))
        weights.append(torch.tensor(balanced, dtype=torch.float32))
    counted = [float(getattr(spec, "task_weights", {}).get(task.name, 1.0)) for task in tasks]

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        logits = outputs["logits"].float()
        total = 0.0 * logits.sum()
        for k, (_, at) in enumerate(_columns(tasks)):
            if (labels[:, k] != _NO_LABEL).any():
                weight = weights[k].to(logits.device) if spec.class_weights else None
                total += counted[k] * torch.nn.functional.cross_entropy(
                    logits[:, at], labels[:, k], weight=weight, label_smoothing=spec.label_smoothing
                )
        return total / sum(counted)

    return loss


def _dev_score(tasks: Sequence[Task]) -> Callable[[Any], dict[str, float]]:
    def score(prediction: Any) -> dict[str, float]:
        scores = []
        for k, (task, at) in enumerate(_columns(tasks)):
            gold = prediction.label_ids[:, k]
            has = gold != _NO_LABEL
            scores.append(headline(task, gold[has], prediction.predictions[has][:, at].argmax(axis=1)))
        return {"score": float(np.mean(scores))}

    return score
