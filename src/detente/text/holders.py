"""Who holds each sentence of a document, as written there and by the fullest name, and how it is quoted."""

from detente.text import cues, interviews, people
from detente.text.capitals import is_shouted, lowered, named_words
from detente.text.lexicons import key, lexicon, names
from detente.text.naming import Holder, Reader, Sentence, hold, notice, remember
from detente.text.quotes import Span, direct
from detente.text.sentences import dateline
from detente.text.tokens import QUOTE, Token, tokenize
from detente.text.voices import Cue, before_colon

_TERMINAL = (".", "!", "?", "…", ":", ";", '"', "”", "»", "“", ")", "’", "'")
_NEAR = 2


def attribute(text: str, sentences: list[tuple[int, int]], *, lang: str) -> list[Holder]:
    """The holder of every sentence, in order."""
    lex = lexicon(lang)
    spans = direct(text, lang=lang)
    known = people.gather([tokenize(text, start=a, end=b) for a, b in sentences], lex)
    found = _prepare(text, sentences, spans, known)
    reader = Reader(text, lex, known)
    for sentence in found:
        _add_speakers(known, sentence)
    interviews.settle(text, found, known)
    for i, sentence in enumerate(found):
        if sentence.settled:
            continue
        if sentence.pieces:
            _settle_direct(reader, found, i)
        else:
            _settle_plain(reader, found, i)
    _settle_headline(found)
    return [sentence.holder for sentence in found]


def _add_speakers(known: people.People, sentence: Sentence) -> None:
    """People who are named only as somebody who says something."""
    for cue in sentence.cues:
        mention = cue.mention
        if mention is None or mention.kind not in ("name", "person") or not 2 <= len(mention.name) <= 4:
            continue
        if not any(key(word) in names().companies for word in mention.name):
            known.add(mention.name, mention.role)


def _settle_headline(sentences: list[Sentence]) -> None:
    """A quote in a headline that names no speaker is taken from the speech below that shares most words."""
    for sentence in sentences[:2]:
        if not (sentence.pieces and not sentence.holder.name):
            continue
        wanted = {t.key for t in _inside(sentence)}
        spoken = [s for s in sentences[2:] if s.holder.quote == "direct" and s.holder.name]
        if spoken:
            best = max(spoken, key=lambda s: len(wanted & {t.key for t in _inside(s)}))
            sentence.holder = best.holder._replace(quote="direct")


def _inside(sentence: Sentence) -> list[Token]:
    return [t for t in tokenize(sentence.words) if len(t.key) > 3]


def _prepare(text: str, sentences: list[tuple[int, int]], spans: list[Span], known: people.People) -> list[Sentence]:
    found: list[Sentence] = []
    first = paragraph = 0
    for start, end in sentences:
        while first < len(spans) and spans[first].end <= start:
            first += 1
        pieces = [k for k in range(first, len(spans)) if spans[k].start < end]
        pieces = [k for k in pieces if _has_word(text, max(start, spans[k].start), min(end, spans[k].end))]
        tokens = _tokens(text, start + dateline(text[start:end]), end, [spans[k] for k in pieces])
        if is_shouted(text[start:end]):
            tokens = lowered(tokens, named_words(text))
        if found and "\n" in text[found[-1].end : start]:
            paragraph += 1
        line_end = text.find("\n", end)
        alone = (not found or "\n" in text[found[-1].end : start]) and not text[
            end : None if line_end < 0 else line_end
        ].strip()
        headline = alone and end - start < 160 and not text[start:end].rstrip("*_ ").endswith(_TERMINAL)
        headline = headline or (alone and not found)
        found.append(
            Sentence(
                start,
                end,
                text[start:end],
                tokens,
                pieces,
                cues.find(tokens, known.lex, headline=headline, knows=known.knows),
                headline,
                paragraph,
            )
        )
    return found


def _has_word(text: str, start: int, end: int) -> bool:
    return any(c.isalnum() for c in text[start:end])


