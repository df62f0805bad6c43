"""The nli family: each label is a hypothesis, and the answer is the one most entailed (Yin et al. 2019).

Zero-shot (`epochs: 0`) with a model trained on entailment; fine-tuned on any encoder, from few labels on. One model
does all tasks, since the hypotheses say what is asked. It costs one pass a label.
"""

import json
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
from detente.forward import Compute
from detente.models.base import Classifier
from detente.models.inputs import target_of
from detente.models.passes import logits_of, tokens_of
from detente.models.resuming import FOLDER
from detente.models.trainer import load_classifier, run_trainer, settings_of, training_of
from detente.records import Statement
from detente.seeds import seed_everything
from detente.tasks import Task
from detente.text.glossing import Glossaries, kept_glossaries, load_glossaries

if TYPE_CHECKING:
    from datasets import Dataset

# The score of a label of another task than the row's.
_ABSENT = -1e9
_NEW_LABELS = ("not_entailment", "entailment")


@dataclass(frozen=True, kw_only=True)
class NliSpec:
    """The hypotheses by task and label (`{target}` stands for the target), and the training (see TrainerSpec).

    A task that is not named gets "The TASK is LABEL." (with "towards TARGET" where there is one). `epochs` of 0
    trains nothing.
    """

    family: ClassVar[str] = "nli"
    encoder: EncoderSpec
    hypotheses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    epochs: int = 3
    batch_size: int = 8
    learning_rate: float = 3e-5
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    label_smoothing: float = 0.0
    patience: int = 2
    max_steps: int = -1
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Raise UsageError for a hypothesis that is no text, or numbers that train nothing."""
        if self.epochs < 0:
            raise UsageError(f"model.epochs is {self.epochs}; it must be at least 0, which trains nothing")
        for task, of in self.hypotheses.items():
            for label, text in of.items():
                if not isinstance(text, str) or not text.strip():
                    raise UsageError(f"model.hypotheses.{task}.{label} is {text!r}; it must be a sentence")
        if self.epochs:
            training_of(self)


@dataclass(frozen=True)
class Nli:
    """An entailment model, the output that means entailment, and the hypotheses by task, in the order of its labels."""

    tasks: tuple[Task, ...]
    tokenizer: Any
    model: Any
    entailment: int
    hypotheses: Mapping[str, Sequence[str]]
    max_length: int
    history: Mapping[str, list[dict[str, float]]]
    computes: dict[str, Compute] = field(default_factory=dict, repr=False, compare=False)
    glossaries: Glossaries = field(default_factory=Glossaries, repr=False)

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax over the labels of how far each hypothesis is entailed."""
        out, statements = {}, self.glossaries.read(statements)
        for task in self.tasks:
            hypotheses = [h for s in statements for h in _filled(self.hypotheses[task.name], s, task)]
            texts = [s.text for s in statements for _ in task.labels]
            what = f"predicting {task.name}"
            logits = logits_of(
                self.computes, self.tokenizer, self.model, texts, hypotheses, max_length=self.max_length, what=what
            )
            out[task.name] = softmax(margins(logits, self.entailment).reshape(-1, len(task.labels)))
        return out

    def save(self, folder: Path) -> None:
        """`nli/`, which `transformers` loads as a zero-shot classifier, and the hypotheses in JSON."""
        self.model.save_pretrained(folder / "nli")
        self.tokenizer.save_pretrained(folder / "nli")
        self.glossaries.save(folder)
        content = {"hypotheses": {name: list(of) for name, of in self.hypotheses.items()}}
        write_json(folder / "nli.json", content | {"max_length": self.max_length})


def margins(logits: Any, entailment: int) -> Any:
    """(n,) log-odds of entailment against all other outputs, for logits (n, outputs) of numpy or torch."""
    rest = [i for i in range(logits.shape[1]) if i != entailment]
    others = logits[:, rest]
    if isinstance(logits, np.ndarray):
        return logits[:, entailment] - np.logaddexp.reduce(others, axis=1)
    return logits[:, entailment] - others.logsumexp(dim=1)


