"""What reading gives: a row, a block of rows as they stand in a file, a place where reading goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOM = b"\xef\xbb\xbf"
# A block ends earlier than its number of rows where these are long, so that memory stays bounded.
MAX_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its line (or row, for Parquet), its values, and what is wrong with it, if anything."""

    path: Path
    line: int
    values: Mapping[str, Any]
    problem: str = ""

    @property
    def where(self) -> str:
        """File and line, as editors understand them."""
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where reading goes on: after `offset` bytes (decompressed) and `line` lines; for Parquet both are rows."""

    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows as they stand in a file; `rows_of` parses them.

    `lines` are their line numbers. `content` is a list of lines (JSONL), of cells or of a problem's
    description (CSV), or an Arrow stream (Parquet). The next block begins at `end`.
    """

    path: Path
    lines: Sequence[int]
    content: Any
    header: Sequence[str]
    end: Place
