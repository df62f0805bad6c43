"""The endings that tell verbs and cases apart, as regular expressions on look-up forms."""

import re

PAST_IT = re.compile(r"(?:ava|avano|eva|evano|iva|ivano|ò|arono|ì|irono|ette|ettero|[ei]rà|[ei]ranno)$")
# Nouns that end like verbs: "пакет", "бюджет", "результат".
_NOUNS_RU = (
    *("пакет", "джет", "тет", "ответ", "совет", "бинет", "предмет", "билет", "кредит", "дефицит", "транзит", "визит"),
    # And like verbs in the past: "сила", "дело".
    *("сила", "дела", "дело", "тело", "тела", "начало", "начала", "правило", "правила", "мыло", "зерцало", "школа"),
    *("лимит", "итут", "ршрут", "ультат", "икат", "мандат", "формат", "трат", "фосфат", "парат", "сенат", "закат"),
)
DEED_RU = re.compile(
    r"(?:[аяиеуы]л[аио]?|[аяиеуы]л(?:ся|ась|ись|ось)|(?:ит|ет|ут|ют|ат|ят)(?:ся)?)"
    + "".join(f"(?<!{noun})" for noun in _NOUNS_RU)
    + "$"
)
# Infinitives, and accusatives and datives that no noun before them governs: "Палата эту поправку".
CASE_RU = re.compile(r"(?:[аяеиоуы]ть(?:ся)?|ую|юю|эту|этот|ому|ему)$")
PAST_RU = re.compile(r"\w{3}(?:[аяиеу]л[аи]?|[аяиеу]л(?:ся|ась|ись))(?<!териал)(?<!питал)(?<!инерал)(?<!филиал)$")
REFLEXIVE_RU = re.compile(r"\w{3}(?:ется|ются|ится|ятся|лся|лась|лись)$")
