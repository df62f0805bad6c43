"""The rules labeller: cue lists by language that an analyst edits without code, joined by weighted vote.

A lexicon (`lexicons/<lang>.toml`) holds groups of cues. Each group is a labelling function: it votes for
its label with its weight where one of its cues stands, and for `negated` (another label, or none) where
a negator precedes the cue. A cue inside a longer cue of the same task is silent: "lift sanctions" is no
"sanctions". What stands after a contrast word counts double, for statements follow their thrust; what
stands before it counts half.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from detente.arrays import FloatArray, softmax
from detente.errors import InputError
from detente.records import Statement
from detente.tasks import Task
from detente.text.language import identify

LANGUAGES = ("en", "it", "ru")
LEXICONS = Path(__file__).parent / "lexicons"
_NEGATION_WORDS = 3
_BEFORE_CONTRAST, _AFTER_CONTRAST = 0.5, 2.0


@dataclass(frozen=True)
class Group:
    """A labelling function: its task, the label it votes for, the label when negated ("" for none), weight, cues.

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
    cues: re.Pattern[str]


@dataclass(frozen=True)
class Lexicon:
    """The rules of one language. `prior` is the vote that each task's neutral label starts with."""

    groups: tuple[Group, ...]
    negators: re.Pattern[str]
    contrasts: re.Pattern[str]
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
        return Lexicon(groups, _pattern(content["negators"]), _pattern(content["contrasts"]), content["prior"])
    except KeyError as error:
        raise InputError(f"{path} lacks {error}; see the shipped lexicons") from None
    except (re.error, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: a cue cannot be read ({error}); write words, * for any ending") from None


def _group(name: str, of: Mapping[str, Any]) -> Group:
    return Group(
        name=name,
        task=of["task"],
        label=of["label"],
        negated=of.get("negated", ""),
        weight=float(of.get("weight", 1.0)),
        beside=tuple(of.get("beside", ())),
        absent=of.get("absent", False),
        cues=_pattern(of["cues"]),
    )


def _pattern(cues: Sequence[str]) -> re.Pattern[str]:
    """One pattern for all cues: whole words in any case, е as ё; `*` any ending, `...` up to four words between."""
    parts = []
    for cue in cues:
        words = re.escape(cue.strip()).replace(r"\ ", r"\s+").replace(r"\*", r"\w*")
        words = words.replace("ё", "е").replace("е", "[её]")
        parts.append(words.replace(r"\s+\.\.\.\s+", r"\s+(?:[\w'’-]+\W+){0,4}?"))
    joined = "|".join(sorted(parts, key=len, reverse=True)) or "(?!)"
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)


@cache
def shipped(lang: str) -> Lexicon:
    """The shipped lexicon of a language, English for a language without one."""
    return load_lexicon(LEXICONS / f"{lang if lang in LANGUAGES else 'en'}.toml")


def votes(text: str, lexicon: Lexicon) -> list[Vote]:
    """All votes on a text. Of a group, each cue counts once."""
    contrast = next(reversed(list(lexicon.contrasts.finditer(text))), None)
    found: dict[tuple[str, str, str], Vote] = {}
    for group, match in _matches(text, lexicon):
        label = group.negated if _negated(text, match.start(), lexicon) else group.label
        if not label:
            continue
        weight = group.weight
        if contrast is not None:
            weight *= _AFTER_CONTRAST if match.start() >= contrast.end() else _BEFORE_CONTRAST
        key = (group.name, label, match[0].lower())
        found.setdefault(key, Vote(group.name, group.task, label, weight, match[0]))
    for group in lexicon.groups:
        if group.absent and not group.cues.search(text):
            found[group.name, group.label, ""] = Vote(group.name, group.task, group.label, group.weight, "")
    plain = {(vote.group, vote.label) for vote in found.values()}
    voted = {group.name for group in lexicon.groups if (group.name, group.label) in plain}
    alone = {group.name for group in lexicon.groups if group.beside and voted.isdisjoint(group.beside)}
    return [vote for vote in found.values() if vote.group not in alone]


def _matches(text: str, lexicon: Lexicon) -> list[tuple[Group, re.Match[str]]]:
    """Where the cues stand, less those inside a longer cue of the same task."""
    found = [(g, match) for g in lexicon.groups if not g.absent for match in g.cues.finditer(text)]

    def covered(group: Group, match: re.Match[str]) -> bool:
        return any(
            other.task == group.task
            and longer.start() <= match.start()
            and match.end() <= longer.end()
            and longer.span() != match.span()
            for other, longer in found
        )

    return [(group, match) for group, match in found if not covered(group, match)]


def _negated(text: str, start: int, lexicon: Lexicon) -> bool:
    """Whether a negator stands among the few words before `start`, in the same clause."""
    before = re.split(r"[.;:!?«»“”]", text[:start])[-1]
    words = before.split()
    return bool(lexicon.negators.search(" ".join(words[-_NEGATION_WORDS:])))


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
