"""Dev mistakes of a run on the shipped statements, drawn at random, to be read one by one.

    python experiments/error_analysis/run.py RUN [n=100] [task=stance] > mistakes.tsv

Columns: number, language, gold, predicted with its probability, what makes the statement hard, text. What a reading of
100 of the default's mistakes found stands in README.md.
"""

import json
import random
import sys
from pathlib import Path

from detente import files, paths


def main() -> None:
    given = dict(argument.split("=", 1) for argument in sys.argv[2:])
    task, n = given.get("task", "stance"), int(given.get("n", 100))
    tags = {}
    for path in Path(paths.resolve("shipped:statements")).glob("*.jsonl"):
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        tags |= {row["id"]: ",".join(row["hard"]) for row in rows}
    rows = [dict(row.values) for row in files.read_rows(Path(sys.argv[1]) / "predictions.dev.parquet")]
    wrong = [row for row in rows if row[task] != row[f"given_{task}"]]
    random.Random(1).shuffle(wrong)
    for i, row in enumerate(wrong[:n], start=1):
        said = f"{row[task]} ({row[f'{task}_confidence']:.2f})"
        print(i, row["lang"], row[f"given_{task}"], said, tags.get(row["id"], ""), row["text"], sep="\t")


if __name__ == "__main__":
    main()
