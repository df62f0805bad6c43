"""The commands as a user types them, in a temporary folder, from articles to a table of runs."""

import csv
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from detente import paths
from detente.cli import VERBS

ARTICLE = """Russia offers rare earths to America

MOSCOW, 3 March. — Russia is ready to develop rare earths jointly with the United States, the Kremlin said on Monday.

"We have plenty of rare earths, and our American partners need them," Dmitry Peskov told reporters. He added that no talks had been scheduled.
"""


@pytest.fixture(scope="module")
def trained(corpus_file, tmp_path_factory):
    """A run of the linear family on the small corpus."""
    folder = tmp_path_factory.mktemp("trained")
    command = [sys.executable, "-m", "detente", "train", "data=files", f"data.all={corpus_file}", "model=linear"]
    done = subprocess.run([*command, "hydra.run.dir=run"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "run", done.stdout


def test_help_is_quick_and_names_every_verb():
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "detente", "--help"], capture_output=True, text=True, check=True)
    assert time.monotonic() - started < 5  # a second in practice; the bound is for a busy machine
    assert all(verb in done.stdout for verb in VERBS)


def test_help_imports_nothing_heavy():
    code = "import sys, runpy; sys.argv = ['detente', '--help']\ntry: runpy.run_module('detente', run_name='__main__')\nexcept SystemExit: pass\nprint([m for m in ('torch', 'transformers', 'sklearn', 'datasets', 'mlflow', 'numpy', 'hydra') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_train_leaves_the_promised_run_folder(trained, read_json):
    run_dir, out = trained
    found = {p.name for p in run_dir.iterdir()}
    assert {"config.yaml", "metrics.json", "predictions.dev.parquet", "predictions.test.parquet", "checkpoint"} <= found
    metrics = read_json(run_dir / "metrics.json")
    assert metrics["data"]["n"] == {"train": 120, "dev": 30, "test": 30}
    assert metrics["seed"] == 1
    assert len(metrics["data"]["fingerprint"]) == 64
    assert metrics["metrics"]["test"]["stance"]["by_lang"].keys() == {"en", "it"}
    assert (run_dir / "checkpoint" / "README.md").read_text(encoding="utf-8").startswith("# files_both_linear")
    for expected in (
        "stance",
        "sentiment",
        "dev",
        "test",
        "run folder",
        "predictions.test.parquet",
        "next",
        "mlflow ui",
    ):
        assert expected in out


def test_the_saved_configuration_repeats_the_run(trained, run, tmp_path, read_json):
    run_dir, _ = trained
    status, _, err = run(
        "train", f"--config-dir={run_dir}", "--config-name=config", "hydra.run.dir=again", "tracking.kind=none"
    )
    assert status == 0, err
    first, second = read_json(run_dir / "metrics.json"), read_json(tmp_path / "again" / "metrics.json")
    assert first["metrics"] == second["metrics"]


def test_evaluate_gives_trains_numbers_to_the_last_digit(trained, run, corpus_file, tmp_path, read_json):
    run_dir, _ = trained
    for split in ("dev", "test"):
        status, out, err = run(
            "evaluate", f"checkpoint={run_dir}", "data=files", f"data.all={corpus_file}", f"split={split}",
            f"output=eval_{split}", "tracking=none",
        )  # fmt: skip
        assert status == 0, err
        assert "rows are gold" in out
        ours = read_json(tmp_path / f"eval_{split}" / "metrics.json")["metrics"][split]
        assert ours == read_json(run_dir / "metrics.json")["metrics"][split]
        assert (tmp_path / f"eval_{split}" / f"confusion.{split}.stance.png").stat().st_size > 1000


