"""`detente prevalence`: shares of labels by group and over time, corrected for the classifier's errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente import files, paths
from detente.corpus import origins
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation.confidence.proportions import Estimate
from detente.evaluation.shares import plots as share_plots
from detente.evaluation.shares import populations
from detente.evaluation.shares import table as shares
from detente.evaluation.shares.populations import PERIODS
from detente.evaluation.shares.table import ALL, Pool, ShareRow
from detente.evaluation.tables import render
from detente.files import Layout
from detente.files.formats import bare_name
from detente.tasks import Task
from detente.verbs.outcome import Outcome

POOLS: tuple[Pool, ...] = ("small", "none", "all")
ESTIMATES = ("naive", "adjusted", "ppi", "ppi_plus", "corrected")
_CELLS_SHOWN = 30


@dataclass(frozen=True, kw_only=True)
class PrevalenceJob:
    """`input` is what predict wrote; `gold` a table of `id` and labels of some of its rows (`given_<task>` if empty).

    `by` names columns of `input`; `period` cuts the column `date` into months, quarters or years. `data` says how
    the columns of `gold` map to ours. `pool` says which cells borrow the error rates of all gold: those with fewer
    than `min_gold` gold rows ("small"), "none" or "all". The picture of a task goes beside `output`.
    """

    input: str
    gold: str
    output: str
    task: Mapping[str, Task]
    data: Layout
    by: Sequence[str]
    period: str
    date: str
    min_gold: int
    pool: Pool
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown period or pool, or too small a sample."""
        if isinstance(self.by, str):
            raise UsageError(f"by must be a list of columns: by=[{self.by}]")
        object.__setattr__(self, "by", tuple(dict.fromkeys(self.by)))
        if self.period not in PERIODS:
            raise UsageError(f'period is "{self.period}"; {did_you_mean(self.period, PERIODS[1:])}')
        if self.pool not in POOLS:
            raise UsageError(f'pool is "{self.pool}"; {did_you_mean(self.pool, POOLS)}')
        if self.min_gold < 10:
            raise UsageError(f"min_gold is {self.min_gold}; intervals from fewer than 10 rows are not to be trusted")


def run(job: PrevalenceJob) -> Outcome:
    """Estimate, warn, write the table and a picture a task."""
    output = populations.output_path(job.output) if job.output else None
    tasks = _tasks(job)
    population = populations.read_population(job.input, tasks, by=job.by, period=job.period, date=job.date)
    gold = populations.read_gold(job.gold, tasks, job.data) if job.gold else populations.given_gold(population, tasks)
    cells = populations.cells(population, by=job.by)
    rows: list[ShareRow] = []
    n_gold = len({given for of in gold.labels.values() for given in of})
    warned = origins.of_correcting(gold.machines, n_gold, job.gold or "the given gold")
    warnings = [warned] if warned else []
    tasks = [task for task in tasks if gold.labels[task.name]]
    if not tasks:
        raise InputError(f"{job.gold} has no label of {' or '.join(job.task)}; label some rows first")
    for task in tasks:
        data = populations.labelled(population, gold, task)
        found = shares.shares_by(data, cells, by=job.by, min_gold=job.min_gold, pool=job.pool, seed=job.seed)
        if task.name in population.hard:
            warnings.append(
                f"{task.name}: rows without probabilities count by their label alone; with the columns "
                f"{task.name}_<label> of predict the intervals would be narrower"
            )
        warnings += shares.warnings(data, found, min_gold=job.min_gold, pool=job.pool)
        rows += found
    text = [_table(rows), "\n".join(f"- {warning}" for warning in warnings)]
    if output:
        text.append("\n".join(_write(output, tasks, rows, warnings, job)))
    return Outcome(text="\n\n".join(text))


