"""Shares of labels in a population that a classifier labelled and people labelled a sample of.

Counting a classifier's labels counts its errors too. Three corrections, all from a gold sample:

- adjusted count: the classifier's confusion, estimated on gold, inverted (Rogan & Gladen 1978 for two labels; the
  matrix form of Levy & Kass 1970; "adjusted classify and count" of Forman 2008). It needs P(predicted | gold) to be
  that of the population, so gold may come from elsewhere in it.
- prediction-powered inference (Angelopoulos, Bates, Fannjiang, Jordan & Zrnic 2023): the mean prediction, corrected
  by its mean error on gold. It needs gold to be a random sample of the population (or of known probabilities), and
  nothing of the classifier.
- the same power-tuned (PPI++; Angelopoulos, Duchi & Zrnic 2023): predictions count as much as they are worth; with
  worthless ones it is the share in gold.

`gold` is (n, labels), one-hot; predictions are (n, labels), rows that sum to one: probabilities, or one-hot labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.evaluation.confidence.proportions import Z95, wilson
from detente.seeds import rng

DRAWS = 2000
# A confusion whose condition number is above this tells labels apart too badly to be inverted.
WORST_CONDITION = 50.0


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of all labels with 95% intervals, each (labels,); shares lie on the simplex, intervals in [0, 1].

    `projected` says that the estimate fell outside the simplex and stands at its nearest point there.
    `power` is the weight of the predictions, for prediction-powered shares.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    projected: bool = False
    power: float = float("nan")


def naive(predicted: NDArray[np.int_], labels: int) -> Shares:
    """Counted predictions, with Wilson's intervals: what sampling alone leaves open, as if no label were wrong."""
    counts = np.bincount(predicted, minlength=labels)
    bounds = np.array([wilson(int(count), len(predicted)) for count in counts])
    return Shares(value=counts / max(len(predicted), 1), low=bounds[:, 0], high=bounds[:, 1])


def prediction_powered(
    gold: FloatArray,
    predicted: FloatArray,
    rest: FloatArray,
    *,
    weights: FloatArray | None = None,
    power: float | None = None,
) -> Shares:
    """PPI with `power` 1, the share in gold with 0, PPI++ with None: the power of least summed variance.

    `predicted` are the predictions of the gold rows, `rest` (m, labels) those of all other rows of the
    population. With `weights` (n,), one over the probability with which a gold row was chosen, the
    correction is the ratio estimator of Hájek (1971), and the population's mean prediction is that of all rows.
    """
    n = len(gold)
    if not len(rest):
        power = 0.0
    if weights is None:
        shares, population = np.full(n, 1 / n), rest
    else:
        shares, population = weights / weights.sum(), np.concatenate([predicted, rest])
    size = 1 / float((shares**2).sum())
    if power is None:
        power = _best_power(gold, predicted, population, shares, size)
    mean = population.mean(axis=0) if len(population) else np.zeros(gold.shape[1])
    error = gold - power * predicted
    value = power * mean + shares @ error
    spread = (shares**2) @ (error - shares @ error) ** 2
    # A sample without an error proves no classifier faultless: at least as if one more row had been wrong.
    spread = np.maximum(spread, 1 / ((size + 2) * size))
    if power > 0:
        spread = spread + power**2 * population.var(axis=0) / len(population)
    half = _student(size - 1) * np.sqrt(spread)
    return _bounded(value, value - half, value + half, power=power)


def _best_power(
    gold: FloatArray, predicted: FloatArray, population: FloatArray, shares: FloatArray, size: float
) -> float:
    """The power of least summed variance over the labels, in [0, 1] (PPI++, equation 6)."""
    centred = predicted - shares @ predicted
    shared = float((shares @ (centred * (gold - shares @ gold))).sum())
    everything = np.concatenate([predicted, population])
    spread = float(everything.var(axis=0, ddof=1).sum())
    if spread == 0:
        return 0.0
    return float(np.clip(shared / ((1 + size / len(population)) * spread), 0.0, 1.0))


