"""Slots of probe templates: their fillers by language, and putting them into a text."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detente.errors import InputError, did_you_mean
from detente.text.language import LANGUAGES

# {name} or {name.form}: a filler is a text, or a table of forms (cases of a noun; one speaker for each country).
_SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
Filler = str | Mapping[str, str]


@dataclass(frozen=True)
class Slots:
    """Fillers by language and slot, and the file they stand in."""

    path: Path
    by_lang: Mapping[str, Mapping[str, Sequence[Filler]]]

    def of(self, lang: str) -> Mapping[str, Sequence[Filler]]:
        """The slots of a language."""
        return self.by_lang.get(lang, {})

    def checked(self) -> "Slots":
        """Itself. Raises InputError for an unknown language or a slot that holds no fillers."""
        if not isinstance(self.by_lang, Mapping):
            raise InputError(f"{self.path}: slots must be tables by language, as [slots.en]")
        for lang, slots in self.by_lang.items():
            if lang not in LANGUAGES:
                raise InputError(f'{self._at(lang)}: the language is "{lang}"; {did_you_mean(lang, LANGUAGES)}')
            for name, fillers in slots.items():
                if not isinstance(fillers, list) or not fillers or not all(_usable(one) for one in fillers):
                    raise InputError(
                        f'{self._at(name)}: the slot "{name}" must be a list of texts, or of tables of texts'
                    )
        return self

    def _at(self, word: str) -> str:
        """The file and the first line that names a word."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        named = (i for i, line in enumerate(lines, 1) if re.search(rf"\b{re.escape(word)}\b", line))
        return f"{self.path}, line {next(named, 1)}"


def _usable(filler: Any) -> bool:
    if isinstance(filler, dict):
        return bool(filler) and all(isinstance(form, str) for form in filler.values())
    return isinstance(filler, str) and bool(filler)


def read_slots(path: Path) -> Slots:
    """The shared slots of a folder; none if it has no such file."""
    if not path.is_file():
        return Slots(path, {})
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file ({error}); mend it at that place") from None
    return Slots(path, content).checked()


def fill(text: str, chosen: Mapping[str, Filler], where: str) -> str:
    """The text with its slots filled, its first letter a capital. Raises InputError for a form that a filler lacks."""

    def one(match: re.Match[str]) -> str:
        filler, form = chosen[match[1]], match[2]
        if isinstance(filler, str) and form is None:
            return filler
        if isinstance(filler, str) or form not in filler:
            known = () if isinstance(filler, str) else filler
            hint = did_you_mean(form or "", known) or "its fillers are plain texts"
            raise InputError(f'{where}: {match[0]} asks for a form that the slot "{match[1]}" has not; {hint}')
        return filler[form]

    filled = _SLOT.sub(one, text)
    if "{" in filled or "}" in filled:
        raise InputError(f'{where}: a brace is left in "{filled[:60]}"; slots are written {{name}} or {{name.form}}')
    return re.sub(r"^(\W*)(\w)", lambda m: m[1] + m[2].upper(), filled)
