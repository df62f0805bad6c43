"""Gold from several annotators, the database of the page, its queue, and who the page answers."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InputError, UsageError
from detente.labelling import codebook
from detente.labelling.agreement import Annotation
from detente.labelling.review import gold, server, session, store
from detente.labelling.review.context import around
from detente.labelling.review.session import Session
from detente.records import Statement
from detente.tasks import Task
from detente.text.documents import Document

STANCE = Task(name="stance", labels=("cooperative", "skeptical", "neutral"), target="gas")
TASKS = (STANCE, Task(name="sentiment", labels=("positive", "negative", "neutral")))
STATEMENTS = {f"s{i}": Statement(id=f"s{i}", text=f"Statement {i}.", lang="en") for i in range(5)}


def said(name, who, stance="", sentiment="", kind="person"):
    labels = {"stance": stance, "sentiment": sentiment}
    return Annotation(name, who, kind, "en", {k: v for k, v in labels.items() if v})


# Gold


@given(st.lists(st.sampled_from(STANCE.labels), min_size=1, max_size=7), st.integers(1, 4))
def test_a_majority_is_more_than_half_and_a_tie_is_open(labels, least):
    votes = [said("s0", f"a{i}", label) for i, label in enumerate(labels)]
    majority = gold.decide(votes, TASKS, rule="majority", least=least)["stance"].label
    unanimous = gold.decide(votes, TASKS, rule="unanimous", least=least)["stance"].label
    wanted = [label for label in STANCE.labels if 2 * labels.count(label) > len(labels)]
    assert majority == (wanted[0] if wanted and len(labels) >= least else "")
    assert unanimous == (labels[0] if len(set(labels)) == 1 and len(labels) >= least else "")


def test_gold_keeps_where_each_label_came_from_and_lists_the_rest(tmp_path):
    machine = {"s0": replace(STATEMENTS["s0"], labels={"stance": "neutral"}, confidence=0.9, origin="rules")}
    votes = [said("s0", "anna", "skeptical", "negative"), said("s0", "bruno", "skeptical", "neutral")]
    votes += [
        said("s0", "chief", sentiment="positive", kind="adjudication"),
        said("s0", "writer", "cooperative", kind="intent"),
    ]
    votes += [said("s1", "anna", "neutral"), said("s1", "bruno", "skeptical")]
    votes += [said("s2", name, stance) for name, stance in (("a", "neutral"), ("b", "neutral"), ("c", "skeptical"))]
    found = gold.gather(STATEMENTS | machine, votes, TASKS, rule="majority", least=1)
    first, third = found.statements
    assert (first.id, third.id) == ("s0", "s2")
    assert first.labels == {"stance": "skeptical", "sentiment": "positive"}
    assert first.extra == {
        "given_stance": "neutral",
        "stance_origin": "unanimous: anna, bruno",
        "sentiment_origin": "adjudicated: chief",
    }
    assert (first.origin, first.confidence) == ("people", None)
    assert third.extra["stance_origin"] == "majority 2 of 3: a, b"
    assert found.counts == {"unanimous": 1, "majority": 1, "adjudicated": 1}
    assert [(row["id"], row["task"], row["votes"]) for row in found.left] == [
        ("s1", "stance", "anna: neutral; bruno: skeptical")
    ]


# The database


@pytest.fixture
def database(tmp_path):
    with closing(store.open_database(tmp_path / "a.sqlite", TASKS, create=True)) as connection:
        store.bind(connection, STATEMENTS.values(), tmp_path / "a.sqlite")
        yield connection


def test_a_repeated_nonce_is_one_save_and_the_last_save_counts(database):
    for label in ("neutral", "skeptical"):
        store.save(database, said("s0", "anna", label), "n1")
    assert [a.labels["stance"] for a in store.current(database)] == ["neutral"]
    store.save(database, said("s0", "anna", "cooperative"), "n2")
    store.save(database, said("s0", "bruno", "neutral"), "n3")
    assert [(a.annotator, a.labels["stance"]) for a in store.current(database)] == [
        ("anna", "cooperative"),
        ("bruno", "neutral"),
    ]
    assert database.execute("select count(*) from saved").fetchone() == (3,)
    store.withdraw(database, said("s0", "anna"), "n4")
    assert [a.annotator for a in store.current(database)] == ["bruno"]


def test_two_commands_on_one_database_do_not_disturb_each_other(database, tmp_path):
    with closing(store.open_database(tmp_path / "a.sqlite", TASKS, create=True)) as other:
        anna, bruno = begin(database), begin(other, "bruno")
        for i in range(5):
            session.save(anna, sent(f"s{i}", f"a{i}", "neutral"))
            session.save(bruno, sent(f"s{i}", f"b{i}", "skeptical", annotator="bruno"))
        session.undo(bruno, sent("", "u", annotator="bruno"))
    kept = [(a.annotator, a.id, a.labels["stance"]) for a in store.current(database)]
    assert sorted(kept) == [("anna", f"s{i}", "neutral") for i in range(5)] + [
        ("bruno", f"s{i}", "skeptical") for i in range(4)
    ]


def test_every_save_is_synced(database):
    assert database.execute("pragma journal_mode").fetchone() == ("wal",)
    assert database.execute("pragma synchronous").fetchone() == (2,)


def test_a_database_knows_its_corpus_and_its_tasks(database, tmp_path):
    path = tmp_path / "a.sqlite"
    other = [Statement(id="s0", text="Another text.")]
    with pytest.raises(InputError, match='another text with the id "s0": it belongs to another corpus'):
        store.bind(database, other, path)
    with pytest.raises(InputError, match="belongs to another corpus: no id of the input is in it"):
        store.bind(database, [Statement(id="x", text="x")], path)
    store.bind(database, [STATEMENTS["s0"], Statement(id="new", text="A corpus may grow.")], path)
    with pytest.raises(InputError, match="was begun with other tasks"):
        store.open_database(path, TASKS[:1], create=False)


def test_what_is_no_review_database_is_said_so(tmp_path):
    (tmp_path / "b.sqlite").write_text("id,text\n1,x\n" * 100)
    with pytest.raises(InputError, match=r"b\.sqlite is no review database"):
        store.open_database(tmp_path / "b.sqlite", TASKS, create=True)
    with closing(sqlite3.connect(tmp_path / "c.sqlite")) as other:
        other.execute("create table x (y)")
    with pytest.raises(InputError, match=r"c\.sqlite is no review database"):
        store.open_database(tmp_path / "c.sqlite", TASKS, create=True)
    with pytest.raises(InputError, match="does not exist; label on the page first"):
        store.open_database(tmp_path / "d.sqlite", TASKS, create=False)
    assert (tmp_path / "b.sqlite").read_text().startswith("id,text")


def test_only_its_owner_may_read_the_database(database, tmp_path):
    assert (tmp_path / "a.sqlite").stat().st_mode & 0o077 == 0


# The queue


def begin(database, annotator="anna", **more):
    made = Session(
        connection=database,
        statements=STATEMENTS,
        order=list(STATEMENTS),
        tasks=TASKS,
        annotator=annotator,
        around={},
        **more,
    )
    session.resume(made)
    return made


def sent(name, nonce, stance="neutral", sentiment="neutral", annotator="anna", **more):
    labels = {"stance": stance, "sentiment": sentiment}
    return {"id": name, "nonce": nonce, "annotator": annotator, "adjudicating": False, "labels": labels, **more}


def ids(made):
    return made["statement"]["id"] if made["statement"] else None


def test_saving_skipping_undoing_and_resuming(database):
    work = begin(database)
    assert ids(session.state(work)) == "s0"
    assert ids(session.save(work, sent("s0", "1", "skeptical", flag=True, comment=" why?", seconds=3.21))) == "s1"
    assert ids(session.save(work, {**sent("s1", "2"), "skipped": True})) == "s2"
    assert ids(session.save(work, sent("s2", "3"))) == "s3"
    back = session.undo(work, sent("", "4"))
    assert (ids(back), back["statement"]["labels"]) == ("s2", {"stance": "neutral", "sentiment": "neutral"})
    assert ids(session.undo(work, sent("", "4"))) == "s2"
    assert (back["labelled"], back["skipped"], back["total"]) == (1, 1, 5)
    again = begin(database)
    assert ids(session.state(again)) == "s2"
    kept = {a.id: a for a in store.current(database)}
    assert (kept["s0"].flag, kept["s0"].comment, kept["s0"].seconds, kept["s1"].skipped) == (True, " why?", 3.2, True)
    for name in ("s2", "s3", "s4"):
        last = session.save(again, sent(name, "n" + name))
    assert (ids(last), last["labelled"], last["skipped"]) == (None, 4, 1)
    assert ids(session.reopen(again, sent("", ""))) == "s1"
    assert ids(session.state(begin(database, "bruno"))) == "s0"


def test_an_undo_that_fails_and_is_tried_again_takes_back_one_label(database):
    work = begin(database)
    session.save(work, sent("s0", "1"))
    session.save(work, sent("s1", "2"))
    database.execute("pragma query_only = on")
    with pytest.raises(sqlite3.OperationalError):
        session.undo(work, sent("", "3"))
    database.execute("pragma query_only = off")
    back = session.undo(work, sent("", "3"))
    assert (ids(back), back["labelled"]) == ("s1", 1)
    assert [a.id for a in store.current(database)] == ["s0"]


def test_each_annotator_has_an_order_of_their_own_that_stays():
    orders = {name: session.shuffled(list(map(str, range(50))), seed=1, annotator=name) for name in ("anna", "bruno")}
    assert orders["anna"] != orders["bruno"]
    assert sorted(orders["anna"]) == sorted(orders["bruno"])
    assert orders["anna"] == session.shuffled(list(map(str, range(50))), seed=1, annotator="anna")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "s9"}, "not in the input"),
        ({"labels": {"stance": "sceptical", "sentiment": "neutral"}}, 'no stance; did you mean "skeptical"'),
        ({"labels": {"stance": "neutral"}}, '"None" is no sentiment'),
        ({"labels": ["neutral"]}, "is no stance"),
        ({"nonce": ""}, "nonce must be a text"),
        ({"comment": "x" * 5000}, "comment must be a text of at most 4,000"),
        ({"comment": "\ud800"}, "comment holds characters that cannot be kept"),
        ({"annotator": "bruno"}, "opened for another's work"),
        ({"adjudicating": True}, "opened for another's work"),
    ],
)
def test_what_the_page_may_not_save(database, change, message):
    with pytest.raises(InputError, match=message):
        session.save(begin(database), sent("s0", "1") | change)
    assert store.current(database) == []


def test_machine_labels_are_hidden_unless_asked_for(database):
    labelled = {"s0": replace(STATEMENTS["s0"], labels={"stance": "neutral"})}
    work = begin(database)
    assert session.state(replace(work, statements=labelled))["statement"]["machine"] == {}
    assert session.state(replace(work, statements=labelled, prelabels=True))["statement"]["machine"] == {
        "stance": "neutral"
    }


def test_adjudication_asks_for_what_differs_and_keeps_what_is_agreed(database):
    votes = gold.by_statement([said("s1", "anna", "neutral", "neutral"), said("s1", "bruno", "skeptical", "neutral"), said("s2", "anna", "neutral"), said("s2", "bruno", "neutral")])  # fmt: skip
    disputes = gold.disputes(votes, TASKS, rule="majority", least=1)
    assert list(disputes) == ["s1"]
    work = replace(begin(database, "chief"), order=list(disputes), disputes=disputes, others=votes, adjudicating=True)
    shown = session.state(work)["statement"]
    assert shown["settled"] == {"sentiment": "neutral"}
    assert [(v["annotator"], v["labels"]["stance"]) for v in shown["votes"]] == [
        ("anna", "neutral"),
        ("bruno", "skeptical"),
    ]
    session.save(work, sent("s1", "1", "skeptical", "negative", annotator="chief") | {"adjudicating": True})
    (ruling,) = store.current(database)
    assert (ruling.kind, ruling.labels) == ("adjudication", {"stance": "skeptical"})


def test_context_comes_from_the_neighbours_or_the_document():
    text = "One here. Two here. Three, far away." + " x" * 400 + " Four here."
    cuts = [(0, 9), (10, 19), (20, 36), (837, 847)]
    placed = [Statement(id=str(i), text=text[a:b], doc_id="d", start=a, end=b) for i, (a, b) in enumerate(cuts)]
    found = around([placed[2], placed[0], placed[1], placed[3]])
    assert (found["1"].before, found["1"].after) == ("One here.", "Three, far away.")
    assert (found["3"].before, found["2"].after) == ("", "")
    alone = around([placed[1]], [Document(doc_id="d", text=text), Document(doc_id="e", text="x")])
    assert alone["1"].before == "One here."
    assert alone["1"].after.startswith("Three, far away. x")
    assert alone["1"].after.endswith("x …")
    assert around([replace(placed[1], text="Changed.")], [Document(doc_id="d", text=text)])["1"].after == ""


# Who the page answers

KEY = "0123"


def ask(app, method, path, body=None, **headers):
    """One request to an ASGI application, without a socket; (status, headers, content)."""
    lines = {"host": "127.0.0.1:8765", "x-detente-key": KEY} | {k.replace("_", "-"): v for k, v in headers.items()}
    if body is not None:
        lines.setdefault("content-type", "application/json")
    scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [(k.encode(), v.encode()) for k, v in lines.items() if v], "server": ("127.0.0.1", 8765), "client": ("127.0.0.1", 1), "scheme": "http", "root_path": ""}  # fmt: skip
    answers = []

    async def receive():
        return {"type": "http.request", "body": body if isinstance(body, bytes) else json.dumps(body).encode()}

    async def send(message):
        answers.append(message)

    asyncio.run(app(scope, receive, send))
    content = b"".join(m.get("body", b"") for m in answers[1:])
    return answers[0]["status"], {k.decode(): v.decode() for k, v in answers[0]["headers"]}, content


@pytest.fixture
def app(database):
    return server.build(begin(database), codebook.load(), KEY)


def test_the_page_and_its_files_are_whole_and_load_nothing_from_elsewhere(app):
    for path in ("/", "/review.css", "/review.js"):
        status, headers, content = ask(app, "GET", path, x_detente_key="")
        assert status == 200
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        for foreign in (b"http://", b"https://", b"//cdn", b"innerHTML", b"@import", b" style=", b"onclick"):
            assert foreign not in content, (path, foreign)


def test_the_interface_answers_its_own_page(app):
    about = json.loads(ask(app, "GET", "/api/about")[2])
    assert [label["name"] for label in about["tasks"][0]["labels"]] == list(STANCE.labels)
    sections = json.loads(ask(app, "GET", "/api/guide")[2])
    assert any("decide in this order" in section["title"].lower() for section in sections)
    assert json.loads(ask(app, "GET", "/api/state", sec_fetch_site="same-origin")[2])["statement"]["id"] == "s0"
    status, _, content = ask(app, "POST", "/api/save", sent("s0", "1"), origin="http://127.0.0.1:8765")
    assert (status, ids(json.loads(content))) == (200, "s1")
    assert ask(app, "POST", "/api/save", sent("s0", "2", "good"))[0] == 422
    assert ask(app, "POST", "/api/save", b"{")[0] == 422
    assert ask(app, "POST", "/api/save", b"x" * 200_000)[0] == 422
    assert ask(app, "POST", "/api/other", {})[0] == 404


def test_a_database_that_takes_nothing_is_no_refusal(app, database):
    database.execute("pragma query_only = on")
    status, _, content = ask(app, "POST", "/api/save", sent("s0", "1"))
    assert status == 503
    assert "your label waits here" in json.loads(content)["error"]
    database.execute("pragma query_only = off")
    assert ids(json.loads(ask(app, "POST", "/api/save", sent("s0", "1"))[2])) == "s1"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8765"},
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:8765"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"x_detente_key": ""},
        {"x_detente_key": "0124"},
        {"x_detente_key": "é"},
        {"content_type": "text/plain"},
    ],
    ids=str,
)
def test_others_are_refused(app, database, headers):
    status, answered, content = ask(app, "POST", "/api/save", sent("s0", "1"), **headers)
    assert status == 403
    assert b"error" in content
    assert not [name for name in answered if name.startswith("access-control")]
    assert store.current(database) == []


def test_a_tunnel_may_use_another_port(app):
    assert ask(app, "GET", "/api/state", host="localhost:9000", origin="http://localhost:9000")[0] == 200


def test_a_taken_port_is_one_sentence():
    with server.bind(0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} cannot be used .* as port={port + 1}"):
            server.bind(port)


# The command


def detente(tmp_path, *arguments):
    from detente import cli

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) if arguments[-1] == "!" else _nothing():
        patch.chdir(tmp_path)
        patch.setattr(sys, "argv", ["detente", "review", *[a for a in arguments if a != "!"]])
        cli.main()


class _nothing:  # noqa: N801
    def __enter__(self):
        return None

    def __exit__(self, *_):
        return None


def write_input(tmp_path):
    lines = ["id,text,lang", *(f"{s.id},{s.text},en" for s in STATEMENTS.values())]
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_from_two_annotators_to_gold_that_train_reads(tmp_path, capsys):
    write_input(tmp_path)
    (tmp_path / "a.csv").write_text(
        "id,annotator,stance,sentiment\ns0,anna,neutral,neutral\ns0,bruno,neutral,positive\ns1,anna,neutral,neutral\n"
    )
    detente(tmp_path, "input=in.csv", "annotations=a.csv", "export=labelstudio", "output=t.json")
    detente(tmp_path, "annotations=t.json", "output=b.csv")
    assert "s0,en,bruno,person,neutral,positive," in (tmp_path / "b.csv").read_text()
    detente(tmp_path, "input=in.csv", "annotations=b.csv", "export=gold", "output=gold.jsonl", "least=2")
    rows = [json.loads(line) for line in (tmp_path / "gold.jsonl").read_text().splitlines()]
    assert [(r["id"], r["stance"], r["sentiment"], r["stance_origin"]) for r in rows] == [
        ("s0", "neutral", "", "unanimous: anna, bruno")
    ]
    assert "1 unanimous" in capsys.readouterr().out
    left = (tmp_path / "gold.open.csv").read_text()
    assert "s0,en,sentiment,anna: neutral; bruno: positive" in left
    assert "s1,en,stance,anna: neutral,open: 1 of 2 votes" in left


def test_outputs_of_one_folder_keep_lists_of_their_own(tmp_path):
    write_input(tmp_path)
    (tmp_path / "split.csv").write_text("id,annotator,stance\ns0,a,neutral\ns1,a,neutral\ns1,b,skeptical\n")
    (tmp_path / "agreed.csv").write_text("id,annotator,stance\ns0,a,neutral\n")
    for output in ("gold.en.jsonl", "gold.it.csv.gz", "gold.it.jsonl"):
        detente(tmp_path, "input=in.csv", "annotations=split.csv", "export=gold", f"output={output}")
    lists = {"gold.en.open.csv", "gold.it.open.csv", "gold.it.jsonl.open.csv"}
    assert {p.name for p in tmp_path.glob("*.open.csv")} == lists
    for output in ("gold.ru.jsonl", "gold.it.jsonl"):
        detente(tmp_path, "input=in.csv", "annotations=agreed.csv", "export=gold", f"output={output}")
    assert {p.name for p in tmp_path.glob("*.open.csv")} == lists - {"gold.it.jsonl.open.csv"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say who labels (annotator=NAME), or where the labels shall go (output=FILE)"),
        (["input=in.csv", "annotator=' '"], "say who labels"),
        (["annotator=anna"], "input=FILE is not given"),
        (["output=a.csv", "export=excel"], 'export is "excel"; known: annotations, doccano, gold, labelstudio, table'),
        (["input=in.csv", "output=a.csv", "export=labelstudio"], "must end in .json for export=labelstudio"),
        (["input=in.csv", "output=a.csv"], "there are no annotations; label on the page"),
        (["input=in.csv", "annotations=other.csv", "output=a.csv"], 'other.csv:2: the id "x1" is not in in.csv; this is the export of another project'),
        (["input=in.csv", "annotations=text.csv", "output=a.csv"], 'text.csv:2: the id "s0" has another text in in.csv'),
        (["input=in.csv", "annotations=good.csv", "annotator=chief"], "annotations=FILE goes with output=FILE, or with adjudicate=true"),
        (["input=in.csv", "annotations=good.csv", "annotator=chief", "adjudicate=true", "port=0"], "nothing to adjudicate"),
        (["input=in.csv", "annotations=good.csv", "export=gold", "least=3", "output=g.csv"], "no label is agreed on by rule=majority least=3"),
        (["annotations=good.csv", "export=gold", "output=g.csv"], "export=gold needs the statements; give input=FILE"),
        (["input=twice.csv", "annotator=anna", "port=0"], 'the id "s0" stands already at'),
        (["input=in.csv", "annotator=anna", "port=70000"], "port is 70000"),
        (["input=in.csv", "annotator=anna", "codebook=none.toml", "port=0"], "none.toml is no file"),
        (["input=in.csv", "annotator=anna", "database=in.csv", "port=0"], "in.csv is no review database"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(tmp_path, capsys, arguments, message):
    write_input(tmp_path)
    (tmp_path / "other.csv").write_text("id,annotator,stance\nx1,anna,neutral\n")
    (tmp_path / "text.csv").write_text("id,annotator,stance,text\ns0,anna,neutral,Another.\n")
    (tmp_path / "good.csv").write_text("id,annotator,stance\ns0,anna,neutral\n")
    (tmp_path / "twice.csv").write_text("id,text\ns0,a\ns0,b\n")
    detente(tmp_path, *arguments, "!")
    err = capsys.readouterr().err.strip()
    assert message in err
    assert len(err.splitlines()) == 1
    assert not {p.name for p in tmp_path.iterdir()} & {"a.csv", "g.csv", "in.review.sqlite"}


def opened_and_stopped(folder, name):
    """What the page of an input greets with, and what it says when Ctrl-C ends it."""
    command = [sys.executable, "-m", "detente", "review", f"input={name}", "annotator=anna", "port=0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as page:
        greeting = [page.stderr.readline() for _ in range(3)]
        os.kill(page.pid, signal.SIGINT)
        out, _ = page.communicate(timeout=30)
    assert page.returncode == 0
    return greeting, out


def test_ctrl_c_ends_the_page_and_says_what_comes_next(tmp_path):
    write_input(tmp_path)
    greeting, out = opened_and_stopped(tmp_path, "in.csv")
    assert greeting[0] == "anna: 0 of 5 statements done\n"
    assert "http://127.0.0.1:" in greeting[1]
    assert "in.review.sqlite: 0 of 5 statements done by anna" in out
    assert "next: detente review input=in.csv output=annotations.csv" in out
    assert not list((tmp_path / "runs").rglob("log.txt"))


def test_versions_of_a_file_have_databases_of_their_own(tmp_path):
    for name in ("a.v1.csv", "a.v2.csv"):
        (tmp_path / name).write_text(f"id,text\ns0,The text of {name}.\n", encoding="utf-8")
        assert "a.v" in opened_and_stopped(tmp_path, name)[1]
    assert {p.name for p in tmp_path.glob("*.sqlite")} == {"a.v1.review.sqlite", "a.v2.review.sqlite"}
