"""Types of settings: configuration files carry none, so every number and word is checked before work starts."""

import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from detente.errors import UsageError

_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def check_types(job: Any, *, key: str = "") -> None:
    """Raise UsageError, with its full key, for a setting of the wrong type anywhere in a tree of dataclasses."""
    hints = typing.get_type_hints(type(job))
    for field in fields(job):
        value, name = getattr(job, field.name), f"{key}{field.name}"
        if is_dataclass(value):
            check_types(value, key=f"{name}.")
        elif isinstance(value, Mapping):
            for part, inner in value.items():
                if is_dataclass(inner):
                    check_types(inner, key=f"{name}.{part}.")
        else:
            _check(value, _plain(hints[field.name]), name)


def _plain(hint: Any) -> tuple[Any, ...]:
    """The types a hint allows: those of a union, or the one."""
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _check(value: Any, allowed: tuple[Any, ...], name: str) -> None:
    known = [kind for kind in allowed if kind in _WORDS]
    if not known or (value is None and type(None) in allowed):
        return
    accepts = {int, float} if float in known else set(known)
    if type(value) not in accepts:
        words = " or ".join(_WORDS[kind] for kind in known)
        raise UsageError(f"{name} is {value!r}; it must be {words}")
