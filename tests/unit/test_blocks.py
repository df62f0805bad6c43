"""Blocks of rows: reading may go on after any of them; and columns are written as rows would be."""

import csv
import datetime
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.files import blocks, encoding, file_columns, read_rows, write_rows
from detente.files.reading import column_types

CELLS = st.text(st.sampled_from('ab,;"\n\r\té€𝄞 '), max_size=8)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(), st.lists(st.integers(), max_size=2)
)


def check_every_place(path, size):
    whole = list(read_rows(path))
    found = list(blocks.read_blocks(path, size=size))
    assert [row for block in found for row in blocks.rows_of(block)] == whole
    for i, block in enumerate(found):
        rest = [row for b in blocks.read_blocks(path, size=size, start=block.end) for row in blocks.rows_of(b)]
        assert rest == [row for b in found[i + 1 :] for row in blocks.rows_of(b)]


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=9), bom=st.booleans(), size=st.integers(1, 4))
def test_csv_goes_on_after_any_block(rows, bom, size, tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
        csv.writer(file).writerows([["text", "other"], *rows])
    check_every_place(path, size)


@given(lines=st.lists(st.sampled_from(['{"a": 1}', '{"a": "é"}', "", "{bad", "[1]", " "]), max_size=9))
@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_jsonl_goes_on_after_any_block(ending, lines, tmp_path_factory):
    path = tmp_path_factory.mktemp("jsonl") / f"x.{ending}"
    content = "\r\n".join(lines).encode()
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    check_every_place(path, 2)


def test_csv_with_broken_quotes_goes_on_after_any_block(tmp_path):
    (tmp_path / "x.csv").write_text('text\none\n"two" x\n"three\nlines"\nfour\n"open\nfive\n')
    check_every_place(tmp_path / "x.csv", 1)
    (tmp_path / "mac.csv").write_bytes(b"text,b\rone,1\rtwo,2\r")
    assert [row.values["text"] for row in read_rows(tmp_path / "mac.csv")] == ["one", "two"]
    check_every_place(tmp_path / "mac.csv", 1)


def test_parquet_goes_on_after_any_block(tmp_path):
    pq.write_table(pa.table({"text": [str(i) for i in range(20)]}), tmp_path / "x.parquet", row_group_size=7)
    check_every_place(tmp_path / "x.parquet", 3)
    assert [row.line for row in read_rows(tmp_path / "x.parquet")] == list(range(1, 21))


def test_long_rows_make_short_blocks(tmp_path):
    (tmp_path / "x.jsonl").write_text((json.dumps({"text": "a" * 900_000}) + "\n") * 30)
    assert max(len(block.lines) for block in blocks.read_blocks(tmp_path / "x.jsonl")) == 10


@given(values=st.lists(VALUES, max_size=6), kind=st.sampled_from([str, int, float, bool]), name=st.text(max_size=4))
def test_jsonl_is_what_json_dumps_gives(values, kind, name):
    found = encoding.encode({name: values, "%s": values}, {name: kind, "%s": kind}, table="jsonl")
    wanted = "".join(json.dumps({name: v, "%s": v}, ensure_ascii=False) + "\n" for v in values)
    assert found == wanted.encode()


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=1, max_size=6))
def test_csv_is_read_back_as_it_was(values):
    found = encoding.encode({"a": values, "b": values}, {"a": str, "b": str}, table="csv").decode()
    assert [row[0] for row in csv.reader(io.StringIO(found, newline=""))] == values


def test_dates_are_written_as_iso():
    when = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
    assert b'"2024-05-01T10:00:00+00:00"' in encoding.encode({"a": [when]}, {"a": pa.timestamp("s")}, table="jsonl")
    assert encoding.encode({"a": [when.date()]}, {"a": pa.date32()}, table="csv") == b"2024-05-01\n"


@given(rows=st.lists(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3), max_size=6))
def test_the_quick_look_at_columns_finds_what_python_finds(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("look") / "x.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found, wanted = file_columns(path), column_types(row.values for row in read_rows(path) if not row.problem)
    assert found == wanted
    assert list(found) == list(wanted)


@given(values=st.lists(VALUES, max_size=6))
def test_any_values_fit_into_parquet(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "x.parquet"
    kinds = column_types([{"a": v} for v in values]) or {"a": str}
    write_rows(path, [{"a": v} for v in values], columns=kinds)
    assert pq.read_table(path).num_rows == len(values)
