"""The votes of the rules as features: what an analyst knows of the language, beside what train shows.

Groups bear the same names in every lexicon, so a weight learnt in one language serves the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detente.files import write_text
from detente.labelling import rules
from detente.labelling.rules import Lexicon
from detente.records import Statement
from detente.text.language import identify

# Votes weigh one to three where a TF-IDF row has length one: this brings them to its scale. Chosen by
# cross-validation on train (0.1: stance 0.762, 0.2: 0.756, 0.4: 0.753; without cues 0.685).
_SCALE = 0.1


@dataclass(frozen=True)
class Cues:
    """Lexicons by language with their texts, and the (group, label) that each column stands for."""

    lexicons: Mapping[str, Lexicon]
    texts: Mapping[str, str]
    columns: tuple[tuple[str, str], ...]

    def transform(self, statements: Sequence[Statement]) -> Any:
        """Sparse float32 (n, columns): the summed, scaled weights of each group's votes for each label."""
        from scipy import sparse

        at = {column: i for i, column in enumerate(self.columns)}
        out = np.zeros((len(statements), len(self.columns)), dtype=np.float32)
        for row, statement in enumerate(statements):
            lexicon = self.lexicons.get(statement.lang.casefold() or identify(statement.text))
            for group, label, weight, _, _ in rules.cast(statement.text, lexicon) if lexicon else ():
                out[row, at[group.name, label]] += _SCALE * weight
        return sparse.csr_matrix(out)

    def save(self, folder: Path) -> None:
        """The lexicons as they were, so that a checkpoint does not change when they are edited."""
        for lang, text in self.texts.items():
            write_text(folder / f"{lang}.toml", text)


def load_cues(folder: Path) -> Cues:
    """The lexicons of a folder."""
    paths = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    lexicons = {lang: rules.load_lexicon(path) for lang, path in paths.items()}
    columns = {
        (group.name, label)
        for lexicon in lexicons.values()
        for group in lexicon.groups
        for label in (group.label, group.negated)
        if label
    }
    texts = {lang: path.read_text(encoding="utf-8") for lang, path in paths.items()}
    return Cues(lexicons, texts, tuple(sorted(columns)))


def shipped_cues() -> Cues:
    """Those of the shipped lexicons."""
    return load_cues(rules.LEXICONS)
