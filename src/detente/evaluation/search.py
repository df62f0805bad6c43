"""A search over a model's settings: the space, the study on disk, the trials.

A trial fits on growing shares of train and is scored on dev after each; Optuna's median rule prunes it early.
The study is an SQLite file: a killed search goes on where it stood, and several processes work on one.
"""

import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from detente.corpus import DataSpec, load_corpus
from detente.corpus.splits import groups_of
from detente.corpus.tables import from_table
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation.metrics import headline
from detente.models import base
from detente.seeds import rng
from detente.tasks import Task

if TYPE_CHECKING:
    import optuna
    from datasets import Dataset

log = logging.getLogger(__name__)
_BUSY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched: the spec to start from, the space, the corpus, and how trials are fitted and scored."""

    run_dir: Path
    tasks: tuple[Task, ...]
    data: DataSpec
    model: Any
    space: Mapping[str, Any]
    seed: int
    trials: int
    rungs: tuple[float, ...]
    startup: int


def check_space(space: Mapping[str, Any], model: Any) -> None:
    """Raise UsageError for a setting the model has not, or a range that is none."""
    known = [field.name for field in fields(model)]
    if not space:
        raise UsageError("search is empty; name at least one setting of the model to try values of")
    for name, of in space.items():
        if name not in known:
            raise UsageError(
                f'search.{name}: "{name}" is no setting of the {model.family} model; {did_you_mean(name, known)}'
            )
        ranged = isinstance(of, Mapping) and {"low", "high"} <= set(of) <= {"low", "high", "log"}
        listed = (
            isinstance(of, Mapping) and set(of) == {"choices"} and isinstance(of["choices"], list) and of["choices"]
        )
        if not ranged and not listed:
            raise UsageError(f"search.{name} must be {{choices: [...]}} or {{low: ..., high: ..., log: true|false}}")
        if ranged and not (of["low"] < of["high"] and (of["low"] > 0 or not of.get("log"))):
            raise UsageError(f"search.{name}: low must be below high, and above 0 on a logarithmic scale")


def suggest(trial: Any, space: Mapping[str, Any]) -> dict[str, Any]:
    """One value for each setting. Choices are kept as JSON texts, for Optuna stores no lists."""
    chosen: dict[str, Any] = {}
    for name, of in space.items():
        if "choices" in of:
            chosen[name] = json.loads(trial.suggest_categorical(name, [json.dumps(value) for value in of["choices"]]))
        elif isinstance(of["low"], int) and isinstance(of["high"], int):
            chosen[name] = trial.suggest_int(name, of["low"], of["high"], log=bool(of.get("log")))
        else:
            chosen[name] = trial.suggest_float(name, of["low"], of["high"], log=bool(of.get("log")))
    return chosen


def open_study(search: Search) -> "optuna.Study":
    """The study of a search, made or taken up again. Raises UsageError if the folder holds another search's."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{search.run_dir / 'study.db'}", engine_kwargs={"connect_args": {"timeout": _BUSY_SECONDS}}
    )
    study = optuna.create_study(
        study_name="detente",
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=search.startup),
    )
    told = json.dumps(
        [
            repr(search.tasks),
            repr(search.model),
            search.space,
            repr(search.data),
            search.seed,
            search.rungs,
            search.startup,
        ]
    )
    if study.user_attrs.setdefault("search", told) != told:
        raise UsageError(f"{search.run_dir} holds a study of another search; give another hydra.run.dir")
    study.set_user_attr("search", told)
    return study


def forget_interrupted(study: "optuna.Study") -> int:
    """Mark the trials that a killed process left running as failed; returns how many."""
    import optuna

    left = [t.number for t in study.get_trials(deepcopy=False) if t.state == optuna.trial.TrialState.RUNNING]
    for number in left:
        study.tell(number, state=optuna.trial.TrialState.FAIL)
    return len(left)


def finished(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    """Trials that count: complete or pruned, in order."""
    import optuna

    wanted = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state in wanted]


def work(search: Search) -> None:
    """Run trials until the study has as many as asked for. Several processes may do so at once.

    The sampler is seeded by the count of finished trials: a search of one process that was interrupted ends
    as it would have without.
    """
    import optuna

    study = open_study(search)
    corpus = load_corpus(search.data, search.tasks, seed=search.seed)
    if study.user_attrs.get("fingerprint", corpus.fingerprint) != corpus.fingerprint:
        raise UsageError(
            f"{search.run_dir} holds a study of other statements (data={search.data.name} has changed since)"
        )
    for note in () if "fingerprint" in study.user_attrs else corpus.notes:
        log.warning(note)
    study.set_user_attr("fingerprint", corpus.fingerprint)
    shares = _shares(corpus.train, search)
    while (done := len(finished(study))) < search.trials:
        seed = int(rng(search.seed, "tune", done).integers(2**31))
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=search.startup)
        trial = study.ask()
        started = time.monotonic()
        folder = search.run_dir / "trials" / str(trial.number)
        try:
            value = _score(search, trial, shares, corpus.dev, folder)
        except InputError as error:  # settings that cannot be fitted on these data
            log.info(f"trial {trial.number}: {error}")
            value = 0.0
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        trial.set_user_attr("seconds", round(time.monotonic() - started, 2))
        state = optuna.trial.TrialState.PRUNED if value is None else optuna.trial.TrialState.COMPLETE
        study.tell(trial, value, state=state)
        log.info(f"trial {trial.number}: {'pruned' if value is None else f'{value:.4f}'} {trial.params}")


def _score(search: Search, trial: Any, shares: Sequence["Dataset"], dev: "Dataset", folder: Path) -> float | None:
    """The score on dev after the whole of train; None if the trial was pruned on a smaller share."""
    spec = replace(search.model, **suggest(trial, search.space))
    gold = {task.name: np.array(task.index(dev[task.name])) for task in search.tasks}
    statements = from_table(dev)
    value = 0.0
    for rung, train in enumerate(shares):
        classifier = base.fit(spec, search.tasks, train, dev, seed=search.seed, run_dir=folder / str(rung))
        proba = classifier.predict_proba(statements)
        by_task = [headline(task, gold[task.name], proba[task.name].argmax(axis=1)) for task in search.tasks]
        value = float(np.mean(by_task))
        trial.report(value, step=rung)
        if rung + 1 < len(shares) and trial.should_prune():
            return None
    return value


def _shares(train: "Dataset", search: Search) -> list["Dataset"]:
    """Train by rungs, each within the next: whole groups, drawn once."""
    groups = groups_of(from_table(train), search.data.group)
    names = sorted(set(groups))
    rank = {name: int(i) for name, i in zip(names, rng(search.seed, "rungs").permutation(len(names)), strict=True)}
    order = sorted(range(len(train)), key=lambda i: (rank[groups[i]], i))
    return [
        train if rung == 1 else train.select(sorted(order[: max(2, round(rung * len(train)))])) for rung in search.rungs
    ]
