"""Temperature scaling (Guo et al. 2017): one number a task, fitted on dev, that makes confidence mean what it says."""

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray, softmax

_FLOOR = 1e-12
# With fewer dev rows than this, a fitted temperature is more noise than help.
MIN_ROWS = 20


def fit_temperature(gold: NDArray[np.int_], proba: FloatArray) -> float:
    """The temperature in [0.1, 10] that minimises log-loss; 1 for too few rows.

    It changes no label: the order of the labels of a row stays.
    """
    if len(gold) < MIN_ROWS:
        return 1.0
    from scipy.optimize import minimize_scalar

    logits = np.log(np.clip(proba, _FLOOR, 1.0))

    def loss(log_t: float) -> float:
        scaled = softmax(logits / np.exp(log_t))
        return float(-np.log(np.clip(scaled[np.arange(len(gold)), gold], _FLOOR, 1.0)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.1), np.log(10.0)), method="bounded")
    return float(np.exp(found.x))


def apply_temperature(proba: FloatArray, temperature: float) -> FloatArray:
    """Probabilities (n, labels) at another temperature."""
    return softmax(np.log(np.clip(proba, _FLOOR, 1.0)) / temperature)
