"""Metrics as modules of the `evaluate` library: `evaluate.load(path of a module's file)` needs no network.

import evaluate, detente.evaluation.modules as m
evaluate.load(m.path("stance_scores")).compute(predictions=[0, 1], references=[0, 1], n_labels=3)
"""

from pathlib import Path

NAMES = ("stance_scores", "calibration_scores")


def path(name: str) -> str:
    """The file of a module, for `evaluate.load`."""
    return str(Path(__file__).parent / f"{name}.py")
