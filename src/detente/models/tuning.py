"""An encoder trained on the tasks, then used as a sentence encoder: the body of a joint model without its head."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from detente.corpus.tables import as_table
from detente.encoders import Encoder, EncoderSpec
from detente.errors import UsageError
from detente.models.multitask import MultitaskSpec, train_joint
from detente.models.resuming import FOLDER
from detente.models.trainer import training_of
from detente.records import Statement
from detente.tasks import Task

log = logging.getLogger(__name__)
# With fewer rows an encoder forgets more than it learns, or nothing says when to stop.
LEAST_TRAIN, LEAST_DEV = 200, 20


@dataclass(frozen=True, kw_only=True)
class TuningSpec:
    """Settings of the training (see MultitaskSpec).

    It ends after `most_statements` in all, also amid an epoch: on a processor a large corpus would take hours.
    """

    epochs: int = 5
    most_statements: int = 40_000
    batch_size: int = 16
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    label_smoothing: float = 0.0
    class_weights: bool = True
    patience: int = 2
    accumulate: int = 1
    max_steps: int = -1
    precision: str = "auto"

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that train nothing."""
        training_of(self)
        if self.most_statements < 1:
            raise UsageError(f"model.tuning.most_statements is {self.most_statements}; it must be at least 1")


def tuned_encoder(
    encoder: EncoderSpec,
    spec: TuningSpec,
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
    settings = asdict(spec)
    most = settings.pop("most_statements")
    if spec.max_steps < 0 and len(train) * spec.epochs > most:
        settings["max_steps"] = max(1, most // (spec.batch_size * spec.accumulate))
        log.info(
            f"the encoder is trained on {most:,} statements (model.tuning.most_statements), {len(train):,} there are"
        )
    joint = MultitaskSpec(encoder=encoder, **settings)
    tokenizer, model, _ = train_joint(joint, alone, *tables, seed=seed, folder=run_dir / FOLDER / "encoder")
    return Encoder(encoder, tokenizer, getattr(model, model.base_model_prefix).eval())
