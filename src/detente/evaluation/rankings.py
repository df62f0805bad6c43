"""Runs ranked on the statements they were all scored on: paired tests, Holm's correction, tiers of tied runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypedDict

import numpy as np

from detente.corpus import origins
from detente.evaluation import intervals, metrics
from detente.evaluation.clusters import AUTO, check_column, clusters_of, value_of
from detente.evaluation.intervals import Interval
from detente.evaluation.metrics import IntArray
from detente.evaluation.paired import LEVEL, Entrant, Pair, compare_pair, resampled_runs
from detente.evaluation.runs import Predicted, Run, read_predicted
from detente.evaluation.scoring import of_counts, resampled_counts
from detente.evaluation.slices import holm
from detente.evaluation.spread import OverSeeds, over_seeds
from detente.records import Statement
from detente.tasks import Task

ALL = "all"
_FILE = "input"  # the split of what evaluate read from a file


class Entry(TypedDict):
    """A run, or the runs of one configuration with several seeds, in a ranking. Scores are the mean over runs."""

    name: str
    runs: list[str]
    macro_f1: Interval
    accuracy: Interval
    over_seeds: OverSeeds | None


class Ranking(TypedDict):
    """One task on one split: entries best first, pairs, and tiers of entries tied with the first of their tier.

    `n` statements are those that all runs were scored on; `left_out` counts the others of each run.
    """

    task: str
    split: str
    n: int
    clusters: int
    left_out: dict[str, int]
    entries: list[Entry]
    pairs: list[Pair]
    tiers: list[list[str]]


class Comparison(TypedDict):
    """What `comparison.json` holds. `folders` gives the run folder of each run's name; `notes` are warnings."""

    folders: dict[str, str]
    rankings: list[Ranking]
    notes: list[str]


def compare_runs(
    runs: Sequence[Run], *, seed: int, cluster: str = AUTO, by: str = "", group_seeds: bool = True
) -> Comparison:
    """Rank the runs on every task and split that two of them share.

    `by` names a column for whose values the pairs are compared too. Raises UsageError if it is none.
    """
    rankings: list[Ranking] = []
    notes: list[str] = []
    for split, name in _shared(runs):
        predicted = {run.name: read_predicted(run, name, s) for run in runs if (s := _split_of(run, split, name))}
        own = {key for run in runs if _has(run, split, name) for key in predicted[run.name]}
        kept = [run for run in runs if own & predicted.get(run.name, {}).keys()]
        notes += [
            f"{name}, {split}: {run} kept no predictions beside gold labels and is not compared"
            for run, found in predicted.items()
            if not found
        ]
        if len(kept) > 1:
            matched, lost = _match(name, split, {run.name: predicted[run.name] for run in kept})
            notes += lost
            if matched:
                entrants = _entrants(kept, matched, group_seeds=group_seeds)
                rankings.append(_rank(matched, entrants, seed=seed, cluster=cluster, by=by))
    told = ((run.name, origins.of_run(run.metrics, split)) for run in runs for split in run.metrics["metrics"])
    notes += [f"{name}: {sentence}" for name, sentence in told if sentence]
    return Comparison(folders={run.name: str(run.folder) for run in runs}, rankings=rankings, notes=notes)


@dataclass(frozen=True, kw_only=True)
class _Matched:
    """The statements that all runs were scored on, with gold, and each run's predictions by its name."""

    task: Task
    split: str
    statements: list[Statement]
    gold: IntArray
    predicted: Mapping[str, IntArray]
    left_out: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class _Group:
    """An entrant with the names and seeds of its runs."""

    entrant: Entrant
    runs: tuple[str, ...]
    seeds: tuple[int, ...]


def _split_of(run: Run, split: str, task: str) -> str:
    """The split's name in a run: what was evaluated from a file may be any split's statements."""
    return next((s for s in (split, _FILE) if task in run.metrics["metrics"].get(s, {})), "")


