"""Cutting a text into sentences with exact offsets.

Lines separate headlines, subheads and datelines; inside a line a sentence ends with its full stop,
question or exclamation mark and the closing quote or bracket after it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from detente.text.lexicons import Lexicon, key, lexicon, match_phrase

_END = re.compile(r"(?:[.!?…]+|[。！？])(?:\[\d+\]|[\"”“»›’')\]*_]|\s»)*(?=\s|$|[«„“—])")
_TERMINAL = re.compile(r"[.!?…:;,][\"”“»›’')\]*_\s]*$")
_RULE = re.compile(r"^\s*(?:[-*_=~#>|]\s*)+$|^\s*!\[[^\]]*\]\([^)]*\)\s*$|^\s*```.*$")
_LEADING = re.compile(r"^(?:\s|#{1,6}(?=\s)|>(?=\s)|[*_]{1,3}(?=[^\s*_])|[*+•·▪●](?=\s)|\[ \])+")
_HYPHEN_ITEM = re.compile(r"^-\s+(?!.*\s-\s)")
_TRAILING = re.compile(r"(?:\s|(?<=[^\s*_])[*_]{1,3}|\s#{1,6})+$")
_FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n.*?\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LAST_WORD = re.compile(r"([^\s(«\"“„‘\[—'’]*?)$")
_OPENERS = "«“„\"'‘‹([—–-*_"
_WIRES = (
    r"(?:ТАСС|РИА Новости|Интерфакс|ИНТЕРФАКС|Прайм|ПРАЙМ|INTERFAX|Reuters|REUTERS|AP|AFP|ANSA|Ansa"
    r"|Adnkronos|TASS|askanews|Agi|AGI|dpa|Bloomberg|Nova|Xinhua|UPI|EFE)"
)
_DATELINE = re.compile(
    r"^[\s*_(/]*(?:[^\W\d_][\w.\-' ,()/]{0,60}?[\s,.(/—–-]+)?\(?/?\s*" + _WIRES + r"[^\n]{0,12}?[.)/]\s*$"
)
# "МОСКВА, 15 мая. /Меридиан/.", "ВЛАДИВОСТОК.": a place in capitals, a date, a wire between slashes.
_PLACE = re.compile(
    r"^[\s*_]*[A-ZА-ЯЁ][A-ZА-ЯЁ -]{3,}(?:,?\s*\d{1,2}\.?\s+[^\W\d]+\.?)?(?:,?\s*\d{4}(?:\s*г)?)?\.?"
    r"(?:\s*[/(][^/)\n]{2,30}[/)]\.?)?$"
)
_OPENING = re.compile(
    r"^(?:\([^)\n]{2,25}\)\s*[-–—]?\s*)?[A-ZÀ-ÝА-ЯЁ][A-ZÀ-ÝА-ЯЁ .'-]{2,}(?:,[^–—\n]{2,30}?)?"
    r"(?:\s*\([^)\n]{2,25}\))?\s*[-–—]\s+(?:РИА Новости\.\s*|ТАСС\.\s*)?"
)
_OPENING_SLASH = re.compile(r"^[A-ZА-ЯЁ][A-ZА-ЯЁ -]{3,}(?:,[^/\n.]{2,25})?\.\s*(?:[/(][^/)\n]{2,30}[/)]\.?\s*)?")
# "ASHLAND, Ky. – ": a place in capitals and its region.
_REGION = re.compile(r"^[\s*_]*[A-ZÀ-ÝА-ЯЁ][A-ZÀ-ÝА-ЯЁ '-]{2,}(?:,\s+[A-ZÀ-ÝА-ЯЁ][\w. ]{0,14})?\.$")
# A note in brackets that closes a line of text: "(segue)".
_NOTE = re.compile(r"[.!?…]\s+\([^()]*\)$")
# "МОСКВА, 15 ноя — Восток-Инфо.": whatever the wire is called, a place, a date and a short name before the full stop.
_PLACED = r"[\s*_]*[A-ZÀ-ÝА-ЯЁ][^\W\d_][\w '-]{1,28}"
_DAY = r"(?:\d{1,2}\.?\s+[^\W\d_]{3,9}\.?|[^\W\d_]{3,9}\.?\s+\d{1,2})(?:,?\s*\d{4}(?:\s*г\.?)?)?"
_WIRED = re.compile(rf"^{_PLACED},\s*{_DAY}\s*[-–—]\s*[A-ZÀ-ÝА-ЯЁ][\w«»-]*(?:\s[\w«»-]+){{0,2}}\.\s*")
# "Москва. 23 октября. ИНФОРМЛИНИЯ - ": the same in short sentences, the wire in capitals.
_STOPPED = re.compile(rf"^{_PLACED}\.\s*{_DAY}\.\s*[A-ZА-ЯЁ][A-ZА-ЯЁ.-]+(?:\s[A-ZА-ЯЁ.-]+)?\s*[-–—]\s+")
# The hour of a live page: "14:15 - ", "**14:15.** ", "Ore 14.15. ".
_CLOCK = re.compile(
    r"^[*_]*(?:[Oo]re\s+)?\d{1,2}[:.]\d{2}(?:\s?[ap]\.?m\.?)?\.?[*_]*(?:\s*[-–—]\s*|\s+(?=[A-ZÀ-ÝА-ЯЁ«“\"]))"
)
_WIRE_NEXT = re.compile(r"^[(/—–-]{1,2}\s*" + _WIRES + r"\b")
_HEADLINE = 160
_DATELINE_REACH = 90


class Line(NamedTuple):
    """A stretch of text that sentences do not cross."""

    start: int
    end: int


def split(text: str, *, lang: str) -> list[tuple[int, int]]:
    """Start and end of every sentence, in order; only space and markup lies outside of them.

    >>> split("Mr. Peskov spoke. He left.", lang="en")
    [(0, 17), (18, 26)]
    """
    words = lexicon(lang)
    return [span for line in lines(text) for span in _sentences(text, line, words)]


def lines(text: str) -> Iterator[Line]:
    """The stretches between line breaks; lines that were only wrapped at a width are joined."""
    front = _FRONT_MATTER.match(text)
    begin = front.end() if front else 0
    raw = [Line(m.start(), m.end()) for m in re.finditer(r"[^\n\r\u2028\u2029]+", text[begin:])]
    spans = [Line(a + begin, b + begin) for a, b in raw]
    width = _wrap_width(text, spans)
    current: Line | None = None
    for line in spans:
        content = text[line.start : line.end]
        if not content.strip() or _RULE.match(content):
            if current:
                yield current
            current = None
        elif current and _continues(text, current, line, width):
            current = Line(current.start, line.end)
        else:
            if current:
                yield current
            current = line
    if current:
        yield current


def _wrap_width(text: str, spans: list[Line]) -> int:
    """The width at which the text was wrapped, 0 if it was not: then most lines end in mid-sentence."""
    inner = [a for a, b in pairwise(spans) if b.start - a.end <= 2]
    inner = [a for a in inner if text[a.start : a.end].strip()]
    if len(inner) < 4:
        return 0
    sizes = [a.end - a.start for a in inner]
    open_ended = sum(not _TERMINAL.search(text[a.start : a.end]) for a in inner)
    middle = median(sizes)
    even = sum(abs(size - middle) <= 0.25 * middle for size in sizes)
    if 40 <= middle <= 110 and open_ended >= 0.6 * len(inner) and even >= 0.7 * len(inner):
        return int(middle)
    return 0


def _continues(text: str, before: Line, line: Line, width: int) -> bool:
    """Whether a line goes on with the sentence of the line before it."""
    if text.count("\n", before.end, line.start) > 1 or not width:
        return False
    last = text[before.start : before.end].rsplit("\n", 1)[-1]
    first = text[line.start : line.end].lstrip()
    if not first or first[0] in "#>*•-—–" or last.lstrip().startswith("#"):
        return False
    return len(last) >= 0.7 * width


def _sentences(text: str, line: Line, words: Lexicon) -> Iterator[tuple[int, int]]:
    start = line.start
    if _is_headline(text, line):
        yield from _trimmed(text, start, line.end)
        return
    for match in _END.finditer(text, line.start, line.end):
        if match.end() > start and _is_boundary(text, line, match, words):
            yield from _trimmed(text, start, match.end())
            start = match.end()
    yield from _trimmed(text, start, line.end)


def _is_headline(text: str, line: Line) -> bool:
    """Whether a line is one unit whatever stops it has inside: a heading, or short with an open end."""
    content = text[line.start : line.end].strip()
    if re.match(r"#{1,6}\s", content):
        return True
    if _NOTE.search(content):
        return False
    return len(content) <= _HEADLINE and not re.search(r"[.!?…:;,][\"”“»›’')\]*_]*$", content)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without markup and space at its ends; nothing where nothing else is left."""
    content = text[start:end]
    lead = _LEADING.match(content)
    first = lead.end() if lead else 0
    item = _HYPHEN_ITEM.match(content[first:])
    first += item.end() if item else 0
    tail = _TRAILING.search(content, first)
    last = tail.start() if tail else len(content)
    kept = content[first:last]
    if any(not c.isspace() and c not in "#>*_-=~|" for c in kept):
        yield start + first, start + last


