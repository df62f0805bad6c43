"""Statements a second of fine-tuning, beside the plain recipe of transformers.

    python benchmarks/training.py [rows=600] [dev=300] [epochs=2] [rounds=2] [data=FOLDER] [seed=1]
    python benchmarks/training.py variants=detente,dynamic rows=300,600,1200
    python benchmarks/training.py device=auto

Variants, all of one encoder (MiniLM), one share of P-Stance, as many epochs, in one run and by turns:

    defaults      what run_classification.py of transformers does: padding to 128 tokens, batches of 8
    dynamic       the same with padding to the longest of each batch
    detente       model=finetune as it ships: batches of 16 of like length, dev after every epoch, the best kept
    detente_bf16  the same with model.precision=bf16

Seconds hold everything from tokenising to the last score on dev, and for détente its checkpoints; loading
libraries and weights is left out. Each turn is a process of its own, so peak memory is that of the variant.
CPU seconds stand beside, for a machine that does other things too. The recipe keeps its last epoch.

`device=auto` times steps of a random encoder of BERT's base size: on a GPU with the share of its bf16 peak, on
a CPU without.
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

ROWS = 128
# Dense bf16 peaks by the maker's data sheets, in 10^12 operations a second.
PEAKS = {"H100": 989, "H200": 989, "A100": 312, "L40S": 362, "L4": 121, "A10": 125}


def settings(arguments):
    """key=value arguments over the defaults."""
    given = dict(argument.split("=", 1) for argument in arguments)
    known = {"rows", "dev", "epochs", "rounds", "data", "seed", "variants", "device", "turn"}
    if given.keys() - known:
        sys.exit(f"unknown: {', '.join(sorted(given.keys() - known))}; known: {', '.join(sorted(known))}")
    home = os.environ.get("DETENTE_BENCH", "")
    plain = {"rows": "600", "dev": "300", "epochs": "2", "rounds": "2", "seed": "1", "data": f"{home}/pstance"}
    return plain | {"variants": "defaults,dynamic,detente,detente_bf16"} | given


def corpus(folder, rows, dev, seed):
    """The first `rows` and `dev` statements of a shuffle; labels as numbers in `task`'s order."""
    from detente.records import from_row
    from detente.seeds import rng
    from detente.tasks import Task

    task = Task(name="stance", labels=("favor", "against"))
    layout = {"columns": {"stance": "label"}, "values": {"FAVOR": "favor", "AGAINST": "against"}}
    out = []
    for split, n in (("train", rows), ("dev", dev)):
        lines = (Path(folder) / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        order = rng(seed, split).permutation(len(lines))[:n]
        out.append([from_row(json.loads(lines[i]), **layout, tasks=[task]) for i in order])
    return task, *out


def encoder():
    from hydra import compose, initialize_config_dir
    from hydra.utils import instantiate

    from detente import paths

    with initialize_config_dir(str(paths.configs()), version_base="1.3"):
        config = compose("train", ["model=finetune", "name=x", "run_dir=r"])
        return instantiate(config.model, _convert_="all")


def detente_turn(spec, task, train, dev, epochs, seed, folder):
    from dataclasses import replace

    from detente.corpus.tables import as_table
    from detente.models import base

    spec = replace(spec, epochs=epochs)
    tables = [as_table(rows, tasks=[task]) for rows in (train, dev)]
    model = base.fit(spec, [task], *tables, seed=seed, run_dir=Path(folder))
    return model.predict_proba(dev)["stance"].argmax(axis=1)


def recipe_turn(spec, task, train, dev, epochs, seed, folder, *, pad):
    """The loop of run_classification.py: Trainer with its defaults, then one evaluation."""
    from datasets import Dataset
    from transformers import (
        AutoModelForSequenceClassification,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        default_data_collator,
        set_seed,
    )

    from detente.encoders import load_pretrained

    set_seed(seed)
    tokenizer, model = load_pretrained(spec.encoder, AutoModelForSequenceClassification, num_labels=2)

    def encode(batch):
        padding = {"padding": "max_length"} if pad else {}
        return tokenizer(batch["text"], batch["target"], truncation=True, max_length=ROWS, **padding)

    def table(rows):
        columns = {"text": [s.text for s in rows], "target": [s.target for s in rows]}
        labels = task.index([s.labels["stance"] for s in rows])
        return Dataset.from_dict(columns | {"label": labels}).map(encode, batched=True)

    arguments = TrainingArguments(
        output_dir=folder, num_train_epochs=epochs, seed=seed, report_to=[], disable_tqdm=True
    )
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=table(train),
        eval_dataset=table(dev),
        data_collator=default_data_collator if pad else DataCollatorWithPadding(tokenizer),
        processing_class=tokenizer,
    )
    trainer.train()
    return trainer.predict(trainer.eval_dataset).predictions.argmax(axis=1)


