"""Speed and size of the everyday commands on this machine, each as a whole process, medians of five.

    make bench            (or: python benchmarks/quick.py [RUNS])

`prediction_linear.py` measures labelling against plain scikit-learn in the same run.
"""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 20_000


def timed(command: list[str], *, cwd: Path, runs: int) -> tuple[float, float]:
    """(median seconds, peak MiB over the runs) of a command."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return statistics.median(seconds), peak


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    detente = [sys.executable, "-m", "detente"]
    folder = Path(tempfile.mkdtemp())
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; {runs} runs"
    )
    seconds, _ = timed([*detente, "--help"], cwd=folder, runs=runs)
    print(f"detente --help                        {seconds:7.2f} s")
    train = [*detente, "train", "model=linear", "hydra.run.dir=run"]
    seconds, peak = timed(train, cwd=folder, runs=runs)
    fit = json.loads((folder / "run" / "metrics.json").read_text(encoding="utf-8"))["fit_seconds"]
    print(f"detente train model=linear            {seconds:7.2f} s, {fit:.2f} s of it fitting; peak {peak:,.0f} MiB")
    from detente.corpus import DataSpec, load_corpus
    from detente.tasks import Task

    task = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))
    corpus = load_corpus(DataSpec(name="statements", all="shipped:statements"), [task], seed=1)
    texts = (list(corpus.train["text"]) * (ROWS // len(corpus.train) + 1))[:ROWS]
    lines = "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts))
    (folder / "many.jsonl").write_text(lines, encoding="utf-8")
    predict = [*detente, "predict", "checkpoint=run", "input=many.jsonl", "output=out.jsonl"]
    seconds, peak = timed(predict, cwd=folder, runs=max(1, runs // 2))
    print(
        f"detente predict, {ROWS:,} rows, linear  {seconds:7.2f} s ({ROWS / seconds:,.0f}/s, file to file); peak {peak:,.0f} MiB"
    )
    seconds, peak = timed([*detente, "train", "hydra.run.dir=default"], cwd=folder, runs=1)
    print(f"detente train (default)               {seconds:7.2f} s; peak {peak:,.0f} MiB")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
