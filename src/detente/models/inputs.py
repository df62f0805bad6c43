"""What a model reads of a statement: its text, the target, and the words around the target."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from detente.records import TARGET_SPAN, Statement, target_span
from detente.tasks import Task

_WORD = re.compile(r"\w+")
# With more targets than this, each has too few rows for weights of its own.
MAX_TARGETS = 24
MIN_ROWS_PER_TARGET = 50
_MARKS = ("* ", " *")


def target_of(statement: Statement, task: Task) -> str:
    """The statement's own target, or the task's."""
    return statement.target or task.target


def recurring_targets(statements: Sequence[Statement]) -> tuple[str, ...]:
    """Targets frequent enough to have weights of their own, sorted; none if there is only one target.

    In a corpus of a few targets (three politicians) the same words speak for one and against another.
    """
    counts = Counter(s.target for s in statements)
    frequent = sorted(t for t, n in counts.items() if n >= MIN_ROWS_PER_TARGET)
    return tuple(frequent) if 2 <= len(frequent) <= MAX_TARGETS else ()


def with_text(statement: Statement, text: str) -> Statement:
    """The statement with another text; offsets of the target are dropped, for they count in the old one."""
    extra = {name: value for name, value in statement.extra.items() if name not in TARGET_SPAN}
    return replace(statement, text=text, extra=extra)


def mark_target(statement: Statement) -> Statement:
    """The statement with its target between asterisks where it stands in the text; as it is where it does not.

    An encoder then reads which mention is meant (typed markers of punctuation: Zhou & Chen 2022, section 3).
    """
    span = target_span(statement)
    if span is None:
        return statement
    start, end = span
    text = statement.text
    return with_text(statement, f"{text[:start]}{_MARKS[0]}{text[start:end]}{_MARKS[1]}{text[end:]}")


def unmarked(span: tuple[int, int], statement: Statement) -> tuple[int, int] | None:
    """Where a span of the marked text stands in the statement's own; None for a span of the marks."""
    found = target_span(statement)
    if found is None:
        return span
    edges = (found[0], found[1] + len(_MARKS[0]))  # of the marks, in the marked text

    def back(at: int) -> int:
        for edge, mark in reversed(list(zip(edges, _MARKS, strict=True))):
            at = max(edge, at - len(mark)) if at > edge else at
        return at

    start, end = back(span[0]), back(span[1])
    return (start, end) if start < end else None


def targets_in_text(statements: Sequence[Statement]) -> bool:
    """Whether most statements mention their target, as in targeted sentiment."""
    found = sum(target_span(s) is not None for s in statements)
    return found > len(statements) / 2


def window(statement: Statement, *, words: int) -> tuple[str, str]:
    """Up to `words` words left and right of the target; empty strings where the text does not mention it."""
    span = target_span(statement)
    if span is None:
        return "", ""
    left = [m.start() for m in _WORD.finditer(statement.text, 0, span[0])][-words:]
    right = [m.end() for m in _WORD.finditer(statement.text, span[1])][:words]
    return (
        statement.text[left[0] : span[0]] if left else "",
        statement.text[span[1] : right[-1]] if right else "",
    )
