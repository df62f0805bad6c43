"""Scores as text tables and plots."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from detente.evaluation.measuring import SplitScores, TaskScores
from detente.evaluation.paired import Pair
from detente.evaluation.rankings import Ranking
from detente.evaluation.scoring import Interval, Scores
from detente.evaluation.slices import TaskSlices
from detente.tasks import Task

Cells = Sequence[str]


def render(header: Cells, rows: Sequence[Cells]) -> str:
    """A plain table, columns aligned: the first two to the left, numbers to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(row: Cells) -> str:
        cells = [c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, rows)])


def score_table(tasks: Sequence[Task], scores: Mapping[str, SplitScores], *, score_by: str = "") -> str:
    """Splits, tasks and their parts (all, by language, by `score_by`) with macro-F1 and its interval."""
    header = [
        "task",
        "part",
        "split",
        "n",
        "macro-F1",
        "95% interval",
        "accuracy",
        "F_avg",
        "MCC",
        "ECE",
    ]
    rows = [
        [task.name, part, split, *_numbers(of)]
        for task in tasks
        for split in scores
        for part, of in _parts(scores[split][task.name], score_by).items()
    ]
    table = render(header, rows)
    means = [
        f"{task.name}, {split}: F_avg averaged over {score_by} {found['mean_f_avg']:.4f}"
        for task in tasks
        for split in scores
        if "mean_f_avg" in (found := scores[split][task.name])
    ]
    notes = [
        f"{task.name}, {split}: {note}"
        for task in tasks
        for split in scores
        if (note := scores[split][task.name]["all"]["note"])
    ]
    return "\n".join([table, *means, *notes])


def label_table(task: Task, scores: Scores) -> str:
    """Precision, recall and F1 of each label, and the confusion matrix beside it."""
    header = [
        "label",
        "",
        "n",
        "precision",
        "recall",
        "F1",
        *(f"-> {label}" for label in task.labels),
    ]
    rows = []
    for i, label in enumerate(task.labels):
        of = scores["labels"][label]
        counts = [str(count) for count in scores["confusion"][i]]
        rows.append(
            [
                label,
                "",
                str(of["n"]),
                with_interval(of["precision"], 2),
                with_interval(of["recall"], 2),
                with_interval(of["f1"], 2),
                *counts,
            ]
        )
    return render(header, rows)


def slice_table(task: Task, slices: TaskSlices, *, most: int = 12) -> str:
    """The slices where a task does worst, with what was tested and how."""
    shown = slices["rows"][:most]
    header = ["slice", "", "n", "accuracy", "macro-F1", "against the rest", "p (Holm)", ""]
    rows = [
        [
            f"{row['column']} {row['value']}",
            "",
            str(row["n"]),
            with_interval(row["accuracy"]),
            with_interval(row["macro_f1"]),
            f"{row['difference']['value']:+.3f}",
            "" if row["p_holm"] is None else f"{row['p_holm']:.3f}",
            row["verdict"],
        ]
        for row in shown
    ]
    flagged = [row for row in slices["rows"] if row["verdict"] == "worse"]
    small = len(slices["rows"]) - slices["tested"]
    lines = [
        f"{task.name}: the {len(shown)} weakest of {len(slices['rows'])} slices, those found worse than the rest first",
        render(header, rows),
        f"{len(flagged)} of {slices['tested']} slices tested are worse than the rest (p < 0.05 after Holm's correction)"
        + (f"; {small} have fewer than {slices['least']} rows or one cluster and are not tested" if small else ""),
    ]
    lines += [f"left out: {each}" for each in slices["left_out"]]
    return "\n".join(lines)


