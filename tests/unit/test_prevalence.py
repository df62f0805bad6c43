"""Prevalence: the estimators against their libraries and formulas, coverage, the verb and its mistakes."""

import csv
import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from detente import cli
from detente.evaluation.shares.prevalence import adjusted_count, naive, prediction_powered, to_simplex

LABELS = ("cooperative", "skeptical", "neutral")
ONE_HOT = np.eye(3)


def population(n, shares, draw):
    """(labels, probabilities): a classifier that is calibrated where the labels are even."""
    labels = draw.choice(3, size=n, p=shares)
    scores = 1.4 * draw.normal(size=(n, 3))
    scores[np.arange(n), labels] += 2.0
    raised = np.exp(scores)
    return labels, raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("power", [None, 1.0, 0.0, 0.4])
@pytest.mark.parametrize("hard", [False, True])
def test_prediction_powered_shares_are_those_of_ppi_python(power, hard):
    import ppi_py

    labels, proba = population(2300, (0.5, 0.3, 0.2), np.random.default_rng(1))
    proba = ONE_HOT[proba.argmax(axis=1)] if hard else proba
    gold, ours, rest = ONE_HOT[labels[:300]], proba[:300], proba[300:]
    found = prediction_powered(gold, ours, rest, power=power)
    assert found.value == pytest.approx(ppi_py.ppi_mean_pointestimate(gold, ours, rest, lam=power), abs=1e-9)
    low, high = ppi_py.ppi_mean_ci(gold, ours, rest, alpha=0.05, lam=found.power)
    # Theirs is the normal interval, ours Student's: 0.4% wider at 300 rows.
    assert (found.high - found.low) / (high - low) == pytest.approx(1.968 / 1.960, abs=1e-3)


def test_the_power_is_that_of_the_library_and_falls_to_gold_alone_for_worthless_predictions():
    import ppi_py

    draw = np.random.default_rng(2)
    labels, proba = population(2200, (0.4, 0.4, 0.2), draw)
    worthless = ONE_HOT[draw.integers(0, 3, 2200)]
    mixed = 0.3 * ONE_HOT[labels] + 0.7 * worthless
    for predicted in (proba, mixed):
        found = prediction_powered(ONE_HOT[labels[:200]], predicted[:200], predicted[200:])
        assert 0 < found.power <= 1
        library = ppi_py.ppi_mean_pointestimate(ONE_HOT[labels[:200]], predicted[:200], predicted[200:])
        assert found.value == pytest.approx(library, abs=1e-9)
    useless = prediction_powered(ONE_HOT[labels[:200]], worthless[:200], worthless[200:])
    assert useless.power < 0.15
    everything = prediction_powered(ONE_HOT[labels], proba, proba[:0])
    assert everything.value == pytest.approx(np.bincount(labels) / 2200)


def test_two_labels_are_adjusted_as_rogan_and_gladen_do():
    # Sensitivity 0.8, specificity 0.9, 40% counted: (0.4 + 0.9 - 1) / (0.8 + 0.9 - 1).
    gold = np.repeat([1, 0], 100)
    predicted = np.concatenate([np.repeat([1, 0], [80, 20]), np.repeat([0, 1], [90, 10])])
    found = adjusted_count(np.repeat([1, 0], [400, 600]), gold, predicted, labels=2, seed=1)
    assert found.value[1] == pytest.approx(0.3 / 0.7)
    # The interval of the delta method (Rogan & Gladen 1978, equation 4).
    share, sensitivity, specificity = found.value[1], 0.8, 0.9
    variance = (
        0.4 * 0.6 / 1000
        + share**2 * sensitivity * (1 - sensitivity) / 100
        + (1 - share) ** 2 * specificity * (1 - specificity) / 100
    ) / 0.7**2
    assert (found.high[1] - found.low[1]) / 2 == pytest.approx(1.96 * variance**0.5, rel=0.08)


