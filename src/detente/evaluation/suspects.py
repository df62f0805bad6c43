"""Labels that are probably wrong: confident learning (Northcutt et al. 2021) on out-of-fold probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.corpus import splits
from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.models import base
from detente.progress import progress
from detente.records import Statement
from detente.tasks import Task


@dataclass(frozen=True)
class Suspect:
    """A row whose label is in doubt: its position, the label suggested instead, and both probabilities.

    `score` is cleanlab's quality of the given label between 0 and 1; the lowest is the most suspicious.
    """

    row: int
    given: str
    suggested: str
    score: float
    p_given: float
    p_suggested: float


def out_of_fold(
    spec: base.Spec,
    task: Task,
    statements: Sequence[Statement],
    groups: Sequence[str],
    *,
    n: int,
    seed: int,
    scratch: Path,
) -> FloatArray:
    """Probabilities (n, labels) of each statement by a model that saw neither it nor its group."""
    labels = [s.labels[task.name] for s in statements]
    proba = np.zeros((len(statements), len(task.labels)))
    folds = splits.folds(labels, groups, n=n, seed=seed)
    with progress(total=len(folds), what=f"{task.name}: out of fold", unit="folds") as advance:
        for i, (kept, held) in enumerate(folds):
            train = as_table([statements[row] for row in kept], tasks=[task])
            held_out = [statements[row] for row in held]
            # The held-out fold chooses nothing either: where a family stops early by dev, that is a part of train.
            dev = as_table([statements[row] for row in kept[:: max(n, 2)]], tasks=[task])
            model = base.fit(spec, [task], train, dev, seed=seed, run_dir=scratch / f"{task.name}{i}")
            proba[held] = model.predict_proba(held_out)[task.name]
            advance(1)
    return proba


def find(task: Task, labels: Sequence[str], proba: FloatArray) -> list[Suspect]:
    """Suspects, the most suspicious first. Raises InputError where one label alone occurs."""
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise UsageError("detente suspects needs cleanlab; pip install 'detente[labelling]'") from None
    present = [label for label in task.labels if label in set(labels)]
    if len(present) < 2:
        raise InputError(f"all {len(labels)} rows have the {task.name} {present}; suspects need two labels or more")
    columns = task.index(present)
    kept = np.clip(proba[:, columns], 1e-12, None)
    kept /= kept.sum(axis=1, keepdims=True)
    given: NDArray[np.int_] = np.array([present.index(label) for label in labels])
    issues = find_label_issues(given, kept, return_indices_ranked_by="self_confidence", n_jobs=1)
    scores = get_label_quality_scores(given, kept)
    found = []
    for row in issues:
        best = int(kept[row].argmax())
        p_given, p_best = float(kept[row, given[row]]), float(kept[row, best])
        found.append(Suspect(int(row), present[given[row]], present[best], float(scores[row]), p_given, p_best))
    return found
