"""An attribution or act with its voice, and the voice that opens a sentence."""

from typing import Literal, NamedTuple

from detente.text.lexicons import Lexicon
from detente.text.mentions import Mention, is_role
from detente.text.phrases import to_the_right
from detente.text.tokens import QUOTE, Token

Kind = Literal["say", "according", "colon", "him", "act"]
BREAKS = frozenset((",", "—", "–", "-", QUOTE, "?", "!", "…", "(", ";", ":"))
AUTHOR = frozenset(("i", "we", "я", "мы", "noi", "io", "wir", "ich", "nous", "je"))
RELATIVE = frozenset(("who", "which", "который", "которая", "qui"))
VOICES = frozenset(("person", "role", "org", "actor", "name"))


class Cue(NamedTuple):
    """An attribution or act: the tokens of its verb or preposition, and the voice; None if it is dropped."""

    kind: Kind
    start: int
    end: int
    mention: Mention | None
    pointing: bool = False
    outer: bool = False
    weak: bool = False
    trailing: bool = False
    gerund: bool = False


_ADVERBIAL = frozenset(
    ("last", "this", "next", "yet", "but", "and", "eppure", "ma", "poi", "e", "invece", "но", "а", "однако")
)


def openings(tokens: list[Token], keys: list[str], lex: Lexicon) -> list[int]:
    """Where the subject may begin: at the start, or after the adverbial that opens the sentence."""
    places = [0]
    comma = next((i for i, t in enumerate(tokens[:14]) if t.text in (",", "—", "–", ":", "-")), -1)
    if comma > 0:
        places.append(comma + 1)
    adverbial = keys and (keys[0] in _ADVERBIAL | lex.words["stop"] | lex.by | lex.words["skip"] or keys[0].isdigit())
    dated = len(keys) > 1 and keys[1].isdigit()
    if lex.lang == "it":
        places.extend(_clause_starts(tokens, keys))
    if adverbial or dated:
        governing = (lex.words["stop"] | lex.by | lex.words["connectors"]) - _ADVERBIAL
        places.extend(
            i
            for i in range(1, min(8, len(tokens)))
            if (keys[i] in lex.words["determiners"] or tokens[i].cap or _is_head(keys[i], lex))
            and keys[i - 1] not in governing
            and keys[i - 1] not in lex.words["determiners"]
        )
    return places


def _clause_starts(tokens: list[Token], keys: list[str]) -> list[int]:
    """Where a main clause may begin after a mark later in an Italian sentence."""
    marks = (i for i, t in enumerate(tokens[:40]) if t.text in (",", ":", ";", "—", "–"))
    linked = RELATIVE | {
        "che",
        "cui",
        "dove",
        "quando",
        "mentre",
        "perché",
        "se",
        "come",
        "quale",
        "chi",
        "e",
        "o",
        "né",
    }
    return [i + 1 for i in marks if i + 1 < len(keys) and keys[i + 1] not in linked]


def _is_head(word: str, lex: Lexicon) -> bool:
    """Whether a noun without an article may open a subject, as in Russian."""
    nouns = lex.words["groups"] | lex.words["orgs"]
    return lex.lang in ("ru", "uk") and (word in nouns or is_role(word, lex))


def before_colon(tokens: list[Token], lex: Lexicon) -> list[Mention]:
    """What may be the subject of a sentence that leads to direct speech by a colon: "The mayor is blunt: “…”"."""
    for i, token in enumerate(tokens):
        if token.text == QUOTE:
            leads = i > 0 and tokens[i - 1].text == ":"
            places = openings(tokens, [t.key for t in tokens], lex) if leads else []
            found = [subject_at(tokens[:i], place, lex) for place in places]
            return [m for m in found if m is not None]
    return []


def first_voice(tokens: list[Token], lex: Lexicon) -> Mention | None:
    """The person or role that a sentence names first, near its beginning."""
    keys = [t.key for t in tokens]
    places = [*openings(tokens, keys, lex), *(i for i in range(min(6, len(keys))) if is_role(keys[i], lex))]
    found = (subject_at(tokens, place, lex) for place in places)
    return next((m for m in found if m is not None and m.kind in ("person", "role")), None)


def opening_subject(tokens: list[Token], lex: Lexicon) -> Mention | None:
    """The voice that opens a sentence, if one does."""
    return subject_at(tokens, 0, lex)


def subject_at(tokens: list[Token], begin: int, lex: Lexicon) -> Mention | None:
    """The voice that begins at a token, "it" and "he" included, but not "we" and "who"."""
    if begin >= len(tokens):
        return None
    subject = to_the_right(tokens, begin, lex)
    if subject is None or subject.start - begin > 3:
        return None
    voiced = subject.kind in VOICES
    he = subject.kind == "pronoun" and tokens[subject.start].key not in AUTHOR | RELATIVE
    return subject if voiced or he else None
