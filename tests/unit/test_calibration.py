"""Calibration: bins, errors and their intervals, the Brier score and its parts, advice."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InputError
from detente.evaluation import metrics
from detente.evaluation.confidence.calibration import calibration, equal_mass
from detente.evaluation.confidence.proportions import clopper_pearson, wilson
from detente.tasks import Task

TASK = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))


def drawn(n, *, seed=0, excess=0.0):
    """Gold labels and probabilities; the first label is claimed `excess` surer than it comes true."""
    draw = np.random.default_rng(seed)
    true = draw.dirichlet([1.0, 1.0, 1.0], n)
    gold = (draw.random((n, 1)) > np.cumsum(true, axis=1)).sum(axis=1)
    claimed = np.clip(true + excess * np.eye(3)[true.argmax(axis=1)], 1e-6, None)
    return gold, claimed / claimed.sum(axis=1, keepdims=True)


def test_wilson_and_clopper_pearson_are_those_of_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    for hits, n in ((0, 7), (3, 7), (7, 7), (40, 1000)):
        assert wilson(hits, n) == pytest.approx(proportion_confint(hits, n, method="wilson"), abs=1e-12)
        assert clopper_pearson(hits, n) == pytest.approx(proportion_confint(hits, n, method="beta"), abs=1e-12)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_brier_score_is_that_of_scikit_learn_and_its_parts_add_up():
    from sklearn.metrics import brier_score_loss

    gold, proba = drawn(400)
    of = calibration(TASK, gold, proba, seed=1)["brier"]
    by_label = [brier_score_loss(gold == k, proba[:, k]) for k in range(3)]
    assert of["value"] == pytest.approx(sum(by_label))
    assert of["value"] == pytest.approx(
        of["reliability"] - of["resolution"] + of["uncertainty"] + of["within_bins"], abs=1e-12
    )
    assert of["low"] < of["value"] < of["high"]


def test_murphys_parts_on_forecasts_that_take_few_values():
    # Ten bins of 30 rows in which a forecast takes one value: nothing is lost by binning.
    forecast = np.repeat(np.linspace(0.05, 0.95, 10), 30)
    proba = np.stack([forecast, 1 - forecast], axis=1)
    gold = (np.arange(300) % 30 >= np.repeat(np.arange(10) * 3, 30)).astype(int)
    task = Task(name="x", labels=("yes", "no"))
    of = calibration(task, gold, proba, seed=1)["brier"]
    shares = np.arange(10) * 3 / 30
    assert of["reliability"] == pytest.approx(2 * np.mean((np.linspace(0.05, 0.95, 10) - shares) ** 2))
    assert of["resolution"] == pytest.approx(2 * np.mean((shares - shares.mean()) ** 2))
    assert of["uncertainty"] == pytest.approx(2 * shares.mean() * (1 - shares.mean()))
    assert of["within_bins"] == pytest.approx(0, abs=1e-12)


def test_bins_hold_all_rows_and_the_error_agrees_with_the_table():
    gold, proba = drawn(333)
    of = calibration(TASK, gold, proba, seed=1)
    assert sum(b["n"] for b in of["bins"]) == of["n"] == 333
    assert max(b["n"] for b in of["bins"]) - min(b["n"] for b in of["bins"]) <= 1
    assert all(a["high"] <= b["low"] for a, b in pairwise(of["bins"]))
    assert all(b["share_low"] <= b["share"] <= b["share_high"] for b in of["bins"])
    assert of["ece"]["value"] == pytest.approx(metrics.ece(gold, proba))
    again = sum(b["n"] * abs(b["mean"] - b["share"]) for b in of["bins"]) / 333
    assert of["ece"]["value"] == pytest.approx(again)
    assert of["classwise_ece"] == pytest.approx(np.mean([part["ece"] for part in of["labels"].values()]))


def test_the_interval_of_the_error_holds_the_truth():
    """A classifier surer than right by 0.08 on every row: the population's error is 0.08."""
    covered = flagged = calm = 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        sure = 0.45 + 0.5 * draw.random(500)
        proba = np.stack([sure, 1 - sure], axis=1)[:, [0, 1]]
        proba = np.where(sure[:, None] >= 0.5, proba, proba[:, ::-1])
        task, top = Task(name="x", labels=("a", "b")), proba.max(axis=1)
        over = calibration(task, (draw.random(500) > top - 0.08).astype(int) ^ proba.argmax(axis=1), proba, seed=seed)
        even = calibration(task, (draw.random(500) > top).astype(int) ^ proba.argmax(axis=1), proba, seed=seed)
        covered += over["ece"]["low"] <= 0.08 <= over["ece"]["high"]
        flagged += over["ece"]["value"] > over["ece_if_calibrated"]
        calm += even["ece"]["low"] == 0 and even["ece"]["value"] <= even["ece_if_calibrated"]
    assert covered >= 0.92 * 60
    assert flagged > 0.7 * 60
    assert calm > 0.85 * 60


def test_a_language_that_is_off_gets_advice_and_a_small_one_no_diagram():
    gold, proba = drawn(400, seed=3)
    off, claimed = drawn(300, seed=4, excess=0.3)
    languages = ["en"] * 400 + ["ru"] * 300 + ["uk"] * 20
    few, small = drawn(20, seed=5)
    of = calibration(
        TASK, np.concatenate([gold, off, few]), np.concatenate([proba, claimed, small]), languages=languages, seed=1
    )
    assert of["by_lang"].keys() == {"en", "ru"}
    assert of["by_lang"]["ru"]["gap"]["low"] > 0
    assert any(line.startswith("stance, ru: surer than it is right by") for line in of["advice"])
    assert not any(line.startswith("stance, en") for line in of["advice"])
    assert calibration(TASK, gold, proba, languages=["en"] * 400, seed=1)["advice"] == []


@given(st.integers(1, 40), st.integers(0, 5), st.booleans())
def test_any_rows_give_finite_numbers_within_their_range(n, seed, certain):
    gold, proba = drawn(n, seed=seed)
    if certain:
        proba = np.eye(3)[gold]
    of = calibration(TASK, gold, proba, languages=["en"] * n, seed=1)
    for part in (of["ece"], of["gap"], of["brier"]):
        assert np.isfinite([part["value"], part["low"], part["high"]]).all()
        assert part["low"] <= part["value"] <= part["high"]
    assert of["ece"]["low"] >= 0
    assert of["ece"]["high"] <= 1
    if certain and n < 20:
        assert of["ece"]["high"] > 0.1, "a few right rows prove nothing"
    assert sorted(np.concatenate(equal_mass(proba[:, 0])).tolist()) == list(range(n))


def test_what_is_no_probability_is_refused():
    with pytest.raises(InputError, match="sum to one"):
        calibration(TASK, np.array([0]), np.array([[0.9, 0.9, 0.9]]), seed=1)
