"""Several runs of one training: over seeds, or over folds; a finished one is not trained again."""

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from detente import files, paths
from detente.corpus import Corpus
from detente.errors import InputError, UsageError
from detente.evaluation import measuring
from detente.evaluation.tables import interval, render
from detente.files import write_json, write_text
from detente.records import Statement
from detente.tasks import Task
from detente.verbs.outcome import Outcome

log = logging.getLogger(__name__)
_METRICS = ("macro_f1", "accuracy", "f_avg")
Train = Callable[[Corpus, Path, int], Outcome]


class Spread(TypedDict):
    """Of one metric over runs: mean, standard deviation (n - 1), and a 95% interval of the mean (Student's t).

    One run has no spread: null.

    The interval speaks of what changed between the runs (seed, or fold) and of nothing else.
    """

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    values: list[float]


def run(
    kind: str,
    parts: Mapping[str, tuple[Corpus, int]],
    *,
    tasks: Sequence[Task],
    model: Mapping[str, Any],
    run_dir: Path,
    train: Train,
) -> Outcome:
    """Train every part into `run_dir/NAME`, then write `repeats.json` and one table over them.

    `kind` is "seeds" or "cv"; in `cv` each part's test is a fold, and the folds are scored together too.
    `model` are the settings that a finished run must have.
    """
    for number, (name, (corpus, seed)) in enumerate(parts.items(), start=1):
        if _finished(run_dir / name, corpus, seed, tasks, model):
            log.info(f"{name} ({number} of {len(parts)}) stands in {paths.shown(run_dir / name)}: not trained again")
            continue
        log.info(f"{name} ({number} of {len(parts)})")
        train(corpus, run_dir / name, seed)
    metrics = {name: _metrics(run_dir / name) for name in parts}
    summary: dict[str, Any] = {"kind": kind, "runs": list(parts), "spread": _spreads(metrics)}
    if kind == "cv":
        summary["pooled"] = _pooled([run_dir / name for name in parts], tasks, seed=next(iter(parts.values()))[1])
    write_json(run_dir / "repeats.json", summary)
    text = _table(kind, summary, run_dir)
    write_text(run_dir / "report.txt", text + "\n")
    score = float(np.mean([summary["spread"]["dev"][task.name]["all"][task.metric]["mean"] for task in tasks]))
    return Outcome(text=text, score=score, run_dir=run_dir)


def _finished(run_dir: Path, corpus: Corpus, seed: int, tasks: Sequence[Task], model: object) -> bool:
    """Whether a run stands there whole. Raises UsageError if it is of another corpus, seed, task or model."""
    if not (run_dir / "metrics.json").exists():
        return False
    metrics = _metrics(run_dir)
    there = (metrics["data"]["fingerprint"], metrics["seed"], sorted(metrics["metrics"]["dev"]), metrics["model"])
    wanted = (
        corpus.fingerprint,
        seed,
        sorted(task.name for task in tasks),
        json.loads(json.dumps(model, default=list)),
    )
    if there != wanted:
        raise UsageError(
            f"{run_dir} holds a run of other data, seed, task or model; give another hydra.run.dir, or remove it"
        )
    return True


def _metrics(run_dir: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_dir / "metrics.json").read_text(encoding="utf-8"))
    return found


