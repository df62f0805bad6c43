"""Attributions and acts in one sentence: a reporting verb, "according to", a colon, a deed, and whose."""

from collections.abc import Callable

from detente.text.deeds import acts, deeds
from detente.text.italian import unsaid
from detente.text.lexicons import Lexicon, match_phrase
from detente.text.mentions import Mention, describe, is_role
from detente.text.phrases import to_the_left, to_the_right
from detente.text.russian import inverted
from detente.text.saying import said
from detente.text.tokens import Token
from detente.text.voices import BREAKS, VOICES, Cue, opening_subject

_SIGNATURE = 4
_RECALLING = ("ricord", "rammen", "напомн", "напомин", "recall", "remind")


def find(tokens: list[Token], lex: Lexicon, *, headline: bool, knows: Callable[[tuple[str, ...]], bool]) -> list[Cue]:
    """The attributions of a sentence in order; an act only where there is no attribution.

    `knows` tells whether a name is that of a person of the document. Direct speech must stand in
    `tokens` as one token each, with the text QUOTE.
    """
    keys = [t.key for t in tokens]
    found = [*_according(tokens, keys, lex, knows), *said(tokens, keys, lex)]
    if not any(cue.mention is not None for cue in found):
        found = found + _colon(tokens, lex, headline=headline, knows=knows)
    pointing = any(match_phrase(lex.pointing, keys, i) for i in range(min(3, len(keys))))
    found = [cue._replace(pointing=pointing and cue.start <= 12) for cue in found]
    reported = sorted(_without_doubles(found), key=lambda cue: cue.start)
    reported = _recalled(tokens, keys, reported, lex)
    done = reported or acts(tokens, keys, lex) or deeds(tokens, keys, lex, headline=headline)
    if done and _is_flow(keys, done[0], lex):
        return []
    if done or lex.lang not in ("ru", "it"):
        return done
    return inverted(tokens, keys, lex) if lex.lang == "ru" else unsaid(tokens, keys, lex)


def _is_flow(keys: list[str], cue: Cue, lex: Lexicon) -> bool:
    """Whether an act is the trade of a whole country."""
    if cue.kind != "act" or cue.mention is None or cue.mention.kind != "actor":
        return False
    whole = any(k in lex.words["countries"] for k in keys[cue.mention.start : cue.mention.end])
    return whole and any(k in lex.words["flows"] for k in keys[cue.start : cue.end])


def _recalled(tokens: list[Token], keys: list[str], reported: list[Cue], lex: Lexicon) -> list[Cue]:
    """What somebody recalls that another did is the other's: "ricorda che il Senato ha approvato"."""
    if len(reported) != 1 or not keys[reported[0].end - 1].startswith(_RECALLING):
        return reported
    link = next((i for i in range(reported[0].end, len(keys)) if keys[i] in ("che", "что", "that")), len(keys))
    inner = acts(tokens[link + 1 :], keys[link + 1 :], lex)
    mention = inner[0].mention if inner else None
    if mention is None or mention.kind not in ("actor", "person"):
        return reported
    shift = link + 1
    moved = mention._replace(start=mention.start + shift, end=mention.end + shift)
    return [reported[0]._replace(mention=moved)]


def _without_doubles(cues: list[Cue]) -> list[Cue]:
    """A preposition and a verb may find the same voice: the first found stays."""
    kept: list[Cue] = []
    for cue in cues:
        mention = cue.mention
        same = mention and any(
            k.mention and k.mention.start < mention.end and mention.start < k.mention.end for k in kept
        )
        inside = any(k.start <= cue.start < k.end for k in kept)
        if not same and not inside:
            kept.append(cue)
    return kept


