"""From a voice as it is written to the fullest name that the document gives it."""

from collections.abc import Iterable

from detente.text import people
from detente.text.agreement import Wanted, gender_of, is_plural, meant_by
from detente.text.entities import NEVER, Asked, Entity, heads_of, options, stems
from detente.text.lexicons import Lexicon
from detente.text.mentions import Mention
from detente.text.owned import own_name, written_as
from detente.text.phrases import to_the_left
from detente.text.reader import Holder, Reader, Sentence
from detente.text.synonyms import synonyms
from detente.text.tokens import Token
from detente.text.voices import RELATIVE

_INDEFINITE = frozenset(("a", "an", "un", "una", "un'", "uno", "ein", "eine", "one", "another", "один", "одна", "une"))
_HIS = frozenset(("his", "her", "their", "its", "suo", "sua", "loro", "его", "ее", "их", "свой", "своя", "my", "мой"))
_SAME = frozenset(("stesso", "stessa", "same", "тот", "та", "том", "того", "même", "mismo", "misma"))
_PLACING = frozenset(("in", "at", "from", "of", "near", "around"))
_LONG_NAME = 10
_MANY = 200
_NAMING = frozenset(("person", "name", "role", "org", "actor"))


def hold(reader: Reader, sentence: Sentence, mention: Mention) -> Holder:
    """The holder that a phrase gives: itself, or whom it takes up."""
    if _is_vague(sentence, mention, reader.lex):
        return Holder()
    written = written_as(reader, sentence, mention)
    own = own_name(reader, sentence, mention)
    if mention.kind in ("person", "name", "actor") and own:
        return Holder(written, own)
    keys = [t.key for t in sentence.tokens[mention.start : mention.end]]
    found = _taken_up(reader, sentence, _asked(reader, sentence, mention, keys), own, written)
    return Holder(written, found.name)


def _is_vague(sentence: Sentence, mention: Mention, lex: Lexicon) -> bool:
    """Whether a phrase is nobody in particular: "analysts", "some", a news agency; not "the source"."""
    if mention.kind != "vague":
        return mention.kind == "agency"
    keys = [t.key for t in sentence.tokens[mention.start : mention.end]]
    placed = lex.lang == "en" and mention.end < len(sentence.tokens) and sentence.tokens[mention.end].key in _PLACING
    if placed and keys[0] not in lex.words["quantifiers"]:
        # "Traders in Rotterdam said": known by where they are.
        return False
    bare = len(stems([k for k in keys if k not in lex.words["quantifiers"]], lex)) <= 1
    plural = is_plural(mention, sentence.tokens, lex) or keys[0] in lex.words["quantifiers"] or len(keys) == 1
    return bare and plural and not _SAME & set(keys)


def taken_up(reader: Reader, sentence: Sentence, sort: str, wanted: Wanted, written: str = "") -> Holder:
    """Whom an unsaid subject, a quote that goes on or "in his view" means; as `written`, else as last written."""
    asked = Asked(sort, sort, wanted, frozenset(), frozenset(), "-", reader.at, _state(reader, sentence))
    found = _taken_up(reader, sentence, asked, "", "")
    return Holder(written or found.written, found.name)


def _taken_up(reader: Reader, sentence: Sentence, asked: Asked, own: str, written: str) -> Holder:
    found = options(asked, own, written, list(reader.entities.values()), reader.roles, reader.lex)
    if not found:
        return Holder()
    chosen = found[reader.judge.name(reader.at, found)]
    return Holder(chosen.written, chosen.name)


def _state(reader: Reader, sentence: Sentence) -> tuple[str, ...]:
    return ("quoted" if sentence.pieces else "plain", "same" if sentence.paragraph == reader.paragraph else "new")


def _asked(reader: Reader, sentence: Sentence, mention: Mention, keys: list[str]) -> Asked:
    """A phrase as its resolution sees it: pronouns by what they agree with, others by kind, article and size."""
    lex, state = reader.lex, _state(reader, sentence)
    if mention.kind == "pronoun":
        wanted = meant_by(keys[-1], lex)
        if sentence.pieces and wanted.person is None and not wanted.plural:
            # "он" may be a firm, but not where it speaks.
            wanted = wanted._replace(person=True)
        sort = "who" if keys[-1] in RELATIVE else "they" if wanted.plural else f"he{wanted.gender}{wanted.person}"
        return Asked(sort, sort, wanted, frozenset(), frozenset(), "-", reader.at, state)
    words, heads = stems(keys, lex), heads_of(keys, lex)
    first = keys[0] if keys[0] in lex.words["determiners"] else "-"
    article = "same" if _SAME & set(keys) else "a" if first in _INDEFINITE else "his" if first in _HIS else "the"
    capital = any(t.cap for t in sentence.tokens[max(mention.start, 1) : mention.end])
    kind = f"{mention.kind},{article}"
    sort = f"{kind},{min(len(words), 3)},{capital}"
    person = True if mention.kind in ("role", "person") else False if mention.kind in ("org", "actor") else None
    wanted = Wanted(person, gender_of(mention, sentence.tokens, lex), is_plural(mention, sentence.tokens, lex))
    standing = any(k in lex.words["standing"] for k in keys)
    after = _after(sentence.tokens, mention.end, lex)
    alike = synonyms(keys)
    return Asked(sort, kind, wanted, words, heads, first, reader.at, state, standing, after, alike)


