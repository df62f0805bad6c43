"""The rules labeller: negation, contrast, an analyst's own lexicon, the shipped ones."""

import pytest

from detente.errors import InputError
from detente.labelling import rules
from detente.records import Statement
from detente.tasks import Task

STANCE = Task(name="stance", labels=("cooperative", "skeptical", "neutral"))
SENTIMENT = Task(name="sentiment", labels=("positive", "negative", "neutral"))
LEXICON = """
negators = ["not", "no"]
contrasts = ["but"]
[prior]
stance = 1.0
sentiment = 1.0
[group.for]
task = "stance"
label = "cooperative"
negated = "skeptical"
weight = 2.0
cues = ["welcom*", "lift ... sanctions"]
[group.against]
task = "stance"
label = "skeptical"
weight = 2.0
cues = ["ban"]
"""


@pytest.fixture
def lexicon(tmp_path):
    path = tmp_path / "en.toml"
    path.write_text(LEXICON, encoding="utf-8")
    return rules.load_lexicon(path)


def stance_of(text, lexicon):
    proba = rules.label([Statement(text=text, lang="en")], [STANCE], lexicons={"en": lexicon})["stance"]
    assert proba.sum() == pytest.approx(1)
    return STANCE.labels[int(proba[0].argmax())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Moscow welcomed the plan.", "cooperative"),
        ("Moscow did not welcome the plan.", "skeptical"),
        ("There is no change. Moscow welcomed it.", "cooperative"),
        ("They will lift the old sanctions.", "cooperative"),
        ("We welcome talk, but a ban stays.", "skeptical"),
        ("A ban stays, but we welcome talk.", "cooperative"),
        ("The bank published figures.", "neutral"),
        ("It is not a ban.", "neutral"),
    ],
)
def test_negation_gaps_and_contrast(text, expected, lexicon):
    assert stance_of(text, lexicon) == expected


def test_votes_name_the_group_and_the_words(lexicon):
    (vote,) = rules.votes("Moscow WELCOMED it", lexicon)
    assert (vote.group, vote.label, vote.cue) == ("for", "cooperative", "WELCOMED")


MECHANISMS = """
negators = []
contrasts = []
[prior]
stance = 0.5
sentiment = 0.5
[group.blame]
task = "sentiment"
label = "negative"
cues = ["позор*"]
[group.attacked]
task = "stance"
label = "cooperative"
beside = ["blame"]
cues = ["санкции", "чёрный список"]
[group.lifted]
task = "stance"
label = "cooperative"
weight = 2.0
cues = ["снять ... санкции"]
[group.far_away]
task = "stance"
label = "neutral"
absent = true
cues = ["сша"]
"""


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("Санкции США остаются.", []),
        ("Санкции США — позор.", ["attacked", "blame"]),
        ("США готовы снять эти санкции.", ["lifted"]),
        ("Позор: снять санкции с США!", ["blame", "lifted"]),
        ("Позор! Черный список США.", ["attacked", "blame"]),
        ("Порт открыт.", ["far_away"]),
    ],
)
def test_groups_beside_others_absent_cues_and_cues_inside_longer_ones(text, groups, tmp_path):
    path = tmp_path / "ru.toml"
    path.write_text(MECHANISMS, encoding="utf-8")
    assert sorted(vote.group for vote in rules.votes(text, rules.load_lexicon(path))) == groups


def test_a_group_beside_none_is_named(tmp_path):
    path = tmp_path / "ru.toml"
    path.write_text(MECHANISMS.replace('beside = ["blame"]', 'beside = ["blam"]'), encoding="utf-8")
    with pytest.raises(InputError, match="beside 'blam'"):
        rules.load_lexicon(path)


@pytest.mark.parametrize("lang", rules.LANGUAGES)
def test_shipped_lexicons_know_plain_cases_of_their_language(lang):
    cases = {
        "en": (
            "The minister welcomed a joint venture with American firms.",
            "Washington banned Russian uranium imports.",
        ),
        "it": (
            "Mosca accoglie con favore la cooperazione con gli americani.",
            "Washington ha vietato l'uranio russo e impone sanzioni.",
        ),
        "ru": (
            "Москва приветствует сотрудничество и готова подписать соглашение.",
            "США запретили импорт урана и ввели санкции.",
        ),
    }[lang]
    proba = rules.label([Statement(text=t, lang=lang) for t in cases], [STANCE, SENTIMENT])
    assert [STANCE.labels[i] for i in proba["stance"].argmax(axis=1)] == ["cooperative", "skeptical"]
    assert proba["sentiment"].shape == (2, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("x = [", "is no TOML file"),
        ("negators = []\n[prior]\n", "lacks 'group'"),
        (LEXICON.replace('task = "stance"\n', "", 1), "lacks 'task'"),
    ],
)
def test_a_broken_lexicon_is_named(content, reason, tmp_path):
    (tmp_path / "en.toml").write_text(content)
    with pytest.raises(InputError, match=reason):
        rules.load_lexicon(tmp_path / "en.toml")
