"""Calibration and abstention of a checkpoint's predictions: two sections of `metrics.json`, and their text."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from detente.arrays import FloatArray
from detente.evaluation.confidence.abstention import Abstention, Thresholds, abstention
from detente.evaluation.confidence.calibration import Calibration, calibration
from detente.evaluation.confidence.proportions import Estimate
from detente.evaluation.tables import render
from detente.records import Statement
from detente.tasks import Task


class Trust(TypedDict):
    """By task, on one split."""

    calibration: dict[str, Calibration]
    abstention: dict[str, Abstention]


def trust(
    tasks: Sequence[Task],
    statements: Sequence[Statement],
    proba: Mapping[str, FloatArray],
    *,
    thresholds: Mapping[str, Thresholds | None],
    seed: int,
) -> Trust:
    """Of every task, over the statements that have a label for it."""
    found = Trust(calibration={}, abstention={})
    for task in tasks:
        rows = [i for i, s in enumerate(statements) if s.labels.get(task.name)]
        gold = np.array(task.index([statements[i].labels[task.name] for i in rows]), dtype=int)
        kept, languages = proba[task.name][rows], [statements[i].lang for i in rows]
        found["calibration"][task.name] = calibration(task, gold, kept, languages=languages, seed=seed)
        found["abstention"][task.name] = abstention(
            task, gold, kept, thresholds=thresholds.get(task.name), languages=languages, seed=seed
        )
    return found


def sections(by_split: Mapping[str, Trust]) -> dict[str, dict[str, object]]:
    """The sections `calibration` and `abstention` of `metrics.json`: `{section: {split: {task: ...}}}`."""
    return {
        "calibration": {split: dict(of["calibration"]) for split, of in by_split.items()},
        "abstention": {split: dict(of["abstention"]) for split, of in by_split.items()},
    }


def trust_text(of: Trust) -> str:
    """What the thresholds do on these rows, as a table, and the advice on calibration."""
    header = ["task", "abstain", "confidence", "answered", "coverage", "error", "95% interval", "kept"]
    rows = []
    for name, found in of["abstention"].items():
        rows.append([name, "never", "0", str(found["n"]), "100.0%", f"{found['error']:.3f}", "-", "-"])
        for entry in found["rates"]:
            error = entry["error"]
            shown = [f"{error['value']:.3f}", between(error)] if error else ["-", "-"]
            share = f"{entry['coverage']['value']:.1%}"
            kept = "yes" if entry["kept"] else "NO"
            limits = [f"{entry['rate']:g}", f"{entry['threshold']:g}"]
            rows.append([name, *limits, str(entry["answered"]), share, *shown, kept])
    parts = [
        "errors among the answered, at the rates that dev allows (kept: the rate is not below the interval)\n"
        + render(header, rows)
    ]
    broken = [
        f"{name}, {lang}: {entry['error']['value']:.3f} of the answered are wrong at abstain={entry['rate']:g} "
        f"({between(entry['error'])}, n {entry['answered']}); the promise is for all languages together"
        for name, found in of["abstention"].items()
        for lang, entries in found["by_lang"].items()
        for entry in entries
        if entry["error"] and not entry["kept"]
    ]
    parts += ["\n".join(broken)] if broken else []
    advice = [line for found in of["calibration"].values() for line in found["advice"]]
    return "\n\n".join([*parts, *(["\n".join(["calibration", *advice])] if advice else [])])


def between(of: Estimate) -> str:
    """`low–high` with three digits."""
    return f"{of['low']:.3f}–{of['high']:.3f}"
