"""Texts word for word in English, for an encoder that reads English only.

What such an encoder has learnt of "withdraw", "despite" and "in no hurry" serves every language whose words it is
told: trained on statements of all languages at once, it carries over what they have in common. Word order and
inflection of the original stay behind. The glossaries lie in `glossaries/<lang>.txt`, a line `word=gloss` an entry:
a form in lower case or a lemma, and its English in this subject. A word that no glossary has is left as it is, Cyrillic
in Latin letters.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from detente.errors import CheckpointError, UsageError, did_you_mean
from detente.files import write_text
from detente.records import MAX_CHARACTERS, TARGET_SPAN, Span, Statement, target_span
from detente.text.language import identify
from detente.text.morphology import forms

SHIPPED = Path(__file__).with_name("glossaries")
KEPT = "glossaries"
# A word, with the apostrophe by which it is joined to the next ("l'accordo", "qu'il").
_WORD = re.compile(r"[^\W\d_]+['’]?")
_UKRAINIAN_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_QUOTES = str.maketrans(dict.fromkeys("«»„“”‟", '"'))
_LATIN = {
    **dict(zip("абвгдезийклмнопрстуфыэґіїє", "abvgdeziyklmnoprstufyegiie", strict=True)),
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ъ": "",
    "ь": "",
    "ю": "yu",
    "я": "ya",
    "ў": "w",
    "ј": "y",
}
_CYRILLIC = ("ru", "uk")
# Spellings of one letter or mark.
_SPELLED = str.maketrans("ё’ʼ", "е''")
_MOST = 65_536


@dataclass(frozen=True, slots=True)
class Glossed:
    """A text word for word; of each word and each sign between, (start, end) there and (start, end) before."""

    text: str
    places: tuple[tuple[int, int, int, int], ...]

    def back(self, span: Span) -> Span | None:
        """Where in the original stands what a span of the gloss touches; None if it touches nothing."""
        touched = [(a, b) for start, end, a, b in self.places if start < span[1] and end > span[0]]
        return (touched[0][0], touched[-1][1]) if touched else None

    def forth(self, span: Span) -> Span | None:
        """Where in the gloss stands what a span of the original touches; None if it touches nothing."""
        touched = [(start, end) for start, end, a, b in self.places if a < span[1] and b > span[0]]
        return (touched[0][0], touched[-1][1]) if touched else None


@dataclass(frozen=True)
class Glossaries:
    """Glosses by word, by language; `texts` are the files they were read from. Without languages all stays as it is."""

    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def read(self, statements: Sequence[Statement]) -> list[Statement]:
        """The statements, text and target in English words where their language has a glossary."""
        return [self._read(statement) for statement in statements] if self.entries else list(statements)

    def glossed(self, statement: Statement) -> Glossed | None:
        """The statement's text in English words; None where its language has no glossary."""
        lang = self._lang(statement)
        return _glossed(statement.text, self.entries[lang], lang) if lang else None

    def _lang(self, statement: Statement) -> str:
        """The language whose glossary reads the statement, empty if there is none."""
        if not self.entries:
            return ""
        lang = (statement.lang or identify(statement.text)).casefold()
        return lang if lang in self.entries else ""

    @property
    def digest(self) -> str:
        """Tells whether two are the same."""
        return hashlib.sha256(json.dumps(self.texts, sort_keys=True).encode()).hexdigest()[:12]

    def save(self, checkpoint: Path) -> None:
        """The files as they were, so that a checkpoint does not change when they are edited."""
        for lang, text in self.texts.items():
            write_text(checkpoint / KEPT / f"{lang}.txt", text)

    def _read(self, statement: Statement) -> Statement:
        lang = self._lang(statement)
        if not lang:
            return statement
        glossed, span = _glossed(statement.text, self.entries[lang], lang), target_span(statement)
        moved = glossed.forth(span) if span else None
        extra = {name: value for name, value in statement.extra.items() if name not in TARGET_SPAN}
        if moved:
            extra |= dict(zip(TARGET_SPAN, moved, strict=True))
        target = _glossed(statement.target, self.entries[lang], lang).text
        return replace(statement, text=glossed.text[:MAX_CHARACTERS], target=target, extra=extra)


