"""The weights of the small log-linear models of extraction, and what they make of named features."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

SHIPPED = Path(__file__).parent / "weights"
# Feature -> its weight for every class of the model.
Model = Mapping[str, Sequence[float]]


class Models(NamedTuple):
    """The models of extraction; see `benchmarks/extraction_fit.py` for where their weights come from."""

    # Which phrase of a sentence is its holder.
    holders: Model
    # Who is meant by a phrase that names nobody.
    names: Model
    # How a sentence is quoted: see `readings.QUOTES`.
    quotes: Model
    # Whether a sentence speaks of the target.
    relevance: Model


@cache
def load(folder: Path = SHIPPED) -> Models:
    """The models that lie in a folder, one JSON file each."""
    return Models(*(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in Models._fields))


def score(model: Model, features: Sequence[str]) -> float:
    """The sum of the weights of the features that a model of one class knows."""
    return math.fsum(model[name][0] for name in {*features} & model.keys())


def totals(model: Model, features: Sequence[str], classes: int) -> list[float]:
    """The same for every class of a model of several."""
    known = [model[name] for name in {*features} & model.keys()]
    return [math.fsum(row[i] for row in known) for i in range(classes)]
