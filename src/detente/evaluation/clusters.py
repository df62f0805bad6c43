"""Which statements the bootstrap draws together: those of a scenario, a document, or a value of a column."""

from collections.abc import Sequence

from detente.corpus.splits import groups_of
from detente.errors import UsageError, did_you_mean
from detente.records import FIELDS, Statement

AUTO, NONE = "auto", "none"
_KNOWN = ("scenario", "doc_id")


def clusters_of(statements: Sequence[Statement], cluster: str) -> list[str] | None:
    """The cluster of each statement, or None where each stands alone.

    `auto` takes the scenario, else the document, of those that have one, and joins equal texts; `none`
    lets each stand alone; else the name of a column (a row without a value stands alone). Raises
    UsageError for a column that no statement has.
    """
    if cluster == NONE or not statements:
        return None
    if cluster == AUTO:
        names = groups_of(statements, _KNOWN)
    else:
        check_column(statements, cluster)
        values = [str(value_of(s, cluster) or "") for s in statements]
        names = [f"={value}" if value else f"row {i}" for i, value in enumerate(values)]
    return names if len(set(names)) < len(names) else None


def check_column(statements: Sequence[Statement], column: str) -> None:
    """Raise UsageError unless a column exists."""
    if column not in FIELDS and not any(column in s.extra or column in s.labels for s in statements):
        known = {*FIELDS, *(name for s in statements for name in (*s.extra, *s.labels))}
        raise UsageError(f'"{column}" is no column of the statements; {did_you_mean(column, known)}')


def value_of(statement: Statement, column: str) -> object:
    """The value of a field, a label or a foreign column; None where there is none."""
    if column in statement.extra:
        return statement.extra[column]
    return statement.labels.get(column, getattr(statement, column, None))