def test_confusion_that_cannot_be_inverted_gives_nothing():
    everyone = np.arange(90) % 3
    assert adjusted_count(everyone, everyone, np.zeros(90, dtype=int), labels=3, seed=1) is None
    assert adjusted_count(everyone, everyone % 2, everyone % 2, labels=3, seed=1) is None


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
def test_the_simplex_is_reached_at_its_nearest_point(values):
    point = np.array(values)
    found = to_simplex(point)
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()
    draw = np.random.default_rng(1)
    others = draw.dirichlet(np.ones(len(values)), 200)
    assert ((others - point) ** 2).sum(axis=1).min() >= ((found - point) ** 2).sum() - 1e-9


@given(st.integers(1, 40), st.integers(0, 60), st.integers(0, 99))
def test_any_sample_gives_shares(n, rest, seed):
    draw = np.random.default_rng(seed)
    labels, proba = population(n + rest, (0.8, 0.15, 0.05), draw)
    for power in (None, 1.0, 0.0):
        found = prediction_powered(ONE_HOT[labels[:n]], proba[:n], proba[n:], power=power)
        if n > 1:
            assert np.isfinite([found.low, found.value, found.high]).all()
            assert found.value.sum() == pytest.approx(1)
            assert (found.low >= 0).all()
            assert (found.low <= found.value).all()
            assert (found.value <= found.high).all()
            assert (found.high <= 1).all()


def test_corrected_intervals_hold_the_truth_where_shares_have_shifted_and_counts_do_not():
    shares = np.array([0.6, 0.3, 0.1])
    draw, runs = np.random.default_rng(3), 150
    hits = dict.fromkeys(("naive", "adjusted", "PPI", "PPI++"), 0.0)
    for seed in range(runs):
        labels, proba = population(2000, shares, draw)
        gold, predicted = labels[:200], proba.argmax(axis=1)
        found = {
            "naive": naive(predicted, 3),
            "adjusted": adjusted_count(predicted, gold, predicted[:200], labels=3, seed=seed),
            "PPI": prediction_powered(ONE_HOT[gold], proba[:200], proba[200:], power=1.0),
            "PPI++": prediction_powered(ONE_HOT[gold], proba[:200], proba[200:]),
        }
        for name, of in found.items():
            hits[name] += ((of.low <= shares) & (shares <= of.high)).mean() / runs
    assert hits["naive"] < 0.5
    for name in ("adjusted", "PPI", "PPI++"):
        assert 0.92 <= hits[name] <= 0.99, hits  # 95%, and two standard errors of the simulation


def test_weights_undo_a_sample_that_prefers_a_label():
    """Rows predicted to be of the rarest label are chosen four times as often; without weights the interval misses."""
    shares = np.array([0.6, 0.3, 0.1])
    draw, runs = np.random.default_rng(4), 150
    weighted = plain = 0.0
    for _ in range(runs):
        labels, proba = population(2000, shares, draw)
        chance = np.where(proba.argmax(axis=1) == 2, 0.32, 0.08)
        chosen = draw.random(2000) < chance
        arguments = (ONE_HOT[labels[chosen]], proba[chosen], proba[~chosen])
        with_weights = prediction_powered(*arguments, weights=1 / chance[chosen])
        without = prediction_powered(*arguments, power=0.0)
        weighted += ((with_weights.low <= shares) & (shares <= with_weights.high)).mean() / runs
        plain += ((without.low <= shares) & (shares <= without.high)).mean() / runs
    assert 0.92 <= weighted <= 0.99, (weighted, plain)
    assert plain < 0.9, plain


