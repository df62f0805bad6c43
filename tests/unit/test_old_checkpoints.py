"""Checkpoints of every format there has been load and say what they said."""

from pathlib import Path

import pytest

from detente import checkpoint
from detente.records import Statement

SAVED = Path(__file__).parents[1] / "data" / "checkpoints"


@pytest.mark.parametrize("folder", sorted(p.name for p in SAVED.iterdir()))
def test_an_old_checkpoint_loads_and_predicts(folder):
    loaded = checkpoint.load(SAVED / folder)
    rows = [
        Statement(text="Moscow gladly welcomes the uranium project."),
        Statement(text="Washington angrily bans gas."),
    ]
    proba = loaded.predict_proba(rows)
    stance, sentiment = loaded.tasks
    assert [stance.labels[i] for i in proba["stance"].argmax(axis=1)] == ["cooperative", "skeptical"]
    assert [sentiment.labels[i] for i in proba["sentiment"].argmax(axis=1)] == ["positive", "negative"]
