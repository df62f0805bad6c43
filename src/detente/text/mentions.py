"""What kind of voice a phrase names: a person, a role, an organisation, nobody in particular."""

from typing import Literal, NamedTuple

from detente.text.given import given_name
from detente.text.lexicons import Lexicon, match_phrase, names
from detente.text.tokens import Token

Kind = Literal["person", "role", "org", "actor", "name", "pronoun", "vague", "agency", "document"]
MARKS = frozenset("«»\"“”„'’‘")


class Mention(NamedTuple):
    """A phrase that names a voice: its token range, what it is, the name and the role in it."""

    start: int
    end: int
    kind: Kind
    name: tuple[str, ...] = ()
    role: str = ""


def describe(tokens: list[Token], start: int, end: int, lex: Lexicon) -> Mention | None:
    """What kind of voice a phrase names; None where it is no voice at all."""
    while end > start and tokens[end - 1].text in MARKS and not _has_mark(tokens, start, end - 1):
        end -= 1
    phrase, words = tokens[start:end], lex.words
    if not phrase:
        return None
    if phrase[-1].key in words["pronouns"] and len(phrase) <= 2:
        return Mention(start, end, "pronoun")
    keys = [t.key for t in phrase]
    heads = [i for i, k in enumerate(keys) if is_role(k, lex) and not _is_modifier(phrase, i, lex)]
    caps = [t for i, t in enumerate(phrase) if t.cap and (i + start > 0 or len(phrase) == 1 or _is_known(t, lex))]
    if not heads and _has_agency(keys, lex):
        return Mention(start, end, "agency")
    vague = next((i for i, k in enumerate(keys) if k in words["vague"] or k in words["groups"]), -1)
    if vague >= 0 and (not heads or vague <= heads[0]):
        owned = _owned(phrase, keys, vague, lex)
        own = owned or (keys[vague] not in words["vague"] and keys[0] not in words["quantifiers"])
        return Mention(start, end, "org" if own else "vague", (), "")
    if heads:
        role = " ".join(keys)
        name = _name_after(phrase, heads[0], lex)
        return Mention(start, end, "person" if name else "role", name, role)
    if keys[0] in words["documents"] or any(k in words["documents"] for k in keys):
        return _document(phrase, start, end, lex)
    return _named(phrase, caps, start, end, lex)


def is_role(word: str, lex: Lexicon) -> bool:
    """Whether a word is a role, alone or as a part of a compound: "сенатор-демократ"."""
    roles = lex.words["roles"]
    return word in roles or ("-" in word and any(part in roles for part in word.split("-")))


def _named(phrase: list[Token], caps: list[Token], start: int, end: int, lex: Lexicon) -> Mention | None:
    keys = [t.key for t in phrase]
    last = max((i for i, t in enumerate(phrase) if t.cap or t.key in lex.words["orgs"] or t.text in MARKS), default=-1)
    if any(t.text[0].isalnum() and t.text not in ("'s",) for t in phrase[last + 1 :]) and not _adjectives(
        phrase[last + 1 :], lex
    ):
        return None
    owner = max((i for i, k in enumerate(keys[:-1]) if k == "'s"), default=-1)
    if owner >= 0 and phrase[owner + 1].cap:
        return _named(phrase[owner + 1 :], caps, start + owner + 1, end, lex)
    if lex.lang == "en" and (cut := _before_of(phrase, lex)):
        return Mention(start, start + cut, "name", tuple(t.text for t in phrase[:cut] if t.text != "."))
    if any(match_phrase(lex.actors, keys, i) for i in range(len(keys)) if phrase[i].cap):
        full = _person_name(phrase, lex)
        return Mention(start, end, "name", full) if full else Mention(start, end, "actor")
    if any(k in lex.words["orgs"] for k in keys):
        return _company(phrase, start, end, lex) or Mention(start, end, "org")
    if not caps:
        return None
    if start == 0 and keys[0] in lex.starters and len(phrase) == 1:
        return None
    if lex.lang in ("ru", "uk") and start == 0 and len(caps) == 1 and phrase[0].cap and not phrase[0].text.isascii():
        # The capital of the sentence's first word tells nothing.
        return Mention(start, end, "name", (phrase[0].text,)) if len(phrase) == 1 and _like_surname(phrase[0]) else None
    full = _person_name(phrase, lex)
    if full and len(full) < len(phrase):
        return Mention(start, end, "name", full)
    name = tuple(
        t.text for t in phrase if (t.cap or t.key in names().particles) and t.key not in lex.words["determiners"]
    )
    if not name:
        return None
    quoted = any(t.text in MARKS for t in phrase)
    if quoted or (not phrase[0].cap and phrase[0].key not in lex.words["determiners"]):
        return Mention(start, end, "org")
    return Mention(start, end, "name", _untitled(name))


def _company(phrase: list[Token], start: int, end: int, lex: Lexicon) -> Mention | None:
    """The name in "Russian aluminum giant Rusal", "компания «Лукойл»"; None where the noun ends the phrase."""
    last = max(i for i, t in enumerate(phrase) if t.key in lex.words["orgs"])
    rest = phrase[last + 1 :]
    if phrase[last].cap or not rest or not all(t.cap or t.text in MARKS for t in rest):
        return None
    return Mention(start + last + 1, end, "org")


def _before_of(phrase: list[Token], lex: Lexicon) -> int:
    """The size of a person's name before "of" and an organisation: "Liz Canfield of the Forest Alliance"."""
    keys = [t.key for t in phrase]
    if "of" not in keys:
        return 0
    cut = keys.index("of")
    known = names()
    person = keys[0] in known.masculine or keys[0] in known.feminine
    return cut if 2 <= cut <= 4 and person and all(t.cap or t.text == "." for t in phrase[:cut]) else 0


