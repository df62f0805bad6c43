"""A client of OpenAI-compatible chat endpoints (hosted, vLLM, Ollama, llama.cpp) that pays for no answer twice.

An answer is looked up in the cache first. Else it is asked for, with retries that wait longer each time and as long
as the server says (Retry-After), within a rate and a budget, and kept on disk before it is used.
"""

import datetime
import email.utils
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from detente.errors import DetenteError, InputError, UsageError
from detente.labelling.llm_cache import Cache, Reply, key_of
from detente.labelling.llm_spec import FORMATS, LlmSpec
from detente.labelling.prompts import Message, estimated_tokens
from detente.seeds import rng

_RETRIED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_LONGEST_WAIT = 60.0
_MILLION = 1e6
# So many statements in a row without an answer, and the endpoint is taken to be down.
_GIVE_UP = 8


class NoAnswerError(DetenteError):
    """There is no answer to this question; the message says why."""


class _RetryError(Exception):
    """A fault that may pass: `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class Session:
    """An open client and what it has done: answers by cache and by call, tokens, money spent and promised."""

    spec: LlmSpec
    client: Any
    cache: Cache
    schema: Mapping[str, Any]
    format: str = FORMATS[0]
    format_known: bool = False
    calls: int = 0
    reused: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    spent: float = 0.0
    promised: float = 0.0
    promises: int = 0
    failed_in_row: int = 0
    next_call: float = 0.0
    state: threading.Condition = field(default_factory=threading.Condition)
    stop: threading.Event = field(default_factory=threading.Event)


def open_session(spec: LlmSpec, cache: Cache, schema: Mapping[str, Any]) -> Session:
    """A session; nothing is sent yet. Raises UsageError if the key's variable is named but not set."""
    import httpx2

    headers = {"Authorization": f"Bearer {_key(spec)}"} if spec.key_env else {}
    limits = httpx2.Limits(max_connections=spec.concurrency)
    timeout = httpx2.Timeout(spec.timeout, connect=min(spec.timeout, 10.0))
    client = httpx2.Client(headers=headers, timeout=timeout, limits=limits)
    session = Session(spec, client, cache, schema)
    if spec.format != "auto":
        session.format, session.format_known = spec.format, True
    return session


def _key(spec: LlmSpec) -> str:
    key = os.environ.get(spec.key_env, "").strip()
    if not key:
        raise UsageError(f"the environment variable {spec.key_env} is not set; put the key of {spec.url} into it")
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"the environment variable {spec.key_env} holds characters that no key has; set it anew")
    return key


def cost(spec: LlmSpec, tokens_in: int, tokens_out: int) -> float:
    """Price of some tokens."""
    return (tokens_in * spec.price_in + tokens_out * spec.price_out) / _MILLION


def ask(session: Session, asked: Sequence[Message], *, sample: int) -> Reply:
    """The answer to a conversation, from the cache or the endpoint.

    Raises NoAnswerError if there is none for this one, InputError if there can be none for any.
    """
    key = key_of(session.spec, asked, sample)
    kept = session.cache.replies.get(key)
    if kept is not None:
        with session.state:
            session.reused += 1
        return kept
    promise = _reserve(session, asked)
    try:
        reply = _with_retries(session, asked, key, sample)
        session.cache.add(key, reply, about={"model": session.spec.model})
        with session.state:
            session.failed_in_row = 0
            session.calls += 1
            session.tokens_in += reply.tokens_in
            session.tokens_out += reply.tokens_out
            session.spent += cost(session.spec, reply.tokens_in, reply.tokens_out)
        return reply
    finally:
        with session.state:
            session.promises -= 1
            # Sums of floats do not come back to nothing by themselves.
            session.promised = session.promised - promise if session.promises else 0.0
            session.state.notify_all()


def _reserve(session: Session, asked: Sequence[Message]) -> float:
    """Set aside what the answer may cost, waiting for calls under way if the budget might do then."""
    spec = session.spec
    price = cost(spec, estimated_tokens(asked), spec.max_tokens)
    with session.state:
        while spec.max_cost and session.promises and session.spent + session.promised + price > spec.max_cost:
            session.state.wait()
        if spec.max_cost and session.spent + price > spec.max_cost:
            raise NoAnswerError(f"not asked: labeller.max_cost={spec.max_cost:g} is spent")
        session.promises += 1
        session.promised += price
    return price


def _with_retries(session: Session, asked: Sequence[Message], key: str, sample: int) -> Reply:
    spec = session.spec
    reason = ""
    for attempt in range(spec.retries + 1):
        _wait_turn(session)
        try:
            return _call(session, asked, sample)
        except _RetryError as error:
            reason = str(error)
            jitter = 0.5 + rng(spec.seed, "backoff", key, attempt).random() / 2
            wait = min(spec.backoff * 2**attempt, _LONGEST_WAIT) * jitter
            if error.wait is not None:
                if error.wait > spec.max_wait:
                    reason += f", which asks to wait {error.wait:,.0f} s"
                    break
                with session.state:  # it speaks to all of us: no call goes out before
                    session.next_call = max(session.next_call, time.monotonic() + error.wait)
        if attempt < spec.retries:
            session.stop.wait(wait)
        if session.stop.is_set():
            break
    _count_failure(session, reason)
    raise NoAnswerError(f"no answer: {reason}")


