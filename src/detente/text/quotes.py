"""Words in quotation marks: where they are, and which of them are direct speech."""

import re
from bisect import bisect_left
from typing import NamedTuple

from detente.text.endings import DEED_RU
from detente.text.lexicons import Lexicon, key, lexicon
from detente.text.tokens import words as token_words

_OPEN = {"«": "»", "“": "”", "„": "“", "‹": "›", "‘": "’"}
_SCARE = 3
_LONG = 9
_REACH = 3
_DEPTH = 3
_DASH_SPEECH = re.compile(r"^[ \t>*]*[—–-][ \t]+(?=[«“\"„A-ZА-ЯЁÀ-ÝІЇЄҐ¿¡])", re.MULTILINE)
_CUT = re.compile(r"[,.!?…]?[»”\"]?\s+[—–-]\s+")
_FINITE_RU = re.compile(
    r"(?:[ауюеиоя]ет|[ую]т|[ая]т|ит|ает|[аеиы]ем|им|ал|ил|ала|ила|али|или|ло|лся|ется|ются|ится|аем|яем)$"
)
_FINITE_IT = re.compile(r"(?:\w{3,}(?:rà|ranno|remo|rebbe|rebbero|iamo|avano|evano|ano|ono))$")
_SPOKEN_RU = re.compile(
    r"\w{2,}(?:[аяиеуыё]л[аи]?|[аяиеуы]л(?:ся|ась|ись)|[аяуеи]ет(?:ся)?|[аяуеи]ют(?:ся)?|[иы]т(?:ся)?|[ая]т(?:ся)?|рёк|рек)$"
)
# Speech after a dash inside a paragraph, and the places where its attribution may begin and end.
_INLINE = re.compile(r"(?<=[.!?…»] )[—–]\s+(?=[«А-ЯЁІЇЄҐ])")
_INLINE_CUT = re.compile(r"[,!?…]\s+[—–]\s+(?=[а-яёіїєґ])")
_INLINE_END = re.compile(r"[.,]\s+[—–]\s+|[.!?…](?=\s|$)")
_ENDED = re.compile(r"[.!?…]+(?=\s|$)")
_BACK = 40
# Characters of speech after a dash within which its attribution is looked for.
_LONGEST = 2000
_WORDS = re.compile(r"[^\W\d_]+")
# What stands before a name or a title in marks.
_TITLE = re.compile(
    r"(?:motto|titel|namen?|heißt|lautet|überschrift|film|lied|buch|werk|genannte[nrs]?|firma|titled|called|movie|book"
    r"|intitolat[oa]|denominat[oa]|detto|под названием|книг[аиеу]|фильм|газет[аеуы])\W*$",
    re.IGNORECASE,
)
_MARKS = re.compile(r"[«»“”„\"‹›‘’'\n]|``")


class Span(NamedTuple):
    """A stretch of direct speech, marks included."""

    start: int
    end: int


class Mark(NamedTuple):
    """A pair of quotation marks; `end` lies after the closing mark."""

    start: int
    end: int
    closed: bool


def direct(text: str, *, lang: str) -> list[Span]:
    """The stretches of direct speech in order, without scare quotes and titles, attributions cut out.

    Words in marks are direct speech when they make at least a clause. "«A, — said X. — B»" gives two.

    >>> direct('He said: "We are ready to talk."', lang="en")
    [Span(start=9, end=32)]
    """
    lex = lexicon(lang)
    found = [Span(m.start, m.end) for m in marks(text) if _is_clause(text, m, lex)]
    spans = [piece for span in found for piece in _without_attribution(text, span, lex)]
    spans += _dash_speech(text, lex, spans)
    return sorted({*spans, *_inline_speech(text, lex, sorted(spans))})


def attributed(text: str, *, lang: str) -> list[Span]:
    """All words of others in quotation marks, in order: direct speech and scattered words, no names and titles.

    >>> attributed("Er nannte es „reine Spekulation“ und las den „Spiegel“.", lang="de")
    [Span(start=13, end=32)]
    """
    spoken = direct(text, lang=lang)
    found = [s for s in spoken if not _TITLE.search(text[max(0, s.start - _BACK) : s.start])]
    for mark in marks(text):
        inner = text[mark.start + 1 : mark.end - mark.closed].strip()
        names_only = all(word[0].isupper() for word in _WORDS.findall(inner))
        before = text[max(0, mark.start - _BACK) : mark.start]
        # "der Film „Eine unbequeme Wahrheit“": in German the noun before a title has a capital.
        noun = _WORDS.findall(before)[-1:] if before.rstrip()[-1:].isalpha() else []
        titled = lang == "de" and bool(noun) and noun[0][0].isupper() and not inner[:1].islower()
        titled = titled or (inner[:1].isupper() and len(_WORDS.findall(inner)) <= _SCARE + 1)
        taken = any(s.start < mark.end and mark.start < s.end for s in spoken)
        if not (names_only or titled or taken or _TITLE.search(before)):
            found.append(Span(mark.start, mark.end))
    return sorted(found)


