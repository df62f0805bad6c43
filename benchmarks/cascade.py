"""A cascade beside its dear checkpoint alone: seconds for statements of the shipped test split, macro-F1 on it.

    python benchmarks/cascade.py checkpoint=RUN cascade=RUN [times=5] [backend=auto|torch|onnx]

Loaded in one process, they take turns on the test split eight times over, as a file is read: a window is the split,
so that no text is spared for standing twice. Rows of train would flatter the cascade: its cheap run is surer of them.
Seconds are medians. The thresholds were chosen on dev, when first opened. The dear checkpoint alone is timed in torch
as well where `backend` finds an export that is faster.
"""

import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "statements"
OVER = 8


def settings(arguments):
    """key=value arguments over the defaults."""
    given = {"times": "5", "backend": "auto"} | dict(argument.split("=", 1) for argument in arguments)
    if given.keys() != {"checkpoint", "cascade", "times", "backend"}:
        sys.exit(__doc__)
    return given


def timed(engine, statements):
    start = time.perf_counter()
    for _ in engine.stream(statements * OVER, window=len(statements)):
        pass
    return time.perf_counter() - start


def quality(engine, statements):
    """Macro-F1 by task on rows that bear gold labels."""
    from sklearn.metrics import f1_score

    proba = engine.predict_proba(statements)
    out = {}
    for task in engine.tasks:
        gold = [task.labels.index(s.labels[task.name]) for s in statements]
        out[task.name] = f1_score(gold, np.argmax(proba[task.name], axis=1), average="macro")
    return out


def main():
    given = settings(sys.argv[1:])
    from detente.inference.engine import open_run
    from detente.records import from_row

    rows = [json.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    test = [from_row(row) for row in rows if row["split"] == "test"]
    engines = {
        "dear alone": open_run(given["checkpoint"], backend=given["backend"], cascade=""),
        "cascade": open_run(given["checkpoint"], backend=given["backend"], cascade=given["cascade"]),
        "cheap alone": open_run(given["cascade"], backend="auto", cascade=""),
    }
    if engines["dear alone"].backend != "torch":
        engines = {"dear in torch": open_run(given["checkpoint"], backend="torch", cascade="")} | engines
    scores = {name: quality(engine, test) for name, engine in engines.items()}
    share = engines["cascade"].report()
    seconds = {name: [] for name in engines}
    for _ in range(int(given["times"])):
        for name, engine in engines.items():
            seconds[name].append(timed(engine, test))
    n = len(test) * OVER
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}; {n} statements, median of "
        f"{given['times']}; macro-F1 on the {len(test)} of test; backend {engines['dear alone'].backend}"
    )
    base = statistics.median(next(iter(seconds.values())))
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        found = "  ".join(f"{task} {score:.4f}" for task, score in scores[name].items())
        print(f"{name:<14} {middle:7.2f} s  {n / middle:8.0f}/s  {base / middle:5.2f} times  {found}")
    print("on test", *share)


if __name__ == "__main__":
    main()
