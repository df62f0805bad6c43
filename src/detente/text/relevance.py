"""How likely a statement speaks of US–Russia dealings in a natural resource.

A linear-chain conditional random field over the sentences of an article (Lafferty et al. 2001): named features say what
each sentence and those around it name, one weight says how much what is relevant runs on; the forward–backward pass
gives the probability of each sentence. From THRESHOLD on a statement counts as relevant. The terms lie in
`lexicons/relevance.toml`, the weights in `weights/relevance.json`.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from detente.text.concepts import concept
from detente.text.lexicons import relevance_terms
from detente.text.weights import Model, load
from detente.text.weights import score as weighed

THRESHOLD = 0.5
STAY, STAY_ON = "stay", "stay,paragraph"
_CLASSES = ("us", "russia", "resource", "dealing", "others", "market", "war", "figure", "ukraine")
_CORE = ("us", "russia", "resource", "dealing")
_PAIR = ("us", "russia", "resource")
_WORD = re.compile(r"[^\W\d_]+")
_STEM = 6
_BYLINE = 6
_PARTICLE = 3
_LEAD = 3
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MONEY = re.compile(r"[%$€£₽]|\b(?:долл|руб|euro|dollari|percent)")
_ENDED = re.compile(r"[.!?…:;\"»”)’]\W*$")
_ASKS = re.compile(r"\?[\W_]*$")
_ANSWER = 5
_QUOTED = re.compile(r"[«“\"]|^—")
_LARGE = 20.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence as the score sees it: the classes of terms it names, its resources, the beginnings of its words."""

    text: str
    classes: frozenset[str]
    resources: frozenset[str]
    stems: frozenset[str]
    paragraph: int
    asks: bool


@dataclass(frozen=True, slots=True)
class Whole:
    """An article: the words its sentences share, its main resource, how often the pair and a resource are near."""

    central: frozenset[str]
    resource: str
    topic: float
    rivals: float
    lead: Seen
    # Stem -> in how many sentences it stands, and in how many of these the pair and a resource are near.
    met: Mapping[str, tuple[int, int]]
    near: Sequence[bool]


def score(statement_text: str, *, lang: str, model: Model | None = None) -> float:
    """The probability, between 0 and 1, of a statement that stands alone.

    >>> score("Washington lifted sanctions on Russian aluminium.", lang="en") > THRESHOLD
    True
    >>> score("It rained in Paris.", lang="en") > THRESHOLD
    False
    """
    return likelihoods([statement_text], lang=lang, model=model)[0]


def likelihoods(
    texts: Sequence[str], *, lang: str, paragraphs: Sequence[int] = (), title: str = "", model: Model | None = None
) -> list[float]:
    """The probability of every sentence of an article; `paragraphs` are the numbers of theirs, `title` its headline."""
    known = load().relevance if model is None else model
    found = features(texts, lang=lang, paragraphs=paragraphs, title=title)
    return marginals([weighed(known, names) for names in found], stays(paragraphs or range(len(texts)), known))


def stays(paragraphs: Sequence[int], model: Model) -> list[float]:
    """How much each sentence after the first is drawn towards the one before it."""
    always, inside = (model.get(name, (0.0,))[0] for name in (STAY, STAY_ON))
    return [always + inside * (a == b) for a, b in pairwise(paragraphs)]


def marginals(logits: Sequence[float], drawn: Sequence[float]) -> list[float]:
    """The probability of state 1 along a chain with states 0 and 1; equal neighbours add what draws them."""
    ahead = [0.0] * len(logits)
    for i in range(len(logits) - 1):
        ahead[i + 1] = _passed(ahead[i] + logits[i], drawn[i])
    back = 0.0
    found = [0.0] * len(logits)
    for i in range(len(logits) - 1, -1, -1):
        total = max(-_LARGE, min(_LARGE, ahead[i] + logits[i] + back))
        found[i] = 1 / (1 + math.exp(-total))
        if i:
            back = _passed(back + logits[i], drawn[i - 1])
    return found


def _passed(logit: float, drawn: float) -> float:
    """What a sentence's log-odds tell its neighbour."""
    logit = max(-_LARGE, min(_LARGE, logit))
    stay = math.exp(drawn)
    return math.log((1 + math.exp(logit) * stay) / (stay + math.exp(logit)))


