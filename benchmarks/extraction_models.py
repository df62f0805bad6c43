"""The small models of extraction and how they are fitted: choices among options, chains of sentences."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from detente.text.relevance import STAY, STAY_ON

# Weights below this are left out: they make the files large and change nothing.
SMALL = 0.05


class Choice(NamedTuple):
    """A choice among options, each the ids of its features; which are right, and how much it counts."""

    options: list[np.ndarray]
    right: list[bool]
    weight: float


class Choices:
    """The choices of one model, their features numbered."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}

    def choice(self, options: Sequence[Iterable[str]], right: Sequence[bool], weight: float) -> Choice | None:
        """A choice, unless nothing is right or there is nothing to choose."""
        if not any(right) or len(options) < 2:
            return None
        return Choice(self.numbered(options), list(right), weight)

    def numbered(self, rows: Iterable[Iterable[str]]) -> list[np.ndarray]:
        """The ids of the features of each row, new ones added."""
        return [
            np.unique(np.array([self.ids.setdefault(name, len(self.ids)) for name in features], dtype=np.int32))
            for features in rows
        ]


class Chain(NamedTuple):
    """The sentences of a text, each the ids of its features; whether each is to the point, its paragraph's number."""

    rows: list[np.ndarray]
    gold: list[bool]
    paragraphs: list[int]
    weight: float


def matrix(rows: Sequence[np.ndarray], counts: np.ndarray, least: int) -> tuple[csr_matrix, np.ndarray]:
    """A design matrix of the features that are frequent enough, and which these are."""
    known = np.flatnonzero(counts >= least)
    column = np.full(len(counts), -1, dtype=np.int64)
    column[known] = np.arange(len(known))
    kept = [ids[ids >= 0] for ids in (column[row] for row in rows)]
    indices = np.concatenate(kept)
    ends = np.concatenate([[0], np.cumsum([len(ids) for ids in kept])])
    return csr_matrix((np.ones(len(indices)), indices, ends), shape=(len(rows), len(known))), known


def counted(groups: Iterable[Sequence[np.ndarray]], size: int) -> np.ndarray:
    """In how many groups each feature occurs."""
    counts = np.zeros(size, dtype=np.int64)
    for rows in groups:
        counts[np.unique(np.concatenate(rows))] += 1
    return counts


def fit(choices: list[Choice], names: list[str], penalty: float, least: int) -> dict[str, float]:
    """Maximum entropy over choices with several right answers, ridge penalty; rare features are left out."""
    if not choices:
        return {}
    counts = counted((choice.options for choice in choices), len(names))
    design, known = matrix([ids for choice in choices for ids in choice.options], counts, least)
    transposed = design.T.tocsr()
    sizes = np.array([len(choice.options) for choice in choices])
    start = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    gold = np.array([right for choice in choices for right in choice.right], dtype=float)
    weight = np.array([choice.weight for choice in choices])
    importance = np.repeat(weight, sizes)

    def shares(scores: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        shown = scores if mask is None else np.where(mask > 0, scores, -1e9)
        top = np.repeat(np.maximum.reduceat(shown, start), sizes)
        powers = np.exp(shown - top) * (1 if mask is None else mask)
        return powers / np.repeat(np.add.reduceat(powers, start), sizes)

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        scores = design @ beta
        model, target = shares(scores, None), shares(scores, gold)
        hit = np.add.reduceat(model * gold, start)
        value = -(weight * np.log(hit + 1e-12)).sum() + 0.5 * penalty * beta @ beta
        return value, transposed @ (importance * (model - target)) + penalty * beta

    found = minimize(loss, np.zeros(len(known)), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return {names[i]: round(float(w), 2) for i, w in zip(known, found.x, strict=True) if abs(w) >= SMALL}


def fit_chains(chains: list[Chain], names: list[str], penalty: float, least: int) -> dict[str, float]:
    """A linear-chain conditional random field with two states; see `detente.text.relevance`."""
    if not chains:
        return {}
    chains = sorted(chains, key=lambda c: -len(c.rows))
    counts = counted((chain.rows for chain in chains), len(names))
    design, known = matrix([row for chain in chains for row in chain.rows], counts, least)
    transposed = design.T.tocsr()
    longest = len(chains[0].rows)
    # Chains are padded at the end to a rectangle; `place` says where each sentence lies in it.
    inside = np.array([[t < len(c.rows) for t in range(longest)] for c in chains])
    gold = np.zeros(inside.shape)
    gold[inside] = [g for c in chains for g in c.gold]
    weight = np.array([[c.weight] for c in chains])
    linked = inside[:, 1:].astype(float)
    same = np.zeros(linked.shape)
    for i, c in enumerate(chains):
        same[i, : len(c.rows) - 1] = np.equal(c.paragraphs[:-1], c.paragraphs[1:])
    equal = (gold[:, 1:] == gold[:, :-1]) * linked

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        logits = np.zeros(inside.shape)
        logits[inside] = design @ beta[:-2]
        drawn = beta[-2] * linked + beta[-1] * same
        total, marginal, stay = _passes(logits, drawn, linked)
        reached = (gold * logits).sum(axis=1) + (equal * drawn).sum(axis=1)
        value = (weight[:, 0] * (total - reached)).sum() + 0.5 * penalty * beta @ beta
        wrong = (weight * (marginal - gold))[inside]
        tied = weight * (stay - equal)
        gradient = np.concatenate([transposed @ wrong, [(tied * linked).sum(), (tied * same).sum()]])
        return value, gradient + penalty * beta

    start = np.zeros(design.shape[1] + 2)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    every = [*(names[i] for i in known), STAY, STAY_ON]
    return {name: round(float(w), 3) for name, w in zip(every, found.x, strict=True) if abs(w) >= SMALL / 4}


def _passes(logits: np.ndarray, drawn: np.ndarray, linked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log partition of each chain, the probability of state 1 and that of two neighbours being equal."""
    chains, longest = logits.shape
    ahead, back = np.zeros((2, chains, longest)), np.zeros((2, chains, longest))
    ahead[1, :, 0] = logits[:, 0]
    for t in range(1, longest):
        on, d = linked[:, t - 1] > 0, drawn[:, t - 1]
        stay0, stay1 = ahead[0, :, t - 1], ahead[1, :, t - 1]
        ahead[0, :, t] = np.where(on, np.logaddexp(stay0 + d, stay1), stay0)
        ahead[1, :, t] = np.where(on, np.logaddexp(stay0, stay1 + d) + logits[:, t], stay1)
    for t in range(longest - 2, -1, -1):
        on, d = linked[:, t] > 0, drawn[:, t]
        zero, one = back[0, :, t + 1], back[1, :, t + 1] + logits[:, t + 1]
        back[0, :, t] = np.where(on, np.logaddexp(zero + d, one), 0.0)
        back[1, :, t] = np.where(on, np.logaddexp(zero, one + d), 0.0)
    total = np.logaddexp(ahead[0, :, -1], ahead[1, :, -1])
    marginal = np.exp(ahead[1] + back[1] - total[:, None])
    equal = np.exp(ahead[0, :, :-1] + drawn + back[0, :, 1:] - total[:, None])
    equal += np.exp(ahead[1, :, :-1] + drawn + logits[:, 1:] + back[1, :, 1:] - total[:, None])
    return total, marginal, equal * linked
