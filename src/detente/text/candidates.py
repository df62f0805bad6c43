"""The phrases of a sentence that may name its holder, whatever their nouns: names, roles, groups, bodies, papers."""

import re

from detente.text.extents import extended
from detente.text.lexicons import Lexicon, match_phrase
from detente.text.mentions import MARKS, Mention, describe, is_role
from detente.text.phrases import run_right
from detente.text.subjects import bodies
from detente.text.tags import is_past, is_verb_shaped
from detente.text.tokens import QUOTE, Token

_REACH = 60
_TAIL_IT = re.compile(r"(?:ese|esi|an[oaie]|in[oaie]|ic[oaie]|ch[ei]|russ[oaie]|al[ei]|e[oaie])$")
_TAIL_RU = re.compile(r"(?:ого|его|ой|ей|ых|их|а|я|ы|и|у|ю|ов|ев)$")
_ADJECTIVE_RU = re.compile(r"(?:[ыио]й|ая|яя|ое|ее|ые|ие)$")
# Where every noun has a capital, and where the order of words alone tells the subject, a capital inside is no sign.
_MANNER = {
    "en": re.compile(r"\w{3}(?<!supp)(?<!fami)(?<!assemb)(?<!month)(?<!week)(?<!dai)ly$"),
    "it": re.compile(r"\w{3}mente$"),
}
_NOUNS_CAPITAL = frozenset(("de",))
_NO_CASES = frozenset(("en", "de"))
_NOUNS = ("orgs", "groups", "vague", "documents")
_NOT_FIRST = frozenset(("che", "что", "that", "cui", "который", "which", "чтобы"))


def candidates(tokens: list[Token], lex: Lexicon) -> list[Mention]:
    """Every phrase that may be a voice, in order; phrases that end together are one, from its first word on."""
    found: list[Mention] = []
    keys = [t.key for t in tokens]
    covered = 0
    for at in range(min(len(tokens), _REACH)):
        if not _may_begin(tokens, keys, at, lex, covered):
            continue
        mention = _phrase(tokens, at, lex)
        if mention is None or (mention.end <= covered and not (_heads(tokens, at, lex) or tokens[at].cap)):
            continue
        found += [mention, *_shorter(tokens, mention, lex)]
        covered = max(covered, mention.end)
    if lex.lang == "ru":
        taken = {at for mention in found for at in range(mention.start, mention.end)}
        inside = [describe(tokens, a, b, lex) or Mention(a, b, "other") for a, b in bodies(tokens) if a not in taken]
        longer = [more for mention in found if (more := extended(tokens, mention)) is not None]
        found = sorted([*found, *longer, *inside], key=lambda m: (m.start, -m.end))
    return found


def _shorter(tokens: list[Token], mention: Mention, lex: Lexicon) -> list[Mention]:
    """The phrase before what may be its verb rather than a part of it: "the Treasury | took Rusal"."""
    others = ("connectors", "determiners", "stop")
    if lex.lang in _NOUNS_CAPITAL:
        return []
    for i in range(mention.start + 1, mention.end):
        word, before = tokens[i], tokens[i - 1]
        joins = _is_noun(word, lex) or any(word.key in lex.words[n] for n in others)
        if joins or word.cap or not word.text[0].isalpha():
            continue
        headed = before.cap or before.text in MARKS or _is_noun(before, lex)
        if headed and not _is_adjective(word.key, lex):
            found = describe(tokens, mention.start, i, lex) or Mention(mention.start, i, "other")
            return [found] if found.start == mention.start else []
    return []


def _is_noun(word: Token, lex: Lexicon) -> bool:
    """Whether a word is a noun of the lexicon that may head a voice."""
    return any(word.key in lex.words[n] for n in _NOUNS) or is_role(word.key, lex)


def _is_adjective(word: str, lex: Lexicon) -> bool:
    if lex.lang == "en":
        return not (word.endswith("s") or is_verb_shaped(word, "", lex))
    pattern = _TAIL_IT if lex.lang in ("it", "fr", "es") else _TAIL_RU
    return pattern.search(word) is not None and not is_verb_shaped(word, "", lex)


def _may_begin(tokens: list[Token], keys: list[str], at: int, lex: Lexicon, covered: int) -> bool:
    token, words = tokens[at], lex.words
    if not token.text[0].isalpha() or token.text == QUOTE:
        return token.text in ("«", "“", '"') and at + 1 < len(tokens) and tokens[at + 1].cap and at >= covered
    if (
        token.key in _NOT_FIRST
        or token.key in words["months"]
        or (token.cap and token.key in words["skip"] - words["determiners"])
    ):
        return False
    if token.key in words["pronouns"]:
        return True
    if at < covered and not (token.cap and keys[at - 1] in words["connectors"]) and not _heads(tokens, at, lex):
        # "Новые суда | Вашингтон заказывает": a name after another noun may be the subject.
        before = tokens[at - 1]
        apart = token.cap and before.text[0].isalpha() and not before.cap and keys[at - 1] not in words["determiners"]
        if not apart or lex.lang in _NO_CASES or _is_noun(before, lex):
            return False
    first = at == 0 or not tokens[at - 1].text[0].isalnum()
    if token.cap:
        return not (first and at == 0 and token.key in ((words["stop"] | words["connectors"]) - words["determiners"]))
    if token.key in words["determiners"] or is_role(token.key, lex):
        return True
    if any(token.key in words[n] for n in ("orgs", "groups", "vague", "documents", "quantifiers")):
        return True
    free = not any(token.key in words[n] for n in ("stop", "skip", "connectors")) and token.key not in lex.aux
    follows_verb = at > 0 and (keys[at - 1] in lex.say or keys[at - 1] in lex.participles)
    return free and (first or follows_verb) and not match_phrase(lex.say, keys, at)


