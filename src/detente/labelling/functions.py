"""Labelling functions: what each group of cues votes on each statement, and how good its votes are.

A group of a lexicon is one labelling function, under the same name in every language. The table says what an
analyst needs in order to mend a lexicon: how often a function speaks, against whom, and how often it is right.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from detente.arrays import FloatArray, softmax
from detente.labelling import rules
from detente.labelling.rules import Lexicon, Vote
from detente.records import Statement
from detente.tasks import Task
from detente.text.language import identify

Votes = NDArray[np.int_]
ABSTAIN = -1
ALL = "all"


@dataclass(frozen=True)
class Voted:
    """A statement's language and all votes of its lexicon, with what the neutral label starts with."""

    lang: str
    votes: Sequence[Vote]
    prior: Mapping[str, float]


def votes_of(statements: Sequence[Statement], lexicons: Mapping[str, Lexicon]) -> list[Voted]:
    """The votes on each statement; a language not in `lexicons` is read with the shipped lexicon."""
    found = []
    for statement in statements:
        lang = statement.lang.casefold() or identify(statement.text)
        lexicon = lexicons.get(lang) or rules.shipped(lang)
        found.append(Voted(lang, rules.votes(statement.text, lexicon), lexicon.prior))
    return found


def names_of(lexicons: Iterable[Lexicon], task: Task) -> tuple[str, ...]:
    """The functions that vote on a task, in the order of the lexicons."""
    return tuple(dict.fromkeys(g.name for lexicon in lexicons for g in lexicon.groups if g.task == task.name))


def vote_matrix(found: Sequence[Voted], task: Task, functions: Sequence[str]) -> Votes:
    """(statements, functions): the position of the label that a function votes for, ABSTAIN where it is silent.

    A function whose cues speak for two labels votes for the heavier.
    """
    at = {name: i for i, name in enumerate(functions)}
    out = np.full((len(found), len(functions)), ABSTAIN, dtype=int)
    for row, voted in enumerate(found):
        for name, label in _net(voted.votes, task).items():
            out[row, at[name]] = label
    return out


def _net(votes: Sequence[Vote], task: Task) -> dict[str, int]:
    weights: dict[str, Counter[str]] = defaultdict(Counter)
    for vote in votes:
        if vote.task == task.name and vote.label in task.labels:
            weights[vote.group][vote.label] += vote.weight  # type: ignore[assignment]
    return {name: task.labels.index(of.most_common(1)[0][0]) for name, of in weights.items()}


def summed(found: Sequence[Voted], tasks: Sequence[Task]) -> dict[str, FloatArray]:
    """Probabilities by task as `rules.label` gives them: softmax of the summed weights, (n, labels)."""
    out = {task.name: np.zeros((len(found), len(task.labels))) for task in tasks}
    for row, voted in enumerate(found):
        for task in tasks:
            scores = out[task.name][row]
            scores[task.labels.index("neutral")] = voted.prior.get(task.name, 0.0)
            for vote in voted.votes:
                if vote.task == task.name and vote.label in task.labels:
                    scores[task.labels.index(vote.label)] += vote.weight
    return {name: softmax(scores) for name, scores in out.items()}


class FunctionRow(TypedDict):
    """One line of the table. Shares are of `n` statements; `accuracy` is of the `gold` votes on labelled ones."""

    task: str
    lang: str
    function: str
    polarity: str
    n: int
    votes: int
    coverage: float
    overlaps: float
    conflicts: float
    gold: int
    accuracy: float | None


@dataclass
class _Counts:
    n: int = 0
    by_label: Counter[str] = field(default_factory=Counter)
    overlaps: int = 0
    conflicts: int = 0
    gold: int = 0
    right: int = 0


@dataclass
class Tally:
    """Counts over any number of batches, for `table`."""

    tasks: Sequence[Task]
    sizes: Counter[str] = field(default_factory=Counter)
    counts: dict[tuple[str, str, str], _Counts] = field(default_factory=lambda: defaultdict(_Counts))

    def add(self, statements: Sequence[Statement], found: Sequence[Voted]) -> None:
        """Count a batch; a statement's own labels are gold."""
        for statement, voted in zip(statements, found, strict=True):
            for lang in (ALL, voted.lang):
                self.sizes[lang] += 1
            for task in self.tasks:
                net = _net(voted.votes, task)
                gold = statement.labels.get(task.name, "")
                for name, label in net.items():
                    others = [other for function, other in net.items() if function != name]
                    for lang in (ALL, voted.lang):
                        counts = self.counts[task.name, lang, name]
                        counts.n += 1
                        counts.by_label[task.labels[label]] += 1
                        counts.overlaps += bool(others)
                        counts.conflicts += any(other != label for other in others)
                        counts.gold += gold in task.labels
                        counts.right += gold == task.labels[label]

    def rows(self) -> Iterator[FunctionRow]:
        """The table: all languages first, then each; functions in order of how often they speak."""
        languages = [ALL, *sorted(set(self.sizes) - {ALL})]
        for task in self.tasks:
            for lang in languages:
                found = [(name, of) for (t, part, name), of in self.counts.items() if (t, part) == (task.name, lang)]
                for name, of in sorted(found, key=lambda pair: (-pair[1].n, pair[0])):
                    yield _row(task.name, lang, name, of, self.sizes[lang])


def _row(task: str, lang: str, name: str, of: _Counts, n: int) -> FunctionRow:
    return FunctionRow(
        task=task,
        lang=lang,
        function=name,
        polarity="/".join(label for label, _ in of.by_label.most_common()),
        n=n,
        votes=of.n,
        coverage=of.n / n,
        overlaps=of.overlaps / n,
        conflicts=of.conflicts / n,
        gold=of.gold,
        accuracy=of.right / of.gold if of.gold else None,
    )