def _according(
    tokens: list[Token], keys: list[str], lex: Lexicon, knows: Callable[[tuple[str, ...]], bool]
) -> list[Cue]:
    found: list[Cue] = []
    for i, token in enumerate(tokens):
        size = match_phrase(lex.of_him, keys, i)
        if size:
            # "secondo il quale" takes up the voice before it.
            relative = any(k in ("quale", "cui", "quali") for k in keys[i : i + size])
            found.append(Cue("him", i, i + size, to_the_left(tokens, i - 1, lex) if relative and i > 1 else None))
            continue
        size = match_phrase(lex.according, keys, i)
        if size == 1 and token.key == "secondo" and _is_ordinal(tokens, i, lex):
            continue
        if size and not (token.cap and i > 0 and tokens[i - 1].text not in BREAKS):
            mention = to_the_right(tokens, i + size, lex)
            if mention is not None:
                found.append(Cue("according", i, i + size, mention))
        elif i == 0 and token.key in lex.before_comma:
            mention = to_the_right(tokens, 1, lex)
            closed = mention and mention.end < len(tokens) and tokens[mention.end].text == ","
            named = mention and mention.kind in ("person", "name") and knows(mention.name)
            if mention and (
                mention.kind == "vague" or named or (closed and mention.kind in ("person", "role", "name"))
            ):
                found.append(Cue("according", 0, 1, mention))
        elif lex.lang == "it" and token.key.startswith("convint") and i > 1 and keys[i - 1 : i + 2 : 2] == [",", "che"]:
            # "Rand Paul dissente, convinto che ...": the belief is that of the subject.
            opening = opening_subject(tokens, lex)
            found.extend([Cue("according", i, i + 1, opening)] if opening is not None else [])
        elif token.key in lex.according_after:
            mention = to_the_left(tokens, i, lex)
            if mention is not None:
                found.append(Cue("according", i, i + 1, mention))
        elif lex.lang == "de" and token.key == "so" and i > 0 and tokens[i - 1].text in BREAKS:
            # "„Wir warten ab“, so der Minister."
            mention = to_the_right(tokens, i + 1, lex)
            if mention is not None and mention.start <= i + 2:
                found.append(Cue("according", i, i + 1, mention))
        elif lex.lang == "en" and token.key in ("in", "by"):
            found.extend(_in_the_view_of(tokens, i, lex))
    return found


def _is_ordinal(tokens: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether "secondo" is "second": a common noun without an article follows."""
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if following is None or following.cap or following.key in lex.words["determiners"]:
        return following is None
    return not any(
        following.key in lex.words[name] for name in ("vague", "groups", "documents", "connectors", "pronouns")
    )


def _in_the_view_of(tokens: list[Token], at: int, lex: Lexicon) -> list[Cue]:
    nouns = ("view", "opinion", "words", "telling", "count", "estimate", "reckoning", "account", "eyes", "judgment")
    for end in range(at + 2, min(at + 9, len(tokens) - 1)):
        if tokens[end].key == "'s" and tokens[end + 1].key in nouns:
            mention = describe(tokens, at + 1, end, lex)
            return [Cue("according", at, end + 2, mention)] if mention else []
    return []


def _colon(tokens: list[Token], lex: Lexicon, *, headline: bool, knows: Callable[[tuple[str, ...]], bool]) -> list[Cue]:
    """A voice before a colon, and in headlines after a dash: "Russia is ready - Peskov"."""
    for i, token in enumerate(tokens[:14]):
        if token.text == ":" and i + 1 < len(tokens):
            mention = to_the_right(tokens, 0, lex)
            if mention and mention.end == i and _speaks(mention, knows):
                return [Cue("colon", i, i + 1, mention)]
            if headline and i + 2 < len(tokens) and tokens[i + 2].text == ",":
                named = describe(tokens, i + 1, i + 2, lex)
                if named and _speaks(named, knows):
                    return [Cue("colon", i, i + 1, named)]
            break
    if headline:
        for i in range(len(tokens) - 2, max(0, len(tokens) - 8), -1):
            if tokens[i].text in ("-", "–", "—", ":"):
                mention = describe(tokens, i + 1, len(tokens), lex)
                first = tokens[i + 1]
                if not first.cap and first.key not in lex.words["determiners"] and not is_role(first.key, lex):
                    break
                signed = mention and mention.kind == "name" and len(tokens) - i <= _SIGNATURE
                if mention and (signed or (_speaks(mention, knows) and _is_signature(tokens[i + 1 :], lex))):
                    return [Cue("colon", i, i + 1, mention)]
                break
    return []


def _is_signature(rest: list[Token], lex: Lexicon) -> bool:
    """Whether the end of a headline only names somebody and tells nothing: "Mosca", but not "Mosca guarda"."""
    nouns = ("roles", "orgs", "groups", "vague", "connectors", "determiners", "documents")
    names_only = all(t.cap or not t.text[0].isalpha() or any(t.key in lex.words[n] for n in nouns) for t in rest)
    return lex.lang != "it" or names_only


def _speaks(mention: Mention, knows: Callable[[tuple[str, ...]], bool]) -> bool:
    """Whether a phrase before a colon is a voice and no topic."""
    if mention.kind in ("name", "org"):
        return knows(mention.name) if mention.name else mention.kind == "org"
    return mention.kind in VOICES
