"""`detente tune`, and `detente train` over seeds and folds, from the outside."""

import json
import signal
import subprocess
import sys
import time

import pytest

TINY = ["task=stance", "data.limit=240", "model=linear", "model.cues=false"]
SPACE = ["search.char_ngrams.choices=[[2,3]]", "search.word_ngrams.choices=[[1,1]]"]


def detente(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "detente", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def trials_of(folder):
    import optuna

    study = optuna.load_study(study_name="detente", storage=f"sqlite:///{folder / 'study.db'}")
    return [(t.number, t.state.name, t.value, t.params) for t in study.trials]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tune")
    done = detente("tune", *TINY, *SPACE, "trials=6", "startup=2", "hydra.run.dir=whole", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_a_search_ends_with_the_best_as_an_experiment_that_trains_to_the_same_score(tuned):
    folder, shown = tuned
    best = json.loads((folder / "whole" / "tune.json").read_text(encoding="utf-8"))
    assert f"{best['score']:.4f}" in shown
    done = detente("train", "--config-dir=whole", "experiment=best", "tracking=none", "hydra.run.dir=again", cwd=folder)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((folder / "again" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["metrics"]["dev"]["stance"]["all"]["macro_f1"]["value"] == pytest.approx(best["score"], abs=1e-12)


def test_a_killed_search_goes_on_to_the_same_trials(tuned):
    folder, _ = tuned
    command = [sys.executable, "-m", "detente", "tune", *TINY, *SPACE, "trials=6", "startup=2", "hydra.run.dir=cut"]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in running.stderr:
        if line.startswith("trial 1"):
            break
    time.sleep(0.2)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = detente(*command[3:], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "taking the study up again" in done.stderr
    whole = [(state, value, params) for _, state, value, params in trials_of(folder / "whole")]
    cut = [(state, value, params) for _, state, value, params in trials_of(folder / "cut") if state != "FAIL"]
    assert cut == whole


def test_two_processes_work_on_one_study(tuned):
    folder, _ = tuned
    done = detente("tune", *TINY, *SPACE, "trials=4", "startup=2", "workers=2", "hydra.run.dir=two", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert len([state for _, state, _, _ in trials_of(folder / "two") if state != "FAIL"]) >= 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["++search.epoch.choices=[1]"], '"epoch" is no setting of the linear model'),
        (["++search.c={low: 2.0, high: 1.0}"], "low must be below high"),
        (["rungs=[0.5]"], "rising shares of train that end with 1.0"),
        (["hydra.run.dir=whole", "seed=2"], "holds a study of another search"),
    ],
)
def test_a_search_that_cannot_be_run_is_refused_in_one_line(tuned, arguments, said):
    folder, _ = tuned
    done = detente("tune", *TINY, "trials=1", *arguments, cwd=folder)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_too_few_trials_for_a_picture_of_importance_are_told(tmp_path):
    done = detente("tune", *TINY, *SPACE, "trials=1", "rungs=[1.0]", "hydra.run.dir=few", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("importance ")]
    assert len(told) == 1
    assert "not measured, no importance.png: 1 whole trials; " in told[0]
    assert not (tmp_path / "few" / "importance.png").exists()


def test_folds_predict_every_statement_once_and_are_not_trained_twice(tmp_path):
    given = ["train", *TINY, "cv=3", "tracking=none", "hydra.run.dir=cv"]
    first = detente(*given, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    summary = json.loads((tmp_path / "cv" / "repeats.json").read_text(encoding="utf-8"))
    sizes = summary["spread"]["test"]["stance"]["all"]["n"]
    assert sum(sizes) == summary["pooled"]["stance"]["all"]["n"] == 480  # train and dev; test takes no part
    marks = [(p, p.stat().st_mtime_ns) for p in sorted((tmp_path / "cv").glob("fold_*/metrics.json"))]
    again = detente(*given, cwd=tmp_path)
    assert again.stdout == first.stdout
    assert [(p, p.stat().st_mtime_ns) for p, _ in marks] == marks
    assert again.stderr.count("not trained again") == 3


def test_seeds_make_one_table(tmp_path):
    done = detente("train", *TINY, "seeds=2", "tracking=none", "hydra.run.dir=s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "draws nothing at random" in done.stdout
    other = detente("train", *TINY, "seeds=2", "seed=7", "data.limit=200", "hydra.run.dir=s", cwd=tmp_path)
    assert other.returncode == 0  # seeds 7 and 8 stand beside 1 and 2
    changed = detente("train", *TINY, "seeds=2", "model.c=9", "tracking=none", "hydra.run.dir=s", cwd=tmp_path)
    assert changed.returncode == 2  # finished runs of another model are no runs of this one
    assert "other data, seed, task or model" in changed.stderr
    clash = detente("train", *TINY, "seeds=2", "data.limit=100", "hydra.run.dir=s", cwd=tmp_path)
    assert clash.returncode == 2
    assert "other data, seed, task or model" in clash.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["cv=1"], "at least 2 folds"), (["cv=2", "seeds=2"], "cannot both"), (["cv=400"], "fewer than the folds")],
)
def test_folds_that_cannot_be_made_are_refused(tmp_path, arguments, said):
    done = detente("train", *TINY, *arguments, "tracking=none", cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
