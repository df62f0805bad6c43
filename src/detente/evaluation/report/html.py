"""HTML from Python values: every text is escaped by MarkupSafe; tables, sections, the page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

Part = str | int | float | None
Content = Part | Iterable[Part]
# Elements without an end tag.
_VOID = frozenset(("meta", "br", "hr", "rect", "line", "circle", "polyline", "path", "polygon"))


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page: its anchor, title, a sentence on how to read it, and what stands in it."""

    anchor: str
    title: str
    lead: str
    content: tuple[Markup, ...]


def el(tag: str, *parts: Content, **attributes: Part) -> Markup:
    """An element. Texts are escaped, Markup is kept; in names of attributes a final _ is dropped, others become -.

    >>> el("td", "a < b", class_="n")
    Markup('<td class="n">a &lt; b</td>')
    """
    shown = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    inner = "".join(str(escape(part)) for part in _flat(parts) if part is not None)
    whole = f"<{tag}{shown}/>" if tag in _VOID and not inner else f"<{tag}{shown}>{inner}</{tag}>"
    return Markup(whole)  # noqa: S704 (every part of it went through escape)


def _flat(parts: Iterable[Content]) -> Iterable[Part]:
    for part in parts:
        if isinstance(part, str | int | float) or part is None:
            yield part
        else:
            yield from part


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Part]], *, words: int = 1) -> Markup:
    """A table that scrolls by itself on a narrow screen; the first `words` columns are text, the others numbers."""

    def cells(tag: str, row: Sequence[Part]) -> list[Markup]:
        return [
            el("th" if i == 0 and tag == "td" else tag, cell, class_=None if i < words else "n", scope=_scope(tag, i))
            for i, cell in enumerate(row)
        ]

    body = [el("tr", cells("td", row)) for row in rows]
    whole = el(
        "table",
        el("caption", caption),
        el("thead", el("tr", cells("th", header))),
        el("tbody", body),
    )
    return el("div", whole, class_="scroll")


def _scope(tag: str, column: int) -> str | None:
    if tag == "th":
        return "col"
    return "row" if column == 0 else None


def figure(drawing: Markup, caption: str) -> Markup:
    """A drawing with its caption."""
    return el("figure", drawing, el("figcaption", caption))


def paragraph(*parts: Content) -> Markup:
    """A paragraph."""
    return el("p", *parts)


def above(pair: tuple[str, str], *, class_: str | None = None) -> Markup:
    """A figure with its interval below it, in small print."""
    return el("span", pair[0], el("small", pair[1]) if pair[1] else None, class_=class_)


def details(summary: str, *parts: Content) -> Markup:
    """What opens on a click, and is open in print."""
    return el("details", el("summary", summary), *parts)


def code(text: str) -> Markup:
    """A block of code or configuration."""
    return el("pre", el("code", text))


def page(*, title: str, intro: Sequence[Markup], sections: Sequence[Section]) -> str:
    """A whole document with its style, a table of contents and the sections."""
    style = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
    contents = el(
        "nav", el("ol", [el("li", el("a", s.title, href=f"#{s.anchor}")) for s in sections]), aria_label="Contents"
    )
    body = [el("section", el("h2", s.title), el("p", s.lead, class_="lead"), s.content, id=s.anchor) for s in sections]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content="default-src 'none'; style-src 'unsafe-inline'"),
        el("title", title),
        el("style", Markup(style)),  # noqa: S704 (the package's own file)
    )
    footer = el("footer", "Made by détente from the files of the run; nothing is loaded from elsewhere.")
    document = el(
        "html", head, el("body", el("header", el("h1", title), intro), contents, el("main", body), footer), lang="en"
    )
    return f"<!doctype html>\n{document}\n"
