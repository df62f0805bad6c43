"""Reported acts: a deed of the main clause whose doer is named."""

import re

from detente.text.endings import DEED_RU, PAST_IT
from detente.text.lexicons import Lexicon, match_phrase
from detente.text.mentions import Mention
from detente.text.phrases import to_the_left, to_the_right
from detente.text.russian import may_act
from detente.text.tokens import Token
from detente.text.voices import AUTHOR, BREAKS, RELATIVE, VOICES, Cue, openings, subject_at

_PASSIVE = frozenset(
    ("stato", "stata", "stati", "state", "viene", "vengono", "venne", "fu", "furono", "was", "were", "been", "be")
)
_HAVING = frozenset(("ha", "hanno", "aveva", "avevano", "avrà", "avranno", "avrebbe", "abbia", "abbiano"))
_BEING = frozenset(("è", "sono", "era", "erano", "sarà", "saranno"))
_MOVING = (
    "andat",
    "uscit",
    "entrat",
    "rientrat",
    "tornat",
    "arrivat",
    "partit",
    "venut",
    "intervenut",
    "volat",
    "ritornat",
)
_LINKS = frozenset(("che", "cui", "dove", "quando", "mentre", "perché", "se", "come", "который", "что"))
_EARLY = 5
_DEED_IT = re.compile(r"(?:(?:at|ut|it|es|ess|ost|ett|int|ort|ers|ott)[oaie]|ando|endo)$")


def acts(tokens: list[Token], keys: list[str], lex: Lexicon) -> list[Cue]:
    """The first deed of the main clause whose doer is named."""
    for i, token in enumerate(tokens[:40]):
        start, size = i, match_phrase(lex.act_participles, keys, i)
        if size:
            start = next((b for b in range(i - 1, max(-1, i - 4), -1) if keys[b] in lex.aux), -1)
            if start < 0:
                continue
        else:
            size = match_phrase(lex.act, keys, i) or _helped(tokens, keys, i, lex)
        if not size or (token.cap and i > 0):
            continue
        passive = _by(tokens, keys, i + size, lex)
        helper = keys[start] if keys[start] in lex.aux else keys[i - 1] if i else ""
        if passive is not None and (start == 0 or (helper in lex.aux and helper not in _HAVING)):
            return [Cue("act", start, i + size, passive)]
        if lex.lang == "it" and _undergoes(keys, start, i):
            continue
        mention = to_the_left(tokens, start, lex)
        doer = mention and (
            mention.kind in VOICES or (mention.kind == "pronoun" and keys[mention.start] not in AUTHOR | RELATIVE)
        )
        if i > start or not size or mention is None:
            pass
        elif (
            lex.lang == "en" and _helped(tokens, keys, i, lex) and not any(k in lex.aux for k in keys[mention.end : i])
        ):
            continue
        if mention and doer and _opens_clause(tokens, mention, lex) and may_act(tokens, keys, mention, lex):
            return [Cue("act", start, i + size, mention)]
    return []


def deeds(tokens: list[Token], keys: list[str], lex: Lexicon, *, headline: bool) -> list[Cue]:
    """What the subject that opens a sentence did, whatever the verb; weak, for the list may not know it."""
    for begin in openings(tokens, keys, lex):
        subject = subject_at(tokens, begin, lex)
        if subject is None or not may_act(tokens, keys, subject, lex):
            continue
        at = subject.end
        if at < len(tokens) and tokens[at].text == ",":
            close = next((i for i in range(at + 1, min(at + 16, len(tokens))) if tokens[i].text == ","), at)
            at = close + 1
        while at < len(tokens) and (keys[at] in lex.words["skip"] or keys[at] in lex.aux) and not tokens[at].cap:
            at += 1
        if any(k in _PASSIVE for k in keys[subject.end : at]):
            continue
        if (
            lex.lang == "en"
            and any(k in ("is", "are") for k in keys[subject.end : at])
            and keys[min(at, len(keys) - 1)].endswith("ed")
        ):
            continue
        helped = any(k in lex.aux for k in keys[subject.end : at])
        if lex.lang == "it" and _undergoes(keys, subject.end, at):
            continue
        if lex.lang in ("ru", "uk", "it") and subject.kind != "pronoun":
            near = range(at, min(at + 9, len(tokens)))
            stops = next(
                (i for i in near if tokens[i].text in BREAKS or keys[i] in _LINKS or _owns(keys, i, lex)), len(tokens)
            )
            at = next((i for i in near if i < stops and _is_verb(keys, i, lex)), at)
            helped = helped or any(k in lex.aux for k in keys[subject.end : at])
        if (
            at < len(tokens)
            and not tokens[at].cap
            and (
                _is_deed(keys[at], lex, helped=helped, headline=headline, known=subject.kind == "actor")
                or () in lex.act.get(keys[at], ())
            )
        ):
            weak = subject.kind in ("person", "role", "pronoun") or (subject.kind == "name" and lex.lang == "ru")
            return [Cue("act", at, at + 1, subject, weak=weak)]
    return []


