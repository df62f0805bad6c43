"""The sentences around a statement: from its document if that is given, else from its neighbours in the input."""

from collections.abc import Iterable, Sequence

from detente.labelling.review.carried import Around
from detente.records import Statement
from detente.text.documents import Document

_REACH = 320
_ADJACENT, _NEAR = 3, 400
_GAP = "[…]"


def around(statements: Sequence[Statement], documents: Iterable[Document] = ()) -> dict[str, Around]:
    """By statement id: what stands before and after it, for those whose place in a document is known."""
    by_document: dict[str, list[tuple[int, int, Statement]]] = {}
    for statement in statements:
        if statement.doc_id and statement.start is not None and statement.end is not None:
            by_document.setdefault(statement.doc_id, []).append((statement.start, statement.end, statement))
    found: dict[str, Around] = {}
    for placed in by_document.values():
        placed.sort(key=lambda item: item[:2])
        for i, (_, _, statement) in enumerate(placed):
            before = _joined(placed[i - 1], placed[i]) if i else ""
            after = _joined(placed[i], placed[i + 1], last=True) if i + 1 < len(placed) else ""
            found[statement.id] = Around(before=before, after=after)
    for document in documents:
        for start, end, statement in by_document.get(document.doc_id, ()):
            if document.text[start:end] == statement.text:
                found[statement.id] = _cut(document.text, start, end)
    return found


def _joined(first: tuple[int, int, Statement], second: tuple[int, int, Statement], *, last: bool = False) -> str:
    """The neighbour's text, with a mark where something is left out between the two; empty if it is far."""
    gap = second[0] - first[1]
    if gap < 0 or gap > _NEAR:
        return ""
    text = (second if last else first)[2].text
    if gap <= _ADJACENT:
        return text
    return f"{_GAP} {text}" if last else f"{text} {_GAP}"


def _cut(text: str, start: int, end: int) -> Around:
    """Up to a few hundred characters on each side, cut between words."""
    before, after = text[max(0, start - _REACH) : start], text[end : end + _REACH]
    if start > _REACH:
        before = "… " + before.partition(" ")[2]
    if end + _REACH < len(text):
        after = after.rpartition(" ")[0] + " …"
    return Around(before=before.strip(), after=after.strip())
