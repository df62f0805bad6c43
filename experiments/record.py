"""Record experiments and make the leaderboard anew.

    detente train experiment=NAME               (writes runs/experiments/NAME)
    python experiments/record.py [NAME ...]     (all that configs/experiment names and runs hold, unless told)

Writes experiments/NAME/: config.yaml, results.json (every seed), results.png and README.md, whose verdict is kept
when it is made again; then experiments/README.md. Runs of one data set and task are compared on the same test
statements: those of a tier do not differ significantly from its first (`detente compare`).
"""

import json
import os
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from detente.evaluation.rankings import compare_runs
from detente.evaluation.runs import read_runs
from detente.files import write_json, write_text

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "configs" / "experiment"
RUNS = HERE.parent / "runs" / "experiments"
VERDICT = "## Verdict\n"
TIERS = HERE / "tiers.json"
ABOUT = ("name", "seed", "fit_seconds", "statements_per_second", "checkpoint_bytes", "versions", "git_commit", "cpu")


def folders(name: str) -> list[Path]:
    """The run folders of an experiment, one a seed."""
    run = RUNS / name
    seeds = sorted(run.glob("seed_*"), key=lambda path: int(path.name.removeprefix("seed_")))
    return [path for path in (seeds or [run]) if (path / "metrics.json").is_file()]


def anywhere(config: str) -> str:
    """A run's configuration with the folder of the data sets as the variable that named it."""
    home = os.environ.get("DETENTE_BENCH", "")
    return config.replace(f"{home.rstrip('/')}/", "${oc.env:DETENTE_BENCH}/") if home else config


def question(name: str) -> str:
    """The comment at the head of its configuration."""
    lines = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    return " ".join(
        line.removeprefix("#").strip() for line in lines if line.startswith("# ") and "@package" not in line
    )


def scores(metrics: dict) -> dict:
    """Split -> task -> part -> the measures that are reported."""
    out: dict = {}
    for split, by_task in metrics["metrics"].items():
        for task, found in by_task.items():
            parts = {"all": found["all"], **found.get("by_lang", {})}
            out.setdefault(split, {})[task] = {
                part: {key: of[key] for key in ("n", "macro_f1", "f_avg", "accuracy")} for part, of in parts.items()
            }
            if found.get("mean_f_avg") is not None:
                out[split][task]["all"]["mean_f_avg"] = found["mean_f_avg"]
    return out


def results(name: str) -> dict:
    """What is kept of an experiment: every seed's measures, its cost, and what it was run on."""
    runs = [json.loads((path / "metrics.json").read_text(encoding="utf-8")) for path in folders(name)]
    seeds = [{key: run.get(key) for key in ABOUT if key in run} | {"scores": scores(run)} for run in runs]
    return {
        "question": question(name),
        "command": f"detente train experiment={name}",
        "data": runs[0]["data"],
        "model": runs[0]["model"],
        "seeds": seeds,
    }


def mean(found: dict, split: str, task: str, part: str, measure: str) -> float | None:
    """Of a measure over the seeds; None where it was not taken."""
    taken = []
    for seed in found["seeds"]:
        value = seed["scores"].get(split, {}).get(task, {}).get(part, {}).get(measure)
        value = value["value"] if isinstance(value, dict) else value
        if value is None:
            return None
        taken.append(value)
    return statistics.mean(taken)


def number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def table(found: dict) -> str:
    """Every split, task and language: means over the seeds, and the interval of the first seed's score."""
    rows = []
    for split, by_task in found["seeds"][0]["scores"].items():
        for task, parts in by_task.items():
            for part, of in parts.items():
                macro = of["macro_f1"]
                values = [s["scores"][split][task][part]["macro_f1"]["value"] for s in found["seeds"]]
                spread = f"{min(values):.3f}–{max(values):.3f}" if len(values) > 1 else ""
                cells = [split, task, part, str(of["n"]), number(statistics.mean(values)), spread]
                cells.append(f"{macro['low']:.3f}–{macro['high']:.3f}")
                cells += [number(mean(found, split, task, part, name)) for name in ("f_avg", "mean_f_avg")]
                rows.append(cells)
    return markdown(
        ["split", "task", "part", "n", "macro-F1", "over seeds", "95% interval", "F_avg", "mean F_avg"], rows
    )


