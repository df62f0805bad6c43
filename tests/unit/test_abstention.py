"""Abstention: the risk-coverage curve, thresholds that keep their promise, predict abstain= end to end."""

import csv
import json
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import checkpoint as checkpoints
from detente import cli
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.errors import UsageError
from detente.evaluation.confidence.abstention import RATES, abstention, fit_thresholds, stored, threshold_at
from detente.models import base
from detente.models.linear import LinearSpec
from detente.tasks import Task

TASK = Task(name="stance", labels=("a", "b"))


def error_at(confidence):
    """How often a row of this confidence is wrong: not calibrated, and not falling everywhere."""
    return np.clip(1 - confidence + 0.05 * np.sin(30 * confidence), 0, 1)


def drawn(n, draw):
    sure = 0.5 + 0.5 * draw.random(n)
    return (draw.random(n) < error_at(sure)).astype(int), np.stack([sure, 1 - sure], axis=1)


def risk_above(threshold):
    sure = np.linspace(max(threshold, 0.5), 1, 20_001)
    return float(error_at(sure).mean())


def test_a_threshold_breaks_its_promise_no_more_often_than_it_says():
    draw = np.random.default_rng(1)
    broken, found = dict.fromkeys(RATES, 0), dict.fromkeys(RATES, 0)
    for _ in range(300):
        for entry in fit_thresholds(*drawn(400, draw))["rates"]:
            if entry["threshold"] is not None:
                found[entry["rate"]] += 1
                broken[entry["rate"]] += risk_above(entry["threshold"]) > entry["rate"]
    assert max(broken.values()) <= 0.05 * 300 + 7, broken  # 5%, and two standard errors of the simulation
    assert min(found[rate] for rate in (0.2, 0.3)) > 280, "a promise that is never given would never be broken"


def test_more_errors_allowed_means_no_fewer_answers():
    entries = fit_thresholds(*drawn(3000, np.random.default_rng(2)))["rates"]
    kept = [entry for entry in entries if entry["threshold"] is not None]
    assert len(kept) >= 3
    assert all(a["threshold"] >= b["threshold"] for a, b in pairwise(kept))
    assert all(entry["error"] <= entry["rate"] for entry in kept)
    assert all(entry["coverage"] == 0 and entry["error"] is None for entry in entries if entry["threshold"] is None)


def test_too_few_rows_promise_nothing_and_a_faultless_classifier_answers_all():
    right = np.zeros(1000, dtype=int)
    sure = np.tile([0.9, 0.1], (1000, 1))
    assert all(entry["threshold"] is None for entry in fit_thresholds(right[:10], sure[:10])["rates"])
    assert fit_thresholds(right, sure)["rates"][2] == {"rate": 0.1, "threshold": 0.0, "coverage": 1.0, "error": 0.0}


def test_the_area_is_the_mean_of_the_risks_of_the_curve():
    gold, proba = drawn(300, np.random.default_rng(3))
    of = abstention(TASK, gold, proba, thresholds=None, seed=1)
    wrong = gold[np.argsort(-proba[:, 0])]
    risks = np.cumsum(wrong) / np.arange(1, 301)
    assert of["aurc"]["value"] == pytest.approx(risks.mean())
    assert of["aurc"]["low"] < of["aurc"]["value"] < of["aurc"]["high"]
    ideal = np.cumsum(np.sort(wrong)) / np.arange(1, 301)
    assert of["aurc_best"] == pytest.approx(ideal.mean())
    assert of["aurc_best"] < of["aurc"]["value"] < of["aurc_random"] == pytest.approx(gold.mean())
    for point in of["points"]:
        rows = proba[:, 0] >= point["threshold"]
        assert point["coverage"] == pytest.approx(rows.mean())
        assert point["error"] == pytest.approx(gold[rows].mean())
        assert point["low"] <= point["error"] <= point["high"]
    assert of["points"][-1]["coverage"] == 1


def test_rows_of_one_confidence_are_in_no_order():
    gold = np.arange(100) % 4 == 0
    proba = np.tile([0.8, 0.2], (100, 1))
    of = abstention(TASK, gold.astype(int), proba, thresholds=None, seed=1)
    assert of["aurc"]["value"] == pytest.approx(0.25)
    assert [point["coverage"] for point in of["points"]] == [1.0]


