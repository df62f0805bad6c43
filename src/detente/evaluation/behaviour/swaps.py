"""Reading counterfactual swaps: claims by language, and what takes whose place in the sentence around them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.errors import InputError, did_you_mean
from detente.evaluation.behaviour.cases import Case, check_keys, strings
from detente.evaluation.behaviour.slots import Slots, read_slots
from detente.evaluation.behaviour.suites import SLOTS, expand, parse_toml
from detente.text.language import LANGUAGES

FILE = "swaps.toml"
_KEYS = ("cases", "tasks", "claims", "swap", "slots")
_SWAP_KEYS = ("name", "slot", "before", "after", "frame", "statements")
_CASES = 4


@dataclass(frozen=True, kw_only=True)
class Swap:
    """Pairs of texts that differ in one voice. `voices` by language are (before, after) for the voices of statements,
    none if the swap is not made on statements.
    """

    name: str
    cases: tuple[Case, ...]
    voices: Mapping[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, kw_only=True)
class Swaps:
    """The swaps of a file, and the labels that a task must have for them to be made."""

    tasks: Mapping[str, tuple[str, ...]]
    swaps: tuple[Swap, ...]


def read_swaps(folder: Path) -> Swaps:
    """The swaps of `folder`/swaps.toml; its slots come before those of the slots.toml in the folder above.

    Raises InputError naming file and line of what cannot be used.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{path} does not exist; give a folder with a {FILE} (docs/probes.md)")
    content, text = parse_toml(path)
    check_keys(content, _KEYS, f"{path}, line 1")
    size = content.get("cases", _CASES)
    if not isinstance(size, int) or size < 1:
        raise InputError(f"{path}, line 1: cases must be a whole number above 0")
    tasks = {name: strings(labels, f"{path}: tasks.{name}") for name, labels in content.get("tasks", {}).items()}
    claims = {lang: strings(of, f"{path}: claims.{lang}") for lang, of in content.get("claims", {}).items()}
    for lang in claims:
        if lang not in LANGUAGES:
            raise InputError(f'{path}: claims are in "{lang}"; {did_you_mean(lang, LANGUAGES)}')
    slots = (Slots(path, content.get("slots", {})).checked(), read_slots(folder.parent / SLOTS))
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[swap]]")]
    swaps = []
    for number, of in enumerate(content.get("swap", [])):
        where = f"{path}, line {lines[number] if number < len(lines) else 1}"
        swaps.append(_swap(of, claims, slots, size, where))
    if not swaps or not tasks or not claims:
        raise InputError(f"{path}, line 1: there must be tasks, claims and a [[swap]]")
    return Swaps(tasks=tasks, swaps=tuple(swaps))


def _swap(
    of: Mapping[str, Any], claims: Mapping[str, tuple[str, ...]], slots: tuple[Slots, Slots], size: int, where: str
) -> Swap:
    check_keys(of, _SWAP_KEYS, where)
    for key in ("name", "slot", "before", "after", "frame"):
        if not of.get(key):
            raise InputError(f"{where}: the swap has no {key}; add it")
    slot, forms, cases = of["slot"], (of["before"], of["after"]), []
    voices: dict[str, tuple[tuple[str, str], ...]] = {}
    for lang, frame in of["frame"].items():
        if lang not in claims:
            raise InputError(f'{where}: the frame is in "{lang}", which has no claims; {did_you_mean(lang, claims)}')
        for part in ("claim", slot):
            if f"{{{part}}}" not in frame:
                raise InputError(f"{where}: the frame in {lang} does not hold {{{part}}}; add it")
        for number, claim in enumerate(claims[lang], 1):
            texts = [frame.replace("{claim}", claim).replace(f"{{{slot}}}", f"{{{slot}.{form}}}") for form in forms]
            template = {"lang": lang, "texts": texts, "expect": "same"}
            cases += expand(template, f"{of['name']}:{lang}:{number}", (), slots, size, where)
        if of.get("statements"):
            source = next(s for s in slots if slot in s.of(lang))
            fillers = [filler for filler in source.of(lang)[slot] if not isinstance(filler, str)]
            voices[lang] = tuple((filler[forms[0]], filler[forms[1]]) for filler in fillers)
    # Fillings of one claim are alike, whatever the voice: each claim of a language is one cluster.
    return Swap(name=str(of["name"]), cases=tuple(cases), voices=voices)
