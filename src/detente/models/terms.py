"""TF-IDF of words and characters, aware of the target, as plain data that needs no pickle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detente.errors import InputError
from detente.files import write_json
from detente.labelling.cues import Cues, load_cues, shipped_cues
from detente.models.inputs import recurring_targets, targets_in_text, window
from detente.records import Statement

# Words, hashtags and mentions, runs of ! and ?: what carries a position in news and in posts.
_WORDS = r"(?u)[#@]?\w+|[!?]+"
_WINDOW = 6
# With a copy for each target, the shared features count half: chosen on P-Stance dev (0.749, against
# 0.740 at full weight and 0.692 without copies).
_SHARED_WEIGHT = np.float32(0.5)


@dataclass(frozen=True)
class Terms:
    """Fitted vectorisers by name, and how the target enters.

    With recurring `targets`, each has a copy of every feature that is zero for the other targets.
    `windowed` adds the words around a target that stands in the text.
    """

    vectorisers: Mapping[str, Any]
    cues: Cues | None
    targets: tuple[str, ...]
    windowed: bool

    def transform(self, statements: Sequence[Statement]) -> Any:
        """Sparse float32 (n, features)."""
        from scipy import sparse

        if not statements:
            return sparse.csr_matrix((0, len(self.names())), dtype=np.float32)
        blocks = [self.vectorisers[name].transform(_texts(statements, name)) for name in self.vectorisers]
        blocks += [self.cues.transform(statements)] if self.cues else []
        shared = sparse.hstack(blocks, format="csr")
        if not self.targets:
            return shared
        own = [
            sparse.diags([float(s.target == target) for s in statements], dtype=np.float32) @ shared
            for target in self.targets
        ]
        return sparse.hstack([shared * _SHARED_WEIGHT, *own], format="csr", dtype=np.float32)

    def names(self) -> list[str]:
        """A name for every feature, in the order of `transform`'s columns."""
        shared = [f"{kind}:{term}" for kind, v in self.vectorisers.items() for term in v.get_feature_names_out()]
        shared += [f"cue:{group} -> {label}" for group, label in self.cues.columns] if self.cues else []
        return shared + [f"{name} [{target}]" for target in self.targets for name in shared]

    def save(self, folder: Path) -> None:
        """`terms.json` with settings and vocabularies in column order, `idf.safetensors`, the cues' lexicons."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        described = {
            name: {"settings": _settings(v), "terms": v.get_feature_names_out().tolist()}
            for name, v in self.vectorisers.items()
        }
        content = {"targets": self.targets, "windowed": self.windowed, "vectorisers": described}
        write_json(folder / "terms.json", content)
        idf = {name: v.idf_.astype(np.float32) for name, v in self.vectorisers.items()}
        save_file(idf, folder / "idf.safetensors")
        if self.cues:
            self.cues.save(folder / "cues")


def fit_terms(
    statements: Sequence[Statement],
    *,
    word_ngrams: tuple[int, int],
    char_ngrams: tuple[int, int],
    char_min_rows: int,
    cues: bool,
) -> Terms:
    """Fit on train. `char_ngrams` of (0, 0) leaves characters out; so does `word_ngrams` words.

    `cues` adds the votes of the shipped rules, for the languages that have some.
    """
    settings: dict[str, dict[str, Any]] = {}
    if word_ngrams[1]:
        settings["word"] = {"ngram_range": word_ngrams, "token_pattern": _WORDS}
    if char_ngrams[1]:
        settings["char"] = {
            "analyzer": "char_wb",
            "ngram_range": char_ngrams,
            "min_df": char_min_rows,
        }
    windowed = targets_in_text(statements)
    if windowed:
        settings |= {side: {"ngram_range": (1, 2), "token_pattern": _WORDS} for side in ("left", "right")}
    vectorisers = {name: _vectoriser(**chosen) for name, chosen in settings.items()}
    for name, vectoriser in vectorisers.items():
        try:
            vectoriser.fit(_texts(statements, name))
        except ValueError:
            raise InputError(
                f"the training texts hold no {name} features; give more text, or lower model.char_min_rows"
            ) from None
    return Terms(vectorisers, shipped_cues() if cues else None, recurring_targets(statements), windowed)


def load_terms(folder: Path) -> Terms:
    """Read what `Terms.save` wrote."""
    from safetensors.numpy import load_file

    content = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    idf = load_file(folder / "idf.safetensors")
    vectorisers = {}
    for name, described in content["vectorisers"].items():
        settings = described["settings"] | {"ngram_range": tuple(described["settings"]["ngram_range"])}
        vocabulary = {term: i for i, term in enumerate(described["terms"])}
        vectoriser = _vectoriser(**settings, vocabulary=vocabulary)
        vectoriser.idf_ = idf[name].astype(np.float64)
        vectorisers[name] = vectoriser
    cues = load_cues(folder / "cues") if (folder / "cues").is_dir() else None
    return Terms(vectorisers, cues, tuple(content["targets"]), content["windowed"])


def _vectoriser(**settings: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **settings)


def _settings(vectoriser: Any) -> dict[str, Any]:
    chosen = {"analyzer": vectoriser.analyzer, "ngram_range": list(vectoriser.ngram_range)}
    return chosen | {"token_pattern": vectoriser.token_pattern}


def _texts(statements: Sequence[Statement], name: str) -> list[str]:
    if name in ("left", "right"):
        side = ("left", "right").index(name)
        return [window(s, words=_WINDOW)[side] for s in statements]
    return [s.text for s in statements]
