"""The readers of public benchmarks on the real files, where DETENTE_BENCH names their folder; skipped elsewhere."""

import os
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from detente import paths
from detente.corpus import load_corpus

BENCH = Path(os.environ.get("DETENTE_BENCH", Path(__file__).parents[3] / "shared" / "bench"))
# name: (task, labelled rows of train and dev together, of test)
COUNTS = {
    "pstance": ("favor_against", 17_224 + 2_193, 2_157),
    "newsmtsc": ("sentiment", 8_739, 1_146),
    "rusentne2023": ("sentiment", 6_637, 2_845),
    "xstance": ("favor_against", 3_926, 0),
    "rustance": ("rumour_stance", 958, 0),
}


@pytest.mark.bench
@pytest.mark.parametrize("name", COUNTS)
def test_a_benchmark_is_read_whole(name, monkeypatch):
    if not (BENCH / name).is_dir():
        pytest.skip(f"{BENCH / name} is not there")
    monkeypatch.setenv("DETENTE_BENCH", str(BENCH))
    task, trained, tested = COUNTS[name]
    with initialize_config_dir(str(paths.configs()), version_base="1.3"):
        config = compose("train", [f"data={name}", f"task={task}", "name=x", "run_dir=r"])
        data, tasks = instantiate(config.data, _convert_="all"), instantiate(config.task, _convert_="all")
    corpus = load_corpus(data, list(tasks.values()), seed=1)
    assert len(corpus.train) + len(corpus.dev) == trained
    assert len(corpus.test) == tested
    assert set(corpus.train[task]) == set(tasks[task].labels)
    assert not set(corpus.train["text"]) & set(corpus.dev["text"]) or name == "pstance"
