"""Reading suites of probe cases: TOML templates with slots, JSONL cases, groups of a labelled file.

A folder holds one suite a file and, in `slots.toml`, the fillers that its suites share. `docs/probes.md` shows
how a suite is written.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from detente.errors import InputError, did_you_mean
from detente.evaluation.behaviour.cases import EXPECTATIONS, Case, check_case, check_keys, strings
from detente.evaluation.behaviour.slots import Slots, fill, read_slots
from detente.seeds import rng
from detente.text.language import LANGUAGES

SLOTS = "slots.toml"
_CASES = 7
_TOLERANCE = 0.05
_SUITE_KEYS = ("task", "labels", "about", "expect", "cases", "tolerance", "slots", "template", "rows")
_TEMPLATE_KEYS = ("lang", "text", "texts", "expect", "label", "labels", "slots")
_ROW_KEYS = ("task", "lang", "text", "texts", "expect", "label", "labels", "template")
_ROWS_KEYS = ("file", "group")


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Cases that probe one thing. `labels` are those that the task must have; any if empty."""

    name: str
    path: Path
    task: str
    labels: tuple[str, ...]
    about: str
    tolerance: float
    cases: tuple[Case, ...]


def read_folder(folder: Path) -> list[Suite]:
    """The suites of a folder by name. Raises InputError naming file and line of what cannot be used."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of probe suites; give a folder with .toml or .jsonl files in it")
    shared = read_slots(folder / SLOTS)
    paths = sorted(p for p in folder.iterdir() if p.suffix in (".toml", ".jsonl") and p.name != SLOTS)
    if not paths:
        raise InputError(f"{folder} holds no probe suite; put a .toml or .jsonl file there (docs/probes.md)")
    suites = [suite for p in paths for suite in (_toml(p, shared) if p.suffix == ".toml" else _jsonl(p))]
    names = [suite.name for suite in suites]
    for suite in suites:
        if names.count(suite.name) > 1:
            raise InputError(f"{suite.path}: another file of {folder} holds the suite {suite.name} too; rename one")
    return suites


def parse_toml(path: Path) -> tuple[dict[str, Any], str]:
    """(content, text) of a TOML file. Raises InputError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file ({error}); mend it at that place") from None


def _toml(path: Path, shared: Slots) -> list[Suite]:
    content, text = parse_toml(path)
    top = f"{path}, line 1"
    check_keys(content, _SUITE_KEYS, top)
    task, about = content.get("task"), content.get("about", "")
    if not isinstance(task, str) or not task:
        raise InputError(f'{top}: the suite names no task; write task = "stance"')
    labels = strings(content.get("labels", []), f"{top}: labels")
    size, tolerance = content.get("cases", _CASES), content.get("tolerance", _TOLERANCE)
    if not isinstance(size, int) or size < 1 or not isinstance(tolerance, int | float) or tolerance < 0:
        raise InputError(f"{top}: cases must be a whole number above 0 and tolerance a number of at least 0")
    own = Slots(path, content.get("slots", {})).checked()
    suite_level = {"expect": content.get("expect", "label")}
    cases: list[Case] = []
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[template]]")]
    templates = content.get("template", [])
    for number, template in enumerate(templates):
        where = f"{path}, line {lines[number] if number < len(lines) else 1}"
        check_keys(template, _TEMPLATE_KEYS, where)
        cases += expand(suite_level | template, f"{path.stem}:{number + 1}", labels, (own, shared), size, where)
    if "rows" in content:
        cases += _groups(path, content["rows"], task, labels, suite_level["expect"])
    if not cases:
        raise InputError(f"{top}: the suite holds no case; add a [[template]]")
    made = Suite(name=path.stem, path=path, task=task, labels=labels, about=str(about), tolerance=float(tolerance),
                 cases=tuple(cases))  # fmt: skip
    return [made]


def expand(
    template: Mapping[str, Any], name: str, labels: tuple[str, ...], slots: tuple[Slots, Slots], size: int, where: str
) -> list[Case]:
    """Up to `size` cases of a template, drawn from all fillings of its slots; the same in every run."""
    lang = template.get("lang")
    if lang not in LANGUAGES:
        raise InputError(f'{where}: the language is "{lang}"; {did_you_mean(str(lang), LANGUAGES)}')
    own, shared = slots
    inner = Slots(own.path, {lang: template.get("slots", {})}).checked()
    texts = _texts(template, where)
    fillers = {n: found for t in texts for n, found in _named(t, lang, (inner, own, shared), where).items()}
    counts = [len(found) for found in fillers.values()]
    total = int(np.prod(counts)) if counts else 1
    drawn = rng(0, "probes", name).choice(total, size=min(size, total), replace=False)
    cases = []
    for index in sorted(drawn.tolist()):
        at = np.unravel_index(index, counts) if counts else ()
        chosen = {n: found[int(i)] for (n, found), i in zip(fillers.items(), at, strict=True)}
        filled = tuple(fill(text, chosen, where) for text in texts)
        cases.append(_case(template, filled, name, labels, where))
    return cases


