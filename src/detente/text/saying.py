"""Reporting verbs and whose they are."""

from detente.text.lexicons import Lexicon, key, match_phrase, names
from detente.text.mentions import Mention, describe, is_role
from detente.text.phrases import to_the_left, to_the_right
from detente.text.tokens import QUOTE, Token
from detente.text.voices import AUTHOR, BREAKS, RELATIVE, VOICES, Cue, Kind, first_voice, subject_at

_GROUP = 5
_BODIES = frozenset(("org", "actor", "name"))
_ADDRESSES = (
    *("avvert", "avvis", "invit", "esort", "ringrazi", "critic", "accus", "attacc", "elogi", "condann", "chiam"),
    *("salut", "minacci", "lod", "sollecit", "difend", "difes", "plaud", "incalz", "bacchett", "supplic", "interromp"),
)
_INVERTS = frozenset(("it", "ru", "uk", "de", "fr", "es"))
_DROPS = frozenset(("it", "es", "ru", "uk"))


def said(tokens: list[Token], keys: list[str], lex: Lexicon) -> list[Cue]:
    """The reporting verbs of a sentence with their voices, in order."""
    found: list[Cue] = []
    i = 0
    while i < len(tokens):
        group = _verb_group(tokens, keys, i, lex) or _after_quote(tokens, i, lex)
        if group is None:
            i += 1
            continue
        start, end = group
        mention, dropped = _subject(tokens, start, end, lex)
        if mention is not None or dropped:
            silent = start > 0 and keys[start - 1] == "не" and keys[start].startswith(("прокоммент", "ответи"))
            silent = silent or (
                lex.lang == "it" and keys[end - 1] == "commentato" and "non" in keys[max(0, start - 2) : end]
            )
            kind: Kind = "act" if silent else "say"
            relative = start > 0 and keys[start - 1] in RELATIVE
            trailing = mention is not None and mention.start >= end and start > 0 and tokens[start - 1].text == ","
            outer = keys[end - 1] in lex.outer
            gerund = lex.lang == "it" and keys[end - 1].endswith(("ando", "endo"))
            found.append(Cue(kind, start, end, mention, False, outer, relative, trailing, gerund))
        i = end
    return found


def _verb_group(tokens: list[Token], keys: list[str], at: int, lex: Lexicon) -> tuple[int, int] | None:
    """Start (with its auxiliary) and end of the reporting verb at a token; None if there is none."""
    token = tokens[at]
    size = match_phrase(lex.participles, keys, at)
    if size:
        for back in range(at - 1, max(-1, at - 5), -1):
            if keys[back] in lex.aux and not (tokens[back].cap and back > 0):
                return back, at + size
            if keys[back] not in lex.words["skip"] and keys[back] not in lex.aux:
                break
        if lex.lang == "de" and any(k in lex.aux for k in keys[:at]) and at >= len(tokens) - 3:
            return at, at + size
    size = match_phrase(lex.say, keys, at)
    if not size or (token.cap and at > 0 and tokens[at - 1].text != QUOTE):
        return None
    before = tokens[at - 1] if at else None
    if before is not None and before.text not in BREAKS and _makes_noun(before, token, lex):
        return None
    if (
        lex.lang == "en"
        and at + 1 < len(tokens)
        and keys[at + 1] == "to"
        and before
        and before.key in ("is", "are", "was", "were")
    ):
        return None
    return at, at + size


def _after_quote(tokens: list[Token], at: int, lex: Lexicon) -> tuple[int, int] | None:
    """Any word between direct speech and a voice is a reporting verb: "«…», — злится директор Лоскутов"."""
    if at < 1 or tokens[at].cap or not tokens[at].text[0].isalpha():
        return None
    quoted = tokens[at - 1].text == QUOTE or (
        at > 1
        and tokens[at - 1].text in ("—", "–", "-", ",")
        and any(t.text == QUOTE for t in tokens[max(0, at - 3) : at])
    )
    taken = ("stop", "determiners", "connectors", "skip", "pronouns", "roles", "orgs")
    if not quoted or any(tokens[at].key in lex.words[name] for name in taken) or tokens[at].key in lex.aux:
        return None
    mention = to_the_right(tokens, at + 1, lex)
    if mention is None or mention.start > at + 2 or mention.kind not in ("person", "role", "name", "pronoun"):
        return None
    ends = mention.end >= len(tokens) or not tokens[mention.end].text[0].isalnum()
    return (at, at + 1) if ends or tokens[mention.end].key in lex.words["stop"] else None


