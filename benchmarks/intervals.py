"""Do the intervals cover, and do the tests keep their promise? Simulations where the truth is known.

    python benchmarks/intervals.py [REPETITIONS]

Coverage of 95% intervals over several class balances, accuracies and sizes, statements alone and in clusters;
false positives of the paired tests and of the slices; power at the number of statements that `compare` asks for.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from detente.evaluation import intervals, metrics, paired, scoring, slices
from detente.tasks import Task

BALANCES = {"even": (1 / 3, 1 / 3, 1 / 3), "60/30/10": (0.6, 0.3, 0.1), "80/15/5": (0.8, 0.15, 0.05), "two": (0.5, 0.5)}
ACCURACIES = (0.6, 0.75, 0.9)
MEASURES = ("accuracy", "macro_f1", "f_avg", "mcc")
Generator = np.random.Generator


def task_of(k: int) -> Task:
    labels = tuple("abc"[:k])
    return Task(name="simulated", labels=labels, polar=labels[:2])


def truth_of(shares: Sequence[float], accuracy: float) -> np.ndarray:
    """The population's confusion matrix: errors fall evenly on the other labels."""
    k = len(shares)
    rows = np.full((k, k), (1 - accuracy) / (k - 1))
    np.fill_diagonal(rows, accuracy)
    return rows * np.array(shares)[:, None]


def draw(rng: Generator, shares: Sequence[float], accuracy: float, n: int, size: int) -> tuple[np.ndarray, ...]:
    """(gold, predicted, cluster) of n statements in clusters of `size`.

    The rate of hits varies between clusters (a beta variable of that mean; correlation 1/5 within), and so does the label.
    """
    k, clusters = len(shares), np.arange(n) // size
    rate = rng.beta(accuracy * 4, (1 - accuracy) * 4, n)[clusters] if size > 1 else np.full(n, accuracy)
    gold = rng.choice(k, size=n, p=shares)
    hit = rng.random(n) < rate
    return gold, np.where(hit, gold, (gold + rng.integers(1, k, n)) % k), clusters


