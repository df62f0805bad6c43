"""Opening a run for prediction: on which runtime, with which cascade, and reading ahead while it computes."""

import hashlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from detente import checkpoint as checkpoints
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.errors import DetenteError, InputError, UsageError, did_you_mean
from detente.forward import plan_here, use_cores
from detente.inference.cascade import Cascade, build
from detente.records import Statement
from detente.tasks import Task

log = logging.getLogger(__name__)
BACKENDS = ("auto", "torch", "onnx")
# Statements that are grouped by length together, and how many such windows are made ready ahead.
WINDOW = 4096
_AHEAD = 2
_GPU = Path("/dev/nvidiactl")
Source = TypeVar("Source")
Made = TypeVar("Made")


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A run that predicts. `backend` is what computes (`torch`, `onnx fp32`, `onnx int8`); `digest` changes with
    anything that could change a probability by more than rounding.
    """

    model: Checkpoint | Cascade
    backend: str
    digest: str

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it predicts."""
        return self.model.tasks

    @property
    def family(self) -> str:
        """The model family, or `cascade`."""
        return "cascade" if isinstance(self.model, Cascade) else self.model.family

    @property
    def about(self) -> Mapping[str, Any]:
        """What the manifest of the checkpoint says beside."""
        return self.model.dear.about if isinstance(self.model, Cascade) else self.model.about

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Calibrated probabilities by task name: (n, labels), rows in the order of `statements`."""
        parts = [proba for _, proba in self.stream(statements)] or [self.model.predict_proba([])]
        return {task.name: np.vstack([part[task.name] for part in parts]) for task in self.tasks}

    def stream(
        self, statements: Iterable[Statement], *, window: int = WINDOW
    ) -> Iterator[tuple[list[Statement], dict[str, FloatArray]]]:
        """Windows of statements with their probabilities, in order.

        The next windows are read and tokenised in a thread while one is computed; memory holds a few.
        """
        windows = _windows(iter(statements), window)
        for held, prepared in ahead(windows, lambda held: (held, self.model.prepare(held)), depth=_AHEAD):
            yield held, self.model.finish(prepared)

    def report(self) -> list[str]:
        """Sentences on what this process computed, for the end of a job; none where others or a cache answered."""
        shares = self.model.shares() if isinstance(self.model, Cascade) else ""
        return [shares] if shares else []


def check_backend(backend: str) -> None:
    """Raise UsageError for an unknown backend."""
    if backend not in BACKENDS:
        raise UsageError(f'backend is "{backend}"; {did_you_mean(str(backend), BACKENDS)}')


def open_run(run: str | Path, *, backend: str = "auto", cascade: str | Path = "") -> Engine:
    """Load a run on the fastest runtime there is for it, or on the one asked for.

    `auto` takes the export that was fastest when it was made and passed the gate, if it was faster than
    torch; torch where there is no export or a GPU. `cascade` is a cheaper run that answers where it is sure.
    """
    check_backend(backend)
    dear, name = _load(run, backend)
    marks = [dear.digest, name, *(_number_type(dear) if name == "torch" else [])]
    if not cascade:
        return Engine(model=dear, backend=name, digest=_digest(marks))
    both = build(run, dear, cascade)
    marks += [both.cheap.digest, *_number_type(both.cheap), json.dumps(both.choices, sort_keys=True)]
    return Engine(model=both, backend=name, digest=_digest(marks))


def _load(run: str | Path, backend: str) -> tuple[Checkpoint, str]:
    # The module on ONNX imports the families with an encoder; a linear run without exports needs none of them.
    folder = checkpoints.locate(run)
    exported = folder.with_name(folder.name + ".onnx").is_dir()
    if backend != "torch" and exported and not (backend == "auto" and _GPU.exists()):
        from detente.inference import onnx

        for export in onnx.find_exports(run):
            speed = export.manifest["speed"]
            if backend == "onnx" or (speed["onnx"] > speed["torch"] and onnx.installed()):
                return onnx.load_export(run, export), f"onnx {export.precision}"
    if backend == "onnx":
        raise _no_export(folder, run)
    found = checkpoints.load(run)
    if hasattr(found.classifier, "finish"):
        use_cores()
    return found, "torch"


def _no_export(folder: Path, run: str | Path) -> DetenteError:
    """Why there is nothing on ONNX to load: no export, or a family of which there is none."""
    from detente.inference import onnx

    family = checkpoints.family_of(run)
    if family in onnx.FAMILIES:
        return InputError(
            f"{folder} has no export that this machine may use; make one with: detente export checkpoint={run}"
        )
    return UsageError(
        f"{run} is of the family {family}, which has no ONNX backend ({', '.join(onnx.FAMILIES)} have one); "
        "leave backend=onnx out"
    )


def _number_type(model: Checkpoint) -> list[str]:
    """What the encoder of a checkpoint on torch computes in, where it is not float32: it moves the third decimal."""
    if not hasattr(model.classifier, "finish"):
        return []
    used = plan_here().dtype
    return [] if used == "float32" else [used]


def _digest(marks: Sequence[str]) -> str:
    """Of a checkpoint on torch, with nothing beside: its own, so that caches and jobs know it again."""
    if marks[1:] == ["torch"]:
        return marks[0]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()


def _windows(statements: Iterator[Statement], size: int) -> Iterator[list[Statement]]:
    while held := list(islice(statements, size)):
        yield held


def ahead(items: Iterator[Source], make: Callable[[Source], Made], *, depth: int) -> Iterator[Made]:
    """`make` of each item, in order, made in a thread that is at most `depth` items ahead.

    Raises what reading or making an item raised, in its place. Leaving the loop early ends the thread.
    """
    first = next(items, None)
    if first is None:
        return
    second = next(items, None)
    if second is None:  # one window, as in most calls from Python: no thread
        yield make(first)
        return
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not stopped.is_set():
            try:
                waiting.put((kind, value), timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in (first, second):
                if not put("made", make(item)):
                    return
            for item in items:
                if not put("made", make(item)):
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=work, daemon=True, name="detente-ahead")
    thread.start()
    try:
        while True:
            kind, value = waiting.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value
    finally:
        stopped.set()
        thread.join()