def _adjectives(rest: list[Token], lex: Lexicon) -> bool:
    """Words after the last name that may still belong to it: "governo russo", "Минфин России", "дом"."""
    return lex.lang in ("it", "fr", "es", "ru", "uk") and len([t for t in rest if t.text[0].isalnum()]) <= 1


def _like_surname(token: Token) -> bool:
    return token.key.endswith(
        (
            "ов",
            "ев",
            "ин",
            "ын",
            "ова",
            "ева",
            "ина",
            "ский",
            "ская",
            "цкий",
            "цкая",
            "ко",
            "юк",
            "ук",
            "ян",
            "дзе",
            "швили",
        )
    )


def _has_mark(tokens: list[Token], start: int, end: int) -> bool:
    return any(t.text in MARKS for t in tokens[start:end])


def _is_known(token: Token, lex: Lexicon) -> bool:
    return token.key not in lex.starters and token.key not in lex.words["stop"]


def _is_modifier(phrase: list[Token], at: int, lex: Lexicon) -> bool:
    """ "Secretary" of "the Secretary's office" is no head; nor is a role before an organisation's noun."""
    return at + 1 < len(phrase) and phrase[at + 1].key == "'s"


def _has_agency(keys: list[str], lex: Lexicon) -> bool:
    return any(match_phrase(lex.agencies, keys, i) for i in range(len(keys)))


def _owned(phrase: list[Token], keys: list[str], vague: int, lex: Lexicon) -> bool:
    """Whether a vague voice belongs to somebody named: "Treasury officials", "fonti del Cremlino"."""
    others = keys[:vague] + keys[vague + 1 :]
    if keys[vague] in lex.words["quantifiers"]:
        return False
    named = any(k in lex.words["orgs"] or match_phrase(lex.actors, others, i) for i, k in enumerate(others))
    return named or (keys[vague] in lex.words["groups"] and len(others) > 0 and keys[0] not in lex.words["quantifiers"])


def _document(phrase: list[Token], start: int, end: int, lex: Lexicon) -> Mention:
    """A paper stands for the organisation that it names."""
    keys = [t.key for t in phrase]
    for i, token in enumerate(phrase):
        if keys[i] in lex.words["orgs"] or (token.cap and match_phrase(lex.actors, keys, i)):
            stop = max(j for j, t in enumerate(phrase) if t.cap or t.key in lex.words["orgs"]) + 1
            if i < stop and keys[i] not in lex.words["documents"]:
                return Mention(start + i, start + stop, "org")
    return Mention(start, end, "document")


def _untitled(name: tuple[str, ...]) -> tuple[str, ...]:
    kept = list(name)
    while len(kept) > 1 and kept[0].lower().rstrip(".") in names().titles:
        kept.pop(0)
    return tuple(kept)


def _person_name(phrase: list[Token], lex: Lexicon) -> tuple[str, ...]:
    """The run of capitals that begins with a given name or initials."""
    places = range(len(phrase) - 1)
    starts = [i for i in places if phrase[i].cap and phrase[i + 1].cap and _begins_name(phrase, i, lex)]
    starts = [i for i in starts if i == 0 or i - 1 not in starts]
    if not starts:
        return ()
    # "представитель колхоза имени Ленина Валентин Шмаков": the last name is the speaker's.
    return _run_of_capitals(phrase, starts[-1] if lex.lang in ("ru", "uk") else starts[0])


def _begins_name(phrase: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether a given name or an initial stands there."""
    token = phrase[at]
    known = names()
    initial = len(token.text) <= 3 and token.text.endswith(".") and lex.lang in ("ru", "uk", "en")
    return initial or token.key in known.masculine or token.key in known.feminine or given_name(token.text, lex) != ""


def _run_of_capitals(phrase: list[Token], at: int) -> tuple[str, ...]:
    run: list[str] = []
    for i in range(at, len(phrase)):
        token = phrase[i]
        particle = token.key in names().particles and i + 1 < len(phrase) and phrase[i + 1].cap
        if token.text == "." and run:
            run[-1] += "."
        elif token.cap or (particle and run):
            run.append(token.text)
        else:
            break
    return tuple(run)


def _name_after(phrase: list[Token], head: int, lex: Lexicon) -> tuple[str, ...]:
    """The person's name in a phrase with a role, after it or, as in "Lavrov the minister", before it."""
    full = _person_name(phrase[head + 1 :], lex) or _person_name(phrase[:head], lex)
    if full:
        return full
    keys = [t.key for t in phrase]
    # Adverbs may follow the name: "лидер Митч Макконнелл зимой".
    end = max((i + 1 for i, t in enumerate(phrase) if t.cap and i > head), default=len(phrase))
    start = end
    while start > head + 1 and phrase[start - 1].cap:
        start -= 1
    if start == end or (lex.lang in ("ru", "uk") and phrase[start].text.isascii()):
        return ()
    before = keys[start - 1]
    governed = start > head + 1 and (
        before in lex.words["connectors"] or before in ("the", "il", "la", "lo", "l'", "der", "den", "le", "el")
    )
    while start < end:
        size = match_phrase(lex.actors, keys, start)
        if size == 0 and not _is_acronym(phrase[start]) and keys[start] not in lex.words["orgs"]:
            break
        start += max(size, 1)
        governed = False
    rest = phrase[start:end]
    if not rest or governed:
        return ()
    name = tuple(t.text for t in rest)
    return name if lex.lang not in ("ru", "uk") or len(rest) > 1 or phrase[start - 1].cap or start == head + 1 else ()


def _is_acronym(token: Token) -> bool:
    return token.text.isupper() and len(token.text) > 1
