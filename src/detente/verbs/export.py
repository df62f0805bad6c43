"""`detente export`: a checkpoint's encoder as ONNX graphs that predict faster on a CPU, if they predict the same."""

from dataclasses import dataclass

from detente import checkpoint as checkpoints
from detente import paths
from detente.errors import UsageError, did_you_mean
from detente.files import Layout
from detente.inference.devset import dev_rows, labelled_rows
from detente.inference.onnx import PRECISIONS, Export
from detente.inference.onnx_export import export
from detente.progress import log
from detente.verbs.outcome import Outcome

FORMATS = ("onnx",)


@dataclass(frozen=True, kw_only=True)
class ExportJob:
    """`checkpoint` is a run; `precision` fp32 or int8; the gate looks at the run's own dev rows, or at `input`,
    a labelled file whose columns map to ours as `data` says.
    """

    checkpoint: str
    data: Layout
    format: str = "onnx"
    precision: str = "fp32"
    input: str = ""

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown format or precision."""
        for name, known in (("format", FORMATS), ("precision", PRECISIONS)):
            value = getattr(self, name)
            if value not in known:
                raise UsageError(f'{name} is "{value}"; {did_you_mean(str(value), known)}')


def run(job: ExportJob) -> Outcome:
    """Export, compare with the checkpoint on dev, and keep the export if it passes."""
    tasks = checkpoints.tasks_of(job.checkpoint)
    rows = labelled_rows(job.input, job.data, tasks) if job.input else dev_rows(job.checkpoint, tasks)
    log.info(f"exporting {job.checkpoint} as {job.format} {job.precision}, judged on {len(rows):,} dev statements")
    made = export(job.checkpoint, rows, precision=job.precision)
    lines = [_line(name, made) for name in made.manifest["gate"]]
    speed = made.manifest["speed"]
    size = sum(p.stat().st_size for p in made.folder.iterdir()) / 2**20
    products = sorted({part["products"] for part in made.manifest["parts"].values()})
    lines += [
        f"products     {', '.join(products)}",
        f"speed        {speed['onnx']:,.0f} texts a second and core here, torch {speed['torch']:,.0f}",
        f"written      {paths.shown(made.folder)} ({size:,.0f} MiB)",
        f"next         detente predict checkpoint={paths.typed(job.checkpoint)} input=FILE output=labelled.csv",
        "             takes whichever of the two was faster here; backend=onnx or backend=torch says which",
    ]
    return Outcome(text="\n".join(lines))


def _line(name: str, made: Export) -> str:
    of = made.manifest["gate"][name]
    return (
        f"{name:<12} macro-F1 on {of['n']:,} dev statements {of['exported_macro_f1']:.4f}, "
        f"checkpoint {of['macro_f1']:.4f}; {of['agreement']:.2%} of labels agree"
    )
