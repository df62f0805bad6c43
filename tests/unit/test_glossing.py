"""Texts word for word in English: the words, where they stand, and that every family of encoders reads them so."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.arrays import softmax
from detente.corpus.tables import as_table
from detente.errors import CheckpointError, UsageError
from detente.evaluation.explaining import explanation
from detente.models import base
from detente.models.blend import BlendSpec
from detente.models.contrastive import ContrastiveSpec
from detente.models.finetune import FinetuneSpec
from detente.models.frozen import FrozenSpec
from detente.models.lora import LoraSpec
from detente.models.multitask import MultitaskSpec
from detente.models.nli import NliSpec
from detente.records import MAX_CHARACTERS, Statement, target_span
from detente.text import glossing
from detente.text.glossing import SHIPPED, Glossaries, load_glossaries

LANGUAGES = ["de", "es", "fr", "it", "ru", "uk"]
# In words that the tiny tokenizer has.
HYPOTHESES = {"cooperative": "gladly welcomes", "skeptical": "the rare earths", "neutral": "Moscow number 0"}
SPECS = {
    "frozen": lambda encoder: FrozenSpec(encoder=encoder, c=1.0),
    "finetune": lambda encoder: FinetuneSpec(encoder=encoder, max_steps=3, learning_rate=1e-2),
    "lora": lambda encoder: LoraSpec(encoder=encoder, max_steps=3, learning_rate=1e-2),
    "multitask": lambda encoder: MultitaskSpec(encoder=encoder, max_steps=3, learning_rate=1e-2),
    "contrastive": lambda encoder: ContrastiveSpec(encoder=encoder, pairs=1, max_steps=3, learning_rate=1e-2),
    "nli": lambda encoder: NliSpec(
        encoder=encoder, max_steps=12, learning_rate=3e-3, hypotheses={"stance": HYPOTHESES}
    ),
}


@pytest.fixture(scope="module")
def glossaries():
    return load_glossaries(LANGUAGES)


def text_of(glossaries: Glossaries, text: str, lang: str) -> str:
    [read] = glossaries.read([Statement(text=text, lang=lang)])
    return read.text


@pytest.mark.parametrize(("lang", "text", "expected"), [
    ("it", "L'accordo firmato", "The agreement signed"),
    ("it", "«gli accordi»", '"the agreement"'),  # the plural is found by its lemma
    ("it", "nonostante ZyxWV", "despite ZyxWV"),
    ("ru", "санкции против танкера", "sanctions against tanker"),
    ("ru", "её сделка ещё не", "her deal still not"),
    ("ru", "Щукина", "Shchukin"),  # a name is one name in every case
    ("ru", "США", "USA"),
    ("en", "l'accordo", "l'accordo"),
])  # fmt: skip
def test_words_are_read_by_form_then_by_lemma_and_names_stay(lang, text, expected, glossaries):
    assert text_of(glossaries, text, lang) == expected


def test_a_statement_that_names_no_language_is_read_in_the_one_it_is_in(glossaries):
    assert "sanctions" in text_of(glossaries, "Вашингтон снял санкции против российского алюминия", "")


@given(
    st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and "\0" not in text),
    st.sampled_from([*LANGUAGES, "en", ""]),
)
def test_places_cover_any_text_and_its_gloss_from_end_to_end(text, lang):
    glossaries = load_glossaries(LANGUAGES)
    glossed = glossaries.glossed(Statement(text=text, lang=lang))
    if glossed is None:
        return
    at = [0, 0]
    for start, end, a, b in glossed.places:
        assert [start, a] == at
        assert end > start
        assert b > a
        at = [end, b]
    assert at == [len(glossed.text), len(text)]
    for start, end, a, b in glossed.places:
        assert glossed.back((start, end)) == (a, b)
        assert glossed.forth((a, b)) == (start, end)


@pytest.mark.parametrize(
    ("target", "before"), [("gas", "Moscow and the gas Russian, then the "), ("gas russo", "Moscow and the ")]
)
def test_a_target_is_found_again_in_the_gloss(target, before, glossaries):
    text = "Mosca e il gas russo, poi il gas americano"
    at = text.rindex(target)
    extra = {"target_start": at, "target_end": at + len(target), "x": 1}
    [read] = glossaries.read([Statement(text=text, lang="it", target=target, extra=extra)])
    span = target_span(read)
    assert span is not None
    assert read.text[slice(*span)] == read.target
    assert read.text[: span[0]] == before
    assert read.extra["x"] == 1


def foreign(statements):
    """The statements with words that the Italian glossary has."""
    words = {"the": "il", "project": "progetto", "number": "numero"}
    return [
        replace(s, lang="it", text=" ".join(["nonostante", *(words.get(word, word) for word in s.text.split())]))
        for s in statements
    ]


@pytest.mark.parametrize("family", SPECS)
def test_every_family_reads_the_gloss_in_training_and_use(
    family, statements, tiny_encoder, stance, glossaries, tmp_path, monkeypatch
):
    rows = foreign(statements)
    told = [replace(s, lang="en") for s in glossaries.read(rows)]
    assert told[0].text != rows[0].text
    models = []
    for encoder, given_rows in ((replace(tiny_encoder, glossed=["it"]), rows), (tiny_encoder, told)):
        tables = [as_table([s for s in given_rows if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
        run_dir = tmp_path / str(len(models))
        models.append(base.fit(SPECS[family](encoder), (stance,), *tables, seed=1, run_dir=run_dir))
    expected = models[1].predict_proba(told[:8])["stance"]
    np.testing.assert_allclose(models[0].predict_proba(rows[:8])["stance"], expected, atol=1e-8)
    (tmp_path / "saved").mkdir()
    models[0].save(tmp_path / "saved")
    (tmp_path / "none").mkdir()
    monkeypatch.setattr(glossing, "SHIPPED", tmp_path / "none")  # as if the shipped glossaries had been edited since
    again = base.load(family, tmp_path / "saved", (stance,))
    np.testing.assert_allclose(again.predict_proba(rows[:8])["stance"], expected, atol=1e-8)


def test_the_blend_reads_a_glossed_language_by_both_parts_and_another_by_words_alone(
    statements, tiny_encoder, stance, tmp_path
):
    rows = foreign(statements)
    encoder = replace(tiny_encoder, languages=["en"], glossed=["it"])
    tables = [as_table([s for s in rows if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
    model = base.fit(BlendSpec(encoder=encoder, folds=3), (stance,), *tables, seed=1, run_dir=tmp_path)
    asked = [*rows[:3], replace(rows[0], lang="de")]
    assert model.prepare(asked)[1] == [0, 1, 2]


@pytest.mark.parametrize("family", ["frozen", "finetune"])
def test_an_explanation_stands_at_the_words_of_the_original(family, statements, tiny_encoder, stance, tmp_path):
    rows, model_glossaries = foreign(statements), load_glossaries(["it"])
    tables = [as_table([s for s in rows if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
    spec = SPECS[family](replace(tiny_encoder, glossed=["it"]))
    model = base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path)
    for one in explanation.explain(model, rows[:2], steps=32)["stance"]:
        total = one.contributions.sum(axis=0) + sum(one.rest.values())
        assert np.abs(total - one.logits).max() < 2e-3
        expected = model.predict_proba([one.statement])["stance"][0]
        assert softmax(one.logits[None])[0] == pytest.approx(expected, abs=1e-4)
        [told] = model_glossaries.read([one.statement])
        [plain] = explanation.explain(model, [replace(told, lang="en")], steps=32)["stance"]
        assert len(plain.units) == len(one.units)  # word for word, and none of these is told in two
        np.testing.assert_allclose(one.contributions, plain.contributions, atol=1e-6)
        assert np.abs(one.contributions).max() > 1e-5


def test_a_language_without_a_glossary_and_a_damaged_line_are_named(tmp_path):
    with pytest.raises(UsageError, match=r'names "itt".*did you mean "it"'):
        load_glossaries(["itt"])
    (tmp_path / "it.txt").write_text("gas=gas\npetrolio\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r'it\.txt:2: "petrolio" is no entry'):
        load_glossaries(["it"], folder=tmp_path)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_shipped_glossaries_are_in_order(lang):
    lines = (SHIPPED / f"{lang}.txt").read_text(encoding="utf-8").splitlines()
    words = [line.partition("=")[0] for line in lines]
    assert words == sorted(set(words))
    assert all(word == word.lower() == word.strip() and " " not in word and "ё" not in word for word in words)
    told = [line.partition("=")[2] for line in lines]
    assert all(gloss == gloss.strip() and max(map(ord, gloss)) < 0x250 and "=" not in gloss for gloss in told)


@given(st.text(alphabet="ъьЪЬё'’ «»абщ\n", min_size=1, max_size=12).filter(str.strip), st.sampled_from(["ru", "uk"]))
def test_signs_without_a_sound_leave_a_text(text, lang):
    [read] = load_glossaries(["ru", "uk"]).read([Statement(text=text, lang=lang)])
    assert read.text.strip()


def test_a_text_of_the_greatest_length_is_still_read(glossaries):
    [read] = glossaries.read([Statement(text="utili " * 160_000, lang="it")])
    assert len(read.text) <= MAX_CHARACTERS


def test_an_entry_that_was_edited_by_hand_is_read(tmp_path):
    (tmp_path / "uk.txt").write_text("П’ять = five\n", encoding="utf-8")
    edited = load_glossaries(["uk"], folder=tmp_path)
    assert text_of(edited, "п'ять П’ять", "uk") == "five Five"
    assert edited.digest != load_glossaries(["uk"]).digest
    (tmp_path / "uk.txt").write_bytes(b"gas=\xff\n")
    with pytest.raises(CheckpointError, match="is not UTF-8 at byte 4"):
        load_glossaries(["uk"], folder=tmp_path)


def test_a_training_begun_with_other_glossaries_is_not_taken_up(
    statements, tiny_encoder, stance, tmp_path, monkeypatch
):
    rows = foreign(statements)
    tables = [as_table([s for s in rows if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
    spec = MultitaskSpec(encoder=replace(tiny_encoder, glossed=["it"]), max_steps=2)
    base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "run")
    (tmp_path / "it.txt").write_text("progetto=scheme\n", encoding="utf-8")
    monkeypatch.setattr(glossing, "SHIPPED", tmp_path)
    with pytest.raises(UsageError, match="glossaries"):
        base.fit(spec, (stance,), *tables, seed=1, run_dir=tmp_path / "run")
