"""Whether a Russian phrase can be the subject of a finite verb near it: case, number, gender, what lies between."""

from collections.abc import Iterable, Sequence

from detente.text import morphology
from detente.text.mentions import Mention
from detente.text.morphology import Form
from detente.text.tokens import QUOTE, Token

_REACH = 14
_LEMMA = 7
_ENDS = (";", ":", ".", "?", "!")
_SURE, _NOT = 0.7, 0.15
WITHIN = frozenset(("в", "во"))


def of_subject(tokens: list[Token], mention: Mention) -> Iterable[str]:
    """Named features of a phrase as a subject."""
    words = [t.text for t in tokens[mention.start : mention.end] if t.text[0].isalpha()]
    case = case_of(words)
    head = head_of(words)
    right, crossed = _verb(tokens, range(mention.end, min(len(tokens), mention.end + _REACH)))
    left, _ = _verb(tokens, range(mention.start - 1, max(-1, mention.start - _REACH), -1))
    after, before = _goes(head, tokens, right), _goes(head, tokens, left)
    rivals = _rivals(tokens, mention.end, right)
    kind = mention.kind
    yield from (f"case={case}", f"case={case},{kind}", f"case={case},{mention.start == 0}")
    yield from (f"subject+={after},{case}", f"subject+={after},{case},{crossed}", f"subject+={after},{case},{rivals}")
    yield from (
        f"subject-={before},{case}",
        f"subject={before},{after},{case}",
        f"subject={before},{after},{case},{kind}",
    )
    for side, at, goes in (("+", right, after), ("-", left, before)):
        if at >= 0:
            manner = _manner(tokens[at].text)
            yield from (f"manner{side}{manner},{goes},{case}", f"manner{side}{manner},{goes},{case},{kind}")
    if right >= 0:
        yield f"subject+={after},{case},{min(right - mention.end, 4)}"
    if left >= 0:
        yield f"subject-={before},{case},{min(mention.start - left - 1, 4)}"
    if mention.start and tokens[mention.start - 1].key in WITHIN:
        yield from _within(tokens, mention)
    marks = sorted({m for f in head[:1] for m in f.marks & {"Surn", "Name", "Orgn", "Geox", "Abbr", "anim", "inan"}})
    yield f"head={','.join(marks)}"
    yield f"head={','.join(marks)},{case}"
    lemma = head[0].lemma[:_LEMMA] if head else ""
    yield from (f"lemma={lemma}", f"lemma={lemma},{case}")


def _within(tokens: list[Token], mention: Mention) -> Iterable[str]:
    """Whether unnamed people speak or act inside a body: a plural verb without a subject, "в оргкомитете сообщили"."""
    words = [t.text for t in tokens if t.text[0].isalpha() and t.text != QUOTE]
    verbs = [f for f in map(morphology.finite, words) if f is not None]
    many = any(f.number == "plur" and f.part == "VERB" for f in verbs)
    subjects = any(
        f[0].part in ("NOUN", "NPRO", "NUMR") and f[0].case == "nomn" and f[0].number != "sing"
        for f in map(morphology.forms, words)
        if f
    )
    yield from (f"within={many},{subjects}", f"within={many},{subjects},{mention.kind}")
    at, _ = _verb(tokens, range(mention.end, min(len(tokens), mention.end + 4)))
    back, _ = _verb(tokens, range(mention.start - 2, max(-1, mention.start - 6), -1))
    near = [morphology.finite(tokens[i].text) for i in (at, back) if i >= 0]
    yield f"within={subjects},{any(f is not None and f.number == 'plur' for f in near)},{mention.start < 2}"


def bodies(tokens: list[Token]) -> list[tuple[int, int]]:
    """Phrases after "в" in which something may be said: "в | секретариате организации", "в | краевом агентстве"."""
    found = []
    for at in range(1, len(tokens)):
        if tokens[at - 1].key not in WITHIN or not tokens[at].text[0].isalpha():
            continue
        end = at
        while end < len(tokens) and morphology.may_be(tokens[end].text, ("ADJF", "PRTF"), ("loct",)):
            end += 1
        if end == len(tokens) or not morphology.may_be(tokens[end].text, ("NOUN",), ("loct", "loc2")):
            continue
        end += 1
        while end < len(tokens) and morphology.may_be(tokens[end].text, ("NOUN", "ADJF"), ("gent",)):
            end += 1
        found.append((at, end))
    return found


def case_of(words: Sequence[str]) -> str:
    """Nominative ("nom"), another case ("obl"), what may be either ("amb") or what has no case ("?")."""
    found = morphology.cases(words)
    share = found.get("nomn", 0.0)
    return "?" if not found else "nom" if share > _SURE else "obl" if share < _NOT else "amb"


def head_of(words: Sequence[str]) -> tuple[Form, ...]:
    """The readings of the first noun of a phrase, of its last word if it has none."""
    for word in words:
        found = morphology.forms(word)
        if found and found[0].part in ("NOUN", "NPRO"):
            return found
    return morphology.forms(words[-1]) if words else ()


def _verb(tokens: list[Token], places: range) -> tuple[int, bool]:
    """Where the first finite verb of some places stands, -1 for none, and whether a comma comes before it."""
    crossed = False
    for at in places:
        token = tokens[at]
        if token.text in _ENDS or token.text == QUOTE:
            break
        crossed = crossed or token.text in (",", "—", "–", "(")
        if token.text[0].isalpha() and not token.cap and morphology.finite(token.text):
            return at, crossed
    return -1, crossed


def _manner(word: str) -> str:
    """Of what kind the deed is that a finite verb tells: done or being done, to something or not, when."""
    verb = morphology.finite(word)
    if verb is None:
        return ""
    aspect = "perf" if "perf" in verb.marks else "impf"
    return f"{aspect},{'tran' if 'tran' in verb.marks else 'intr'},{verb.tense},{verb.part}"


def _goes(head: tuple[Form, ...], tokens: list[Token], at: int) -> str:
    verb = morphology.finite(tokens[at].text) if at >= 0 else None
    if verb is None:
        return "no"
    return "?" if not any(f.case for f in head) else "yes" if morphology.agree(head, verb) else "differs"


def _rivals(tokens: list[Token], start: int, verb: int) -> int:
    """How many other words between a phrase and its verb are surely nominative nouns."""
    between = tokens[start:verb] if verb >= 0 else []
    nouns = (t.text for t in between if t.text[0].isalpha() and morphology.nominative_share(t.text) > _SURE)
    return min(sum(1 for word in nouns if morphology.forms(word)[0].part in ("NOUN", "NPRO")), 2)
