"""A linear head on any feature matrix: fitting it, its logits, its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.errors import UsageError, did_you_mean

ALGORITHMS = ("logistic", "svm")
# What a label that train never shows gets as its logit: a probability that rounds to nothing.
_UNSEEN = -30.0
_CONSTANT = 1e-6


@dataclass(frozen=True)
class Head:
    """Weights (labels, features) and intercepts (labels,) in float32."""

    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def logits(self, features: Any) -> FloatArray:
        """(n, labels) for features (n, d), dense or sparse."""
        return np.asarray(features @ self.weights.T, dtype=np.float64) + self.intercepts


def fit_head(
    features: Any,
    labels: Sequence[int],
    *,
    n_labels: int,
    c: float,
    algorithm: str = "logistic",
    balanced: bool = False,
    standardise: bool = False,
    seed: int = 0,
) -> Head:
    """Multinomial logistic regression, or a linear SVM one against the rest, of inverse regularisation `c`.

    `standardise` fits on (dense) features of mean 0 and variance 1; the head takes them as they come.

    The decision values of an SVM are used as logits; the checkpoint's temperature makes them probabilities.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weight = "balanced" if balanced else None
    if algorithm == "svm":
        model = LinearSVC(C=c, class_weight=weight, random_state=seed)
    elif algorithm == "logistic":
        model = LogisticRegression(C=c, class_weight=weight, max_iter=500, random_state=seed)
    else:
        raise UsageError(f'model.algorithm is "{algorithm}"; {did_you_mean(algorithm, ALGORITHMS)}')
    mean, scale = _moments(features) if standardise else (0.0, 1.0)
    model.fit((features - mean) / scale if standardise else features, np.asarray(labels))
    coef = model.coef_ / scale
    intercept = np.atleast_1d(model.intercept_) - (coef @ mean if standardise else 0.0)
    if coef.shape[0] == 1:  # two classes: scikit-learn keeps one row, for the second
        coef, intercept = np.vstack([-coef, coef]) / 2, np.array([-intercept[0], intercept[0]]) / 2
    weights = np.zeros((n_labels, coef.shape[1]), dtype=np.float32)
    intercepts = np.full(n_labels, _UNSEEN, dtype=np.float32)
    weights[model.classes_], intercepts[model.classes_] = coef, intercept
    return Head(weights, intercepts)


def _moments(features: Any) -> tuple[Any, Any]:
    """Mean and standard deviation of each column, 1 for a column that does not vary."""
    scale = features.std(axis=0)
    return features.mean(axis=0), np.where(scale > _CONSTANT, scale, 1.0).astype(np.float32)


def save_head(head: Head, path: Path) -> None:
    """Write as safetensors."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({"weights": head.weights, "intercepts": head.intercepts}, path)


def load_head(path: Path) -> Head:
    """Read what `save_head` wrote."""
    from safetensors.numpy import load_file

    tensors = load_file(path)
    return Head(tensors["weights"], tensors["intercepts"])
