"""The shipped data are what their seal says, and keep their promises."""

import csv
import importlib.util
import json
from collections import defaultdict
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data"


def rows_of(folder: str):
    return [json.loads(line) for p in sorted((DATA / folder).rglob("*.jsonl")) for line in p.open(encoding="utf-8")]


@pytest.fixture(scope="module")
def seal():
    spec = importlib.util.spec_from_file_location("seal", DATA / "seal.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def manifest():
    return json.loads((DATA / "manifest.json").read_text(encoding="utf-8"))


def test_data_do_not_change_without_a_new_version(seal, manifest):
    files = seal.hashes()
    changed = sorted(k for k in files.keys() | manifest["files"].keys() if files.get(k) != manifest["files"].get(k))
    assert not changed, (
        f"{changed[:3]} changed: raise the version (python data/seal.py VERSION) and say why in data/README.md"
    )
    assert manifest["versions"][manifest["version"]] == seal.fingerprint(files)
    assert manifest["counts"] == seal.counts()
    assert f"**{manifest['version']}**" in (DATA / "README.md").read_text(encoding="utf-8")


def test_no_scenario_stands_in_two_splits_and_test_is_large():
    splits = defaultdict(set)
    rows = rows_of("statements")
    for row in rows:
        splits[row["scenario"]].add(row["split"])
    assert not [s for s, names in splits.items() if len(names - {"none"}) > 1]
    assert sum(row["split"] == "test" for row in rows) >= 1000
    assert len({row["text"] for row in rows}) == len(rows) >= 5000
    assert not [row["id"] for row in rows if row["contested"] and row["split"] == "test"]


def test_every_statement_has_two_blind_labels_and_gold_is_the_majority():
    voices = defaultdict(list)
    with (DATA / "annotations" / "statements.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            voices[row["id"]].append(row)
    for row in rows_of("statements"):
        given = voices[row["id"]]
        assert len({v["annotator"] for v in given if v["kind"] == "model"}) >= 2
        for task in ("stance", "sentiment"):
            labels = [v[task] for v in given]
            if not row["contested"]:
                assert labels.count(row[task]) > len(labels) / 2


def test_evaluation_material_is_kept_out_of_training():
    trained = {row["text"] for row in rows_of("statements")}
    pairs, triplets = rows_of("contrast"), rows_of("triplets")
    assert not trained & {row["text"] for row in [*pairs, *triplets]}
    by_pair, by_translation = defaultdict(list), defaultdict(list)
    for row in pairs:
        by_pair[row["pair"]].append(row)
    for row in triplets:
        by_translation[row["translation"]].append(row)
    assert len(by_pair) >= 300
    assert all(len(two) == 2 and two[0]["stance"] != two[1]["stance"] for two in by_pair.values())
    assert len(by_translation) >= 150
    for three in by_translation.values():
        assert {row["lang"] for row in three} == {"en", "it", "ru"}
        assert len({(row["stance"], row["sentiment"]) for row in three}) == 1


def test_annotated_articles_match_their_documents():
    from detente.text.documents import read_documents

    found = 0
    for split in ("dev", "test", "fresh"):
        folder = DATA / "articles" / split
        texts = {d.doc_id: d.text for d in read_documents(folder)}
        for path in sorted((DATA / "annotations" / "articles" / split).glob("*.jsonl")):
            rows = [json.loads(line) for line in path.open(encoding="utf-8")]
            found += 1
            ends = [row["end"] for row in rows]
            assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
            assert all(end <= row["start"] for end, row in zip(ends, rows[1:], strict=False))
            for row in rows:
                assert texts[row["doc_id"]][row["start"] : row["end"]] == row["text"]
    assert found >= 45
