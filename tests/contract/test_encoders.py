"""The architectures behind the encoder configurations, as tiny random models saved to disk and loaded by path."""

import numpy as np
import pytest

from detente import encoders
from detente.corpus.tables import as_table
from detente.encoders import EncoderSpec
from detente.models import base
from detente.models.finetune import FinetuneSpec


@pytest.fixture
def spec(spec_of_architecture) -> EncoderSpec:
    return spec_of_architecture


@pytest.mark.parametrize("layers", ["last", "all"])
def test_embeddings_do_not_depend_on_the_batch(spec, layers, statements):
    encoder = encoders.load_encoder(spec)
    texts = [s.text for s in statements[:9]]
    together = encoders.embed(encoder, texts, layers=layers)
    assert together.shape == (9, encoders.vector_width(encoder, layers))
    alone = np.vstack([encoders.embed(encoder, [text], layers=layers) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_it_trains_saves_and_loads(spec, statements, stance, tmp_path):
    tables = [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
    model = base.fit(FinetuneSpec(encoder=spec, max_steps=2), (stance,), *tables, seed=1, run_dir=tmp_path)
    model.save(tmp_path / "saved")
    again = base.load("finetune", tmp_path / "saved", (stance,))
    rows = statements[:5]
    np.testing.assert_allclose(again.predict_proba(rows)["stance"], model.predict_proba(rows)["stance"], atol=1e-6)
    assert not list((tmp_path / "trainer" / "stance").glob("checkpoint-*"))


def test_an_interrupted_training_is_taken_up_again(tiny_encoder, statements, stance, tmp_path, monkeypatch):
    """Stopped after an epoch, the same call ends with the weights of an undisturbed training."""
    from transformers import Trainer

    tables = [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
    spec = FinetuneSpec(encoder=tiny_encoder, epochs=3, patience=3)
    whole = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "whole")
    save = Trainer._save_checkpoint

    def save_and_die(self, *arguments, **options):
        save(self, *arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_checkpoint", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "cut")
    assert list((tmp_path / "cut" / "trainer" / "stance").glob("checkpoint-*"))
    resumed = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "cut")
    rows = statements[:20]
    np.testing.assert_allclose(resumed.predict_proba(rows)["stance"], whole.predict_proba(rows)["stance"], atol=1e-5)
