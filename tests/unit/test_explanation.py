"""Explanations: contributions sum to the logits, stand where the words stand, and are true of the model."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import checkpoint as checkpoints
from detente.arrays import softmax
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.errors import UsageError
from detente.evaluation.explaining import explanation
from detente.evaluation.explaining.faithfulness import faithfulness
from detente.evaluation.explaining.parts import centred, placed, units_of, without
from detente.files import Layout, write_statements
from detente.models import base
from detente.models.blend import BlendSpec
from detente.models.finetune import FinetuneSpec
from detente.models.frozen import FrozenSpec
from detente.models.linear import LinearSpec
from detente.models.majority import MajoritySpec
from detente.records import Statement
from detente.verbs import explain

SPECS = {
    "linear": lambda encoder: LinearSpec(),
    "linear of letters": lambda encoder: LinearSpec(char_ngrams=(2, 6), cues=False),
    "frozen": lambda encoder: FrozenSpec(encoder=encoder, c=1.0),
    "frozen last": lambda encoder: FrozenSpec(encoder=encoder, c=1.0, layers="last"),
    "blend": lambda encoder: BlendSpec(encoder=replace(encoder, languages=["en"]), folds=3),
    "finetune": lambda encoder: FinetuneSpec(encoder=encoder, max_steps=3),
    "majority": lambda encoder: MajoritySpec(),
}


@pytest.fixture(scope="module")
def fitted(statements, stance, sentiment, tiny_encoder, tmp_path_factory):
    tasks, made = (stance, sentiment), {}
    tables = [as_table([s for s in statements if s.split == name], tasks=tasks) for name in ("train", "dev")]

    def get(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("fit")
            made[name] = base.fit(SPECS[name](tiny_encoder), tasks, *tables, seed=1, run_dir=folder)
        return made[name]

    return get


@pytest.fixture(scope="module")
def rows(statements):
    return [s for s in statements if s.split == "test"][:6]


@pytest.mark.parametrize(("family", "within"), [("linear", 1e-5), ("frozen", 2e-3), ("frozen last", 2e-3),
                                                ("blend", 2e-3), ("finetune", 2e-3)])  # fmt: skip
def test_contributions_and_rest_sum_to_the_logits_that_the_model_gives(family, within, fitted, rows):
    model = fitted(family)
    found = explanation.explain(model, rows, steps=32)
    proba = model.predict_proba(rows)
    for task in model.tasks:
        for one, expected in zip(found[task.name], proba[task.name], strict=True):
            total = one.contributions.sum(axis=0) + sum(one.rest.values())
            assert np.abs(total - one.logits).max() < within
            assert one.gap == pytest.approx(np.abs(total - one.logits).max(), abs=1e-9)
            assert softmax(one.logits[None])[0] == pytest.approx(expected, abs=1e-4)
            assert len(one.units) == len(one.contributions)
            if one.members:
                assert sum(one.members.values()) == pytest.approx(one.contributions.sum(axis=0))


def test_words_that_carry_the_label_carry_the_contribution(fitted, rows):
    for family in ("linear", "finetune"):
        model = fitted(family)
        for one in explanation.explain(model, rows, steps=16, tasks=["stance"])["stance"]:
            if family == "finetune":
                assert np.abs(one.contributions).sum() > 0
                continue
            label = int(one.logits.argmax())
            words = [one.statement.text[a:b] for a, b in one.units]
            best = words[int(centred(one.contributions)[:, label].argmax())]
            assert best in one.statement.text.split()
            assert best not in ("the", "project", "number")


def test_only_the_tasks_asked_for_are_explained(fitted, rows):
    assert set(explanation.explain(fitted("linear"), rows, steps=4, tasks=["sentiment"])) == {"sentiment"}


def test_targets_with_copies_and_windows_still_sum(tmp_path, stance):
    people = ["Trump", "Biden"]
    made = [
        Statement(
            text=f"I {('like', 'hate', 'saw')[i % 3]} {people[i % 2]} 1! İstanbul é #vote{i % 4}",
            lang="en",
            target=people[i % 2],
            labels={"stance": stance.labels[(i + i % 2) % 3]},
        )
        for i in range(160)
    ]
    table = as_table(made, tasks=(stance,))
    model = base.fit(LinearSpec(cues=False), (stance,), table, table, seed=0, run_dir=tmp_path)
    assert model.terms.targets == ("Biden", "Trump")
    assert model.terms.windowed
    for one in explanation.explain(model, made[:6], steps=1)["stance"]:
        assert one.gap < 1e-5
        assert np.abs(one.rest["what the text does not hold"]).max() < 1e-9
        word = next(i for i, (a, b) in enumerate(one.units) if one.statement.text[a:b] in ("like", "hate", "saw"))
        assert np.abs(one.contributions[word]).max() > 0.1


def test_windowed_and_copied_features_of_an_encoder_sum(tmp_path, stance, tiny_encoder):
    made = [
        Statement(text=f"Moscow bans gas and Washington offers oil {i}", lang="en", target=("Moscow", "Washington")[i % 2],
                  labels={"stance": stance.labels[i % 3]})
        for i in range(120)
    ]  # fmt: skip
    table = as_table(made, tasks=(stance,))
    model = base.fit(FrozenSpec(encoder=tiny_encoder, c=1.0), (stance,), table, table, seed=0, run_dir=tmp_path)
    assert model.features.windowed
    assert model.features.targets
    expected = model.predict_proba(made[:3])["stance"]
    for one, proba in zip(explanation.explain(model, made[:3], steps=32)["stance"], expected, strict=True):
        assert one.gap < 2e-3
        assert softmax(one.logits[None])[0] == pytest.approx(proba, abs=1e-4)


@given(st.text(max_size=80).filter(lambda text: text.strip() and "\0" not in text))
def test_any_text_is_explained_to_the_last_digit(fitted, text):
    (one,) = explanation.explain(fitted("linear of letters"), [Statement(text=text, lang="en")], steps=1)["stance"]
    assert one.gap < 1e-5
    assert np.abs(one.rest["what the text does not hold"]).max() < 1e-9  # every n-gram was found where it stands
    inside = "".join(text[a:b] for a, b in one.units)
    assert inside == "".join(text.split())


def test_a_piece_over_several_units_is_shared_by_characters():
    units = units_of("ab cdef !")
    assert units == ((0, 2), (3, 7), (8, 9))
    found, lost = placed(units, [((0, 7), np.array([6.0])), ((2, 3), np.array([5.0]))], 1)
    assert found.tolist() == [[2.0], [4.0], [0.0]]
    assert lost.tolist() == [5.0]


def test_deleting_units_joins_the_blanks():
    assert without("We do  not want it.", [(7, 10), (0, 2)]) == "do want it."


def test_deleting_what_is_explained_lowers_the_probability_more_than_chance(fitted, rows, stance):
    model = fitted("linear")
    found = explanation.explain(model, rows, steps=1)["stance"]
    measured = faithfulness(stance, found, model.predict_proba, seed=1)
    assert measured == faithfulness(stance, found, model.predict_proba, seed=1)
    assert measured["all"]["difference"]["value"] > 0.05
    assert measured["all"]["top"]["value"] > measured["all"]["random"]["value"]
    turned = [replace(one, contributions=-one.contributions) for one in found]
    assert faithfulness(stance, turned, model.predict_proba, seed=1)["all"]["difference"]["value"] < 0
    assert not faithfulness(stance, [], model.predict_proba, seed=1)


def test_top_terms_are_those_that_speak_for_the_label(fitted, statements, stance):
    found = explanation.explain(fitted("linear"), statements[:90], steps=1)["stance"]
    top = explanation.top_terms(found, stance.labels, of="words")
    assert set(top) == {"en", "it"}
    assert {"welcomes", "signed", "offers"} & {term.term for term in top["en"]["cooperative"]}
    assert {"bans", "rejects", "warns"} & {term.term for term in top["en"]["skeptical"]}
    features = explanation.top_terms(found, stance.labels, of="features")
    named = [term.term for by_label in features.values() for terms in by_label.values() for term in terms]
    assert "word:welcomes" in named
    assert not any(name.startswith("char:") for name in named)


@pytest.fixture
def run_of(fitted, tmp_path):
    def make(family):
        model = fitted(family)
        saved = Checkpoint(family=family, classifier=model, temperatures={}, about={"name": "<b>mine</b>"})
        checkpoints.save(saved, tmp_path / family / "checkpoint", card="")
        return str(tmp_path / family)

    return make


def job(run, source, output, **given):
    settings = {"tasks": [], "data": Layout(), "languages": ["en"], "limit": 3, "steps": 4}
    return explain.ExplainJob(checkpoint=run, input=str(source), output=str(output), **settings | given)


@pytest.mark.parametrize("family", ["linear", "blend"])
def test_the_page_is_whole_escaped_and_self_contained(family, run_of, tmp_path):
    evil = '<script>alert("x")</script> bans & offers gas'
    source = tmp_path / "in.jsonl"
    rows = [Statement(text=evil, lang="en", id="<i>", holder="<u>me"), Statement(text="Москва bans", lang="ru"),
            Statement(text="a")]  # fmt: skip
    write_statements(source, [*rows, Statement(text="left out")])
    outcome = explain.run(job(run_of(family), source, tmp_path / "page.html"))
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "3 statements explained" in outcome.text
    assert "deleting the words explained lowers" in outcome.text
    assert "<script" not in text
    assert not any(tag in text for tag in ("<i>", "<u>", "<b>mine"))
    assert "&lt;b&gt;mine" in text
    assert "&lt;i&gt;" in text
    assert "left out" not in text
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert text.count("<article>") == 6
    explain.run(job(run_of(family), source, tmp_path / "again.html"))
    again = (tmp_path / "again.html").read_text(encoding="utf-8")
    assert again.replace("again.html", "page.html") == text


def test_mistakes_are_one_sentence(run_of, fitted, rows, tmp_path, monkeypatch):
    source = tmp_path / "in.jsonl"
    write_statements(source, rows)
    with pytest.raises(UsageError, match="must end in \\.html"):
        job("x", source, tmp_path / "page.pdf")
    with pytest.raises(UsageError, match="limit is 0"):
        job("x", source, tmp_path / "page.html", limit=0)
    article = tmp_path / "article.html"
    article.write_text("<html><body><p>Moscow bans gas.</p></body></html>")
    with pytest.raises(UsageError, match="is also an input"):
        explain.run(job(run_of("linear"), article, article))
    with pytest.raises(UsageError, match='does not predict "stanse"; did you mean "stance"'):
        explain.run(job(run_of("linear"), source, tmp_path / "page.html", tasks=["stanse"]))
    with pytest.raises(UsageError, match="cannot be explained; give a run of model=linear"):
        explain.run(job(run_of("majority"), source, tmp_path / "page.html"))
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(UsageError, match=re.escape("pip install 'detente[explain]'")):
        explain.run(job(run_of("frozen"), source, tmp_path / "page.html"))
    explanation.explain(fitted("linear"), rows, steps=1)  # needs none
    assert not (tmp_path / "page.html").exists()
