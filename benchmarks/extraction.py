"""How well extraction does on the annotated articles, by language, beside plain means.

    python benchmarks/extraction.py [dev|test|fresh]    (test unless told; fresh: English, after everything stood)
    python benchmarks/extraction.py annotators          (two blind annotators of the test articles, by the same measures)
    python benchmarks/extraction.py german FILE         (quotes of German Wikinews, dev.jsonl or test.jsonl)

boundaries: F1 of sentences with exactly the annotated start and end, for us, for sentencex and for pysbd line by line.
On the sentences so found: macro-F1 of the quote type; share of resolved holders right (of those that have one; right
if one name's words hold the other's); share of the author's sentences left without a holder; F1 of relevance at 0.5.
Beside each stands a plain means: all that has quotation marks is direct; the holder is the nearest run of capitals
before (else after) a reporting verb; every sentence is the author's; relevance is any word of a resource.
"""

import csv
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from detente.records import Statement
from detente.text import quotes, relevance
from detente.text.documents import Document, read_documents
from detente.text.extraction import extract
from detente.text.lexicons import key, lexicon

DATA = Path(__file__).parents[1] / "data"
MARKS = re.compile(r"[«»“”„\"]")
CAPITALS = re.compile(r"[A-ZÀ-ÝА-ЯЁ][\w'’.-]*(?:\s+[A-ZÀ-ÝА-ЯЁ][\w'’.-]*)*")


def f1(hits: int, found: int, wanted: int) -> float:
    return 2 * hits / (found + wanted) if found + wanted else 0.0


def same_holder(first: str, second: str) -> bool:
    one, two = (set(re.findall(r"\w+", name.casefold())) for name in (first, second))
    return bool(one and two) and (one <= two or two <= one)


def in_lines(text: str, lang: str, segment) -> set[tuple[int, int]]:
    """Spans of a plain splitter, line by line."""
    spans, at = set(), 0
    for line in text.splitlines():
        for sentence in segment(lang, line):
            if sentence.strip():
                start = text.find(sentence.strip(), at)
                if start >= 0:
                    at = start + len(sentence.strip())
                    spans.add((start, at))
    return spans


def sentencex(lang: str, line: str) -> list[str]:
    from sentencex import segment

    return list(segment(lang, line))


def pysbd(lang: str, line: str) -> list[str]:
    from pysbd import Segmenter

    return list(Segmenter(language=lang, clean=False).segment(line))


def plain(document: Document, gold: dict, lang: str) -> Statement:
    """What obvious means make of a sentence."""
    text, lex = gold["text"], lexicon(lang)
    verbs = [m for m in re.finditer(r"\w+", text) if key(m.group()) in lex.say or key(m.group()) in lex.participles]
    names = list(CAPITALS.finditer(text))
    holder = ""
    if verbs and names:
        before = [n for n in names if n.end() <= verbs[0].start()]
        after = [n for n in names if n.start() >= verbs[0].end()]
        holder = (before[-1] if before else after[0] if after else names[0]).group()
    quote = "direct" if len(MARKS.findall(text)) > 1 else "indirect" if verbs else "none"
    near = float("resource" in relevance.named(text))
    return Statement(
        id=gold["id"], text=text, lang=lang, holder=holder, holder_name=holder, quote=quote, relevance=near
    )


def measure(pairs: list[tuple[dict, Statement]]) -> list[str]:
    """Figures on the sentences found: quote type, holder, author, relevance."""
    counts = Counter((g["quote"], s.quote) for g, s in pairs)
    per_type = []
    for kind in ("direct", "indirect", "none"):
        found = sum(n for (_, b), n in counts.items() if b == kind)
        per_type.append(f1(counts[kind, kind], found, sum(n for (a, _), n in counts.items() if a == kind)))
    held = [(g, s) for g, s in pairs if g["holder_name"]]
    author = [s for g, s in pairs if not g["holder_name"]]
    relevant = [(g["relevance"] > 0.5, (s.relevance or 0) > 0.5) for g, s in pairs]
    hits = sum(a and b for a, b in relevant)
    return [
        f"{sum(per_type) / 3:.3f}",
        f"{sum(same_holder(g['holder_name'], s.holder_name) for g, s in held) / max(len(held), 1):.3f}",
        f"{sum(not s.holder_name for s in author) / max(len(author), 1):.3f}",
        f"{f1(hits, sum(b for _, b in relevant), sum(a for a, _ in relevant)):.3f}",
    ]


def anchored(gold: list[dict], text: str) -> Iterator[dict]:
    """The annotated sentences where they stand in the document as it is read now, in case that has changed."""
    at = 0
    for row in gold:
        start = row["start"]
        if text[start : row["end"]] != row["text"]:
            start = text.find(row["text"], at)
        if start >= 0:
            at = start + len(row["text"])
            yield {**row, "start": start, "end": at}


def articles(split: str) -> dict[str, list[tuple[Document, list[dict]]]]:
    documents = {d.doc_id: d for d in read_documents(DATA / "articles" / split)}
    by_lang: dict[str, list] = defaultdict(list)
    for path in sorted((DATA / "annotations" / "articles" / split).glob("*.jsonl")):
        gold = [json.loads(line) for line in path.open(encoding="utf-8")]
        document = documents[gold[0]["doc_id"]]
        by_lang[gold[0]["lang"]].append((document, list(anchored(gold, document.text))))
    return by_lang