def load_glossaries(languages: Sequence[str], *, folder: Path | None = None) -> Glossaries:
    """The glossaries of these languages, the shipped ones unless a folder is given.

    Raises UsageError if one is not there, CheckpointError for a damaged line.
    """
    folder = folder or SHIPPED
    known = [path.stem for path in sorted(folder.glob("*.txt"))]
    unknown = next((lang for lang in languages if lang not in known), None)
    if unknown is not None:
        raise UsageError(f'encoder.glossed names "{unknown}"; {did_you_mean(unknown, known)}')
    texts = {lang: _text(folder / f"{lang}.txt") for lang in languages}
    return Glossaries({lang: dict(_entries(text, folder / f"{lang}.txt")) for lang, text in texts.items()}, texts)


def kept_glossaries(checkpoint: Path) -> Glossaries:
    """Those that `Glossaries.save` wrote into a folder of a checkpoint, if it did."""
    folder = checkpoint / KEPT
    return load_glossaries([path.stem for path in sorted(folder.glob("*.txt"))], folder=folder)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from None


def _entries(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        word, mark, gloss = line.partition("=")
        if not (mark and word.strip() and gloss.strip()):
            raise CheckpointError(f'{path}:{number}: "{line}" is no entry; it must be word=gloss')
        yield _key(word.strip()), gloss.strip()


def _glossed(text: str, known: Mapping[str, str], lang: str) -> Glossed:
    out: list[str] = []
    places: list[tuple[int, int, int, int]] = []
    length = 0
    for piece, start, end in _pieces(text, known, lang):
        places.append((length, length + len(piece), start, end))
        out.append(piece)
        length += len(piece)
    return Glossed("".join(out), tuple(places))


def _pieces(text: str, known: Mapping[str, str], lang: str) -> Iterator[tuple[str, int, int]]:
    """Glosses of words, and characters between them, with the span of the original that each stands for."""
    at = 0
    for match in (_UKRAINIAN_WORD if lang == "uk" else _WORD).finditer(text):
        word = match[0].rstrip("'’")
        yield from _signs(text, at, match.start())
        at = match.start() + len(word)
        yield _told(word, known, lang), match.start(), at
        if at < match.end() and text[match.end() : match.end() + 1].isalpha():
            yield " ", at, match.end()
            at = match.end()
    yield from _signs(text, at, len(text))


def _signs(text: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    return ((sign.translate(_QUOTES), i, i + 1) for i, sign in enumerate(text[start:end], start))


def gloss(word: str, known: Mapping[str, str], lang: str) -> str:
    """The entry of a word's form, else of its lemma; empty where there is none."""
    key = _key(word)
    return known.get(key) or (known.get(_lemma(key, lang), "") if key else "")


def _told(word: str, known: Mapping[str, str], lang: str) -> str:
    """The gloss of a word, capitalised as it is; without one, the word in Latin letters."""
    found = gloss(word, known, lang)
    if not found and lang in _CYRILLIC:
        found = "".join(_LATIN.get(c, c) for c in _lemma(_key(word), lang))
    if not found:  # a name, or a sign that has no sound of its own
        return word
    return found[0].upper() + found[1:] if word[0].isupper() else found


def _key(word: str) -> str:
    return word.lower().translate(_SPELLED)


@lru_cache(_MOST)
def _lemma(word: str, lang: str) -> str:
    """The dictionary form of a word in lower case; the word itself where there is none."""
    if lang == "ru":
        found = forms(word)
        return found[0].lemma.replace("ё", "е") if found else word
    import simplemma

    return str(simplemma.lemmatize(word, lang=lang)).lower()
