"""What a corpus must pass before anyone trains on it: duplicates, leaks, balance, artefacts.

Each check gives findings; one that fails a limit makes `detente check` end with status 1.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from detente.records import Statement
from detente.seeds import rng
from detente.tasks import Task

NEAR = 0.7
_PERMUTATIONS = 128
_SHINGLE = 3
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Finding:
    """What one check found: its name, the measured value, the limit if there is one, and whether it holds."""

    check: str
    value: str
    limit: str = ""
    ok: bool = True


def duplicates(statements: Sequence[Statement]) -> list[Finding]:
    """Equal texts, and near-duplicates (Jaccard of word trigrams by MinHash) within and across splits."""
    texts = Counter(" ".join(_WORD.findall(s.text.casefold())) for s in statements)
    equal = sum(count - 1 for count in texts.values())
    pairs = near_duplicates([s.text for s in statements])
    across = [(i, j) for i, j in pairs if statements[i].split != statements[j].split]
    named = "; ".join(f"{statements[i].id} ~ {statements[j].id}" for i, j in across[:5])
    return [
        Finding("equal texts", str(equal), "0", equal == 0),
        Finding("near-duplicates within a split", str(len(pairs) - len(across))),
        Finding("near-duplicates across splits", f"{len(across)} {named}".strip(), "0", not across),
    ]


def near_duplicates(texts: Sequence[str], *, threshold: float = NEAR) -> list[tuple[int, int]]:
    """Positions of pairs of texts whose word trigrams overlap by at least `threshold` (Jaccard, exact)."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold - 0.1, num_perm=_PERMUTATIONS)
    shingles = [_shingles(text) for text in texts]
    pairs = []
    for i, found in enumerate(shingles):
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
        sketch.update_batch([shingle.encode() for shingle in found])
        for j in index.query(sketch):
            overlap = len(found & shingles[j]) / max(len(found | shingles[j]), 1)
            if overlap >= threshold:
                pairs.append((int(j), i))
        index.insert(i, sketch)
    return sorted(pairs)


def _shingles(text: str) -> set[str]:
    words = _WORD.findall(text.casefold())
    return {" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))}


def leaks(statements: Sequence[Statement], columns: Sequence[str]) -> list[Finding]:
    """For each column, or pair of columns joined by `+`, values that stand in more than one split."""
    findings = []
    for column in columns:
        splits: dict[str, set[str]] = defaultdict(set)
        for s in statements:
            values = [value_of(s, name) for name in column.split("+")]
            if all(values):
                splits[" / ".join(values)].add(s.split)
        shared = sorted(value for value, names in splits.items() if len(names) > 1)
        findings.append(
            Finding(f"{column} in two splits", f"{len(shared)} {' '.join(shared[:3])}".strip(), "0", not shared)
        )
    return findings


def ties(
    statements: Sequence[Statement], task: Task, slices: Mapping[str, Callable[[Statement], str]], *, limit: float
) -> list[Finding]:
    """Bias-corrected Cramér's V (Bergsma 2013) between the label and each slice; 0 is independence."""
    labels = [s.labels[task.name] for s in statements]
    findings = []
    for name, value in slices.items():
        v = cramers_v(labels, [value(s) for s in statements])
        findings.append(Finding(f"{task.name} by {name}: Cramér's V", f"{v:.3f}", f"≤ {limit}", v <= limit))
    return findings


def cramers_v(first: Sequence[str], second: Sequence[str]) -> float:
    """Bias-corrected Cramér's V of two columns."""
    rows, columns = sorted(set(first)), sorted(set(second))
    table = np.zeros((len(rows), len(columns)))
    for a, b in zip(first, second, strict=True):
        table[rows.index(a), columns.index(b)] += 1
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) @ table.sum(axis=0, keepdims=True) / n
    phi2 = ((table - expected) ** 2 / expected).sum() / n
    r, k = table.shape
    corrected = max(0.0, phi2 - (k - 1) * (r - 1) / (n - 1))
    r_, k_ = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(np.sqrt(corrected / max(min(r_, k_) - 1, 1e-12)))


