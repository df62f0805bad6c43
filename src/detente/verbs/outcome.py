"""What a verb gives back to the command line."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`text` is shown on standard output; `score` is what a sweep maximises; `run_dir` is the run's folder."""

    text: str
    score: float | None = None
    run_dir: Path | None = None
