"""Labels withheld where the classifier is not sure enough, and a queue of those rows for people."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from detente import files
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.errors import InputError, UsageError, did_you_mean
from detente.evaluation.confidence import abstention
from detente.files import Kind
from detente.files.formats import bare_name
from detente.inference.batches import Decide, decide
from detente.inference.engine import Engine
from detente.inference.jobs import rejects_of
from detente.inference.ledger import folder_of
from detente.inference.sources import Source, check_apart
from detente.tasks import Task

REASON = "abstained"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A task is answered from a confidence of `threshold`; below, the label stays out to keep the error `rate`."""

    task: str
    rate: float
    threshold: float

    @property
    def column(self) -> str:
        """Where a row says why its label is empty."""
        return f"{self.task}_reason"


def check_rates(abstain: float | Mapping[str, float] | None) -> None:
    """Raise UsageError unless every rate is a share of errors: above 0 and below 1."""
    rates = abstain.values() if isinstance(abstain, Mapping) else [] if abstain is None else [abstain]
    for rate in rates:
        if not isinstance(rate, float | int) or isinstance(rate, bool) or not 0 < rate < 1:
            raise UsageError(
                f"abstain is {rate!r}; it must be the share of answers that may be wrong, such as 0.10, "
                "or one a task: abstain={stance:0.15,sentiment:0.05}"
            )


def limits(checkpoint: Checkpoint | Engine, abstain: float | Mapping[str, float] | None) -> list[Limit]:
    """What `abstain` asks of a checkpoint: one rate for all its tasks, or rates by task (others always answer).

    Raises UsageError for a task it lacks, or a rate it has no threshold for.
    """
    if abstain is None:
        return []
    by_name = {task.name: task for task in checkpoint.tasks}
    rates = dict(abstain) if isinstance(abstain, Mapping) else dict.fromkeys(by_name, abstain)
    found = []
    for name, rate in rates.items():
        if name not in by_name:
            raise UsageError(f'abstain names the task "{name}"; {did_you_mean(name, by_name)}')
        thresholds = abstention.stored(checkpoint.about, by_name[name])
        found.append(Limit(task=name, rate=rate, threshold=abstention.threshold_at(thresholds, by_name[name], rate)))
    return found


def columns(asked: Sequence[Limit]) -> dict[str, Kind]:
    """The columns that abstaining adds, with their types."""
    return {limit.column: str for limit in asked}


def deciding(asked: Sequence[Limit]) -> Decide:
    """What makes columns of probabilities: labels left out, and the reason given, where they are below a limit."""
    return partial(_withheld, tuple(asked)) if asked else decide


def _withheld(asked: Sequence[Limit], tasks: Sequence[Task], proba: Mapping[str, FloatArray]) -> dict[str, list[Any]]:
    found = decide(tasks, proba)
    for limit in asked:
        confidence = found[f"{limit.task}_confidence"]
        sure = [value >= limit.threshold for value in confidence]
        found[limit.column] = [
            "" if answered else f"{REASON}: {value:.3f} is below {limit.threshold:g}"
            for value, answered in zip(confidence, sure, strict=True)
        ]
        found[limit.task] = [label if answered else "" for label, answered in zip(found[limit.task], sure, strict=True)]
    return found


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What was withheld in an output of `rows` rows: by task, and how many rows stand in the file for review."""

    rows: int
    by_task: Mapping[str, int]
    queued: int


def queue_path(given: str, output: Path) -> Path:
    """Where the rows without a label go: the file given, or `<output>.queue.jsonl` beside the output."""
    return Path(given).expanduser() if given else output.with_name(f"{bare_name(output)}.queue.jsonl")


def check_queue(queue: Path, output: Path, source: Source, tasks: Sequence[Task]) -> None:
    """Raise UsageError if writing the queue would cost an input, the output, or what people wrote into the file."""
    files.table_format(queue)
    check_apart("queue", queue, source)
    place, taken = queue.resolve(), [path.resolve() for path in (output, folder_of(output), rejects_of(output))]
    if any(place.is_relative_to(path) for path in taken):
        raise UsageError(f"queue={queue} is the output, or lies in it; give another file")
    if queue.exists() and not _is_untouched(queue, tasks):
        raise UsageError(
            f"queue={queue} is there already and holds more than a queue does, such as labels by people; "
            "rename it, or give another file"
        )


def _is_untouched(path: Path, tasks: Sequence[Task]) -> bool:
    """Whether a file is a queue as it was written: all its rows abstained, none of them labelled since."""
    try:
        for row in files.read_rows(path):
            withheld = [t.name for t in tasks if str(row.values.get(f"{t.name}_reason") or "").startswith(REASON)]
            if row.problem or not withheld or any(row.values.get(name) for name in withheld):
                return False
    except InputError:
        return False
    return True


def write_queue(
    outputs: Sequence[Path], queue: Path, asked: Sequence[Limit], *, columns: Mapping[str, Kind], most: int
) -> Queue:
    """Write the abstained rows of `outputs` as a table, those that a review helps most first, `most` at the utmost.

    Without such rows nothing is written, and a file that is there stays.

    First comes the row whose machine labels would be wrong most often: one less confidence, summed over its
    abstained tasks, times its relevance where that is known. Memory holds `most` rows, whatever the outputs' size.
    """
    counts = dict.fromkeys((limit.task for limit in asked), 0)
    seen = 0

    def abstained() -> Iterator[tuple[float, int, Mapping[str, Any]]]:
        nonlocal seen
        for row in chain.from_iterable(map(files.read_rows, outputs)):
            seen += 1
            tasks = [limit.task for limit in asked if str(row.values.get(limit.column) or "").startswith(REASON)]
            for task in tasks:
                counts[task] += 1
            if tasks:
                doubt = sum(1 - float(row.values[f"{task}_confidence"]) for task in tasks)
                yield doubt * _relevance(row.values.get("relevance")), -seen, row.values

    best = heapq.nlargest(most, abstained(), key=lambda entry: entry[:2])
    if best:
        files.write_rows(queue, (_typed(row, columns) for _, _, row in best), columns=columns)
    return Queue(rows=seen, by_task=counts, queued=len(best))


def _typed(row: Mapping[str, Any], columns: Mapping[str, Kind]) -> dict[str, Any]:
    """The row with numbers as numbers, where the output's format holds text alone."""
    numeric = {name: kind for name, kind in columns.items() if kind in (int, float) and isinstance(row.get(name), str)}
    return dict(row) | {name: _number(row[name], kind) for name, kind in numeric.items()}


def _number(cell: str, kind: Kind) -> int | float | str | None:
    """A cell as its number; an integer without a detour by float, which has no room for the digits of long ids."""
    try:
        return (int(cell) if kind is int else float(cell)) if cell else None
    except ValueError:  # a column of theirs that bears the name of one of ours
        return cell


def _relevance(cell: Any) -> float:
    try:
        found = float(cell)
    except (TypeError, ValueError):
        return 1.0
    return found if 0 <= found <= 1 else 1.0
