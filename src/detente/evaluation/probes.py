"""Behaviour probes (after CheckList, Ribeiro et al. 2020): suites of cases whose outcome the labelling guide fixes.

A case is one text or several, and what the model must do with them (`EXPECTATIONS` in `probes_suites`). Its
failure rate stands beside the scores: a model may score well and still not read "not".
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from detente.evaluation.scoring import Interval


class Rate(TypedDict):
    """Share of `n` cases that fail, with its 95% interval.

    Cases of one template are alike, so the interval is clustered by template (`clusters` of them).
    """

    n: int
    clusters: int
    failures: int
    rate: Interval


class Example(TypedDict):
    """A case that failed: its texts, the labels predicted for them, and what was expected, in words."""

    lang: str
    texts: list[str]
    predicted: list[str]
    expected: str


class SuiteScores(TypedDict):
    """How often a checkpoint fails one suite.

    `kind` is minimum functionality, invariance or directional. `by_lang` holds the rate of each language (a case
    whose texts are of several languages stands under them joined by +). `examples` are failures, the surest first.
    """

    task: str
    kind: str
    about: str
    all: Rate
    by_lang: dict[str, Rate]
    examples: list[Example]


# The section `probes` of metrics.json: suite name -> scores.
Probes = dict[str, SuiteScores]


def failure_rate(failed: Sequence[bool], clusters: Sequence[str]) -> Rate:
    """The failure rate with a Korn–Graubard interval.

    That is the exact binomial interval (Clopper & Pearson 1934) at the effective number of cases: n over the
    design effect of the clusters, corrected for their being few (Korn & Graubard 1998). Where all cases fail or
    none does, the design effect cannot be seen and every cluster counts as one case.
    """
    from scipy import stats

    n, names = len(failed), sorted(set(clusters))
    values, share = np.asarray(failed, dtype=float), float(np.mean(failed))
    low, high = 0.0, 1.0
    if len(names) > 1:
        effective = float(len(names))
        if 0 < share < 1:
            named = np.asarray(clusters)
            sums = np.array([(values[named == name] - share).sum() for name in names])
            variance = len(names) / (len(names) - 1) * float((sums**2).sum()) / n**2
            few = stats.t.ppf(0.975, n - 1) / stats.t.ppf(0.975, len(names) - 1)
            effective = min(n, share * (1 - share) / variance * few**2) if variance else float(n)
        hits = share * effective
        low = float(stats.beta.ppf(0.025, hits, effective - hits + 1)) if hits > 0 else 0.0
        high = float(stats.beta.ppf(0.975, hits + 1, effective - hits)) if hits < effective else 1.0
    return Rate(n=n, clusters=len(names), failures=int(values.sum()), rate=Interval(value=share, low=low, high=high))
