"""Prediction jobs: killed, stopped, out of room, run twice: the output is the one of an undisturbed job."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detente import checkpoint as checkpoints
from detente.errors import InputError, StoppedError, UsageError
from detente.files import Layout, read_rows
from detente.inference import cache, jobs, ledger, sources
from detente.inference import work as work_module
from detente.models.majority import Majority
from detente.records import Statement
from detente.verbs import predict
from detente.verbs.predict import PredictJob

ROWS = 2500


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, stance, sentiment) -> Path:
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    shares = {"stance": [0.2, 0.5, 0.3], "sentiment": [0.1, 0.3, 0.6]}
    made = checkpoints.Checkpoint(
        family="majority", classifier=Majority((stance, sentiment), shares), temperatures={}, about={}
    )
    checkpoints.save(made, folder, card="a card")
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    """Rows with quotes and line breaks, some of them bad, two with an id that stood before."""
    path = tmp_path_factory.mktemp("many") / "many.jsonl"
    lines = [json.dumps({"id": f"r{i}", "text": f'The "senator"\nwarns, n. {i} ё', "n": i}) for i in range(ROWS)]
    lines[700], lines[1300], lines[2000] = '{"text": ""}', "{broken", lines[3]
    lines[2400] = lines[2399]
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return path


def job(run_dir, source, output, **options) -> PredictJob:
    layout = options.pop("data", Layout(on_error="skip"))
    given = {"batch": 100, "workers": 1, "languages": ["en"]} | options
    return PredictJob(checkpoint=str(run_dir), input=str(source), output=str(output), data=layout, **given)


class Zygote:
    def __init__(self, run_dir):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py")), str(run_dir)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *, kill_after=None, **task) -> int:
        """The status of a job (negative: the signal that ended it)."""
        self.process.stdin.write(json.dumps({"workers": 1} | task) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(pid, signal.SIGKILL)  # not yet waited for, so the number is still its own
        self.process.stdin.write("wait\n")
        self.process.stdin.flush()
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def zygote(run_dir):
    made = Zygote(run_dir)
    yield made
    made.process.stdin.close()
    made.process.wait()


def undisturbed(zygote, many, folder, name) -> dict[str, bytes]:
    assert zygote.run(input=str(many), output=str(folder / f"whole.{name}")) == 0
    return {
        "": (folder / f"whole.{name}").read_bytes(),
        ".rejects.jsonl": (folder / f"whole.{name}.rejects.jsonl").read_bytes(),
    }


@pytest.mark.parametrize(
    ("name", "workers", "times"), [("jsonl", 1, 30), ("csv.gz", 2, 10), ("parquet", 1, 10), ("parquet", 2, 10)]
)
def test_killed_at_any_moment_a_job_ends_with_the_same_bytes(name, workers, times, zygote, many, tmp_path):
    whole = undisturbed(zygote, many, tmp_path, name)
    drawn = random.Random(f"{name} {workers}")
    output = tmp_path / f"killed.{name}"
    task = {"input": str(many), "output": str(output), "workers": workers, "sleep": 0.002}
    kills = finished = 0
    while kills < times or not finished:
        status = zygote.run(**task, kill_after=drawn.uniform(0.0, 0.12) if kills < times else None)
        assert status in (0, -signal.SIGKILL)
        kills += status != 0
        if status == 0:
            finished += 1
            assert {ending: Path(f"{output}{ending}").read_bytes() for ending in whole} == whole
            assert not ledger.folder_of(output).exists()
        if output.exists():  # perhaps killed after its last act
            assert output.read_bytes() == whole[""]


def test_the_undisturbed_job_is_right(zygote, many, tmp_path):
    whole = undisturbed(zygote, many, tmp_path, "jsonl")
    rows = [json.loads(line) for line in whole[""].decode().splitlines()]
    assert [row["n"] for row in rows] == [i for i in range(ROWS) if i not in (700, 1300, 2000, 2400)]
    assert {row["stance"] for row in rows} == {"skeptical"}
    rejects = [json.loads(line) for line in whole[".rejects.jsonl"].decode().splitlines()]
    assert [reject["line"] for reject in rejects] == [701, 1301, 2001, 2401]
    assert 'the id "r3" was given before' in rejects[2]["reason"]


@pytest.mark.parametrize("name", ["jsonl", "parquet"])
def test_out_of_room_a_job_keeps_what_it_has_and_goes_on(name, zygote, many, tmp_path):
    whole = undisturbed(zygote, many, tmp_path, name)
    output = tmp_path / f"cut.{name}"
    for limit in (40_000, 90_000):
        assert zygote.run(input=str(many), output=str(output), limit=limit) == 1
        said = Path(f"{output}.error").read_text(encoding="utf-8")
        assert "could not be written" in said
        assert "the same command goes on" in said
        assert not output.exists()
    assert zygote.run(input=str(many), output=str(output)) == 0
    assert output.read_bytes() == whole[""]


def test_a_full_disk_is_said_and_survived(run_dir, many, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        predict.run(job(run_dir, many, tmp_path / "whole.jsonl"))
        with pytest.raises(InputError, match="No space left on device"):
            predict.run(job(run_dir, many, small / "out.jsonl"))
        subprocess.run(["mount", "-o", "remount,size=8m", str(small)], check=True)
        predict.run(job(run_dir, many, small / "out.jsonl"))
        assert (small / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_a_place_that_cannot_be_written_is_one_sentence(run_dir, many, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        predict.run(job(run_dir, many, tmp_path / "file" / "out.jsonl"))
    (tmp_path / "out.csv" / "in the way").mkdir(parents=True)
    with pytest.raises(InputError, match="is there already"):
        predict.run(job(run_dir, many, tmp_path / "out.csv"))


class Stop(Majority):
    """Presses ^C at a call."""

    def predict_proba(self, statements):
        if any(s.text.endswith("n. 1234 ё") for s in statements):
            signal.raise_signal(signal.SIGINT)
        return super().predict_proba(statements)


def broken_off(run_dir, source, output, **options):
    loaded = checkpoints.load(run_dir)
    loaded = replace(loaded, classifier=Stop(loaded.tasks, loaded.classifier.shares))
    found = sources.open_source(str(source), Layout(on_error="skip"))
    given = job(run_dir, source, output, **options)
    work = predict._work(given, loaded, found, output)
    with pytest.raises(StoppedError) as error:
        jobs.run_job(work, found, output, about=predict._about(given, loaded), size=100, workers=1, resume=True)
    return str(error.value)


def test_interrupted_a_job_says_how_to_go_on_and_does(run_dir, many, tmp_path):
    predict.run(job(run_dir, many, tmp_path / "whole.csv"))
    said = broken_off(run_dir, many, tmp_path / "out.csv")
    assert "stopped after 1,199 rows" in said
    assert "resume=false begins anew" in said
    assert not (tmp_path / "out.csv").exists()
    predict.run(job(run_dir, many, tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_another_input_checkpoint_or_setting_is_refused_until_told_to_begin_anew(run_dir, many, tmp_path):
    source = tmp_path / "mine.jsonl"
    source.write_bytes(many.read_bytes())
    output = tmp_path / "out.csv"
    broken_off(run_dir, source, output)
    with pytest.raises(InputError, match=r"broken off after 1,199 rows.*the settings changed"):
        predict.run(job(run_dir, source, output, batch=50))
    with source.open("a") as file:
        file.write('{"id": "new", "text": "one more", "n": 1}\n')
    with pytest.raises(InputError, match=r"the input changed.*resume=false"):
        predict.run(job(run_dir, source, output))
    assert not output.exists()
    predict.run(job(run_dir, source, output, resume=False))
    assert len(list(read_rows(output))) == ROWS - 4 + 1


def test_one_output_has_one_writer(run_dir, many, tmp_path):
    output = tmp_path / "out.csv"
    folder = ledger.folder_of(output)
    folder.mkdir()
    code = "import fcntl,sys; f=open(sys.argv[1],'wb'); fcntl.lockf(f,fcntl.LOCK_EX); print(1,flush=True); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    other.stdout.readline()
    with pytest.raises(UsageError, match="another process is writing"):
        predict.run(job(run_dir, many, output))
    other.communicate(b"\n")
    predict.run(job(run_dir, many, output))
    assert output.exists()


@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_workers_writes_the_same_bytes(workers, run_dir, many, tmp_path):
    for n in (1, workers):
        predict.run(job(run_dir, many, tmp_path / f"{n}.jsonl", workers=n))
    assert (tmp_path / f"{workers}.jsonl").read_bytes() == (tmp_path / "1.jsonl").read_bytes()


def test_bad_rows_stop_a_job_at_the_first_one_whatever_the_workers(run_dir, many, tmp_path):
    for workers in (1, 2):
        with pytest.raises(InputError, match=r"many.jsonl:701: the text is empty"):
            predict.run(job(run_dir, many, tmp_path / "out.jsonl", workers=workers, data=Layout()))
    assert not list(tmp_path.iterdir())
    path = tmp_path / "twice.csv"
    path.write_text("id,text\n" + "".join(f"{i % 450},a text\n" for i in range(500)))
    with pytest.raises(InputError, match=r'twice.csv:452: the id "0" stands already at .*twice.csv:2; ids'):
        predict.run(job(run_dir, path, tmp_path / "out.jsonl", data=Layout()))


def test_the_counts_of_rows_are_told(run_dir, many, tmp_path):
    text = predict.run(job(run_dir, many, tmp_path / "out.jsonl")).text
    assert "2,496 rows of 2,500 read" in text
    assert "4 bad rows" in text


class Counting:
    """Counts the statements that are computed."""

    def __init__(self, tasks, rng):
        self.tasks, self.seen, self.rng = tasks, [], rng

    def __call__(self, statements):
        self.seen += [s.text for s in statements]
        return {t.name: self.rng.dirichlet(np.ones(len(t.labels)), len(statements)) for t in self.tasks}


def test_equal_statements_are_computed_once(stance, sentiment):
    compute = Counting((stance, sentiment), np.random.default_rng(1))
    once = cache.Once((stance, sentiment), compute, cache.Recent())
    rows = [Statement(id=str(i), text=f"text {i % 5}", lang="en", source=str(i)) for i in range(20)]
    first, second = once(rows), once(rows[::-1])
    assert sorted(compute.seen) == [f"text {i}" for i in range(5)]
    for name, labels in (("stance", stance.labels), ("sentiment", sentiment.labels)):
        assert first[name].shape == (20, len(labels))
        np.testing.assert_array_equal(first[name], second[name][::-1])
        np.testing.assert_allclose(first[name].sum(axis=1), 1)
    once([Statement(text="text 1", lang="it"), Statement(text="text 1", lang="en", target="x")])
    assert len(compute.seen) == 7


def test_a_cache_computes_only_what_grew_and_two_jobs_may_share_it(stance, tmp_path):
    compute = Counting((stance,), np.random.default_rng(1))
    rows = [Statement(text=f"text {i}") for i in range(3000)]
    known = cache.Once((stance,), compute, cache.stored(tmp_path, "a model"))(rows[:2500])["stance"]
    again = cache.Once((stance,), compute, cache.stored(tmp_path, "a model"))(rows)["stance"]
    assert len(compute.seen) == 3000
    np.testing.assert_array_equal(again[:2500], known)
    cache.Once((stance,), compute, cache.stored(tmp_path, "another model"))(rows[:10])
    assert len(compute.seen) == 3010

    def job(number):
        mine = cache.Once((stance,), Counting((stance,), np.random.default_rng(number)), cache.stored(tmp_path, "b"))
        for start in range(0, 3000, 100):
            mine(rows[start : start + 100])

    threads = [threading.Thread(target=job, args=(n,)) for n in range(2)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    final = Counting((stance,), np.random.default_rng(3))
    cache.Once((stance,), final, cache.stored(tmp_path, "b"))(rows)
    assert final.seen == []


def test_a_cached_job_writes_the_bytes_of_an_uncached_one(run_dir, many, tmp_path):
    predict.run(job(run_dir, many, tmp_path / "plain.jsonl"))
    for name in ("first", "second"):
        predict.run(job(run_dir, many, tmp_path / f"{name}.jsonl", cache=str(tmp_path / "cache")))
        assert (tmp_path / f"{name}.jsonl").read_bytes() == (tmp_path / "plain.jsonl").read_bytes()
    damaged = cache.stored(tmp_path / "damaged", checkpoints.load(run_dir).digest).path
    damaged.parent.mkdir()
    damaged.write_bytes(b"no database at all, " * 100)
    with pytest.raises(InputError, match=r"the cache .* cannot be used"):
        predict.run(job(run_dir, many, tmp_path / "third.jsonl", cache=str(tmp_path / "damaged")))


def test_a_job_whose_answers_depend_on_the_batch_keeps_them_until_it_is_whole(run_dir, many, tmp_path, monkeypatch):
    predict.run(job(run_dir, many, tmp_path / "plain.jsonl"))
    monkeypatch.setattr(predict, "_ROW_BY_ROW", ())
    broken_off(run_dir, many, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl.job" / "answers.sqlite").exists()
    predict.run(job(run_dir, many, tmp_path / "out.jsonl", workers="auto"))
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "plain.jsonl").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "out.jsonl", "out.jsonl.rejects.jsonl", "plain.jsonl", "plain.jsonl.rejects.jsonl",
    ]  # fmt: skip


def test_parquet_types_survive(run_dir, tmp_path):
    import datetime
    from decimal import Decimal

    moment = datetime.datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=datetime.UTC)
    table = pa.table(
        {
            "text": ["one", "", "three"],
            "date": pa.array([datetime.date(2024, 5, 1)] * 3, pa.date32()),
            "when": pa.array([moment] * 3, pa.timestamp("us", "UTC")),
            "tags": pa.array([["a", "b"], [], None]),
            "price": pa.array([Decimal("1.10"), None, Decimal("2.20")], pa.decimal128(10, 2)),
            "small": pa.array([1, 2, None], pa.int8()),
            "nested": pa.array([{"a": 1}, None, {"a": 3}]),
            "stance": pa.array([1, 2, 3], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    predict.run(job(run_dir, tmp_path / "in.parquet", tmp_path / "out.parquet"))
    out = pq.read_table(tmp_path / "out.parquet")
    for name in ("date", "when", "tags", "price", "small", "nested"):
        assert out.schema.field(name).type == table.schema.field(name).type
        assert out[name].to_pylist() == table[name].take([0, 2]).to_pylist()
    assert out["given_stance"].to_pylist() == ["1", "3"]
    predict.run(job(run_dir, tmp_path / "in.parquet", tmp_path / "out.jsonl"))
    row = json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])
    assert (row["date"], row["tags"], row["when"]) == ("2024-05-01", ["a", "b"], "2024-05-01T10:00:00.123456+00:00")


def test_articles_of_all_kinds_go_on_after_a_kill(zygote, tmp_path):
    news = tmp_path / "news"
    news.mkdir()
    for i in range(40):
        (news / f"{i:02}.txt").write_text(f'"We will sell gas {i}," the minister said. It rained.\n', encoding="utf-8")
    rows = [{"kind": "document", "text": f"Article {i}. Moscow sold uranium."} for i in range(50)]
    rows[7]["text"] = ""
    (news / "b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (news / "a.csv").write_text("id,text\n" + "".join(f"{i},row {i}\n" for i in range(300)), encoding="utf-8")
    task = {"input": str(news), "sleep": 0.01}
    assert zygote.run(**task, output=str(tmp_path / "whole.csv")) == 0
    drawn, kills = random.Random(1), 0
    while zygote.run(**task, output=str(tmp_path / "k.csv"), kill_after=drawn.uniform(0, 0.25) if kills < 6 else None):
        kills += 1
    assert kills
    for ending in ("", ".rejects.jsonl"):
        assert Path(f"{tmp_path}/k.csv{ending}").read_bytes() == Path(f"{tmp_path}/whole.csv{ending}").read_bytes()
    assert len(list(read_rows(tmp_path / "k.csv"))) == 300 + 2 * 40 + 2 * 49


def test_spawned_workers_write_the_same_bytes(run_dir, many, tmp_path, monkeypatch):
    predict.run(job(run_dir, many, tmp_path / "1.jsonl"))
    monkeypatch.setattr(sys, "platform", "darwin")  # where a fork is not safe
    predict.run(job(run_dir, many, tmp_path / "2.jsonl", workers=2))
    assert (tmp_path / "2.jsonl").read_bytes() == (tmp_path / "1.jsonl").read_bytes()


def deadly(flag, tasks, proba):
    """Kills its process once, if that is a worker; a function of the module, so that a spawned one can be given it."""
    if multiprocessing.parent_process() and not flag.exists() and len(proba["stance"]) == 99:
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return work_module.decide(tasks, proba)


def test_a_killed_worker_is_one_sentence_and_no_loss(run_dir, many, tmp_path):
    predict.run(job(run_dir, many, tmp_path / "whole.jsonl"))
    loaded = checkpoints.load(run_dir)
    found = sources.open_source(str(many), Layout(on_error="skip"))
    given = job(run_dir, many, tmp_path / "out.jsonl", workers=2)
    work = replace(
        predict._work(given, loaded, found, tmp_path / "out.jsonl"), decide=partial(deadly, tmp_path / "killed")
    )
    options = {"about": {}, "size": 100, "workers": 2, "resume": True, "commit_seconds": 0}
    with pytest.raises(InputError, match="a worker process was killed"):
        jobs.run_job(work, found, tmp_path / "out.jsonl", **options)
    jobs.run_job(work, found, tmp_path / "out.jsonl", **options)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
