"""Do the intervals of shares hold the truth? Shares shifted away from training, error rates known, many repetitions.

    python benchmarks/prevalence.py [REPETITIONS]

A classifier of three labels, calibrated where the labels are even and about 74% right there, counts a population of
5,000 statements whose shares are others. Gold is a random sample of the population, or (`elsewhere`) a sample of
another population with even shares: then only the error rates are alike. Coverage is of 95% intervals, over all
labels; bias and half-width in points of a hundred.
"""

import sys
import time

import numpy as np

from detente.evaluation.shares.prevalence import Shares, adjusted_count, naive, prediction_powered

POPULATION = 5000
SHARES = {"even": (1 / 3, 1 / 3, 1 / 3), "shifted": (0.6, 0.3, 0.1), "rare": (0.05, 0.15, 0.8)}
SEPARATION = 2.0


def drawn(draw: np.random.Generator, shares, n: int):
    """(labels, probabilities, predicted) of n statements: normal scores, read by Bayes' rule for even shares."""
    labels = draw.choice(3, size=n, p=shares)
    scores = draw.normal(size=(n, 3))
    scores[np.arange(n), labels] += SEPARATION**0.5
    raised = np.exp(SEPARATION**0.5 * scores)
    proba = raised / raised.sum(axis=1, keepdims=True)
    return labels, proba, proba.argmax(axis=1)


def once(draw: np.random.Generator, shares, n_gold: int, elsewhere: bool, seed: int) -> dict[str, Shares | None]:
    labels, proba, predicted = drawn(draw, shares, POPULATION)
    if elsewhere:
        gold, _, gold_predicted = drawn(draw, SHARES["even"], n_gold)
        return {
            "naive": naive(predicted, 3),
            "adjusted count": adjusted_count(predicted, gold, gold_predicted, labels=3, seed=seed),
        }
    gold, rest = labels[:n_gold], proba[n_gold:]
    onehot = np.eye(3)
    return {
        "naive": naive(predicted, 3),
        "gold alone": prediction_powered(onehot[gold], proba[:n_gold], rest, power=0.0),
        "adjusted count": adjusted_count(predicted, gold, predicted[:n_gold], labels=3, seed=seed),
        "PPI": prediction_powered(onehot[gold], proba[:n_gold], rest, power=1.0),
        "PPI++": prediction_powered(onehot[gold], proba[:n_gold], rest),
        "PPI++, labels": prediction_powered(onehot[gold], onehot[predicted[:n_gold]], onehot[predicted[n_gold:]]),
    }


def row(truth: np.ndarray, found: list[Shares | None]) -> str:
    whole = [of for of in found if of is not None]
    covered = np.mean([(of.low <= truth) & (truth <= of.high) for of in whole])
    bias = np.abs(np.mean([of.value - truth for of in whole], axis=0)).max()
    half = np.mean([(of.high - of.low) / 2 for of in whole])
    none = f"  none in {len(found) - len(whole)}" if len(whole) < len(found) else ""
    return f"{covered:8.1%} {100 * bias:7.1f} {100 * half:7.1f}{none}"


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    started = time.process_time()
    print(f"{'shares':<9}{'gold':<16}{'method':<16}{'coverage':>8}{'bias':>8}{'half':>8}")
    for name, shares in SHARES.items():
        for n_gold, elsewhere in ((100, False), (300, False), (300, True)):
            draw = np.random.default_rng([n_gold, elsewhere])
            runs = [once(draw, shares, n_gold, elsewhere, seed) for seed in range(repetitions)]
            for method in runs[0]:
                where = f"{n_gold}{', elsewhere' if elsewhere else ''}"
                print(f"{name:<9}{where:<16}{method:<16}{row(np.array(shares), [r[method] for r in runs])}", flush=True)
    print(f"{repetitions} repetitions, {time.process_time() - started:.0f} CPU seconds")


if __name__ == "__main__":
    main()
