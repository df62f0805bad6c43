import pytest

from detente.text import relevance
from detente.text.concepts import concept
from detente.text.glossing import SHIPPED
from detente.text.judging import Trained
from detente.text.weights import load
from tests.unit.attributing import attributed


@pytest.mark.parametrize(
    ("meaning", "words"),
    [
        ("extend", {"en": "extended", "it": "prorogato", "ru": "продлила"}),
        ("refuse", {"en": "refuses", "it": "rifiutato", "ru": "отказался"}),
        ("oil", {"en": "oil", "it": "petrolio", "ru": "нефтью", "fr": "pétrole", "es": "petróleo", "de": "Öl"}),
    ],
)
def test_a_word_means_the_same_in_every_language(meaning, words):
    assert {lang: concept(word, lang) for lang, word in words.items()} == dict.fromkeys(words, meaning)


@pytest.mark.parametrize(
    ("word", "lang"),
    [
        ("the", "en"),
        ("della", "it"),
        ("Мурманскнефть", "ru"),
        ("sanctie", "nl"),
        ("", "it"),
        ("", "ru"),
        ("’", "uk"),
        ("\u0301", "fr"),
        ("7", "de"),
        ("", "en"),
        ("''", "it"),
    ],
)
def test_what_is_no_word_of_a_language_or_tells_nothing_has_no_meaning(word, lang):
    assert concept(word, lang) == ""


def test_every_word_of_every_glossary_can_be_asked_for():
    for path in SHIPPED.glob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = concept(line.partition("=")[0], path.stem)
            assert found == found.lower()
            assert " " not in found


def test_evidence_is_shared_by_languages_and_weighed():
    """What English articles teach of a word, Italian ones are judged by."""
    texts = {"en": "The Treasury extended the licence.", "it": "Il Tesoro ha prorogato la licenza."}
    found = [set(relevance.features([text], lang=lang)[0]) for lang, text in texts.items()]
    assert {"means=extend", "means=treasury"} <= found[0] & found[1]
    assert sum(name.startswith("means=") for name in load().relevance) > 100
    assert sum("verb-means=" in name for name in load().holders) > 100


class Watching:
    """The trained judge, and the evidence that it was given."""

    def __init__(self):
        self.trained, self.models, self.seen = Trained(), load(), set()

    def hold(self, at, found):
        self.seen |= {feature for reading in found for feature in reading.features}
        return self.trained.hold(at, found)

    def name(self, at, found):
        return self.trained.name(at, found)

    def quote(self, at, features):
        return self.trained.quote(at, features)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("en", "The Treasury, which fought it, extended the licence."),
        ("it", "Il Tesoro, contrario, ha prorogato la licenza."),
        ("ru", "Минфин, как и ждали, продлил лицензию."),
    ],
)
def test_who_holds_a_sentence_is_judged_by_what_its_words_mean(lang, text):
    judge = Watching()
    attributed(text, lang, judge=judge)
    assert {"verb+means=extend", "nobody,means=extend"} <= judge.seen
    assert any(name.startswith("nobody,verb-means=extend,") for name in judge.seen)