def _heads(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether a Russian phrase begins anew inside what looks like one: "шахтёров Вайоминга | сенатор Баррассо"."""
    if lex.lang not in ("ru", "uk"):
        return False
    token, before = tokens[at], tokens[at - 1]
    if before.text == "»":
        return True
    nominative = lex.nominative.get(token.key) == token.key or token.key in lex.words["groups"]
    return nominative and not before.cap and not _ADJECTIVE_RU.search(before.key) and before.text[0].isalpha()


def _phrase(tokens: list[Token], at: int, lex: Lexicon) -> Mention | None:
    """The phrase that begins at a token, cut before the verb that may have run into it."""
    if tokens[at].key in lex.words["pronouns"]:
        return Mention(at, at + 1, "pronoun")
    end = run_right(tokens, at, lex)
    while end > at and not tokens[end - 1].text[0].isalpha() and tokens[end - 1].text not in MARKS | {"."}:
        end -= 1
    if end <= at:
        return None
    end = _before_finite(tokens, at, _to_mark(tokens, at, end), lex)
    end = _before_verb(tokens, at, _between_names(tokens, at, end, lex), lex)
    found = describe(tokens, at, end, lex)
    if found is not None and found.start == at and found.kind in ("person", "role", "pronoun"):
        return found
    end = _without_tail(tokens, at, end, lex)
    if end <= at or all(t.key in lex.words["determiners"] for t in tokens[at:end]):
        return None
    found = describe(tokens, at, end, lex)
    return found if found is not None else Mention(at, end, "other")


def _to_mark(tokens: list[Token], at: int, end: int) -> int:
    """The end of a phrase that opens a quotation mark, after the mark that closes it."""
    inside = [t.text for t in tokens[at:end]]
    for opening, closing in (("«", "»"), ("“", "”"), ("„", "“")):
        if inside.count(opening) > inside.count(closing):
            return next((i + 1 for i in range(end, min(end + 8, len(tokens))) if tokens[i].text == closing), end)
    return end


def _before_finite(tokens: list[Token], at: int, end: int, lex: Lexicon) -> int:
    """The end before the first word that is surely a finite verb, and before adverbs: "the company | promptly"."""
    bare = 1 + (tokens[at].key in lex.words["determiners"])
    end = next((i for i in range(at + bare, end) if not tokens[i].cap and is_past(tokens[i].key, lex)), end)
    manner = _MANNER.get(lex.lang)
    while manner and end > at + 1 and not tokens[end - 1].cap and manner.search(tokens[end - 1].key):
        end -= 1
    return end


def _between_names(tokens: list[Token], at: int, end: int, lex: Lexicon) -> int:
    """The end before a verb that stands between two names in English: "Lukoil | picks US firm"."""
    if lex.lang != "en":
        return end
    nouns = ("orgs", "groups", "vague", "documents", "connectors", "determiners")
    for i in range(at + 1, end - 1):
        word = tokens[i]
        shaped = (
            word.key.endswith(("s", "ed")) and len(word.key) > 3 and not word.key.endswith("ss") and word.key != "'s"
        )
        known = any(word.key in lex.words[n] for n in nouns) or is_role(word.key, lex)
        if tokens[i - 1].cap and not word.cap and shaped and not known:
            return i
    return end


def _before_verb(tokens: list[Token], at: int, end: int, lex: Lexicon) -> int:
    """The end without a last word that governs what follows, and so is a verb: "i sindacati temono | la"."""
    if end - at < 2 or end >= len(tokens) or tokens[end - 1].cap:
        return end
    follows, last = tokens[end], tokens[end - 1].key
    noun = any(last in lex.words[n] for n in ("orgs", "groups", "vague", "documents", "connectors")) or is_role(
        last, lex
    )
    opens = follows.key in lex.words["determiners"] or follows.key in _NOT_FIRST or follows.text == QUOTE
    bare = tokens[end - 2].key in lex.words["determiners"] or tokens[end - 2].key in lex.words["connectors"]
    return end - 1 if opens and not noun and not bare else end


def _without_tail(tokens: list[Token], at: int, end: int, lex: Lexicon) -> int:
    """The end without lower-case words after the last name that do not look like its adjectives."""
    last = max((i for i in range(at, end) if tokens[i].cap and (i > at or i > 0)), default=-1)
    if last < 0 or last == end - 1:
        return end
    pattern = _TAIL_IT if lex.lang == "it" else _TAIL_RU if lex.lang in ("ru", "uk") else None
    stop = last + 1
    while stop < end:
        word = tokens[stop]
        known = any(word.key in lex.words[n] for n in ("orgs", "groups", "documents", "connectors", "determiners"))
        adjective = pattern is not None and pattern.search(word.key) is not None
        if not (known or is_role(word.key, lex) or adjective or word.text in MARKS or word.key == "'s"):
            break
        stop += 1
    stop = max(stop, _to_noun(tokens, stop, end, lex))
    while stop > last + 1 and (
        tokens[stop - 1].key in lex.words["connectors"] or tokens[stop - 1].key in lex.words["determiners"]
    ):
        stop -= 1
    return stop


def _to_noun(tokens: list[Token], start: int, end: int, lex: Lexicon) -> int:
    """The end behind the English noun to which the words after a name lead: "an Indian | refining source"."""
    if lex.lang != "en":
        return start
    for i in range(start, end):
        if _is_noun(tokens[i], lex):
            return i + 1
        if tokens[i].cap or not tokens[i].text[0].isalpha() or not _is_adjective(tokens[i].key, lex):
            break
    return start
