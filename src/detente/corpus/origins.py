"""Whose labels rows bear: people's, or those that `label` wrote and named in the column `origin`.

A score on a machine's labels is agreement with that machine. Who reads it as accuracy is misled, so every place
that measures says how many of its labels are such.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from detente.records import Statement

# What `label` writes as origin, up to a colon.
MACHINES = ("rules", "model", "llm", "joined")
GIVEN = "given_"
GIVEN_ORIGIN = GIVEN + "origin"


def of_labels(statement: Statement, columns: Mapping[str, str | None]) -> Statement:
    """The statement with the origin of its labels: `given_origin` where `columns` takes them from `given_<task>`."""
    if GIVEN_ORIGIN in statement.extra and any(str(column).startswith(GIVEN) for column in columns.values()):
        return replace(statement, origin=str(statement.extra[GIVEN_ORIGIN] or ""))
    return statement


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
