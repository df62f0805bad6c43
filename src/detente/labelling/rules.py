"""The rules labeller: cue lists by language that an analyst edits without code, joined by weighted vote.

A lexicon (`lexicons/<lang>.toml`) holds groups of cues. Each group is a labelling function: it votes for
its label with its weight where one of its cues stands, and for `negated` (another label, or none) where
a negator precedes the cue. A cue inside a longer cue of the same task is silent: "lift sanctions" is no
"sanctions". What stands after a contrast word counts double, for statements follow their thrust; what
stands before it counts half.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.errors import InputError, UsageError
from detente.labelling.phrases import Found, Phrases, compile_phrases, fold
from detente.records import Statement
from detente.tasks import Task
from detente.text.language import identify

LANGUAGES = ("en", "it", "ru")
LEXICONS = Path(__file__).parent / "lexicons"
_CODE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")
_NEGATION_WORDS = 3
_BEFORE_CONTRAST, _AFTER_CONTRAST = 0.5, 2.0
_CLAUSE_ENDS = ".;:!?«»“”"


@dataclass(frozen=True)
class Group:
    """A labelling function: its task, the label it votes for, the label when negated ("" for none), and its weight.

    `beside` names groups: without a plain vote of one of them on the text, this group is silent. A group with
    `absent` votes, once, where none of its cues stands.
    """

    name: str
    task: str
    label: str
    negated: str
    weight: float
    beside: tuple[str, ...]
    absent: bool


@dataclass(frozen=True)
class Lexicon:
    """The rules of one language. `prior` is the vote that each task's neutral label starts with.

    `cues` finds the cues of each group by its place in `groups`, then those of the negators and contrast words.
    """

    groups: tuple[Group, ...]
    cues: Phrases
    negators: Phrases
    prior: Mapping[str, float]


@dataclass(frozen=True)
class Vote:
    """One group's vote on one statement, and the words that made it."""

    group: str
    task: str
    label: str
    weight: float
    cue: str


def load_lexicon(path: Path) -> Lexicon:
    """Read a lexicon. Raises InputError naming the file and the group that cannot be used."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give a folder of lexicons with one <lang>.toml a language") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file ({error}); mend it at that place") from None
    try:
        groups = tuple(_group(name, of) for name, of in content["group"].items())
        for name in {name for group in groups for name in group.beside} - set(content["group"]):
            raise InputError(f"{path}: a group stands beside '{name}', which is none; name a group of this file")
        lists = [of["cues"] for of in content["group"].values()]
        negators = content["negators"]
        cues = compile_phrases([*lists, negators, content["contrasts"]])
        return Lexicon(groups, cues, compile_phrases([negators]), content["prior"])
    except KeyError as error:
        raise InputError(f"{path} lacks {error}; see the shipped lexicons") from None
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: a cue cannot be read ({error}); write words, * for any ending") from None


def load_lexicons(folder: str) -> dict[str, Lexicon]:
    """The lexicons of a folder, by language in lower case.

    Raises UsageError if it holds none, or a name that is no language code or stands there twice (en.toml, EN.toml).
    """
    found: dict[str, Lexicon] = {}
    for path in sorted(p for p in Path(folder).expanduser().glob("*") if p.suffix.lower() == ".toml"):
        lang = path.stem.casefold()
        if not _CODE.fullmatch(lang):
            raise UsageError(f"{path}: the name must be a language code like en.toml; rename it or take it away")
        if lang in found:
            raise UsageError(f'{path} is the second lexicon of "{lang}" there; keep one of the two')
        found[lang] = load_lexicon(path)
    if not found:
        raise UsageError(f"labeller.lexicons={folder} holds no <lang>.toml; copy the shipped ones there and edit them")
    return found


def _group(name: str, of: Mapping[str, Any]) -> Group:
    return Group(
        name=name,
        task=of["task"],
        label=of["label"],
        negated=of.get("negated", ""),
        weight=float(of.get("weight", 1.0)),
        beside=tuple(of.get("beside", ())),
        absent=of.get("absent", False),
    )


@cache
def shipped(lang: str) -> Lexicon:
    """The shipped lexicon of a language, English for a language without one."""
    return load_lexicon(LEXICONS / f"{lang if lang in LANGUAGES else 'en'}.toml")


def votes(text: str, lexicon: Lexicon) -> list[Vote]:
    """All votes on a text. Of a group, each cue counts once."""
    return [
        Vote(group.name, group.task, label, weight, text[start:end])
        for group, label, weight, start, end in cast(text, lexicon)
    ]


def cast(text: str, lexicon: Lexicon) -> list[tuple[Group, str, float, int, int]]:
    """`votes` as plain (group, label, weight, start, end of the cue), for those who take many."""
    folded = fold(text)
    groups = lexicon.groups
    n = len(groups)
    found = lexicon.cues.find(folded)
    stops = [end for of, _, end in found if of == n + 1]
    thrust = max(stops) if stops else -1
    first_negator = min((start for of, start, _ in found if of == n), default=len(folded))
    present = {of for of, _, _ in found}
    out: dict[tuple[int, str, str], tuple[Group, str, float, int, int]] = {}
    for of, start, end in _uncovered([f for f in found if f[0] < n and not groups[f[0]].absent], groups):
        group = groups[of]
        label = group.negated if first_negator < start and _negated(folded, start, lexicon) else group.label
        if not label:
            continue
        weight = group.weight
        if thrust >= 0:
            weight *= _AFTER_CONTRAST if start >= thrust else _BEFORE_CONTRAST
        out.setdefault((of, label, text[start:end].lower()), (group, label, weight, start, end))
    for of, group in enumerate(groups):
        if group.absent and of not in present:
            out[of, group.label, ""] = (group, group.label, group.weight, 0, 0)
    voted = {group.name for group, label, _, _, _ in out.values() if label == group.label}
    return [vote for vote in out.values() if not vote[0].beside or not voted.isdisjoint(vote[0].beside)]


def _uncovered(found: list[Found], groups: Sequence[Group]) -> Iterator[Found]:
    """Without the cues inside a longer cue of the same task."""
    for of, start, end in found:
        task = groups[of].task
        for other, left, right in found:
            if left <= start and end <= right and right - left > end - start and groups[other].task == task:
                break
        else:
            yield of, start, end


def _negated(folded: str, start: int, lexicon: Lexicon) -> bool:
    """Whether a negator stands among the few words before `start`, in the same clause."""
    clause = max((folded.rfind(mark, 0, start) for mark in _CLAUSE_ENDS), default=-1) + 1
    words = folded[clause:start].split()[-_NEGATION_WORDS:]
    return bool(words) and bool(lexicon.negators.find(" ".join(words)))


def label(
    statements: Sequence[Statement],
    tasks: Sequence[Task],
    *,
    lexicons: Mapping[str, Lexicon] | None = None,
) -> dict[str, FloatArray]:
    """Probabilities by task: softmax of the summed votes, (n, labels).

    `lexicons` by language replace the shipped ones.
    """
    given = lexicons or {}
    out = {task.name: np.zeros((len(statements), len(task.labels))) for task in tasks}
    for row, statement in enumerate(statements):
        lang = statement.lang.casefold() or identify(statement.text)
        lexicon = given.get(lang) or shipped(lang)
        for task in tasks:
            out[task.name][row, task.labels.index("neutral")] = lexicon.prior.get(task.name, 0.0)
        for vote in votes(statement.text, lexicon):
            for task in tasks:
                if vote.task == task.name and vote.label in task.labels:
                    out[task.name][row, task.labels.index(vote.label)] += vote.weight
    return {name: softmax(scores) for name, scores in out.items()}
