"""The people and organisations of a document: from a surname, a role or a pronoun to the name it gives."""

import re
from dataclasses import dataclass, field

from detente.text import cases
from detente.text.given import given_name
from detente.text.lexicons import Lexicon, key, match_phrase, names
from detente.text.mentions import describe
from detente.text.morphology import is_patronymic
from detente.text.phrases import to_the_left, to_the_right
from detente.text.tokens import Token

_MARKS = frozenset('«»"“”„')
_POINTING = frozenset(("этот", "эта", "тот", "та", "сам", "сама", "его", "ее", "их"))
_CASES = re.compile(r"(?:ого|его|ому|ему|ыми|ими|ой|ей|ою|ым|им|ом|ем|ую|юю|ая|яя|ий|ый|ой|а|я|у|ю|е|ы|и|ь|й|о)$")
_SURNAMES = (
    (re.compile(r"(ск|цк)(?:ого|ому|им|ом)$"), r"\1ий"),
    (re.compile(r"((?:о|е|ё)в|ин|ын)(?:а|у|ым|е)$"), r"\1"),
    (re.compile(r"(?:ого|ому|ым)$"), "ый"),
    (re.compile(r"([бвгджзклмнпрстфхцчшщ])(?:а|у|ом|ем|е)$"), r"\1"),
)
_FEMALE = (
    (re.compile(r"((?:о|е|ё)в|ин|ын)(?:ой|у)$"), r"\1а"),
    (re.compile(r"(ск|цк)(?:ой|ую)$"), r"\1ая"),
)


@dataclass(slots=True)
class People:
    """Names by the stem of the surname, and roles in the order in which they were tied to a name."""

    lex: Lexicon
    full: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: list[tuple[frozenset[str], str, int]] = field(default_factory=list)
    gender: dict[str, str] = field(default_factory=dict)

    def add(self, name: tuple[str, ...], role: str, at: int = 0) -> None:
        """Note a name; the fullest one of a surname is kept, in the nominative where there is one."""
        if not name:
            return
        stem = stem_of(name[-1], self.lex)
        known = self.full.get(stem)
        better = (
            known is None
            or (len(name) > len(known))
            or (len(name) == len(known) and _is_nominative(name, self.lex) and not _is_nominative(known, self.lex))
        )
        if better and (len(name) > 1 or known is None):
            self.full[stem] = name
        gender = _gender(name, role, self.lex)
        if gender:
            self.gender[stem] = gender
        if role:
            self.roles.append((_role_stems(role, self.lex), stem, at))

    def name_of(self, name: tuple[str, ...]) -> str:
        """The fullest name that the document gives for a name."""
        name = self._with_surname(name)
        known = self.full.get(stem_of(name[-1], self.lex), name)
        same = len(name) < 2 or len(known) < 2 or stem_of(name[0], self.lex)[:3] == stem_of(known[0], self.lex)[:3]
        return nominative(known if same else name, self.lex)

    def _with_surname(self, name: tuple[str, ...]) -> tuple[str, ...]:
        """Whom a given name with a patronymic means: "Виктор Степанович" where one Виктор is named in full."""
        first = given_name(name[0], self.lex) if len(name) == 2 and self.lex.lang == "ru" else ""
        if not first or not is_patronymic(name[1]):
            return name
        same = [f for f in self.full.values() if len(f) > 1 and not is_patronymic(f[-1])]
        same = [f for f in same if given_name(f[0], self.lex) == first]
        return same[0] if len(same) == 1 else name

    def role_stems(self) -> dict[str, frozenset[str]]:
        """The beginnings of the words of all roles that the document ties to a person, by name."""
        found: dict[str, frozenset[str]] = {}
        for stems, stem, _ in self.roles:
            if stem in self.full:
                name = nominative(self.full[stem], self.lex)
                found[name] = found.get(name, frozenset()) | {s[:5] for s in stems}
        return found

    def by_epithet(self, keys: list[str]) -> str:
        """The name of the person that an epithet means, "" if the document names no such person."""
        skipped = self.lex.words["determiners"] - {"российский", "американский"}
        phrase = tuple(self.lex.nominative.get(k, k) for k in keys if k not in skipped)
        surname = self.lex.epithets.get(phrase, "")
        stem = stem_of(surname, self.lex) if surname else ""
        return nominative(self.full[stem], self.lex) if stem in self.full else ""

    def gender_of(self, name: str) -> str:
        """The gender of a name: "m", "f", or "" where it is not known."""
        return self.gender.get(stem_of(name.split()[-1], self.lex), "") if name else ""

    def knows(self, name: tuple[str, ...]) -> bool:
        """Whether a surname belongs to somebody whom the document names in full or by role."""
        return bool(name) and stem_of(name[-1], self.lex) in self.full


