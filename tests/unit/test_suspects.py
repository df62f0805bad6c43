"""Planted errors come first among the suspects, and no model judges what it has seen."""

from dataclasses import replace

import numpy as np
import pytest

from detente.corpus import splits
from detente.errors import InputError, UsageError
from detente.evaluation import suspects
from detente.models.linear import LinearSpec
from detente.seeds import rng
from tests.conftest import make_statements


def test_planted_errors_are_found_far_above_chance(stance, tmp_path):
    statements = make_statements(360)
    wrong = {int(i) for i in rng(1, "planted").choice(len(statements), size=24, replace=False)}
    labels = [s.labels["stance"] for s in statements]
    for i in wrong:
        labels[i] = stance.labels[(stance.labels.index(labels[i]) + 1) % 3]
    planted = [replace(s, labels={"stance": label}) for s, label in zip(statements, labels, strict=True)]
    groups = splits.groups_of(planted, ("scenario",))
    proba = suspects.out_of_fold(LinearSpec(cues=False), stance, planted, groups, n=5, seed=1, scratch=tmp_path)
    found = suspects.find(stance, labels, proba)
    first = {suspect.row for suspect in found[:24]}
    assert len(first & wrong) >= 20  # by chance it would be 1.6
    assert all(suspect.suggested != suspect.given for suspect in found[:24])
    assert [suspect.score for suspect in found] == sorted(suspect.score for suspect in found)


def test_a_group_is_judged_by_models_that_did_not_see_it(stance, tmp_path):
    """A word that gives the label away within a group alone is worth nothing out of fold."""
    statements = [
        replace(
            s,
            text=f"secret{i // 6} word",
            labels={"stance": stance.labels[(i // 6) % 3]},
            extra={"scenario": f"g{i // 6}"},
        )
        for i, s in enumerate(make_statements(90))
    ]
    groups = splits.groups_of(statements, ("scenario",))
    spec = LinearSpec(cues=False, char_ngrams=(0, 0))
    proba = suspects.out_of_fold(spec, stance, statements, groups, n=3, seed=1, scratch=tmp_path)
    gold = stance.index([s.labels["stance"] for s in statements])
    assert (proba.argmax(axis=1) == np.array(gold)).mean() < 0.6


def test_one_label_or_no_library_is_one_sentence(stance, monkeypatch):
    with pytest.raises(InputError, match="two labels or more"):
        suspects.find(stance, ["neutral"] * 3, np.full((3, 3), 1 / 3))
    monkeypatch.setitem(__import__("sys").modules, "cleanlab.filter", None)
    with pytest.raises(UsageError, match=r"pip install 'detente\[labelling\]'"):
        suspects.find(stance, ["neutral"] * 3, np.full((3, 3), 1 / 3))
