"""Two runs on the same statements: is one better, by how much, and how many statements would tell?

Macro-F1 of single runs: approximate randomisation (Noreen 1989; Yeh 2000), whole clusters swapped; of several
seeds of a configuration: the bootstrap over statements, and the spread over seeds. Accuracy: McNemar's exact test.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.evaluation import intervals, metrics
from detente.evaluation.intervals import Interval
from detente.evaluation.metrics import IntArray
from detente.evaluation.spread import Spread
from detente.seeds import rng
from detente.tasks import Task

RANDOMISATIONS = 10_000
LEVEL = 0.05
_POWER = 1.959963984540054 + 0.8416212335729143  # z of 5% two-sided and of 80%
_MOST_NEEDED = 100_000_000
_BLOCK = 4_000_000  # random numbers held at once


class McNemar(TypedDict):
    """Exact McNemar test of accuracy over the statements that one run alone gets right.

    `effect` is Cohen's g: the share of those that the first run gets right, minus a half.
    """

    first_only: int
    second_only: int
    p: float
    effect: float


class Pair(TypedDict):
    """Two entries of a ranking, the better first, on `part` of the statements (`all`, or `lang=en`).

    `macro_f1` and `accuracy` are differences, first minus second. `p` is of macro-F1: by approximate
    randomisation for single runs, by the bootstrap over statements and seeds for groups (`test` says
    which); `p_holm` after Holm's correction over the ranking's pairs and parts; `tied` where it is 0.05 or
    more. `more_needed` is how many statements more would tell the two apart at 80% power if the difference
    seen is the true one; 0 where these are enough, null where there is none. `mcnemar` is of single runs.
    """

    first: str
    second: str
    part: str
    n: int
    clusters: int
    macro_f1: Interval
    accuracy: Interval
    test: str
    p: float
    p_holm: float
    tied: bool
    mcnemar: McNemar | None
    more_needed: int | None


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One configuration: its name and what each of its runs (one a seed) predicted, each (n,)."""

    name: str
    predicted: Sequence[IntArray]


def compare_pair(
    task: Task,
    gold: IntArray,
    one: Entrant,
    other: Entrant,
    clusters: IntArray,
    *,
    seed: int,
    part: str = "all",
    rounds: int = RANDOMISATIONS,
) -> Pair:
    """The pair with the better first; `p_holm` and `tied` are of this pair alone until corrected.

    `clusters` numbers the cluster of each statement 0 … g-1.
    """
    first, second = sorted((one, other), key=lambda e: -_mean_macro_f1(task, gold, e))
    n_units = int(clusters.max()) + 1
    pseudo = _pseudo_units(task, gold, len(first.predicted), len(second.predicted))
    drawn = resampled_runs(task, gold, [*first.predicted, *second.predicted], clusters, seed=seed, pseudo=pseudo)
    macro_f1, spread = _difference(task, gold, first, second, metrics.macro_f1, drawn, n_units)
    accuracy, _ = _difference(task, gold, first, second, metrics.accuracy, drawn, n_units)
    single = len(first.predicted) == len(second.predicted) == 1
    if single:
        p = randomisation(task, gold, first.predicted[0], second.predicted[0], clusters, seed=seed, rounds=rounds)
        test = "approximate randomisation"
    else:
        p, test = spread.p(macro_f1["value"]), "bootstrap over statements and seeds"
    return Pair(
        first=first.name,
        second=second.name,
        part=part,
        n=len(gold),
        clusters=n_units,
        macro_f1=macro_f1,
        accuracy=accuracy,
        test=test,
        p=p,
        p_holm=p,
        tied=p >= LEVEL,
        mcnemar=mcnemar(first.predicted[0] == gold, second.predicted[0] == gold) if single else None,
        more_needed=more_needed(macro_f1["value"], spread.statements, spread.seeds, len(gold)),
    )


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """McNemar's exact test of which statements each of two runs gets right."""
    from scipy.special import bdtr

    b, c = int((first & ~second).sum()), int((second & ~first).sum())
    p = min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5))) if b + c else 1.0
    return McNemar(first_only=b, second_only=c, p=p, effect=b / (b + c) - 0.5 if b + c else 0.0)


