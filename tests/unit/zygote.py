"""Runs prediction jobs in processes of their own that a test may kill: python zygote.py CHECKPOINT, then JSON by line.

A line {"input", "output", "workers", "limit"} starts a job; its process id is printed; "wait" prints its exit status.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path

from detente import checkpoint as checkpoints
from detente.errors import DetenteError
from detente.files import Layout, table_format
from detente.files.formats import is_gzip
from detente.inference import jobs, sources
from detente.inference.work import Work


def run(checkpoint, task):
    layout = Layout(on_error="skip")
    source = sources.open_source(task["input"], layout)
    output = Path(task["output"])

    def slow(statements):
        time.sleep(task.get("sleep", 0))
        return checkpoint.predict_proba(statements)

    work = Work(
        tasks=checkpoint.tasks, predict=slow, layout=layout, languages=("en",), columns=source.columns,
        table=table_format(output), zipped=is_gzip(output),
    )  # fmt: skip
    if task.get("limit"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (task["limit"], task["limit"]))
    jobs.run_job(
        work, source, output, about={"checkpoint": checkpoint.digest}, size=50, workers=task["workers"],
        resume=True, commit_seconds=0,
    )  # fmt: skip


def main():
    import pyarrow.parquet  # noqa: F401  (once, before the forks)
    import tqdm  # noqa: F401

    checkpoint = checkpoints.load(sys.argv[1])
    while line := sys.stdin.readline():
        task = json.loads(line)
        pid = os.fork()
        if not pid:
            try:
                run(checkpoint, task)
            except DetenteError as error:
                Path(task["output"] + ".error").write_text(str(error), encoding="utf-8")
                os._exit(error.status)
            os._exit(0)
        print(pid, flush=True)  # noqa: T201
        sys.stdin.readline()
        print(os.waitpid(pid, 0)[1], flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
