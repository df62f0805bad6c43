"""Expected calibration error and log-loss, as one module of the `evaluate` library."""

from typing import Any

import datasets
import evaluate
import numpy as np

from detente.evaluation.metrics import ece, log_loss

_DESCRIPTION = "How far probabilities can be taken at their word; lower is better for both."
_INPUTS = "predictions: one list of probabilities a row; references: label numbers."
_CITATION = "ECE over bins of equal mass: Nixon et al. (2019), Measuring Calibration in Deep Learning."


class CalibrationScores(evaluate.Metric):  # type: ignore[misc]
    """See the module's description."""

    def _info(self) -> evaluate.MetricInfo:
        features = datasets.Features(
            {
                "predictions": datasets.Sequence(datasets.Value("float64")),
                "references": datasets.Value("int64"),
            }
        )
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=features,
        )

    def _compute(self, predictions: Any, references: Any) -> dict[str, float]:
        proba, gold = np.asarray(predictions), np.asarray(references)
        return {"ece": ece(gold, proba), "log_loss": log_loss(gold, proba)}
