"""Statements from whatever a path stands for: tables are read, documents are extracted first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from detente import files
from detente.errors import UsageError
from detente.files import Layout, Rejects
from detente.records import COLUMNS, FIELDS, LABEL_COLUMNS, Statement
from detente.text.documents import find_files, holds_documents, read_documents

_TYPES: dict[str, type] = {"relevance": float, "confidence": float, "start": int, "end": int}
# What extraction does not know of a statement: there is no such column unless a table of the input has it.
_NOT_EXTRACTED = frozenset(("target", *LABEL_COLUMNS, "split", "origin", "confidence"))


@dataclass(frozen=True, kw_only=True)
class Source:
    """An input: its tables of statements, its documents, the columns its statements will have, about how many."""

    path: Path
    tables: tuple[Path, ...]
    documents: tuple[Path, ...]
    columns: dict[str, files.Kind]
    rows: int | None
    root: Path | None = None  # what ids are relative to; else the folder that holds all tables


def open_source(path: str, layout: Layout) -> Source:
    """Look at an input without reading it whole. Raises InputError if there is nothing to read."""
    found = find_files(path)
    tables = tuple(p for p in found if files.ending(p) in files.TABLES and not holds_documents(p))
    documents = tuple(p for p in found if p not in tables)
    columns: dict[str, files.Kind] = {"id": str, "text": str}
    if documents:
        columns |= {name: _TYPES.get(name, str) for name in COLUMNS if name not in _NOT_EXTRACTED}
    ours = {theirs: name for name, theirs in layout.columns.items() if theirs}
    for table in tables:
        for theirs, kind in files.file_columns(table).items():
            name = ours.get(theirs, theirs)
            known = kind if layout.columns.get(name, name) is None else _kind_of(name, kind)
            columns[name] = _common(columns.get(name, known), known)
    rows = None if documents else sum(files.count_rows(p) for p in tables)
    return Source(path=Path(path), tables=tables, documents=documents, columns=columns, rows=rows)


def _kind_of(name: str, kind: files.Kind) -> files.Kind:
    """The type of a column in the output: ours for our own fields, but a date stays what it was."""
    if name in LABEL_COLUMNS or (name in FIELDS and (name != "date" or isinstance(kind, type))):
        return _TYPES.get(name, str)
    return kind


def _common(first: files.Kind, second: files.Kind) -> files.Kind:
    if first == second:
        return first
    return float if {first, second} == {int, float} else str


def statements(source: Source, *, layout: Layout, rejects: Rejects, languages: Sequence[str]) -> Iterator[Statement]:
    """The statements of a source in order, tables before documents; bad ones as the layout's `on_error` says."""
    from detente.text.extraction import extract

    yield from files.read_statements(source.tables, layout=layout, rejects=rejects)
    for document in read_documents(source.documents, root=source.path, on_error=layout.on_error, rejects=rejects):
        yield from extract(document, languages=languages)


def check_output(output: str, source: Source) -> Path:
    """The output's path. Raises UsageError if its ending is no table's or it is one of the inputs."""
    path = Path(output).expanduser()
    files.table_format(path)
    if path.resolve() in {p.resolve() for p in (*source.tables, *source.documents)}:
        raise UsageError(f"output={output} is also an input; give another file")
    return path


def check_apart(setting: str, path: Path, source: Source) -> None:
    """Raise UsageError if a path is one of the inputs, or lies in the folder that is read."""
    place, root = path.resolve(), source.path.expanduser()
    if place in {p.resolve() for p in (*source.tables, *source.documents)}:
        raise UsageError(f"{setting}={path} is also an input; give another place")
    if root.is_dir() and place.is_relative_to(root.resolve()):
        raise UsageError(f"{setting}={path} lies in the input {source.path}, which would read it; give another place")


def written(output: Path, count: int, rejects: Rejects) -> list[str]:
    """Write the rejects beside the output, and say what was written."""
    lines = [f"{output}: {count:,} rows"]
    left_out = output.with_name(output.name + ".rejects.jsonl")
    rejects.write(left_out)
    if rejects.rows:
        lines.append(f"{left_out}: {len(rejects.rows):,} bad rows or files that were left out, with the reasons")
    return lines