def _shared(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """(split, task) of at least two runs, in the order they first come."""
    pairs = dict.fromkeys(
        (split, task) for run in runs for split, by_task in run.metrics["metrics"].items() for task in by_task
    )
    named = [pair for pair in pairs if pair[0] != _FILE and sum(bool(_split_of(run, *pair)) for run in runs) > 1]
    files = [pair for pair in pairs if pair[0] == _FILE and sum(_has(run, *pair) for run in runs) > 1]
    return named + files


def _has(run: Run, split: str, task: str) -> bool:
    return task in run.metrics["metrics"].get(split, {})


def _match(
    name: str, split: str, predicted: Mapping[str, Mapping[tuple[str, str], Predicted]]
) -> tuple[_Matched | None, list[str]]:
    """What all runs have in common by id, text and gold label, and sentences on what they have not."""
    first = next(iter(predicted.values()))
    common = [key for key in first if all(key in found for found in predicted.values())]
    agreed = [key for key in common if len({found[key].gold for found in predicted.values()}) == 1]
    left_out = {run: len(found) - len(agreed) for run, found in predicted.items()}
    notes = []
    if any(left_out.values()):
        counts = ", ".join(f"{run} {len(predicted[run])}" for run in predicted)
        differ = len(common) - len(agreed)
        notes.append(
            f"{name}, {split}: the runs were not scored on the same data ({counts} statements); they are compared "
            f"on the {len(agreed)} that all have with equal id, text and gold label"
            + (f" ({differ} differ in gold alone)" if differ else "")
        )
    if not agreed:
        return None, notes
    labels = tuple(
        dict.fromkeys(label for found in predicted.values() for p in found.values() for label in (p.gold, p.predicted))
    )
    if len(labels) < 2:
        return None, [*notes, f"{name}, {split}: one label only; there is nothing to compare"]
    task = Task(name=name, labels=labels)
    columns = {run: np.array(task.index([found[k].predicted for k in agreed])) for run, found in predicted.items()}
    return (
        _Matched(
            task=task,
            split=split,
            statements=[first[key].statement for key in agreed],
            gold=np.array(task.index([first[key].gold for key in agreed])),
            predicted=columns,
            left_out=left_out,
        ),
        notes,
    )


def _entrants(runs: Sequence[Run], matched: _Matched, *, group_seeds: bool) -> list[_Group]:
    """Runs of one recipe with different seeds as one entrant; every other run as its own."""
    by_recipe: dict[str, list[Run]] = {}
    for run in runs:
        alone = not group_seeds or not run.recipe or run.seed is None
        by_recipe.setdefault(f"{run.name}\0" if alone else run.recipe, []).append(run)
    groups = []
    for found in by_recipe.values():
        seeds = [run.seed for run in found if run.seed is not None]
        together = len(found) > 1 and len(set(seeds)) == len(found)
        for members in [found] if together else [[run] for run in found]:
            bare = str(members[0].metrics["name"])
            name = f"{bare} (mean of {len(members)} seeds)" if together else members[0].name
            predicted = [matched.predicted[run.name] for run in members]
            groups.append(
                _Group(
                    entrant=Entrant(name=name, predicted=predicted),
                    runs=tuple(run.name for run in members),
                    seeds=tuple(seeds) if together else (),
                )
            )
    return _told_apart(groups, {run.name: run.folder.name for run in runs})


def _told_apart(groups: Sequence[_Group], folders: Mapping[str, str]) -> list[_Group]:
    """Groups whose names are alike get the names of their runs' folders too: tiers and pairs go by names."""
    count = Counter(group.entrant.name for group in groups)
    out = []
    for group in groups:
        entrant = group.entrant
        if count[entrant.name] > 1:
            entrant = replace(entrant, name=f"{entrant.name}: {', '.join(folders[run] for run in group.runs)}")
        out.append(replace(group, entrant=entrant))
    return out


def _rank(matched: _Matched, groups: Sequence[_Group], *, seed: int, cluster: str, by: str) -> Ranking:
    names = clusters_of(matched.statements, cluster)
    clusters = np.arange(len(matched.gold)) if names is None else intervals.numbered(names)
    entries = sorted(
        (_entry(matched, group, clusters, seed) for group in groups), key=lambda e: -e["macro_f1"]["value"]
    )
    pairs = _pairs(matched, groups, clusters, np.arange(len(matched.gold)), ALL, seed)
    _correct(pairs)
    parts: list[Pair] = []
    if by:
        check_column(matched.statements, by)
        values = np.array([str(value_of(s, by) or "(none)") for s in matched.statements])
        for value in sorted(set(values)):
            parts += _pairs(matched, groups, clusters, np.flatnonzero(values == value), f"{by}={value}", seed)
        _correct(parts)
    return Ranking(
        task=matched.task.name,
        split=matched.split,
        n=len(matched.gold),
        clusters=int(clusters.max()) + 1,
        left_out=matched.left_out,
        entries=entries,
        pairs=pairs + parts,
        tiers=tiers([entry["name"] for entry in entries], pairs),
    )


def _entry(matched: _Matched, group: _Group, clusters: IntArray, seed: int) -> Entry:
    task, gold, predicted = matched.task, matched.gold, group.entrant.predicted
    k, n_units = len(task.labels), int(clusters.max()) + 1
    if len(predicted) == 1:
        drawn = resampled_counts(task, gold, predicted[0], clusters, seed=seed)
        found = of_counts(task, metrics.confusion(gold, predicted[0], k), drawn, n_units)
        spreads = None
    else:
        drawn = resampled_runs(task, gold, predicted, clusters, seed=seed)
        every = {
            name: over_seeds(
                [float(measure(metrics.confusion(gold, p, k))) for p in predicted],
                group.seeds,
                measure(drawn).mean(axis=1),
                units=n_units,
            )
            for name, measure in (("macro_f1", metrics.macro_f1), ("accuracy", metrics.accuracy))
        }
        found = {name: each["both"] for name, each in every.items()}
        spreads = every["macro_f1"]
    return Entry(
        name=group.entrant.name,
        runs=list(group.runs),
        macro_f1=found["macro_f1"],
        accuracy=found["accuracy"],
        over_seeds=spreads,
    )


def _pairs(
    matched: _Matched, groups: Sequence[_Group], clusters: IntArray, rows: IntArray, part: str, seed: int
) -> list[Pair]:
    """Every pair of entrants on some of the statements."""
    _, within = np.unique(clusters[rows], return_inverse=True)
    entrants = [
        Entrant(name=group.entrant.name, predicted=[p[rows] for p in group.entrant.predicted]) for group in groups
    ]
    return [
        compare_pair(matched.task, matched.gold[rows], one, other, within, seed=seed, part=part)
        for one, other in combinations(entrants, 2)
    ]


def _correct(pairs: Sequence[Pair]) -> None:
    """Fill in Holm's corrected p over these pairs, and which are tied."""
    for pair, p in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"], pair["tied"] = p, p >= LEVEL
        if not pair["tied"]:
            pair["more_needed"] = 0


def tiers(names: Sequence[str], pairs: Sequence[Pair]) -> list[list[str]]:
    """Names, best first, in tiers: the best of those left and all that are tied with it."""
    tied = {frozenset((pair["first"], pair["second"])) for pair in pairs if pair["tied"]}
    left, found = list(names), []
    while left:
        tier = [name for name in left if name == left[0] or frozenset((left[0], name)) in tied]
        found.append(tier)
        left = [name for name in left if name not in tier]
    return found