def test_articles_go_all_the_way(trained, run, tmp_path):
    run_dir, _ = trained
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text(ARTICLE, encoding="utf-8")
    assert run("extract", "input=news", "output=statements.jsonl")[0] == 0
    assert run("label", "input=statements.jsonl", "output=labelled.csv")[0] == 0
    status, out, err = run("predict", f"checkpoint={run_dir}", "input=news", "output=predicted.csv")
    assert status == 0, err
    assert "predicted.csv" in out
    with (tmp_path / "predicted.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    quoted = next(r for r in rows if r["text"].startswith('"We have'))
    assert quoted["holder_name"] == "Dmitry Peskov"
    assert quoted["quote"] == "direct"
    assert ARTICLE[int(quoted["start"]) : int(quoted["end"])] == quoted["text"]
    total = sum(float(quoted[f"stance_{label}"]) for label in ("cooperative", "skeptical", "neutral"))
    assert total == pytest.approx(1, abs=1e-6)
    with (tmp_path / "labelled.csv").open(encoding="utf-8", newline="") as file:
        labelled = list(csv.DictReader(file))
    assert [r["text"] for r in labelled] == [r["text"] for r in rows]
    assert {r["origin"] for r in labelled} == {"rules"}
    assert run("label", "input=news", "output=straight.csv")[0] == 0
    straight = rows_of(tmp_path / "straight.csv")
    given = ["id", "text", "lang", "holder", "holder_name", "quote", "relevance", "doc_id"]
    given += ["start", "end", "date", "source"]
    for table in (rows, straight):  # no column that nobody fills
        assert list(table[0])[: len(given) + 1] in ([*given, "stance"], [*given, "origin"])
        assert not {"given_stance", "given_origin", "split", "confidence", "target"} & set(table[0])


def test_predict_keeps_order_foreign_columns_and_given_labels(trained, run, tmp_path):
    run_dir, _ = trained
    rows = ["id,tweet,stance,likes"] + [f"r{i},The senator warns number {i},pro,{i}" for i in range(40)]
    (tmp_path / "mine.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    status, _, err = run(
        "predict", f"checkpoint={run_dir}", "input=mine.csv", "output=out.csv", "data.columns.text=tweet", "batch=7"
    )
    assert status == 0, err
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        out = list(csv.DictReader(file))
    assert [r["id"] for r in out] == [f"r{i}" for i in range(40)]
    assert [r["likes"] for r in out] == [str(i) for i in range(40)]
    assert {r["given_stance"] for r in out} == {"pro"}
    assert {r["stance"] for r in out} <= {"cooperative", "skeptical", "neutral"}


def test_a_sweep_ends_in_one_table(run, corpus_file):
    status, out, err = run(
        "train", "-m", "data=files", f"data.all={corpus_file}", "model=majority,linear", "task=stance,sentiment",
        "tracking=none",
    )  # fmt: skip
    assert status == 0, err
    table = out[out.rindex("task ") :]
    for name in ("files_stance_majority", "files_stance_linear", "files_sentiment_majority", "files_sentiment_linear"):
        assert f"{name}" in table


def test_bad_rows_are_skipped_on_demand_and_kept_with_reasons(trained, run, tmp_path):
    run_dir, _ = trained
    (tmp_path / "mine.jsonl").write_text('{"text": "one"}\n{"text": ""}\n{"text": "two"}\n', encoding="utf-8")
    command = ("predict", f"checkpoint={run_dir}", "input=mine.jsonl", "output=out.jsonl")
    status, _, err = run(*command)
    assert (status, (tmp_path / "out.jsonl").exists()) == (1, False)
    assert "mine.jsonl:2: the text is empty" in err
    status, out, _ = run(*command, "on_error=skip")
    assert status == 0
    assert "2 rows" in out
    assert "the text is empty" in (tmp_path / "out.jsonl.rejects.jsonl").read_text(encoding="utf-8")


FILES = ("train", "data=files", "data.train=bad_label.csv", "task=stance")
MISTAKES = [
    (["trian"], 2, 'did you mean "train"'),
    (["train", "model=linaer"], 2, 'model=linaer is not known; did you mean "linear"'),
    (["train", "modle=linear"], 2, "modle is no setting of detente train"),
    (["train", "model=linear", "model.cc=1"], 2, "model.cc is no setting"),
    (["train", "model=linear", "model.c=fast"], 2, "model.c is 'fast'; it must be a number"),
    (["train", "model=linear", "encoder=minilm"], 2, "goes with a model that has an encoder"),
    (["train", "model=frozen", "encoder=minlm"], 2, 'encoder=minlm is not known; did you mean "minilm"'),
    (["train", "data=files"], 2, "needs data.train=FILE"),
    (["train", "data=files", "data.train=missing.csv"], 1, "missing.csv does not exist"),
    (["train", "data=files", "data.train=no_text.csv", "task=stance"], 1, 'no column "text" among tweet, stance'),
    (["train", "data=files", "data.train=bad_label.csv", "task=stance"], 1, 'bad_label.csv:3: the stance "pro"'),
    (["train", "data=pstance"], 2, "DETENTE_BENCH is not set"),
    (["train", "seed=-1"], 2, "seed is -1"),
    (["predict", "input=x.csv", "output=y.csv"], 2, "checkpoint is not given; add checkpoint=VALUE"),
    (["predict", "checkpoint=nowhere", "input=bad_label.csv", "output=y.csv"], 1, "nowhere does not exist"),
    (["predict", "checkpoint=nowhere", "input=bad_label.csv", "output=y.xlsx"], 2, "must end in .jsonl"),
    (["evaluate", "checkpoint=nowhere", "split=tset"], 2, 'did you mean "test"'),
    (["--vesrion"], 2, '--vesrion is no flag of detente; did you mean "--version"?'),
    (["train", "--hlep"], 2, '--hlep is no flag of detente train; did you mean "--help"?'),
    (["train", "-mq", "model=linear"], 2, "--multirun/-m: ignored explicit argument 'q' (see: detente train --help)"),
    (["train", "--cfg"], 2, "--cfg/-c: expected one argument"),
    (["train", "--cfg", "job", "-m"], 2, "--multirun, --cfg, --info and --shell-completion do not go together"),
    ([*FILES, "data.columns.txet=tweet"], 2, 'data.columns.txet: txet is no column of ours; did you mean "text"?'),
    ([*FILES, "data.columns.langg=lang"], 2, 'did you mean "lang"?'),
    ([*FILES, "data.values.PRO=coperative"], 2, '"coperative" is no label; did you mean "cooperative"?'),
    (["label", "input=no_text.csv", "output=y.csv", "data.columns.tetx=tweet"], 2, 'did you mean "text"?'),
    (["prevalence", "input=no_text.csv", "data.columns.stanse=label"], 2, 'did you mean "stance"?'),
    (["predict", "checkpoint=a", "input=a,b.csv", "output=y.csv"], 2, "several values go with -m, a list stands in"),
    (["compare", "runs=[nowhere]"], 1, "nowhere/metrics.json does not exist"),
    (["compare", "runs=[no_text.csv]"], 1, "no_text.csv/metrics.json does not exist; give run folders"),
    (["report", "run=no_text.csv"], 1, "no_text.csv/metrics.json does not exist; give a run folder"),
    (["select", "input=header.csv", "output=y.csv"], 1, "header.csv holds no statement; give a file or folder"),
    (["tune", "model=majority"], 2, "there is no search for model=majority; tune one of blend"),
    (["compare", "runs=nowhere"], 2, "runs must be a list"),
]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"), MISTAKES, ids=lambda v: " ".join(v) if isinstance(v, list) else None
)
def test_mistakes_get_one_sentence(arguments, status, sentence, run, tmp_path, monkeypatch):
    monkeypatch.delenv("DETENTE_BENCH", raising=False)
    (tmp_path / "no_text.csv").write_text("tweet,stance\na,neutral\n")
    (tmp_path / "header.csv").write_text("text,stance\n")
    (tmp_path / "bad_label.csv").write_text("text,stance\na,neutral\nb,pro\n")
    found, out, err = run(*arguments)
    lines = [line for line in err.splitlines() if line.startswith("detente: ")]
    assert (found, len(lines), out) == (status, 1, "")
    assert sentence in lines[0]
    assert "Traceback" not in err
    assert not list(tmp_path.glob("y.*"))
    assert not (tmp_path / "runs").exists()  # a refused command leaves no folder behind


