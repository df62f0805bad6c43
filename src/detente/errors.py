"""The error family: every error a user can cause is one sentence that says what, where and what to do.

`InputError` ends a command with status 1 (the data is at fault), `UsageError` with 2 (the command is).
"""

from collections.abc import Iterable
from difflib import get_close_matches


class DetenteError(Exception):
    """Base of all errors that are shown to the user as one line."""

    status = 1


class InputError(DetenteError):
    """The input or the data is at fault."""


class UsageError(DetenteError):
    """The command or its configuration is at fault."""

    status = 2


class ChecksFailedError(InputError):
    """Checks of data fail; `report` is shown in full before the one sentence."""

    def __init__(self, report: str, message: str) -> None:
        super().__init__(message)
        self.report = report


class StoppedError(DetenteError):
    """The user stopped a job that can go on later."""

    status = 130


class CheckpointError(InputError):
    """A checkpoint is damaged, was altered, or is of a format this version does not know."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name, or the known names; empty if none is known.

    >>> did_you_mean("linaer", ["linear", "frozen"])
    'did you mean "linear"?'
    """
    names = sorted(set(known))
    near = get_close_matches(name, names, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known: {', '.join(names)}" if names else ""
