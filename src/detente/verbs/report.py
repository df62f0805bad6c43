"""`detente report`: one HTML file of a run, or of several side by side; it needs no network and no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from detente import paths
from detente.errors import UsageError
from detente.evaluation.rankings import compare_runs
from detente.evaluation.report.comparison_page import comparison_page
from detente.evaluation.report.run_page import run_page
from detente.evaluation.runs import read_runs
from detente.files import write_text
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class ReportJob:
    """The run (of train or evaluate) to report, or the runs to set side by side; where the page goes."""

    run: str
    runs: Sequence[str]
    output: str
    run_dir: str
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError unless there is either one run or several."""
        if isinstance(self.runs, str):
            raise UsageError("runs must be a list of run folders: runs=[RUN,RUN]")
        if bool(self.run) == bool(self.runs):
            raise UsageError("give run=RUN for the page of one run, or runs=[RUN,RUN] for a comparison")
        if self.output and not self.output.endswith((".html", ".htm")):
            raise UsageError(f"output is {self.output}; it must end in .html")


def run(job: ReportJob) -> Outcome:
    """Write the page; a train or evaluate run gets it as report.html unless `output` says where."""
    if job.run:
        folder = Path(job.run)
        folder = folder.parent if folder.name == "checkpoint" else folder
        text, target = run_page(folder), Path(job.output or folder / "report.html")
    else:
        text = comparison_page(compare_runs(read_runs(job.runs), seed=job.seed))
        target = Path(job.output or Path(job.run_dir) / "report.html")
    write_text(target, text)
    return Outcome(text=f"report       {paths.shown(target)}: open it in a browser", run_dir=target.parent)
