"""How many labels does each strategy of `detente select` need? A simulation on the shipped corpus, task stance.

python experiments/active_learning/run.py     writes result.json and curves.png beside itself; a few minutes of one core

The pool is train, its labels hidden until bought, 100 at a time up to 1,500; the first 100 are random for every strategy but
density, which needs no model. The linear family (its terms fitted on the texts of the pool) is scored on dev after every batch. Its head is
fitted in the space of the bought rows (the Gram matrix's Cholesky factor), which has the same solution as on 200,000 features and takes a tenth of the time.
Five seeds; intervals are 95% by t over seeds, so they speak of the luck of the draw, not of another corpus.
"""

import json
import time
from pathlib import Path

import numpy as np
from scipy import linalg, stats

from detente import paths
from detente.arrays import softmax
from detente.evaluation import metrics
from detente.files import expand, read_statements, write_json
from detente.labelling import selection
from detente.models.heads import fit_head
from detente.models.linear import LinearSpec, fit_spec_terms
from detente.tasks import Task

HERE = Path(__file__).parent
TASK = Task(name="stance", labels=("cooperative", "skeptical", "neutral"), polar=("cooperative", "skeptical"))
BATCH, MOST, SEEDS = 100, 1500, (1, 2, 3, 4, 5)


def score(gold, proba):
    return float(metrics.macro_f1(metrics.confusion(gold, proba.argmax(axis=1), len(TASK.labels))))


def fitted(gram, dev_gram, bought, gold, seed):
    """Probabilities of the pool and of dev by the linear head fitted on the bought rows."""
    rows = np.array(bought)
    factor = linalg.cholesky(gram[np.ix_(rows, rows)] + 1e-8 * np.eye(len(rows)), lower=True)
    head = fit_head(factor, gold[rows], n_labels=len(TASK.labels), c=2.0, seed=seed)
    dual = linalg.solve_triangular(factor, head.weights.T.astype(float), lower=True, trans="T")
    return (softmax(part[:, rows] @ dual + head.intercepts) for part in (gram, dev_gram))


def simulate(strategy, seed, pool, gram, gold, dev_gram, dev_gold):
    texts, langs = [s.text for s in pool], [s.lang for s in pool]
    left = set(range(len(pool)))
    first = "density" if strategy == "density" else "random"
    fixed = selection.rank(first, texts, langs=langs, seed=seed).order
    bought = selection.without_copies(fixed, texts, BATCH)
    curve, agreement, last = [], [], None
    while True:
        left -= set(bought)
        proba, on_dev = fitted(gram, dev_gram, bought, gold, seed)
        labels = [TASK.labels[i] for i in proba.argmax(axis=1)]
        agreement.append(selection.kappa(last, labels) if last else None)
        last = labels
        curve.append(score(dev_gold, on_dev))
        if len(bought) >= MOST:
            return curve, agreement
        rest = sorted(left)
        if strategy in ("density", "random"):
            order = [i for i in fixed if i in left]
        else:
            ranking = selection.rank(
                strategy,
                [texts[i] for i in rest],
                langs=[langs[i] for i in rest],
                proba=[proba[rest]],
                seed=seed + len(bought),
            )
            order = [rest[i] for i in ranking.order]
        # The corpus holds no near-duplicates (detente check), so leaving them out would change nothing here.
        bought = bought + order[:BATCH]


def interval(values):
    values = np.asarray(values, dtype=float)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / len(values) ** 0.5
    return {"mean": float(values.mean()), "low": float(values.mean() - half), "high": float(values.mean() + half)}


def needed(curve, sizes, level):
    """Labels at which a curve first reaches a level; the largest size, and a note, if it never does."""
    for size, value in zip(sizes, curve, strict=True):
        if value >= level:
            return size, True
    return sizes[-1], False


def stopped_at(agreement, sizes):
    for i in range(selection.STOP_PAIRS, len(agreement)):
        if np.mean(agreement[i - selection.STOP_PAIRS + 1 : i + 1]) >= selection.STOP_KAPPA:
            return sizes[i]
    return None


