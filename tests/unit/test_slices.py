"""Slices: what is made of columns, the test of a slice against the rest, its correction for many."""

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from detente.errors import UsageError
from detente.evaluation import intervals
from detente.evaluation.slices import difference_of_shares, slice_scores
from detente.records import Statement
from detente.tasks import Task
from tests.unit.test_intervals import simulation

TASK = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))


def rows_of(n=400, weak="ru"):
    """Statements in two languages; half of one is wrong, little of the other."""
    rng = np.random.default_rng(1)
    gold = np.arange(n) % 3
    lang = np.where(np.arange(n) % 4 == 0, weak, "en")
    right = rng.random(n) < np.where(lang == weak, 0.5, 0.9)
    predicted = np.where(right, gold, (gold + 1) % 3)
    statements = [
        Statement(
            id=str(i),
            text="word " * (1 + i % 100),
            lang=str(lang[i]),
            date=f"{1990 + i % 40}-05-01",
            labels={"stance": TASK.labels[gold[i]], "sentiment": ("positive", "negative", "neutral")[i % 2]},
            extra={"hard": '["irony", "hedge"]' if i % 3 else "[]", "one": "same"},
        )
        for i in range(n)
    ]
    return statements, gold, predicted


def sliced(*columns, clusters=None):
    statements, gold, predicted = rows_of()
    return slice_scores(TASK, statements, gold, predicted, columns, seed=1, clusters=clusters)


def test_a_weak_slice_comes_first_and_is_called_worse():
    found = sliced("auto")
    first = found["rows"][0]
    assert (first["column"], first["value"], first["verdict"], first["n"]) == ("lang", "ru", "worse", 100)
    assert first["accuracy"]["value"] == pytest.approx(0.5, abs=0.1)
    assert first["difference"]["high"] < -0.2
    assert found["tested"] == sum(row["p"] is not None for row in found["rows"])
    assert all(row["p_holm"] >= row["p"] for row in found["rows"] if row["p"] is not None)


def test_columns_are_made_and_tags_are_slices_each():
    by_column = {}
    for row in sliced("auto", "year")["rows"]:
        by_column.setdefault(row["column"], {})[row["value"]] = row["n"]
    assert set(by_column) == {"lang", "decade", "length", "hard", "tone", "sentiment", "year"}
    assert by_column["hard"] == {"irony": 266, "hedge": 266, "(none)": 134}
    assert by_column["decade"] == {f"{d}s": 100 for d in (1990, 2000, 2010, 2020)}
    assert set(by_column["tone"]) == {"with the stance", "against it", "tone or stance neutral"}
    assert "over 400 characters" in by_column["length"]
    assert all(row["verdict"] == "too few rows" for row in sliced("year")["rows"])


def test_what_cannot_be_sliced_is_named():
    assert sliced("one")["left_out"] == ["one: all rows have the same value"]
    with pytest.raises(UsageError, match='did you mean "lang"'):
        sliced("lnag")
    with pytest.raises(UsageError, match="the very label"):
        sliced("stance")


def test_the_difference_of_shares_is_that_of_agresti_and_caffo():
    right = np.array([True] * 45 + [False] * 5 + [True] * 60 + [False] * 30)
    inside = np.arange(140) < 50
    found, p = difference_of_shares(right, inside, np.arange(140))
    low, high = confint_proportions_2indep(45, 50, 60, 90, compare="diff", method="agresti-caffo")
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.01)
    assert found["value"] == pytest.approx(45 / 50 - 60 / 90)
    assert p < 0.01


def test_a_slice_of_one_cluster_is_not_tested():
    statements, gold, predicted = rows_of()
    clusters = [s.lang if s.lang == "ru" else s.id for s in statements]
    found = slice_scores(TASK, statements, gold, predicted, ["lang"], seed=1, clusters=clusters)
    assert {row["value"]: row["verdict"] for row in found["rows"]}["ru"] == "too few rows"


@pytest.mark.parametrize("size", [1, 5])
def test_meaningless_slices_are_seldom_flagged(size):
    """A short run of benchmarks/intervals.py: any of thirty slices in at most about one evaluation in twenty."""
    assert simulation().slice_alarms(intervals.rng(4, "test"), 500, size, 150) <= 0.10
