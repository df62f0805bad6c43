"""Wire copies: articles that several outlets print with small changes."""

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from detente.text.documents import Document

_T = TypeVar("_T")
_SHINGLE = 5
_PERMUTATIONS = 64
_WORD = re.compile(r"\w+")


def copies(documents: Iterable[tuple[Document, _T]], *, threshold: float = 0.8) -> Iterator[tuple[Document, _T, str]]:
    """Every document, what comes with it, and the id of the earlier one that it copies, "" if it copies none.

    `threshold` is the share of five-word sequences that two articles have in common.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
    sketches: dict[str, MinHash] = {}
    for number, (document, beside) in enumerate(documents):
        sketch = MinHash(num_perm=_PERMUTATIONS)
        sketch.update_batch([s.encode() for s in _shingles(document.text)])
        near = [name for name in index.query(sketch) if sketches[name].jaccard(sketch) >= threshold]
        if near:
            first = min(near, key=lambda name: int(name.partition(" ")[0]))
            yield document, beside, first.partition(" ")[2]
            continue
        name = f"{number} {document.doc_id}"
        index.insert(name, sketch)
        sketches[name] = sketch
        yield document, beside, ""


def _shingles(text: str) -> set[str]:
    words = _WORD.findall(text.lower())
    if len(words) <= _SHINGLE:
        return {" ".join(words)}
    return {" ".join(words[i : i + _SHINGLE]) for i in range(len(words) - _SHINGLE + 1)}
