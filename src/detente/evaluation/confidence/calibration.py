"""Whether probabilities mean what they say: reliability diagrams, calibration errors, the Brier score, advice.

Every bin holds the same number of rows (Nixon et al. 2019). What stands in `metrics.json` under `calibration`
is `{split: {task: Calibration}}`.
"""

from collections.abc import Callable, Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.evaluation.confidence.proportions import Z95, Estimate, clopper_pearson, wilson
from detente.evaluation.metrics import IntArray
from detente.evaluation.scoring import check_proba
from detente.seeds import rng
from detente.tasks import Task

BINS = 10
DRAWS = 2000
# A language with fewer rows gets no reliability diagram of its own: ten bins of five rows say nothing.
MIN_ROWS = 50
_CHUNK = 64


class Bin(TypedDict):
    """Rows of similar probability, `low` to `high`: their mean probability, the share that came true, its interval.

    `share_low` and `share_high` are Wilson's 95% interval of `share`.
    """

    low: float
    high: float
    n: int
    mean: float
    share: float
    share_low: float
    share_high: float


class Brier(TypedDict):
    """Mean squared error over all labels (0 best, 2 worst) and its parts (Murphy 1973), summed over labels.

    value = reliability - resolution + uncertainty + within_bins; the last is what binning blurs
    (Stephenson, Coelho & Jolliffe 2008). Lower reliability and higher resolution are better.
    """

    value: float
    low: float
    high: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float


class LabelCalibration(TypedDict):
    """Of the probability of one label: its calibration error and its reliability diagram."""

    ece: float
    bins: list[Bin]


class PartCalibration(TypedDict):
    """Of the confidence (probability of the predicted label) on `n` rows.

    `gap` is mean confidence less accuracy: above zero the classifier is surer than right. `ece_if_calibrated`
    is what the ECE of a perfectly calibrated classifier stays under in 95 of 100 samples of this size: an ECE
    below it is no evidence of a fault.
    """

    n: int
    confidence: float
    accuracy: float
    gap: Estimate
    ece: Estimate
    ece_if_calibrated: float
    bins: list[Bin]


class Calibration(PartCalibration):
    """Of one task. `classwise_ece` is the mean over labels of the ECE of that label's probability.

    `by_lang` holds languages of at least `MIN_ROWS` rows; `advice` are sentences for the user, none if all is well.
    """

    classwise_ece: float
    brier: Brier
    labels: dict[str, LabelCalibration]
    by_lang: dict[str, PartCalibration]
    advice: list[str]


def calibration(
    task: Task, gold: IntArray, proba: FloatArray, *, languages: Sequence[str] = (), seed: int
) -> Calibration:
    """Calibration of `proba` (n, labels) against `gold` (n,), positions in the task's labels.

    `languages` gives each row's language, or nothing. Raises InputError if a row is no probability.
    """
    check_proba(task, proba)
    confidence, right = proba.max(axis=1), (proba.argmax(axis=1) == gold).astype(float)
    whole = _part(confidence, right, seed=seed)
    truth = np.eye(len(task.labels))[gold]
    labels = {label: _of_label(proba[:, k], truth[:, k]) for k, label in enumerate(task.labels)}
    by_lang = {}
    named = np.array(list(languages) or [""] * len(gold))
    for lang in sorted(set(named.tolist()) - {""}):
        rows = named == lang
        if MIN_ROWS <= rows.sum() < len(gold):
            by_lang[lang] = _part(confidence[rows], right[rows], seed=seed)
    return Calibration(
        **whole,
        classwise_ece=float(np.mean([of["ece"] for of in labels.values()])),
        brier=_brier(proba, truth),
        labels=labels,
        by_lang=by_lang,
        advice=_advice(task, whole, by_lang),
    )


def equal_mass(scores: FloatArray, bins: int = BINS) -> list[NDArray[np.intp]]:
    """Rows in order of their score, cut into up to `bins` parts of equal size (within one row)."""
    order = np.argsort(scores, kind="stable")
    return [part for part in np.array_split(order, bins) if len(part)]


def _part(confidence: FloatArray, right: FloatArray, *, seed: int) -> PartCalibration:
    parts = equal_mass(confidence)
    excess = confidence - right
    return PartCalibration(
        n=len(right),
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        gap=mean_interval(excess, least=-1.0, most=1.0),
        ece=_ece_interval(excess, parts, seed=seed),
        ece_if_calibrated=_ece_if_calibrated(confidence, parts, seed=seed),
        bins=_bins(confidence, right, parts),
    )


def _of_label(proba: FloatArray, truth: FloatArray) -> LabelCalibration:
    parts = equal_mass(proba)
    return LabelCalibration(ece=_ece(proba - truth, parts), bins=_bins(proba, truth, parts))


def _bins(scores: FloatArray, truth: FloatArray, parts: Sequence[NDArray[np.intp]]) -> list[Bin]:
    found = []
    for rows in parts:
        low, high = wilson(int(truth[rows].sum()), len(rows))
        found.append(
            Bin(
                low=float(scores[rows].min()),
                high=float(scores[rows].max()),
                n=len(rows),
                mean=float(scores[rows].mean()),
                share=float(truth[rows].mean()),
                share_low=low,
                share_high=high,
            )
        )
    return found


