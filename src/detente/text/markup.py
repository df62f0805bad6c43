"""Articles from HTML pages and from feeds: the running text without menus, captions and markup."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

from detente.errors import InputError
from detente.text.documents import Document

_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BLOCKS = re.compile(r"(?i)</(?:p|div|h\d|li|blockquote)>|<br\s*/?>")
_HEADING = re.compile(r"<h1\b[^>]*>(.*?)</h1>", re.DOTALL | re.IGNORECASE)
_CLOCK = re.compile(r"(<p\b[^>]*>\s*)<time\b[^>]*>([^<]*)</time>(?=\s*[^<\s])", re.IGNORECASE)
_TAG = re.compile(r"<[^>]+>")


def article(page: str, doc_id: str) -> Document:
    """The article of an HTML page, with title, date and source as the page gives them."""
    from trafilatura import bare_extraction

    # The hour before an entry of a live blog is text, though the extractor drops it.
    kept = _CLOCK.sub(r"\1\2", page)
    found: Any = bare_extraction(kept, with_metadata=True, include_comments=False, include_tables=False)
    text = (found.text or "").strip() if found is not None else ""
    headline = _headline(page)
    if text and headline and headline not in text:
        text = f"{headline}\n{text}"
    if not text:
        raise InputError("the page holds no article text; save the whole page, or paste it as .txt")
    return Document(
        doc_id=doc_id,
        text=text,
        title=found.title or "",
        date=found.date or "",
        source=found.sitename or found.hostname or "",
    )


def _headline(page: str) -> str:
    """The one heading of the first level, "" if there is none or more than one."""
    found = _HEADING.findall(page)
    return " ".join(_plain(found[0]).split()) if len(found) == 1 else ""


def feed(text: str, doc_id: str) -> Iterator[Document]:
    """The entries of an RSS or Atom feed, numbered from 1."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    root: Any = etree.fromstring(_DECLARATION.sub("", text).encode(), parser)
    entries = [] if root is None else [e for e in root.iter() if _name(e) in ("item", "entry")]
    if not entries:
        raise InputError("no RSS or Atom entry is in this XML; give a feed, or the articles as .html")
    source = _child(root if _name(root) == "feed" else next(iter(root), root), "title")
    count = 0
    for number, entry in enumerate(entries, start=1):
        document = _entry(entry, f"{doc_id}/{number}", source)
        if document is not None:
            count += 1
            yield document
    if not count:
        raise InputError("no entry of the feed has a text; give the articles themselves as .html")


def _entry(entry: Any, doc_id: str, source: str) -> Document | None:
    title = _plain(_child(entry, "title"))
    body = max((_child(entry, n) for n in ("encoded", "content", "description", "summary")), key=len)
    text = "\n\n".join(part for part in (title, _plain(body)) if part)
    date = _child(entry, "pubDate") or _child(entry, "published") or _child(entry, "updated")
    if not text:
        return None
    return Document(doc_id=doc_id, text=text, title=title, date=_day(date), source=source)


def _name(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _child(element: Any, name: str) -> str:
    for child in element:
        if _name(child) == name:
            return "".join(child.itertext()).strip()
    return ""


def _plain(markup: str) -> str:
    """The text of a fragment of HTML, one paragraph a line."""
    from html import unescape

    text = unescape(_TAG.sub("", _BLOCKS.sub("\n", markup)))
    return "\n".join(line for line in (" ".join(part.split()) for part in text.splitlines()) if line)


def _day(date: str) -> str:
    """The day of an RSS or ISO date, "" if there is none."""
    if re.match(r"\d{4}-\d{2}-\d{2}", date):
        return date[:10]
    try:
        return parsedate_to_datetime(date).date().isoformat() if date else ""
    except (TypeError, ValueError):
        return ""