def _undergoes(keys: list[str], start: int, at: int) -> bool:
    """Whether "è" and a participle say what was done to the subject: "è vietato", though not "è uscito"."""
    being = any(k in _BEING for k in keys[start:at]) and "si" not in keys[start:at]
    return being and at < len(keys) and bool(_DEED_IT.search(keys[at])) and not keys[at].startswith(_MOVING)


def _owns(keys: list[str], at: int, lex: Lexicon) -> bool:
    """Whether "ha" is no auxiliary but tells of what somebody has: "ha i pozzi", "ha 700 abitanti"."""
    following = keys[at + 1] if at + 1 < len(keys) else ""
    return keys[at] in _HAVING and (following in lex.words["determiners"] or following[:1].isdigit())


def _is_verb(keys: list[str], at: int, lex: Lexicon) -> bool:
    if lex.lang == "it":
        listed = () in lex.act.get(keys[at], ()) or bool(PAST_IT.search(keys[at]) and len(keys[at]) > _EARLY)
        return listed or (any(k in lex.aux for k in keys[max(0, at - 2) : at]) and bool(_DEED_IT.search(keys[at])))
    return _is_deed(keys[at], lex, helped=False, headline=False)


def _is_deed(word: str, lex: Lexicon, *, helped: bool, headline: bool, known: bool = False) -> bool:
    if word in lex.words["states"]:
        return False
    if lex.lang == "en":
        regular = (word.endswith("ed") and len(word) > 4) or (helped and word.endswith("ing"))
        return regular or word in lex.words["irregular"] or (headline and word.endswith("s") and len(word) > 3)
    if lex.lang in ("ru", "uk"):
        return bool(DEED_RU.search(word)) and len(word) > 4
    if lex.lang == "it" and not helped and PAST_IT.search(word):
        return True
    if lex.lang == "it" and known and not helped:
        taken = ("stop", "connectors", "determiners", "roles", "orgs")
        return bool(re.search(r"(?:[aeò]|ano|ono)$", word)) and not any(word in lex.words[n] for n in taken)
    if lex.lang == "it":
        return helped and bool(_DEED_IT.search(word))
    return False


def _helped(tokens: list[Token], keys: list[str], at: int, lex: Lexicon) -> int:
    """The length of an English infinitive or participle of a deed after its auxiliary."""
    before = [k for k in keys[max(0, at - 3) : at] if k in lex.aux]
    if not before:
        return 0
    if any(k in ("will", "would", "may", "might", "could", "must", "should", "did", "does", "do") for k in before):
        return match_phrase(lex.act_base, keys, at)
    return match_phrase(lex.act_ing, keys, at) if before[-1] in ("is", "are", "was", "were", "been") else 0


def _by(tokens: list[Token], keys: list[str], at: int, lex: Lexicon) -> Mention | None:
    """Who did it: "was signed on Monday by the president"."""
    for i in range(at, min(at + 8, len(tokens))):
        if tokens[i].text in BREAKS:
            return None
        if keys[i] in lex.by:
            mention = to_the_right(tokens, i + 1, lex)
            return mention if mention and mention.kind in VOICES else None
    return None


def _opens_clause(tokens: list[Token], mention: Mention, lex: Lexicon) -> bool:
    """Whether a subject is that of a main clause: nothing before it, or a mark, or a short adverbial."""
    if mention.start == 0:
        return True
    before = tokens[mention.start - 1]
    if before.text in BREAKS or before.key in lex.words["skip"] | lex.words["months"] or before.key.isdigit():
        return True
    if before.key in ("and", "but", "ma", "e", "а", "но", "и", "while", "mentre"):
        return True
    # "In November the Kremlin", "Dopo mesi Mosca": an adverbial without a comma.
    opening = [t for t in tokens[: mention.start] if t.text[0].isalnum()]
    return len(opening) <= _EARLY and not any(t.key in ("that", "which", "who", "che", "что") for t in opening)
