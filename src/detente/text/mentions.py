"""What kind of voice a phrase names: a person, a role, an organisation, nobody in particular."""

import re
from typing import Literal, NamedTuple

from detente.text.lexicons import Lexicon, match_phrase, names, sources
from detente.text.personal import is_owned, name_after, person_name, untitled
from detente.text.tokens import Token

Kind = Literal["person", "role", "org", "actor", "name", "pronoun", "vague", "agency", "document", "other"]
_HEAD_FIRST = frozenset(("it", "ru", "uk", "fr", "es"))
_NATIONALITY = re.compile(r"(?:ese|esi|ana|ano|ani|ane|ina|ino|ica|ico|russa|russo|russi)$")
# The beginnings of Russian ministries and agencies: "Минсельхоз", "Росрыболовство".
_OFFICES = ("мин", "рос", "гос", "глав")
# "una lettera al ministero": the letter is not the ministry's own.
_ADDRESSING = frozenset(("al", "alla", "all'", "agli", "ai", "to"))
_INFINITIVE = re.compile(r"\w{3}(?:are|ere|ire)$")
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
    if start == 0 and _is_preposition(keys[0], lex):
        return None
    placed = start > 0 and tokens[start - 1].key in lex.locative and phrase[0].cap and len(phrase) > 1
    if placed and any(is_role(k, lex) for k in keys[1:]) and not is_role(keys[0], lex):
        # "В Вашингтоне сенатор ...": the place is no part of the voice.
        return describe(tokens, start + 1, end, lex)
    heads = [i for i, k in enumerate(keys) if is_role(k, lex) and not _is_modifier(phrase, i, lex)]
    caps = [t for i, t in enumerate(phrase) if t.cap and (i + start > 0 or len(phrase) == 1 or _is_known(t, lex))]
    carried = any(k in words[n] for k in keys for n in ("vague", "groups"))
    if not heads and not carried and _has_agency(keys, lex):
        return Mention(start, end, "agency")
    vague = next((i for i, k in enumerate(keys) if k in words["vague"] or k in words["groups"]), -1)
    if vague >= 0 and (not heads or vague <= heads[0]):
        owned = _owned(phrase, keys, vague, lex) or any(k in sources().knowing for k in keys[vague + 1 :])
        own = owned or (keys[vague] not in words["vague"] and keys[0] not in words["quantifiers"])
        return Mention(start, end, "org" if own else "vague", (), "")
    org = next((i for i, k in enumerate(keys) if k in words["orgs"]), len(keys))
    if heads and org < heads[0] and lex.lang in _HEAD_FIRST:
        # "администрация президента": the first noun is the head.
        return Mention(start, end, "org")
    if heads and keys[heads[0]] in words["orgs"] and (firm := _company(phrase, start, end, lex)):
        return firm
    if heads:
        role = " ".join(keys)
        name = name_after(phrase, heads[0], lex)
        name = () if name and is_owned(phrase, heads[0], name, lex) else name
        return Mention(start, end, "person" if name else "role", name, role)
    if keys[0] in words["documents"] or any(k in words["documents"] for k in keys):
        return _document(phrase, start, end, lex)
    return _named(phrase, caps, start, end, lex)


def _is_preposition(word: str, lex: Lexicon) -> bool:
    """Whether a sentence's first word, whatever its capital, keeps the phrase from being its subject."""
    prepositions = (lex.words["stop"] | lex.words["connectors"] | lex.by) - lex.words["determiners"]
    return word in prepositions and word not in lex.words["pronouns"]


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
    if lex.lang in ("it", "fr", "es") and _is_thing(phrase, lex):
        return None
    named = [i for i in range(len(keys)) if phrase[i].cap and match_phrase(lex.actors, keys, i)]
    if lex.lang in ("ru", "uk") and named and named[0] > 0 and _is_other(phrase[0], lex, opens=start == 0):
        return None
    if named:
        full = person_name(phrase, lex)
        return Mention(start, end, "name", full) if full else Mention(start, end, "actor")
    if any(k in lex.words["orgs"] for k in keys):
        return _company(phrase, start, end, lex) or Mention(start, end, "org")
    if not caps or (lex.lang == "it" and start == 0 and _INFINITIVE.search(keys[0])):
        return None
    if start == 0 and keys[0] in lex.starters and len(phrase) == 1:
        return None
    if lex.lang in ("ru", "uk") and start == 0 and len(caps) == 1 and phrase[0].cap and not phrase[0].text.isascii():
        # The capital of the sentence's first word tells nothing.
        return Mention(start, end, "name", (phrase[0].text,)) if len(phrase) == 1 and _like_surname(phrase[0]) else None
    full = person_name(phrase, lex)
    if full and len(full) < len(phrase):
        return Mention(start, end, "name", full)
    name = _one_run(phrase, lex)
    if not name:
        return None
    quoted = any(t.text in MARKS for t in phrase)
    if lex.lang == "de" and phrase[0].key in lex.words["determiners"] and not full:
        # In German a capital tells no name, an article before it tells a noun.
        return Mention(start, end, "org")
    known = phrase[0].key in lex.words["determiners"] or phrase[0].key in names().titles
    if quoted or not (phrase[0].cap or known):
        return Mention(start, end, "org")
    return Mention(start, end, "name", untitled(name))


