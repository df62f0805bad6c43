"""The label model: votes of labelling functions, or of whole labellers, joined to probabilities.

Each way of joining is fitted once, on the votes of a sample, and gives the same thing: for every function the
probability of each vote given the true label. Votes are then joined as in naive Bayes, statement by statement,
so that inputs of any size stream.

- `weighted`: one accuracy a function, from gold labels if there are some, else from its agreement with the others.
- `dawid_skene`: a confusion matrix a function, by EM (Dawid & Skene 1979), or counted where gold labels are given.
  Silence is a vote of its own: most groups of cues know one label, so that they speak at all is what they tell.
- `mace`: a share of knowing votes and a habit of guessing a function, by variational Bayes (Hovy et al. 2013), as
  crowd-kit fits it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray, softmax
from detente.errors import InputError, UsageError, did_you_mean
from detente.labelling.functions import ABSTAIN, Votes

JOINS = ("weighted", "dawid_skene", "mace")
_FLOOR = 1e-6
# Of a function seen n times, this many votes right at chance level are added: a function that spoke once is no oracle.
_PRIOR_VOTES = 4.0
_SMOOTHING = 1.0
_ITERATIONS, _TOLERANCE = 50, 1e-3


@dataclass(frozen=True)
class LabelModel:
    """`log_prior` (labels,) and `log_votes` (functions, vote, true label): log-probability of a vote given the truth.

    The last vote is silence.
    """

    log_prior: FloatArray
    log_votes: FloatArray

    def join(self, votes: Votes) -> FloatArray:
        """Probabilities (n, labels) from votes (n, functions)."""
        scores = np.tile(self.log_prior, (len(votes), 1))
        for j in range(votes.shape[1]):
            scores += self.log_votes[j, votes[:, j]]  # ABSTAIN is -1: the last vote
        return softmax(scores)


def fit(votes: Votes, *, n_labels: int, how: str, gold: NDArray[np.int_] | None = None, seed: int = 0) -> LabelModel:
    """Fit on votes (n, functions). `gold` (n,) holds true labels, ABSTAIN where unknown; mace has no use for it.

    Raises InputError if no function speaks, UsageError for an unknown `how` or when crowd-kit is missing.
    """
    if how not in JOINS:
        raise UsageError(f'labeller.join is "{how}"; {did_you_mean(how, ("vote", *JOINS))}')
    if not (votes != ABSTAIN).any():
        raise InputError("no labelling function speaks on any of these statements; check their language, or the cues")
    if how == "weighted":
        return _weighted(votes, n_labels, gold)
    if how == "dawid_skene":
        return _dawid_skene(votes, n_labels, gold)
    return _mace(votes, n_labels, seed)


def _weighted(votes: Votes, k: int, gold: NDArray[np.int_] | None) -> LabelModel:
    """Accuracies from gold; without gold, against the majority of the other functions."""
    if gold is not None and (gold != ABSTAIN).any():
        known = gold != ABSTAIN
        right, n = _hits(votes[known], np.tile(gold[known][:, None], (1, votes.shape[1])))
        shares = np.bincount(gold[known], minlength=k) + 1.0
        log_prior = np.log(shares / shares.sum())
    else:
        right, n = _hits(votes, _others(votes, k))
        log_prior = np.full(k, -np.log(k))
    accuracy = np.clip((right + _PRIOR_VOTES / k) / (n + _PRIOR_VOTES), _FLOOR, 1 - _FLOOR)
    wrong = (1 - accuracy) / (k - 1)
    table = np.where(np.eye(k, dtype=bool), accuracy[:, None, None], wrong[:, None, None])
    return LabelModel(log_prior, _with_silence(np.log(table)))


def _hits(votes: Votes, reference: Votes) -> tuple[FloatArray, FloatArray]:
    """For each function: votes equal to the reference, and votes where there is one."""
    both = (votes != ABSTAIN) & (reference != ABSTAIN)
    return ((votes == reference) & both).sum(axis=0).astype(float), both.sum(axis=0).astype(float)


def _others(votes: Votes, k: int) -> Votes:
    """(n, functions): the majority among the other functions, ABSTAIN on a tie or if none speaks."""
    counts = np.stack([(votes == label).sum(axis=1) for label in range(k)], axis=1)
    out = np.full_like(votes, ABSTAIN)
    for j in range(votes.shape[1]):
        rest = counts.copy()
        spoke = votes[:, j] != ABSTAIN
        rest[spoke, votes[spoke, j]] -= 1
        best = rest.max(axis=1)
        clear = (best > 0) & ((rest == best[:, None]).sum(axis=1) == 1)
        out[clear, j] = rest.argmax(axis=1)[clear]
    return out


def _with_silence(log_votes: FloatArray) -> FloatArray:
    """Silence that says nothing."""
    return np.pad(log_votes, ((0, 0), (0, 1), (0, 0)))


def _dawid_skene(votes: Votes, k: int, gold: NDArray[np.int_] | None) -> LabelModel:
    known = gold != ABSTAIN if gold is not None else np.zeros(len(votes), dtype=bool)
    if gold is not None and known.any():
        return _counted(votes[known], np.eye(k)[gold[known]])
    spoke = np.stack([(votes == label).sum(axis=1) for label in range(k)], axis=1) + 1 / k
    posterior = spoke / spoke.sum(axis=1, keepdims=True)
    for _ in range(_ITERATIONS):
        model = _counted(votes, posterior)
        before, posterior = posterior, model.join(votes)
        if np.abs(posterior - before).max() < _TOLERANCE:
            break
    return model


def _counted(votes: Votes, truth: FloatArray) -> LabelModel:
    """The M step: how often each function casts each vote (silence last) under each label, truth (n, labels) given."""
    k = truth.shape[1]
    cast = [[(votes[:, j] == v) @ truth for v in (*range(k), ABSTAIN)] for j in range(votes.shape[1])]
    table = np.array(cast) + _SMOOTHING
    prior = truth.sum(axis=0) + _SMOOTHING
    return LabelModel(np.log(prior / prior.sum()), np.log(table / table.sum(axis=1, keepdims=True)))


def _mace(votes: Votes, k: int, seed: int) -> LabelModel:
    import pandas as pd

    data = _as_frame(votes)
    # With a number as its random state crowd-kit starts every restart from the same place: one is as good as ten.
    model = _crowdkit().MACE(n_restarts=1, n_iter=50, random_state=seed).fit(data)
    functions, labels = pd.factorize(data["worker"])[1], pd.factorize(data["label"])[1]
    table = np.full((votes.shape[1], k, k), 1 / k)
    for i, function in enumerate(functions):
        guess, knows = np.full(k, _FLOOR), float(model.spamming_[i, 1])
        guess[labels] = model.thetas_[i]
        habit = np.tile((guess / guess.sum())[:, None], (1, k))
        table[function] = np.clip(knows * np.eye(k) + (1 - knows) * habit, _FLOOR, None)
    return LabelModel(np.full(k, -np.log(k)), _with_silence(np.log(table / table.sum(axis=1, keepdims=True))))


def _as_frame(votes: Votes) -> Any:
    """The votes as crowd-kit wants them: a row a vote, with columns task, worker and label."""
    import pandas as pd

    rows, functions = np.nonzero(votes != ABSTAIN)
    return pd.DataFrame({"task": rows, "worker": functions, "label": votes[rows, functions]})


def _crowdkit() -> Any:
    try:
        import crowdkit.aggregation
    except ImportError:
        raise UsageError(
            "this way of joining votes needs crowd-kit; pip install 'detente[labelling]', or labeller.join=weighted"
        ) from None
    return crowdkit.aggregation


def positions(statements_labels: Sequence[str], labels: Sequence[str]) -> NDArray[np.int_]:
    """Positions of gold labels, ABSTAIN for an empty one."""
    at = {label: i for i, label in enumerate(labels)}
    return np.array([at.get(label, ABSTAIN) for label in statements_labels], dtype=int)
