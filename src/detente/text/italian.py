"""Acts of an Italian sentence without a subject to name: "Poi è volato a Chicago", "A Kiev fu accolto male"."""

import re

from detente.text.lexicons import Lexicon, match_phrase
from detente.text.mentions import Mention
from detente.text.tokens import Token
from detente.text.voices import Cue

_HELPERS = frozenset(("ha", "è", "aveva", "era"))
_CLITICS = frozenset(("lo", "la", "li", "le", "ne", "ci", "si", "gli", "vi", "l'", "non", "già", "poi", "anche"))
_REMOTE = re.compile(r"\w{3}(?:ò|ì)$")
_MOVED = re.compile(r"(?:andat|uscit|entrat|tornat|arrivat|partit|volat|intervenut|salit|scappat)[oa]$")


def unsaid(tokens: list[Token], keys: list[str], lex: Lexicon) -> list[Cue]:
    """The deed that opens a sentence without naming its doer, who is the one spoken of before."""
    size = match_phrase(lex.actors, keys, 1) if len(keys) > 1 and keys[0] in ("a", "al", "alla") else 0
    received = next((i for i, k in enumerate(keys[:14]) if k.startswith("accolt")), 0)
    if size and received and keys[1] not in lex.words["countries"] - {"mosca"}:
        # "A Kiev l'idea era stata accolta con sdegno": the place is who received it so.
        return [Cue("act", received, received + 1, Mention(1, 1 + size, "actor"))]
    at = 0
    while at < len(keys) and at < 4 and (keys[at] in _CLITICS or keys[at] in lex.words["skip"] - _HELPERS):
        at += 1
    start = at
    while at < len(keys) and keys[at] in _HELPERS | _CLITICS:
        at += 1
    if at >= len(keys) or (tokens[at].cap and at > 0):
        return []
    helped = bool(_HELPERS & set(keys[start:at]))
    done = helped and (match_phrase(lex.act_participles, keys, at) > 0 or _MOVED.search(keys[at]) is not None)
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if "è" in keys[start:at] and following is not None and (following.cap or following.key in lex.words["determiners"]):
        # "Poi è arrivato l'inverno": the subject comes after.
        return []
    return [Cue("act", at, at + 1, None, weak=True)] if done or _REMOTE.search(keys[at]) else []
