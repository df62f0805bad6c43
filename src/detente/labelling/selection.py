"""Which statements to label next, and when to stop.

A model's doubt ranks what it would learn most from; without a model, texts that stand for many others come first.
Near-duplicates of what is chosen or labelled already are left out: their labels teach nothing new.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.corpus.checks import near_duplicates
from detente.seeds import rng

STRATEGIES = ("entropy", "margin", "density", "balanced", "random")
NEEDS_MODEL = ("entropy", "margin", "balanced")
# Bloodgood & Vijay-Shanker (2009): stop once the mean agreement of three successive pairs of models reaches 0.99.
STOP_KAPPA, STOP_PAIRS = 0.99, 3
_FLOOR = 1e-12
_DIMENSIONS = 50
_ROWS_PER_CLUSTER = 20
_MOST_CLUSTERS = 200


@dataclass(frozen=True)
class Ranking:
    """`order` holds positions, the first to label first; `scores` (n,) what they were ranked by, higher first."""

    order: list[int]
    scores: FloatArray


def entropy(proba: FloatArray) -> FloatArray:
    """Entropy of each row in nats."""
    return np.asarray(-(proba * np.log(np.clip(proba, _FLOOR, 1))).sum(axis=1))


def margin(proba: FloatArray) -> FloatArray:
    """One less the lead of the likeliest label over the second: 1 is undecided."""
    ranked = np.sort(proba, axis=1)
    return np.asarray(1 - (ranked[:, -1] - ranked[:, -2]))


def doubt(proba: Sequence[FloatArray], how: str) -> FloatArray:
    """The mean doubt over tasks; entropy is divided by its largest value, so that tasks count alike."""
    if how == "margin":
        return np.asarray(np.mean([margin(p) for p in proba], axis=0))
    return np.asarray(np.mean([entropy(p) / np.log(p.shape[1]) for p in proba], axis=0))


def rank(
    strategy: str,
    texts: Sequence[str],
    *,
    langs: Sequence[str],
    proba: Sequence[FloatArray] = (),
    seed: int,
) -> Ranking:
    """Rank a pool. `proba` holds a model's (n, labels) for each task, where the strategy needs one.

    `balanced` takes turns over language and predicted label (of the first task), in each the smallest lead first;
    `density` takes turns over clusters of texts, the one nearest its centre first.
    """
    n = len(texts)
    noise = rng(seed, "select").random(n)
    if strategy == "random":
        return Ranking([int(i) for i in np.argsort(noise)], noise)
    if strategy == "density":
        clusters, nearness = _clusters(texts, langs, seed=seed)
        keys = [str(cluster) for cluster in clusters]
        return Ranking(_turns(nearness, keys, noise, biggest_first=True), nearness)
    scores = doubt(proba, "entropy" if strategy == "entropy" else "margin")
    if strategy == "balanced":
        keys = [f"{lang} {label}" for lang, label in zip(langs, proba[0].argmax(axis=1), strict=True)]
        return Ranking(_turns(scores, keys, noise, biggest_first=False), scores)
    return Ranking([int(i) for i in np.lexsort((noise, -scores))], scores)


def _turns(scores: FloatArray, keys: Sequence[str], noise: FloatArray, *, biggest_first: bool) -> list[int]:
    """Positions taking turns over `keys`, within a key by score; keys by size, or as they come."""
    by_key: dict[str, list[int]] = defaultdict(list)
    for i in np.lexsort((noise, -scores)):
        by_key[keys[i]].append(int(i))
    queues = sorted(by_key.values(), key=len, reverse=True) if biggest_first else list(by_key.values())
    return [queue[turn] for turn in range(max(map(len, queues), default=0)) for queue in queues if turn < len(queue)]


def _clusters(texts: Sequence[str], langs: Sequence[str], *, seed: int) -> tuple[NDArray[np.int_], FloatArray]:
    """A cluster for each text, none over two languages, and how near it is to its centre (cosine).

    Texts are TF-IDF of words and parts of words, reduced by singular values: no encoder, any language.
    """
    clusters, nearness = np.zeros(len(texts), dtype=int), np.zeros(len(texts))
    first = 0
    for lang in sorted(set(langs)):
        rows = np.array([i for i, of in enumerate(langs) if of == lang])
        vectors = _vectors([texts[i] for i in rows], seed=seed)
        k = max(1, min(len(rows) // _ROWS_PER_CLUSTER, _MOST_CLUSTERS))
        labels, near = _nearest(vectors, k, seed=seed)
        clusters[rows], nearness[rows] = labels + first, near
        first += k
    return clusters, nearness


def _vectors(texts: Sequence[str], *, seed: int) -> FloatArray:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    vectoriser = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, max_features=50_000)
    features = vectoriser.fit_transform([f" {text} " for text in texts])
    dimensions = min(_DIMENSIONS, min(features.shape) - 1)
    if dimensions < 1:
        return np.ones((len(texts), 1))
    reduced = TruncatedSVD(dimensions, random_state=seed % 2**32).fit_transform(features)
    return np.asarray(normalize(reduced))


def _nearest(vectors: FloatArray, k: int, *, seed: int) -> tuple[NDArray[np.int_], FloatArray]:
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(k, random_state=seed % 2**32, n_init=3).fit(vectors)
    centres = model.cluster_centers_ / np.maximum(np.linalg.norm(model.cluster_centers_, axis=1, keepdims=True), _FLOOR)
    return model.labels_, np.asarray((vectors * centres[model.labels_]).sum(axis=1))


def without_copies(order: Sequence[int], texts: Sequence[str], n: int, *, labelled: Sequence[str] = ()) -> list[int]:
    """The first `n` of `order` that are no near-duplicates of labelled texts or of those before them."""
    known = list(labelled)
    chosen: list[int] = []
    at = 0
    while at < len(order) and len(chosen) < n:
        batch = list(order[at : at + max(64, n - len(chosen))])
        at += len(batch)
        base = len(known)
        later = {j - base for i, j in near_duplicates([*known, *(texts[i] for i in batch)]) if j >= base}
        fresh = [i for row, i in enumerate(batch) if row not in later]
        chosen += fresh
        known += [texts[i] for i in fresh]
    return chosen[:n]


def kappa(first: Sequence[str], second: Sequence[str]) -> float:
    """Cohen's kappa between two models' labels; 1 where both give one and the same label throughout."""
    labels = sorted({*first, *second})
    table = np.zeros((len(labels), len(labels)))
    for a, b in zip(first, second, strict=True):
        table[labels.index(a), labels.index(b)] += 1
    n = table.sum()
    observed, expected = np.trace(table) / n, float(table.sum(axis=1) @ table.sum(axis=0)) / n**2
    return float((observed - expected) / (1 - expected)) if expected < 1 else 1.0
