import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.text import quotes
from tests.unit.text_samples import QUOTED


@pytest.mark.parametrize(("lang", "text", "expected"), QUOTED)
def test_direct_speech(lang, text, expected):
    found = [text[a:b].strip() for a, b in quotes.direct(text, lang=lang)]
    assert [f.rstrip(" —–") for f in found] == [e.rstrip(" —–") for e in expected]


def test_a_quote_runs_over_paragraphs_until_it_closes():
    text = "«Мы готовы к работе.\n\nДело теперь за партнёрами», — сказал он."
    assert [text[a:b] for a, b in quotes.direct(text, lang="ru")] == [text[: text.index("»") + 1]]


def test_a_quote_that_never_closes_ends_with_its_paragraph():
    text = "\"We are ready to talk, he said.\n\nThe next paragraph is the author's."
    assert [text[a:b] for a, b in quotes.direct(text, lang="en")] == [text[: text.index("\n")]]


def test_marks_within_marks_give_the_outer_pair():
    text = "«Компания «Русал» готова вернуться на рынок», — сказал он."
    assert next(text[m.start : m.end] for m in quotes.marks(text)).startswith("«Компания «Русал»")


def test_apostrophes_are_no_quotes():
    assert quotes.marks("It's the miners' right, and Rusal's too.") == []


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from("aБ «»“”„\"'’‘—.,!\n"), max_size=120),
    lang=st.sampled_from(["en", "ru", "de"]),
)
def test_spans_lie_in_the_text_in_order(text, lang):
    at = 0
    for start, end in quotes.direct(text, lang=lang):
        assert at <= start < end <= len(text)
        at = start


def test_words_of_others_without_titles_and_names():
    text = "Er nannte es „reine Spekulation“ und las den „Spiegel“. Der Film „Eine unbequeme Wahrheit“ lief. „Wir warten ab“, sagte er."
    found = [text[a:b] for a, b in quotes.attributed(text, lang="de")]
    assert found == ["„reine Spekulation“", "„Wir warten ab“"]