def _ece(excess: FloatArray, parts: Sequence[NDArray[np.intp]]) -> float:
    return float(sum(abs(excess[rows].sum()) for rows in parts) / len(excess))


def _ece_interval(excess: FloatArray, parts: Sequence[NDArray[np.intp]], *, seed: int) -> Estimate:
    """The ECE with its 95% interval, bins held fixed.

    The ECE of a sample lies above that of the population, the more so the better the calibration, so that
    percentiles of resamples miss. The interval is the inversion of a test instead: the bins' gaps, all scaled
    by s, are those of a population with an ECE of s times the sample's; the interval holds every such ECE
    under which the sample's would not be in the upper or lower 2.5%. Gaps of a sample of n rows are drawn by
    their normal limit, so any number of rows costs the same.
    """
    n = len(excess)
    found = _ece(excess, parts)
    if n < 2 or found < 1e-12:
        return Estimate(value=found, low=0.0, high=clopper_pearson(0, n)[1])
    means = np.array([excess[rows].sum() / n for rows in parts])
    squares = np.array([(excess[rows] ** 2).sum() / n for rows in parts])
    covariance = (np.diag(squares) - np.outer(means, means)) / (n - 1)
    noise = rng(seed, "ece").multivariate_normal(np.zeros(len(means)), covariance, size=DRAWS, method="eigh")

    def above(scale: float) -> float:
        return float((abs(scale * means + noise).sum(axis=1) >= found).mean())

    low = _where(above, 0.025) if above(0.0) < 0.025 else 0.0
    # Bins that are off by chance alone make the scaled gaps look noisier than they are: the upper end is at least
    # that of the normal limit.
    normal = found + Z95 * float(abs(means + noise).sum(axis=1).std())
    return Estimate(value=found, low=low * found, high=min(max(_where(above, 0.975) * found, normal), 1.0))


def _where(rising: Callable[[float], float], level: float) -> float:
    """The scale in [0, 64] at which a rising function reaches `level`, by bisection."""
    low, high = 0.0, 64.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < level else (low, middle)
    return high


def _ece_if_calibrated(confidence: FloatArray, parts: Sequence[NDArray[np.intp]], *, seed: int) -> float:
    """The 95th percentile of the ECE were every row right with just its confidence (Bröcker & Smith 2007)."""
    generator = rng(seed, "ece if calibrated")
    sums = np.zeros(DRAWS)
    for rows in parts:
        if len(rows) > 1000:  # the sum's normal limit; below it the rows themselves are drawn
            spread = np.sqrt((confidence[rows] * (1 - confidence[rows])).sum())
            sums += abs(generator.normal(0.0, spread, DRAWS))
            continue
        for start in range(0, DRAWS, _CHUNK):
            draws = min(_CHUNK, DRAWS - start)
            right = generator.random((draws, len(rows))) < confidence[rows]
            sums[start : start + draws] += abs((confidence[rows] - right).sum(axis=1))
    return float(np.percentile(sums / len(confidence), 95))


def mean_interval(values: FloatArray, *, least: float, most: float) -> Estimate:
    """A mean with its 95% normal interval; of one value alone the whole range from `least` to `most`."""
    mean = float(values.mean())
    if len(values) < 2:
        return Estimate(value=mean, low=least, high=most)
    half = Z95 * float(values.std(ddof=1)) / len(values) ** 0.5
    return Estimate(value=mean, low=max(mean - half, least), high=min(mean + half, most))


def _brier(proba: FloatArray, truth: FloatArray) -> Brier:
    """Murphy's decomposition on equal-mass bins of each label's probability, summed over labels."""
    squared = ((proba - truth) ** 2).sum(axis=1)
    of = mean_interval(squared, least=0.0, most=2.0)
    reliability = resolution = uncertainty = 0.0
    for k in range(proba.shape[1]):
        share = truth[:, k].mean()
        uncertainty += float(share * (1 - share))
        for rows in equal_mass(proba[:, k]):
            weight = len(rows) / len(truth)
            reliability += float(weight * (proba[rows, k].mean() - truth[rows, k].mean()) ** 2)
            resolution += float(weight * (truth[rows, k].mean() - share) ** 2)
    return Brier(
        value=of["value"],
        low=of["low"],
        high=of["high"],
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within_bins=of["value"] - (reliability - resolution + uncertainty),
    )


def _advice(task: Task, whole: PartCalibration, by_lang: dict[str, PartCalibration]) -> list[str]:
    """A sentence for all rows and for each language whose gap is no accident, looking at all of them at once."""
    from scipy.stats import norm

    parts = {"all rows": whole} | by_lang
    wider = float(norm.ppf(1 - 0.025 / len(parts))) / Z95  # Bonferroni over the parts looked at
    found = []
    for name, of in parts.items():
        gap = of["gap"]["value"]
        half = (of["gap"]["high"] - gap) * wider
        if abs(gap) <= half:
            continue
        word = "surer than it is right" if gap > 0 else "righter than it is sure"
        remedy = "add labelled rows like these to dev and train again: the temperature is fitted there"
        found.append(
            f"{task.name}, {name}: {word} by {abs(gap):.3f} "
            f"({abs(gap) - half:.3f}–{abs(gap) + half:.3f}, n {of['n']}); {remedy}"
        )
    return found
