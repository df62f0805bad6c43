"""Which way of joining the rules' votes is the default? Fitted on train (gold only for `weighted_gold`), scored on dev.

python experiments/label_model/run.py [split]    writes experiments/label_model/result.json

Baselines: the commonest label, and the one cue group with the best accuracy on train ("keyword"), neutral elsewhere.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from detente import paths
from detente.evaluation import scoring
from detente.files import expand, read_statements, write_json
from detente.labelling import functions, label_model, rules
from detente.labelling.functions import ABSTAIN
from detente.tasks import Task

TASKS = (
    Task(name="stance", labels=("cooperative", "skeptical", "neutral"), polar=("cooperative", "skeptical")),
    Task(name="sentiment", labels=("positive", "negative", "neutral"), polar=("positive", "negative")),
)
LANGUAGES = ("en", "it", "ru")
HERE = Path(__file__).parent


def one_hot(labels, k):
    return np.eye(k)[np.asarray(labels)]


def keyword(train_votes, gold, votes, neutral, k):
    """For each polar label the function that hits it most often on train; neutral where none of them speaks."""
    out = np.full(len(votes), neutral)
    for label in range(k):
        if label == neutral:
            continue
        hits = [(((train_votes[:, j] == label) & (gold == label)).sum(), j) for j in range(votes.shape[1])]
        out[votes[:, max(hits)[1]] == label] = label
    return one_hot(out, k)


WAYS = {
    "weighted": ("weighted", False),
    "weighted_gold": ("weighted", True),
    "dawid_skene": ("dawid_skene", False),
    "ds_gold": ("dawid_skene", True),
    "mace": ("mace", False),
}


def joined(fitted, gold_train, votes, k, neutral):
    """Probabilities and processor seconds of every way of joining, fitted on the votes on train."""
    silent = (votes == ABSTAIN).all(axis=1)
    found, seconds = {}, {}
    for name, (how, with_gold) in WAYS.items():
        started = time.process_time()
        model = label_model.fit(fitted, n_labels=k, how=how, gold=gold_train if with_gold else None, seed=1)
        found[name] = model.join(votes)
        if how != "dawid_skene":  # there silence is a vote
            found[name][silent] = np.eye(k)[neutral]
        seconds[name] = round(time.process_time() - started, 2)
    return found, seconds


def row(task, gold, proba, langs):
    """Macro-F1 with interval, n and expected calibration error of all rows and of each language; one printed line."""
    parts = {"all": scoring.score(task, gold, proba, seed=1)} | scoring.score_by(task, gold, proba, langs, seed=1)
    kept = {part: {**of["macro_f1"], "n": of["n"], "ece": of["ece"]["value"]} for part, of in parts.items()}
    shown = "  ".join(f"{part} {of['value']:.3f} ({of['low']:.3f}–{of['high']:.3f})" for part, of in kept.items())
    return kept, f"{shown}  ECE {kept['all']['ece']:.3f}"


def measured(task, train, held, lexicons, voted):
    """Coverage by language and the table of one task."""
    k, neutral = len(task.labels), task.labels.index("neutral")
    names = functions.names_of(lexicons.values(), task)
    fitted, votes = (functions.vote_matrix(voted[part], task, names) for part in ("train", "held"))
    gold_train, gold = (np.array(task.index([s.labels[task.name] for s in part])) for part in (train, held))
    found, seconds = joined(fitted, gold_train, votes, k, neutral)
    found = {
        "majority": one_hot(np.full(len(held), np.bincount(gold_train).argmax()), k),
        "keyword": keyword(fitted, gold_train, votes, neutral, k),
        "vote": rules.label(held, [task])[task.name],
    } | found
    silent, langs = (votes == ABSTAIN).all(axis=1), [s.lang for s in held]
    print(f"\n{task.name}, n {len(held)}; a function speaks on {1 - silent.mean():.3f}")
    table = {}
    for name, proba in found.items():
        kept, line = row(task, gold, proba, langs)
        table[name] = {**kept, "cpu_seconds": seconds.get(name)}
        print(f"{name:<14} {line}  {seconds.get(name, '')}")
    by_lang = {lang: float(1 - silent[[x == lang for x in langs]].mean()) for lang in LANGUAGES}
    return {"coverage": by_lang, "macro_f1": table}


def main():
    split = sys.argv[1] if len(sys.argv) > 1 else "dev"
    statements = [s for s in read_statements(expand(paths.resolve("shipped:statements"))) if s.lang in LANGUAGES]
    train, held = ([s for s in statements if s.split == part] for part in ("train", split))
    lexicons = {lang: rules.shipped(lang) for lang in LANGUAGES}
    voted = {"train": functions.votes_of(train, lexicons), "held": functions.votes_of(held, lexicons)}
    tasks = {task.name: measured(task, train, held, lexicons, voted) for task in TASKS}
    result = {"split": split, "n": len(held), "seed": 1, "tasks": tasks}
    target = HERE / ("result.json" if split == "dev" else f"result_{split}.json")
    write_json(target, json.loads(json.dumps(result, default=float)))


if __name__ == "__main__":
    main()