def turn(variant, given):
    """One variant once; prints a JSON line."""
    from dataclasses import replace

    import numpy as np
    import torch
    import transformers  # noqa: F401  loaded before the clock runs

    from detente.evaluation.metrics import headline

    task, train, dev = corpus(given["data"], int(given["rows"]), int(given["dev"]), int(given["seed"]))
    spec = encoder()
    common = (task, train, dev, int(given["epochs"]), int(given["seed"]))
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        if variant.startswith("detente"):
            spec = replace(spec, precision="bf16") if variant == "detente_bf16" else spec
            found = detente_turn(spec, *common, folder)
        else:
            found = recipe_turn(spec, *common, folder, pad=variant == "defaults")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gold = np.array(task.index([s.labels["stance"] for s in dev]))
    peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    result = {
        "wall": wall,
        "cpu": cpu,
        "macro_f1": float(headline(task, gold, found)),
        "memory": peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print("RESULT " + json.dumps(result))


def turns(given):
    variants, sizes = given["variants"].split(","), [int(n) for n in given["rows"].split(",")]
    found = {}
    for _round in range(int(given["rounds"])):
        for rows in sizes:
            for variant in variants:
                more = [f"{k}={given[k]}" for k in ("dev", "epochs", "data", "seed")]
                command = [sys.executable, __file__, f"turn={variant}", f"rows={rows}", *more]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
                if not lines:
                    sys.exit(f"{variant}: {done.stderr[-2000:]}")
                found.setdefault((rows, variant), []).append(json.loads(lines[-1].removeprefix("RESULT ")))
                print(f"  {variant} {rows}: {found[rows, variant][-1]['wall']:.0f} s", file=sys.stderr)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, MiniLM, P-Stance, {given['epochs']} epochs"
    )
    print(
        f"{'rows':>6} {'variant':<13} {'samples/s':>10} {'per CPU s':>10} {'seconds':>8} {'peak MB':>8} {'dev macro-F1':>13}"
    )
    for (rows, variant), results in found.items():
        samples = rows * int(given["epochs"])
        wall, cpu = (statistics.median(r[name] for r in results) for name in ("wall", "cpu"))
        memory = max(r["memory"] for r in results) / 2**20
        score = statistics.mean(r["macro_f1"] for r in results)
        print(
            f"{rows:>6} {variant:<13} {samples / wall:>10.1f} {samples / cpu:>10.1f} {wall:>8.1f} {memory:>8.0f} {score:>13.3f}"
        )
    first = [v for v in ("defaults", "dynamic") if v in variants]
    for rows in sizes:
        for variant in (v for v in variants if v.startswith("detente")):
            for other in first:
                pairs = zip(found[rows, other], found[rows, variant], strict=True)
                wall, cpu = zip(*((a["wall"] / b["wall"], a["cpu"] / b["cpu"]) for a, b in pairs), strict=True)
                print(
                    f"{variant} against {other}, {rows} rows: {statistics.median(wall):.2f} times as fast "
                    f"({statistics.median(cpu):.2f} by CPU seconds)"
                )


def steps_of_base_size(given):
    """Steps of a random encoder of BERT's base size: samples a second, and on a GPU the share of its bf16 peak."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    on_gpu = torch.cuda.is_available()
    device = "cuda" if on_gpu else "cpu"
    batch, times = (64, 50) if on_gpu else (4, 3)
    torch.manual_seed(int(given["seed"]))
    config = BertConfig()
    model = BertForSequenceClassification(config).to(device).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    ids = torch.randint(1000, config.vocab_size, (batch, ROWS), device=device)
    labels = torch.zeros(batch, dtype=torch.long, device=device)
    for step in range(times + 2):
        if step == 2:
            if on_gpu:
                torch.cuda.synchronize()
            started = time.perf_counter()
        with torch.autocast(device, dtype=torch.bfloat16, enabled=on_gpu):
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    if on_gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    rate = batch * times / seconds
    inner = sum(p.numel() for n, p in model.named_parameters() if "embeddings" not in n)
    work = 6 * inner * ROWS + 12 * config.num_hidden_layers * config.hidden_size * ROWS**2
    name = torch.cuda.get_device_name() if on_gpu else f"no GPU here: the CPU ({os.cpu_count()} cores), in fp32"
    print(
        f"{name}: base size, {ROWS} tokens, batches of {batch}: {rate:.1f} samples/s, {rate * work / 1e12:.2f} Tflop/s"
    )
    peak = next((v for k, v in PEAKS.items() if on_gpu and k in name), None)
    print(
        f"share of the bf16 peak: {rate * work / 1e12 / peak:.1%}" if peak else "share of a bf16 peak: not known here"
    )


def main():
    given = settings(sys.argv[1:])
    if "turn" in given:
        turn(given["turn"], given)
    elif "device" in given:
        steps_of_base_size(given)
    else:
        turns(given)


if __name__ == "__main__":
    main()
