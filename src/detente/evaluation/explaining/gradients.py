"""Integrated gradients (Sundararajan et al. 2017) of encoders, from the tokens' embeddings to the logits.

The baseline is the same text with every token replaced by the padding token, marks of begin and end kept. What the
tokens add and the baseline's own logits sum to the logits up to the error of the numerical integral, which every
explanation carries as its gap. Logits are taken less their mean over labels: softmax sees nothing else, and the last
label needs no integral of its own, for all sum to zero.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detente.arrays import FloatArray
from detente.encoders import reader, vector_width
from detente.errors import InputError, UsageError
from detente.evaluation.explaining.parts import Explained, centred, placed, units_of
from detente.forward import fitting
from detente.models.finetune import Finetuned
from detente.models.frozen import Frozen, read_around
from detente.models.inputs import mark_target, target_of, unmarked
from detente.records import Span, Statement
from detente.tasks import Task
from detente.text.glossing import Glossaries

_BATCH = 64


@dataclass(frozen=True)
class _Reading:
    """One text that an encoder reads: its token ids and what else it takes (1, tokens), the span of each token in the
    statement's text (None for marks, and for what is not of that text).
    """

    inputs: dict[str, Any]
    spans: tuple[Span | None, ...]


def require_captum() -> None:
    """Raise UsageError where the extra is not installed."""
    try:
        import captum  # noqa: F401
    except ImportError:
        raise UsageError(
            "explaining an encoder needs the library captum; install it with: pip install 'detente[explain]'"
        ) from None


def explain_frozen(
    model: Frozen, statements: Sequence[Statement], *, steps: int, done: Callable[[int], None]
) -> dict[str, list[Explained]]:
    """For each task, the explanations of the statements in order: through the encoder to the head."""
    import torch

    encoder = model.features.encoder
    out: dict[str, list[Explained]] = {task.name: [] for task in model.tasks}
    for statement in statements:
        [told] = encoder.glossaries.read([statement])
        readings = _in_own_words(_read_frozen(model, told), encoder.glossaries, statement)
        for task in model.tasks:
            head = model.heads[task.name]
            weights = torch.tensor(_blocks(model, statement, head.weights), device=encoder.model.device)
            found = []
            for reading, block in zip(readings, weights, strict=True):
                found.append(_integrated(encoder.model, encoder.tokenizer, reading, _to_head(model, block), steps))
            out[task.name].append(_joined(statement, readings, found, centred(head.intercepts.astype(np.float64))))
        done(1)
    return out


def explain_finetuned(
    model: Finetuned, statements: Sequence[Statement], *, steps: int, done: Callable[[int], None]
) -> dict[str, list[Explained]]:
    """For each task, the explanations of the statements in order: from the embeddings to the logits."""
    out: dict[str, list[Explained]] = {task.name: [] for task in model.tasks}
    for statement in statements:
        for task in model.tasks:
            tokenizer, classifier = model.models[task.name]
            [told] = model.glossaries.read([statement])
            reading = _read_pair(tokenizer, classifier, model, told, task)
            [reading] = _in_own_words([reading], model.glossaries, statement)
            found = _integrated(classifier, tokenizer, reading, lambda output, mask: output.logits, steps)
            out[task.name].append(_joined(statement, [reading], [found], np.zeros(len(task.labels))))
        done(1)
    return out


def _in_own_words(readings: list[_Reading], glossaries: Glossaries, statement: Statement) -> list[_Reading]:
    """The readings with their spans in the statement's text, where they were of its gloss."""
    glossed = glossaries.glossed(statement)
    if glossed is None:
        return readings
    return [_Reading(of.inputs, tuple(span and glossed.back(span) for span in of.spans)) for of in readings]


def _read_frozen(model: Frozen, statement: Statement) -> list[_Reading]:
    """The text and, for a model with windows, the words around the target."""
    encoder = model.features.encoder
    texts = [(statement.text, 0)]
    if model.features.windowed:
        texts.append(read_around(statement))
    readings = []
    for text, offset in texts:
        prefix = encoder.spec.prefix
        tokens = _tokenised(encoder.tokenizer, prefix + text, max_length=encoder.spec.max_length)
        shift = offset - len(prefix)
        readings.append(_reading(tokens, encoder.model, shift, len(statement.text)))
    return readings


def _read_pair(tokenizer: Any, classifier: Any, model: Finetuned, statement: Statement, task: Task) -> _Reading:
    target, given = target_of(statement, task), mark_target(statement) if model.marked else statement
    second = fitting(tokenizer, [target], max_length=model.max_length) if target else []
    cut = "only_first" if target else True
    tokens = _tokenised(tokenizer, given.text, *second, truncation=cut, max_length=model.max_length)
    reading = _reading(tokens, classifier, 0, len(given.text))
    if given.text == statement.text:
        return reading
    return _Reading(reading.inputs, tuple(span and unmarked(span, statement) for span in reading.spans))


