"""Splits that keep what belongs together on one side, stratified by label."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detente.errors import InputError
from detente.records import Statement
from detente.tasks import Task


def groups_of(statements: Sequence[Statement], columns: Sequence[str]) -> list[str]:
    """The group of each statement: the first of `columns` it has a value in, else its own text.

    Equal texts share a group, so that no copy of a held-out text is trained on.
    """
    groups = []
    for statement in statements:
        values = (str(statement.extra.get(name) or getattr(statement, name, "") or "") for name in columns)
        groups.append(
            next(
                (f"{name}={v}" for name, v in zip(columns, values, strict=True) if v),
                statement.text,
            )
        )
    return _joined(groups, [statement.text for statement in statements])


def _joined(groups: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Groups that share a text become one, named after the first of them."""
    first_with: dict[str, str] = {}
    leader: dict[str, str] = {}

    def find(group: str) -> str:
        while group in leader:
            group = leader[group]
        return group

    for group, text in zip(groups, texts, strict=True):
        one, other = find(first_with.setdefault(text, group)), find(group)
        if one != other:
            leader[other] = one
    return [find(group) for group in groups]


def hold_out(
    statements: Sequence[Statement],
    *,
    share: float,
    groups: Sequence[str],
    tasks: Sequence[Task],
    seed: int,
) -> tuple[list[Statement], list[Statement]]:
    """(kept, held out): about `share` of the statements held out, whole groups only, stratified by label.

    Raises InputError when there are too few statements to hold any out.
    """
    n = max(2, round(1 / share))
    if len(set(groups)) < n:
        raise InputError(
            f"{len(statements)} training rows in {len(set(groups))} groups are too few to hold out a dev split; "
            "give data.dev=FILE or more rows"
        )
    labels = ["|".join(s.labels.get(task.name, "") for task in tasks) for s in statements]
    kept, held = folds(labels, groups, n=n, seed=seed)[0]
    return [statements[i] for i in kept], [statements[i] for i in held]


def folds(
    labels: Sequence[str], groups: Sequence[str], *, n: int, seed: int
) -> list[tuple[NDArray[np.int_], NDArray[np.int_]]]:
    """(kept rows, held-out rows) of up to `n` folds: whole groups, stratified by label, reproducible.

    Labels rarer than the folds are stratified as one. Raises InputError with fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    n = min(n, len(set(groups)))
    if n < 2:
        raise InputError(f"{len(labels)} rows in {len(set(groups))} group are too few for folds; give more rows")
    rare = {label for label, count in Counter(labels).items() if count < n}
    strata = ["(rare)" if label in rare else label for label in labels]
    if 0 < strata.count("(rare)") < n:
        common = Counter(label for label in strata if label != "(rare)").most_common(1)
        strata = [common[0][0] if label == "(rare)" and common else label for label in strata]
    folder = StratifiedGroupKFold(n_splits=n, shuffle=True, random_state=seed)
    return list(folder.split(np.zeros(len(strata)), strata, groups))
