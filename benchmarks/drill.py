"""The long fault drill: prediction jobs by the command line, killed at random moments until they are done.

    python benchmarks/drill.py [jobs=6] [rows=60000] [seed=1]

Each job's output must have the bytes of an undisturbed one. Kills hit the job's own process, or one of its
workers, anywhere from its start to its end; every third job is interrupted (^C) instead.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prediction_jobs import DETENTE, family, texts, write_input


def main() -> None:
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    drawn = random.Random(int(options.get("seed", "1")))
    folder = Path(tempfile.mkdtemp())
    train = [*DETENTE, "train", "model=majority", "tracking=none", "hydra.run.dir=run"]
    subprocess.run(train, cwd=folder, check=True, capture_output=True)
    write_input(folder / "in.jsonl", int(options.get("rows", "60000")), texts())
    kinds = ["jsonl", "parquet", "csv.gz"]
    whole: dict[str, tuple[bytes, float]] = {}
    for kind in kinds:
        started = time.perf_counter()
        subprocess.run(predict(f"whole.{kind}"), cwd=folder, check=True, capture_output=True)
        whole[kind] = ((folder / f"whole.{kind}").read_bytes(), time.perf_counter() - started)
    total = {"SIGKILL": 0, "SIGINT": 0, "worker": 0}
    for number in range(int(options.get("jobs", "6"))):
        kind = kinds[number % len(kinds)]
        killed = broken_until_done(folder, f"{number}.{kind}", drawn, whole[kind][1], interrupt=number % 3 == 2)
        for name, count in killed.items():
            total[name] += count
        equal = (folder / f"{number}.{kind}").read_bytes() == whole[kind][0]
        left = [path.name for path in folder.glob(f"{number}.{kind}.*")]
        print(
            f"job {number} ({kind}): {json.dumps(killed)}, {'same bytes' if equal else 'DIFFERENT BYTES'}, left behind: {left}"
        )
        if not equal or left:
            sys.exit(1)
    print(f"{json.dumps(total)}: nothing lost, nothing doubled")


def predict(output: str) -> list[str]:
    return [*DETENTE, "predict", "checkpoint=run", "input=in.jsonl", f"output={output}", "workers=2"]


def broken_until_done(
    folder: Path, output: str, drawn: random.Random, seconds: float, *, interrupt: bool
) -> dict[str, int]:
    """Start the same command until it ends by itself; after ten ends by force it is left alone."""
    counts = {"SIGKILL": 0, "SIGINT": 0, "worker": 0}
    while True:
        process = subprocess.Popen(predict(output), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if sum(counts.values()) < 10:
            try:
                process.wait(drawn.uniform(0.4, 1.1) * seconds)
            except subprocess.TimeoutExpired:
                workers = family(process.pid)[1:]
                if workers and drawn.random() < 0.2:
                    os.kill(drawn.choice(workers), signal.SIGKILL)
                    counts["worker"] += 1
                else:
                    process.send_signal(signal.SIGINT if interrupt else signal.SIGKILL)
                    counts["SIGINT" if interrupt else "SIGKILL"] += 1
        if process.wait() == 0:
            return counts


if __name__ == "__main__":
    main()
