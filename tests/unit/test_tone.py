"""Words of tone as features: where they stand towards the target."""

import tomllib

import numpy as np
import pytest

from detente.errors import CheckpointError
from detente.models.tone import PLACES, SHIPPED, load_tones
from detente.records import Statement


def counted(text, target="", **extra):
    tones = load_tones()
    row = tones.transform([Statement(text=text, target=target, lang="en", extra=extra)]).toarray()[0]
    return {name for name, value in zip(tones.columns, row, strict=True) if value}


def test_words_are_told_by_their_place_towards_the_target():
    found = counted("The court praised the mayor, and police arrested Smith.", target="Smith")
    assert {"text:praise", "far_before:praise", "text:punish", "before:punish"} <= found
    assert not {"before:praise", "after:punish"} & found
    assert {"after:punish", "far_after:praise"} <= counted("Smith was arrested, and the mayor praised.", target="Smith")


def test_a_mention_is_the_one_that_the_row_points_at():
    text = "Smith praised Smith"
    first, second = (counted(text, "Smith", target_start=at, target_end=at + 5) for at in (0, 14))
    assert "after:praise" in first
    assert "before:praise" in second


def test_near_words_count_more_than_far_ones():
    tones = load_tones()
    near, far = (
        tones.transform([Statement(text=f"Smith {words} praised", target="Smith", lang="en")]).max()
        for words in ("was", "was on that day in the old town hall")
    )
    assert near > far


def test_without_a_target_words_count_in_the_text_alone_and_other_languages_have_none():
    assert {name.split(":")[0] for name in counted("He praised the deal and was arrested.")} == {"text"}
    row = load_tones().transform([Statement(text="He praised it", lang="xx")])
    assert (row.shape, row.nnz) == ((1, len(load_tones().columns)), 0)


def test_lexicons_share_their_groups_and_no_word_stands_in_two():
    for path in SHIPPED.glob("*.toml"):
        groups = tomllib.loads(path.read_text(encoding="utf-8"))
        words = [word for group in groups.values() for word in group["words"]]
        assert len(words) == len(set(words)) > 2000, path.name
    assert len(load_tones().columns) == len(PLACES) * len(groups)


def test_saved_lexicons_count_the_same_and_damaged_ones_are_told(tmp_path):
    tones, rows = load_tones(), [Statement(text="Мэра обвинили, а Петрова похвалили", target="Петрова", lang="ru")]
    tones.save(tmp_path)
    again = load_tones(tmp_path)
    np.testing.assert_array_equal(again.transform(rows).toarray(), tones.transform(rows).toarray())
    assert tones.transform(rows).nnz
    (tmp_path / "en.toml").write_text('[praise]\nwords = ["fine"]\n', encoding="utf-8")
    with pytest.raises(CheckpointError, match="same groups"):
        load_tones(tmp_path)
