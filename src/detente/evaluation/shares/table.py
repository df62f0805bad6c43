"""Shares of labels by group and period: every estimate of every cell, and where the plain counts mislead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.errors import InputError
from detente.evaluation.confidence.proportions import Estimate
from detente.evaluation.shares.prevalence import Shares, adjusted_count, naive, prediction_powered
from detente.tasks import Task

Pool = Literal["small", "none", "all"]
ALL = "(all)"
NONE = "(none)"
# From how many gold rows on a cell's own confusion is inverted: with fewer its interval holds the truth too rarely.
OWN_RATES = 100
# The method of cells whose rows people labelled, every one.
GOLD = "gold"
_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A population of N rows labelled by a classifier, n of them by people too.

    `predicted` (N,) and `proba` (N, labels); `gold_rows` (n,) are positions of the gold rows, `gold` (n,) their
    labels, `weights` (n,) one over the probability with which each was chosen, None if all were equally likely.
    """

    task: Task
    predicted: NDArray[np.int_]
    proba: FloatArray
    gold_rows: NDArray[np.int_]
    gold: NDArray[np.int_]
    weights: FloatArray | None


class _Where(TypedDict):
    task: str
    group: dict[str, str]
    period: str
    label: str
    n: int
    gold: int
    error_rates: str
    method: str


class ShareRow(_Where):
    """The share of one label in one cell (a value of each group column, and a period).

    `n` rows, `gold` of them labelled by people. Each estimate is None where the cell's gold does not allow it;
    `error_rates` says whose confusion `adjusted` uses (the cell's own, or pooled over all cells). `corrected` is
    the estimate to report, by `method`; `misleading` says that `naive` lies outside its interval.
    """

    naive: Estimate
    adjusted: Estimate | None
    ppi: Estimate | None
    ppi_plus: Estimate | None
    power: float | None
    corrected: Estimate | None
    projected: bool
    misleading: bool


def shares_by(
    data: Labelled,
    cells: Mapping[tuple[str, ...], NDArray[np.int_]],
    *,
    by: Sequence[str],
    min_gold: int,
    pool: Pool,
    seed: int,
) -> list[ShareRow]:
    """A row a cell and label. `cells` maps (value of each of `by`, period) to positions of rows.

    A cell with at least `min_gold` gold rows is corrected by them alone (PPI++). With `pool` "small" the others
    borrow the error rates of all gold (adjusted count), with "all" every cell does, with "none" they get nothing.
    A cell whose rows all have gold is counted by it, with Wilson's intervals, and needs no prediction.
    Raises InputError if all gold rows have one label, unless they are all rows.
    """
    if len(np.unique(data.gold)) < 2 and len(data.gold) < len(data.predicted):
        raise InputError(
            f'all {len(data.gold)} gold rows have the {data.task.name} "{data.task.labels[int(data.gold[0])]}"; '
            "error rates need gold of at least two labels"
        )
    at_gold = np.full(len(data.predicted), -1)
    at_gold[data.gold_rows] = np.arange(len(data.gold_rows))
    found = []
    for key, rows in cells.items():
        inside = at_gold[rows]
        found += _cell(data, key, rows, inside[inside >= 0], by=by, min_gold=min_gold, pool=pool, seed=seed)
    return found


