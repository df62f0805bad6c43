"""Who holds each sentence of a document, as written there and by the fullest name, and how it is quoted."""

from collections.abc import Sequence

from detente.text import interviews, people
from detente.text.agreement import Wanted, meant_by
from detente.text.headlines import settle_headline
from detente.text.judging import Judge, Reading, Trained
from detente.text.lexicons import key, lexicon, names
from detente.text.mentions import Mention
from detente.text.naming import hold, introduce, notice, see, taken_up
from detente.text.places import View
from detente.text.preparing import prepare
from detente.text.quotes import Span, direct
from detente.text.reader import Holder, Reader, Sentence
from detente.text.readings import of_quote, principal, readings, topic_of
from detente.text.tags import tags_of
from detente.text.tokens import QUOTE, tokenize
from detente.text.voices import AUTHOR, Cue, before_colon

_NEAR = 2
_FEW = 3


def attribute(
    text: str,
    sentences: list[tuple[int, int]],
    *,
    lang: str,
    relevance: Sequence[float],
    judge: Judge | None = None,
) -> list[Holder]:
    """The holder of every sentence, in order.

    `relevance` is the probability, sentence by sentence, that it speaks of the target. `judge` decides between
    readings; other than the trained one it serves to fit that.
    """
    lex = lexicon(lang)
    known = people.gather([tokenize(text, start=a, end=b) for a, b in sentences], lex)
    turns = interviews.turns(text, known)
    spans = [s for s in direct(text, lang=lang) if not _is_turn(text, s, turns)]
    found = prepare(text, sentences, spans, known)
    reader = Reader(text, lex, known, judge or Trained())
    for sentence, likely in zip(found, relevance, strict=True):
        sentence.relevance, sentence.turn = likely, interviews.of(sentence.start, turns)
        _add_speakers(known, sentence)
    introduce(reader, found)
    for i, sentence in enumerate(found):
        if not sentence.settled:
            _settle(reader, found, i)
    settle_headline(found, known)
    return [sentence.holder for sentence in found]


def _is_turn(text: str, span: Span, turns: Sequence[interviews.Turn]) -> bool:
    """Whether what looks like dash speech is only the dash that opens a turn of an interview."""
    marked = text[span.start] in "«“\"„'‘‹`"
    return not marked and any(t.start <= span.start < t.end for t in turns)


def _add_speakers(known: people.People, sentence: Sentence) -> None:
    """People who are named only as somebody who says something."""
    for cue in sentence.cues:
        mention = cue.mention
        if mention is None or mention.kind not in ("name", "person") or not 2 <= len(mention.name) <= 4:
            continue
        if not any(key(word) in names().companies for word in mention.name):
            known.add(mention.name, mention.role, sentence.tokens[mention.start].start)


def _settle(reader: Reader, sentences: list[Sentence], at: int) -> None:
    """Give a sentence, and those that its direct speech runs over, the reading that is chosen."""
    reader.at = at
    group = _speech(sentences, at) if sentences[at].pieces else [at]
    views = {k: _view(reader, sentences, k) for k in group}
    found = readings(views, reader)
    chosen = found[reader.judge.hold(at, found)]
    sentence = sentences[chosen.at]
    own = chosen.mention is not None and _is_own(sentence, chosen.mention)
    holder = _holder(reader, sentences, group, found, chosen, own=own)
    if chosen.kind == "phrase" and not holder.name and not own:
        # "Analysts say": reported, and held by nobody.
        chosen = next(r for r in found if r.kind == "nobody")
    for k in group:
        if not sentences[k].settled:
            features = of_quote(views[k], sentences[k], chosen, holder, reader.lex)
            quote = reader.judge.quote(k, features)
            # Where nothing stands outside the marks there is nothing to weigh.
            sentences[k].holder = holder._replace(quote="direct" if holder.name and _is_speech(sentences[k]) else quote)
            sentences[k].settled = True
    _give_back(sentences, at)
    notice(reader, sentence, topic_of(found, chosen.at), None if own else chosen.mention)
    reader.paragraph = sentences[group[-1]].paragraph


def _is_speech(sentence: Sentence) -> bool:
    """Whether a sentence stands in direct speech from its first word to its last."""
    return bool(sentence.pieces) and all(t.text == QUOTE or not t.text[0].isalnum() for t in sentence.tokens)


