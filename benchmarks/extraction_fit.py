"""Fit the weights by which extraction chooses holders, the names behind them, quote types and relevance.

    python benchmarks/extraction_fit.py [--without 16,20,25] [--output FOLDER]
    python benchmarks/extraction_fit.py folds [--without 16,20,25]     (five-fold over articles: fit, then measure)

Learns from the train split of the shipped statements (their holders) and the development articles, those named by
`--without` left out, and writes one file a model. A sentence is one choice among its readings; the gold readings are
those whose words match the annotated holder best. A phrase that may mean somebody named before is another choice.
Articles are read twice: once as annotated, once following the choices of models that have not seen them, so that the
weights know what it is to go on from an error. In `folds` whatever is measured on an article was fitted without it.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from extraction import measure
from extraction_lessons import (
    Article,
    Found,
    articles,
    chain_of,
    chain_of_statement,
    chains_alone,
    of_article,
    of_statement,
    stated,
)
from extraction_models import Chain, Choices, fit, fit_chains

from detente.text.extraction import extract
from detente.text.judging import QUOTES, Trained
from detente.text.weights import SHIPPED, Models

PENALTY = Models(holders=4.0, names=4.0, quotes=1.0, relevance=20.0)
LEAST = Models(holders=5, names=3, quotes=3, relevance=3)
CHOSEN = ("holders", "names", "quotes")
FOLDS = 5
NOTHING = Models({}, {}, {}, {})


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
    chains: list[list[Chain]]
    stated: list[Found]
    stated_chains: list[Chain]
    numbers: dict[str, Choices]

    def models(self, fold: int | None = None) -> Models:
        """Fitted on everything but the articles of a fold."""
        kept = [i for i in range(len(self.articles)) if i % FOLDS != fold]
        chains = [*self.stated_chains, *(chain for i in kept for chain in self.chains[i])]
        return fitted([*self.stated, *(self.taught[i] for i in kept)], chains, self.numbers)


def collected(without: set[int]) -> Lessons:
    """What there is to learn. Whatever is evidence for another choice is told as it will be in use, unseen:

    the relevance of an article by a model of the other folds, its likeliest subjects by one of the statements.
    """
    numbers = {model: Choices() for model in Models._fields}
    found, rows = articles(without), stated()
    chains = [[chain_of(article, numbers), *chains_alone(article, numbers)] for article in found]
    stated_chains = [chain_of_statement(row, numbers) for row in rows]
    told = NOTHING._replace(relevance=relevant([chain for own in chains for chain in own], numbers))
    first = [of_statement(row, told, numbers) for row in rows]
    base = fitted(first, stated_chains, numbers)
    judges = []
    for fold in range(FOLDS):
        others = [chain for i, own in enumerate(chains) if i % FOLDS != fold for chain in own]
        judges.append(base._replace(relevance=relevant([*stated_chains, *others], numbers)))
    taught = [of_article(article, judges[i % FOLDS], numbers) for i, article in enumerate(found)]
    lessons = Lessons(found, taught, chains, first, stated_chains, numbers)
    unseen = [lessons.models(fold) for fold in range(FOLDS)]
    again = [of_article(article, unseen[i % FOLDS], numbers, follow=True) for i, article in enumerate(found)]
    both = [Found(a.holders + b.holders, a.names + b.names, a.quotes) for a, b in zip(taught, again, strict=True)]
    return lessons._replace(taught=both)


def folds(without: set[int]) -> None:
    lessons = collected(without)
    pairs: dict[str, list] = defaultdict(list)
    for fold in range(FOLDS):
        models = lessons.models(fold)
        for article in lessons.articles[fold::FOLDS]:
            statements = {(s.start, s.end): s for s in extract(article.document, judge=Trained(models))}
            for row in article.gold:
                if (row["start"], row["end"]) in statements:
                    period = "01-14" if article.number < 15 else "16-26" if article.number < 28 else "28-"
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
