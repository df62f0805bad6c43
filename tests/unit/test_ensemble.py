"""Ensembles of saved runs: what they compute, that they stand alone, what they refuse."""

import shutil

import numpy as np
import pytest

from detente import checkpoint as checkpoints
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.models import base
from detente.models.ensemble import EnsembleSpec, fit_weights
from detente.models.linear import LinearSpec
from detente.models.majority import MajoritySpec
from detente.tasks import Task


def saved(spec, task, statements, folder, temperature=1.0):
    tables = [as_table([s for s in statements if s.split == name], tasks=(task,)) for name in ("train", "dev")]
    model = base.fit(spec, (task,), *tables, seed=1, run_dir=folder)
    of = Checkpoint(family=spec.family, classifier=model, temperatures={task.name: temperature})
    checkpoints.save(of, folder / "checkpoint", card="# card\n")
    return str(folder)


@pytest.fixture
def runs(statements, stance, tmp_path):
    """A good member, whose columns stand in another order, and one that says the same whatever it reads."""
    turned = Task(name="stance", labels=stance.labels[::-1], target=stance.target)
    return [
        saved(LinearSpec(cues=False), turned, statements, tmp_path / "seed_1", 0.5),
        saved(MajoritySpec(), stance, statements, tmp_path / "seed_2"),
    ]


@pytest.fixture
def tables(statements, stance):
    return [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]


def test_the_mean_is_of_calibrated_probabilities_in_one_order_of_labels(runs, tables, statements, stance, tmp_path):
    model = base.fit(EnsembleSpec(members=runs), (stance,), *tables, seed=1, run_dir=tmp_path)
    rows = statements[:12]
    first, second = (checkpoints.load(run).predict_proba(rows)["stance"] for run in runs)
    np.testing.assert_allclose(model.predict_proba(rows)["stance"], (first[:, ::-1] + second) / 2, atol=1e-12)


@pytest.mark.parametrize("combine", ["mean", "weighted", "stack"])
def test_it_stands_alone_once_saved(combine, runs, tables, statements, stance, tmp_path):
    spec = EnsembleSpec(members=[str(tmp_path / "seed_*")], combine=combine)
    model = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path)
    expected = model.predict_proba(statements)["stance"]
    np.testing.assert_allclose(expected.sum(axis=1), 1, atol=1e-6)
    checkpoints.save(
        Checkpoint(family="ensemble", classifier=model, temperatures={}), tmp_path / "whole", card="# card\n"
    )
    for run in runs:
        shutil.rmtree(run)
    again = checkpoints.load(tmp_path / "whole").predict_proba(statements)["stance"]
    np.testing.assert_allclose(again, expected, atol=1e-9)
    assert model.predict_proba([])["stance"].shape == (0, 3)


def test_dev_gives_the_weight_to_who_knows(runs, tables, statements, stance, tmp_path):
    spec = EnsembleSpec(members=runs, combine="weighted")
    model = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path)
    assert model.weights["stance"][0] > 0.95
    assert model.weights["stance"].sum() == pytest.approx(1)


def test_weights_are_those_of_the_least_loss():
    """Against a grid: two members, one right on two thirds of the rows, one on the rest."""
    gold = np.zeros(300, dtype=int)
    proba = np.full((2, 300, 2), 0.2)
    proba[0, :200, 0] = proba[1, 200:, 0] = 0.8
    proba[..., 1] = 1 - proba[..., 0]
    grid = np.linspace(0, 1, 1001)
    losses = [-np.log(w * proba[0, :, 0] + (1 - w) * proba[1, :, 0]).mean() for w in grid]
    assert fit_weights(gold, proba)[0] == pytest.approx(grid[int(np.argmin(losses))], abs=1e-3)


def test_members_of_other_tasks_or_labels_are_named(runs, tables, statements, stance, sentiment, tmp_path):
    other = saved(MajoritySpec(), sentiment, statements, tmp_path / "other")
    with pytest.raises(InputError, match=r"other/checkpoint predicts sentiment, not stance; leave it out"):
        base.fit(EnsembleSpec(members=[*runs, other]), (stance,), *tables, seed=1, run_dir=tmp_path)
    more = Task(name="stance", labels=(*stance.labels, "mixed"))
    wider = saved(MajoritySpec(), more, statements, tmp_path / "wider")
    with pytest.raises(InputError, match="has the stance labels cooperative, skeptical, neutral, mixed, not coop"):
        base.fit(EnsembleSpec(members=[wider]), (stance,), *tables, seed=1, run_dir=tmp_path)


def test_what_is_no_member_is_refused(tables, stance, tmp_path):
    with pytest.raises(InputError, match="meets no folder"):
        base.fit(EnsembleSpec(members=[str(tmp_path / "no*")]), (stance,), *tables, seed=1, run_dir=tmp_path)
    with pytest.raises(UsageError, match="it must list runs"):
        EnsembleSpec(members=[])
    with pytest.raises(UsageError, match='did you mean "stack"'):
        EnsembleSpec(members=["x"], combine="stak")