def against_random(curves, sizes, result):
    """Into the result, and printed: labels that each strategy needs to equal random sampling, and its mean gain."""
    for size in (500, 1000, 1500):
        level = float(curves["random"][:, sizes.index(size)].mean())
        for strategy, runs in curves.items():
            found = [needed(curve, sizes, level) for curve in runs]
            of = interval([n for n, _ in found]) | {"level": level, "reached": sum(ok for _, ok in found)}
            result["strategies"][strategy][f"labels_for_random_at_{size}"] = of
            print(
                f"as good as random with {size} ({level:.3f}): {strategy} {of['mean']:.0f} ({of['low']:.0f}–{of['high']:.0f})"
            )
    gains = {s: interval(curves[s].mean(axis=1) - curves["random"].mean(axis=1)) for s in curves if s != "random"}
    result["mean_gain_over_random"] = gains
    for strategy, gain in gains.items():
        print(
            f"mean gain over random, whole curve: {strategy} {gain['mean']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f})"
        )


def main():
    started = time.process_time()
    statements = list(read_statements(expand(paths.resolve("shipped:statements")), tasks=[TASK]))
    pool, dev = ([s for s in statements if s.split == split] for split in ("train", "dev"))
    terms = fit_spec_terms(LinearSpec(), pool)
    features, dev_features = terms.transform(pool), terms.transform(dev)
    gold, dev_gold = (np.array(TASK.index([s.labels["stance"] for s in of])) for of in (pool, dev))
    full = fit_head(features, gold, n_labels=3, c=2.0, seed=1)
    ceiling = score(dev_gold, softmax(full.logits(dev_features)))
    gram, dev_gram = ((of @ features.T).toarray().astype(float) for of in (features, dev_features))
    some = list(range(200))
    plain = fit_head(features[some], gold[some], n_labels=3, c=2.0, seed=1)
    same, _ = fitted(gram, dev_gram, some, gold, 1)
    worst = float(np.abs(same - softmax(plain.logits(features))).max())
    print(
        f"all labels: {ceiling:.3f}; largest difference of the two ways to fit: {worst:.1e}; {time.process_time() - started:.0f} s",
        flush=True,
    )
    sizes = list(range(BATCH, MOST + 1, BATCH))
    result = {
        "n_pool": len(pool),
        "n_dev": len(dev),
        "seeds": list(SEEDS),
        "sizes": sizes,
        "all_labels": ceiling,
        "strategies": {},
    }
    curves = {}
    for strategy in selection.STRATEGIES:
        runs = [simulate(strategy, seed, pool, gram, gold, dev_gram, dev_gold) for seed in SEEDS]
        curves[strategy] = np.array([curve for curve, _ in runs])
        result["strategies"][strategy] = {
            "macro_f1": [interval(column) for column in curves[strategy].T],
            "kappa": [[round(k, 4) if k else None for k in agreement] for _, agreement in runs],
            "stopped_at": [stopped_at(agreement, sizes) for _, agreement in runs],
        }
        print(
            strategy,
            " ".join(f"{v:.3f}" for v in curves[strategy].mean(axis=0)),
            f"{time.process_time() - started:.0f} s",
            flush=True,
        )
    against_random(curves, sizes, result)
    result["cpu_seconds"] = round(time.process_time() - started)
    write_json(HERE / "result.json", json.loads(json.dumps(result)))
    plot(curves, sizes, ceiling)


def plot(curves, sizes, ceiling):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    styles = {"random": ("black", "--", "o"), "entropy": ("#0072B2", "-", "s"), "margin": ("#D55E00", "-", "^")}
    styles |= {"balanced": ("#009E73", "-", "D"), "density": ("#CC79A7", ":", "v")}
    for strategy, runs in curves.items():
        colour, line, marker = styles[strategy]
        bounds = [interval(column) for column in runs.T]
        axes.plot(sizes, runs.mean(axis=0), color=colour, linestyle=line, marker=marker, markersize=4, label=strategy)
        axes.fill_between(sizes, [b["low"] for b in bounds], [b["high"] for b in bounds], color=colour, alpha=0.10)
    axes.axhline(ceiling, color="grey", linewidth=1)
    axes.text(sizes[-1], ceiling, f"all labels: {ceiling:.3f}", ha="right", va="bottom", color="grey")
    axes.set_xlabel("labels bought")
    axes.set_ylabel("macro-F1 of stance on dev")
    axes.set_title(f"What to label next: linear model, {len(SEEDS)} seeds, band: 95% over seeds", fontsize=11)
    axes.legend(loc="lower right")
    figure.savefig(HERE / "curves.png", dpi=110)


if __name__ == "__main__":
    main()
