"""Counterfactual swaps: what they find in a model that listens to the speaker, and nothing in one that does not."""

import numpy as np
import pytest

from detente.checkpoint import Checkpoint
from detente.errors import InputError
from detente.evaluation.behaviour import bias
from detente.evaluation.behaviour import sections as probes_sections
from detente.evaluation.behaviour.voices import only_voice, put
from detente.models.majority import Majority
from detente.records import Statement
from detente.tasks import Task


def deaf(statements):
    """A model that hears a part of the claim only."""
    cooperative = np.array(["again" in s.text for s in statements])
    return {"stance": np.where(cooperative[:, None], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1])}


def listening(statements):
    """A model that takes Moscow for skeptical, and reads the holder's column."""
    voiced = [s.text.startswith(("Moscow", "Mosca", "Москва")) or "Russian" in s.holder for s in statements]
    return {"stance": np.where(np.array(voiced)[:, None], [0.1, 0.8, 0.1], [0.7, 0.2, 0.1])}


STATEMENTS = [
    Statement(text=f"The sanctions on titanium must go, {who} said.", lang="en", id=str(i), holder=who)
    for i, who in enumerate(["the senator", "a minister", "Mr John Smith", "the ambassador"])
]


def test_a_deaf_model_shows_nothing(stance):
    found = bias.run([stance], deaf, STATEMENTS)
    assert {of["on"] for of in found} == {"templates", "statements", "holder column"}
    for of in found:
        assert of["all"]["flips"]["failures"] == 0
        assert of["clear"] == []
        assert all(shift["value"] == 0 for shift in of["all"]["shift"].values())


def test_a_model_that_listens_to_moscow_is_found_out(stance):
    found = {(of["swap"], of["on"]): of for of in bias.run([stance], listening, STATEMENTS)}
    moved = found["capital: Moscow -> Washington", "templates"]
    assert moved["all"]["flips"]["rate"]["value"] == 1
    assert moved["all"]["shift"]["skeptical"]["value"] == pytest.approx(-0.6)
    assert set(moved["clear"]) == {"cooperative", "skeptical"}
    assert set(moved["by_lang"]) == {"en", "it", "ru"}
    assert moved["examples"][0]["predicted"] == ["skeptical", "cooperative"]
    assert found["name: Russian -> American", "templates"]["all"]["flips"]["failures"] == 0
    assert found["speaker: Russia -> United States", "holder column"]["all"]["flips"]["failures"] > 0
    assert "capital: Moscow -> Washington, templates" in bias.table(list(found.values()))


def test_holm_names_the_shift_that_is_there_and_no_other(stance):
    def noisy(statements):
        rows = []
        for s in statements:
            noise = (hash_of(s.text) % 1000) / 1e4
            more = 0.2 if "Washington" in s.text.split(" ")[0] else 0.0
            rows.append([0.3 + more + noise, 0.4 - more - noise, 0.3])
        return {"stance": np.array(rows)}

    found = bias.run([stance], noisy, [])
    clear = {(of["swap"], label) for of in found for label in of["clear"]}
    swap = "capital: Moscow -> Washington"
    assert {(swap, "cooperative"), (swap, "skeptical")} <= clear
    assert all(name == swap for name, _ in clear)


def hash_of(text):
    import hashlib

    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


@pytest.mark.parametrize(
    ("lang", "text", "voice"),
    [
        ("en", "The deal is sound, the American ambassador said.", "the American ambassador"),
        ("en", "A congressman warned that imports of Russian oil must end.", "A congressman"),
        ("it", "Il divieto deve restare, ha detto il senatore Mario Rossi.", "il senatore Mario Rossi"),
        ("ru", "Запрет должен остаться, сказал американский сенатор.", "американский сенатор"),
        ("en", "We will buy it, the ambassador said.", None),
        ("ru", "Запрет должен остаться, сказала министр.", None),
        ("en", "Russia sold 40 tonnes of palladium in May.", None),
        ("de", "Das Verbot muss bleiben, sagte der Senator.", None),
    ],
)
def test_the_one_voice_of_a_statement(lang, text, voice):
    found = only_voice(Statement(text=text, lang=lang))
    assert (text[found.start : found.end] if found else None) == voice


def test_another_voice_begins_with_a_capital_where_the_sentence_does():
    statement = Statement(text="A congressman warned that imports of Russian oil must end.", lang="en")
    assert put(statement.text, only_voice(statement), "the minister").startswith("The minister warned")


def test_mean_shift_is_the_t_interval_and_minds_clusters():
    from scipy import stats

    change = np.random.default_rng(1).normal(0.1, 0.2, 40)
    alone = bias.mean_shift(change, [str(i) for i in range(40)])
    expected = stats.ttest_1samp(change, 0).confidence_interval()
    assert (alone["low"], alone["high"]) == pytest.approx((expected.low, expected.high))
    alike = bias.mean_shift(np.repeat(change[:10], 4), [str(i // 4) for i in range(40)])
    ten = stats.ttest_1samp(change[:10], 0).confidence_interval()
    assert (alike["low"], alike["high"]) == pytest.approx((ten.low, ten.high))
    assert bias.mean_shift(change, ["a"] * 40)["high"] is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('slot = "capital"', 'slot = "capitol"', "line 24: the frame in en does not hold {capitol}"),
        ('before = "ru"', 'before = "su"', "asks for a form"),
        ('name = "a"', 'nmae = "a"', 'line 24: "nmae" is no key here; did you mean "name"'),
        ("[claims]", "[claim]", 'line 1: "claim" is no key here'),
        ('en = "{capital}', 'xx = "{capital}', 'the frame is in "xx"'),
    ],
)
def test_swaps_that_cannot_be_used_are_named(tmp_path, stance, old, new, message):
    text = "\n" * 10 + (
        '[tasks]\nstance = ["cooperative", "skeptical", "neutral"]\n\n[claims]\nen = ["it works"]\n\n\n'
        '[[slots.en.capital]]\nus = "Washington"\nru = "Moscow"\n\n\n\n'
        '[[swap]]\nname = "a"\nslot = "capital"\nbefore = "ru"\nafter = "us"\n'
        '[swap.frame]\nen = "{capital} says that {claim}."\n'
    )
    path = tmp_path / "swaps.toml"
    path.write_text(text)
    assert bias.run([stance], deaf, [], folder=str(tmp_path))
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError) as raised:
        bias.run([stance], deaf, [], folder=str(tmp_path))
    assert message in str(raised.value)
    assert "swaps.toml" in str(raised.value)


def test_sections_are_on_for_the_shipped_tasks_and_off_for_others(stance, tmp_path):
    def sections(task, family="linear", **given):
        model = Majority((task,), {task.name: np.full(len(task.labels), 1 / len(task.labels))})
        saved = Checkpoint(family=family, classifier=model, temperatures={})
        settings = {"suites": "auto", "swaps": "auto"} | given
        return probes_sections.measure(saved, STATEMENTS, seed=0, **settings)

    made, texts = sections(stance)
    assert set(made) == {"probes", "bias"}
    assert len(texts) == 2
    assert "triplets" in made["probes"]
    assert sections(stance, suites=False, swaps=False) == ({}, [])
    assert sections(stance, family="finetune") == ({}, [])
    assert set(sections(stance, family="finetune", suites=True)[0]) == {"probes"}
    assert sections(Task(name="favor_against", labels=("favor", "against"))) == ({}, [])
    with pytest.raises(InputError, match="is no folder"):
        sections(stance, suites=str(tmp_path / "none"))
