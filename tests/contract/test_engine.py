"""The engine against plain transformers, one text after the other; exports against the checkpoint they are of."""

import json
import shutil
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DebertaV2Config,
    ModernBertConfig,
    XLMRobertaConfig,
)

from detente import checkpoint as checkpoints
from detente import encoders, forward
from detente.checkpoint import Checkpoint
from detente.corpus.tables import as_table
from detente.encoders import EncoderSpec
from detente.errors import CheckpointError, InputError, UsageError
from detente.evaluation import measuring
from detente.forward import plan
from detente.inference import engine, onnx, onnx_export, onnx_graph
from detente.inference.devset import dev_rows
from detente.models import base
from detente.models.blend import BlendSpec
from detente.models.finetune import FinetuneSpec
from detente.models.frozen import FrozenSpec
from detente.models.lora import LoraSpec
from detente.models.multitask import MultitaskSpec
from detente.records import Statement

WORDS = ["Moscow", "gladly", "welcomes", "bans", "the", "uranium", "project", "angrily", "unseen", "Ωμέγα", "!", "漢字"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join), min_size=1, max_size=24)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
CONFIGS = {
    "bert": None,
    "xlmr": lambda n: XLMRobertaConfig(vocab_size=n, pad_token_id=0, max_position_embeddings=80, **SMALL),
    "deberta": lambda n: DebertaV2Config(vocab_size=n, relative_attention=True, pos_att_type=["p2c", "c2p"], **SMALL),
    "modernbert": lambda n: ModernBertConfig(
        vocab_size=n, pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3, **SMALL
    ),
}


def save_run(folder, family, classifier, statements, temperature=1.3):
    """A run folder as train leaves it: the checkpoint, and the predictions on dev."""
    temperatures = {task.name: temperature for task in classifier.tasks}
    about = {"name": family, "data": {"fingerprint": "f"}}
    saved = Checkpoint(family=family, classifier=classifier, temperatures=temperatures, about=about)
    checkpoints.save(saved, folder / "checkpoint", card="# card\n")
    dev = [s for s in statements if s.split == "dev"]
    measuring.write_predictions(folder / "predictions.dev.parquet", saved.tasks, dev, saved.predict_proba(dev))
    return folder


@pytest.fixture(scope="module")
def run_of(statements, stance, sentiment, tiny_encoder, tmp_path_factory):
    """A trained run of each family with an encoder, made once."""
    tasks, made, encoder = (stance, sentiment), {}, replace(tiny_encoder, glossed=["it"])
    specs = {
        "finetune": lambda: FinetuneSpec(encoder=encoder, epochs=8, learning_rate=3e-3, patience=8),
        "lora": lambda: LoraSpec(encoder=encoder, max_steps=4),
        "multitask": lambda: MultitaskSpec(encoder=encoder, epochs=8, learning_rate=3e-3, patience=8),
        "frozen": lambda: FrozenSpec(encoder=encoder, c=1.0),
        "blend": lambda: BlendSpec(encoder=encoder, folds=3),
    }

    def get(family):
        if family not in made:
            tables = [as_table([s for s in statements if s.split == name], tasks=tasks) for name in ("train", "dev")]
            folder = tmp_path_factory.mktemp(family)
            fitted = base.fit(specs[family](), tasks, *tables, seed=3, run_dir=folder)
            made[family] = save_run(folder, family, fitted, statements)
        return made[family]

    return get


@pytest.fixture(scope="module", params=CONFIGS)
def architecture(request, tiny_encoder, tmp_path_factory) -> EncoderSpec:
    if CONFIGS[request.param] is None:
        return tiny_encoder
    folder = tmp_path_factory.mktemp(request.param)
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder.path)
    torch.manual_seed(0)
    AutoModel.from_config(CONFIGS[request.param](len(tokenizer))).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return EncoderSpec(name=request.param, path=str(folder), max_length=32)


def plain_means(spec, texts):
    """The means of all layers by transformers alone, one text at a time."""
    tokenizer, model = AutoTokenizer.from_pretrained(spec.path), AutoModel.from_pretrained(spec.path).eval()
    out = []
    with torch.inference_mode():
        for text in texts:
            tokens = tokenizer(text, truncation=True, max_length=spec.max_length, return_tensors="pt")
            states = model(**tokens, output_hidden_states=True).hidden_states
            out.append(torch.cat([layer[0].mean(0) for layer in states]).numpy())
    return np.array(out)