def randomisation(
    task: Task,
    gold: IntArray,
    one: IntArray,
    other: IntArray,
    clusters: IntArray,
    *,
    seed: int,
    rounds: int = RANDOMISATIONS,
) -> float:
    """Two-sided p of equal macro-F1: how often swapping the two runs' predictions at random does as much.

    Clusters are swapped whole. Those that differ in the same way are swapped together, by a binomial draw.
    """
    cells, others = _cells(task, gold, one, clusters), _cells(task, gold, other, clusters)
    kinds, copies = np.unique(cells - others, axis=0, return_counts=True)
    total, k = (cells + others).sum(axis=0), len(task.labels)
    draw = rng(seed, "randomisation")

    def gap(shift: FloatArray) -> FloatArray:
        ones, twos = ((total + sign * shift).reshape(*shift.shape[:-1], k, k) / 2 for sign in (1, -1))
        return np.abs(metrics.macro_f1(ones) - metrics.macro_f1(twos))

    seen = gap((cells - others).sum(axis=0)) - 1e-12
    as_much, step = 0, max(1, _BLOCK // len(kinds))
    for start in range(0, rounds, step):
        kept = draw.binomial(copies, 0.5, size=(min(step, rounds - start), len(kinds)))
        as_much += int((gap((2 * kept - copies) @ kinds) >= seen).sum())
    return (1 + as_much) / (1 + rounds)


def more_needed(difference: float, error: float, seed_error: float, n: int) -> int | None:
    """Statements beyond `n` at which a true `difference` is found at 5% with 80% power; None if never.

    `error` is the standard error over `n` statements, which falls with their root; `seed_error` stays.
    """
    room = (difference / _POWER) ** 2 - seed_error**2
    if room <= 0 or n * error**2 / room > _MOST_NEEDED:
        return None
    return max(0, math.ceil(n * error**2 / room) - n)


def _mean_macro_f1(task: Task, gold: IntArray, entrant: Entrant) -> float:
    k = len(task.labels)
    return float(np.mean([metrics.macro_f1(metrics.confusion(gold, p, k)) for p in entrant.predicted]))


def _cells(task: Task, gold: IntArray, predicted: IntArray, clusters: IntArray) -> FloatArray:
    """Confusion counts of each cluster, flat: (g, k*k)."""
    k = len(task.labels)
    return intervals.sum_by(clusters, np.eye(k * k)[gold * k + predicted])


def resampled_runs(
    task: Task,
    gold: IntArray,
    predicted: Sequence[IntArray],
    clusters: IntArray,
    *,
    seed: int,
    pseudo: FloatArray | None = None,
) -> FloatArray:
    """Confusion counts of every run on the same bootstrap samples: (resamples, runs, k, k)."""
    k = len(task.labels)
    units = np.hstack([_cells(task, gold, p, clusters) for p in predicted])
    return intervals.resample(units, seed=seed, pseudo=pseudo, extra=0 if pseudo is None else 1).reshape(
        -1, len(predicted), k, k
    )


def _pseudo_units(task: Task, gold: IntArray, ones: int, others: int) -> FloatArray:
    """The forms of a pseudo-unit of one statement that one side gets right and the other wrong, or the reverse.

    Without it two runs that agree on a few statements would be equal for certain (after Agresti & Min 2005).
    """
    k, labels = len(task.labels), np.unique(gold)
    forms = []
    for i in labels:
        for j in range(k):
            if i != j:
                right, wrong = np.zeros(k * k), np.zeros(k * k)
                right[i * k + i], wrong[i * k + j] = 1, 1
                forms += [[right] * ones + [wrong] * others, [wrong] * ones + [right] * others]
    return np.array(forms).reshape(len(forms), -1)


def _difference(
    task: Task,
    gold: IntArray,
    first: Entrant,
    second: Entrant,
    measure: metrics.Measure,
    drawn: FloatArray,
    n_units: int,
) -> tuple[Interval, Spread]:
    """Mean over the first's runs minus mean over the second's, with its interval, and the errors behind it."""
    k, split = len(task.labels), len(first.predicted)
    sides = [np.array([measure(metrics.confusion(gold, p, k)) for p in e.predicted]) for e in (first, second)]
    value = float(sides[0].mean() - sides[1].mean())
    found = measure(drawn)
    resampled = found[:, :split].mean(axis=1) - found[:, split:].mean(axis=1)
    sds = tuple((float(side.std(ddof=1)), len(side)) for side in sides if len(side) > 1)
    spread = Spread(statements=float(resampled.std()), units=n_units, sds=sds)
    if sds:
        return spread.interval(value), spread
    return intervals.interval(value, resampled, widen=intervals.widening(n_units), least=-1.0), spread
