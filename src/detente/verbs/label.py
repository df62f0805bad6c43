"""`detente label`: statements or articles labelled by machine, as material to review and to train on."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from detente import files, paths, provenance
from detente.arrays import FloatArray
from detente.corpus import origins
from detente.corpus.origins import GIVEN_ORIGIN
from detente.errors import UsageError
from detente.evaluation.measuring import kept_name
from detente.evaluation.tables import render
from detente.files import Layout, Rejects
from detente.inference import sources
from detente.inference.batches import labelled_rows, output_columns
from detente.inference.labellers import AnyLabeller, Opened, RulesLabeller, Setting, open_labeller
from detente.inference.sources import Source
from detente.labelling import codebook as codebooks
from detente.labelling import llm
from detente.labelling.codebook import Codebook
from detente.labelling.functions import ALL, FunctionRow, Tally
from detente.records import Statement
from detente.tasks import Task
from detente.verbs.outcome import Outcome

_FUNCTION_TYPES: dict[str, type] = {
    "task": str, "lang": str, "function": str, "polarity": str, "n": int, "votes": int, "coverage": float,
    "overlaps": float, "conflicts": float, "gold": int, "accuracy": float,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LabelJob:
    """`input` is a file, folder or glob of tables or articles; `output` a table file.

    Statements below `min_confidence` in a task get no label for it; their probabilities stay. `codebook` is a file
    of one's own; its hash stands in every row.
    """

    input: str
    output: str
    labeller: AnyLabeller
    task: Mapping[str, Task]
    data: Layout
    languages: Sequence[str]
    codebook: str = ""
    min_confidence: float = 0.0
    batch: int = 1024
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise UsageError for a confidence that is no probability."""
        if self.batch < 1:
            raise UsageError(f"batch is {self.batch}; it must be at least 1")
        if not 0 <= self.min_confidence < 1:
            raise UsageError(f"min_confidence is {self.min_confidence}; it must lie between 0 and 1")


def run(job: LabelJob) -> Outcome:
    """Label and write; every row says in `origin` which labeller spoke and in `codebook` after which codebook."""
    source = sources.open_source(job.input, job.data)
    output = sources.check_output(job.output, source)
    book = codebooks.load(job.codebook)

    def first(n: int) -> Sequence[Statement]:
        return list(islice(_statements(job, source, Rejects()), n))

    setting = Setting(tasks=tuple(job.task.values()), book=book, seed=job.seed, first=first)
    labeller = open_labeller(job.labeller, setting)
    if any(asker.spec.dry_run for asker in labeller.askers):
        return Outcome(text=_dry_run(job, source, labeller))
    labeller.prepare()
    rejects, marked, given = Rejects(), [0], Counter[str]()
    found = _counted(_statements(job, source, rejects), given)
    rows = _rows(job, labeller, book, found, source, marked)
    count = files.write_rows(output, rows, columns=_columns(labeller, source))
    lines = sources.written(output, count, rejects)
    if marked[0]:
        lines.append(f"{marked[0]:,} statements have no label; the column reason says why, the same command asks again")
    lines += labeller.report()
    lines += _function_table(job, labeller.tally, given)
    files.write_json(output.with_name(output.name + ".labels.json"), _manifest(job, labeller, book, count, marked[0]))
    lines.append(f"next: review the labels, then detente train data=files data.train={paths.typed(output)}")
    return Outcome(text="\n".join(lines))


def _statements(job: LabelJob, source: Source, rejects: Rejects) -> Iterator[Statement]:
    return sources.statements(source, layout=job.data, rejects=rejects, languages=job.languages)


def _counted(statements: Iterator[Statement], given: Counter[str]) -> Iterator[Statement]:
    """The same statements; counts in `given` the origins of those that bear labels."""
    for statement in statements:
        given[statement.origin] += bool(statement.labels)
        yield statement


def _columns(labeller: Opened, source: Source) -> dict[str, type]:
    given = {_kept(name, labeller): kind for name, kind in source.columns.items()}
    if given.keys() & {task.name for task in labeller.tasks}:
        given[GIVEN_ORIGIN] = str  # whose those labels are: of the rows' origin, the labeller is told from now on
    ours = {"origin": str, "codebook": str} | dict.fromkeys(labeller.columns, str)
    return output_columns(labeller.tasks, given | {"origin": str}) | ours


def _kept(name: str, labeller: Opened) -> str:
    return kept_name(name, ("origin", *labeller.columns))


