import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.text import sentences
from tests.unit.text_samples import CUTS

PARAGRAPHS = [(lang, cut) for lang, cuts in CUTS.items() for cut in cuts]


@pytest.mark.parametrize(("lang", "cut"), PARAGRAPHS)
def test_paragraphs_are_cut_at_their_sentence_ends(lang, cut):
    text = " ".join(cut)
    assert [text[a:b] for a, b in sentences.split(text, lang=lang)] == cut


@pytest.mark.parametrize("lang", CUTS)
def test_paragraphs_stay_apart_and_offsets_hold(lang):
    text = "\n\n".join(" ".join(cut) for cut in CUTS[lang])
    assert [text[a:b] for a, b in sentences.split(text, lang=lang)] == [s for cut in CUTS[lang] for s in cut]


def test_a_headline_is_one_unit_and_markup_lies_outside():
    text = "# Un segnale? L'analisi del Cremlino\n\n**Mosca, 3 marzo**\n\n* Primo punto.\n\n---\n\nFine."
    found = [text[a:b] for a, b in sentences.split(text, lang="it")]
    assert found == ["Un segnale? L'analisi del Cremlino", "Mosca, 3 marzo", "Primo punto.", "Fine."]


def test_front_matter_is_no_sentence():
    text = "---\ntitle: A. B.\n---\nHe left."
    assert [text[a:b] for a, b in sentences.split(text, lang="en")] == ["He left."]


def test_lines_wrapped_at_a_width_are_joined():
    words = [
        "the",
        "Kremlin",
        "spokesman",
        "has",
        "never",
        "said",
        "that",
        "anything",
        "was",
        "agreed",
        "with",
        "Washington",
    ]
    lines = [" ".join(words[i:] + words[:i]) for i in range(6)]
    text = "\n".join(["Yesterday " + lines[0][10:], *lines[1:], "and that was that."])
    assert len(sentences.split(text, lang="en")) == 1


def test_the_dateline_of_a_sentence_is_measured():
    assert sentences.dateline("MOSCOW, Feb 24 (Reuters) - Russia is ready.") == len("MOSCOW, Feb 24 (Reuters) - ")
    assert sentences.dateline("Russia is ready.") == 0


MESSY = st.text(alphabet=st.sampled_from("aбВ Я1.!?…«»“”\"'—-\n\t#*()[]:;,"), max_size=300) | st.text(max_size=200)


@settings(max_examples=300, deadline=None)
@given(text=MESSY, lang=st.sampled_from(["en", "it", "ru", "de"]))
def test_sentences_are_in_order_apart_and_lose_nothing_but_space_and_markup(text, lang):
    spans = sentences.split(text, lang=lang)
    at = 0
    lost = []
    for start, end in spans:
        assert at <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        lost.append(text[at:start])
        at = end
    lost.append(text[at:])
    if not text.lstrip("\ufeff").startswith("---"):
        assert not any(c.isalnum() for part in lost for c in part if "![" not in part and "```" not in part)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ASHLAND, Ky. – The mill will open in May. It is late.", "ASHLAND, Ky. – The mill will open in May."),
        ("Il Brent ha chiuso a 63 dollari. (segue)", "Il Brent ha chiuso a 63 dollari."),
    ],
)
def test_datelines_with_a_region_and_closing_notes(text, first):
    start, end = sentences.split(text, lang="it")[0]
    assert text[start:end] == first


@pytest.mark.parametrize("hour", ["**14:15.**", "14.15.", "Ore 14.15."])
def test_the_hour_of_a_live_page_belongs_to_its_first_sentence(hour):
    text = f"{hour} Peskov smentisce. Poi parla d'altro."
    found = [text[a:b] for a, b in sentences.split(text, lang="it")]
    assert found == [f"{hour.removeprefix('**')} Peskov smentisce.", "Poi parla d'altro."]


def test_an_hour_that_closes_a_sentence_closes_it():
    text = "Il vertice comincia alle 14.15. Poi parla Peskov."
    assert len(sentences.split(text, lang="it")) == 2
