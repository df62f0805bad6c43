"""What fine-tuning minimises, and which weights it moves how fast."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from detente.arrays import FloatArray
from detente.errors import InputError, UsageError
from detente.records import Statement
from detente.tasks import Task


def targets_of(statements: Sequence[Statement], task: Task, *, soft: bool) -> FloatArray:
    """(n, labels) probabilities to learn: one-hot, or with `soft` the columns `<task>_<label>` of each row.

    Raises InputError naming the row whose columns are missing or are no probabilities.
    """
    if not soft:
        onehot: FloatArray = np.eye(len(task.labels))[task.index([s.labels[task.name] for s in statements])]
        return onehot
    names = [f"{task.name}_{label}" for label in task.labels]
    out = np.empty((len(statements), len(names)))
    for i, statement in enumerate(statements):
        given = [statement.extra.get(name) for name in names]
        try:
            out[i] = [float(str(value)) for value in given]
        except ValueError:
            raise InputError(
                f"{statement.id}: model.soft_labels needs a probability in each of {', '.join(names)}; "
                f"{names[given.index(None)] if None in given else 'one of them'} holds none"
            ) from None
        if not (np.isfinite(out[i]).all() and (out[i] >= 0).all() and abs(out[i].sum() - 1) <= 0.02):
            raise InputError(
                f"{statement.id}: {', '.join(names)} are {given}; they must be probabilities that sum to 1"
            )
    return np.asarray(out / out.sum(axis=1, keepdims=True))


def class_weights(targets: FloatArray) -> FloatArray:
    """Inverse frequencies of the labels, 1 on average over rows; `targets` is (n, labels)."""
    counts = targets.sum(axis=0)
    return np.asarray(targets.sum() / (targets.shape[1] * np.maximum(counts, 1.0)))


def loss(
    weights: FloatArray | None = None, *, smoothing: float = 0.0, focal_gamma: float = 0.0, r_drop: float = 0.0
) -> Callable[..., Any]:
    """A loss for the Trainer, summed over rows and divided by the rows of the whole step.

    So accumulating over small batches, or over processes, gives the gradient of one large batch. Targets are
    (n, labels); a row may weigh less than one. Focal: every label's term times (1 - p)^gamma (Lin et al. 2017).
    R-Drop: the batch holds every row twice, in two halves under different dropout; their symmetric
    Kullback-Leibler divergence is added (Liang et al. 2021, eq. 4, halved throughout as there in the code).
    """
    import torch

    given = torch.tensor(weights, dtype=torch.float32) if weights is not None else None

    def compute(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
        logp = torch.log_softmax(outputs["logits"].float(), dim=-1)
        rows, k = labels.shape
        mass = labels.sum(dim=1, keepdim=True)
        terms = (1 - smoothing) * labels + smoothing * mass / k
        if given is not None:
            terms = terms * given.to(terms.device)
        if focal_gamma:
            terms = terms * (1 - logp.exp()).clamp(min=1e-6) ** focal_gamma
        total = -(terms * logp).sum()
        if r_drop and outputs["logits"].requires_grad:
            one, two = logp.chunk(2)
            kl = (one.exp() * (one - two) + two.exp() * (two - one)).sum(dim=1) / 2
            total = total + 2 * r_drop * (kl * mass[: rows // 2, 0]).sum()
        count = num_items_in_batch / k if num_items_in_batch is not None else rows
        return total / count

    return compute


def layers(model: Any) -> list[list[tuple[str, Any]]]:
    """Named parameters from the bottom up: embeddings, each layer of the encoder, the head with the pooler.

    Found by shape, not by class: the layers are the list of modules as long as `num_hidden_layers`.
    """
    import torch

    base = model.base_model_prefix + "."
    depth = int(model.config.num_hidden_layers)
    stacks = [n for n, m in model.named_modules() if isinstance(m, torch.nn.ModuleList) and len(m) == depth]
    if not stacks:
        raise UsageError(f"the layers of {type(model).__name__} are not known; leave freezing and layer_decay out")
    stack = min(stacks, key=len) + "."
    groups: list[list[tuple[str, Any]]] = [[] for _ in range(depth + 2)]
    for name, parameter in model.named_parameters():
        if name.startswith(stack):
            at = 1 + int(name.removeprefix(stack).split(".")[0])
        elif name.startswith(base) and not any(word in name for word in ("pooler", "final_norm")):
            at = 0
        else:
            at = depth + 1
        groups[at].append((name, parameter))
    return groups


def freeze(model: Any, lowest: int) -> None:
    """Hold the embeddings and the `lowest` layers still, let the rest learn; 0 holds nothing.

    Raises UsageError for more layers than there are.
    """
    groups = layers(model)
    if lowest > len(groups) - 2:
        raise UsageError(f"model.frozen_layers is {lowest}; this encoder has {len(groups) - 2} layers")
    for at, group in enumerate(groups):
        for _, parameter in group:
            parameter.requires_grad_(not (lowest and at <= lowest))


def parameter_groups(
    model: Any, *, decaying: Sequence[str], rate: float, layer_decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Groups for AdamW: each layer learns at `layer_decay` times the rate of the one above (Howard & Ruder 2018).

    `decaying` names the parameters with weight decay. Parameters held still are left out.
    """
    every: Sequence[Sequence[tuple[str, Any]]] = layers(model) if layer_decay < 1 else [list(model.named_parameters())]
    groups = []
    for height, group in enumerate(reversed(every)):
        for decays in (True, False):
            found = [p for name, p in group if p.requires_grad and (name in decaying) == decays]
            if found:
                decay = weight_decay if decays else 0.0
                groups.append({"params": found, "lr": rate * layer_decay**height, "weight_decay": decay})
    return groups


def repeated(collate: Callable[[list[Mapping[str, Any]]], Any]) -> Callable[[list[Mapping[str, Any]]], Any]:
    """A collator that gives every row twice, the second time round after all the first, for R-Drop."""
    return lambda rows: collate([*rows, *rows])