def _spreads(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Split -> task -> part ("all" or a language) -> metric -> Spread."""
    out: dict[str, Any] = {}
    runs = list(metrics.values())
    for split, by_task in runs[0]["metrics"].items():
        for task, scores in by_task.items():
            shown = {"all": scores["all"]} | scores.get("by_lang", {})
            for part in shown:
                found = [_part(run["metrics"][split][task], part) for run in runs]
                whole = [scores for scores in found if scores is not None]
                spread = {name: _spread([of[name]["value"] for of in whole]) for name in _METRICS}
                out.setdefault(split, {}).setdefault(task, {})[part] = {"n": [of["n"] for of in whole], **spread}
    return out


def _part(scores: Mapping[str, Any], part: str) -> Any:
    return scores["all"] if part == "all" else scores.get("by_lang", {}).get(part)


def _spread(values: Sequence[float]) -> Spread:
    from scipy.stats import t

    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Spread(mean=mean, sd=None, low=None, high=None, values=list(values))
    sd = float(np.std(values, ddof=1))
    half = float(t.ppf(0.975, n - 1)) * sd / math.sqrt(n)
    return Spread(mean=mean, sd=sd, low=max(mean - half, 0.0), high=min(mean + half, 1.0), values=list(values))


def _pooled(run_dirs: Sequence[Path], tasks: Sequence[Task], *, seed: int) -> measuring.SplitScores:
    """Scores of all folds' predictions together, written to `predictions.oof.parquet` beside the folds."""
    rows = [dict(row.values) for run_dir in run_dirs for row in files.read_rows(run_dir / "predictions.test.parquet")]
    ids = [row["id"] for row in rows]
    if len(set(ids)) < len(ids):
        raise InputError(
            f"the folds of {run_dirs[0].parent} predict a statement twice; remove the folder and run again"
        )
    files.write_rows(run_dirs[0].parent / "predictions.oof.parquet", rows, columns=files.column_types(rows))
    statements = [
        Statement(
            id=row["id"],
            text=row["text"],
            lang=row["lang"] or "",
            doc_id=row["doc_id"] or "",
            extra={"scenario": row.get("scenario")},
            labels={task.name: row[f"given_{task.name}"] for task in tasks},
        )
        for row in rows
    ]
    proba = {
        task.name: np.array([[row[f"{task.name}_{label}"] for label in task.labels] for row in rows]) for task in tasks
    }
    return measuring.measure(tasks, statements, proba, seed=seed)


def _table(kind: str, summary: Mapping[str, Any], run_dir: Path) -> str:
    header = ["task", "part", "split", "runs", "n", "macro-F1", "± sd", "95% interval of the mean", "lowest", "highest"]
    rows = []
    for split, by_task in summary["spread"].items():
        for task, parts in by_task.items():
            for part, of in parts.items():
                rows.append([task, part, "fold" if kind == "cv" and split == "test" else split, *_cells(of)])
    rows.sort(key=lambda row: (row[0], row[2], row[1] != "all", row[1]))
    lines = [render(header, rows)]
    for task, scores in summary.get("pooled", {}).items():
        of = scores["all"]["macro_f1"]
        lines.append(
            f"{task}: every statement predicted once by a model that has not seen it: macro-F1 {of['value']:.3f} "
            f"({interval(of)}, bootstrap over {scores['all']['n']} statements in {scores['all']['clusters']} clusters)"
        )
    what = "folds" if kind == "cv" else "seeds"
    if kind == "seeds" and not any(row[6].strip("0.") for row in rows):
        lines += ["", "All seeds gave the same figures: this family draws nothing at random."]
    else:
        lines += ["", f"The intervals are over {len(summary['runs'])} {what}: they leave out the choice of statements."]
    lines += ["" if kind == "seeds" else f"predictions  {paths.shown(run_dir / 'predictions.oof.parquet')}"]
    runs = ",".join(paths.shown(run_dir / name) for name in summary["runs"])
    lines += [f"run folder   {paths.shown(run_dir)}"]
    lines += [f"next         detente compare runs=[{runs}]"] if kind == "seeds" else []
    return "\n".join(line for i, line in enumerate(lines) if line or i == 1)


def _cells(of: Mapping[str, Any]) -> list[str]:
    macro, n = of["macro_f1"], of["n"]
    sizes = str(n[0]) if len(set(n)) == 1 else f"{min(n)}–{max(n)}"
    if len(n) < 2:
        return [str(len(n)), sizes, f"{macro['mean']:.3f}", "", "", "", ""]
    values = macro["values"]
    reach = f"{macro['low']:.3f}–{macro['high']:.3f}"
    return [
        str(len(n)),
        sizes,
        f"{macro['mean']:.3f}",
        f"{macro['sd']:.3f}",
        reach,
        f"{min(values):.3f}",
        f"{max(values):.3f}",
    ]
