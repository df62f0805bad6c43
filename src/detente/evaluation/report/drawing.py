"""Drawings as SVG text: the same figures give the same bytes, and the words in them stay words.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; marks differ in shape as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from detente.evaluation.report.html import el

BLUE, ORANGE, GREY, LIGHT = "#0072b2", "#d55e00", "#57606a", "#d0d7de"
_WIDTH, _HEIGHT = 380, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 26, 14, 46


def reliability(bins: Sequence[Mapping[str, Any]], *, label: str) -> Markup:
    """Share that came true against mean probability, with Wilson intervals; the diagonal is perfect calibration."""
    x, y = _scales(1.0)
    marks: list[Markup] = [_line(x(0), y(0), x(1), y(1), colour=GREY, dashes="5 4")]
    for of in bins:
        marks.append(_line(x(of["mean"]), y(of["share_low"]), x(of["mean"]), y(of["share_high"]), colour=BLUE))
        marks.append(el("circle", cx=_at(x(of["mean"])), cy=_at(y(of["share"])), r=4, fill=BLUE))
    axes = _axes(x, y, "mean probability given", "share that was right")
    return _svg([*axes, *marks], label=label)


def risk_coverage(of: Mapping[str, Any], *, label: str) -> Markup:
    """Error among the answered against the share answered, with its interval; stored thresholds as squares."""
    points = of["points"]
    top = min(1.0, max(0.1, *(p["high"] for p in points[len(points) // 6 :]), of["error"]) * 1.1)
    x, y = _scales(top)
    upper = [(x(p["coverage"]), y(min(p["high"], top))) for p in points]
    lower = [(x(p["coverage"]), y(p["low"])) for p in points]
    band = el("polygon", points=_path([*upper, *lower[::-1]]), fill=BLUE, fill_opacity="0.15")
    curve = el(
        "polyline",
        points=_path([(x(p["coverage"]), y(min(p["error"], top))) for p in points]),
        fill="none",
        stroke=BLUE,
        stroke_width=2,
    )
    stored = [
        el(
            "rect",
            x=_at(x(r["coverage"]["value"]) - 4),
            y=_at(y(min(r["error"]["value"], top)) - 4),
            width=8,
            height=8,
            fill=ORANGE,
        )
        for r in of["rates"]
        if r["error"] is not None
    ]
    axes = _axes(x, y, "share answered, the surest first", "wrong among the answered")
    return _svg([*axes, band, curve, *stored], label=label)


def forest(rows: Sequence[tuple[str, Mapping[str, Any]]], *, axis: str, label: str) -> Markup:
    """A value with its interval a row, best first as given."""
    names = max((len(name) for name, _ in rows), default=1)
    left = min(300, 14 + 7 * names)
    ends = [end for _, of in rows for end in (of["value"], of["low"], of["high"]) if end is not None]
    low, high = max(0.0, min(ends) - 0.03), min(1.0, max(ends) + 0.03)
    height = _TOP + 28 * len(rows) + _BOTTOM
    width = left + 380

    x = _Scale(low, high, left, width - 90)
    bottom = height - _BOTTOM
    marks: list[Markup] = []
    for tick in _ticks(low, high):
        marks.append(_line(x(tick), _TOP, x(tick), bottom, colour=LIGHT))
        marks.append(_text(f"{tick:.2f}", x(tick), bottom + 18, anchor="middle"))
    for i, (name, of) in enumerate(rows):
        middle = _TOP + 28 * i + 14
        marks.append(_text(_short(name, 42), left - 10, middle + 4, anchor="end"))
        if of["low"] is not None:
            marks.append(_line(x(of["low"]), middle, x(of["high"]), middle, colour=BLUE, width=2))
        marks.append(el("circle", cx=_at(x(of["value"])), cy=middle, r=5, fill=BLUE))
        marks.append(_text(f"{of['value']:.3f}", width - 76, middle + 4, anchor="start"))
    marks.append(_text(axis, (left + width - 90) / 2, height - 8, anchor="middle", colour=GREY))
    return _svg(marks, label=label, width=width, height=height)


@dataclass(frozen=True)
class _Scale:
    """From values `low` … `high` to places `start` … `stop` on the drawing."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)


def _scales(top: float) -> tuple[_Scale, _Scale]:
    """Across from 0 to 1, upwards from 0 to `top`."""
    return _Scale(0, 1, _LEFT, _WIDTH - _RIGHT), _Scale(0, top, _HEIGHT - _BOTTOM, _TOP)


def _axes(x: _Scale, y: _Scale, below: str, beside: str) -> list[Markup]:
    """Grid, ticks in per cent and the names of both axes."""
    marks = []
    for tick in _ticks(x.low, x.high):
        marks.append(_line(x(tick), y.start, x(tick), y.stop, colour=LIGHT))
        marks.append(_text(f"{tick:.0%}", x(tick), y.start + 16, anchor="middle"))
    for tick in _ticks(y.low, y.high):
        marks.append(_line(x.start, y(tick), x.stop, y(tick), colour=LIGHT))
        marks.append(_text(f"{tick:.0%}", x.start - 6, y(tick) + 4, anchor="end"))
    marks.append(_text(below, (x.start + x.stop) / 2, _HEIGHT - 8, anchor="middle", colour=GREY))
    turned = f"translate(13 {_at((y.start + y.stop) / 2)}) rotate(-90)"
    marks.append(el("text", beside, transform=turned, text_anchor="middle", font_size=12, style=f"fill:{GREY}"))
    return marks


def _ticks(low: float, high: float) -> list[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5) if (high - low) / s <= 6)
    first = -(-round(low / step, 9) // 1)
    return [round(step * (first + i), 9) for i in range(int((high - step * first) / step + 1e-9) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, *, colour: str, dashes: str = "", width: float = 1) -> Markup:
    return el(
        "line",
        x1=_at(x1),
        y1=_at(y1),
        x2=_at(x2),
        y2=_at(y2),
        stroke=colour,
        stroke_width=width,
        stroke_dasharray=dashes or None,
    )


def _text(words: str, x: float, y: float, *, anchor: str, colour: str | None = None) -> Markup:
    return el(
        "text", words, x=_at(x), y=_at(y), text_anchor=anchor, font_size=12, style=f"fill:{colour}" if colour else None
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{_at(x)},{_at(y)}" for x, y in points)


def _at(value: float) -> str:
    return f"{value:.1f}"


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _svg(marks: Sequence[Markup], *, label: str, width: int = _WIDTH, height: int = _HEIGHT) -> Markup:
    return el("svg", el("title", label), marks, viewBox=f"0 0 {width} {height}", width=width, height=height, role="img")
