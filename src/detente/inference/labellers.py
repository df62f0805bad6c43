"""Labellers by their settings: rules, a checkpoint, a language model, or several of them joined."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from detente import checkpoint as checkpoints
from detente import files, paths
from detente.arrays import FloatArray
from detente.corpus import origins
from detente.errors import InputError, UsageError, did_you_mean
from detente.labelling import functions, label_model, llm, rules
from detente.labelling.answers import Answers, Labeller, labels_of
from detente.labelling.codebook import Codebook
from detente.labelling.functions import ABSTAIN, Tally, Votes
from detente.labelling.label_model import LabelModel
from detente.labelling.llm_spec import LlmSpec
from detente.records import Statement
from detente.tasks import Task

JOINS = ("vote", *label_model.JOINS)
_ONE_SIDED = 0.95


@dataclass(frozen=True, kw_only=True)
class RulesLabeller:
    """Cue lists by language; `lexicons` is a folder of one's own `<lang>.toml`, else the shipped ones.

    `join` says how the groups' votes become probabilities, fitted on `gold` (labelled statements) if given, else on
    the first `fit_rows` statements of the input. `table` is a file for coverage, conflict and accuracy by group.
    """

    lexicons: str = ""
    join: str = "vote"
    gold: str = ""
    fit_rows: int = 5000
    table: str = ""

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown way of joining, or a table that is none."""
        _check_join(self.join, self.fit_rows)
        if self.table:
            files.table_format(Path(self.table))


@dataclass(frozen=True, kw_only=True)
class ModelLabeller:
    """A checkpoint of one's own training."""

    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class JoinedLabeller:
    """Several labellers by name. `join`: vote is the mean of their probabilities; the others weigh them."""

    parts: Mapping[str, RulesLabeller | ModelLabeller | LlmSpec] = field(default_factory=dict)
    join: str = "vote"
    gold: str = ""
    fit_rows: int = 2000

    def __post_init__(self) -> None:
        """Raise UsageError for fewer than two parts."""
        _check_join(self.join, self.fit_rows)
        if len(self.parts) < 2:
            raise UsageError("labeller=joined joins two labellers or more: labeller.parts=[rules,llm]")


AnyLabeller = RulesLabeller | ModelLabeller | LlmSpec | JoinedLabeller


def _check_join(join: str, fit_rows: int) -> None:
    if join not in JOINS:
        raise UsageError(f'labeller.join is "{join}"; {did_you_mean(str(join), JOINS)}')
    if isinstance(fit_rows, int) and fit_rows < 1:
        raise UsageError(f"labeller.fit_rows is {fit_rows}; it must be at least 1")


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A labeller ready for batches. `origin` is its name in the output; `columns` those it adds.

    `group` is how many statements suit it at once, 0 for any number; `report` gives sentences at the end. `prepare`
    does what comes before the first label and may send, as fitting a join does; `label` calls it if nobody has.
    `beforehand` gives the statements besides the input's that this asks about.
    """

    tasks: tuple[Task, ...]
    label: Labeller
    origin: str
    columns: tuple[str, ...] = ()
    group: int = 0
    report: Callable[[], Sequence[str]] = tuple
    tally: Tally | None = None
    askers: tuple[llm.Asker, ...] = ()
    prepare: Callable[[], object] = tuple
    beforehand: Callable[[], Sequence[Statement]] = tuple


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every labeller is opened with: tasks, codebook, seed, and a way to the first statements of the input."""

    tasks: tuple[Task, ...]
    book: Codebook
    seed: int
    first: Callable[[int], Sequence[Statement]]


def open_labeller(spec: AnyLabeller, setting: Setting) -> Opened:
    """Make a labeller ready. Raises UsageError or InputError for what it lacks; sends and writes nothing.

    A join is fitted later, by `prepare` or the first `label`.
    """
    if isinstance(spec, ModelLabeller):
        return _open_model(spec)
    if isinstance(spec, LlmSpec):
        return _open_llm(spec, setting)
    if isinstance(spec, JoinedLabeller):
        return _open_joined(spec, setting)
    return _open_rules(spec, setting)


