"""Interviews printed as turns: a label and a colon open each, and the speech has no quotation marks."""

import re

from detente.text.naming import Holder, Sentence
from detente.text.people import People

_LABEL = re.compile(
    r"^[ \t>*_]*(?P<label>[A-ZÀ-ÝА-ЯЁ][A-ZÀ-ÝА-ЯЁ'’ .-]{0,30}|"
    r"[A-ZÀ-ÝА-ЯЁ][\w'’-]+(?: [A-ZÀ-ÝА-ЯЁ][\w'’-]+)?)[*_]*:[*_]*[ \t]",
    re.MULTILINE,
)
_DASH = re.compile(r"^[ \t]*[—–-][ \t]+", re.MULTILINE)
_ASKS = frozenset(("q", "d", "в", "f", "p", "вопрос", "domanda", "question", "корреспондент"))
_ANSWERS = frozenset(("a", "r", "о", "ответ", "risposta", "answer"))
_TURNS = 4


def settle(text: str, sentences: list[Sentence], known: People) -> None:
    """Give each turn of an interview to its speaker; the questions stay with the author."""
    turns = _turns(text, known) or _dashes(text, sentences)
    if not turns:
        return
    bounds = [*[turn[0] for turn in turns[1:]], len(text)]
    if turns[0][2] in ("q", "a"):
        bounds = [min(end, _line_end(text, turn[1])) for turn, end in zip(turns, bounds, strict=True)]
    for (start, _, label), end in zip(turns, bounds, strict=True):
        name = _speaker(label, known)
        asks = label.lower() in _ASKS or (not name and label.lower() not in _ANSWERS)
        for sentence in sentences:
            if not start <= sentence.start < end or _is_over(text, start, sentence, turns, end):
                continue
            if asks:
                sentence.settled = not sentence.cues
                sentence.pieces = []
            elif name:
                sentence.holder, sentence.settled = Holder(label, name, "direct"), True


def _dashes(text: str, sentences: list[Sentence]) -> list[tuple[int, int, str]]:
    """Turns that only a dash opens: the first asks, then question and answer take turns."""
    spoken = {s.start for s in sentences if s.pieces}
    found = [m for m in _DASH.finditer(text) if m.end() not in spoken and m.start() not in spoken]
    asked = [m for m in found if text[m.start() : _line_end(text, m.end())].rstrip().endswith("?")]
    if len(found) < _TURNS or len(asked) < 2 or found[0] not in asked:
        return []
    turns: list[tuple[int, int, str]] = []
    asks = False
    for match in found:
        question = match in asked
        asks = question or not asks
        turns.append((match.start(), match.end(), "q" if asks else "a"))
    return turns


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _turns(text: str, known: People) -> list[tuple[int, int, str]]:
    """Start of label, start of speech and label of every turn; empty where there is no interview."""
    found = [(m.start(), m.end(), m["label"].strip(" .")) for m in _LABEL.finditer(text)]
    labels = [label.lower() for _, _, label in found]
    repeated = {label for label in labels if labels.count(label) > 1}
    kept = [turn for turn in found if turn[2].lower() in repeated]
    return kept if len(kept) >= _TURNS and len({t[2] for t in kept}) <= 4 else []


def _speaker(label: str, known: People) -> str:
    """The full name behind a label; for a bare "A" the first person whom the document names."""
    if label.lower() in _ASKS:
        return ""
    if label.lower() in _ANSWERS:
        first = next(iter(known.full.values()), ())
        return known.name_of(first) if first else ""
    name = tuple(label.title().split())
    return known.name_of(name) if known.knows(name) else (label.title() if len(name) > 1 else "")


def _is_over(text: str, start: int, sentence: Sentence, turns: list[tuple[int, int, str]], end: int) -> bool:
    """Whether the interview has ended before a sentence: a closing note after the last turn."""
    return end == len(text) and start == turns[-1][0] and "\n\n" in text[start : sentence.start].strip()