def _is_boundary(text: str, line: Line, match: re.Match[str], words: Lexicon) -> bool:
    rest = text[match.end() : min(line.end, match.end() + 60)]
    after = rest.lstrip()
    if not after:
        return False
    head = text[line.start : match.end()]
    if len(head) <= _DATELINE_REACH and _in_dateline(head, after):
        return False
    mark = match.group()
    closed = len(mark.rstrip("*_")) > len(mark.rstrip("*_").rstrip("\"”“»›’')]"))
    first = after.lstrip(_OPENERS + " ")[:1]
    if after[0] == "(" and _NOTE.search(text[match.start() : line.end].rstrip()):
        return True
    if after[0] in "—–-" and (first.islower() or not first):
        return False
    if first.islower() and not (after[0] in '«“„"' and mark.startswith(".") and not closed):
        # "... (sic!) and", "«A?» — asked": the sentence goes on.
        return False
    if after[0] in ",;:)":
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return not (closed and _is_attribution(after, words))
    return _full_stop_ends(text, line, match, words, after, closed=closed)


def dateline(sentence: str) -> int:
    """How long the place, date and wire are that open a sentence: "MOSCOW, Feb 24 (Reuters) - "; 0 if none."""
    for pattern in (_WIRED, _STOPPED, _OPENING, _OPENING_SLASH, _CLOCK):
        found = pattern.match(sentence)
        if found and found.end() < len(sentence):
            return found.end()
    return 0


