"""One annotator at work: what to label next, and saving, taking back and looking up labels."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

from detente.errors import InputError, did_you_mean
from detente.files.formats import has_bad_bytes
from detente.labelling.agreement import Annotation
from detente.labelling.review import gold, store
from detente.labelling.review.annotations import ADJUDICATION, PERSON
from detente.labelling.review.carried import Around
from detente.records import Statement
from detente.seeds import rng
from detente.tasks import Task

MAX_COMMENT = 4000
_DAY = 86_400.0


class Vote(TypedDict):
    """What one annotator said, as the adjudicator sees it."""

    annotator: str
    labels: Mapping[str, str]
    comment: str


class Shown(TypedDict):
    """A statement as the page shows it. `settled` tasks are decided; `labels` were given before and taken back."""

    id: str
    text: str
    lang: str
    holder: str
    source: str
    date: str
    before: str
    after: str
    labels: Mapping[str, str]
    settled: Mapping[str, str]
    machine: Mapping[str, str]
    votes: list[Vote]
    flag: bool
    comment: str


class State(TypedDict):
    """What the page needs after every step; `statement` is null when all is done."""

    total: int
    labelled: int
    skipped: int
    can_undo: bool
    statement: Shown | None


@dataclass(frozen=True, kw_only=True)
class Session:
    """What an annotator works on. `order` holds the ids to label; `done` is kept in step with the database."""

    connection: sqlite3.Connection
    statements: Mapping[str, Statement]
    order: Sequence[str]
    tasks: Sequence[Task]
    annotator: str
    around: Mapping[str, Around]
    prelabels: bool = False
    disputes: Mapping[str, Mapping[str, gold.Decision]] = field(default_factory=dict)
    others: Mapping[str, Sequence[Annotation]] = field(default_factory=dict)
    adjudicating: bool = False
    done: dict[str, Annotation] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of this session's annotations."""
        return ADJUDICATION if self.adjudicating else PERSON


def shuffled(ids: Sequence[str], *, seed: int, annotator: str) -> list[str]:
    """The ids in a random order of the annotator's own, the same for the same seed."""
    drawn = rng(seed, "review", annotator).permutation(len(ids))
    return [ids[i] for i in drawn]


def resume(session: Session) -> None:
    """Take up what the database holds of this annotator's work."""
    mine = [a for a in store.current(session.connection) if (a.annotator, a.kind) == (session.annotator, session.kind)]
    wanted = set(session.order)
    session.done.update({a.id: a for a in mine if a.id in wanted})


def state(session: Session, *, current: str = "", former: Annotation | None = None) -> State:
    """Where the work stands, with the statement `current`, else the first of the order that is not done."""
    skipped = sum(a.skipped for a in session.done.values())
    upcoming = current or next((name for name in session.order if name not in session.done), "")
    return State(
        total=len(session.order),
        labelled=len(session.done) - skipped,
        skipped=skipped,
        can_undo=bool(session.done),
        statement=_shown(session, upcoming, former) if upcoming else None,
    )


def _shown(session: Session, name: str, former: Annotation | None) -> Shown:
    statement, context = session.statements[name], session.around.get(name, Around())
    decisions = session.disputes.get(name, {})
    votes = [Vote(annotator=a.annotator, labels=a.labels, comment=a.comment) for a in session.others.get(name, ())]
    names = [task.name for task in session.tasks]
    machine = {n: statement.labels[n] for n in names if session.prelabels and statement.labels.get(n)}
    holder = statement.holder_name or statement.holder
    if statement.holder and statement.holder.casefold() != holder.casefold():
        holder = f"{holder} ({statement.holder})"
    return Shown(
        id=name,
        text=statement.text,
        lang=statement.lang,
        holder=holder,
        source=statement.source or statement.doc_id,
        date=statement.date,
        before=context.before,
        after=context.after,
        labels=former.labels if former else {},
        settled={n: d.label for n, d in decisions.items() if d.label},
        machine=machine,
        votes=votes,
        flag=former.flag if former else False,
        comment=former.comment if former else "",
    )


def save(session: Session, given: Mapping[str, Any]) -> State:
    """Keep what the page sent and move on. Raises InputError, in words for the annotator, for what cannot be kept."""
    _check_sender(session, given)
    name, nonce = _word(given, "id", 1000), _word(given, "nonce", 100)
    if name not in session.statements:
        raise InputError("this statement is not in the input; reload the page")
    annotation = Annotation(
        *(name, session.annotator, session.kind, session.statements[name].lang),
        labels=_labels(session, name, given),
        skipped=given.get("skipped") is True,
        flag=given.get("flag") is True,
        comment=_word(given, "comment", MAX_COMMENT, empty=True),
        seconds=_seconds(given.get("seconds")),
    )
    if not store.seen(session.connection, nonce):
        store.save(session.connection, annotation, nonce)
        session.done.pop(name, None)  # the last saved stands last, for undo
        session.done[name] = annotation
    return state(session)


def undo(session: Session, given: Mapping[str, Any]) -> State:
    """Take back the last annotation and show its statement again."""
    _check_sender(session, given)
    nonce = _word(given, "nonce", 100)
    if store.seen(session.connection, nonce) or not session.done:
        return state(session)
    name, former = next(reversed(session.done.items()))
    store.withdraw(session.connection, replace(former, labels={}), nonce)
    del session.done[name]  # only now: after a failed write the page tries again, and must meet the same one
    return state(session, current=name, former=former)


def reopen(session: Session, given: Mapping[str, Any]) -> State:
    """Put the skipped statements back into the queue; what was said of them stays until they are labelled."""
    _check_sender(session, given)
    for name in [name for name, annotation in session.done.items() if annotation.skipped]:
        del session.done[name]
    return state(session)


def _check_sender(session: Session, given: Mapping[str, Any]) -> None:
    """A page left open from an earlier command must not label in the name of whoever came after."""
    sent = (given.get("annotator"), given.get("adjudicating"))
    if sent != (session.annotator, session.adjudicating):
        raise InputError(
            f"this page was opened for another's work, {session.annotator} is at it now; open the new link"
        )


def _labels(session: Session, name: str, given: Mapping[str, Any]) -> dict[str, str]:
    sent = given.get("labels")
    labels: dict[str, str] = {}
    settled = {n for n, d in session.disputes.get(name, {}).items() if d.label}
    for task in session.tasks:
        label = sent.get(task.name) if isinstance(sent, dict) else None
        if label in (None, "") and (given.get("skipped") is True or task.name in settled):
            continue
        if label not in task.labels:
            raise InputError(f'"{str(label)[:40]}" is no {task.name}; {did_you_mean(str(label), task.labels)}')
        if task.name not in settled:
            labels[task.name] = label
    return {} if given.get("skipped") is True else labels


def _word(given: Mapping[str, Any], name: str, most: int, *, empty: bool = False) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > most or not (value or empty):
        raise InputError(f"{name} must be a text of at most {most:,} characters")
    if "\0" in value or has_bad_bytes(value):
        raise InputError(f"{name} holds characters that cannot be kept; remove them")
    return value


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _DAY:
        return round(float(value), 1)
    return None
