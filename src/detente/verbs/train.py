"""`detente train`: fit a classifier, calibrate it on dev, measure it on dev and test, save the run."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente import checkpoint as checkpoints
from detente import paths, provenance, tracking
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.corpus import Corpus, DataSpec, load_corpus
from detente.corpus.folding import cross_validation
from detente.corpus.tables import from_table
from detente.errors import UsageError
from detente.evaluation import cards, measuring, tables
from detente.evaluation.confidence import abstention
from detente.evaluation.confidence import sections as trust
from detente.evaluation.report.run_page import write_report
from detente.files import write_json, write_text
from detente.models import base, ranks, resuming
from detente.models.base import Classifier
from detente.models.calibration import apply_temperature, fit_temperature
from detente.tasks import Task
from detente.tracking import Tracked, TrackingSpec
from detente.verbs import repeats
from detente.verbs.outcome import Outcome

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainJob:
    """Everything that decides a training run. `task` maps task names to tasks, all trained in one run.

    `seeds` above 1 trains with as many seeds, from `seed` on; `cv` above 1 trains on as many folds of train
    and dev together, each predicted by the model that has not seen it. Test takes no part in `cv`.
    """

    name: str
    run_dir: str
    task: Mapping[str, Task]
    data: DataSpec
    model: Any
    tracking: TrackingSpec
    seed: int
    seeds: int = 1
    cv: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError unless the model is a family's spec and the seed a number."""
        if self.seeds < 1:
            raise UsageError(f"seeds is {self.seeds}; it must be at least 1")
        if self.cv < 0 or self.cv == 1:
            raise UsageError(f"cv is {self.cv}; it must be 0 (for none) or at least 2 folds")
        if self.cv and self.seeds > 1:
            raise UsageError("cv and seeds cannot both be asked for; run cv with another seed instead")
        if (self.cv or self.seeds > 1) and ranks.world() > 1:
            raise UsageError("cv and seeds train several models, torchrun one; leave one of them out")
        if not hasattr(type(self.model), "family"):
            raise UsageError("model is no model family; choose one with model=NAME")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise UsageError(f"seed is {self.seed!r}; it must be a whole number from 0 to {2**32 - 1}")


def run(job: TrainJob) -> Outcome | None:
    """Train, measure, save; the score is dev's headline metric, averaged over tasks.

    Of several processes (torchrun) all train and the first alone measures and writes; the others give None.
    """
    tracking.check(job.tracking)
    if ranks.rank() > 0:
        corpus = load_corpus(job.data, tuple(job.task.values()), seed=job.seed)
        given = (tuple(job.task.values()), corpus.train, corpus.dev)
        base.fit(job.model, *given, seed=job.seed, run_dir=Path(job.run_dir))
        ranks.leave()
        return None
    tasks, run_dir = tuple(job.task.values()), Path(job.run_dir)
    corpus = load_corpus(job.data, tasks, seed=job.seed)
    corpus.rejects.write(run_dir / "rejects.jsonl")
    for note in corpus.notes:
        log.info(note)
    if job.cv:
        parts = cross_validation(
            corpus, tasks, folds=job.cv, share=job.data.dev_share, group=job.data.group, seed=job.seed
        )
        named = {f"fold_{i}": (part, job.seed) for i, part in enumerate(parts, start=1)}
        return repeats.run(
            "cv", named, tasks=tasks, model=asdict(job.model), run_dir=run_dir, train=lambda *given: _train(job, *given)
        )
    if job.seeds > 1:
        named = {f"seed_{seed}": (corpus, seed) for seed in range(job.seed, job.seed + job.seeds)}
        return repeats.run(
            "seeds",
            named,
            tasks=tasks,
            model=asdict(job.model),
            run_dir=run_dir,
            train=lambda *given: _train(job, *given),
        )
    return _train(job, corpus, run_dir, job.seed)


