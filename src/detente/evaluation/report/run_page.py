"""The page of one run: made from the files of its folder alone, so that old runs can be reported too."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detente import files
from detente.corpus import origins
from detente.errors import InputError
from detente.evaluation.report import behaviour, mistakes, origin, scores, trust
from detente.evaluation.report.html import Section, el, page

_ORDER = ("test", "input", "dev", "train")
_BY_SPLIT = {"calibration": trust.calibration, "abstention": trust.abstention}


def run_page(run_dir: Path) -> str:
    """HTML of a folder that train or evaluate wrote. Raises InputError if it holds no metrics."""
    metrics = read_metrics(run_dir)
    splits = sorted(metrics["metrics"], key=lambda name: (_ORDER.index(name) if name in _ORDER else 9, name))
    first = splits[0]
    sections = [section for split in splits for section in _of_split(metrics, split, run_dir, whole=split == first)]
    if metrics.get("probes"):
        sections.append(behaviour.probes(metrics["probes"]))
    if metrics.get("bias"):
        sections.append(behaviour.bias(metrics["bias"]))
    sections += [origin.data(metrics), origin.run(metrics, run_dir)]
    intro = scores.headline(_said(first), metrics["metrics"][first])
    told = origins.of_run(metrics, first)
    intro += [el("p", f"{told}.", class_="warning")] if told else []
    intro += [el("p", missing, class_="lead") for missing in _missing(metrics)]
    title = _title(metrics)
    return page(title=title[:1].upper() + title[1:], intro=intro, sections=sections)


def _title(metrics: Mapping[str, Any]) -> str:
    """What was done, to what, on what, in words."""
    data = metrics["data"].get("name", "").replace("_", " ")
    trained = metrics.get("trained") or {}
    if trained.get("name"):
        return f"{trained['name'].replace('_', ' ')}, evaluated on {data}"
    if metrics.get("predictions"):
        return f"Predictions of {Path(metrics['predictions']).name}, evaluated"
    return f"{metrics['name'].replace('_', ' ')}, trained on {data}"


def write_report(run_dir: Path) -> Path:
    """Write the page as `report.html` beside what it is made from; returns where."""
    path = run_dir / "report.html"
    files.write_text(path, run_page(run_dir))
    return path


def read_metrics(run_dir: Path) -> dict[str, Any]:
    """The metrics of a run folder, or of the run that a checkpoint's folder lies in."""
    path = (run_dir.parent if run_dir.name == "checkpoint" else run_dir) / "metrics.json"
    try:
        metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for split in metrics["metrics"].values():
            for of in split.values():
                of["all"]["macro_f1"]["value"]
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path} does not exist; give a run folder that train or evaluate wrote") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{path} is no metrics file of détente; run train or evaluate again") from None
    return metrics


def _of_split(metrics: Mapping[str, Any], split: str, run_dir: Path, *, whole: bool) -> list[Section]:
    """The scores of a split; of the first, what else is known of it too."""
    out = [scores.section(_said(split), metrics["metrics"][split])]
    if not whole:
        return out
    sliced = {task: of for task, of in metrics.get("slices", {}).get(split, {}).items() if of["rows"]}
    if sliced:
        out.append(scores.slices(_said(split), sliced))
    for name, make in _BY_SPLIT.items():
        found = metrics.get(name, {}).get(split, {})
        if found:
            out.append(make(_said(split), found))
    predictions = run_dir / f"predictions.{split}.parquet"
    if predictions.exists():
        rows = [row.values for row in files.read_rows(predictions)]
        tasks = {task: of["all"]["labels"] for task, of in metrics["metrics"][split].items()}
        out.append(mistakes.section(_said(split), rows, tasks))
    return out


def _said(split: str) -> str:
    return "the given file" if split == "input" else split


def _missing(metrics: Mapping[str, Any]) -> list[str]:
    absent = [name for name in ("slices", "calibration", "abstention", "probes", "bias") if not metrics.get(name)]
    if not absent or "checkpoint" not in metrics:
        return []
    return [f"Not measured in this run: {', '.join(absent)}."]