def _in_dateline(head: str, after: str) -> bool:
    if len(head) < _DATELINE_REACH // 2 and re.search(r"\d{4}\.$", head) and re.match(r"[-–—]\s", after):
        return True
    if after[0] in "—–-" and _REGION.match(head):
        return True
    if any((found := p.match(f"{head} {after}")) and found.end() > len(head) for p in (_WIRED, _STOPPED, _CLOCK)):
        return True
    return bool(_DATELINE.match(head) or _WIRE_NEXT.match(after) or _PLACE.match(head))


def _is_attribution(after: str, words: Lexicon) -> bool:
    """Whether '"Why?" Peskov asked' goes on with its own attribution: a name, then a reporting verb."""
    if words.lang in ("ru", "uk"):
        return False
    found = re.match(r"((?:[A-ZА-ЯЁÀ-Ý][\w.'’-]*\s+){1,3})([\w'’]+)", after)
    if not found or key(found.group(1).split()[0]) in words.starters - words.words["pronouns"]:
        return False
    verb = key(found.group(2))
    return (verb in words.say or verb in words.aux) and found.group(2)[0].islower()


def _full_stop_ends(text: str, line: Line, match: re.Match[str], words: Lexicon, after: str, *, closed: bool) -> bool:
    """Whether a single full stop ends its sentence, given the word before and the word after it."""
    if closed:
        return True
    found = _LAST_WORD.search(text[max(line.start, match.start() - 40) : match.start()])
    word = found.group(1) if found else ""
    lower = word.lower().rstrip(".")
    following = key(re.split(r"[^\w']", after.lstrip(_OPENERS + " "), maxsplit=1)[0])
    starts = following in words.starters
    if len(word) == 1 and word.isupper():
        return _single_letter_ends(text, line, match, word, starts=starts)
    if after[0] in "—–-" and (lower in words.maybe or lower in words.abbreviations):
        return False
    if lower in words.units and following:
        before = text[max(line.start, match.start() - 40) : match.start() - len(word)]
        counted = lower != "т" or re.search(r"(?:\d\s*(?:млн|млрд|тыс|трлн)?\.?|\bза)\s*$", before)
        return bool(counted) and not re.match(r"[A-ZА-ЯЁ]{2,}", after)
    if lower == "г" and re.search(r"\d{4}\s*$", text[max(line.start, match.start() - 8) : match.start() - 1]):
        return not _begins_proper(after, words)
    if lower in words.maybe:
        return starts or _opens_speech(after)
    if lower in words.numbered and after[0].isdigit():
        return False
    if lower in words.abbreviations:
        return False
    if len(word) == 1 and word.isalpha():
        return _single_letter_ends(text, line, match, word, starts=starts)
    if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]", word):
        return starts
    if word.isdigit():
        listed = match.start() - len(word) <= line.start + 2
        ordinal = words.ordinals and len(word) <= 2 and not starts
        return not listed and not ordinal
    return True


def _begins_proper(after: str, words: Lexicon) -> bool:
    """Whether a known actor, an acronym or a name in marks follows: "в 2024 г. Россия", "в 2024 г. ФРС"."""
    first = [key(w) for w in re.findall(r"\w+", after)[:4]]
    acronym = re.match(r"[A-ZА-ЯЁ]{2,}|[A-Z][a-z]|[А-ЯЁ]\.", after)
    marked = after[0] in '«“„"' and not _opens_speech(after)
    return (
        bool(acronym) or marked or (bool(first) and match_phrase(words.actors, first, 0) > 0) or first[:1] == ["россия"]
    )


def _opens_speech(after: str) -> bool:
    """Whether a quote follows that is a sentence rather than a name in marks."""
    found = re.match(r"[«“„\"]([^»”“\"]*)", after)
    return bool(found) and found is not None and found.group(1).count(" ") > 2


def _single_letter_ends(text: str, line: Line, match: re.Match[str], word: str, *, starts: bool) -> bool:
    """Whether a sentence ends at a single letter: not at an initial ("С. В. Лавров"), but at "vitamin C. The"."""
    if word.islower():
        return True
    before = text[max(line.start, match.start() - 24) : match.start() - 1].rstrip()
    initials = before.endswith(".") or not before or before[-1] in '«“"('
    another = re.match(r"\s*[A-ZА-ЯЁ]\.", text[match.end() : match.end() + 6])
    following = re.match(r"\s*\w+", text[match.end() : match.end() + 30])
    long = following is not None and len(following.group().strip()) > 1
    return starts and not initials and not another and long
