"""Every configuration file on disk composes and builds what it names."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from detente import checks, cli, paths

CONFIGS = paths.configs()
GROUPS = sorted(p.relative_to(CONFIGS) for p in CONFIGS.glob("*/*.yaml") if p.parent.name != "hydra")
VERBS = sorted(p.stem for p in CONFIGS.glob("*.yaml"))
NEEDED = {
    "extract": ["input=x", "output=y.csv"],
    "label": ["input=x", "output=y.csv"],
    "select": ["input=x", "output=y.csv"],
    "suspects": ["input=x", "output=y.csv"],
    "evaluate": ["checkpoint=x"],
    "predict": ["checkpoint=x", "input=x", "output=y.csv"],
    "compare": ["runs=[x]"],
    "export": ["checkpoint=x"],
    "explain": ["checkpoint=x", "input=x", "output=y.html"],
    "review": ["input=x", "annotator=y"],
    "report": ["run=x"],
    "prevalence": ["input=x"],
}
LABELLERS = {
    "model": ["labeller.checkpoint=x"],
    "llm": ["labeller.url=http://localhost/v1", "labeller.model=x"],
    "joined": [f"+labeller@labeller.parts.{name}=rules" for name in ("one", "two")],
}
NEEDED_OF_MODEL = {
    "ensemble": ["model.members=[x]"],
    "llm": ["model.labeller.url=http://localhost:1/v1", "model.labeller.model=x"],
}


@pytest.fixture(autouse=True)
def _bench(monkeypatch, tmp_path):
    monkeypatch.setenv("DETENTE_BENCH", str(tmp_path))


def build(verb: str, overrides: list[str]):
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        fixed = ["run_dir=r"] if verb in ("train", "evaluate", "tune", "compare", "report") else []
        fixed += ["name=x"] if verb in ("train", "evaluate", "tune") else []
        fixed += [f"chosen.{group}=x" for group in ("data", "task", "model")] if verb == "tune" else []
        config = compose(verb, [*overrides, *fixed])
        job = instantiate(config, _convert_="all")
    checks.check_types(job)
    return job


def test_every_verb_has_its_configuration_and_the_other_way_round():
    assert sorted(cli.VERBS) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_build(verb):
    assert type(build(verb, NEEDED.get(verb, []))).__name__ == f"{verb.title()}Job"


@pytest.mark.parametrize("file", GROUPS, ids=str)
def test_every_option_of_every_group_builds(file: Path):
    group, name = file.parent.name, file.stem
    given = {
        "encoder": ["model=frozen", f"encoder@model.encoder={name}"],
        "labeller": [f"labeller={name}", *LABELLERS.get(name, [])],
        "experiment": [f"experiment={name}"],
        "model": [f"model={name}", *NEEDED_OF_MODEL.get(name, [])],
        "data": [f"data={name}", *(["data.train=x"] if name == "files" else [])],
    }.get(group, [f"{group}={name}"])
    if group == "labeller":
        build("label", [*NEEDED["label"], *given])
    elif group == "engine":
        build("predict", ["checkpoint=x", "input=x", "output=folder", *given])
    elif group == "search":
        build("tune", [f"model={name}"])  # which takes the space of its name
    else:
        build("train", given)


def test_every_file_says_what_it_is():
    for path in CONFIGS.rglob("*.yaml"):
        assert "# " in path.read_text(encoding="utf-8").split("_target_")[0], f"{path} has no header"


def test_the_shipped_configs_travel_in_the_wheel():
    project = (CONFIGS.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert '"configs" = "detente/_configs"' in project
