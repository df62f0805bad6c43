"""Whom names, roles and pronouns mean: what holds whatever the weights are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.text import cues, people, relevance, sentences
from detente.text.agreement import Wanted
from detente.text.candidates import candidates
from detente.text.documents import Document
from detente.text.entities import Asked, Entity, options
from detente.text.extraction import extract
from detente.text.forms import of_form, of_unsaid
from detente.text.lexicons import lexicon, offices
from detente.text.mentions import Mention
from detente.text.quotes import direct
from detente.text.sources import attached
from detente.text.synonyms import synonyms
from detente.text.tags import tags_of
from detente.text.tokens import tokenize
from tests.unit.attributing import attributed
from tests.unit.text_samples import HELD


def gathered(text, lang):
    spans = sentences.split(text, lang=lang)
    return people.gather([tokenize(text, start=a, end=b) for a, b in spans], lexicon(lang))


@pytest.mark.parametrize(
    ("text", "first", "dateline"),
    [
        ("МОСКВА, 15 ноя — Восток-Инфо. Кабмин ввёл запрет. Он временный.", "МОСКВА, 15 ноя — Восток-Инфо. ", True),
        ("Москва. 23 октября. ИНФОРМЛИНИЯ - Минфин ввёл запрет. Да.", "Москва. 23 октября. ИНФОРМЛИНИЯ - ", True),
        ("MOSCOW, March 3 — Northwire. The ministry said no. It did.", "MOSCOW, March 3 — Northwire. ", True),
        ("11:05 Белый дом: ограничения останутся. Так решили.", "11:05 ", True),
        ("Москва. Весна. Посол уехал.", "Москва.", False),
    ],
)
def test_a_dateline_of_any_wire_belongs_to_the_first_sentence(text, first, dateline):
    start, end = sentences.split(text, lang="ru" if text[0] > "z" or text[0] == "1" else "en")[0]
    assert text[start:end].startswith(first)
    assert (len(text[start:end]) > len(first)) == dateline
    assert sentences.dateline(text[start:end]) == (len(first) if dateline else 0)


def test_speech_after_a_dash_inside_a_paragraph():
    text = "Против говорил Пак. — Станции встанут, — сказал он. — Русские не опаздывали. В зале засмеялись."
    assert [text[a:b] for a, b in direct(text, lang="ru")] == ["Станции встанут,", "Русские не опаздывали."]


@pytest.mark.parametrize("text", ["Мы ушли. — Сделка сорвана. Никто не удивлён.", "Посол — дипломат. Это факт."])
def test_a_dash_without_an_attribution_is_no_speech(text):
    assert direct(text, lang="ru") == []


def test_any_verb_may_report_after_a_mark_and_a_dash_in_russian():
    text = "— Вернутся они, — шепчет на прощание мастер. — Куда им деваться."
    assert [text[a:b] for a, b in direct(text, lang="ru")] == ["Вернутся они,", "Куда им деваться."]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dhiraj Solanki, an analyst at Eastgate, spoke on Monday.", ("Dhiraj", "Solanki")),
        ("Qodir Yusupzoda waits at the gate. Yusupzoda said that he would sell.", ("Qodir", "Yusupzoda")),
    ],
)
def test_people_whose_given_name_no_list_has(text, name):
    assert name in gathered(text, "en").full.values()


def test_places_and_firms_with_two_capitals_are_no_people():
    text = (
        "Dutch Harbor waits. The Harbor Board said no. Arctic Metals, a supplier in Ohio, closed. Metals said little."
    )
    assert all(len(name) < 2 for name in gathered(text, "en").full.values())


def kinds(words, lang):
    tokens = tokenize(words)
    return [(m.kind, " ".join(t.text for t in tokens[m.start : m.end])) for m in candidates(tokens, lexicon(lang))]


@pytest.mark.parametrize(
    ("lang", "text", "phrase"),
    [
        ("ru", "Источник в российской делегации рассказал о сделке.", ("role", "Источник в российской делегации")),
        ("en", "Two people familiar with the talks said no.", ("org", "Two people familiar with the talks")),
    ],
)
def test_a_source_and_what_tells_whose_it_is_are_one_voice(lang, text, phrase):
    assert phrase in kinds(text, lang)


def test_a_day_is_no_part_of_a_source():
    tokens = tokenize("Источник в среду сообщил о сделке.")
    assert not attached(tokens, 0, 1)


def test_other_words_for_an_office():
    assert "presi" in synonyms(["il", "capo", "dello", "stato"])
    assert "senat" in synonyms(["the", "lawmaker"])
    assert "analy" in synonyms(["the", "experts"])
    assert synonyms(["the", "harbour"]) == frozenset()
    assert all(len(word) <= 5 for word in offices().kind), "only the first five letters of a word are looked up"


def entity(name, *, person, gender="", plural=False):
    kind = "person" if person else "org"
    return Entity(name, name, kind, person, gender, plural, 0, 10, held_at=0, held=1)


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(plural=True), {"the growers"}),
        (Wanted(True, "f", False), {"Ann Lee"}),
        (Wanted(True, "", False), {"Ann Lee", "Bob Ray", "the growers"}),
    ],
)
def test_a_pronoun_takes_up_nobody_of_another_number_or_gender(wanted, left):
    known = [
        entity("Ann Lee", person=True, gender="f"),
        entity("Bob Ray", person=True, gender="m"),
        entity("the growers", person=False, plural=True),
    ]
    asked = Asked("he", "he", wanted, frozenset(), frozenset(), "-", 1, ("plain", "new"))
    found = {o.name for o in options(asked, "", "", known, {}, lexicon("en"))}
    assert found <= {"Ann Lee", "Bob Ray", "the growers"}
    assert left <= found
    assert "Bob Ray" not in found or not wanted.gender
    assert not (wanted.plural and found & {"Ann Lee", "Bob Ray"})


def forms(text, start, end, lang, name=""):
    lex, tokens = lexicon(lang), tokenize(text)
    tags = tags_of(tokens, lex)
    kind = "name" if name else "role"
    found = of_form(tokens, tags, Mention(start, end, kind, (tokens[end - 1].text,)), name, lex)
    return {f for f in found if f.startswith("form=") and "," not in f}


@pytest.mark.parametrize(
    ("text", "end", "name", "form"),
    [
        ("Министр сообщил о сделке", 1, "", "form=nom"),
        ("Министра сняли", 1, "", "form=obl"),
        ("Яроша тревожат ставки", 1, "Герман Ярош", "form=obl"),
        ("Ярош встревожен", 1, "Герман Ярош", "form=nom"),
        ("Программу он хвалит", 1, "", "form=obl?"),
    ],
)
def test_the_case_of_a_russian_phrase(text, end, name, form):
    assert forms(text, 0, end, "ru", name) == {form}


def test_a_place_in_the_sentence_is_told_in_the_nominative():
    text = "В Белграде попросили Вашингтон об отсрочке."
    assert attributed(text, "ru")[text].name == "Белград"


def test_a_quote_over_an_interview_is_the_interviewees():
    text = "\n\n".join(
        [
            "Uranium trader: “Nobody in this room can replace Russia”",
            "We met Howard Leung, a broker, in Charlotte.",
            "Q: Are reactors exposed?",
            "LEUNG: They are. I would sign today.",
            "Q: And the Energy Department?",
            "LEUNG: That you must ask them.",
        ]
    )
    headline = next(iter(attributed(text, "en").values()))
    assert (headline.name, headline.quote) == ("Howard Leung", "direct")


@pytest.mark.parametrize(
    ("lang", "text", "name"),
    [
        ("en", "Peskov: Russia ready to sell uranium\n\nKremlin spokesman Dmitry Peskov said so.", "Dmitry Peskov"),
        ("ru", "Песков: Россия готова продавать уран\n\nОб этом заявил Дмитрий Песков.", "Дмитрий Песков"),
    ],
)
def test_who_stands_before_the_colon_of_a_headline_speaks(lang, text, name):
    assert next(iter(attributed(text, lang).values())).name == name


def voices(text):
    tokens = tokenize(text)
    found = cues.find(tokens, lexicon("de"), headline=False, knows=lambda name: True)
    return [" ".join(t.text for t in tokens[c.mention.start : c.mention.end]) for c in found if c.mention]


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("Nach dem Treffen sagte der Minister, es gebe keine Einigung.", "der Minister"),
        ("Man warte ab, so Kanzler Lindner.", "Kanzler Lindner"),
        ("Die CCE bestätigte die Aussage der Gewerkschaft nicht.", "Die CCE"),
    ],
)
def test_german_subjects_before_and_behind_their_verb(text, voice):
    assert voice in voices(text)


def test_an_answer_is_read_with_its_question():
    texts = ["Would Russia sell uranium to the United States?", "Tomorrow.", "They need it."]
    found = relevance.features(texts, lang="en", paragraphs=[0, 1, 1])
    assert any(name.startswith("asked=ur") for name in found[1])
    assert not any(name.startswith("asked=") for name in found[0])


def test_words_that_stand_near_the_target_elsewhere_speak_for_a_sentence():
    near = "Washington lifted its sanctions on Russian aluminium by a waiver."
    texts = [near, "Lawyers studied the waiver.", "Lawyers studied football.", "It rained on football.", near]
    found = relevance.features(texts, lang="en", paragraphs=[0, 1, 2, 3, 4])
    akin = [next(n for n in names if n.startswith("akin=") and "," not in n) for names in found]
    assert akin[1] > akin[3]


def test_a_phrase_behind_an_unsaid_subject_is_told_apart():
    tokens = tokenize("Ammette tuttavia che nessun pozzo nuovo si farà.")
    assert "unsaid=linked" in set(of_unsaid(tokens, Mention(3, 6, "other"), 1, "other"))
    assert "unsaid=after" in set(of_unsaid(tokens, Mention(1, 2, "other"), 1, "other"))


def test_in_whose_view_without_a_comma():
    text = "Per Graziani il decreto è un messaggio."
    found = cues.find(tokenize(text), lexicon("it"), headline=False, knows=lambda name: name == ("Graziani",))
    assert [c.kind for c in found] == ["according"]
    assert cues.find(tokenize(text), lexicon("it"), headline=False, knows=lambda name: False) == []


def test_many_speak_from_an_italian_body():
    tokens = tokenize("Dall'ambasciata americana fanno notare che la lista è pubblica.")
    found = cues.find(tokens, lexicon("it"), headline=False, knows=lambda name: False)
    assert [c.mention.kind for c in found if c.mention] == ["org"]


def test_a_place_before_a_person_is_no_part_of_the_name():
    text = "In Doha Igor Sechin said that they would come back."
    assert attributed(text, "en")[text].written == "Igor Sechin"


@given(order=st.randoms(use_true_random=False), lang=st.sampled_from(["en", "it", "ru"]), cut=st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_articles_in_any_disorder_keep_their_offsets(order, lang, cut):
    samples = [text for code, text, *_ in HELD if code == lang]
    pieces = [piece for text in order.sample(samples, 6) for piece in text.split(". ")]
    order.shuffle(pieces)
    text = order.choice([". ", "\n", " «", "»\n— "]).join(pieces)[cut:]
    document = Document(doc_id="d", text=text, lang=lang)
    assert all(text[s.start : s.end] == s.text for s in extract(document))


@pytest.mark.parametrize("text", ["#", "— «", "*\n\n»", "1)"])
@pytest.mark.parametrize("lang", ["en", "it", "ru"])
def test_signs_alone_are_nobodys_words(text, lang):
    assert all(not s.holder for s in extract(Document(doc_id="d", text=text, lang=lang)))


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_a_sentence_of_signs_has_no_cue(lang):
    assert not cues.find([], lexicon(lang), headline=False, knows=lambda name: False)


def test_a_courtesy_before_a_surname_is_no_part_of_the_name():
    text = (
        "Финансовый директор группы Марианна Тохтуева выступила на встрече.\n\n"
        "«Дверь открыта», — сказала г-жа Тохтуева журналистам."
    )
    assert list(attributed(text, "ru").values())[-1].name == "Марианна Тохтуева"


def test_a_given_name_with_a_patronymic_is_whoever_bears_it():
    text = (
        "Премьер Виктор Черномырдин вернулся из Вашингтона.\n\n"
        "«Это первый договор такого рода», — сказал Виктор Степанович у трапа."
    )
    assert list(attributed(text, "ru").values())[-1].name == "Виктор Черномырдин"


def test_a_patronymic_that_several_could_bear_names_nobody_of_them():
    text = (
        "Премьер Виктор Черномырдин и посол Виктор Лобанов вернулись из Вашингтона.\n\n"
        "«Это первый договор такого рода», — сказал Виктор Степанович у трапа."
    )
    assert list(attributed(text, "ru").values())[-1].name == "Виктор Степанович"
