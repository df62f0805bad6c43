"""The codebook: labels, rules, settled cases and worked examples, in one file that people and machines label by.

load()                     the shipped codebook, or one's own by path
guide(book, "it")          plain sections for a person, with examples in a language
markdown(book)             docs/codebook.md
"""

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.errors import InputError
from detente.tasks import Task

SHIPPED = Path(__file__).parent / "codebook.toml"
_MAKE = (
    "python -c 'from detente.labelling import codebook as c; print(c.markdown(c.load()), end=\"\")' > docs/codebook.md"
)
_LANGUAGES = {"en": "English", "it": "Italian", "ru": "Russian"}


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule or a settled case: a few words to name it, and what it says."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True)
class TaskGuide:
    """What one task asks, what each label means, the rules in the order of deciding, the settled cases."""

    name: str
    question: str
    labels: Mapping[str, str]
    rules: tuple[Rule, ...]
    settled: tuple[Rule, ...]


@dataclass(frozen=True, kw_only=True)
class Example:
    """A worked example: a statement, its labels by task, and why."""

    lang: str
    holder: str
    text: str
    labels: Mapping[str, str]
    why: str


@dataclass(frozen=True, kw_only=True)
class Codebook:
    """A codebook as read. `digest` is the start of the SHA-256 of its file, line ends apart."""

    name: str
    version: str
    unit: str
    target: str
    holder: str
    tasks: Mapping[str, TaskGuide]
    examples: tuple[Example, ...]
    digest: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the guide: a title and lines of plain text."""

    title: str
    lines: tuple[str, ...]


def load(path: str | Path = "") -> Codebook:
    """Read a codebook, the shipped one if no path is given. Raises InputError naming the file and the fault."""
    file = Path(path).expanduser() if path else SHIPPED
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f"{file} is no file; give codebook=FILE, a TOML file like {SHIPPED.name}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is no TOML file ({error}); mend it at that place") from None
    try:
        about = content["about"]
        tasks = {name: _task(name, of) for name, of in content["task"].items()}
        examples = tuple(_example(of, tasks) for of in content.get("example", ()))
        named = {name: str(about[name]).strip() for name in ("unit", "target", "holder")}
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        book = {"name": str(content["name"]), "version": str(content["version"]), **named, "digest": digest}
        return Codebook(**book, tasks=tasks, examples=examples)
    except KeyError as error:
        raise InputError(f"{file} lacks {error}; see the shipped {SHIPPED.name}") from None
    except (TypeError, AttributeError, InputError) as error:
        raise InputError(f"{file}: {error}; see the shipped {SHIPPED.name}") from None


def _task(name: str, of: Mapping[str, Any]) -> TaskGuide:
    labels = {str(label): str(meaning).strip() for label, meaning in of["labels"].items()}
    if len(labels) < 2:
        raise InputError(f"task.{name}.labels must name two labels or more")
    rules = {key: tuple(_rule(rule) for rule in of.get(key, ())) for key in ("rules", "settled")}
    return TaskGuide(name=name, question=str(of["question"]), labels=labels, **rules)


def _rule(of: Mapping[str, Any]) -> Rule:
    return Rule(title=str(of["title"]), text=str(of["text"]).strip())


def _example(of: Mapping[str, Any], tasks: Mapping[str, TaskGuide]) -> Example:
    labels = {name: str(of[name]) for name in tasks if name in of}
    for name, label in labels.items():
        if label not in tasks[name].labels:
            known = ", ".join(tasks[name].labels)
            raise InputError(f'the example "{str(of["text"])[:40]}" has the {name} "{label}", which is none of {known}')
    why = str(of.get("why", ""))
    return Example(lang=str(of["lang"]), holder=str(of.get("holder", "")), text=str(of["text"]), labels=labels, why=why)


def covers(book: Codebook, tasks: Sequence[Task]) -> bool:
    """Whether the codebook explains every task, with the same labels."""
    return all(task.name in book.tasks and set(book.tasks[task.name].labels) == set(task.labels) for task in tasks)


def examples_in(book: Codebook, lang: str) -> tuple[Example, ...]:
    """The worked examples of a language, the English ones where it has none, else all."""
    for wanted in (lang, "en"):
        found = tuple(example for example in book.examples if example.lang == wanted)
        if found:
            return found
    return book.examples


def guide(book: Codebook, lang: str = "en") -> tuple[Section, ...]:
    """The codebook as plain sections in English, with the worked examples in `lang` (English where it has none)."""
    about = (f"Unit. {book.unit}", f"Target. {book.target}", f"Holder. {book.holder}")
    sections = [Section(title="What is labelled", lines=about)]
    for task in book.tasks.values():
        title = task.name.capitalize()
        labels = tuple(f"{label}: {meaning}" for label, meaning in task.labels.items())
        sections.append(Section(title=title, lines=(task.question, *labels)))
        if task.rules:
            lines = tuple(f"{i}. {rule.title}. {rule.text}" for i, rule in enumerate(task.rules, start=1))
            sections.append(Section(title=f"{title}: decide in this order", lines=lines))
        if task.settled:
            lines = tuple(f"{rule.title}. {rule.text}" for rule in task.settled)
            sections.append(Section(title=f"{title}: settled cases", lines=lines))
    sections.append(Section(title="Worked examples", lines=tuple(map(_as_line, examples_in(book, lang)))))
    return tuple(sections)


def _as_line(example: Example) -> str:
    holder = f" (holder: {example.holder})" if example.holder else ""
    labels = ", ".join(f"{name} {label}" for name, label in example.labels.items())
    return f"{example.text}{holder} → {labels}. {example.why}".strip()


def markdown(book: Codebook) -> str:
    """The guide as a page, with the worked examples of every language."""
    lines = [
        f"# Codebook: {book.name}",
        "",
        f"Version {book.version}, `{book.digest}`. Made from `{SHIPPED.name}`; after an edit, make this page anew:",
        "",
        "```",
        _MAKE,
        "```",
    ]
    for section in guide(book)[:-1]:
        numbered = any(line.startswith("1. ") for line in section.lines)
        lines += ["", f"## {section.title}", ""]
        lines += [line if numbered else f"- {line}" for line in section.lines]
    for lang in dict.fromkeys(example.lang for example in book.examples):
        lines += ["", f"## Worked examples: {_LANGUAGES.get(lang, lang)}", ""]
        lines += [f"- {_as_line(example)}" for example in book.examples if example.lang == lang]
    return "\n".join(lines) + "\n"