def test_a_refused_command_leaves_what_was_there(run, tmp_path):
    (tmp_path / "bad.csv").write_text("text,stance\na,pro\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("seed: 1\n")
    assert run("train", "data=files", "data.train=bad.csv", "task=stance", "hydra.run.dir=mine")[0] == 1
    assert (tmp_path / "mine" / "config.yaml").exists()
    (tmp_path / "empty").mkdir()
    assert run("train", "data=files", "data.train=bad.csv", "task=stance", "hydra.run.dir=empty")[0] == 1
    assert (tmp_path / "empty").is_dir()


def test_columns_of_the_checkpoints_own_tasks_are_known(run, tmp_path, statements):
    rows = [f"{s.text},{'favor' if i % 2 else 'against'},{s.split}" for i, s in enumerate(statements)]
    (tmp_path / "a.csv").write_text("\n".join(["tweet,label,split", *rows]) + "\n", encoding="utf-8")
    task = ["+task.mood._target_=detente.tasks.Task", "+task.mood.name=mood", "+task.mood.labels=[favor,against]"]
    named = ["data.columns.text=tweet", "data.columns.mood=label"]
    command = ["train", "data=files", "data.all=a.csv", "~task.stance", *task, *named, "model=majority"]
    status, _, err = run(*command, "task=stance", "tracking=none", "hydra.run.dir=mood")
    assert status == 0, err
    status, _, err = run("predict", "checkpoint=mood", "input=a.csv", "output=b.csv", *named)
    assert status == 0, err
    status, _, err = run("predict", "checkpoint=mood", "input=a.csv", "output=c.csv", "data.columns.moood=label")
    assert (status, 'did you mean "mood"?' in err) == (2, True), err


def test_a_family_without_an_onnx_backend_is_named_with_what_to_do(trained, run, tmp_path):
    (tmp_path / "x.csv").write_text("text\nciao\n")
    status, _, err = run("predict", f"checkpoint={trained[0]}", "input=x.csv", "output=y.csv", "backend=onnx")
    assert (status, len(err.splitlines())) == (2, 1)
    assert "is of the family linear, which has no ONNX backend" in err
    assert err.endswith("leave backend=onnx out\n")


@pytest.mark.parametrize("name", ["stance/head.safetensors", "terms/terms.json", "manifest.json", "README.md"])
def test_a_flipped_byte_anywhere_is_refused(name, trained, run, tmp_path):
    shutil.copytree(trained[0], tmp_path / "copy")
    path = tmp_path / "copy" / "checkpoint" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (tmp_path / "x.csv").write_text("text\nciao\n")
    status, _, err = run("predict", "checkpoint=copy", "input=x.csv", "output=y.csv")
    assert status == 1
    assert Path(name).name in err
    assert ("altered" in err) or ("damaged" in err)
    assert not (tmp_path / "y.csv").exists()


def test_other_formats_extra_and_missing_files_are_refused(trained, run, tmp_path):
    (tmp_path / "x.csv").write_text("text\nciao\n")
    for change, reason in (
        (lambda c: (c / "manifest.json").write_text('{"format": 99, "files": {}}'), "is of format 99"),
        (lambda c: (c / "terms" / "terms.json").unlink(), "is missing"),
        (lambda c: (c / "run_me.py").write_text("print()"), "is not part of this checkpoint"),
        (lambda c: (c / "manifest.json").write_text("{"), "is damaged"),
    ):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(trained[0], tmp_path / "copy")
        change(tmp_path / "copy" / "checkpoint")
        status, _, err = run("predict", "checkpoint=copy", "input=x.csv", "output=y.csv")
        assert (status, reason in err) == (1, True), err


def test_hydra_habits_work(run):
    status, out, _ = run("train", "--cfg", "job", "model=linear")
    assert status == 0
    assert "_target_: detente.verbs.train.TrainJob" in out


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_every_setting_of_a_verb_with_its_note(run, verb):
    status, out, _ = run(verb, "--help")
    assert (status, verb in out.splitlines()[0]) == (0, True)
    for line in (paths.configs() / f"{verb}.yaml").read_text(encoding="utf-8").splitlines():
        found = re.match(r"(\w+): (\S+) +# (\S+)", line)
        if found:
            assert re.search(rf"^  {found[1]}={re.escape(found[2])}.*\s+{re.escape(found[3])}", out, re.M), line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["experiment=corpus_blnd"], 'experiment=corpus_blnd is not known; did you mean "corpus_blend"?'),
        (["experiment=corpus_blnd", "--help"], 'experiment=corpus_blnd is not known; did you mean "corpus_blend"?'),
        (["model.tuning.epochs=0"], "model.tuning.epochs is 0; it must be at least 1"),
        (["model=finetune", "model.epochs=0"], "detente: model.epochs is 0; it must be at least 1"),
    ],
)
def test_a_misnamed_part_is_refused_before_anything_is_trained(run, tmp_path, arguments, told):
    status, _, err = run("train", *arguments)
    assert (status, told in err, len(err.splitlines())) == (2, True, 1), err


