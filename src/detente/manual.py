"""A verb's settings as a page of help: the configuration files with their comments, as the command line has them.

The files are the only place where settings are described; this only lays them out.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente import paths
from detente.errors import UsageError, did_you_mean

_WIDTH, _COLUMN = 116, 34
_LINE = re.compile(r"^( *)([\w@./-]+):(?: +(.*?))?$")


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A configuration file: the comment at its head, its settings, and the files its defaults name."""

    head: list[str]
    settings: list[tuple[str, str, str]]  # dotted key, value, comment
    everywhere: bool  # whether the keys are those of the whole job
    defaults: list[Any]


def manual(verb: str, what: str, arguments: Sequence[str]) -> str:
    """The help page of a verb. `arguments` such as model=linear or data=files choose the parts that are shown.

    Raises UsageError for a part that there is not.
    """
    chosen = dict(a.lstrip("+").split("=", 1) for a in arguments if "=" in a)
    page = _read(paths.configs() / f"{verb}.yaml")
    lines = [f"detente {verb}: {what}", *page.head, "", "settings (key=value; ??? must be given)"]
    lines += _listed("", page.settings)
    for group, option, prefix in _parts(page.defaults):
        lines += ["", *_section(group, chosen.get(group, option), prefix or group, chosen)]
    parts = [group for group, *_ in _parts(page.defaults)]
    lines += ["", f"detente {verb} --cfg job prints the configuration as composed."]
    if parts:
        lines += [f"Another part's settings: detente {verb} {parts[-1]}=NAME --help"]
    return "\n".join(lines)


def _section(group: str, option: str, prefix: str, chosen: Mapping[str, str]) -> Iterator[str]:
    """One part: its other names, its note, its settings, and the parts that it stands on."""
    folder = paths.configs() / group
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    others = [name for name in known if name != option]
    yield from _wrapped(f"{group}={option}", f"or: {', '.join(others)}" if others else "")
    if option == "null":
        return
    if option not in known:
        raise UsageError(f"{group}={option} is not known; {did_you_mean(option, known)}")
    page = _read(folder / f"{option}.yaml")
    yield from (f"  {line}" for line in page.head)
    yield from _listed("" if page.everywhere else f"{prefix}.", page.settings)
    for child, name, package in _parts(page.defaults):
        where = f"{prefix}.{package or child}"
        yield ""
        yield from _section(child, chosen.get(child, name), where, chosen) if child else _own(group, name, where)


def _own(group: str, option: str, prefix: str) -> Iterator[str]:
    """Another file of the same group that stands inside one."""
    page = _read(paths.configs() / group / f"{option}.yaml")
    yield f"{prefix}: {group}={option}"
    yield from (f"  {line}" for line in page.head)
    yield from _listed(f"{prefix}.", page.settings)


def _parts(defaults: Sequence[Any]) -> Iterator[tuple[str, str, str | None]]:
    """(group, option, package) of the parts that a defaults list names; group "" is the file's own."""
    options: dict[str, str] = {}
    for entry in defaults:
        for key, option in (entry if isinstance(entry, Mapping) else {"@" + str(entry): ""}).items():
            group, _, package = str(key).removeprefix("optional ").removeprefix("/").partition("@")
            if not group and "@" in package:  # linear@of: an option of the file's own group
                option, _, package = package.partition("@")
            elif not group or group == "hydra" or group.startswith("override "):
                continue
            named = re.fullmatch(r"\$\{(\w+)\}", str(option))
            options[group] = options.get(named[1], "") if named else str(option or "null")
            yield group, options[group], package or None


def _read(path: Path) -> _Page:
    import yaml

    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    head = [line.lstrip("# ") for line in lines[: next((i for i, x in enumerate(lines) if x[:1] != "#"), 0)]]
    loaded = yaml.safe_load(text) or {}
    defaults = loaded.get("defaults", []) if isinstance(loaded, dict) else []
    notes = [line for line in head if not line.startswith("@")]
    everywhere = "@package _global_" in head
    return _Page(head=notes, settings=list(_settings(lines)), everywhere=everywhere, defaults=defaults)


def _settings(lines: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    above: list[str] = []
    for line in lines:
        found = _LINE.match(line)
        if not found:
            continue
        depth, key = len(found[1]) // 2, found[2]
        above = [*above[:depth], key]
        value, _, comment = (found[3] or "").partition(" #")
        if above[0] in ("defaults", "hydra") or key in ("_target_", "name", "run_dir"):
            continue
        if not value.strip() or "${hydra:" in value:
            continue
        yield ".".join(above), value.strip(), comment.strip()


def _listed(prefix: str, settings: Sequence[tuple[str, str, str]]) -> list[str]:
    return [line for key, value, note in settings for line in _wrapped(f"  {prefix}{key}={value}", note)]


def _wrapped(left: str, note: str) -> list[str]:
    """`left`, and from a column on its note."""
    if not note:
        return [left]
    lines = textwrap.wrap(note, _WIDTH - _COLUMN)
    if len(left) < _COLUMN - 1:
        lines[0] = left.ljust(_COLUMN) + lines[0]
        return [lines[0], *(" " * _COLUMN + line for line in lines[1:])]
    return [left, *(" " * _COLUMN + line for line in lines)]
