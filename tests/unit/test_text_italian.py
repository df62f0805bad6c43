"""Whom Italian phrases name, whatever the weights are."""

import pytest

from detente.text import holders, interviews, people, sentences
from detente.text.agreement import gender_of
from detente.text.candidates import candidates
from detente.text.lexicons import lexicon
from detente.text.mentions import describe
from detente.text.tokens import tokenize

LEX = lexicon("it")


def gathered(text):
    return people.gather([tokenize(text, start=a, end=b) for a, b in sentences.split(text, lang="it")], LEX)


def held(text):
    spans = sentences.split(text, lang="it")
    return {text[a:b]: h for (a, b), h in zip(spans, holders.attribute(text, spans, lang="it"), strict=True)}


def offered(text):
    tokens = tokenize(text)
    return [text[tokens[m.start].start : tokens[m.end - 1].end] for m in candidates(tokens, LEX)]


@pytest.mark.parametrize(
    ("phrase", "kind", "name"),
    [
        ("il ministro dell'Industria Yoji Muto", "person", ("Yoji", "Muto")),
        ("il segretario di Stato Tillerson", "person", ("Tillerson",)),
        ("il segretario di Stato", "role", ()),
        ("l'Agenzia internazionale", "org", ()),
        ("l'agenzia russa Interfax", "agency", ()),
    ],
)
def test_what_an_italian_phrase_names(phrase, kind, name):
    tokens = tokenize("Ieri " + phrase)
    found = describe(tokens, 1, len(tokens), LEX)
    assert found is not None
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Gli americani potranno salire al 20%.", "Gli americani"),
        ("Un socio americano renderebbe Gazprom più prudente.", "Un socio americano"),
        ("Un funzionario europeo che segue il dossier tace.", "Un funzionario europeo"),
        ("Da Houston Exxon tace.", "Exxon"),
        ("Dal canto suo l'azienda tace.", "l'azienda"),
        ("Gli otto Paesi dell'Opec+ tacciono.", "Paesi dell'Opec+"),
        ("R: I maidicoltori chiedono altro.", "I maidicoltori"),
    ],
)
def test_phrases_that_are_offered(text, phrase):
    assert phrase in offered(text)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Dal 22 ottobre il divieto vale.", "22 ottobre"),
        ("In aprile, il 14 luglio e poi.", "il 14 luglio"),
        ("Da Houston Exxon tace.", "Houston Exxon"),
        ("Decisi ad agosto.", "ad agosto"),
    ],
)
def test_phrases_that_are_not_offered(text, phrase):
    assert phrase not in offered(text)


@pytest.mark.parametrize(
    ("phrase", "gender"),
    [
        ("la ricercatrice", "f"),
        ("l'ambasciatrice", "f"),
        ("il presidente", "m"),
        ("l'ambasciatore", "m"),
        ("l'economista", ""),
    ],
)
def test_the_gender_of_a_role(phrase, gender):
    tokens = tokenize("Ieri " + phrase)
    found = describe(tokens, 1, len(tokens), LEX)
    assert found is not None
    assert gender_of(found, tokens, LEX) == gender


def test_a_head_of_state_is_known_by_surname_alone():
    known = gathered("Ieri Macron ha taciuto.")
    assert known.by_epithet(["il", "presidente", "francese"]) == "Macron"
    assert known.by_epithet(["il", "presidente", "russo"]) == ""


def test_a_preposition_that_opens_a_sentence_is_no_given_name():
    assert gathered("Al Forum si parla. Poi Al Gore tace.").full == {"gore": ("Al", "Gore")}


def test_the_name_begins_behind_the_verb():
    assert gathered("Parla Carla Robbiano, presidente del consorzio.").full["robbiano"] == ("Carla", "Robbiano")


def test_a_role_and_its_name_behind_a_comma():
    text = "«Non cediamo», ha detto il presidente di En+, Gregory Barker, ai cronisti."
    assert {h.name for h in held(text).values()} == {"Gregory Barker"}


def test_an_interview_with_question_and_answer_in_one_paragraph():
    asked = ["Com'è andata la fiera?", "E il divieto?", "Lei è contraria?", "E i sintetici la preoccupano?"]
    told = ["Bene, lavoriamo molto.", "Non spediamo più nulla.", "No, lo condivido.", "Molto."]
    lines = [f"{q} – {a}" for q, a in zip(asked, told, strict=True)]
    text = "\n\n".join(["Carla Robbiano, presidente del Consorzio tagliatori, ci riceve.", *lines])
    turns = interviews.turns(text, gathered(text))
    assert [t.asks for t in turns] == [True, False] * 4
    assert {t.name for t in turns} == {"Carla Robbiano"}
