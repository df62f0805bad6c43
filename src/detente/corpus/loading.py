"""Loading a corpus into `datasets` tables: shipped, from files, or from a hub, with the splits made whole."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente import files, paths
from detente.corpus import origins, splits
from detente.corpus.tables import as_table
from detente.errors import InputError, UsageError
from detente.files import Layout, Rejects
from detente.records import Statement, from_row
from detente.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

SPLITS = ("train", "dev", "test")
# How other corpora call their splits; "none" keeps a row out of all.
_SPLIT_NAMES = {"": "train", "validation": "dev", "valid": "dev", "val": "dev", "eval": "test", "none": "none"}
# owner/name, owner/name:split, owner/name/configuration:split
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)?(:[\w\[\]%:+]+)?")


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Where a corpus comes from and how its columns map to ours.

    Give `all` (rows carry their split in the column `split`) or `train` with, if they exist, `dev` and
    `test`: files, folders, globs, `shipped:NAME`, or a hub data set as `owner/name[/configuration][:split]`.
    What is missing of dev is made from train: `dev_share` of it, by `group`, stratified by label.
    `lang` fills in the language where the rows have none; `keep` keeps only rows whose columns have
    these values. `score_by` names a column: F_avg is averaged over its values (targets, in P-Stance).
    `also_train` are further training rows; theirs of a test split are left out, and texts and groups that dev or test
    have. Shipped rows bear our names: columns that they lack are not looked for in them.
    """

    name: str
    all: str = ""
    train: str = ""
    dev: str = ""
    test: str = ""
    also_train: str = ""
    columns: Mapping[str, str | None] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    on_error: str = "stop"
    lang: str = ""
    keep: Mapping[str, Any] = field(default_factory=dict)
    group: Sequence[str] = ("scenario", "doc_id")
    dev_share: float = 0.15
    limit: int = 0
    score_by: str = ""

    def __post_init__(self) -> None:
        """Raise UsageError unless there is one source to train or evaluate on."""
        object.__setattr__(self, "group", tuple(self.group))
        if bool(self.all) == bool(self.train):
            raise UsageError(
                f"data={self.name} needs data.train=FILE (and, if you have them, data.dev=FILE data.test=FILE), "
                "or data.all=FILE whose rows carry their split"
            )
        if not 0 < self.dev_share <= 0.5:
            raise UsageError(f"data.dev_share is {self.dev_share}; it must be above 0 and at most 0.5")
        if self.limit < 0:
            raise UsageError(f"data.limit is {self.limit}; it must be 0 (for all rows) or more")

    @property
    def layout(self) -> Layout:
        """How its columns and values map to ours."""
        return Layout(columns=self.columns, values=self.values, on_error=self.on_error)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """The splits of a corpus as `datasets` tables (absent ones are empty), with its fingerprint.

    `machine_labels` counts, by split and origin, rows that a machine labelled. The last `further` rows of train are
    those of `also_train`. `notes` are sentences for the user: what was made or left out, what a machine labelled.
    """

    name: str
    train: "Dataset"
    dev: "Dataset"
    test: "Dataset"
    fingerprint: str
    rejects: Rejects
    machine_labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    further: int = 0
    notes: tuple[str, ...] = ()


def load_corpus(spec: DataSpec, tasks: Sequence[Task], *, seed: int) -> Corpus:
    """Read, check and split a corpus. Raises InputError naming the file and line of what is wrong."""
    rejects = Rejects()
    by_split = _read(spec, tasks, rejects)
    notes: list[str] = []
    more = _further(spec, tasks, rejects, notes)
    if rejects.rows:
        notes.append(f"{len(rejects.rows)} bad rows were left out; they stand with their reasons in rejects.jsonl")
    for name in SPLITS:
        by_split[name] = _labelled(by_split[name], tasks, name, notes)
    more = _labelled(more, tasks, "data.also_train", notes)
    if not by_split["train"]:
        raise InputError(
            f"data={spec.name} has no training rows labelled for {_names(tasks)}; give data.train=FILE, "
            "or train the one task that it has labels for (task=stance)"
        )
    if not by_split["dev"]:
        groups = splits.groups_of(by_split["train"], spec.group)
        by_split["train"], by_split["dev"] = splits.hold_out(
            by_split["train"], share=spec.dev_share, groups=groups, tasks=tasks, seed=seed
        )
        by_split["dev"] = [replace(statement, split="dev") for statement in by_split["dev"]]
        notes.append(
            f"no dev split was given: {len(by_split['dev'])} rows of train were held out as dev, "
            "grouped and stratified by label"
        )
    kept = unseen(more, [*by_split["dev"], *by_split["test"]], spec.group)
    if len(kept) < len(more):
        notes.append(
            f"{len(more) - len(kept)} rows of data.also_train have a text or a group of dev or test, and were left out"
        )
    by_split["train"] += kept
    if spec.limit:
        by_split = {name: rows[: spec.limit] for name, rows in by_split.items()}
        notes.append(f"data.limit={spec.limit}: only the first rows of each split are used; figures mean little")
    machine = {name: origins.machine_labels(rows) for name, rows in by_split.items()}
    for name, found in machine.items():
        n = len(by_split[name])
        note = origins.of_training(found, n) if name == "train" else origins.of_measuring(found, n, name)
        notes += [note] if note else []
    return Corpus(
        name=spec.name,
        **{name: as_table(rows, tasks=tasks) for name, rows in by_split.items()},
        fingerprint=fingerprint([s for name in SPLITS for s in by_split[name]]),
        rejects=rejects,
        machine_labels={name: found for name, found in machine.items() if found},
        further=0 if spec.limit else len(kept),
        notes=tuple(notes),
    )