@pytest.fixture
def prevalence(tmp_path, monkeypatch, capsys):
    """`detente prevalence` on predictions made here, in this process; returns (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(5)
    labels, proba = population(900, (0.6, 0.3, 0.1), draw)
    rows = [
        {"id": f"s{i}", "text": "x", "date": f"2025-{1 + i // 6 % 6:02d}-0{1 + i % 9}", "side": ("us", "russia")[i % 2]}
        | {"stance": LABELS[p.argmax()]}
        | {f"stance_{label}": float(p[k]) for k, label in enumerate(LABELS)}
        for i, p in enumerate(proba)
    ]
    write(tmp_path / "pred.csv", rows)
    write(tmp_path / "gold.csv", [{"id": f"s{i}", "stance": LABELS[labels[i]]} for i in range(0, 900, 3)])

    def call(*arguments):
        given = ["input=pred.csv"] if not any(a.startswith("input=") for a in arguments) else []
        given += ["gold=gold.csv"] if not any(a.startswith("gold=") for a in arguments) else []
        monkeypatch.setattr(sys, "argv", ["detente", "prevalence", *given, *arguments])
        status = 0
        try:
            cli.main()
        except SystemExit as error:
            status = int(error.code or 0)
        return status, *capsys.readouterr()

    return call


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_shares_by_group_and_quarter_with_a_picture(prevalence, tmp_path):
    status, out, err = prevalence("by=[side]", "period=quarter", "output=shares.csv")
    assert status == 0, err
    rows = read(tmp_path / "shares.csv")
    cells = {(row["side"], row["period"]) for row in rows}
    assert cells == {(s, p) for s in ("(all)", "us", "russia") for p in ("(all)", "2025-Q1", "2025-Q2")}
    assert len(rows) == 27
    for row in rows:
        assert row["method"] == "PPI++"
        low, value, high = (float(row[f"corrected{end}"]) for end in ("_low", "", "_high"))
        assert 0 <= low <= value <= high <= 1
    whole = next(row for row in rows if (row["side"], row["period"], row["label"]) == ("(all)", "(all)", "cooperative"))
    assert (whole["n"], whole["gold"], whole["misleading"]) == ("900", "300", "True")
    assert float(whole["naive"]) < 0.56 < float(whole["corrected"])
    assert "all rows: counting predictions gives cooperative" in out
    assert "taken as a random sample of the 900 predictions" in out
    picture = (tmp_path / "shares.stance.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


def test_small_groups_borrow_error_rates_or_get_nothing(prevalence, tmp_path):
    status, out, _ = prevalence("by=[side]", "period=month", "min_gold=60", "output=shares.json")
    assert status == 0
    found = json.loads((tmp_path / "shares.json").read_text(encoding="utf-8"))
    methods = {(row["group"]["side"], row["period"]): (row["method"], row["error_rates"]) for row in found["shares"]}
    assert methods[("us", "(all)")] == ("PPI++", "own")
    assert methods[("(all)", "2025-01")] == ("adjusted count", "pooled")
    assert methods[("us", "2025-01")] == ("adjusted count", "pooled")
    assert any("fewer than 60 gold rows" in warning for warning in found["warnings"])
    status, out, _ = prevalence("by=[side]", "period=month", "min_gold=60", "pool=none")
    assert status == 0
    assert "no correction for 2025-01;" in out
    assert prevalence("pool=all", "output=all.2025.csv")[0] == 0
    assert (tmp_path / "all.2025.stance.png").exists()
    assert {row["method"] for row in read(tmp_path / "all.2025.csv")} == {"adjusted count"}


@pytest.mark.parametrize("pool", ["small", "none", "all"])
def test_a_group_that_people_labelled_whole_is_counted_by_their_labels(prevalence, tmp_path, pool):
    rows = [
        row | ({"side": "eu"} if i % 3 == 0 and i < 60 else {}) for i, row in enumerate(read(tmp_path / "pred.csv"))
    ]
    write(tmp_path / "pred.csv", rows)
    gold = [row["stance"] for row in read(tmp_path / "gold.csv")[:20]]
    status, out, err = prevalence("by=[side]", f"pool={pool}", "output=shares.json")
    assert status == 0, err
    found = json.loads((tmp_path / "shares.json").read_text(encoding="utf-8"))
    of = {row["label"]: row for row in found["shares"] if row["group"]["side"] == "eu"}
    for label, row in of.items():
        assert (row["n"], row["gold"], row["method"], row["error_rates"]) == (20, 20, "gold", "")
        low, high = proportion_confint(gold.count(label), 20, method="wilson")
        assert row["corrected"] == pytest.approx({"value": gold.count(label) / 20, "low": low, "high": high})
        assert (row["adjusted"], row["ppi"], row["ppi_plus"]) == (None, None, None)
    assert "people labelled every row of side=eu; their labels are counted there, no prediction enters" in out
    assert not any("fewer than 30 gold rows" in w or "no correction" in w for w in found["warnings"])


def test_gold_of_every_row_may_have_one_label(prevalence, tmp_path):
    rows = [{"id": row["id"], "stance": "neutral"} for row in read(tmp_path / "pred.csv")]
    write(tmp_path / "gold.csv", rows)
    status, out, err = prevalence("output=shares.csv")
    assert status == 0, err
    assert "all 900 predictions have gold: its labels are counted, no prediction enters" in out
    assert {row["corrected"] for row in read(tmp_path / "shares.csv") if row["label"] == "neutral"} == {"1.0"}


def test_labels_that_came_with_the_rows_serve_as_gold_and_abstained_rows_still_count(prevalence, tmp_path):
    gold = {row["id"]: row["stance"] for row in read(tmp_path / "gold.csv")}
    rows = [row | {"given_stance": gold.get(row["id"], "")} for row in read(tmp_path / "pred.csv")]
    before = prevalence("output=a.csv")
    assert before[0] == 0
    for row in rows[::2]:
        row["stance"] = ""  # as `predict abstain=` leaves it
    write(tmp_path / "given.csv", rows)
    assert prevalence("input=given.csv", "gold=", "output=b.csv")[0] == 0
    assert read(tmp_path / "a.csv") == read(tmp_path / "b.csv")


def test_ids_may_be_numbers_from_nought(prevalence, tmp_path):
    for name in ("pred", "gold"):
        rows = [row | {"id": int(row["id"][1:])} for row in read(tmp_path / f"{name}.csv")]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert prevalence("output=a.csv")[0] == 0
    status, _, err = prevalence("input=pred.jsonl", "gold=gold.jsonl", "output=b.csv")
    assert status == 0, err
    assert read(tmp_path / "a.csv") == read(tmp_path / "b.csv")


def test_labels_alone_work_and_say_so(prevalence, tmp_path):
    rows = [{name: row[name] for name in ("id", "stance")} for row in read(tmp_path / "pred.csv")]
    write(tmp_path / "hard.csv", rows)
    status, out, err = prevalence("input=hard.csv")
    assert status == 0, err
    assert "rows without probabilities count by their label alone" in out


def test_a_sample_that_is_not_random_is_noticed_and_weights_are_named(prevalence, tmp_path):
    predicted = {row["id"]: row["stance"] for row in read(tmp_path / "pred.csv")}
    rows = [
        row
        for row in read(tmp_path / "gold.csv")
        if predicted[row["id"]] != "cooperative" or int(row["id"][1:]) % 4 == 0
    ]
    write(tmp_path / "gold.csv", rows)
    status, out, _ = prevalence()
    assert status == 0
    assert "do not look like a random sample" in out
    chances = {"cooperative": 0.083, "skeptical": 0.333, "neutral": 0.333}
    write(tmp_path / "gold.csv", [row | {"probability": chances[predicted[row["id"]]]} for row in rows])
    status, out, _ = prevalence()
    assert status == 0
    assert "do not look like a random sample" not in out
    assert "weighted by one over their chance of being chosen" in out


def test_gold_that_is_the_classifiers_own_is_noticed(prevalence, tmp_path):
    status, out, _ = prevalence("gold=pred.csv")
    assert status == 0
    assert "agree with the classifier in every one" in out
    assert "all 900 predictions have gold" in out


def test_columns_and_spellings_of_gold_are_mapped(prevalence, tmp_path):
    rows = [{"key": row["id"], "code": row["stance"][0].upper()} for row in read(tmp_path / "gold.csv")]
    write(tmp_path / "mine.csv", rows)
    mapped = ("data.columns.id=key", "data.columns.stance=code", "data.values.C=cooperative", "data.values.S=skeptical")
    assert prevalence("output=a.csv")[0] == 0
    status, _, err = prevalence("gold=mine.csv", *mapped, "data.values.N=neutral", "output=b.csv")
    assert status == 0, err
    assert read(tmp_path / "a.csv") == read(tmp_path / "b.csv")


def changed(row, **columns):
    return lambda rows: [r | columns if i == row else r for i, r in enumerate(rows)]


@pytest.mark.parametrize(
    ("file", "change", "arguments", "status", "reason"),
    [
        ("gold", changed(3, id="elsewhere"), [], 1, 'not among the predictions, the first is "elsewhere"'),
        ("gold", changed(3, stance="friendly"), [], 1, 'gold.csv:5: the stance "friendly" is no label'),
        ("gold", changed(3, id=""), [], 1, "gold.csv:5: no id"),
        ("gold", changed(3, id="s0"), [], 1, 'gold.csv:5: the id "s0" has a label already at gold.csv:2'),
        ("gold", lambda rows: [r | {"stance": "neutral"} for r in rows], [], 1, 'all 300 gold rows have the stance "neutral"'),
        ("gold", lambda rows: [r | {"stance": ""} for r in rows], [], 1, "has no label of stance"),
        ("gold", lambda rows: [r | {"probability": "often"} for r in rows], [], 1, "gold.csv:2: the probability is often"),
        ("gold", lambda rows: [r | {"weight": "-1"} for r in rows], [], 1, "gold.csv:2: the weight is -1"),
        ("gold", lambda rows: [r | {"weight": "1" if i else ""} for i, r in enumerate(rows)], [], 1, "gold.csv:2: no probab"),
        ("gold", lambda rows: [{"key": r["id"], "stance": r["stance"]} for r in rows], [], 1, "no column id among key, stance"),
        ("pred", changed(3, stance="friendly"), [], 1, 'pred.csv:5: the stance "friendly" is no label'),
        ("pred", changed(3, stance_neutral="2"), [], 1, "pred.csv:5: the probabilities"),
        ("pred", changed(3, stance_neutral="much"), [], 1, "pred.csv:5: the probabilities"),
        ("pred", changed(3, id="s0"), [], 1, 'pred.csv:5: the id "s0" stands already at pred.csv:2'),
        ("pred", changed(3, date="Tuesday"), ["period=month"], 1, 'pred.csv:5: the date "Tuesday" is no date'),
        ("pred", changed(3, date="2025-02-30"), ["period=month"], 1, 'pred.csv:5: the date "2025-02-30" is no date'),
        ("pred", changed(3, date="2025"), ["period=quarter"], 1, 'pred.csv:5: the date "2025" has no month'),
        ("pred", lambda rows: [{"id": r["id"], "label": r["stance"]} for r in rows], [], 1, "no column stance or sentiment"),
        ("pred", lambda rows: rows, ["by=[sides]"], 2, 'no column "sides"; did you mean "side"'),
        ("pred", lambda rows: rows, ["period=week"], 2, 'period is "week"'),
        ("pred", lambda rows: rows, ["period=month", "date=day"], 2, 'date: pred.csv has no column "day"'),
        ("pred", lambda rows: rows, ["pool=some"], 2, 'pool is "some"'),
        ("pred", lambda rows: rows, ["min_gold=3"], 2, "min_gold is 3"),
        ("pred", lambda rows: rows, ["gold="], 1, "no gold: give gold=FILE"),
        ("pred", lambda rows: rows, ["output=x.png"], 2, "must end in"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(prevalence, tmp_path, file, change, arguments, status, reason):
    write(tmp_path / f"{file}.csv", change(read(tmp_path / f"{file}.csv")))
    found, _, err = prevalence(*(["output=shares.csv"] if "output=x.png" not in arguments else []), *arguments)
    assert reason in err
    assert found == status
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("shares*"))


def test_rows_without_a_date_stand_apart(prevalence, tmp_path):
    write(tmp_path / "pred.csv", changed(0, date="")(read(tmp_path / "pred.csv")))
    assert prevalence("period=year", "output=shares.csv")[0] == 0
    rows = {row["period"]: row for row in read(tmp_path / "shares.csv")}
    assert rows["(none)"]["n"] == "1"
    assert rows["2025"]["n"] == "899"
