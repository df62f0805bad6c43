"""Labelling by the pipe: one row in, one row out, without waiting for more."""

import json
import select
import signal
import subprocess
import sys

import pytest

from detente import checkpoint as checkpoints
from detente.models.majority import Majority


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, stance):
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    made = checkpoints.Checkpoint(
        family="majority", classifier=Majority((stance,), {"stance": [0.2, 0.5, 0.3]}), temperatures={}, about={}
    )
    checkpoints.save(made, folder, card="a card")
    return folder


@pytest.fixture
def detente(run_dir, tmp_path):
    def start(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "detente", "predict", f"checkpoint={run_dir}", *arguments],
            cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


def test_a_row_comes_out_before_the_next_goes_in(detente):
    process = detente("input=-", "output=-", "on_error=skip")
    for i, given in enumerate(
        [{"text": "one"}, {"id": "b", "text": "two", "likes": 3}, {"text": "tre", "stance": "x"}]
    ):
        process.stdin.write(json.dumps(given).encode() + b"\n")
        process.stdin.flush()
        assert select.select([process.stdout], [], [], 30)[0], "nothing came out"
        row = json.loads(process.stdout.readline())
        assert row["text"] == given["text"]
        assert row["stance"] == "skeptical"
        assert row["id"] == given.get("id", f"stdin:{i + 1}")
        assert row.get("likes") == given.get("likes")
        assert row.get("given_stance") == given.get("stance")
    out, err = process.communicate(b'{broken\n\n{"text": "last"}\n')
    (last,) = out.decode().splitlines()
    assert json.loads(last)["text"] == "last"
    assert b"left out: stdin:4: not a whole JSON object" in err
    assert process.returncode == 0


def test_a_bad_row_stops_the_stream_after_the_rows_before_it(detente):
    out, err = detente("input=-", "output=-").communicate(b'{"text": "one"}\n{"text": ""}\n{"text": "two"}\n')
    assert [json.loads(line)["text"] for line in out.decode().splitlines()] == ["one"]
    assert b"stdin:2: the text is empty" in err


def test_files_go_to_the_pipe_and_the_pipe_to_a_file(detente, tmp_path):
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(f"{i},row {i}\n" for i in range(3000)))
    out, _ = detente("input=in.csv", "output=-", "workers=2").communicate()
    rows = [json.loads(line) for line in out.decode().splitlines()]
    assert [row["id"] for row in rows] == [str(i) for i in range(3000)]
    process = detente("input=-", "output=out.jsonl")
    said, _ = process.communicate(out)
    assert b"out.jsonl: 3,000 rows" in said
    again = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["given_stance"] for row in again] == [row["stance"] for row in rows]
    _, err = detente("input=-", "output=out.csv").communicate(b"")
    assert b"or give the input as a file" in err


@pytest.mark.parametrize("end", ["a bad row", "an interrupt", "the reader goes"])
def test_it_ends_in_order_while_its_input_stays_open(detente, end):
    process = detente("input=-", "output=-")
    process.stdin.write(b'{"text": "one"}\n')
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["text"] == "one"
    if end == "an interrupt":
        process.send_signal(signal.SIGINT)
    else:
        process.stdin.write(b'{"text": ""}\n' if end == "a bad row" else b'{"text": "two"}\n')
        if end == "the reader goes":
            process.stdout.close()
        process.stdin.flush()
    status = process.wait(timeout=30)
    err = process.stderr.read().decode()
    process.stdin.close()
    process.stdout.close()
    assert status == {"a bad row": 1, "an interrupt": 130, "the reader goes": 1}[end], err
    assert "Fatal Python error" not in err
    assert "Error executing job" not in err


def test_lines_of_any_length_come_through_whole(detente):
    texts = ["x" * 200_000, "y", "z" * 70_000]
    content = b"\n\n".join(json.dumps({"text": text}).encode() for text in texts)
    out, err = detente("input=-", "output=-").communicate(content)
    rows = [json.loads(line) for line in out.decode().splitlines()]
    assert [row["text"] for row in rows] == texts, err
    assert [row["id"] for row in rows] == ["stdin:1", "stdin:3", "stdin:5"]
