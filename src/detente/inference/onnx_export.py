"""Exporting a checkpoint to ONNX: graphs written, optimised, quantised if asked, and let through by a gate.

An export is refused if on dev its macro-F1 falls by more than half a point or its labels agree with the
checkpoint's on less than 99% of the statements.
"""

import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from detente import checkpoint as checkpoints
from detente import files
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.encoders import reader, sha256
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation.metrics import confusion, macro_f1
from detente.forward import use_cores
from detente.inference import onnx
from detente.inference.onnx import Export, Gate, Manifest, Part, Speed
from detente.inference.onnx_graph import PRODUCTS, write_part
from detente.models.passes import LOGITS
from detente.records import Statement
from detente.tasks import Task

log = logging.getLogger(__name__)
MAX_FALL = 0.005
MIN_AGREEMENT = 0.99
_ROUNDS = 3
_TIMED = 256
# Statements whose texts the 8-bit scales are set by; their labels are not looked at.
_SAMPLE = 128


def export(run: str | Path, statements: Sequence[Statement], *, precision: str) -> Export:
    """Write the export of a run's checkpoint; `statements` are labelled dev rows that the gate looks at.

    Raises InputError with the figures if the gate refuses it, UsageError for a family without an encoder.
    """
    if not statements:
        raise InputError("there is no statement to judge the export by; give input=LABELLED_FILE")
    if precision not in onnx.PRECISIONS:
        raise UsageError(f'precision is "{precision}"; {did_you_mean(precision, onnx.PRECISIONS)}')
    onnx.require("onnx")
    onnx.require("onnxruntime")
    checkpoint = checkpoints.load(run)
    if checkpoint.family not in onnx.FAMILIES:
        raise UsageError(
            f"{run} is of the family {checkpoint.family}, of which there is no export; "
            f"it goes with {', '.join(onnx.FAMILIES)}"
        )
    use_cores()
    folder = checkpoints.locate(run)
    final = onnx.folder_of(folder, precision)
    part = final.with_name(f".part-{final.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        manifest = _first_that_passes(checkpoint, folder, part, precision, statements)
        files.write_json(part / onnx.MANIFEST, manifest)
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
    except OSError as error:
        raise InputError(f"the export {final} could not be written ({error.strerror or error}); make room") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Export(folder=final, manifest=manifest)


def _first_that_passes(
    checkpoint: Checkpoint, folder: Path, part: Path, precision: str, statements: Sequence[Statement]
) -> Manifest:
    """Write the graphs with as many 8-bit products as the gate lets through."""
    tries = [products for products in PRODUCTS if products.startswith(precision)]
    for products in tries:
        parts = _write_parts(checkpoint, part, products, statements[:_SAMPLE])
        exported = onnx.classifier(checkpoint.family, folder, checkpoint.tasks, part, parts)
        gate, speed = examine(checkpoint, replace(checkpoint, classifier=exported), statements)
        try:
            refuse_worse(gate, precision)
            break
        except InputError as error:
            if products == tries[-1]:
                raise
            log.info(f"{error}; trying {tries[-1]}")
    return _manifest(checkpoint, precision, parts, gate, speed, part)


def examine(
    checkpoint: Checkpoint, exported: Checkpoint, statements: Sequence[Statement]
) -> tuple[dict[str, Gate], Speed]:
    """What the gate looks at, by task, and how fast each of the two is. Raises InputError without labelled rows."""
    labelled = [s for s in statements if any(task.name in s.labels for task in checkpoint.tasks)]
    if not labelled:
        raise InputError("no dev statement has a label of the checkpoint's tasks; give input=LABELLED_FILE")
    ours, theirs = checkpoint.predict_proba(labelled), exported.predict_proba(labelled)
    gate = {task.name: compare(task, labelled, ours[task.name], theirs[task.name]) for task in checkpoint.tasks}
    return gate, _speed(checkpoint, exported, labelled[:_TIMED])


def compare(task: Task, statements: Sequence[Statement], ours: FloatArray, theirs: FloatArray) -> Gate:
    """The gate's figures of one task; rows without its label count for the agreement only."""
    first, second = ours.argmax(axis=1), theirs.argmax(axis=1)
    rows = [i for i, s in enumerate(statements) if s.labels.get(task.name)]
    gold = np.array(task.index([statements[i].labels[task.name] for i in rows]), dtype=int)
    scores = [float(macro_f1(confusion(gold, found[rows], len(task.labels)))) for found in (first, second)]
    agreement = float((first == second).mean())
    return Gate(n=len(statements), macro_f1=scores[0], exported_macro_f1=scores[1], agreement=agreement)


def refuse_worse(gate: Mapping[str, Gate], precision: str) -> None:
    """Raise InputError with the figures of the first task that the export does not keep."""
    for name, of in gate.items():
        fall = of["macro_f1"] - of["exported_macro_f1"]
        if fall > MAX_FALL or of["agreement"] < MIN_AGREEMENT:
            other = "fp32" if precision == "int8" else "the checkpoint as it is"
            raise InputError(
                f"the {precision} export was refused: on {of['n']:,} dev statements its {name} macro-F1 is "
                f"{of['exported_macro_f1']:.4f} (the checkpoint's {of['macro_f1']:.4f}) and {of['agreement']:.3%} "
                f"of its labels agree (at least {MIN_AGREEMENT:.0%} must, and macro-F1 may fall by {MAX_FALL}); "
                f"use {other}"
            )


def _speed(checkpoint: Checkpoint, exported: Checkpoint, statements: Sequence[Statement]) -> Speed:
    """Texts a second of processor time of each, in turns, the best round of each: other programs only slow a round."""
    best = [0.0, 0.0]
    for _ in range(_ROUNDS):
        for i, each in enumerate((checkpoint, exported)):
            started = time.process_time()
            each.predict_proba(statements)
            best[i] = max(best[i], len(statements) / max(time.process_time() - started, 1e-9))
    return Speed(torch=round(best[0], 1), onnx=round(best[1], 1))


def _write_parts(checkpoint: Checkpoint, folder: Path, products: str, sample: Sequence[Statement]) -> dict[str, Part]:
    """Write every forward pass of the classifier with its tokenizer."""
    classifier: Any = checkpoint.classifier
    if checkpoint.family in ("finetune", "lora"):
        if classifier.stride:
            raise UsageError("a model trained with model.stride cannot be exported; train with model.stride=0")
        tokens, length = classifier.prepare(sample), classifier.max_length
        return {
            name: write_part(folder / name, tokenizer, model, _logits, products, sample=tokens[name], max_length=length)
            for name, (tokenizer, model) in classifier.models.items()
        }
    if checkpoint.family == "multitask":
        of, tokens, length = classifier, classifier.prepare(sample), classifier.max_length
        stem = folder / LOGITS
        return {LOGITS: write_part(stem, of.tokenizer, of.model, _logits, products, sample=tokens, max_length=length)}
    features = (classifier if checkpoint.family == "frozen" else classifier.frozen).features
    spec = features.encoder.spec
    written = write_part(
        folder / "encoder",
        features.encoder.tokenizer,
        features.encoder.model,
        reader(spec, features.layers),
        products,
        sample=features.prepare(sample),
        max_length=spec.max_length,
        output_hidden_states=True,
    )
    written["encoder"] = asdict(spec) | {"languages": list(spec.languages)}
    return {"encoder": written}


def _logits(output: Any, mask: Any) -> Any:
    return output.logits


def _manifest(
    checkpoint: Checkpoint, precision: str, parts: dict[str, Part], gate: dict[str, Gate], speed: Speed, folder: Path
) -> Manifest:
    hashes = {p.name: sha256(p) for p in sorted(folder.iterdir())}
    return Manifest(
        format=onnx.FORMAT,
        checkpoint=checkpoint.digest,
        precision=precision,
        vnni=precision == "int8" and onnx.has_vnni(),
        parts=json.loads(json.dumps(parts)),
        gate=gate,
        speed=speed,
        versions={name: version(name) for name in ("torch", "transformers", "onnx", "onnxruntime")},
        files=hashes,
    )
