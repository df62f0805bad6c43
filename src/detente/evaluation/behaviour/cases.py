"""One probe case, what may be expected of a model on it, and whether probabilities meet that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from detente.arrays import FloatArray
from detente.errors import InputError, did_you_mean
from detente.tasks import Task

# Expectation -> (kind after CheckList, how many texts: 0 is any number from two on).
EXPECTATIONS: dict[str, tuple[str, int]] = {
    "label": ("minimum functionality", 1),
    "labels": ("minimum functionality", 0),
    "same": ("invariance", 0),
    "changed": ("directional", 2),
    "no_rise": ("directional", 2),
    "no_fall": ("directional", 2),
}
_WITHOUT_LABELS = ("same", "changed")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Texts and what is expected of the labels predicted for them.

    `label`: the text gets it. `labels`: each text gets its own. `same`, `changed`: the texts get one label, or two.
    `no_rise`, `no_fall`: from the first text to the second the label's probability does not rise, or fall. Cases of
    one `template` form a cluster. `langs` are the languages of the texts where they differ; `where` is file and line.
    """

    lang: str
    texts: tuple[str, ...]
    expect: str
    labels: tuple[str, ...]
    template: str
    where: str
    langs: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """CheckList's kind of the expectation."""
        return EXPECTATIONS[self.expect][0]

    def lang_of(self, position: int) -> str:
        """The language of one of its texts."""
        return self.langs[position] if self.langs else self.lang

    def expected(self) -> str:
        """The expectation in words."""
        named = ", ".join(self.labels)
        words = {"same": "the same label", "changed": "another label"}
        rising = {"no_rise": f"no more probability of {named}", "no_fall": f"no less probability of {named}"}
        return (words | rising).get(self.expect, named)


def check_case(case: Case, allowed: Sequence[str]) -> None:
    """Raise InputError for an unknown expectation, a wrong number of texts or labels, or a label not `allowed`."""
    if case.expect not in EXPECTATIONS:
        raise InputError(f'{case.where}: the expectation is "{case.expect}"; {did_you_mean(case.expect, EXPECTATIONS)}')
    texts = EXPECTATIONS[case.expect][1]
    if (texts and len(case.texts) != texts) or (not texts and len(case.texts) < 2):
        raise InputError(f"{case.where}: {case.expect} takes {texts or 'two or more'} texts, got {len(case.texts)}")
    wanted = 0 if case.expect in _WITHOUT_LABELS else len(case.texts) if case.expect == "labels" else 1
    if len(case.labels) != wanted:
        raise InputError(f"{case.where}: {case.expect} takes {wanted} labels, got {len(case.labels)}")
    for label in case.labels if allowed else ():
        if label not in allowed:
            raise InputError(f'{case.where}: "{label}" is no label of the task; {did_you_mean(label, allowed)}')


def fails(case: Case, task: Task, proba: FloatArray, *, tolerance: float) -> bool:
    """Whether probabilities (texts, labels) miss the expectation; rises up to `tolerance` are no rise."""
    found = proba.argmax(axis=1).tolist()
    if case.expect in ("label", "labels"):
        return bool(found != task.index(case.labels))
    if case.expect == "same":
        return len(set(found)) > 1
    if case.expect == "changed":
        return len(set(found)) == 1
    change = float(proba[1, task.labels.index(case.labels[0])] - proba[0, task.labels.index(case.labels[0])])
    return change > tolerance if case.expect == "no_rise" else change < -tolerance


def strings(value: Any, what: str) -> tuple[str, ...]:
    """The value as a tuple of strings. Raises InputError."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"{what} must be a text, or texts in brackets")
    return tuple(value)


def check_keys(of: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Raise InputError for a key that is none of `known`, or for something that has no keys."""
    if not isinstance(of, Mapping):
        raise InputError(f"{where}: there must be keys here ({', '.join(known)})")
    for key in of:
        if key not in known:
            raise InputError(f'{where}: "{key}" is no key here; {did_you_mean(str(key), known)}')
