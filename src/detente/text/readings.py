"""The readings of who holds a sentence, and the choice among them by the trained weights."""

from collections.abc import Iterator, Sequence

from detente.text.candidates import candidates
from detente.text.evidence import of_before, of_nobody, of_phrase, whole
from detente.text.forms import of_form, of_unsaid
from detente.text.judging import Reading
from detente.text.lexicons import Lexicon
from detente.text.mentions import Mention, is_role
from detente.text.people import stem_of
from detente.text.places import View
from detente.text.reader import Holder, Reader, Sentence
from detente.text.tags import is_verb_shaped
from detente.text.tokens import QUOTE, Token
from detente.text.weights import score

_APART = 4
# Words of an insertion behind a name; among the first of them stands the role that it tells.
_INSERTION = 14
_EARLY = 3
_AGES = frozenset(("anni", "anno", "years", "old", "year", "aged", "лет", "года", "год", "jahre", "ans", "años"))
# What is beyond doubt outweighs whatever the weights say.
_SURE = 6.0


def readings(views: dict[int, View], reader: Reader) -> list[Reading]:
    """The readings of a sentence, or of those that one stretch of direct speech runs over."""
    found: list[Reading] = []
    model = reader.judge.models.holders
    for at, view in views.items():
        phrases = _phrases(view, reader)
        starts = sorted({m.start for m in phrases})
        for mention in phrases:
            rank = starts.index(mention.start)
            features = of_phrase(view, mention, rank, reader.lex) + _in_document(reader, mention, view, reader.lex)
            full = reader.people.name_of(mention.name) if mention.name and reader.people.knows(mention.name) else ""
            features += of_form(view.tokens, view.tags, mention, full, reader.lex)
            if view.chosen is not None and view.chosen.kind == "say" and view.chosen.mention is None:
                features += of_unsaid(view.tokens, mention, view.chosen.end, mention.kind)
            sure = _SURE if _heads_headline(view, mention, reader) else 0.0
            found.append(Reading("phrase", at, mention, features, score(model, features) + sure))
    # Where speech runs over several sentences, the one that tells whose it is.
    first = next((at for at, view in views.items() if view.chosen is not None), next(iter(views)))
    kinds = [r.mention.kind for r in found if r.mention is not None]
    features = of_nobody(views[first], kinds, reader.lex)
    found.append(Reading("nobody", first, None, features, score(model, features)))
    if reader.entities or len(views) > 1:
        features = of_before(views[first], kinds, reader.lex)
        found.append(Reading("before", first, None, features, score(model, features)))
    return found


def _heads_headline(view: View, mention: Mention, reader: Reader) -> bool:
    """Whether a headline names its speaker and goes on after a colon: "Peskov: no talks with Washington"."""
    follows = view.tokens[mention.end].text if mention.end + 1 < len(view.tokens) else ""
    known = mention.kind in ("person", "role") or (mention.kind == "name" and reader.people.knows(mention.name))
    return view.headline and mention.start == 0 and follows == ":" and known


def _phrases(view: View, reader: Reader) -> list[Mention]:
    """The phrases that may be the holder, with those only the grammar or the document sees, without "his words"."""
    him = {i for cue in view.cues if cue.kind == "him" for i in range(cue.start, cue.end)}
    found = [m for m in candidates(view.tokens, reader.lex) if not him & set(range(m.start, m.end))]
    for cue in view.cues:
        seen = cue.mention
        if seen is not None and not any(m.start < seen.end and seen.start < m.end for m in found):
            found.append(seen)
    for known in _people(view.tokens, reader):
        same = (m for m in found if m.kind in ("person", "name") and m.end == known.end)
        if not any(m.name == known.name for m in same):
            found.append(known)
    return sorted(found, key=lambda m: (m.start, -m.end))


def _people(tokens: list[Token], reader: Reader) -> Iterator[Mention]:
    """The full names of the document's people, wherever they stand."""
    start = 0
    for i, token in enumerate(tokens):
        start = i if not (token.cap and i and tokens[i - 1].cap) else start
        full = reader.people.full.get(stem_of(token.text, reader.lex), ()) if token.cap and i > start else ()
        first = i + 1 - len(full)
        if len(full) > 1 and first >= start and stem_of(tokens[first].text, reader.lex) == stem_of(full[0], reader.lex):
            yield Mention(first, i + 1, "person", tuple(t.text for t in tokens[first : i + 1]))


