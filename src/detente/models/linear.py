"""The linear family: TF-IDF of word and character n-grams and a linear head for each task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from detente.arrays import FloatArray, softmax
from detente.corpus.tables import from_table
from detente.errors import UsageError
from detente.models.base import Classifier
from detente.models.heads import Head, fit_head, load_head, save_head
from detente.models.terms import Terms, fit_terms, load_terms
from detente.records import Statement
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class LinearSpec:
    """Settings of the linear family.

    `algorithm`: logistic (regression) or svm. `c`: inverse regularisation. `balanced` weighs each label
    by the inverse of its frequency. N-gram ranges are (shortest, longest), (0, 0) for none; character
    n-grams in fewer than `char_min_rows` texts are left out. `cues` adds the votes of the rules and words of tone.
    """

    family: ClassVar[str] = "linear"
    algorithm: str = "logistic"
    c: float = 2.0
    balanced: bool = False
    word_ngrams: Sequence[int] = (1, 2)
    char_ngrams: Sequence[int] = (2, 5)
    char_min_rows: int = 2
    cues: bool = True

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that fit nothing."""
        if isinstance(self.c, int | float) and self.c <= 0:
            raise UsageError(f"model.c is {self.c}; it must be above 0")
        for name in ("word_ngrams", "char_ngrams"):
            given = tuple(getattr(self, name))
            if len(given) != 2 or not (0 < given[0] <= given[1] or given == (0, 0)):
                raise UsageError(f"model.{name} is {list(given)}; it must be [shortest, longest], or [0, 0] for none")


@dataclass(frozen=True)
class Linear:
    """Fitted terms, shared by the tasks, and a head a task."""

    tasks: tuple[Task, ...]
    terms: Terms
    heads: Mapping[str, Head]

    def predict_proba(self, statements: Sequence[Statement]) -> dict[str, FloatArray]:
        """Softmax of the heads' logits."""
        features = self.terms.transform(statements)
        return {name: softmax(head.logits(features)) for name, head in self.heads.items()}

    def save(self, folder: Path) -> None:
        """`terms/` and one `<task>/head.safetensors` a task."""
        self.terms.save(folder / "terms")
        for name, head in self.heads.items():
            save_head(head, folder / name / "head.safetensors")


def fit(
    spec: LinearSpec,
    tasks: tuple[Task, ...],
    train: "Dataset",
    dev: "Dataset",
    *,
    seed: int,
    run_dir: Path,
) -> Classifier:
    """Fit terms on the texts of train, then a head for each task."""
    statements = from_table(train)
    terms = fit_spec_terms(spec, statements)
    features = terms.transform(statements)
    heads = {task.name: fit_task_head(spec, task, features, train[task.name], seed=seed) for task in tasks}
    return Linear(tasks, terms, heads)


def fit_spec_terms(spec: LinearSpec, statements: Sequence[Statement]) -> Terms:
    """The terms that a spec asks for."""
    return fit_terms(
        statements,
        word_ngrams=(spec.word_ngrams[0], spec.word_ngrams[1]),
        char_ngrams=(spec.char_ngrams[0], spec.char_ngrams[1]),
        char_min_rows=spec.char_min_rows,
        cues=spec.cues,
    )


def fit_task_head(spec: LinearSpec, task: Task, features: object, labels: Sequence[str], *, seed: int) -> Head:
    """The head that a spec asks for, of one task."""
    return fit_head(
        features,
        task.index(labels),
        n_labels=len(task.labels),
        c=spec.c,
        algorithm=spec.algorithm,
        balanced=spec.balanced,
        seed=seed,
    )


def load(folder: Path, tasks: tuple[Task, ...]) -> Linear:
    """Read what `save` wrote."""
    heads = {task.name: load_head(folder / task.name / "head.safetensors") for task in tasks}
    return Linear(tasks, load_terms(folder / "terms"), heads)
