"""What to label next: doubt first, turns taken, copies left out, and when to stop."""

import numpy as np
import pytest

from detente.labelling import selection
from tests.conftest import make_statements

TEXTS = [s.text for s in make_statements(60)]
LANGS = [s.lang for s in make_statements(60)]
PROBA = np.tile([[0.9, 0.05, 0.05], [0.4, 0.35, 0.25], [0.5, 0.49, 0.01]], (20, 1))


@pytest.mark.parametrize("strategy", selection.STRATEGIES)
def test_every_strategy_ranks_the_whole_pool_alike_twice(strategy):
    first = selection.rank(strategy, TEXTS, langs=LANGS, proba=[PROBA], seed=1)
    assert sorted(first.order) == list(range(60))
    assert first.order == selection.rank(strategy, TEXTS, langs=LANGS, proba=[PROBA], seed=1).order


def test_entropy_and_margin_put_their_own_doubt_first():
    by_entropy = selection.rank("entropy", TEXTS, langs=LANGS, proba=[PROBA], seed=1).order
    by_margin = selection.rank("margin", TEXTS, langs=LANGS, proba=[PROBA], seed=1).order
    assert {i % 3 for i in by_entropy[:20]} == {1}
    assert {i % 3 for i in by_margin[:20]} == {2}
    assert {i % 3 for i in by_entropy[-20:]} == {0}


def test_balanced_takes_turns_over_languages_and_labels():
    langs = ["en"] * 54 + ["it"] * 6
    proba = np.tile([[0.6, 0.2, 0.2], [0.2, 0.5, 0.3]], (30, 1))
    order = selection.rank("balanced", TEXTS, langs=langs, proba=[proba], seed=1).order
    assert sorted((langs[i], i % 2) for i in order[:12]) == sorted([("en", 0), ("en", 1), ("it", 0), ("it", 1)] * 3)


def test_density_takes_each_kind_of_text_before_a_second_of_one():
    kinds = ["uranium from {} mines", "the {} fish quota of the bay", "a pipeline {} under the sea"]
    texts = [kinds[i % 3].format(f"number {i}") for i in range(60)]
    order = selection.rank("density", texts, langs=["en"] * 60, seed=1).order
    assert {i % 3 for i in order[:3]} == {0, 1, 2}


def test_copies_of_what_is_chosen_or_labelled_are_left_out():
    texts = [
        "one two three four five six seven eight nine",
        "ONE two three four five six seven eight nine!",
        "other words here",
        "known words stand here",
    ]
    assert selection.without_copies([1, 0, 2, 3], texts, 4, labelled=["Known words stand here."]) == [1, 2]
    assert selection.without_copies([1, 0, 2, 3], texts, 2) == [1, 2]


def test_kappa_is_agreement_beyond_chance():
    assert selection.kappa(["a", "b"] * 5, ["a", "b"] * 5) == 1
    assert selection.kappa(["a"] * 4, ["a"] * 4) == 1
    assert selection.kappa(["a", "a", "b", "b"], ["a", "b", "a", "b"]) == 0