def _holder(
    reader: Reader, sentences: list[Sentence], group: list[int], found: list[Reading], chosen: Reading, *, own: bool
) -> Holder:
    """The holder by the reading chosen; on the way, whom else the sentence names is kept in the order of the text."""
    sentence = sentences[chosen.at]
    mentions = [r.mention for r in found if r.mention is not None and r.at == chosen.at]
    turn, mention = sentence.turn, chosen.mention
    answer = Holder(turn.label, turn.name) if turn is not None and not turn.asks else Holder()
    if mention is not None and not own:
        mention = principal(sentence.tokens, mention, reader)
        see(reader, sentence, (m for m in mentions if m.end <= mention.start))
        holder = hold(reader, sentence, mention)
        see(reader, sentence, (m for m in mentions if m.end > mention.start))
    elif chosen.kind == "before" and not answer.name:
        holder = _before(reader, sentences, group, chosen.at, mentions)
    else:
        holder = answer
        see(reader, sentence, mentions)
    return holder


def _is_own(sentence: Sentence, mention: Mention) -> bool:
    """Whether a phrase is "I" or "we": whoever speaks anyway, the author where nobody does."""
    return mention.kind == "pronoun" and sentence.tokens[mention.start].key in AUTHOR


def _view(reader: Reader, sentences: list[Sentence], at: int) -> View:
    sentence = sentences[at]
    chosen = _nearest(sentence) if sentence.pieces else None
    chosen = chosen or _whose_view(sentence.cues)
    state = _state(reader, sentences, at)
    return View(
        sentence.tokens,
        tags_of(sentence.tokens, reader.lex),
        sentence.cues,
        chosen,
        sentence.headline,
        sentence.relevance,
        state,
    )


def _state(reader: Reader, sentences: list[Sentence], at: int) -> tuple[str, ...]:
    """In which surroundings a sentence stands."""
    sentence = sentences[at]
    found = ["quoted" if sentence.pieces else "plain", "article" if len(sentences) > _FEW else "alone"]
    if sentence.turn is not None:
        turn = "asks" if sentence.turn.asks else "answers"
        found += [f"turn={turn}", f"turn={turn},{sentence.turn.layout}"]
    if at:
        before = sentences[at - 1]
        held = before.holder.quote if before.holder.name else "author"
        same = before.paragraph == sentence.paragraph
        found += [f"after={held}", f"after={held},{'same' if same else 'new'}"]
        if reader.text[before.start : before.end].rstrip().endswith(":"):
            found.append("led")
        if held == "author" and not before.pieces:
            fresh = any(e.topic_at == at - 1 for e in reader.entities.values())
            found.append("fresh" if fresh else "stale")
    else:
        found.append("first")
    if sentence.pieces:
        found.append("speaks" if reader.speaker.name else "nobody_yet")
    return tuple(found)


def _before(reader: Reader, sentences: list[Sentence], group: list[int], at: int, mentions: list[Mention]) -> Holder:
    """The voice heard before: who spoke or acted last, or whom "in his view" means; `mentions` are those of `at`."""
    sentence = sentences[at]
    him = next((c for c in sentence.cues if c.kind == "him"), None)
    if him is not None:
        see(reader, sentence, (m for m in mentions if m.end <= him.start))
        words = reader.text[sentence.tokens[him.start].start : sentence.tokens[him.end - 1].end]
        told = (meant_by(word, reader.lex) for word in words.split())
        wanted = next((w for w in told if w != Wanted(True, "", False)), Wanted(True))
        holder = taken_up(reader, sentence, f"his{wanted.gender}", wanted, words)
        see(reader, sentence, (m for m in mentions if m.end > him.start))
        return holder
    announced = _announced(reader, sentences, group) if sentence.pieces else None
    if announced is None:
        sort = "goes_on" if sentence.pieces else "unsaid"
        announced = taken_up(reader, sentence, sort, Wanted(plural=_number(sentence, reader)))
    see(reader, sentence, mentions)
    return announced


def _number(sentence: Sentence, reader: Reader) -> bool | None:
    """Whether the verb that opens an Italian or Spanish sentence is plural; None where that cannot be told."""
    if reader.lex.lang not in ("it", "es"):
        return None
    opening = [t.key for t in sentence.tokens[:5] if t.text[0].isalpha()]
    verb = next((k for k in opening[:3] if k in reader.lex.aux or k in reader.lex.say), "")
    return verb.endswith("no") if verb else None