def _tasks(job: PrevalenceJob) -> list[Task]:
    """The tasks that the input has columns of."""
    tables = [p for p in files.expand(job.input) if files.ending(p) in files.TABLES]
    names = {name for table in tables[:1] for name in files.column_names(table)}
    tasks = [task for task in job.task.values() if task.name in names]
    if not tasks:
        raise InputError(
            f"{job.input} has no column {' or '.join(job.task)}; give what detente predict wrote, and task=NAME for a "
            "task of your own"
        )
    return tasks


def _table(rows: Sequence[ShareRow]) -> str:
    """Every cell as rows of text, the first `_CELLS_SHOWN` cells of each task."""
    columns = [*rows[0]["group"], *(["period"] if rows[0]["period"] else [])]
    header = [
        "task",
        "label",
        *columns,
        "n",
        "gold",
        "counted",
        "corrected",
        "95% interval",
        "method",
        "adjusted count",
    ]
    lines, shown, left_out = [], dict[str, set[str]](), 0
    for row in rows:
        cells = shown.setdefault(row["task"], set())
        name = shares.cell_name(row)
        if name not in cells and len(cells) >= _CELLS_SHOWN:
            left_out += 1
            continue
        cells.add(name)
        place = [*row["group"].values(), *([row["period"]] if row["period"] else [])]
        mark = "!" if row["misleading"] else ""
        lines.append(
            [
                *(row["task"], row["label"], *place, str(row["n"]), str(row["gold"])),
                *(f"{row['naive']['value']:.3f}{mark}", *_cells(row["corrected"]), row["method"] or "-"),
                " ".join(_cells(row["adjusted"])),
            ]
        )
    more = f"\n{left_out:,} further rows stand in the output" if left_out else ""
    return render(header, lines) + "\n! the plain count lies outside the corrected interval" + more


def _cells(of: Estimate | None) -> list[str]:
    return [f"{of['value']:.3f}", f"{of['low']:.3f}–{of['high']:.3f}"] if of else ["-", "-"]


def _write(
    output: Path, tasks: Sequence[Task], rows: Sequence[ShareRow], warnings: Sequence[str], job: PrevalenceJob
) -> list[str]:
    """Write the table (or JSON) and the pictures; returns what was written."""
    if output.suffix.lower() == ".json":
        settings = {"input": job.input, "gold": job.gold, "min_gold": job.min_gold, "pool": job.pool, "seed": job.seed}
        files.write_json(output, settings | {"warnings": list(warnings), "shares": list(rows)})
    else:
        flat = list(_flat(rows))
        files.write_rows(output, flat, columns=_columns(flat[0]))
    lines = [f"{paths.shown(output)}: {len(rows):,} rows"]
    for task in tasks:
        picture = output.with_name(f"{bare_name(output)}.{task.name}.png")
        share_plots.plot_shares(task, [row for row in rows if row["task"] == task.name], picture)
        lines.append(f"{paths.shown(picture)}: the shares of {task.name} as a picture")
    return lines


def _flat(rows: Sequence[ShareRow]) -> Iterator[dict[str, Any]]:
    """Rows of a table: group columns by name, each estimate as three columns."""
    for row in rows:
        flat: dict[str, Any] = {"task": row["task"], **row["group"], "period": row["period"] or ALL}
        flat |= {"label": row["label"], "n": row["n"], "gold": row["gold"]}
        for name in ESTIMATES:
            of: Any = dict(row)[name]
            flat |= {f"{name}{end}": of[part] if of else None for part, end in _ENDS.items()}
        kept = ("method", "error_rates", "power", "projected", "misleading")
        yield flat | {name: dict(row)[name] for name in kept}


_ENDS = {"value": "", "low": "_low", "high": "_high"}


def _columns(row: Mapping[str, Any]) -> dict[str, type]:
    whole, flags = ("n", "gold"), ("projected", "misleading")
    numeric = {f"{name}{end}" for name in ESTIMATES for end in _ENDS.values()} | {"power"}
    return {
        name: int if name in whole else bool if name in flags else float if name in numeric else str for name in row
    }