def _open_model(spec: ModelLabeller) -> Opened:
    found = checkpoints.load(spec.checkpoint)
    origin = f"model:{found.about.get('name', found.family)}"
    return Opened(tasks=found.tasks, label=lambda batch: Answers(found.predict_proba(batch)), origin=origin)


def _open_llm(spec: LlmSpec, setting: Setting) -> Opened:
    asker = llm.open_asker(spec, setting.tasks, setting.book)
    return Opened(
        tasks=setting.tasks,
        label=lambda batch: llm.label(asker, batch),
        origin=f"llm:{spec.model}",
        columns=("reason",),
        group=llm.group_size(spec),
        report=lambda: (llm.report(asker),),
        askers=(asker,),
    )


def _open_rules(spec: RulesLabeller, setting: Setting) -> Opened:
    for task in setting.tasks:
        if task.name not in ("stance", "sentiment"):
            raise UsageError(f"labeller=rules knows stance and sentiment, not {task.name}; use labeller=model or llm")
    lexicons = rules.load_lexicons(spec.lexicons) if spec.lexicons else {}
    every = [*({lang: rules.shipped(lang) for lang in rules.LANGUAGES} | lexicons).values()]
    names = {task.name: functions.names_of(every, task) for task in setting.tasks}
    tally = Tally(setting.tasks)

    def votes(statements: Sequence[Statement]) -> dict[str, Votes]:
        found = functions.votes_of(statements, lexicons)
        return {task.name: functions.vote_matrix(found, task, names[task.name]) for task in setting.tasks}

    fitted = cache(lambda: _fitted(spec, setting, votes))

    def label(batch: Sequence[Statement]) -> Answers:
        models, _ = fitted()
        found = functions.votes_of(batch, lexicons)
        tally.add(batch, found)
        proba = functions.summed(found, setting.tasks)
        for task in setting.tasks if models else ():
            cast = functions.vote_matrix(found, task, names[task.name])
            # Where no function speaks, only Dawid–Skene has learnt what silence means; else the lexicon's prior stands.
            spoke = (cast != ABSTAIN).any(axis=1) | (spec.join == "dawid_skene")
            proba[task.name][spoke] = models[task.name].join(cast)[spoke]
        return Answers(proba)

    origin = "rules" if spec.join == "vote" else f"rules:{spec.join}"
    return Opened(
        tasks=setting.tasks, label=label, origin=origin, tally=tally, report=lambda: fitted()[1], prepare=fitted
    )


def _open_joined(spec: JoinedLabeller, setting: Setting) -> Opened:
    parts = {name: open_labeller(part, setting) for name, part in spec.parts.items()}
    for name, part in parts.items():
        for task in setting.tasks:
            theirs = next((t for t in part.tasks if t.name == task.name), None)
            if theirs is not None and theirs.labels != task.labels:
                raise UsageError(
                    f"labeller.parts.{name} gives the {task.name} labels {list(theirs.labels)}, not {list(task.labels)}"
                )

    def votes(statements: Sequence[Statement]) -> dict[str, Votes]:
        answers = [_in_groups(part, statements) for part in parts.values()]
        return {task.name: _votes_on(task, answers, len(statements)) for task in setting.tasks}

    fitted = cache(lambda: _fitted(spec, setting, votes))

    def label(batch: Sequence[Statement]) -> Answers:
        models, _ = fitted()
        answers = {name: part.label(batch) for name, part in parts.items()}
        return _joined(setting.tasks, answers, models, len(batch))

    groups = [part.group for part in parts.values() if part.group]
    return Opened(
        tasks=setting.tasks,
        label=label,
        origin=f"joined:{'+'.join(part.origin for part in parts.values())}",
        columns=("reason", *(f"{name}_{task.name}" for name in parts for task in setting.tasks)),
        group=min(groups, default=0),
        report=lambda: (*fitted()[1], *(line for part in parts.values() for line in part.report())),
        askers=tuple(asker for part in parts.values() for asker in part.askers),
        prepare=lambda: (*(part.prepare() for part in parts.values()), fitted()),
        beforehand=lambda: () if spec.join == "vote" else _gold(spec, setting),
    )


