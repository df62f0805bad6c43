"""`detente label`: statements or articles labelled by machine, as material to review and to train on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detente import checkpoint as checkpoints
from detente import files
from detente.arrays import FloatArray
from detente.errors import UsageError
from detente.files import Layout, Rejects
from detente.inference import sources
from detente.inference.batches import Predict, labelled_rows, output_columns
from detente.labelling import rules
from detente.records import Statement
from detente.tasks import Task
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class RulesLabeller:
    """Cue lists by language; `lexicons` is a folder of one's own `<lang>.toml`, else the shipped ones."""

    lexicons: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelLabeller:
    """A checkpoint of one's own training."""

    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class LabelJob:
    """`input` is a file, folder or glob of tables or articles; `output` a table file.

    Statements below `min_confidence` in a task get no label for it; their probabilities stay.
    """

    input: str
    output: str
    labeller: RulesLabeller | ModelLabeller
    task: Mapping[str, Task]
    data: Layout
    languages: Sequence[str]
    min_confidence: float = 0.0
    batch: int = 1024

    def __post_init__(self) -> None:
        """Raise UsageError for a confidence that is no probability."""
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}; it must be at least 1")
        if not 0 <= self.min_confidence < 1:
            raise UsageError(f"min_confidence is {self.min_confidence}; it must lie between 0 and 1")


def run(job: LabelJob) -> Outcome:
    """Label and write; every row says in `origin` which labeller spoke."""
    source = sources.open_source(job.input, job.data)
    output = sources.check_output(job.output, source)
    tasks, predict, origin = _labeller(job)
    rejects = Rejects()
    found = sources.statements(source, layout=job.data, rejects=rejects, languages=job.languages)
    signed = (replace(statement, origin=origin) for statement in found)
    rows = _confident(job, tasks, labelled_rows(signed, tasks, predict, batch=job.batch, total=source.rows))
    columns = output_columns(tasks, source.columns | {"origin": str})
    lines = sources.written(output, files.write_rows(output, rows, columns=columns), rejects)
    lines.append(f"next: review the labels, then detente train data=files data.train={output}")
    return Outcome(text="\n".join(lines))


def _labeller(job: LabelJob) -> tuple[Sequence[Task], Predict, str]:
    """(tasks, what gives the probabilities, what `origin` says)."""
    if isinstance(job.labeller, ModelLabeller):
        checkpoint = checkpoints.load(job.labeller.checkpoint)
        return (
            checkpoint.tasks,
            checkpoint.predict_proba,
            f"model:{checkpoint.about.get('name', checkpoint.family)}",
        )
    tasks = tuple(job.task.values())
    for task in tasks:
        if task.name not in ("stance", "sentiment"):
            raise UsageError(f"labeller=rules knows stance and sentiment, not {task.name}; use labeller=model")
    own = job.labeller.lexicons
    lexicons = {p.stem: rules.load_lexicon(p) for p in sorted(Path(own).glob("*.toml"))} if own else None
    if own and not lexicons:
        raise UsageError(f"labeller.lexicons={own} holds no <lang>.toml; copy the shipped ones there and edit them")

    def predict(statements: Sequence[Statement]) -> Mapping[str, FloatArray]:
        return rules.label(statements, tasks, lexicons=lexicons)

    return tasks, predict, "rules"


def _confident(job: LabelJob, tasks: Sequence[Task], rows: Iterator[dict[str, object]]) -> Iterator[dict[str, object]]:
    for row in rows:
        for task in tasks:
            if float(str(row[f"{task.name}_confidence"])) < job.min_confidence:
                row[task.name] = ""
        yield row
