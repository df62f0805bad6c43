"""Behaviour probes (after CheckList, Ribeiro et al. 2020): suites of cases whose outcome the labelling guide fixes.

A case is one text or several, and what the model must do with them (`EXPECTATIONS` in `suites`). Its
failure rate stands beside the scores: a model may score well and still not read "not".
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from detente import paths
from detente.arrays import FloatArray
from detente.errors import InputError, did_you_mean
from detente.evaluation.behaviour.cases import Case, check_case, fails
from detente.evaluation.behaviour.suites import Suite, read_folder
from detente.evaluation.intervals import Interval
from detente.evaluation.tables import interval, render
from detente.records import LABEL_COLUMNS, Statement
from detente.tasks import Task

log = logging.getLogger(__name__)
SHIPPED = paths.SHIPPED + "probes"
_EXAMPLES = 8
Predict = Callable[[Sequence[Statement]], Mapping[str, FloatArray]]


class Rate(TypedDict):
    """Share of `n` cases that fail, with its 95% interval.

    Cases of one template are alike, so the interval is clustered by template (`clusters` of them).
    """

    n: int
    clusters: int
    failures: int
    rate: Interval


class Example(TypedDict):
    """A case that failed: its texts, the labels predicted for them, and what was expected, in words."""

    lang: str
    texts: list[str]
    predicted: list[str]
    expected: str


class SuiteScores(TypedDict):
    """How often a checkpoint fails one suite.

    `kind` is minimum functionality, invariance or directional. `by_lang` holds the rate of each language (a case
    whose texts are of several languages stands under them joined by +). `examples` are failures, the surest first.
    """

    task: str
    kind: str
    about: str
    all: Rate
    by_lang: dict[str, Rate]
    examples: list[Example]


# The section `probes` of metrics.json: suite name -> scores.
Probes = dict[str, SuiteScores]


def run(tasks: Sequence[Task], predict: Predict, suites: Sequence[Suite]) -> Probes:
    """The scores of every suite; each text is predicted once."""
    by_name = {task.name: task for task in tasks}
    rows = list(dict.fromkeys((t, c.lang_of(i)) for s in suites for c in s.cases for i, t in enumerate(c.texts)))
    if not rows:
        return {}
    proba = predict([Statement(text=text, lang=lang) for text, lang in rows])
    at = {row: i for i, row in enumerate(rows)}
    scores = {}
    for suite in suites:
        found = [
            proba[suite.task][[at[text, case.lang_of(i)] for i, text in enumerate(case.texts)]] for case in suite.cases
        ]
        scores[suite.name] = _score(suite, by_name[suite.task], found)
    return scores


def suites_for(folder: str, tasks: Sequence[Task]) -> list[Suite]:
    """The suites of a folder that probe the given tasks.

    Of the shipped folder, those whose task the checkpoint has with the labels that the suite takes it to have. In
    another folder a task or label that is unknown raises InputError.
    """
    path = Path(paths.resolve(folder)).expanduser()
    by_name = {task.name: task for task in tasks}
    kept = []
    for suite in read_folder(path):
        task = by_name.get(suite.task)
        if folder == SHIPPED and (task is None or not set(suite.labels) <= set(task.labels)):
            continue
        if task is None:
            if suite.task not in LABEL_COLUMNS:
                known = (*by_name, *LABEL_COLUMNS)
                raise InputError(
                    f'{suite.cases[0].where}: the task is "{suite.task}"; {did_you_mean(suite.task, known)}'
                )
            log.info(f"the suite {suite.path} is left out: the checkpoint does not predict {suite.task}")
            continue
        for case in suite.cases:
            check_case(case, task.labels)
        kept.append(suite)
    return kept


def _score(suite: Suite, task: Task, found: Sequence[FloatArray]) -> SuiteScores:
    failed = [
        fails(case, task, proba, tolerance=suite.tolerance) for case, proba in zip(suite.cases, found, strict=True)
    ]
    languages = sorted({case.lang for case in suite.cases})
    by_lang = {}
    for lang in languages:
        rows = [i for i, case in enumerate(suite.cases) if case.lang == lang]
        by_lang[lang] = failure_rate([failed[i] for i in rows], [suite.cases[i].template for i in rows])
    surest = sorted((i for i, bad in enumerate(failed) if bad), key=lambda i: -float(found[i].max(axis=1).min()))
    return SuiteScores(
        task=task.name,
        kind=" and ".join(sorted({case.kind for case in suite.cases})),
        about=suite.about,
        all=failure_rate(failed, [case.template for case in suite.cases]),
        by_lang=by_lang,
        examples=[_example(suite.cases[i], task, found[i]) for i in _spread(surest, suite.cases)],
    )


def _spread(failed: Sequence[int], cases: Sequence[Case]) -> list[int]:
    """The first failures, no two of one template while there are others."""
    seen: dict[str, int] = {}
    ranked = []
    for i in failed:
        seen[cases[i].template] = seen.get(cases[i].template, 0) + 1
        ranked.append((seen[cases[i].template], i))
    return [i for _, i in sorted(ranked, key=lambda pair: pair[0])[:_EXAMPLES]]


def _example(case: Case, task: Task, proba: FloatArray) -> Example:
    predicted = [task.labels[int(i)] for i in proba.argmax(axis=1)]
    return Example(lang=case.lang, texts=list(case.texts), predicted=predicted, expected=case.expected())


def table(scores: Probes) -> str:
    """One line a suite: the failure rate with its interval, and the rates by language."""
    languages = sorted({lang for suite in scores.values() for lang in suite["by_lang"] if "+" not in lang})
    rows = []
    for name, suite in scores.items():
        rate, by_lang = suite["all"], suite["by_lang"]
        shown = [str(rate["n"]), str(rate["clusters"]), f"{rate['rate']['value']:.3f}", interval(rate["rate"])]
        parts = [f"{by_lang[lang]['rate']['value']:.3f}" if lang in by_lang else "" for lang in languages]
        rows.append([name, suite["kind"], *shown, *parts])
    return render(["probe", "kind", "cases", "templates", "failing", "95% interval", *languages], rows)


def failure_rate(failed: Sequence[bool], clusters: Sequence[str]) -> Rate:
    """The failure rate with a Korn–Graubard interval.

    That is the exact binomial interval (Clopper & Pearson 1934) at the effective number of cases: n over the
    design effect of the clusters, corrected for their being few (Korn & Graubard 1998). Where all cases fail or
    none does, the design effect cannot be seen and every cluster counts as one case. One cluster alone allows no
    interval.
    """
    from scipy import stats

    n, names = len(failed), sorted(set(clusters))
    values, share = np.asarray(failed, dtype=float), float(np.mean(failed))
    low: float | None = None
    high: float | None = None
    if len(names) > 1:
        effective = float(len(names))
        if 0 < share < 1:
            named = np.asarray(clusters)
            sums = np.array([(values[named == name] - share).sum() for name in names])
            variance = len(names) / (len(names) - 1) * float((sums**2).sum()) / n**2
            few = stats.t.ppf(0.975, n - 1) / stats.t.ppf(0.975, len(names) - 1)
            effective = min(n, share * (1 - share) / variance * few**2) if variance else float(n)
        hits = share * effective
        low = float(stats.beta.ppf(0.025, hits, effective - hits + 1)) if hits > 0 else 0.0
        high = float(stats.beta.ppf(0.975, hits + 1, effective - hits)) if hits < effective else 1.0
    return Rate(n=n, clusters=len(names), failures=int(values.sum()), rate=Interval(value=share, low=low, high=high))
