"""The checkpoint: a classifier with its tasks, calibration, provenance, and the hash of every file.

checkpoint/manifest.json   format, family, tasks, calibration, fingerprint, metrics, hashes
checkpoint/README.md       model card with the measured numbers
checkpoint/...             what the family saves: safetensors and JSON, never pickle

FORMAT rises when an older version could not read what is written, or would read it wrongly. A key that it may
pass over (`thresholds`, by which rows are left unanswered) comes without a new number: old checkpoints lack it.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from detente.arrays import FloatArray
from detente.encoders import sha256
from detente.errors import CheckpointError, InputError
from detente.files import write_json, write_text
from detente.models import base
from detente.models.base import Classifier
from detente.models.calibration import apply_temperature
from detente.records import Statement
from detente.tasks import Task

FORMAT = 1
MANIFEST = "manifest.json"
Make = Callable[[str, Path, tuple[Task, ...]], Classifier]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A loaded checkpoint. `temperatures` by task make the classifier's probabilities calibrated.

    `about` is what the manifest holds beside: data fingerprint, metrics, seed, versions. `digest` is that
    of a loaded checkpoint's manifest, which holds the hash of every file.
    """

    family: str
    classifier: Classifier
    temperatures: Mapping[str, float]
    about: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What it predicts."""
        return self.classifier.tasks

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Calibrated probabilities by task name: (n, labels), rows in the order of `statements`."""
        return self._calibrated(self.classifier.predict_proba(statements))

    @property
    def in_halves(self) -> bool:
        """Whether the family can make statements ready while it computes others, as those with an encoder do."""
        return hasattr(self.classifier, "prepare")

    def prepare(self, statements: Sequence[Statement]) -> Any:
        """What can be done ahead of the computing: token ids; the statements themselves unless `in_halves`."""
        classifier: Any = self.classifier
        return classifier.prepare(statements) if self.in_halves else statements

    def finish(self, prepared: Any) -> dict[str, FloatArray]:
        """What `predict_proba` gives, of statements that `prepare` made ready."""
        classifier: Any = self.classifier
        return self._calibrated(classifier.finish(prepared) if self.in_halves else classifier.predict_proba(prepared))

    def _calibrated(self, raw: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: apply_temperature(proba, self.temperatures.get(name, 1.0)) for name, proba in raw.items()}


def save(checkpoint: Checkpoint, folder: Path, *, card: str) -> None:
    """Write it whole or not at all: built beside `folder`, then renamed."""
    part = folder.with_name(f".part-{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        checkpoint.classifier.save(part)
        write_text(part / "README.md", card)
        manifest = {
            "format": FORMAT,
            "family": checkpoint.family,
            "tasks": [asdict(task) for task in checkpoint.tasks],
            "calibration": {name: {"temperature": t} for name, t in checkpoint.temperatures.items()},
            **checkpoint.about,
            "files": {p.relative_to(part).as_posix(): sha256(p) for p in _files(part)},
        }
        write_json(part / MANIFEST, manifest | {"digest": _digest(manifest)})
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except OSError as error:
        shutil.rmtree(part, ignore_errors=True)
        raise InputError(
            f"the checkpoint {folder} could not be written ({error.strerror or error}); make room"
        ) from None


def locate(run: str | Path) -> Path:
    """The checkpoint folder of a run: the folder itself or the `checkpoint` inside. Raises InputError."""
    folder = Path(run).expanduser()
    for candidate in (folder / "checkpoint", folder):
        if (candidate / MANIFEST).is_file():
            return candidate
    if not folder.exists():
        raise InputError(f"{folder} does not exist; give a run folder that train wrote, as checkpoint=runs/train/...")
    inner = sorted(path.parent.parent for path in folder.glob(f"*/checkpoint/{MANIFEST}"))
    if inner:
        raise InputError(f"{folder} holds {len(inner)} runs; give one of them, as {inner[0]}")
    raise InputError(f"{folder} holds no checkpoint (no {MANIFEST}); give a run folder that train wrote")


def load(run: str | Path, *, make: Make = base.load) -> Checkpoint:
    """Load the checkpoint of a run after checking every file's hash.

    `make` gives the classifier of a family saved in a folder: for another runtime than torch.
    Raises CheckpointError if a file is missing, altered or not listed, or the format is unknown.
    """
    folder = locate(run)
    manifest = _manifest(folder)
    _check_files(folder, manifest["files"])
    try:
        tasks = tuple(Task(**task) for task in manifest["tasks"])
        temperatures = {name: float(c["temperature"]) for name, c in manifest["calibration"].items()}
        family = str(manifest["family"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder / MANIFEST} is incomplete ({error}); train again") from None
    classifier = make(family, folder, tasks)
    known = ("format", "family", "tasks", "calibration", "files", "digest")
    about = {k: v for k, v in manifest.items() if k not in known}
    return Checkpoint(
        family=family, classifier=classifier, temperatures=temperatures, about=about, digest=_digest(manifest)
    )


def tasks_of(run: str | Path) -> tuple[Task, ...]:
    """The tasks of a run's checkpoint, without loading it."""
    folder = locate(run)
    try:
        return tuple(Task(**task) for task in _manifest(folder)["tasks"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / MANIFEST} is incomplete ({error}); train again") from None


def family_of(run: str | Path) -> str:
    """The model family of a run's checkpoint, without loading it."""
    return str(_manifest(locate(run)).get("family", ""))


def digest_of(run: str | Path) -> str:
    """The digest of a run's checkpoint, which changes with any of its files; its files are not read."""
    return _digest(_manifest(locate(run)))


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found, digest = manifest["format"], manifest.pop("digest", None)
        manifest["files"].items()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CheckpointError(f"{path} is damaged; copy the checkpoint anew or train again") from None
    if found != FORMAT:
        raise CheckpointError(
            f"{path} is of format {found}, this version of détente reads format {FORMAT}; "
            "use the version that wrote it, or train again"
        )
    if digest != _digest(manifest):
        raise CheckpointError(f"{path} was altered or damaged since training; copy the checkpoint anew or train again")
    return dict(manifest)


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _check_files(folder: Path, expected: Mapping[str, str]) -> None:
    found = {p.relative_to(folder).as_posix() for p in _files(folder)} - {MANIFEST}
    for name in sorted(expected.keys() - found):
        raise CheckpointError(f"{folder / name} is missing; copy the checkpoint anew or train again")
    for name in sorted(found - expected.keys()):
        raise CheckpointError(f"{folder / name} is not part of this checkpoint; remove it if you put it there")
    for name, digest in expected.items():
        if sha256(folder / name) != digest:
            raise CheckpointError(
                f"{folder / name} was altered or damaged since training (its hash differs); "
                "copy the checkpoint anew or train again"
            )


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
