"""détente: stance and sentiment classifiers for statements on US–Russia resource relations."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from detente.inference.library import Predictor

__all__ = ["load"]
__version__ = "0.1.0"


def load(run: "str | PathLike[str]", *, backend: str = "auto", cascade: "str | PathLike[str]" = "") -> "Predictor":
    """Load a run that `detente train` wrote, to predict with it from Python.

    `backend` is auto, torch or onnx; `cascade` names a cheaper run that answers where it is sure. Raises
    InputError or UsageError of `detente.errors`, whose text says what to do.
    """
    from detente.inference.library import open_predictor

    return open_predictor(str(run), backend=backend, cascade=str(cascade))
