"""Articles from files: text, Markdown, HTML, feeds and tables, streamed, with unreadable ones named."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePath
from typing import Any

from detente.errors import InputError
from detente.files.formats import DOCUMENTS, TABLES, ending, expand, open_bytes
from detente.files.reading import column_names, read_rows
from detente.files.rows import Row
from detente.files.statements import Rejects
from detente.text.decoding import MOST_BYTES, decode

FEEDS = ("xml", "rss", "atom")
_LONG = 600
_LOOK = 20
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_STOP = re.compile(r"[.!?…]+[\"”»')\]]*(?:\s|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An article: its text as decoded, and what is known of it. `doc_id` is its path below the input."""

    doc_id: str
    text: str
    lang: str = ""
    title: str = ""
    date: str = ""
    source: str = ""


def find_files(path: str | Path) -> list[Path]:
    """The files that a file, a folder or a glob stands for, feeds included. Raises InputError for none."""
    given = Path(path).expanduser()
    feeds: list[Path] = []
    if given.is_dir():
        feeds = [p for p in given.rglob("*") if p.is_file() and ending(p) in FEEDS]
        feeds = [p for p in feeds if not any(x.startswith(".") for x in p.relative_to(given).parts)]
    try:
        return sorted({*expand(path), *feeds})
    except InputError:
        if feeds:
            return sorted(feeds)
        raise


def read_documents(
    path: str | Path | Sequence[Path],
    *,
    root: str | Path | None = None,
    on_error: str = "stop",
    rejects: Rejects | None = None,
) -> Iterator[Document]:
    """The documents of a file, a folder, a glob or a list of files, in order.

    Ids are paths below `root`, the input itself unless given. With `on_error="stop"` the first document
    that cannot be read raises InputError naming the file; with `skip` it goes to `rejects` and the
    reading goes on.
    """
    single = isinstance(path, str | Path)
    files = find_files(path) if isinstance(path, str | Path) else list(path)
    base = root_of(root if root is not None else path if single else Path())  # type: ignore[arg-type]
    for file in files:
        yield from read_file(file, root=base, on_error=on_error, rejects=rejects)


def holds_documents(table: Path) -> bool:
    """Whether a table file says, by `kind`, that its rows are articles rather than statements.

    A long text alone does not make it so: a table of comments comes out row for row.
    """
    seen = [row.values for row in islice(read_rows(table), _LOOK) if not row.problem]
    return bool(seen) and all(_says_document(values) for values in seen)


def read_file(file: Path, *, root: Path, on_error: str = "stop", rejects: Rejects | None = None) -> Iterator[Document]:
    """The documents of one file; their ids begin with its path below `root`."""
    name = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    try:
        if ending(file) in TABLES:
            yield from _table(file, name, on_error, rejects)
        else:
            yield from _one_file(file, name)
    except InputError as error:
        reason = str(error)
        if on_error == "stop":
            raise InputError(reason if str(file) in reason else f"{file}: {reason}") from None
        if rejects is not None:
            rejects.add(Row(file, 0, {}), reason)


def root_of(path: str | Path) -> Path:
    """What a document's id is relative to: the folder, the file's folder, the fixed part of a glob."""
    given = Path(path).expanduser()
    if given.is_dir():
        return given
    if given.is_file():
        return given.parent
    fixed: list[str] = []
    for part in PurePath(given).parts[:-1]:
        if any(c in part for c in "*?["):
            break
        fixed.append(part)
    return Path(*fixed) if fixed else Path()


def _says_document(values: Mapping[str, Any]) -> bool:
    return str(values.get("kind") or "").lower() == "document"


def is_document(values: Mapping[str, Any]) -> bool:
    """Whether a row of a table is an article: it says so, or its text is long and it is no statement."""
    if _says_document(values):
        return True
    if values.get("start") not in (None, "") or values.get("end") not in (None, ""):
        return False
    text = values.get("text")
    return isinstance(text, str) and (len(text) > _LONG or len(_STOP.findall(text)) > 3)


def _one_file(file: Path, name: str) -> Iterator[Document]:
    kind = ending(file)
    if kind not in (*DOCUMENTS, *FEEDS):
        known = " ".join(f".{e}" for e in (*DOCUMENTS, *FEEDS, *TABLES))
        raise InputError(f"the ending .{kind} is unknown; give a file ending in {known}")
    try:
        with open_bytes(file, "rb") as opened:
            # One byte more than is taken tells that there is more; a huge file is never read whole.
            data = opened.read(MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise InputError(f"the file cannot be read ({error}); check it and its permissions") from None
    text = decode(data)
    if kind in FEEDS:
        from detente.text.markup import feed

        yield from feed(text, name)
    elif kind in ("html", "htm"):
        from detente.text.markup import article

        yield article(text, name)
    else:
        yield _front_matter(Document(doc_id=name, text=text)) if kind == "md" else Document(doc_id=name, text=text)


def _front_matter(document: Document) -> Document:
    """Title, date and source from the block that may open a Markdown file."""
    block = _FRONT.match(document.text)
    if block is None:
        return document
    found: dict[str, str] = {}
    for line in block.group(1).splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in ("title", "date", "source", "lang"):
            found[name.strip().lower()] = value.strip().strip("\"'")
    return replace(document, **found)


def _table(file: Path, name: str, on_error: str, rejects: Rejects | None) -> Iterator[Document]:
    names = column_names(file)
    if "text" not in names:
        raise InputError(f'no column "text" among {", ".join(names) or "(none)"}; rename the one that holds it')
    count = 0
    for row in read_rows(file):
        problem = row.problem or _problem(row.values)
        if problem:
            if on_error == "stop":
                raise InputError(f"{row.where}: {problem}")
            if rejects is not None:
                rejects.add(Row(file, row.line, {}), problem)
            continue
        count += 1
        yield _from_row(row, name)
    if not count and on_error == "skip" and rejects is None:
        raise InputError("no row is an article; give the file to label or predict instead")


def _problem(values: Mapping[str, Any]) -> str:
    text = values.get("text")
    if not isinstance(text, str) or not text.strip():
        return "the text is empty; give every row a text"
    if "\0" in text:
        return "the text contains a NUL byte; remove it"
    if not is_document(values):
        return 'the row is a statement, no article; set its "kind" to "document", or label it as it is'
    return ""


def _from_row(row: Row, name: str) -> Document:
    values = {k: "" if v is None else str(v) for k, v in row.values.items()}
    given = values.get("doc_id") or values.get("id") or f"{name}:{row.line}"
    known = {k: values.get(k, "").strip() for k in ("lang", "title", "date", "source")}
    return Document(doc_id=given, text=values["text"], **known)
