"""Fit the weights by which extraction chooses a holder and a quote type.

    python benchmarks/extraction_fit.py [--without 16,20,25] [--output FOLDER]

Learns from the train split of the shipped statements (their holders) and the development articles (holders and
quote types), those named by `--without` left out, and writes `holders.json` and `quotes.json`. A sentence is one
choice among its readings; the gold readings are those whose words match the annotated holder best.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from detente.text import holders, relevance, sentences
from detente.text.documents import Document, read_documents
from detente.text.extraction import contexts
from detente.text.readings import QUOTES, Reading

ROOT = Path(__file__).parents[1]
LANGS = ("en", "it", "ru")
STATEMENTS = ("en", "it", "ru", "de", "fr", "es", "uk")
# An article's sentence counts as much as several statements: it is what the model is for.
ARTICLE, STATEMENT = 3.0, 1.0
# Quote types of statements are only guessed from the grammar.
GUESSED = 0.1
PENALTY = {"holders": 4.0, "quotes": 1.0}
LEAST = {"holders": 5, "quotes": 3}
# Weights below this are left out: they make the files large and change nothing.
SMALL = 0.04


class Choices:
    """Choices among readings, each a list of feature lists with the right ones marked."""

    def __init__(self):
        self.groups: list[tuple[list[list[str]], list[bool], float]] = []

    def add(self, options: list[list[str]], right: list[bool], weight: float) -> None:
        """Note a choice, unless nothing is right or there is nothing to choose."""
        if any(right) and len(options) > 1:
            self.groups.append((options, right, weight))


def stems(text: str) -> set[str]:
    return {w[:4] for w in re.findall(r"\w+", text.lower().replace("ё", "е")) if len(w) > 2}


def overlap(one: set[str], two: set[str]) -> float:
    return 2 * len(one & two) / (len(one) + len(two)) if one and two else 0.0


def words_of(reading: Reading, tokens: dict[int, Sequence]) -> str:
    found = tokens[reading.at][reading.mention.start : reading.mention.end]
    return " ".join(t.text for t in found)


def right_for_name(found: Sequence[Reading], tokens: dict[int, Sequence], holder: str, name: str) -> list[bool]:
    """The phrases that match a holder as it is written, else by its name."""
    for wanted in (holder, name):
        low = wanted.lower()
        fits = [
            0.0
            if r.mention is None
            else 1.0
            if words_of(r, tokens).lower() == low
            else overlap(stems(words_of(r, tokens)), stems(wanted))
            for r in found
        ]
        best = max(fits)
        if best > 0.3:
            return [fit == best for fit in fits]
    return [False] * len(found)


class Teacher:
    """Chooses the right reading while a document is read, and keeps what it has seen."""

    def __init__(self, gold: list[dict | None], text: str, weight: float, held: Choices, quoted: Choices):
        self.gold, self.text, self.weight, self.held, self.quoted = gold, text, weight, held, quoted
        self.tokens: dict[int, Sequence] = {}
        self.sentences: list = []

    def choose(self, at: int, found: Sequence[Reading]) -> int:
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
        self.held.add([r.features for r in found], right, self.weight)
        return right.index(True)

    def quote(self, at: int, features: list[str]) -> str:
        """The annotated quote type, noted."""
        gold = self.gold[at]
        if gold is None:
            return "none"
        if "quote" not in gold:
            return self.guess(at, features)
        options = [[f"{kind}|{name}" for name in features] for kind in QUOTES]
        self.quoted.add(options, [kind == gold["quote"] for kind in QUOTES], 1.0)
        return gold["quote"]

    def guess(self, at: int, features: list[str]) -> str:
        """The quote type of a statement, which has none annotated, where the grammar alone makes it plain."""
        sentence = self.sentences[at]
        said = any(cue.kind != "act" for cue in sentence.cues)
        kind = "direct" if sentence.pieces else "indirect" if said else "none"
        options = [[f"{k}|{name}" for name in features] for k in QUOTES]
        self.quoted.add(options, [k == kind for k in QUOTES], GUESSED)
        return kind


def read(document: Document, gold_of, weight: float, held: Choices, quoted: Choices) -> None:
    text, lang = document.text, document.lang
    spans = sentences.split(text, lang=lang)
    surroundings = contexts(document, spans)
    scores = [
        relevance.score(text[a:b], lang=lang, context=context)
        for (a, b), context in zip(spans, surroundings, strict=True)
    ]
    teacher = Teacher(gold_of(spans), text, weight, held, quoted)
    prepare = holders.prepare

    def noted(*given):
        found = prepare(*given)
        teacher.sentences = found
        teacher.tokens = {i: s.tokens for i, s in enumerate(found)}
        return found

    holders.prepare = noted
    try:
        holders.attribute(
            text, spans, lang=lang, relevance=relevance.smoothed(scores), choose=teacher.choose, quoted=teacher.quote
        )
    finally:
        holders.prepare = prepare


def from_articles(without: set[int], held: Choices, quoted: Choices) -> int:
    documents = {d.doc_id: d for d in read_documents(ROOT / "data" / "articles" / "dev")}
    count = 0
    for path in sorted((ROOT / "data" / "annotations" / "articles" / "dev").glob("*.jsonl")):
        if int(path.name.split("-")[1]) in without:
            continue
        rows = [json.loads(line) for line in path.open(encoding="utf-8")]
        document = documents[rows[0]["doc_id"]]
        by_span = {(r["start"], r["end"]): r for r in rows}
        given = Document(doc_id="", text=document.text, lang=rows[0]["lang"], title=document.title)
        read(given, lambda spans, by_span=by_span: [by_span.get(span) for span in spans], ARTICLE, held, quoted)
        count += 1
    return count


def from_statements(held: Choices, quoted: Choices) -> int:
    count = 0
    for lang in STATEMENTS:
        for line in (ROOT / "data" / "statements" / f"{lang}.jsonl").open(encoding="utf-8"):
            row = json.loads(line)
            if row["split"] != "train":
                continue
            text, holder = row["text"], row["holder"]

            def gold_of(spans, text=text, holder=holder):
                if not holder:
                    return [{"holder": "", "holder_name": ""}] * len(spans)
                near = [len(stems(text[a:b]) & stems(holder)) for a, b in spans]
                best = max(near)
                gold = {"holder": holder, "holder_name": holder}
                return [gold if best and n == best and near.count(best) == 1 else None for n in near]

            read(Document(doc_id="", text=text, lang=lang), gold_of, STATEMENT, held, quoted)
            count += 1
    return count


def fit(choices: Choices, penalty: float, least: int) -> dict[str, float]:
    """Maximum entropy over choices with several right answers, ridge penalty; rare features are left out."""
    counts: dict[str, int] = {}
    for options, _, _ in choices.groups:
        for name in {name for features in options for name in features}:
            counts[name] = counts.get(name, 0) + 1
    known = {name: i for i, name in enumerate(sorted(n for n, c in counts.items() if c >= least))}
    rows, columns, starts, right, weight = [], [], [], [], []
    number = 0
    for options, correct, importance in choices.groups:
        starts.append(number)
        for features, is_right in zip(options, correct, strict=True):
            found = {known[name] for name in features if name in known}
            rows += [number] * len(found)
            columns += sorted(found)
            right.append(is_right)
            weight.append(importance)
            number += 1
    design = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(number, len(known)))
    start, gold, importance = np.array(starts), np.array(right, dtype=float), np.array(weight)
    sizes = np.diff([*starts, number])

    def shares(scores: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
        shown = scores if mask is None else np.where(mask > 0, scores, -1e9)
        top = np.repeat(np.maximum.reduceat(shown, start), sizes)
        powers = np.exp(shown - top) * (1 if mask is None else mask)
        return powers / np.repeat(np.add.reduceat(powers, start), sizes)

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        scores = design @ beta
        model, target = shares(scores, None), shares(scores, gold)
        hit = np.add.reduceat(model * gold, start)
        value = -(importance[start] * np.log(hit + 1e-12)).sum() + 0.5 * penalty * beta @ beta
        return value, design.T @ (importance * (model - target)) + penalty * beta

    found = minimize(loss, np.zeros(len(known)), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return {name: round(float(found.x[i]), 2) for name, i in known.items() if abs(found.x[i]) >= SMALL}


def rows_of(model: str, weights: dict[str, float]) -> dict[str, list[float]]:
    """The weights as the file has them: feature -> one weight a class."""
    if model == "holders":
        return {name: [weight] for name, weight in weights.items()}
    names = sorted({name.partition("|")[2] for name in weights})
    return {name: [weights.get(f"{kind}|{name}", 0.0) for kind in QUOTES] for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", default="")
    parser.add_argument("--output", default=str(ROOT / "src" / "detente" / "text" / "weights"))
    given = parser.parse_args()
    held, quoted = Choices(), Choices()
    without = {int(n) for n in given.without.split(",") if n}
    print(f"{from_articles(without, held, quoted)} articles, {from_statements(held, quoted)} statements read")
    folder = Path(given.output)
    folder.mkdir(parents=True, exist_ok=True)
    for name, choices in (("holders", held), ("quotes", quoted)):
        weights = fit(choices, PENALTY[name], LEAST[name])
        lines = (f"{json.dumps(k, ensure_ascii=False)}: {json.dumps(v)}" for k, v in rows_of(name, weights).items())
        (folder / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        print(f"{name}: {len(choices.groups)} choices, {len(weights)} weights")


if __name__ == "__main__":
    main()
