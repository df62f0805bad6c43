"""The name that the words of a phrase give by themselves."""

import re

from detente.text import people
from detente.text.lexicons import key, split
from detente.text.mentions import Mention, describe
from detente.text.reader import Reader, Sentence
from detente.text.tokens import Token

_JOINTS = frozenset(("and", "e", "и", "ed", "und", "et", "y"))


def written_as(reader: Reader, sentence: Sentence, mention: Mention) -> str:
    """A phrase as it stands in the text, without lonely quotation marks."""
    phrase = sentence.tokens[mention.start : mention.end]
    return people.unmarked(reader.text[phrase[0].start : phrase[-1].end])


def own_name(reader: Reader, sentence: Sentence, mention: Mention) -> str:
    """The name that the words of a phrase give by themselves, "" for a pronoun."""
    phrase = sentence.tokens[mention.start : mention.end]
    if mention.kind == "pronoun":
        return ""
    placed = mention.start > 0 and sentence.tokens[mention.start - 1].key in reader.lex.locative
    if placed and mention.kind == "name" and len(phrase) == 1 and not reader.people.knows(mention.name):
        return _of_place(reader, phrase[0].text)
    if mention.kind in ("person", "name") and mention.name:
        return _both(reader, phrase) or reader.people.name_of(mention.name)
    if mention.kind == "role" and (whose := _beside_person(reader, sentence, mention)):
        return whose
    if (known := _ends_in_person(reader, phrase)) and mention.kind not in ("role", "person"):
        return known
    if mention.kind == "role" and (meant := reader.people.by_epithet([t.key for t in phrase])):
        return meant
    name = people.actor_name(reader.text, phrase, reader.lex)
    return _fuller(reader, name) or written_as(reader, sentence, mention)


def _ends_in_person(reader: Reader, phrase: list[Token]) -> str:
    """The person whose name ends a longer phrase in lower case: "на американский рынок | Лоскутов", "Индии | Мехта"."""
    last = phrase[-1]
    if len(phrase) < 2 or not last.cap or not reader.people.knows((last.text,)):
        return ""
    name = reader.people.name_of((last.text,))
    before = [t for t in phrase if t.text.isalpha() and t.text not in name]
    # "the Bush administration" ends otherwise; "House of Morgan" is held together by its connector.
    joined = any(t.key in reader.lex.words["connectors"] for t in before)
    return name if before and not joined and key(name.split()[-1]) == last.key else ""


def _beside_person(reader: Reader, sentence: Sentence, mention: Mention) -> str:
    """The person behind whose name a role stands: "German Gref, | the economy minister,"."""
    tokens, at = sentence.tokens, mention.start - 2
    if at < 1 or tokens[at + 1].text not in (",", "(", "—") or not (tokens[at].cap and tokens[at - 1].cap):
        return ""
    closed = mention.end >= len(tokens) or not tokens[mention.end].text[0].isalnum()
    pair = (tokens[at - 1].text, tokens[at].text)
    return reader.people.name_of(pair) if closed and reader.people.knows(pair) else ""


def _of_place(reader: Reader, name: str) -> str:
    """A city after a Russian preposition in the nominative: "в Белграде" is Белград."""
    if reader.lex.lang not in ("ru", "uk") or not name.endswith("е") or len(name) < 5:
        return name
    stem = name[:-1]
    return f"{stem}а" if re.search(rf"\b{re.escape(stem)}а\b", reader.text) and stem[-1] not in "дк" else stem


def _fuller(reader: Reader, name: str) -> str:
    """The fuller name of an actor, where the document has it."""
    if name in reader.short:
        return reader.short[name]
    fuller = reader.lex.aliases.get(split(name), ())
    return next((full for full in fuller if _mentioned(full, reader)), name)


def _mentioned(name: str, reader: Reader) -> bool:
    """Whether the document has a name, in Russian in any case."""
    if reader.lex.lang not in ("ru", "uk"):
        return name in reader.text
    return re.search(r"\w*\s".join(re.escape(word.rstrip("аяоеиы")) for word in name.split()), reader.text) is not None


def _both(reader: Reader, phrase: list[Token]) -> str:
    """Two people who speak together: "Al Gore and Viktor Chernomyrdin"."""
    joint = next((i for i, t in enumerate(phrase) if t.key in _JOINTS), 0)
    if not joint or joint == len(phrase) - 1:
        return ""
    pair = [describe(side, 0, len(side), reader.lex) for side in (phrase[:joint], phrase[joint + 1 :])]
    named = [m.name for m in pair if m is not None and m.kind in ("person", "name") and reader.people.knows(m.name)]
    if len(named) < 2:
        return ""
    return f"{reader.people.name_of(named[0])} {phrase[joint].text} {reader.people.name_of(named[1])}"
