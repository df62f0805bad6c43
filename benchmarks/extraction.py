"""How well extraction does on the annotated articles, by language, beside plain sentencex.

    python benchmarks/extraction.py [dev|test]        (test unless told)

boundaries: F1 of sentences with exactly the annotated start and end. On the sentences so found: macro-F1 of the quote
type; share of resolved holders right (of those that have one; right if one name's words hold the other's); share
of the author's sentences left without a holder; F1 of relevance at 0.5.
"""

import json
import re
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from detente.records import Statement
from detente.text.documents import read_documents
from detente.text.extraction import extract

DATA = Path(__file__).parents[1] / "data"


def f1(hits: int, found: int, wanted: int) -> float:
    return 2 * hits / (found + wanted) if found + wanted else 0.0


def same_holder(first: str, second: str) -> bool:
    one, two = (set(re.findall(r"\w+", name.casefold())) for name in (first, second))
    return bool(one and two) and (one <= two or two <= one)


def plain_sentencex(text: str, lang: str) -> set[tuple[int, int]]:
    """Spans of sentencex, line by line."""
    from sentencex import segment

    spans, at = set(), 0
    for line in text.splitlines():
        for sentence in segment(lang, line):
            if sentence.strip():
                start = text.index(sentence.strip(), at)
                at = start + len(sentence.strip())
                spans.add((start, at))
    return spans


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


def main() -> None:
    split = sys.argv[1] if len(sys.argv) > 1 else "test"
    documents = {d.doc_id: d for d in read_documents(DATA / "articles" / split)}
    by_lang: dict[str, list] = defaultdict(list)
    for path in sorted((DATA / "annotations" / "articles" / split).glob("*.jsonl")):
        gold = [json.loads(line) for line in path.open(encoding="utf-8")]
        by_lang[gold[0]["lang"]].append((documents[gold[0]["doc_id"]], gold))
    print(
        f"{split}: {'lang':<5}{'articles':>9}{'sentences':>10}{'boundaries':>11}{'sentencex':>10}{'quote':>7}{'holder':>8}{'author':>8}{'relevance':>10}"
    )
    started = time.perf_counter()
    for lang, articles in sorted(by_lang.items()):
        hits = found = wanted = plain_hits = plain_found = 0
        pairs: list[tuple[dict, Statement]] = []
        for document, gold in articles:
            spans = {(g["start"], g["end"]): g for g in gold}
            statements = {(s.start, s.end): s for s in extract(document)}
            plain = plain_sentencex(document.text, lang)
            pairs += [(g, statements[span]) for span, g in spans.items() if span in statements]
            hits += len(spans.keys() & statements.keys())
            plain_hits += len(spans.keys() & plain)
            found, plain_found, wanted = found + len(statements), plain_found + len(plain), wanted + len(spans)
        row = [f"{f1(hits, found, wanted):.3f}", f"{f1(plain_hits, plain_found, wanted):.3f}", *measure(pairs)]
        print(
            f"{split}: {lang:<5}{len(articles):>9}{wanted:>10}{row[0]:>11}{row[1]:>10}{row[2]:>7}{row[3]:>8}{row[4]:>8}{row[5]:>10}"
        )
    print(f"{sum(map(len, by_lang.values()))} articles in {time.perf_counter() - started:.1f} s, sentencex included")


if __name__ == "__main__":
    main()
