"""What people type after `detente VERB`, as Hydra wants it; and what is wrong with it, in our words."""

import os
import re
from collections.abc import Sequence

from detente.errors import UsageError, did_you_mean


def for_hydra(verb: str, arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra reads them."""
    spelled = [part for argument in arguments for part in _parts(verb, _spelled_out(verb, argument))]
    return [*spelled, *_among_processes(arguments)]


def flag_fault(command: str, told: str, flags: Sequence[str]) -> str:
    """What argparse tells of flags, as one sentence.

    >>> flag_fault("detente train", "unrecognized arguments: --hlep", ["--help", "--cfg"])
    '--hlep is no flag of detente train; did you mean "--help"? (see: detente train --help)'
    """
    unknown = told.removeprefix("unrecognized arguments: ")
    if unknown == told:
        return f"{told.removeprefix('argument ')} (see: {command} --help)"
    flag = unknown.split()[0].partition("=")[0]
    return f"{flag} is no flag of {command}; {did_you_mean(flag, flags)} (see: {command} --help)"


def _spelled_out(verb: str, argument: str) -> str:
    """The short spellings that people use, as Hydra wants them.

    >>> _spelled_out("train", "encoder=minilm"), _spelled_out("train", "data.columns.text=tweet")
    ('encoder@model.encoder=minilm', '++data.columns.text=tweet')
    """
    if argument.startswith("encoder="):
        return "encoder@model." + argument
    if argument.startswith("on_error=") and verb != "extract":
        argument = "data." + argument
    if re.match(r"data\.(columns|values|keep)\.|data\.(on_error|limit|lang|group|dev_share|score_by)=", argument):
        argument = "++" + argument
    if argument.startswith("dry_run=") and verb == "label":
        argument = "labeller." + argument
    key, equals, value = argument.partition("=")
    if equals and value and not value.isascii() and value[0] not in "'\"[{":
        value = "'" + value.replace("'", "\\'") + "'"  # Hydra's grammar wants other letters quoted
    return key + equals + value


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
