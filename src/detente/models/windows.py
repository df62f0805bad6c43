"""Texts as token ids for fine-tuning: pairs of text and target, long texts cut or read through windows."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from detente.arrays import FloatArray
from detente.encoders import EncoderSpec
from detente.errors import UsageError
from detente.forward import Tokens, fitting
from detente.models.inputs import target_of
from detente.records import Statement
from detente.tasks import Task

log = logging.getLogger(__name__)
POOLS = ("mean", "max")


@dataclass(frozen=True)
class Windows:
    """Token ids of every window in `rows`, ready to pad; `owner[i]` is the text that window i is of."""

    rows: list[dict[str, list[int]]]
    owner: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each window."""
        return [len(row["input_ids"]) for row in self.rows]


def windows(
    tokenizer: Any, statements: Sequence[Statement], task: Task, *, max_length: int, stride: int = 0
) -> Windows:
    """Token ids of (text, target). A text too long is cut, or with `stride` above 0 read through windows.

    Windows overlap by `stride` tokens and each bears the target.
    """
    texts = [s.text for s in statements]
    targets = [target_of(s, task) for s in statements]
    if not texts:
        return Windows([], np.zeros(0, dtype=np.int64))
    pairs = (texts, fitting(tokenizer, targets, max_length=max_length)) if any(targets) else (texts,)
    options = {"return_overflowing_tokens": True, "stride": stride} if stride else {}
    encoded = tokenizer(*pairs, truncation="only_first" if len(pairs) > 1 else True, max_length=max_length, **options)
    owner = np.asarray(encoded.pop("overflow_to_sample_mapping", range(len(texts))), dtype=np.int64)
    names = list(encoded)
    rows = [dict(zip(names, values, strict=True)) for values in zip(*(encoded[n] for n in names), strict=True)]
    return Windows(rows, owner)


def pooled(proba: FloatArray, owner: Sequence[int] | np.ndarray[Any, Any], n: int, *, pooling: str) -> FloatArray:
    """(n, labels) probabilities of texts from those of their windows: the mean, or the highest made to sum to 1."""
    out = np.zeros((n, proba.shape[1]))
    if pooling == "max":
        np.maximum.at(out, owner, proba)
    else:
        np.add.at(out, owner, proba)
    return np.asarray(out / np.maximum(out.sum(axis=1, keepdims=True), 1e-12))


@dataclass(frozen=True)
class Windowed:
    """Windows ready for a forward pass, the text that each is of, and how many texts there are."""

    tokens: Tokens
    owner: np.ndarray[Any, np.dtype[np.int64]]
    n: int


def tokens_of(tokenizer: Any, found: Windows, *, n: int) -> Windowed:
    """The windows of `n` texts as columns of ids."""
    names = list(found.rows[0]) if found.rows else ["input_ids"]
    columns = {name: [row[name] for row in found.rows] for name in names}
    padding = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
    return Windowed(Tokens(columns, np.arange(len(found.rows)), padding), found.owner, n)


def check_length(model: Any, encoder: EncoderSpec) -> None:
    """Raise UsageError if `encoder.max_length` is more than the encoder can read."""
    config = model.config
    positions = getattr(config, "max_position_embeddings", None)
    if not positions:
        return
    # RoBERTa's kin count positions from the padding's number on.
    reserved = (config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
    if encoder.max_length > positions - reserved:
        raise UsageError(
            f"encoder.max_length is {encoder.max_length}; the encoder {encoder.name} reads at most "
            f"{positions - reserved} tokens: lower it, and set model.stride to read longer texts in windows"
        )


def tell_cut(found: Windows, *, max_length: int, stride: int, name: str) -> None:
    """Say in the log how many texts did not fit."""
    if stride:
        longer = int((np.bincount(found.owner) > 1).sum())
        if longer:
            log.info(f"{name}: {longer} texts longer than {max_length} tokens are read in windows")
        return
    full = sum(length >= max_length for length in found.lengths)
    if full:
        log.warning(
            f"{name}: {full} of {len(found.rows)} texts reach {max_length} tokens and may be cut; "
            "raise model.encoder.max_length, or set model.stride to read them whole in windows"
        )
