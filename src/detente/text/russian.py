"""Acts in Russian word order: the doer stands anywhere in its clause and shows itself by case and agreement."""

import re
from itertools import pairwise

from detente.text.endings import DEED_RU
from detente.text.lexicons import Lexicon, match_phrase, names
from detente.text.mentions import MARKS, Mention, is_role
from detente.text.phrases import to_the_right
from detente.text.tokens import QUOTE, Token
from detente.text.voices import BREAKS, VOICES, Cue

_SHORT = 4
_SUBORDINATE = frozenset(
    (
        *("что", "чтобы", "как", "когда", "если", "хотя", "где", "куда", "пока", "поскольку", "кто", "чем", "словно"),
        *("будто", "потому", "ибо", "откуда", "чей", "сколько", "почему", "раз", "едва"),
    )
)
_RELATIVE = re.compile(r"котор|(?:вш|ющ|ящ|ущ|ащ)(?:ий|ая|ее|ие|его|ей|ую|им|ими|их)$|нн(?:ый|ая|ое|ые|ого|ую|ым|ых)$")
_GERUND = re.compile(r"(?:вшись|ив|ав|яв|ув|ая|уя|яя|ясь)$")
_ADJECTIVE = re.compile(r"(?:[ыио]й|ая|яя|ое|ее|ые|ие)$")
_PLURALS = frozenset(("сша", "штаты", "роснедра", "соединенные"))
_PLURAL_VERB = re.compile(r"(?:ли|лись|ут|ют|ат|ят|утся|ются|атся|ятся)$")
_OWN = frozenset(("я", "мы"))
_BYLINE = re.compile(r"(?:беседовал|подготовил|записал|перевел|интервью(?:ировал)?$|снимал)")
_REFLEXIVE = re.compile(r"(?:ся|сь)$")


def inverted(tokens: list[Token], keys: list[str], lex: Lexicon) -> list[Cue]:
    """The deed of the first main clause that has one with a doer in the nominative."""
    if keys and _BYLINE.match(keys[0]):
        return []
    for start, end in _clauses(tokens, keys):
        if _OWN & set(keys[start:end]):
            continue
        for verb in range(start, end):
            if not _is_finite(tokens[verb], keys, verb, lex):
                continue
            doer = _doer(tokens, keys, (start, verb, end), lex)
            if doer is not None:
                return [Cue("act", verb, verb + 1, doer, weak=doer.kind in ("person", "role", "name"))]
            if (within := _within(tokens, keys, (start, verb, end), lex)) is not None:
                said = match_phrase(lex.say, keys, verb) > 0
                return [Cue("say" if said else "act", verb, verb + 1, within)]
            break
    return []


def may_act(tokens: list[Token], keys: list[str], mention: Mention, lex: Lexicon) -> bool:
    """Whether the case of a phrase lets it be a subject; other languages have no cases to tell."""
    if lex.lang not in ("ru", "uk") or mention.kind not in ("role", "org", "actor"):
        return True
    before = keys[mention.start - 1] if mention.start else ""
    if before in lex.words["stop"] - lex.words["skip"]:
        return False
    places = range(mention.start, mention.end)
    cased = any(keys[i] in lex.nominative or match_phrase(lex.actors, keys, i) for i in places)
    return not cased or any(_is_head(tokens, keys, i, lex) for i in places)


def _clauses(tokens: list[Token], keys: list[str]) -> list[tuple[int, int]]:
    """The stretches between marks that open no subordinate clause."""
    cuts = [-1, *(i for i, t in enumerate(tokens) if t.text in BREAKS or t.text == QUOTE), len(tokens)]
    found = [(a + 1, b) for a, b in pairwise(cuts) if b > a + 1]
    return [(a, b) for a, b in found if not _is_subordinate(keys[a : min(b, a + 3)])]


def _is_subordinate(opening: list[str]) -> bool:
    first = opening[0]
    linked = first in _SUBORDINATE or any(k.startswith("котор") for k in opening)
    return linked or bool(_RELATIVE.search(first)) or (len(first) > _SHORT and bool(_GERUND.search(first)))


def _is_finite(token: Token, keys: list[str], at: int, lex: Lexicon) -> bool:
    """Whether a word is a finite verb of doing; reflexive ones only where the lexicon lists them."""
    word = token.key
    if token.cap and at > 0:
        return False
    listed = match_phrase(lex.act, keys, at) > 0
    shaped = len(word) > _SHORT and bool(DEED_RU.search(word)) and not _REFLEXIVE.search(word)
    noun = word in lex.nominative or word in lex.words["groups"] or word in lex.words["vague"]
    return listed or (shaped and not noun and word not in lex.words["states"])