def adjusted_count(
    predicted: NDArray[np.int_],
    gold: NDArray[np.int_],
    gold_predicted: NDArray[np.int_],
    *,
    labels: int,
    weights: FloatArray | None = None,
    seed: int,
) -> Shares | None:
    """Counted predictions with the confusion of the gold rows taken out; None where it cannot be inverted.

    `predicted` (N,) are the population's labels, `gold` and `gold_predicted` (n,) those of the gold rows.
    Intervals are percentiles over random weights of the gold rows (Bayesian bootstrap, Rubin 1981) and draws of
    the population's counts. None if a label has no gold row, or the confusion hardly tells two labels apart.
    """
    if len(np.unique(gold)) < labels:
        return None
    base = np.ones(len(gold)) if weights is None else weights
    cells = gold * labels + gold_predicted
    confusion = _confusions(np.bincount(cells, base, minlength=labels**2).astype(float), labels)[0]
    if np.linalg.cond(confusion) > WORST_CONDITION:
        return None
    counts = np.bincount(predicted, minlength=labels)
    value = np.linalg.solve(confusion.T, counts / counts.sum())
    draw = rng(seed, "adjusted count")
    drawn = _drawn_cells(cells, base, labels, draw)
    population = draw.multinomial(int(counts.sum()), counts / counts.sum(), size=DRAWS) / counts.sum()
    confusions = _confusions(drawn, labels)
    kept = abs(np.linalg.det(confusions)) > 1e-6
    resampled = np.linalg.solve(confusions[kept].transpose(0, 2, 1), population[kept][..., None])[..., 0]
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    return _bounded(value, low, high)


def _drawn_cells(cells: NDArray[np.int_], base: FloatArray, labels: int, draw: np.random.Generator) -> FloatArray:
    """Weighted counts of the confusion's cells under random weights of the rows: (DRAWS, labels²)."""
    onehot = np.eye(labels**2)[cells] * base[:, None]
    step = max(1, 4_000_000 // max(len(cells), 1))
    parts = [draw.standard_exponential((min(step, DRAWS - at), len(cells))) @ onehot for at in range(0, DRAWS, step)]
    return np.concatenate(parts)


def _confusions(cells: FloatArray, labels: int) -> FloatArray:
    """P(predicted | gold) from counts of cells (..., labels²): (..., labels, labels)."""
    counts = cells.reshape(-1, labels, labels)
    return np.asarray(counts / counts.sum(axis=-1, keepdims=True))


def to_simplex(values: FloatArray) -> FloatArray:
    """The nearest point whose parts are at least 0 and sum to 1 (Duchi, Shalev-Shwartz, Singer & Chandra 2008).

    >>> to_simplex(np.array([0.7, 0.5, -0.2])).round(2).tolist()
    [0.6, 0.4, 0.0]
    """
    ordered = np.sort(values)[::-1]
    excess = (np.cumsum(ordered) - 1) / np.arange(1, len(values) + 1)
    last = int(np.flatnonzero(ordered > excess)[-1])
    return np.asarray(np.maximum(values - excess[last], 0.0))


def _bounded(value: FloatArray, low: FloatArray, high: FloatArray, *, power: float = float("nan")) -> Shares:
    """The estimate on the simplex, its interval cut to [0, 1] and made to hold the estimate."""
    inside = to_simplex(value)
    return Shares(
        value=inside,
        low=np.minimum(np.clip(low, 0.0, 1.0), inside),
        high=np.maximum(np.clip(high, 0.0, 1.0), inside),
        projected=bool(np.abs(inside - value).max() > 1e-9),
        power=power,
    )


def _student(freedom: float) -> float:
    """The 97.5% point of Student's t; the normal's for many."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975)) if freedom < 1e6 else Z95
