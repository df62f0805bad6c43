"""Labels as hypotheses: zero-shot, trained, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from detente.corpus.tables import as_table
from detente.encoders import EncoderSpec
from detente.errors import InputError, UsageError
from detente.models import base
from detente.models.nli import NliSpec, hypotheses_of, margins
from detente.models.trainer import load_classifier
from detente.tasks import Task

HYPOTHESES = {
    "stance": {"cooperative": "Moscow offers", "skeptical": "Moscow bans", "neutral": "listed {target}"},
}


@pytest.fixture
def tables(statements, stance):
    return [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]


@pytest.fixture
def entailing(tiny_encoder, tmp_path) -> EncoderSpec:
    """A model that says it knows entailment, as those of the hub do."""
    tokenizer, model = load_classifier(tiny_encoder, ("CONTRADICTION", "NEUTRAL", "ENTAILMENT"))
    model.save_pretrained(tmp_path / "nli")
    tokenizer.save_pretrained(tmp_path / "nli")
    return EncoderSpec(name="entailing", path=str(tmp_path / "nli"), max_length=32)


def test_zero_shot_is_the_softmax_of_how_far_each_hypothesis_is_entailed(
    entailing, tables, statements, stance, tmp_path
):
    spec = NliSpec(encoder=entailing, hypotheses=HYPOTHESES, epochs=0)
    model = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path)
    row = replace(statements[0], target="gas")
    pairs = model.tokenizer([row.text] * 3, ["Moscow offers", "Moscow bans", "listed gas"], return_tensors="pt")
    with torch.no_grad():
        proba = model.model(**pairs).logits.softmax(dim=1)[:, 2].numpy()
    odds = proba / (1 - proba)
    np.testing.assert_allclose(model.predict_proba([row])["stance"][0], odds / odds.sum(), atol=1e-5)


def test_log_odds_are_the_same_in_numpy_and_torch():
    logits = np.array([[1.0, 2.0, -1.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(margins(logits, 1), margins(torch.tensor(logits), 1).numpy())
    assert margins(logits, 0)[1] == pytest.approx(-np.log(2))


def test_a_model_without_entailment_cannot_do_it_untrained(tiny_encoder, tables, stance, tmp_path):
    with pytest.raises(InputError, match="the encoder tiny knows no entailment"):
        base.fit(NliSpec(encoder=tiny_encoder, epochs=0), (stance,), *tables, seed=1, run_dir=tmp_path)


def test_it_learns_tasks_of_different_numbers_of_labels_and_comes_back(
    spec_of_architecture, statements, stance, tmp_path
):
    side = Task(name="side", labels=("yes", "no"))
    rows = [replace(s, labels=dict(s.labels) | {"side": "yes" if i % 2 else "no"}) for i, s in enumerate(statements)]
    tables = [as_table([s for s in rows if s.split == name], tasks=(stance, side)) for name in ("train", "dev")]
    model = base.fit(
        NliSpec(encoder=spec_of_architecture, max_steps=2), (stance, side), *tables, seed=1, run_dir=tmp_path
    )
    model.save(tmp_path / "saved")
    again = base.load("nli", tmp_path / "saved", (stance, side))
    for task in (stance, side):
        proba = model.predict_proba(rows[:4])[task.name]
        assert proba.shape == (4, len(task.labels))
        np.testing.assert_allclose(again.predict_proba(rows[:4])[task.name], proba, atol=1e-6)


def test_it_learns_its_training_rows_by_heart(tiny_encoder, statements, stance, tmp_path):
    few = as_table(statements[:12], tasks=(stance,))
    spec = NliSpec(encoder=tiny_encoder, hypotheses=HYPOTHESES, max_steps=160, learning_rate=3e-3, batch_size=12)
    model = base.fit(spec, (stance,), few, few, seed=1, run_dir=tmp_path)
    predicted = model.predict_proba(statements[:12])["stance"].argmax(axis=1)
    assert np.mean(predicted == stance.index([s.labels["stance"] for s in statements[:12]])) > 0.6  # chance: a third


def test_hypotheses_are_one_a_label(stance):
    assert hypotheses_of(stance, HYPOTHESES)[2] == "listed {target}"
    assert hypotheses_of(stance, {})[0] == "The stance {towards}is cooperative."
    for wrong, words in (({"cooperative": "x"}, "neutral is missing"), ({"odd": "x"}, "is missing")):
        with pytest.raises(UsageError, match=words):
            hypotheses_of(stance, {"stance": wrong})
    extra = {"stance": dict(HYPOTHESES["stance"]) | {"mixed": "x"}}
    with pytest.raises(UsageError, match="mixed is no label of the task"):
        hypotheses_of(stance, extra)
