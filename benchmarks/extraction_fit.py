"""Fit the weights by which extraction chooses holders, the names behind them and quote types.

    python benchmarks/extraction_fit.py [--without 16,20,25] [--output FOLDER]
    python benchmarks/extraction_fit.py folds [--without 16,20,25]     (five-fold over articles: fit, then measure)

Learns from the train split of the shipped statements (their holders) and the development articles, those named by
`--without` left out, and writes `holders.json`, `names.json` and `quotes.json`. A sentence is one choice among its
readings; the gold readings are those whose words match the annotated holder best. A phrase that may mean somebody
named before is another choice. In `folds` whatever is measured on an article was fitted without it.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from extraction import anchored, measure, same_holder
from extraction_models import Choice, Choices, Chain, fit, fit_chains

from detente.text import holders, relevance, sentences
from detente.text.documents import Document, read_documents
from detente.text.entities import Option
from detente.text.extraction import extract, likelihoods, paragraphs
from detente.text.judging import QUOTES, Reading, Trained
from detente.text.weights import SHIPPED, Models, score

ROOT = Path(__file__).parents[1]
STATEMENTS = ("en", "it", "ru", "de", "fr", "es", "uk")
# An article's sentence counts as much as several statements: it is what the model is for.
ARTICLE, STATEMENT = 3.0, 1.0
# Quote types of statements are only guessed from the grammar.
GUESSED = 0.1
PENALTY = Models(holders=4.0, names=4.0, quotes=1.0, relevance=12.0)
LEAST = Models(holders=5, names=3, quotes=3, relevance=3)
CHOSEN = ("holders", "names", "quotes")
FOLDS = 5
NOTHING = Models({}, {}, {}, {})
# Tags of statements that are not about the target.
OFF = frozenset(("off_target", "other_pair"))
# What a phrase alone means is less than what it means in an article.
ALONE = 0.1
# A statement alone says less about the sentences of an article.
STATED = 0.1


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
    """Decides by the annotations while a document is read, and keeps what it has seen."""

    def __init__(self, gold: list[dict | None], weight: float, models: Models, numbers: dict[str, Choices]):
        self.gold, self.weight, self.models, self.numbers = gold, weight, models, numbers
        self.tokens: dict[int, Sequence] = {}
        self.sentences: list = []
        self.found = Found([], [], [])

    def note(self, model: str, options: Sequence[Iterable[str]], right: Sequence[bool], weight: float) -> None:
        choice = self.numbers[model].choice(options, right, weight)
        if choice is not None:
            getattr(self.found, model).append(choice)

    def hold(self, at: int, found: Sequence[Reading]) -> int:
        """The right reading, noted with those beside it."""
        gold = self.gold[at]
        nobody = next(i for i, r in enumerate(found) if r.kind == "nobody")
        if gold is None:
            return nobody
        turn = self.sentences[at].turn
        answers = turn is not None and not turn.asks
        if not gold["holder_name"] or (answers and overlap(stems(turn.name), stems(gold["holder_name"])) > 0.5):
            right = [r.kind == "nobody" for r in found]
        else:
            right = right_for_name(found, self.tokens, gold["holder"], gold["holder_name"])
            if not any(right):
                right = [r.kind == "before" for r in found]
        if not any(right):
            return nobody
        self.note("holders", [r.features for r in found], right, self.weight)
        return right.index(True)

    def name(self, at: int, found: Sequence[Option]) -> int:
        """The right meaning, noted with those beside it."""
        gold = self.gold[at]
        right = right_for_meaning(found, gold["holder_name"]) if gold is not None else []
        if not any(right):
            scores = [score(self.models.names, o.features) for o in found]
            return scores.index(max(scores))
        self.note("names", [o.features for o in found], right, 1.0 if "quote" in gold else ALONE)
        return right.index(True)

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
        return kind


def read(document: Document, gold_of, weight: float, models: Models, numbers: dict[str, Choices]) -> Found:
    spans = sentences.split(document.text, lang=document.lang)
    teacher = Teacher(gold_of(spans), weight, models, numbers)
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


def of_article(article: Article, models: Models, numbers: dict[str, Choices]) -> Found:
    by_span = {(r["start"], r["end"]): r for r in article.gold}
    return read(article.document, lambda spans: [by_span.get(span) for span in spans], ARTICLE, models, numbers)


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


def rows_of(model: str, weights: dict[str, float]) -> dict[str, list[float]]:
    """The weights as the file has them: feature -> one weight a class."""
    if model != "quotes":
        return {name: [weights[name]] for name in sorted(weights)}
    names = sorted({name.partition("|")[2] for name in weights})
    return {name: [weights.get(f"{kind}|{name}", 0.0) for kind in QUOTES] for name in names}


def fitted(found: Iterable[Found], chains: list[Chain], numbers: dict[str, Choices]) -> Models:
    rows = list(found)
    made = {}
    for model in CHOSEN:
        choices = [choice for row in rows for choice in getattr(row, model)]
        names = list(numbers[model].ids)
        made[model] = rows_of(model, fit(choices, names, getattr(PENALTY, model), getattr(LEAST, model)))
    return Models(**made, relevance=relevant(chains, numbers))


def relevant(chains: list[Chain], numbers: dict[str, Choices]) -> dict[str, list[float]]:
    weights = fit_chains(chains, list(numbers["relevance"].ids), PENALTY.relevance, LEAST.relevance)
    return rows_of("relevance", weights)


class Lessons(NamedTuple):
    """The articles; what they and the statements teach, each with its chain."""

    articles: list[Article]
    taught: list[Found]
    chains: list[Chain]
    stated: list[Found]
    stated_chains: list[Chain]
    numbers: dict[str, Choices]

    def models(self, fold: int | None = None) -> Models:
        """Fitted on everything but the articles of a fold."""
        kept = [i for i in range(len(self.articles)) if i % FOLDS != fold]
        chains = [*self.stated_chains, *(self.chains[i] for i in kept)]
        return fitted([*self.stated, *(self.taught[i] for i in kept)], chains, self.numbers)


def collected(without: set[int]) -> Lessons:
    """What there is to learn. Whatever is evidence for another choice is told as it will be in use, unseen:

    the relevance of an article by a model of the other folds, its likeliest subjects by one of the statements.
    """
    numbers = {model: Choices() for model in Models._fields}
    found, rows = articles(without), stated()
    chains = [chain_of(article, numbers) for article in found]
    stated_chains = [chain_of_statement(row, numbers) for row in rows]
    told = NOTHING._replace(relevance=relevant(chains, numbers))
    first = [of_statement(row, told, numbers) for row in rows]
    base = fitted(first, stated_chains, numbers)
    taught = []
    for fold in range(FOLDS):
        others = [chain for i, chain in enumerate(chains) if i % FOLDS != fold]
        models = base._replace(relevance=relevant([*stated_chains, *others], numbers))
        taught += [(i, of_article(a, models, numbers)) for i, a in enumerate(found) if i % FOLDS == fold]
    ordered = [lesson for _, lesson in sorted(taught, key=lambda pair: pair[0])]
    return Lessons(found, ordered, chains, first, stated_chains, numbers)


def folds(without: set[int]) -> None:
    lessons = collected(without)
    pairs: dict[str, list] = defaultdict(list)
    for fold in range(FOLDS):
        models = lessons.models(fold)
        for article in lessons.articles[fold::FOLDS]:
            statements = {(s.start, s.end): s for s in extract(article.document, judge=Trained(models))}
            for row in article.gold:
                if (row["start"], row["end"]) in statements:
                    period = "01-14" if article.number < 15 else "16-26" if article.number < 28 else "28-38"
                    pair = (row, statements[row["start"], row["end"]])
                    for group in (row["lang"], f"{row['lang']} {period}"):
                        pairs[group].append(pair)
    print(f"{'folds':<10}{'sentences':>11}" + "".join(f"{t:>11}" for t in ("quote", "holder", "author", "relevance")))
    for group in sorted(pairs):
        print(f"{group:<10}{len(pairs[group]):>11}" + "".join(f"{x:>11}" for x in measure(pairs[group])))


def write(models: Models, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, weights in models._asdict().items():
        lines = (f"{json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in weights.items())
        (folder / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(f"{name}: {len(weights)} weights")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["fit", "folds"], default="fit")
    parser.add_argument("--without", default="")
    parser.add_argument("--output", default=str(SHIPPED))
    given = parser.parse_args()
    without = {int(n) for n in given.without.split(",") if n}
    if given.what == "folds":
        folds(without)
        return
    lessons = collected(without)
    print(f"{len(lessons.articles)} articles, {len(lessons.stated)} statements read")
    write(lessons.models(), Path(given.output))


if __name__ == "__main__":
    main()