def of_articles(split: str) -> None:
    titles = ("articles", "sentences", "boundaries", "sentencex", "pysbd", "quote", "holder", "author", "relevance")
    print(f"{split}: {'lang':<11}" + "".join(f"{title:>11}" for title in titles))
    spent, by_lang = 0.0, articles(split)
    for lang, found in sorted(by_lang.items()):
        scores: dict[str, list[int]] = {name: [0, 0, 0] for name in ("ours", "sentencex", "pysbd")}
        pairs: list[tuple[dict, Statement]] = []
        for document, gold in found:
            spans = {(g["start"], g["end"]): g for g in gold}
            started = time.process_time()
            statements = {(s.start, s.end): s for s in extract(document)}
            spent += time.process_time() - started
            pairs += [(g, statements[span]) for span, g in spans.items() if span in statements]
            others = {
                name: in_lines(document.text, lang, f) for name, f in (("sentencex", sentencex), ("pysbd", pysbd))
            }
            for name, given in {"ours": set(statements), **others}.items():
                for i, count in enumerate((len(spans.keys() & given), len(given), len(spans))):
                    scores[name][i] += count
        figures = [f"{f1(*score):.3f}" for score in scores.values()] + measure(pairs)
        print(f"{split}: {lang:<11}{len(found):>11}{scores['ours'][2]:>11}" + "".join(f"{x:>11}" for x in figures))
        means = measure([(g, plain(document, g, lang)) for document, rows in found for g in rows])
        means[2] = "1.000"
        print(f"{split}: {lang + ', plain':<11}" + " " * 55 + "".join(f"{x:>11}" for x in means))
    print(f"{sum(map(len, by_lang.values()))} articles in {spent:.1f} s of processor time")


def of_annotators() -> None:
    """How far two blind annotators and the articles' writer agree: the first of a pair is taken for gold."""
    by_one: dict[tuple[str, str], dict[str, Statement]] = defaultdict(dict)
    with (DATA / "annotations" / "articles_test.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            who = "writer" if row["kind"] == "writer" else row["annotator"].partition("-")[2]
            by_one[row["lang"], who][row["id"]] = Statement(
                id=row["id"],
                text="-",
                lang=row["lang"],
                holder_name=row["holder_name"],
                quote=row["quote"],
                relevance=float(row["relevance"]),
            )
    print(f"{'annotators':<17}" + "".join(f"{title:>11}" for title in ("quote", "holder", "author", "relevance")))
    for lang in sorted({lang for lang, _ in by_one}):
        for one, two in (("a", "b"), ("writer", "a"), ("writer", "b")):
            first, second = by_one[lang, one], by_one[lang, two]
            pairs = [(asdict(s), second[id]) for id, s in first.items()]
            print(f"{lang + ': ' + one + ', ' + two:<17}" + "".join(f"{x:>11}" for x in measure(pairs)))


def covered(span: tuple[int, int], others: list[tuple[int, int]]) -> float:
    """The share of a span's characters that lie in other spans."""
    inside = {i for a, b in others for i in range(max(a, span[0]), min(b, span[1]))}
    return len(inside) / max(1, span[1] - span[0])


def of_german(path: Path) -> None:
    """Direct quotes and speakers of Petersen-Frey and Biemann (2024), without training on them.

    A gold quote is every span of an attribution of type Direct, without its marks: there scattered quoted words count,
    so ours are those of `quotes.attributed`. Precision is the mean share of a
    found span's characters that lie in gold, recall that of a gold span's characters found; `half` counts a span as
    right where at least half of it is covered, `exact` where start and end agree. A speaker is right if the words of
    the annotated speaker span and of our holder (as written or resolved) hold each other; annotated ones only.
    """
    precise, recalled, exact, speakers = [], [], 0, []
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        text = row["text"]
        direct = [a for a in row["attributions"] if a["type"] == "Direct"]
        gold = [bare(text, q["start"], q["end"]) for a in direct for q in a["quote"]]
        ours = [bare(text, *span) for span in quotes.attributed(text, lang="de")]
        precise += [covered(span, gold) for span in ours]
        recalled += [covered(span, ours) for span in gold]
        exact += len(set(gold) & set(ours))
        statements = extract(Document(doc_id=row["id"], text=text, lang="de"))
        for a in direct:
            if a["speaker"]:
                at = a["quote"][0]["start"] + 1
                held = next((s for s in statements if (s.start or 0) <= at < (s.end or 0)), None)
                named = " ".join(s["text"] for s in a["speaker"])
                speakers.append(
                    held is not None and any(same_holder(named, h) for h in (held.holder, held.holder_name))
                )
    p, r = sum(precise) / len(precise), sum(recalled) / len(recalled)
    hp, hr = sum(x >= 0.5 for x in precise) / len(precise), sum(x >= 0.5 for x in recalled) / len(recalled)
    print(f"direct quotes: {len(recalled)} annotated, {len(precise)} found")
    print(f"by characters: precision {p:.3f}, recall {r:.3f}, F1 {2 * p * r / (p + r):.3f}")
    print(f"half covered:  precision {hp:.3f}, recall {hr:.3f}, F1 {2 * hp * hr / (hp + hr):.3f}")
    print(f"exact spans:   F1 {f1(exact, len(precise), len(recalled)):.3f}")
    print(f"speaker right: {sum(speakers) / max(1, len(speakers)):.3f} of {len(speakers)}")


def bare(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the marks and spaces at its ends."""
    while start < end and text[start] in "„“”\"»«‚‘’' ":
        start += 1
    while end > start and text[end - 1] in "„“”\"»«‚‘’' ,.":
        end -= 1
    return start, end


def main() -> None:
    given = sys.argv[1:]
    if given[:1] == ["german"]:
        of_german(Path(given[1]))
    elif given == ["annotators"]:
        of_annotators()
    else:
        of_articles(given[0] if given else "test")


if __name__ == "__main__":
    main()
