"""What is wrong with a command, in our words: the errors of Hydra and argparse as one sentence with what to do."""

import re
from collections.abc import Sequence

from detente import paths
from detente.errors import InputError, did_you_mean


def of_flags(command: str, told: str, flags: Sequence[str]) -> str:
    """What argparse tells of flags, as one sentence.

    >>> of_flags("detente train", "unrecognized arguments: --hlep", ["--help", "--cfg"])
    '--hlep is no flag of detente train; did you mean "--help"? (see: detente train --help)'
    """
    unknown = told.removeprefix("unrecognized arguments: ")
    if unknown == told:
        return f"{told.removeprefix('argument ')} (see: {command} --help)"
    flag = unknown.split()[0].partition("=")[0]
    return f"{flag} is no flag of {command}; {did_you_mean(flag, flags)} (see: {command} --help)"


def of_composing(verb: str, error: Exception) -> str:
    """Hydra's and OmegaConf's errors as one sentence with what to do."""
    text = str(error)
    group = re.search(r"Could not find '([\w@./]+?)/([^'/]+)'", text)
    if group:
        known = re.findall(r"^\t(\S+)$", text, re.M)
        name = group[1].removesuffix("@model.encoder")
        if name == "search" and (paths.configs() / "model" / f"{group[2]}.yaml").is_file():
            return f"there is no search for model={group[2]}; tune one of {', '.join(known)}"
        return f"{name}={group[2]} is not known; {did_you_mean(group[2], known)}"
    override = re.search(r"Could not override '([^']+)'", text)
    if (override and "@model.encoder" in override[1]) or "Could not override 'encoder" in text:
        with_encoder = "frozen, blend, finetune, multitask, lora, contrastive or nli"
        return f"encoder=NAME goes with a model that has an encoder: model={with_encoder}"
    if override:
        return f"{override[1]} is no setting of detente {verb}; {_settings_like(verb, override[1])}"
    environment = re.search(r"Environment variable '(\w+)' not found", text)
    if environment:
        return f"the environment variable {environment[1]} is not set; set it to the folder of the data sets"
    several = re.search(r"Ambiguous value for argument '([^']+)'", text)
    if several:
        return (
            f"{several[1]}: several values go with -m, a list stands in brackets ([a,b]), a name with a comma in quotes"
        )
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return f"{first} (see: detente {verb} --help)"


def of_build(error: Exception) -> str:
    """Why a job could not be built, as one sentence."""
    cause = error.__cause__ or error
    text = str(cause).strip().splitlines()[0]
    unknown = re.search(r"unexpected keyword argument '(\w+)'", text)
    key = re.search(r"full_key: (\S+)", str(error))
    where = f" in {key[1]}" if key else ""
    if unknown:
        return f'"{unknown[1]}" is no setting{where}; remove it'
    if isinstance(cause, InputError):
        return str(cause)
    return f"the configuration{where} cannot be used: {text}"


def _settings_like(verb: str, key: str) -> str:
    """What may have been meant by a setting that a verb has not; of a part, such as model.c, only where to look."""
    if "." in key:
        return f"see: detente {verb} --help"
    import yaml

    config = yaml.safe_load((paths.configs() / f"{verb}.yaml").read_text(encoding="utf-8"))
    known = [str(name) for name in config if not str(name).startswith(("_", "hydra", "defaults", "run_dir"))]
    return f"{did_you_mean(key, known)} (all of them: detente {verb} --help)"
