import pytest

from detente.text import language, lexicons


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Kremlin said on Monday that it was ready to discuss rare earths.", "en"),
        ("Il Cremlino ha detto lunedì di essere pronto a discutere di terre rare.", "it"),
        ("В Кремле заявили, что готовы обсуждать редкоземельные металлы.", "ru"),
        ("У Кремлі заявили, що готові обговорювати рідкоземельні метали.", "uk"),
        ("Der Kreml sagte am Montag, er sei bereit, über seltene Erden zu sprechen.", "de"),
        ("Le Kremlin a déclaré lundi qu'il était prêt à parler des terres rares.", "fr"),
        ("El Kremlin dijo el lunes que estaba dispuesto a hablar de tierras raras.", "es"),
    ],
)
def test_the_language_of_a_sentence(text, expected):
    assert language.identify(text) == expected


def test_only_expected_languages_come_back():
    assert language.identify("Der Kreml sagte nichts dazu.", languages=("en", "it")) in ("en", "it")
    assert language.identify("Санкции", languages=("en", "it", "ru")) == "ru"


def test_a_short_text_takes_the_fallback_but_not_against_its_script():
    assert language.identify("Rusal", fallback="it") == "it"
    assert language.identify("Русал", fallback="it") in ("ru", "uk")
    assert language.identify("12:30", fallback="ru") == "ru"


@pytest.mark.parametrize("lang", language.LANGUAGES)
def test_every_language_has_a_lexicon_with_all_lists(lang):
    found = lexicons.lexicon(lang)
    assert found.lang == lang
    assert found.say
    assert {"roles", "orgs", "vague", "stop", "skip", "clause"} <= set(found.words)


def test_an_unknown_language_is_read_as_english():
    assert lexicons.lexicon("xx").lang == "en"
