"""Where a statement names the one voice that speaks in it, so that another can be put in its place."""

import re
from typing import NamedTuple

from detente.records import Statement
from detente.text import cues
from detente.text.lexicons import lexicon
from detente.text.mentions import Mention
from detente.text.quotes import direct
from detente.text.tokens import QUOTE, Token, tokenize
from detente.text.voices import Cue

LANGUAGES = ("en", "it", "ru")
# Who "we" are hangs on who speaks, and with it what is meant: such statements are left alone.
_FIRST_PERSON = {
    "en": r"we|us|our|ours|ourselves|i|my|mine|me",
    "it": r"noi|nostr[aoie]|ci|ce|io|mi[oae]|miei|me|mi|\w+(?:iamo|remmo)|abbiamo",
    "ru": r"мы|нас|нам|нами|наш\w*|я|меня|мне|мной|мо[йяёеюи]\w*|\w+(?:ем|им|ём)(?:ся)?",
}
_KINDS = ("person", "role", "name")
# A bare word may be a place or a company; two names joined are no single voice, nor is a plural.
_JOINED = frozenset(("and", "e", "ed", "и", "&"))
_PLURAL = frozenset(("have", "were", "are", "hanno", "sono"))
# A voice after these stands in another case than the nominative, and a verb in the past shows the gender.
_FEMININE = re.compile(r"(?:ла|лась|ло|лось|ли|лись)$")


class Voice(NamedTuple):
    """The offsets in the text of the phrase that names the speaker."""

    start: int
    end: int


def only_voice(statement: Statement) -> Voice | None:
    """The one voice of a statement in English, Italian or Russian; None where there is none, or another reading.

    Left out are statements with several voices, in the first person, with the voice named again elsewhere, and those
    where another voice would not agree with its verb.
    """
    text, lang = statement.text, statement.lang
    if lang not in LANGUAGES:
        return None
    tokens = _with_quotes(text, lang)
    said = cues.find(tokens, lexicon(lang), headline=False, knows=lambda name: False)
    voiced = [cue for cue in said if cue.kind == "say" and cue.mention is not None]
    if len(said) != 1 or len(voiced) != 1:
        return None
    mention = voiced[0].mention
    if mention is None or mention.kind not in _KINDS or not _is_single(tokens, voiced[0], mention):
        return None
    if lang == "ru" and any(_FEMININE.search(t.key) for t in tokens[voiced[0].start : voiced[0].end]):
        return None
    start, end = tokens[mention.start].start, tokens[mention.end - 1].end
    rest = f"{text[:start]} {text[end:]}".casefold()
    if re.search(rf"\b(?:{_FIRST_PERSON[lang]})\b", rest):
        return None
    if any(len(name) > 3 and name.casefold() in rest for name in mention.name):
        return None
    return Voice(start, end)


def _is_single(tokens: list[Token], cue: Cue, mention: Mention) -> bool:
    phrase = tokens[mention.start : mention.end]
    if mention.kind == "name" and len(phrase) == 1:
        return False
    return not any(t.key in _JOINED for t in phrase) and not any(t.key in _PLURAL for t in tokens[cue.start : cue.end])


def put(text: str, voice: Voice, words: str) -> str:
    """The text with other words in the voice's place, a capital where the sentence begins with them."""
    if voice.start == 0:
        words = words[:1].upper() + words[1:]
    return text[: voice.start] + words + text[voice.end :]


def _with_quotes(text: str, lang: str) -> list[Token]:
    """The tokens, each stretch of direct speech as one."""
    found: list[Token] = []
    at = 0
    for span in direct(text, lang=lang):
        found += tokenize(text, start=at, end=span.start)
        found.append(Token(QUOTE, QUOTE, span.start, span.end, False))
        at = span.end
    return found + tokenize(text, start=at)
