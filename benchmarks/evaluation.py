"""How long `detente evaluate` takes on many predictions made elsewhere, with all intervals and slices.

    python benchmarks/evaluation.py [ROWS]

Two tasks with probabilities, seven languages, scenarios of five statements, the usual columns to slice by; the
whole command as a process of its own, its wall and CPU seconds and its peak memory.
"""

import csv
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from detente.seeds import rng

TASKS = {"stance": ("cooperative", "skeptical", "neutral"), "sentiment": ("positive", "negative", "neutral")}
SIDES = ("us", "russia", "company", "analyst", "media", "europe")
RESOURCES = ("oil", "gas", "lng", "uranium", "titanium", "fish", "coal", "gold")


def write(path: Path, rows: int) -> None:
    draw = rng(1, "benchmark")
    gold = {name: draw.integers(0, 3, rows) for name in TASKS}
    proba = {name: draw.dirichlet([0.6] * 3, rows) for name in TASKS}
    for name in TASKS:  # three in four are right
        right = draw.random(rows) < 0.75
        best = proba[name].argmax(axis=1)
        swap = proba[name][range(rows), gold[name]].copy()
        top = proba[name].max(axis=1)
        proba[name][range(rows), best] = (swap * right) + (top * ~right)
        proba[name][range(rows), gold[name]] = (top * right) + (proba[name][range(rows), gold[name]] * ~right)
    langs = draw.choice(["en", "it", "ru", "de", "fr", "es", "uk"], rows, p=[0.4, 0.2, 0.2, 0.05, 0.05, 0.05, 0.05])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        header = ["id", "text", "lang", "holder_side", "resource", "year", "scenario"]
        for name, labels in TASKS.items():
            header += [f"given_{name}", name, *(f"{name}_{label}" for label in labels)]
        writer.writerow(header)
        for i in range(rows):
            text = f"Statement number {i} on the {RESOURCES[i % 8]} trade. " * (1 + i % 9)
            cells = [i, text, langs[i], SIDES[i % 6], RESOURCES[i % 8], 1990 + i % 36, f"scenario {i // 5}"]
            for name, labels in TASKS.items():
                p = proba[name][i] / proba[name][i].sum()
                cells += [labels[gold[name][i]], labels[int(p.argmax())], *(round(float(x), 6) for x in p)]
            writer.writerow(cells)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "preds.csv", rows)
        command = [sys.executable, "-m", "detente", "evaluate", "input=preds.csv", "output=out", "tracking=none"]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"detente evaluate input=preds.csv, {rows:,} rows, two tasks: {seconds:.1f} s "
            f"({used.ru_utime + used.ru_stime:.1f} s of CPU), peak {used.ru_maxrss / 1024:,.0f} MiB"
        )


if __name__ == "__main__":
    main()
