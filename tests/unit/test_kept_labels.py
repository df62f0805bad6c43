"""A column of the input called given_<task> never stands in for the gold label."""

import json

import numpy as np
import pytest

from detente.evaluation.elsewhere import read_predictions
from detente.evaluation.measuring import write_predictions
from detente.files import Layout, Rejects, read_rows
from detente.records import Statement
from detente.tasks import Task

STANCE = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))


def test_a_foreign_given_label_does_not_overwrite_gold(tmp_path):
    statement = Statement(id="1", text="a", labels={"stance": "neutral"}, extra={"given_stance": "skeptical"})
    path = tmp_path / "p.parquet"
    write_predictions(path, [STANCE], [statement], {"stance": np.array([[0.8, 0.1, 0.1]])})
    (row,) = (dict(row.values) for row in read_rows(path))
    assert row["given_stance"] == "neutral"
    assert row["given_given_stance"] == "skeptical"
    assert row["stance"] == "cooperative"


@pytest.mark.parametrize("mapped", [False, True])
def test_in_a_file_of_gold_the_plain_label_is_the_gold(tmp_path, mapped):
    predictions, gold = tmp_path / "p.jsonl", tmp_path / "g.jsonl"
    predictions.write_text(json.dumps({"id": "1", "text": "a", "stance": "neutral"}) + "\n", encoding="utf-8")
    row = {"id": "1", "text": "a", "stance": "neutral", "given_stance": "skeptical"}
    gold.write_text(json.dumps(row) + "\n", encoding="utf-8")
    layout = Layout(columns={"given_stance": "given_stance"} if mapped else {})
    found = read_predictions(str(predictions), (STANCE,), gold=str(gold), layout=layout, rejects=Rejects())
    assert [s.labels["stance"] for s in found.statements] == ["skeptical" if mapped else "neutral"]
