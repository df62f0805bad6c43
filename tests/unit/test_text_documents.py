import gzip
import json

import pytest

from detente.errors import InputError
from detente.files import Rejects
from detente.text.copies import copies
from detente.text.documents import Document, holds_documents, read_documents

RUSSIAN = "Кремль готов к переговорам. Песков сообщил, что США нужны металлы, а у России их много."
PAGE = """<html lang="it"><head><title>Sito</title><meta property="og:title" content="Terre rare">
<meta property="article:published_time" content="2025-02-24T10:00:00+01:00">
<meta property="og:site_name" content="Il Foglio di prova"></head><body><nav><a href="/">Home page</a></nav>
<article><h1>Terre rare</h1><figure><figcaption>Foto Ansa</figcaption></figure>
<p>Mosca apre alla possibilità di un'ampia cooperazione con Washington per le <a href="x">terre rare</a>.</p>
<p>La Russia dispone di riserve sufficienti, ha detto Peskov. Il resto si vedrà nei prossimi mesi, quando le due
delegazioni torneranno a incontrarsi in Arabia Saudita per parlare di energia, di metalli e di sanzioni.</p>
<p>Le terre rare sono diciassette elementi chimici essenziali per i microchip, le batterie e le tecnologie avanzate;
il mercato globale è dominato dalla Cina, che controlla circa il 60% dell'estrazione mondiale.</p></article>
<footer>Copyright</footer></body></html>"""
FEED = """<?xml version="1.0" encoding="UTF-8"?><rss><channel><title>Wire</title><item><title>Deal near</title>
<description>&lt;p&gt;Peskov said so.&lt;/p&gt;&lt;p&gt;More soon.&lt;/p&gt;</description>
<pubDate>Mon, 24 Feb 2025 10:00:00 GMT</pubDate></item></channel></rss>"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251", "koi8-r"])
def test_encodings_of_russian(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes((RUSSIAN * 3).encode(encoding))
    assert [d.text for d in read_documents(tmp_path / "a.txt")] == [RUSSIAN * 3]


def test_western_bytes_and_gzip(tmp_path):
    (tmp_path / "a.txt").write_bytes("È già così, perché la città è più bella.".encode("cp1252"))
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"Moscow is ready."))
    assert [d.text for d in read_documents(tmp_path)] == [
        "È già così, perché la città è più bella.",
        "Moscow is ready.",
    ]


def test_ids_are_paths_below_the_input(tmp_path):
    (tmp_path / "x" / "y").mkdir(parents=True)
    (tmp_path / "x" / "y" / "a.txt").write_text("Hello there.")
    assert [d.doc_id for d in read_documents(tmp_path)] == ["x/y/a.txt"]
    assert [d.doc_id for d in read_documents(str(tmp_path / "x" / "**" / "*.txt"))] == ["y/a.txt"]
    assert [d.doc_id for d in read_documents([tmp_path / "x" / "y" / "a.txt"], root=tmp_path / "x")] == ["y/a.txt"]


def test_a_page_gives_its_article_with_title_date_and_source(tmp_path):
    (tmp_path / "a.html").write_text(PAGE)
    (document,) = read_documents(tmp_path)
    assert (document.title, document.date, document.source) == ("Terre rare", "2025-02-24", "Il Foglio di prova")
    assert "cooperazione con Washington per le terre rare." in document.text
    assert not any(word in document.text for word in ("Home page", "Foto Ansa", "Copyright"))


def test_a_feed_gives_its_entries(tmp_path):
    (tmp_path / "f.xml").write_text(FEED)
    (document,) = read_documents(tmp_path)
    assert document.text == "Deal near\n\nPeskov said so.\nMore soon."
    assert (document.doc_id, document.date, document.source) == ("f.xml/1", "2025-02-24", "Wire")


def test_front_matter_of_markdown(tmp_path):
    (tmp_path / "a.md").write_text("---\ntitle: T\ndate: 2025-02-01\n---\n# Head\n\nHe left.")
    (document,) = read_documents(tmp_path)
    assert (document.title, document.date) == ("T", "2025-02-01")
    assert document.text.startswith("---")


def test_rows_of_a_table(tmp_path):
    rows = [
        {"id": "d1", "kind": "document", "text": "Peskov said yes.", "date": "2025-01-01"},
        {"id": "d2", "text": "A sentence. " * 5},
        {"id": "s1", "text": "A statement."},
        {"id": "s2", "text": "A sentence. " * 5, "start": 3, "end": 9},
    ]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    rejects = Rejects()
    found = list(read_documents(path, on_error="skip", rejects=rejects))
    assert [(d.doc_id, d.date) for d in found] == [("d1", "2025-01-01"), ("d2", "")]
    assert [r["line"] for r in rejects.rows] == [3, 4]
    assert not holds_documents(path)
    path.write_text("\n".join(json.dumps(row) for row in rows[:2]))
    assert not holds_documents(path), "long comments are no articles unless they say so"
    path.write_text(json.dumps(rows[0]))
    assert holds_documents(path)


BAD = [
    ("a.txt", b"", "is empty"),
    ("a.txt", b"   \n", "is empty"),
    ("a.txt", b"one\0two", "NUL"),
    ("a.txt", b"%PDF-1.7 ...", "binary"),
    ("a.txt", bytes(range(32)) * 50, "binary"),
    ("a.html", b"<html><body></body></html>", "no article text"),
    ("a.xml", b"<root/>", "feed"),
    ("a.jsonl", b'{"words": "x"}', 'no column "text"'),
]


@pytest.mark.parametrize(("name", "content", "reason"), BAD)
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.txt").write_text("Hello there.")
    with pytest.raises(InputError, match=name):
        list(read_documents(tmp_path))
    rejects = Rejects()
    assert [d.doc_id for d in read_documents(tmp_path, on_error="skip", rejects=rejects)] == ["z.txt"]
    assert reason in rejects.rows[0]["reason"]
    assert rejects.rows[0]["file"].endswith(name)


def test_a_huge_file_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("word " * 1_100_000)
    with pytest.raises(InputError, match="split it"):
        list(read_documents(tmp_path))


def test_wire_copies_point_to_the_first():
    text = " ".join(f"word{i}" for i in range(300))
    documents = [
        Document(doc_id="a", text=text),
        Document(doc_id="b", text="Other words entirely, about the weather in Rome and the price of bread."),
        Document(doc_id="c", text="(Agency) " + text),
    ]
    assert [(d.doc_id, first) for d, _, first in copies((d, None) for d in documents)] == [
        ("a", ""),
        ("b", ""),
        ("c", "a"),
    ]


def test_a_page_keeps_its_headline_and_the_hours_of_a_live_blog(tmp_path):
    body = "".join(
        f"<p><time>1{i}:05</time> Delegations met again in Abu Dhabi to talk of oil, aluminium and Arctic routes.</p>"
        for i in range(4)
    )
    page = f"<html><body><main><article><h1>Talks, live</h1><div class='article-body'>{body}</div></article></main></body></html>"
    (tmp_path / "a.html").write_text(page)
    (document,) = read_documents(tmp_path)
    assert document.text.startswith("Talks, live\n10:05 Delegations")
