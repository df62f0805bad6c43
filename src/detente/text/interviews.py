"""Interviews: which stretches of a document are questions, which answers, and who answers.

Five layouts: a label before every turn, a dash before every turn, questions in bold or as subheads, questions
that are paragraphs of their own with no sign but their question mark, and paragraphs of a question and, in
quotation marks to their end, its answer.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from detente.text.lexicons import key
from detente.text.people import People
from detente.text.sentences import Line, lines

_LABEL = re.compile(
    r"^[ \t>*_]*(?P<label>(?:[QADRBFPВО]|Domanda|Risposta|Вопрос|Ответ|Question|Answer|Frage|Antwort)(?=[.:*])|"
    r"[A-ZÀ-ÝА-ЯЁ][A-ZÀ-ÝА-ЯЁ'’ .-]{0,30}(?=[*_]*:)|"
    r"[A-ZÀ-ÝА-ЯЁ][\w'’-]+(?: [A-ZÀ-ÝА-ЯЁ][\w'’-]+){0,2}(?=[*_]*:))[*_]*[.:][*_]*[ \t]",
    re.MULTILINE,
)
# An answer that follows its question on the same line: "Q: Why? A: Because."
_INNER = re.compile(
    r"(?<=[?.!…»”\"] )(?P<label>[QADRBFPВО]|Domanda|Risposta|Вопрос|Ответ|Question|Answer|Frage|Antwort):[ 	]"
)
_DASH = re.compile(r"[ \t>*_]*[—–-][ \t]+")
_ASKS = frozenset(("q", "d", "в", "f", "p", "вопрос", "domanda", "question", "корреспондент", "frage"))
_ANSWERS = frozenset(("a", "r", "о", "ответ", "risposta", "answer", "antwort"))
# A paragraph of a question and a quoted answer: nothing but the question stands outside the marks.
_ASKED_THEN_QUOTED = re.compile(r"[^«»“”\"\n]{4,260}?[?.!…][*_]*[ \t]+(?=[«“\"])")
_TURNS = 4
_QUESTIONS = 3
_LONG = 260
_MARKUP = "*_#> \t"
_CLOSING = '*_ \t»”")'
_YOU = frozenset(
    (
        *(
            "you",
            "your",
            "yours",
            "lei",
            "voi",
            "le",
            "vi",
            "suo",
            "sua",
            "suoi",
            "sue",
            "vostro",
            "vostra",
            "вы",
            "вас",
        ),
        *("вам", "вами", "ваш", "ваша", "ваше", "ваши", "вашего", "вашей", "ihnen", "ihr", "ihre", "vous", "votre"),
        *("usted", "su", "ви", "вам", "ваш"),
    )
)
_ME = frozenset(
    (
        *("i", "my", "me", "we", "our", "us", "i've", "i'm", "io", "mi", "mio", "mia", "noi", "ho", "abbiamo", "siamo"),
        *(
            "nostro",
            "nostra",
            "nostri",
            "nostre",
            "credo",
            "penso",
            "я",
            "мы",
            "мне",
            "меня",
            "мой",
            "моя",
            "мои",
            "нас",
        ),
        *("нам", "наш", "наша", "наше", "наши", "ich", "wir", "mein", "unser", "je", "nous", "mon", "notre", "yo"),
        *("nosotros", "nuestro", "ми", "мені", "наш"),
    )
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class Turn(NamedTuple):
    """A stretch of an interview: a question of the author or an answer; `label` and `name` say whose."""

    start: int
    end: int
    asks: bool
    layout: str
    label: str = ""
    name: str = ""


def turns(text: str, known: People) -> list[Turn]:
    """The turns of an interview in order; none where the document is no interview."""
    return _labelled(text, known) or _alternating(text, known) or _quoted(text, known)


def of(start: int, found: Sequence[Turn]) -> Turn | None:
    """The turn in which a sentence that starts at an offset stands."""
    return next((turn for turn in found if turn.start <= start < turn.end), None)


def _labelled(text: str, known: People) -> list[Turn]:
    matches = sorted([*_LABEL.finditer(text), *_INNER.finditer(text)], key=lambda m: m.start("label"))
    found = [(m.start("label"), m["label"].strip(" .")) for m in matches]
    counts = Counter(label.lower() for _, label in found)
    kept = [(start, label) for start, label in found if counts[label.lower()] > 1]
    if len(kept) < _TURNS or len({label.lower() for _, label in kept}) > _TURNS:
        return []
    ends = [*[start for start, _ in kept[1:]], _last_end(text, kept[-1][0])]
    names = {label: _speaker(label, known, text[: kept[0][0]]) for label in {label for _, label in kept}}
    return [
        Turn(start, end, _asks(label, names[label]), "label", label, names[label])
        for (start, label), end in zip(kept, ends, strict=True)
    ]


def _last_end(text: str, start: int) -> int:
    """Where the last turn ends: before the next blank line, after which a closing note may stand."""
    end = text.find("\n\n", start)
    return len(text) if end < 0 else end


def _asks(label: str, name: str) -> bool:
    return label.lower() in _ASKS or (not name and label.lower() not in _ANSWERS)


def _speaker(label: str, known: People, opening: str) -> str:
    """The full name behind a label; for a bare "A" the person whom the opening presents."""
    low = label.lower()
    if low in _ASKS:
        return ""
    if low in _ANSWERS:
        return _presented(opening, known)
    name = tuple(label.title().split()) if label.isupper() else tuple(label.split())
    return known.name_of(name) if known.knows(name) else (" ".join(name) if len(name) > 1 else "")


def _alternating(text: str, known: People) -> list[Turn]:
    """Turns that are paragraphs: by a dash each, by bold questions, by question marks alone."""
    paragraphs = list(lines(text))
    for layout, questions in (
        ("dash", _dashed(text, paragraphs)),
        ("bold", _marked(text, paragraphs)),
        ("plain", _plain(text, paragraphs)),
    ):
        if not questions:
            continue
        first = min(questions)
        last = max((i for i, p in enumerate(paragraphs) if layout == "dash" and _is_dashed(text, p)), default=0)
        stop = last + 1 if layout == "dash" else len(paragraphs)
        inside = range(first, stop)
        asked = [text[paragraphs[i].start : paragraphs[i].end] for i in inside if i in questions]
        answers = [text[paragraphs[i].start : paragraphs[i].end] for i in inside if i not in questions]
        opening = text[: paragraphs[first].start]
        name = _presented(opening, known)
        if not name or not _is_talk(asked, answers):
            continue
        label = name.split()[-1]
        return [Turn(*paragraphs[i], i in questions, layout, "" if i in questions else label, name) for i in inside]
    return []


def _quoted(text: str, known: People) -> list[Turn]:
    """Turns within paragraphs: a question, then the answer in quotation marks to the paragraph's end."""
    found = []
    for paragraph in lines(text):
        match = _ASKED_THEN_QUOTED.match(text, paragraph.start, paragraph.end)
        if match and _is_one_quote(text[match.end() : paragraph.end].strip()):
            found.append((paragraph.start, match.end(), paragraph.end))
    asked = [text[a:b] for a, b, _ in found]
    if sum(question.rstrip(_CLOSING).endswith("?") for question in asked) < _QUESTIONS:
        return []
    name = _presented(text[: found[0][0]], known)
    if not name or not _is_talk(asked, [text[b:c] for _, b, c in found]):
        return []
    label = name.split()[-1]
    turns = [(Turn(a, b, True, "quoted", "", name), Turn(b, c, False, "quoted", label, name)) for a, b, c in found]
    return [turn for pair in turns for turn in pair]


