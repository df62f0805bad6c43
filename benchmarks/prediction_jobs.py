"""How prediction jobs grow: seconds and peak memory of `detente predict`, file to file, by the number of rows.

    python benchmarks/prediction_jobs.py [model=linear] [rows=10000,100000,1000000] [formats=jsonl:parquet,...]

Trains the model on the shipped corpus unless checkpoint=RUN is given. Rows are the shipped statements with
their number put to the text, so that no two are equal. Peak memory is the largest sum over the command's
processes of what each holds for itself alone plus its share of what they hold in common (Pss), looked at
20 times a second; it is read from /proc, so the benchmark runs on Linux.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from detente import paths

DETENTE = [sys.executable, "-m", "detente"]


def texts() -> list[dict]:
    found = []
    for path in sorted(Path(paths.resolve("shipped:statements")).glob("*.jsonl")):
        found += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return found


def write_input(path: Path, rows: int, given: list[dict]) -> None:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        with pq.ParquetWriter(
            path, pa.schema([("id", pa.string()), ("lang", pa.string()), ("text", pa.string())])
        ) as writer:
            for start in range(0, rows, 50_000):
                some = [(i, given[i % len(given)]) for i in range(start, min(start + 50_000, rows))]
                columns = {"id": [f"r{i}" for i, _ in some], "lang": [g["lang"] for _, g in some]}
                writer.write_table(pa.table(columns | {"text": [f"{g['text']} {i}" for i, g in some]}))
        return
    with path.open("w", encoding="utf-8") as file:
        if path.suffix == ".csv":
            file.write("id,lang,text\n")
        for i in range(rows):
            g = given[i % len(given)]
            row = {"id": f"r{i}", "lang": g["lang"], "text": f"{g['text']} {i}"}
            if path.suffix == ".csv":
                quoted = row["text"].replace('"', '""')
                file.write(f'{row["id"]},{row["lang"]},"{quoted}"\n')
            else:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found, next_ones = [pid], [pid]
    while next_ones:
        one = next_ones.pop()
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            children = [int(c) for task in tasks for c in (task / "children").read_text().split()]
        except OSError:
            continue
        found += children
        next_ones += children
    return found


def memory(pid: int) -> float:
    """MiB that a process and its descendants hold."""
    total = 0
    for one in family(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measured(command: list[str], cwd: Path) -> tuple[float, float, float]:
    """(seconds, CPU seconds, peak MiB) of a command with its processes."""
    before, started = os.times(), time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL)
    peak = 0.0
    ended = threading.Event()

    def look() -> None:
        nonlocal peak
        while not ended.wait(0.05):
            peak = max(peak, memory(process.pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    status = process.wait()
    ended.set()
    watcher.join()
    if status:
        sys.exit(f"{' '.join(command)} ended with {status}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, cpu, peak


def main() -> None:
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    sizes = [int(n) for n in options.get("rows", "10000,100000").split(",")]
    formats = [pair.split(":") for pair in options.get("formats", "jsonl:parquet").split(",")]
    folder = Path(tempfile.mkdtemp())
    model = options.get("model", "linear")
    run = Path(options["checkpoint"]).absolute() if "checkpoint" in options else folder / "run"
    if "checkpoint" not in options:
        subprocess.run(
            [*DETENTE, "train", f"model={model}", "tracking=none", f"hydra.run.dir={run}"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {run.name}"
    )
    given = texts()
    for source, target in formats:
        print(f"{source} -> {target}")
        first = None
        for rows in sizes:
            write_input(folder / f"in.{source}", rows, given)
            command = [*DETENTE, "predict", f"checkpoint={run}", f"input=in.{source}", f"output=out.{target}"]
            seconds, cpu, peak = measured([*command, *options.get("more", "").split()], folder)
            first = first or (rows, seconds, peak)
            print(
                f"  {rows:>9,} rows {seconds:8.1f} s {rows / seconds:8,.0f}/s  CPU {cpu:8.1f} s, {cpu / rows * 1e6:6.1f} us a row"
                f"  peak {peak:6,.0f} MiB, {peak / first[2]:.2f} of the first"
            )
            for path in folder.glob("out.*"):
                path.unlink()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
