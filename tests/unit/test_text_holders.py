import pytest

from detente.text import cases, people
from detente.text.judging import Trained
from detente.text.lexicons import lexicon
from detente.text.mentions import describe
from detente.text.reader import Reader
from detente.text.readings import principal
from detente.text.tokens import tokenize
from tests.unit.attributing import attributed
from tests.unit.text_samples import HELD, VAGUE


@pytest.mark.parametrize(("lang", "text", "begins", "quote", "written", "name"), HELD)
def test_who_holds_a_sentence(lang, text, begins, quote, written, name):
    holder = next(h for s, h in attributed(text, lang).items() if s.startswith(begins))
    assert (holder.quote, holder.written, holder.name) == (quote, written, name)


@pytest.mark.parametrize(("lang", "text"), VAGUE)
def test_nobody_in_particular_holds_nothing(lang, text):
    assert [(h.written, h.name) for h in attributed(text, lang).values()] == [("", "")]


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


INTRODUCED = "We met Viktor Samarin, a geologist, in St. Petersburg."
INTERVIEWS = {
    "labels": "{intro}\n\nQ: Did you like it?\n\nSAMARIN: I did. We found oil.\n\nQ: And now?\n\nSAMARIN: Ask Exxon.",
    "letters": "{intro}\n\nQ. Did you like it?\nA. I did. We found oil.\nQ. And now?\nA. Ask Exxon.",
    "bold": "{intro}\n\n**Did you like it?**\n\nI did. We found oil.\n\n**They left.**\n\nWe stayed.\n\n**And you now?**\n\nAsk Exxon.",
    "subheads": "{intro}\n\n## Did you like it?\n\nI did. We found oil.\n\n## They left?\n\nWe stayed.\n\n## And you now?\n\nAsk Exxon.",
    "plain": "{intro}\n\nDid you like it?\n\nI did. We found oil.\n\nThey left?\n\nWe stayed.\n\nAnd you now?\n\nAsk Exxon.",
    "quoted": "{intro}\n\nDid you like it? «I did. We found oil.»\n\nThey left? «We stayed.»\n\nAnd you now? «Ask Exxon.»",
    "dashes": "{intro}\n\n— Did you like it?\n\n— I did. We found oil.\n\n— They left.\n\n— We stayed.\n\n— And you now?\n\n— Ask Exxon.",
}


@pytest.mark.parametrize("layout", INTERVIEWS)
def test_an_interview_gives_its_answers_to_whom_it_presents(layout):
    found = attributed(INTERVIEWS[layout].format(intro=INTRODUCED), "en")
    answers = [h.name for s, h in found.items() if "found oil" in s or "Ask Exxon" in s]
    questions = [h.name for s, h in found.items() if "?" in s]
    assert answers == ["Viktor Samarin"] * 2
    assert set(questions) == {""}


def test_questions_as_subheads_make_no_interview_of_an_explainer():
    parts = ("What is the cap?\n\nA ceiling of $60.", "Who sets it?\n\nThe G7 does.", "Does it work?\n\nIn part.")
    text = "Janet Yellen set a price cap.\n\n" + "\n\n".join(f"## {part}" for part in parts)
    assert attributed(text, "en")["A ceiling of $60."].name == ""


def test_a_body_is_taken_up_by_the_company_and_no_country_is():
    text = "Rusal said it would invest in Kentucky. Moscow applauded. The company said that it would pay in cash."
    assert attributed(text, "en")["The company said that it would pay in cash."].name == "Rusal"


def test_a_role_is_that_of_the_person_named_before_it():
    text = (
        "President Vladimir Putin made an offer on Monday.\n\nAccording to the president, aluminium could be sold.\n\n"
        "U.S. President Donald Trump answered on Tuesday."
    )
    assert attributed(text, "en")["According to the president, aluminium could be sold."].name == "Vladimir Putin"


@pytest.mark.parametrize("lang", ["en", "it", "ru"])
@pytest.mark.parametrize(
    "text",
    [
        "«\u200fHe said\u200e no», \u202bsaid\u202c Путин в Roma. «Never closed, he said.\n\nNext.",
        "—" * 40 + "\n\n" + "«" * 40 + "a",
        "? ? ?\n\n!\n\n**\n\n— ?\n\n— !",
        "\u200f\u200e",
    ],
)
def test_odd_texts_are_read_without_a_fault(text, lang):
    assert all(h.quote in ("direct", "indirect", "none") for h in attributed(text, lang).values())