def _makes_noun(before: Token, token: Token, lex: Lexicon) -> bool:
    """Whether the word before makes a noun of the verb form: "the claims", "una stima", "Russia's hopes"."""
    if before.key == "'s":
        return True
    if before.key in ("lo", "ci", "si", "ne", "le", "li", "gli", "l'") and lex.lang in ("it", "es", "fr"):
        return before.key in ("le", "gli", "li", "l'") and token.key.endswith(("e", "a", "i")) and lex.lang != "es"
    if before.key == "la" and lex.lang == "it":
        return token.key.endswith("a")
    if lex.lang in ("ru", "uk", "de"):
        return False
    articles = before.key in lex.words["determiners"] or before.key in lex.words["connectors"]
    if lex.lang == "en":
        articles = articles or before.key in ("no", "any", "new", "such", "in", "by", "to", "as")
        ends_ed = token.key.endswith(("ed", "said", "told"))
        return articles and not (ends_ed and before.key in ("and", "one", "this", "that", "three", "two"))
    return articles and before.key not in ("e", "y", "et", "ed")


def _subject(tokens: list[Token], start: int, end: int, lex: Lexicon) -> tuple[Mention | None, bool]:
    """The voice of a reporting verb, and whether the language lets it go unsaid here."""
    before = tokens[start - 1].text if start else ""
    near_quote = any(t.text == QUOTE for t in tokens[max(0, start - 3) : start])
    inverted = before in BREAKS or start == 0 or _is_second(tokens, start, lex)
    left = right = None
    if not (inverted and near_quote):
        left = _left(tokens, start, end, lex)
    if inverted or (lex.lang in _INVERTS and left is None):
        right = _right(tokens, end, lex)
        if lex.lang == "en" and right is not None and not (near_quote or before in (",", "—", "–")):
            right = None
    if lex.lang == "en" and (tokens[start].key in ("told", "tells") or (left is not None and left.kind == "person")):
        right = right if left is None and tokens[start].key not in ("told", "tells") else None
    if lex.lang == "en" and right is not None and not near_quote and left is not None:
        last = right.kind not in ("pronoun", "document") and _is_last(tokens, right, lex)
        right = right if last else None
    if lex.lang == "it" and right is not None and not near_quote and _addresses(tokens[end - 1].key):
        right = None
    mention = (right or left) if inverted else (left or right)
    if mention is not None and mention.kind == "document" and tokens[start].key in lex.words["interpreting"]:
        return None, False
    if mention is not None and mention.kind == "pronoun" and tokens[mention.start].key in AUTHOR:
        return None, False
    follows = tokens[end].text if end < len(tokens) else ""
    led = tokens[0].key in lex.words["stop"] | lex.by and tokens[0].key != "che"
    early = (start <= 2 or led) and lex.lang in ("it", "es")
    inserted = before == "," and follows in (",", ".")
    dropped = lex.lang in _DROPS and (near_quote or early or follows == QUOTE or inserted)
    if mention is None and dropped and start > 2:
        opening = subject_at(tokens, 0, lex)
        if opening is not None and opening.kind in ("person", "role", "org", "actor", "name") and opening.end < start:
            led = any(t.text in (":", QUOTE) for t in tokens[opening.end : start])
            return (opening, False) if led else (None, True)
    return mention, dropped and mention is None


