"""Statements a second from file to file with the linear family, beside plain scikit-learn in memory.

    python benchmarks/prediction_linear.py checkpoint=runs/train/RUN [rows=100000] [times=5]

The statements are made of halves of shipped ones, so that no two are the same. Plain scikit-learn is words
and characters by TfidfVectorizer into LogisticRegression, on texts that are in memory already; both label
stance and sentiment. Wall seconds are medians; CPU seconds (user and system, children too) stand beside.
"""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "statements"


def shipped():
    return [json.loads(line) for path in sorted(DATA.glob("*.jsonl")) for line in path.open(encoding="utf-8")]


def statements(rows):
    """Distinct texts of about the usual length: the first half of one statement, the second half of another."""
    by_lang = {}
    for row in shipped():
        words = row["text"].split()
        by_lang.setdefault(row["lang"], []).append((words[: len(words) // 2], words[len(words) // 2 :]))
    draw = np.random.default_rng(1)
    langs = draw.choice(["en", "it", "ru"], size=rows)
    for i, lang in enumerate(langs):
        halves = by_lang[lang]
        first, second = draw.integers(len(halves), size=2)
        text = " ".join([*halves[first][0], *halves[second][1]])
        yield {"id": f"s{i}", "text": text, "lang": str(lang)}


def plain_model():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_union

    rows = [row for row in shipped() if row["split"] == "train"]
    features = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
    )
    x = features.fit_transform([row["text"] for row in rows])
    heads = [
        LogisticRegression(C=2, max_iter=500).fit(x, [row[task] for row in rows]) for task in ("stance", "sentiment")
    ]
    return lambda texts: [head.predict_proba(found) for found in [features.transform(texts)] for head in heads]


def timed(call):
    """Wall and CPU seconds."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    start = time.perf_counter()
    call()
    wall = time.perf_counter() - start
    after = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(usage, after, strict=True))
    return wall, cpu


def main():
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    rows, times = int(given.get("rows", 100_000)), int(given.get("times", 5))
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        made = list(statements(rows))
        source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")
        texts = [row["text"] for row in made]
        model = plain_model()
        command = [sys.executable, "-m", "detente", "predict", f"checkpoint={given['checkpoint']}"]
        command += [f"input={source}", f"output={target}", f"hydra.run.dir={folder}/run"]

        def ours():
            target.unlink(missing_ok=True)
            subprocess.run(command, check=True, capture_output=True)

        def plain():
            for at in range(0, len(texts), 4096):
                model(texts[at : at + 4096])

        seconds = {"detente predict, file to file": [], "scikit-learn, in memory": []}
        for _ in range(times):
            seconds["detente predict, file to file"].append(timed(ours))
            seconds["scikit-learn, in memory"].append(timed(plain))
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}; {rows} statements, median of {times}"
    )
    for name, found in seconds.items():
        wall, cpu = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:<32} {rows / wall:>9.0f} statements/s   {wall:7.2f} s wall   {cpu:7.2f} s CPU")


if __name__ == "__main__":
    main()
