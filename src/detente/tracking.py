"""Tracking: parameters, metrics by step and artefacts of a run, to MLflow on a local SQLite file or TensorBoard."""

import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.errors import InputError, UsageError, did_you_mean

KINDS = ("mlflow", "tensorboard", "none")
Metrics = Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class TrackingSpec:
    """Where to: `kind` mlflow, tensorboard or none; `uri` of the MLflow store; `experiment` groups runs."""

    kind: str
    uri: str = "sqlite:///mlflow.db"
    experiment: str = "detente"

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown kind."""
        if self.kind not in KINDS:
            raise UsageError(f'tracking.kind is "{self.kind}"; {did_you_mean(self.kind, KINDS)}')


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """What a finished run gives to its tracker. `steps` holds (step, metrics) in order."""

    name: str
    verb: str
    params: Mapping[str, Any]
    metrics: Metrics
    steps: tuple[tuple[int, Metrics], ...] = ()
    artifacts: tuple[Path, ...] = ()


def check(spec: TrackingSpec) -> None:
    """Raise UsageError, before any work is done, if the tracker's package is missing."""
    if spec.kind == "tensorboard" and importlib.util.find_spec("tensorboard") is None:
        raise UsageError("tracking=tensorboard needs the package tensorboard: pip install 'detente[tensorboard]'")


def track(spec: TrackingSpec, tracked: Tracked, *, run_dir: Path) -> str:
    """Record a finished run; returns the sentence that tells how to look at it, empty for none."""
    if spec.kind == "mlflow":
        return _mlflow(spec, tracked)
    if spec.kind == "tensorboard":
        return _tensorboard(tracked, run_dir)
    return ""


def _mlflow(spec: TrackingSpec, tracked: Tracked) -> str:
    import mlflow
    from mlflow.exceptions import MlflowException

    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        mlflow.set_tracking_uri(spec.uri)
        mlflow.set_experiment(spec.experiment)
        with mlflow.start_run(run_name=tracked.name, tags={"verb": tracked.verb}):
            mlflow.log_params({k: str(v)[:500] for k, v in tracked.params.items()})
            for step, metrics in tracked.steps:
                mlflow.log_metrics(dict(metrics), step=step)
            mlflow.log_metrics(dict(tracked.metrics))
            for path in tracked.artifacts:
                mlflow.log_artifact(str(path))
    except (MlflowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(
            f"the run is whole, but MLflow at {spec.uri} could not record it ({reason}); "
            "move that file away, give another with tracking.uri=sqlite:///FILE, or use tracking=none"
        ) from None
    return f"mlflow ui --backend-store-uri {spec.uri}"


def _tensorboard(tracked: Tracked, run_dir: Path) -> str:
    from torch.utils.tensorboard import SummaryWriter

    folder = run_dir / "tensorboard"
    with SummaryWriter(str(folder)) as writer:
        for name, value in tracked.params.items():
            writer.add_text(f"params/{name}", str(value))
        for step, metrics in tracked.steps:
            for name, value in metrics.items():
                writer.add_scalar(name, value, step)
        for name, value in tracked.metrics.items():
            writer.add_scalar(name, value)
    return f"tensorboard --logdir {folder}"


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings under dotted names; empty values are left out.

    >>> flatten({"model": {"c": 2.0, "encoder": {"name": "minilm"}}})
    {'model.c': 2.0, 'model.encoder.name': 'minilm'}
    """
    out: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            out |= flatten(value, f"{prefix}{name}.")
        elif value not in ("", None, [], ()):
            out[prefix + name] = value
    return out