def markdown(header: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


def plot(found: dict, path: Path) -> None:
    """Macro-F1 by language on dev and test, with the first seed's intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = found["seeds"][0]["scores"]
    tasks = list(first["dev"])
    figure = Figure(figsize=(4.2 * len(tasks), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
    for axes, task in zip(panels, tasks, strict=True):
        parts = list(first["dev"][task])
        for i, (split, colour) in enumerate(zip(first, ("#0072B2", "#D55E00"), strict=False)):
            at = [k + 0.35 * i for k, part in enumerate(parts) if part in first[split][task]]
            shown = [first[split][task][part]["macro_f1"] for part in parts if part in first[split][task]]
            axes.bar(at, [of["value"] for of in shown], 0.33, color=colour, label=split)
            below = [max(of["value"] - of["low"], 0) for of in shown]
            above = [max(of["high"] - of["value"], 0) for of in shown]
            axes.errorbar(at, [of["value"] for of in shown], [below, above], fmt="none", ecolor="black", capsize=3)
        axes.set_xticks([k + 0.17 for k in range(len(parts))], parts)
        axes.set_title(task)
        axes.set_ylim(0, 1)
    panels[0].set_ylabel("macro-F1")
    panels[0].legend()
    figure.savefig(path, dpi=110)


def record(name: str) -> None:
    """Write an experiment's folder from its runs."""
    found, folder = results(name), HERE / name
    folder.mkdir(exist_ok=True)
    write_json(folder / "results.json", found)
    write_text(folder / "config.yaml", anywhere((RUNS / name / "config.yaml").read_text(encoding="utf-8")))
    plot(found, folder / "results.png")
    page = folder / "README.md"
    kept = page.read_text(encoding="utf-8").partition(VERDICT)[2] if page.is_file() else "\nNot written yet.\n"
    parts = [f"# {name}", found["question"], f"    {found['command']}", table(found), "![results](results.png)"]
    parts.append(f"n train {found['data']['n']['train']:,}; seeds {', '.join(str(s['seed']) for s in found['seeds'])}.")
    write_text(page, "\n\n".join([*parts, VERDICT]) + kept)


def tiers(names: list[str]) -> dict[str, int]:
    """`task/experiment` -> its tier on test among the experiments of one data set."""
    runs = [folder for name in names for folder in folders(name)]
    found = compare_runs(read_runs([str(run) for run in runs]), seed=1) if len(names) > 1 else {"rankings": []}
    out = {}
    for ranking in (r for r in found["rankings"] if r["split"] == "test"):
        runs_of = {entry["name"]: entry["runs"] for entry in ranking["entries"]}
        for number_, tier in enumerate(ranking["tiers"], start=1):
            for entry in tier:
                folder = Path(found["folders"][runs_of[entry][0]])
                name = folder.parent.name if folder.name.startswith("seed_") else folder.name
                out[f"{ranking['task']}/{name}"] = number_
    return out


def leaderboard() -> str:
    """All recorded experiments, a table for each data set and task, best on dev first."""
    recorded = {p.parent.name: json.loads(p.read_text(encoding="utf-8")) for p in sorted(HERE.glob("*/results.json"))}
    recorded = {name: found for name, found in recorded.items() if isinstance(found, dict) and "seeds" in found}
    boards: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, found in recorded.items():
        for task in found["seeds"][0]["scores"]["dev"]:
            boards[found["data"]["name"], task].append(name)
    known = json.loads(TIERS.read_text(encoding="utf-8")) if TIERS.is_file() else {}
    for data in {data for data, _ in boards}:
        names = sorted({name for (of, _), many in boards.items() if of == data for name in many})
        if all(folders(name) for name in names):
            known |= tiers(names)
    write_json(TIERS, known)
    parts = []
    for (data, task), names in sorted(boards.items()):
        names.sort(key=lambda name, task=task: -(mean(recorded[name], "dev", task, "all", "macro_f1") or 0))
        rows = [row(name, recorded[name], task, known.get(f"{task}/{name}")) for name in names]
        parts.append(f"## {data}, {task}\n\n{markdown(HEADER, rows)}")
    return "\n\n".join(parts)


HEADER = [
    "experiment", "seeds", "dev macro-F1", "test macro-F1", "en / it / ru", "test F_avg", "mean F_avg", "tier on test",
    "train s", "statements/s", "MB",
]  # fmt: skip


def row(name: str, found: dict, task: str, tier: int | None) -> list[str]:
    seeds = found["seeds"]
    langs = [number(mean(found, "test", task, lang, "macro_f1")) for lang in ("en", "it", "ru")]
    cost = [statistics.median(s.get(key) or 0 for s in seeds) for key in ABOUT[2:5]]
    return [
        f"[{name}]({name}/README.md)",
        str(len(seeds)),
        *(number(mean(found, split, task, "all", "macro_f1")) for split in ("dev", "test")),
        " / ".join(x or "–" for x in langs),
        *(number(mean(found, "test", task, "all", key)) for key in ("f_avg", "mean_f_avg")),
        str(tier or ""),
        f"{cost[0]:,.0f}",
        f"{cost[1]:,.0f}" if cost[1] else "",
        f"{cost[2] / 1e6:,.1f}" if cost[2] else "",
    ]


TEXT = """# Leaderboard

Made by `python experiments/record.py` from the recorded experiments; each was run by `detente train experiment=NAME`.
Dev chooses, test is looked at once. Means over seeds. Runs of a tier do not differ significantly from its first on the
same test statements (paired randomisation, Holm). Seconds and statements a second are of the machine that ran them.
What was tried and failed stands in [LOG.md](LOG.md).
"""


def main() -> None:
    named = sys.argv[1:] or [p.stem for p in sorted(CONFIGS.glob("*.yaml")) if folders(p.stem)]
    for name in named:
        if not folders(name):
            sys.exit(f"{RUNS / name} holds no run; first: detente train experiment={name}")
        record(name)
        print(f"experiments/{name}")
    write_text(HERE / "README.md", f"{TEXT}\n{leaderboard()}\n")
    print("experiments/README.md")


if __name__ == "__main__":
    main()
