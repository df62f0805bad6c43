"""`detente explain`: why a checkpoint labels statements as it does, word by word, as one HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from detente import checkpoint as checkpoints
from detente import files
from detente.checkpoint import Checkpoint
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation.behaviour.bias import signed
from detente.evaluation.explaining import explanation
from detente.evaluation.explaining.faithfulness import faithfulness
from detente.evaluation.explaining.page import About, TaskPage, page
from detente.files import Layout, Rejects
from detente.inference import sources
from detente.progress import progress
from detente.records import Statement
from detente.tasks import Task
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class ExplainJob:
    """The first `limit` statements of `input` are explained on the page `output`, for some `tasks` or for all.

    `steps` is the precision of integrated gradients (encoders); `seed` draws the random deletions that the
    explanations are measured against.
    """

    checkpoint: str
    input: str
    output: str
    tasks: Sequence[str]
    data: Layout
    languages: Sequence[str]
    limit: int = 50
    steps: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError for an output that is no page, or for nothing to explain."""
        if not self.output.endswith((".html", ".htm")):
            raise UsageError(f"output={self.output} must end in .html; the explanations are one page")
        tasks = (self.tasks,) if isinstance(self.tasks, str) else tuple(self.tasks)
        object.__setattr__(self, "tasks", tasks)
        for name in ("limit", "steps"):
            value = getattr(self, name)
            if isinstance(value, int) and value < 1:
                raise UsageError(f"{name} is {value}; it must be at least 1")


def run(job: ExplainJob) -> Outcome:
    """Explain, measure how faithful the explanations are, write the page; says both in figures."""
    output = Path(job.output).expanduser()
    checkpoint = checkpoints.load(job.checkpoint)
    tasks = _tasks(job, checkpoint)
    method = explanation.method_of(checkpoint.classifier)
    rejects = Rejects()
    statements = _statements(job, rejects)
    with progress(total=len(statements), what="explaining", unit="statements") as advance:
        found = explanation.explain(
            checkpoint.classifier, statements, tasks=[task.name for task in tasks], steps=job.steps, done=advance
        )
    proba = checkpoint.predict_proba(statements)
    pages = [
        TaskPage(
            task=task,
            explained=found[task.name],
            proba=proba[task.name],
            words=explanation.top_terms(found[task.name], task.labels, of="words"),
            features=explanation.top_terms(found[task.name], task.labels, of="features"),
            faithful=faithfulness(task, found[task.name], checkpoint.predict_proba, seed=job.seed),
        )
        for task in tasks
    ]
    gap = explanation.gaps(found)
    about = About(
        title=f"Why {checkpoint.about.get('name', checkpoint.family)} labels as it does",
        method=method,
        gap=gap,
        command=f"detente explain checkpoint={job.checkpoint} input={job.input} output={job.output} limit={job.limit}",
    )
    files.write_text(output, page(about, pages))
    lines = sources.written(output, len(statements), rejects)
    lines[0] = f"{output}: {len(statements):,} statements explained; {_gap_in_words(gap, checkpoint)}"
    return Outcome(text="\n".join([*lines, *(_faithful(of) for of in pages)]))


def _tasks(job: ExplainJob, checkpoint: Checkpoint) -> list[Task]:
    known = [task.name for task in checkpoint.tasks]
    for name in job.tasks:
        if name not in known:
            raise UsageError(f'the checkpoint does not predict "{name}"; {did_you_mean(name, known)}')
    return [task for task in checkpoint.tasks if not job.tasks or task.name in job.tasks]


def _statements(job: ExplainJob, rejects: Rejects) -> list[Statement]:
    source = sources.open_source(job.input, job.data)
    if Path(job.output).expanduser().resolve() in {p.resolve() for p in (*source.tables, *source.documents)}:
        raise UsageError(f"output={job.output} is also an input; give another file")
    read = sources.statements(source, layout=job.data, rejects=rejects, languages=job.languages)
    statements = list(islice(read, job.limit))
    if not statements:
        raise InputError(f"{job.input} holds no statement; give a file or folder that does")
    return statements


def _gap_in_words(gap: float, checkpoint: Checkpoint) -> str:
    return f"contributions sum to the logits up to {gap:.1g} ({checkpoint.family})"


def _faithful(of: TaskPage) -> str:
    """AOPC in one line."""
    if not of.faithful:
        return f"{of.task.name}: no statement has three words, faithfulness is not measured"
    found = of.faithful["all"]
    gain = found["difference"]
    return (
        f"{of.task.name}: deleting the words explained lowers the probability by {found['top']['value']:.3f}, "
        f"random words by {found['random']['value']:.3f}; difference {gain['value']:.3f} "
        f"({signed(gain)}, n {found['n']})"
    )
