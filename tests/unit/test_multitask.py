"""Several tasks on one encoder: what is particular to it beside the contract of all families."""

from dataclasses import replace

import numpy as np
import pytest

from detente.corpus.tables import as_table
from detente.errors import UsageError
from detente.models import base
from detente.models.multitask import MultitaskSpec


def tables_of(statements, tasks):
    return [as_table([s for s in statements if s.split == name], tasks=tasks) for name in ("train", "dev")]


def test_rows_without_a_label_of_one_task_train_the_other(tiny_encoder, statements, stance, sentiment, tmp_path):
    """Half the rows have no sentiment; they must neither fail nor count as any label."""
    tasks = (stance, sentiment)
    some = [s if i % 2 else replace(s, labels={"stance": s.labels["stance"]}) for i, s in enumerate(statements)]
    spec = MultitaskSpec(encoder=tiny_encoder, max_steps=3)
    model = base.fit(spec, tasks, *tables_of(some, tasks), seed=1, run_dir=tmp_path)
    proba = model.predict_proba(statements[:6])
    assert all(np.isfinite(proba[task.name]).all() for task in tasks)


def test_every_head_of_every_architecture_comes_back(spec_of_architecture, statements, stance, sentiment, tmp_path):
    tasks = (stance, sentiment)
    spec = MultitaskSpec(encoder=spec_of_architecture, max_steps=2)
    model = base.fit(spec, tasks, *tables_of(statements, tasks), seed=1, run_dir=tmp_path)
    model.save(tmp_path / "saved")
    again = base.load("multitask", tmp_path / "saved", tasks)
    rows = statements[:5]
    for task in tasks:
        found, expected = again.predict_proba(rows)[task.name], model.predict_proba(rows)[task.name]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_weight_of_no_task_is_named(tiny_encoder, statements, stance, tmp_path):
    spec = MultitaskSpec(encoder=tiny_encoder, task_weights={"stanse": 2.0})
    with pytest.raises(UsageError, match='names stanse, which is not trained here; did you mean "stance"'):
        base.fit(spec, (stance,), *tables_of(statements, (stance,)), seed=1, run_dir=tmp_path)
    with pytest.raises(UsageError, match=r"task_weights\.stance is 0; it must be a number above 0"):
        MultitaskSpec(encoder=tiny_encoder, task_weights={"stance": 0})