def ranking_table(ranking: Ranking, *, most: int = 40) -> str:
    """The pairs of a ranking with their tests, and its tiers."""
    pairs = ranking["pairs"]
    parts = len({pair["part"] for pair in pairs}) > 1
    header = ["first", "second", "on", "n", "macro-F1 difference", "p", "p (Holm)", "McNemar p", "verdict"]
    rows = [_pair_row(pair) for pair in pairs[:most]]
    units = f" in {ranking['clusters']} clusters" if ranking["clusters"] < ranking["n"] else ""
    lines = [f"{ranking['task']}, {ranking['split']}: pairs on {ranking['n']} statements{units}, the better first"]
    lines.append(render(header, rows) if parts else render(header[:2] + header[3:], [r[:2] + r[3:] for r in rows]))
    if len(pairs) > most:
        lines.append(f"and {len(pairs) - most} pairs more in comparison.json")
    for i, tier in enumerate(ranking["tiers"], start=1):
        lines.append(f"tier {i}: {', '.join(tier)}{' (tied with its first)' if len(tier) > 1 else ''}")
    for entry in ranking["entries"]:
        if seeds := entry["over_seeds"]:
            lines.append(
                f"{entry['name']}: macro-F1 {seeds['mean']:.3f}, standard deviation over seeds {seeds['sd']:.3f} "
                f"({seeds['least']:.3f} to {seeds['most']:.3f}); 95% interval {interval(seeds['training'])} over "
                f"training, {interval(seeds['both'])} over training and statements"
            )
    return "\n".join(lines)


def _pair_row(pair: Pair) -> list[str]:
    needed = pair["more_needed"]
    if not pair["tied"]:
        verdict = f"{pair['first']} ahead"
    elif needed is None:
        verdict = "tied; no number of statements would tell"
    elif needed:
        verdict = f"tied; about {_rounded(needed):,} more statements would tell"
    else:
        verdict = "tied"
    return [
        pair["first"],
        pair["second"],
        pair["part"],
        str(pair["n"]),
        with_interval(pair["macro_f1"]),
        f"{pair['p']:.4f}",
        f"{pair['p_holm']:.4f}",
        f"{pair['mcnemar']['p']:.4f}" if pair["mcnemar"] else "",
        verdict,
    ]


def _rounded(count: int) -> int:
    """To two digits: a guess should not look like a measurement."""
    digits = max(len(str(count)) - 2, 0)
    return round(count, -digits)


def interval(of: Interval) -> str:
    """`low–high` with three digits; `none` where there is none."""
    low, high = of["low"], of["high"]
    return "none" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def with_interval(of: Interval | None, digits: int = 3) -> str:
    """`value (low–high)`; `none` for a measure that was not taken."""
    if of is None:
        return "none"
    low, high = of["low"], of["high"]
    shown = f"{of['value']:.{digits}f}"
    return shown if low is None or high is None else f"{shown} ({low:.{digits}f}–{high:.{digits}f})"


def _parts(scores: TaskScores, column: str) -> dict[str, Scores]:
    named = {f"{column}={value}": of for value, of in scores.get("by_column", {}).items()}
    return {"all": scores["all"], **scores.get("by_lang", {}), **named}


def _numbers(of: Scores) -> list[str]:
    macro = of["macro_f1"]
    shown = [of["accuracy"], of["f_avg"], of["mcc"], of["ece"]]
    return [
        str(of["n"]),
        f"{macro['value']:.3f}",
        interval(macro),
        *("none" if each is None else f"{each['value']:.3f}" for each in shown),
    ]


def plot_confusion(task: Task, scores: Scores, path: Path) -> Path:
    """A picture of the confusion matrix with counts, rows gold; returns `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    k = len(task.labels)
    figure = Figure(figsize=(1.6 + k, 1.2 + 0.9 * k), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    counts = scores["confusion"]
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            colour = "white" if shares[i][j] > 0.6 else "black"
            axes.text(j, i, f"{count}\n{shares[i][j]:.0%}", ha="center", va="center", color=colour)
    axes.set_xticks(range(k), task.labels, rotation=20)
    axes.set_yticks(range(k), task.labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    axes.set_title(f"{task.name}: macro-F1 {scores['macro_f1']['value']:.3f}, n {scores['n']}", fontsize=10)
    figure.savefig(path, dpi=120)
    return path