def test_packed_forward_passes_are_plain_ones(architecture):
    loaded = encoders.load_encoder(architecture)

    @settings(max_examples=15)
    @given(texts=TEXTS)
    def same(texts):
        found = encoders.embed(loaded, texts, layers="all", batch_tokens=64)
        np.testing.assert_allclose(found, plain_means(architecture, texts), atol=1e-5)

    same()


def test_packing_leaves_the_model_as_it_was(tiny_encoder):
    loaded = encoders.load_encoder(tiny_encoder)
    before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
    first = encoders.embed(loaded, ["Moscow welcomes gas."])
    after = loaded.model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    np.testing.assert_array_equal(first, encoders.embed(loaded, ["Moscow welcomes gas."]))


def test_finetuned_probabilities_are_those_of_plain_transformers(run_of, stance):
    folder = run_of("finetune")
    loaded = engine.open_run(folder, backend="torch")
    where = folder / "checkpoint" / "stance"
    tokenizer = AutoTokenizer.from_pretrained(where)
    model = AutoModelForSequenceClassification.from_pretrained(where).eval()

    @settings(max_examples=15)
    @given(texts=TEXTS)
    def same(texts):
        found = loaded.predict_proba([Statement(text=text) for text in texts])["stance"]
        for row, text in zip(found, texts, strict=True):
            tokens = tokenizer(text, stance.target, truncation="only_first", max_length=32, return_tensors="pt")
            with torch.inference_mode():
                logits = model(**tokens).logits.double() / 1.3
            np.testing.assert_allclose(row, logits.softmax(-1)[0].numpy(), atol=1e-5)

    same()


@pytest.mark.parametrize("family", onnx.FAMILIES)
def test_windows_and_repeats_change_nothing(run_of, statements, family):
    loaded = engine.open_run(run_of(family), backend="torch")
    rows = [*statements[:40], *statements[:7], statements[3]]
    whole = loaded.predict_proba(rows)["stance"]
    streamed = list(loaded.stream(iter(rows), window=11))
    assert [s for held, _ in streamed for s in held] == rows
    np.testing.assert_allclose(np.vstack([proba["stance"] for _, proba in streamed]), whole, atol=1e-5)
    np.testing.assert_array_equal(whole[:7], whole[40:47])
    assert loaded.predict_proba([])["stance"].shape == (0, 3)


def test_equal_texts_are_computed_once():
    seen = []

    def call(batch):
        seen.append(len(batch["input_ids"]))
        return batch["input_ids"][:, :1].astype(np.float32)

    tokens = forward.Tokens({"input_ids": [[5], [7, 7]]}, np.array([1, 0, 1, 1]), {})
    found = forward.run(forward.Compute(call=call, batch_tokens=100), tokens, width=1)
    assert sum(seen) == 2
    assert found[:, 0].tolist() == [7, 5, 7, 7]


@given(lengths=st.lists(st.integers(1, 200), max_size=60), size=st.integers(1, 500))
def test_batches_hold_every_text_once_and_keep_to_their_size(lengths, size):
    batches = forward.token_batches(lengths, batch_tokens=size)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= size for b in batches)


def test_the_plan_follows_the_machine():
    assert plan(cuda=False, bf16=False, onednn=True).packed
    assert not plan(cuda=False, bf16=False, onednn=False).packed
    assert plan(cuda=True, bf16=True, onednn=True).dtype == "bfloat16"
    assert plan(cuda=True, bf16=False, onednn=True).dtype == "float32"
    assert (
        plan(cuda=True, bf16=True, onednn=True).batch_tokens
        > 16 * plan(cuda=False, bf16=False, onednn=True).batch_tokens
    )
    assert forward.cores() >= 1


def test_reading_ahead_keeps_order_and_raises_in_its_place():
    assert list(engine.ahead(iter(range(50)), lambda i: i * 2, depth=3)) == [i * 2 for i in range(50)]
    assert list(engine.ahead(iter([4]), str, depth=1)) == ["4"]
    assert list(engine.ahead(iter([]), str, depth=1)) == []
    values = engine.ahead(iter([1, 2, 0, 4]), lambda i: 1 / i, depth=1)
    assert [next(values), next(values)] == [1, 0.5]
    with pytest.raises(ZeroDivisionError):
        next(values)


def test_reading_ahead_is_bounded_and_ends_with_its_reader():
    read = []
    items = (read.append(i) or i for i in range(10_000))
    values = engine.ahead(items, lambda i: i, depth=2)
    assert next(values) == 0
    values.close()
    assert len(read) <= 8
    assert not [t for t in threading.enumerate() if t.name == "detente-ahead"]


