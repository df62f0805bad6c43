"""The sections `probes` and `bias` of an evaluation: whether they are made, what they hold, how they are told."""

import logging
from collections.abc import Sequence
from typing import NotRequired, TypedDict

from detente.checkpoint import Checkpoint
from detente.evaluation.behaviour import bias, probes
from detente.records import Statement

log = logging.getLogger(__name__)
AUTO = "auto"
# Thousands of texts through a fine-tuned encoder take minutes without a GPU: there one asks for them.
_SLOW = ("finetune",)


class Sections(TypedDict):
    """What is added to metrics.json; a section that is not made is absent."""

    probes: NotRequired[probes.Probes]
    bias: NotRequired[bias.Bias]


def measure(
    checkpoint: Checkpoint | None,
    statements: Sequence[Statement],
    *,
    suites: bool | str,
    swaps: bool | str,
    seed: int,
) -> tuple[Sections, list[str]]:
    """The sections and their tables. `suites` and `swaps` are true (the shipped ones), false, a folder, or auto:
    the shipped ones, if they fit the checkpoint's tasks and it is quick. Without a checkpoint there is nobody to ask.
    """
    if checkpoint is None:
        return Sections(), []
    sections, texts = Sections(), []
    if folder := _folder(suites, probes.SHIPPED, checkpoint):
        found = probes.run(checkpoint.tasks, checkpoint.predict_proba, probes.suites_for(folder, checkpoint.tasks))
        if found:
            sections["probes"] = found
            texts.append("behaviour probes: share of cases that fail\n" + probes.table(found))
        elif suites not in (AUTO, False):
            log.info(f"no suite of {folder} probes a task of this checkpoint")
    if folder := _folder(swaps, bias.SHIPPED, checkpoint):
        shifts = bias.run(checkpoint.tasks, checkpoint.predict_proba, statements, folder=folder, seed=seed)
        if shifts:
            sections["bias"] = shifts
            texts.append("bias: labels that change with the voice\n" + bias.table(shifts))
        elif swaps not in (AUTO, False):
            log.info(f"no swap of {folder} fits a task of this checkpoint")
    return sections, texts


def check(checkpoint: Checkpoint, *, suites: bool | str, swaps: bool | str) -> None:
    """Raise InputError now for suites or swaps that cannot be used, rather than after a long prediction."""
    if folder := _folder(suites, probes.SHIPPED, checkpoint):
        probes.suites_for(folder, checkpoint.tasks)
    if folder := _folder(swaps, bias.SHIPPED, checkpoint):
        bias.swaps_of(folder)


def _folder(setting: bool | str, shipped: str, checkpoint: Checkpoint) -> str:
    """The folder that a setting means; empty for none."""
    if setting is True or (setting == AUTO and checkpoint.family not in _SLOW):
        return shipped
    return setting if isinstance(setting, str) and setting != AUTO else ""
