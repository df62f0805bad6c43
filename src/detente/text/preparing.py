"""The sentences of a document made ready for reading: tokens, direct speech, attributions, place on the page."""

import re

from detente.text import cues
from detente.text.capitals import is_shouted, lowered, named_words
from detente.text.people import People
from detente.text.quotes import Span
from detente.text.reader import Sentence
from detente.text.sentences import dateline
from detente.text.tokens import QUOTE, Token, tokenize

_TERMINAL = (".", "!", "?", "…", ":", ";", '"', "”", "»", "“", ")", "’", "'")
_HEADLINE = 160
# The marks and the address of a link in Markdown.
_LINK = re.compile(r"\](?:\([^)\s]*\))|\[(?=[^\]]+\]\()")


def prepare(text: str, sentences: list[tuple[int, int]], spans: list[Span], known: People) -> list[Sentence]:
    """Every sentence in order; `pieces` are the numbers of the stretches of direct speech it has a part in."""
    found: list[Sentence] = []
    named = named_words(text)
    first = paragraph = 0
    for start, end in sentences:
        while first < len(spans) and spans[first].end <= start:
            first += 1
        pieces = [k for k in range(first, len(spans)) if spans[k].start < end]
        pieces = [k for k in pieces if _has_word(text, max(start, spans[k].start), min(end, spans[k].end))]
        tokens = _tokens(text, start + dateline(text[start:end]), end, [spans[k] for k in pieces])
        if is_shouted(text[start:end]):
            tokens = lowered(tokens, named)
        begins = not found or "\n" in text[found[-1].end : start]
        paragraph += bool(found) and begins
        line_end = text.find("\n", end)
        alone = begins and not text[end : None if line_end < 0 else line_end].strip()
        unended = not text[start:end].rstrip("*_ ").endswith(_TERMINAL)
        headline = alone and (not found or (end - start < _HEADLINE and unended))
        voices = cues.find(tokens, known.lex, headline=headline, knows=known.knows)
        found.append(Sentence(start, end, text[start:end], tokens, pieces, voices, headline, paragraph))
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
    links = [(m.start(), m.end()) for m in _LINK.finditer(text, start, end)]
    return [t for t in found if not any(a <= t.start < b for a, b in links)] if links else found