def _count_failure(session: Session, reason: str) -> None:
    """Raise InputError once so many in a row failed that the endpoint must be down."""
    with session.state:
        session.failed_in_row += 1
        down = session.failed_in_row >= max(_GIVE_UP, 2 * session.spec.concurrency)
    if down:
        raise _hopeless(session, f"{session.failed_in_row} statements in a row got no answer ({reason})")


def _hopeless(session: Session, reason: str) -> InputError:
    kept = f"{len(session.cache.replies):,} answers are kept in {session.cache.path}"
    return InputError(f"{session.spec.url}: {reason}; {kept}, and the same command goes on from there")


def _wait_turn(session: Session) -> None:
    """Wait for one's turn at the allowed rate, or until the time that the server named."""
    gap = 60 / session.spec.requests_per_minute if session.spec.requests_per_minute else 0.0
    with session.state:
        now = time.monotonic()
        at = max(now, session.next_call)
        session.next_call = at + gap
    if at > now:
        session.stop.wait(at - now)


def _call(session: Session, asked: Sequence[Message], sample: int) -> Reply:
    import httpx2

    tried = session.format
    try:
        response = session.client.post(
            f"{session.spec.url}/chat/completions", json=_body(session, asked, sample, tried)
        )
    except httpx2.TimeoutException:
        raise _RetryError(f"it took longer than labeller.timeout={session.spec.timeout:g} s") from None
    except httpx2.ConnectError as error:
        if not session.calls and not session.reused:
            raise _hopeless(session, f"no server answers there ({error}); start it or mend labeller.url") from None
        raise _RetryError(f"no connection ({error})") from None
    except httpx2.HTTPError as error:
        raise _RetryError(f"the connection broke ({type(error).__name__})") from None
    except (httpx2.InvalidURL, ValueError) as error:
        raise UsageError(f"labeller.url={session.spec.url} cannot be used ({error})") from None
    if response.status_code == 200:
        reply = _reply(response, asked)
        session.format_known = True
        return reply
    if response.status_code in (400, 422) and not session.format_known and tried != FORMATS[-1]:
        with session.state:
            if session.format == tried:
                session.format = FORMATS[FORMATS.index(tried) + 1]
        return _call(session, asked, sample)
    return _refused(session, response)


def _body(session: Session, asked: Sequence[Message], sample: int, form: str) -> dict[str, Any]:
    spec = session.spec
    body: dict[str, Any] = {"model": spec.model, "messages": list(asked)}
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    if spec.max_tokens:
        body["max_tokens"] = spec.max_tokens
    if form == "schema":
        named = {"name": "labels", "strict": True, "schema": session.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif form == "object":
        body["response_format"] = {"type": "json_object"}
    if spec.wants_logprobs:
        body["logprobs"] = True
    seed = spec.seed_of(sample)
    if seed is not None:
        body["seed"] = seed
    return body | dict(spec.extra)


def _refused(session: Session, response: Any) -> Reply:
    """Raise what a status other than 200 means."""
    status, spec = response.status_code, session.spec
    said = " ".join(_redacted(spec, response.text[:2000]).split())[:200]
    reason = f"HTTP {status}" + (f" ({said})" if said else "")
    if status in (401, 403):
        remedy = f"check the key in {spec.key_env}" if spec.key_env else "name its variable with labeller.key_env"
        raise _hopeless(session, f"{reason}; {remedy}")
    if status == 402 or "insufficient_quota" in said:
        raise _hopeless(session, f"{reason}; the account has nothing left")
    if status == 404:
        raise _hopeless(session, f"{reason}; check labeller.url (it often ends in /v1) and labeller.model")
    if status in _RETRIED or status >= 500:
        raise _RetryError(reason, _retry_after(response.headers.get("retry-after", "")))
    if 300 <= status < 400:
        raise _hopeless(session, f"{reason}; it points elsewhere, give that address as labeller.url")
    if not session.calls and not session.reused:  # once it has answered, a refusal is about this statement
        _count_failure(session, reason)
    raise NoAnswerError(f"no answer: {reason}")


def _redacted(spec: LlmSpec, text: str) -> str:
    key = os.environ.get(spec.key_env, "").strip() if spec.key_env else ""
    return text.replace(key, "[key]") if key else text


def _retry_after(value: str) -> float | None:
    """Seconds from a Retry-After header, which gives seconds or a date."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    now = datetime.datetime.now(until.tzinfo or datetime.UTC)
    return max(0.0, (until.replace(tzinfo=until.tzinfo or datetime.UTC) - now).total_seconds())


def _reply(response: Any, asked: Sequence[Message]) -> Reply:
    """The first choice of a response. A body that is not whole counts as a broken connection."""
    try:
        body = response.json()
        choice = body["choices"][0]
        content = choice["message"].get("content") or ""
        usage = body.get("usage") or {}
        listed = (choice.get("logprobs") or {}).get("content") or ()
        tokens = tuple((str(of["token"]), float(of["logprob"])) for of in listed)
        tokens_in = int(usage.get("prompt_tokens") or estimated_tokens(asked))
        tokens_out = int(usage.get("completion_tokens") or estimated_tokens([{"content": str(content)}]))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _RetryError(f"an answer that is no chat completion ({type(error).__name__})") from None
    return Reply(content=str(content), tokens_in=tokens_in, tokens_out=tokens_out, tokens=tokens)
