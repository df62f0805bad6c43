"""Whose labels rows bear: people's, or those that `label` wrote and named in the column `origin`.

A score on a machine's labels is agreement with that machine. Who reads it as accuracy is misled, so every place
that measures says how many of its labels are such.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from detente.records import Statement
from detente.tasks import Task

# What `label` writes as origin, up to a colon.
MACHINES = ("rules", "model", "llm", "joined")
GIVEN = "given_"
GIVEN_ORIGIN = GIVEN + "origin"


def of_labels(statement: Statement, columns: Mapping[str, str | None]) -> Statement:
    """The statement with the origin of its labels: `given_origin` where `columns` takes them from `given_<task>`."""
    if GIVEN_ORIGIN in statement.extra and any(str(column).startswith(GIVEN) for column in columns.values()):
        return replace(statement, origin=str(statement.extra[GIVEN_ORIGIN] or ""))
    return statement


def of_row(values: Mapping[str, Any], columns: Mapping[str, str | None]) -> str:
    """The origin of the labels of a row that is no statement, by the same rule as `of_labels`."""
    given = any(str(column).startswith(GIVEN) for column in columns.values())
    return str(values.get(GIVEN_ORIGIN if given else columns.get("origin") or "origin") or "")


def of_given(values: Mapping[str, Any], tasks: Sequence[Task]) -> str:
    """The origin of the labels in `given_<task>` of a row of predictions.

    `label` writes it to `given_origin`. `predict` leaves `origin` as it was with those labels, also where it was
    given what `label` wrote, whose own `given_<task>` is `given_given_<task>` then.
    """
    again = any(f"{GIVEN}{GIVEN}{task.name}" in values for task in tasks)
    return str(values.get("origin" if again or GIVEN_ORIGIN not in values else GIVEN_ORIGIN) or "")


def machine_labels(statements: Sequence[Statement]) -> dict[str, int]:
    """How many of the labelled statements have a machine's labels, by origin."""
    return dict(Counter(s.origin for s in statements if s.labels and is_machine(s.origin)))


def is_machine(origin: str) -> bool:
    """Whether an origin is one that `label` writes.

    >>> is_machine("rules:weighted"), is_machine("people")
    (True, False)
    """
    return origin.partition(":")[0] in MACHINES


def of_training(found: Mapping[str, int], n: int) -> str:
    """A sentence on the labels that are learnt; empty if none is a machine's."""
    if not found:
        return ""
    return (
        f"{sum(found.values()):,} of the {n:,} training labels are a machine's ({_named(found)}): it is what is learnt"
    )


def of_measuring(found: Mapping[str, int], n: int, what: str) -> str:
    """A sentence on the labels of `what` that scores are measured on; empty if none is a machine's."""
    if not found:
        return ""
    return (
        f"{sum(found.values()):,} of the {n:,} labels of {what} are a machine's ({_named(found)}): scores on them are "
        "agreement with that machine, not accuracy; measure on labels by people, and where a person has checked "
        "these, set origin to people"
    )


def of_correcting(found: Mapping[str, int], n: int, what: str) -> str:
    """A sentence on the labels of `what` that shares are corrected by; empty if none is a machine's."""
    if not found:
        return ""
    return (
        f"{sum(found.values()):,} of the {n:,} labels of {what} are a machine's ({_named(found)}): the shares are "
        "corrected towards that machine, not towards people; give labels by people, and where a person has checked "
        "these, set origin to people"
    )


def of_joining(found: Mapping[str, int], n: int, what: str) -> str:
    """A sentence on the labels of `what` that a label model is fitted on; empty if none is a machine's."""
    if not found:
        return ""
    return (
        f"{sum(found.values()):,} of the {n:,} labels of {what} are a machine's ({_named(found)}): the label model "
        "trusts those who agree with that machine"
    )


def of_run(metrics: Mapping[str, Any], split: str) -> str:
    """`of_measuring` from what metrics.json says of a split; empty for runs that are older than the count."""
    data = metrics.get("data") or {}
    found = data.get("machine_labels", {}).get(split, {})
    if not found:
        return ""
    n = data["n"][split] if isinstance(data.get("n"), Mapping) else data.get("n", sum(found.values()))
    return of_measuring(found, n, split if split != "input" else "the given file")


def _named(found: Mapping[str, int]) -> str:
    return "origin " + ", ".join(sorted(found))