@pytest.fixture(scope="module")
def exported(run_of, tmp_path_factory):
    """A copy of each family's run with its export."""
    made = {}

    def get(family, precision="fp32"):
        if (family, precision) not in made:
            folder = tmp_path_factory.mktemp("exported") / family
            shutil.copytree(run_of(family), folder)
            tasks = checkpoints.tasks_of(folder)
            onnx_export.export(folder, dev_rows(folder, tasks), precision=precision)
            made[family, precision] = folder
        return made[family, precision]

    return get


@pytest.mark.parametrize("family", onnx.FAMILIES)
def test_an_export_predicts_what_its_checkpoint_predicts(exported, statements, family):
    folder = exported(family)
    odd = [
        Statement(text="word " * 200),
        Statement(text="?"),
        Statement(text="il progetto", lang="it"),
        *statements[:25],
    ]
    found, ours = (engine.open_run(folder, backend=backend) for backend in ("onnx", "torch"))
    assert (found.backend, ours.backend) == ("onnx fp32", "torch")
    for task in found.tasks:
        np.testing.assert_allclose(found.predict_proba(odd)[task.name], ours.predict_proba(odd)[task.name], atol=1e-5)
    assert found.digest != ours.digest
    checkpoints.load(folder)  # an export lies beside the checkpoint and leaves it whole


def test_an_8_bit_text_gets_the_same_in_any_company(exported, statements):
    folder = exported("finetune", "int8")
    found = engine.open_run(folder, backend="onnx")
    assert found.backend == "onnx int8"
    long = Statement(text="Washington angrily bans " * 12)
    rows = [*statements[:12], long]
    together = found.predict_proba(rows)["stance"]
    alone = np.vstack([found.predict_proba([s])["stance"] for s in rows])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    ours = engine.open_run(folder, backend="torch").predict_proba(rows)["stance"]
    assert 0 < abs(together - ours).max() < 0.05


def test_every_architecture_becomes_a_graph(architecture, tmp_path):
    loaded = encoders.load_encoder(architecture)
    texts = ["Moscow gladly welcomes the gas project.", "Bans.", "The ministry " * 14]
    ours = encoders.embed(loaded, texts, layers="all")
    tokens = encoders.tokenise_for(loaded, texts)
    for products, tolerance in (("fp32", 1e-5), ("int8", 0.1), ("int8 but widening", 0.1)):
        onnx_graph.write_part(
            tmp_path / "encoder", loaded.tokenizer, loaded.model, encoders.reader(architecture, "all"), products,
            sample=tokens, max_length=32, output_hidden_states=True,
        )  # fmt: skip
        found = forward.run(onnx.session_compute(tmp_path / "encoder.onnx"), tokens, width=ours.shape[1])
        np.testing.assert_allclose(found, ours, atol=tolerance)


