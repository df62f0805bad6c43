"""A folder of tables into a folder of Parquet: on one machine, and by Ray with a worker that is killed."""

import filecmp
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detente import checkpoint as checkpoints
from detente.errors import InputError, UsageError
from detente.files import Layout, read_rows
from detente.inference import shards
from detente.models.majority import Majority
from detente.verbs import predict
from detente.verbs.predict import PredictJob, RayEngine

SHARDS, ROWS = 8, 300


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory, stance):
    folder = tmp_path_factory.mktemp("run") / "checkpoint"
    made = checkpoints.Checkpoint(
        family="majority", classifier=Majority((stance,), {"stance": [0.2, 0.5, 0.3]}), temperatures={}, about={}
    )
    checkpoints.save(made, folder, card="a card")
    return folder


@pytest.fixture
def folder(tmp_path):
    """Parquet in two folders; ids are given in all files but one, and one file has a column more."""
    for number in range(SHARDS):
        path = tmp_path / "in" / ("a" if number % 2 else "b") / f"part-{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {"text": [f"text {number} {i}" for i in range(ROWS)]}
        columns |= {"id": [f"{i}" for i in range(ROWS)]} if number else {"likes": list(range(ROWS))}
        pq.write_table(pa.table(columns), path)
    return tmp_path / "in"


def job(run_dir, source, output, **options):
    given = {"data": Layout(), "languages": ["en"], "workers": 1, "batch": 64} | options
    return PredictJob(checkpoint=str(run_dir), input=str(source), output=str(output), **given)


def files_below(path: Path) -> list[str]:
    return sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())


def check_equal(first: Path, second: Path) -> None:
    names = files_below(first)
    assert names == files_below(second)
    assert filecmp.cmpfiles(first, second, names, shallow=False)[0] == names


def test_a_folder_of_shards_holds_the_rows_of_one_file(run_dir, folder, tmp_path):
    assert "2,400 rows in 8 Parquet files" in predict.run(job(run_dir, folder, tmp_path / "out")).text
    predict.run(job(run_dir, folder, tmp_path / "one.parquet"))
    assert files_below(tmp_path / "out") == files_below(folder)
    in_shards = [row.values for name in files_below(folder) for row in read_rows(tmp_path / "out" / name)]
    assert in_shards == [row.values for row in read_rows(tmp_path / "one.parquet")]
    assert not (tmp_path / "out.job").exists()
    with pytest.raises(InputError, match="is there already"):
        predict.run(job(run_dir, folder, tmp_path / "out"))


def test_shards_that_are_done_stay_so(run_dir, folder, tmp_path, monkeypatch):
    predict.run(job(run_dir, folder, tmp_path / "whole"))
    labelled = []
    real = predict._run_job

    def failing(given, checkpoint, source, output, *, workers):
        labelled.append(source.path.name)
        if len(labelled) == 4:
            raise InputError("the power went")
        return real(given, checkpoint, source, output, workers=workers)

    monkeypatch.setattr(predict, "_run_job", failing)
    with pytest.raises(InputError, match="the power went"):
        predict.run(job(run_dir, folder, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=r"broken off after 900 rows.*settings changed"):
        predict.run(job(run_dir, folder, tmp_path / "out", batch=32))
    predict.run(job(run_dir, folder, tmp_path / "out"))
    assert len(labelled) == SHARDS + 1
    check_equal(tmp_path / "out", tmp_path / "whole")


def test_mistakes_are_one_sentence(run_dir, folder, tmp_path):
    with pytest.raises(UsageError, match="from a folder of tables to a folder of Parquet"):
        job(run_dir, folder, "out.parquet", engine=RayEngine())
    with pytest.raises(UsageError, match="lies in the input"):
        predict.run(job(run_dir, folder, folder / "out"))
    assert not (folder / "out.job").exists()
    (folder / "a.txt").write_text("An article.")
    with pytest.raises(UsageError, match="give articles a file"):
        predict.run(job(run_dir, folder, tmp_path / "out"))
    (folder / "a.txt").unlink()
    (folder / "a" / "part-1.csv").write_text("text\none\n")
    with pytest.raises(InputError, match="differ in their endings alone"):
        predict.run(job(run_dir, folder, tmp_path / "out"))
    assert not shards.is_folder("out.csv")


def actors_below(pid: int) -> list[int]:
    """Process ids of Ray's actors of ours that descend from a process."""
    parents, names = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(entry.name)] = (entry / "cmdline").read_text()
        except (OSError, ValueError):
            continue
    found, grown = {pid}, True
    while grown:
        grown = {child for child, parent in parents.items() if parent in found} - found
        found |= grown
    return sorted(child for child in found if "MapWorker" in names.get(child, ""))


SLOW = """
import sys, time
from detente.models import majority
real = majority.Majority.predict_proba
def slow(self, statements):
    time.sleep(0.05)
    return real(self, statements)
majority.Majority.predict_proba = slow
"""


@pytest.mark.slow
def test_ray_gives_the_same_bytes_when_a_worker_is_killed(run_dir, folder, tmp_path):
    pytest.importorskip("ray.data")
    predict.run(job(run_dir, folder, tmp_path / "local"))
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "sitecustomize.py").write_text(SLOW)
    import detente

    sources = Path(detente.__file__).parents[1]
    arguments = [f"checkpoint={run_dir}", f"input={folder}", "output=by_ray", "engine=ray", "workers=2", "batch=64"]
    process = subprocess.Popen(
        [sys.executable, "-m", "detente", "predict", *arguments],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": f"{tmp_path / 'slow'}:{sources}"}, stderr=subprocess.PIPE,
    )  # fmt: skip
    parts, killed = tmp_path / "by_ray.job" / "parts", 0
    while process.poll() is None:
        time.sleep(0.02)
        done = sum(name.endswith(".parquet") for _, _, names in os.walk(parts) for name in names)  # folders come and go
        if not killed and 1 <= done <= SHARDS - 3 and (actors := actors_below(process.pid)):
            os.kill(actors[0], signal.SIGKILL)
            killed += 1
    assert process.returncode == 0, process.stderr.read()
    assert killed
    check_equal(tmp_path / "by_ray", tmp_path / "local")
