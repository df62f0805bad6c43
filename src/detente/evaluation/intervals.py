"""95% intervals by a smoothed percentile bootstrap over statements, or over clusters of them.

Units (statements, or all statements of one scenario or document) are drawn with replacement, as many as
there are. Counts of the confusion matrix have two pseudo-statements more to draw from, one right and one
wrong (after Agresti & Coull 1998), so that a perfect score on few rows does not look certain. Few units
widen the interval by Student's t (Hesterberg 2015). `docs/decisions/0009` tells why, with simulations.
"""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.evaluation.metrics import IntArray
from detente.seeds import rng

RESAMPLES = 2000
_QUANTILES = (2.5, 97.5)
_NORMAL = 1.959963984540054
_SCALES = np.linspace(0, 3, 31)
_BLOCK = 4_000_000  # random numbers held at once


class Interval(TypedDict):
    """A value with its 95% interval; `low` and `high` are null where the rows allow none."""

    value: float
    low: float | None
    high: float | None


def sum_by(clusters: IntArray, columns: NDArray[Any]) -> FloatArray:
    """Sums of `columns` (n, m) by cluster number 0 … g-1: (g, m)."""
    n_clusters = int(clusters.max()) + 1
    return np.stack([np.bincount(clusters, column, minlength=n_clusters) for column in columns.T], axis=1)


def numbered(names: Sequence[str]) -> IntArray:
    """Cluster numbers 0 … g-1 of cluster names, in the order they first appear."""
    seen: dict[str, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names], dtype=int)


def resample(
    units: FloatArray,
    *,
    seed: int,
    resamples: int = RESAMPLES,
    pseudo: FloatArray | None = None,
    extra: int = 0,
) -> FloatArray:
    """Sums of the columns of `units` (g, m) over g units drawn with replacement: (resamples, m).

    `extra` pseudo-units lie among those drawn from; each is a row of `pseudo` (p, m), any as likely as another. Equal
    units are drawn together, so that 100,000 rows of a confusion matrix take as long as 100.
    """
    draw = rng(seed, "bootstrap")
    g = len(units)
    kinds, copies = np.unique(units, axis=0, return_counts=True)
    if len(kinds) <= g / 4 or g < 100:
        shares = np.append(copies, extra) / (g + extra)
        times = draw.multinomial(g, shares, size=resamples)
        sums = times[:, :-1] @ kinds
        spare = times[:, -1]
    else:
        sums, spare = np.empty((resamples, units.shape[1])), np.empty(resamples, dtype=int)
        step = max(1, _BLOCK // g)
        for start in range(0, resamples, step):
            stop = min(start + step, resamples)
            drawn = np.minimum(draw.integers(0, g + extra, size=(stop - start, g)), g)
            drawn += np.arange(stop - start)[:, None] * (g + 1)
            times = np.bincount(drawn.ravel(), minlength=(stop - start) * (g + 1)).reshape(-1, g + 1)
            sums[start:stop] = times[:, :-1].astype(float) @ units
            spare[start:stop] = times[:, -1]
    if pseudo is None:
        return np.asarray(sums, dtype=float)
    return np.asarray(sums + draw.multinomial(spare, np.full(len(pseudo), 1 / len(pseudo))) @ pseudo)


def pseudo_units(counts: IntArray) -> FloatArray:
    """The forms of one pseudo-statement, as flat confusion counts (p, k*k), equally likely.

    Half of them lie on the diagonal, evenly, and half off it, over the labels that occur or are predicted.
    """
    present = np.flatnonzero((counts.sum(axis=0) + counts.sum(axis=1)) > 0)
    labels = present if len(present) > 1 else np.arange(len(counts))
    cells = [(i, j) for i in labels for j in labels for _ in range(len(labels) - 1 if i == j else 1)]
    forms = np.zeros((len(cells), *counts.shape))
    forms[np.arange(len(cells)), [i for i, _ in cells], [j for _, j in cells]] = 1
    return forms.reshape(len(cells), -1)


def widening(n_units: int) -> float:
    """By how much few units widen an interval: Student's t over z, and the bias of their variance; 1 for many."""
    from scipy.special import stdtrit

    if n_units < 2:
        return float("inf")
    return float(stdtrit(n_units - 1, 0.975) / _NORMAL * (n_units / (n_units - 1)) ** 0.5)


def interval(
    value: float, resampled: FloatArray, *, widen: float = 1.0, least: float = 0.0, most: float = 1.0
) -> Interval:
    """The middle 95% of the resamples about `value`, widened and kept within `least` and `most`."""
    if not np.isfinite(widen):
        return no_interval(value)
    low, high = np.percentile(resampled, _QUANTILES)
    low, high = value - widen * max(value - low, 0.0), value + widen * max(high - value, 0.0)
    return Interval(value=value, low=float(max(low, least)), high=float(min(high, most)))


def of_absolute_sum(gaps: FloatArray, resampled: FloatArray, *, widen: float = 1.0) -> Interval:
    """The interval of a sum of absolute `gaps` (m,), from resampled gaps (resamples, m).

    Chance alone makes such a sum positive, and a bootstrap adds to it once more. So the gaps are thought to
    be truly c times those seen, the resamples' errors about them: the interval holds the sums of all c for
    which the sum seen lies within the middle 95% of what would be seen (a test inverted, as for Neyman's intervals).
    """
    value = float(np.abs(gaps).sum())
    if not np.isfinite(widen):
        return no_interval(value)
    errors = widen * (resampled - gaps)
    seen = [np.percentile(np.abs(c * gaps + errors).sum(axis=1), _QUANTILES) for c in _SCALES]
    least, most = np.maximum.accumulate(np.array(seen), axis=0).T
    low, high = float(np.interp(value, most, _SCALES)), float(np.interp(value, least, _SCALES))
    return Interval(value=value, low=value * min(low, 1.0), high=value * max(high, 1.0))


def no_interval(value: float) -> Interval:
    """A value that the rows allow no interval for."""
    return Interval(value=value, low=None, high=None)
