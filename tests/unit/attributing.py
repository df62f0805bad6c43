"""Holders as a user gets them: by extraction, which knows how relevant each sentence is."""

from detente.text.documents import Document
from detente.text.extraction import extract
from detente.text.reader import Holder


def attributed(text, lang, *, judge=None):
    """The holder of every sentence, by the sentence."""
    found = extract(Document(doc_id="", text=text, lang=lang), judge=judge)
    return {s.text: Holder(s.holder, s.holder_name, s.quote) for s in found}
