"""Paired tests: exact forms, published examples, false positives, power, seeds, tiers."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from detente.evaluation import intervals, paired, rankings, spread
from detente.evaluation.slices import holm
from detente.tasks import Task
from tests.unit.test_intervals import simulation

TASK = Task(name="stance", labels=("favor", "against", "none"))


def entrant(name, *predicted):
    return paired.Entrant(name=name, predicted=[np.asarray(p) for p in predicted])


def test_mcnemar_equals_statsmodels_and_the_binomial():
    rng = np.random.default_rng(1)
    for _ in range(10):
        first, second = rng.random((2, 80)) < 0.7
        found = paired.mcnemar(first, second)
        b, c = found["first_only"], found["second_only"]
        assert found["p"] == pytest.approx(their_mcnemar([[0, b], [c, 0]], exact=True).pvalue)
        assert found["p"] == pytest.approx(stats.binomtest(b, b + c).pvalue)
    assert paired.mcnemar(first, first) == {"first_only": 0, "second_only": 0, "p": 1.0, "effect": 0.0}


def test_randomisation_equals_all_swaps_where_they_can_be_counted():
    gold = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    one, other = gold.copy(), np.array([1, 1, 0, 0, 2, 2, 1, 0])
    macro = lambda p: float(paired.metrics.macro_f1(paired.metrics.confusion(gold, p, 3)))  # noqa: E731
    seen, as_much = abs(macro(one) - macro(other)), 0
    for bits in range(256):
        swap = np.array([bits >> i & 1 for i in range(8)], dtype=bool)
        as_much += abs(macro(np.where(swap, other, one)) - macro(np.where(swap, one, other))) >= seen - 1e-12
    p = paired.randomisation(TASK, gold, one, other, np.arange(8), seed=1, rounds=20_000)
    assert p == pytest.approx(as_much / 256, abs=0.01)


def test_holm_equals_statsmodels():
    p_values = np.random.default_rng(1).random(12) ** 3
    np.testing.assert_allclose(holm(list(p_values)), multipletests(p_values, method="holm")[1])


@pytest.mark.parametrize(("size", "balance"), [(1, "80/15/5"), (5, "even")])
def test_equals_are_called_different_about_one_time_in_twenty(size, balance):
    """A short run of benchmarks/intervals.py; 150 repetitions see 5% as 1% to 10%."""
    script = simulation()
    found = script.false_positives(intervals.rng(2, "test"), script.BALANCES[balance], 0.75, 200, size, 150)
    assert 0.01 <= found[0] <= 0.10
    assert found[1] <= 0.10
    assert 0.90 <= found[2] <= 0.99


def test_the_number_of_statements_asked_for_gives_the_power_promised():
    script = simulation()
    needed, told = script.power(intervals.rng(3, "test"), (0.70, 0.77), 200)
    assert 100 < needed < 2000
    assert 0.71 <= told <= 0.89


def test_no_number_of_statements_makes_up_for_seeds_or_for_no_difference():
    assert paired.more_needed(0.0, 0.01, 0.0, 500) is None
    assert paired.more_needed(0.01, 0.01, 0.02, 500) is None
    assert paired.more_needed(0.10, 0.01, 0.0, 500) == 0
    assert paired.more_needed(0.01, 0.01, 0.0, 500) == pytest.approx(500 * 2.8016**2 - 500, rel=0.01)


def test_the_better_comes_first_and_clusters_are_swapped_whole():
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 3, 300)
    good = np.where(rng.random(300) < 0.9, gold, (gold + 1) % 3)
    bad = np.where(rng.random(300) < 0.5, gold, (gold + 1) % 3)
    pair = paired.compare_pair(TASK, gold, entrant("bad", bad), entrant("good", good), np.arange(300), seed=1)
    assert (pair["first"], pair["second"], pair["tied"]) == ("good", "bad", False)
    assert pair["macro_f1"]["low"] > 0.25
    halves = paired.compare_pair(TASK, gold, entrant("bad", bad), entrant("good", good), np.arange(300) // 150, seed=1)
    assert halves["p"] == pytest.approx(0.5, abs=0.02)  # of two clusters' four swaps, two do as much
    assert halves["tied"]


def test_equal_runs_are_tied_and_not_equal_for_certain():
    gold = np.arange(30) % 3
    pair = paired.compare_pair(TASK, gold, entrant("a", gold), entrant("b", gold), np.arange(30), seed=1)
    assert (pair["p"], pair["tied"], pair["more_needed"]) == (1.0, True, None)
    assert pair["macro_f1"]["low"] < 0 < pair["macro_f1"]["high"]


def test_seeds_are_pooled_and_their_spread_counts():
    rng = np.random.default_rng(5)
    gold = rng.integers(0, 3, 400)

    def at(rate):
        return np.where(rng.random(400) < rate, gold, (gold + 1) % 3)

    steady, shaky = (
        entrant("steady", *(at(0.75) for _ in range(4))),
        entrant("shaky", *(at(r) for r in (0.55, 0.9, 0.6, 0.7))),
    )
    pair = paired.compare_pair(TASK, gold, steady, shaky, np.arange(400), seed=1)
    assert pair["mcnemar"] is None
    assert "seeds" in pair["test"]
    assert pair["tied"]


def test_over_seeds_gives_students_interval():
    values = [0.70, 0.72, 0.71, 0.75]
    found = spread.over_seeds(values, [1, 2, 3, 4], np.random.default_rng(1).normal(0.72, 0.02, 4000), units=1000)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found["training"]["low"], found["training"]["high"]) == pytest.approx((low, high))
    assert found["both"]["high"] - found["both"]["low"] > 2 * 1.96 * 0.0199
    assert (found["least"], found["most"], found["seeds"]) == (0.70, 0.75, [1, 2, 3, 4])


def test_tiers_hold_the_first_and_all_that_are_tied_with_it():
    def pair(first, second, tied):
        return {"first": first, "second": second, "tied": tied}

    pairs = [pair("a", "b", True), pair("a", "c", False), pair("b", "c", True)]
    assert rankings.tiers(["a", "b", "c"], pairs) == [["a", "b"], ["c"]]
