"""Where the shipped configuration and data lie: in the wheel, or at the top of a clone."""

import shlex
from pathlib import Path

from detente.errors import UsageError

_PACKAGE = Path(__file__).parent
_CLONE = _PACKAGE.parents[1]
SHIPPED = "shipped:"


def configs() -> Path:
    """The folder of the configuration groups."""
    return _first(_PACKAGE / "_configs", _CLONE / "configs")


def resolve(path: str) -> str:
    """The path itself, or for `shipped:NAME` the path of that shipped data.

    >>> resolve("news.csv")
    'news.csv'
    """
    if not path.startswith(SHIPPED):
        return path
    return str(_first(_PACKAGE / "_data", _CLONE / "data") / path.removeprefix(SHIPPED))


def shown(path: Path) -> str:
    """A path as a user would type it here: relative if it lies below the current folder."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)


def typed(value: str | Path) -> str:
    """A path as one types it in a shell: in quotes if it holds a blank or what else a shell reads.

    >>> typed("a.csv"), typed("my data.csv")
    ('a.csv', "'my data.csv'")
    """
    return shlex.quote(str(value))


def _first(*folders: Path) -> Path:
    for folder in folders:
        if folder.is_dir():
            return folder
    raise UsageError(f"{folders[0]} is missing; install détente again")
