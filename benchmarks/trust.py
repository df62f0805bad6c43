"""Do calibration intervals hold the truth, and thresholds their promise? Classifiers of known error, many samples.

    python benchmarks/trust.py [REPETITIONS]

First the 95% interval of the expected calibration error, beside percentiles of resampled rows; then how often a threshold
fitted on n rows breaks its promise (which may be 5% of the time), and how often one was found.
"""

import sys
import time

import numpy as np

from detente.evaluation.confidence.abstention import RATES, fit_thresholds
from detente.evaluation.confidence.calibration import calibration, equal_mass
from detente.tasks import Task

TASK = Task(name="stance", labels=("a", "b", "c"))
# Probability of being right at a confidence.
KINDS = {
    "calibrated": lambda c: c,
    "surer by 0.05": lambda c: c - 0.05,
    "too sharp": lambda c: 1 / 3 + 0.8 * (c - 1 / 3),
    "waves": lambda c: np.clip(c + 0.1 * np.sin(8 * c), 0, 1),
}
DRAWS = 300


def confident(draw: np.random.Generator, n: int) -> np.ndarray:
    return 0.4 + 0.6 * draw.beta(2, 1, n)


def sample(draw: np.random.Generator, n: int, right_at):
    """(gold, probabilities): the first label is the likeliest and right as often as `right_at` says."""
    sure = confident(draw, n)
    proba = np.stack([sure, (1 - sure) * 0.6, (1 - sure) * 0.4], axis=1)
    return np.where(draw.random(n) < right_at(sure), 0, 1), proba


def percentiles(draw: np.random.Generator, gold, proba) -> tuple[float, float]:
    """The plain bootstrap of rows, for comparison."""
    excess, n = proba.max(axis=1) - (gold == 0), len(gold)
    errors = []
    for _ in range(DRAWS):
        rows = draw.integers(0, n, n)
        errors.append(sum(abs(excess[rows][part].sum()) for part in equal_mass(proba[rows, 0])) / n)
    return tuple(np.percentile(errors, [2.5, 97.5]))


def calibration_errors(repetitions: int) -> None:
    print(f"{'classifier':<15}{'n':>5}{'ECE':>7}{'interval':>10}{'percentiles':>13}")
    for name, right_at in KINDS.items():
        draw = np.random.default_rng(1)
        many = confident(draw, 2_000_000)
        truth = sum(abs((many - right_at(many))[part].sum()) for part in equal_mass(many)) / len(many)
        for n in (200, 1000):
            held = plain = 0
            for seed in range(repetitions):
                gold, proba = sample(draw, n, right_at)
                of = calibration(TASK, gold, proba, seed=seed)["ece"]
                held += of["low"] <= truth + 1e-9 and truth <= of["high"]
                low, high = percentiles(draw, gold, proba)
                plain += low <= truth + 1e-9 and truth <= high
            print(f"{name:<15}{n:>5}{truth:7.3f}{held / repetitions:10.1%}{plain / repetitions:13.1%}", flush=True)


def promises(repetitions: int) -> None:
    print(f"\n{'classifier':<15}{'n':>5}" + "".join(f"{f'rate {rate:g}':>16}" for rate in RATES))
    for name, right_at in KINDS.items():
        many = np.sort(confident(np.random.default_rng(2), 1_000_000))
        risk_above = np.cumsum((1 - right_at(many))[::-1])[::-1] / np.arange(len(many), 0, -1)
        for n in (300, 1000):
            draw = np.random.default_rng(3)
            broken, found = dict.fromkeys(RATES, 0), dict.fromkeys(RATES, 0)
            for _ in range(repetitions):
                for entry in fit_thresholds(*sample(draw, n, right_at))["rates"]:
                    if entry["threshold"] is not None:
                        found[entry["rate"]] += 1
                        at = min(np.searchsorted(many, entry["threshold"]), len(many) - 1)
                        broken[entry["rate"]] += risk_above[at] > entry["rate"]
            cells = (f"{broken[r] / repetitions:6.1%} of {found[r] / repetitions:4.0%}" for r in RATES)
            print(f"{name:<15}{n:>5}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    started = time.process_time()
    calibration_errors(repetitions)
    promises(repetitions)
    print(f"{repetitions} repetitions, {time.process_time() - started:.0f} CPU seconds")


if __name__ == "__main__":
    main()