def _is_one_quote(words: str) -> bool:
    """Whether a text is one quotation, opened at its beginning and closed at its end only."""
    inner = words.rstrip(".")[1:-1]
    return len(words) > 2 and words.rstrip(".")[-1] in '»”"' and not any(mark in inner for mark in '»”"')


def _is_dashed(text: str, paragraph: Line) -> bool:
    return _DASH.match(text, paragraph.start, paragraph.end) is not None


def _is_question(text: str, paragraph: Line) -> bool:
    return text[paragraph.start : paragraph.end].rstrip(_CLOSING).endswith("?")


def _dashed(text: str, paragraphs: list[Line]) -> set[int]:
    """The questions among paragraphs that all begin with a dash: the first, then every other one.

    An answer may end in a question ("The Chinese?"): it is one only where no question stands before it.
    """
    found = [i for i, p in enumerate(paragraphs) if _is_dashed(text, p)]
    asked = [i for i in found if _is_question(text, paragraphs[i])]
    if len(found) < _TURNS or len(asked) < 2:
        return set()
    return set(found[::2])


def _marked(text: str, paragraphs: list[Line]) -> set[int]:
    """Questions set off by bold type or as subheads, if most of those that are end in a question mark."""
    for opening in ("**", "__", "#", "*", "_"):
        found = [
            i
            for i, p in enumerate(paragraphs)
            if text.startswith(opening, p.start)
            and (opening == "#" or text[p.start : p.end].rstrip().endswith(opening))
            and not text.startswith("# ", p.start)
        ]
        asked = sum(_is_question(text, paragraphs[i]) for i in found)
        if len(found) >= _QUESTIONS and asked >= len(found) / 2:
            return set(found)
    return set()


def _plain(text: str, paragraphs: list[Line]) -> set[int]:
    """Questions without any sign but their mark; between two of them, of three paragraphs the middle one asks."""
    short = [p.end - p.start < _LONG for p in paragraphs]
    found = [i for i, p in enumerate(paragraphs) if i and short[i] and _is_question(text, p)]
    if len(found) < _QUESTIONS:
        return set()
    questions = set(found)
    for a, b in pairwise(found):
        if b - a == 4 and short[a + 2]:
            questions.add(a + 2)
    answered = sum(i + 1 not in questions and i + 1 < len(paragraphs) for i in questions)
    return questions if answered >= _QUESTIONS else set()


def _is_talk(asked: list[str], answers: list[str]) -> bool:
    """Whether questions and answers are those of two people: the one says "you", the other "I" or "we"."""
    said = [{key(w) for w in _WORD.findall(answer)} for answer in answers]
    spoken = sum(bool(words & _ME) for words in said)
    addressed = sum(bool({key(w) for w in _WORD.findall(question)} & _YOU) for question in asked)
    return spoken >= max(1, len(answers) // 4) and (addressed > 0 or spoken > len(answers) / 2)


def _presented(opening: str, known: People) -> str:
    """The person whom the text before the first turn presents: the one it names most, and first."""
    words = [key(w) for w in _WORD.findall(opening)]
    counts = {
        stem: sum(word.startswith(stem) for word in words)
        for stem, name in known.full.items()
        if len(name) > 1 and any(word.startswith(stem) for word in words)
    }
    if not counts:
        return ""
    return known.name_of(known.full[max(counts, key=lambda stem: counts[stem])])
