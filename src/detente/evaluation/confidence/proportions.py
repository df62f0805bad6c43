"""Intervals of a share: Wilson's for looking at, Clopper and Pearson's where a promise rests on it."""

from typing import TypedDict

Z95 = 1.959963984540054


class Estimate(TypedDict):
    """A value with its 95% interval, which always exists, if only as the whole range."""

    value: float
    low: float
    high: float


def wilson(hits: int, n: int, *, z: float = Z95) -> tuple[float, float]:
    """Wilson's (1927) interval of hits / n; (0, 1) for no rows.

    >>> [round(x, 3) for x in wilson(8, 10)]
    [0.49, 0.943]
    """
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5 / (1 + z * z / n)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def clopper_pearson(hits: int, n: int, *, error: float = 0.05) -> tuple[float, float]:
    """The exact two-sided interval of Clopper & Pearson (1934), covering with at least 1 - error; (0, 1) for no rows.

    >>> [round(x, 3) for x in clopper_pearson(8, 10)]
    [0.444, 0.975]
    """
    from scipy.stats import beta

    low = float(beta.ppf(error / 2, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - error / 2, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def share(hits: int, n: int) -> Estimate:
    """The share hits / n with Wilson's 95% interval; n is at least 1."""
    low, high = wilson(hits, n)
    return Estimate(value=hits / n, low=low, high=high)


def exact_share(hits: int, n: int) -> Estimate:
    """The share hits / n with the exact 95% interval; n is at least 1."""
    low, high = clopper_pearson(hits, n)
    return Estimate(value=hits / n, low=low, high=high)
