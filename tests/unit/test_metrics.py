"""Measures against scikit-learn and the literature; intervals against theory."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from detente.errors import InputError
from detente.evaluation import metrics, modules, scoring
from detente.tasks import Task

TASK = Task(name="stance", labels=("favor", "against", "none"), polar=("favor", "against"))
labels = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60)


@given(labels)
def test_points_equal_scikit_learn(pairs):
    gold, predicted = map(np.array, zip(*pairs, strict=True))
    counts = metrics.confusion(gold, predicted, 3)
    found = metrics.points(TASK, counts)
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(gold, predicted))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(gold, predicted, average="macro", zero_division=0))
    polar = sk.f1_score(gold, predicted, labels=[0, 1], average="macro", zero_division=0)
    assert found["f_avg"] == pytest.approx(polar)
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(gold, predicted))
    np.testing.assert_array_equal(counts, sk.confusion_matrix(gold, predicted, labels=[0, 1, 2]))


def random_proba(n, seed=0):
    return np.random.default_rng(seed).dirichlet([1, 1, 1], size=n)


def test_log_loss_equals_scikit_learn():
    gold, proba = np.arange(90) % 3, random_proba(90)
    assert metrics.log_loss(gold, proba) == pytest.approx(sk.log_loss(gold, proba))


def test_ece_is_zero_when_confidence_is_the_hit_rate_and_its_gap_otherwise():
    proba = np.tile([0.8, 0.1, 0.1], (100, 1))
    calibrated = np.array(([0] * 8 + [1] * 2) * 10)
    assert metrics.ece(calibrated, proba) == pytest.approx(0)
    assert metrics.ece(np.ones(100, dtype=int), proba) == pytest.approx(0.8)


def test_modules_of_evaluate_give_the_same_numbers():
    import evaluate

    gold, proba = np.arange(60) % 3, random_proba(60)
    predicted = proba.argmax(axis=1)
    found = evaluate.load(modules.path("stance_scores")).compute(
        predictions=predicted, references=gold, n_labels=3, polar=[0, 1]
    )
    points = metrics.points(TASK, metrics.confusion(gold, predicted, 3))
    assert {k: found[k] for k in points} == pytest.approx({k: float(v) for k, v in points.items()})
    calibration = evaluate.load(modules.path("calibration_scores")).compute(predictions=proba, references=gold)
    assert calibration == pytest.approx({"ece": metrics.ece(gold, proba), "log_loss": metrics.log_loss(gold, proba)})


def test_interval_of_accuracy_is_that_of_the_binomial():
    from statsmodels.stats.proportion import proportion_confint

    gold = np.zeros(400, dtype=int)
    proba = np.where(np.arange(400)[:, None] < 300, [[0.8, 0.1, 0.1]], [[0.1, 0.8, 0.1]])
    found = scoring.score(TASK, gold, proba, seed=1)["accuracy"]
    low, high = proportion_confint(300, 400, method="normal")
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.01)


def test_bootstrap_of_cells_is_the_bootstrap_of_rows():
    rng = np.random.default_rng(5)
    gold = rng.integers(0, 3, 150)
    predicted = np.where(rng.random(150) < 0.7, gold, rng.integers(0, 3, 150))
    proba = np.eye(3)[predicted]
    found = scoring.score(TASK, gold, proba, seed=1, resamples=4000)["macro_f1"]
    drawn = [rng.integers(0, 150, 150) for _ in range(2000)]
    rows = [metrics.macro_f1(metrics.confusion(gold[i], predicted[i], 3)) for i in drawn]
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.percentile(rows, [2.5, 97.5])), abs=0.01)


def test_same_seed_same_interval_and_by_value():
    gold, proba = np.arange(60) % 3, random_proba(60)
    assert scoring.score(TASK, gold, proba, seed=1) == scoring.score(TASK, gold, proba, seed=1)
    by = scoring.score_by(TASK, gold, proba, ["en"] * 30 + ["it"] * 29 + [""], seed=1)
    assert {k: v["n"] for k, v in by.items()} == {"(none)": 1, "en": 30, "it": 29}


@pytest.mark.parametrize(
    ("proba", "reason"),
    [
        (np.array([[0.5, 0.5, 0.0], [np.nan, 0.5, 0.5]]), "row 2: the probabilities of stance are"),
        (np.array([[0.9, 0.9, 0.0]]), "sum to one"),
        (np.array([[0.5, 0.5]]), "3 columns are needed"),
        (np.zeros((0, 3)), "no row with a stance label"),
    ],
)
def test_what_is_no_probability_is_named(proba, reason):
    with pytest.raises(InputError, match=reason):
        scoring.score(TASK, np.zeros(len(proba), dtype=int), proba, seed=1)
