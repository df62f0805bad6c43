from itertools import pairwise, product
from math import exp

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
    near = ["Russia offers the United States uranium.", text, "Washington buys Russian uranium."]
    far = ["China sells tea to India.", text, "Beijing was glad about the tea."]
    assert relevance.likelihoods(near, lang="en")[1] > relevance.likelihoods(far, lang="en")[1]


def test_a_byline_in_an_article_is_seldom_to_the_point():
    texts = ["Russia offers the United States uranium.", "Washington buys it.", "Anna Moretti"]
    assert relevance.likelihoods(texts, lang="en")[2] < relevance.THRESHOLD


def test_a_chain_gives_the_probabilities_of_all_its_readings_together():
    logits, drawn = [0.7, -1.2, 0.4], [0.9, -0.3]
    total, on = 0.0, [0.0] * 3
    for states in product((0, 1), repeat=3):
        weight = sum(z * s for z, s in zip(logits, states, strict=True))
        weight = exp(weight + sum(d * (a == b) for d, (a, b) in zip(drawn, pairwise(states), strict=True)))
        total += weight
        on = [p + weight * s for p, s in zip(on, states, strict=True)]
    assert relevance.marginals(logits, drawn) == pytest.approx([p / total for p in on])


def test_a_resource_in_a_figure_of_speech_is_none():
    assert "resource" not in relevance.named("The archive is a gold mine of gossip.")
    assert "resource" in relevance.named("The mine holds gold.")


def test_the_score_is_a_probability():
    assert all(0 < relevance.score(t, lang=lang) < 1 for lang, t in (*RELEVANT, *IRRELEVANT))
