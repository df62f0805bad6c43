"""The package as a library: `detente.load(RUN).predict([...])`."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from detente.arrays import FloatArray
from detente.errors import InputError, UsageError
from detente.evaluation.measuring import predicted_columns
from detente.inference.engine import WINDOW, Engine, open_run
from detente.records import Statement, from_row
from detente.tasks import Task

# A text, a row with a `text` and, if it has them, our other columns, or a Statement.
Input = str | Mapping[str, Any] | Statement
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """A loaded run. The engine is the one that `detente predict` uses, so the numbers are the same."""

    engine: Engine

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it predicts, with the labels in the order of every array."""
        return self.engine.tasks

    @property
    def backend(self) -> str:
        """What computes: `torch`, `onnx fp32` or `onnx int8`."""
        return self.engine.backend

    def predict(self, inputs: Iterable[Input]) -> list[Row]:
        """One row an input, in order: for each task `stance`, `stance_confidence` and `stance_<label>` for every label.

        Raises InputError naming the input (counted from 0) that is no statement.
        """
        return list(self.stream(inputs))

    def predict_proba(self, inputs: Iterable[Input]) -> dict[str, FloatArray]:
        """Calibrated probabilities by task name, (n, labels), rows in the order of `inputs`."""
        return self.engine.predict_proba(list(_statements(inputs)))

    def stream(self, inputs: Iterable[Input], *, window: int = WINDOW) -> Iterator[Row]:
        """As `predict`, while `inputs` are being read: a generator of any length, in constant memory.

        `window` inputs are read, grouped by length and computed together: a small one answers sooner, a
        large one computes faster.
        """
        if window < 1:
            raise UsageError(f"window is {window}; it must be at least 1")
        for held, proba in self.engine.stream(_statements(inputs), window=window):
            columns = [predicted_columns(task, proba[task.name]) for task in self.tasks]
            for _, *parts in zip(held, *columns, strict=True):
                yield {name: value for part in parts for name, value in part.items()}


def open_predictor(run: str, *, backend: str, cascade: str) -> Predictor:
    """What `detente.load` gives."""
    return Predictor(engine=open_run(run, backend=backend, cascade=cascade))


def _statements(inputs: Iterable[Input]) -> Iterator[Statement]:
    if isinstance(inputs, str | bytes | Mapping | Statement):
        raise UsageError("predict takes a list of texts, rows or statements; for one, give a list of one")
    for i, given in enumerate(inputs):
        try:
            yield _statement(given)
        except InputError as error:
            raise InputError(f"input {i}: {error}") from None


def _statement(given: Any) -> Statement:
    if isinstance(given, Statement):
        return given
    if isinstance(given, str):
        return Statement(text=given)
    if isinstance(given, Mapping):
        return from_row(given)
    raise InputError(f"it is of type {type(given).__name__}; it must be a text, a row (a dict) or a Statement")