def marks(text: str) -> list[Mark]:
    """The outermost pairs of quotation marks in order; one that never closes ends with its paragraph."""
    found: list[Mark] = []
    stack: list[tuple[int, str]] = []
    for match in _MARKS.finditer(text):
        at, sign = match.start(), match.group()[0]
        if sign == "\n":
            if stack and not _closes_later(text, at, stack[0][1]):
                found.append(Mark(stack[0][0], at, False))
                stack.clear()
            continue
        closer = _closer(text, at, sign, stack)
        if closer == "close":
            depth = next(i for i in range(len(stack) - 1, -1, -1) if sign in stack[i][1])
            opened = stack[depth][0]
            del stack[depth:]
            if not stack:
                found.append(Mark(opened, at + len(match.group()), True))
        elif closer and len(stack) < _DEPTH:
            stack.append((at, closer))
    if stack:
        found.append(Mark(stack[0][0], len(text.rstrip()), False))
    return [m for m in found if m.end - m.start > 2]


def _closes_later(text: str, at: int, closers: str) -> bool:
    """Whether a quote of directed marks goes on over a line break: its end comes before a new beginning."""
    if closers[0] not in "»”“":
        return False
    opener = {"»": "«", "”": "“", "“": "„"}[closers[0]]
    after = text[at : at + 1500]
    if after.count("\n\n") > 2 * _REACH:
        after = "\n\n".join(after.split("\n\n")[: 2 * _REACH])
    close, again = after.find(closers[0]), after.find(opener)
    return close >= 0 and (again < 0 or close < again)


def _closer(text: str, at: int, sign: str, stack: list[tuple[int, str]]) -> str:
    """The marks that close a quote opened here, "close" if the sign closes one, or "" for an apostrophe."""
    before = text[at - 1] if at else " "
    after = text[at + 1] if at + 1 < len(text) else " "
    opens = (before.isspace() or before in "([—–-/«“„\"'‘:*_") and not after.isspace()
    waiting = any(sign in closers for _, closers in stack)
    if sign in "'’‘":
        return _apostrophe(text, at, sign, stack, opens=opens, waiting=waiting)
    if sign in '"`':
        top = bool(stack) and sign in stack[-1][1]
        if waiting and (top or not opens) and not (opens and not before.isspace() and not top):
            return "close"
        return sign if opens or not waiting else ""
    if sign == "»" and opens and not waiting and after.isalpha():
        return "«"
    if waiting and not (sign in "“" and opens and "„" not in text[stack[-1][0]]):
        return "close"
    if sign == "”" and opens and after.isalnum():
        return "”"
    if sign == "„":
        return '“”"'
    return _OPEN.get(sign, "")


def _apostrophe(text: str, at: int, sign: str, stack: list[tuple[int, str]], *, opens: bool, waiting: bool) -> str:
    after = text[at + 1] if at + 1 < len(text) else " "
    if waiting and not after.isalnum():
        return "close"
    if not opens or waiting or not after.isalnum():
        return ""
    closer = "’" if sign == "‘" else sign
    if sign == "’":
        return ""
    end = re.search(rf"(?<=[\w.,!?…%)]){closer}(?!\w)", text[at + 1 : at + 900].split("\n")[0])
    inside = text[at + 1 : at + 1 + end.start()] if end else ""
    return closer if inside and (" " in inside or inside[-1] in ".,!?") else ""


def _is_clause(text: str, mark: Mark, lex: Lexicon) -> bool:
    """Whether quoted words are speech: a whole sentence, or enough words with a finite verb."""
    inner = text[mark.start + 1 : mark.end - mark.closed].strip()
    inside = [key(w) for w in token_words(inner) if w[0].isalnum()]
    finished = bool(re.search(r"[.!?…,]$", inner)) or text[mark.end : mark.end + 1] in (",",)
    raw = text[max(0, mark.start - 60) : mark.start].rstrip(" \t*>")
    before = raw.rstrip()
    led = before.endswith(":") or not before or raw.endswith("\n") or before[-1] in '.!?\n»”"'
    capital = inner[:1].isupper() or inner[:1] in "¿¡«"
    said = bool(re.match(r"[»”\"]?,?\s*[—–-]\s+[а-яёa-z]", text[mark.end - 1 : mark.end + 8]))
    if len(inside) <= _SCARE:
        spoken = bool(re.search(r"[.!?…]$", inner)) or (
            before.endswith(":") and (finished or text[mark.end : mark.end + 1] in (".", "!", "?"))
        )
        return bool(inside) and capital and (spoken or said or (finished and led))
    finite = _has_finite(inside, lex)
    if re.search(r"[.!?…]\s+\S", inner):
        return True
    if capital and (before.endswith(":") or said or (led and finished)):
        return True
    if finite:
        return len(inside) > 4 or capital or finished
    return len(inside) >= _LONG and capital