def _tokens(text: str, start: int, end: int, spans: list[Span]) -> list[Token]:
    """The tokens of a sentence, each stretch of direct speech as one token."""
    found: list[Token] = []
    at = start
    for span in spans:
        left, right = max(span.start, start), min(span.end, end)
        if left > at:
            found.extend(tokenize(text, start=at, end=left))
        found.append(Token(QUOTE, QUOTE, left, right, False))
        at = max(at, right)
    found.extend(tokenize(text, start=at, end=end))
    return found


def _settle_direct(reader: Reader, sentences: list[Sentence], at: int) -> None:
    """A sentence with direct speech takes the speaker of its speech, wherever he is named."""
    group = _speech(sentences, at)
    for k in group:
        cue = _nearest(sentences[k])
        if cue is not None and not _is_agency(cue):
            holder = hold(reader, sentences[k], cue, "direct")
            kind = cue.mention.kind if cue.mention else "pronoun"
            break
    else:
        kind = "pronoun"
        holder = _neighbour(reader, sentences, group)
    for k in group:
        if not sentences[k].settled:
            sentences[k].holder, sentences[k].settled = holder._replace(quote="direct"), True
    notice(reader, sentences[at])
    remember(reader, holder, kind)


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
    return min(spoken, key=lambda c: (min(_gap(c, p) for p in places), c.start))


def _gap(cue: Cue, place: int) -> int:
    start = min(cue.start, cue.mention.start) if cue.mention else cue.start
    end = max(cue.end, cue.mention.end) if cue.mention else cue.end
    return start - place if place < start else max(0, place - end)


def _is_agency(cue: Cue) -> bool:
    return cue.mention is not None and cue.mention.kind == "agency"


def _neighbour(reader: Reader, sentences: list[Sentence], group: list[int]) -> Holder:
    """The speaker of a quote that names none: announced before, pointed back at, or the last speaker."""
    before = sentences[group[0] - 1] if group[0] else None
    after = sentences[group[-1] + 1] if group[-1] + 1 < len(sentences) else None
    leads = before_colon(sentences[group[0]].tokens, reader.lex)
    lead = next((m for m in leads if m.kind != "name" or reader.people.knows(m.name)), None)
    if lead is not None:
        return hold(reader, sentences[group[0]], Cue("colon", lead.start, lead.end, lead), "direct")
    if before is not None and reader.text[before.start : before.end].rstrip().endswith(":"):
        found = [c for c in before.cues if c.mention is not None]
        if found:
            return hold(reader, before, found[-1], "direct")
    if after is not None and not after.pieces:
        for cue in after.cues:
            if cue.pointing and cue.mention is not None:
                return hold(reader, after, cue, "direct")
    if before is not None and before.holder.name and before.holder.quote != "none":
        return before.holder
    inner = [c for c in sentences[group[0]].cues if c.kind == "act"]
    if inner and inner[0].mention is not None and inner[0].mention.kind != "org":
        return hold(reader, sentences[group[0]], inner[0], "direct")
    if before is not None and before.cues and before.cues[0].mention and before.cues[0].mention.kind == "person":
        return hold(reader, before, before.cues[0], "direct")
    return reader.speaker


def _settle_plain(reader: Reader, sentences: list[Sentence], at: int) -> None:
    sentence = sentences[at]
    sentence.settled = True
    cue = _whose_view(sentence.cues)
    if cue is None:
        if sentence.cues:
            sentence.holder = Holder("", "", "indirect")
        notice(reader, sentence)
        return
    quote = "none" if cue.kind == "act" else "indirect"
    sentence.holder = hold(reader, sentence, cue, quote)._replace(weak=cue.weak)
    if cue.pointing and at and sentence.holder.name:
        before = sentences[at - 1]
        if not before.holder.name and not before.headline and not before.cues and not before.pieces:
            before.holder = sentence.holder._replace(quote="indirect")
    notice(reader, sentence)
    remember(reader, sentence.holder, cue.mention.kind if cue.mention else "pronoun")


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