def _is_second(tokens: list[Token], start: int, lex: Lexicon) -> bool:
    """Whether a German verb stands behind an adverbial, so that its subject follows: "Nach dem Treffen sagte er"."""
    first = tokens[0]
    governing = lex.words["stop"] | lex.by | lex.words["skip"]
    subject = lex.words["pronouns"] | lex.words["determiners"]
    opens = first.key in governing and first.key not in subject
    return lex.lang == "de" and opens and not any(t.text in BREAKS for t in tokens[:start])


def _addresses(verb: str) -> bool:
    """Whether what follows an Italian verb of speaking is whom it addresses: "ha avvertito gli americani"."""
    return verb.startswith(_ADDRESSES)


def _plural_voice(tokens: list[Token], start: int, end: int, lex: Lexicon) -> Mention | None:
    """A group that opens a sentence before its verb, by its ending: "Titanium makers urge", "Судостроители готовы"."""
    phrase = tokens[:start]
    if not 1 < len(phrase) <= _GROUP or not all(t.text[0].isalpha() for t in phrase) or phrase[-1].cap:
        return None
    head, verb = phrase[-1].key, tokens[end - 1].key
    barred = lex.aux | lex.words["stop"] | lex.words["vague"] | lex.words["documents"] | lex.words["quantifiers"]
    if any(t.key in barred for t in phrase):
        return None
    if lex.lang == "en":
        return Mention(0, start, "org") if head.endswith("s") and not verb.endswith(("s", "ing")) else None
    plural = (
        lex.lang in ("ru", "uk") and head.endswith(("и", "ы")) and verb.endswith(("ли", "ы", "ют", "ут", "ат", "ят"))
    )
    return Mention(0, start, "org") if plural else None


def _is_last(tokens: list[Token], mention: Mention, lex: Lexicon) -> bool:
    """Whether a phrase after the verb ends its clause: then it is the subject, no object."""
    if mention.end >= len(tokens):
        return True
    following = tokens[mention.end]
    ends = not following.text[0].isalnum() or following.key in lex.words["stop"]
    return ends or following.key.endswith("day")


def _left(tokens: list[Token], start: int, end: int, lex: Lexicon) -> Mention | None:
    if start > 1 and tokens[start - 1].key in ("quale", "quali"):
        return to_the_left(tokens, start - (3 if tokens[start - 3].text == "," else 2), lex)
    if lex.lang == "ru" and start > 2 and tokens[start - 1].key in RELATIVE and tokens[start - 2].text == ",":
        return to_the_left(tokens, start - 2, lex)
    mention = to_the_left(tokens, start, lex)
    if mention is None:
        many = _plural_voice(tokens, start, end, lex)
        if many is not None:
            return many
        joined = start > 0 and tokens[start - 1].key in ("and", "but", "e", "ed", "и", "но", "ma")
        return subject_at(tokens, 0, lex) if joined else None
    if mention.kind == "pronoun" and tokens[mention.start].key in RELATIVE:
        return to_the_left(tokens, mention.start - (mention.start > 1 and tokens[mention.start - 1].text == ","), lex)
    before = tokens[mention.start - 1].key if mention.start else ""
    if lex.lang == "it" and before in lex.by and tokens[start].key.endswith("no") and mention.kind in _BODIES:
        # "Dal Cremlino fanno sapere": many speak from a body.
        return mention
    sure = mention.kind in ("person", "pronoun", "role") or len(mention.name) > 1
    if before in lex.words["stop"] and not sure:
        # "A senator from the committee called it ...": the subject opened the sentence.
        opening = first_voice(tokens, lex)
        if opening is not None and opening.end < mention.start and opening.kind in ("person", "role"):
            return opening
        first = subject_at(tokens, 0, lex)
        if first is not None and first.kind in VOICES and first.end == mention.start - 1:
            # "L'ambasciata russa a Washington conferma": the place belongs to the subject.
            return first
        if lex.lang in ("it", "es"):
            return None
        last = describe(tokens, mention.end - 1, mention.end, lex) if tokens[mention.end - 1].cap else None
        if lex.lang == "ru" and mention.end - mention.start > 1 and last is not None and last.kind == "name":
            # "на американский рынок Лоскутов не намерен": the name is no part of the phrase before it.
            return last
    if (
        lex.lang == "ru"
        and start > 2
        and tokens[1].key == "этом"
        and tokens[2].text == "«"
        and mention.end >= start - 1
    ):
        # "Об этом «Окну» рассказали": the quoted name is whom they told.
        return None
    if lex.locative and before in lex.locative:
        if mention.start > 1 and tokens[mention.start - 2].key in lex.words["vague"]:
            return Mention(mention.start - 2, mention.end, "vague")
        return _locative(tokens, mention, tokens[end - 1].key, lex)
    if lex.lang in ("it", "fr", "es") and before in lex.by:
        return None
    return mention


