"""The command line: composes a verb's configuration with Hydra, builds its job, prints errors as one line.

The only module that knows Hydra. `detente VERB key=value ...` reads `configs/VERB.yaml`; its `_target_`
names the job's class, and `run` of that class's module does the work.
"""

import importlib
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from detente import __version__, faults, spelling
from detente.errors import ChecksFailedError, DetenteError, UsageError, did_you_mean

VERBS = {
    "extract": "raw articles -> statements with their holders",
    "label": "statements -> statements labelled by rules, a checkpoint, a language model, or several",
    "select": "unlabelled statements -> what to label next, ranked, and when to stop",
    "suspects": "labelled statements -> labels that are probably wrong, ranked",
    "review": "statements -> labels by people, on a local page or in their own tool",
    "agreement": "annotations -> how far the annotators agree",
    "check": "a corpus -> duplicates, leaks, balance, artefacts; fails if it should not be trained on",
    "train": "labelled statements -> a run: checkpoint, metrics, predictions",
    "tune": "labelled statements -> the best settings of a model, searched on dev",
    "evaluate": "a checkpoint, or predictions made elsewhere, on gold labels -> metrics with intervals",
    "predict": "statements or articles -> labels with probabilities",
    "export": "a checkpoint -> its encoder as ONNX, faster on a CPU",
    "compare": "several runs -> one table, and which of them differ",
    "explain": "a checkpoint and statements -> a page that shows which words moved each label",
    "report": "a run, or several -> one HTML page that needs no network",
    "prevalence": "predictions and a gold sample -> shares by group and time, corrected, with intervals",
}
_FLAGS = ("--help", "--version")
_USAGE = """détente {version}: stance and sentiment classifiers for statements on US–Russia resource relations

usage: detente VERB [key=value ...]

{verbs}

examples
  detente train                                            the shipped corpus, the default model
  detente train data=files data.train=mine.csv task=stance model=linear
  detente train -m model=majority,linear,frozen,blend      several models, one table
  detente predict checkpoint=runs/train/RUN input=articles output=stances.csv

detente VERB --help shows a verb's settings; --cfg job prints the composed configuration.
"""


def main() -> None:
    """Entry point of `detente` and `python -m detente`."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_usage())
        sys.exit(0 if arguments else 2)
    if arguments[0] == "-V" or "--version" in arguments:
        print(f"detente {__version__}")
        return
    try:
        if arguments[0].startswith("-"):
            raise UsageError(faults.of_flags("detente", f"unrecognized arguments: {arguments[0]}", _FLAGS))
        if arguments[0] not in VERBS:
            raise UsageError(f'"{arguments[0]}" is no verb of detente; {did_you_mean(arguments[0], VERBS)}')
        if {"-h", "--help"} & set(arguments[1:]):
            print(_manual(arguments[0], arguments[1:]))
        else:
            _run_verb(arguments[0], arguments[1:])
    except DetenteError as error:
        _fail(str(error), error.status)
    except KeyboardInterrupt:
        _fail("stopped; what was written whole is kept", 130)
    except BrokenPipeError:
        _leave_closed_pipe()
    except MemoryError:
        _fail("memory ran out; lower model.batch_size or data.limit, or use model=linear", 1)
    except Exception as error:
        if os.environ.get("DETENTE_DEBUG"):
            raise
        reason = f"{type(error).__name__}: {error}"[:500]
        _fail(f"unexpected error, a fault of détente ({reason}); DETENTE_DEBUG=1 shows where", 1)


def _usage() -> str:
    verbs = "\n".join(f"  {verb:<9} {what}" for verb, what in VERBS.items())
    return _USAGE.format(version=__version__, verbs=verbs)


def _manual(verb: str, arguments: list[str]) -> str:
    from detente.manual import manual

    return manual(verb, VERBS[verb], arguments)


def _fail(message: str, status: int) -> NoReturn:
    print(f"detente: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(status)


def _leave_closed_pipe() -> NoReturn:
    """End without a word: who read the output has gone. What is still buffered goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


def _run_verb(verb: str, arguments: list[str]) -> None:
    """Let Hydra parse the arguments, compose and call back; translate its errors into ours."""
    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from detente import paths

    # Hydra then raises instead of printing a trace of its own and leaving.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    results: list[Any] = []
    failures: list[str] = []

    def call(config: Any) -> Any:
        try:
            with _no_empty_folder():
                _map(config, spelling.mapped(arguments))
                _own_encoder(config, arguments)
                result = _run_job(verb, config)
        except DetenteError as error:  # here, before Hydra adds words of its own
            if isinstance(error, ChecksFailedError):
                print(error.report)
            if not _in_sweep():
                _fail(str(error), error.status)
            failures.append(str(error))
            print(f"detente: {' '.join(str(error).split())}", file=sys.stderr)
            return None
        except BrokenPipeError:
            _leave_closed_pipe()
        except (HydraException, OmegaConfBaseException) as error:
            _fail(faults.of_composing(verb, error), UsageError.status)
        results.append(result)
        return getattr(result, "score", None)

    sys.argv = [f"detente {verb}", *spelling.for_hydra(verb, arguments)]
    _check_flags(f"detente {verb}")
    try:
        hydra.main(version_base="1.3", config_path=str(paths.configs()), config_name=verb)(call)()
    except (HydraException, OmegaConfBaseException) as error:
        raise UsageError(faults.of_composing(verb, error)) from None
    if len(results) > 1:
        _print_table_of(results)
    if failures:
        _fail(f"{len(failures)} of the sweep's jobs failed (see above); the others are whole", 1)