def _in_document(reader: Reader, mention: Mention, view: View, lex: Lexicon) -> list[str]:
    """What the document knows of a phrase: a person of it, the one who spoke last."""
    if not mention.name:
        return []
    known = reader.people.knows(mention.name)
    found = [f"known={known}", f"known={known},{mention.kind}"]
    if known:
        again = reader.people.name_of(mention.name) == reader.speaker.name
        found.append(f"again={again}")
    return found


def principal(tokens: list[Token], mention: Mention, reader: Reader) -> Mention:
    """The person whom a role describes: "Gleb Martynov, a partner at the firm", "посол России в США | Иванов"."""
    named = mention.name and reader.people.knows(mention.name)
    if named and mention.kind == "name":
        # "In Doha Igor Sechin spoke": the place is no part of the name.
        inner = (m for m in _people(tokens, reader) if m.end == mention.end and m.start > mention.start)
        return next(inner, mention)
    if named:
        return mention
    described = _described(tokens, mention, reader)
    if described is not None or mention.kind not in ("role", "person"):
        return described or mention
    for known in _people(tokens, reader):
        after, between = 0 <= known.start - mention.end <= _APART, tokens[mention.end : known.start]
        if after and all(t.text[0].isalnum() and not is_verb_shaped(t.key, "", reader.lex) for t in between):
            return known
        apart = known.start == mention.end + 1 and known.end < len(tokens) and tokens[mention.end].text == ","
        if mention.kind == "role" and apart and tokens[known.end].text == ",":
            return known
        if known.end == mention.start - 1 and tokens[mention.start - 1].text == ",":
            return known
    return mention


def _described(tokens: list[Token], mention: Mention, reader: Reader) -> Mention | None:
    """The person whom an insertion with the phrase describes: "Ann Lee, 51, deputy head of | the firm Kolaport"."""
    for known in _people(tokens, reader):
        between = tokens[known.end : mention.start]
        if not (1 <= len(between) <= _INSERTION and between[0].text == ","):
            continue
        words = [t for t in between if t.text[0].isalpha()]
        aged = all(t.text == "," or t.key[0].isdigit() or t.key in _AGES for t in between)
        role = next((i for i, t in enumerate(words) if is_role(t.key, reader.lex)), len(words))
        plain = all(t.text[0].isalnum() or t.text == "," for t in between)
        plain = plain and not any(is_verb_shaped(t.key, "", reader.lex) or t.key in reader.lex.aux for t in words)
        if plain and ((role <= _EARLY and role < len(words)) or (aged and mention.kind == "role")):
            return known
    return None


def topic_of(found: Sequence[Reading], at: int) -> Mention | None:
    """The phrase of a sentence that is likeliest to be its holder or subject, whether or not it has one."""
    phrases = [r for r in found if r.mention is not None and r.at == at]
    return max(phrases, key=lambda r: r.score).mention if phrases else None


def of_quote(view: View, sentence: Sentence, chosen: Reading, holder: Holder, lex: Lexicon) -> list[str]:
    """The evidence of how a sentence is quoted."""
    spoken = sum(t.end - t.start for t in view.tokens if t.text == QUOTE)
    share = spoken / max(1, sentence.end - sentence.start)
    own = chosen.features if chosen.mention is not None else []
    found = [
        "quote",
        f"share={int(5 * share)}",
        f"spoken={min(int(spoken / 25), 5)}",
        f"pieces={min(len(sentence.pieces), 2)}",
        f"holder={chosen.kind},{bool(holder.name)}",
        f"holder={chosen.kind},{bool(holder.name)},{bool(sentence.pieces)}",
        *whole(view, []),
        *(f"voice:{name}" for name in own if name.startswith(_ASIDE)),
    ]
    return found + [f"{lex.lang}:{name}" for name in found]


_ASIDE = ("grammar=", "word+1", "word-1", "right", "left", "V", "A", "S", "kind", "opens", "ending+1")
