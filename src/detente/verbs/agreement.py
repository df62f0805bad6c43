"""`detente agreement`: how far the annotators of a file agree, by task and language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente import files, paths
from detente.errors import InputError
from detente.evaluation.tables import render
from detente.labelling import agreement
from detente.labelling.agreement import Agreement, Annotation
from detente.tasks import Task
from detente.verbs.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class AgreementJob:
    """`input` is a table of annotations (id, annotator, kind, lang, a column a task); `kinds` count, all if empty."""

    input: str
    output: str
    task: Mapping[str, Task]
    kinds: Sequence[str]
    seed: int


def run(job: AgreementJob) -> Outcome:
    """Measure over all statements and by language; write JSON to `output` if given."""
    tasks = tuple(job.task.values())
    annotations = read_annotations(job.input, tasks, job.kinds)
    tasks = tuple(task for task in tasks if any(a.labels[task.name] for a in annotations))
    if not tasks:
        raise InputError(f"{job.input} has no labels of {', '.join(job.task)}; give a column a task, named after it")
    header = ["task", "part", "n", "annotators", "alpha", "95% interval", "kappa"]
    rows: list[list[str]] = []
    found: dict[str, dict[str, Any]] = {}
    texts: list[str] = []
    for task in tasks:
        for part, of in _parts(annotations).items():
            if part != "all" and not agreement.comparable(of, task):
                rows.append([task.name, part, "0", *["-"] * 4])
                continue
            measured = agreement.measure(of, task, seed=job.seed)
            rows.append([task.name, part, *_cells(measured)])
            found.setdefault(task.name, {})[part] = _as_json(measured)
            if part == "all":
                texts.append(_confusion(task, measured))
    if job.output:
        files.write_json(Path(job.output), found)
    return Outcome(text="\n\n".join([render(header, rows), *texts]))


def read_annotations(path: str, tasks: Sequence[Task], kinds: Sequence[str] = ()) -> list[Annotation]:
    """The annotations of a file, folder or glob of tables; of some kinds only, if given.

    Raises InputError naming file and line of what is wrong.
    """
    found = []
    for table in files.expand(paths.resolve(path)):
        for row in files.read_rows(table):
            missing = [name for name in ("id", "annotator") if not row.values.get(name)]
            if row.problem or missing:
                raise InputError(f"{row.where}: {row.problem or f'no {missing[0]}; every row needs id and annotator'}")
            kind = str(row.values.get("kind") or "")
            if kinds and kind and kind not in kinds:
                continue
            try:
                labels = {task.name: task.label_of(row.values.get(task.name)) for task in tasks}
            except InputError as error:
                raise InputError(f"{row.where}: {error}") from None
            lang = str(row.values.get("lang") or "")
            found.append(Annotation(str(row.values["id"]), str(row.values["annotator"]), kind, lang, labels))
    if not found:
        raise InputError(f"{path} holds no annotation of the kinds {', '.join(kinds) or '(any)'}; check kinds=[...]")
    return found


def _parts(annotations: Sequence[Annotation]) -> dict[str, list[Annotation]]:
    parts = {"all": list(annotations)}
    languages = sorted({a.lang for a in annotations if a.lang})
    if len(languages) > 1:
        parts |= {lang: [a for a in annotations if a.lang == lang] for lang in languages}
    return parts


def _cells(of: Agreement) -> list[str]:
    spread = f"{of.low:.3f}–{of.high:.3f}"
    return [str(of.units), str(of.annotators), f"{of.alpha:.3f}", spread, f"{of.kappa:.3f}"]


def _as_json(of: Agreement) -> dict[str, Any]:
    names = ("units", "annotators", "alpha", "low", "high", "kappa")
    values = {name: getattr(of, name) for name in names}
    return {k: None if v != v else v for k, v in values.items()} | {"pairs": of.pairs.tolist()}


def _confusion(task: Task, of: Agreement) -> str:
    rows = [[label, "", *map(str, of.pairs[i])] for i, label in enumerate(task.labels)]
    return f"{task.name}: pairs of labels given to one statement\n" + render(["label", "", *task.labels], rows)