def features(texts: Sequence[str], *, lang: str, paragraphs: Sequence[int] = (), title: str = "") -> list[list[str]]:
    """The evidence for every sentence, by name."""
    numbers = paragraphs or range(len(texts))
    seen = [_seen(text, number) for text, number in zip(texts, numbers, strict=True)]
    if len(seen) == 1:
        return [[*_local(seen[0], lang), "alone", f"alone,core={_pattern(seen[0].classes)}"]]
    whole = _whole(seen, title)
    return [[*_local(s, lang), *_placed(seen, i, whole)] for i, s in enumerate(seen)]


def _seen(text: str, paragraph: int) -> Seen:
    low = text.lower().replace("’", "'")
    matched = _patterns()["resource"].finditer(low)
    return Seen(
        text, named(text), frozenset(m.group()[:4] for m in matched), _stems(text), paragraph, bool(_ASKS.search(text))
    )


def _whole(seen: Sequence[Seen], title: str) -> Whole:
    stretches = [frozenset().union(*(s.classes for s in seen[max(0, i - 1) : i + 2])) for i in range(len(seen))]
    counts = Counter(stem for s in seen for stem in s.stems)
    resources = Counter(r for s in seen for r in s.resources)
    least = max(3, len(seen) // 10)
    opening = " ".join([title, *(s.text for s in seen[:_LEAD])])
    near = [all(name in found for name in _PAIR) for found in stretches]
    met: dict[str, tuple[int, int]] = {}
    for s, hit in zip(seen, near, strict=True):
        for stem in s.stems:
            count, hits = met.get(stem, (0, 0))
            met[stem] = (count + 1, hits + hit)
    return Whole(
        frozenset(stem for stem, count in counts.items() if count >= least),
        max(resources, key=lambda r: (resources[r], r)) if resources else "",
        sum(near) / max(len(seen), 1),  # there is none in signs alone
        sum("others" in s.classes and "us" not in s.classes for s in seen) / max(len(seen), 1),
        _seen(opening, 0),
        met,
        near,
    )


def _local(s: Seen, lang: str) -> Iterable[str]:
    """What a sentence tells by itself."""
    here = s.classes
    core = _pattern(here)
    yield "bias"
    yield from (f"has={name}" for name in here)
    yield f"core={core}"
    yield f"pair={_pattern(here, _PAIR)}"
    for name in ("others", "market", "war", "ukraine"):
        yield f"core={core},{name}={name in here}"
        yield f"us={'us' in here},russia={'russia' in here},{name}={name in here}"
    yield f"market={'market' in here},others={'others' in here},{'dealing' in here}"
    figures = len(_NUMBER.findall(s.text))
    yield f"figures={min(figures, 4)}"
    yield f"figures={min(figures, 2)},money={bool(_MONEY.search(s.text))},core={core}"
    quoted, asks = bool(_QUOTED.search(s.text)), s.text.rstrip().endswith("?")
    yield f"quoted={quoted}"
    yield f"asks={asks}"
    words = _WORD.findall(s.text)
    yield f"long={min(len(words) // 6, 4)}"
    if len(words) <= _BYLINE and all(w[0].isupper() or len(w) <= _PARTICLE for w in words):
        yield "names_only"
    if not _ENDED.search(s.text):
        yield f"unended,{bool(here & set(_CORE))}"
    yield f"{lang}:first={words[0].lower()[:_STEM] if words else ''}"
    yield from (f"word={stem}" for stem in s.stems)
    for meaning in {concept(word, lang) for word in words} - {""}:
        yield from (f"means={meaning}", f"means={meaning},{_pattern(here, _PAIR)}")
    yield f"{lang}:bias"


def _placed(seen: Sequence[Seen], at: int, whole: Whole) -> Iterable[str]:
    """What the sentences around it and the whole article tell of a sentence."""
    s = seen[at]
    core, pair = _pattern(s.classes), _pattern(s.classes, _PAIR)
    before = seen[at - 1].classes if at else frozenset()
    two = before | (seen[at - 2].classes if at > 1 else frozenset())
    after = seen[at + 1].classes if at + 1 < len(seen) else frozenset()
    beside = frozenset().union(*(o.classes for o in seen[max(0, at - 3) : at + 4] if o.paragraph == s.paragraph))
    carried = "".join(
        "2" if n in s.classes else "1" if n in two else "L" if n in whole.lead.classes else "0" for n in _PAIR
    )
    yield f"before={_pattern(before)}"
    yield f"before={_pattern(before, _PAIR)},{pair}"
    yield f"two={_pattern(two, _PAIR)},{pair}"
    yield f"after={_pattern(after, _PAIR)}"
    yield f"beside={_pattern(beside, _PAIR)},{pair}"
    yield f"carried={carried}"
    yield f"carried={carried},{'dealing' in s.classes},{'others' in s.classes}"
    yield f"carried={carried},market={'market' in s.classes}"
    for name in ("others", "market", "war"):
        yield f"before:{name}={name in before},{name in s.classes}"
    topic, rivals = int(4 * whole.topic), int(4 * whole.rivals)
    yield f"topic={topic}"
    yield f"topic={topic},core={core}"
    yield f"topic={topic},carried={carried}"
    yield f"rivals={rivals},{pair}"
    main = "none" if not s.resources else "main" if whole.resource in s.resources else "other"
    yield f"resource={main}"
    yield f"resource={main},us={'us' in s.classes},russia={'russia' in s.classes}"
    place = _place(at, len(seen))
    yield f"place={place}"
    yield f"place={place},{pair}"
    yield f"place={place},market={'market' in s.classes}"
    yield from _shared(seen, at, whole)
    yield from _akin(seen, at, whole)


def _akin(seen: Sequence[Seen], at: int, whole: Whole) -> Iterable[str]:
    """How often the words of a sentence stand near the target elsewhere in the article; the question it answers."""
    s, pair = seen[at], _pattern(seen[at].classes, _PAIR)
    others = [(whole.met[stem][0] - 1, whole.met[stem][1] - whole.near[at]) for stem in s.stems]
    shares = [hits / count for count, hits in others if count > 0]
    akin = str(int(3.99 * sum(shares) / len(shares))) if shares else "none"
    yield f"akin={akin}"
    yield f"akin={akin},{pair}"
    yield f"akin={akin},{min(len(shares), 3)}"
    asked = next((i for i in range(at - 1, max(-1, at - _ANSWER), -1) if seen[i].asks), -1)
    if asked >= 0 and s.paragraph != seen[asked].paragraph:
        yield f"asked={_pattern(seen[asked].classes, _PAIR)},{pair}"
        yield f"asked={_pattern(seen[asked].classes, _PAIR)},{min(at - asked, 3)}"
    begins = at == 0 or seen[at - 1].paragraph != s.paragraph
    yield f"begins={begins},{pair}"


def _place(at: int, size: int) -> str:
    if at < 2:
        return "second" if at else "first"
    return "last" if at + 1 == size else "late" if at + 3 >= size else "mid"


def _shared(seen: Sequence[Seen], at: int, whole: Whole) -> Iterable[str]:
    """How many words a sentence shares with its neighbours, the opening and the whole article."""
    stems = seen[at].stems
    near = stems & frozenset().union(*(s.stems for s in (*seen[max(0, at - 1) : at], *seen[at + 1 : at + 2])))
    lead = min(len(stems & whole.lead.stems), 4)
    new = len(stems - whole.central - whole.lead.stems) / max(1, len(stems))
    yield f"central={min(len(stems & whole.central), 4)}"
    yield f"lead={lead}"
    yield f"lead={lead},{_pattern(seen[at].classes)}"
    yield f"near={min(len(near), 3)}"
    yield f"new={int(4 * new)}"
    yield f"new={int(4 * new)},{_pattern(seen[at].classes, _PAIR)}"


def _pattern(found: frozenset[str], names: Sequence[str] = _CORE) -> str:
    return "".join(name[0] if name in found else "-" for name in names)


def named(text: str) -> frozenset[str]:
    """The classes of terms that a text names."""
    if not text:
        return frozenset()
    low = text.lower().replace("’", "'")
    found = {name for name, pattern in _patterns().items() if pattern.search(low)}
    # A resource in a figure of speech is none, unless another is named beside it.
    if "figure" in found and "resource" in found and not _patterns()["resource"].search(_without(low)):
        found.discard("resource")
    return frozenset(found)


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:_STEM] for word in _WORD.findall(text.lower()) if len(word) > _STEM - 2)


def _without(low: str) -> str:
    return _patterns()["figure"].sub(" ", low)


@cache
def _patterns() -> Mapping[str, re.Pattern[str]]:
    terms = relevance_terms()["terms"]
    return {name: re.compile(rf"(?<!\w)(?:{'|'.join(_term(t) for t in terms[name])})") for name in _CLASSES}


def _term(term: str) -> str:
    special = any(c in term for c in "[(?|\\")
    body = term.removesuffix("$")
    body = body if special else re.escape(body)
    return body + (r"(?!\w)" if term.endswith("$") else "")
