"""The loop of the smaller families: taken up as if undisturbed, refused with other settings, honest steps."""

from dataclasses import replace

import numpy as np
import pytest

from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.models import base
from detente.models.contrastive import ContrastiveSpec
from detente.models.multitask import MultitaskSpec


@pytest.fixture
def tables(statements, stance):
    return [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]


@pytest.fixture
def cut_off(monkeypatch):
    """Trainings die while they write their second checkpoint."""
    from transformers import Trainer

    save, saved = Trainer._save_checkpoint, []

    def save_and_die(self, *arguments, **options):
        save(self, *arguments, **options)
        saved.append(1)
        if len(saved) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_save_checkpoint", save_and_die)


@pytest.mark.parametrize("make", [MultitaskSpec, ContrastiveSpec])
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    make, tiny_encoder, tables, statements, stance, tmp_path, cut_off
):
    patience = {"patience": 4} if make is MultitaskSpec else {"pairs": 1}
    spec = make(encoder=tiny_encoder, epochs=3, batch_size=32, **patience)
    with pytest.raises(KeyboardInterrupt):
        base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "cut")
    with pytest.raises(UsageError, match=r"unfinished training with model.learning_rate .* \(now 0.01\)"):
        base.fit(replace(spec, learning_rate=0.01), (stance,), *tables, seed=1, run_dir=tmp_path / "cut")
    resumed = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "cut")
    whole = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "whole")
    rows = statements[:20]
    np.testing.assert_allclose(resumed.predict_proba(rows)["stance"], whole.predict_proba(rows)["stance"], atol=1e-5)


def test_steps_that_accumulate_are_those_of_larger_batches(tiny_encoder, tables, statements, stance, tmp_path):
    """The loss of a step is the mean over the quarters of a batch, not their sum."""
    spec = MultitaskSpec(encoder=tiny_encoder, max_steps=1, batch_size=120, class_weights=False)
    logs = [
        base.fit(of, (stance,), *tables, seed=1, run_dir=tmp_path / str(i)).history["multitask"]
        for i, of in enumerate((spec, replace(spec, batch_size=30, accumulate=4)))
    ]
    one, four = (next(h["train_loss"] for h in log if "train_loss" in h) for log in logs)
    assert four == pytest.approx(one, rel=0.3)  # dropout draws other masks


def test_a_loss_that_is_no_number_stops_in_one_sentence(tiny_encoder, tables, stance, tmp_path, monkeypatch):
    import torch

    real = torch.nn.functional.cross_entropy
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda *a, **o: real(*a, **o) * float("nan"))
    with pytest.raises(InputError, match=r"the loss of stance became NaN; lower model\.learning_rate"):
        base.fit(MultitaskSpec(encoder=tiny_encoder, epochs=1), (stance,), *tables, seed=1, run_dir=tmp_path)
