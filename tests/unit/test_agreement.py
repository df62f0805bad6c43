"""Agreement against the krippendorff package and statsmodels; the checks of a corpus."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.corpus import checks
from detente.errors import InputError
from detente.labelling import agreement
from detente.labelling.agreement import Annotation
from detente.records import Statement
from detente.tasks import Task

TASK = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))
ratings = st.lists(st.lists(st.integers(-1, 2), min_size=3, max_size=3), min_size=3, max_size=40)


def annotations(table):
    return [
        Annotation(str(i), f"a{j}", "model", "en", {"stance": TASK.labels[value] if value >= 0 else ""})
        for i, row in enumerate(table)
        for j, value in enumerate(row)
    ]


@given(ratings)
def test_alpha_equals_the_krippendorff_package(table):
    import krippendorff

    usable = [row for row in table if sum(v >= 0 for v in row) >= 2]
    if not usable or len({v for row in usable for v in row if v >= 0}) < 2:
        return
    theirs = krippendorff.alpha(
        reliability_data=np.where(np.array(table).T < 0, np.nan, np.array(table).T.astype(float)),
        level_of_measurement="nominal",
        value_domain=[0, 1, 2],
    )
    ours = agreement.measure(annotations(table), TASK, seed=1)
    assert ours.alpha == pytest.approx(theirs)
    assert ours.units == len(usable)


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), min_size=3, max_size=40))
def test_kappa_equals_statsmodels(table):
    from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

    if len({v for row in table for v in row}) < 2:
        return
    counts = agreement.label_counts(annotations(table), TASK)
    assert agreement.fleiss_kappa(counts) == pytest.approx(fleiss_kappa(aggregate_raters(np.array(table), n_cat=3)[0]))


def test_the_interval_holds_alpha_and_narrows_with_more_statements():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 800)
    table = np.where(rng.random((800, 2)) < 0.85, truth[:, None], rng.integers(0, 3, (800, 2)))
    few, many = (agreement.measure(annotations(table[:n]), TASK, seed=1) for n in (100, 800))
    for found in (few, many):
        assert found.low < found.alpha < found.high
    assert many.high - many.low < few.high - few.low


def test_one_annotator_alone_is_refused():
    with pytest.raises(InputError, match="no statement has stance labels by two annotators"):
        agreement.measure(annotations([[0, -1, -1]]), TASK, seed=1)


def test_near_duplicates_are_found_and_others_are_not():
    base = "the ministry of energy said on monday that exports of titanium to american buyers would go on as before"
    texts = [
        base,
        base.replace("monday", "tuesday"),
        "quite another sentence about rare earths and the arctic route in winter",
    ]
    assert checks.near_duplicates(texts) == [(0, 1)]


def test_leaks_and_duplicates_name_the_culprit():
    rows = [
        Statement(id="a", text="one two three four five", split="train", extra={"scenario": "s"}),
        Statement(id="b", text="One two, three four five!", split="test", extra={"scenario": "s"}),
    ]
    (leak,) = checks.leaks(rows, ["scenario"])
    assert (leak.ok, leak.value) == (False, "1 s")
    held = [replace(row, holder=holder) for row, holder in zip(rows, ("x", "y"), strict=True)]
    (pair,) = checks.leaks(held, ["holder+scenario"])
    assert pair.ok
    (pair,) = checks.leaks([replace(row, holder="x") for row in rows], ["holder+scenario"])
    assert (pair.ok, pair.value) == (False, "1 x / s")
    equal, _, across = checks.duplicates(rows)
    assert (equal.ok, across.ok) == (False, False)
    assert "a ~ b" in across.value


def test_cramers_v_is_zero_for_independence_and_one_for_identity():
    labels = ["a", "b", "c"] * 200
    assert checks.cramers_v(labels, labels) == pytest.approx(1, abs=0.01)
    rng = np.random.default_rng(1)
    assert checks.cramers_v(labels, [str(v) for v in rng.integers(0, 5, 600)]) < 0.1


def test_a_holder_that_gives_the_label_away_is_caught():
    def rows(split):
        return [
            Statement(text=f"text {i}", holder=["us", "ru", "eu"][i % 3] if i % 10 else "x", split=split,
                      labels={"stance": TASK.labels[i % 3]})
            for i in range(120)
        ]  # fmt: skip

    views = {"holder": lambda s: s.holder, "length": checks.length_bin}
    holder, length = checks.partial_models(rows("train"), rows("test"), TASK, views, limit=0.4, seed=1)
    assert (holder.ok, length.ok) == (False, True)
    v = checks.ties(rows("train"), TASK, {"holder": lambda s: s.holder}, limit=0.1)
    assert not v[0].ok


def test_strongest_terms_and_openings():
    rows = [Statement(text=f"Today they ban thing {i}", lang="en", labels={"stance": "skeptical"}) for i in range(30)]
    rows += [
        Statement(text=f"Item {i} will be welcome", lang="en", labels={"stance": "cooperative"}) for i in range(30)
    ]
    terms = checks.strongest_terms(rows, TASK, top=12)
    assert "ban" in {term for term, _, _ in terms["skeptical"]}
    (found,) = checks.openings(rows, limit=0.01)
    assert not found.ok
    assert "today they ban" in found.value
    (found,) = checks.openings([Statement(text=f"One two three {i}.") for i in range(9)], limit=0.01)
    assert found.check == "all: commonest opening"  # rows that bear no language are named too
