import json

import pytest

from detente.errors import InputError, UsageError
from detente.text.documents import Document
from detente.text.extraction import extract
from detente.verbs.extract import ExtractJob, run

ARTICLE = (
    "Kremlin open to rare earths deal with US\n\n"
    'Russia has many rare earths, Kremlin spokesman Dmitry Peskov said. "The Americans need them," he added.\n\n'
    "Brent fell to $60 a barrel in London."
)


def test_a_statement_a_sentence_with_exact_slices():
    found = extract(Document(doc_id="a.txt", text=ARTICLE, date="2025-02-25", source="Wire"))
    assert [s.id for s in found] == [f"a.txt#{n}" for n in range(1, 5)]
    assert all(ARTICLE[s.start : s.end] == s.text for s in found)
    assert {(s.lang, s.date, s.source, s.doc_id) for s in found} == {("en", "2025-02-25", "Wire", "a.txt")}
    assert [s.holder_name for s in found[1:3]] == ["Dmitry Peskov"] * 2
    assert [s.quote for s in found[1:]] == ["indirect", "direct", "none"]
    assert found[0].relevance > 0.5 > found[3].relevance


@pytest.fixture
def folder(tmp_path):
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "a.txt").write_text(ARTICLE)
    (articles / "b.txt").write_text(ARTICLE + " Indeed.")
    (articles / "bad.txt").write_bytes(b"")
    return articles


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_job_writes_statements_and_lists_what_it_left_out(folder, tmp_path):
    output = tmp_path / "out.jsonl"
    outcome = run(ExtractJob(input=str(folder), output=str(output)))
    assert {row["doc_id"] for row in rows(output)} == {"a.txt", "b.txt"}
    (left_out,) = rows(tmp_path / "out.jsonl.rejects.jsonl")
    assert left_out["file"].endswith("bad.txt")
    assert f"detente label input={output}" in outcome.text


def test_copies_can_be_joined(folder, tmp_path):
    output = tmp_path / "out.csv"
    run(ExtractJob(input=str(folder), output=str(output), copies="join"))
    assert "b.txt#1" not in output.read_text()
    assert "a copy of a.txt" in (tmp_path / "out.csv.rejects.jsonl").read_text()


def test_irrelevant_statements_can_be_left_out(folder, tmp_path):
    output = tmp_path / "out.jsonl"
    run(ExtractJob(input=str(folder / "a.txt"), output=str(output), min_relevance=0.5))
    texts = [row["text"] for row in rows(output)]
    assert "Brent fell to $60 a barrel in London." not in texts
    assert texts


def test_a_bad_file_stops_the_job_if_asked(folder, tmp_path):
    output = tmp_path / "out.jsonl"
    with pytest.raises(InputError, match=r"bad\.txt"):
        run(ExtractJob(input=str(folder), output=str(output), on_error="stop"))
    assert not output.exists()


def test_nothing_readable_is_an_error(folder, tmp_path):
    with pytest.raises(InputError, match="is empty"):
        run(ExtractJob(input=str(folder / "bad.txt"), output=str(tmp_path / "o.jsonl")))


@pytest.mark.parametrize(
    "change",
    [
        {"languages": ["xx"]},
        {"min_relevance": 2},
        {"on_error": "go"},
        {"copies": "no"},
        {"output": "o.txt"},
        {"workers": -1},
    ],
)
def test_settings_are_checked(change):
    with pytest.raises(UsageError):
        ExtractJob(**{"input": "x", "output": "o.jsonl", **change})


def test_several_processes_write_the_same_bytes_and_name_what_they_left_out(tmp_path):
    articles = tmp_path / "articles"
    articles.mkdir()
    for i in range(30):
        (articles / f"{i:02}.txt").write_text(f"{ARTICLE}\n\nMoscow sold {i} tons of uranium to the United States.")
    (articles / "13.txt").write_bytes(b"%PDF-1.7")
    written = []
    for workers in (1, 2):
        output = tmp_path / f"{workers}.jsonl"
        run(ExtractJob(input=str(articles), output=str(output), workers=workers))
        left_out = rows(tmp_path / f"{workers}.jsonl.rejects.jsonl")
        assert [row["file"][-6:] for row in left_out] == ["13.txt"]
        written.append(output.read_bytes())
    assert written[0] == written[1]


def test_a_bad_file_stops_several_processes_too(tmp_path):
    articles = tmp_path / "articles"
    articles.mkdir()
    for i in range(20):
        (articles / f"{i:02}.txt").write_text(ARTICLE)
    (articles / "12.txt").write_bytes(b"")
    with pytest.raises(InputError, match=r"12\.txt"):
        run(ExtractJob(input=str(articles), output=str(tmp_path / "o.jsonl"), on_error="stop", workers=2))
    assert not (tmp_path / "o.jsonl").exists()


def test_one_file_of_fifty_megabytes_is_left_out_unread_and_the_rest_goes_on(folder, tmp_path):
    with (folder / "huge.txt").open("wb") as opened:
        opened.truncate(50_000_000)
    run(ExtractJob(input=str(folder), output=str(tmp_path / "o.jsonl")))
    reasons = {row["file"][-8:]: row["reason"] for row in rows(tmp_path / "o.jsonl.rejects.jsonl")}
    assert "split it" in reasons["huge.txt"]
    assert len({row["doc_id"] for row in rows(tmp_path / "o.jsonl")}) == 2