def _tokenised(tokenizer: Any, *texts: str, max_length: int, truncation: bool | str = True) -> Any:
    if not tokenizer.is_fast:
        raise InputError("this encoder's tokenizer does not say where its tokens stand; use one with a tokenizer.json")
    return tokenizer(
        *texts, truncation=truncation, max_length=max_length, return_offsets_mapping=True, return_tensors="pt"
    )


def _reading(tokens: Any, model: Any, shift: int, length: int) -> _Reading:
    """The reading of one or two tokenised texts; spans are those of the first, moved by `shift`."""
    offsets = tokens.pop("offset_mapping")[0].tolist()
    spans = []
    for (start, end), of in zip(offsets, tokens.sequence_ids(0), strict=True):
        inside = of == 0 and end > start and end + shift > 0 and start + shift < length
        spans.append((max(start + shift, 0), min(end + shift, length)) if inside else None)
    return _Reading({name: value.to(model.device) for name, value in tokens.items()}, tuple(spans))


def _blocks(model: Frozen, statement: Statement, weights: Any) -> Any:
    """The head's weights on the vector of each reading, (readings, labels, width); a target's copy added in."""
    features = model.features
    width = vector_width(features.encoder, features.layers)
    readings = 2 if features.windowed else 1
    parts = [weights[:, i * width : (i + 1) * width].copy() for i in range(readings)]
    for i, target in enumerate(features.targets):
        if statement.target == target:
            at = (readings + i) * width
            parts[0] = parts[0] + weights[:, at : at + width]
    return np.stack(parts)


def _to_head(model: Frozen, weights: Any) -> Callable[[Any, Any], Any]:
    """From the encoder's output to the logits that one vector adds, (n, labels)."""
    read = reader(model.features.encoder.spec, model.features.layers)
    return lambda output, mask: read(output, mask) @ weights.T


def _integrated(
    model: Any, tokenizer: Any, reading: _Reading, to_logits: Callable[[Any, Any], Any], steps: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(what each token adds (tokens, labels), the logits (labels,), the logits of the baseline (labels,))."""
    import torch
    from captum.attr import LayerIntegratedGradients

    ids, others = reading.inputs["input_ids"], {k: v for k, v in reading.inputs.items() if k != "input_ids"}
    names = list(others)
    fill = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    special = torch.tensor(
        [tokenizer.get_special_tokens_mask(ids[0].tolist(), already_has_special_tokens=True)], device=ids.device
    ).bool()
    baseline = torch.where(special, ids, torch.full_like(ids, fill))

    def forward(tokens: Any, *rest: Any) -> Any:
        given = dict(zip(names, rest, strict=True))
        output = to_logits(model(input_ids=tokens, output_hidden_states=True, **given), given["attention_mask"])
        return output - output.mean(dim=-1, keepdim=True)

    with torch.inference_mode():
        logits, ground = forward(ids, *others.values())[0], forward(baseline, *others.values())[0]
    n = len(logits) - 1
    attribution = LayerIntegratedGradients(forward, model.get_input_embeddings()).attribute(
        ids.expand(n, -1).contiguous(),
        baselines=baseline.expand(n, -1).contiguous(),
        target=list(range(n)),
        additional_forward_args=tuple(v.expand(n, -1).contiguous() for v in others.values()),
        n_steps=steps,
        method="gausslegendre",
        internal_batch_size=max(_BATCH, n),
    )
    tokens = attribution.sum(-1).T.detach().cpu().double().numpy()
    return (
        np.hstack([tokens, -tokens.sum(axis=1, keepdims=True)]),
        logits.cpu().double().numpy(),
        ground.cpu().double().numpy(),
    )


def _joined(
    statement: Statement,
    readings: Sequence[_Reading],
    found: Sequence[tuple[FloatArray, FloatArray, FloatArray]],
    intercepts: FloatArray,
) -> Explained:
    units = units_of(statement.text)
    pieces, elsewhere = [], np.zeros(len(intercepts))
    for reading, (tokens, _, _) in zip(readings, found, strict=True):
        for span, contribution in zip(reading.spans, tokens, strict=True):
            if span is None:
                elsewhere += contribution
            else:
                pieces.append((span, contribution))
    of_units, lost = placed(units, pieces, len(intercepts))
    return Explained(
        statement=statement,
        logits=sum((logits for _, logits, _ in found), intercepts),
        units=units,
        contributions=of_units,
        terms=(),
        rest={
            "baseline": sum((ground for _, _, ground in found), intercepts),
            "what the text does not hold": elsewhere + lost,
        },
    )
