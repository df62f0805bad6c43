"""From a document to its statements: one a sentence, with holder, quote type and relevance."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

from detente.records import Statement
from detente.text import holders, language, relevance, sentences
from detente.text.documents import Document
from detente.text.judging import Judge, Trained
from detente.text.weights import Models


def extract(
    document: Document, *, languages: Sequence[str] = language.LANGUAGES, judge: Judge | None = None
) -> list[Statement]:
    """The statements of a document in order; offsets count in `document.text`. `judge`: see `holders.attribute`."""
    text = document.text
    lang = document.lang or language.identify(text, languages=languages)
    spans = sentences.split(text, lang=lang)
    judge = judge or Trained()
    scores = likelihoods(document, spans, lang, judge.models)
    found = holders.attribute(text, spans, lang=lang, relevance=scores, judge=judge)
    return [
        Statement(
            id=f"{document.doc_id}#{number}",
            text=text[start:end],
            lang=lang,
            holder=holder.written,
            holder_name=holder.name,
            quote=holder.quote,
            relevance=score,
            doc_id=document.doc_id,
            start=start,
            end=end,
            date=document.date,
            source=document.source,
        )
        for number, ((start, end), holder, score) in enumerate(zip(spans, found, scores, strict=True), start=1)
    ]


def likelihoods(document: Document, spans: Sequence[tuple[int, int]], lang: str, models: Models) -> list[float]:
    """How likely each sentence speaks of the target."""
    texts = [document.text[start:end] for start, end in spans]
    found = relevance.likelihoods(
        texts, lang=lang, paragraphs=paragraphs(document.text, spans), title=document.title, model=models.relevance
    )
    return [round(p, 4) for p in found]


def paragraphs(text: str, spans: Sequence[tuple[int, int]]) -> list[int]:
    """The number of the paragraph of every sentence."""
    breaks = ("\n" in text[a[1] : b[0]] for a, b in pairwise(spans))
    return list(accumulate(breaks, initial=0)) if spans else []
