"""The noun phrases beside a verb or a preposition: where they begin and end."""

import re

from detente.text.endings import CASE_RU, DEED_RU, PAST_IT, PAST_RU, REFLEXIVE_RU
from detente.text.lexicons import Lexicon, match_phrase, names
from detente.text.mentions import MARKS, Mention, describe, is_role
from detente.text.sources import attached
from detente.text.tokens import Token

_SIZE = 14
_JOINTS = frozenset(",(—–")
# Connectors that hold a phrase together only behind what somebody is: "ambassador to Moscow".
_LOOSE = frozenset(
    ("to", "from", "with", "for", "per", "по", "при", "in", "aus", "bei", "alla", "al", "all'", "à", "para", "at", "от")
) | {"из"}


def to_the_right(tokens: list[Token], at: int, lex: Lexicon) -> Mention | None:
    """The phrase that begins at a token, words without meaning for us skipped; None if none does."""
    start = at
    while start < len(tokens) and start - at < 6 and _is_skipped(tokens, start, lex):
        start += 1
    if start > at and tokens[start - 1].key in lex.words["determiners"]:
        start -= 1
    end = run_right(tokens, start, lex)
    mention = describe(tokens, start, end, lex)
    if mention is None or end >= len(tokens) or tokens[end].text != ",":
        return mention
    return _joined(mention, _apposition(tokens, end + 1, lex))


def to_the_left(tokens: list[Token], at: int, lex: Lexicon) -> Mention | None:
    """The phrase that ends before a token; an apposition or an insertion between commas is stepped over."""
    end = at
    while end > 0 and at - end < 7 and _is_skipped(tokens, end - 1, lex):
        end -= 1
    if end > 1 and tokens[end - 1].text in _JOINTS | {")"}:
        return _before_insertion(tokens, end - 1, lex)
    if end > 2 and (tag := _party_tag(tokens, end)):
        return to_the_left(tokens, tag, lex)
    start = _run_left(tokens, end, lex)
    while start < end and tokens[start].text in MARKS:
        start += 1
    return describe(tokens, start, end, lex)


def _party_tag(tokens: list[Token], end: int) -> int:
    """Where ", R-Alaska" or ", D-Ill." before a token begins; 0 if it does not stand there."""
    last = end - 2 if tokens[end - 1].text == "." else end - 1
    tag = tokens[last].text
    found = len(tag) > 2 and tag[0] in "RDI" and tag[1] == "-" and tokens[last - 1].text == ","
    return last - 1 if found else 0


def _before_insertion(tokens: list[Token], comma: int, lex: Lexicon) -> Mention | None:
    opening = comma - 1
    pair = "(" if tokens[comma].text == ")" else tokens[comma].text
    while opening > 0 and comma - opening < 22 and tokens[opening].text != pair:
        opening -= 1
    if opening <= 0 or tokens[opening].text != pair:
        return None
    inner = describe(tokens, opening + 1, run_right(tokens, opening + 1, lex), lex)
    outer = to_the_left(tokens, opening, lex)
    if outer is None:
        # "As Peskov, ..." has no phrase before the comma: then the insertion is the subject itself.
        return None
    if (
        inner is not None
        and inner.kind in ("role", "org", "person", "name")
        and outer.kind in ("name", "person", "role")
    ):
        return _joined(outer, inner)
    return outer


def _apposition(tokens: list[Token], at: int, lex: Lexicon) -> Mention | None:
    """A role or a name after the comma: "Peskov, the Kremlin spokesman", "the minister, Sergei Lavrov"."""
    end = run_right(tokens, at, lex)
    found = describe(tokens, at, end, lex)
    closed = end >= len(tokens) or not tokens[end].text[0].isalnum() or tokens[end].key in lex.words["stop"]
    return found if found and closed and found.kind in ("role", "person", "name") else None