def _give_back(sentences: list[Sentence], at: int) -> None:
    """What a sentence reports that the next points back at ("This was said by ...") is the next one's."""
    cue = sentences[at].cues[0] if sentences[at].cues else None
    if not (at and cue and cue.pointing and sentences[at].holder.name):
        return
    before = sentences[at - 1]
    if not before.holder.name and not before.headline and not before.cues and not before.pieces:
        before.holder = sentences[at].holder._replace(quote="indirect")


def _speech(sentences: list[Sentence], at: int) -> list[int]:
    """The sentences that one stretch of speech runs over, also when an attribution cuts it."""
    group = [at]
    while group[-1] + 1 < len(sentences):
        here, following = sentences[group[-1]], sentences[group[-1] + 1]
        shared = bool(set(here.pieces) & set(following.pieces))
        goes_on = (
            following.pieces
            and here.paragraph == following.paragraph
            and following.tokens[0].text in (QUOTE, "—", "–", "-")
            and not any(c.kind != "act" for c in following.cues)
        )
        if not (shared or goes_on):
            break
        group.append(group[-1] + 1)
    return group


def _nearest(sentence: Sentence) -> Cue | None:
    """The attribution that stands nearest to direct speech."""
    places = [i for i, t in enumerate(sentence.tokens) if t.text == QUOTE]
    spoken = [c for c in sentence.cues if c.kind != "act" and not (c.mention and c.mention.kind == "agency")]
    if not spoken:
        return None
    return min(spoken, key=lambda c: (min((_gap(c, p) for p in places), default=0), c.start))


def _gap(cue: Cue, place: int) -> int:
    start = min(cue.start, cue.mention.start) if cue.mention else cue.start
    end = max(cue.end, cue.mention.end) if cue.mention else cue.end
    return start - place if place < start else max(0, place - end)


def _is_agency(cue: Cue) -> bool:
    return cue.mention is not None and cue.mention.kind == "agency"


def _announced(reader: Reader, sentences: list[Sentence], group: list[int]) -> Holder | None:
    """The speaker of a quote that names none, where a colon before it or a sentence after it tells."""
    before = sentences[group[0] - 1] if group[0] else None
    after = sentences[group[-1] + 1] if group[-1] + 1 < len(sentences) else None
    leads = before_colon(sentences[group[0]].tokens, reader.lex)
    lead = next((m for m in leads if m.kind != "name" or reader.people.knows(m.name)), None)
    if lead is not None:
        return hold(reader, sentences[group[0]], lead)
    if before is not None and reader.text[before.start : before.end].rstrip().endswith(":"):
        if before.holder.name:
            return before.holder
        found = [c.mention for c in before.cues if c.mention is not None]
        if found:
            return hold(reader, before, found[-1])
    if after is not None and not after.pieces:
        for cue in after.cues:
            if cue.pointing and cue.mention is not None:
                return hold(reader, after, cue.mention)
    return None


def _whose_view(found: list[Cue]) -> Cue | None:
    """Of reports within reports the innermost voice; agencies that only carry the words do not count."""
    voiced = [c for c in found if not _is_agency(c)]
    if not voiced:
        return None
    if voiced[-1].trailing:
        return voiced[-1]
    voiced = [c for c in voiced if not c.weak] or voiced
    first = next((c for c in voiced if c.mention is not None or not c.gerund), voiced[0])
    for cue in voiced[1:]:
        inner = cue.mention is not None and cue.mention.kind not in ("pronoun", "document", "vague")
        if inner and not cue.outer and cue.kind in ("say", "according") and _is_inside(first, cue):
            first = cue
    if first.kind == "him" and first.mention is None:
        named = [c for c in voiced if c.mention is not None]
        return named[0] if named else first
    return first


def _is_inside(outer: Cue, inner: Cue) -> bool:
    """Whether a voice stands in what the other reports: it follows at once."""
    if outer.mention is not None and outer.mention.kind == "document":
        return True
    end = max(outer.end, outer.mention.end if outer.mention else 0)
    start = min(inner.start, inner.mention.start if inner.mention else inner.start)
    return 0 <= start - end <= _NEAR
