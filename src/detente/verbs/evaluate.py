"""`detente evaluate`: scores with intervals of a checkpoint on labelled data, or of predictions made elsewhere."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detente import checkpoint as checkpoints
from detente import files, paths, provenance, tracking
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.corpus import DataSpec, load_corpus, origins
from detente.corpus.loading import SPLITS, fingerprint
from detente.corpus.tables import from_table
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation import measuring, tables
from detente.evaluation.behaviour import sections as probes_sections
from detente.evaluation.confidence import abstention
from detente.evaluation.confidence import sections as trust
from detente.evaluation.confidence.abstention import Thresholds
from detente.evaluation.elsewhere import read_predictions
from detente.evaluation.measuring import SplitScores
from detente.evaluation.report.run_page import write_report
from detente.evaluation.slices import TaskSlices
from detente.files import Rejects
from detente.records import Statement
from detente.tasks import Task
from detente.tracking import Tracked, TrackingSpec
from detente.verbs.outcome import Outcome

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class EvaluateJob:
    """What is measured: a checkpoint on `split` of the corpus `data`, or on all rows of `input` if given.

    Without a checkpoint `input` holds predictions of `task`, with gold beside or joined by id from `gold`.
    Files go to `output`. `seed` is the run's own unless given: a dev split that train held out is then the
    same. `cluster` says which statements intervals draw together, `slices` which columns are looked at.
    `probes` and `bias` are auto (the shipped ones where they fit the checkpoint), true, false or a folder.
    """

    name: str
    run_dir: str
    checkpoint: str
    task: Mapping[str, Task]
    data: DataSpec
    split: str
    input: str
    gold: str
    output: str
    cluster: str
    slices: Sequence[str]
    probes: bool | str
    bias: bool | str
    tracking: TrackingSpec
    seed: int | None

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown split, or for nothing to measure."""
        if self.split not in SPLITS:
            raise UsageError(f'split is "{self.split}"; {did_you_mean(self.split, SPLITS)}')
        if isinstance(self.slices, str):
            raise UsageError("slices must be a list of columns: slices=[lang,year], [auto] or []")
        if not self.checkpoint and not self.input:
            raise UsageError(
                "nothing to measure; add checkpoint=RUN, or input=FILE for a file of predictions made elsewhere"
            )
        if self.checkpoint and self.gold:
            raise UsageError(
                "gold goes with predictions made elsewhere; with a checkpoint, input holds the gold labels"
            )


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """Labelled statements, the tasks they have labels of, their probabilities, and where they come from.

    `thresholds` are those that the checkpoint abstains by.
    """

    what: str
    statements: Sequence[Statement]
    tasks: Sequence[Task]
    proba: Mapping[str, FloatArray]
    without_proba: Collection[str]
    seed: int
    about: Mapping[str, Any]
    checkpoint: Checkpoint | None
    thresholds: Mapping[str, Thresholds | None] = field(default_factory=dict)


def run(job: EvaluateJob) -> Outcome:
    """Measure and write metrics, predictions and pictures of the confusion; the score is the headline metric."""
    started = time.monotonic()
    folder = Path(job.output or job.run_dir)
    rejects = Rejects()
    found = _of_checkpoint(job, rejects) if job.checkpoint else _made_elsewhere(job, rejects)
    if rejects.rows:
        log.info(f"{len(rejects.rows)} bad rows were left out; see {paths.shown(folder / 'rejects.jsonl')}")
    rejects.write(folder / "rejects.jsonl")
    tasks, what = found.tasks, found.what
    scores: dict[str, SplitScores] = {
        what: measuring.measure(
            tasks,
            found.statements,
            found.proba,
            seed=found.seed,
            score_by=job.data.score_by,
            cluster=job.cluster,
            without_proba=found.without_proba,
        )
    }
    sliced = measuring.measure_slices(
        tasks, found.statements, found.proba, job.slices, seed=found.seed, cluster=job.cluster
    )
    trusted = trust.trust(
        [task for task in tasks if task.name not in found.without_proba],
        found.statements,
        found.proba,
        thresholds=found.thresholds,
        seed=found.seed,
    )
    behaviour, behaviour_tables = probes_sections.measure(
        found.checkpoint, found.statements, suites=job.probes, swaps=job.bias, seed=found.seed
    )
    sections = {"metrics": scores, "slices": {what: sliced}, **trust.sections({what: trusted}), **behaviour}
    _write(job, found, sections, folder, started)
    look = _track(job, tasks, scores, what, folder, found.seed)
    parts = _tables(job, found, scores, sliced)
    parts += [trust.trust_text(trusted)] if trusted["abstention"] else []
    parts += behaviour_tables
    page = write_report(folder)
    written = f"written      {paths.shown(folder)}\nreport       {paths.shown(page)}: open it in a browser"
    parts.append(written + (f"\ntracking     {look}" if look else ""))
    return Outcome(text="\n\n".join(parts), score=measuring.headline(tasks, scores[what]), run_dir=folder)


