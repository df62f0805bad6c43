"""From a voice as it is written to the fullest name that the document gives it."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from detente.text import people
from detente.text.antecedents import HELD, NAMED, SPOKE, TOPIC, Voice, Wanted, gender_of, is_plural, latest, meant_by
from detente.text.interviews import Turn
from detente.text.lexicons import Lexicon, split
from detente.text.mentions import Mention, describe
from detente.text.tokens import Token
from detente.text.voices import Cue, opening_subject

_SAME = frozenset(("stesso", "stessa", "same", "тот", "та", "même", "mismo", "misma"))
_COMPANY = re.compile(r"«([A-ZА-ЯЁ][\w-]+(?: [\w-]+)?)»")


# Papers that somebody sends or puts out are his words; others, such as laws, speak for themselves.
_MESSAGES = (
    *("note", "letter", "statement", "release", "filing", "message", "post", "tweet", "remarks", "comments", "words"),
    *("nota", "comunicat", "letter", "dichiarazion", "messaggi", "tweet", "parole", "post", "письм", "заявлени"),
    *("сообщени", "релиз", "ответ", "телеграм", "слова", "комментари"),
)
_NATIONS = ("американ", "российск", "русск", "китайск", "украинск", "европейск", "немецк", "японск", "индийск")


class Holder(NamedTuple):
    """As written there, the name it stands for, and the quote type; empty names for the author."""

    written: str = ""
    name: str = ""
    quote: str = "none"
    # A deed told by a verb that the lexicon does not list.
    weak: bool = False


_NOBODY = Holder()


@dataclass(slots=True)
class Sentence:
    """What is known of a sentence while its document is read."""

    start: int
    end: int
    words: str
    tokens: list[Token]
    pieces: list[int]
    cues: list[Cue]
    headline: bool
    paragraph: int
    holder: Holder = _NOBODY
    settled: bool = False
    relevance: float = 0.5
    turn: Turn | None = None


@dataclass(slots=True)
class Reader:
    """The state of reading a document: its text, people, and who spoke last."""

    text: str
    lex: Lexicon
    people: people.People
    company: str = ""
    speaker: Holder = _NOBODY
    voices: list[Voice] = field(default_factory=list)
    at: int = 0


def hold(reader: Reader, sentence: Sentence, cue: Cue, quote: str) -> Holder:
    """The holder that an attribution gives, its name resolved; empty names for vague voices."""
    mention = cue.mention
    if mention is None:
        words = reader.text[sentence.tokens[cue.start].start : sentence.tokens[cue.end - 1].end]
        return Holder(words, _pronoun(reader, words.split(), spoken=True), quote)
    same = {t.key for t in sentence.tokens[mention.start : mention.end]} & _SAME
    if mention.kind == "vague" and same and reader.speaker.name:
        return Holder(_written(reader, sentence, mention), reader.speaker.name, quote)
    if mention.kind in ("vague", "agency"):
        return Holder("", "", quote)
    written = _written(reader, sentence, mention)
    return Holder(written, _named(reader, sentence, mention, written), quote)


def _written(reader: Reader, sentence: Sentence, mention: Mention) -> str:
    phrase = sentence.tokens[mention.start : mention.end]
    return people.unmarked(reader.text[phrase[0].start : phrase[-1].end])


def _named(reader: Reader, sentence: Sentence, mention: Mention, written: str) -> str:
    phrase = sentence.tokens[mention.start : mention.end]
    if mention.kind == "pronoun":
        return _pronoun(reader, [phrase[-1].key], spoken=bool(sentence.pieces))
    if mention.kind in ("person", "name") and mention.name:
        both = _both(reader, phrase)
        if both:
            return both
        return reader.people.name_of(mention.name)
    if mention.kind == "role":
        return _role(reader, mention, phrase)
    if mention.kind == "document":
        if not any(t.key.startswith(_MESSAGES) for t in phrase):
            return people.actor_name(reader.text, phrase, reader.lex)
        opening = opening_subject(sentence.tokens, reader.lex)
        if opening is not None and opening.kind in ("org", "actor", "name") and opening.end <= mention.start:
            return _named(reader, sentence, opening, written)
        return reader.speaker.name or _body(reader)
    bare = [t for t in phrase if t.key not in reader.lex.words["determiners"]]
    if (
        mention.kind == "org"
        and len(bare) == 1
        and not any(t.key.startswith(_NATIONS) for t in phrase)
        and (not bare[0].cap or mention.start == 0)
        and (bare[0].key not in reader.lex.words["groups"] or _in_place(reader, sentence, mention))
    ):
        own = people.actor_name(reader.text, phrase, reader.lex)
        fuller = _fuller(reader, own)
        if fuller != own or bare[0].key in reader.lex.words["standing"]:
            return fuller
        firm = any(t.key.startswith(("компани", "концерн", "фирм", "корпорац", "холдинг")) for t in phrase)
        return (firm and reader.company) or _body(reader) or own
    return _fuller(reader, people.actor_name(reader.text, phrase, reader.lex) or written)


def _body(reader: Reader) -> str:
    """The organisation last spoken of, no country or capital."""
    found = latest(reader.voices, Wanted(person=False, plural=False, barred=reader.lex.words["countries"]), reader.at)
    return found.name if found is not None else ""


def _in_place(reader: Reader, sentence: Sentence, mention: Mention) -> bool:
    """Whether a preposition of place makes one body of what looks like a group: "в компании"."""
    return mention.start > 0 and sentence.tokens[mention.start - 1].key in reader.lex.locative


def _fuller(reader: Reader, name: str) -> str:
    """The fuller name of an actor, where the document has it."""
    fuller = reader.lex.aliases.get(split(name), ())
    return next((full for full in fuller if _mentioned(full, reader)), name)


def _mentioned(name: str, reader: Reader) -> bool:
    """Whether the document has a name, in Russian in any case."""
    if reader.lex.lang not in ("ru", "uk"):
        return name in reader.text
    return re.search(r"\w*\s".join(re.escape(word.rstrip("аяоеиы")) for word in name.split()), reader.text) is not None


def _both(reader: Reader, phrase: list[Token]) -> str:
    """Two people who speak together: "Al Gore and Viktor Chernomyrdin"."""
    joint = next((i for i, t in enumerate(phrase) if t.key in ("and", "e", "и", "ed", "und", "et", "y")), 0)
    if not joint or joint == len(phrase) - 1:
        return ""
    pair = [describe(side, 0, len(side), reader.lex) for side in (phrase[:joint], phrase[joint + 1 :])]
    named = [m.name for m in pair if m is not None and m.kind in ("person", "name") and reader.people.knows(m.name)]
    if len(named) < 2:
        return ""
    return f"{reader.people.name_of(named[0])} {phrase[joint].text} {reader.people.name_of(named[1])}"


def _role(reader: Reader, mention: Mention, phrase: list[Token]) -> str:
    """The name behind a role: tied to it before, or, for a bare role, the person who spoke last."""
    lex = reader.lex
    if {t.key for t in phrase} & _SAME and reader.speaker.name:
        return reader.speaker.name
    if phrase[0].key in ("a", "an", "un", "una", "un'", "ein", "eine", "another", "один", "одна"):
        return people.actor_name(reader.text, phrase, lex)
    found = reader.people.by_role(mention.role, before=phrase[0].start) or reader.people.by_epithet(
        [t.key for t in phrase]
    )
    if found:
        return found
    bare = [t for t in phrase if t.key not in lex.words["determiners"]]
    definite = phrase[0].key not in ("a", "an", "un", "una", "un'", "ein", "eine", "one", "another", "один")
    articled = phrase[0].key in ("the", "il", "lo", "la", "l'", "der", "die", "le", "el")
    if phrase[0].key in lex.words["possessive"] or phrase[0].key in ("его", "ее", "их", "my", "мой", "моя"):
        return people.actor_name(reader.text, phrase, lex)
    before = [v for v in reader.voices if v.person and v.name]
    same = [v.name for v in reversed(before) if reader.people.may_be(v.name, mention.role)]
    near = before and reader.at - before[-1].at <= 1
    if before and ((len(bare) == 1 and definite) or (articled and near)):
        return same[0] if same else before[-1].name
    if len(bare) == 1 and definite and bare[0].key in lex.words["orgs"] and (body := _body(reader)):
        return body
    return people.actor_name(reader.text, phrase, lex)


def _pronoun(reader: Reader, said: list[str], *, spoken: bool) -> str:
    """Whom a pronoun, or "in his view", means; who is `spoken` of as a speaker is a person rather than a body."""
    wanted = next((w for word in said if (w := meant_by(word, reader.lex)) != Wanted(True, "", False)), Wanted(True))
    found = None if wanted.plural or not spoken else latest(reader.voices, wanted._replace(person=True), reader.at)
    found = found or latest(reader.voices, wanted, reader.at)
    if found is None and wanted.plural:
        found = latest(reader.voices, Wanted(person=False), reader.at)
    if found is None:
        found = latest(reader.voices, Wanted(person=wanted.person), reader.at)
    return found.name if found is not None else ""


def unsaid(reader: Reader, *, plural: bool | None) -> Holder:
    """Whom a sentence without a subject of its own goes on about."""
    found = latest(reader.voices, Wanted(plural=plural), reader.at) or latest(reader.voices, Wanted(), reader.at)
    return Holder(found.written, found.name) if found is not None else Holder()


def notice(reader: Reader, sentence: Sentence, topic: Mention | None, held: Mention | None) -> None:
    """Keep whom the next sentences may take up: the people named, the likeliest subject, the holder."""
    lex = reader.lex
    for stem in _surnames(reader, sentence):
        name = people.nominative(reader.people.full[stem], lex)
        reader.voices.append(Voice(name, True, reader.people.gender_of(name), False, reader.at, NAMED, name))
    if topic is not None and topic.kind in ("person", "role", "org", "actor", "name"):
        written = _written(reader, sentence, topic)
        _keep(reader, sentence, topic, _named(reader, sentence, topic, written), written, TOPIC)
    holder = sentence.holder
    weight = HELD if holder.quote == "none" else SPOKE
    if holder.name:
        if held is not None and held.kind != "pronoun":
            _keep(reader, sentence, held, holder.name, holder.written, weight)
        else:
            again = next((v for v in reversed(reader.voices) if v.name == holder.name), None)
            if again is not None:
                reader.voices.append(again._replace(at=reader.at, weight=weight))
            else:
                reader.voices.append(Voice(holder.name, True, "", False, reader.at, weight, holder.written))
        if holder.quote != "none":
            reader.speaker = holder
    companies = _COMPANY.findall(reader.text[sentence.start : sentence.end])
    if companies and lex.lang == "ru":
        reader.company = lex.actor_names.get(split(companies[-1]), companies[-1])


def _keep(reader: Reader, sentence: Sentence, mention: Mention, name: str, written: str, weight: float) -> None:
    if not name:
        return
    lex, tokens = reader.lex, sentence.tokens
    person = mention.kind in ("person", "role") or reader.people.knows(tuple(name.split()))
    gender = reader.people.gender_of(name) if person else gender_of(mention, tokens, lex)
    gender = gender or (gender_of(mention, tokens, lex) if person else "")
    plural = is_plural(mention, tokens, lex)
    reader.voices.append(Voice(name, person, gender, plural, reader.at, weight, written))


def _surnames(reader: Reader, sentence: Sentence) -> list[str]:
    """The stems of people whom a sentence names."""
    stems = (people.stem_of(t.text, reader.lex) for t in sentence.tokens if t.cap and len(t.text) > 2)
    return [s for s in dict.fromkeys(stems) if s in reader.people.full]
