"""Adapters: merged as they were, saved for PEFT too, on every architecture."""

import numpy as np
import pytest
import torch

from detente.corpus.tables import as_table
from detente.encoders import EncoderSpec
from detente.errors import UsageError
from detente.models import base
from detente.models.lora import LoraSpec
from detente.models.trainer import load_classifier


@pytest.fixture
def tables(statements, stance):
    return [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]


def test_the_encoder_is_left_as_it_was_but_for_the_adapters(spec_of_architecture, tables, statements, stance, tmp_path):
    """The saved adapters on the original encoder give what the merged model gives."""
    from peft import PeftModel

    spec = LoraSpec(encoder=spec_of_architecture, rank=2, max_steps=2, learning_rate=1e-2)
    model = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path)
    model.save(tmp_path / "saved")
    rows = statements[:5]
    expected = model.predict_proba(rows)["stance"]
    merged = base.load("lora", tmp_path / "saved", (stance,))
    np.testing.assert_allclose(merged.predict_proba(rows)["stance"], expected, atol=1e-6)
    tokenizer, plain = load_classifier(spec_of_architecture, stance.labels)
    adapted = PeftModel.from_pretrained(plain, str(tmp_path / "saved" / "adapters" / "stance")).eval()
    tokens = tokenizer([s.text for s in rows], [stance.target] * 5, padding=True, return_tensors="pt")
    with torch.no_grad():
        found = adapted(**tokens).logits.softmax(dim=1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_adapters_learn_and_the_rest_stays(tiny_encoder, statements, stance, tmp_path):
    """A few rows by heart; embeddings, which have no adapter, are those of the encoder."""
    few = as_table(statements[:12], tasks=(stance,))
    spec = LoraSpec(encoder=tiny_encoder, rank=8, max_steps=20, learning_rate=1e-2, batch_size=12, dropout=0.0)
    model = base.fit(spec, (stance,), few, few, seed=1, run_dir=tmp_path)
    predicted = model.predict_proba(statements[:12])["stance"].argmax(axis=1)
    assert np.mean(predicted == stance.index([s.labels["stance"] for s in statements[:12]])) > 0.6  # chance: a third
    _, before = load_classifier(tiny_encoder, stance.labels)
    after = model.merged.models["stance"][1]
    assert torch.equal(after.get_input_embeddings().weight, before.get_input_embeddings().weight)
    name = "encoder.layer.0.attention.self.query.weight"
    assert not torch.equal(after.base_model.state_dict()[name], before.base_model.state_dict()[name])


def test_a_layer_that_is_none_is_named(tiny_encoder, tables, stance, tmp_path):
    spec = LoraSpec(encoder=tiny_encoder, modules=["qery"])
    with pytest.raises(UsageError, match='names "qery", no linear layer of this encoder; did you mean "query"'):
        base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path)


def test_settings_that_make_no_adapter_are_refused():
    encoder = EncoderSpec(name="x", path="x")
    for setting, words in (({"rank": 0}, "at least 1"), ({"dropout": 1.0}, "below 1"), ({"modules": []}, "a list")):
        with pytest.raises(UsageError, match=words):
            LoraSpec(encoder=encoder, **setting)
