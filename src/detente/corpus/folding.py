"""Cross-validation: corpora that each hold out another part of train and dev."""

from collections.abc import Sequence
from dataclasses import replace

from detente.corpus import origins, splits
from detente.corpus.loading import Corpus, fingerprint, unseen
from detente.corpus.tables import as_table, from_table
from detente.errors import InputError
from detente.records import Statement
from detente.tasks import Task


def cross_validation(
    corpus: Corpus, tasks: Sequence[Task], *, folds: int, share: float, group: Sequence[str], seed: int
) -> list[Corpus]:
    """For each fold a corpus whose test is that fold of train and dev together; the corpus' own test stays out.

    Whole groups fall into a fold, stratified by label; `share` of the rest is held out as dev the same way.
    Rows of `also_train` only train, and where their text or group is not held out.
    Raises InputError where there are fewer groups than folds, or a fold would train without a label.
    """
    own = from_table(corpus.train)
    own, more = own[: len(own) - corpus.further], own[len(own) - corpus.further :]
    rows = [replace(s, split="train") for s in (*own, *from_table(corpus.dev))]
    groups = splits.groups_of(rows, group)
    if len(set(groups)) < folds:
        raise InputError(
            f"cv={folds}: {len(rows)} rows in {len(set(groups))} groups are fewer than the folds; "
            f"give cv={max(2, len(set(groups)))} or less, or more rows"
        )
    labels = ["|".join(s.labels[task.name] for task in tasks) for s in rows]
    out = []
    for number, (kept, held) in enumerate(splits.folds(labels, groups, n=folds, seed=seed), start=1):
        train, dev = splits.hold_out(
            [rows[i] for i in kept], share=share, groups=[groups[i] for i in kept], tasks=tasks, seed=seed
        )
        test = [replace(rows[i], split="test") for i in held]
        train = [*train, *unseen(more, [*dev, *test], group)]
        parts = {"train": train, "dev": [replace(s, split="dev") for s in dev], "test": test}
        _check_labels(number, train, rows, tasks)
        out.append(
            replace(
                corpus,
                **{name: as_table(of, tasks=tasks) for name, of in parts.items()},
                machine_labels={name: found for name, of in parts.items() if (found := origins.machine_labels(of))},
                further=0,
                fingerprint=fingerprint([s for of in parts.values() for s in of]),
            )
        )
    return out


def _check_labels(number: int, train: Sequence[Statement], rows: Sequence[Statement], tasks: Sequence[Task]) -> None:
    for task in tasks:
        missing = {s.labels[task.name] for s in rows} - {s.labels[task.name] for s in train}
        if missing:
            raise InputError(
                f'fold {number} would train without the {task.name} "{min(missing)}"; '
                "give fewer folds, more rows of that label, or another data.group"
            )