def fit(
    spec: NliSpec, tasks: tuple[Task, ...], train: "Dataset", dev: "Dataset", *, seed: int, run_dir: Path
) -> Classifier:
    """Train so that among the hypotheses of a statement the true one is entailed most; with `epochs: 0`, load only."""
    hypotheses = {task.name: hypotheses_of(task, spec.hypotheses) for task in tasks}
    seed_everything(seed)
    tokenizer, model, entailment = _load(spec)
    max_length, history, glossaries = spec.encoder.max_length, {}, load_glossaries(spec.encoder.glossed)
    if spec.epochs:
        rows: list[dict[str, Any]] = []
        read = (glossaries.read(from_table(table)) for table in (train, dev))
        examples, dev_examples = (_encoded(tokenizer, max_length, some, tasks, hypotheses, rows) for some in read)
        history["nli"] = run_trainer(
            training_of(spec),
            model,
            tokenizer,
            train=examples,
            dev=dev_examples,
            loss=_loss(spec, entailment),
            score=_dev_score(tasks),
            name="nli",
            seed=seed,
            folder=run_dir / FOLDER / "nli",
            settings=settings_of(spec, tasks, (train, dev), seed),
            collate=_collate(tokenizer, rows),
            for_score=lambda logits, labels: _scores(logits, labels, entailment),
        )
    return Nli(tasks, tokenizer, model.cpu().eval(), entailment, hypotheses, max_length, history, glossaries=glossaries)


def load(folder: Path, tasks: tuple[Task, ...]) -> Classifier:
    """Read what `save` wrote."""
    from transformers import AutoModelForSequenceClassification

    content = json.loads((folder / "nli.json").read_text(encoding="utf-8"))
    spec = EncoderSpec(name="nli", path=str(folder / "nli"))
    tokenizer, model = load_pretrained(spec, AutoModelForSequenceClassification)
    entailment = entailment_of(model.config)
    if entailment is None:
        raise InputError(f"{folder / 'nli'} has no output for entailment; train again")
    glossaries, length = kept_glossaries(folder), content["max_length"]
    return Nli(tasks, tokenizer, model.eval(), entailment, content["hypotheses"], length, {}, glossaries=glossaries)


