"""`detente evaluate`: a checkpoint's scores, with intervals, on a split of a corpus or on a labelled file."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detente import checkpoint as checkpoints
from detente import files, paths, provenance, tracking
from detente.checkpoint import Checkpoint
from detente.corpus import DataSpec, load_corpus
from detente.corpus.loading import SPLITS, fingerprint
from detente.corpus.tables import from_table
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation import abstention, measuring, tables, trust
from detente.evaluation.measuring import SplitScores
from detente.files import Rejects
from detente.records import Statement
from detente.tasks import Task
from detente.tracking import Tracked, TrackingSpec
from detente.verbs.outcome import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EvaluateJob:
    """What is measured: `split` of the corpus `data`, or all rows of `input` if given; files go to `output`.

    `seed` is the run's own unless given: a dev split that train held out is then the same.
    """

    name: str
    run_dir: str
    checkpoint: str
    data: DataSpec
    split: str
    input: str
    output: str
    tracking: TrackingSpec
    seed: int | None

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown split."""
        if self.split not in SPLITS:
            raise UsageError(f'split is "{self.split}"; {did_you_mean(self.split, SPLITS)}')


def run(job: EvaluateJob) -> Outcome:
    """Measure and write metrics, predictions and pictures of the confusion; the score is the headline metric."""
    started = time.monotonic()
    folder = Path(job.output or job.run_dir)
    checkpoint = checkpoints.load(job.checkpoint)
    seed = job.seed if job.seed is not None else int(checkpoint.about.get("seed", 0))
    rejects = Rejects()
    statements, what = _statements(job, checkpoint, rejects, seed)
    tasks = [task for task in checkpoint.tasks if any(task.name in s.labels for s in statements)]
    for task in checkpoint.tasks:
        if task not in tasks:
            log.info(f"{task.name} is not measured: no row has a label for it")
    if rejects.rows:
        log.info(f"{len(rejects.rows)} bad rows were left out; see {paths.shown(folder / 'rejects.jsonl')}")
    rejects.write(folder / "rejects.jsonl")
    proba = checkpoint.predict_proba(statements)
    column = job.data.score_by
    scores: dict[str, SplitScores] = {what: measuring.measure(tasks, statements, proba, seed=seed, score_by=column)}
    thresholds = {task.name: abstention.stored(checkpoint.about, task) for task in tasks}
    trusted = trust.trust(tasks, statements, proba, thresholds=thresholds, seed=seed)
    seconds = round(time.monotonic() - started, 2)
    metrics = {
        "name": job.name,
        "checkpoint": str(checkpoints.locate(job.checkpoint)),
        "data": {
            "name": job.input or job.data.name,
            "fingerprint": fingerprint(statements),
            "n": len(statements),
        },
        "seed": seed,
        "metrics": scores,
        **trust.sections({what: trusted}),
        "seconds": seconds,
        **provenance.environment(),
    }
    files.write_json(folder / "metrics.json", metrics)
    measuring.write_predictions(folder / f"predictions.{what}.parquet", tasks, statements, proba)
    look = _track(job, tasks, scores, what, folder, seed)
    parts = [tables.score_table(tasks, scores, score_by=column)]
    parts += [
        f"{task.name}: rows are gold\n{tables.label_table(task, scores[what][task.name]['all'])}" for task in tasks
    ]
    parts.append(trust.trust_text(trusted))
    parts.append(f"written      {paths.shown(folder)}" + (f"\ntracking     {look}" if look else ""))
    return Outcome(text="\n\n".join(parts), score=measuring.headline(tasks, scores[what]), run_dir=folder)


def _track(
    job: EvaluateJob, tasks: Sequence[Task], scores: Mapping[str, SplitScores], what: str, folder: Path, seed: int
) -> str:
    """Draw the confusions and hand the finished run to the tracker; returns how to look at it."""
    plots = [
        tables.plot_confusion(task, scores[what][task.name]["all"], folder / f"confusion.{what}.{task.name}.png")
        for task in tasks
    ]
    tracked = Tracked(
        name=job.name,
        verb="evaluate",
        params={
            "checkpoint": job.checkpoint,
            "data": job.input or job.data.name,
            "split": what,
            "seed": seed,
        },
        metrics=measuring.flat(scores),
        artifacts=(folder / "metrics.json", *plots),
    )
    return tracking.track(job.tracking, tracked, run_dir=folder)


def _statements(
    job: EvaluateJob, checkpoint: Checkpoint, rejects: Rejects, seed: int
) -> tuple[Sequence[Statement], str]:
    """The labelled statements and what to call them."""
    if not job.input:
        corpus = load_corpus(job.data, checkpoint.tasks, seed=seed)
        for note in corpus.notes:
            log.info(note)
        table = {"train": corpus.train, "dev": corpus.dev, "test": corpus.test}[job.split]
        if not len(table):
            raise InputError(f"data={job.data.name} has no {job.split} rows; give split=dev, or input=FILE")
        rejects.rows.extend(corpus.rejects.rows)
        return from_table(table), job.split
    labelled_files = [p for p in files.expand(job.input) if files.ending(p) in files.TABLES]
    if not labelled_files:
        raise InputError(f"{job.input} holds no table of labelled statements; give .jsonl, .csv, .tsv or .parquet")
    names = {name for path in labelled_files for name in files.column_names(path)}
    wanted = [task for task in checkpoint.tasks if (job.data.columns.get(task.name, task.name) or "") in names]
    found = files.read_statements(labelled_files, layout=job.data.layout, tasks=wanted, rejects=rejects)
    labelled = [s for s in found if any(task.name in s.labels for task in checkpoint.tasks)]
    if not labelled:
        raise InputError(f"{job.input} has no row with a label; evaluation needs gold labels")
    return labelled, "input"
