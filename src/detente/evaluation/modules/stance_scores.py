"""Accuracy, macro-F1, F_avg, MCC and F1 by label, as one module of the `evaluate` library."""

from typing import Any

import datasets
import evaluate
import numpy as np

from detente.evaluation.metrics import confusion, f1_by_label, macro_f1, mcc

_DESCRIPTION = "Scores of a single-label classification over labels 0 … n_labels-1."
_INPUTS = (
    "predictions, references: label numbers; n_labels; polar: the labels whose F1 scores make F_avg (all if empty)."
)
_CITATION = "F_avg: Mohammad et al. (2016), SemEval-2016 task 6. MCC: Gorodkin (2004)."


class StanceScores(evaluate.Metric):  # type: ignore[misc]
    """See the module's description."""

    def _info(self) -> evaluate.MetricInfo:
        features = datasets.Features({"predictions": datasets.Value("int64"), "references": datasets.Value("int64")})
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=features,
        )

    def _compute(
        self, predictions: Any, references: Any, n_labels: int, polar: list[int] | None = None
    ) -> dict[str, Any]:
        counts = confusion(np.asarray(references), np.asarray(predictions), n_labels)
        f1 = f1_by_label(counts)
        return {
            "accuracy": float(np.trace(counts) / max(counts.sum(), 1)),
            "macro_f1": float(macro_f1(counts)),
            "f_avg": float(f1[polar or list(range(n_labels))].mean()),
            "mcc": float(mcc(counts)),
            "f1": f1.tolist(),
        }
