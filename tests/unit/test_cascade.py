"""Thresholds of a cascade, who answers what, and the run opened from Python."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import detente
from detente import checkpoint as checkpoints
from detente import files
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.evaluation import measuring
from detente.evaluation.metrics import confusion, macro_f1
from detente.files import Layout
from detente.inference import cascade, engine
from detente.models import base
from detente.models.linear import LinearSpec
from detente.models.majority import MajoritySpec
from detente.records import Statement
from detente.verbs import predict
from detente.verbs.predict import PredictJob

LABELS = 3


@st.composite
def pairs(draw):
    """Gold labels and two checkpoints' probabilities, with many equal confidences."""
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    gold = rng.integers(0, LABELS, n)

    def proba(skill):
        picked = np.where(rng.random(n) < skill, gold, rng.integers(0, LABELS, n))
        sure = rng.choice([0.4, 0.5, 0.7, 0.9, 0.95], n)
        out = np.repeat(((1 - sure) / (LABELS - 1))[:, None], LABELS, axis=1)
        out[np.arange(n), picked] = sure
        return out

    return gold, proba(draw(st.floats(0, 1))), proba(draw(st.floats(0, 1)))


def score_at(threshold, gold, cheap, dear):
    answers = np.where(cheap.max(axis=1) >= threshold, cheap.argmax(axis=1), dear.argmax(axis=1))
    return float(macro_f1(confusion(gold, answers, LABELS)))


@given(pairs())
def test_the_threshold_is_the_lowest_that_stays_within(given_pairs):
    gold, cheap, dear = given_pairs
    choice = cascade.choose(gold, cheap, dear)
    alone = score_at(cascade.NEVER, gold, cheap, dear)
    tried = [cascade.NEVER, *sorted(set(cheap.max(axis=1)), reverse=True)]
    kept = []
    for threshold in tried:
        if score_at(threshold, gold, cheap, dear) < alone - cascade.MAX_FALL - 1e-12:
            break
        kept.append(threshold)
    answered = cheap.max(axis=1) >= choice["threshold"]
    assert choice["coverage"] == pytest.approx(answered.mean())
    assert choice["coverage"] == pytest.approx((cheap.max(axis=1) >= kept[-1]).mean())
    assert choice["macro_f1"] == pytest.approx(score_at(choice["threshold"], gold, cheap, dear))
    assert choice["dear_macro_f1"] == pytest.approx(alone)
    assert choice["cheap_macro_f1"] == pytest.approx(score_at(0.0, gold, cheap, dear))


def test_a_useless_cheap_one_answers_nothing_and_a_perfect_one_all():
    gold = np.array([0, 1, 2, 0, 1, 2])
    right, wrong = np.eye(3)[gold] * 0.8 + 0.066, np.eye(3)[(gold + 1) % 3] * 0.8 + 0.066
    assert cascade.choose(gold, wrong, right)["threshold"] == cascade.NEVER
    assert cascade.choose(gold, right, wrong)["threshold"] == 0.0
    with pytest.raises(InputError, match="no dev row to choose the threshold"):
        cascade.choose(gold[:0], right[:0], wrong[:0])


@pytest.fixture(scope="module")
def runs(statements, stance, sentiment, tmp_path_factory):
    """A linear run of both tasks, one of stance alone, and one that knows the label frequencies."""
    made = {}
    for name, spec, tasks in (
        ("dear", LinearSpec(), (stance, sentiment)),
        ("cheap", LinearSpec(word_ngrams=(1, 1), char_ngrams=(0, 0), cues=False), (stance,)),
        ("majority", MajoritySpec(), (stance, sentiment)),
    ):
        folder = tmp_path_factory.mktemp(name)
        tables = [as_table([s for s in statements if s.split == part], tasks=tasks) for part in ("train", "dev")]
        fitted = base.fit(spec, tasks, *tables, seed=1, run_dir=folder)
        about = {"data": {"fingerprint": "same"}}
        saved = Checkpoint(
            family=type(spec).family, classifier=fitted, temperatures={t.name: 1.0 for t in tasks}, about=about
        )
        checkpoints.save(saved, folder / "checkpoint", card="# card\n")
        dev = [s for s in statements if s.split == "dev"]
        measuring.write_predictions(folder / "predictions.dev.parquet", tasks, dev, saved.predict_proba(dev))
        made[name] = folder
    return made


def test_each_row_is_answered_by_whom_it_should_be(runs, statements):
    dear, cheap = (checkpoints.load(runs[name]) for name in ("dear", "cheap"))
    choice = cascade.choose(np.array([0]), np.array([[0.6, 0.2, 0.2]]), np.array([[0.6, 0.2, 0.2]]))
    first = cheap.predict_proba(statements)["stance"]
    threshold = float(np.median(first.max(axis=1)))
    both = cascade.Cascade(cheap=cheap, dear=dear, choices={"stance": {**choice, "threshold": threshold}})
    found, second = both.predict_proba(statements), dear.predict_proba(statements)
    sure = first.max(axis=1) >= threshold
    assert 0 < sure.sum() < len(statements)
    np.testing.assert_allclose(found["stance"], np.where(sure[:, None], first, second["stance"]), atol=1e-9)
    np.testing.assert_allclose(found["sentiment"], second["sentiment"], atol=1e-9)
    assert f"stance {sure.mean():.1%}, sentiment 0.0% of 180" in both.shares()


