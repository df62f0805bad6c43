"""Every model family through one suite: what the protocol promises, whatever the family."""

from dataclasses import replace

import numpy as np
import pytest

from detente import checkpoint as checkpoints
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.errors import CheckpointError, InputError
from detente.inference import cache
from detente.models import base
from detente.models.blend import BlendSpec
from detente.models.contrastive import ContrastiveSpec
from detente.models.finetune import FinetuneSpec
from detente.models.frozen import FrozenSpec
from detente.models.linear import LinearSpec
from detente.models.lora import LoraSpec
from detente.models.majority import MajoritySpec
from detente.models.multitask import MultitaskSpec
from detente.models.nli import NliSpec
from detente.records import FIELDS, Statement

FAMILIES = ["majority", "linear", "svm", "frozen", "blend", "finetune", "multitask", "lora", "contrastive", "nli"]

# In words that the tiny encoder has.
HYPOTHESES = {"stance": {"cooperative": "signed", "skeptical": "bans", "neutral": "reported"}}


def spec_of(name, encoder):
    return {
        "majority": lambda: MajoritySpec(),
        "linear": lambda: LinearSpec(),
        "svm": lambda: LinearSpec(algorithm="svm"),
        "frozen": lambda: FrozenSpec(encoder=encoder, c=1.0),
        "blend": lambda: BlendSpec(encoder=encoder, folds=3),
        "finetune": lambda: FinetuneSpec(encoder=encoder, epochs=8, learning_rate=3e-3, patience=8),
        "multitask": lambda: MultitaskSpec(
            encoder=encoder, max_steps=60, learning_rate=2e-3, task_weights={"stance": 5.0}
        ),
        "lora": lambda: LoraSpec(encoder=encoder, max_steps=4),
        "contrastive": lambda: ContrastiveSpec(encoder=encoder, pairs=2, max_steps=25, learning_rate=3e-3),
        "nli": lambda: NliSpec(encoder=encoder, hypotheses=HYPOTHESES, max_steps=4),
    }[name]()


@pytest.fixture(scope="module")
def tables(statements, stance, sentiment):
    tasks = (stance, sentiment)
    return tuple(as_table([s for s in statements if s.split == name], tasks=tasks) for name in ("train", "dev"))


@pytest.fixture(scope="module")
def fitted(tables, stance, sentiment, tiny_encoder, tmp_path_factory):
    """Each family, fitted once for the module."""
    made = {}

    def get(name):
        if name not in made:
            run_dir = tmp_path_factory.mktemp(name)
            made[name] = base.fit(spec_of(name, tiny_encoder), (stance, sentiment), *tables, seed=3, run_dir=run_dir)
        return made[name]

    return get


@pytest.fixture(scope="module")
def test_rows(statements):
    return [s for s in statements if s.split == "test"]


@pytest.mark.parametrize("family", FAMILIES)
def test_probabilities_have_the_promised_shape(family, fitted, test_rows, stance, sentiment):
    proba = fitted(family).predict_proba(test_rows)
    assert set(proba) == {"stance", "sentiment"}
    for task in (stance, sentiment):
        assert proba[task.name].shape == (len(test_rows), len(task.labels))
        np.testing.assert_allclose(proba[task.name].sum(axis=1), 1, atol=1e-6)
        assert (proba[task.name] >= 0).all()


# Adapters on random weights, and matching a statement with a hypothesis, take longer than a test has: tests/unit.
@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in ("majority", "lora", "nli")])
def test_learns_what_one_word_tells(family, fitted, test_rows, stance):
    predicted = fitted(family).predict_proba(test_rows)["stance"].argmax(axis=1)
    right = np.mean(predicted == np.array(stance.index([s.labels["stance"] for s in test_rows])))
    # Random embeddings that are not trained hold less of a word than the word does; chance is a third.
    assert right > {"frozen": 0.4, "multitask": 0.6}.get(family, 0.9)


