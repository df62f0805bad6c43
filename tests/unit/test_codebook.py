"""The codebook: read whole, in step with its page and the tasks, one sentence for what is wrong with one's own."""

from pathlib import Path

import pytest

from detente.errors import InputError
from detente.labelling import codebook

PAGE = Path(__file__).parents[2] / "docs" / "codebook.md"


def test_the_page_is_in_step_with_the_file():
    assert PAGE.read_text(encoding="utf-8") == codebook.markdown(codebook.load()), (
        "docs/codebook.md is out of step; its head says how to make it anew"
    )


def test_it_covers_the_shipped_tasks_and_has_each_label_in_each_language(stance, sentiment):
    book = codebook.load()
    assert codebook.covers(book, [stance, sentiment])
    for lang in ("en", "it", "ru"):
        for task in (stance, sentiment):
            assert {e.labels[task.name] for e in book.examples if e.lang == lang} == set(task.labels), (lang, task.name)


def test_the_guide_has_examples_in_the_language_or_in_english():
    book = codebook.load()
    assert any("Мы с радостью" in line for line in codebook.guide(book, "ru")[-1].lines)
    assert codebook.guide(book, "de")[-1] == codebook.guide(book, "en")[-1]


def test_the_digest_follows_the_content(tmp_path):
    mine = tmp_path / "mine.toml"
    text = codebook.SHIPPED.read_text(encoding="utf-8")
    mine.write_bytes(text.replace("\n", "\r\n").encode())
    assert codebook.load(mine).digest == codebook.load().digest
    mine.write_text(text.replace('version = "1.0"', 'version = "1.1"'), encoding="utf-8")
    assert codebook.load(mine).digest != codebook.load().digest


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[about]", "[about", "is no TOML file"),
        ('name = "US–Russia resources"', "", "lacks 'name'"),
        ('stance = "cooperative"', 'stance = "pro"', 'has the stance "pro", which is none of cooperative'),
        ("[task.sentiment.labels]", "[task.sentiment.other]", "lacks 'labels'"),
    ],
)
def test_a_broken_codebook_is_one_sentence(old, new, sentence, tmp_path):
    mine = tmp_path / "mine.toml"
    text = codebook.SHIPPED.read_text(encoding="utf-8")
    assert old in text
    mine.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError, match=f"mine.toml.*{sentence}"):
        codebook.load(mine)
    with pytest.raises(InputError, match="is no file"):
        codebook.load(tmp_path / "missing.toml")


def test_the_model_card_says_what_the_labels_mean(stance):
    from detente.evaluation.cards import _meanings
    from detente.tasks import Task

    assert any("favours" in line or "wants" in line for line in _meanings(stance))
    assert _meanings(Task(name="stance", labels=("favor", "against"))) == []