def _joined(first: Mention, second: Mention | None) -> Mention:
    """Two phrases in apposition as one mention; the first alone where they are no such pair."""
    if second is None:
        return first
    if first.kind in ("name", "person") and second.kind == "role":
        return first._replace(kind="person", role=first.role or second.role)
    several = len(re.findall(r"\b(?:del|della|di|of|the)\b", first.role)) > 0
    if (
        first.kind == "person"
        and second.kind in ("name", "person")
        and len(second.name) > 1
        and not second.role
        and several
    ):
        # "l'inviato del presidente Vladimir Putin, Kirill Dmitriev": the name after the comma is the envoy's.
        return Mention(first.start, second.end, "person", second.name, first.role)
    if first.kind == "role" and second.kind in ("name", "person") and (len(second.name) > 1 or several):
        return Mention(first.start, second.end, "person", second.name, first.role)
    return first


def _is_skipped(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    token = tokens[at]
    if token.cap and at > 0 and token.key not in lex.words["months"] and not _is_weekday(token, lex):
        return False
    if token.key.isdigit() and at > 0 and len(token.key) <= 4:
        return True
    return token.key in lex.words["skip"]


def _is_weekday(token: Token, lex: Lexicon) -> bool:
    return lex.lang == "en" and token.key in lex.words["skip"] and token.key.endswith("day")


def _is_verb(token: Token, lex: Lexicon) -> bool:
    if token.key in lex.words["states"] or (lex.lang in ("ru", "uk") and REFLEXIVE_RU.search(token.key)):
        return not token.cap
    nouns = (lex.words["roles"], lex.words["orgs"], lex.words["documents"])
    if token.cap or any(token.key in found for found in nouns):
        return False
    # A phrase such as "gli fa eco" makes no verb of its first word.
    verbs = (lex.say, lex.act, lex.participles, lex.act_participles)
    return token.key in lex.aux or any(() in found.get(token.key, ()) for found in verbs)


def run_right(tokens: list[Token], start: int, lex: Lexicon) -> int:
    """Where the phrase that begins at a token ends."""
    words, end = lex.words, start
    if (
        start < len(tokens)
        and tokens[start].key in words["connectors"] - words["determiners"]
        and not tokens[start].cap
    ):
        return start
    while end < len(tokens) and end - start < _SIZE:
        token = tokens[end]
        if (
            token.text in MARKS
            or token.key == "'s"
            or (token.text == "." and end > start and _abbreviates(tokens, end, lex))
        ):
            end += 1
            continue
        if not token.text[0].isalnum():
            break
        if attached(tokens, start, end):
            end += 1
            continue
        if not token.cap and end > start:
            connects = token.key in words["connectors"] or token.key in words["determiners"]
            if not connects and (token.key in words["stop"] or token.key in words["skip"] or _is_verb(token, lex)):
                break
            if token.key in words["connectors"] and not _connects(tokens, end, lex):
                break
            article = token.key in words["determiners"] and token.key not in words["connectors"]
            if (
                article
                and lex.lang in ("it", "fr", "es", "de", "en")
                and tokens[end - 1].key not in words["connectors"] | words["determiners"]
            ):
                break
            if lex.lang == "it" and tokens[end - 1].cap and len(token.key) > 5 and PAST_IT.search(token.key):
                break
            if lex.lang in ("ru", "uk") and not connects and _begins_verb(tokens, end, lex):
                break
            if lex.lang == "en" and not connects and _leaves_name(tokens, start, end, lex):
                break
        elif not token.cap and (token.key in words["stop"] or _is_verb(token, lex)):
            if token.key not in words["pronouns"]:
                break
            return end + 1
        elif token.cap and end > start and _is_weekday(token, lex):
            break
        end += 1
    return _without_tail(tokens, start, end, lex)


def _without_tail(tokens: list[Token], start: int, end: int, lex: Lexicon) -> int:
    """The end of a phrase without the connectors and articles that hang on to it."""
    words = lex.words
    while (
        end > start
        and not tokens[end - 1].cap
        and (tokens[end - 1].key in words["connectors"] or tokens[end - 1].key in words["determiners"])
    ):
        end -= 1
    return end


def _leaves_name(tokens: list[Token], start: int, at: int, lex: Lexicon) -> bool:
    """Whether a word in lower case after an English name begins something new: "Lukoil picks"."""
    before = tokens[at - 1]
    nouns = ("roles", "orgs", "groups", "vague", "documents")
    if any(tokens[at].key in lex.words[name] for name in nouns) or is_role(tokens[at].key, lex):
        return False
    if before.cap and not (at - 1 == 0 and at - 1 == start and not _is_actor(tokens, at - 1, lex)):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        return not (following and (following.cap or any(following.key in lex.words[name] for name in nouns)))
    return before.key in lex.words["groups"] or before.key in lex.words["vague"]


def _begins_verb(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether a Russian word right after a name or a head noun looks like a verb or an object."""
    before, word = tokens[at - 1], tokens[at].key
    headed = before.cap or before.text == "»" or before.key in lex.words["orgs"] or is_role(before.key, lex)
    noun = word in lex.words["orgs"] or is_role(word, lex) or word in lex.words["documents"]
    if noun or not headed:
        return False
    return bool(CASE_RU.search(word)) or (len(word) > 4 and bool(DEED_RU.search(word)))


def _is_past(token: Token, lex: Lexicon) -> bool:
    """Whether a Russian word is a verb in the past, by its form."""
    return not token.cap and token.key not in lex.nominative and bool(PAST_RU.search(token.key))


def _is_actor(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    return match_phrase(lex.actors, [t.key for t in tokens[at : at + 4]], 0) > 0


def _abbreviates(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether a full stop belongs to an initial or a title before a name: "J. Smith", "Rep. Quigley"."""
    before = tokens[at - 1]
    titled = before.key in names().titles and (before.cap or lex.lang in ("it", "fr", "es"))
    return (len(before.text) == 1 and before.cap) or (titled and at + 1 < len(tokens) and tokens[at + 1].cap)


def _connects(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether a connector holds the phrase together with what follows it."""
    if at + 1 >= len(tokens):
        return False
    following, before = tokens[at + 1], tokens[at - 1]
    if tokens[at].key in ("and", "e", "и", "und", "et", "y", "&", "ed"):
        return following.cap and before.cap
    if tokens[at].key in _LOOSE:
        if tokens[at].key in ("от", "из"):
            return is_role(before.key, lex) and (tokens[at + 1].text[0].isalpha())
        close = before.key in ("familiar", "close", "briefed", "vicine", "близкие")
        heads = lex.words["roles"] | (lex.words["orgs"] if lex.lang in ("ru", "uk") else frozenset())
        return close or any(t.key in heads for t in tokens[max(0, at - 4) : at])
    return following.text[0].isalnum() or following.text in MARKS


def _run_left(tokens: list[Token], end: int, lex: Lexicon) -> int:
    """Where the phrase that ends before a token begins."""
    words, start = lex.words, end
    while start > 0 and end - start < _SIZE:
        token = tokens[start - 1]
        if (
            token.text in MARKS
            or token.key == "'s"
            or (token.text == "." and start > 1 and _abbreviates(tokens, start - 1, lex))
        ):
            if token.text == "»" and start < end and tokens[start].key in words["determiners"]:
                break
            start -= 1
            if token.text == "«" and start and tokens[start - 1].key not in words["orgs"] | words["roles"]:
                break
            continue
        if not token.text[0].isalnum():
            break
        if token.key in words["pronouns"] and start == end:
            return start - 1
        if token.key in words["months"] or (lex.lang == "ru" and _is_past(token, lex)):
            break
        if not token.cap or start == 1:
            joins = token.key in words["connectors"] or token.key in words["determiners"]
            if token.key in words["stop"] and not (joins and _connects(tokens, start - 1, lex)):
                break
            if not joins and (token.key in words["skip"] or (not token.cap and _is_verb(token, lex))):
                break
            if token.key in words["connectors"] and not _connects(tokens, start - 1, lex):
                break
            if token.key in words["pronouns"]:
                break
        elif _is_weekday(token, lex) or token.key in words["months"] or token.key.isdigit():
            break
        start -= 1
    while start < end and not tokens[start].text[0].isalnum() and tokens[start].text not in MARKS:
        start += 1
    while start < end and tokens[start].key in words["connectors"] and not tokens[start].cap:
        start += 1
    return start
