"""`detente predict`: labels and probabilities for statements or articles, streaming, in input order."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from detente import __version__, files
from detente import checkpoint as checkpoints
from detente.errors import UsageError
from detente.files import Layout
from detente.files.formats import is_gzip
from detente.inference import abstaining, cache, cluster, jobs, pipes, shards, sources
from detente.inference.abstaining import Limit
from detente.inference.batches import Predict, output_columns
from detente.inference.engine import Engine, check_backend, open_run
from detente.inference.ledger import State, folder_of
from detente.inference.sources import Source
from detente.inference.work import Work
from detente.verbs.outcome import Outcome

# Families whose answer to a statement has the same bits whatever else is in the batch, and that use one core.
_ROW_BY_ROW = ("majority", "linear")


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """The machine that the command runs on."""


@dataclass(frozen=True, kw_only=True)
class RayEngine:
    """Ray: on this machine, or the running cluster at `address`."""

    address: str = ""


@dataclass(frozen=True, kw_only=True)
class PredictJob:
    """`input` is a file, folder or glob of tables or articles; `output` a table file, or a folder that gets
    a Parquet file for each table; `-` is JSONL from or to the pipe. `data` says how the input's columns
    map to ours.

    `batch` rows are held at once; `workers` processes share the work (auto: all cores for a model that
    uses one). A job that was broken off goes on where it stood unless `resume` is false. `cache` is a
    folder of answers that later jobs with the same checkpoint need not compute again.

    `abstain` is the share of answers that may be wrong, for all tasks or by task: labels below the confidence
    that keeps it stay empty, and the `queue_rows` such rows most in need of a person go to `queue`
    (`<output>.queue.jsonl` if empty; a pipe has none).

    `backend` is what an encoder runs on: auto, torch or onnx; `cascade` a cheaper run that answers where it is sure.
    """

    checkpoint: str
    input: str
    output: str
    data: Layout
    languages: Sequence[str]
    batch: int = 1024
    abstain: float | Mapping[str, float] | None = None
    queue: str = ""
    queue_rows: int = 10_000
    workers: int | str = "auto"
    resume: bool = True
    cache: str = ""
    backend: str = "auto"
    cascade: str = ""
    engine: LocalEngine | RayEngine = field(default_factory=LocalEngine)

    def __post_init__(self) -> None:
        """Raise UsageError for a batch of nothing, or a number of workers or a rate that is none."""
        abstaining.check_rates(self.abstain)
        check_backend(self.backend)
        if self.cascade and self.abstain is not None:
            raise UsageError(
                "abstain= does not go with cascade=: the confidence that keeps the rate was found for one run alone; "
                "leave one of them out"
            )
        if self.queue_rows < 1:
            raise UsageError(f"queue_rows is {self.queue_rows}; it must be at least 1")
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}; it must be at least 1")
        if self.workers != "auto" and (not isinstance(self.workers, int) or self.workers < 1):
            raise UsageError(f"workers is {self.workers}; it must be auto or a whole number of at least 1")
        if isinstance(self.engine, RayEngine) and (self.input == pipes.PIPE or not shards.is_folder(self.output)):
            raise UsageError(f"engine=ray goes from a folder of tables to a folder of Parquet; output is {self.output}")


def run(job: PredictJob) -> Outcome | None:
    """Predict and write; nothing appears at `output` unless it is whole. None where the output is the pipe."""
    if job.input == pipes.PIPE:
        checkpoint = _opened(job)
        predict = _predictor(job, checkpoint, None)
        limits = abstaining.limits(checkpoint, job.abstain)
        count = pipes.label_stream(
            checkpoint.tasks,
            predict,
            layout=job.data,
            output=job.output,
            batch=job.batch,
            decide=abstaining.deciding(limits),
            added=abstaining.columns(limits),
        )
        return None if job.output == pipes.PIPE else Outcome(text=f"{job.output}: {count:,} rows")
    source = sources.open_source(job.input, job.data)
    if job.output != pipes.PIPE and shards.is_folder(job.output):
        return _run_shards(job, source)
    if job.output == pipes.PIPE:
        checkpoint = _opened(job)
        work = _work(job, checkpoint, source, Path("-.jsonl"))
        pipes.label_source(work, source, size=job.batch, workers=_workers(job, checkpoint))
        return None
    output = sources.check_output(job.output, source)
    checkpoint = _opened(job)
    _check_queue(job, checkpoint, source, output)
    state = _run_job(job, checkpoint, source, output, workers=_workers(job, checkpoint))
    return Outcome(
        text="\n".join([*_written(output, state), *checkpoint.report(), *_queued(job, checkpoint, source, [output])])
    )


def _opened(job: PredictJob) -> Engine:
    return open_run(job.checkpoint, backend=job.backend, cascade=job.cascade)


def _run_job(job: PredictJob, checkpoint: Engine, source: Source, output: Path, *, workers: int) -> State:
    work, about = _work(job, checkpoint, source, output), _about(job, checkpoint)
    return jobs.run_job(work, source, output, about=about, size=job.batch, workers=workers, resume=job.resume)


def _run_shards(job: PredictJob, source: Source) -> Outcome:
    output = Path(job.output).expanduser()
    source = replace(source, tables=tuple(path.absolute() for path in source.tables))
    checkpoint = _opened(job)
    _check_queue(job, checkpoint, source, output)
    engine: shards.Engine = shards.one_after_another
    workers = _workers(job, checkpoint)
    if isinstance(job.engine, RayEngine):
        asked = None if job.workers == "auto" else int(job.workers)
        engine, workers = partial(cluster.by_ray, address=job.engine.address, workers=asked), 1
    cascade = str(checkpoints.locate(job.cascade).absolute()) if job.cascade else ""
    run = str(checkpoints.locate(job.checkpoint).absolute())
    absolute = replace(job, checkpoint=run, cascade=cascade, resume=True)
    make = partial(_labeller, absolute, source, workers)
    about = _about(job, checkpoint)
    counts = shards.run_shards(source, output, engine=engine, make=make, about=about, resume=job.resume)
    lines = [f"{output}: {counts.rows:,} rows in {counts.shards:,} Parquet files"]
    if counts.rejects:
        lines.append(f"{output}/*.rejects.jsonl: {counts.rejects:,} bad rows that were left out, with the reasons")
    lines += _queued(job, checkpoint, source, sorted(output.rglob("*.parquet")))
    return Outcome(text="\n".join(lines))


def _labeller(job: PredictJob, source: Source, workers: int) -> shards.Labeller:
    """What labels shards, with a checkpoint of its own."""
    checkpoint = _opened(job)

    def label(shard: shards.Shard) -> object:
        part = shards.source_of(source, shard)
        return _run_job(job, checkpoint, part, shard.output, workers=workers)

    return label


def _check_queue(job: PredictJob, checkpoint: Engine, source: Source, output: Path) -> None:
    """Raise UsageError now rather than lose a file to the queue when all is predicted."""
    if abstaining.limits(checkpoint, job.abstain):
        abstaining.check_queue(abstaining.queue_path(job.queue, output), output, source, checkpoint.tasks)


def _queued(job: PredictJob, checkpoint: Engine, source: Source, outputs: Sequence[Path]) -> list[str]:
    """Write the rows without a label for people to label; say how many there are, by task."""
    limits = abstaining.limits(checkpoint, job.abstain)
    if not limits:
        return []
    queue = abstaining.queue_path(job.queue, Path(job.output).expanduser())
    columns = output_columns(checkpoint.tasks, source.columns, abstaining.columns(limits))
    found = abstaining.write_queue(outputs, queue, limits, columns=columns, most=job.queue_rows)
    lines = [_answered(limit, found.rows, found.by_task[limit.task]) for limit in limits]
    if found.queued:
        lines.append(f"{queue}: {found.queued:,} rows for review, most doubtful first")
    elif queue.exists():
        lines.append(f"no row is left for review; {queue} is of an earlier job, and stays as it was")
    return lines


def _answered(limit: Limit, rows: int, withheld: int) -> str:
    return (
        f"{limit.task}: {rows - withheld:,} of {rows:,} rows answered (confidence from {limit.threshold:g}); "
        f"on rows like those of dev at most {limit.rate:.0%} of them are wrong"
    )


def _work(job: PredictJob, checkpoint: Engine, source: Source, output: Path) -> Work:
    folder = None if job.output == pipes.PIPE else folder_of(output)
    limits = abstaining.limits(checkpoint, job.abstain)
    return Work(
        tasks=checkpoint.tasks,
        predict=_predictor(job, checkpoint, folder),
        remake=partial(_loaded_predictor, job, folder),
        layout=job.data,
        languages=tuple(job.languages),
        columns=source.columns,
        table=files.table_format(output),
        zipped=is_gzip(output),
        decide=abstaining.deciding(limits),
        added=abstaining.columns(limits),
    )


def _predictor(job: PredictJob, checkpoint: Engine, folder: Path | None) -> Predict:
    return cache.Once(checkpoint.tasks, checkpoint.predict_proba, _memory(job, checkpoint, folder))


def _loaded_predictor(job: PredictJob, folder: Path | None) -> Predict:
    return _predictor(job, _opened(job), folder)


def _memory(job: PredictJob, checkpoint: Engine, folder: Path | None) -> cache.Memory:
    """Where answers are looked up: the cache; else what this process gave of late; else the job's own file.

    An encoder's answer depends in its last digits on the batch, so that a job that goes on must find
    the answers it gave before.
    """
    if job.cache:
        return cache.stored(job.cache, _model(checkpoint))
    if checkpoint.family in _ROW_BY_ROW or folder is None:
        return cache.Recent()
    return cache.Stored(folder / "answers.sqlite")


def _model(checkpoint: Engine) -> str:
    """A fingerprint of all that the answers depend on."""
    return checkpoint.digest


def _about(job: PredictJob, checkpoint: Engine) -> dict[str, object]:
    """What the output depends on beside the input. A job may go on with another number of workers, or on_error."""
    layout = {k: v for k, v in asdict(job.data).items() if k != "on_error"}
    settings = {**layout, "languages": list(job.languages), "batch": job.batch, "abstain": job.abstain}
    return {"checkpoint": _model(checkpoint), "settings": settings, "version_of_détente": __version__}


def _workers(job: PredictJob, checkpoint: Engine) -> int:
    if job.workers != "auto":
        return int(job.workers)
    if checkpoint.family not in _ROW_BY_ROW:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _written(output: Path, state: State) -> list[str]:
    left_out = f" of {state.read:,} read" if state.rejected else ""
    lines = [f"{output}: {state.rows:,} rows{left_out}"]
    if state.lines:
        lines.append(
            f"{jobs.rejects_of(output)}: {state.lines:,} bad rows or files that were left out, with the reasons"
        )
    return lines
