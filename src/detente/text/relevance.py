"""How likely a statement speaks of US–Russia dealings in a natural resource.

A transparent score: the actors, resources and dealings that the statement and its surroundings name,
weighed and squashed to a probability; from THRESHOLD on a statement counts as relevant. The terms and
weights lie in `lexicons/relevance.toml`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from detente.text.lexicons import relevance_terms

THRESHOLD = 0.5
_CLASSES = ("us", "russia", "resource", "dealing", "others", "market", "war", "figure", "ukraine")
_WORD = re.compile(r"[^\W\d_]+")
_STEM = 6
_PULL = 0.3
_WEAK_TOPIC = 0.25
_BYLINE = 6
_PARTICLE = 3
_NUMBER = re.compile(r"\d+")
_ENDED = re.compile(r"[.!?…:;\"»”)’]\W*$")
_QUOTED = re.compile(r"[«“\"]|^—")
_POINTS = frozenset(("us", "russia", "resource", "dealing"))
_ACTORS = ("us", "russia", "resource")


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a statement: its article's headline and lead, the sentences before it, the whole.

    `topic` is the share of the article's stretches of three sentences that name the United States,
    Russia and a resource, `rivals` the share of its sentences that name third countries but not the
    United States; both below 0 where the article is not known.
    """

    lead: str = ""
    before: str = ""
    topic: float = -1.0
    rivals: float = -1.0
    # The beginnings of the words that the article's sentences share; see `central_of`.
    central: frozenset[str] = frozenset()
    after: str = ""


def score(statement_text: str, *, lang: str, context: Context | None = None) -> float:
    """The probability, between 0 and 1.

    >>> score("Washington lifted sanctions on Russian aluminium.", lang="en") > THRESHOLD
    True
    >>> score("It rained in Paris.", lang="en") > THRESHOLD
    False
    """
    found = features(statement_text, context or Context())
    weights: Mapping[str, float] = relevance_terms()["weights"]
    total = weights["bias"] + sum(weights.get(name, 0.0) * value for name, value in found.items())
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


def smoothed(scores: Sequence[float]) -> list[float]:
    """The scores of an article's sentences, each drawn towards those beside it: what is relevant runs on."""
    logits = [math.log(max(p, 1e-6) / max(1 - p, 1e-6)) for p in scores]
    drawn = [
        logit + _PULL * (sum(logits[max(0, i - 1) : i]) + sum(logits[i + 1 : i + 2])) for i, logit in enumerate(logits)
    ]
    return [1 / (1 + math.exp(-max(-30.0, min(30.0, z)))) for z in drawn]


def features(text: str, context: Context) -> dict[str, float]:
    """The evidence by name; every value lies between 0 and 1."""
    here = named(text)
    before, lead = named(context.before), named(context.lead)
    near = {n: 1.0 if n in here else 0.6 if n in before else 0.4 if n in lead else 0.0 for n in _ACTORS}
    found = {name: float(name in here) for name in _CLASSES}
    found |= {f"near_{name}": value for name, value in near.items()}
    found["all"] = near["us"] * near["russia"] * near["resource"]
    found["pair"] = near["us"] * near["russia"]
    found["here"] = float(all(n in here for n in _ACTORS))
    known = context.topic >= 0
    found["topic"] = context.topic if known else 0.0
    found["off_topic"] = float(known and context.topic < _WEAK_TOPIC)
    found["barely_topic"] = float(known and context.topic < 2 * _WEAK_TOPIC)
    found["alone"] = float(not known)
    found["rivals"] = max(0.0, context.rivals)
    stems = _stems(text)
    if known and stems:
        shared = stems & context.central
        found["central"] = min(1.0, len(shared) / 3)
        found["not_central"] = float(not shared)
        found["lead"] = min(1.0, len(stems & _stems(context.lead)) / 4)
        found["beside"] = min(1.0, len(stems & (_stems(context.before) | _stems(context.after))) / 3)
        after = named(context.after)
        found["after_pair"] = float("us" in after and "russia" in after)
        found["after_resource"] = float("resource" in after)
    if known:
        found |= _in_article(text, context, here)
    third = "others" in here
    found["third_alone"] = float(third and "us" not in here)
    found["third_and_russia"] = float(third and "us" not in here and "russia" in here)
    found["us_and_third"] = float(third and "us" in here and "russia" not in here)
    actor = "us" in here or "russia" in here
    found["resource_and_actor"] = float("resource" in here and actor)
    found["both_actors"] = float({"us", "russia"} <= here)
    found["actor_alone"] = float(actor and not {"resource", "dealing"} & here)
    found["resource_alone"] = float("resource" in here and not actor)
    found["us_and_ukraine"] = float({"us", "ukraine"} <= here and "russia" not in here)
    found["bare"] = float(not here)
    found["bare_topic"] = found["bare"] * found["topic"]
    found["market_alone"] = float("market" in here and not {"us", "russia"} <= here)
    found["short"] = float(len(text) < 40)
    return found


def _in_article(text: str, context: Context, here: frozenset[str]) -> dict[str, float]:
    """The evidence of how a sentence looks in its article: bylines and closing lines are seldom to the point."""
    words = _WORD.findall(text)
    named_only = len(words) <= _BYLINE and all(w[0].isupper() or len(w) <= _PARTICLE for w in words)
    return {
        "names_only": float(named_only),
        "figures": min(1.0, len(_NUMBER.findall(text)) / 4),
        "last": float(not context.after),
        "unended": float(not _ENDED.search(text) and not _POINTS & here),
        "quoted": float(_QUOTED.search(text) is not None),
        "russia_alone": float("russia" in here and not {"us", "dealing"} & here),
    }


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


def topic_of(texts: Sequence[str]) -> tuple[float, float]:
    """`topic` and `rivals` of an article, given its sentences; see Context."""
    seen = [named(text) for text in texts]
    if not seen:
        return 0.0, 0.0
    stretches = [frozenset().union(*seen[max(0, i - 1) : i + 2]) for i in range(len(seen))]
    topic = sum(all(name in found for name in _ACTORS) for found in stretches) / len(seen)
    rivals = sum("others" in found and "us" not in found for found in seen) / len(seen)
    return topic, rivals


def central_of(texts: Sequence[str]) -> frozenset[str]:
    """The beginnings of words that at least three sentences of an article, and a tenth of them, share."""
    counts: dict[str, int] = {}
    for text in texts:
        for stem in _stems(text):
            counts[stem] = counts.get(stem, 0) + 1
    least = max(3, len(texts) // 10)
    return frozenset(stem for stem, count in counts.items() if count >= least)


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
