"""Intervals and scores: against closed forms and published examples, by simulation, and where rows are few."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.proportion import proportion_confint

from detente.errors import UsageError
from detente.evaluation import intervals, metrics, scoring
from detente.evaluation.clusters import clusters_of
from detente.records import Statement
from detente.tasks import Task

TASK = Task(name="stance", labels=("favor", "against", "none"), polar=("favor", "against"))


def simulation():
    """The script behind the figures of docs/evaluation.md."""
    path = Path(__file__).parents[2] / "benchmarks" / "intervals.py"
    spec = importlib.util.spec_from_file_location("simulation", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ones(predicted):
    return np.eye(3)[np.asarray(predicted)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_precision_recall_and_f1_of_labels_equal_scikit_learn(pairs):
    gold, predicted = map(np.array, zip(*pairs, strict=True))
    counts = metrics.confusion(gold, predicted, 3)
    expected = sk.precision_recall_fscore_support(gold, predicted, labels=[0, 1, 2], zero_division=0)
    found = metrics.precision_by_label(counts), metrics.recall_by_label(counts), metrics.f1_by_label(counts)
    np.testing.assert_allclose(found, expected[:3])


def test_mcc_of_many_matrices_is_that_of_each_and_of_a_published_example():
    counts = np.random.default_rng(1).integers(0, 30, (20, 3, 3))
    np.testing.assert_allclose(metrics.mcc(counts), [metrics.mcc(one) for one in counts])
    # Chicco & Jurman (2020), use case A1: TP 90, FN 1 of 91; TN 0, FP 9.
    assert metrics.mcc(np.array([[90, 1], [9, 0]])) == pytest.approx(-0.03, abs=0.005)
    assert metrics.mcc(np.array([[5, 0], [0, 0]])) == 0


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=40),
    st.booleans(),
)
def test_every_interval_holds_its_value_and_stays_in_range(rows, clustered):
    gold, predicted, clusters = map(np.array, zip(*rows, strict=True))
    names = [str(c) for c in clusters] if clustered else None
    found = scoring.score(TASK, gold, ones(predicted) * 0.7 + 0.1, seed=1, clusters=names, resamples=60)
    every = [found[name] for name in ("accuracy", "macro_f1", "f_avg", "mcc", "ece", "log_loss")]
    every += [of[name] for of in found["labels"].values() for name in ("precision", "recall", "f1")]
    for each in every:
        if each["low"] is None:
            assert each["high"] is None
            continue
        assert each["low"] - 1e-9 <= each["value"] <= each["high"] + 1e-9
    if found["accuracy"]["low"] is not None:
        assert 0 <= found["accuracy"]["low"] < found["accuracy"]["high"] <= 1  # never certain


def test_a_perfect_score_is_not_certain_and_comes_close_to_the_exact_interval():
    for n in (20, 200):
        gold = np.arange(n) % 3
        found = scoring.score(TASK, gold, ones(gold), seed=1, only_labels=True)
        exact, _ = proportion_confint(n, n, method="beta")
        assert found["accuracy"]["high"] == 1
        assert found["accuracy"]["low"] == pytest.approx(exact, abs=0.5 / n + 0.02)
        assert found["macro_f1"]["low"] < 1


def test_accuracy_has_about_the_interval_of_wilson():
    gold = np.zeros(150, dtype=int)
    gold[:75] = 1
    predicted = np.where(np.arange(150) % 5 == 0, 2, gold)
    found = scoring.score(TASK, gold, ones(predicted), seed=1)["accuracy"]
    low, high = proportion_confint(120, 150, method="wilson")
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.012)


@pytest.mark.parametrize(
    ("gold", "names", "reason"),
    [
        ([0], None, "one label only"),
        ([0, 0, 0, 0, 0, 0], None, "one label only"),
        ([0, 1, 2, 0, 1, 2], ["a"] * 6, "all rows are of one cluster"),
        ([0, 1, 2, 0, 1, 2], ["a"] * 3 + ["b"] * 3, "only 2 clusters"),
        ([0, 1, 0, 1, 0, 1], None, "no row is none in gold"),
    ],
)
def test_rows_that_allow_no_interval_say_so(gold, names, reason):
    gold = np.array(gold)
    found = scoring.score(TASK, gold, ones(gold), seed=1, clusters=names)
    assert reason in found["note"]
    if "one label" in reason:
        assert found["macro_f1"] == {"value": 1.0, "low": None, "high": None}
        assert found["labels"]["none"]["recall"]["low"] is None
    if names and len(set(names)) == 1:
        assert found["accuracy"]["low"] is None
    if names and len(set(names)) == 2:
        assert found["accuracy"]["low"] < 0.2  # two clusters say next to nothing


def test_without_probabilities_there_is_no_calibration():
    found = scoring.score(TASK, np.arange(9) % 3, ones(np.arange(9) % 3), seed=1, only_labels=True)
    assert (found["ece"], found["log_loss"]) == (None, None)


def test_the_bootstrap_of_few_kinds_and_of_many_give_the_same_spread():
    rng = np.random.default_rng(3)
    few = rng.integers(0, 2, (400, 1)).astype(float)
    many = few + rng.normal(0, 1e-9, (400, 1))  # the same units, all different
    one, other = (intervals.resample(units, seed=1, resamples=4000).std() for units in (few, many))
    expected = few.std() * 20
    assert one == pytest.approx(expected, rel=0.05)
    assert other == pytest.approx(expected, rel=0.05)


def test_clusters_widen_the_interval_as_the_design_effect_says():
    """Rows that are copies of each other in tens are worth a tenth of as many."""
    rng = np.random.default_rng(2)
    gold, right = np.repeat(rng.integers(0, 3, 60), 10), np.repeat(rng.random(60) < 0.7, 10)
    predicted = np.where(right, gold, (gold + 1) % 3)
    names = [str(i // 10) for i in range(600)]
    alone = scoring.score(TASK, gold, ones(predicted), seed=1)["accuracy"]
    together = scoring.score(TASK, gold, ones(predicted), seed=1, clusters=names)["accuracy"]
    ratio = (together["high"] - together["low"]) / (alone["high"] - alone["low"])
    assert ratio == pytest.approx(10**0.5, rel=0.12)


def test_few_units_widen_by_students_t():
    assert intervals.widening(10) == pytest.approx(stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975) * (10 / 9) ** 0.5)
    assert intervals.widening(10_000) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("balance", ["even", "80/15/5"])
@pytest.mark.parametrize("size", [1, 5])
def test_intervals_cover(balance, size):
    """A short run of benchmarks/intervals.py; 300 repetitions see 95% as 92% to 98%."""
    script = simulation()
    found = script.coverage(intervals.rng(1, "test"), script.BALANCES[balance], 0.75, 200, 300, size)
    assert all(0.92 <= share <= 0.98 for share in found.values()), found


def test_ece_and_log_loss_cover_and_a_calibrated_model_is_not_called_off():
    script = simulation()
    ece, loss = script.calibration_coverage(intervals.rng(1, "test"), 1.0, 200, 200)
    assert ece >= 0.91
    assert loss >= 0.89


def statement(i, **more):
    return Statement(id=str(i), text=f"text {i}", **more)


def test_clusters_are_scenarios_else_documents_else_nothing():
    with_scenario = [statement(i, extra={"scenario": f"s{i // 2}"}, doc_id=f"d{i}") for i in range(6)]
    assert len(set(clusters_of(with_scenario, "auto"))) == 3
    with_document = [statement(i, doc_id=f"d{i // 3}") for i in range(6)]
    assert len(set(clusters_of(with_document, "auto"))) == 2
    assert clusters_of([statement(i) for i in range(6)], "auto") is None
    assert clusters_of(with_scenario, "none") is None
    assert clusters_of(with_scenario, "doc_id") is None  # every document has one
    with pytest.raises(UsageError, match='did you mean "scenario"'):
        clusters_of(with_scenario, "scenarios")
