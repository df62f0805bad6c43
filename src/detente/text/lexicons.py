"""The word lists of a language, read from `lexicons/<lang>.toml`, which an analyst can edit."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "lexicons"
FALLBACK = "en"
_GROUP = re.compile(r"^(.*?)\(([^()]*)\)(\?)?(.*)$")
Phrases = Mapping[str, tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What a language's file says, with all forms spelled out, in the form that `key` gives."""

    lang: str
    abbreviations: frozenset[str]
    maybe: frozenset[str]
    starters: frozenset[str]
    numbered: frozenset[str]
    units: frozenset[str]
    ordinals: bool
    say: Phrases
    participles: Phrases
    act: Phrases
    act_participles: Phrases
    act_base: Phrases
    act_ing: Phrases
    outer: frozenset[str]
    aux: frozenset[str]
    by: frozenset[str]
    words: Mapping[str, frozenset[str]]
    according: Phrases
    according_after: frozenset[str]
    of_him: Phrases
    pointing: Phrases
    before_comma: frozenset[str]
    locative: frozenset[str]
    agencies: Phrases
    actors: Phrases
    actor_names: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    nominative: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    epithets: Mapping[tuple[str, ...], str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Names:
    """Given names by gender, particles and titles, in lower case."""

    masculine: frozenset[str]
    feminine: frozenset[str]
    particles: frozenset[str]
    titles: frozenset[str]
    companies: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sources:
    """Words about anonymous sources: `heads` and `circumstances` are beginnings of words, the others whole."""

    heads: tuple[str, ...]
    knowing: frozenset[str]
    placing: frozenset[str]
    circumstances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offices:
    """(beginnings of words, roles) of other words for one office; roles by the first letters of a kind of people."""

    office: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    kind: Mapping[str, tuple[str, ...]]


def key(word: str) -> str:
    """A word as it is looked up: lower case, straight apostrophe, Russian ё as е, "OPEC+" as "opec".

    >>> key("L’Ёж")
    "l'еж"
    """
    return word.lower().replace("’", "'").replace("ё", "е").replace("‑", "-").removesuffix("+")


def expand(entry: str) -> list[str]:
    """The forms that an entry such as "warn(ed|s)" stands for; "л*" gives the Russian past forms.

    >>> expand("warn(ed|s)")
    ['warned', 'warns']
    >>> expand("minist(er)?")
    ['minister', 'minist']
    """
    match = _GROUP.match(entry)
    if match is None:
        if "л*" in entry:
            return [form for end in ("л", "ла", "ло", "ли") for form in expand(entry.replace("л*", end, 1))]
        return [entry.replace("?", "")]
    head, options, optional, tail = match.groups()
    endings = options.split("|") + ([""] if optional else [])
    return [form for end in dict.fromkeys(endings) for form in expand(head + end + tail)]


@cache
def lexicon(lang: str) -> Lexicon:
    """The lexicon of a language; English where there is none of its own."""
    path = _FOLDER / f"{lang}.toml"
    if not path.is_file():
        return lexicon(FALLBACK)
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    verbs, words, according = raw["verbs"], raw["words"], raw["according"]
    actors = {form: name for name, forms in raw["actors"].items() for form in (name, *forms)}
    sentences = raw["sentences"]
    return Lexicon(
        lang=lang,
        abbreviations=frozenset(sentences["abbreviations"]),
        maybe=frozenset(sentences["maybe"]),
        starters=_keys(sentences["starters"]),
        numbered=frozenset(sentences.get("numbered", ())),
        units=frozenset(sentences.get("units", ())),
        ordinals=sentences.get("ordinals", False),
        say=_phrases([*verbs["say"], *_inflected(verbs, "say_all")]),
        participles=_phrases(verbs.get("participles", ())),
        act=_phrases([*verbs["act"], *_inflected(verbs, "act_all")]),
        act_participles=_phrases(verbs.get("act_participles", ())),
        act_base=_phrases(verbs.get("act_base", ())),
        act_ing=_phrases(verbs.get("act_ing", ())),
        outer=_keys(verbs.get("outer", ())),
        aux=_keys(verbs["aux"]),
        by=_keys(verbs["by"]),
        words=_words(words),
        according=_phrases(according["before"]),
        according_after=_keys(according["after"]),
        of_him=_phrases(according["of_him"]),
        pointing=_phrases(words["pointing"]),
        before_comma=_keys(according.get("before_comma", ())),
        locative=_keys(according.get("locative", ())),
        agencies=_phrases(words["agencies"]),
        actors=_phrases(actors),
        actor_names={split(form): name for form, name in actors.items()},
        aliases={split(short): tuple(full) for short, full in raw.get("aliases", {}).items()},
        epithets={split(form): name for name, forms in raw.get("epithets", {}).items() for form in forms},
        nominative=_nominatives((*words["roles"], *words["orgs"])),
    )


@cache
def names() -> Names:
    """Given names of all languages together."""
    raw = tomllib.loads((_FOLDER / "names.toml").read_text(encoding="utf-8"))
    return Names(*(_keys(raw[name]) for name in ("masculine", "feminine", "particles", "titles", "companies")))


@cache
def sources() -> Sources:
    """Words about anonymous sources, of all languages together."""
    raw = tomllib.loads((_FOLDER / "sources.toml").read_text(encoding="utf-8"))
    whole = (frozenset(raw["knowing"]), frozenset(raw["placing"]))
    return Sources(tuple(raw["heads"]), *whole, tuple(raw["circumstances"]))


@cache
def offices() -> Offices:
    """Other words for offices, of all languages together."""
    raw = tomllib.loads((_FOLDER / "offices.toml").read_text(encoding="utf-8"))
    office = tuple((tuple(of["words"]), tuple(of["roles"])) for of in raw["office"])
    return Offices(office, {word: tuple(of["roles"]) for of in raw["kind"] for word in of["words"]})


@cache
def relevance_terms() -> Mapping[str, Any]:
    """The terms and weights of the relevance score, as the file has them."""
    return tomllib.loads((_FOLDER / "relevance.toml").read_text(encoding="utf-8"))


def split(phrase: str) -> tuple[str, ...]:
    """A phrase of a lexicon as the keys of its tokens; quotation marks are not part of it."""
    from detente.text.tokens import words

    # An elided article is one token only before a letter.
    found = words(phrase + "a")[:-1] if phrase.endswith("'") else words(phrase)
    return tuple(key(word) for word in found if word not in '«»"“”„')


def match_phrase(phrases: Phrases, keys: list[str], at: int) -> int:
    """How many tokens the longest phrase that begins at a position has; 0 if none begins there."""
    for rest in phrases.get(keys[at], ()):
        size = len(rest)
        if not size or tuple(keys[at + 1 : at + 1 + size]) == rest:
            return size + 1
    return 0


def _words(given: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """The lists of words of a lexicon; those that only some languages have are empty in the others."""
    some = ("interpreting", "standing", "countries", "flows", "states", "irregular", "pasts")
    found = {name: frozenset[str]() for name in some} | {name: _keys(entries) for name, entries in given.items()}
    return found | {"states": found["states"] | _keys(_inflected(given, "states_all"))}


def _inflected(given: Mapping[str, Any], name: str) -> list[str]:
    """The forms of the Russian verbs that a lexicon gives by their infinitives."""
    from detente.text.morphology import verb_forms

    return [form for infinitive in given.get(name, ()) for form in verb_forms(infinitive)]


def _nominatives(entries: Iterable[str]) -> dict[str, str]:
    """Case form -> nominative: the form without an optional ending, else the first form."""
    return {
        key(form): key(entry.partition("(")[0] if entry.endswith(")?") else expand(entry)[0])
        for entry in entries
        for form in expand(entry)
    }


def _keys(entries: Iterable[str]) -> frozenset[str]:
    return frozenset(key(form) for entry in entries for form in expand(entry))


def _phrases(entries: Iterable[str]) -> Phrases:
    """First word -> the rests of all phrases that begin with it, the longest first."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for entry in entries:
        for form in expand(entry):
            first, *rest = split(form)
            found.setdefault(first, set()).add(tuple(rest))
    return {first: tuple(sorted(rests, key=len, reverse=True)) for first, rests in found.items()}
