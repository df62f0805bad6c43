"""Phrases found by their first words are those that trying every phrase at every place finds."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.labelling import rules
from detente.labelling.phrases import compile_phrases, fold

DATA = Path(__file__).parents[2] / "data" / "statements"
WORD = st.sampled_from(
    ["ban", "bans", "banned", "lift", "the", "not", "far", "ёлка", "елка", "н'т", "won't", "U.S.", "!"]
)
ENDING = st.sampled_from(["", "*"])
PHRASE = st.lists(st.one_of(st.builds(str.__add__, WORD, ENDING), st.just("...")), min_size=1, max_size=4).map(" ".join)
TEXT = st.lists(st.one_of(WORD, st.sampled_from([".", ",", "«", "Lift", "BAN", "_x", "İ"])), max_size=14).map(" ".join)


def by_trying_all(phrases, text):
    """One alternation of all phrases, longest pattern first, tried at every place."""
    parts = []
    for phrase in phrases:
        words = re.escape(phrase.strip()).replace(r"\ ", r"\s+").replace(r"\*", r"\w*")
        words = words.replace("ё", "е").replace("е", "[её]")
        parts.append(words.replace(r"\s+\.\.\.\s+", r"\s+(?:[\w'’-]+\W+){0,4}?"))
    joined = "|".join(sorted(parts, key=len, reverse=True)) or "(?!)"
    pattern = re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)
    return [match.span() for match in pattern.finditer(text)]


@given(st.lists(PHRASE, min_size=1, max_size=8), st.lists(PHRASE, max_size=3), TEXT)
def test_what_is_found_is_what_trying_all_finds(first, second, text):
    found = compile_phrases([first, second]).find(fold(text))
    for of, phrases in enumerate((first, second)):
        assert sorted(span for which, *span in found if which == of) == sorted(map(list, by_trying_all(phrases, text)))


@pytest.mark.parametrize("lang", rules.LANGUAGES)
def test_in_the_shipped_statements_the_shipped_cues_are_all_found(lang):
    import tomllib

    content = tomllib.loads((rules.LEXICONS / f"{lang}.toml").read_text(encoding="utf-8"))
    lists = [*(group["cues"] for group in content["group"].values()), content["negators"], content["contrasts"]]
    phrases = compile_phrases(lists)
    paths = sorted(DATA.rglob("*.jsonl"))
    texts = [
        row["text"] for path in paths for row in map(json.loads, path.open(encoding="utf-8")) if row["lang"] == lang
    ]
    for text in texts[::29]:
        found = phrases.find(fold(text))
        for of, own in enumerate(lists):
            assert sorted(span for which, *span in found if which == of) == sorted(map(list, by_trying_all(own, text)))


def test_a_stream_of_new_words_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("detente.labelling.phrases._REMEMBERED", 10)
    phrases = compile_phrases([["lift*"]])
    for i in range(100):
        assert phrases.find(f"lifted{i} word{i}") == [(0, 0, 6 + len(str(i)))]
    assert len(phrases._known) <= 10
