"""Fine-tuning that holds: what each setting does, what an interruption costs, what bad input is told."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.models import base, objectives, resuming, windows
from detente.models.finetune import FinetuneSpec
from detente.models.length_batches import LengthBatches
from detente.records import Statement

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


def tables(statements, stance):
    return [as_table([s for s in statements if s.split == name], tasks=(stance,)) for name in ("train", "dev")]


def fitted(spec, statements, stance, run_dir):
    return base.fit(spec, (stance,), *tables(statements, stance), seed=1, run_dir=run_dir)


def command(corpus_file, encoder, run_dir, *more, launcher=()):
    start = launcher or (sys.executable, "-m")
    settings = ["data=files", f"data.all={corpus_file}", "task=both", "model=finetune", "tracking=none", *more]
    settings += [f"model.encoder.path={encoder.path}"]
    return [*start, "detente", "train", *settings, "model.encoder.max_length=32", f"hydra.run.dir={run_dir}"]


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
                resuming.mark_whole(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")
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


def with_nan_from(monkeypatch, step):
    """The loss is NaN from the given call on, counting those of training."""
    real, calls = objectives.loss, []

    def make(*arguments, **options):
        compute = real(*arguments, **options)

        def spoiled(outputs, labels, num_items_in_batch=None):
            calls.append(outputs["logits"].requires_grad)
            value = compute(outputs, labels, num_items_in_batch)
            return value * float("nan") if sum(calls) >= step else value

        return spoiled

    monkeypatch.setattr(objectives, "loss", make)
    return calls


def test_nan_at_once_is_one_sentence(tiny_encoder, statements, stance, tmp_path, monkeypatch):
    calls = with_nan_from(monkeypatch, 2)
    spec = FinetuneSpec(encoder=tiny_encoder, epochs=2)
    with pytest.raises(InputError, match=r"became NaN at step 2; lower model\.learning_rate \(now 5e-05\)"):
        fitted(spec, statements, stance, tmp_path)
    assert len(calls) == 2
    assert not list(tmp_path.rglob("checkpoint-*"))


def test_nan_later_keeps_the_best_so_far(tiny_encoder, statements, stance, tmp_path, monkeypatch, caplog):
    spec = FinetuneSpec(encoder=tiny_encoder, epochs=3, learning_rate=1e-3, patience=3, warmup_share=0.0)
    one = fitted(replace(spec, epochs=3, patience=3), statements, stance, tmp_path / "whole")
    first = next(e["eval_score"] for e in one.history["stance"] if "eval_score" in e)
    with_nan_from(monkeypatch, 10)  # 8 steps an epoch
    with caplog.at_level(logging.WARNING, "detente"):
        model = fitted(spec, statements, stance, tmp_path / "nan")
    assert "training stopped, and the best so far (step 8) is kept" in caplog.text
    scores = [e["eval_score"] for e in model.history["stance"] if "eval_score" in e]
    assert scores == [first]
    assert np.isfinite(model.predict_proba(statements[:9])["stance"]).all()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), r"halve model\.batch_size \(now 8\) and double"),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"), "memory ran"),
        (OSError(28, "No space left on device"), "the disk is full at a checkpoint of stance in .*; make room"),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"), "the disk is full"),
    ],
)
def test_memory_and_disk_that_run_out(error, told, tiny_encoder, statements, stance, tmp_path, monkeypatch):
    """In the second epoch: one sentence; then the same call goes on from the first."""
    from transformers import Trainer

    spec = FinetuneSpec(encoder=tiny_encoder, epochs=2, batch_size=8)
    save, calls = Trainer._save_optimizer_and_scheduler, []

    def fail_at_second(self, folder):
        calls.append(folder)
        if len(calls) == 2:
            raise error
        save(self, folder)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_optimizer_and_scheduler", fail_at_second)
        with pytest.raises(InputError, match=told) as caught:
            fitted(spec, statements, stance, tmp_path)
    assert "what was trained until step 15 is kept" in str(caught.value)
    fitted(spec, statements, stance, tmp_path)


def test_labels_that_dev_lacks_and_texts_that_are_cut_are_told(tiny_encoder, statements, stance, tmp_path, caplog):
    rows = [s for s in statements if s.split == "train" or s.labels["stance"] != "neutral"]
    rows[0] = replace(rows[0], text="Moscow bans gas . " * 30)
    with caplog.at_level(logging.WARNING, "detente"):
        fitted(FinetuneSpec(encoder=tiny_encoder, max_steps=1), rows, stance, tmp_path)
    assert 'dev has no row of the stance "neutral", which train has' in caplog.text
    assert "stance, train: 1 of 120 texts reach 32 tokens and may be cut" in caplog.text


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"learning_rate": 0.0}, "learning_rate is 0.0; it must be above 0"),
        ({"label_smoothing": 1.0}, "label_smoothing is 1.0; it must be from 0 to below 1"),
        ({"layer_decay": 1.5}, "layer_decay is 1.5; it must be above 0 and at most 1"),
        ({"focal_gamma": -1.0}, "focal_gamma is -1.0; it must be 0 or more"),
        ({"stride": 16}, "stride is 16; it must be below half of encoder.max_length, 16"),
        ({"pooling": "men"}, 'pooling is "men"; did you mean "mean"'),
        ({"precision": "fp8"}, 'precision is "fp8"; known: auto'),
        ({"max_steps": -5}, "max_steps is -5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting, told, tiny_encoder):
    with pytest.raises(UsageError, match=told):
        FinetuneSpec(encoder=tiny_encoder, **setting)


def test_settings_that_the_encoder_cannot_follow_are_refused(tiny_encoder, statements, stance, tmp_path):
    long = replace(tiny_encoder, max_length=600)
    with pytest.raises(UsageError, match="max_length is 600; the encoder tiny reads at most 512 tokens"):
        fitted(FinetuneSpec(encoder=long), statements, stance, tmp_path)
    with pytest.raises(UsageError, match="frozen_layers is 3; this encoder has 2 layers"):
        fitted(FinetuneSpec(encoder=tiny_encoder, frozen_layers=3), statements, stance, tmp_path)
    with pytest.raises(InputError, match=r"s0: model.soft_labels needs a probability in each of stance_cooperative"):
        fitted(FinetuneSpec(encoder=tiny_encoder, soft_labels=True), statements, stance, tmp_path)
    odd = [replace(s, extra={f"stance_{n}": 0.9 for n in stance.labels}) for s in statements]
    with pytest.raises(InputError, match=r"s0: .* they must be probabilities that sum to 1"):
        fitted(FinetuneSpec(encoder=tiny_encoder, soft_labels=True), odd, stance, tmp_path)


def outputs(n=6, k=3):
    logits = torch.randn(n, k, generator=torch.Generator().manual_seed(0), requires_grad=True)
    gold = torch.arange(n) % k
    return {"logits": logits}, gold, torch.nn.functional.one_hot(gold, k).float()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_plain_loss_is_that_of_torch(smoothing):
    out, gold, onehot = outputs()
    weights = np.array([0.5, 1.0, 1.5])
    found = objectives.loss(weights, smoothing=smoothing)(out, onehot)
    given = torch.tensor(weights, dtype=torch.float32)
    summed = torch.nn.functional.cross_entropy(
        out["logits"], gold, weight=given, label_smoothing=smoothing, reduction="none"
    ).sum()
    assert found.item() == pytest.approx(summed.item() / len(gold), rel=1e-5)


def test_soft_labels_are_learned_as_they_are():
    """With the logits of the labels' own probabilities the gradient is none."""
    soft = torch.tensor([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    logits = soft.log().requires_grad_()
    objectives.loss()({"logits": logits}, soft).backward()
    assert logits.grad.abs().max() < 1e-6


def test_focal_loss_is_that_of_the_paper():
    out, gold, onehot = outputs()
    p = out["logits"].softmax(1)[torch.arange(len(gold)), gold]
    found = objectives.loss(focal_gamma=2.0)(out, onehot)
    assert found.item() == pytest.approx((-((1 - p) ** 2) * p.log()).mean().item(), rel=1e-5)


def test_r_drop_adds_the_divergence_of_the_two_halves():
    out, _, onehot = outputs()
    plain = objectives.loss()(out, onehot).item()
    one, two = out["logits"].log_softmax(1).chunk(2)
    kl = torch.nn.functional.kl_div
    symmetric = (kl(two, one, log_target=True, reduction="sum") + kl(one, two, log_target=True, reduction="sum")) / 2
    found = objectives.loss(r_drop=4.0)(out, onehot).item()
    assert found == pytest.approx(plain + 4.0 * symmetric.item() / 3, rel=1e-5)
    same = {"logits": out["logits"][:3].repeat(2, 1)}
    assert objectives.loss(r_drop=4.0)(same, onehot).item() == pytest.approx(objectives.loss()(same, onehot).item())


def weights_after(spec, statements, stance, run_dir):
    model = fitted(spec, statements, stance, run_dir).models["stance"][1]
    return {name: value.clone() for name, value in model.state_dict().items()}


def largest(one, two):
    return max(float((one[name] - two[name]).abs().max()) for name in one)


def test_accumulated_batches_learn_what_one_large_batch_does(tiny_encoder, statements, stance, tmp_path):
    exact = {"epochs": 1, "learning_rate": 1e-3, "precision": "fp32"}
    spec = FinetuneSpec(encoder=still(tiny_encoder, tmp_path), batch_size=16, **exact)
    large = weights_after(spec, statements, stance, tmp_path / "large")
    small = weights_after(replace(spec, batch_size=4, accumulate=4), statements, stance, tmp_path / "small")
    again = weights_after(replace(spec, gradient_checkpointing=True), statements, stance, tmp_path / "again")
    other = weights_after(replace(spec, batch_size=4), statements, stance, tmp_path / "other")
    assert largest(large, small) < 1e-5
    assert largest(large, again) < 1e-6
    assert largest(large, other) > 1e-3


def still(encoder, folder):
    """The encoder without dropout, so that the same rows give the same gradient."""
    from transformers import AutoModel, AutoTokenizer

    path = folder / "still"
    model = AutoModel.from_pretrained(encoder.path, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model.save_pretrained(path)
    AutoTokenizer.from_pretrained(encoder.path).save_pretrained(path)
    return replace(encoder, path=str(path))


@pytest.mark.parametrize(
    "setting",
    [
        {"soft_labels": True},
        {"focal_gamma": 2.0},
        {"r_drop": 1.0},
        {"layer_decay": 0.5},
        {"class_weights": False},
        {"label_smoothing": 0.1},
        {"precision": "bf16"},
        {"stride": 4},
    ],
    ids=lambda given: next(iter(given)),
)
def test_each_setting_reaches_the_training(setting, tiny_encoder, statements, stance, tmp_path):
    """Three steps with it give other weights than without, all of them finite."""
    rows = [replace(s, extra=s.extra | soft(s, stance)) for s in statements if s.labels["stance"] != "x"]
    rows = [s for i, s in enumerate(rows) if s.labels["stance"] != "neutral" or i % 2]
    rows = [replace(s, text=s.text + " Moscow warns" * 15) if i % 3 else s for i, s in enumerate(rows)]
    spec = FinetuneSpec(encoder=tiny_encoder, max_steps=3, learning_rate=1e-3, precision="fp32")
    plain = weights_after(spec, rows, stance, tmp_path / "plain")
    found = weights_after(replace(spec, **setting), rows, stance, tmp_path / "with")
    assert all(bool(value.isfinite().all()) for value in found.values())
    assert largest(plain, found) > 1e-5


def soft(statement, task):
    return {f"{task.name}_{n}": 0.8 if n == statement.labels[task.name] else 0.1 for n in task.labels}


def test_frozen_layers_do_not_move(tiny_encoder, statements, stance, tmp_path):
    from transformers import AutoModel

    before = AutoModel.from_pretrained(tiny_encoder.path).state_dict()
    spec = FinetuneSpec(encoder=tiny_encoder, max_steps=3, learning_rate=1e-3, frozen_layers=1)
    after = weights_after(spec, statements, stance, tmp_path)
    for name, value in before.items():
        moved = bool((after[f"bert.{name}"] != value).any())
        assert moved == (not name.startswith(("embeddings", "encoder.layer.0"))), name


def test_gradual_unfreezing_starts_at_the_head(tiny_encoder, statements, stance, tmp_path):
    """One epoch moves the head alone; by the third (two layers) all but the embeddings, by the fourth all."""
    from transformers import AutoModel

    before = AutoModel.from_pretrained(tiny_encoder.path).state_dict()
    spec = FinetuneSpec(encoder=tiny_encoder, learning_rate=1e-3, gradual_unfreezing=True, batch_size=60, patience=9)
    for steps, held in ((2, ("embeddings", "encoder")), (4, ("embeddings", "encoder.layer.0")), (8, ())):
        after = weights_after(replace(spec, max_steps=steps), statements, stance, tmp_path / str(steps))
        for name, value in before.items():
            moved = bool((after[f"bert.{name}"] != value).any())
            assert moved == (not (held and name.startswith(held))), (steps, name)


def test_each_layer_learns_slower_than_the_one_above(tiny_encoder):
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(tiny_encoder.path, num_labels=3)
    names = {id(p): name for name, p in model.named_parameters()}
    groups = objectives.parameter_groups(
        model, decaying=["classifier.weight"], rate=1.0, layer_decay=0.5, weight_decay=0.1
    )
    rates = {names[id(p)]: group["lr"] for group in groups for p in group["params"]}
    assert len(rates) == len(names)
    assert rates["classifier.weight"] == rates["bert.pooler.dense.weight"] == 1.0
    assert rates["bert.encoder.layer.1.output.dense.weight"] == 0.5
    assert rates["bert.encoder.layer.0.output.dense.weight"] == 0.25
    assert rates["bert.embeddings.word_embeddings.weight"] == 0.125
    assert [g["weight_decay"] for g in groups if any(names[id(p)] == "classifier.weight" for p in g["params"])] == [0.1]


def test_windows_hold_the_whole_text_and_the_target(tiny_encoder, stance):
    from transformers import AutoTokenizer

    from detente.records import Statement

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder.path)
    words = [f"{w}" for w in ("Moscow bans gas and Washington warns today " * 12).split()]
    rows = [Statement(text=" ".join(words), target="gas"), Statement(text="Moscow bans", target="uranium")]
    found = windows.windows(tokenizer, rows, stance, max_length=20, stride=5)
    assert found.owner.tolist() == [0] * (len(found.owner) - 1) + [1]
    target = tokenizer("gas", add_special_tokens=False)["input_ids"]
    read = []
    for row in found.rows[:-1]:
        assert len(row["input_ids"]) <= 20
        assert row["input_ids"][-2:-1] == target
        part = row["input_ids"][1:-3]
        assert not read or read[-5:] == part[:5]
        read += part[5:] if read else part
    assert read == tokenizer(rows[0].text, add_special_tokens=False)["input_ids"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.sampled_from(windows.POOLS))
def test_pooling_keeps_the_order_and_sums_to_one(counts, pooling):
    owner = np.repeat(np.arange(len(counts)), counts)
    proba = np.random.default_rng(1).dirichlet([1, 1, 1], size=len(owner))
    found = windows.pooled(proba, owner, len(counts), pooling=pooling)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    for i, count in enumerate(counts):
        of = proba[owner == i]
        expected = of.mean(axis=0) if pooling == "mean" else of.max(axis=0) / of.max(axis=0).sum()
        np.testing.assert_allclose(found[i], expected)
        assert count == len(of)


def test_windows_are_pooled_when_predicting_and_kept_by_the_checkpoint(tiny_encoder, statements, stance, tmp_path):
    long = [replace(s, text=s.text + " Moscow warns" * 30) for s in statements]
    spec = FinetuneSpec(encoder=tiny_encoder, max_steps=12, stride=8, learning_rate=1e-2)
    model = fitted(spec, long, stance, tmp_path)
    mixed = [long[0], statements[0], long[1]]
    proba = model.predict_proba(mixed)["stance"]
    assert proba.shape == (3, 3)
    np.testing.assert_allclose(proba[1], model.predict_proba([statements[0]])["stance"][0], atol=1e-6)
    cut = replace(model, stride=0).predict_proba(mixed)["stance"]
    assert np.abs(cut[[0, 2]] - proba[[0, 2]]).max() > 1e-5
    model.save(tmp_path / "saved")
    again = base.load("finetune", tmp_path / "saved", (stance,))
    np.testing.assert_allclose(again.predict_proba(mixed)["stance"], proba, atol=1e-6)


def test_a_target_in_the_text_is_read_in_its_place(tiny_encoder, statements, stance, tmp_path):
    """Two mentions of the same word: only where the target stands tells them apart."""
    twice = "Moscow said that Moscow offers oil"
    both = [Statement(text=twice, target="Moscow", extra={"target_start": at, "target_end": at + 6}) for at in (0, 17)]
    named = [replace(s, text=f"Moscow said: {s.text}", target="Moscow") for s in statements]
    spec = FinetuneSpec(encoder=tiny_encoder, max_steps=6, learning_rate=1e-2)
    model = fitted(spec, named, stance, tmp_path / "a")
    first, second = proba = model.predict_proba(both)["stance"]
    assert np.abs(first - second).max() > 1e-6
    model.save(tmp_path / "saved")
    again = base.load("finetune", tmp_path / "saved", (stance,))
    np.testing.assert_allclose(again.predict_proba(both)["stance"], proba, atol=1e-6)
    first, second = fitted(replace(spec, mark_target=False), named, stance, tmp_path / "b").predict_proba(both)[
        "stance"
    ]
    np.testing.assert_allclose(first, second, atol=1e-7)


@given(
    lengths=st.lists(st.integers(1, 200), min_size=1, max_size=150),
    batch_size=st.integers(1, 9),
    accumulate=st.integers(1, 3),
    world=st.integers(1, 3),
    epoch=st.integers(0, 3),
)
def test_batches_hold_every_row_once_and_alike_however_they_are_shared(lengths, batch_size, accumulate, world, epoch):
    def steps(batch_size, accumulate, world):
        shares = []
        for rank in range(world):
            sampler = LengthBatches(
                lengths, batch_size=batch_size, accumulate=accumulate, rank=rank, world=world, seed=1
            )
            sampler.epoch = epoch
            shares.append(list(sampler))
            assert len(shares[-1]) == len(sampler)
        size = accumulate
        flat = [
            [i for share in shares for b in share[at : at + size] for i in b] for at in range(0, len(shares[0]), size)
        ]
        assert all(batch for share in shares for batch in share)
        return flat

    found = steps(batch_size, accumulate, world)
    alone = steps(batch_size * accumulate * world, 1, 1)
    assert [set(step) for step in found] == [set(step) for step in alone]
    assert sorted(i for step in alone for i in step) == list(range(len(lengths)))
    assert max(map(len, alone)) <= batch_size * accumulate * world


def test_batches_hold_rows_of_like_length_and_change_with_the_epoch():
    lengths = np.random.default_rng(1).integers(5, 120, size=2000)
    sampler = LengthBatches(lengths, batch_size=16, accumulate=1, rank=0, world=1, seed=1)
    first = list(sampler)
    waste = sum(len(b) * lengths[b].max() for b in first) / lengths.sum()
    chance = np.random.default_rng(2).permutation(2000).reshape(-1, 16)
    assert waste < 1.05 < 1.5 < sum(16 * lengths[b].max() for b in chance) / lengths.sum()
    sampler.epoch = 1
    second = list(sampler)
    assert {frozenset(b) for b in first}.isdisjoint({frozenset(b) for b in second})
    assert lengths[first[0]].mean() != pytest.approx(lengths[first[1]].mean(), rel=1e-3)


def test_two_processes_learn_what_one_does_with_the_same_statements_a_step(
    corpus_file, tiny_encoder, tmp_path, read_json
):
    encoder = still(tiny_encoder, tmp_path)
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m")
    more = ("task=both", "model.epochs=5", "model.patience=5", "model.learning_rate=1e-3")
    found = {}
    for name, launcher, size in (("one", (), 16), ("two", torchrun, 8)):
        run = command(corpus_file, encoder, tmp_path / name, *more, f"model.batch_size={size}", launcher=launcher)
        done = subprocess.run(run, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.count("run folder") == 1
        log_file = (tmp_path / name / "log.txt").read_text(encoding="utf-8")
        found[name] = [(kind, float(value)) for kind, value in re.findall(r", (loss|dev score) ([\d.]+)", log_file)]
    assert [kind for kind, _ in found["one"]] == [kind for kind, _ in found["two"]]
    assert [kind for kind, _ in found["one"]].count("loss") == 4  # every twentieth of forty steps, of two tasks
    np.testing.assert_allclose([v for _, v in found["one"]], [v for _, v in found["two"]], atol=5e-4)
    files = {name: sorted(p.name for p in (tmp_path / name).iterdir()) for name in ("one", "two")}
    assert files["one"] == files["two"]
    assert not (tmp_path / "two" / "trainer").exists()


def test_several_processes_without_a_shared_folder_are_refused(corpus_file, tiny_encoder, tmp_path):
    run = [part for part in command(corpus_file, tiny_encoder, tmp_path) if not part.startswith("hydra.run.dir")]
    given = ENVIRONMENT | {"WORLD_SIZE": "2", "RANK": "0"}
    done = subprocess.run(run, env=given, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 2
    assert "several processes (torchrun) need one run folder; add hydra.run.dir=FOLDER" in done.stderr


def test_an_encoder_of_ones_own_is_not_taken_for_the_default_one(corpus_file, tiny_encoder, tmp_path, read_json):
    settings = ["data=files", f"data.all={corpus_file}", "task=stance", "model=frozen", "tracking=none"]
    settings += [
        f"model.encoder.path={tiny_encoder.path}",
        "model.encoder.glossed=[it]",
        f"hydra.run.dir={tmp_path}/run",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "detente", "train", *settings], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    [saved] = (tmp_path / "run" / "checkpoint").rglob("encoder.json")
    told = read_json(saved)
    assert (told["name"], told["languages"], told["glossed"]) == ("tiny", [], ["it"])
