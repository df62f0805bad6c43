"""Are explanations true of the model? Delete the words they name, and see whether the probability falls.

AOPC (Samek et al. 2017): the fall of the predicted label's probability, averaged over deleting the first, the first
two, … of the words in the order of their contributions. Random deletion of as many words is the measure to beat.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

import numpy as np

from detente.arrays import FloatArray
from detente.evaluation.behaviour.bias import mean_shift
from detente.evaluation.explaining.parts import Explained, centred, without
from detente.evaluation.intervals import Interval
from detente.models.inputs import with_text
from detente.records import Statement
from detente.seeds import rng
from detente.tasks import Task

Predict = Callable[[Sequence[Statement]], Mapping[str, FloatArray]]
MOST = 8
_DRAWS = 3


class Faithfulness(TypedDict):
    """AOPC over `n` statements of three words or more, in probability: of the words that speak most for the predicted
    label (`top`), of random words (`random`), and the paired `difference` with its 95% interval over statements.
    `curve_top` and `curve_random` are the mean falls after 1, 2, … deletions.
    """

    n: int
    top: Interval
    random: Interval
    difference: Interval
    curve_top: list[float]
    curve_random: list[float]


def faithfulness(task: Task, explained: Sequence[Explained], predict: Predict, *, seed: int) -> dict[str, Faithfulness]:
    """AOPC over all statements ("all") and by language; up to eight words are deleted, one always stays.

    Empty where no statement has three words.
    """
    usable = [one for one in explained if len(_words(one)) >= 3]
    if not usable:
        return {}
    plans = [_plan(one, seed) for one in usable]
    texts = [with_text(one.statement, text) for one, plan in zip(usable, plans, strict=True) for text in plan]
    proba = predict([*(one.statement for one in usable), *texts])[task.name]
    at, falls = len(usable), []
    for i, plan in enumerate(plans):
        label = int(proba[i].argmax())
        fell = proba[i, label] - proba[at : at + len(plan), label]
        at += len(plan)
        # (1 + draws, deletions): the first row is that of the explanation.
        falls.append(fell.reshape(1 + _DRAWS, -1))
    langs = [one.statement.lang or "?" for one in usable]
    out = {"all": _summary(falls)}
    if len(set(langs)) > 1:
        for lang in sorted(set(langs)):
            out[lang] = _summary([fell for fell, one in zip(falls, langs, strict=True) if one == lang])
    return out


def _words(one: Explained) -> list[int]:
    """Positions of the units that are words."""
    return [i for i, (start, end) in enumerate(one.units) if any(c.isalnum() for c in one.statement.text[start:end])]


def _plan(one: Explained, seed: int) -> list[str]:
    """The texts with 1, 2, … words deleted: in the explanation's order, then in random orders."""
    words = _words(one)
    most = min(MOST, len(words) - 1)
    label = int(one.logits.argmax())
    ranked = sorted(words, key=lambda i: -float(centred(one.contributions[i])[label]))
    draw = rng(seed, "faithfulness", one.statement.text)
    orders = [ranked, *(draw.permutation(words).tolist() for _ in range(_DRAWS))]
    return [
        without(one.statement.text, [one.units[i] for i in order[: k + 1]]) for order in orders for k in range(most)
    ]


def _summary(falls: Sequence[FloatArray]) -> Faithfulness:
    top = np.array([fell[0].mean() for fell in falls])
    random = np.array([fell[1:].mean() for fell in falls])
    each = [str(i) for i in range(len(falls))]
    return Faithfulness(
        n=len(falls),
        top=mean_shift(top, each),
        random=mean_shift(random, each),
        difference=mean_shift(top - random, each),
        curve_top=_curve([fell[0] for fell in falls]),
        curve_random=_curve([fell[1:].mean(axis=0) for fell in falls]),
    )


def _curve(falls: Sequence[FloatArray]) -> list[float]:
    """The mean fall after each number of deletions, over the statements long enough for it."""
    longest = max(len(fell) for fell in falls)
    return [float(np.mean([fell[k] for fell in falls if len(fell) > k])) for k in range(longest)]
