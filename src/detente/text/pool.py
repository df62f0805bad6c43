"""Many articles at once: files read and extracted by several processes, given back in the order of the files."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from detente.files import Rejects
from detente.records import Statement
from detente.text.documents import Document, read_file
from detente.text.extraction import extract

Found = tuple[Document, list[Statement]]
_SHARE = 8
# So many shares of work are read ahead for every process, no more: memory stays flat.
_AHEAD = 3


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How files are read: below which folder, in which languages, and what happens with a bad one."""

    root: Path
    languages: tuple[str, ...]
    on_error: str


def cores() -> int:
    """How many processor cores this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def extracted(
    files: Sequence[Path], how: Reading, *, workers: int, rejects: Rejects, done: Callable[[int], None]
) -> Iterator[Found]:
    """Every article with its statements, in the order of the files; `done` is told of files read.

    Raises InputError for the first file that cannot be read if `how` says so; the same with any number of workers.
    """
    shares = [files[i : i + _SHARE] for i in range(0, len(files), _SHARE)]
    for share, (found, left_out) in zip(shares, _results(shares, how, workers), strict=True):
        rejects.rows.extend(left_out)
        yield from found
        done(len(share))


def _results(
    shares: Sequence[Sequence[Path]], how: Reading, workers: int
) -> Iterator[tuple[list[Found], list[dict[str, Any]]]]:
    if workers < 2 or len(shares) < 2:
        for share in shares:
            yield _work(share, how)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(workers, len(shares)), mp_context=get_context("spawn")) as pool:
        try:
            waiting = deque(pool.submit(_work, share, how) for share in shares[: _AHEAD * workers])
            for number in range(len(shares)):
                yield waiting.popleft().result()
                following = number + _AHEAD * workers
                if following < len(shares):
                    waiting.append(pool.submit(_work, shares[following], how))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _work(files: Sequence[Path], how: Reading) -> tuple[list[Found], list[dict[str, Any]]]:
    """The articles of a few files with their statements, and the rows left out."""
    rejects = Rejects()
    found = [
        (document, extract(document, languages=how.languages))
        for file in files
        for document in read_file(file, root=how.root, on_error=how.on_error, rejects=rejects)
    ]
    return found, rejects.rows
