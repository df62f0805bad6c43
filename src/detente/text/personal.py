"""A person's name inside a phrase: where it begins, and what of it belongs to a role."""

from detente.text.given import given_name
from detente.text.lexicons import Lexicon, match_phrase, names
from detente.text.morphology import is_place
from detente.text.tokens import Token


def untitled(name: tuple[str, ...]) -> tuple[str, ...]:
    """A name without the titles before it."""
    kept = list(name)
    while len(kept) > 1 and kept[0].lower().rstrip(".") in names().titles:
        kept.pop(0)
    return tuple(kept)


def person_name(phrase: list[Token], lex: Lexicon) -> tuple[str, ...]:
    """The run of capitals that begins with a given name or initials."""
    places = range(len(phrase) - 1)
    starts = [i for i in places if phrase[i].cap and phrase[i + 1].cap and _begins_name(phrase, i, lex)]
    starts = [i for i in starts if i == 0 or i - 1 not in starts]
    if not starts:
        return ()
    # "представитель колхоза имени Ленина Валентин Шмаков": the last name is the speaker's.
    return _run_of_capitals(phrase, starts[-1] if lex.lang in ("ru", "uk") else starts[0])


def _begins_name(phrase: list[Token], at: int, lex: Lexicon) -> bool:
    """Whether a given name or an initial stands there."""
    token = phrase[at]
    known = names()
    initial = len(token.text) <= 3 and token.text.endswith(".") and lex.lang in ("ru", "uk", "en")
    return initial or token.key in known.masculine or token.key in known.feminine or given_name(token.text, lex) != ""


def _run_of_capitals(phrase: list[Token], at: int) -> tuple[str, ...]:
    run: list[str] = []
    for i in range(at, len(phrase)):
        token = phrase[i]
        particle = token.key in names().particles and i + 1 < len(phrase) and phrase[i + 1].cap
        if token.text == "." and run:
            run[-1] += "."
        elif token.cap or (particle and run):
            run.append(token.text)
        else:
            break
    return tuple(run)


def name_after(phrase: list[Token], head: int, lex: Lexicon) -> tuple[str, ...]:
    """The person's name in a phrase with a role, after it or, as in "Lavrov the minister", before it."""
    full = person_name(phrase[head + 1 :], lex) or person_name(phrase[:head], lex)
    if full:
        return full
    keys = [t.key for t in phrase]
    # Adverbs may follow the name: "лидер Митч Макконнелл зимой".
    end = max((i + 1 for i, t in enumerate(phrase) if t.cap and i > head), default=len(phrase))
    start = end
    while start > head + 1 and phrase[start - 1].cap:
        start -= 1
    if start == end or (lex.lang in ("ru", "uk") and phrase[start].text.isascii()):
        return ()
    before = keys[start - 1]
    governed = start > head + 1 and (
        before in lex.words["connectors"]
        or (before in lex.words["orgs"] and lex.lang in ("it", "fr", "es", "ru", "uk") and end - start == 1)
        or before in ("the", "il", "la", "lo", "l'", "der", "den", "le", "el")
    )
    while start < end:
        size = match_phrase(lex.actors, keys, start)
        if size == 0 and not _is_acronym(phrase[start]) and keys[start] not in lex.words["orgs"]:
            break
        start += max(size, 1)
        governed = False
    rest = phrase[start:end]
    if not rest or governed or (lex.lang == "en" and rest[-1].key in names().companies):
        return ()
    name = tuple(t.text for t in rest)
    if lex.lang == "ru" and all(is_place(word) for word in name):
        return ()
    return name if lex.lang not in ("ru", "uk") or len(rest) > 1 or phrase[start - 1].cap or start == head + 1 else ()


def nested_role(keys: list[str], lex: Lexicon) -> int:
    """Where the role of another person begins inside a role: "envoy of President Putin"; 0 if none does."""
    heads = [i for i, word in enumerate(keys) if word in lex.words["roles"]]
    joints = (lex.words["connectors"] | {"to", "of", "the"}) - {"and", "e", "ed", "und", "et", "y", "&"}
    return next((i for i in heads[1:] if keys[i - 1] in joints), 0) if lex.lang not in ("ru", "uk") else 0


def is_owned(phrase: list[Token], head: int, name: tuple[str, ...], lex: Lexicon) -> bool:
    """Whether the name after a role is that of the person whom the role serves: "помощник Владимира Путина"."""
    if lex.lang in ("ru", "uk"):
        nominative = lex.nominative.get(phrase[head].key) == phrase[head].key
        first = name[0].lower()
        declined = given_name(name[0], lex) not in ("", first) and first not in names().masculine | names().feminine
        return nominative and declined and len(name) > 1
    place = next((i for i, t in enumerate(phrase) if t.text == name[0]), 0)
    behind = place + len(name)
    if lex.lang == "en" and behind + 1 < len(phrase) and phrase[behind].key == "'s":
        # "President Zelensky's chief of staff": the name is not the chief's.
        return any(t.key in lex.words["roles"] for t in phrase[behind + 1 :])
    return 0 < nested_role([t.key for t in phrase], lex) < place


def _is_acronym(token: Token) -> bool:
    return token.text.isupper() and len(token.text) > 1
