"""Where the numbers come from: data, settings, environment, and how to repeat the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from detente.evaluation.report.html import Section, code, details, el, paragraph, table
from detente.evaluation.report.words import thousands

_NAMES = {
    "name": "name",
    "seed": "seed",
    "fit_seconds": "seconds to fit",
    "seconds": "seconds in all",
    "platform": "machine",
    "git_commit": "commit of the code",
    "checkpoint": "checkpoint",
    "predictions": "predictions",
    "gold": "gold labels",
}


def data(metrics: Mapping[str, Any]) -> Section:
    """What was trained and measured on."""
    lead = (
        "The fingerprint is a hash over texts, targets, splits and labels: with one fingerprint, the same statements."
    )
    named = {"measured on": metrics["data"]}
    trained = metrics.get("trained") or {}
    if trained.get("data"):
        named["trained on"] = trained["data"]
    rows = [
        [what, of.get("name", ""), _sizes(of.get("n")), of.get("fingerprint", "")[:16]] for what, of in named.items()
    ]
    parts = [table("Data", ["", "corpus", "statements", "fingerprint (first 16)"], rows, words=4)]
    parts += [paragraph(note) for of in named.values() for note in of.get("notes", ())]
    if metrics["data"].get("name", "").startswith("statements"):
        parts.append(
            paragraph(
                "The shipped statements are authored: language models wrote them after a guide, others labelled them "
                "blind. Real news is harder. The data card, data/README.md, says how they were made and where they "
                "fall short."
            )
        )
    return Section(anchor="data", title="Data", lead=lead, content=tuple(parts))


def _sizes(n: Any) -> str:
    if isinstance(n, Mapping):
        return ", ".join(f"{split} {thousands(count)}" for split, count in n.items())
    return thousands(n) if isinstance(n, int) else ""


def run(metrics: Mapping[str, Any], run_dir: Path) -> Section:
    """Settings, versions, and the command that repeats it."""
    lead = "Same command, same machine, same versions: same numbers."
    known = [[name, str(metrics[key])] for key, name in _NAMES.items() if metrics.get(key) not in (None, "")]
    versions = [[name, version] for name, version in metrics.get("versions", {}).items()]
    parts: list[Markup] = [table("The run", ["", ""], known, words=2)]
    config = run_dir / "config.yaml"
    if config.exists():
        text = config.read_text(encoding="utf-8")
        head = text.splitlines()[0].removeprefix("# Repeat: ") if text.startswith("# Repeat: ") else ""
        if head:
            parts += [paragraph("To repeat it, from the folder it was run in:"), code(head)]
        parts.append(details("Configuration", code(text)))
    if versions:
        parts.append(details("Versions", table("Packages", ["package", "version"], versions, words=2)))
    settings = metrics.get("model") or (metrics.get("trained") or {}).get("model")
    if settings:
        rows = [[name, _said(of)] for name, of in settings.items()]
        parts.append(details("Settings of the model", table("Model", ["setting", "value"], rows, words=2)))
    return Section(anchor="run", title="The run, and how to repeat it", lead=lead, content=tuple(parts))


def _said(of: Any) -> Markup | str:
    if isinstance(of, Mapping):
        return el("span", ", ".join(f"{name} {value}" for name, value in of.items()))
    return str(of)
