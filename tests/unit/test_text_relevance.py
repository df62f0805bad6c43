import pytest

from detente.text import relevance
from tests.unit.text_samples import IRRELEVANT, RELEVANT


@pytest.mark.parametrize(("lang", "text"), RELEVANT)
def test_relevant(lang, text):
    assert relevance.score(text, lang=lang) >= relevance.THRESHOLD


@pytest.mark.parametrize(("lang", "text"), IRRELEVANT)
def test_irrelevant(lang, text):
    assert relevance.score(text, lang=lang) < relevance.THRESHOLD


def test_what_surrounds_a_statement_counts():
    text = "We have plenty of it."
    near = relevance.Context(
        lead="Russia offers the United States uranium", before="Russia and the US trade in uranium.", topic=0.9
    )
    far = relevance.Context(lead="China and India trade tea", before="China sells tea.", topic=0.0, rivals=1.0)
    assert relevance.score(text, lang="en", context=near) > relevance.score(text, lang="en", context=far)


def test_a_byline_in_an_article_is_seldom_to_the_point():
    known = relevance.Context(lead="Russia offers the United States uranium", topic=0.9, after="Russia sells uranium.")
    text = "Anna Moretti"
    assert relevance.features(text, known)["names_only"] == 1.0
    assert relevance.score(text, lang="en", context=known) < relevance.THRESHOLD


def test_a_resource_in_a_figure_of_speech_is_none():
    assert "resource" not in relevance.named("The archive is a gold mine of gossip.")
    assert "resource" in relevance.named("The mine holds gold.")


def test_the_score_is_a_probability():
    assert all(0 < relevance.score(t, lang=lang) < 1 for lang, t in (*RELEVANT, *IRRELEVANT))