def test_what_is_computed_anyway_is_taken_where_the_dear_one_is_better(runs, statements):
    dear, cheap = checkpoints.load(runs["dear"]), checkpoints.load(runs["majority"])
    choice = cascade.choose(np.array([0]), np.array([[0.6, 0.2, 0.2]]), np.array([[0.6, 0.2, 0.2]]))
    # Every row is left to the dear checkpoint for its stance, none for its sentiment.
    asked = {**choice, "threshold": cascade.NEVER}
    for better, answering in ((0.9, dear), (0.1, cheap)):
        sure = {**choice, "threshold": 0.0, "cheap_macro_f1": 0.5, "dear_macro_f1": better}
        both = cascade.Cascade(cheap=cheap, dear=dear, choices={"stance": asked, "sentiment": sure})
        found = both.predict_proba(statements)
        np.testing.assert_allclose(found["stance"], dear.predict_proba(statements)["stance"], atol=1e-9)
        np.testing.assert_allclose(found["sentiment"], answering.predict_proba(statements)["sentiment"], atol=1e-9)


@dataclass(frozen=True)
class Halved:
    """A classifier that makes statements ready first, as those with an encoder do."""

    whole: Any

    @property
    def tasks(self):
        return self.whole.tasks

    def prepare(self, statements):
        return [statements]

    def finish(self, prepared):
        return self.whole.predict_proba(prepared[0])


@pytest.mark.parametrize("halved", [("cheap",), ("dear",), ("cheap", "dear")])
def test_checkpoints_in_halves_answer_the_same(runs, statements, halved):
    plain = {name: checkpoints.load(runs[name]) for name in ("cheap", "dear")}
    choice = cascade.choose(np.array([0]), np.array([[0.6, 0.2, 0.2]]), np.array([[0.6, 0.2, 0.2]]))
    threshold = float(np.median(plain["cheap"].predict_proba(statements)["stance"].max(axis=1)))
    choices = {"stance": {**choice, "threshold": threshold}}
    cut = plain | {name: replace(plain[name], classifier=Halved(plain[name].classifier)) for name in halved}
    first = cascade.Cascade(**plain, choices=choices).predict_proba(statements)
    second = cascade.Cascade(**cut, choices=choices).predict_proba(statements)
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])


def test_thresholds_are_kept_beside_the_dear_run_and_read_again(runs, monkeypatch):
    first = engine.open_run(runs["dear"], cascade=runs["cheap"])
    kept = list((runs["dear"] / "checkpoint.cascade").iterdir())
    assert len(kept) == 1
    assert json.loads(kept[0].read_text(encoding="utf-8"))["tasks"] == dict(first.model.choices)
    monkeypatch.setattr(cascade, "choose", None)
    assert engine.open_run(runs["dear"], cascade=runs["cheap"]).model.choices == first.model.choices
    assert first.digest != engine.open_run(runs["dear"]).digest


def test_runs_that_make_no_cascade_are_named(runs):
    with pytest.raises(UsageError, match="is the checkpoint itself"):
        engine.open_run(runs["dear"], cascade=runs["dear"])
    with pytest.raises(InputError, match="does not exist"):
        engine.open_run(runs["dear"], cascade="nowhere")


def test_the_library_takes_texts_rows_and_statements(runs):
    model = detente.load(runs["dear"])
    text = "Moscow gladly welcomes the uranium project."
    given_three = [text, {"text": text, "lang": "en"}, Statement(text=text)]
    rows = model.predict(given_three)
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["stance"] == "cooperative"
    labels = [f"stance_{label}" for label in model.tasks[0].labels]
    assert sum(rows[0][name] for name in labels) == pytest.approx(1)
    assert rows[0]["stance_confidence"] == max(rows[0][name] for name in labels)
    proba = model.predict_proba(given_three)["stance"]
    assert proba.shape == (3, 3)
    assert proba[0].tolist() == pytest.approx([rows[0][name] for name in labels])
    assert model.predict([]) == []


def test_the_library_streams_without_reading_all(runs):
    read = []

    def endless():
        i = 0
        while True:
            read.append(i)
            yield f"Washington angrily bans gas number {i}."
            i += 1

    rows = detente.load(runs["dear"]).stream(endless(), window=8)
    assert [next(rows)["stance"] for _ in range(10)] == ["skeptical"] * 10
    rows.close()
    assert len(read) < 100


def test_the_library_names_what_is_wrong(runs):
    model = detente.load(runs["dear"])
    with pytest.raises(InputError, match="input 1: the text is empty"):
        model.predict(["fine", " "])
    with pytest.raises(InputError, match="input 0: it is of type int; it must be a text, a row"):
        model.predict([3])
    with pytest.raises(InputError, match="input 0: the row has no text"):
        model.predict([{"tweet": "x"}])
    with pytest.raises(UsageError, match="for one, give a list of one"):
        model.predict("one text")
    with pytest.raises(InputError, match="does not exist"):
        detente.load("nowhere")


def test_importing_the_package_is_light():
    code = "import sys, detente; print([m for m in ('numpy', 'torch', 'transformers', 'hydra') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("elsewhere", ["workers", "cache"])
def test_shares_are_told_only_where_they_were_counted(runs, statements, tmp_path, elsewhere):
    files.write_statements(tmp_path / "in.csv", [replace(s, labels={}) for s in statements])

    def text(name, **options):
        given = {"data": Layout(), "languages": ["en"], "workers": 1, "cascade": str(runs["cheap"])} | options
        output = str(tmp_path / name)
        job = PredictJob(checkpoint=str(runs["dear"]), input=str(tmp_path / "in.csv"), output=output, **given)
        return predict.run(job).text

    cache = str(tmp_path / "cache")
    assert "of 180 statements computed" in text("a.csv", cache=cache)
    assert "cheap checkpoint" not in text("b.csv", **({"workers": 2} if elsewhere == "workers" else {"cache": cache}))