def _is_thing(phrase: list[Token], lex: Lexicon) -> bool:
    """Whether the head noun, the first in Romance languages, is no voice: "il titolo Lukoil"."""
    head = next((t for t in phrase if t.key not in lex.words["determiners"] and t.text not in MARKS), None)
    if head is None or head.cap or head.key in names().titles:
        return False
    voice = any(head.key in lex.words[name] for name in ("orgs", "roles", "groups", "vague", "documents"))
    return not voice and not _NATIONALITY.search(head.key)


def _company(phrase: list[Token], start: int, end: int, lex: Lexicon) -> Mention | None:
    """The name in "Russian aluminum giant Rusal", "компания «Лукойл»"; None where the noun ends the phrase."""
    last = max(i for i, t in enumerate(phrase) if t.key in lex.words["orgs"])
    rest = phrase[last + 1 :]
    if phrase[last].cap or not rest or not all(t.cap or t.text in MARKS for t in rest):
        return None
    return Mention(start + last + 1, end, "org")


def _one_run(phrase: list[Token], lex: Lexicon) -> tuple[str, ...]:
    """One unbroken run of capitals: the last in Russian, where the name ends its phrase, else the first."""
    runs: list[list[str]] = [[]]
    for token in phrase:
        article = token.key in lex.words["determiners"] or token.text[-1] in "'’"
        if (token.cap or (token.key in names().particles and runs[-1])) and not article:
            runs[-1].append(token.text)
        elif runs[-1] and token.text not in MARKS and token.text != ".":
            runs.append([])
    found = [run for run in runs if run]
    if not found:
        return ()
    return tuple(found[-1] if lex.lang in ("ru", "uk") else found[0])


def _before_of(phrase: list[Token], lex: Lexicon) -> int:
    """The size of a person's name before "of" and an organisation: "Liz Canfield of the Forest Alliance"."""
    keys = [t.key for t in phrase]
    if "of" not in keys:
        return 0
    cut = keys.index("of")
    known = names()
    person = keys[0] in known.masculine or keys[0] in known.feminine
    # "Farida Najm of consultancy Gulf Barrel": so are people introduced, no bodies.
    beside = cut + 1 < len(keys) and not phrase[cut + 1].cap and keys[cut + 1] in lex.words["orgs"]
    nouns = lex.words["orgs"] | lex.words["groups"] | lex.words["documents"] | known.companies
    person = person or (
        beside and not any(k in nouns or match_phrase(lex.actors, keys, i) for i, k in enumerate(keys[:cut]))
    )
    return cut if 2 <= cut <= 4 and person and all(t.cap or t.text == "." for t in phrase[:cut]) else 0


def _adjectives(rest: list[Token], lex: Lexicon) -> bool:
    """Words after the last name that may still belong to it: "governo russo", "Минфин России", "дом"."""
    return lex.lang in ("it", "fr", "es", "ru", "uk") and len([t for t in rest if t.text[0].isalnum()]) <= 1


def _is_other(first: Token, lex: Lexicon, *, opens: bool) -> bool:
    """Whether a Russian phrase begins with a noun that only owns the actor after it: "Акции «Русала»"."""
    known = first.key in lex.words["determiners"] or first.key in lex.words["orgs"] or is_role(first.key, lex)
    known = known or (first.cap and (not opens or first.key.startswith(_OFFICES)))
    return (
        not known
        and first.text not in MARKS
        and not first.key.endswith(("ий", "ый", "ая", "ое", "ном", "ском", "ной", "ской"))
    )


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
    """Whether a role only owns what follows: "the Secretary's office"."""
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
            if i < stop and keys[i] not in lex.words["documents"] and keys[i - 1] not in _ADDRESSING:
                return Mention(start + i, start + stop, "org")
        if lex.lang == "it" and token.cap and i and keys[i - 1] in ("di", "d'") and token.text.isalpha():
            name = person_name(phrase[i:], lex) or (token.text,)
            return Mention(start + i, start + i + len(name), "name", name)
    return Mention(start, end, "document")
