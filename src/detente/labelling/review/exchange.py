"""Reading whatever people's labels lie in, and writing what another tool takes: one door for all formats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from detente import files, paths
from detente.errors import InputError, UsageError
from detente.files import Layout
from detente.labelling.agreement import Annotation
from detente.labelling.review import annotations as rows
from detente.labelling.review import doccano, labelstudio, sheets
from detente.labelling.review.carried import Around
from detente.records import Statement
from detente.tasks import Task

ENDINGS: Mapping[str, tuple[str, ...]] = {
    "annotations": files.TABLES,
    "gold": files.TABLES,
    "table": files.TABLES,
    "labelstudio": ("json",),
    "doccano": ("jsonl", "zip"),
}
Found = tuple[str, Statement | None, Annotation | None]


class Reader(Protocol):
    """A format's reader: (where, statement, annotation) of what stands in a file, one of the two at a time."""

    def __call__(self, path: Path, tasks: Sequence[Task], layout: Layout, *, annotator: str = "") -> list[Found]:
        """Read a file; `annotator` names who labelled where the file does not."""
        ...


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a set of files says: statements by id in order of appearance, annotations, and where each stands."""

    statements: Mapping[str, Statement]
    annotations: tuple[Annotation, ...]
    where: tuple[str, ...]


def read(path: str, tasks: Sequence[Task], layout: Layout, *, annotator: str = "") -> Given:
    """Read annotations tables, sheets, Label Studio and doccano exports: a file, a folder or a glob.

    Raises InputError naming the place of what is wrong: an unknown label, a row without annotator, an
    annotator who labels one statement twice, one id for two texts.
    """
    statements: dict[str, Statement] = {}
    found: list[Annotation] = []
    where: list[str] = []
    for file in _files(path):
        for place, statement, annotation in _reader(file)(file, tasks, layout, annotator=annotator):
            if statement:
                known = statements.setdefault(statement.id, statement)
                if known.text != statement.text:
                    raise InputError(
                        f'{place}: the id "{statement.id[:60]}" has another text than before; ids must differ'
                    )
            if annotation:
                found.append(annotation)
                where.append(place)
    rows.check_unique(found, where)
    return Given(statements=statements, annotations=tuple(found), where=tuple(where))


def _files(path: str) -> list[Path]:
    given = Path(paths.resolve(path)).expanduser()
    if given.is_dir():
        found = [
            p for p in sorted(given.rglob("*")) if p.is_file() and files.ending(p) in (*files.TABLES, "json", "zip")
        ]
        found = [p for p in found if not p.name.startswith(".")]
        if not found:
            raise InputError(f"{path} holds no .csv .tsv .jsonl .parquet .json or .zip; give the folder of the labels")
        return found
    return files.expand(given)


def _reader(file: Path) -> Reader:
    ending = files.ending(file)
    if ending == "json":
        return labelstudio.read
    if ending == "zip":
        return doccano.read
    if ending not in files.TABLES:
        raise UsageError(f"{file} must end in .csv .tsv .jsonl .parquet, .json (Label Studio) or .zip (doccano)")
    return doccano.read if ending == "jsonl" and _is_doccano(file) else sheets.read


def _is_doccano(file: Path) -> bool:
    """Whether the rows have doccano's list of labels and no annotator of their own."""
    seen = [row.values for row in islice(files.read_rows(file), 20) if not row.problem]
    return bool(seen) and all(doccano.LABEL in values and "annotator" not in values for values in seen)


def check_known(given: Given, statements: Mapping[str, Statement], source: str) -> None:
    """Raise InputError for an annotation of a statement that `statements` lacks, or of another text by its id."""
    for annotation, place in zip(given.annotations, given.where, strict=True):
        known, theirs = statements.get(annotation.id), given.statements.get(annotation.id)
        shown = annotation.id[:60]
        if known is None:
            raise InputError(f'{place}: the id "{shown}" is not in {source}; this is the export of another project')
        if theirs is not None and theirs.text != known.text:
            raise InputError(f'{place}: the id "{shown}" has another text in {source}; give the labels of that file')


def check_output(output: str, export: str) -> Path:
    """The output's path. Raises UsageError if its ending does not fit the export."""
    path = Path(output).expanduser()
    endings = ENDINGS[export]
    if files.ending(path) not in endings:
        known = " ".join(f".{e}" for e in endings)
        raise UsageError(f"output={output} must end in {known} for export={export}")
    return path


def write(
    path: Path,
    export: str,
    statements: Sequence[Statement],
    annotations: Sequence[Annotation],
    tasks: Sequence[Task],
    *,
    around: Mapping[str, Around],
    prelabels: bool,
    annotator: str = "",
) -> list[Path]:
    """Write one of the exchange formats; returns the files written. Label Studio gets its configuration beside."""
    if export == "doccano":
        doccano.write(path, statements, annotations, tasks, around=around, prelabels=prelabels)
        return [path]
    if export == "table":
        sheets.write(path, statements, annotations, tasks, around=around, prelabels=prelabels, annotator=annotator)
        return [path]
    labelstudio.write(path, statements, annotations, tasks, around=around, prelabels=prelabels)
    beside = path.with_suffix(".xml")
    files.write_text(beside, labelstudio.config(tasks))
    return [path, beside]
