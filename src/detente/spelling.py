"""What people type after `detente VERB`, as Hydra wants it."""

import os
import re
from collections.abc import Sequence

from detente.errors import UsageError

# What Hydra's grammar takes without quotes, calls such as range(1,4), and a name of a setting.
_PLAIN = re.compile(r"[\w\s/\\%+.$*@?|:,-]*", re.ASCII)
_CALL = re.compile(r"(choice|range|interval|glob|sort|shuffle|tag|extend_list|int|float|str|bool|json_str)\(.*\)")
_NAME = re.compile(r"0|[1-9]\d*|[^\W\d][\w-]*", re.ASCII)
# Flags of Hydra whose value is the next argument.
_TAKES_A_VALUE = frozenset(("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--package", "-p"))
_MAPPED = re.compile(r"\+*data\.(columns|values)\.([^=]+)=(.*)", re.DOTALL)


def for_hydra(verb: str, arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra reads them, but for those that `mapped` takes."""
    sweep = bool({"-m", "--multirun"} & set(arguments))
    kept = [argument for argument in arguments if not mapped([argument])]
    spelled: list[str] = []
    for before, argument in zip(["", *kept], kept, strict=False):
        if argument.startswith("-") or before in _TAKES_A_VALUE:
            spelled.append(argument)
        else:
            spelled += _parts(verb, _spelled_out(verb, argument, sweep=sweep))
    return [*spelled, *_among_processes(arguments)]


def mapped(arguments: Sequence[str]) -> list[tuple[str, str, str | None]]:
    """(columns or values, key, value) of the `data.values.KEY=VALUE` whose key is no name that Hydra's grammar has.

    >>> mapped(["data.values.-1=negative", "data.values.FAVOR=favor", "model=linear"])
    [('values', '-1', 'negative')]
    """
    found = [_MAPPED.fullmatch(argument) for argument in arguments]
    return [(m[1], m[2], None if m[3] == "null" else m[3]) for m in found if m and not _NAME.fullmatch(m[2])]


def _spelled_out(verb: str, argument: str, *, sweep: bool = False) -> str:
    """The short spellings that people use, as Hydra wants them; in a sweep, commas part values.

    >>> _spelled_out("train", "encoder=minilm"), _spelled_out("train", "data.columns.text=tweet")
    ('encoder@model.encoder=minilm', '++data.columns.text=tweet')
    """
    if argument.startswith("encoder="):
        return "encoder@model." + argument
    if argument.startswith("on_error=") and verb != "extract":
        argument = "data." + argument
    if re.match(
        r"data\.(columns|values|keep)\.|data\.(on_error|limit|lang|group|dev_share|score_by|also_train)=", argument
    ):
        argument = "++" + argument
    if argument.startswith("dry_run=") and verb == "label":
        argument = "labeller." + argument
    key, equals, value = argument.partition("=")
    if sweep and any(character in value for character in "[](){}'\""):  # lists and calls are Hydra's own to part
        return argument
    return key + equals + ",".join(map(_quoted, value.split(",") if sweep else [value]))


def _quoted(value: str) -> str:
    """A value as Hydra's grammar takes it: in quotes where a name of a file or column holds other characters.

    >>> _quoted("data (1).csv"), _quoted("[run è,b]"), _quoted("range(1,4)"), _quoted("città.csv")
    ("'data (1).csv'", "['run è',b]", 'range(1,4)', "'città.csv'")
    """
    value = value.lstrip()
    bare = re.sub(r"\$\{[^{}]*\}", "", value)
    if not value or value[0] in "'\"{" or _PLAIN.fullmatch(bare) or _CALL.fullmatch(value):
        return value
    if value[0] == "[":
        nested = value[-1] != "]" or any(character in value[1:-1] for character in "[]{}'\"")
        return value if nested else "[" + ",".join(_quoted(part.strip()) for part in value[1:-1].split(",")) + "]"
    ended = value + "\\" if value.endswith("\\") else value  # a single one would escape the closing quote
    return "'" + ended.replace("'", "\\'") + "'"


def _among_processes(arguments: Sequence[str]) -> list[str]:
    """What torchrun's processes are told besides: all but the first write no log and no lines.

    Raises UsageError without a run folder that they share: each would name its own by the clock.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return []
    if not any(argument.startswith("hydra.run.dir=") for argument in arguments):
        raise UsageError("several processes (torchrun) need one run folder; add hydra.run.dir=FOLDER")
    quiet = ["~hydra.job_logging.handlers.file", "hydra.job_logging.root.handlers=[console]"]
    quiet += ["hydra.job_logging.loggers.detente.level=ERROR", "hydra.job_logging.root.level=ERROR"]
    return [] if os.environ.get("RANK", "0") == "0" else quiet


def _parts(verb: str, argument: str) -> list[str]:
    """`labeller.parts=[rules,llm]` as Hydra composes it: a labeller each, of the group's files.

    >>> _parts("label", "labeller.parts=[rules,llm]")
    ['+labeller@labeller.parts.rules=rules', '+labeller@labeller.parts.llm=llm']
    """
    found = re.fullmatch(r"labeller\.parts=\[([\w\s,]+)\]", argument) if verb == "label" else None
    names = [name.strip() for name in found[1].split(",")] if found else []
    return [f"+labeller@labeller.parts.{name}={name}" for name in names] if names else [argument]
