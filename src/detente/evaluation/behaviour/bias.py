"""Bias: does the speaker's name, role or country, or the outlet, move the label when nothing else changes?

The labelling guide judges what is said, never who says it. So each counterfactual swap should leave the label, and
the probabilities, where they were.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

import numpy as np

from detente import paths
from detente.arrays import FloatArray
from detente.evaluation.behaviour.probes import Example, Predict, Rate, failure_rate
from detente.evaluation.behaviour.swaps import Swap, Swaps, read_swaps
from detente.evaluation.behaviour.voices import only_voice, put
from detente.evaluation.intervals import Interval
from detente.evaluation.tables import interval, render
from detente.models.inputs import with_text
from detente.records import Statement
from detente.seeds import rng
from detente.tasks import Task

SHIPPED = paths.SHIPPED + "probes/bias"
_EXAMPLES = 4
_MOST_STATEMENTS = 2000
# Enough to see whether a model reads the holder's columns at all.
_MOST_HOLDERS = 200
_LEVEL = 0.05
_NOTHING = 1e-9


class Shift(TypedDict):
    """What a swap does: `flips` is the share of cases whose label changes; `shift` the mean change of each label's
    probability (after minus before) with its 95% interval, clustered like `flips` (by claim, or by scenario).
    """

    flips: Rate
    shift: dict[str, Interval]


class SwapScores(TypedDict):
    """One swap, made `on` template sentences ("templates"), the voices of measured statements ("statements") or their
    columns holder and holder_name ("holder column").

    `swap` says from whom to whom, as "speaker: Russia -> United States". `clear` names the labels whose mean shift
    differs from zero after Holm's correction over all swaps, labels and materials of the task. `examples` are cases
    whose label changes.
    """

    task: str
    swap: str
    on: str
    all: Shift
    by_lang: dict[str, Shift]
    clear: list[str]
    examples: list[Example]


# The section `bias` of metrics.json: one entry for each task, swap and material.
Bias = list[SwapScores]


@dataclass(frozen=True, kw_only=True)
class _Material:
    """Pairs of statements before and after a swap, and the cluster of each."""

    swap: str
    on: str
    before: list[Statement]
    after: list[Statement]
    clusters: list[str]


def run(
    tasks: Sequence[Task], predict: Predict, statements: Sequence[Statement], *, folder: str = SHIPPED, seed: int = 0
) -> Bias:
    """Every swap of a folder, on templates and on the voices of `statements` (at most 2,000 of them, drawn by seed).

    Only tasks that the folder names, with the labels it takes them to have, are measured; none may be. Raises
    InputError for a folder that cannot be used.
    """
    found = swaps_of(folder)
    measured = [task for task in tasks if task.name in found.tasks and set(found.tasks[task.name]) <= set(task.labels)]
    if not measured:
        return []
    kept = list(statements)
    if len(kept) > _MOST_STATEMENTS:
        drawn = rng(seed, "bias").choice(len(kept), size=_MOST_STATEMENTS, replace=False)
        kept = [kept[i] for i in sorted(drawn.tolist())]
    materials = [m for swap in found.swaps for m in (_templates(swap), _voices(swap, kept)) if m.before]
    materials += [m for m in (_holders(found.swaps, kept),) if m.before]
    proba = _predict_all(predict, materials)
    scores: Bias = []
    for task in measured:
        of_task = [
            _score(task, material, before[task.name], after[task.name])
            for material, (before, after) in zip(materials, proba, strict=True)
        ]
        p_values = [
            _p_values(task, material, after[task.name] - before[task.name])
            for material, (before, after) in zip(materials, proba, strict=True)
        ]
        _mark_clear(of_task, p_values)
        scores += of_task
    return scores


def swaps_of(folder: str) -> Swaps:
    """The swaps of a folder, `shipped:` or one's own. Raises InputError for one that cannot be used."""
    return read_swaps(Path(paths.resolve(folder)).expanduser())


