"""What a model makes of the text alone, and of the target alone."""

from dataclasses import replace

import numpy as np
import pytest

from detente.corpus.tables import as_table
from detente.encoders import EncoderSpec
from detente.errors import InputError, UsageError
from detente.models import base
from detente.models.finetune import FinetuneSpec
from detente.models.linear import LinearSpec
from detente.models.narrowed import NarrowedSpec, narrow


@pytest.fixture
def rows(statements):
    """The target tells the stance; so does the text."""
    targets = {"cooperative": "gas deal", "skeptical": "uranium ban", "neutral": "titanium"}
    return [
        replace(s, target=targets[s.labels["stance"]], extra={"target_start": 0, "target_end": 3}) for s in statements
    ]


def fitted(inputs, rows, task, folder, of=None):
    tables = [as_table([s for s in rows if s.split == name], tasks=(task,)) for name in ("train", "dev")]
    spec = NarrowedSpec(of=of or LinearSpec(cues=False), inputs=inputs)
    return base.fit(spec, (task,), *tables, seed=1, run_dir=folder)


@pytest.mark.parametrize(("inputs", "unread"), [("text", "target"), ("target", "text")])
@pytest.mark.parametrize("family", ["linear", "finetune"])
def test_it_reads_one_and_not_the_other(inputs, unread, family, rows, stance, tiny_encoder, tmp_path):
    of = LinearSpec(cues=False) if family == "linear" else FinetuneSpec(encoder=tiny_encoder, max_steps=2)
    model = fitted(inputs, rows, stance, tmp_path, of)
    some = [s for s in rows if s.split == "test"][:6]
    proba = model.predict_proba(some)["stance"]
    changed = model.predict_proba([replace(s, **{unread: "Moscow bans"}) for s in some])["stance"]
    np.testing.assert_allclose(changed, proba, atol=1e-6)
    other = model.predict_proba([replace(s, **{inputs: "Moscow gladly"}) for s in some])["stance"]
    assert np.abs(other - proba).max() > 1e-6
    model.save(tmp_path / "saved")
    again = base.load("narrowed", tmp_path / "saved", (stance,))
    np.testing.assert_allclose(again.predict_proba(some)["stance"], proba, atol=1e-6)


def test_what_stands_where_no_row_names_a_target(statements, stance):
    assert narrow(statements[0], "target", (stance,)).text == stance.target
    assert narrow(statements[0], "target", (replace(stance, target=""),)).text == "(none)"


def test_one_target_for_all_tells_nothing(statements, stance, tmp_path):
    with pytest.raises(InputError, match="all training rows have one target, which alone tells nothing"):
        fitted("target", statements, stance, tmp_path)


def test_other_inputs_are_refused():
    with pytest.raises(UsageError, match=r'model\.inputs is "txt"; did you mean "text"'):
        NarrowedSpec(of=LinearSpec(), inputs="txt")
    with pytest.raises(UsageError, match="no model family"):
        NarrowedSpec(of=EncoderSpec(name="x", path="x"))
