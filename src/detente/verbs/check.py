"""`detente check`: what a corpus must pass before anyone trains on it, as a report and an exit status."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from detente import files
from detente.corpus import DataSpec, checks, load_corpus
from detente.corpus.checks import Finding
from detente.corpus.tables import from_table
from detente.errors import ChecksFailedError
from detente.evaluation.tables import render
from detente.records import Statement
from detente.tasks import Task
from detente.text.language import identify
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class CheckJob:
    """The corpus, the limits it must keep, and where the report goes (`output`, if given)."""

    data: DataSpec
    task: Mapping[str, Task]
    output: str
    leak_columns: Sequence[str]
    slice_columns: Sequence[str]
    max_cramers_v: float
    max_partial_f1: float
    max_opening: float
    max_language: float
    least_label: int
    seed: int


def run(job: CheckJob) -> Outcome:
    """Run every check; raises ChecksFailedError, after writing the report, if any fails.

    Rows of `data.also_train` are not judged: they come as they are, to be learnt from beside a corpus that is balanced.
    """
    tasks = tuple(job.task.values())
    corpus = load_corpus(replace(job.data, also_train=""), tasks, seed=job.seed)
    train = from_table(corpus.train)
    test = from_table(corpus.test) or from_table(corpus.dev)
    statements = [*train, *from_table(corpus.dev), *from_table(corpus.test)]
    findings = _findings(job, tasks, statements, train, test)
    rows = [["" if f.ok else "FAILS", f.check, f.value, f.limit] for f in findings]
    parts = [
        f"corpus {corpus.name}: {len(statements)} statements, fingerprint {corpus.fingerprint[:16]}",
        *corpus.notes,
        *([f"data.also_train={job.data.also_train} is not judged here"] if job.data.also_train else []),
        render(["", "check", "found", "limit"], rows),
        *(_terms(task, train) for task in tasks),
    ]
    report = "\n\n".join(parts)
    if job.output:
        files.write_text(Path(job.output), report + "\n")
    failed = [f.check for f in findings if not f.ok]
    if failed:
        raise ChecksFailedError(
            report, f"{len(failed)} checks of {corpus.name} fail: {'; '.join(failed[:6])}; mend the data"
        )
    return Outcome(text=report + f"\n\nall {len(findings)} checks hold")


def _findings(
    job: CheckJob,
    tasks: Sequence[Task],
    statements: Sequence[Statement],
    train: Sequence[Statement],
    test: Sequence[Statement],
) -> list[Finding]:
    slices = {name: _column(name) for name in job.slice_columns}
    slices |= {"language": lambda s: s.lang, "length": checks.length_bin, "decade": checks.decade}
    views = {name: _column(name) for name in ("holder", *job.slice_columns)}
    views |= {"length": checks.length_bin, "the first three words": checks.opening}
    findings = checks.duplicates(statements) + checks.leaks(statements, job.leak_columns)
    findings += checks.languages(statements, identify=identify, limit=job.max_language)
    findings += checks.openings(statements, limit=job.max_opening) + checks.balance(
        statements, tasks, least=job.least_label
    )
    main = tasks[0]
    findings += checks.ties(statements, main, slices, limit=job.max_cramers_v)
    return findings + checks.partial_models(train, test, main, views, limit=job.max_partial_f1, seed=job.seed)


def _column(name: str) -> Callable[[Statement], str]:
    return lambda statement: checks.value_of(statement, name)


def _terms(task: Task, train: Sequence[Statement]) -> str:
    """The n-grams that pull most towards each label: artefacts to look at, not a limit."""
    rows = []
    for label, terms in checks.strongest_terms(train, task, top=8).items():
        rows.append([label, ", ".join(f"{term} ({n})" for term, _, n in terms)])
    return f"{task.name}: terms that pull most towards a label in train (rows that have them)\n" + render(
        ["label", "terms"], rows
    )
