"""The weights of the small log-linear models of extraction, and what they make of named features."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "weights"


@cache
def weights(model: str) -> Mapping[str, float]:
    """Feature -> weight of a model; see `benchmarks/extraction_fit.py` for where they come from."""
    found: dict[str, float] = json.loads((_FOLDER / f"{model}.json").read_text(encoding="utf-8"))
    return found


def score(model: str, features: Sequence[str]) -> float:
    """The sum of the weights of the features that a model knows."""
    known = weights(model)
    return sum(known.get(name, 0.0) for name in dict.fromkeys(features))


def probabilities(scores: Sequence[float]) -> list[float]:
    """The scores of competing readings as probabilities that sum to one."""
    top = max(scores)
    powers = [math.exp(s - top) for s in scores]
    return [p / sum(powers) for p in powers]
