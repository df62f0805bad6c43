"""Pictures of shares: over time with bands, or by group with bars of their intervals; colours of Okabe & Ito."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.evaluation.confidence.proportions import Estimate
from detente.evaluation.shares.table import ALL, NONE, ShareRow
from detente.tasks import Task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart with any colour vision, and on paper by their markers (Okabe & Ito 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_PANELS = 9
_COLUMNS = 3


def plot_shares(task: Task, rows: Sequence[ShareRow], path: Path) -> Path:
    """Draw `rows` of a task: a panel a group over periods, or, without periods, groups below one another."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    periods = sorted({row["period"] for row in rows} - {"", ALL, NONE})
    figure = Figure(layout="constrained", dpi=120)
    FigureCanvasAgg(figure)
    if periods:
        _over_time(figure, task, rows, periods)
    else:
        _by_group(figure, task, rows)
    figure.savefig(path)
    return path


def _over_time(figure: Any, task: Task, rows: Sequence[ShareRow], periods: Sequence[str]) -> None:
    timed = [row for row in rows if row["period"] in periods]
    sizes: dict[str, int] = {}
    for row in timed:
        if row["label"] == task.labels[0]:
            sizes[_group(row)] = sizes.get(_group(row), 0) + row["n"]
    groups = sorted(sizes, key=lambda name: (name != "all rows", -sizes[name]))[:_PANELS]
    across = min(_COLUMNS, len(groups))
    down = -(-len(groups) // across)
    figure.set_size_inches(max(6.5, 3.6 * across), 2.6 * down + 0.9)
    grid = figure.subplots(down, across, sharey=True, sharex=True, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(groups):
            axes.set_axis_off()
            continue
        of = [row for row in timed if _group(row) == groups[number]]
        _panel(axes, task, of, periods)
        axes.tick_params(labelbottom=number + across >= len(groups))
        axes.set_title(f"{groups[number]} (n {sizes[groups[number]]:,})", fontsize=9)
    left_out = f"; the {len(groups)} largest of {len(sizes)} groups" if len(sizes) > len(groups) else ""
    _finish(
        figure,
        grid[0][0],
        task,
        f"lines: corrected, bands 95%; thin dashes: plain counts; hollow: pooled error rates{left_out}",
    )


def _panel(axes: "Axes", task: Task, rows: Sequence[ShareRow], periods: Sequence[str]) -> None:
    at = {period: i for i, period in enumerate(periods)}
    for k, label in enumerate(task.labels):
        of = sorted((row for row in rows if row["label"] == label), key=lambda row: at[row["period"]])
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        counted = [at[row["period"]] for row in of]
        axes.plot(counted, [row["naive"]["value"] for row in of], color=colour, linestyle=(0, (2, 2)), linewidth=0.8)
        known = [(at[row["period"]], row, row["corrected"]) for row in of if row["corrected"] is not None]
        x = [i for i, _, _ in known]
        values: list[Estimate] = [estimate for _, _, estimate in known if estimate is not None]
        axes.fill_between(
            x, [v["low"] for v in values], [v["high"] for v in values], color=colour, alpha=0.18, linewidth=0
        )
        axes.plot(x, [v["value"] for v in values], color=colour, linewidth=1.6)
        axes.plot([], [], color=colour, linewidth=1.6, marker=marker, markersize=5, label=label)
        for i, row, estimate in known:
            if estimate is not None:
                fill = "white" if row["method"] == "adjusted count" else colour
                axes.plot([i], [estimate["value"]], marker=marker, markersize=5, color=colour, markerfacecolor=fill)
    axes.set_ylim(0, 1)
    step = max(1, -(-len(periods) // 8))
    shown = range(0, len(periods), step)
    axes.set_xticks(list(shown), [periods[i] for i in shown], rotation=45 if len(periods[0]) > 4 else 0, fontsize=8)
    axes.grid(axis="y", linewidth=0.4, alpha=0.6)


def _by_group(figure: Any, task: Task, rows: Sequence[ShareRow]) -> None:
    groups = list(dict.fromkeys(_group(row) for row in rows))[:30]
    figure.set_size_inches(7.5, 1.5 + 0.2 * len(groups) * (len(task.labels) + 0.6))
    axes = figure.subplots()
    height = 0.75 / len(task.labels)
    for k, label in enumerate(task.labels):
        colour, marker = COLOURS[k % len(COLOURS)], MARKERS[k % len(MARKERS)]
        named = label
        for row in (row for row in rows if row["label"] == label and _group(row) in groups):
            y = groups.index(_group(row)) + (k - (len(task.labels) - 1) / 2) * height
            axes.plot([row["naive"]["value"]], [y], marker="|", markersize=9, color=colour)
            of = row["corrected"]
            if of is not None:
                axes.plot([of["low"], of["high"]], [y, y], color=colour, linewidth=1.8)
                fill = "white" if row["method"] == "adjusted count" else colour
                axes.plot([of["value"]], [y], marker, color=colour, markerfacecolor=fill, markersize=6, label=named)
                named = "_"
    axes.set_yticks(range(len(groups)), groups, fontsize=9)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.grid(axis="x", linewidth=0.4, alpha=0.6)
    axes.set_xlabel("share")
    _finish(
        figure,
        axes,
        task,
        "points: corrected, with 95% intervals; upright strokes: plain counts; hollow: pooled error rates",
    )


def _finish(figure: Any, axes: "Axes", task: Task, how: str) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels) or 1, frameon=False, fontsize=9)
    figure.supxlabel(f"Shares of {task.name}. {how[0].upper()}{how[1:]}.", fontsize=8)


def _group(row: ShareRow) -> str:
    return ", ".join(value for value in row["group"].values() if value != ALL) or "all rows"