def _has_finite(inside: list[str], lex: Lexicon) -> bool:
    clause = lex.words["clause"]
    if any(word in clause for word in inside):
        return True
    if lex.lang in ("ru", "uk"):
        return any(len(word) > 4 and _FINITE_RU.search(word) for word in inside)
    if lex.lang == "it" and any(_FINITE_IT.search(word) for word in inside):
        return True
    return any(word in lex.say or word in lex.act for word in inside) and len(inside) > _SCARE + 2


def _without_attribution(text: str, span: Span, lex: Lexicon) -> list[Span]:
    """The quote without an attribution that stands inside its marks between dashes."""
    cuts = list(_CUT.finditer(text, span.start, span.end))
    pieces: list[Span] = []
    start = span.start
    index = 0
    while index < len(cuts):
        cut = cuts[index]
        stop = cuts[index + 1].start() if index + 1 < len(cuts) else span.end
        marked = cut.group()[0] in ",!?…"
        if cut.start() >= start and _is_said(text[cut.end() : min(stop, cut.end() + 120)], lex, marked=marked):
            pieces.append(Span(start, cut.start() + 1))
            start = cuts[index + 1].end() if index + 1 < len(cuts) else span.end
            index += 1
        index += 1
    if start < span.end and any(c.isalnum() for c in text[start : span.end]):
        pieces.append(Span(start, span.end))
    return pieces


def _is_said(words: str, lex: Lexicon, *, marked: bool) -> bool:
    """Whether the words after a dash are an attribution: they begin in lower case with a reporting verb.

    After a mark of punctuation and a dash any Russian word that looks like a verb may report: "— Пора, — шепчет он".
    """
    keys = [key(w) for w in token_words(words)[:4]]
    if not words or not keys:
        return False
    verbs = (*lex.say, *lex.participles)
    found = keys[0] in lex.say or (keys[0] in lex.aux and any(k in lex.participles for k in keys[1:]))
    slavic = lex.lang in ("ru", "uk") and words[0].islower() and keys[0] not in lex.aux
    if slavic and (_SPOKEN_RU.search(keys[0]) or (marked and _is_deed(keys[0]))):
        return True
    return found or (
        words[0].islower() and keys[0] not in ("а", "но", "и", "ma", "e") and any(k in verbs for k in keys[1:3])
    )


def _is_deed(word: str) -> bool:
    return len(word) > _SCARE and DEED_RU.search(word) is not None


def _dash_speech(text: str, lex: Lexicon, taken: list[Span]) -> list[Span]:
    """Paragraphs that begin with a dash and carry an attribution between dashes."""
    found: list[Span] = []
    for match in _DASH_SPEECH.finditer(text):
        start = match.end()
        end = text.find("\n", start)
        span = Span(start, len(text) if end < 0 else end)
        if any(s.start < span.end and span.start < s.end for s in taken):
            continue
        pieces = _without_attribution(text, span, lex)
        if pieces != [span]:
            found.extend(pieces)
    return found


def _inline_speech(text: str, lex: Lexicon, taken: list[Span]) -> list[Span]:
    """Russian speech that begins after a dash inside a paragraph: its attribution tells it from a plain dash."""
    found: list[Span] = []
    starts = [s.start for s in taken]
    for match in _INLINE.finditer(text) if lex.lang in ("ru", "uk") else ():
        start = match.end()
        line = text.find("\n", start, start + _LONGEST)
        end = min(len(text), start + _LONGEST) if line < 0 else line
        cut = _INLINE_CUT.search(text, start, end)
        stop = _ENDED.search(text, start, end)
        before = taken[: bisect_left(starts, match.end())][-1:]
        inside = any(match.start() < s.end for s in (*before, *found[-2:]))
        if inside or cut is None or (stop is not None and stop.end() < cut.start()):
            continue
        if not _is_said(text[cut.end() : min(end, cut.end() + 120)], lex, marked=True):
            continue
        found.append(Span(start, cut.start() + 1))
        closing = _INLINE_END.search(text, cut.end(), end)
        if closing is not None and closing.group()[-1].isspace():
            last = _ENDED.search(text, closing.end(), end)
            found.append(Span(closing.end(), last.end() if last else end))
    return found