def test_help_shows_the_parts_that_are_asked_for(run):
    _, out, _ = run("train", "model=text_only", "--help")
    assert "model=text_only " in out
    assert "model.of.c=2.0" in out
    _, out, _ = run("train", "--help", "model=finetune", "encoder=xlmr_base")
    assert "model.patience=2" in out
    assert "encoder=xlmr_base" in out
    assert "minilm_multilingual" in out


def test_an_unset_home_or_read_only_folder_is_one_sentence(trained, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    done = subprocess.run(
        [sys.executable, "-m", "detente", "predict", f"checkpoint={trained[0]}", "input=x", "output=y.csv"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_predicting_twice_keeps_every_given_label(trained, run, tmp_path):
    (tmp_path / "a.csv").write_text("text,stance\nThe senator warns,mine\n", encoding="utf-8")
    assert run("predict", f"checkpoint={trained[0]}", "input=a.csv", "output=b.csv")[0] == 0
    assert run("predict", f"checkpoint={trained[0]}", "input=b.csv", "output=c.csv")[0] == 0
    (row,) = rows_of(tmp_path / "c.csv")
    assert (row["given_given_stance"], row["given_stance"]) == ("mine", rows_of(tmp_path / "b.csv")[0]["stance"])


def test_a_column_that_means_something_else_passes_through(trained, run, tmp_path):
    (tmp_path / "a.csv").write_text("tweet,start\nThe senator warns,yesterday\n", encoding="utf-8")
    command = ("predict", f"checkpoint={trained[0]}", "input=a.csv", "output=b.csv", "data.columns.text=tweet")
    assert run(*command)[0] == 1
    assert run(*command, "data.columns.start=null")[0] == 0
    assert rows_of(tmp_path / "b.csv")[0]["start"] == "yesterday"


def test_long_comments_stay_rows_and_names_may_be_russian(trained, run, tmp_path):
    (tmp_path / "новости.csv").write_text("text,user\n" + "One. Two. Three. Four. Five.,u1\n" * 3, encoding="utf-8")
    status, _, err = run("predict", f"checkpoint={trained[0]}", "input=новости.csv", "output=b.csv")
    assert status == 0, err
    assert [row["user"] for row in rows_of(tmp_path / "b.csv")] == ["u1"] * 3


@pytest.mark.parametrize(
    "name", ["data (1).csv", "it's, già.csv", "a=b.csv", "#1 & 50%;.csv", 'a[1]{2}"!.csv', "$x.csv"]
)
def test_a_file_may_bear_any_name(trained, run, tmp_path, name):
    (tmp_path / name).write_text("text\nciao\n", encoding="utf-8")
    status, out, err = run("predict", f"checkpoint={trained[0]}", f"input={name}", f"output=out {name}")
    assert (status, out) == (0, f"out {name}: 1 rows\n"), err
    status, out, err = run("label", f"input={name}", f"output=labelled {name}")
    assert status == 0, err
    command = shlex.split(out.splitlines()[-1].partition("then ")[2])
    assert command == ["detente", "train", "data=files", f"data.train=labelled {name}"]


def test_runs_in_folders_of_any_name_are_compared_and_swept(trained, run, tmp_path):
    for name in ("a (1)", "è qui"):
        shutil.copytree(trained[0], tmp_path / name)
    status, out, err = run("compare", "runs=[a (1),è qui]", "paired=false")
    assert status == 0, err
    assert {"(a (1))", "(è qui)"} <= set(re.findall(r"\((?:a \(1\)|è qui)\)", out))
    (tmp_path / "è.csv").write_text("text\nciao\n", encoding="utf-8")
    status, _, err = run("predict", "-m", "checkpoint=è qui", "input=è.csv", "output=è 1.csv,è 2.csv")
    assert (status, (tmp_path / "è 1.csv").exists(), (tmp_path / "è 2.csv").exists()) == (0, True, True), err
    lists = "model.word_ngrams=[1,1],[1,2]"
    _, _, err = run("train", "-m", "model=linear", lists, "data=files", "data.train=missing.csv", "tracking=none")
    assert err.count("missing.csv does not exist") == 2


@pytest.mark.parametrize("spelling", ["-1", "01", "PRO X", "за", "N.A.", "1", "PRO"])
def test_labels_may_be_spelled_anyhow(run, tmp_path, statements, spelling):
    spelled = {"cooperative": spelling, "skeptical": "CON", "neutral": "none"}
    rows = "".join(f"{s.text},{spelled[s.labels['stance']]},{s.split}\n" for s in statements)
    (tmp_path / "a.csv").write_text("text,stance,split\n" + rows, encoding="utf-8")
    given = ["data=files", "data.all=a.csv", f"data.values.{spelling}=cooperative", "data.values.CON=skeptical"]
    command = ["train", *given, "data.values.none=neutral", "task=stance", "model=majority", "tracking=none"]
    status, _, err = run(*command, "hydra.run.dir=run")
    assert status == 0, err
    (tmp_path / "run").rename(tmp_path / "è (1)")
    status, _, err = run("train", "--config-dir=è (1)", "--config-name=config", "hydra.run.dir=again")
    assert status == 0, err


def test_evaluate_uses_the_runs_own_seed_and_the_labels_there_are(run, tmp_path, statements, read_json):
    from detente.files import write_statements

    write_statements(tmp_path / "all.jsonl", [s for s in statements if s.split == "train"])
    train = ("train", "data=files", "data.train=all.jsonl", "model=linear", "tracking=none", "seed=7")
    assert run(*train, "hydra.run.dir=ns")[0] == 0
    assert (
        run(
            "evaluate", "checkpoint=ns", "data=files", "data.train=all.jsonl", "split=dev", "output=e", "tracking=none"
        )[0]
        == 0
    )
    assert read_json(tmp_path / "e/metrics.json")["metrics"] == {
        "dev": read_json(tmp_path / "ns/metrics.json")["metrics"]["dev"]
    }
    (tmp_path / "only.csv").write_text(
        "text,stance\nMoscow gladly welcomes gas,cooperative\nWe ban it,skeptical\n,neutral\n"
    )
    status, _, err = run("evaluate", "checkpoint=ns", "input=only.csv", "output=f", "tracking=none", "on_error=skip")
    assert status == 0, err
    assert list(read_json(tmp_path / "f/metrics.json")["metrics"]["input"]) == ["stance"]
    assert "the text is empty" in (tmp_path / "f/rejects.jsonl").read_text(encoding="utf-8")


def test_a_failing_job_does_not_end_the_sweep(run, corpus_file):
    status, out, err = run(
        "train", "-m", "data=files", f"data.all={corpus_file},missing.jsonl,{corpus_file}", "model=majority", "task=stance",
        "tracking=none",
    )  # fmt: skip
    assert status == 1
    assert "missing.jsonl does not exist" in err
    assert "1 of the sweep's jobs failed" in err
    assert out.count("files_stance_majority (") >= 4


def test_splits_by_other_names_are_known_and_unknown_ones_named(run, tmp_path, statements):
    rows = ["text,stance,split"] + [
        f"{s.text},{s.labels['stance']},{ {'train': 'TRAIN', 'dev': 'validation', 'test': 'Test'}[s.split] }"
        for s in statements
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    command = ("train", "data=files", "data.all=a.csv", "model=majority", "task=stance", "tracking=none")
    status, _, err = run(*command)
    assert status == 0, err
    (tmp_path / "a.csv").write_text("\n".join([*rows, "x,neutral,later"]) + "\n", encoding="utf-8")
    status, _, err = run(*command)
    assert status == 1
    assert 'is "later"; it must be train, dev or test' in err


def test_rules_need_no_lang_column(run, tmp_path):
    (tmp_path / "a.csv").write_text(
        "text\nМосква приветствует сотрудничество и готова подписать соглашение с США.\n", encoding="utf-8"
    )
    assert run("label", "input=a.csv", "output=b.csv")[0] == 0
    assert rows_of(tmp_path / "b.csv")[0]["stance"] == "cooperative"


def test_agreement_of_the_shipped_annotations_and_of_a_file_of_ones_own(run, tmp_path):
    status, out, err = run("agreement")
    assert status == 0, err
    assert "sentiment  ru" in out
    (tmp_path / "a.csv").write_text("id,annotator,stance\n1,a,neutral\n1,b,neutral\n2,a,skeptical\n2,b,skeptical\n")
    status, out, err = run("agreement", "input=a.csv")
    assert status == 0, err
    assert "1.000" in out
    assert "sentiment" not in out


def test_check_takes_a_file_of_ones_own(run, tmp_path, statements):
    from detente.files import write_statements

    write_statements(tmp_path / "a.jsonl", [s for s in statements if s.split == "train"])
    status, out, err = run("check", "data=files", "data.train=a.jsonl", "task=stance", "least_label=1")
    assert status in (0, 1), err
    assert "stance in dev" in out
    assert "stance in test" not in out
