"""`detente tune`: search a model's settings on dev with Optuna; test is not looked at."""

import fcntl
import json
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente import paths
from detente.corpus import DataSpec
from detente.errors import InputError, UsageError
from detente.evaluation import search as searching
from detente.evaluation.search import Search
from detente.evaluation.tables import render
from detente.files import write_json, write_rows, write_text
from detente.tasks import Task
from detente.verbs.outcome import Outcome

if TYPE_CHECKING:
    import optuna

log = logging.getLogger(__name__)
_SHOWN = 10
_POLL_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class TuneJob:
    """Settings of the search. `search` maps fields of the model's spec to what may be tried: `choices`, or
    `low` and `high`, with `log` for a logarithmic scale.

    A trial is fitted on growing shares of train (`rungs`, the last is 1) and scored on dev by the task's
    metric, averaged over tasks; it is pruned if it lies behind the median of the others on a smaller share.
    `chosen` names data, task and model as train would be given them.
    """

    name: str
    run_dir: str
    task: Mapping[str, Task]
    data: DataSpec
    model: Any
    chosen: Mapping[str, str]
    search: Mapping[str, Any]
    seed: int
    trials: int
    workers: int
    rungs: Sequence[float]
    startup: int

    def __post_init__(self) -> None:
        """Raise UsageError for a search that cannot be run."""
        if not hasattr(type(self.model), "family"):
            raise UsageError("model is no model family; choose one with model=NAME")
        searching.check_space(self.search, self.model)
        if self.trials < 1 or self.workers < 1 or self.startup < 1:
            raise UsageError("trials, workers and startup must each be at least 1")
        rungs = list(self.rungs)
        if not rungs or rungs[-1] != 1 or rungs != sorted(set(rungs)) or rungs[0] <= 0:
            raise UsageError(f"rungs is {rungs}; it must be rising shares of train that end with 1.0")