def table(scores: Bias) -> str:
    """Flip rates and the largest mean shift of every swap; a star marks shifts clear of zero."""
    rows = []
    for of in scores:
        flips = of["all"]["flips"]
        label = max(of["all"]["shift"], key=lambda name: abs(of["all"]["shift"][name]["value"]))
        shift = of["all"]["shift"][label]
        star = "*" if label in of["clear"] else ""
        moved = f"{label} {shift['value']:+.3f}{star}"
        shown = [str(flips["n"]), f"{flips['rate']['value']:.3f}", interval(flips["rate"]), moved]
        rows.append([of["task"], f"{of['swap']}, {of['on']}", *shown, signed(shift)])
    header = ["task", "swap", "n", "flips", "95% interval", "largest mean shift", "95% interval"]
    if not rows:
        return ""
    return render(header, rows) + "\n* differs from zero after Holm's correction over all swaps and labels of the task"


def signed(of: Interval) -> str:
    """The bounds of a difference, with their signs."""
    return "none" if of["low"] is None or of["high"] is None else f"{of['low']:+.3f} to {of['high']:+.3f}"


def _templates(swap: Swap) -> _Material:
    pairs = [[Statement(text=text, lang=case.lang) for text in case.texts] for case in swap.cases]
    return _Material(
        swap=swap.name,
        on="templates",
        before=[pair[0] for pair in pairs],
        after=[pair[1] for pair in pairs],
        clusters=[case.template for case in swap.cases],
    )


def _voices(swap: Swap, statements: Sequence[Statement]) -> _Material:
    """The statements with one voice, in whose place stands now one, now the other of a pair of voices."""
    before: list[Statement] = []
    after: list[Statement] = []
    clusters: list[str] = []
    for i, statement in enumerate(statements):
        voice = only_voice(statement) if statement.lang in swap.voices else None
        if voice is None:
            continue
        pairs = swap.voices[statement.lang]
        first, second = pairs[len(before) % len(pairs)]
        before.append(with_text(statement, put(statement.text, voice, first)))
        after.append(with_text(statement, put(statement.text, voice, second)))
        clusters.append(_cluster(statement, i))
    return _Material(swap=swap.name, on="statements", before=before, after=after, clusters=clusters)


