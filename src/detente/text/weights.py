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
    return {name: row[0] for name, row in _rows(model).items()}


@cache
def _rows(model: str) -> Mapping[str, list[float]]:
    """Feature -> its weight for every class."""
    found: dict[str, list[float]] = json.loads((_FOLDER / f"{model}.json").read_text(encoding="utf-8"))
    return found


def score(model: str, features: Sequence[str]) -> float:
    """The sum of the weights of the features that a model of one class knows."""
    known = weights(model)
    return math.fsum(known[name] for name in {*features} & known.keys())


def totals(model: str, features: Sequence[str]) -> list[float]:
    """The same for every class of a model of several."""
    known = _rows(model)
    return [math.fsum(column) for column in zip(*(known[name] for name in {*features} & known.keys()), strict=True)]
