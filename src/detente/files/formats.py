"""What a path's ending says of its format, and opening it, gzip or not."""

import glob
import gzip
from pathlib import Path
from typing import BinaryIO, Literal, cast

from detente.errors import InputError, UsageError

TableFormat = Literal["jsonl", "csv", "tsv", "parquet"]
TABLES: tuple[TableFormat, ...] = ("jsonl", "csv", "tsv", "parquet")
DOCUMENTS = ("txt", "md", "html", "htm")


def ending(path: Path) -> str:
    """The ending that says the format, in lower case without the dot and without a final `.gz`.

    >>> ending(Path("news/a.JSONL.gz"))
    'jsonl'
    """
    name = path.name.lower().removesuffix(".gz")
    return name.rpartition(".")[2] if "." in name else ""


def bare_name(path: Path) -> str:
    """The name without the ending of a table or of JSON and without a final `.gz`; other dots are the name's own.

    >>> bare_name(Path("out.2024.csv.gz")), bare_name(Path("out.2024"))
    ('out.2024', 'out.2024')
    """
    name = path.name[: -len(".gz")] if is_gzip(path) else path.name
    stem, _, last = name.rpartition(".")
    return stem if stem and last.lower() in (*TABLES, "json") else name


def table_format(path: Path) -> TableFormat:
    """The table format of a path. Raises UsageError for any other ending."""
    found = ending(path)
    for known in TABLES:
        if found == known:
            return known
    raise UsageError(f"{path} must end in .jsonl, .csv, .tsv or .parquet (.gz may follow), got .{found or '(nothing)'}")


def expand(path: str | Path) -> list[Path]:
    """The files a file, a folder or a glob stands for, sorted; hidden files and rejects files are left out.

    Raises InputError if there are none.
    """
    given = Path(path).expanduser()
    if given.is_file():
        return [given]
    if given.is_dir():
        known = (*TABLES, *DOCUMENTS)
        found = [p for p in given.rglob("*") if p.is_file() and ending(p) in known]
        what = "holds no file ending in " + " ".join(f".{e}" for e in known)
    elif any(c in str(given) for c in "*?["):
        names = glob.glob(str(given), recursive=True)  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found = [Path(name) for name in names if Path(name).is_file()]
        what = "matches no file"
    else:
        raise InputError(f"{path} does not exist; give an existing file, folder or glob (you are in {Path.cwd()})")
    root = given if given.is_dir() else Path()
    found = [p for p in found if not _hidden(p, root) and not p.name.endswith(".rejects.jsonl")]
    if not found:
        raise InputError(f"{path} {what}; give a file, a folder or a glob that does")
    return sorted(found)


def _hidden(path: Path, root: Path) -> bool:
    parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
    return any(part.startswith(".") and part not in (".", "..") for part in parts)


def is_gzip(path: Path) -> bool:
    """Whether the name says gzip."""
    return path.name.lower().endswith(".gz")


def open_bytes(path: Path, mode: Literal["rb", "wb"]) -> BinaryIO:
    """Open for reading or writing bytes; gzip by name, with no time stamp so that equal content is equal bytes."""
    if not is_gzip(path):
        return path.open(mode)
    if mode == "rb":
        return cast(BinaryIO, gzip.open(path, "rb"))
    raw = path.open("wb")
    zipped = gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0)
    zipped.myfileobj = raw  # type: ignore[assignment]  # closing the one closes the other
    return cast(BinaryIO, zipped)


def open_lines(path: Path) -> BinaryIO:
    """Open for reading lines of bytes that should be UTF-8.

    Raises InputError for UTF-16, which shows in its first bytes: a mark, or a zero beside a letter.
    """
    with open_bytes(path, "rb") as file:
        try:
            first = file.read(2)
        except (OSError, EOFError) as error:
            raise InputError(f"{path} cannot be read as gzip ({error}); compress it anew") from None
    if first in (b"\xff\xfe", b"\xfe\xff") or (len(first) == 2 and 0 in first):
        raise InputError(f"{path} is UTF-16; save it as UTF-8")
    return open_bytes(path, "rb")


def has_bad_bytes(text: str) -> bool:
    """Whether a text read with `surrogateescape` held bytes that are not UTF-8."""
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
