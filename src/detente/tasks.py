"""A task: what is predicted of a statement, with its labels in the order every array uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from detente.errors import InputError, UsageError, did_you_mean

METRICS = ("macro_f1", "f_avg", "accuracy", "mcc")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One classification task.

    `labels` gives the order of the columns of every probability array. `target` is what the stance is
    taken towards where a statement names no target of its own. `metric` is maximised on dev. `polar`
    are the labels whose F1 scores are averaged into the field's F_avg (SemEval-2016 task 6); all
    labels if empty.
    """

    name: str
    labels: tuple[str, ...]
    target: str = ""
    metric: str = "macro_f1"
    polar: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the task and make its sequences tuples."""
        labels = tuple(str(label) for label in self.labels)
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "polar", tuple(self.polar) or labels)
        if len(labels) < 2 or len(set(labels)) != len(labels):
            raise UsageError(f"task.{self.name}.labels must be two or more different labels, got {list(labels)}")
        if self.metric not in METRICS:
            raise UsageError(f'task.{self.name}.metric is "{self.metric}"; {did_you_mean(self.metric, METRICS)}')
        for label in self.polar:
            if label not in labels:
                raise UsageError(
                    f'task.{self.name} names the polar label "{label}", which is not among its labels {list(labels)}'
                )

    def label_of(self, value: object, values: Mapping[str, str] | None = None) -> str:
        """The task's label for a cell of a file; empty if the cell is empty.

        `values` maps other spellings to labels. Case and surrounding blanks are forgiven, and a whole
        number written as a float ("1.0") is the number. Raises InputError for what is no label.
        """
        if value is None or value != value:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        text = str(value).strip()
        mapped = (values or {}).get(text, text)
        if mapped == "" or mapped in self.labels:
            return mapped
        by_case = {label.casefold(): label for label in self.labels}
        if mapped.casefold() in by_case:
            return by_case[mapped.casefold()]
        raise InputError(
            f'the {self.name} "{text[:60]}" is no label of the task ({", ".join(self.labels)}); '
            f"correct it, or map it with data.values.{text[:60]}=LABEL"
        )

    def index(self, labels: Sequence[str]) -> list[int]:
        """Positions of `labels` in the task's order."""
        at = {label: i for i, label in enumerate(self.labels)}
        return [at[label] for label in labels]
