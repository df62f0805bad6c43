"""Exports of a checkpoint to ONNX: where they lie, which may be used, and loading one without torch.

RUN/checkpoint.onnx/<precision>/export.json     the checkpoint's digest, the gate's figures, hashes of the files
RUN/checkpoint.onnx/<precision>/<part>.onnx     a forward pass: of a task's model, or of the encoder
RUN/checkpoint.onnx/<precision>/<part>.json     its tokenizer

An export lies beside its checkpoint, which stays as it was trained; it is tied to it by the digest.
"""

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from detente import checkpoint as checkpoints
from detente.checkpoint import Checkpoint
from detente.encoders import Encoder, EncoderSpec, sha256
from detente.errors import CheckpointError, UsageError
from detente.forward import Compute, cores
from detente.models import blend, frozen
from detente.models.base import Classifier
from detente.models.finetune import Finetuned, reading_of
from detente.models.multitask import Multitask
from detente.models.passes import LOGITS
from detente.tasks import Task
from detente.text.glossing import kept_glossaries

FORMAT = 1
FAMILIES = ("finetune", "lora", "multitask", "frozen", "blend")
PRECISIONS = ("fp32", "int8")
MANIFEST = "export.json"
# Small batches keep the 8-bit products and their scales in a core's cache.
BATCH_TOKENS = 1024


class Gate(TypedDict):
    """Of one task on `n` dev statements: the checkpoint's macro-F1, the export's, how many labels agree."""

    n: int
    macro_f1: float
    exported_macro_f1: float
    agreement: float


class Speed(TypedDict):
    """Texts a second of one core's time, in torch and by the export, measured in turns on the machine that exported."""

    torch: float
    onnx: float


class Part(TypedDict):
    """What running a graph needs beside it: how texts are cut and padded, the encoder's size."""

    max_length: int
    pad_token_id: int
    pad_token_type_id: int
    hidden_size: int
    num_hidden_layers: int
    encoder: dict[str, Any]
    products: str


class Manifest(TypedDict):
    """What stands in export.json."""

    format: int
    checkpoint: str
    precision: str
    vnni: bool
    parts: dict[str, Part]
    gate: dict[str, Gate]
    speed: Speed
    versions: dict[str, str]
    files: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Export:
    """An export that passed the gate and is of the checkpoint beside it."""

    folder: Path
    manifest: Manifest

    @property
    def precision(self) -> str:
        """`fp32` or `int8`."""
        return self.manifest["precision"]


def folder_of(checkpoint: Path, precision: str) -> Path:
    """Where the export of a checkpoint folder lies."""
    return checkpoint.with_name(checkpoint.name + ".onnx") / precision


def find_exports(run: str | Path) -> list[Export]:
    """The exports of a run's checkpoint that this machine may use, the fastest first.

    Those of an earlier checkpoint in the same place are passed over; so is an 8-bit one made for
    processors with VNNI where this one has none: its sums would overflow.
    """
    checkpoint = checkpoints.locate(run)
    digest = checkpoints.digest_of(run)
    found = []
    for precision in PRECISIONS:
        path = folder_of(checkpoint, precision) / MANIFEST
        if not path.is_file():
            continue
        manifest = _read(path)
        usable = precision == "fp32" or has_vnni() or not manifest["vnni"]
        if manifest["checkpoint"] == digest and usable:
            found.append(Export(folder=path.parent, manifest=manifest))
    return sorted(found, key=lambda export: -export.manifest["speed"]["onnx"])


def _read(path: Path) -> Manifest:
    try:
        manifest: Manifest = json.loads(path.read_text(encoding="utf-8"))
        if manifest["format"] == FORMAT and {"checkpoint", "speed", "vnni", "parts", "files"} <= manifest.keys():
            return manifest
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise CheckpointError(f"{path} is damaged or of another version; export again with detente export")


def load_export(run: str | Path, export: Export) -> Checkpoint:
    """The checkpoint of a run with its encoder on ONNX Runtime. Raises CheckpointError if a file was altered."""
    for name, digest in export.manifest["files"].items():
        if not (export.folder / name).is_file() or sha256(export.folder / name) != digest:
            raise CheckpointError(f"{export.folder / name} is missing or altered; export again with detente export")

    def make(family: str, folder: Path, tasks: tuple[Task, ...]) -> Classifier:
        return classifier(family, folder, tasks, export.folder, export.manifest["parts"])

    return checkpoints.load(run, make=make)


