"""Reading and writing: every format round trips, every kind of bad row is named by file and line."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import files
from detente.errors import InputError, UsageError
from detente.files import Layout, Rejects
from detente.records import COLUMNS, Statement
from detente.tasks import Task

STANCE = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))
ENDINGS = ["jsonl", "csv", "tsv", "parquet", "jsonl.gz", "csv.gz", "parquet.gz"]


def read(path, **options):
    return list(files.read_statements([path], **options))


def write(path, content, encoding="utf-8"):
    path.write_bytes(content.encode(encoding) if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_round_trips(ending, tmp_path, statements):
    rich = [
        Statement(
            id="a",
            text='«Sì», disse; "quoted", tab\there\nsecond line',
            lang="it",
            holder="il ministro",
            holder_name="Anna Rossi",
            quote="direct",
            relevance=0.5,
            start=3,
            end=9,
            labels={"stance": "neutral"},
            extra={"page": "7"},
        ),
        *statements[:50],
    ]
    path = tmp_path / f"x.{ending}"
    files.write_statements(path, rich)
    again = read(path)
    assert [(s.id, s.text, s.labels, s.start, s.relevance, s.quote) for s in again] == [
        (s.id, s.text, s.labels, s.start, s.relevance, s.quote) for s in rich
    ]
    assert again[0].extra["page"] == "7"
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", ["jsonl", "csv", "tsv", "parquet"])
def test_columns_stand_in_the_order_of_the_contract(ending, tmp_path):
    files.write_statements(tmp_path / f"x.{ending}", [Statement(text="a", extra={"mine": "1"})])
    assert files.column_names(tmp_path / f"x.{ending}") == [*COLUMNS, "mine"]


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))).filter(str.strip), min_size=1, max_size=5))
def test_any_text_survives_csv(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    files.write_statements(path, [Statement(text=t) for t in texts])
    assert [s.text for s in read(path)] == texts


BAD = {
    "truncated": ("x.jsonl", '{"text": "one"}\n{"text": "tw\n', 2, "not a whole JSON object"),
    "not an object": ("x.jsonl", '{"text": "one"}\n[1]\n', 2, "a JSON list"),
    "encoding": ("x.jsonl", b'{"text": "one"}\n{"text": "caff\xe8"}\n', 2, "not UTF-8"),
    "encoding csv": ("x.csv", b"text\none\ncaff\xe8\n", 3, "not UTF-8"),
    "empty text": ("x.csv", "id,text\na,one\nb,  \n", 3, "text is empty"),
    "nul": ("x.jsonl", '{"text": "one"}\n{"text": "a\\u0000b"}\n', 2, "NUL byte"),
    "duplicate id": ("x.csv", "id,text\na,one\na,two\n", 3, 'id "a" stands already at'),
    "label": ("x.csv", "text,stance\none,neutral\ntwo,pro\n", 3, 'stance "pro" is no label'),
    "cells": ("x.csv", "id,text\na,one\nb,two,three\n", 3, "3 cells where the header has 2"),
    "open quote": ("x.csv", 'text\none\n"two\nthree\n', 3, "check the quotes"),
    "number": ("x.csv", "text,start\none,1\ntwo,first\n", 3, "start is 'first'"),
    "probability": ("x.jsonl", '{"text": "a"}\n{"text": "b", "relevance": 7}\n', 2, "probability between 0 and 1"),
    "no string": ("x.jsonl", '{"text": "a"}\n{"text": 7}\n', 2, "must be a string"),
    "huge cell": ("x.csv", "text\none\n" + "a" * 5_000_000 + "\n", 3, "a cell of 5,000,000 characters"),
    "huge line": ("x.jsonl", '{"text": "a"}\n{"text": "' + "a" * 5_000_000 + '"}\n', 2, "at most"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_stops_with_file_and_line(case, tmp_path):
    name, content, line, reason = BAD[case]
    path = write(tmp_path / name, content)
    tasks = [STANCE] if case == "label" else []
    with pytest.raises(InputError) as error:
        read(path, tasks=tasks)
    assert f"{path}:{line}: " in str(error.value)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_skipped_into_the_rejects(case, tmp_path):
    name, content, line, reason = BAD[case]
    path = write(tmp_path / name, content)
    rejects = Rejects()
    kept = read(path, layout=Layout(on_error="skip"), tasks=[STANCE] if case == "label" else [], rejects=rejects)
    assert len(kept) == 1
    rejects.write(tmp_path / "rejects.jsonl")
    row = json.loads((tmp_path / "rejects.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert row["line"] == line
    assert row["file"] == str(path)
    assert reason in row["reason"]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("text,stance\nciao,neutral\n", "utf-8-sig"),
        ("text,stance\r\nciao,neutral\r\n", "utf-8"),
        ("text;stance\nciao;neutral\n", "utf-8"),
        ("text,stance\n\n,\nciao,neutral\n ,\n,\n   \n", "utf-8"),
        ("sep=;\r\ntext;stance\r\nciao;neutral\r\n", "utf-8-sig"),
        ("text;stance;;\r\nciao;neutral;;\r\n;;;\r\n", "utf-8-sig"),
        ("sep=|\ntext|stance\nciao|neutral\n", "utf-8"),
    ],
    ids=[
        "byte-order mark",
        "CRLF",
        "semicolons",
        "rows without a cell",
        "sep=",
        "columns without a name",
        "sep= of another kind",
    ],
)
def test_what_spreadsheets_write_is_read(content, encoding, tmp_path):
    (row,) = read(write(tmp_path / "x.csv", content, encoding), tasks=[STANCE])
    assert (row.text, row.labels) == ("ciao", {"stance": "neutral"})


def test_a_line_is_named_as_an_editor_counts_after_a_sep_line(tmp_path):
    path = write(tmp_path / "x.csv", "sep=;\ntext;stance\na;neutral\n;neutral\n")
    with pytest.raises(InputError, match=r"x\.csv:4: the text is empty"):
        read(path)
    assert [block.end.line for block in files.read_blocks(path, size=1)] == [3, 4]
    (rest,) = files.read_blocks(path, size=1, start=next(files.read_blocks(path, size=1)).end)
    assert (rest.lines, rest.content) == ([4], [["", "neutral"]])


def test_whole_files_that_cannot_be_read(tmp_path):
    cases = {
        "utf16.csv": ("text\nciao\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
        "unmarked.csv": ("text\nciao\n".encode("utf-16-le"), "UTF-16; save it as UTF-8"),
        "cut.jsonl.gz": (gzip.compress(b'{"text": "a"}\n' * 1000)[:-20], "breaks off"),
        "no.jsonl.gz": (b"plain", "gzip"),
        "no.parquet": (b"plain text, no parquet", "no readable Parquet"),
        "empty.csv": (b"", "no rows that can be read"),
        "twice.csv": (b"text,text\na,b\n", 'two columns are called "text"'),
        "other.csv": (b"tweet,label\na,b\n", 'no column "text" among tweet, label; name the column'),
    }
    for name, (content, reason) in cases.items():
        with pytest.raises(InputError, match=reason):
            read(write(tmp_path / name, content))


def test_columns_and_values_are_mapped(tmp_path):
    path = write(tmp_path / "x.csv", "tweet,Stance,start\nciao,FAVOR,yes\n")
    layout = Layout(columns={"text": "tweet", "stance": "Stance", "start": None}, values={"FAVOR": "cooperative"})
    (row,) = read(path, layout=layout, tasks=[STANCE])
    assert (row.text, row.labels, row.start, row.extra) == ("ciao", {"stance": "cooperative"}, None, {"start": "yes"})


def test_labels_forgive_case_blanks_and_floats():
    assert STANCE.label_of(" Neutral ") == "neutral"
    assert Task(name="x", labels=("0", "1")).label_of(1.0) == "1"
    assert STANCE.label_of(None) == STANCE.label_of(float("nan")) == ""


def test_an_unwritable_place_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        files.write_rows(tmp_path / "file" / "x.csv", [{"a": 1}], columns={"a": int})


def test_a_writer_that_fails_midway_leaves_nothing(tmp_path):
    def rows():
        yield {"a": "1"}
        raise InputError("row two is bad")

    (tmp_path / "x.csv").write_text("the old one")
    for name in ("x.csv", "x.parquet", "x.jsonl"):
        with pytest.raises(InputError, match="row two"):
            files.write_rows(tmp_path / name, rows(), columns={"a": str})
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]
    assert (tmp_path / "x.csv").read_text() == "the old one"


def test_expand_takes_files_folders_and_globs(tmp_path):
    for name in ("a.csv", "sub/b.jsonl", ".hidden/c.csv", "note.pdf", "x.rejects.jsonl"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert [p.name for p in files.expand(tmp_path)] == ["a.csv", "b.jsonl"]
    assert [p.name for p in files.expand(f"{tmp_path}/*.csv")] == ["a.csv"]
    with pytest.raises(InputError, match="does not exist"):
        files.expand(tmp_path / "nothing.csv")
    with pytest.raises(InputError, match="matches no file"):
        files.expand(f"{tmp_path}/*.tsv")


def test_unknown_ending_says_which_are_known():
    from pathlib import Path

    with pytest.raises(UsageError, match=r"must end in \.jsonl, \.csv, \.tsv or \.parquet"):
        files.table_format(Path("x.xlsx"))
