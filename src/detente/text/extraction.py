"""From a document to its statements: one a sentence, with holder, quote type and relevance."""

from collections.abc import Sequence

from detente.records import Statement
from detente.text import holders, language, relevance, sentences
from detente.text.documents import Document

_LEAD = 400
_BEFORE = 2


def extract(document: Document, *, languages: Sequence[str] = language.LANGUAGES) -> list[Statement]:
    """The statements of a document in order; offsets count in `document.text`."""
    text = document.text
    lang = document.lang or language.identify(text, languages=languages)
    spans = sentences.split(text, lang=lang)
    scores = _relevance(document, spans, lang)
    found = holders.attribute(text, spans, lang=lang, relevance=scores)
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


def contexts(document: Document, spans: Sequence[tuple[int, int]]) -> list[relevance.Context]:
    """What surrounds every sentence, as the relevance score takes it."""
    texts = [document.text[start:end] for start, end in spans]
    topic, rivals = relevance.topic_of(texts)
    central = relevance.central_of(texts)
    lead = f"{document.title} {document.text[spans[0][0] : spans[0][0] + _LEAD] if spans else ''}"
    return [
        relevance.Context(
            lead, " ".join(texts[max(0, i - _BEFORE) : i]), topic, rivals, central, " ".join(texts[i + 1 : i + 2])
        )
        for i in range(len(texts))
    ]


def _relevance(document: Document, spans: Sequence[tuple[int, int]], lang: str) -> list[float]:
    surroundings = contexts(document, spans)
    scores = [
        relevance.score(document.text[start:end], lang=lang, context=context)
        for (start, end), context in zip(spans, surroundings, strict=True)
    ]
    return [round(score, 4) for score in relevance.smoothed(scores)]
