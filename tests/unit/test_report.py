"""The report: made from a run's files alone, escaped, self-contained, in a reader's words."""

import json
import re
from html.parser import HTMLParser

import pytest

from detente import files
from detente.errors import InputError, UsageError
from detente.evaluation.report.comparison_page import comparison_page
from detente.evaluation.report.run_page import run_page
from detente.verbs.report import ReportJob, run

BAD = "<script>alert(1)</script>&\"'"
INTERVAL = {"value": 0.7, "low": 0.6, "high": 0.8}
BARE = {"value": 0.7, "low": None, "high": None}
RATE = {"n": 20, "clusters": 5, "failures": 7, "rate": INTERVAL}
BIN = {"low": 0.3, "high": 0.6, "n": 10, "mean": 0.5, "share": 0.4, "share_low": 0.2, "share_high": 0.6}
PART = {
    "n": 60, "confidence": 0.8, "accuracy": 0.7, "gap": INTERVAL, "ece": INTERVAL, "ece_if_calibrated": 0.1, "bins": [BIN],
}  # fmt: skip


def scores(note=""):
    label = {"precision": INTERVAL, "recall": INTERVAL, "f1": BARE, "n": 3}
    return {
        "n": 6, "clusters": 3, "accuracy": INTERVAL, "macro_f1": INTERVAL, "f_avg": INTERVAL, "mcc": INTERVAL,
        "ece": None, "log_loss": None, "labels": {"cooperative": label, BAD: label}, "confusion": [[2, 1], [0, 3]], "note": note,
    }  # fmt: skip


def sections():
    brier = {**INTERVAL, "reliability": 0.01, "resolution": 0.3, "uncertainty": 0.6, "within_bins": 0.0}
    point = {"threshold": 0.9, "coverage": 0.2, "error": 0.1, "low": 0.0, "high": 0.3}
    answered = {
        "rate": 0.1, "threshold": 0.8, "n": 6, "answered": 3, "wrong": 1, "coverage": INTERVAL, "error": None, "kept": True,
    }  # fmt: skip
    row = {
        "column": "holder_side", "value": BAD, "n": 40, "clusters": 4, "accuracy": INTERVAL, "macro_f1": BARE,
        "difference": INTERVAL, "p": 0.01, "p_holm": 0.02, "verdict": "worse",
    }  # fmt: skip
    example = {"lang": "en", "texts": [BAD], "predicted": [BAD], "expected": BAD}
    shift = {"flips": RATE, "shift": {"cooperative": INTERVAL}}
    return {
        "slices": {"test": {"stance": {"rows": [row], "tested": 1, "least": 30, "left_out": [BAD]}}},
        "calibration": {
            "test": {"stance": {**PART, "brier": brier, "labels": {}, "by_lang": {"it": PART}, "advice": [BAD]}}
        },
        "abstention": {
            "test": {
                "stance": {
                    "n": 6,
                    "error": 0.3,
                    "aurc": INTERVAL,
                    "aurc_best": 0.1,
                    "aurc_random": 0.3,
                    "points": [point, {**point, "coverage": 1.0}],
                    "rates": [answered],
                    "by_lang": {},
                }
            }
        },
        "probes": {
            "quote_marks": {
                "task": "stance",
                "kind": "invariance",
                "about": BAD,
                "all": RATE,
                "by_lang": {"en+it": RATE},
                "examples": [example],
            }
        },
        "bias": [
            {
                "task": "stance",
                "swap": f"speaker: {BAD} -> x",
                "on": "templates",
                "all": shift,
                "by_lang": {},
                "clear": ["cooperative"],
                "examples": [example],
            }
        ],
    }


def write_run(folder, *, name="first_run", more=None):
    metrics = {
        "name": name,
        "data": {"name": BAD, "n": {"train": 5, "test": 6}, "fingerprint": "abc", "notes": [BAD]},
        "seed": 1,
        "model": {"c": BAD, "encoder": {"name": "minilm"}},
        "metrics": {"test": {"stance": {"all": scores(note=BAD), "by_lang": {"en": scores(), "it": scores()}}}},
        "fit_seconds": 3.2,
        "versions": {"numpy": "2"},
        "platform": "Linux",
        **(more or {}),
    }
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "metrics.json", metrics)
    files.write_text(folder / "config.yaml", f"# Repeat: detente train --config-dir=X\nname: {BAD}\n")
    rows = [
        {
            "id": str(i),
            "text": BAD,
            "holder": BAD,
            "lang": "en",
            "given_stance": "cooperative",
            "stance": BAD,
            "stance_confidence": 0.9,
        }
        for i in range(3)
    ]
    files.write_rows(folder / "predictions.test.parquet", iter(rows), columns=files.column_types(rows))
    return folder


