"""`detente predict`: labels and probabilities for statements or articles, streaming, in input order."""

from collections.abc import Sequence
from dataclasses import dataclass

from detente import checkpoint as checkpoints
from detente import files
from detente.errors import UsageError
from detente.files import Layout, Rejects
from detente.inference import sources
from detente.inference.batches import labelled_rows, output_columns
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class PredictJob:
    """`input` is a file, folder or glob of tables or articles; `output` a table file; `data` says
    how its columns map to ours; `batch` rows are held at once.
    """

    checkpoint: str
    input: str
    output: str
    data: Layout
    languages: Sequence[str]
    batch: int = 1024

    def __post_init__(self) -> None:
        """Raise UsageError for a batch of nothing."""
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}; it must be at least 1")


def run(job: PredictJob) -> Outcome:
    """Predict and write; nothing appears at `output` unless it is whole."""
    source = sources.open_source(job.input, job.data)
    output = sources.check_output(job.output, source)
    checkpoint = checkpoints.load(job.checkpoint)
    rejects = Rejects()
    statements = sources.statements(source, layout=job.data, rejects=rejects, languages=job.languages)
    rows = labelled_rows(statements, checkpoint.tasks, checkpoint.predict_proba, batch=job.batch, total=source.rows)
    count = files.write_rows(output, rows, columns=output_columns(checkpoint.tasks, source.columns))
    return Outcome(text="\n".join(sources.written(output, count, rejects)))
