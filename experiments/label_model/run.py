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


def main():
    split = sys.argv[1] if len(sys.argv) > 1 else "dev"
    statements = [s for s in read_statements(expand(paths.resolve("shipped:statements"))) if s.lang in LANGUAGES]
    train = [s for s in statements if s.split == "train"]
    held = [s for s in statements if s.split == split]
    lexicons = {lang: rules.shipped(lang) for lang in LANGUAGES}
    voted = {"train": functions.votes_of(train, lexicons), "held": functions.votes_of(held, lexicons)}
    result = {"split": split, "n": len(held), "seed": 1, "tasks": {}}
    for task in TASKS:
        k, neutral = len(task.labels), task.labels.index("neutral")
        names = functions.names_of(lexicons.values(), task)
        fitted = functions.vote_matrix(voted["train"], task, names)
        votes = functions.vote_matrix(voted["held"], task, names)
        gold_train = np.array(task.index([s.labels[task.name] for s in train]))
        gold = np.array(task.index([s.labels[task.name] for s in held]))
        silent = (votes == ABSTAIN).all(axis=1)
        found = {
            "majority": one_hot(np.full(len(held), np.bincount(gold_train).argmax()), k),
            "keyword": keyword(fitted, gold_train, votes, neutral, k),
            "vote": rules.label(held, [task])[task.name],
        }
        seconds = {}
        for name, how, given in (
            ("weighted", "weighted", None),
            ("weighted_gold", "weighted", gold_train),
            ("dawid_skene", "dawid_skene", None),
            ("ds_gold", "dawid_skene", gold_train),
            ("mace", "mace", None),
        ):
            started = time.process_time()
            model = label_model.fit(fitted, n_labels=k, how=how, gold=given, seed=1)
            proba = model.join(votes)
            if how != "dawid_skene":  # there silence is a vote
                proba[silent] = np.eye(k)[neutral]
            found[name], seconds[name] = proba, round(time.process_time() - started, 2)
        langs = [s.lang for s in held]
        table = {}
        print(f"\n{task.name}, {split}, n {len(held)}; a function speaks on {1 - silent.mean():.3f}")
        for name, proba in found.items():
            parts = {"all": scoring.score(task, gold, proba, seed=1)} | scoring.score_by(
                task, gold, proba, langs, seed=1
            )
            table[name] = {part: {**of["macro_f1"], "n": of["n"], "ece": of["ece"]} for part, of in parts.items()} | {
                "cpu_seconds": seconds.get(name)
            }
            shown = "  ".join(
                f"{part} {of['macro_f1']['value']:.3f} ({of['macro_f1']['low']:.3f}–{of['macro_f1']['high']:.3f})"
                for part, of in parts.items()
            )
            print(f"{name:<14} {shown}  ECE {parts['all']['ece']:.3f}  {seconds.get(name, '')}")
        by_lang = {lang: float(1 - silent[[x == lang for x in langs]].mean()) for lang in LANGUAGES}
        result["tasks"][task.name] = {"coverage": by_lang, "macro_f1": table}
    write_json(
        HERE / ("result.json" if split == "dev" else f"result_{split}.json"),
        json.loads(json.dumps(result, default=float)),
    )


if __name__ == "__main__":
    main()
