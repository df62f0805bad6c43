"""The page of a comparison: who leads, who is tied, what it costs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from detente.errors import InputError
from detente.evaluation.report.drawing import forest
from detente.evaluation.report.html import Section, above, el, figure, page, paragraph, table
from detente.evaluation.report.run_page import read_metrics
from detente.evaluation.report.words import interval, language, number, p_value, run_names, signed, thousands

_LEAD = (
    "Runs are compared on the statements that all of them were scored on. Two runs are tied where the paired test "
    "does not tell them apart after Holm's correction for the number of pairs: then the order between them means "
    "nothing."
)


def comparison_page(comparison: Mapping[str, Any]) -> str:
    """HTML of what compare wrote in comparison.json. Raises InputError where it compares nothing."""
    if not comparison.get("rankings"):
        raise InputError("the comparison holds no ranking: no two runs were scored on the same statements")
    comparison = _renamed(comparison)
    metrics = {name: read_metrics(Path(folder)) for name, folder in comparison["folders"].items()}
    rankings = sorted(
        comparison["rankings"], key=lambda of: (of["split"] != "test", of["split"], of["task"] != "stance")
    )
    sections = [_ranking(of, metrics) for of in rankings]
    sections += [_languages(metrics, rankings), _costs(metrics, comparison["folders"]), _settings(metrics)]
    intro = [el("p", _headline(of), class_="headline") for of in rankings if of["split"] == rankings[0]["split"]]
    intro += [el("p", note, class_="warning") for note in comparison.get("notes", ())]
    return page(title=f"Comparison of {len(metrics)} runs", intro=intro, sections=sections)


def _renamed(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """The comparison with the names that readers see."""
    entries = {entry["name"] for of in comparison["rankings"] for entry in of["entries"]}
    names = run_names(sorted(entries | set(comparison["folders"])))
    rankings = [
        {
            **of,
            "entries": [{**entry, "name": names[entry["name"]]} for entry in of["entries"]],
            "pairs": [{**pair, "first": names[pair["first"]], "second": names[pair["second"]]} for pair in of["pairs"]],
            "tiers": [[names[name] for name in tier] for tier in of["tiers"]],
            "left_out": {names[name]: n for name, n in of["left_out"].items()},
        }
        for of in comparison["rankings"]
    ]
    folders = {names[name]: folder for name, folder in comparison["folders"].items()}
    return {**comparison, "folders": folders, "rankings": rankings}


def _headline(of: Mapping[str, Any]) -> str:
    first, tier = of["entries"][0], of["tiers"][0]
    tied = [name for name in tier if name != first["name"]]
    said = (
        f"{of['task'].capitalize()} on {of['split']}: {first['name']} leads with macro-F1 {interval(first['macro_f1'])}"
    )
    if tied:
        return f"{said}, tied with {', '.join(tied)}."
    return f"{said}, clearly ahead of the others."


def _ranking(of: Mapping[str, Any], metrics: Mapping[str, Any]) -> Section:
    title = f"{of['task'].capitalize()} on {of['split']}"
    drawing = forest(
        [(e["name"], e["macro_f1"]) for e in of["entries"]], axis="macro-F1", label=f"Macro-F1 of {title.lower()}"
    )
    tier = {name: number_ for number_, names in enumerate(of["tiers"], start=1) for name in names}
    entries = [
        [str(tier.get(e["name"], "")), e["name"], interval(e["macro_f1"]), interval(e["accuracy"]), _seeds(e)]
        for e in of["entries"]
    ]
    header = ["tier", "run", "macro-F1", "accuracy", "over seeds"]
    groups = f" in {thousands(of['clusters'])} groups" if of["clusters"] != of["n"] else ""
    parts: list[Markup] = [
        figure(drawing, f"Macro-F1 with 95% intervals on the same {thousands(of['n'])} statements{groups}"),
        table(f"{title}: runs of one tier are tied with the first of it", header, entries, words=2),
        _pairs(title, of),
    ]
    left_out = {name: n for name, n in of["left_out"].items() if n}
    parts += [
        paragraph(f"Left out: {thousands(n)} statements of {name} that not all runs were scored on.")
        for name, n in left_out.items()
    ]
    return Section(anchor=f"{of['task']}-{of['split']}", title=title, lead=_LEAD, content=tuple(parts))


def _seeds(entry: Mapping[str, Any]) -> str:
    of = entry["over_seeds"]
    return f"{len(of['seeds'])} seeds, sd {number(of['sd'])}" if of else "one run"


def _pairs(title: str, of: Mapping[str, Any]) -> Markup:
    rows = [
        [
            f"{pair['first']} − {pair['second']}",
            _part(pair["part"]),
            el("span", "tied" if pair["tied"] else "differ", class_=None if pair["tied"] else "good"),
            thousands(pair["n"]),
            above(signed(pair["macro_f1"])),
            above(signed(pair["accuracy"])),
            p_value(pair["p"]),
            p_value(pair["p_holm"]),
            p_value(pair["mcnemar"]["p"]) if pair["mcnemar"] else "–",
            _needed(pair["more_needed"]),
        ]
        for pair in of["pairs"]
    ]
    header = [
        "pair", "part", "verdict", "statements", "macro-F1, points", "accuracy, points", "p", "p (Holm)", "McNemar p",
        "more statements to tell apart",
    ]  # fmt: skip
    return table(f"{title}: paired differences with 95% intervals", header, rows, words=3)


def _part(part: str) -> str:
    name, _, value = part.partition("=")
    return "all" if part == "all" else language(value) if name == "lang" else f"{name.replace('_', ' ')} {value}"


def _needed(more: int | None) -> str:
    return "no difference seen" if more is None else "none" if more == 0 else thousands(more)


def _languages(metrics: Mapping[str, Any], rankings: list[Mapping[str, Any]]) -> Section:
    split = rankings[0]["split"]
    parts = []
    for task in dict.fromkeys(of["task"] for of in rankings):
        found = {name: _by_lang(of, split, task) for name, of in metrics.items()}
        langs = sorted({lang for of in found.values() for lang in of})
        if langs:
            rows = [
                [name, *(interval(of[lang]) if lang in of else "–" for lang in langs)] for name, of in found.items()
            ]
            parts.append(
                table(f"{task.capitalize()} on {split}: macro-F1 by language", ["run", *map(language, langs)], rows)
            )
    lead = "Each run on the statements it was scored on; intervals of small languages are wide."
    return Section(anchor="languages", title="By language", lead=lead, content=tuple(parts))


def _by_lang(metrics: Mapping[str, Any], split: str, task: str) -> dict[str, Any]:
    scores = metrics["metrics"].get(split, {}).get(task, {})
    return {lang: of["macro_f1"] for lang, of in scores.get("by_lang", {}).items()}


def _costs(metrics: Mapping[str, Any], folders: Mapping[str, str]) -> Section:
    rows = [
        [
            name,
            _seconds(of.get("fit_seconds")),
            _seconds(of.get("seconds")),
            _size(Path(folders[name])),
            of.get("platform", "–"),
        ]
        for name, of in metrics.items()
    ]
    header = ["run", "seconds to fit", "seconds in all", "checkpoint on disk", "machine"]
    lead = "Quality is not free: what each run took where it ran."
    return Section(anchor="costs", title="What it costs", lead=lead, content=(table("Cost of each run", header, rows),))


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _size(run_dir: Path) -> str:
    folder = run_dir if run_dir.name == "checkpoint" else run_dir / "checkpoint"
    if not folder.is_dir():
        return "–"
    return f"{sum(p.stat().st_size for p in folder.rglob('*') if p.is_file()) / 2**20:,.1f} MiB"


def _settings(metrics: Mapping[str, Any]) -> Section:
    """Settings that are not alike in all runs."""
    flat = {
        name: _flat(of.get("model") or (of.get("trained") or {}).get("model") or {}) for name, of in metrics.items()
    }
    flat = {name: of | {"seed": str(metrics[name].get("seed", ""))} for name, of in flat.items()}
    keys = sorted({key for of in flat.values() for key in of if len({other.get(key) for other in flat.values()}) > 1})
    rows = [[key.replace("_", " ").replace(".", " · "), *(of.get(key, "–") for of in flat.values())] for key in keys]
    content = (
        (table("Settings that differ", ["setting", *flat], rows, words=1 + len(flat)),)
        if rows
        else (paragraph("None."),)
    )
    return Section(
        anchor="settings",
        title="What differs in the settings",
        lead="A dash: the family has no such setting.",
        content=content,
    )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    out: dict[str, str] = {}
    for name, of in tree.items():
        out |= _flat(of, f"{prefix}{name}.") if isinstance(of, Mapping) else {prefix + name: str(of)}
    return out