def coverage(
    rng: Generator, shares: Sequence[float], accuracy: float, n: int, repetitions: int, size: int = 1
) -> dict[str, float]:
    """Share of intervals that hold the truth, by measure."""
    task = task_of(len(shares))
    truth = {name: float(value) for name, value in metrics.points(task, truth_of(shares, accuracy)).items()}
    held = dict.fromkeys(MEASURES, 0)
    for repetition in range(repetitions):
        gold, predicted, clusters = draw(rng, shares, accuracy, n, size)
        drawn = scoring.resampled_counts(task, gold, predicted, clusters, seed=repetition, resamples=500)
        counts = metrics.confusion(gold, predicted, len(shares))
        found = scoring.of_counts(task, counts, drawn, n // size)
        for name in MEASURES:
            low, high = found[name]["low"], found[name]["high"]
            held[name] += low is not None and low <= truth[name] <= high
    return {name: count / repetitions for name, count in held.items()}


def calibration_coverage(rng: Generator, sharpness: float, n: int, repetitions: int) -> tuple[float, float]:
    """Coverage of ECE and log-loss where probabilities are raised to `sharpness`; 1 is calibrated.

    The truth of the ECE is that of the bins of the sample: the mean gap in each over a large population.
    """
    task = task_of(3)

    def sample(size: int) -> tuple[np.ndarray, np.ndarray]:
        true = rng.dirichlet([0.8] * 3, size=size)
        gold = (rng.random(size)[:, None] > true.cumsum(axis=1)).sum(axis=1).clip(max=2)
        shown = true**sharpness
        return gold, shown / shown.sum(axis=1, keepdims=True)

    big_gold, big = sample(200_000)
    confidence, right = big.max(axis=1), big.argmax(axis=1) == big_gold
    loss = metrics.log_loss(big_gold, big)
    order = np.argsort(confidence)
    sums, ranked = np.append(0, np.cumsum((right - confidence)[order])), confidence[order]
    held = [0, 0]
    for repetition in range(repetitions):
        gold, proba = sample(n)
        edges = [part[-1] for part in np.array_split(np.sort(proba.max(axis=1)), metrics.BINS)][:-1]
        cuts = np.concatenate([[0], np.searchsorted(ranked, edges), [len(ranked)]])
        truth = np.abs(np.diff(sums[cuts])).sum() / len(ranked)
        found = scoring.score(task, gold, proba, seed=repetition, resamples=500)
        for i, (name, value) in enumerate((("ece", truth), ("log_loss", loss))):
            held[i] += found[name]["low"] <= value <= found[name]["high"]
    return held[0] / repetitions, held[1] / repetitions


def two_runs(
    rng: Generator, shares: Sequence[float], rates: tuple[float, float], n: int, size: int, alike: float = 0.6
) -> tuple[np.ndarray, ...]:
    """(gold, one, other, cluster): two runs of these accuracies that share the `alike` part of their luck."""
    gold, _, clusters = draw(rng, shares, rates[0], n, size)
    k = len(shares)
    hardness = rng.random(n)
    if size > 1:
        hardness = np.where(rng.random(n) < 0.5, rng.random(n)[clusters], hardness)
    wrong = (gold + rng.integers(1, k, n)) % k
    runs = []
    for rate in rates:
        own = np.where(rng.random(n) < alike, hardness, rng.random(n))
        runs.append(np.where(own < rate, gold, wrong))
    return gold, runs[0], runs[1], clusters


def false_positives(
    rng: Generator, shares: Sequence[float], accuracy: float, n: int, size: int, repetitions: int
) -> tuple[float, float, float]:
    """Shares of p below 0.05 between equals (randomisation, McNemar), and of intervals that hold zero."""
    task, found = task_of(len(shares)), np.zeros(3)
    for repetition in range(repetitions):
        gold, one, other, clusters = two_runs(rng, shares, (accuracy, accuracy), n, size)
        one, other = (paired.Entrant(name=name, predicted=[p]) for name, p in (("one", one), ("other", other)))
        pair = paired.compare_pair(task, gold, one, other, clusters, seed=repetition, rounds=1000)
        found += pair["p"] < 0.05, pair["mcnemar"]["p"] < 0.05, pair["macro_f1"]["low"] <= 0 <= pair["macro_f1"]["high"]
    return tuple(found / repetitions)


def power(rng: Generator, rates: tuple[float, float], repetitions: int) -> tuple[int, float]:
    """(statements asked for, share of experiments of that size that tell the runs apart)."""
    shares, task, pilot = BALANCES["even"], task_of(3), 20_000
    gold, one, other, clusters = two_runs(rng, shares, rates, pilot, 1)
    drawn = paired.resampled_runs(task, gold, [one, other], clusters, seed=1)
    gap = metrics.macro_f1(drawn)
    error = float((gap[:, 1] - gap[:, 0]).std()) * (pilot / 100) ** 0.5
    needed = 100 + (paired.more_needed(rates[1] - rates[0], error, 0.0, 100) or 0)
    told = 0
    for repetition in range(repetitions):
        gold, one, other, clusters = two_runs(rng, shares, rates, needed, 1)
        told += paired.randomisation(task, gold, one, other, clusters, seed=repetition, rounds=1000) < 0.05
    return needed, told / repetitions


def slice_alarms(rng: Generator, n: int, size: int, repetitions: int) -> float:
    """Share of evaluations in which any of 30 slices that mean nothing is called worse or better."""
    alarms = 0
    for _ in range(repetitions):
        gold, predicted, clusters = draw(rng, BALANCES["even"], 0.75, n, size)
        p_values = []
        for _column in range(6):
            value = rng.choice(5, size=n, p=(0.4, 0.3, 0.15, 0.1, 0.05))[clusters]
            tested = [v for v in range(5) if (value == v).sum() >= 30]
            p_values += [slices.difference_of_shares(gold == predicted, value == v, clusters)[1] for v in tested]
        alarms += min(slices.holm(p_values)) < 0.05
    return alarms / repetitions


def _coverage_lines(rng: Generator, repetitions: int) -> Iterator[str]:
    yield f"coverage of 95% intervals, {repetitions:,} repetitions each"
    yield f"{'n':>5} {'clusters':>8} {'balance':>9} {'accuracy':>8}   " + "  ".join(f"{m:>8}" for m in MEASURES)
    settings = [(n, 1, b, a) for n in (200, 1000) for b in BALANCES for a in ACCURACIES]
    settings += [(200, 20, "even", 0.75)] + [(n, 5, b, 0.75) for n in (200, 1000) for b in ("even", "60/30/10")]
    for n, size, balance, accuracy in settings:
        found = coverage(rng, BALANCES[balance], accuracy, n, repetitions, size)
        cells = "  ".join(f"{found[m]:8.3f}" for m in MEASURES)
        yield f"{n:>5} {n // size:>8} {balance:>9} {accuracy:>8}   {cells}"


def _other_lines(rng: Generator, repetitions: int) -> Iterator[str]:
    yield "coverage of ECE and log-loss (even balance)"
    for n, count in ((200, repetitions), (1000, repetitions // 5)):
        for sharpness, what in ((1.0, "calibrated"), (2.0, "overconfident")):
            ece, loss = calibration_coverage(rng, sharpness, n, count)
            yield f"{n:>5} {what:<14} ECE {ece:.3f}  log-loss {loss:.3f}"
    yield "two equal runs: p < 0.05 by randomisation, by McNemar; interval of the difference holds 0"
    for n, size, balance, accuracy in (
        (200, 1, "even", 0.7), (200, 1, "80/15/5", 0.9), (1000, 1, "60/30/10", 0.75), (600, 5, "even", 0.7)
    ):  # fmt: skip
        found = false_positives(rng, BALANCES[balance], accuracy, n, size, repetitions)
        yield f"{n:>5} in {n // size:>4} clusters, {balance:>8}: {found[0]:.3f}  {found[1]:.3f}  {found[2]:.3f}"
    needed, told = power(rng, (0.70, 0.76), repetitions // 2)
    yield f"power at the {needed} statements asked for at 80% (accuracies 0.70 and 0.76): {told:.3f}"
    for n, size in ((1000, 1), (1000, 5)):
        yield f"any of 30 meaningless slices flagged, {n} in {n // size} clusters: {slice_alarms(rng, n, size, repetitions):.3f}"


def main(say: Callable[[str], None] = print) -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    started, rng = time.process_time(), intervals.rng(1, "simulation")
    for lines in (_coverage_lines(rng, repetitions), _other_lines(rng, repetitions)):
        for line in lines:
            say(line)
        say(f"({time.process_time() - started:.0f} s of CPU so far)")


if __name__ == "__main__":
    main()
