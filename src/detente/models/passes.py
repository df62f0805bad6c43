"""Forward passes of sequence-classification models over texts, or pairs of texts, of any length."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from detente.arrays import FloatArray
from detente.encoders import token_batches
from detente.progress import progress


def tokens_of(tokenizer: Any, texts: Sequence[str], pairs: Sequence[str] | None, *, max_length: int) -> Any:
    """Token ids of texts, or of (text, pair), the text cut to fit; the text alone where every pair is empty."""
    if pairs is None or not any(pairs):
        return tokenizer(list(texts), truncation=True, max_length=max_length)
    return tokenizer(list(texts), list(pairs), truncation="only_first", max_length=max_length)


def logits_of(
    tokenizer: Any, model: Any, texts: Sequence[str], pairs: Sequence[str] | None, *, max_length: int, what: str
) -> FloatArray:
    """The model's logits in the order of `texts`: (n, outputs). Batches hold texts of like length."""
    import torch

    out = np.zeros((len(texts), int(model.config.num_labels)))
    if not texts:
        return out
    encoded = tokens_of(tokenizer, texts, pairs, max_length=max_length)
    rows = [{name: values[i] for name, values in encoded.items()} for i in range(len(texts))]
    with torch.inference_mode(), progress(total=len(rows), what=what, unit="texts") as advance:
        for batch in token_batches([len(row["input_ids"]) for row in rows]):
            padded = tokenizer.pad([rows[i] for i in batch], return_tensors="pt").to(model.device)
            out[batch] = model(**padded).logits.float().cpu().numpy()
            advance(len(batch))
    return out
