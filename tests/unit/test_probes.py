"""Probe suites: reading, errors, scoring, the interval, and the shipped suites against the labelling guide's form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InputError
from detente.evaluation.behaviour import probes
from detente.evaluation.behaviour.suites import read_folder

HEAD = 'task = "stance"\nlabels = ["cooperative", "skeptical", "neutral"]\nabout = "x"\n'


def by_word(statements):
    """A model that answers by one word: "not" is skeptical, "maybe" neutral, else cooperative."""
    rows = []
    for s in statements:
        words = s.text.lower().split()
        rows.append([0.1, 0.8, 0.1] if "not" in words else [0.2, 0.2, 0.6] if "maybe" in words else [0.9, 0.05, 0.05])
    return {"stance": np.array(rows)}


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def score(folder, stance):
    return probes.run([stance], by_word, probes.suites_for(str(folder), [stance]))


def test_templates_are_filled_and_scored(tmp_path, stance):
    write(tmp_path, "slots.toml", '[en]\nwho = ["we", "they"]\n')
    write(
        tmp_path,
        "negation.toml",
        HEAD + 'cases = 9\n[slots.en]\nwhat = ["gas", "oil", "gold"]\n'
        '[[template]]\nlang = "en"\ntext = "{who} do not want {what}"\nlabel = "skeptical"\n'
        '[[template]]\nlang = "en"\ntext = "{who} never want {what}"\nlabel = "skeptical"\n',
    )
    found = score(tmp_path, stance)["negation"]
    assert found["all"]["n"] == 12
    assert found["all"]["failures"] == 6
    assert found["all"]["clusters"] == 2
    assert found["kind"] == "minimum functionality"
    assert found["examples"][0]["texts"][0].startswith(("We never", "They never"))
    assert found["examples"][0]["predicted"] == ["cooperative"]


@pytest.mark.parametrize(
    ("expect", "extra", "second", "fails"),
    [
        ("same", "", "we do not", True),
        ("same", "", "they do", False),
        ("changed", "", "they do", True),
        ("changed", "", "we do not", False),
        ("labels", 'labels = ["cooperative", "skeptical"]', "we do not", False),
        ("labels", 'labels = ["cooperative", "neutral"]', "we do not", True),
        ("no_rise", 'label = "skeptical"', "we do not", True),
        ("no_rise", 'label = "cooperative"', "we do not", False),
        ("no_fall", 'label = "cooperative"', "we do not", True),
        ("no_fall", 'label = "skeptical"', "they do", False),
    ],
)
def test_every_expectation(tmp_path, stance, expect, extra, second, fails):
    text = f'[[template]]\nlang = "en"\nexpect = "{expect}"\ntexts = ["we do", "{second}"]\n{extra}\n'
    write(tmp_path, "one.toml", HEAD + text)
    assert score(tmp_path, stance)["one"]["all"]["failures"] == int(fails)


def test_forms_of_a_filler_go_together(tmp_path, stance):
    text = (
        '[slots.ru]\nx = [{ nom = "титан", gen = "титана" }, { nom = "уголь", gen = "угля" }]\n'
        '[[template]]\nlang = "ru"\ntexts = ["{x.nom} нужен", "нет {x.gen}"]\nexpect = "same"\n'
    )
    write(tmp_path, "forms.toml", HEAD + text)
    (suite,) = read_folder(tmp_path)
    assert {case.texts for case in suite.cases} == {("Титан нужен", "Нет титана"), ("Уголь нужен", "Нет угля")}


def test_lines_of_cases_and_groups_of_labelled_rows(tmp_path, stance):
    write(tmp_path, "mine.jsonl", '{"task": "stance", "lang": "en", "text": "we do not", "label": "cooperative"}\n')
    sub = tmp_path / "more"
    sub.mkdir()
    rows = [
        ("a", "we do", "cooperative"),
        ("a", "we do not", "skeptical"),
        ("b", "do", "neutral"),
        ("b", "not", "neutral"),
    ]
    lines = [f'{{"pair": "{p}", "text": "{t}", "lang": "en", "stance": "{y}"}}' for p, t, y in rows]
    write(sub, "pairs.txt", "\n".join(lines))
    write(tmp_path, "groups.toml", HEAD + 'expect = "labels"\n[rows]\nfile = "more/pairs.txt"\ngroup = "pair"\n')
    found = score(tmp_path, stance)
    assert found["mine"]["all"]["failures"] == 1
    assert (found["groups"]["all"]["n"], found["groups"]["all"]["failures"]) == (2, 1)


TEMPLATE = '[[template]]\nlang = "en"\ntext = "{who} do"\nlabel = "skeptical"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "\n" + TEMPLATE, 'line 5: "who" is no slot of en'),
        (HEAD + TEMPLATE.replace("en", "eng"), 'line 4: the language is "eng"; did you mean "en"'),
        (HEAD + TEMPLATE.replace("{who}", "we").replace("skeptical", "sceptical"), 'line 4: "sceptical" is no label'),
        (HEAD + TEMPLATE.replace("{who}", "we") + 'expect = "sane"', 'the expectation is "sane"; did you mean "same"'),
        (HEAD + TEMPLATE.replace("{who}", "we") + 'expect = "labels"', "takes two or more texts, got 1"),
        (HEAD + TEMPLATE.replace("{who}", "we") + 'lable = "x"', '"lable" is no key here; did you mean "label"'),
        (
            HEAD.replace("stance", "stanse") + TEMPLATE.replace("{who}", "we"),
            'the task is "stanse"; did you mean "stance"',
        ),
        (HEAD + "[slots.en]\nwho = []\n" + TEMPLATE, 'line 5: the slot "who" must be a list'),
        (HEAD + '[slots.en]\nwho = [{ us = "we" }]\n' + TEMPLATE, "asks for a form"),
        (HEAD + '[slots.en]\nwho = ["we"]\n' + TEMPLATE.replace("{who}", "{who.gen}"), "asks for a form"),
        (HEAD + TEMPLATE.replace("{who}", "{who"), "a brace is left"),
        (HEAD, "holds no case"),
        ("task = stance", "is no TOML file"),
        ("about = 'x'\n" + TEMPLATE, "names no task"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, stance, text, message):
    path = write(tmp_path, "bad.toml", text)
    with pytest.raises(InputError) as raised:
        score(tmp_path, stance)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"task": "stance", "lang": "en", "text": "x", "label": "odd"}', 'line 2: "odd" is no label of the task'),
        ('{"task": "stance", "lang": "xx", "text": "x", "label": "neutral"}', 'line 2: the language is "xx"'),
        ('{"task": "tone", "lang": "en", "text": "x", "label": "neutral"}', 'line 2: the task is "tone"'),
        ("{", "line 2 is no JSON object"),
        ("[]", "line 2 is no JSON object"),
    ],
)
def test_bad_lines_are_named(tmp_path, stance, line, message):
    good = '{"task": "stance", "lang": "en", "text": "we do", "label": "cooperative"}'
    write(tmp_path, "mine.jsonl", f"{good}\n{line}\n")
    with pytest.raises(InputError, match=r"mine\.jsonl") as raised:
        score(tmp_path, stance)
    assert message in str(raised.value)


def test_a_folder_without_suites(tmp_path, stance):
    with pytest.raises(InputError, match="holds no probe suite"):
        probes.suites_for(str(tmp_path), [stance])
    with pytest.raises(InputError, match="is no folder"):
        probes.suites_for(str(tmp_path / "none"), [stance])


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef")), min_size=2, max_size=60))
def test_the_interval_holds_the_rate_and_is_never_a_point(cases):
    rate = probes.failure_rate([bad for bad, _ in cases], [name for _, name in cases])["rate"]
    if len({name for _, name in cases}) == 1:
        assert rate["low"] is rate["high"] is None
        return
    assert 0 <= rate["low"] <= rate["value"] <= rate["high"] <= 1
    assert rate["high"] > rate["low"]


def test_the_interval_is_the_exact_binomial_one_without_clusters_and_wider_with_them():
    from scipy import stats

    failed = [i % 5 == 0 for i in range(60)]
    alone = probes.failure_rate(failed, [str(i) for i in range(60)])["rate"]
    exact = stats.binomtest(12, 60).proportion_ci(method="exact")
    assert alone["low"] == pytest.approx(exact.low, abs=0.005)
    assert alone["high"] == pytest.approx(exact.high, abs=0.005)
    alike = probes.failure_rate(sorted(failed), [str(i // 10) for i in range(60)])["rate"]
    assert alike["high"] - alike["low"] > 1.5 * (alone["high"] - alone["low"])


def test_the_interval_covers_with_few_unlike_clusters():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        truth = rng.beta(2, 4, size=6)
        failed = [bool(x) for p in truth for x in rng.random(7) < p]
        rate = probes.failure_rate(failed, [str(i // 7) for i in range(42)])["rate"]
        covered += rate["low"] <= 1 / 3 <= rate["high"]
    assert 0.92 <= covered / 300 <= 1


def test_a_checkpoint_of_another_task_gets_no_shipped_suites(sentiment):
    from detente.tasks import Task

    assert not probes.suites_for(probes.SHIPPED, [Task(name="stance", labels=("favor", "against"))])
    assert all(suite.task == "sentiment" for suite in probes.suites_for(probes.SHIPPED, [sentiment]))


def test_the_shipped_suites_are_large_enough_in_each_language(stance, sentiment):
    suites = probes.suites_for(probes.SHIPPED, [stance, sentiment])
    assert len(suites) >= 14
    for suite in suites:
        texts = [case.texts for case in suite.cases]
        assert len(set(texts)) == len(texts), f"{suite.name}: a case twice"
        if suite.name in ("contrast", "triplets"):
            continue
        for lang in ("en", "it", "ru"):
            n = sum(case.lang == lang for case in suite.cases)
            assert n >= 25, f"{suite.name} has {n} cases in {lang}"