@pytest.mark.parametrize("family", FAMILIES)
def test_order_and_batching_do_not_matter(family, fitted, test_rows):
    model = fitted(family)
    whole = model.predict_proba(test_rows)["stance"]
    turned = model.predict_proba(test_rows[::-1])["stance"][::-1]
    alone = np.vstack([model.predict_proba([s])["stance"] for s in test_rows[:5]])
    np.testing.assert_allclose(whole, turned, atol=1e-5)
    np.testing.assert_allclose(whole[:5], alone, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_but_what_the_cache_knows_changes_an_answer(family, fitted, test_rows):
    other = {
        "id": "x",
        "doc_id": "d",
        "start": 3,
        "end": 9,
        "date": "2020",
        "source": "s",
        "split": "dev",
        "origin": "o",
    }
    other |= {"relevance": 0.5, "confidence": 0.5, "labels": {"stance": "neutral"}, "extra": {"page": 7}}
    changed = [replace(s, **other) for s in test_rows]
    assert [cache.key_of(s) for s in changed] == [cache.key_of(s) for s in test_rows]
    for name, proba in fitted(family).predict_proba(test_rows).items():
        np.testing.assert_array_equal(fitted(family).predict_proba(changed)[name], proba)
    assert {f for f in FIELDS if f not in other} == {"text", "lang", "target", "holder", "holder_name", "quote"}
    assert len({cache.key_of(replace(test_rows[0], **{name: "direct"})) for name in cache.READ}) == len(cache.READ)


@pytest.mark.parametrize("family", FAMILIES)
def test_saved_and_loaded_gives_equal_output(family, fitted, test_rows, tmp_path):
    model = fitted(family)
    about = {"name": family}
    name = "linear" if family == "svm" else family
    saved = Checkpoint(family=name, classifier=model, temperatures={"stance": 1.5, "sentiment": 1.0}, about=about)
    checkpoints.save(saved, tmp_path / "checkpoint", card="# card\n")
    loaded = checkpoints.load(tmp_path)
    assert loaded.about == about
    assert loaded.tasks == saved.tasks
    np.testing.assert_array_equal(loaded.predict_proba(test_rows)["stance"], saved.predict_proba(test_rows)["stance"])
    assert not [p for p in tmp_path.rglob("*") if p.suffix in (".pkl", ".pickle", ".bin", ".pt", ".joblib")]


@pytest.mark.parametrize("family", FAMILIES)
def test_same_seed_same_result(family, fitted, tables, test_rows, stance, sentiment, tiny_encoder, tmp_path):
    again = base.fit(spec_of(family, tiny_encoder), (stance, sentiment), *tables, seed=3, run_dir=tmp_path)
    np.testing.assert_array_equal(
        again.predict_proba(test_rows)["stance"], fitted(family).predict_proba(test_rows)["stance"]
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_never_seen_and_no_texts(family, fitted, stance):
    model = fitted(family)
    odd = [Statement(text="Ωμέγα ≠ 漢字 🙂"), Statement(text="!"), Statement(text="word " * 400)]
    assert np.isfinite(model.predict_proba(odd)["stance"]).all()
    assert model.predict_proba([])["stance"].shape == (0, len(stance.labels))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_single_label_in_train_is_refused(family, statements, stance, tiny_encoder, tmp_path):
    one = as_table([s for s in statements if s.labels["stance"] == "neutral"], tasks=(stance,))
    with pytest.raises(InputError, match='have the stance "neutral"; a classifier needs rows of at least two'):
        base.fit(spec_of(family, tiny_encoder), (stance,), one, one, seed=1, run_dir=tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_label_missing_from_train_keeps_its_column(family, statements, stance, tiny_encoder, tmp_path):
    two = as_table([s for s in statements if s.labels["stance"] != "neutral"], tasks=(stance,))
    model = base.fit(spec_of(family, tiny_encoder), (stance,), two, two, seed=1, run_dir=tmp_path)
    proba = model.predict_proba(statements[:4])["stance"]
    assert proba.shape == (4, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("family", ["finetune", "multitask"])
def test_a_task_folder_loads_in_plain_transformers(family, fitted, test_rows, tmp_path, stance, sentiment):
    from transformers import pipeline

    model = fitted(family)
    model.save(tmp_path)
    row = test_rows[0]
    for task in (stance, sentiment):
        classify = pipeline("text-classification", str(tmp_path / task.name))
        proba = model.predict_proba([row])[task.name][0]
        # Several tasks in one pass read one target.
        target = stance.target if family == "multitask" else task.target
        found = classify({"text": row.text, "text_pair": target} if target else row.text)
        found = found[0] if isinstance(found, list) else found  # a bare text gives a list of one
        assert found["label"] == task.labels[int(proba.argmax())]
        assert found["score"] == pytest.approx(proba.max(), abs=1e-4)


def test_unknown_family_is_named(tmp_path, stance):
    with pytest.raises(CheckpointError, match='of the family "liner"; did you mean "linear"'):
        base.load("liner", tmp_path, (stance,))