def _locative(tokens: list[Token], mention: Mention, verb: str, lex: Lexicon) -> Mention | None:
    """The voice after a preposition of place: "В Кремле заявили", but Peskov in "В Москве Песков заявил"."""
    many = verb.endswith(("ли", "ут", "ют", "ат", "ят", "лись", "тся"))
    if many and mention.kind in ("org", "actor", "document", "name"):
        return mention
    rest = describe(tokens, mention.start + 1, mention.end, lex)
    return rest if rest and not many else None


def _right(tokens: list[Token], end: int, lex: Lexicon) -> Mention | None:
    if lex.locative and end < len(tokens) and tokens[end].key in lex.locative:
        verb = tokens[end - 1].key
        mention = to_the_right(tokens, end + 1, lex)
        if mention and verb.endswith(("ли", "ут", "ют", "ат", "ят", "лись", "тся", "но")):
            return mention if mention.kind in ("org", "actor", "document", "agency", "name") else None
    mention = to_the_right(tokens, end, lex)
    if mention is None and lex.lang in ("ru", "uk") and any(t.text == QUOTE for t in tokens[max(0, end - 4) : end]):
        # "«…», — выкрикнул с места депутат": the speaker may stand after a few words.
        places = (i for i in range(end + 1, min(end + 6, len(tokens))) if is_role(tokens[i].key, lex) or tokens[i].cap)
        mention = next((m for i in places if (m := to_the_right(tokens, i, lex)) is not None), None)
    if (
        mention is not None
        and lex.lang in ("ru", "uk")
        and (
            (mention.kind in ("org", "actor") and not _names_doer(tokens, mention, lex))
            or (mention.kind in ("role", "person") and not _is_nominative(tokens, mention, lex))
        )
    ):
        return None
    if mention is not None and lex.lang in ("it", "ru", "es", "fr", "uk") and not _is_subject(tokens, mention, lex):
        return None
    return mention


def _is_nominative(tokens: list[Token], mention: Mention, lex: Lexicon) -> bool:
    """Whether the first role of a Russian phrase is in the nominative: no object, as in "называют управляющего"."""
    forms = [t.key for t in tokens[mention.start : mention.end] if t.key in lex.nominative and is_role(t.key, lex)]
    named = mention.name and (key(mention.name[0]) in names().masculine | names().feminine)
    return not forms or bool(named) or lex.nominative[forms[0]] == forms[0] or forms[0] == "замминистра"


def _names_doer(tokens: list[Token], mention: Mention, lex: Lexicon) -> bool:
    """Whether a Russian phrase after the verb may be its subject: it begins with a capital or a nominative."""
    phrase = [t for t in tokens[mention.start : mention.end] if t.text[0].isalnum()]
    heads = [t for t in phrase if t.key in lex.nominative]
    return bool(phrase) and (
        phrase[0].cap or any(lex.nominative[t.key] == t.key for t in heads[:1]) or phrase[0].key in lex.words["groups"]
    )


def _is_subject(tokens: list[Token], mention: Mention, lex: Lexicon) -> bool:
    """After the verb an object may stand as well: a subject ends at a mark, a preposition or the sentence."""
    if mention.kind in ("person", "role", "pronoun", "agency", "vague", "actor"):
        return True
    if mention.end >= len(tokens):
        return True
    following = tokens[mention.end]
    return not following.text[0].isalnum() or following.key in lex.words["stop"] or following.text == QUOTE
