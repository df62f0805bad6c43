"""A cascade beside its dear checkpoint alone: seconds for the shipped corpus, macro-F1 on its test split.

    python benchmarks/cascade.py checkpoint=RUN cascade=RUN [times=5] [backend=auto|torch|onnx]

Both are loaded in one process and take turns on the 10,000 and more distinct statements of the corpus, as
`detente.load(RUN).predict_proba` would; seconds are medians. The thresholds were chosen on dev, when first opened.
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


def settings(arguments):
    """key=value arguments over the defaults."""
    given = {"times": "5", "backend": "auto"} | dict(argument.split("=", 1) for argument in arguments)
    if given.keys() != {"checkpoint", "cascade", "times", "backend"}:
        sys.exit(__doc__)
    return given


def timed(engine, statements):
    start = time.perf_counter()
    engine.predict_proba(statements)
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
    statements = [from_row(row) for row in rows]
    test = [s for s, row in zip(statements, rows, strict=True) if row["split"] == "test"]
    engines = {
        "dear alone": open_run(given["checkpoint"], backend=given["backend"], cascade=""),
        "cascade": open_run(given["checkpoint"], backend=given["backend"], cascade=given["cascade"]),
        "cheap alone": open_run(given["cascade"], backend="auto", cascade=""),
    }
    scores = {name: quality(engine, test) for name, engine in engines.items()}
    share = engines["cascade"].report()
    seconds = {name: [] for name in engines}
    for _ in range(int(given["times"])):
        for name, engine in engines.items():
            seconds[name].append(timed(engine, statements))
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{len(statements)} statements, median of {given['times']}; macro-F1 on {len(test)} of test"
    )
    base = statistics.median(seconds["dear alone"])
    for name, taken in seconds.items():
        middle = statistics.median(taken)
        found = "  ".join(f"{task} {score:.4f}" for task, score in scores[name].items())
        print(f"{name:<12} {middle:7.2f} s  {len(statements) / middle:8.0f}/s  {base / middle:5.2f} times  {found}")
    print("on test", *share)


if __name__ == "__main__":
    main()
