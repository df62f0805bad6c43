"""A folder of tables labelled into a folder of Parquet files: one shard a file, by any number of machines.

OUTPUT.job/parts holds the shards that are done, and the jobs of those that are not; at the end it is
renamed to OUTPUT. A shard is a job of its own, so that a worker that is lost costs seconds.
"""

import os
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detente.errors import InputError, StoppedError, UsageError
from detente.files import write_json
from detente.files.blocks import parquet_file
from detente.inference.jobs import fingerprint, rejects_of, stoppable
from detente.inference.ledger import FORMAT, check_same, folder_of, read_about, sync_folder, take
from detente.inference.sources import Source, check_apart
from detente.progress import log, progress


@dataclass(frozen=True, slots=True)
class Shard:
    """One table and the Parquet file that its rows go to."""

    input: Path
    output: Path


# Does a shard; made anew in each process that does some.
Labeller = Callable[[Shard], object]
# Does shards by a way of making labellers, and gives each back when it is done.
Engine = Callable[[Callable[[], Labeller], Sequence[Shard]], Generator[Shard, None, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Rows of the output, shards, and lines of the rejects files."""

    rows: int
    shards: int
    rejects: int


def is_folder(output: str) -> bool:
    """Whether an output names a folder: it ends in a slash, is a folder, or has no ending."""
    path = Path(output).expanduser()
    return output.endswith(("/", os.sep)) or path.is_dir() or "." not in path.name


def source_of(source: Source, shard: Shard) -> Source:
    """The part of a source that is one shard; its output has the columns of all."""
    folders = [path.absolute().parent for path in source.tables]
    common = source.root or Path(os.path.commonpath(folders))
    return replace(source, path=shard.input, tables=(shard.input,), rows=None, root=common)


def one_after_another(make: Callable[[], Labeller], shards: Sequence[Shard]) -> Generator[Shard, None, None]:
    """The engine of one machine: each shard is a job that uses all its workers."""
    label = make()
    for shard in shards:
        label(shard)
        yield shard


def run_shards(
    source: Source,
    output: Path,
    *,
    engine: Engine,
    make: Callable[[], Labeller],
    about: Mapping[str, Any],
    resume: bool,
) -> Counts:
    """Label every table of `source` into a file of the same name below `output`; those that are done stay so."""
    if source.documents:
        raise UsageError(f"output={output} is a folder, which takes tables; give articles a file as output")
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"{output} is there already; choose another folder, or remove it")
    check_apart("output", output, source)
    folder, whole = folder_of(output), {"format": FORMAT, "input": fingerprint(source), **about}
    parts = folder / "parts"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with stoppable(), (folder / "lock").open("wb") as lock:
            take(lock, output)
            found = read_about(folder / "job.json") if resume else None
            if found is None:
                shutil.rmtree(parts, ignore_errors=True)
                write_json(folder / "job.json", whole)
            shards = _planned(source, parts)
            done = [shard for shard in shards if shard.output.exists()]
            check_same(folder, found, whole, sum(_rows(shard) for shard in done))
            _do(source, [shard for shard in shards if shard not in done], done, engine, make)
            return _finish(shards, folder, output)
    except KeyboardInterrupt:
        raise StoppedError(
            f"stopped; what is done is kept in {folder}: the same command goes on from there, resume=false begins anew"
        ) from None
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{output} cannot be written ({reason}); choose another place, or make room") from None


def _planned(source: Source, parts: Path) -> list[Shard]:
    folders = [path.absolute().parent for path in source.tables]
    common = Path(os.path.commonpath(folders))
    names = [path.absolute().relative_to(common) for path in source.tables]
    outputs = [parts / name.parent / f"{_stem(name)}.parquet" for name in names]
    planned = [Shard(path, part) for path, part in zip(source.tables, outputs, strict=True)]
    if len({shard.output for shard in planned}) < len(planned):
        raise InputError(f"{source.path}: two tables differ in their endings alone; give them different names")
    return planned


def _stem(name: Path) -> str:
    return name.name.removesuffix(".gz").rpartition(".")[0]


def _do(
    source: Source, left: Sequence[Shard], done: Sequence[Shard], engine: Engine, make: Callable[[], Labeller]
) -> None:
    before = sum(_rows(shard) for shard in done)
    if done:
        log.info(f"going on after {len(done):,} shards with {before:,} rows")
    bar = progress(total=source.rows, what="labelling", unit="statements", before=before)
    with bar as advance:
        if left:
            with closing(engine(make, left)) as finished:
                for shard in finished:
                    advance(_rows(shard))


def _finish(shards: Sequence[Shard], folder: Path, output: Path) -> Counts:
    counts = Counts(
        rows=sum(_rows(shard) for shard in shards),
        shards=len(shards),
        rejects=sum(_lines(rejects_of(shard.output)) for shard in shards),
    )
    if output.is_dir():
        output.rmdir()
    (folder / "parts").rename(output)
    sync_folder(output.absolute().parent)
    shutil.rmtree(folder)
    return counts


def _rows(shard: Shard) -> int:
    return int(parquet_file(shard.output).metadata.num_rows)


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0