def _tables(
    job: EvaluateJob, found: _Measured, scores: Mapping[str, SplitScores], sliced: Mapping[str, TaskSlices]
) -> list[str]:
    """Scores, confusions and slices as text."""
    tasks, of = found.tasks, scores[found.what]
    parts = [tables.score_table(tasks, scores, score_by=job.data.score_by)]
    parts += [f"{task.name}: rows are gold\n{tables.label_table(task, of[task.name]['all'])}" for task in tasks]
    return parts + [tables.slice_table(task, sliced[task.name]) for task in tasks if sliced[task.name]["rows"]]


def _write(job: EvaluateJob, found: _Measured, sections: Mapping[str, Any], folder: Path, started: float) -> None:
    """Write metrics.json and the predictions."""
    about = {"name": job.input or job.data.name, "fingerprint": fingerprint(found.statements)}
    machine = origins.machine_labels(found.statements)
    what = "the given file" if job.input else found.what
    warning = origins.of_measuring(machine, len(found.statements), what)
    if warning and job.input:  # of a corpus, loading has said it
        log.warning(warning)
    metrics = {
        "name": job.name,
        **found.about,
        "data": {
            **about,
            "n": len(found.statements),
            "machine_labels": {found.what: machine} if machine else {},
            "notes": [warning] if warning else [],
        },
        "seed": found.seed,
        **sections,
        "seconds": round(time.monotonic() - started, 2),
        **provenance.environment(),
    }
    files.write_json(folder / "metrics.json", metrics)
    path = folder / f"predictions.{found.what}.parquet"
    measuring.write_predictions(path, found.tasks, found.statements, found.proba)


def _of_checkpoint(job: EvaluateJob, rejects: Rejects) -> _Measured:
    """What the checkpoint predicts for the labelled statements that the job names."""
    checkpoint = checkpoints.load(job.checkpoint)
    probes_sections.check(checkpoint, suites=job.probes, swaps=job.bias)
    seed = job.seed if job.seed is not None else int(checkpoint.about.get("seed", 0))
    statements, what = _statements(job, checkpoint, rejects, seed)
    tasks = [task for task in checkpoint.tasks if any(task.name in s.labels for s in statements)]
    for task in checkpoint.tasks:
        if task not in tasks:
            log.info(f"{task.name} is not measured: no row has a label for it")
    trained = {name: checkpoint.about.get(name) for name in ("name", "seed", "model", "data")}
    return _Measured(
        what=what,
        statements=statements,
        tasks=tasks,
        proba=checkpoint.predict_proba(statements),
        without_proba=(),
        seed=seed,
        about={"checkpoint": str(checkpoints.locate(job.checkpoint)), "trained": trained},
        checkpoint=checkpoint,
        thresholds={task.name: abstention.stored(checkpoint.about, task) for task in tasks},
    )


def _made_elsewhere(job: EvaluateJob, rejects: Rejects) -> _Measured:
    """The predictions of a file, with gold."""
    found = read_predictions(
        job.input, tuple(job.task.values()), gold=job.gold, layout=job.data.layout, rejects=rejects
    )
    tasks = [task for task in found.tasks if any(task.name in s.labels for s in found.statements)]
    if not tasks:
        raise InputError(f"{job.gold or job.input} has no gold label in any row; evaluation needs them")
    for note in found.notes:
        log.info(note)
    for task in tasks:
        if task.name in found.without_proba:
            log.info(f"{task.name} has labels without probabilities: its calibration is not measured")
    return _Measured(
        what="input",
        statements=found.statements,
        tasks=tasks,
        proba=found.proba,
        without_proba=found.without_proba,
        seed=job.seed or 0,
        about={"predictions": job.input, "gold": job.gold},
        checkpoint=None,
    )


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
            "checkpoint": job.checkpoint or "(made elsewhere)",
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
    _refuse_predicted(job, checkpoint.tasks, names)
    wanted = [task for task in checkpoint.tasks if (job.data.columns.get(task.name, task.name) or "") in names]
    found = files.read_statements(labelled_files, layout=job.data.layout, tasks=wanted, rejects=rejects)
    own = (origins.of_labels(s, job.data.columns) for s in found)
    labelled = [s for s in own if any(task.name in s.labels for task in checkpoint.tasks)]
    if not labelled:
        raise InputError(f"{job.input} has no row with a label; evaluation needs gold labels")
    return labelled, "input"


def _refuse_predicted(job: EvaluateJob, tasks: Sequence[Task], names: Collection[str]) -> None:
    """Raise InputError where the labels that would be gold were predicted: a model would be scored against itself."""
    for task in tasks:
        column = job.data.columns.get(task.name, task.name)
        if column == task.name and {task.name, f"{task.name}_confidence"} <= set(names):
            gold = f"given_{task.name}"
            cure = f"data.columns.{task.name}={gold}" if gold in names else f"a file with a gold {task.name}"
            raise InputError(
                f'{job.input}: its {task.name} was predicted (it has "{task.name}_confidence"); give {cure}, '
                "or leave out checkpoint= to measure these predictions"
            )
