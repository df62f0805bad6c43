"""The error of a mean over runs: what the choice of statements and what the seeds leave to chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from detente.arrays import FloatArray
from detente.evaluation.intervals import Interval, no_interval


class OverSeeds(TypedDict):
    """Macro-F1 over the runs of one configuration: mean, standard deviation, extremes.

    `training` is Student's interval of the mean over seeds on these very statements (what training leaves
    to chance); `both` adds the chance in the choice of statements.
    """

    seeds: list[int]
    mean: float
    sd: float
    least: float
    most: float
    training: Interval
    both: Interval


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The error of a mean over runs, or of a difference of two: over statements and over seeds.

    `statements` is the standard error over `units` of them; `sds` holds (standard deviation over seeds,
    number of seeds) of each side that has several runs. The chance in a single run's training is not known.
    """

    statements: float
    units: int
    sds: tuple[tuple[float, int], ...] = ()

    @property
    def seeds(self) -> float:
        """The part of the standard error that seeds bring."""
        return math.sqrt(sum(sd**2 / n for sd, n in self.sds))

    @property
    def total(self) -> float:
        """The whole standard error."""
        return math.hypot(self.statements, self.seeds)

    @property
    def freedom(self) -> float:
        """Degrees of freedom after Welch and Satterthwaite."""
        parts = [(self.statements**2, self.units - 1)] + [(sd**2 / n, n - 1) for sd, n in self.sds]
        below = sum(variance**2 / df for variance, df in parts if variance > 0)
        return self.total**4 / below if below > 0 else float(self.units - 1)

    def interval(self, value: float, *, least: float = -1.0) -> Interval:
        """Student's 95% interval about `value`."""
        from scipy.special import stdtrit

        if self.units < 2:
            return no_interval(value)
        reach = float(stdtrit(self.freedom, 0.975)) * self.total
        return Interval(value=value, low=max(value - reach, least), high=min(value + reach, 1.0))

    def p(self, value: float) -> float:
        """Two-sided p of a true value of zero."""
        from scipy.special import stdtr

        if self.units < 2 or self.total == 0:
            return 1.0
        return float(2 * stdtr(self.freedom, -abs(value) / self.total))


def over_seeds(values: Sequence[float], seeds: Sequence[int], resampled: FloatArray, *, units: int) -> OverSeeds:
    """Of the macro-F1 of each run, at least two; `resampled` (resamples,) is their mean over bootstrap samples."""
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    parts = ((sd, len(values)),)
    return OverSeeds(
        seeds=list(seeds),
        mean=mean,
        sd=sd,
        least=min(values),
        most=max(values),
        training=Spread(statements=0.0, units=units, sds=parts).interval(mean, least=0.0),
        both=Spread(statements=float(resampled.std()), units=units, sds=parts).interval(mean, least=0.0),
    )
