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
from detente.models.ngrams import Analyser, Tfidf, fit_tfidf, load_tfidf
from detente.models.tone import Tones, load_tones
from detente.records import Statement

# Words, hashtags and mentions, runs of ! and ?: what carries a position in news and in posts.
_WORDS = r"(?u)[#@]?\w+|[!?]+"
_WINDOW = 6
# With a copy for each target, the shared features count half: chosen on P-Stance dev (0.749, against
# 0.740 at full weight and 0.692 without copies).
_SHARED_WEIGHT = np.float32(0.5)


@dataclass(frozen=True)
class Terms:
    """Fitted n-grams by name, and how the target enters.

    With recurring `targets`, each has a copy of every feature that is zero for the other targets.
    `windowed` adds the words around a target that stands in the text; `tones` counts words of tone by their place.
    """

    ngrams: Mapping[str, Tfidf]
    cues: Cues | None
    targets: tuple[str, ...]
    windowed: bool
    tones: Tones | None = None

    def transform(self, statements: Sequence[Statement]) -> Any:
        """Sparse float32 (n, features)."""
        from scipy import sparse

        if not statements:
            return sparse.csr_matrix((0, len(self.names())), dtype=np.float32)
        blocks = [ngrams.transform(texts_read(statements, name)) for name, ngrams in self.ngrams.items()]
        blocks += [self.cues.transform(statements)] if self.cues else []
        blocks += [self.tones.transform(statements)] if self.tones else []
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
        shared = [f"{name}:{term}" for name, ngrams in self.ngrams.items() for term in ngrams.terms]
        shared += [f"cue:{group} -> {label}" for group, label in self.cues.columns] if self.cues else []
        shared += [f"tone:{column}" for column in self.tones.columns] if self.tones else []
        return shared + [f"{name} [{target}]" for target in self.targets for name in shared]

    def save(self, folder: Path) -> None:
        """`terms.json` with settings and vocabularies in column order, `idf.safetensors`, the cues' lexicons."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        described = {
            name: {"settings": _settings(ngrams.analyser), "terms": ngrams.terms}
            for name, ngrams in self.ngrams.items()
        }
        content = {"targets": self.targets, "windowed": self.windowed, "vectorisers": described}
        write_json(folder / "terms.json", content)
        save_file({name: ngrams.idf for name, ngrams in self.ngrams.items()}, folder / "idf.safetensors")
        if self.cues:
            self.cues.save(folder / "cues")
        if self.tones:
            self.tones.save(folder / "tones")


def fit_terms(
    statements: Sequence[Statement],
    *,
    word_ngrams: tuple[int, int],
    char_ngrams: tuple[int, int],
    char_min_rows: int,
    cues: bool,
) -> Terms:
    """Fit on train. `char_ngrams` of (0, 0) leaves characters out; so does `word_ngrams` words.

    `cues` adds the votes of the shipped rules and the shipped words of tone, for the languages that have some.
    """
    analysers: dict[str, Analyser] = {}
    if word_ngrams[1]:
        analysers["word"] = Analyser("word", *word_ngrams, _WORDS)
    if char_ngrams[1]:
        analysers["char"] = Analyser("char", *char_ngrams, "")
    windowed = targets_in_text(statements)
    if windowed:
        analysers |= {side: Analyser("word", 1, 2, _WORDS) for side in ("left", "right")}
    ngrams = {}
    for name, analyser in analysers.items():
        try:
            min_rows = char_min_rows if name == "char" else 1
            ngrams[name] = fit_tfidf(texts_read(statements, name), analyser, min_rows=min_rows)
        except ValueError:
            raise InputError(
                f"the training texts hold no {name} features; give more text, or lower model.char_min_rows"
            ) from None
    targets = recurring_targets(statements)
    # Unless the text shows where the target stands, words of tone do not tell which of a few politicians they
    # are about: on P-Stance dev 0.745 with them, 0.753 without.
    tones = load_tones() if cues and (windowed or not targets) else None
    return Terms(ngrams, shipped_cues() if cues else None, targets, windowed, tones)


def load_terms(folder: Path) -> Terms:
    """Read what `Terms.save` wrote."""
    from safetensors.numpy import load_file

    content = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
    idf = load_file(folder / "idf.safetensors")
    ngrams = {
        name: load_tfidf(_analyser(described["settings"]), described["terms"], idf[name])
        for name, described in content["vectorisers"].items()
    }
    cues = load_cues(folder / "cues") if (folder / "cues").is_dir() else None
    tones = load_tones(folder / "tones") if (folder / "tones").is_dir() else None
    return Terms(ngrams, cues, tuple(content["targets"]), content["windowed"], tones)


def _settings(analyser: Analyser) -> dict[str, Any]:
    """In scikit-learn's words, as format 1 of the checkpoints has them."""
    return {
        "analyzer": "char_wb" if analyser.kind == "char" else "word",
        "ngram_range": [analyser.low, analyser.high],
        "token_pattern": analyser.pattern,
    }


def _analyser(settings: Mapping[str, Any]) -> Analyser:
    kind = "char" if settings["analyzer"] == "char_wb" else "word"
    low, high = settings["ngram_range"]
    return Analyser(kind, low, high, settings["token_pattern"])


def texts_read(statements: Sequence[Statement], name: str) -> list[str]:
    """What the n-grams of a name read of each statement: the words left or right of its target, or the text."""
    if name in ("left", "right"):
        side = ("left", "right").index(name)
        return [window(s, words=_WINDOW)[side] for s in statements]
    return [s.text for s in statements]
