"""What the form of a phrase tells: whether it can be a subject at all, and whether a preposition holds it down."""

import re
from collections.abc import Iterable

from detente.text.lexicons import Lexicon, key
from detente.text.mentions import MARKS, Mention
from detente.text.subjects import of_subject
from detente.text.tokens import Token

_LINKS = frozenset(("che", "что", "чтобы", "que", "dass", "that"))
_NEAR = 4
_SLAVIC = frozenset(("ru", "uk"))
_SUBJECT_RU = re.compile(r"(?:[ыи]й|ая|яя|[^иьтв]ое|[кгхщшжч]ее|ые|[кгхщшжч]ие)$")
# Endings that no nominative has but for a few nouns: accusatives, genitives of adjectives, datives, instrumentals.
_OBJECT_RU = re.compile(r"(?:ую|юю|ого|его|ому|ему|ыми|ими|ами|ями|ах|ях|ам|ям|ой|ою|ей|ым|им|ых|их|ом|ем|у|ю)$")
_OBLIQUE_NAME = re.compile(r"(?:[ое]в[ауе]|[ое]вым|ин[ауе]|иным|ского|скому|ским|[ую]ю|ой|ом|ем|у|ю|и|ах|ам|ами)$")


def of_unsaid(tokens: list[Token], mention: Mention, verb: int, kind: str) -> Iterable[str]:
    """Features of a phrase behind a reporting verb that leaves its subject unsaid: "Ammette che | nessun pozzo ..."."""
    linked = any(t.key in _LINKS for t in tokens[verb : mention.start])
    side = "before" if mention.end <= verb else "linked" if linked else "after"
    yield from (f"unsaid={side}", f"unsaid={side},{kind}", f"unsaid={side},{mention.start - verb < _NEAR}")


def of_form(tokens: list[Token], tags: list[str], mention: Mention, nominative: str, lex: Lexicon) -> Iterable[str]:
    """Named features: the case of a Russian phrase, elsewhere whether it stands under a preposition.

    `nominative` is the fullest name that the document has for a person, "" for other phrases.
    """
    left = tags[mention.start - 1] if mention.start else "^"
    right = tags[mention.end] if mention.end < len(tags) else "$"
    form = _case(tokens, mention, nominative, lex) if lex.lang in _SLAVIC else "-"
    kind = mention.kind
    under = left in "PC" and lex.lang not in _SLAVIC
    verb = right in "VAXve"
    yield from (f"form={form}", f"form={form},{kind}", f"form={form},{left}_", f"form={form},_{right}")
    yield from (f"form={form},{mention.start == 0},{verb}", f"form={form},{kind},{left}_{right}")
    if lex.lang == "ru":
        yield from of_subject(tokens, mention)
    if lex.lang not in _SLAVIC:
        yield from (f"under={under},{kind}", f"under={under},{verb}", f"under={under},{kind},{verb}")


def _case(tokens: list[Token], mention: Mention, nominative: str, lex: Lexicon) -> str:
    """Nominative or oblique, with a question mark where only the ending tells; "?" where nothing does."""
    phrase = [t for t in tokens[mention.start : mention.end] if t.text[0].isalnum()]
    if not phrase:
        return "?"
    if nominative and mention.name:
        same = key(nominative.split()[-1]) == key(mention.name[-1])
        return "nom" if same else "obl"
    for token in phrase:
        known = lex.nominative.get(token.key)
        if known is not None:
            return "nom" if known == token.key else "obl"
        if (token.key,) in lex.actor_names:
            return "nom" if key(lex.actor_names[(token.key,)]) == token.key else "obl"
        if not token.cap and token.key in lex.words["groups"]:
            return "nom"
        if _SUBJECT_RU.search(token.key):
            return "nom?"
        if _OBJECT_RU.search(token.key) and len(token.key) > 3:
            return "obl?"
        break
    marked = any(t.text in MARKS for t in tokens[mention.start : mention.end])
    return "obl?" if marked and len(phrase) == 1 and _OBLIQUE_NAME.search(phrase[0].key) else "?"
