"""Labels from a language model: every statement asked once, its answer checked, repaired once, or marked.

No label is guessed: a statement without a usable answer gets none, and the reason. Answers live in the cache, so a
run that ended early goes on where it was, and a run with another codebook, model or prompt asks anew.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from detente.arrays import FloatArray
from detente.errors import UsageError
from detente.labelling import prompts
from detente.labelling.answers import Answers
from detente.labelling.codebook import Codebook, covers
from detente.labelling.llm_cache import Reply, key_of, open_cache
from detente.labelling.llm_client import NoAnswerError, Session, ask, cost, open_session
from detente.labelling.llm_spec import LlmSpec
from detente.labelling.prompts import Message, WrongAnswerError
from detente.records import Statement
from detente.tasks import Task

_GROUP_PER_WORKER = 16


@dataclass
class Asker:
    """An open session with what it asks: tasks and codebook. `marked` counts statements left without a label."""

    session: Session
    tasks: tuple[Task, ...]
    book: Codebook
    marked: int = 0

    @property
    def spec(self) -> LlmSpec:
        """Its settings."""
        return self.session.spec

    @property
    def stated(self) -> bool:
        """Whether the model is asked to state its confidence."""
        return not self.spec.wants_logprobs

    def messages(self, statement: Statement) -> list[Message]:
        """What is asked about a statement."""
        return prompts.messages(self.book, self.tasks, statement, stated=self.stated)


@dataclass(frozen=True)
class _Labelled:
    proba: Mapping[str, FloatArray]
    reason: str = ""


def open_asker(spec: LlmSpec, tasks: Sequence[Task], book: Codebook) -> Asker:
    """Ready to ask; nothing is sent. Raises UsageError if the codebook does not explain the tasks."""
    if not covers(book, tasks):
        names = "; ".join(f"{task.name} ({', '.join(task.labels)})" for task in tasks)
        raise UsageError(f'the codebook "{book.name}" does not explain {names}; give one that does: codebook=FILE')
    shape = prompts.schema(tasks, stated=not spec.wants_logprobs)
    session = open_session(spec, open_cache(Path(spec.cache).expanduser()), shape)
    return Asker(session, tuple(tasks), book)


def label(asker: Asker, statements: Sequence[Statement]) -> Answers:
    """Labels of some statements, those asked alike asked once. Raises InputError if the endpoint is of no use."""
    alike: dict[str, list[int]] = defaultdict(list)
    for i, statement in enumerate(statements):
        alike[key_of(asker.spec, asker.messages(statement), 0)].append(i)
    firsts = [rows[0] for rows in alike.values()]
    found: list[_Labelled | None] = [None] * len(statements)
    with ThreadPoolExecutor(asker.spec.concurrency, thread_name_prefix="ask") as pool:
        futures = {
            pool.submit(_label_one, asker, statements[i]): rows for i, rows in zip(firsts, alike.values(), strict=True)
        }
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                for i in futures[future]:
                    found[i] = future.result()
        except BaseException:
            asker.session.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    labelled = [one for one in found if one is not None]
    asker.marked += sum(bool(one.reason) for one in labelled)
    proba = {task.name: np.array([one.proba[task.name] for one in labelled]) for task in asker.tasks}
    proba = {name: rows.reshape(-1, len(t.labels)) for (name, rows), t in zip(proba.items(), asker.tasks, strict=True)}
    return Answers(proba, [one.reason for one in labelled])


def _label_one(asker: Asker, statement: Statement) -> _Labelled:
    """The mean over the samples that could be used; no label, and the last reason, if none could."""
    asked = asker.messages(statement)
    samples: list[Mapping[str, FloatArray]] = []
    reason = ""
    for sample in range(asker.spec.samples):
        try:
            samples.append(_sample(asker, asked, sample))
        except NoAnswerError as error:
            reason = str(error)
            break
        except WrongAnswerError as error:
            reason = f"wrong answer twice: {error}"
    if not samples:
        return _Labelled({task.name: np.full(len(task.labels), np.nan) for task in asker.tasks}, reason)
    return _Labelled({task.name: np.mean([one[task.name] for one in samples], axis=0) for task in asker.tasks})


def _sample(asker: Asker, asked: Sequence[Message], sample: int) -> Mapping[str, FloatArray]:
    reply = ask(asker.session, asked, sample=sample)
    try:
        return _read(asker, reply)
    except WrongAnswerError as error:
        again = prompts.repair(asked, reply.content, str(error))
        return _read(asker, ask(asker.session, again, sample=sample))


def _read(asker: Asker, reply: Reply) -> Mapping[str, FloatArray]:
    out = {}
    found = prompts.parse(reply.content, asker.tasks)
    for task in asker.tasks:
        label, confidence = found[task.name]
        if not asker.stated:
            confidence = prompts.label_probability(reply.content, reply.tokens, task.name)
        out[task.name] = prompts.as_proba(label, confidence, task)
    return out


def report(asker: Asker) -> str:
    """One sentence: what was asked, what came from the cache, what it cost."""
    done, spec = asker.session, asker.spec
    parts = [f"{done.calls:,} answers by {spec.model}", f"{done.reused:,} taken from {spec.cache}"]
    parts.append(f"{done.tokens_in:,} tokens in and {done.tokens_out:,} out")
    if spec.price_in or spec.price_out:
        parts.append(f"cost {done.spent:.4f}")
    if done.cache.broken:
        parts.append(f"{done.cache.broken} lines of the cache were not whole and were skipped")
    return ", ".join(parts)


def group_size(spec: LlmSpec) -> int:
    """How many statements to hold at once: enough to keep every worker busy."""
    return _GROUP_PER_WORKER * spec.concurrency


@dataclass
class Estimate:
    """What a run would send: statements, answers that are kept, tokens and price of the others.

    `asked` holds the keys met so far: what is asked alike is paid for once.
    """

    statements: int = 0
    kept: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    price: float = 0.0
    first: Sequence[Message] = ()
    asked: set[str] = field(default_factory=set)


def estimate(asker: Asker, statements: Sequence[Statement], so_far: Estimate) -> Estimate:
    """Add a batch to an estimate; sends nothing. Answers are taken to be about 15 tokens a task."""
    spec = asker.spec
    for statement in statements:
        asked = asker.messages(statement)
        so_far.first = so_far.first or asked
        so_far.statements += 1
        for sample in range(spec.samples):
            key = key_of(spec, asked, sample)
            if key in so_far.asked:
                continue
            so_far.asked.add(key)
            if key in asker.session.cache.replies:
                so_far.kept += 1
                continue
            tokens_in, tokens_out = prompts.estimated_tokens(asked), 15 * len(asker.tasks)
            so_far.tokens_in += tokens_in
            so_far.tokens_out += tokens_out
            so_far.price += cost(spec, tokens_in, tokens_out)
    return so_far