def _cell(
    data: Labelled,
    key: tuple[str, ...],
    rows: NDArray[np.int_],
    gold: NDArray[np.int_],
    *,
    by: Sequence[str],
    min_gold: int,
    pool: Pool,
    seed: int,
) -> list[ShareRow]:
    whole = len(gold) == len(rows)
    enough = len(gold) >= min_gold and not whole
    own = enough and pool != "all"
    powered = _powered(data, rows, gold) if enough else (None, None)
    mine = own and (len(gold) >= OWN_RATES or pool == "none")
    source = gold if mine else np.arange(len(data.gold)) if pool != "none" and not whole else gold[:0]
    adjusted = adjusted_count(
        data.predicted[rows],
        data.gold[source],
        data.predicted[data.gold_rows[source]],
        labels=len(data.task.labels),
        weights=None if data.weights is None else data.weights[source],
        seed=seed,
    )
    labels = len(data.task.labels)
    counted = naive(data.predicted[rows], labels)
    rates = "" if adjusted is None else "own" if mine else "pooled"
    return [
        _row(
            k,
            counted=counted,
            adjusted=adjusted,
            powered=powered,
            corrected=naive(data.gold[gold], labels) if whole else powered[1] if own else adjusted,
            task=data.task.name,
            group=dict(zip(by, key, strict=False)),
            period=key[len(by)],
            label=label,
            n=len(rows),
            gold=len(gold),
            error_rates=rates,
            method=GOLD if whole else "PPI++" if own else "adjusted count" if adjusted else "",
        )
        for k, label in enumerate(data.task.labels)
    ]


def _row(
    k: int,
    *,
    counted: Shares,
    adjusted: Shares | None,
    powered: tuple[Shares, Shares] | tuple[None, None],
    corrected: Shares | None,
    **where: Unpack[_Where],
) -> ShareRow:
    """The row of the label at position `k`."""
    reported, plain = _estimate(corrected, k), float(counted.value[k])
    return ShareRow(
        **where,
        naive=Estimate(value=plain, low=float(counted.low[k]), high=float(counted.high[k])),
        adjusted=_estimate(adjusted, k),
        ppi=_estimate(powered[0], k),
        ppi_plus=_estimate(powered[1], k),
        power=powered[1].power if powered[1] else None,
        corrected=reported,
        projected=bool(corrected and corrected.projected),
        misleading=reported is not None and not reported["low"] <= plain <= reported["high"],
    )


def _powered(data: Labelled, rows: NDArray[np.int_], gold: NDArray[np.int_]) -> tuple[Shares, Shares]:
    """PPI and PPI++ of a cell from its own gold."""
    chosen = data.gold_rows[gold]
    rest = data.proba[np.setdiff1d(rows, chosen)]
    onehot = np.eye(len(data.task.labels))[data.gold[gold]]
    weights = None if data.weights is None else data.weights[gold]
    plain = prediction_powered(onehot, data.proba[chosen], rest, weights=weights, power=1.0)
    return plain, prediction_powered(onehot, data.proba[chosen], rest, weights=weights)


def _estimate(of: Shares | None, k: int) -> Estimate | None:
    return None if of is None else Estimate(value=float(of.value[k]), low=float(of.low[k]), high=float(of.high[k]))


def warnings(data: Labelled, rows: Sequence[ShareRow], *, min_gold: int, pool: Pool) -> list[str]:
    """What a reader of the shares must know: sentences."""
    found = [_assumption(data), *_unlike(data), *_same(data)]
    name, cells = data.task.name, {cell_name(row): row for row in rows}
    counted = [cell for cell, row in cells.items() if row["method"] == GOLD]
    if counted and len(counted) < len(cells):
        found.append(
            f"{name}: people labelled every row of {_some(counted)}; "
            "their labels are counted there, no prediction enters"
        )
    small = [cell for cell, row in cells.items() if row["gold"] < min_gold and row["method"] != GOLD]
    if small and pool == "small":
        found.append(
            f"{name}: fewer than {min_gold} gold rows in {_some(small)}; their shares rest on the error rates of all "
            "gold, which holds only if the classifier errs alike in every group (pool=none leaves them out)"
        )
    if pool == "all":
        found.append(f"{name}: pool=all takes the classifier to err alike in every group and gold of any origin")
    without = [cell for cell, row in cells.items() if row["corrected"] is None]
    if without:
        found.append(
            f"{name}: no correction for {_some(without)}: too little gold, or a label of which gold has none, or error "
            f"rates that cannot be inverted; label at least {min_gold} random rows there"
        )
    few = [label for k, label in enumerate(data.task.labels) if 0 < (data.gold == k).sum() < 5]
    if few:
        found.append(
            f"{name}: fewer than 5 gold rows are {' or '.join(few)}; intervals of that share may be too narrow"
        )
    if any(row["projected"] for row in rows):
        count = len({cell_name(row) for row in rows if row["projected"]})
        found.append(f"{name}: in {count} cells an estimate fell outside 0 to 1 and was moved to the nearest shares")
    wrong = [row for row in rows if row["misleading"]]
    for row in wrong[:_SHOWN]:
        corrected, cell = row["corrected"], cell_name(row)
        if corrected is not None:
            found.append(
                f"{name}, {cell}: counting predictions gives {row['label']} {row['naive']['value']:.3f}, corrected "
                f"{corrected['value']:.3f} ({corrected['low']:.3f}–{corrected['high']:.3f}): the plain count misleads"
            )
    if len(wrong) > _SHOWN:
        found.append(f"{name}: the plain count misleads in {len(wrong) - _SHOWN} further rows (column misleading)")
    return found


