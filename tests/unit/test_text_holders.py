import pytest
from tests.unit.text_samples import HELD

from detente.text import holders, sentences


def attributed(text, lang):
    spans = sentences.split(text, lang=lang)
    return {text[a:b]: holder for (a, b), holder in zip(spans, holders.attribute(text, spans, lang=lang), strict=True)}


@pytest.mark.parametrize(("lang", "text", "begins", "quote", "written", "name"), HELD)
def test_who_holds_a_sentence(lang, text, begins, quote, written, name):
    holder = next(h for s, h in attributed(text, lang).items() if s.startswith(begins))
    assert (holder.quote, holder.written, holder.name) == (quote, written, name)


def test_the_speaker_holds_every_sentence_of_a_long_quote():
    text = "«Американцам нужны металлы. У нас их много. Дело за ними», — сказал Дмитрий Песков журналистам."
    assert [(h.name, h.quote) for h in attributed(text, "ru").values()] == [("Дмитрий Песков", "direct")] * 3


def test_an_announced_quote_belongs_to_the_speaker_announced():
    text = 'Scott Bessent was blunt: "We will not lift a thing."\n\n"Not this year, and not the next one."'
    assert {h.name for h in attributed(text, "en").values()} == {"Scott Bessent"}


def test_turns_of_an_interview():
    text = "\n\n".join(
        [
            "We spoke with Denise Lockhart, a director.",
            "Q: Did you hesitate?",
            "LOCKHART: For a minute. Then I saw jobs.",
            "Q: And the senator?",
            "LOCKHART: That is his right.",
        ]
    )
    found = attributed(text, "en")
    assert [found[s].name for s in ("LOCKHART: For a minute.", "Then I saw jobs.")] == ["Denise Lockhart"] * 2
    assert found["Q: And the senator?"].name == ""


def test_pronouns_follow_gender():
    text = "Karoline Leavitt met Scott Bessent. She said nothing was decided."
    assert attributed(text, "en")["She said nothing was decided."].name == "Karoline Leavitt"