def run(job: TuneJob) -> Outcome:
    """Search until the study has `trials`, then write what was found; a study that stands is taken up again."""
    try:
        import optuna  # noqa: F401
    except ImportError:
        raise UsageError("tune needs the package optuna: pip install 'detente[tune]'") from None
    run_dir = Path(job.run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    search = Search(
        run_dir=run_dir,
        tasks=tuple(job.task.values()),
        data=job.data,
        model=job.model,
        space=job.search,
        seed=job.seed,
        trials=job.trials,
        rungs=tuple(job.rungs),
        startup=job.startup,
    )
    with _alone(run_dir):
        study = searching.open_study(search)
        left = searching.forget_interrupted(study)
        done = len(searching.finished(study))
        if done or left:
            log.info(f"taking the study up again: {done} of {job.trials} trials are done")
        _work(search, workers=min(job.workers, max(1, job.trials - done)))
        return _written(job, study)


@contextmanager
def _alone(run_dir: Path) -> Iterator[None]:
    """Hold the folder. Raises UsageError if another process is searching there."""
    with (run_dir / "tune.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                f"another search is at work in {run_dir}; wait for it, or give another hydra.run.dir"
            ) from None
        yield


def _work(search: Search, *, workers: int) -> None:
    """Run the trials here, or in processes that share the cores. Raises InputError if a process dies."""
    if workers == 1:
        searching.work(search)
        return
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    os.environ |= {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=searching.work, args=(search,), daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    study, told = searching.open_study(search), 0
    while any(process.is_alive() for process in processes):
        time.sleep(_POLL_SECONDS)
        done = len(searching.finished(study))
        if done > told:
            log.info(f"{done} of {search.trials} trials are done")
            told = done
    if any(process.exitcode for process in processes):
        raise InputError(
            f"a process of the search died; run the same command with hydra.run.dir={search.run_dir} to go on"
        )


def _written(job: TuneJob, study: "optuna.Study") -> Outcome:
    """The table, the trials as CSV, the best as an experiment that train takes, the importance of each setting."""
    run_dir = Path(job.run_dir)
    trials = sorted(
        searching.finished(study),
        key=lambda t: (t.value is None or t.state.name == "PRUNED", -(t.value or 0.0), t.number),
    )
    best = trials[0]
    if best.value is None:
        raise InputError("no trial was fitted whole; give more trials, or rungs=[1.0]")
    params = {name: _plain(value, job.search[name]) for name, value in best.params.items()}
    write_text(run_dir / "experiment" / "best.yaml", _experiment(job, params, best.value))
    rows = [
        {
            "trial": t.number,
            "state": t.state.name.lower(),
            "score": t.value,
            "seconds": t.user_attrs.get("seconds"),
            **t.params,
        }
        for t in trials
    ]
    columns: dict[str, type] = {"trial": int, "state": str, "score": float, "seconds": float}
    write_rows(run_dir / "trials.csv", iter(rows), columns=columns | dict.fromkeys(job.search, str))
    importance, why_not = _importance(study, job)
    write_json(
        run_dir / "tune.json", {"score": best.value, "params": params, "trials": len(trials), "importance": importance}
    )
    lines = [_table(trials, list(job.search)), ""]
    if importance:
        lines += ["importance   " + ", ".join(f"{name} {share:.0%}" for name, share in importance.items())]
        lines += [f"             {paths.shown(_plot(importance, run_dir))}"]
    else:
        (run_dir / "importance.png").unlink(missing_ok=True)
        lines += [f"importance   not measured, no importance.png: {why_not}"]
    shown = paths.shown(run_dir)
    lines += [
        f"best         {best.value:.4f} on dev, the highest of {len(trials)}: expect less on other statements",
        f"trials       {shown}/trials.csv, {shown}/study.db",
        f"next         detente train --config-dir={paths.typed(shown)} experiment=best",
    ]
    return Outcome(text="\n".join(lines), score=best.value, run_dir=run_dir)


def _plain(value: Any, of: Mapping[str, Any]) -> Any:
    return json.loads(value) if "choices" in of else value


def _experiment(job: TuneJob, params: Mapping[str, Any], score: float) -> str:
    """What train needs to be given, as an experiment: the choices of groups, and every setting of data and model."""
    chosen = "".join(f"  - override /{group}: {name}\n" for group, name in job.chosen.items())
    settings = {"data": asdict(job.data), "model": asdict(replace(job.model, **params))}
    blocks = "".join(
        f"{block}:\n" + "".join(f"  {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in of.items())
        for block, of in settings.items()
    )
    return (
        f"# @package _global_\n# The best of {job.trials} trials on dev: {score:.4f}.\n"
        f"defaults:\n{chosen}\nseed: {job.seed}\n{blocks}"
    )


def _importance(study: "optuna.Study", job: TuneJob) -> tuple[dict[str, float], str]:
    """Share of the score's variance that each setting explains (fANOVA); else none, and why."""
    import optuna

    whole = [t for t in searching.finished(study) if t.state == optuna.trial.TrialState.COMPLETE]
    least = max(2, 2 * len(job.search))
    if len(whole) < least:
        return {}, f"{len(whole)} whole trials; {len(job.search)} settings need at least {least}"
    if len({t.value for t in whole}) < 2:
        return {}, f"all {len(whole)} whole trials have the same score"
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=job.seed)
    return dict(optuna.importance.get_param_importances(study, evaluator=evaluator)), ""


def _plot(importance: Mapping[str, float], run_dir: Path) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 0.8 + 0.4 * len(importance)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = [name.replace("_", " ") for name in importance][::-1]
    axes.barh(names, list(importance.values())[::-1], color="#0072B2")
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the variance of dev scores explained")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(run_dir / "importance.png", dpi=120)
    return run_dir / "importance.png"


def _table(trials: Sequence["optuna.trial.FrozenTrial"], names: Sequence[str]) -> str:
    rows = [
        [
            str(t.number),
            "pruned" if t.state.name == "PRUNED" else "whole",
            "" if t.state.name == "PRUNED" else f"{t.value:.4f}",
            f"{t.user_attrs.get('seconds', 0):.1f}",
            *(_shown(t.params[name]) for name in names),
        ]
        for t in trials[:_SHOWN]
    ]
    return render(["trial", "", "dev score", "seconds", *(name.replace("_", " ") for name in names)], rows)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