def _doer(tokens: list[Token], keys: list[str], clause: tuple[int, int, int], lex: Lexicon) -> Mention | None:
    """The voice in the nominative that agrees with the verb: before it, else after it."""
    start, verb, end = clause
    for place in (*range(start, verb), *range(verb + 1, end)):
        if not _is_head(tokens, keys, place, lex) or _is_governed(tokens, keys, place, start, lex):
            continue
        begin = place
        while begin > start and begin - 1 != verb and _describes(keys[begin - 1], lex):
            begin -= 1
        if begin > start and keys[begin - 1] in lex.words["stop"]:
            continue
        mention = to_the_right(tokens, begin, lex)
        if mention is None or mention.kind not in VOICES or mention.start < begin or mention.end <= place:
            continue
        if mention.end > verb > mention.start:
            mention = mention._replace(end=verb)
        plural = bool(_PLURAL_VERB.search(keys[verb]))
        if plural and place > verb and not _is_plural(keys[place], lex) and "и" in keys[place:end]:
            last = max(i for i in range(place, end) if tokens[i].text[0].isalnum())
            return Mention(begin, last + 1, "org")
        if plural == _is_plural(keys[place], lex) and _same_gender(keys[place], keys[verb], mention):
            return mention
    return None


def _within(tokens: list[Token], keys: list[str], clause: tuple[int, int, int], lex: Lexicon) -> Mention | None:
    """The body in which unnamed people do something: "В Вашингтоне идею встретили холодно"; no whole country."""
    start, verb, _ = clause
    place = start + (keys[start] in ("но", "а", "и", "однако", "же"))
    if place >= verb or keys[place] not in lex.locative or not keys[verb].endswith(("ли", "лись")):
        return None
    mention = to_the_right(tokens[:verb], place + 1, lex)
    if mention is None or mention.kind not in ("org", "actor") or mention.start != place + 1:
        return None
    size = match_phrase(lex.actors, keys, place + 1)
    # What ends right before the verb is its object.
    end = place + 1 + size if size else min(mention.end, verb) - (mention.end >= verb and verb - place > _SHORT)
    return None if keys[place + 1] in lex.words["countries"] else mention._replace(end=end)


def _describes(word: str, lex: Lexicon) -> bool:
    return bool(_ADJECTIVE.search(word)) or word in lex.words["determiners"]


def _is_head(tokens: list[Token], keys: list[str], at: int, lex: Lexicon) -> bool:
    """Whether a word is a voice in the nominative, or a foreign or quoted name, which has no case."""
    token, word = tokens[at], keys[at]
    if lex.nominative.get(word) == word or (is_role(word, lex) and "-" in word) or word in lex.words["groups"]:
        return True
    if not token.cap:
        return False
    size = match_phrase(lex.actors, keys, at)
    if size:
        form = tuple(keys[at : at + size])
        return tuple(lex.actor_names.get(form, "").lower().replace("ё", "е").split()) == form
    quoted = at > 0 and tokens[at - 1].text in MARKS and tokens[at - 1].text != "»"
    return quoted or token.text.isascii() or word in names().masculine or word in names().feminine


def _is_governed(tokens: list[Token], keys: list[str], at: int, start: int, lex: Lexicon) -> bool:
    """Whether a preposition or a noun before the word makes it no subject: "акции «Лукойла»", "в США"."""
    before = at - 1
    while before >= start and tokens[before].text in MARKS:
        before -= 1
    if before < start:
        return False
    word = keys[before]
    if word in lex.words["stop"] or word in lex.words["connectors"]:
        return word not in ("и", "но", "а")
    declined = match_phrase(lex.actors, keys, at) > 0 and not tokens[at].text.isupper() and keys[at] not in _PLURALS
    cased = declined or (lex.nominative.get(keys[at]) == keys[at] and keys[at] not in lex.words["groups"])
    free = _ADJECTIVE.search(word) or word in lex.words["skip"] or word.isdigit() or DEED_RU.search(word)
    return not (cased or free or word in lex.words["months"])


def _is_plural(word: str, lex: Lexicon) -> bool:
    return word in _PLURALS or (word in lex.words["groups"] and lex.nominative.get(word) != word)


def _same_gender(head: str, verb: str, mention: Mention) -> bool:
    """Whether a verb in the past agrees with its subject; people in a role may be of either gender."""
    if not re.search(r"л(?:а|о)?(?:ся|сь)?$", verb) or mention.kind in ("role", "person", "name") or head.isascii():
        return True
    ending = re.sub(r"(?:ся|сь)$", "", verb)[-1]
    if head.endswith(("а", "я")):
        return ending == "а"
    return ending == "о" if head.endswith(("о", "е")) else ending != "о"