def _after(tokens: list[Token], end: int, lex: Lexicon) -> str:
    """What follows a phrase: "P" for a preposition, which makes it somebody new ("a source | in the cabinet")."""
    if end >= len(tokens) or not tokens[end].text[0].isalnum():
        return "mark"
    return "P" if tokens[end].key in lex.words["stop"] | lex.words["connectors"] | lex.locative else "word"


def introduce(reader: Reader, sentences: Iterable[Sentence]) -> None:
    """Keep from the start whom the document will name in full: headlines and openings speak of them before."""
    lex = reader.lex
    for sentence in sentences:
        _abbreviations(reader, sentence)
    reader.roles = reader.people.role_stems()
    for name in reader.people.full.values():
        if len(name) > 1:
            full = people.nominative(name, lex)
            gender = reader.people.gender_of(full)
            entity = _add(reader, Entity(full, full, "person", True, gender, False, NEVER, NEVER))
            entity.words |= stems(full, lex)


def _abbreviations(reader: Reader, sentence: Sentence) -> None:
    """Short names in brackets: "the Office of Foreign Assets Control (OFAC)"."""
    tokens = sentence.tokens
    for i in range(1, len(tokens) - 2):
        short = tokens[i + 1].text
        if tokens[i].text == "(" and tokens[i + 2].text == ")" and short.isupper() and len(short) > 1:
            start = _full_start(tokens, i, reader.lex)
            if start >= 0:
                reader.short.setdefault(short, people.actor_name(reader.text, tokens[start:i], reader.lex))


def _full_start(tokens: list[Token], end: int, lex: Lexicon) -> int:
    """Where the name that ends before a bracket begins: at its noun with a capital; -1 if there is none."""
    for at in range(end - 1, max(-1, end - _LONG_NAME), -1):
        if not tokens[at].text[0].isalnum():
            break
        if tokens[at].cap and tokens[at].key in lex.words["orgs"]:
            while at > 0 and tokens[at - 1].cap and at - 1 > 0:
                at -= 1
            return at
    named = to_the_left(tokens, end, lex)
    return named.start if named is not None and named.kind in ("org", "actor", "name") and named.end == end else -1


def see(reader: Reader, sentence: Sentence, mentions: Iterable[Mention]) -> None:
    """Keep whom a sentence names, for later phrases to take up; of phrases that begin together the shortest."""
    ends: dict[int, Mention] = {}
    for mention in mentions:
        if mention.start not in ends or mention.end < ends[mention.start].end:
            ends[mention.start] = mention
    for mention in ends.values():
        if mention.kind in _NAMING and (name := own_name(reader, sentence, mention)):
            entity = _entity(reader, sentence, mention, name)
            entity.seen += 1


def notice(reader: Reader, sentence: Sentence, topic: Mention | None, held: Mention | None) -> None:
    """Keep the likeliest subject of a sentence and its holder."""
    if topic is not None and topic.kind in _NAMING and (name := own_name(reader, sentence, topic)):
        _entity(reader, sentence, topic, name).topic_at = reader.at
    holder = sentence.holder
    if not holder.name:
        return
    if holder.name in reader.entities:
        entity = reader.entities[holder.name]
        entity.at, entity.place = reader.at, sentence.end
        entity.written = holder.written or entity.written
    elif held is not None:
        entity = _entity(reader, sentence, held, holder.name)
    else:
        entity = _add(reader, Entity(holder.name, holder.written, "person", True, "", False, reader.at, sentence.end))
    if held is not None and held.kind != "pronoun":
        entity.words |= stems([t.key for t in sentence.tokens[held.start : held.end]], reader.lex)
    entity.held_at, entity.held = reader.at, entity.held + 1
    if holder.quote != "none":
        entity.spoke_at, reader.speaker = reader.at, holder


def _entity(reader: Reader, sentence: Sentence, mention: Mention, name: str) -> Entity:
    """The entity of a name, now named again."""
    lex, tokens = reader.lex, sentence.tokens
    person = mention.kind in ("person", "role") or reader.people.knows(tuple(name.split()))
    written = written_as(reader, sentence, mention)
    place = tokens[mention.end - 1].end
    entity = reader.entities.get(name)
    if entity is None:
        gender = (reader.people.gender_of(name) if person else "") or gender_of(mention, tokens, lex)
        plural = is_plural(mention, tokens, lex)
        entity = _add(reader, Entity(name, written, mention.kind, person, gender, plural, reader.at, place))
        entity.words |= stems(name, lex)
    entity.at, entity.place, entity.written = reader.at, place, written
    before = tokens[mention.start - 1].key if mention.start else ""
    entity.free |= before not in lex.words["stop"] | lex.locative
    entity.words |= stems([t.key for t in tokens[mention.start : mention.end]], lex)
    return entity


def _add(reader: Reader, entity: Entity) -> Entity:
    """Keep an entity; of too many those named last are kept, for whoever is far away is taken up no more."""
    if len(reader.entities) >= _MANY:
        latest = sorted(reader.entities.values(), key=lambda e: (-e.place, e.name))[: _MANY // 2]
        reader.entities = {e.name: e for e in latest}
    reader.entities[entity.name] = entity
    return entity
