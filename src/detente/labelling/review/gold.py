"""Gold labels from several annotators: what they agree on, what an adjudicator decided, and what is open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detente import files
from detente.labelling.agreement import Annotation
from detente.labelling.review.annotations import ADJUDICATION
from detente.records import Statement
from detente.tasks import Task

RULES = ("majority", "unanimous")
ORIGINS = ("unanimous", "majority", "adjudicated")
INTENT = "intent"
_GIVEN = "given_"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The gold label of one task, empty while open, with who gave it; `votes` are (annotator, label) in order."""

    label: str
    origin: str
    votes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Gold:
    """Statements with at least one gold label, rows of what is still open, and how many labels came how."""

    statements: tuple[Statement, ...]
    left: tuple[dict[str, str], ...]
    counts: Mapping[str, int]


def open_list(output: Path) -> Path:
    """Where what is still open is listed: `gold.en.open.csv` beside `gold.en.jsonl`.

    Beside another table of the same stem (`gold.en.csv`) the name is kept whole, `gold.en.jsonl.open.csv`, so that
    no output writes over another's list.
    """
    stem = _stem(output)
    alike = (p for p in output.parent.iterdir() if p.name != output.name and _stem(p) == stem)
    shared = any(files.ending(p) in files.TABLES for p in alike)
    return output.with_name(f"{output.name if shared else stem}.open.csv")


def _stem(path: Path) -> str:
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return name.rpartition(".")[0]


def decide(annotations: Sequence[Annotation], tasks: Sequence[Task], *, rule: str, least: int) -> dict[str, Decision]:
    """The decisions on one statement by task, for tasks that anybody labelled.

    An adjudicator's label stands. Else a label needs `least` votes cast in all, and by `rule` every vote
    ("unanimous") or more than half of them ("majority").
    """
    made: dict[str, Decision] = {}
    for task in tasks:
        given = [a for a in annotations if a.labels.get(task.name)]
        votes = tuple((a.annotator, a.labels[task.name]) for a in given if not _rules(a))
        ruled = [a for a in given if _rules(a)]
        if ruled:
            label, origin = ruled[-1].labels[task.name], f"adjudicated: {ruled[-1].annotator}"
            made[task.name] = Decision(label=label, origin=origin, votes=votes)
        elif votes:
            made[task.name] = _vote(votes, rule, least)
    return made


def _rules(annotation: Annotation) -> bool:
    return annotation.kind == ADJUDICATION


def _vote(votes: tuple[tuple[str, str], ...], rule: str, least: int) -> Decision:
    counts: dict[str, list[str]] = {}
    for who, label in votes:
        counts.setdefault(label, []).append(who)
    label, supporters = max(counts.items(), key=lambda item: len(item[1]))
    share = f"{len(supporters)} of {len(votes)}"
    if len(votes) < least:
        return Decision(label="", origin=f"open: {len(votes)} of {least} votes", votes=votes)
    if len(supporters) == len(votes):
        return Decision(label=label, origin=f"unanimous: {', '.join(supporters)}", votes=votes)
    if rule == "majority" and 2 * len(supporters) > len(votes):
        return Decision(label=label, origin=f"majority {share}: {', '.join(supporters)}", votes=votes)
    spread = ", ".join(f"{name} {len(who)}" for name, who in counts.items())
    return Decision(label="", origin=f"open: {spread}", votes=votes)


def by_statement(annotations: Iterable[Annotation]) -> dict[str, list[Annotation]]:
    """Annotations by the id of their statement; the author's intent has no voice."""
    found: dict[str, list[Annotation]] = {}
    for annotation in annotations:
        if annotation.kind != INTENT:
            found.setdefault(annotation.id, []).append(annotation)
    return found


def disputes(
    votes: Mapping[str, Sequence[Annotation]], tasks: Sequence[Task], *, rule: str, least: int
) -> dict[str, dict[str, Decision]]:
    """The decisions on the statements where annotators differ on a task and the rule decides nothing."""
    found: dict[str, dict[str, Decision]] = {}
    for name, given in votes.items():
        decisions = decide([a for a in given if not _rules(a)], tasks, rule=rule, least=least)
        if any(not d.label and len({label for _, label in d.votes}) > 1 for d in decisions.values()):
            found[name] = decisions
    return found


def gather(
    statements: Mapping[str, Statement],
    annotations: Iterable[Annotation],
    tasks: Sequence[Task],
    *,
    rule: str,
    least: int,
) -> Gold:
    """The gold of a set of annotations, statements in the order of the first annotation of each."""
    made: list[Statement] = []
    left: list[dict[str, str]] = []
    counts = dict.fromkeys(ORIGINS, 0)
    for name, given in by_statement(annotations).items():
        decisions = decide(given, tasks, rule=rule, least=least)
        if any(decision.label for decision in decisions.values()):
            made.append(_labelled(statements[name], decisions, tasks))
        left += _open_rows(statements[name], decisions)
        for decision in decisions.values():
            if decision.label:
                counts[decision.origin.split()[0].removesuffix(":")] += 1
    return Gold(statements=tuple(made), left=tuple(left), counts=counts)


def _labelled(statement: Statement, decisions: Mapping[str, Decision], tasks: Sequence[Task]) -> Statement:
    """The statement with its gold labels and `<task>_origin`; labels it came with are kept as `given_<task>`."""
    names = [task.name for task in tasks]
    extra: dict[str, Any] = dict(statement.extra)
    extra |= {_GIVEN + name: statement.labels[name] for name in names if statement.labels.get(name)}
    extra |= {f"{name}_origin": decisions[name].origin if name in decisions else "" for name in names}
    others = {name: label for name, label in statement.labels.items() if name not in names}
    gold = {name: decisions[name].label for name in names if name in decisions and decisions[name].label}
    return replace(statement, labels=others | gold, origin="people", confidence=None, extra=extra)


def _open_rows(statement: Statement, decisions: Mapping[str, Decision]) -> list[dict[str, str]]:
    """One row a task without a decision: the statement's id and text, the task, what each annotator said."""
    rows = []
    for name, decision in decisions.items():
        if not decision.label:
            votes = "; ".join(f"{who}: {label}" for who, label in decision.votes)
            row = {"id": statement.id, "lang": statement.lang, "task": name, "votes": votes, "why": decision.origin}
            rows.append(row | {"text": statement.text})
    return rows
