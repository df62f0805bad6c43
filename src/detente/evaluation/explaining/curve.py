"""The deletion curve as a small picture: inline SVG, lines told apart by dash and mark as well as colour."""

from collections.abc import Sequence

from detente.evaluation.explaining.faithfulness import Faithfulness

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 260, 62, 118, 14, 44


def curve(of: Faithfulness) -> str:
    """The mean fall of probability after 1, 2, … deletions, by the explanation and at random."""
    first, second = [0.0, *of["curve_top"]], [0.0, *of["curve_random"]]
    high = max(0.1, *first, *second)
    low = min(0.0, *first, *second)
    n = len(first) - 1

    def x(k: int) -> float:
        return _LEFT + k / n * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def line(values: Sequence[float], colour: str, dash: str, name: str, *, square: bool) -> str:
        points = [(x(k), y(v)) for k, v in enumerate(values)]
        marks = "".join(
            f'<rect x="{px - 3:.1f}" y="{py - 3:.1f}" width="6" height="6" fill="{colour}"/>'
            if square
            else f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>'
            for px, py in points
        )
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py in points)
        label = f'<text x="{points[-1][0] + 9:.1f}" y="{points[-1][1] + 4:.1f}" fill="{colour}">{name}</text>'
        return (
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
            f"{marks}{label}"
        )

    step = next(s for s in (0.05, 0.1, 0.2, 0.5) if high / s <= 6)
    levels = [k * step for k in range(int(high / step) + 1)]
    grid = "".join(
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#8886"/>'
        f'<text x="{_LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.2f}</text>'
        for v in levels
    )
    ticks = "".join(
        f'<text x="{x(k):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{k}</text>' for k in range(n + 1)
    )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return f"""<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img"
 aria-label="Fall of probability by the number of deleted words" font-size="12" font-family="system-ui,sans-serif"
 fill="currentColor">{grid}{ticks}
<text x="{middle:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">deleted words</text>
<text transform="translate(14 {(_HEIGHT - _BOTTOM + _TOP) / 2:.0f}) rotate(-90)"
 text-anchor="middle">fall of probability</text>
{line(first, "var(--for)", "none", "words explained", square=False)}
{line(second, "var(--against)", "6 4", "random words", square=True)}</svg>
<figcaption>Mean fall of the chosen label's probability after so many deletions.</figcaption></figure>"""
