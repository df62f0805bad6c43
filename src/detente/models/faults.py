"""Memory and disk that run out while training, as one sentence each that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from detente.errors import InputError
from detente.models import resuming
from detente.tasks import Task

if TYPE_CHECKING:
    from detente.models.finetune import FinetuneSpec

_FULL = ("no space left", "disk quota", "file write failed", "pytorchstreamwriter failed", "unexpected pos")
_NO_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


@contextmanager
def explained(spec: "FinetuneSpec", task: Task, folder: Path) -> Iterator[None]:
    """Raise InputError in the place of errors of memory and disk; others pass."""
    from safetensors import SafetensorError

    try:
        yield
    except (MemoryError, OSError, RuntimeError, SafetensorError) as error:
        said = str(error).casefold()
        kept = _kept(folder)
        if isinstance(error, MemoryError) or any(sign in said for sign in _NO_MEMORY):
            raise InputError(
                f"memory ran out while training {task.name}; halve model.batch_size (now {spec.batch_size}) and "
                f"double model.accumulate (now {spec.accumulate}), which learns the same, or set "
                f"model.gradient_checkpointing=true or lower model.encoder.max_length; {kept}"
            ) from None
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or any(sign in said for sign in _FULL):
            raise InputError(
                f"the disk is full at a checkpoint of {task.name} in {folder}; make room; {kept}"
            ) from None
        raise


def _kept(folder: Path) -> str:
    newest = resuming.newest(folder)
    if newest is None:
        return "nothing was kept yet: the same command starts anew"
    step = resuming.step_of(newest)
    return f"what was trained until step {step} is kept: the same hydra.run.dir goes on from there"