def _labelled(found: list[Statement], tasks: Sequence[Task], name: str, notes: list[str]) -> list[Statement]:
    kept = [s for s in found if all(task.name in s.labels for task in tasks)]
    if len(kept) < len(found):
        notes.append(f"{len(found) - len(kept)} rows of {name} without a label for {_names(tasks)} were left out")
    return kept


def _further(spec: DataSpec, tasks: Sequence[Task], rejects: Rejects, notes: list[str]) -> list[Statement]:
    """The rows of `also_train` that are of no test split."""
    if not spec.also_train:
        return []
    found = _statements(spec.also_train, replace(spec, keep={}), tasks, rejects, set())
    kept = [s for s in found if _SPLIT_NAMES.get(s.split.casefold(), s.split.casefold()) in ("train", "dev")]
    if len(kept) < len(found):
        notes.append(
            f"{len(found) - len(kept)} rows of data.also_train are of neither train nor dev, and were left out"
        )
    return [replace(s, split="train") for s in kept]


def unseen(more: Sequence[Statement], held_out: Sequence[Statement], group: Sequence[str]) -> list[Statement]:
    """Further training rows whose text (but for case and blanks), scenario or document is not among `held_out`."""
    texts = {_plain(s.text) for s in held_out}
    groups = {of for s in held_out for of in _groups(s, group)}
    return [s for s in more if _plain(s.text) not in texts and not groups.intersection(_groups(s, group))]


def _groups(statement: Statement, group: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, str(value)) for name in group if (value := _column(statement, name))]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def fingerprint(statements: Sequence[Statement]) -> str:
    """SHA-256 over text, target, split and labels in order: equal for equal training material."""
    digest = hashlib.sha256()
    for s in statements:
        line = [s.text, s.target, s.split, sorted(s.labels.items())]
        digest.update(json.dumps(line, ensure_ascii=False).encode())
    return digest.hexdigest()


def _read(spec: DataSpec, tasks: Sequence[Task], rejects: Rejects) -> dict[str, list[Statement]]:
    by_split: dict[str, list[Statement]] = {name: [] for name in SPLITS}
    columns: set[str] = set()  # of data.keep, that some file has
    if spec.all:
        for statement in _statements(spec.all, spec, tasks, rejects, columns):
            given = statement.split.casefold()
            name = _SPLIT_NAMES.get(given, given)
            if name in by_split:
                by_split[name].append(replace(statement, split=name))
            elif name != "none":
                raise InputError(
                    f'{spec.all}: the split of "{statement.id}" is "{statement.split}"; it must be train, dev or test '
                    "(or none, to leave the row out)"
                )
    for name in SPLITS if not spec.all else ():
        source = getattr(spec, name)
        if source:
            rows = _statements(source, spec, tasks, rejects, columns)
            by_split[name] = [replace(statement, split=name) for statement in rows]
    for name in spec.keep.keys() - columns:
        raise InputError(f"data.keep.{name}: no row has a column {name}; name one that the data have")
    return by_split


def _statements(
    source: str, spec: DataSpec, tasks: Sequence[Task], rejects: Rejects, columns: set[str]
) -> list[Statement]:
    """The rows of one source that `spec.keep` keeps; a source without one of its columns is not filtered by it."""
    path = Path(paths.resolve(source))
    if not path.exists() and _HUB_NAME.fullmatch(source) and files.ending(path) not in files.TABLES:
        found = _from_hub(source, spec, tasks)
    else:
        tables = [p for p in files.expand(path) if files.ending(p) in files.TABLES]
        if not tables:
            raise InputError(f"{path} holds no table; training reads .jsonl, .csv, .tsv or .parquet")
        layout = spec.layout
        if source.startswith(paths.SHIPPED):  # whose rows bear our names, whatever those of another source are called
            theirs = {name for table in tables for name in files.file_columns(table)}
            layout = replace(layout, columns={k: v for k, v in layout.columns.items() if v is None or v in theirs})
        found = list(files.read_statements(tables, layout=layout, tasks=tasks, rejects=rejects))
    keep = {name: str(v) for name, v in spec.keep.items() if any(_column(s, name) is not None for s in found)}
    columns.update(keep)
    kept = [
        origins.of_labels(s, spec.columns)
        for s in found
        if all(str(_column(s, name)) == value for name, value in keep.items())
    ]
    return [replace(s, lang=spec.lang) if spec.lang and not s.lang else s for s in kept]


def _column(statement: Statement, name: str) -> Any:
    return statement.extra[name] if name in statement.extra else getattr(statement, name, None)


def _from_hub(source: str, spec: DataSpec, tasks: Sequence[Task]) -> list[Statement]:
    import datasets

    name, _, split = source.partition(":")
    parts = name.split("/")
    try:
        table = datasets.load_dataset("/".join(parts[:2]), *parts[2:], split=split or "train")
    except Exception as error:  # the hub client raises many kinds; all mean that nothing was loaded
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"{source} is no file here, and as a data set of the hub it could not be loaded ({reason[:200]}); "
            "check the path, or the name and the network"
        ) from None
    statements = []
    for line, row in enumerate(table, start=1):
        try:
            statement = from_row(_named_labels(table, row), columns=spec.columns, values=spec.values, tasks=tasks)
        except InputError as error:
            raise InputError(f"{source}:{line}: {error}") from None
        statements.append(statement if statement.id else replace(statement, id=f"{name}:{line}"))
    return statements


def _named_labels(table: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with class numbers replaced by the class names that the data set declares."""
    named = dict(row)
    for column, value in row.items():
        feature = table.features[column]
        if hasattr(feature, "int2str") and isinstance(value, int) and value >= 0:
            named[column] = feature.int2str(value)
    return named


def _names(tasks: Sequence[Task]) -> str:
    return " and ".join(task.name for task in tasks)
