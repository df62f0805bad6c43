"""What an interrupted training is taken up from, and the refusal to go on with other settings.

`run_dir/trainer/<task>/settings.json` says what the training is of; `checkpoint-N` without the file `WHOLE`
was being written when the process died, and is passed over; `finished` holds a task that is done.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from detente.errors import UsageError
from detente.files import write_json, write_text
from detente.models import ranks

FOLDER = "trainer"
FINISHED = "finished"
_SETTINGS = "settings.json"
_WHOLE = "WHOLE"


def claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """Record what is trained in `folder`. Raises UsageError if an unfinished training there is of other settings."""
    given: dict[str, Any] = json.loads(json.dumps(settings))
    path = folder / _SETTINGS
    if not path.is_file():
        if ranks.rank() == 0:
            write_json(path, given)
        ranks.wait()
        return
    ranks.wait()
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    differing = [name for name in sorted({*found, *given}) if found.get(name) != given.get(name)]
    if differing:
        what = ", ".join(f"{n} {found.get(n, 'unset')} (now {given.get(n, 'unset')})" for n in differing[:4])
        raise UsageError(
            f"{folder} holds an unfinished training with {what}; give the same settings to go on with it, "
            f"remove {folder.parent} to start anew, or give another hydra.run.dir"
        )


def mark_whole(checkpoint: Path) -> None:
    """Say that everything of this checkpoint stands on disk."""
    write_text(checkpoint / _WHOLE, "")


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint; None if there is none. Those cut off in writing are removed."""
    whole = []
    for path in folder.glob("checkpoint-*"):
        if (path / _WHOLE).is_file():
            whole.append(path)
        elif ranks.rank() == 0:
            shutil.rmtree(path, ignore_errors=True)
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    """The step at which it was written."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def state_of(checkpoint: Path) -> dict[str, Any]:
    """The Trainer's state as it was saved."""
    state: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return state


def had_stopped(checkpoint: Path) -> bool:
    """Whether early stopping had ended the training when this was saved."""
    control = state_of(checkpoint)["stateful_callbacks"].get("TrainerControl", {})
    return bool(control.get("args", {}).get("should_training_stop"))


def keep_finished(folder: Path, tokenizer: Any, model: Any, history: list[dict[str, float]]) -> None:
    """Keep a trained task in `folder/finished`, whole or not at all, and let go of its checkpoints."""
    if ranks.rank() == 0:
        part = folder / f".part-{FINISHED}"
        shutil.rmtree(part, ignore_errors=True)
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)
        write_json(part / "history.json", history)
        part.rename(folder / FINISHED)
        for path in folder.glob("checkpoint-*"):
            shutil.rmtree(path, ignore_errors=True)
    ranks.wait()


def history_of(folder: Path) -> list[dict[str, float]] | None:
    """The log of a task that is done; None while it is not."""
    path = folder / FINISHED / "history.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def tidy(run_dir: Path) -> None:
    """Remove what a training was to be resumed from; to be called when its result stands elsewhere."""
    shutil.rmtree(run_dir / FOLDER, ignore_errors=True)
