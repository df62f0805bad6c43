"""Finding many phrases in a text at once: a look-up by a phrase's first word, patterns only where that word stands.

A phrase is words in any case, е standing for ё too; `*` is any ending, `...` leaves room for up to four words.
Trying an alternation of a thousand phrases at every place of a text takes a millisecond; most words begin none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

_TOKEN = re.compile(r"\w+|[^\w\s]")
_BETWEEN = re.compile(r"(\W)")
_WORD = re.compile(r"\w+")
# Words whose phrases are remembered. News repeats its words; a stream of new ones must not fill the memory.
_REMEMBERED = 50_000

Found = tuple[int, int, int]
# What any of the phrases must match, if several lists would have to be asked; then a pattern a list, or None.
_Starts = tuple[re.Pattern[str] | None, tuple[tuple[int, re.Pattern[str] | None], ...]]


@dataclass(frozen=True)
class _Phrase:
    """Of list `of`: what it begins with, whether that is a whole word, whether nothing follows, its pattern."""

    of: int
    first: str
    whole: bool
    single: bool
    pattern: str


@dataclass(frozen=True)
class Phrases:
    """Several lists of phrases, searched together; lists are told apart by their place."""

    by_word: dict[str, list[_Phrase]]
    by_prefix: dict[str, list[_Phrase]]
    anywhere: tuple[tuple[int, re.Pattern[str]], ...]
    lengths: tuple[int, ...]
    _known: dict[str, _Starts] = field(default_factory=dict, compare=False, repr=False)
    _compiled: dict[tuple[str, ...], re.Pattern[str]] = field(default_factory=dict, compare=False, repr=False)

    def find(self, folded: str) -> list[Found]:
        """(list, start, end) of every phrase in a text that `fold` has folded, by start; a list's do not overlap.

        Where two phrases of a list begin at one place, the longer phrase is tried first.
        """
        known = self._known
        found: list[Found] = []
        ends: dict[int, int] = {}
        end = 0
        for word in _BETWEEN.split(folded):  # as _TOKEN finds them, with less work a word
            at, end = end, end + len(word)
            remembered = known.get(word)
            if remembered is None:
                remembered = self._remember(word)
            any_of, starts = remembered
            if not starts or (any_of is not None and any_of.match(folded, at) is None):
                continue
            if not word[0].isalnum() and at and _WORD.match(folded, at - 1):
                continue
            for of, pattern in starts:
                if ends.get(of, 0) > at:
                    continue
                if pattern is not None:
                    match = pattern.match(folded, at)
                    if match is None:
                        continue
                    stop = match.end()
                else:
                    stop = end
                ends[of] = stop
                found.append((of, at, stop))
        for of, pattern in self.anywhere:
            found += ((of, *match.span()) for match in pattern.finditer(folded))
        return found

    def _remember(self, word: str) -> _Starts:
        """Of each list, what may begin with a word: a pattern, or None where the word alone is the phrase."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        phrases = list(self.by_word.get(word, ()))
        for length in self.lengths:
            if length <= len(word):
                phrases += self.by_prefix.get(word[:length], ())
        starts = tuple(self._starts(phrases))
        # Words like "a" and "in" begin phrases of many lists and mostly none that goes on: one look tells.
        ask_first = len(starts) > 1 and all(pattern is not None for _, pattern in starts)
        self._known[word] = (self._pattern(phrases) if ask_first else None, starts)
        return self._known[word]

    def _starts(self, phrases: list[_Phrase]) -> Iterator[tuple[int, re.Pattern[str] | None]]:
        for of, group in groupby(sorted(phrases, key=lambda p: p.of), key=lambda p: p.of):
            own = list(group)
            yield of, None if all(p.single for p in own) else self._pattern(own)

    def _pattern(self, phrases: Sequence[_Phrase]) -> re.Pattern[str]:
        parts = tuple(sorted((p.pattern for p in phrases), key=_length, reverse=True))
        if parts not in self._compiled:
            self._compiled[parts] = _alternatives(parts)
        return self._compiled[parts]


def compile_phrases(lists: Sequence[Sequence[str]]) -> Phrases:
    """Phrases of several lists, each list searched by itself. Raises re.error, AttributeError for what is no phrase."""
    by_word: dict[str, list[_Phrase]] = {}
    by_prefix: dict[str, list[_Phrase]] = {}
    anywhere = []
    for of, phrases in enumerate(lists):
        if not all(_first(phrase) for phrase in phrases):  # one that begins with *: no word to look up
            anywhere.append((of, _alternatives(sorted(map(_as_pattern, phrases), key=_length, reverse=True))))
            continue
        for phrase in phrases:
            first = _first(phrase)
            rest = fold(phrase.strip())[len(first) :]
            single = rest in ("", "*") and first[0].isalnum()
            parsed = _Phrase(of, first, not rest.startswith("*"), single, _as_pattern(phrase))
            (by_word if parsed.whole else by_prefix).setdefault(first, []).append(parsed)
    return Phrases(by_word, by_prefix, tuple(anywhere), tuple(sorted({len(p) for p in by_prefix})))


def fold(text: str) -> str:
    """Lower case, ё as е; every character keeps its place.

    >>> fold("Ёлка, İstanbul")
    'елка, İstanbul'
    """
    low = text.lower()
    if len(low) != len(text):  # a few capitals have two characters as small letters
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return low.replace("ё", "е")


def _first(phrase: str) -> str:
    match = _TOKEN.match(fold(phrase.strip()))
    return match[0] if match and match[0] != "*" else ""


def _as_pattern(phrase: str) -> str:
    words = re.escape(fold(phrase.strip())).replace(r"\ ", r"\s+").replace(r"\*", r"\w*")
    return words.replace(r"\s+\.\.\.\s+", r"\s+(?:[\w'’-]+\W+){0,4}?")


def _length(pattern: str) -> int:
    """What format 1 of the checkpoints ordered phrases by: е counted as the pattern of е and ё."""
    return len(pattern) + 3 * pattern.count("е")


def _alternatives(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(patterns) or '(?!)'})(?!\w)")
