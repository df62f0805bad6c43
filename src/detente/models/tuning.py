"""An encoder trained on the tasks, then used as a sentence encoder: the body of a joint model without its head."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from detente.corpus.tables import as_table
from detente.encoders import Encoder
from detente.models.multitask import MultitaskSpec, train_joint
from detente.models.resuming import FOLDER
from detente.records import Statement
from detente.tasks import Task
from detente.text.glossing import load_glossaries

log = logging.getLogger(__name__)
# With fewer rows an encoder forgets more than it learns, or nothing says when to stop.
LEAST_TRAIN, LEAST_DEV = 200, 20


def tuned_encoder(
    spec: MultitaskSpec,
    tasks: Sequence[Task],
    train: Sequence[Statement],
    dev: Sequence[Statement],
    *,
    seed: int,
    run_dir: Path,
) -> Encoder | None:
    """The encoder trained on the texts of `train` for all tasks at once, the epoch chosen on `dev`.

    None where there is too little to learn from, or where the statements have targets of their own, which a
    sentence encoder does not read.
    """
    if any(s.target for s in (*train, *dev)):
        log.info("the statements name their targets: the encoder stays as it is (model=finetune trains on targets)")
        return None
    if len(train) < LEAST_TRAIN or len(dev) < LEAST_DEV:
        log.info(
            f"{len(train)} rows of train and {len(dev)} of dev are in the encoder's languages: too few to train it "
            f"({LEAST_TRAIN} and {LEAST_DEV} are needed); it stays as it is"
        )
        return None
    alone = tuple(replace(task, target="") for task in tasks)
    tables = [as_table(list(rows), tasks=alone) for rows in (train, dev)]
    tokenizer, model, _ = train_joint(spec, alone, *tables, seed=seed, folder=run_dir / FOLDER / "encoder")
    body = getattr(model, model.base_model_prefix).eval()
    return Encoder(spec.encoder, tokenizer, body, glossaries=load_glossaries(spec.encoder.glossed))
