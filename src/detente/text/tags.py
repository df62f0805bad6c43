"""The class of every token of a sentence: direct speech, a reporting verb, a deed, a name, a role ..."""

import re

from detente.text import morphology
from detente.text.endings import DEED_RU, PAST_IT
from detente.text.lexicons import Lexicon, match_phrase
from detente.text.mentions import MARKS, is_role
from detente.text.tokens import QUOTE, Token

_SHORT = 5
_REMOTE_IT = re.compile(r"\w{2}(?:ò|arono|[ei]rono|ettero)$")
_NO_VERBS_IT = frozenset(("però", "perciò", "acciò", "oblò", "casinò", "rondò", "comò"))
_PARTICIPLE_IT = re.compile(r"(?:at|ut|it|es|ess|ost|ett|int|ort|ers|ott|st)[oaie]$")


def tags_of(tokens: list[Token], lex: Lexicon) -> list[str]:
    """The class of every token: Q direct speech, V reporting verb, A deed, X auxiliary, N name, R role ..."""
    keys = [t.key for t in tokens]
    found = [_tag(tokens, keys, at, lex) for at in range(len(tokens))]
    for phrases, tag in ((lex.say, "V"), (lex.participles, "V"), (lex.according, "S")):
        for at in range(len(tokens)):
            size = match_phrase(phrases, keys, at)
            if size and not (tokens[at].cap and at > 0 and tag == "V"):
                found[at : at + size] = [tag] * size
    return found


def _tag(tokens: list[Token], keys: list[str], at: int, lex: Lexicon) -> str:
    token, words = tokens[at], lex.words
    if token.text == QUOTE:
        return "Q"
    if not token.text[0].isalnum():
        return "«" if token.text in MARKS else token.text
    if token.key[0].isdigit() or token.key in words["months"]:
        return "#"
    if token.key in words["pronouns"]:
        return "H"
    if match_phrase(lex.act, keys, at) or match_phrase(lex.act_participles, keys, at):
        return "A"
    for name, tag in (("determiners", "D"), ("stop", "P"), ("connectors", "C"), ("skip", "s")):
        if token.key in words[name] and not (token.cap and at > 0):
            return tag
    if token.key in lex.aux:
        return "X"
    if is_role(token.key, lex):
        return "R"
    for name, tag in (("orgs", "O"), ("groups", "G"), ("vague", "G"), ("documents", "T")):
        if token.key in words[name]:
            return tag
    if token.cap:
        return "N"
    if token.key in words["states"]:
        return "e"
    return "v" if is_verb_shaped(token.key, keys[at - 1] if at else "", lex) else "w"


def is_past(word: str, lex: Lexicon) -> bool:
    """Whether a word of English or Italian can be nothing but a finite past: "flew", "impiantò"."""
    if lex.lang == "it":
        return bool(_REMOTE_IT.search(word)) and word not in _NO_VERBS_IT
    return lex.lang == "en" and word in lex.words["pasts"]


def is_verb_shaped(word: str, before: str, lex: Lexicon) -> bool:
    """Whether a word that no list has looks like a finite verb or, after an auxiliary, a participle."""
    if word in lex.words["irregular"]:
        return True
    if lex.lang == "ru":
        return word not in lex.nominative and morphology.finite(word) is not None
    if lex.lang == "uk":
        return word not in lex.nominative and bool(DEED_RU.search(word)) and len(word) >= _SHORT - 1
    if len(word) < _SHORT:
        return False
    if lex.lang == "en":
        return word.endswith("ed")
    return lex.lang == "it" and (
        bool(PAST_IT.search(word)) or (before in lex.aux and bool(_PARTICIPLE_IT.search(word)))
    )
