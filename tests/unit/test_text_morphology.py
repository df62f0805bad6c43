"""Russian words by their forms: cases, subjects that go with a verb, how far a phrase reaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.text import morphology
from detente.text.documents import Document
from detente.text.extents import extended
from detente.text.extraction import extract
from detente.text.lexicons import lexicon
from detente.text.mentions import Mention
from detente.text.people import nominative as in_full
from detente.text.subjects import bodies, case_of, of_subject
from detente.text.tokens import tokenize


@pytest.mark.parametrize(
    ("phrase", "nominative"),
    [
        ("краевом агентстве по рыболовству", "краевое агентство по рыболовству"),
        ("российскими властями", "российские власти"),
        ("Волгоазоте", "Волгоазот"),
        ("американские чиновники", "американские чиновники"),
        ("двух источников", "двух источников"),
        # What looks like the genitive of a surname may be a foreign one.
        ("Мехта", "Мехта"),
        ("Boeing", "Boeing"),
    ],
)
def test_a_phrase_in_the_nominative(phrase, nominative):
    assert " ".join(morphology.in_nominative(phrase.split())) == nominative


@given(st.lists(st.text(min_size=1, max_size=12), max_size=5))
def test_any_words_keep_their_number_and_order(words):
    changed = morphology.in_nominative(words)
    assert len(changed) == len(words)
    assert abs(sum(morphology.cases(words).values()) - 1) < 1e-9 or not morphology.cases(words)


@pytest.mark.parametrize(
    ("phrase", "case"), [("сенатор", "nom"), ("сенатора", "obl"), ("пошлины", "amb"), ("Boeing", "?")]
)
def test_the_case_of_a_phrase(phrase, case):
    assert case_of(phrase.split()) == case


def test_a_verb_has_the_forms_that_tell_who_does_it():
    assert {"заявил", "заявила", "заявят", "заявив"} <= set(morphology.verb_forms("заявить"))
    assert "заявлю" not in morphology.verb_forms("заявить")
    assert morphology.verb_forms("вздор") == []


def test_the_lexicon_has_verbs_by_their_infinitives():
    russian = lexicon("ru")
    assert "осведомилась" in russian.say
    assert "похоронила" in russian.act
    assert "пустовали" in russian.words["states"]


@pytest.mark.parametrize(
    ("sentence", "feature"),
    [
        ("Комиссия отложила решение", "subject+=yes,nom"),
        ("Комиссия обвинил сенатор", "subject+=differs,nom"),
        ("Комиссию обвинил сенатор", "subject+=differs,obl"),
        ("Комиссия: решение", "subject+=no,nom"),
    ],
)
def test_a_subject_goes_with_its_verb(sentence, feature):
    assert feature in set(of_subject(tokenize(sentence), Mention(0, 1, "org")))


def phrases(sentence):
    tokens = tokenize(sentence)
    return [" ".join(t.text for t in tokens[a:b]) for a, b in bodies(tokens)]


def test_bodies_in_which_something_is_said():
    assert phrases("Отгрузки продолжатся, сообщили в оргкомитете форума.") == ["оргкомитете форума"]
    assert phrases("В краевом агентстве по рыболовству сообщили") == ["краевом агентстве"]
    assert phrases("Он верит в победу") == []


@pytest.mark.parametrize(
    ("sentence", "start", "end", "kind", "whole"),
    [
        ("Источник в «Сахалинской энергии» сообщил", 0, 1, "role", "Источник в « Сахалинской энергии »"),
        ("Между тем два источника в делегациях сообщили", 3, 4, "role", "два источника в делегациях"),
        (
            "Управление по контролю за активами (OFAC) Минфина США продлило",
            0,
            1,
            "org",
            "Управление по контролю за активами ( OFAC ) Минфина США",
        ),
        ("эксперт института в Токио Кэндзи Хосино сказал", 0, 2, "role", "эксперт института в Токио Кэндзи Хосино"),
    ],
)
def test_how_far_a_phrase_reaches(sentence, start, end, kind, whole):
    tokens = tokenize(sentence)
    found = extended(tokens, Mention(start, end, kind))
    assert found is not None
    assert " ".join(t.text for t in tokens[found.start : found.end]) == whole


def test_a_name_at_the_end_makes_a_role_a_person():
    tokens = tokenize("эксперт института в Токио Кэндзи Хосино сказал")
    assert extended(tokens, Mention(0, 2, "role")).name == ("Кэндзи", "Хосино")
    assert extended(tokenize("сенатор сказал"), Mention(0, 1, "role")) is None


def test_holders_by_morphology():
    text = (
        "Поставки титана в США могут возобновиться\n\n"
        "Отгрузки американским заводам начнутся в мае, сообщили в оргкомитете форума. "
        "Источник в «Уральском титане» осведомился, готовы ли в Вашингтоне снять пошлину на российский металл. "
        "Представитель посольства США в Москве Марк Дойл назвал планы преждевременными."
    )
    found = extract(Document(doc_id="a.txt", text=text, lang="ru"))
    assert [s.holder_name for s in found[1:]] == [
        "оргкомитет форума",
        "Источник в «Уральском титане»",
        "Марк Дойл",
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [("ВСМПО-АВИСМА", "ВСМПО-АВИСМА"), ("АВТОВАЗа", "АВТОВАЗ")],
)
def test_names_in_capitals_lose_no_letter(words, expected):
    assert " ".join(morphology.in_nominative(words.split())) == expected


def test_a_given_name_that_is_another_ones_genitive_keeps_its_own_form():
    assert in_full(("Алёна", "К."), lexicon("ru")) == "Алёна К."


@pytest.mark.parametrize("word", ["Степанович", "Степановичем", "Ильич", "Петровна", "Лукинична"])
def test_a_patronymic(word):
    assert morphology.is_patronymic(word)


@pytest.mark.parametrize("word", ["Абрамович", "Янукович", "Вучич", "Рабинович", "Шмулевич", "Сечин", "Powell", ""])
def test_a_surname_is_no_patronymic(word):
    assert not morphology.is_patronymic(word)
