"""Forward passes of one sequence-classification model that answers several tasks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from detente.arrays import FloatArray
from detente.forward import Compute, Tokens, fitting, run, tokenise, torch_compute
from detente.progress import progress

# The one forward pass among the computes.
LOGITS = "logits"


def tokens_of(tokenizer: Any, texts: Sequence[str], pairs: Sequence[str] | None, *, max_length: int) -> Any:
    """Token ids of texts, or of (text, pair), the text cut to fit; the text alone where every pair is empty."""
    if pairs is None or not any(pairs):
        return tokenizer(list(texts), truncation=True, max_length=max_length)
    targets = fitting(tokenizer, list(pairs), max_length=max_length)
    return tokenizer(list(texts), targets, truncation="only_first", max_length=max_length)


def logits_of(
    computes: dict[str, Compute],
    tokenizer: Any,
    model: Any,
    texts: Sequence[str],
    pairs: Sequence[str],
    *,
    max_length: int,
    what: str,
) -> FloatArray:
    """The model's logits in the order of `texts`: (n, outputs). Its forward pass is kept in `computes`."""
    tokens = tokenise(tokenizer, list(texts), list(pairs) if any(pairs) else None, max_length=max_length)
    return logits_from(computes, model, tokens, width=int(model.config.num_labels), what=what)


def logits_from(computes: dict[str, Compute], model: Any, tokens: Tokens, *, width: int, what: str) -> FloatArray:
    """The same from token ids; `model` is not looked at where `computes` has its forward pass."""
    if not tokens.lengths:
        return np.zeros((0, width))
    if LOGITS not in computes:
        computes[LOGITS] = torch_compute(model, lambda output, mask: output.logits)
    with progress(total=len(tokens.lengths), what=what, unit="texts") as advance:
        found = run(computes[LOGITS], tokens, width=width, progress=advance)
    return found.astype(np.float64)