def _rows(
    job: LabelJob,
    labeller: Opened,
    book: Codebook,
    found: Iterator[Statement],
    source: Source,
    marked: list[int],
) -> Iterator[dict[str, object]]:
    """The output's rows; counts in `marked` those without any label."""
    beside: deque[dict[str, str]] = deque()
    digest = book.digest if codebooks.covers(book, labeller.tasks) else ""

    def predict(batch: Sequence[Statement]) -> Mapping[str, FloatArray]:
        answers = labeller.label(batch)
        columns = {"reason": answers.reasons} | dict(answers.columns)
        for i in range(len(batch)):
            beside.append({name: columns[name][i] for name in labeller.columns})
        return answers.proba

    signed = (replace(s, origin=labeller.origin, extra=_renamed(s, labeller)) for s in found)
    size = min(job.batch, labeller.group or job.batch)
    for row in labelled_rows(signed, labeller.tasks, predict, batch=size, total=source.rows):
        row.update(beside.popleft())
        row["codebook"] = digest
        empty = [_emptied(row, task, job.min_confidence) for task in labeller.tasks]
        marked[0] += all(empty)
        yield row


def _renamed(statement: Statement, labeller: Opened) -> dict[str, Any]:
    """Its foreign columns and its own origin, by the names that they have beside the labeller's."""
    return {_kept(name, labeller): v for name, v in statement.extra.items()} | {GIVEN_ORIGIN: statement.origin}


def _emptied(row: dict[str, Any], task: Task, least: float) -> bool:
    """Take away a label that was not given or is below `least`; whether it was not given."""
    confidence = float(row[f"{task.name}_confidence"])
    missing = bool(np.isnan(confidence))
    if missing:
        row.update({f"{task.name}_{label}": None for label in ("confidence", *task.labels)})
    if missing or confidence < least:
        row[task.name] = ""
    return missing


def _function_table(job: LabelJob, tally: Tally | None, given: Counter[str]) -> list[str]:
    """Write the table of labelling functions if asked for; show it if the input bears labels."""
    if tally is None or not isinstance(job.labeller, RulesLabeller):
        return []
    rows = list(tally.rows())
    lines = []
    if job.labeller.table:
        path = Path(job.labeller.table).expanduser()
        files.write_rows(path, [dict(row) for row in rows], columns=_FUNCTION_TYPES)
        lines.append(f"{path}: {len(rows)} rows, a labelling function and language each")
    if any(row["gold"] for row in rows):
        header = ["task", "function", "votes for", "coverage", "overlaps", "conflicts", "gold", "accuracy"]
        shown = [_shown(row) for row in rows if row["lang"] == ALL]
        lines.append("\n" + render(header, shown) + "\n(shares of all statements; labeller.table=FILE has languages)")
        machine = {origin: n for origin, n in given.items() if n and origins.is_machine(origin)}
        lines += [origins.of_measuring(machine, given.total(), "the input")] if machine else []
    return lines


def _shown(row: FunctionRow) -> list[str]:
    shares = [f"{share:.3f}" for share in (row["coverage"], row["overlaps"], row["conflicts"])]
    accuracy = "-" if row["accuracy"] is None else f"{row['accuracy']:.3f}"
    return [row["task"], row["function"], row["polarity"], *shares, str(row["gold"]), accuracy]


def _manifest(job: LabelJob, labeller: Opened, book: Codebook, count: int, marked: int) -> dict[str, Any]:
    asked = [
        {
            "url": asker.spec.url,
            "model": asker.spec.model,
            "cache": asker.spec.cache,
            "answers": asker.session.calls,
            "reused": asker.session.reused,
            "cost": asker.session.spent,
            "tokens_in": asker.session.tokens_in,
            "tokens_out": asker.session.tokens_out,
        }
        for asker in labeller.askers
    ]
    about = {"name": book.name, "version": book.version, "hash": book.digest}
    made = {"input": job.input, "output": job.output, "labeller": labeller.origin, "codebook": about, "seed": job.seed}
    return made | {"n": count, "unlabelled": marked, "llm": asked, **provenance.environment()}


def _dry_run(job: LabelJob, source: Source, labeller: Opened) -> str:
    """The first prompt, and what asking about the whole input and fitting a join would take; nothing is sent."""
    parts = []
    beforehand = labeller.beforehand()
    besides = f" and {len(beforehand):,} of gold to fit the join on" if beforehand else ""
    for asker in labeller.askers:
        so_far = llm.Estimate()
        found = _statements(job, source, Rejects())
        while batch := list(islice(found, job.batch)):
            so_far = llm.estimate(asker, batch, so_far)
        n = so_far.statements
        so_far = llm.estimate(asker, beforehand, so_far)
        parts += [f"[{message['role']}]\n{message['content']}" for message in so_far.first]
        spec = asker.spec
        price = f", for about {so_far.price:.2f} at the prices given" if spec.price_in or spec.price_out else ""
        parts.append(
            f"{n:,} statements{besides}, {so_far.kept:,} answers already in {spec.cache}; about "
            f"{so_far.tokens_in:,} tokens in and {so_far.tokens_out:,} out would go to {spec.url}{price}. "
            "Nothing was sent; leave out dry_run=true to ask."
        )
    return "\n\n".join(parts)