def partial_models(
    train: Sequence[Statement],
    test: Sequence[Statement],
    task: Task,
    views: Mapping[str, Callable[[Statement], str]],
    *,
    limit: float,
    seed: int,
) -> list[Finding]:
    """Macro-F1 of models that see only a part of a statement: near chance, if the labels are not given away.

    One fails if it is above the limit beyond the chance of which test rows there are: nineteen of twenty bootstrap
    samples of them lie above it too.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import confusion_matrix

    findings = []
    for name, view in views.items():
        vectoriser = TfidfVectorizer(tokenizer=str.split, token_pattern=None, ngram_range=(1, 2))
        features = vectoriser.fit_transform([view(s) or "none" for s in train])
        model = LogisticRegression(max_iter=500, class_weight="balanced", random_state=seed)
        model.fit(features, [s.labels[task.name] for s in train])
        predicted = model.predict(vectoriser.transform([view(s) or "none" for s in test]))
        cells = confusion_matrix([s.labels[task.name] for s in test], predicted, labels=task.labels)
        n, k = len(test), len(task.labels)
        drawn = rng(seed, "partial", name).multinomial(n, cells.ravel() / n, size=1000).reshape(-1, k, k)
        f1, least = float(_macro_f1(cells)), float(np.quantile(_macro_f1(drawn), 0.05))
        value = f"{f1:.3f}, at least {least:.3f}"
        findings.append(Finding(f"{task.name} from {name} alone: macro-F1", value, f"< {limit}", least < limit))
    return findings


def _macro_f1(cells: Any) -> Any:
    """Of confusion matrices (..., labels, labels)."""
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    return (2 * hits / np.maximum(cells.sum(axis=-1) + cells.sum(axis=-2), 1)).mean(axis=-1)


def openings(statements: Sequence[Statement], *, limit: float) -> list[Finding]:
    """The commonest opening of three words in each language, as a share of its statements."""
    findings = []
    for lang, of in _by_lang(statements):
        counts = Counter(opening(s) for s in of)
        words, count = counts.most_common(1)[0]
        share = count / len(of)
        # Two of the same in a hundred statements are no template.
        holds = share <= limit or count <= 2
        findings.append(
            Finding(f"{lang or 'all'}: commonest opening", f"{share:.1%} ({words})", f"≤ {limit:.0%}", holds)
        )
    return findings


def languages(statements: Sequence[Statement], *, identify: Callable[[str], str], limit: float) -> list[Finding]:
    """The share of statements in each language that `identify` takes for another."""
    findings = []
    for lang, of in _by_lang([s for s in statements if s.lang]):
        wrong = [s.id for s in of if identify(s.text) != lang]
        share = len(wrong) / len(of)
        value = f"{share:.1%} {' '.join(wrong[:3])}".strip()
        findings.append(Finding(f"{lang}: another language by its text", value, f"≤ {limit:.0%}", share <= limit))
    return findings


def balance(statements: Sequence[Statement], tasks: Sequence[Task], *, least: int) -> list[Finding]:
    """Counts of each label by split, and whether each label is there often enough to be learnt and measured."""
    findings = []
    for task in tasks:
        for split in sorted({s.split for s in statements}, key=("train", "dev", "test").index):
            counts = Counter(s.labels[task.name] for s in statements if s.split == split)
            value = ", ".join(f"{label} {counts[label]}" for label in task.labels)
            holds = all(counts[label] >= least for label in task.labels)
            findings.append(Finding(f"{task.name} in {split}", value, f"each ≥ {least}", holds))
    return findings


def strongest_terms(
    statements: Sequence[Statement], task: Task, *, top: int
) -> dict[str, list[tuple[str, float, int]]]:
    """For each label the word n-grams that pull most towards it: (term, z of the log-odds, rows).

    Log-odds with an informative Dirichlet prior (Monroe, Colaresi & Quinn 2008).
    """
    counts: dict[str, Counter[str]] = {label: Counter() for label in task.labels}
    for s in statements:
        words = [w.casefold() for w in _WORD.findall(s.text)]
        terms = set(words) | {f"{a} {b}" for a, b in pairwise(words)}
        counts[s.labels[task.name]].update(terms)
    total: Counter[str] = sum(counts.values(), Counter())
    common = [term for term, n in total.items() if n >= 10]
    out = {}
    for label in task.labels:
        own, size = counts[label], sum(counts[label].values())
        rest = sum(total.values()) - size
        scored = [(term, _z(own[term], total[term] - own[term], size, rest, total[term]), own[term]) for term in common]
        out[label] = sorted(scored, key=lambda t: -t[1])[:top]
    return out


def _z(inside: int, outside: int, size: int, rest: int, prior: int) -> float:
    weight = max(prior * 0.01, 0.01)
    a, b = inside + weight, outside + weight
    delta = np.log(a / (size + 1 - a)) - np.log(b / (rest + 1 - b))
    return float(delta / np.sqrt(1 / a + 1 / b))


def value_of(statement: Statement, column: str) -> str:
    """The value of a column, foreign or ours, as text; empty if there is none."""
    value: Any = statement.extra.get(column, getattr(statement, column, ""))
    return "" if value is None else str(value)


def opening(statement: Statement) -> str:
    """Its first three words."""
    return " ".join(_WORD.findall(statement.text.casefold())[:3])


def length_bin(statement: Statement) -> str:
    """Its number of words, in tens."""
    return str(min(len(statement.text.split()) // 10, 6))


def decade(statement: Statement) -> str:
    """The decade of its column `year`, else of its date; empty if it has neither."""
    year = value_of(statement, "year") or statement.date[:4]
    return f"{year[:3]}0" if year else ""


def _by_lang(statements: Sequence[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    for lang in sorted({s.lang for s in statements}):
        yield lang, [s for s in statements if s.lang == lang]