def gather(sentences: list[list[Token]], lex: Lexicon) -> People:
    """The people of a document: names that begin with a given name, and names tied to a role."""
    people = People(lex)
    for tokens in sentences:
        for i, token in enumerate(tokens):
            if token.key in lex.words["roles"] and i + 1 < len(tokens):
                _add_role(people, tokens, i, lex)
            elif _is_given(token, lex):
                _add_name(people, tokens, i, lex)
            elif token.cap and i + 3 < len(tokens) and not (i and tokens[i - 1].cap):
                _add_presented(people, tokens, i, lex)
    _add_recurring(people, sentences, lex)
    return people


def _add_recurring(people: People, sentences: list[list[Token]], lex: Lexicon) -> None:
    """Somebody whose given name no list has, by the surname that speaks later: "Arkadij Feldman ... Feldman said"."""
    speaking = set()
    for tokens in sentences:
        keys = [t.key for t in tokens]
        for i, token in enumerate(tokens):
            named = token.cap and len(token.text) > 2 and not _is_named(tokens, i - 1)
            if named and _speaks_beside(tokens, keys, i, lex):
                speaking.add(stem_of(token.text, lex))
    for tokens in sentences:
        for i in range(1, len(tokens)):
            first, last = tokens[i - 1], tokens[i]
            pair = first.cap and last.cap and not _is_named(tokens, i - 2) and not _is_named(tokens, i + 1)
            stem = stem_of(last.text, lex) if pair else ""
            if stem in speaking and stem not in people.full and not _is_thing(first, lex) and not _is_thing(last, lex):
                people.add((first.text, last.text), "", first.start)


def _speaks_beside(tokens: list[Token], keys: list[str], at: int, lex: Lexicon) -> bool:
    """Whether a reporting verb stands next to a name, over an auxiliary."""
    after = at + 1 + (at + 1 < len(keys) and keys[at + 1] in lex.aux)
    said = after < len(keys) and match_phrase(lex.say, keys, after) + match_phrase(lex.participles, keys, after) > 0
    return said or (at > 0 and match_phrase(lex.say, keys, at - 1) == 1 and not tokens[at - 1].cap)


def _is_named(tokens: list[Token], at: int) -> bool:
    return 0 <= at < len(tokens) and tokens[at].cap and tokens[at].text[0].isalpha()


def _is_thing(word: Token, lex: Lexicon) -> bool:
    """Whether a word with a capital is known to be no part of a person's name."""
    nouns = ("orgs", "groups", "countries", "months", "documents", "roles", "stop", "determiners", "connectors", "skip")
    known = any(word.key in lex.words[n] for n in nouns) or word.key in lex.starters or word.text.isupper()
    known = known or word.key in names().companies or word.key in names().titles
    return known or match_phrase(lex.actors, [word.key], 0) > 0


def _add_presented(people: People, tokens: list[Token], at: int, lex: Lexicon) -> None:
    """Somebody whose given name no list has, by the role behind the name: "Dhiraj Solanki, an analyst at Eastgate"."""
    end = _name_end(tokens, at)
    words = tokens[at:end]
    if len(words) == 3 and _is_given(words[1], lex):
        # "Parla Aldo Brusaferri, consulente": a verb that opens the line, then the name.
        return
    if not 2 <= len(words) <= 3 or end + 1 >= len(tokens) or tokens[end].text != ",":
        return
    if any(_is_thing(w, lex) for w in words):
        return
    beside = to_the_right(tokens, end + 1, lex)
    if beside is not None and beside.kind == "role" and beside.start <= end + 2:
        people.add(tuple(w.text for w in words), beside.role, words[0].start)


def _add_role(people: People, tokens: list[Token], at: int, lex: Lexicon) -> None:
    right = to_the_right(tokens, at, lex)
    if right is None or right.kind != "person":
        return
    left = to_the_left(tokens, right.end, lex) if not any(t.text == "," for t in tokens[at : right.end]) else None
    role = left.role if left is not None and left.kind == "person" and len(left.role) > len(right.role) else right.role
    people.add(right.name, role, tokens[at].start)


def _add_name(people: People, tokens: list[Token], at: int, lex: Lexicon) -> None:
    mention = describe(tokens, at, _name_end(tokens, at), lex)
    if mention is None or len(mention.name) < 2:
        return
    role = ""
    if mention.end + 1 < len(tokens) and tokens[mention.end].text in (",", "(", "—"):
        beside = to_the_right(tokens, mention.end + 1, lex)
        role = beside.role if beside is not None and beside.kind == "role" else ""
    people.add(mention.name, role, tokens[at].start)


