"""Fine-tuning that holds: what each setting does, what an interruption costs, what bad input is told."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from detente.corpus.tables import as_table
from detente.errors import UsageError
from detente.models import base, resuming
from detente.models.finetune import FinetuneSpec

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def tables(statements, stance):
    return [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]


def fitted(spec, statements, stance, run_dir):
    return base.fit(spec, (stance,), *tables(statements, stance), seed=1, run_dir=run_dir)


def command(corpus_file, encoder, run_dir, *more, launcher=()):
    start = launcher or (sys.executable, "-m")
    given = ["data=files", f"data.all={corpus_file}", "task=both", "model=finetune", "tracking=none", *more]
    given += [f"model.encoder.path={encoder.path}", "model.encoder.name=tiny", "model.encoder.sha256=''"]
    return [*start, "detente", "train", *given, "model.encoder.max_length=32", f"hydra.run.dir={run_dir}"]


SMALL = ("task=stance", "model.epochs=6", "model.patience=6", "model.batch_size=8", "model.learning_rate=1e-3")


def measured(run_dir, read_json):
    return {k: v for k, v in read_json(run_dir / "metrics.json").items() if k in ("metrics", "thresholds")}


def test_killed_and_started_again_gives_the_metrics_of_an_undisturbed_run(
    corpus_file, tiny_encoder, tmp_path, read_json
):
    more = (*SMALL, "model.checkpoint_steps=4")
    whole = subprocess.run(
        command(corpus_file, tiny_encoder, tmp_path / "whole", *more), env=ENVIRONMENT, capture_output=True, text=True
    )
    assert whole.returncode == 0, whole.stderr
    cut = command(corpus_file, tiny_encoder, tmp_path / "cut", *more)
    process = subprocess.Popen(cut, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trainer = tmp_path / "cut" / "trainer" / "stance"
    deadline = time.monotonic() + 60
    while not list(trainer.glob("checkpoint-*/WHOLE")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "cut" / "metrics.json").exists()
    again = subprocess.run(cut, env=ENVIRONMENT, capture_output=True, text=True)
    assert "going on from step" in again.stderr, again.stderr
    assert measured(tmp_path / "cut", read_json) == measured(tmp_path / "whole", read_json)
    weights = [tmp_path / run / "checkpoint" / "stance" / "model.safetensors" for run in ("cut", "whole")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert not trainer.exists()


class _CutError(Exception):
    pass


@pytest.mark.parametrize(("accumulate", "steps"), [(1, 7), (2, 3)])
def test_a_cut_amid_an_epoch_and_in_writing_costs_nothing(
    accumulate, steps, tiny_encoder, statements, stance, tmp_path, monkeypatch
):
    from transformers import Trainer

    spec = FinetuneSpec(
        encoder=tiny_encoder, epochs=2, batch_size=8, accumulate=accumulate, checkpoint_steps=steps, learning_rate=1e-3
    )
    whole = fitted(spec, statements, stance, tmp_path / "whole")
    save = Trainer._save_checkpoint
    calls = []

    def save_some(self, *arguments, **options):
        if calls:  # the second is cut off in writing
            self.save_model(f"{self.args.output_dir}/checkpoint-{self.state.global_step}")
            raise _CutError
        calls.append(self.state.global_step)
        save(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_checkpoint", save_some)
        with pytest.raises(_CutError):
            fitted(spec, statements, stance, tmp_path / "cut")
    assert calls == [steps]
    resumed = fitted(spec, statements, stance, tmp_path / "cut")
    rows = statements[:20]
    np.testing.assert_array_equal(resumed.predict_proba(rows)["stance"], whole.predict_proba(rows)["stance"])


def test_early_stopping_goes_on_counting(tiny_encoder, statements, stance, tmp_path, monkeypatch):
    """Killed after the stop, or an epoch before it, training ends where an undisturbed one does."""
    from transformers import Trainer

    spec = FinetuneSpec(encoder=tiny_encoder, epochs=6, patience=2, learning_rate=1e-9)
    whole = fitted(spec, statements, stance, tmp_path / "whole")
    epochs = [e["epoch"] for e in whole.history["stance"] if "eval_score" in e]
    assert epochs == [1.0, 2.0, 3.0]
    for last in (2, 3):
        with monkeypatch.context() as patch:
            save, calls = Trainer._save_checkpoint, []

            def save_and_die(self, *arguments, save=save, calls=calls, last=last, **options):
                save(self, *arguments, **options)
                resuming.mark_whole(resuming.Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")
                calls.append(1)
                if len(calls) == last:
                    raise _CutError

            patch.setattr(Trainer, "_save_checkpoint", save_and_die)
            with pytest.raises(_CutError):
                fitted(spec, statements, stance, tmp_path / str(last))
        again = fitted(spec, statements, stance, tmp_path / str(last))
        assert [e["epoch"] for e in again.history["stance"] if "eval_score" in e] == epochs
        np.testing.assert_array_equal(
            again.predict_proba(statements[:9])["stance"], whole.predict_proba(statements[:9])["stance"]
        )


def test_other_settings_are_not_taken_for_the_same_training(tiny_encoder, statements, stance, tmp_path):
    spec = FinetuneSpec(encoder=tiny_encoder, epochs=1)
    model = fitted(spec, statements, stance, tmp_path)
    with pytest.raises(UsageError, match=r"model\.learning_rate 5e-05 \(now 0\.0001\); give the same settings"):
        fitted(replace(spec, learning_rate=1e-4), statements, stance, tmp_path)
    with pytest.raises(UsageError, match="train data"):
        fitted(spec, statements[1:], stance, tmp_path)
    again = fitted(replace(spec, batch_size=8, accumulate=2), statements, stance, tmp_path)  # the same steps
    np.testing.assert_array_equal(
        again.predict_proba(statements[:9])["stance"], model.predict_proba(statements[:9])["stance"]
    )
    assert "finished" in json.dumps([p.name for p in (tmp_path / "trainer" / "stance").iterdir()])