def hypotheses_of(task: Task, given: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The task's hypotheses in the order of its labels. Raises UsageError if those given are not of its labels."""
    if task.name not in given:
        return [f"The {task.name.replace('_', ' ')} {{towards}}is {label.replace('_', ' ')}." for label in task.labels]
    of = given[task.name]
    wrong = sorted(of.keys() ^ set(task.labels))
    if wrong:
        what = "is missing" if wrong[0] in task.labels else "is no label of the task"
        raise UsageError(
            f"model.hypotheses.{task.name}.{wrong[0]} {what}; give one sentence for each of {', '.join(task.labels)}"
        )
    return [of[label] for label in task.labels]


def entailment_of(config: Any) -> int | None:
    """The output that a model's configuration calls entailment, if any."""
    found = [int(i) for i, name in config.id2label.items() if str(name).casefold().startswith("entail")]
    return found[0] if len(found) == 1 and len(config.id2label) > 1 else None


def _load(spec: NliSpec) -> tuple[Any, Any, int]:
    """(tokenizer, model, entailment output): the model as it is if it knows entailment, else with a new head."""
    from transformers import AutoModelForSequenceClassification

    tokenizer, model = load_pretrained(spec.encoder, AutoModelForSequenceClassification)
    entailment = entailment_of(model.config)
    if entailment is not None:
        return tokenizer, model, entailment
    if not spec.epochs:
        names = ", ".join(str(name) for name in model.config.id2label.values())
        raise InputError(
            f"the encoder {spec.encoder.name} knows no entailment (its labels are {names}); "
            "give a model trained on NLI as model.encoder.path=FOLDER, or train one with model.epochs=3"
        )
    return *load_classifier(spec.encoder, _NEW_LABELS), _NEW_LABELS.index("entailment")


def _filled(hypotheses: Sequence[str], statement: Statement, task: Task) -> list[str]:
    target = target_of(statement, task)
    towards = f"towards {target} " if target else ""
    return [h.replace("{towards}", towards).replace("{target}", target or "the matter") for h in hypotheses]


def _encoded(
    tokenizer: Any,
    max_length: int,
    statements: Sequence[Statement],
    tasks: Sequence[Task],
    hypotheses: Mapping[str, Sequence[str]],
    rows: list[dict[str, Any]],
) -> "Dataset":
    """The examples; token ids of their pairs of statement and hypothesis are added to `rows`.

    An example is a statement and a task: where its pairs start, and over the labels of all tasks 1 for the
    true one, 0 for the others of its task, -1 for those of other tasks.
    """
    from datasets import Dataset

    total, before = sum(len(task.labels) for task in tasks), 0
    texts: list[str] = []
    pairs: list[str] = []
    examples: dict[str, list[Any]] = {"start": [], "labels": []}
    for task in tasks:
        for statement in statements:
            if not statement.labels.get(task.name):
                continue
            gold = [-1] * total
            gold[before : before + len(task.labels)] = [int(statement.labels[task.name] == of) for of in task.labels]
            examples["start"].append(len(rows) + len(texts))
            examples["labels"].append(gold)
            texts += [statement.text] * len(task.labels)
            pairs += _filled(hypotheses[task.name], statement, task)
        before += len(task.labels)
    tokens = tokens_of(tokenizer, texts, pairs, max_length=max_length)
    rows += [{name: values[i] for name, values in tokens.items()} for i in range(len(texts))]
    examples["length"] = [len(rows[start]["input_ids"]) for start in examples["start"]]
    return Dataset.from_dict(examples)


def _collate(tokenizer: Any, rows: Sequence[Mapping[str, Any]]) -> Callable[..., Any]:
    """A batch of examples as all their pairs, one example after the other."""
    import torch

    def collate(examples: Sequence[Mapping[str, Any]]) -> Any:
        pairs = [rows[e["start"] + k] for e in examples for k in range(sum(g >= 0 for g in e["labels"]))]
        batch = tokenizer.pad(pairs, return_tensors="pt")
        batch["labels"] = torch.tensor([e["labels"] for e in examples])
        return batch

    return collate


def _scores(logits: Any, labels: Any, entailment: int) -> Any:
    """(examples, labels of all tasks): margins of the example's hypotheses where `labels` is not -1."""
    import torch

    scores = torch.full(labels.shape, _ABSENT, device=logits.device)
    scores[labels >= 0] = margins(logits.float(), entailment)
    return scores


def _loss(spec: NliSpec, entailment: int) -> Callable[..., Any]:
    import torch

    def loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        logs = torch.log_softmax(_scores(outputs["logits"], labels, entailment), dim=1)
        asked = (labels >= 0).float()
        wanted = (labels == 1).float() * (1 - spec.label_smoothing)
        wanted = wanted + spec.label_smoothing * asked / asked.sum(dim=1, keepdim=True)
        return -(wanted * logs * asked).sum(dim=1).mean()

    return loss


def _dev_score(tasks: Sequence[Task]) -> Callable[[Any], dict[str, float]]:
    def score(prediction: Any) -> dict[str, float]:
        scores, before = [], 0
        for task in tasks:
            columns = slice(before, before + len(task.labels))
            gold, found = prediction.label_ids[:, columns], prediction.predictions[:, columns]
            has = gold[:, 0] >= 0
            scores.append(headline(task, gold[has].argmax(axis=1), found[has].argmax(axis=1)))
            before += len(task.labels)
        return {"score": float(np.mean(scores))}

    return score
