"""A fine-tuned encoder's predictions: ours against transformers.pipeline, the same texts, in the same run.

    python benchmarks/prediction_encoder.py [RUNS] [TEXTS]

P-Stance's test texts (DETENTE_BENCH names the folder of data sets) and MiniLM fine-tuned on its train for a few
hundred steps: made on the first run under the folder of temporary files, then used again. Contestants take turns,
medians of RUNS (5). Beside seconds stand processor seconds, which say less of what else the machine does.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from detente.evaluation.metrics import confusion, macro_f1
from detente.files import Layout
from detente.inference.devset import labelled_rows
from detente.inference.engine import open_run

BENCH = Path(os.environ.get("DETENTE_BENCH", Path(__file__).parents[2] / "shared" / "bench"))
RUN = Path(os.environ.get("DETENTE_BENCH_RUN", Path(tempfile.gettempdir()) / "detente_bench" / "pstance_minilm"))
TARGETS = {"one by one": 5.0, "batch_size=32": 1.8, "int8": 2.4}


def detente(*arguments: str) -> None:
    environment = os.environ | {"DETENTE_BENCH": str(BENCH)}
    done = subprocess.run(
        [sys.executable, "-m", "detente", *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1])


def make_run() -> None:
    """Train and export, unless it was done before."""
    if not (RUN / "checkpoint").is_dir():
        print(f"training MiniLM for 300 steps into {RUN}", flush=True)
        detente(
            "train", "data=pstance", "task=favor_against", "model=finetune", "model.max_steps=300",
            "tracking=none", f"hydra.run.dir={RUN}",
        )  # fmt: skip
    for precision in ("fp32", "int8"):
        if not (RUN / "checkpoint.onnx" / precision).is_dir():
            detente("export", f"checkpoint={RUN}", f"precision={precision}")


def spent(call: Callable[[], np.ndarray]) -> tuple[float, float, np.ndarray]:
    """(seconds, processor seconds, what it gave)."""
    started, before = time.perf_counter(), time.process_time()
    found = call()
    return time.perf_counter() - started, time.process_time() - before, found


def peak() -> float:
    """GFLOP a second of fp32 matrix products of the encoder's size, the best of torch's two libraries."""
    import torch

    x, w = torch.randn(4096, 384), torch.randn(1536, 384)
    packed = torch.ops.mkldnn._reorder_linear_weight(w, None)
    best = 0.0
    for product in (lambda: x @ w.T, lambda: torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")):
        product()
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(10):
                product()
            best = max(best, 10 * 2 * 4096 * 384 * 1536 / (time.perf_counter() - started) / 1e9)
    return best


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if not (BENCH / "pstance").is_dir():
        print(f"{BENCH / 'pstance'} is not there; set DETENTE_BENCH to the folder of data sets")
        return
    make_run()
    from transformers import pipeline
    from transformers.utils import logging

    logging.set_verbosity_error()
    ours = {"detente torch fp32": open_run(RUN, backend="torch")}
    for precision in ("fp32", "int8"):
        if (RUN / "checkpoint.onnx" / precision).is_dir():
            ours[f"detente onnx {precision}"] = only(precision)
    task = ours["detente torch fp32"].tasks[0]
    layout = Layout(columns={task.name: "label"}, values={"FAVOR": "favor", "AGAINST": "against"})
    rows = labelled_rows(BENCH / "pstance" / "test.jsonl", layout, [task])
    rows = rows[: int(sys.argv[2])] if len(sys.argv) > 2 else rows
    gold = np.array(task.index([s.labels[task.name] for s in rows]))
    classify = pipeline("text-classification", str(RUN / "checkpoint" / task.name), device="cpu")
    given = [{"text": s.text, "text_pair": s.target} for s in rows]

    def piped(batch_size: int) -> np.ndarray:
        if batch_size == 1:
            found = [classify(row, truncation=True, max_length=128) for row in given]
        else:
            found = classify(given, batch_size=batch_size, truncation=True, max_length=128)
        return np.array(task.index([f["label"] for f in found]))

    calls: dict[str, Callable[[], np.ndarray]] = {
        "pipeline one by one": lambda: piped(1),
        "pipeline batch_size=32": lambda: piped(32),
    }
    for name, engine in ours.items():
        calls[name] = lambda engine=engine: engine.predict_proba(rows)[task.name].argmax(axis=1)
    report(calls, rounds, gold, len(task.labels), flops(RUN, rows))


def only(precision: str):
    """The run on one export."""
    from detente.inference import onnx
    from detente.inference.engine import Engine

    export = next(e for e in onnx.find_exports(RUN) if e.precision == precision)
    return Engine(model=onnx.load_export(RUN, export), backend=f"onnx {precision}", digest="")


def flops(run: Path, rows: list) -> float:
    """Of the encoder's matrix products with weights over all texts without padding."""
    from detente import checkpoint

    classifier = checkpoint.load(run).classifier
    _, model = next(iter(classifier.models.values()))
    config, tokens = model.config, next(iter(classifier.prepare(rows).values()))
    weights = config.num_hidden_layers * (4 * config.hidden_size**2 + 2 * config.hidden_size * config.intermediate_size)
    return 2.0 * weights * sum(tokens.lengths[i] for i in tokens.at)


def report(calls: dict[str, Callable[[], np.ndarray]], rounds: int, gold: np.ndarray, k: int, work: float) -> None:
    import torch

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, ")
    print(f"Python {platform.python_version()}, torch {torch.__version__}; {len(gold):,} texts, medians of {rounds}")
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    found: dict[str, np.ndarray] = {}
    for name, call in calls.items():
        call() if "one by one" not in name else None  # warmed up
    for _ in range(rounds):
        for name, call in calls.items():
            seconds, processor, found[name] = spent(call)
            times[name].append((seconds, processor))
    reference = found["pipeline batch_size=32"]
    middle = {name: [statistics.median(t) for t in zip(*of, strict=True)] for name, of in times.items()}
    base = middle["pipeline batch_size=32"]
    print(f"{'':26}{'seconds':>9}{'cpu s':>9}{'texts/s':>9}{'times':>7}{'cpu':>7}{'agree':>9}{'macro-F1':>10}")
    for name, (seconds, processor) in middle.items():
        score = float(macro_f1(confusion(gold, found[name], k)))
        print(
            f"{name:26}{seconds:9.2f}{processor:9.2f}{len(gold) / seconds:9,.0f}{base[0] / seconds:7.2f}"
            f"{base[1] / processor:7.2f}{(found[name] == reference).mean():9.2%}{score:10.4f}"
        )
    slow, ours = middle["pipeline one by one"], middle["detente torch fp32"]
    for name in ("detente torch fp32", "detente onnx int8"):
        if name in middle:  # backend=auto takes int8 where it was exported
            seconds, processor = middle[name]
            print(f"{name} against one by one: {slow[0] / seconds:.1f} times (cpu {slow[1] / processor:.1f})")
    print(f"targets {TARGETS}")
    best = peak()
    print(
        f"fp32 products: peak {best:,.0f} GFLOP/s; torch fp32 reaches {work / ours[0] / 1e9:,.0f} ({work / ours[0] / 1e9 / best:.0%})"
    )


if __name__ == "__main__":
    main()
