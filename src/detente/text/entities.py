"""Who has been spoken of, and whom "he", "the company" or an unsaid subject takes up.

Every sentence leaves entities behind: its holder, the phrase that was likeliest to be it, whatever else it names. A
later phrase is offered all of them, and its own words; named features say how well each goes with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from detente.text.agreement import Wanted
from detente.text.lexicons import Lexicon, key, names
from detente.text.mentions import Kind, is_role
from detente.text.tokens import words as words_of

NEVER = -99
# The beginnings of nouns that say what a body is.
_FIRMS = (
    *("compa", "firm", "corpo", "produ", "conce", "holdi", "miner", "maker", "refin", "suppl", "utili", "giant"),
    *("socie", "azien", "grupp", "group", "colos", "impre", "multi", "indus", "компа", "фирм", "конце", "корпо"),
    *("холди", "произ", "трейд", "завод", "комби", "гиган"),
)
_OFFICES = (
    *("minis", "depar", "agenc", "treas", "offic", "commi", "dipar", "tesor", "autho", "autor", "congr", "senat"),
    *("parla", "gover", "admin", "ammin", "ведом", "минис", "депар", "управ", "минфи", "мид", "минто", "госде"),
    *("казна", "прави", "админ", "комис", "комит", "дума", "госду", "палат", "сенат", "конгр", "регул"),
)
# Cities that stand for their governments: no firm is taken up by their names.
_CAPITALS = frozenset(
    (
        *("washington", "moscow", "beijing", "brussels", "kyiv", "kiev", "berlin", "paris", "london", "delhi", "tokyo"),
        *("mosca", "pechino", "bruxelles", "berlino", "parigi", "londra", "roma", "tokyo", "ankara", "astana"),
        *("вашингтон", "москва", "пекин", "брюссель", "киев", "берлин", "париж", "лондон", "токио", "анкара"),
        *("moskau", "peking", "brüssel", "moscou", "pékin", "londres", "moscú", "pekín", "bruselas", "varsavia"),
    )
)
_RECENT = 40
_STEM = 5
_SHORT = 3


@dataclass(slots=True)
class Entity:
    """Somebody or something that may be taken up; sentences are counted, `NEVER` stands for none."""

    name: str
    written: str
    kind: Kind
    person: bool
    gender: str
    plural: bool
    at: int
    # Where in the text it was named last.
    place: int
    # Stems of all the words by which it has been called.
    words: set[str] = field(default_factory=set)
    held_at: int = NEVER
    spoke_at: int = NEVER
    topic_at: int = NEVER
    held: int = 0
    seen: int = 0
    # Whether it has ever stood without a preposition before it: places seldom do.
    free: bool = False


class Option(NamedTuple):
    """Whom a phrase may mean: an entity or, where that is None, what its own words say."""

    entity: Entity | None
    name: str
    written: str
    features: list[str]


class Asked(NamedTuple):
    """A phrase to be resolved: its kind of word, what it may agree with, its content words."""

    # "he", "unsaid", "role1", "org2" ...
    sort: str
    # The same more coarsely.
    kind: str
    wanted: Wanted
    words: frozenset[str]
    heads: frozenset[str]
    first: str
    at: int
    # In which surroundings the sentence stands.
    state: tuple[str, ...]
    # Whether it names a body that is known by its noun alone, as "the government".
    standing: bool = False
    # What follows it: a preposition, a mark, another word.
    after: str = "word"
    # The beginnings of roles that its words may stand for.
    alike: frozenset[str] = frozenset()


def stems(text: str | Iterable[str], lex: Lexicon) -> frozenset[str]:
    """The beginnings of the content words of a phrase."""
    found = words_of(text) if isinstance(text, str) else text
    skipped = lex.words["determiners"] | lex.words["connectors"] | lex.words["stop"]
    return frozenset(k[:_STEM] for w in found if len(k := key(w)) >= _SHORT - 1 and k[0].isalnum() and k not in skipped)


def heads_of(keys: Sequence[str], lex: Lexicon) -> frozenset[str]:
    """The stems of the nouns of a phrase that say what somebody is: roles, bodies, groups."""
    nouns = lex.words["orgs"] | lex.words["groups"] | lex.words["vague"] | lex.words["documents"]
    return frozenset(k[:_STEM] for k in keys if k in nouns or is_role(k, lex))


def options(
    asked: Asked, own: str, own_written: str, known: Sequence[Entity], roles: dict[str, frozenset[str]], lex: Lexicon
) -> list[Option]:
    """Everybody whom a phrase may mean, with the evidence; `own` is the name that its own words give, "" for none."""
    found = [Option(None, own, own_written, _of_own(asked, own, known))] if own else []
    recent = sorted((e for e in known if e.name != own), key=lambda e: (-e.place, e.name))[:_RECENT]
    recent = _agreeing(asked, recent)
    fitting = [e for e in recent if "no" not in _agreement(asked.wanted, e)]
    ranked = {
        "salient": [e.name for e in sorted(fitting, key=lambda e: -_salience(asked.at, e))],
        "rank": [e.name for e in fitting],
        "heldrank": [e.name for e in fitting if e.held],
        "peers": [e.name for e in fitting if _goes_with(class_of(asked.words), _class_of_entity(e, lex))],
    }
    for entity in recent:
        features = _of_pair(asked, entity, roles.get(entity.name, frozenset()), lex)
        for name, order in ranked.items():
            place = f"{name}={min(order.index(entity.name), 3) if entity.name in order else 'no'}"
            features += [place, f"{asked.kind},{place}", f"{asked.sort},{place}"]
        found.append(Option(entity, entity.name, entity.written, features))
    return found


def _agreeing(asked: Asked, known: list[Entity]) -> list[Entity]:
    """Those whom a pronoun may take up by gender and, if it is a person, by number; all if there is none."""
    if asked.words or asked.kind in ("unsaid", "goes_on"):
        return known
    kept = [e for e in known if "no" not in _agreement(asked.wanted, e).split("-")[1 : 3 if e.person else 2]]
    return kept or known


def _goes_with(asked: str, entity: str) -> bool:
    """Whether something of a class may be called by a word of another: "the company" is no country and nobody."""
    return asked == entity or entity == "other" or (asked == "other" and entity == "person")


def _of_own(asked: Asked, own: str, known: Sequence[Entity]) -> list[str]:
    sort = asked.sort
    kind = class_of(asked.words)
    alone = len(asked.words) < 2
    again = next((e for e in known if e.name == own), None)
    before = "no" if again is None else "held" if again.held else "seen"
    return [
        "own",
        f"own,class={kind},{alone}",
        f"own,class={kind},{alone},{asked.kind}",
        f"own,class={kind},{alone},{before}",
        f"own,{asked.kind}",
        f"own,{asked.kind},{before}",
        f"own,{asked.kind},size={min(len(asked.words), 4)}",
        f"own,{asked.kind},extra={min(len(asked.words - asked.heads), 2)}",
        f"own,{asked.kind},standing={asked.standing}",
        f"own,{asked.kind},after={asked.after}",
        f"own,after={asked.after},{before}",
        f"own,{sort},after={asked.after}",
        f"own,{sort}",
        f"own,{sort},{asked.first}",
        f"own,{sort},size={min(len(asked.words), 4)}",
        f"own,{sort},{before}",
        f"own,{sort},extra={min(len(asked.words - asked.heads), 2)}",
        f"own,{sort},standing={asked.standing}",
        *(f"own,head={head}" for head in asked.heads),
        *(f"own,{sort},{name}" for name in asked.state),
    ]


def _of_pair(asked: Asked, entity: Entity, roles: frozenset[str], lex: Lexicon) -> list[str]:
    """How an entity goes with a phrase: each fact by itself, with the kind of phrase, with its finer sort."""
    at, words = asked.at, entity.words | roles
    told = "all" if asked.words and asked.words <= words else "some" if asked.words & words else "none"
    told = f"{told},{bool(asked.heads & words)}"
    person = "person" if entity.person else entity.kind
    held, agrees = _gap(at, entity.held_at), _agreement(asked.wanted, entity)
    like = bool(asked.alike) and any(word.startswith(tuple(asked.alike)) for word in words)
    classes = f"{class_of(asked.words)}>{_class_of_entity(entity, lex)}"
    facts = [
        person,
        f"agree={agrees}",
        f"gap={_gap(at, entity.at)}",
        f"held={held}",
        f"spoke={_gap(at, entity.spoke_at)}",
        f"topic={_gap(at, entity.topic_at)}",
        f"often={min(entity.held, 3)}",
        f"told={told}",
        f"country={key(entity.name.split()[0]) in lex.words['countries'] | _CAPITALS}",
        f"held={held},{agrees}",
        f"told={told},held={held}",
    ]
    found = [*facts, *(f"{name},{fact}" for name in (asked.kind, asked.sort) for fact in facts)]
    found += [asked.kind, asked.sort, f"seen={min(entity.seen, 4)}", f"free={entity.free},{asked.kind}"]
    found += [f"class={classes}", f"class={classes},held={held}", f"class={classes},{asked.kind}"]
    found += [f"{name},{person}" for name in (f"gap={_gap(at, entity.at)}", f"held={held}", f"told={told}")]
    found += [f"{asked.kind},told={told},{person}", f"{asked.sort},standing={asked.standing},{person}"]
    found += [f"{asked.sort},{name},held={held}" for name in asked.state]
    found += [f"free={entity.free},{person},{asked.kind}", f"free={entity.free},{asked.sort},held={held}"]
    found += [f"like={like},{bool(asked.alike)}", f"like={like},{bool(asked.alike)},held={held}"]
    found += [f"{asked.kind},after={asked.after},told={told}", f"{asked.sort},after={asked.after},{person}"]
    return found + [f"head={head},{person},{head in words}" for head in asked.heads]


def class_of(words: Iterable[str]) -> str:
    """What the words of a phrase say that it is: a firm, an office, or neither."""
    found = "".join("f" if w.startswith(_FIRMS) else "o" if w.startswith(_OFFICES) else "" for w in words)
    return "office" if "o" in found else "firm" if "f" in found else "other"


def _class_of_entity(entity: Entity, lex: Lexicon) -> str:
    if entity.person:
        return "person"
    first = key(entity.name.strip("«»").split()[0]) if entity.name.strip("«»") else ""
    if first in lex.words["countries"] or first in _CAPITALS:
        return "country"
    if first in names().companies:
        return "firm"
    return class_of(w.strip("«»") for w in entity.words)


def _salience(at: int, entity: Entity) -> float:
    """How present somebody is: speakers before actors before subjects before mentions, the nearer the more."""
    ages = ((entity.spoke_at, 2.0), (entity.held_at, 1.2), (entity.topic_at, 0.8), (entity.at, 0.0))
    nearest = max((weight - (at - when) for when, weight in ages if when >= 0), default=float(NEVER))
    return nearest + 0.15 * min(entity.held + entity.seen, 8)


def _gap(at: int, before: int) -> str:
    gap = at - before
    return "never" if before < 0 else str(gap) if gap < 4 else "4+" if gap < 8 else "8+"


def _agreement(wanted: Wanted, entity: Entity) -> str:
    """Whether kind, gender and number go together: "yes", "no" or "?" for what cannot be told, one letter each."""
    kind = "?" if wanted.person is None else "yes" if wanted.person == entity.person else "no"
    gender = "?" if not (wanted.gender and entity.gender) else "yes" if wanted.gender == entity.gender else "no"
    number = "?" if wanted.plural is None else "yes" if wanted.plural == entity.plural else "no"
    return f"{kind}-{gender}-{number}"