def _is_given(token: Token, lex: Lexicon) -> bool:
    """Whether a word with a capital is a given name or an initial."""
    known = names()
    listed = token.key in known.masculine or token.key in known.feminine
    return token.cap and (
        listed or bool(given_name(token.text, lex)) or (len(token.text) == 2 and token.text.endswith("."))
    )


def _name_end(tokens: list[Token], at: int) -> int:
    end = at + 1
    while end < len(tokens) and end - at < 5:
        token = tokens[end]
        particle = token.key in names().particles and end + 1 < len(tokens) and tokens[end + 1].cap
        if not token.cap and not particle:
            break
        end += 1
    return end


def stem_of(word: str, lex: Lexicon) -> str:
    """A word without its Russian case ending, in lower case."""
    low = key(word)
    if lex.lang not in ("ru", "uk") or len(low) < 4:
        return low
    return _CASES.sub("", low) if len(_CASES.sub("", low)) > 2 else low


def _role_stems(role: str, lex: Lexicon) -> frozenset[str]:
    skipped = lex.words["determiners"] | lex.words["connectors"]
    return frozenset(
        _stem5(w, lex) for w in role.split() if w[0].isalnum() and (w not in skipped or w in lex.words["roles"])
    )


def _stem5(word: str, lex: Lexicon) -> str:
    return stem_of(word, lex) if lex.lang in ("ru", "uk") else word


def _gender(name: tuple[str, ...], role: str, lex: Lexicon) -> str:
    first = key(name[0])
    given = given_name(name[0], lex) or first
    if given in names().feminine:
        return "f"
    if given in names().masculine:
        return "m"
    found = set(role.split())
    if found & lex.words["feminine"]:
        return "f"
    return "m" if found & lex.words["masculine"] else ""


def _is_nominative(name: tuple[str, ...], lex: Lexicon) -> bool:
    return given_name(name[0], lex) == key(name[0])


def nominative(name: tuple[str, ...], lex: Lexicon) -> str:
    """A Russian name in the nominative; other names as they are."""
    text = " ".join(name)
    if lex.lang not in ("ru", "uk") or len(name) < 2:
        return text
    given = given_name(name[0], lex)
    if not given or given == key(name[0]):
        return text
    rules = _FEMALE if given in names().feminine else _SURNAMES
    surname = name[-1]
    for pattern, ending in rules:
        changed = pattern.sub(ending, surname)
        if changed != surname:
            surname = changed
            break
    return " ".join([given[0].upper() + given[1:], *name[1:-1], surname])


def unmarked(words: str) -> str:
    """A phrase without quotation marks that lack their partner."""
    words = words.strip(" ,")
    for opening, closing in (("«", "»"), ("“", "”"), ('"', '"'), ("„", "“")):
        if words.endswith(closing) and words.count(opening) < (2 if opening == closing else words.count(closing)):
            words = words.removesuffix(closing)
        elif words.startswith(opening) and words.count(closing) < (2 if opening == closing else words.count(opening)):
            words = words.removeprefix(opening)
    return words


def actor_name(text: str, phrase: list[Token], lex: Lexicon) -> str:
    """An actor or organisation as it is called: no article, the lexicon's nominative where it has one."""
    bare = [t for t in phrase if t.text not in _MARKS]
    kept = (
        ("a", "an", "un", "una", "un'", "ein", "eine", "один", "одна", "two", "several")
        if lex.lang not in ("ru", "uk")
        else ()
    )
    articles = lex.words["determiners"] if lex.lang not in ("ru", "uk") else _POINTING
    while len(bare) > 1 and bare[0].key in articles and bare[0].key not in kept:
        bare = bare[1:]
    if not bare:
        return ""
    keys = tuple(t.key for t in bare)
    if lex.lang in ("ru", "uk"):
        if keys in lex.actor_names:
            name = lex.actor_names[keys]
            return f"«{name}»" if phrase[0].text == "«" or phrase[-1].text == "»" else name
        for size in range(len(keys), 0, -1):
            if keys[:size] in lex.actor_names and size < len(keys) and bare[size].cap:
                return f"{lex.actor_names[keys[:size]]} {text[bare[size].start : bare[-1].end]}"
    if lex.lang not in ("ru", "uk"):
        return unmarked(text[bare[0].start : phrase[-1].end])
    whole, end = "", bare[0].start
    for token, word in zip(bare, cases.nominative([t.text for t in bare], lex), strict=True):
        whole, end = whole + text[end : token.start] + word, token.end
    return unmarked(whole + text[end : phrase[-1].end])