def _map(config: Any, given: list[tuple[str, str, str | None]]) -> None:
    """Put spellings and names that Hydra's grammar has no place for into the composed configuration."""
    from omegaconf import open_dict

    for group, key, value in given:
        if "data" not in config:
            raise UsageError(f"data.{group}.{key}: this verb reads no file whose columns could be mapped")
        with open_dict(config):
            config.data[group] = {**(config.data.get(group) or {}), key: value}


def _own_encoder(config: Any, arguments: list[str]) -> None:
    """Take back what the default encoder says of its weights where the user names others by `model.encoder.path`."""
    from omegaconf import open_dict

    given = {argument.lstrip("+").partition("=")[0] for argument in arguments}
    if "model.encoder.path" not in given or given & {"encoder", "encoder@model.encoder"}:
        return
    path = str(config.model.encoder.path)
    if path.startswith("embedded:"):
        return
    own = {"name": Path(path).name, "sha256": "", "languages": [], "glossed": []}
    with open_dict(config):
        config.model.encoder.update({k: v for k, v in own.items() if f"model.encoder.{k}" not in given})


@contextmanager
def _no_empty_folder() -> Iterator[None]:
    """Take a new folder runs/VERB/TIME away again if the command is refused before there is anything of use in it."""
    from hydra.core.hydra_config import HydraConfig

    folder = Path(HydraConfig.get().runtime.output_dir)
    log = folder / "log.txt"
    new = {path.name for path in folder.iterdir()} <= {log.name} and not (log.exists() and log.stat().st_size)
    new = new and len(folder.parents) > 1 and folder.parents[1].name == "runs"  # a folder that the user named stays
    try:
        yield
    except Exception as error:
        known = isinstance(error, DetenteError) or type(error).__module__.startswith(("hydra", "omegaconf"))
        with suppress(OSError):  # another process was quicker, or a folder above holds more
            if known and new and {path.name for path in folder.iterdir()} <= {log.name, "config.yaml"}:
                for path in folder.iterdir():
                    path.unlink()
                for place in (folder, *folder.parents[:2]):
                    place.rmdir()
        raise


def _check_flags(command: str) -> None:
    """Raise UsageError for flags that Hydra would answer with a page of usage."""
    from hydra._internal.utils import get_args_parser

    parser = get_args_parser()
    flags = [name for action in parser._actions for name in action.option_strings if name.startswith("--")]

    def refuse(message: str) -> NoReturn:
        raise UsageError(faults.of_flags(command, message, flags))

    parser.error = refuse  # type: ignore[method-assign]  # argparse's own leaves the process
    given = parser.parse_args(sys.argv[1:])
    if sum(map(bool, (given.run, given.multirun, given.cfg, given.info, given.shell_completion))) > 1:
        raise UsageError("--run, --multirun, --cfg, --info and --shell-completion do not go together; give one of them")


def _run_job(verb: str, config: Any) -> Any:
    """Build the job that a composed configuration describes, run it, print what it reports."""
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate
    from omegaconf import OmegaConf

    from detente.checks import check_types
    from detente.files import write_text
    from detente.verbs.naming import check_names

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise UsageError(f"{missing[0]} is not given; add {missing[0]}=VALUE")
    if config.get("run_dir") and os.environ.get("RANK", "0") == "0":
        write_text(Path(config.run_dir) / "config.yaml", _repeatable(verb, config))
    try:
        job = instantiate(config, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, DetenteError):
            # A part inside the model (model.tuning) speaks of its settings as if it were the model.
            part = re.search(r"full_key: (model\.\S+)", str(error))
            text = f"{part[1] if part else 'model'}.{str(cause).removeprefix('model.')}"
            raise (type(cause)(text) if str(cause).startswith("model.") else cause) from None
        raise UsageError(faults.of_build(error)) from None
    check_types(job)
    check_names(job)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not (verb == "train" and job.model.family == "finetune"):
        raise UsageError("several processes (torchrun) train only model=finetune; run this command without torchrun")
    result = importlib.import_module(type(job).__module__).run(job)
    if result is not None:
        print(result.text)
    return result


def _in_sweep() -> bool:
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    return bool(HydraConfig.get().mode == RunMode.MULTIRUN)


def _repeatable(verb: str, config: Any) -> str:
    """The composed configuration as a file that `--config-dir=RUN --config-name=config` runs again."""
    from omegaconf import OmegaConf

    head = f"# Repeat: detente {verb} --config-dir=THIS_FOLDER --config-name=config hydra.run.dir=NEW_FOLDER\n"
    head += "defaults:\n  - _self_\n  - hydra: default\n"
    plain: Any = OmegaConf.to_container(config, resolve=True)
    return head + OmegaConf.to_yaml(plain | {"run_dir": "${hydra:runtime.output_dir}"})


def _print_table_of(results: list[Any]) -> None:
    """One table over the runs of a sweep."""
    runs = [str(result.run_dir) for result in results if getattr(result, "run_dir", None)]
    if len(runs) > 1:
        from detente.verbs.compare import CompareJob, run

        print(run(CompareJob(runs=runs, paired=False)).text)
        print(f"\nwhich of them differ: detente compare runs=[{','.join(runs)}]")
