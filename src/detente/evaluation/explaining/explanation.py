"""Why a classifier labels as it does: contributions of words and terms, by statement and over many.

Linear models are taken apart exactly, encoders by integrated gradients, a blend as the sum of its members with the
weights that join them.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.errors import UsageError
from detente.evaluation.explaining import gradients
from detente.evaluation.explaining.parts import Explained, centred
from detente.evaluation.explaining.terms import explain_linear
from detente.models.base import Classifier
from detente.models.blend import Blend, read_by
from detente.models.finetune import Finetuned
from detente.models.frozen import Frozen
from detente.models.heads import Head
from detente.models.linear import Linear
from detente.records import Statement

# Log-probabilities are read from here on, as in the blend itself.
_FLOOR = 1e-6
LINEAR = "exact: every n-gram and cue adds its value times its weight"
GRADIENTS = "integrated gradients from the tokens' embeddings to the logits"


class TopTerm(NamedTuple):
    """A term with what it adds to a label's logit, against the mean of the labels, per statement; in `n` of them."""

    term: str
    mean: float
    n: int


def method_of(classifier: Classifier) -> str:
    """In words, how a classifier is explained. Raises UsageError for a family that cannot be."""
    if isinstance(classifier, Linear):
        return LINEAR
    if isinstance(classifier, Frozen | Finetuned):
        return GRADIENTS
    if isinstance(classifier, Blend):
        return f"a blend: its linear member {LINEAR}; its encoder by {GRADIENTS}; both by the weights that join them"
    raise UsageError("this family of models cannot be explained; give a run of model=linear, frozen, blend or finetune")


def explain(
    classifier: Classifier,
    statements: Sequence[Statement],
    *,
    steps: int,
    tasks: Sequence[str] = (),
    done: Callable[[int], None] = lambda count: None,
) -> dict[str, list[Explained]]:
    """For each name of `tasks` (of all tasks, if none is given) the explanations of the statements, in order.

    `steps` are those of the numerical integral of integrated gradients; `done` is told how many statements a step
    finished. Raises UsageError for a family that cannot be explained, or where captum is missing.
    """
    method_of(classifier)
    if tasks and isinstance(classifier, Linear | Frozen | Finetuned | Blend):
        classifier = replace(classifier, tasks=tuple(task for task in classifier.tasks if task.name in tasks))
    if isinstance(classifier, Linear):
        found = explain_linear(classifier, statements)
        done(len(statements))
        return found
    gradients.require_captum()
    if isinstance(classifier, Frozen):
        return gradients.explain_frozen(classifier, statements, steps=steps, done=done)
    if isinstance(classifier, Finetuned):
        return gradients.explain_finetuned(classifier, statements, steps=steps, done=done)
    assert isinstance(classifier, Blend)
    return _explain_blend(classifier, statements, steps, done)


def _explain_blend(
    model: Blend, statements: Sequence[Statement], steps: int, done: Callable[[int], None]
) -> dict[str, list[Explained]]:
    linear = explain_linear(replace(model.linear, tasks=model.tasks), statements)
    read = read_by(model.frozen.features.encoder.spec, statements)
    dense = gradients.explain_frozen(
        replace(model.frozen, tasks=model.tasks), [statements[i] for i in read], steps=steps, done=done
    )
    done(len(statements) - len(read))
    out: dict[str, list[Explained]] = {}
    for task in model.tasks:
        second = dict(zip(read, dense[task.name], strict=True))
        out[task.name] = [
            _blended(model.joined[task.name], [first, second[i]])
            if i in second
            else _blended(model.alone[task.name], [first])
            for i, first in enumerate(linear[task.name])
        ]
    return out


def _blended(head: Head, members: Sequence[Explained]) -> Explained:
    """What the members add to the joined logits: a member's contributions times the weights of its log-probabilities.

    A log-probability is a logit less the log of the sum over labels, which stands at no word: that goes to the rest.
    """
    n = len(head.intercepts)
    contributions = np.zeros_like(members[0].contributions)
    logits, rest = head.intercepts.astype(np.float64), {"intercept": head.intercepts.astype(np.float64)}
    terms: list[tuple[str, FloatArray]] = []
    sums: dict[str, FloatArray] = {}
    for i, member in enumerate(members):
        weights = head.weights[:, i * n : (i + 1) * n].astype(np.float64)
        kind, added = ("linear", "encoder")[i], member.contributions @ weights.T
        contributions += added
        sums[kind] = added.sum(axis=0)
        terms += [(name, of @ weights.T) for name, of in member.terms]
        logs = np.log(np.clip(softmax(member.logits[None])[0], _FLOOR, 1.0))
        logits = logits + weights @ logs
        norm = weights @ (logs - member.logits)
        rest[f"{kind}: no place in the text"] = weights @ sum(member.rest.values(), np.zeros(n)) + norm
    return Explained(
        statement=members[0].statement,
        logits=logits,
        units=members[0].units,
        contributions=contributions,
        terms=tuple(terms),
        rest=rest,
        members=sums,
    )


def top_terms(
    explained: Sequence[Explained], labels: Sequence[str], *, of: str, top: int = 10, least: int = 2
) -> dict[str, dict[str, list[TopTerm]]]:
    """By language and label what adds most to the label, over the statements of that language.

    `of` is words (all that falls on a word of the text) or features (word n-grams and cues as the model counts them;
    character n-grams, which nobody can read, are in the words). Terms in fewer than `least` statements are left out.
    """
    by_lang: dict[str, list[Explained]] = defaultdict(list)
    for one in explained:
        by_lang[one.statement.lang or "?"].append(one)
    return {lang: _top(found, labels, of, top, least) for lang, found in sorted(by_lang.items())}


def _top(found: Sequence[Explained], labels: Sequence[str], of: str, top: int, least: int) -> dict[str, list[TopTerm]]:
    sums: dict[str, FloatArray] = defaultdict(lambda: np.zeros(len(labels)))
    counts: dict[str, int] = defaultdict(int)
    for one in found:
        terms = one.words() if of == "words" else one.features()
        for name, contribution in terms:
            sums[name] += centred(contribution)
        for name in {name for name, _ in terms}:
            counts[name] += 1
    kept = [name for name in sums if counts[name] >= least]
    out = {}
    for k, label in enumerate(labels):
        best = sorted(kept, key=lambda name: -float(sums[name][k]))[:top]
        out[label] = [TopTerm(n, float(sums[n][k]) / len(found), counts[n]) for n in best if sums[n][k] > 0]
    return out


def gaps(by_task: Mapping[str, Sequence[Explained]]) -> float:
    """The largest gap of any explanation: how far contributions and rest miss the logits."""
    return max((one.gap for found in by_task.values() for one in found), default=0.0)
