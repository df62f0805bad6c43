"""`detente select`: unlabelled statements ranked by what there is to learn from them, and whether to go on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from detente import checkpoint as checkpoints
from detente import files, paths
from detente.arrays import FloatArray
from detente.checkpoint import Checkpoint
from detente.errors import InputError, UsageError, did_you_mean
from detente.files import Layout, Rejects
from detente.inference import sources
from detente.labelling import selection
from detente.labelling.answers import labels_of
from detente.progress import progress
from detente.records import Statement, to_row
from detente.tasks import Task
from detente.text.language import identify
from detente.verbs.outcome import Outcome

_ADDED: dict[str, type] = {"rank": int, "score": float, "strategy": str}


@dataclass(frozen=True, kw_only=True)
class SelectJob:
    """`input` holds statements or articles; `output` a table of the first `n` to label (0: all), best first.

    `strategy` auto is density without a checkpoint and margin with one. `labelled` is a table of what has labels
    already; it and its near-duplicates are left out. `previous` are earlier checkpoints, the latest first.
    """

    input: str
    output: str
    checkpoint: str
    previous: Sequence[str]
    labelled: str
    strategy: str
    n: int
    data: Layout
    languages: Sequence[str]
    batch: int
    seed: int

    def __post_init__(self) -> None:
        """Raise UsageError for an unknown strategy, or one that lacks its checkpoint."""
        known = ("auto", *selection.STRATEGIES)
        if self.strategy not in known:
            raise UsageError(f'strategy is "{self.strategy}"; {did_you_mean(self.strategy, known)}')
        if self.strategy in selection.NEEDS_MODEL and not self.checkpoint:
            raise UsageError(f"strategy={self.strategy} needs checkpoint=RUN; without one use density or random")
        if isinstance(self.previous, str):
            raise UsageError("previous must be a list: previous=[RUN1,RUN2], the latest first")
        if self.previous and not self.checkpoint:
            raise UsageError("previous=[...] is compared with checkpoint=RUN; give that too")
        if self.n < 0 or self.batch < 1:
            raise UsageError(f"n is {self.n} and batch is {self.batch}; n must be 0 (all) or more, batch at least 1")


def run(job: SelectJob) -> Outcome:
    """Rank, write, and say how far the predictions have come to rest."""
    source = sources.open_source(job.input, job.data)
    output = sources.check_output(job.output, source)
    checkpoint = checkpoints.load(job.checkpoint) if job.checkpoint else None
    earlier = [checkpoints.load(run) for run in job.previous]
    rejects = Rejects()
    found = sources.statements(source, layout=job.data, rejects=rejects, languages=job.languages)
    pool, known = _unlabelled(job, list(found))
    strategy = job.strategy if job.strategy != "auto" else ("margin" if checkpoint else "density")
    proba = _proba(checkpoint, pool, job.batch) if checkpoint else {}
    langs = [s.lang.casefold() or identify(s.text) for s in pool]
    texts = [s.text for s in pool]
    ranking = selection.rank(strategy, texts, langs=langs, proba=list(proba.values()), seed=job.seed)
    order = selection.without_copies(ranking.order, texts, job.n or len(pool), labelled=known)
    predicted = {t.name: labels_of(proba[t.name], t.labels) for t in checkpoint.tasks} if checkpoint else {}
    rows = [
        {f"predicted_{name}": of[i] for name, of in predicted.items()}
        | {"rank": r, "score": float(ranking.scores[i]), "strategy": strategy}
        for r, i in enumerate(order, start=1)
    ]
    columns = source.columns | dict.fromkeys((f"predicted_{name}" for name in predicted), str) | _ADDED
    count = files.write_rows(output, _merged(pool, order, rows), columns=columns)
    lines = sources.written(output, count, rejects)
    lines.append(f"{len(pool):,} statements ranked by {strategy}")
    if earlier and checkpoint:
        lines += _stop_signal(checkpoint.tasks, [proba, *(_proba(model, pool, job.batch) for model in earlier)])
    lines.append(f"next: label them, then detente train data=files data.train={paths.typed(job.labelled or output)}")
    return Outcome(text="\n".join(lines))


def _unlabelled(job: SelectJob, found: Sequence[Statement]) -> tuple[list[Statement], list[str]]:
    """(the pool, the texts that have labels). Where some rows bear labels and others none, only the others count."""
    known = _labelled_texts(job)
    if any(s.labels for s in found) and not all(s.labels for s in found):
        known += [s.text for s in found if s.labels]
    seen = set(known)
    pool = [s for s in found if s.text not in seen]
    if not found:
        raise InputError(f"{job.input} holds no statement; give a file or folder that does")
    if not pool:
        raise InputError(f"every statement of {job.input} is labelled already; give others")
    return pool, known


def _labelled_texts(job: SelectJob) -> list[str]:
    if not job.labelled:
        return []
    tables = [p for p in files.expand(paths.resolve(job.labelled)) if files.ending(p) in files.TABLES]
    return [s.text for s in files.read_statements(tables, layout=replace(job.data, on_error="skip"))]


def _proba(checkpoint: Checkpoint, pool: Sequence[Statement], batch: int) -> dict[str, FloatArray]:
    parts: dict[str, list[FloatArray]] = {task.name: [] for task in checkpoint.tasks}
    with progress(total=len(pool), what="predicting", unit="statements") as advance:
        for start in range(0, len(pool), batch):
            for name, proba in checkpoint.predict_proba(pool[start : start + batch]).items():
                parts[name].append(proba)
            advance(min(batch, len(pool) - start))
    return {name: np.concatenate(of) for name, of in parts.items()}


def _merged(
    pool: Sequence[Statement], order: Sequence[int], rows: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for i, row in zip(order, rows, strict=True):
        yield to_row(pool[i]) | row


def _stop_signal(tasks: Sequence[Task], proba: Sequence[Mapping[str, FloatArray]]) -> list[str]:
    """Stabilising predictions: kappa between successive models on the pool, latest first."""
    lines = []
    for task in tasks:
        if any(task.name not in of for of in proba):
            continue
        labels = [labels_of(of[task.name], task.labels) for of in proba]
        kappas = [selection.kappa(a, b) for a, b in pairwise(labels)]
        shown = ", ".join(f"{k:.3f}" for k in kappas[: selection.STOP_PAIRS])
        enough = len(kappas) >= selection.STOP_PAIRS
        mean = sum(kappas[: selection.STOP_PAIRS]) / len(kappas[: selection.STOP_PAIRS])
        verdict = "stop" if enough and mean >= selection.STOP_KAPPA else "go on"
        if not enough:
            verdict = f"too early to say ({selection.STOP_PAIRS} pairs are needed)"
        lines.append(
            f"{task.name}: agreement of successive models, latest first: kappa {shown} on {len(labels[0]):,} "
            f"statements; mean {mean:.3f}, stabilising predictions stop at {selection.STOP_KAPPA}: {verdict}"
        )
    return lines
