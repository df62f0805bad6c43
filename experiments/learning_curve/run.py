"""How dev macro-F1 grows with a quarter, half, three quarters and all of train: would more statements help?

    python experiments/learning_curve/run.py        (about three minutes; writes results.json and curve.png here)

Whole scenarios are drawn, three seeds each, model=linear. Test is not touched.
"""

import json
from pathlib import Path

import numpy as np

from detente.corpus import DataSpec, load_corpus, splits
from detente.corpus.tables import as_table, from_table
from detente.evaluation.metrics import headline
from detente.models import base
from detente.models.linear import LinearSpec
from detente.seeds import rng
from detente.tasks import Task

HERE = Path(__file__).parent
SHARES, SEEDS, LANGUAGES = (0.25, 0.5, 0.75, 1.0), (1, 2, 3), ("all", "en", "it", "ru")
TASKS = (
    Task(name="stance", labels=("cooperative", "skeptical", "neutral")),
    Task(name="sentiment", labels=("positive", "negative", "neutral")),
)


def measure(train, dev, seed: int) -> dict[str, dict[str, float]]:
    """Dev macro-F1 by task and language of a model fitted on `train`."""
    model = base.fit(LinearSpec(), TASKS, as_table(train, tasks=TASKS), dev, seed=seed, run_dir=HERE)
    statements = from_table(dev)
    proba = model.predict_proba(statements)
    out: dict[str, dict[str, float]] = {}
    for task in TASKS:
        gold, predicted = np.array(task.index(dev[task.name])), proba[task.name].argmax(axis=1)
        for lang in LANGUAGES:
            rows = [i for i, s in enumerate(statements) if lang in ("all", s.lang)]
            out.setdefault(task.name, {})[lang] = headline(task, gold[rows], predicted[rows])
    return out


def plot(results: list[dict]) -> None:
    """One panel a task, one line a language: the mean over seeds and its range."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(TASKS), sharey=True)
    for axes, task in zip(panels, TASKS, strict=True):
        for lang, colour, mark in zip(LANGUAGES, ("black", "#0072B2", "#D55E00", "#009E73"), "osD^", strict=True):
            points = [[r["scores"][task.name][lang] for r in results if r["share"] == share] for share in SHARES]
            sizes = [np.mean([r["n"] for r in results if r["share"] == share]) for share in SHARES]
            axes.plot(sizes, [np.mean(p) for p in points], color=colour, marker=mark, label=lang)
            axes.fill_between(sizes, [min(p) for p in points], [max(p) for p in points], color=colour, alpha=0.12)
        axes.set_title(task.name)
        axes.set_xlabel("training statements (all languages)")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("dev macro-F1")
    panels[0].legend(title="dev language")
    figure.savefig(HERE / "curve.png", dpi=130)


def main() -> None:
    corpus = load_corpus(DataSpec(name="statements", all="shipped:statements"), TASKS, seed=1)
    statements = from_table(corpus.train)
    groups = splits.groups_of(statements, ("scenario",))
    results = []
    for share in SHARES:
        for seed in SEEDS:
            names = sorted(set(groups))
            drawn = set(rng(seed, "curve").permutation(names)[: round(share * len(names))])
            train = [s for s, g in zip(statements, groups, strict=True) if g in drawn]
            results.append({"share": share, "seed": seed, "n": len(train), "scores": measure(train, corpus.dev, seed)})
            print(json.dumps(results[-1]))
    (HERE / "results.json").write_text(
        json.dumps({"fingerprint": corpus.fingerprint, "runs": results}, indent=1) + "\n"
    )
    plot(results)


if __name__ == "__main__":
    main()