def _in_groups(part: Opened, statements: Sequence[Statement]) -> Answers:
    """Answers on any number of statements, in groups that suit the labeller."""
    size = part.group or 1024
    answers = [part.label(statements[i : i + size]) for i in range(0, len(statements), size)]
    proba = {task.name: np.concatenate([a.proba[task.name] for a in answers]) for task in part.tasks}
    return Answers(proba)


def _votes_on(task: Task, answers: Sequence[Answers], n: int) -> Votes:
    columns = []
    for given in answers:
        proba = given.proba.get(task.name)
        if proba is None:
            columns.append(np.full(n, ABSTAIN))
        else:
            columns.append(label_model.positions(labels_of(proba, task.labels), task.labels))
    return np.stack(columns, axis=1)


def _joined(tasks: Sequence[Task], answers: Mapping[str, Answers], models: Mapping[str, LabelModel], n: int) -> Answers:
    proba: dict[str, FloatArray] = {}
    columns: dict[str, Sequence[str]] = {}
    for task in tasks:
        cast = _votes_on(task, list(answers.values()), n)
        given = [a.proba[task.name] for a in answers.values() if task.name in a.proba]
        spoke = (cast != ABSTAIN).any(axis=1)
        out = np.full((n, len(task.labels)), np.nan)
        if spoke.any():
            joined = models[task.name].join(cast) if models else np.nanmean(np.array(given)[:, spoke], axis=0)
            out[spoke] = joined[spoke] if models else joined
        proba[task.name] = out
        for name, votes in zip(answers, cast.T, strict=True):
            columns[f"{name}_{task.name}"] = ["" if v == ABSTAIN else task.labels[v] for v in votes]
    reasons = []
    for i in range(n):
        said = {name: a.reasons[i] for name, a in answers.items() if a.reasons and a.reasons[i]}
        reasons.append("; ".join(f"{name}: {reason}" for name, reason in said.items()))
    return Answers(proba, reasons, columns)


def _fitted(
    spec: RulesLabeller | JoinedLabeller, setting: Setting, votes: Callable[[Sequence[Statement]], dict[str, Votes]]
) -> tuple[dict[str, LabelModel], list[str]]:
    """A label model a task, fitted on gold labels or on the first statements of the input; and doubts about it.

    There is no model for join=vote.
    """
    if spec.join == "vote":
        return {}, []
    sample = _gold(spec, setting) if spec.gold else setting.first(spec.fit_rows)
    if not sample:
        raise InputError("there are no statements to fit the label model on; give statements, or labeller.join=vote")
    cast = votes(sample)
    machines = origins.of_joining(origins.machine_labels(sample), len(sample), spec.gold) if spec.gold else ""
    models, notes = {}, [machines] if machines else []
    for task in setting.tasks:
        given = [s.labels.get(task.name, "") for s in sample] if spec.gold else [""] * len(sample)
        gold = label_model.positions(given, task.labels)
        k = len(task.labels)
        model = label_model.fit(cast[task.name], n_labels=k, how=spec.join, gold=gold, seed=setting.seed)
        models[task.name] = model
        notes += _one_sided(task, model, cast[task.name], spec.join)
    return models, notes


def _gold(spec: RulesLabeller | JoinedLabeller, setting: Setting) -> list[Statement]:
    """The labelled statements to fit on; none if there is no such file."""
    if not spec.gold:
        return []
    return list(files.read_statements(files.expand(paths.resolve(spec.gold)), tasks=setting.tasks))


def _one_sided(task: Task, model: LabelModel, votes: Votes, join: str) -> list[str]:
    """A warning where the model gives nearly all statements one label that many votes contradict."""
    spoke = votes[(votes != ABSTAIN).any(axis=1)]
    share = np.bincount(model.join(spoke).argmax(axis=1), minlength=len(task.labels)) / max(len(spoke), 1)
    best = int(share.argmax())
    others = float(((spoke != ABSTAIN) & (spoke != best)).any(axis=1).mean()) if len(spoke) else 0.0
    if share[best] < _ONE_SIDED or others < 1 - _ONE_SIDED:
        return []
    warning = (
        f"take care: labeller.join={join} calls {share[best]:.0%} of the statements {task.labels[best]} ({task.name}), "
        f"though {others:.0%} have votes for another label; give labeller.gold=FILE, or use labeller.join=vote"
    )
    return [warning]