def classifier(
    family: str, folder: Path, tasks: tuple[Task, ...], exported: Path, parts: Mapping[str, Part]
) -> Classifier:
    """A family's classifier from its checkpoint `folder`, its forward passes from `exported`."""
    loaded = {name: _load_part(exported, name, part) for name, part in parts.items()}
    if family in ("finetune", "lora"):
        models = {name: (tokenizer, None) for name, (tokenizer, _) in loaded.items()}
        computes = {name: compute for name, (_, compute) in loaded.items()}
        marked = family == "finetune" and reading_of(folder).get("marked", False)
        length = next(iter(parts.values()))["max_length"]
        return Finetuned(
            tasks, models, length, {}, marked=marked, computes=computes, glossaries=kept_glossaries(folder)
        )
    if family == "multitask":
        tokenizer, compute = loaded[LOGITS]
        length, glossaries = parts[LOGITS]["max_length"], kept_glossaries(folder)
        return Multitask(tasks, tokenizer, None, length, {}, {LOGITS: compute}, glossaries)
    tokenizer, compute = loaded["encoder"]
    part = parts["encoder"]
    config = SimpleNamespace(hidden_size=part["hidden_size"], num_hidden_layers=part["num_hidden_layers"])
    frozen_part = frozen_folder(family, folder)
    layers = json.loads((frozen_part / "features.json").read_text(encoding="utf-8"))["layers"]
    spec = EncoderSpec(**part["encoder"])
    glossaries = kept_glossaries(frozen_part / "encoder")
    encoder = Encoder(spec, tokenizer, SimpleNamespace(config=config), {layers: compute}, glossaries)
    if family == "frozen":
        return frozen.load(folder, tasks, encoder=encoder)
    return blend.load(folder, tasks, encoder=encoder)


def frozen_folder(family: str, folder: Path) -> Path:
    """Where a family keeps its frozen encoder."""
    return folder if family == "frozen" else folder / "frozen"


def _load_part(folder: Path, name: str, part: Part) -> tuple["FastTokenizer", Compute]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / f"{name}.json"))
    ids = (part["pad_token_id"], part["pad_token_type_id"])
    return FastTokenizer(tokenizer, *ids), session_compute(folder / f"{name}.onnx")


@dataclass(frozen=True)
class FastTokenizer:
    """A tokenizer of the tokenizers library called as transformers calls its own, without importing transformers."""

    backend_tokenizer: Any
    pad_token_id: int
    pad_token_type_id: int

    def __call__(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, *, truncation: Any, max_length: int
    ) -> dict[str, list[list[int]]]:
        """Columns of token ids, one row a text, not padded."""
        strategy = truncation if isinstance(truncation, str) else "longest_first"
        self.backend_tokenizer.no_padding()
        self.backend_tokenizer.enable_truncation(max_length, strategy=strategy)
        given = texts if pairs is None else list(zip(texts, pairs, strict=True))
        found = self.backend_tokenizer.encode_batch_fast(given)
        return {
            "input_ids": [e.ids for e in found],
            "attention_mask": [e.attention_mask for e in found],
            "token_type_ids": [e.type_ids for e in found],
        }


def session_compute(path: Path) -> Compute:
    """A graph as a forward pass; columns of the batch that it does not read are left out.

    Raises UsageError if ONNX Runtime is not installed.
    """
    runtime = require("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # a batch a core, several at once: no core waits for another
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    kinds = {i.name: np.dtype("int32" if "int32" in i.type else "int64") for i in session.get_inputs()}

    def compute(batch: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        inputs = {name: batch[name].astype(kind, copy=False) for name, kind in kinds.items()}
        return np.asarray(session.run(None, inputs)[0], dtype=np.float32)

    return Compute(call=compute, batch_tokens=BATCH_TOKENS, at_once=cores())


def require(package: str) -> Any:
    """Import an optional package. Raises UsageError that says how to install it."""
    if importlib.util.find_spec(package) is None:
        raise UsageError(f"ONNX needs the package {package}; install it with: pip install 'detente[onnx]'")
    return importlib.import_module(package)


def installed() -> bool:
    """Whether ONNX Runtime is there."""
    return importlib.util.find_spec("onnxruntime") is not None


def has_vnni() -> bool:
    """Whether this processor multiplies 8-bit numbers without overflow; unknown counts as no."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return any(word in flags for word in ("avx512_vnni", "avx_vnni", "asimddp", "i8mm"))
