"""`evaluate` on predictions made elsewhere and `compare`, as a user types them."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest

from detente import cli

LABELS = ("cooperative", "skeptical", "neutral")


def evaluate(run, *arguments, output="out"):
    return run("evaluate", *arguments, f"output={output}", "tracking=none")


def write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def predictions(n=90, proba=True, **names):
    """Rows as another tool might write them: every fourth is wrong; `names` rename columns."""
    rows = []
    for i in range(n):
        gold, guess = i % 3, (i + (i % 4 == 0)) % 3
        row = {"id": f"r{i}", "text": f"text {i}", "lang": "en" if i % 2 else "it", "scenario": f"s{i // 3}"}
        row |= {"given_stance": LABELS[gold], "stance": LABELS[guess]}
        if proba:
            row |= {f"stance_{label}": 0.8 if j == guess else 0.1 for j, label in enumerate(LABELS)}
        rows.append({names.get(k, k): v for k, v in row.items()})
    return rows


def test_predictions_made_elsewhere_give_the_same_files(run, tmp_path, read_json):
    write(tmp_path / "preds.csv", predictions())
    status, out, err = evaluate(run, "input=preds.csv")
    assert status == 0, err
    assert "rows are gold" in out
    found = read_json(tmp_path / "out/metrics.json")
    scores = found["metrics"]["input"]["stance"]["all"]
    assert (scores["n"], scores["clusters"]) == (90, 30)
    assert scores["accuracy"]["value"] == pytest.approx(67 / 90)
    assert scores["ece"]["value"] == pytest.approx(0.8 - 67 / 90)
    assert found["slices"]["input"]["stance"]["rows"]
    assert found["calibration"]["input"]["stance"]["ece"]["value"] == pytest.approx(scores["ece"]["value"])
    assert found["abstention"]["input"]["stance"]["points"][-1]["error"] == pytest.approx(23 / 90)
    assert {"predictions.input.parquet", "confusion.input.stance.png"} <= {p.name for p in (tmp_path / "out").iterdir()}
    # What is written can be evaluated again, to the same digit.
    status, _, err = evaluate(run, "input=out/predictions.input.parquet", output="again")
    assert status == 0, err
    assert read_json(tmp_path / "again/metrics.json")["metrics"] == found["metrics"]


def test_gold_in_a_file_of_its_own_other_names_and_labels_alone(run, tmp_path, read_json):
    rows = predictions(proba=False, stance="guess", id="key")
    write(tmp_path / "preds.csv", [{k: r[k] for k in ("key", "guess")} for r in rows])
    spelled = {"cooperative": "PRO", "skeptical": "CONTRA", "neutral": "NONE"}
    write(
        tmp_path / "gold.csv",
        [{"key": r["key"], "truth": spelled[r["given_stance"]], "text": r["text"]} for r in reversed(rows[:60])],
    )
    status, out, err = evaluate(
        run, "input=preds.csv", "gold=gold.csv", "data.columns.id=key", "data.columns.stance=guess",
        "data.columns.given_stance=truth", *(f"data.values.{v}={k}" for k, v in spelled.items()),
    )  # fmt: skip
    assert status == 0, err
    assert "30 of 90 predictions are not in gold.csv" in err
    assert "without probabilities" in err
    scores = read_json(tmp_path / "out/metrics.json")["metrics"]["input"]["stance"]["all"]
    assert (scores["n"], scores["ece"], scores["log_loss"]) == (60, None, None)
    assert scores["accuracy"]["value"] == pytest.approx(45 / 60)
    assert "none" in out
    assert scores["clusters"] == 60
    write(tmp_path / "gold.csv", [{"key": r["key"], "truth": spelled[r["given_stance"]]} for r in rows[:60]])
    assert evaluate(
        run, "input=preds.csv", "gold=gold.csv", "data.columns.id=key", "data.columns.stance=guess",
        "data.columns.given_stance=truth", *(f"data.values.{v}={k}" for k, v in spelled.items()), output="no_text",
    )[0] == 0  # fmt: skip
    without_text = read_json(tmp_path / "no_text/metrics.json")["metrics"]["input"]["stance"]["all"]
    assert without_text == scores


def changed(i, **cells):
    rows = predictions()
    rows[i] |= cells
    return rows


BROKEN = {
    "label": (changed(2, stance="prp"), [], 'preds.csv:4: the stance "prp" is no label of the task'),
    "gold": (changed(2, given_stance="prp"), [], 'preds.csv:4: the stance "prp" is no label of the task'),
    "nan": (changed(3, stance_neutral="nan"), [], "preds.csv:5: stance_neutral is 'nan'; it must be a probability"),
    "sum": (changed(3, stance_neutral=0.9), [], "preds.csv:5: the probabilities of stance are"),
    "argmax": (changed(3, stance="neutral"), [], 'preds.csv:5: the predicted stance is "neutral" (0.100) but'),
    "twice": (changed(3, id="r0"), [], 'preds.csv:5: the id "r0" stands already at preds.csv:2'),
    "no prediction": (
        [{k: v for k, v in r.items() if not k.startswith("stance_")} for r in changed(3, stance="")],
        [],
        "preds.csv:5: no predicted stance",
    ),
    "no gold": (
        [{k: v for k, v in r.items() if k != "given_stance"} for r in predictions()],
        [],
        'no column "given_stance" holds gold labels',
    ),
    "no column": (predictions(stance="guess", proba=False), [], 'no column "stance" of predicted labels'),
    "other task": (predictions(), ["task=rumour_stance"], 'no column "rumour_stance" of predicted labels'),
    "ids": (predictions(), ["gold=other.csv"], "other.csv:2: no id of other.csv is among the ids of preds.csv"),
    "gold more": (predictions(), ["gold=more.csv"], 'more.csv:3: the id "x9" has no prediction in preds.csv'),
    "misspelt": (
        predictions(),
        ["gold=more.csv", "data.columns.given_stance=stanse"],
        'no column "stanse" (data.columns.given_stance); did you mean "stance"',
    ),
    "slice": (predictions(), ["slices=[lnag]"], 'did you mean "lang"'),
    "cluster": (predictions(), ["cluster=scenarios"], 'did you mean "scenario"'),
    "nothing": (predictions(), ["input=", "checkpoint="], "nothing to measure; add checkpoint=RUN"),
    "gold with checkpoint": (
        predictions(),
        ["checkpoint=x", "gold=more.csv"],
        "gold goes with predictions made elsewhere",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_input_is_one_sentence(name, run, tmp_path):
    rows, more, sentence = BROKEN[name]
    write(tmp_path / "preds.csv", rows)
    write(tmp_path / "other.csv", [{"id": "x1", "stance": "neutral"}])
    write(tmp_path / "more.csv", [{"id": "r1", "stance": "neutral"}, {"id": "x9", "stance": "neutral"}])
    status, out, err = evaluate(run, "input=preds.csv", *more)
    lines = [line for line in err.splitlines() if line.startswith("detente: ")]
    assert (status in (1, 2), len(lines), out) == (True, 1, ""), err
    assert sentence in lines[0]
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_bad_rows_are_left_out_on_demand(run, tmp_path, read_json):
    write(tmp_path / "preds.csv", changed(3, stance_neutral="nan"))
    status, _, err = evaluate(run, "input=preds.csv", "on_error=skip")
    assert status == 0, err
    assert read_json(tmp_path / "out/metrics.json")["data"]["n"] == 89
    assert "must be a probability" in (tmp_path / "out/rejects.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("n", [1, 2])
def test_a_row_or_two_give_no_false_certainty(n, run, tmp_path, read_json):
    write(tmp_path / "preds.csv", predictions(n))
    status, out, err = evaluate(run, "input=preds.csv")
    assert status == 0, err
    found = read_json(tmp_path / "out/metrics.json")["metrics"]["input"]["stance"]["all"]["macro_f1"]
    assert found["low"] is None or found["high"] - found["low"] > 0.5
    assert "1.000–1.000" not in out


def test_a_single_class_is_said(run, tmp_path, read_json):
    write(tmp_path / "preds.csv", [r for r in predictions() if r["given_stance"] == "neutral"])
    status, out, err = evaluate(run, "input=preds.csv")
    assert status == 0, err
    assert "one label only" in out
    assert read_json(tmp_path / "out/metrics.json")["metrics"]["input"]["stance"]["all"]["mcc"]["low"] is None


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """Evaluations of a good, an equal and a bad model on the same statements."""
    folder = tmp_path_factory.mktemp("three")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, wrong in (("good", 10), ("same", 9), ("bad", 2)):
            rows = predictions(240, proba=False)
            for i, row in enumerate(rows):
                row["stance"] = LABELS[(i + (i % wrong == 0)) % 3]
            write(folder / f"{name}.csv", rows)
            arguments = [f"input={name}.csv", f"name={name}", "slices=[]", f"output={name}", "tracking=none"]
            patch.setattr(sys, "argv", ["detente", "evaluate", *arguments])
            cli.main()
    return folder


@pytest.fixture
def three_runs(evaluated, tmp_path):
    """A copy of them in the folder of this test."""
    for name in ("good", "same", "bad"):
        shutil.copytree(evaluated / name, tmp_path / name)
    return tmp_path


def test_compare_tells_runs_apart_and_says_tied(three_runs, run, read_json):
    status, out, err = run("compare", "runs=[bad,good,same]", "by=lang", "hydra.run.dir=c", "output=table.txt")
    assert status == 0, err
    assert "tied; about" in out
    assert "bad, not" not in out
    found = read_json(three_runs / "c/comparison.json")
    (ranking,) = found["rankings"]
    assert ranking["tiers"] == [["good", "same"], ["bad"]] or ranking["tiers"] == [["same", "good"], ["bad"]]
    whole = {frozenset((p["first"], p["second"])): p for p in ranking["pairs"] if p["part"] == "all"}
    assert whole[frozenset(("good", "same"))]["tied"]
    assert not whole[frozenset(("good", "bad"))]["tied"]
    assert whole[frozenset(("good", "bad"))]["p_holm"] >= whole[frozenset(("good", "bad"))]["p"]
    assert {p["part"] for p in ranking["pairs"]} == {"all", "lang=en", "lang=it"}
    assert "tier 2: bad" in (three_runs / "table.txt").read_text(encoding="utf-8")


def test_compare_names_how_many_statements_differ(three_runs, run):
    rows = predictions(240, proba=False)[:200]
    rows[0]["text"], rows[1]["given_stance"] = "another text", "neutral"
    write(three_runs / "other.csv", rows)
    assert evaluate(run, "input=other.csv", "name=other", output="other")[0] == 0
    status, out, err = run("compare", "runs=[good,other]")
    assert status == 0, err
    assert "good 240, other 200 statements); they are compared on the 198" in err
    assert "(1 differ in gold alone)" in err
    assert "pairs on 198 statements" in out


def test_seeds_of_one_configuration_are_one_entry(three_runs, run, read_json):
    for seed in (1, 2, 3):
        rows = predictions(240, proba=False)
        for i, row in enumerate(rows):
            row["stance"] = LABELS[(i + (i % (5 + seed) == 0)) % 3]
        write(three_runs / "x.csv", rows)
        assert evaluate(run, "input=x.csv", "name=x", output=f"x{seed}")[0] == 0
        metrics = read_json(three_runs / f"x{seed}/metrics.json")
        metrics["trained"] = {"name": "x", "seed": seed, "model": {"c": 1.0}, "data": {"name": "d"}}
        (three_runs / f"x{seed}/metrics.json").write_text(json.dumps(metrics))
    status, out, err = run("compare", "runs=[x1,x2,x3,bad]", "hydra.run.dir=c")
    assert status == 0, err
    (ranking,) = read_json(three_runs / "c/comparison.json")["rankings"]
    assert [len(entry["runs"]) for entry in ranking["entries"]] == [3, 1]
    assert ranking["entries"][0]["over_seeds"]["seeds"] == [1, 2, 3]
    assert "x (mean of 3 seeds) ahead" in out
    assert "standard deviation over seeds" in out
    status, _, _ = run("compare", "runs=[x1,x2,x3,bad]", "group_seeds=false", "hydra.run.dir=alone")
    assert len(read_json(three_runs / "alone/comparison.json")["rankings"][0]["entries"]) == 4


def test_runs_that_share_no_statement_are_listed_and_not_compared(three_runs, run):
    rows = [{**r, "id": f"z{r['id']}", "text": f"z{r['text']}"} for r in predictions(60)]
    write(three_runs / "z.csv", rows)
    assert evaluate(run, "input=z.csv", "name=z", output="z")[0] == 0
    status, out, err = run("compare", "runs=[good,z]")
    assert status == 0, err
    assert "compared on the 0 that all have" in err
    assert "tier" not in out


def test_an_old_metrics_file_is_still_read(run, tmp_path):
    """As 0.1 wrote it: mcc, ece and log-loss bare."""
    interval = {"value": 0.7, "low": 0.6, "high": 0.8}
    scores = {"n": 90, "accuracy": interval, "macro_f1": interval, "f_avg": interval, "mcc": 0.5, "ece": 0.041}
    (tmp_path / "old").mkdir()
    whole = {"name": "old", "fit_seconds": 1.0, "metrics": {"test": {"stance": {"all": scores}}}}
    (tmp_path / "old/metrics.json").write_text(json.dumps(whole))
    status, out, err = run("compare", "runs=[old]")
    assert status == 0, err
    assert "0.041" in out


def test_labels_that_were_predicted_are_no_gold(run, tmp_path):
    """A file that predict wrote holds the machine's labels under the task's name."""
    given = ["task=stance", "model=majority", "data.limit=60", "tracking=none", "hydra.run.dir=r"]
    assert run("train", *given)[0] == 0
    write(tmp_path / "out.csv", [dict(r, stance_confidence=0.9) for r in predictions()])
    status, _, said = run("evaluate", "checkpoint=r", "input=out.csv", "hydra.run.dir=e")
    assert status == 1
    assert "data.columns.stance=given_stance" in said
