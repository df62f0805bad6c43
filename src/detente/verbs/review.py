"""`detente review`: people label on a local page or in their own tool; their labels become annotations and gold."""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from detente import files, paths
from detente.errors import InputError, UsageError, did_you_mean
from detente.files import Layout, Rejects
from detente.inference import sources
from detente.labelling import codebook
from detente.labelling.agreement import Annotation
from detente.labelling.codebook import Codebook
from detente.labelling.review import annotations as rows
from detente.labelling.review import exchange, gold, store
from detente.labelling.review.carried import Around
from detente.labelling.review.context import around
from detente.labelling.review.exchange import Given
from detente.labelling.review.session import Session, resume, shuffled
from detente.records import Statement
from detente.tasks import Task
from detente.text.documents import read_documents
from detente.verbs.outcome import Outcome

log = logging.getLogger(__name__)
_CHOICES = {"export": tuple(exchange.ENDINGS), "rule": gold.RULES, "order": ("random", "given")}


@dataclass(frozen=True, kw_only=True)
class ReviewJob:
    """With `annotator`, the page; with `output`, the labels as `export` says.

    `input` holds the statements (or articles), `annotations` labels given elsewhere, `database` those given on the
    page. With `adjudicate` the page shows what the annotators differ on, by `rule` and `least` votes.
    """

    input: str
    annotations: str
    annotator: str
    database: str
    export: str
    output: str
    rule: str
    least: int
    adjudicate: bool
    order: str
    prelabels: bool
    documents: str
    codebook: str
    port: int
    task: Mapping[str, Task]
    data: Layout
    languages: Sequence[str]
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError for settings that do not go together."""
        object.__setattr__(self, "annotator", str(self.annotator or "").strip())
        for name, allowed in _CHOICES.items():
            value = str(getattr(self, name))
            if value not in allowed:
                raise UsageError(f'{name} is "{value}"; {did_you_mean(value, allowed)}')
        if not self.annotator and not self.output:
            raise UsageError("say who labels (annotator=NAME), or where the labels shall go (output=FILE)")
        if not self.output and not self.input:
            raise UsageError("input=FILE is not given; the page needs the statements to label")
        if len(self.annotator) > 100 or not self.annotator.isprintable():
            raise UsageError("annotator must be a name of at most 100 printable characters")
        if self.adjudicate and self.output:
            raise UsageError("adjudicate=true opens the page; leave output out, and write the gold labels afterwards")
        if self.annotations and not self.output and not self.adjudicate:
            raise UsageError("annotations=FILE goes with output=FILE, or with adjudicate=true on the page")
        if self.least < 1:
            raise UsageError(f"least is {self.least}; it must be at least 1")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"port is {self.port}; it must lie between 0 (any free one) and 65535")
        if self.output:
            exchange.check_output(self.output, self.export)


def run(job: ReviewJob) -> Outcome:
    """Serve the page until it is stopped, or write the labels."""
    return Outcome(text="\n".join(_write(job) if job.output else _page(job)))


def _page(job: ReviewJob) -> list[str]:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise UsageError("the page needs FastAPI and uvicorn; install them: pip install 'detente[review]'") from None
    from detente.labelling.review import server

    tasks = tuple(job.task.values())
    book = _book(job, tasks)
    statements = _statements(job)
    voices = _voices(job, tasks, statements) if job.adjudicate else {}
    listener = server.bind(job.port)
    with listener, closing(_database(job, tasks, statements, create=True)) as connection:
        session = _session(job, connection, statements, voices)
        resume(session)
        key = store.about(connection, "key")
        app = server.build(session, book, key)
        with suppress(KeyboardInterrupt):
            log.info("%s", _greeting(job, session, f"http://{server.HOST}:{listener.getsockname()[1]}/#{key}"))
            server.serve(app, listener)
        done, total = len(session.done), len(session.order)
    lines = [f"{_database_path(job)}: {done:,} of {total:,} statements done by {job.annotator}"]
    again = f"detente review input={paths.typed(job.input)}"
    if job.adjudicate:
        more = f" annotations={paths.typed(job.annotations)}" if job.annotations else ""
        return [*lines, f"next: {again}{more} export=gold output=gold.jsonl"]
    return [*lines, f"next: {again} output=annotations.csv, then detente agreement input=annotations.csv"]


def _book(job: ReviewJob, tasks: Sequence[Task]) -> Codebook | None:
    """The guide at hand; none where the shipped codebook does not speak of the tasks."""
    book = codebook.load(job.codebook)
    if codebook.covers(book, tasks):
        return book
    if job.codebook:
        raise InputError(f"{job.codebook} does not explain {', '.join(job.task)} with the same labels; mend it")
    return None


def _greeting(job: ReviewJob, session: Session, url: str) -> str:
    done, total = len(session.done), len(session.order)
    what = "disputed statements" if job.adjudicate else "statements"
    stop = "stop    Ctrl-C; every label is saved at once"
    return f"{job.annotator}: {done:,} of {total:,} {what} done\nopen    {url}\n{stop}"


def _session(
    job: ReviewJob,
    connection: sqlite3.Connection,
    statements: Mapping[str, Statement],
    voices: Mapping[str, Sequence[Annotation]],
) -> Session:
    tasks = tuple(job.task.values())
    disputes = gold.disputes(voices, tasks, rule=job.rule, least=job.least)
    ids = list(disputes) if job.adjudicate else list(statements)
    return Session(
        connection=connection,
        statements=statements,
        order=ids if job.order == "given" else shuffled(ids, seed=job.seed, annotator=job.annotator),
        tasks=tasks,
        annotator=job.annotator,
        around=_around(job, statements),
        prelabels=job.prelabels,
        disputes=disputes,
        others=voices,
        adjudicating=job.adjudicate,
    )


def _voices(job: ReviewJob, tasks: Sequence[Task], statements: Mapping[str, Statement]) -> dict[str, list[Annotation]]:
    """What the annotators said, by statement. Raises InputError where they leave nothing to decide."""
    joined = rows.joined(_given(job, tasks, statements).annotations, _own(job, tasks, statements), job.annotations)
    found = gold.by_statement(a for a in joined if a.kind != rows.ADJUDICATION and a.id in statements)
    if not gold.disputes(found, tasks, rule=job.rule, least=job.least):
        raise InputError(f"nothing to adjudicate: the annotators differ nowhere that rule={job.rule} leaves open")
    return found


def _statements(job: ReviewJob) -> dict[str, Statement]:
    """The statements of the input by id. Raises InputError for ids that stand in two files."""
    # Names of label columns speak of the annotations, where there are any.
    columns = {ours: column for ours, column in job.data.columns.items() if not (job.annotations and ours in job.task)}
    layout = replace(job.data, columns=columns)
    source = sources.open_source(paths.resolve(job.input), layout)
    found: dict[str, Statement] = {}
    rejects = Rejects()
    for statement in sources.statements(source, layout=layout, rejects=rejects, languages=job.languages):
        if statement.id in found:
            raise InputError(f'{job.input}: the id "{statement.id[:60]}" stands in two files; ids must differ')
        found[statement.id] = statement
    if not found:
        raise InputError(f"{job.input} holds no statement; give a file that does")
    if rejects.rows:
        log.warning("%d bad rows of %s were left out", len(rejects.rows), job.input)
    tasks = tuple(job.task.values())
    return {name: _known_labels(statement, tasks) for name, statement in found.items()}


def _known_labels(statement: Statement, tasks: Sequence[Task]) -> Statement:
    """The statement with its labels of our tasks spelled as we do. Raises InputError for an unknown one."""
    try:
        labels = {task.name: task.label_of(statement.labels.get(task.name)) for task in tasks}
    except InputError as error:
        raise InputError(f'the statement "{statement.id[:60]}": {error}') from None
    return replace(statement, labels={k: v for k, v in {**statement.labels, **labels}.items() if v})


def _around(job: ReviewJob, statements: Mapping[str, Statement]) -> dict[str, Around]:
    articles = paths.resolve(job.documents)
    documents = read_documents(articles, on_error="skip", rejects=Rejects()) if articles else ()
    return around(list(statements.values()), documents)


def _given(job: ReviewJob, tasks: Sequence[Task], statements: Mapping[str, Statement]) -> Given:
    """The labels of files. Raises InputError if they are of statements that the input lacks."""
    if not job.annotations:
        return Given(statements={}, annotations=(), where=())
    unsigned = "" if job.adjudicate else job.annotator  # the adjudicator is none of the annotators
    given = exchange.read(job.annotations, tasks, job.data, annotator=unsigned)
    if statements:
        exchange.check_known(given, statements, job.input)
    return given


def _own(job: ReviewJob, tasks: Sequence[Task], statements: Mapping[str, Statement]) -> list[Annotation]:
    """The labels given on the page, if there are any."""
    if not job.database and not (job.input and _database_path(job).exists()):
        return []
    with closing(_database(job, tasks, statements, create=False)) as connection:
        return store.current(connection)


def _database_path(job: ReviewJob) -> Path:
    return Path(job.database).expanduser() if job.database else store.beside(paths.resolve(job.input))


def _database(
    job: ReviewJob, tasks: Sequence[Task], statements: Mapping[str, Statement], *, create: bool
) -> sqlite3.Connection:
    path = _database_path(job)
    connection = store.open_database(path, tasks, create=create)
    try:
        if statements:
            store.bind(connection, statements.values(), path)
    except InputError:
        connection.close()
        raise
    return connection


def _material(job: ReviewJob, tasks: Sequence[Task]) -> tuple[Mapping[str, Statement], list[Annotation]]:
    """The statements and all the labels that the files and the database hold."""
    statements = _statements(job) if job.input else {}
    given = _given(job, tasks, statements)
    known = statements or given.statements
    joined = rows.joined(given.annotations, _own(job, tasks, statements), job.annotations)
    return known, [replace(a, lang=a.lang or known[a.id].lang) if a.id in known else a for a in joined]


def _write(job: ReviewJob) -> list[str]:
    tasks = tuple(job.task.values())
    output = exchange.check_output(job.output, job.export)
    statements, annotations = _material(job, tasks)
    annotators = sorted({a.annotator for a in annotations})
    said = f"{len(annotations):,} annotations by {len(annotators)} annotators"
    if job.export == "annotations":
        if not annotations:
            raise InputError("there are no annotations; label on the page (annotator=NAME) or give annotations=FILE")
        rows.write(output, annotations, tasks)
        return [f"{output}: {said}", f"next: detente agreement input={paths.typed(output)}"]
    if not statements:
        raise InputError(f"export={job.export} needs the statements; give input=FILE")
    annotations = [annotation for annotation in annotations if annotation.id in statements]
    if job.export == "gold":
        return _write_gold(job, output, statements, annotations)
    written = exchange.write(
        output,
        job.export,
        list(statements.values()),
        annotations,
        tasks,
        around=_around(job, statements),
        prelabels=job.prelabels,
        annotator=job.annotator,
    )
    lines = [f"{output}: {len(statements):,} statements{f', {said}' if annotations else ''}"]
    lines += [f"{path}: the labelling configuration of the project" for path in written[1:]]
    again = f"detente review input={paths.typed(job.input)} annotations=EXPORT output=annotations.csv"
    return [*lines, f"next: label there, then {again}"]


def _write_gold(
    job: ReviewJob, output: Path, statements: Mapping[str, Statement], annotations: Sequence[Annotation]
) -> list[str]:
    tasks = tuple(job.task.values())
    found = gold.gather(statements, annotations, tasks, rule=job.rule, least=job.least)
    if not found.statements:
        raise InputError(
            f"no label is agreed on by rule={job.rule} least={job.least}; "
            "adjudicate=true annotator=NAME decides on the page"
        )
    files.write_statements(output, found.statements)
    counts = ", ".join(f"{n:,} {how}" for how, n in found.counts.items())
    lines = [f"{output}: {len(found.statements):,} statements; labels: {counts}"]
    beside = gold.open_list(output)
    beside.unlink(missing_ok=True)
    if found.left:
        files.write_rows(beside, found.left, columns=dict.fromkeys(found.left[0], str))
        lines.append(f"{beside}: {len(found.left):,} labels still open; adjudicate=true annotator=NAME decides them")
    return [*lines, f"next: detente train data=files data.train={paths.typed(output)}"]