def _train(job: TrainJob, corpus: Corpus, run_dir: Path, seed: int) -> Outcome:
    """One run on one corpus with one seed."""
    started = time.monotonic()
    job = replace(job, seed=seed)
    tasks = tuple(job.task.values())
    log.info(f"{job.name}: training on {len(corpus.train)} statements, dev {len(corpus.dev)}, test {len(corpus.test)}")
    fitting = time.monotonic()
    classifier = base.fit(job.model, tasks, corpus.train, corpus.dev, seed=job.seed, run_dir=run_dir)
    ranks.leave()
    fit_seconds = time.monotonic() - fitting
    measured = {name: from_table(table) for name, table in _measured(corpus).items()}
    predicting = time.monotonic()
    raw = {name: classifier.predict_proba(statements) for name, statements in measured.items()}
    rate = sum(map(len, measured.values())) / max(time.monotonic() - predicting, 1e-9)
    temperatures = _temperatures(tasks, corpus.dev, raw["dev"])
    proba = {
        split: {name: apply_temperature(p, temperatures[name]) for name, p in of.items()} for split, of in raw.items()
    }
    scores = {
        split: measuring.measure(tasks, statements, proba[split], seed=job.seed, score_by=job.data.score_by)
        for split, statements in measured.items()
    }
    thresholds = _thresholds(tasks, corpus.dev, proba["dev"])
    about = _about(job, corpus, scores, fit_seconds) | {"thresholds": thresholds}
    checkpoint = Checkpoint(family=job.model.family, classifier=classifier, temperatures=temperatures, about=about)
    checkpoints.save(checkpoint, run_dir / "checkpoint", card=cards.model_card(checkpoint))
    resuming.tidy(run_dir)
    for split, statements in measured.items():
        measuring.write_predictions(run_dir / f"predictions.{split}.parquet", tasks, statements, proba[split])
    trusted = {
        split: trust.trust(tasks, statements, proba[split], thresholds=thresholds, seed=job.seed)
        for split, statements in measured.items()
    }
    cost = {
        "statements_per_second": round(rate, 1),
        "checkpoint_bytes": sum(path.stat().st_size for path in (run_dir / "checkpoint").rglob("*") if path.is_file()),
        "seconds": round(time.monotonic() - started, 2),
    }
    write_json(run_dir / "metrics.json", about | trust.sections(trusted) | cost)
    report = _report(job, tasks, scores, run_dir)
    write_text(run_dir / "report.txt", report + "\n")
    write_report(run_dir)
    look = _track(job, corpus, classifier, scores, run_dir)
    return Outcome(
        text=report + (f"\ntracking     {look}" if look else ""),
        score=measuring.headline(tasks, scores["dev"]),
        run_dir=run_dir,
    )


def _measured(corpus: Corpus) -> dict[str, "Dataset"]:
    return {"dev": corpus.dev} | ({"test": corpus.test} if len(corpus.test) else {})


def _temperatures(tasks: Sequence[Task], dev: "Dataset", proba: Mapping[str, FloatArray]) -> dict[str, float]:
    import numpy as np

    return {task.name: fit_temperature(np.array(task.index(dev[task.name])), proba[task.name]) for task in tasks}


def _thresholds(
    tasks: Sequence[Task], dev: "Dataset", proba: Mapping[str, FloatArray]
) -> dict[str, abstention.Thresholds]:
    import numpy as np

    return {
        task.name: abstention.fit_thresholds(np.array(task.index(dev[task.name])), proba[task.name]) for task in tasks
    }


def _about(
    job: TrainJob, corpus: Corpus, scores: Mapping[str, measuring.SplitScores], fit_seconds: float
) -> dict[str, Any]:
    counts = {"train": len(corpus.train), "dev": len(corpus.dev), "test": len(corpus.test)}
    return {
        "name": job.name,
        "data": {
            "name": corpus.name,
            "fingerprint": corpus.fingerprint,
            "n": counts,
            "machine_labels": corpus.machine_labels,
            "notes": corpus.notes,
        },
        "seed": job.seed,
        "model": asdict(job.model),
        "metrics": scores,
        "fit_seconds": round(fit_seconds, 2),
        **provenance.environment(),
    }


def _track(
    job: TrainJob,
    corpus: Corpus,
    classifier: Classifier,
    scores: Mapping[str, measuring.SplitScores],
    run_dir: Path,
) -> str:
    """Hand the finished run to the tracker; returns how to look at it."""
    params = tracking.flatten({"model": asdict(job.model), "data": asdict(job.data), "seed": job.seed})
    params |= {
        "family": job.model.family,
        "tasks": ",".join(job.task),
        "fingerprint": corpus.fingerprint,
    }
    plots = [
        tables.plot_confusion(task, scores[split][task.name]["all"], run_dir / f"confusion.{split}.{task.name}.png")
        for split in scores
        for task in job.task.values()
    ]
    kept = [run_dir / name for name in ("metrics.json", "config.yaml", "checkpoint/README.md")]
    tracked = Tracked(
        name=job.name,
        verb="train",
        params=params,
        metrics=measuring.flat(scores),
        steps=measuring.steps(getattr(classifier, "history", {})),
        artifacts=tuple(path for path in (*kept, *plots) if path.exists()),
    )
    return tracking.track(job.tracking, tracked, run_dir=run_dir)


def _report(
    job: TrainJob,
    tasks: Sequence[Task],
    scores: Mapping[str, measuring.SplitScores],
    run_dir: Path,
) -> str:
    table = tables.score_table(tasks, scores, score_by=job.data.score_by)
    run = paths.shown(run_dir)
    predictions = [f"predictions  {paths.shown(path)}" for path in sorted(run_dir.glob("predictions.*"))]
    lines = [
        table,
        "",
        f"run folder   {run}",
        f"report       {run}/report.html: open it in a browser",
        *predictions,
        f"next         detente predict checkpoint={paths.typed(run)} input=FILE_OR_FOLDER output=labelled.csv",
        f"             detente evaluate checkpoint={paths.typed(run)} input=LABELLED_FILE",
    ]
    return "\n".join(lines)
