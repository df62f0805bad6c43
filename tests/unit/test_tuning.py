"""The blend's encoder trained on the tasks first, and how its part is joined with the linear one."""

import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.corpus.tables import as_table
from detente.errors import UsageError
from detente.models import base
from detente.models.blend import BlendSpec, fit_shares
from detente.models.multitask import MultitaskSpec
from tests.conftest import make_statements


def fitted(spec, statements, tasks, run_dir):
    tables = [as_table([s for s in statements if s.split == name], tasks=tasks) for name in ("train", "dev")]
    return base.fit(spec, tasks, *tables, seed=1, run_dir=run_dir)


def weights(model):
    return next(iter(model.frozen.features.encoder.model.state_dict().values())).numpy()


@pytest.fixture(scope="module")
def many():
    return make_statements(420)


def test_a_tuned_encoder_is_kept_with_the_checkpoint(many, tiny_encoder, stance, sentiment, tmp_path):
    tasks = (stance, sentiment)
    spec = BlendSpec(
        encoder=tiny_encoder, folds=3, tuning=MultitaskSpec(encoder=tiny_encoder, max_steps=6, learning_rate=1e-3)
    )
    tuned = fitted(spec, many, tasks, tmp_path / "a")
    plain = fitted(replace(spec, tuning=None), many, tasks, tmp_path / "b")
    assert np.abs(weights(tuned) - weights(plain)).max() > 1e-4
    tuned.save(tmp_path / "saved")
    again = base.load("blend", tmp_path / "saved", tasks)
    for task in tasks:
        np.testing.assert_allclose(
            again.predict_proba(many)[task.name], tuned.predict_proba(many)[task.name], atol=1e-6
        )
    np.testing.assert_array_equal(weights(fitted(spec, many, tasks, tmp_path / "c")), weights(tuned))


def test_where_it_cannot_be_tuned_it_stays_as_it_is_and_says_so(
    many, tiny_encoder, stance, tmp_path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    spec = BlendSpec(
        encoder=tiny_encoder, folds=3, tuning=MultitaskSpec(encoder=tiny_encoder, max_steps=6, learning_rate=1e-3)
    )
    few = fitted(spec, many[:90], (stance,), tmp_path / "few")
    assert "too few to train it" in caplog.text
    named = fitted(spec, [replace(s, target="trade") for s in many], (stance,), tmp_path / "named")
    assert "name their targets" in caplog.text
    plain = fitted(replace(spec, tuning=None), many, (stance,), tmp_path / "plain")
    assert all(np.array_equal(weights(model), weights(plain)) for model in (few, named))


def test_a_large_corpus_is_not_read_to_its_end(many, tiny_encoder, stance, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    tuning = MultitaskSpec(encoder=tiny_encoder, epochs=3, most_statements=64, batch_size=16, learning_rate=1e-3)
    fitted(BlendSpec(encoder=tiny_encoder, folds=3, tuning=tuning), many, (stance,), tmp_path)
    assert "64 statements are trained on" in caplog.text
    assert "step 4 of 4" in caplog.text


def test_settings_that_train_nothing_are_refused(tiny_encoder):
    for setting, told in (({"most_statements": -1}, "most_statements is -1"), ({"label_smoothing": 1.0}, "smoothing")):
        with pytest.raises(UsageError, match=told):
            MultitaskSpec(encoder=tiny_encoder, **setting)
    with pytest.raises(UsageError, match=r"tuning\.encoder is another"):
        BlendSpec(encoder=replace(tiny_encoder, name="other"), tuning=MultitaskSpec(encoder=tiny_encoder))


def logs(rng, gold, skill):
    logits = rng.normal(size=(len(gold), 3))
    logits[np.arange(len(gold)), gold] += skill
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


def test_a_part_that_knows_nothing_gets_no_share():
    rng = np.random.default_rng(0)
    gold = rng.integers(3, size=2000)
    head = fit_shares(logs(rng, gold, 2.0), logs(rng, gold, 0.0), gold.tolist())
    assert head.weights[0, 0] > 0.5
    assert head.weights[0, 3] < 0.1


@given(seed=st.integers(0, 10_000), one=st.floats(0, 3), two=st.floats(0, 3), n=st.integers(5, 80))
def test_together_they_are_no_worse_on_dev_than_either_alone(seed, one, two, n):
    rng = np.random.default_rng(seed)
    gold = rng.integers(3, size=n)
    first, second = logs(rng, gold, one), logs(rng, gold, two)
    head = fit_shares(first, second, gold.tolist())
    found = head.logits(np.hstack([first, second]))
    loss = [float(np.mean(np.logaddexp.reduce(x, axis=1) - x[np.arange(n), gold])) for x in (found, first, second)]
    assert loss[0] <= min(loss[1:]) + 1e-4
    assert (head.weights >= 0).all()