def test_a_broken_export_is_refused_and_leaves_nothing(run_of, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    shutil.copytree(run_of("finetune"), folder)
    rows = dev_rows(folder, checkpoints.tasks_of(folder))
    whole = onnx_export.export(folder, rows, precision="fp32")
    real = onnx_graph.quantise

    def broken(model, **options):
        from onnx import numpy_helper

        count = real(model, **options)
        for tensor in model.graph.initializer:
            if tensor.name.startswith("int8_") and tensor.name.endswith("_s"):
                tensor.CopyFrom(numpy_helper.from_array(-3 * numpy_helper.to_array(tensor), tensor.name))
        return count

    monkeypatch.setattr(onnx_graph, "quantise", broken)
    with pytest.raises(InputError, match=r"int8 export was refused: on 30 dev statements its \w+ macro-F1 is 0\.\d+"):
        onnx_export.export(folder, rows, precision="int8")
    assert [p.name for p in (folder / "checkpoint.onnx").iterdir()] == ["fp32"]
    assert onnx.find_exports(folder) == [whole]


def test_the_gate_looks_at_agreement_and_at_macro_f1():
    fine = {"n": 100, "macro_f1": 0.8, "exported_macro_f1": 0.7955, "agreement": 0.99}
    onnx_export.refuse_worse({"stance": fine}, "int8")
    for worse in ({"exported_macro_f1": 0.79}, {"agreement": 0.98}):
        with pytest.raises(InputError, match="refused"):
            onnx_export.refuse_worse({"stance": fine | worse}, "int8")


def test_only_a_whole_export_of_this_checkpoint_is_used(exported, run_of, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(exported("finetune"), folder)
    manifest = folder / "checkpoint.onnx" / "fp32" / "export.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    for speed, backend in (({"torch": 1, "onnx": 2}, "onnx fp32"), ({"torch": 2, "onnx": 1}, "torch")):
        manifest.write_text(json.dumps(content | {"speed": speed}), encoding="utf-8")
        assert engine.open_run(folder).backend == backend
    graph = folder / "checkpoint.onnx" / "fp32" / "stance.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    with pytest.raises(CheckpointError, match="missing or altered; export again"):
        engine.open_run(folder, backend="onnx")
    manifest.write_text(json.dumps(content | {"checkpoint": "another"}), encoding="utf-8")
    assert engine.open_run(folder).backend == "torch"
    with pytest.raises(InputError, match="no export that this machine may use; make one with: detente export"):
        engine.open_run(folder, backend="onnx")
    with pytest.raises(UsageError, match='backend is "onxx"; did you mean "onnx"'):
        engine.open_run(folder, backend="onxx")


def test_an_8_bit_export_for_vnni_stays_off_other_processors(exported, monkeypatch):
    folder = exported("finetune", "int8")
    monkeypatch.setattr(onnx, "has_vnni", lambda: False)
    path = folder / "checkpoint.onnx" / "int8" / "export.json"
    made_for_vnni = json.loads(path.read_text(encoding="utf-8"))["vnni"]
    assert len(onnx.find_exports(folder)) == (0 if made_for_vnni else 1)


def test_an_export_starts_without_torch(exported):
    code = (
        "import sys, detente; model = detente.load(sys.argv[1], backend='onnx'); "
        "print(model.predict(['Moscow welcomes gas.'])[0]['stance'], [m for m in ('torch', 'transformers', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(exported("finetune"))], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]"), done.stdout


def test_what_cannot_be_exported_is_said(statements, stance, tmp_path, run_of):
    from detente.models.majority import MajoritySpec

    table = as_table([s for s in statements if s.split == "train"], tasks=(stance,))
    save_run(
        tmp_path, "majority", base.fit(MajoritySpec(), (stance,), table, table, seed=1, run_dir=tmp_path), statements
    )
    with pytest.raises(UsageError, match="of the family majority, of which there is no export"):
        onnx_export.export(tmp_path, statements, precision="fp32")
    with pytest.raises(InputError, match=r"no dev statement has a label .* input=LABELLED_FILE"):
        onnx_export.export(run_of("finetune"), [Statement(text="No label here.")], precision="fp32")
    (tmp_path / "predictions.dev.parquet").unlink()
    with pytest.raises(InputError, match="or dev rows as input=LABELLED_FILE"):
        dev_rows(tmp_path, (stance,))


def test_a_target_too_long_is_cut_and_leaves_the_text_room(exported, run_of, statements):
    odd = [replace(statements[0], target="uranium " * 200), replace(statements[1], target="uranium " * 200)]
    rows = [*odd, *statements[:3]]
    ours = engine.open_run(run_of("finetune"), backend="torch")
    found = ours.predict_proba(rows)["stance"]
    assert abs(found[0] - found[1]).max() > 1e-4, "the text is still read"
    np.testing.assert_allclose(found[2:], ours.predict_proba(statements[:3])["stance"], atol=1e-5)
    by_onnx = engine.open_run(exported("finetune"), backend="onnx").predict_proba(rows)["stance"]
    np.testing.assert_allclose(by_onnx, found, atol=1e-5)


def test_long_targets_train(tiny_encoder, statements, stance, tmp_path):
    rows = [replace(s, target="uranium " * 200) for s in statements]
    tables = [as_table([s for s in rows if s.split == name], tasks=(stance,)) for name in ("train", "dev")]
    fitted = base.fit(FinetuneSpec(encoder=tiny_encoder, max_steps=1), (stance,), *tables, seed=1, run_dir=tmp_path)
    assert fitted.predict_proba(rows[:2])["stance"].shape == (2, 3)


def test_answers_in_another_number_type_are_not_taken_for_the_same(run_of, monkeypatch):
    here = engine.open_run(run_of("frozen"), backend="torch").digest
    assert here == checkpoints.digest_of(run_of("frozen")), "caches made before stay good"
    monkeypatch.setattr(engine, "plan_here", lambda: plan(cuda=True, bf16=True, onednn=False))
    assert engine.open_run(run_of("frozen"), backend="torch").digest != here
    monkeypatch.setattr(engine, "plan_here", lambda: plan(cuda=True, bf16=False, onednn=False))
    assert engine.open_run(run_of("frozen"), backend="torch").digest == here
