"""What the annotated articles and the statements teach extraction: its choices, with the right ones marked."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from extraction import anchored, same_holder
from extraction_models import Chain, Choice, Choices

from detente.text import holders, relevance, sentences
from detente.text.documents import Document, read_documents
from detente.text.entities import Option
from detente.text.extraction import likelihoods, paragraphs
from detente.text.judging import QUOTES, Reading
from detente.text.weights import Models, score, totals

ROOT = Path(__file__).parents[1]
STATEMENTS = ("en", "it", "ru", "de", "fr", "es", "uk")
# An article's sentence counts as much as several statements: it is what the model is for. The grammar was written on
# the first articles, where it is more trustworthy than elsewhere: they count half.
ARTICLE, EARLY, STATEMENT = 1.5, 0.75, 1.0
FIRST_LATE = 15
# Quote types of statements are only guessed from the grammar.
GUESSED = 0.1
# What a phrase alone means is less than what it means in an article.
ALONE = 0.1
# Tags of statements that are not about the target; a statement alone says less about the sentences of an article.
OFF = frozenset(("off_target", "other_pair"))
STATED, APART = 0.1, 0.4


def stems(text: str) -> set[str]:
    return {w[:4] for w in re.findall(r"\w+", text.lower().replace("ё", "е")) if len(w) > 2}


def overlap(one: set[str], two: set[str]) -> float:
    return 2 * len(one & two) / (len(one) + len(two)) if one and two else 0.0


def words_of(reading: Reading, tokens: dict[int, Sequence]) -> str:
    found = tokens[reading.at][reading.mention.start : reading.mention.end]
    return " ".join(t.text for t in found)


def right_for_name(found: Sequence[Reading], tokens: dict[int, Sequence], holder: str, name: str) -> list[bool]:
    """The phrases that match a holder as it is written, else by its name; a whole name in a part of them tells most."""
    for wanted in (holder, name):
        fits = [_fit(words_of(r, tokens), wanted, name) if r.mention is not None else 0.0 for r in found]
        best = max(fits)
        if best > 0.3:
            return [fit == best for fit in fits]
    return [False] * len(found)


def _fit(words: str, wanted: str, name: str) -> float:
    if words.lower() == wanted.lower():
        return 2.0
    full = len(name.split()) > 1 and name.istitle() and stems(name) <= stems(words)
    return overlap(stems(words), stems(wanted)) + full


def right_for_meaning(found: Sequence[Option], name: str) -> list[bool]:
    """The options whose names match a holder's best, if any does."""
    fits = [overlap(stems(o.name), stems(name)) + same_holder(o.name, name) for o in found]
    best = max(fits)
    return [best > 1 and fit == best for fit in fits]


class Found(NamedTuple):
    """What is learnt of one document: for each model its choices."""

    holders: list[Choice]
    names: list[Choice]
    quotes: list[Choice]


class Teacher:
    """Decides by the annotations while a document is read, or as its models do, and keeps what was to be decided."""

    def __init__(
        self, gold: list[dict | None], weight: float, models: Models, numbers: dict[str, Choices], *, follow: bool
    ):
        self.gold, self.weight, self.models, self.numbers, self.follow = gold, weight, models, numbers, follow
        self.tokens: dict[int, Sequence] = {}
        self.sentences: list = []
        self.found = Found([], [], [])
        self.astray = False

    def note(self, model: str, options: Sequence[Iterable[str]], right: Sequence[bool], weight: float) -> None:
        """Keep a choice of a model."""
        choice = self.numbers[model].choice(options, right, weight)
        if choice is not None:
            getattr(self.found, model).append(choice)

    def hold(self, at: int, found: Sequence[Reading]) -> int:
        """The right reading, noted with those beside it, or the one that scores highest."""
        gold = self.gold[at]
        right = self.right(at, found) if gold is not None else []
        if not any(right):
            self.astray = False
            return next(i for i, r in enumerate(found) if r.kind == "nobody")
        self.note("holders", [r.features for r in found], right, self.weight)
        scores = [r.score for r in found]
        chosen = scores.index(max(scores)) if self.follow else right.index(True)
        self.astray = not right[chosen]
        return chosen

    def right(self, at: int, found: Sequence[Reading]) -> list[bool]:
        """Which readings tell the annotated holder; an interviewee's own answer is nobody else's."""
        gold, turn = self.gold[at], self.sentences[at].turn
        answers = turn is not None and not turn.asks
        own = answers and overlap(stems(turn.name), stems(gold["holder_name"])) > 0.5
        if own or not gold["holder_name"]:
            return [r.kind == "nobody" for r in found]
        right = right_for_name(found, self.tokens, gold["holder"], gold["holder_name"])
        return right if any(right) else [r.kind == "before" for r in found]

    def name(self, at: int, found: Sequence[Option]) -> int:
        """The right meaning, noted with those beside it, or the one that scores highest."""
        gold = self.gold[at]
        right = right_for_meaning(found, gold["holder_name"]) if gold is not None and not self.astray else []
        if any(right):
            self.note("names", [o.features for o in found], right, self.weight if "quote" in gold else ALONE)
        if any(right) and not self.follow:
            return right.index(True)
        scores = [score(self.models.names, o.features) for o in found]
        return scores.index(max(scores))

    def quote(self, at: int, features: list[str]) -> str:
        """The annotated quote type, noted; of a statement what the grammar alone makes plain."""
        gold = self.gold[at]
        if gold is None:
            return "none"
        sentence = self.sentences[at]
        said = any(cue.kind != "act" for cue in sentence.cues)
        kind = gold.get("quote") or ("direct" if sentence.pieces else "indirect" if said else "none")
        options = [[f"{k}|{name}" for name in features] for k in QUOTES]
        self.note("quotes", options, [k == kind for k in QUOTES], 1.0 if "quote" in gold else GUESSED)
        if not self.follow:
            return kind
        scores = totals(self.models.quotes, features, len(QUOTES))
        return QUOTES[scores.index(max(scores))]