def cell_name(row: ShareRow) -> str:
    """The cell of a row in words: `holder_side=us, 2025-03`, or "all rows"."""
    parts = [f"{name}={value}" for name, value in row["group"].items() if value != ALL]
    if row["period"] not in ("", ALL):
        parts.append("no date" if row["period"] == NONE else row["period"])
    return ", ".join(parts) or "all rows"


def _some(cells: Sequence[str]) -> str:
    more = f" and {len(cells) - 4} more" if len(cells) > 4 else ""
    return "; ".join(cells[:4]) + more


def _assumption(data: Labelled) -> str:
    n, whole = len(data.gold), len(data.predicted)
    if n == whole:
        return f"{data.task.name}: all {n:,} predictions have gold: its labels are counted, no prediction enters"
    if data.weights is None:
        return (
            f"{data.task.name}: the {n:,} gold rows are taken as a random sample of the {whole:,} predictions, each "
            "as likely as any other; if they were chosen otherwise (the most doubtful first, say), give each row's "
            "chance of being chosen in a column `probability`, or no interval here is valid"
        )
    size = data.weights.sum() ** 2 / (data.weights**2).sum()
    return (
        f"{data.task.name}: the {n:,} gold rows are weighted by one over their chance of being chosen, taken as given "
        f"and above zero for every one of the {whole:,} predictions; they are worth {size:,.0f} rows of a plain sample"
    )


def _same(data: Labelled) -> list[str]:
    """A warning if gold never contradicts the classifier: it may be the classifier's own labels."""
    if (data.gold != data.predicted[data.gold_rows]).any() or len(data.gold) < 20:
        return []
    return [f"{data.task.name}: the gold rows agree with the classifier in every one; are they labels by people?"]


def _unlike(data: Labelled) -> list[str]:
    """A warning if the predictions of the gold rows do not look like those of all rows (chi-squared test)."""
    from scipy.stats import chi2

    labels, n = len(data.task.labels), len(data.gold)
    weights = np.ones(n) if data.weights is None else data.weights
    share = np.bincount(data.predicted[data.gold_rows], weights, minlength=labels) / weights.sum()
    whole = np.bincount(data.predicted, minlength=labels) / len(data.predicted)
    present = whole > 0
    size = weights.sum() ** 2 / (weights**2).sum()
    statistic = float(size * ((share - whole)[present] ** 2 / whole[present]).sum())
    if n == len(data.predicted) or float(chi2.sf(statistic, max(present.sum() - 1, 1))) > 0.01:
        return []
    k = int(np.argmax(abs(share - whole)))
    warning = (
        f"{data.task.name}: the gold rows do not look like a random sample: {share[k]:.0%} of them are predicted "
        f"{data.task.labels[k]}, of all rows {whole[k]:.0%}; correct how they were chosen, or weight them"
    )
    return [warning]
