"""Labelling functions and the label model: coverage and accuracy counted, good functions believed, silence heard."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InputError, UsageError
from detente.labelling import functions, label_model, rules
from detente.labelling.functions import ABSTAIN, Tally
from detente.records import Statement
from detente.seeds import rng
from tests.unit.test_rules import LEXICON, STANCE


@pytest.fixture
def lexicons(tmp_path):
    path = tmp_path / "en.toml"
    path.write_text(LEXICON, encoding="utf-8")
    return {"en": rules.load_lexicon(path)}


def made(texts):
    return [Statement(text=t, lang="en", labels={"stance": label} if label else {}) for t, label in texts]


def test_the_table_counts_coverage_overlaps_conflicts_and_accuracy(lexicons):
    statements = made(
        [
            ("They welcome it.", "cooperative"),
            ("They do not welcome it.", "cooperative"),
            ("A ban, yet they welcome it.", "skeptical"),
            ("A ban, no welcome.", ""),
            ("Nothing.", "neutral"),
        ]
    )
    tally = Tally([STANCE])
    for part in (statements[:2], statements[2:]):
        tally.add(part, functions.votes_of(part, lexicons))
    by_name = {(row["lang"], row["function"]): row for row in tally.rows()}
    pro, ban = by_name["all", "for"], by_name["en", "against"]
    assert (pro["votes"], pro["coverage"], pro["overlaps"], pro["conflicts"]) == (4, 0.8, 0.4, 0.2)
    assert set(pro["polarity"].split("/")) == {"cooperative", "skeptical"}
    assert (pro["gold"], pro["accuracy"]) == (3, pytest.approx(1 / 3))
    assert (ban["votes"], ban["gold"], ban["accuracy"]) == (2, 1, 1.0)


def test_summed_votes_are_those_of_the_rules(statements, stance, sentiment):
    found = functions.votes_of(statements[:40], {})
    ours, theirs = functions.summed(found, [stance, sentiment]), rules.label(statements[:40], [stance, sentiment])
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name])


def simulated(n=400, seed=1, accuracies=(0.9, 0.7, 0.6, 0.4), speak=0.7):
    """Functions of known accuracy that speak on a share of the rows."""
    draw = rng(seed, "votes")
    truth = draw.integers(3, size=n)
    votes = np.full((n, len(accuracies)), ABSTAIN)
    for j, accuracy in enumerate(accuracies):
        right = draw.random(n) < accuracy
        votes[:, j] = np.where(right, truth, (truth + draw.integers(1, 3, size=n)) % 3)
        votes[draw.random(n) > speak, j] = ABSTAIN
    return votes, truth


@pytest.mark.parametrize("how", label_model.JOINS)
def test_good_functions_are_believed(how):
    votes, truth = simulated()
    counts = np.stack([(votes == label).sum(axis=1) for label in range(3)], axis=1)
    majority = (counts.argmax(axis=1) == truth).mean()
    proba = label_model.fit(votes, n_labels=3, how=how, seed=1).join(votes)
    assert (proba.argmax(axis=1) == truth).mean() > majority + 0.02
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_dawid_skene_is_that_of_crowd_kit_where_all_speak():
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    votes, _ = simulated(speak=1.1)
    rows, workers = np.nonzero(votes != ABSTAIN)
    data = pd.DataFrame({"task": rows, "worker": workers, "label": votes[rows, workers]})
    theirs = DawidSkene(n_iter=50, tol=1e-6).fit_predict(data).to_numpy()
    ours = label_model.fit(votes, n_labels=3, how="dawid_skene").join(votes).argmax(axis=1)
    assert (ours == theirs).mean() > 0.98


def test_silence_is_heard_by_dawid_skene_with_gold():
    """Two functions that know one label each, and nobody who says the third."""
    truth = np.arange(300) % 3
    votes = np.full((300, 2), ABSTAIN)
    votes[truth == 0, 0] = 0
    votes[truth == 1, 1] = 1
    model = label_model.fit(votes, n_labels=3, how="dawid_skene", gold=truth)
    assert (model.join(votes).argmax(axis=1) == truth).all()


@given(
    st.lists(st.lists(st.integers(-1, 2), min_size=3, max_size=3), min_size=1, max_size=30),
    st.sampled_from(["weighted", "dawid_skene"]),
)
def test_any_votes_give_probabilities_or_one_sentence(rows, how):
    votes = np.array(rows)
    if (votes == ABSTAIN).all():
        with pytest.raises(InputError, match="no labelling function speaks"):
            label_model.fit(votes, n_labels=3, how=how)
        return
    proba = label_model.fit(votes, n_labels=3, how=how).join(votes)
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


@pytest.mark.parametrize("rows", [[[0, -1, -1]], [[2, 2, -1], [-1, 2, -1]]])
def test_mace_takes_votes_for_one_label_alone(rows):
    proba = label_model.fit(np.array(rows), n_labels=3, how="mace").join(np.array([[0, 1, 2], [-1, -1, -1]]))
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1)


def test_an_unknown_join_and_a_missing_library_are_one_sentence(monkeypatch):
    votes, _ = simulated(n=20)
    with pytest.raises(UsageError, match='did you mean "mace"'):
        label_model.fit(votes, n_labels=3, how="mase")
    monkeypatch.setitem(__import__("sys").modules, "crowdkit.aggregation", None)
    with pytest.raises(UsageError, match=r"pip install 'detente\[labelling\]'"):
        label_model.fit(votes, n_labels=3, how="mace")
