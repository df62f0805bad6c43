"""Answers that were paid for, kept for ever: one line of JSON each, appended, whole or not at all.

A line is written by one call to the system and forced to disk before its answer is used, so that a process that is
killed loses at most the answer it was just receiving. What a kill left half-written is skipped when read.
"""

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from detente.errors import InputError
from detente.labelling.llm_spec import LlmSpec
from detente.labelling.prompts import Message


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer of the endpoint: its text, the tokens it counted, (token, log-probability) where it gave them."""

    content: str
    tokens_in: int
    tokens_out: int
    tokens: tuple[tuple[str, float], ...] = ()


@dataclass
class Cache:
    """The replies by key, and the file to which new ones are appended. `broken` counts lines that were skipped."""

    path: Path
    replies: dict[str, Reply]
    broken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str, reply: Reply, *, about: dict[str, str]) -> None:
        """Keep a reply on disk, then in memory. Raises InputError if it cannot be written."""
        line = {"key": key, **about, "content": reply.content, "in": reply.tokens_in, "out": reply.tokens_out}
        if reply.tokens:
            line["tokens"] = [list(pair) for pair in reply.tokens]
        data = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        with self._lock:
            try:
                file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    _write_whole(file, data)
                finally:
                    os.close(file)
            except OSError as error:
                raise InputError(
                    f"{self.path} cannot be written ({error.strerror}); give labeller.cache=FILE"
                ) from None
            self.replies[key] = reply


def _write_whole(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)


def open_cache(path: Path) -> Cache:
    """Read what is kept; a line that is not whole is skipped. Raises InputError for a file of another kind."""
    replies: dict[str, Reply] = {}
    broken = lines = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes() if path.exists() else b""
        if data and not data.endswith(b"\n"):  # a kill cut the last line: close it, so that the next begins its own
            with path.open("ab") as file:
                file.write(b"\n")
    except OSError as error:
        raise InputError(f"{path} cannot be used as labeller.cache ({error.strerror}); give another file") from None
    for line in data.splitlines():
        lines += 1
        try:
            of = json.loads(line)
            replies[str(of["key"])] = _reply(of["content"], of["in"], of["out"], of.get("tokens", ()))
        except (ValueError, KeyError, TypeError):
            broken += 1
    if lines and not replies and broken > 1:
        raise InputError(
            f"{path} is no file of answers (none of its {lines} lines is one); give another labeller.cache"
        )
    return Cache(path, replies, broken)


def _reply(content: Any, tokens_in: Any, tokens_out: Any, tokens: Sequence[Sequence[Any]]) -> Reply:
    if not isinstance(content, str):
        raise TypeError
    pairs = tuple((str(token), float(logprob)) for token, logprob in tokens)
    return Reply(content=content, tokens_in=int(tokens_in), tokens_out=int(tokens_out), tokens=pairs)


def key_of(spec: LlmSpec, asked: Sequence[Message], sample: int) -> str:
    """What an answer is kept under: all that it depends on, the prompt with codebook and statement among it."""
    parts = [spec.url, spec.model, spec.temperature, spec.max_tokens, dict(spec.extra), spec.wants_logprobs, sample]
    # Named only where they are sent or set: answers paid for before seed and format counted stay of use.
    seed = spec.seed_of(sample)
    parts += [{"seed": seed}] if seed is not None else []
    parts += [{"format": spec.format}] if spec.format != LlmSpec.format else []
    return hashlib.sha256(json.dumps([parts, list(asked)], ensure_ascii=False, sort_keys=True).encode()).hexdigest()
