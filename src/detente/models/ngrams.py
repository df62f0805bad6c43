"""TF-IDF of n-grams, counted for many texts at once in vectorised steps over their characters or words.

The n-grams are those of scikit-learn's analysers (`word`, and `char_wb`: within words, a space at either
end), whose loops in Python take most of the time of a linear model. Here an n-gram is a 64-bit hash, rolled
along the batch and looked up in a table of the vocabulary's hashes.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detente.models.hashing import Codes, Table, build_table, find, mixed

IntArray = NDArray[np.int64]
_BASE = np.uint64(0x9E3779B97F4A7C15)
# Texts are fitted in portions: the n-grams of a large corpus are never all in memory.
_PORTION = 2048


@dataclass(frozen=True)
class Analyser:
    """Which n-grams: `kind` word or char, orders `low` to `high`, and the pattern of a word (not of a character)."""

    kind: str
    low: int
    high: int
    pattern: str


@dataclass(frozen=True)
class Tfidf:
    """Terms in column order, their inverse document frequencies (float32), and the table that finds them."""

    analyser: Analyser
    terms: tuple[str, ...]
    idf: NDArray[np.float32]
    table: Table

    def transform(self, texts: Sequence[str]) -> Any:
        """Sparse float32 (n, terms): (1 + log count) · idf, rows of length one, columns sorted."""
        from scipy import sparse

        width = max(len(self.terms), 1)
        found: list[IntArray] = []

        def look_up(hashes: Codes, rows: IntArray, _: IntArray, __: int) -> NDArray[np.bool_]:
            columns = find(hashes, self.table)
            known = columns >= 0
            found.append(rows[known] * width + columns[known])
            return known

        _roll(*_units(texts, self.analyser), self.analyser, look_up)
        keys = np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        rows, columns = np.divmod(keys[first], width)
        counts = np.diff(first, append=len(keys))
        values = (1 + np.log(counts.astype(np.float32))) * self.idf[columns]
        lengths = np.sqrt(np.bincount(rows, weights=values.astype(np.float64) ** 2, minlength=len(texts)))
        values = (values / lengths[rows]).astype(np.float32)
        starts = np.searchsorted(rows, np.arange(len(texts) + 1))
        return sparse.csr_matrix((values, columns, starts), shape=(len(texts), len(self.terms)))


def fit_tfidf(texts: Sequence[str], analyser: Analyser, *, min_rows: int = 1) -> Tfidf:
    """Terms that stand in at least `min_rows` texts, sorted; idf smoothed as in scikit-learn: log((1+n)/(1+df)) + 1.

    Raises ValueError if there is no such term.
    """
    hashes, rows_with, examples = _document_frequencies(texts, analyser)
    often = rows_with >= min_rows
    if not often.any():
        raise ValueError("no term")
    rows_with = rows_with[often]
    terms = _spelled(texts, examples[often], analyser)
    order = sorted(range(len(terms)), key=terms.__getitem__)
    idf = np.log((1 + len(texts)) / (1 + rows_with[order])) + 1
    return Tfidf(analyser, tuple(terms[i] for i in order), idf.astype(np.float32), build_table(hashes[often][order]))


def load_tfidf(analyser: Analyser, terms: Sequence[str], idf: NDArray[np.float32]) -> Tfidf:
    """From what was saved of one; the table is made anew."""
    return Tfidf(analyser, tuple(terms), idf, build_table(_hashes_of(terms, analyser)))


def _document_frequencies(texts: Sequence[str], analyser: Analyser) -> tuple[Codes, IntArray, IntArray]:
    """Of each n-gram: its hash, the number of texts with it, and where one stands (row, first unit, order)."""
    parts = [_portion(texts[at : at + _PORTION], at, analyser) for at in range(0, len(texts), _PORTION)]
    hashes = np.concatenate([p[0] for p in parts]) if parts else np.empty(0, dtype=np.uint64)
    counts = np.concatenate([p[1] for p in parts]) if parts else np.empty(0, dtype=np.int64)
    examples = np.concatenate([p[2] for p in parts]) if parts else np.empty((0, 3), dtype=np.int64)
    unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    totals = np.bincount(inverse, weights=counts, minlength=len(unique)).astype(np.int64)
    return unique, totals, examples[first]


def _portion(texts: Sequence[str], offset: int, analyser: Analyser) -> tuple[Codes, IntArray, IntArray]:
    units, groups, rows_of = _units(texts, analyser)
    begins = np.searchsorted(rows_of, np.arange(len(texts)))
    found: list[tuple[Codes, IntArray, IntArray]] = []

    def note(hashes: Codes, rows: IntArray, at: IntArray, n: int) -> NDArray[np.bool_]:
        order = np.lexsort((rows, hashes))
        sorted_hashes, sorted_rows = hashes[order], rows[order]
        new_hash = np.diff(sorted_hashes, prepend=~sorted_hashes[:1]) != 0
        new_row = new_hash | (np.diff(sorted_rows, prepend=-1) != 0)
        first = order[new_hash]
        counts = np.add.reduceat(new_row.astype(np.int64), np.flatnonzero(new_hash)) if len(order) else new_row
        where = np.stack([rows[first] + offset, at[first] - begins[rows[first]], np.full(len(first), n)], axis=1)
        found.append((hashes[first], counts, where))
        return np.ones(len(hashes), dtype=bool)

    _roll(units, groups, rows_of, analyser, note)
    if not found:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64), np.empty((0, 3), dtype=np.int64)
    hashes, counts, where = (np.concatenate(part) for part in zip(*found, strict=True))
    return hashes, counts, where


def _roll(
    units: Codes,
    groups: IntArray,
    rows_of: IntArray,
    analyser: Analyser,
    take: Callable[[Codes, IntArray, IntArray, int], NDArray[np.bool_]],
) -> None:
    """Give the hashes of all n-grams, order by order, to `take(hashes, rows, first units, order)`.

    It says which of them may go on: an n-gram that is in no vocabulary begins no longer one that is.
    A run shorter than the lowest order counts once, whole, as in scikit-learn's `char_wb`.
    """
    at = np.arange(len(units))
    hashes = np.zeros(len(units), dtype=np.uint64)
    ends = np.append(groups, np.full(analyser.high, -1))
    begins = np.diff(groups, prepend=-1) != 0
    for n in range(1, analyser.high + 1):
        inside = ends[at + (n - 1)] == groups[at]
        at, hashes = at[inside], hashes[inside]
        hashes = hashes * _BASE + units[at + (n - 1)]
        if n >= analyser.low:
            going_on = take(hashes, rows_of[at], at, n)
            at, hashes = at[going_on], hashes[going_on]
        elif analyser.kind == "char":
            whole = begins[at] & (ends[at + n] != groups[at])
            take(hashes[whole], rows_of[at[whole]], at[whole], n)


def _units(texts: Sequence[str], analyser: Analyser) -> tuple[Codes, IntArray, IntArray]:
    """Codes of all characters or words of all texts, the run that n-grams stay in, and the text of each."""
    if analyser.kind == "char":
        padded = [_padded(text) for text in texts]
        units = _code_points("".join(padded))
        rows = np.repeat(np.arange(len(texts)), [len(text) for text in padded])
        space = units == ord(" ")
        starts = space & np.append(False, space[:-1])  # the second of two spaces: a word's own
        starts |= np.diff(rows, prepend=-1) != 0
        return units + np.uint64(1), np.cumsum(starts), rows
    words = [_words(text, analyser) for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(of) for of in words])
    return _word_codes(list(chain.from_iterable(words))), rows, rows


def _padded(text: str) -> str:
    """Words with a space before and after each: two spaces between neighbours."""
    words = text.lower().split()
    return f" {'  '.join(words)} " if words else ""


def _words(text: str, analyser: Analyser) -> list[str]:
    return re.findall(analyser.pattern, text.lower())


def _code_points(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)


def _word_codes(words: Sequence[str]) -> Codes:
    """A hash of each word: a polynomial of its characters, mixed."""
    if not words:
        return np.empty(0, dtype=np.uint64)
    lengths = np.array([len(word) for word in words])
    starts = np.cumsum(lengths) - lengths
    place = np.arange(lengths.sum()) - np.repeat(starts, lengths)
    powers = np.cumprod(np.full(lengths.max(), _BASE))
    return mixed(np.add.reduceat((_code_points("".join(words)) + np.uint64(1)) * powers[place], starts))


def _spelled(texts: Sequence[str], examples: IntArray, analyser: Analyser) -> list[str]:
    """The n-grams that stand at (text, first unit, order); each text is taken apart once."""
    terms = [""] * len(examples)
    row: int = -1
    parts: Any = ()
    for i in np.argsort(examples[:, 0], kind="stable").tolist():
        of, start, n = examples[i].tolist()
        if of != row:
            row, parts = of, _padded(texts[of]) if analyser.kind == "char" else _words(texts[of], analyser)
        terms[i] = parts[start : start + n] if analyser.kind == "char" else " ".join(parts[start : start + n])
    return terms


def _hashes_of(terms: Sequence[str], analyser: Analyser) -> Codes:
    """The hash that `_roll` gives each term."""
    parts = [list(term) if analyser.kind == "char" else term.split(" ") for term in terms]
    lengths = np.array([len(part) for part in parts])
    flat = list(chain.from_iterable(parts))
    units = _code_points("".join(flat)) + np.uint64(1) if analyser.kind == "char" else _word_codes(flat)
    starts = np.cumsum(lengths) - lengths
    out = np.zeros(len(terms), dtype=np.uint64)
    for n in range(int(lengths.max(initial=0))):
        longer = lengths > n
        out[longer] = out[longer] * _BASE + units[starts[longer] + n]
    return out