@given(st.integers(1, 60), st.integers(0, 9))
def test_any_rows_give_a_curve_and_thresholds(n, seed):
    gold, proba = drawn(n, np.random.default_rng(seed))
    thresholds = fit_thresholds(gold, proba)
    of = abstention(TASK, gold, proba, thresholds=thresholds, seed=1)
    assert 0 <= of["aurc"]["low"] <= of["aurc"]["high"] <= 1
    assert 1 <= len(of["points"]) <= n
    assert json.loads(json.dumps(of)) == of


def test_thresholds_are_scored_on_other_rows():
    gold, proba = drawn(2000, np.random.default_rng(4))
    thresholds = fit_thresholds(*drawn(2000, np.random.default_rng(5)))
    for entry in abstention(TASK, gold, proba, thresholds=thresholds, seed=1)["rates"]:
        rows = proba[:, 0] >= entry["threshold"]
        assert (entry["answered"], entry["wrong"]) == (rows.sum(), gold[rows].sum())
        assert entry["coverage"]["value"] == pytest.approx(rows.mean())
        assert entry["error"]["low"] <= gold[rows].mean() <= entry["error"]["high"]
        assert entry["kept"]


def test_languages_are_told_apart_where_they_have_rows():
    gold, proba = drawn(400, np.random.default_rng(8))
    gold[:100] = 1
    thresholds = fit_thresholds(*drawn(2000, np.random.default_rng(5)))
    languages = ["ru"] * 100 + ["en"] * 290 + ["uk"] * 10
    of = abstention(TASK, gold, proba, thresholds=thresholds, languages=languages, seed=1)
    assert of["by_lang"].keys() == {"en", "ru"}
    assert not of["by_lang"]["ru"][-1]["kept"]
    assert of["by_lang"]["en"][-1]["kept"]
    assert of["by_lang"]["ru"][-1]["n"] == 100


def test_a_rate_that_cannot_be_kept_is_refused_with_the_lowest_that_can():
    thresholds = fit_thresholds(*drawn(400, np.random.default_rng(6)))
    kept = [entry["rate"] for entry in thresholds["rates"] if entry["threshold"] is not None]
    assert threshold_at(thresholds, TASK, kept[0]) > threshold_at(thresholds, TASK, 0.3)
    with pytest.raises(UsageError, match=rf"no threshold for stance at 0.12; the lowest that can be kept is {kept[0]}"):
        threshold_at(thresholds, TASK, 0.12)
    with pytest.raises(UsageError, match=rf"under 0.02 on the 400 dev rows; the lowest that can be kept is {kept[0]}"):
        threshold_at(thresholds, TASK, 0.02)
    with pytest.raises(UsageError, match="none can be kept on the 9 rows of dev"):
        threshold_at(fit_thresholds(*drawn(9, np.random.default_rng(7))), TASK, 0.1)
    with pytest.raises(UsageError, match=r"holds no thresholds for stance.*train again"):
        threshold_at(stored({}, TASK), TASK, 0.1)


@pytest.fixture(scope="module")
def run_dir(statements, stance, sentiment, tmp_path_factory):
    """A linear checkpoint with a threshold for stance at 0.10 that half of the rows reach, none at 0.05."""
    folder = tmp_path_factory.mktemp("run")
    tables = [
        as_table([s for s in statements if s.split == name], tasks=(stance, sentiment)) for name in ("train", "dev")
    ]
    model = base.fit(LinearSpec(), (stance, sentiment), *tables, seed=1, run_dir=folder)
    half = float(np.median(model.predict_proba(statements)["stance"].max(axis=1)))
    entries = [
        {"rate": 0.05, "threshold": None, "coverage": 0.0, "error": None},
        {"rate": 0.1, "threshold": half, "coverage": 0.5, "error": 0.04},
    ]
    thresholds = {
        "stance": {"assurance": 0.95, "n": 30, "rates": entries},
        "sentiment": {"assurance": 0.95, "n": 30, "rates": [entries[1] | {"threshold": 0.0}]},
    }
    about = {"name": "x", "thresholds": thresholds}
    made = Checkpoint(family="linear", classifier=model, temperatures={"stance": 1.0, "sentiment": 1.0}, about=about)
    checkpoints.save(made, folder / "checkpoint", card="# card\n")
    return folder