def test_short_names_in_brackets_are_spelled_out():
    text = (
        "The Office of Foreign Assets Control (OFAC) renewed the licence on Monday.\n\n"
        "OFAC said on Tuesday that the licence covers Russian uranium."
    )
    found = attributed(text, "en")["OFAC said on Tuesday that the licence covers Russian uranium."]
    assert found.name == "Office of Foreign Assets Control"


def test_a_role_with_a_place_between_it_and_the_name_is_the_person():
    text = "Начинать стоит с малого, полагает бывший торгпред России в США Виктор Самарин."
    assert attributed(text, "ru")[text].name == "Виктор Самарин"


def test_an_answer_may_follow_its_question_on_the_same_line():
    turns = ["Q: Did you like it? A: I did.", "Q: And now? A: Ask Exxon.", "Q: Why? A: They know."]
    found = attributed("\n\n".join([INTRODUCED, *turns]), "en")
    assert {s: h.name for s, h in found.items() if s.startswith("A:")} == {
        "A: I did.": "Viktor Samarin",
        "A: Ask Exxon.": "Viktor Samarin",
        "A: They know.": "Viktor Samarin",
    }


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("американского чиновника", "американский чиновник"),
        ("источников в ОПЕК", "источники в ОПЕК"),
        ("компании-операторе Alaska LNG", "компания-оператор Alaska LNG"),
        ("российской стороны", "российская сторона"),
        ("Федерального агентства по рыболовству", "Федеральное агентство по рыболовству"),
        ("докладе", "доклад"),
        ("пяти источников агентства", "пять источников агентства"),
        ("министр", "министр"),
    ],
)
def test_russian_phrases_in_the_nominative(words, wanted):
    assert " ".join(cases.nominative(words.split(), lexicon("ru"))) == wanted


def test_another_judge_may_choose():
    class Nobody(Trained):
        def hold(self, at, found):
            return next(i for i, reading in enumerate(found) if reading.kind == "nobody")

    text = "Igor Sechin said that American firms lost billions."
    assert attributed(text, "en")[text].name == "Igor Sechin"
    assert attributed(text, "en", judge=Nobody())[text].name == ""


@pytest.mark.parametrize(
    ("lang", "text", "written", "name"),
    [
        ("en", "Rusal bought a mill in Kentucky. The company promptly pledged $200m to it.", "The company", "Rusal"),
        (
            "it",
            "L'Unione europea impiantò ad Anversa un ufficio per il grezzo russo.",
            "L'Unione europea",
            "Unione europea",
        ),
    ],
)
def test_a_phrase_ends_before_adverbs_and_what_can_only_be_a_verb(lang, text, written, name):
    last = list(attributed(text, lang).values())[-1]
    assert (last.written, last.name) == (written, name)


@pytest.mark.parametrize(
    ("lang", "text", "inner", "name"),
    [
        (
            "en",
            "Oleg Lobov, deputy head of the port firm Kolaport, spoke.",
            "the port firm Kolaport",
            ("Oleg", "Lobov"),
        ),
        ("it", "Ivan Kim, 29 anni, direttore del porto, ha detto di no.", "direttore del porto", ("Ivan", "Kim")),
        ("en", "Oleg Lobov spoke first, and the port firm Kolaport paid.", "the port firm Kolaport", ()),
    ],
)
def test_a_phrase_inside_an_apposition_is_the_person(lang, text, inner, name):
    lex = lexicon(lang)
    tokens = tokenize(text)
    reader = Reader(text, lex, people.gather([tokens], lex), Trained())
    start = next(i for i, t in enumerate(tokens) if t.start == text.index(inner))
    mention = describe(tokens, start, start + len(inner.split()), lex)
    assert principal(tokens, mention, reader).name == name


def test_a_verb_that_opens_the_line_is_no_given_name():
    text = "Parla Aldo Brusaferri, consulente della Norilsk. Brusaferri ha detto di no."
    assert attributed(text, "it")["Brusaferri ha detto di no."].name == "Aldo Brusaferri"


def test_an_answer_may_end_in_a_question():
    """After a question the next dash opens an answer, however that ends."""
    text = (
        "Мы говорим с буровиком Глебом Арефьевым в поезде.\n\n"
        "— Вы давно работаете?\n\n— Я работаю с девяносто второго. А вы как думали?\n\n"
        "— Ваши американцы ушли?\n\n— Мы их не гнали.\n\n— Кто придёт вместо них?\n\n— Наши люди. Китайцы?\n\n"
    )
    found = attributed(text, "ru")
    assert found["А вы как думали?"].name == found["Китайцы?"].name == "Глеб Арефьев"
    assert not found["— Ваши американцы ушли?"].name
