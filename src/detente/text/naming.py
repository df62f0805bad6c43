"""From a voice as it is written to the fullest name that the document gives it."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from detente.text import people
from detente.text.interviews import Turn
from detente.text.lexicons import Lexicon, split
from detente.text.mentions import Mention, describe
from detente.text.phrases import to_the_right
from detente.text.tokens import Token
from detente.text.voices import Cue, opening_subject

_SAME = frozenset(("stesso", "stessa", "same", "тот", "та", "même", "mismo", "misma"))
_COMPANY = re.compile(r"«([A-ZА-ЯЁ][\w-]+(?: [\w-]+)?)»")


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
    person: str = ""
    org: str = ""
    company: str = ""
    speaker: Holder = _NOBODY
    history: list[str] = field(default_factory=list)
    # Whether the sentence just before this one spoke of `person`.
    fresh: bool = False


def hold(reader: Reader, sentence: Sentence, cue: Cue, quote: str) -> Holder:
    """The holder that an attribution gives, its name resolved; empty names for vague voices."""
    mention = cue.mention
    if mention is None:
        if cue.kind == "him":
            words = reader.text[sentence.tokens[cue.start].start : sentence.tokens[cue.end - 1].end]
            return Holder(words, _pronoun(reader, words.split()), quote)
        if cue.kind == "act":
            return Holder("", reader.person, quote) if reader.fresh and reader.person else Holder()
        if reader.lex.lang == "it" and reader.org and sentence.tokens[cue.start].key.endswith("no"):
            return Holder("", reader.org, quote)
        if reader.fresh and reader.person:
            return Holder("", reader.person, quote)
        return reader.speaker._replace(quote=quote) if reader.speaker.name else Holder("", "", quote)
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
        return _pronoun(reader, [phrase[-1].key])
    if mention.kind in ("person", "name") and mention.name:
        both = _both(reader, phrase)
        if both:
            return both
        return reader.people.name_of(mention.name)
    if mention.kind == "role":
        return _role(reader, mention, phrase)
    if mention.kind == "document":
        opening = opening_subject(sentence.tokens, reader.lex)
        if opening is not None and opening.kind in ("org", "actor", "name") and opening.end <= mention.start:
            return _named(reader, sentence, opening, written)
        return reader.speaker.name or reader.org
    bare = [t for t in phrase if t.key not in reader.lex.words["determiners"]]
    if (
        mention.kind == "org"
        and len(bare) == 1
        and (not bare[0].cap or mention.start == 0)
        and (bare[0].key not in reader.lex.words["groups"] or _in_place(reader, sentence, mention))
    ):
        own = people.actor_name(reader.text, phrase, reader.lex)
        fuller = _fuller(reader, own)
        if fuller != own or bare[0].key in reader.lex.words["standing"]:
            return fuller
        firm = any(t.key.startswith(("компани", "концерн", "фирм", "корпорац", "холдинг")) for t in phrase)
        return (firm and reader.company) or reader.org or own
    return _fuller(reader, people.actor_name(reader.text, phrase, reader.lex) or written)


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
    found = reader.people.by_role(mention.role) or reader.people.by_epithet([t.key for t in phrase])
    if found:
        return found
    bare = [t for t in phrase if t.key not in lex.words["determiners"]]
    definite = phrase[0].key not in ("a", "an", "un", "una", "un'", "ein", "eine", "one", "another", "один")
    articled = phrase[0].key in ("the", "il", "lo", "la", "l'", "der", "die", "le", "el")
    same = [name for name in reversed(reader.history) if reader.people.may_be(name, mention.role)]
    if (len(bare) == 1 and definite and reader.person) or (articled and reader.fresh):
        return same[0] if same else reader.person
    if len(bare) == 1 and definite and reader.org and bare[0].key in lex.words["orgs"]:
        return reader.org
    return people.actor_name(reader.text, phrase, lex)


def _pronoun(reader: Reader, said: list[str]) -> str:
    """The person meant by a pronoun: the last one of its gender, for "it" and "they" the last organisation."""
    words = reader.lex.words
    low = [w.lower() for w in said]
    wanted = "f" if any(w in words["feminine"] or w in ("her", "её", "ее") for w in low) else ""
    wanted = wanted or ("m" if any(w in words["masculine"] for w in low) else "")
    if any(w in ("it", "its", "they", "они", "their", "их", "them", "essi", "loro") for w in low):
        return reader.org or reader.person
    for name in reversed(reader.history):
        if not wanted or reader.people.gender_of(name) in ("", wanted):
            return name
    return reader.person


def notice(reader: Reader, sentence: Sentence) -> None:
    """Note whom the next sentence may mean by a pronoun, "the company" or an unsaid subject."""
    lex, reader.fresh = reader.lex, False
    first = to_the_right(sentence.tokens, 0, lex)
    if first is not None and first.kind in ("org", "actor", "name") and not reader.people.knows(first.name):
        phrase = sentence.tokens[first.start : first.end]
        if any(t.cap for t in phrase[1:]) or first.kind == "actor":
            reader.org = people.actor_name(reader.text, phrase, lex) or reader.org
    seen = [reader.people.full[k] for k in _surnames(reader, sentence)]
    if len(seen) == 1:
        _introduce(reader, people.nominative(seen[0], lex))
    companies = _COMPANY.findall(reader.text[sentence.start : sentence.end])
    if companies and lex.lang == "ru":
        reader.company = lex.actor_names.get(split(companies[-1]), companies[-1])


def _surnames(reader: Reader, sentence: Sentence) -> list[str]:
    """The stems of people whom a sentence names."""
    stems = (people.stem_of(t.text, reader.lex) for t in sentence.tokens if t.cap and len(t.text) > 2)
    return [s for s in dict.fromkeys(stems) if s in reader.people.full]


def _introduce(reader: Reader, name: str) -> None:
    reader.person, reader.fresh = name, True
    if not reader.history or reader.history[-1] != name:
        reader.history.append(name)


def remember(reader: Reader, holder: Holder, kind: str) -> None:
    """Keep who has just spoken or acted."""
    if not holder.name:
        return
    if holder.quote != "none":
        reader.speaker = holder
    if reader.people.knows(tuple(holder.name.split())) or kind == "role":
        _introduce(reader, holder.name)
    elif kind != "pronoun":
        reader.org = holder.name
