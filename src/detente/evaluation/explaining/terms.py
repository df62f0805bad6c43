"""Exact contributions of a linear model: every n-gram and cue adds its value times its weight, where it stands."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray
from detente.evaluation.explaining.parts import Explained, placed, units_of
from detente.labelling import rules
from detente.models.heads import Head
from detente.models.linear import Linear
from detente.models.ngrams import Analyser
from detente.models.terms import Terms, texts_read
from detente.records import Span, Statement, target_span
from detente.text.language import identify


def explain_linear(model: Linear, statements: Sequence[Statement]) -> dict[str, list[Explained]]:
    """For each task, the explanations of the statements in order. The gap is that of float32 rounding."""
    features = model.terms.transform(statements).tocsr()
    names = model.terms.names()
    # With recurring targets the columns repeat, for each target once.
    n_shared = len(names) // (1 + len(model.terms.targets))
    out: dict[str, list[Explained]] = {task.name: [] for task in model.tasks}
    for row, statement in enumerate(statements):
        begin, end = features.indptr[row], features.indptr[row + 1]
        columns, values = features.indices[begin:end], features.data[begin:end]
        found = _occurrences(model.terms, statement)
        named = [names[column] for column in columns]
        places = [found.get(names[column % n_shared], ()) for column in columns]
        for task in model.tasks:
            out[task.name].append(_explained(model.heads[task.name], statement, columns, values, named, places))
    return out


def _explained(
    head: Head,
    statement: Statement,
    columns: NDArray[np.int_],
    values: NDArray[np.float32],
    names: Sequence[str],
    found: Sequence[Sequence[tuple[Span, float]]],
) -> Explained:
    contributions = values[:, None].astype(np.float64) * head.weights[:, columns].T.astype(np.float64)
    pieces: list[tuple[Span, FloatArray]] = []
    n_labels = len(head.intercepts)
    absent = np.zeros(n_labels)
    for places, contribution in zip(found, contributions, strict=True):
        if not places:
            absent += contribution
        total = sum(share for _, share in places)
        pieces += [(span, contribution * (share / total)) for span, share in places]
    units = units_of(statement.text)
    of_units, lost = placed(units, pieces, n_labels)
    rest = {"intercept": head.intercepts.astype(np.float64), "what the text does not hold": absent + lost}
    return Explained(
        statement=statement,
        logits=(values @ head.weights[:, columns].T).astype(np.float64) + head.intercepts,
        units=units,
        contributions=of_units,
        terms=tuple(zip(names, contributions, strict=True)),
        rest=rest,
    )


def _occurrences(terms: Terms, statement: Statement) -> dict[str, list[tuple[Span, float]]]:
    """Where each feature of a statement stands, and its share there (all alike but for votes of other weights)."""
    found: dict[str, list[tuple[Span, float]]] = defaultdict(list)
    for name, ngrams in terms.ngrams.items():
        text, offset = _read(statement, name)
        for term, start, end in _ngrams(text, ngrams.analyser):
            found[f"{name}:{term}"].append(((start + offset, end + offset), 1.0))
    if terms.cues:
        lexicon = terms.cues.lexicons.get(statement.lang.casefold() or identify(statement.text))
        for group, label, weight, start, end in rules.cast(statement.text, lexicon) if lexicon else ():
            if end > start:
                found[f"cue:{group.name} -> {label}"].append(((start, end), weight))
    if terms.tones:
        for column, weight, start, end in terms.tones.find(statement):
            found[f"tone:{terms.tones.columns[column]}"].append(((start, end), weight))
    return found


def _read(statement: Statement, name: str) -> tuple[str, int]:
    """The part of the text that a kind of n-gram reads, and where it begins."""
    span = target_span(statement)
    if name not in ("left", "right"):
        return statement.text, 0
    (part,) = texts_read([statement], name)
    if span is None or not part:
        return "", 0
    return (part, span[0] - len(part)) if name == "left" else (part, span[1])


def _ngrams(text: str, analyser: Analyser) -> Iterator[tuple[str, int, int]]:
    """Every n-gram with its span in the text, as the analyser counts them."""
    lowered, at = _lowered(text)
    if analyser.kind == "word":
        words = list(_pattern(analyser.pattern).finditer(lowered))
        for n in range(analyser.low, analyser.high + 1):
            for i in range(len(words) - n + 1):
                group = words[i : i + n]
                yield " ".join(word[0] for word in group), at[group[0].start()], at[group[-1].end() - 1] + 1
        return
    for word in re.finditer(r"\S+", lowered):
        padded = f" {word[0]} "
        for n in range(analyser.low, analyser.high + 1):
            for i in range(max(1, len(padded) - n + 1)):
                start = min(max(word.start() + i - 1, word.start()), word.end())
                end = max(min(word.start() + i - 1 + n, word.end()), start)
                yield padded[i : i + n], at[start], at[end - 1] + 1 if end > start else at[start]
            if n >= len(padded):
                break  # a word shorter than the n-gram counts once, whole


@lru_cache(maxsize=8)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _lowered(text: str) -> tuple[str, list[int]]:
    """The text in lower case, and for each of its characters (and its end) the offset of that one's in the text."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered, list(range(len(text) + 1))
    at = [i for i, character in enumerate(text) for _ in character.lower()]
    return lowered, [*at, len(text)]
