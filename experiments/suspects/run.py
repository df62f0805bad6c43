"""Does `detente suspects` find label errors? Wrong labels planted in 5% of the English statements, task stance.

python experiments/suspects/run.py     writes result.json beside itself; about a minute of one core

A planted row gets one of the other two labels, at random. Reported: of the first k suspects, the share planted (k planted errors in all,
so precision and recall at k are one number), and recall over all suspects. By chance it would be the share planted, 5%.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from detente import paths
from detente.corpus import splits
from detente.evaluation import suspects
from detente.files import expand, read_statements, write_json
from detente.models.linear import LinearSpec
from detente.seeds import rng
from detente.tasks import Task

HERE = Path(__file__).parent
TASK = Task(name="stance", labels=("cooperative", "skeptical", "neutral"), polar=("cooperative", "skeptical"))
SHARE, SEED = 0.05, 1


def main():
    statements = [
        s for s in read_statements(expand(paths.resolve("shipped:statements")), tasks=[TASK]) if s.lang == "en"
    ]
    draw = rng(SEED, "planted")
    wrong = {int(i) for i in draw.choice(len(statements), size=round(SHARE * len(statements)), replace=False)}
    planted = []
    for i, statement in enumerate(statements):
        label = statement.labels["stance"]
        if i in wrong:
            label = str(draw.choice([other for other in TASK.labels if other != label]))
        planted.append(replace(statement, labels={"stance": label}))
    groups = splits.groups_of(planted, ("scenario", "doc_id"))
    with tempfile.TemporaryDirectory() as scratch:
        proba = suspects.out_of_fold(LinearSpec(), TASK, planted, groups, n=5, seed=SEED, scratch=Path(scratch))
    labels = [s.labels["stance"] for s in planted]
    found = suspects.find(TASK, labels, proba)
    right = np.array([suspect.row in wrong for suspect in found])
    restored = [found[i].suggested == statements[found[i].row].labels["stance"] for i in np.flatnonzero(right)]
    k = len(wrong)
    result = {
        "n": len(statements),
        "planted": k,
        "seed": SEED,
        "suspects": len(found),
        "precision_at_20": float(right[:20].mean()),
        "recall_at_k": float(right[:k].sum() / k),
        "recall_of_all": float(right.sum() / k),
        "chance": k / len(statements),
        "true_label_suggested": float(np.mean(restored)),
        "out_of_fold_accuracy": float((proba.argmax(axis=1) == np.array(TASK.index(labels))).mean()),
    }
    write_json(HERE / "result.json", result)
    print(result)


if __name__ == "__main__":
    main()