@pytest.fixture
def predict(run_dir, tmp_path, monkeypatch, capsys, statements):
    """`detente predict` on a file of statements, in this process; returns (status, stdout, stderr)."""
    from detente.files import write_statements

    monkeypatch.chdir(tmp_path)
    rows = [
        replace(s, labels={}, extra={"stance_reason": "mine"}, relevance=0.5 + i % 2 / 2)
        for i, s in enumerate(statements)
    ]
    write_statements(tmp_path / "in.csv", rows)

    def call(*arguments):
        given = [] if any(a.startswith("input=") for a in arguments) else ["input=in.csv"]
        command = ["detente", "predict", f"checkpoint={run_dir}", *given, *arguments]
        monkeypatch.setattr(sys, "argv", command)
        status = 0
        try:
            cli.main()
        except SystemExit as error:
            status = int(error.code or 0)
        return status, *capsys.readouterr()

    return call


def test_predict_abstains_and_queues_the_rest(predict, tmp_path):
    status, out, err = predict("output=out.csv", "abstain=0.10")
    assert status == 0, err
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    empty = [row for row in rows if not row["stance"]]
    assert len(rows) == 180
    assert 60 <= len(empty) <= 120
    limit = min(float(row["stance_confidence"]) for row in rows if row["stance"])
    for row in rows:
        assert bool(row["stance"]) == (float(row["stance_confidence"]) >= limit)
        assert row["stance_reason"].startswith("abstained: 0.") if not row["stance"] else row["stance_reason"] == ""
        assert row["given_stance_reason"] == "mine"
        assert row["sentiment"]
        assert row["sentiment_reason"] == ""
    queue = [json.loads(line) for line in (tmp_path / "out.queue.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["id"] for row in queue) == sorted(row["id"] for row in empty)
    doubt = [(1 - row["stance_confidence"]) * row["relevance"] for row in queue]
    assert doubt == sorted(doubt, reverse=True)
    assert f"stance: {180 - len(empty)} of 180 rows answered (confidence from" in out
    assert "out.queue.jsonl" in out


def test_the_queue_can_be_short_and_stand_elsewhere(predict, tmp_path):
    assert predict("output=out.jsonl", "abstain=0.10", "queue=people.jsonl", "queue_rows=5")[0] == 0
    assert len((tmp_path / "people.jsonl").read_text(encoding="utf-8").splitlines()) == 5
    assert not (tmp_path / "out.queue.jsonl").exists()


def test_a_rate_by_task_leaves_the_others_answered(predict, tmp_path):
    assert predict("output=out.jsonl", "abstain={sentiment:0.10}")[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert all(row["stance"] and row["sentiment"] for row in rows)
    assert not (tmp_path / "out.queue.jsonl").exists()


@pytest.mark.parametrize(
    ("abstain", "reason"),
    [
        ("0.05", "no threshold is sure to keep the error of stance under 0.05 on the 30 dev rows"),
        ("0.12", "no threshold for stance at 0.12; the lowest that can be kept is 0.1"),
        ("10", "the share of answers that may be wrong"),
        ("never", "the share of answers that may be wrong"),
        ("{tone:0.1}", 'abstain names the task "tone"; did you mean "stance"'),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_and_writes_nothing(predict, tmp_path, abstain, reason):
    status, _, err = predict("output=out.csv", f"abstain={abstain}")
    assert status == 2
    assert reason in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_without_abstain_nothing_is_added(predict, tmp_path):
    assert predict("output=out.csv")[0] == 0
    header = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    assert "sentiment_reason" not in header
    assert "stance_reason" in header


def test_a_pipe_and_a_folder_abstain_alike(predict, tmp_path, monkeypatch):
    import io

    assert predict("output=out.jsonl", "abstain=0.10")[0] == 0
    alone = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    statements = "".join(json.dumps({k: row[k] for k in ("id", "text", "lang")}) + "\n" for row in alone)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(statements.encode())))
    assert predict("input=-", "output=piped.jsonl", "abstain=0.10")[0] == 0
    piped = [json.loads(line) for line in (tmp_path / "piped.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["stance_reason"] for row in piped] == [row["stance_reason"] for row in alone]
    (tmp_path / "tables").mkdir()
    (tmp_path / "in.csv").rename(tmp_path / "tables" / "in.csv")
    status, out, err = predict("input=tables", "output=folder/", "abstain=0.10")
    assert status == 0, err
    empty = sum(not row["stance"] for row in alone)
    assert f"stance: {180 - empty} of 180 rows answered" in out
    assert len((tmp_path / "folder.queue.jsonl").read_text(encoding="utf-8").splitlines()) == empty


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        ("in.csv", "is also an input"),
        ("out.jsonl", "is the output"),
        ("./out.jsonl.rejects.jsonl", "is the output"),
        ("notes.jsonl", "is there already"),
        ("people.txt", "must end in .jsonl"),
    ],
)
def test_a_queue_takes_no_other_files_place(predict, tmp_path, queue, reason):
    (tmp_path / "notes.jsonl").write_text('{"text": "mine"}\n', encoding="utf-8")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    for abstain in ("0.10", "{sentiment:0.10}"):  # some rows are withheld, or none
        status, _, err = predict("output=out.jsonl", f"abstain={abstain}", f"queue={queue}")
        assert status == 2
        assert reason in err
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before


def test_a_queue_stays_out_of_a_folder_that_is_read_or_written(predict, tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "in.csv").rename(tmp_path / "tables" / "in.csv")
    for output in ("out.csv", "out/"):
        status, _, err = predict("input=tables", f"output={output}", "abstain=0.10", "queue=tables/people.jsonl")
        assert (status, "lies in the input tables" in err) == (2, True)
    assert (
        "is the output, or lies in it" in predict("input=tables", "output=out/", "abstain=0.10", "queue=out/q.csv")[2]
    )
    assert not list(tmp_path.glob("out*"))


def test_what_people_wrote_into_a_queue_survives_a_rerun(predict, tmp_path):
    assert predict("output=out.jsonl", "abstain=0.10")[0] == 0
    assert predict("output=out.jsonl", "abstain=0.10")[0] == 0, "an untouched queue is written anew"
    queue = tmp_path / "out.queue.jsonl"
    untouched = queue.read_bytes()
    _, out, _ = predict("output=out.jsonl", "abstain={sentiment:0.10}")
    assert "out.queue.jsonl is of an earlier job, and stays as it was" in out
    assert queue.read_bytes() == untouched
    rows = [json.loads(line) for line in untouched.decode().splitlines()]
    rows[3]["stance"] = "neutral"
    queue.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    labelled = queue.read_bytes()
    for abstain in ("0.10", "{sentiment:0.10}"):
        status, _, err = predict("output=out.jsonl", f"abstain={abstain}")
        assert status == 2
        assert "such as labels by people; rename it" in err
        assert queue.read_bytes() == labelled


def test_outputs_that_differ_after_a_dot_have_queues_of_their_own(predict, tmp_path):
    for year in (2024, 2025):
        assert predict(f"output=out.{year}.csv.gz", "abstain=0.10")[0] == 0
        assert (tmp_path / f"out.{year}.queue.jsonl").exists()


def test_the_queue_of_a_csv_keeps_every_digit(predict, tmp_path, statements):
    ids = [2**60 + 1 + i for i in range(len(statements))]
    rows = [{"text": s.text, "tweet": i} for s, i in zip(statements, ids, strict=True)]
    (tmp_path / "tweets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert predict("input=tweets.jsonl", "output=out.csv", "abstain=0.10")[0] == 0
    queue = [json.loads(line) for line in (tmp_path / "out.queue.jsonl").read_text(encoding="utf-8").splitlines()]
    assert queue
    assert {row["tweet"] for row in queue} <= set(ids)