def read(
    document: Document, gold_of, weight: float, models: Models, numbers: dict[str, Choices], *, follow: bool = False
) -> Found:
    spans = sentences.split(document.text, lang=document.lang)
    teacher = Teacher(gold_of(spans), weight, models, numbers, follow=follow)
    prepare = holders.prepare

    def noted(*given):
        found = prepare(*given)
        teacher.sentences = found
        teacher.tokens = {i: s.tokens for i, s in enumerate(found)}
        return found

    holders.prepare = noted
    try:
        scores = likelihoods(document, spans, document.lang, models)
        holders.attribute(document.text, spans, lang=document.lang, relevance=scores, judge=teacher)
    finally:
        holders.prepare = prepare
    return teacher.found


class Article(NamedTuple):
    """An annotated article of the development set."""

    name: str
    number: int
    document: Document
    gold: list[dict]


def articles(without: set[int]) -> list[Article]:
    documents = {d.doc_id: d for d in read_documents(ROOT / "data" / "articles" / "dev")}
    found = []
    for path in sorted((ROOT / "data" / "annotations" / "articles" / "dev").glob("*.jsonl")):
        number = int(path.name.split("-")[1])
        rows = [json.loads(line) for line in path.open(encoding="utf-8")]
        document = documents[rows[0]["doc_id"]]
        if number not in without:
            given = Document(doc_id="", text=document.text, lang=rows[0]["lang"], title=document.title)
            found.append(Article(path.stem, number, given, list(anchored(rows, document.text))))
    return found


def chain_of(article: Article, numbers: dict[str, Choices]) -> Chain:
    """What an article teaches of relevance."""
    spans = sorted((r["start"], r["end"]) for r in article.gold)
    gold = {(r["start"], r["end"]): r["relevance"] > 0.5 for r in article.gold}
    document = article.document
    numbered = paragraphs(document.text, spans)
    texts = [document.text[a:b] for a, b in spans]
    found = relevance.features(texts, lang=document.lang, paragraphs=numbered, title=document.title)
    return Chain(numbers["relevance"].numbered(found), [gold[span] for span in spans], numbered, 1.0)


def chains_alone(article: Article, numbers: dict[str, Choices]) -> list[Chain]:
    """What the sentences of an article teach of a sentence that stands alone; one that names nothing tells nothing."""
    named = [relevance.features([row["text"]], lang=article.document.lang)[0] for row in article.gold]
    rows = numbers["relevance"].numbered(named)
    gold = [row["relevance"] > 0.5 and bool(relevance.named(row["text"])) for row in article.gold]
    return [Chain([ids], [right], [0], APART) for ids, right in zip(rows, gold, strict=True)]


def of_article(article: Article, models: Models, numbers: dict[str, Choices], *, follow: bool = False) -> Found:
    """What an article teaches, the right choices made on the way or, to `follow`, those of the models."""
    by_span = {(r["start"], r["end"]): r for r in article.gold}
    weight = ARTICLE if article.number >= FIRST_LATE else EARLY
    gold_of = lambda spans: [by_span.get(span) for span in spans]  # noqa: E731
    return read(article.document, gold_of, weight, models, numbers, follow=follow)


def stated() -> list[dict]:
    """The statements to learn from."""
    found = []
    for lang in STATEMENTS:
        lines = (ROOT / "data" / "statements" / f"{lang}.jsonl").read_text(encoding="utf-8").splitlines()
        found += [row for row in map(json.loads, lines) if row["split"] == "train"]
    return found


def of_statement(row: dict, models: Models, numbers: dict[str, Choices]) -> Found:
    text, holder = row["text"], row["holder"]

    def gold_of(spans):
        if not holder:
            return [{"holder": "", "holder_name": ""}] * len(spans)
        near = [len(stems(text[a:b]) & stems(holder)) for a, b in spans]
        best = max(near)
        gold = {"holder": holder, "holder_name": holder}
        return [gold if best and n == best and near.count(best) == 1 else None for n in near]

    return read(Document(doc_id="", text=text, lang=row["lang"]), gold_of, STATEMENT, models, numbers)


def chain_of_statement(row: dict, numbers: dict[str, Choices]) -> Chain:
    named = numbers["relevance"].numbered(relevance.features([row["text"]], lang=row["lang"]))
    return Chain(named, [not OFF & set(row["hard"])], [0], STATED)
