"""Labels that a machine gave are counted and named wherever something is learnt from them or measured on them."""

import pytest

from detente.files import write_statements

TOLD = "scores on them are agreement with that machine, not accuracy"


@pytest.fixture
def labelled(run, tmp_path, statements):
    """People's labels in in.jsonl, the rules' for the same statements in rules.csv."""
    write_statements(tmp_path / "in.jsonl", statements)
    status, _, err = run("label", "input=in.jsonl", "output=rules.csv")
    assert status == 0, err
    return tmp_path


def train(run, data, *more):
    fixed = ("train", "data=files", "task=stance", "tracking=none")
    return run(*fixed, f"data.all={data}", *(more or ("model=linear", "hydra.run.dir=run")))


def test_training_on_a_machines_labels_is_told_wherever_its_scores_stand(run, labelled, read_json):
    status, _, err = train(run, "rules.csv")
    assert status == 0, err
    assert "120 of the 120 training labels are a machine's (origin rules): it is what is learnt" in err
    assert f"30 of the 30 labels of test are a machine's (origin rules): {TOLD}" in err
    found = read_json(labelled / "run" / "metrics.json")["data"]["machine_labels"]
    assert found == {"train": {"rules": 120}, "dev": {"rules": 30}, "test": {"rules": 30}}
    card = (labelled / "run" / "checkpoint" / "README.md").read_text(encoding="utf-8")
    assert "**30 of the 30 labels of test are a machine" in card
    page = (labelled / "run" / "report.html").read_text(encoding="utf-8")
    assert page.index(f"(origin rules): {TOLD}") < page.index("<nav")
    assert train(run, "rules.csv", "model=majority", "hydra.run.dir=other")[0] == 0
    status, _, err = run("compare", "runs=[run,other]")
    assert status == 0, err
    assert f"files_stance_linear: 30 of the 30 labels of test are a machine's (origin rules): {TOLD}" in err
    assert train(run, "rules.csv", "model=linear", "cv=3", "hydra.run.dir=cv")[0] == 0
    folds = [read_json(path)["data"]["machine_labels"]["test"] for path in labelled.glob("cv/fold_*/metrics.json")]
    assert sum(fold["rules"] for fold in folds) == 150


def test_labels_by_people_are_not_called_a_machines(run, labelled, read_json):
    for data, *named in (["in.jsonl"], ["rules.csv", "data.columns.stance=given_stance"]):
        status, _, err = train(run, data, "model=linear", "hydra.run.dir=run", *named)
        assert status == 0, err
        assert "machine" not in err
        assert read_json(labelled / "run" / "metrics.json")["data"]["machine_labels"] == {}
    status, _, err = run("evaluate", "input=rules.csv", "output=e", "tracking=none", "task=stance")
    assert (status, "machine" in err) == (0, False), err  # the rules measured on people's labels beside theirs
    status, _, err = run("evaluate", "input=rules.csv", "gold=in.jsonl", "output=e", "tracking=none", "task=stance")
    assert (status, "machine" in err) == (0, False), err


def test_evaluating_on_a_machines_labels_is_told(run, labelled, read_json):
    assert train(run, "in.jsonl")[0] == 0
    assert run("predict", "checkpoint=run", "input=rules.csv", "output=p.csv")[0] == 0
    bare = [line.split(",") for line in (labelled / "rules.csv").read_text(encoding="utf-8").splitlines()]
    at = [bare[0].index(name) for name in ("id", "text", "stance", "origin")]
    lines = [",".join(cells[i] for i in at) for cells in bare]
    (labelled / "gold.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for given in (["checkpoint=run", "input=gold.csv"], ["input=p.csv", "gold=gold.csv", "task=stance"]):
        status, _, err = run("evaluate", *given, "output=e", "tracking=none", "probes=false", "bias=false")
        assert status == 0, err
        assert f"180 of the 180 labels of the given file are a machine's (origin rules): {TOLD}" in err
        assert read_json(labelled / "e" / "metrics.json")["data"]["machine_labels"] == {"input": {"rules": 180}}
        assert TOLD in (labelled / "e" / "report.html").read_text(encoding="utf-8")


def test_rules_measured_on_their_own_labels_are_told(run, labelled):
    _, out, _ = run("label", "input=in.jsonl", "output=again.csv")
    assert "machine" not in out
    _, out, _ = run("label", "input=rules.csv", "output=again.csv")
    assert f"180 of the 180 labels of the input are a machine's (origin rules): {TOLD}" in out
    header, first = (labelled / "again.csv").read_text(encoding="utf-8").splitlines()[:2]
    row = dict(zip(header.split(","), first.split(","), strict=True))
    assert (row["origin"], row["given_origin"]) == ("rules", "rules")


def test_shares_corrected_by_a_machines_labels_are_told(run, labelled):
    assert train(run, "in.jsonl")[0] == 0
    assert run("predict", "checkpoint=run", "input=rules.csv", "output=p.csv")[0] == 0
    toward = "the shares are corrected towards that machine, not towards people"
    told = f"180 of the 180 labels of rules.csv are a machine's (origin rules): {toward}"
    for gold, expected in (
        (["gold=rules.csv"], told),
        ([], told.replace("rules.csv", "the given gold")),
        (["gold=in.jsonl"], ""),
        (["gold=rules.csv", "data.columns.stance=given_stance"], ""),
    ):
        status, out, err = run("prevalence", "input=p.csv", "task=stance", "output=", *gold)
        assert status == 0, err
        assert expected in out
        assert expected or "machine" not in out


def test_a_label_model_or_a_search_on_a_machines_labels_is_told(run, labelled):
    status, out, err = run(
        "label", "input=in.jsonl", "output=j.csv", "labeller.join=weighted", "labeller.gold=rules.csv"
    )
    assert status == 0, err
    assert "180 of the 180 labels of rules.csv are a machine's (origin rules): the label model trusts" in out + err
    tiny = ["model=linear", "model.cues=false", "search.c.low=0.5", "search.c.high=2.0", "trials=1", "rungs=[1.0]"]
    status, _, err = run("tune", "data=files", "data.all=rules.csv", "task=stance", *tiny, "hydra.run.dir=searched")
    assert status == 0, err
    assert "120 of the 120 training labels are a machine's (origin rules): it is what is learnt" in err
