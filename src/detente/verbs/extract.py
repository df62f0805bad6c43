"""`detente extract`: articles to statements: who says what, in which article, and whether it is about the target."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detente import paths
from detente.errors import InputError, UsageError, did_you_mean
from detente.files import Rejects, Row, table_format, write_rows
from detente.inference import sources
from detente.progress import progress
from detente.records import COLUMNS, Statement, to_row
from detente.text.copies import copies
from detente.text.documents import find_files, root_of
from detente.text.language import LANGUAGES
from detente.text.pool import Reading, cores, extracted
from detente.text.relevance import THRESHOLD
from detente.verbs.outcome import Outcome

ON_ERROR = ("stop", "skip")
COPIES = ("keep", "join")
# From so many files on, starting processes pays.
_MANY = 100
_TYPES: dict[str, type] = {"relevance": float, "start": int, "end": int, "confidence": float}


@dataclass(frozen=True, kw_only=True)
class ExtractJob:
    """Read articles from `input` (a file, folder or glob), write their statements to `output`.

    `languages` are those expected; `min_relevance` leaves out statements below it. Articles that cannot
    be read stop the job or are listed in `<output>.rejects.jsonl` (`on_error`); near-identical articles
    are all kept, or only the first and the others listed there (`copies`). `workers` processes share the
    files, 0 for one a core where there are many; the output is the same with any number.
    """

    input: str
    output: str
    languages: Sequence[str] = LANGUAGES
    min_relevance: float = 0.0
    on_error: str = "skip"
    copies: str = "keep"
    workers: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError for a value that is not allowed."""
        languages = (self.languages,) if isinstance(self.languages, str) else tuple(self.languages)
        object.__setattr__(self, "languages", languages)
        unknown = [lang for lang in languages if lang not in LANGUAGES]
        if unknown or not languages:
            got = unknown[0] if unknown else ""
            raise UsageError(f'languages holds "{got}"; {did_you_mean(got, LANGUAGES)}')
        if not isinstance(self.min_relevance, int | float) or not 0 <= self.min_relevance <= 1:
            raise UsageError(f"min_relevance is {self.min_relevance}; it must be between 0 and 1")
        for name, allowed in (("on_error", ON_ERROR), ("copies", COPIES)):
            value = getattr(self, name)
            if value not in allowed:
                raise UsageError(f'{name} is "{value}"; {did_you_mean(str(value), allowed)}')
        if not isinstance(self.workers, int) or isinstance(self.workers, bool) or self.workers < 0:
            raise UsageError(f"workers is {self.workers}; it must be a whole number, 0 for one a core")
        table_format(Path(self.output))


@dataclass(slots=True)
class _Tally:
    """What a run has seen so far."""

    documents: int = 0
    relevant: int = 0


def run(job: ExtractJob) -> Outcome:
    """Extract the statements and write them; says what it wrote and what may come next."""
    output = Path(job.output).expanduser()
    rejects, tally = Rejects(), _Tally()
    rows = (to_row(statement) for statement in _statements(job, rejects, tally))
    count = write_rows(output, rows, columns={name: _TYPES.get(name, str) for name in COLUMNS})
    lines = sources.written(output, count, rejects)
    lines.append(f"{tally.documents:,} articles read; {tally.relevant:,} statements speak of the target")
    given = f"input={paths.typed(output)}"
    lines.append(f"next: detente label {given} output=FILE, or detente predict checkpoint=RUN {given}")
    return Outcome(text="\n".join(lines))


def _statements(job: ExtractJob, rejects: Rejects, tally: _Tally) -> Iterator[Statement]:
    for statements in _articles(job, rejects):
        tally.documents += 1
        for statement in statements:
            relevance = statement.relevance or 0.0
            if relevance < job.min_relevance:
                continue
            tally.relevant += relevance >= THRESHOLD
            yield statement
    if not tally.documents:
        reason = rejects.rows[0]["reason"] if rejects.rows else "it holds no article"
        raise InputError(f"{job.input}: no article could be read ({reason}); give articles, or other files")


def _articles(job: ExtractJob, rejects: Rejects) -> Iterator[list[Statement]]:
    """The statements of every article that is kept."""
    output = Path(job.output).expanduser().resolve()
    files = [file for file in find_files(job.input) if file.resolve() != output]
    how = Reading(root=root_of(job.input), languages=tuple(job.languages), on_error=job.on_error)
    workers = job.workers or (cores() if len(files) >= _MANY else 1)
    with progress(total=len(files), what="extract", unit="files") as advance:
        found = extracted(files, how, workers=workers, rejects=rejects, done=advance)
        if job.copies == "keep":
            yield from (statements for _, statements in found)
            return
        for document, statements, first in copies(found):
            if first:
                rejects.add(Row(Path(document.doc_id), 0, {}), f"a copy of {first}")
            else:
                yield statements