def _holders(swaps: Sequence[Swap], statements: Sequence[Statement]) -> _Material:
    """The statements as they are, with another holder in their columns: it moves only models that read them."""
    voices = next((swap.voices for swap in swaps if swap.voices), {})
    rows = [i for i, s in enumerate(statements) if s.lang in voices and (s.holder or s.holder_name)]
    rows = rows[:: max(1, -(-len(rows) // _MOST_HOLDERS))]
    named = [voices[statements[i].lang][n % len(voices[statements[i].lang])] for n, i in enumerate(rows)]
    return _Material(
        swap=next((swap.name for swap in swaps if swap.voices), ""),
        on="holder column",
        before=[replace(statements[i], holder=a, holder_name=a) for i, (a, _) in zip(rows, named, strict=True)],
        after=[replace(statements[i], holder=b, holder_name=b) for i, (_, b) in zip(rows, named, strict=True)],
        clusters=[_cluster(statements[i], i) for i in rows],
    )


def _cluster(statement: Statement, position: int) -> str:
    return str(statement.extra.get("scenario") or statement.doc_id or statement.id or position)


def _predict_all(
    predict: Predict, materials: Sequence[_Material]
) -> list[tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]]]:
    """Probabilities before and after of every material; each statement is predicted once."""
    sides = [side for m in materials for side in (m.before, m.after)]
    rows = {_key(s): s for side in sides for s in side}
    at = {key: i for i, key in enumerate(rows)}
    proba = predict(list(rows.values())) if rows else {}
    parts = [{k: v[[at[_key(s)] for s in side]] for k, v in proba.items()} for side in sides]
    return list(zip(parts[::2], parts[1::2], strict=True))


def _key(statement: Statement) -> tuple[str, ...]:
    return (statement.text, statement.lang, statement.target, statement.holder, statement.holder_name)


def _score(task: Task, material: _Material, before: FloatArray, after: FloatArray) -> SwapScores:
    langs = [statement.lang for statement in material.before]
    first, second = before.argmax(axis=1), after.argmax(axis=1)
    flipped = np.flatnonzero(first != second)
    surest = sorted(flipped.tolist(), key=lambda i: -min(before[i].max(), after[i].max()))[:_EXAMPLES]
    by_lang = {
        lang: _shift(task, material, before, after, [i for i, one in enumerate(langs) if one == lang])
        for lang in sorted(set(langs))
    }
    return SwapScores(
        task=task.name,
        swap=material.swap,
        on=material.on,
        all=_shift(task, material, before, after, list(range(len(langs)))),
        by_lang=by_lang if len(by_lang) > 1 else {},
        clear=[],
        examples=[
            Example(
                lang=langs[i],
                texts=[material.before[i].text, material.after[i].text],
                predicted=[task.labels[first[i]], task.labels[second[i]]],
                expected="the same label",
            )
            for i in surest
        ],
    )


def _shift(task: Task, material: _Material, before: FloatArray, after: FloatArray, rows: list[int]) -> Shift:
    clusters = [material.clusters[i] for i in rows]
    flips = (before[rows].argmax(axis=1) != after[rows].argmax(axis=1)).tolist()
    change = after[rows] - before[rows]
    intervals = {label: mean_shift(change[:, k], clusters) for k, label in enumerate(task.labels)}
    return Shift(flips=failure_rate(flips, clusters), shift=intervals)


def mean_shift(change: FloatArray, clusters: Sequence[str]) -> Interval:
    """The mean with a 95% interval from the clusters' sums (linearised variance, Student's t of clusters - 1).

    A single cluster allows no interval.
    """
    from scipy import stats

    mean, error, freedom = _mean_and_error(change, clusters)
    if freedom < 1:
        return Interval(value=mean, low=None, high=None)
    width = float(stats.t.ppf(1 - _LEVEL / 2, freedom)) * error
    return Interval(value=mean, low=max(-1.0, mean - width), high=min(1.0, mean + width))


def _mean_and_error(change: FloatArray, clusters: Sequence[str]) -> tuple[float, float, int]:
    names, at = np.unique(np.asarray(clusters), return_inverse=True)
    mean = float(change.mean())
    sums = np.bincount(at, weights=change - mean, minlength=len(names))
    few = len(names) / max(len(names) - 1, 1)
    return mean, float(np.sqrt(few * (sums**2).sum()) / len(change)), len(names) - 1


def _p_values(task: Task, material: _Material, change: FloatArray) -> dict[str, float]:
    """Two-sided p of each label's mean shift being zero (Student's t of clusters - 1)."""
    from scipy import stats

    found = {}
    for k, label in enumerate(task.labels):
        mean, error, freedom = _mean_and_error(change[:, k], material.clusters)
        if error > _NOTHING and freedom >= 1:
            found[label] = float(2 * stats.t.sf(abs(mean) / error, freedom))
        else:  # alike in every cluster: plain if there is a shift, and none if there is not
            found[label] = 0.0 if abs(mean) > _NOTHING and freedom >= 1 else 1.0
    return found


def _mark_clear(scores: Bias, p_values: Sequence[Mapping[str, float]]) -> None:
    """Fill `clear` by Holm's step-down (1979) over all p-values of a task."""
    ranked = sorted((p, i, label) for i, found in enumerate(p_values) for label, p in found.items())
    for rank, (p, i, label) in enumerate(ranked):
        if p > _LEVEL / (len(ranked) - rank):
            return
        scores[i]["clear"].append(label)