def _named(text: str, lang: str, slots: Sequence[Slots], where: str) -> dict[str, Sequence[Any]]:
    """The fillers of every slot that a text uses: the template's own, the suite's, or the shared."""
    found = {}
    for name in dict.fromkeys(re.findall(r"\{(\w+)(?:\.\w+)?\}", text)):
        source = next((s for s in slots if name in s.of(lang)), None)
        if source is None:
            known = {known for s in slots for known in s.of(lang)}
            raise InputError(
                f'{where}: "{name}" is no slot of {lang}; {did_you_mean(name, known) or "none is defined"}'
            )
        found[name] = source.of(lang)[name]
    return found


def _texts(of: Mapping[str, Any], where: str) -> tuple[str, ...]:
    texts = strings(of.get("texts", [of["text"]] if "text" in of else []), f"{where}: texts")
    if not texts or not all(text.strip() for text in texts) or ("text" in of and "texts" in of):
        raise InputError(f"{where}: the case needs a text, or texts; give one of the two")
    return texts


def _case(of: Mapping[str, Any], texts: tuple[str, ...], name: str, allowed: tuple[str, ...], where: str) -> Case:
    given = of.get("labels", [of["label"]] if "label" in of else [])
    labels = strings(given, f"{where}: labels")
    case = Case(lang=str(of["lang"]), texts=texts, expect=str(of["expect"]), labels=labels, template=name, where=where)
    check_case(case, allowed)
    return case


def _jsonl(path: Path) -> list[Suite]:
    """One case a line, each a template of its own unless it names one."""
    cases, tasks = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        row = _row(line, where)
        check_keys(row, _ROW_KEYS, where)
        if row.get("lang") not in LANGUAGES:
            raise InputError(
                f'{where}: the language is "{row.get("lang")}"; {did_you_mean(str(row.get("lang")), LANGUAGES)}'
            )
        tasks.append(row.get("task"))
        if tasks[-1] != tasks[0] or not isinstance(tasks[0], str):
            raise InputError(f'{where}: the task is "{tasks[-1]}"; every line of a suite names the same task')
        filled = {"expect": "label"} | row
        cases.append(_case(filled, _texts(row, where), str(row.get("template", number)), (), where))
    if not cases:
        raise InputError(f"{path} holds no case; give one JSON object a line")
    return [Suite(name=path.stem, path=path, task=str(tasks[0]), labels=(), about="", tolerance=_TOLERANCE,
                  cases=tuple(cases))]  # fmt: skip


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise InputError(f"{where} is no JSON object ({error}); mend the line") from None
    if not isinstance(row, dict):
        raise InputError(f'{where} is no JSON object; write {{"task": …, "lang": …, "text": …, "label": …}}')
    return row


def _groups(path: Path, rows: Mapping[str, Any], task: str, labels: tuple[str, ...], expect: str) -> list[Case]:
    """The groups of a labelled JSONL file as cases: each text with its label, or all texts with the same."""
    check_keys(rows, _ROWS_KEYS, f"{path}: rows")
    if expect not in ("labels", "same", "changed"):
        raise InputError(f'{path}: rows expect "{expect}"; it must be labels, same or changed')
    file = path.parent / str(rows.get("file", ""))
    if not file.is_file():
        raise InputError(f"{path}: the file {file} does not exist; give rows.file as a path from the suite's folder")
    groups: dict[str, list[dict[str, Any]]] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        row = _row(line, f"{file}, line {number}")
        missing = [name for name in ("text", "lang", task, str(rows.get("group"))) if not row.get(name)]
        if missing:
            raise InputError(f'{file}, line {number}: the row has no "{missing[0]}"; the suite {path} needs it')
        groups.setdefault(str(row[rows["group"]]), []).append(row | {"line": number})
    cases = []
    for name, members in groups.items():
        where = f"{file}, line {members[0]['line']}"
        gold = tuple(str(row[task]) for row in members) if expect == "labels" else ()
        case = Case(
            lang="+".join(dict.fromkeys(row["lang"] for row in members)),
            texts=tuple(row["text"] for row in members),
            expect=expect,
            labels=gold,
            template=name,
            where=where,
            langs=tuple(row["lang"] for row in members),
        )
        check_case(case, labels)
        cases.append(case)
    return cases


__all__ = ["EXPECTATIONS", "Suite", "parse_toml", "read_folder"]
