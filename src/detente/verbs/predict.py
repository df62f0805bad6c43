"""`detente predict`: labels and probabilities for statements or articles, streaming, in input order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from detente import checkpoint as checkpoints
from detente import files
from detente.errors import UsageError
from detente.files import Layout, Rejects
from detente.inference import abstaining, sources
from detente.inference.abstaining import Limit
from detente.inference.batches import labelled_rows, output_columns
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class PredictJob:
    """`input` is a file, folder or glob of tables or articles; `output` a table file; `data` says
    how its columns map to ours; `batch` rows are held at once.

    `abstain` is the share of answers that may be wrong, for all tasks or by task: labels below the confidence
    that keeps it stay empty, and the `queue_rows` such rows most in need of a person go to `queue`
    (`<output>.queue.jsonl` if empty).
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

    def __post_init__(self) -> None:
        """Raise UsageError for a batch of nothing or a rate that is none."""
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}; it must be at least 1")
        if self.queue_rows < 1:
            raise UsageError(f"queue_rows is {self.queue_rows}; it must be at least 1")
        abstaining.check_rates(self.abstain)


def run(job: PredictJob) -> Outcome:
    """Predict and write; nothing appears at `output` unless it is whole."""
    source = sources.open_source(job.input, job.data)
    output = sources.check_output(job.output, source)
    checkpoint = checkpoints.load(job.checkpoint)
    limits = abstaining.limits(checkpoint, job.abstain)
    rejects = Rejects()
    statements = sources.statements(source, layout=job.data, rejects=rejects, languages=job.languages)
    rows = labelled_rows(statements, checkpoint.tasks, checkpoint.predict_proba, batch=job.batch, total=source.rows)
    columns = abstaining.columns(output_columns(checkpoint.tasks, source.columns), limits)
    count = files.write_rows(output, abstaining.withheld(rows, limits), columns=columns)
    lines = sources.written(output, count, rejects)
    return Outcome(text="\n".join([*lines, *_queued(job, output, limits, columns)]))


def _queued(job: PredictJob, output: Path, limits: Sequence[Limit], columns: Mapping[str, type]) -> list[str]:
    """Write the rows without a label for people to label; say how many there are, by task."""
    if not limits:
        return []
    queue = Path(job.queue).expanduser() if job.queue else output.with_name(f"{output.name.split('.')[0]}.queue.jsonl")
    found = abstaining.write_queue(output, queue, limits, columns=columns, most=job.queue_rows)
    lines = [
        f"{limit.task}: {found.rows - found.by_task[limit.task]:,} of {found.rows:,} rows answered "
        f"(confidence from {limit.threshold:g}); on rows like those of dev at most {limit.rate:.0%} of them are wrong"
        for limit in limits
    ]
    if found.queued:
        lines.append(f"{queue}: {found.queued:,} rows for review, most doubtful first")
    return lines