class Reader(HTMLParser):
    """Words that a reader sees, elements, and whether every element is closed."""

    def __init__(self):
        super().__init__()
        self.words, self.tags, self.open, self.attributes = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open and "pre" not in self.open:
            self.words.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_every_section_that_the_run_has_is_there_and_no_other(tmp_path):
    whole = run_page(write_run(tmp_path / "whole", more=sections()))
    for anchor in (
        "scores-test",
        "slices-test",
        "calibration-test",
        "abstention-test",
        "mistakes-test",
        "probes",
        "bias",
        "data",
        "run",
    ):
        assert f'id="{anchor}"' in whole
        assert f'href="#{anchor}"' in whole
    plain = run_page(write_run(tmp_path / "plain"))
    for anchor in ("slices-test", "calibration-test", "abstention-test", "probes", "bias"):
        assert f'id="{anchor}"' not in plain
    assert "0.700 (0.600–0.800) on 6 test statements, in 3 groups" in plain


def test_text_from_files_is_escaped_everywhere(tmp_path):
    page = run_page(write_run(tmp_path / "r", more=sections()))
    reader = read(page)
    assert "script" not in reader.tags
    assert BAD in "".join(reader.words)
    assert not [value for name, value in reader.attributes if name.startswith("on")]


def test_nothing_is_loaded_and_nothing_changes_between_two_makings(tmp_path):
    folder = write_run(tmp_path / "r", more=sections())
    page = run_page(folder)
    assert page == run_page(folder)
    assert not [value for name, value in read(page).attributes if name in ("src", "href") and not value.startswith("#")]
    assert "url(" not in page
    assert "@import" not in page


def test_on_paper_all_is_open_shaded_and_as_wide_as_the_page(tmp_path):
    page = run_page(write_run(tmp_path / "r"))
    sheet = page.partition("@media print {")[2].partition("</style>")[0]
    for rule in ("details::details-content { display: block", "print-color-adjust: exact", "overflow-wrap: anywhere"):
        assert rule in sheet


def test_a_reader_meets_no_raw_names(tmp_path):
    seen = " ".join(read(run_page(write_run(tmp_path / "r", more=sections()))).words)
    assert not re.findall(r"\b(macro_f1|ece|mcc|f_avg|holder_side|quote_marks|p_holm|fit_seconds|aurc)\b", seen)


def test_a_comparison_names_leader_ties_and_costs(tmp_path):
    first, second = write_run(tmp_path / "a", name="runs_of_a"), write_run(tmp_path / "b", name="runs_of_b")
    entry = {"macro_f1": INTERVAL, "accuracy": INTERVAL, "over_seeds": None}
    pair = {
        "first": "runs_of_a", "second": "runs_of_b", "part": "all", "n": 6, "clusters": 3, "macro_f1": INTERVAL, "accuracy": INTERVAL,
        "test": "x", "p": 0.4, "p_holm": 0.4, "tied": True, "mcnemar": None, "more_needed": 900,
    }  # fmt: skip
    ranking = {
        "task": "stance", "split": "test", "n": 6, "clusters": 3, "left_out": {"runs_of_a": 0, "runs_of_b": 2},
        "entries": [{"name": "runs_of_a", "runs": ["runs_of_a"], **entry}, {"name": "runs_of_b", "runs": ["runs_of_b"], **entry}],
        "pairs": [pair], "tiers": [["runs_of_a", "runs_of_b"]],
    }  # fmt: skip
    folders = {"runs_of_a": str(first), "runs_of_b": str(second)}
    seen = " ".join(read(comparison_page({"folders": folders, "rankings": [ranking], "notes": [BAD]})).words)
    assert "a leads with macro-F1 0.700 (0.600–0.800), tied with b." in seen
    for words in ("tied", "900", "Left out: 2 statements of b", "seconds to fit", BAD):
        assert words in seen


def test_the_verb_writes_into_the_run(tmp_path):
    folder = write_run(tmp_path / "r")
    run(ReportJob(run=str(folder), runs=[], output="", run_dir=str(tmp_path), seed=1))
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    "given", [{"run": "", "runs": []}, {"run": "x", "runs": ["y"]}, {"run": "x", "runs": [], "output": "a.pdf"}]
)
def test_what_cannot_be_reported_is_refused(given):
    with pytest.raises(UsageError):
        ReportJob(**({"output": "", "run_dir": "", "seed": 1} | given))


def test_a_folder_without_metrics_is_named(tmp_path):
    with pytest.raises(InputError, match=r"metrics\.json does not exist"):
        run_page(tmp_path)
    (tmp_path / "metrics.json").write_text(json.dumps({"metrics": {"test": {"stance": {}}}}), encoding="utf-8")
    with pytest.raises(InputError, match="no metrics file"):
        run_page(tmp_path)
