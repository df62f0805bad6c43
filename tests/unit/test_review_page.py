"""The review page in a browser: labels by keyboard, a server killed in the middle, hostile texts."""

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium here")
STANCES, TONES = ("cooperative", "skeptical", "neutral"), ("positive", "negative", "neutral")
N = 200


@contextmanager
def serving(folder, *arguments, port=0):
    """The command running on a port; gives (process, link)."""
    command = [sys.executable, "-m", "detente", "review", "input=in.jsonl", f"port={port}", *arguments]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            lines = [process.stderr.readline() for _ in range(3)]
            link = re.search(r"http://127\.0\.0\.1:\S+", lines[1])
            assert link, lines
            yield process, link[0]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    opened.faults = []
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("dialog", lambda dialog: (opened.faults.append(dialog.message), dialog.dismiss()))
    yield opened
    context.close()
    assert opened.faults == []


def write(folder, rows):
    lines = (json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / "in.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def begin(page, link):
    page.goto(link)
    page.wait_for_selector("#work:not([hidden])")


def shown(page):
    return page.get_attribute("#work", "data-id")


def leave(page, name):
    page.wait_for_function("name => document.getElementById('work').dataset.id !== name", arg=name)


def label(page, *keys, name=""):
    name = name or shown(page)
    for key in keys:
        page.keyboard.press(key)
    leave(page, name)


def rows_of(folder, query="select id, annotator, labels from saved order by n"):
    with closing(sqlite3.connect(folder / "in.review.sqlite")) as connection:
        return connection.execute(query).fetchall()


def keys(i):
    return str(i % 3 + 1), str(i // 3 % 3 + 1)


def wanted(i):
    return {"stance": STANCES[i % 3], "sentiment": TONES[i // 3 % 3]}


def test_two_hundred_labels_and_a_killed_server_lose_nothing(page, tmp_path):
    write(tmp_path, [{"id": f"s{i}", "text": f"Statement number {i}."} for i in range(N)])
    given = ("annotator=anna", "order=given")
    with serving(tmp_path, *given) as (server, link):
        port = int(re.search(r":(\d+)/", link)[1])
        begin(page, link)
        for i in range(70):
            label(page, *keys(i), name=f"s{i}")
        page.keyboard.press(keys(70)[0])
        server.kill()  # SIGKILL: before the label is complete
        server.wait()
    page.keyboard.press(keys(70)[1])
    page.wait_for_selector("#alert:not([hidden])")
    assert "your label waits here" in page.inner_text("#alert")
    page.keyboard.press("1")  # keys pressed meanwhile go nowhere
    with serving(tmp_path, *given, port=port) as (server, again):
        assert again == link
        leave(page, "s70")
        for i in range(71, 130):
            label(page, *keys(i), name=f"s{i}")
        for key in keys(130):
            page.keyboard.press(key)
        server.kill()  # SIGKILL: while the label is on its way, kept already or not
        server.wait()
    with serving(tmp_path, *given, port=port):
        leave(page, "s130")
        page.wait_for_selector("#alert", state="hidden")
        for i in range(131, N):
            label(page, *keys(i), name=f"s{i}")
        page.wait_for_selector("#end:not([hidden])")
    kept = rows_of(tmp_path)
    assert [(name, who, json.loads(labels)) for name, who, labels in kept] == [
        (f"s{i}", "anna", wanted(i)) for i in range(N)
    ]
    command = [sys.executable, "-m", "detente", "review", "input=in.jsonl", "output=a.csv"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(r["id"], {k: r[k] for k in wanted(0)}) for r in rows] == [(f"s{i}", wanted(i)) for i in range(N)]


HOSTILE = [
    {"id": "a", "text": "<script>alert('x')</script><img src=x onerror=alert(1)> & \u202eright to left\u202c", "lang": "it", "holder": "<b>holder</b>", "source": "\u202esource", "date": "2025-01-01", "doc_id": "d", "start": 0, "end": 10},
    {"id": "b", "text": "Москва приветствует <i>сделку</i>.", "lang": "ru", "doc_id": "d", "start": 11, "end": 30},
    {"id": "<c>", "text": "The third.", "lang": "en\" onload=\"alert(1)"},
]  # fmt: skip


def test_texts_are_shown_as_they_stand_and_undo_takes_back(page, tmp_path):
    write(tmp_path, HOSTILE)
    with serving(tmp_path, "annotator='<i>anna</i>'", "order=given") as (_, link):
        begin(page, link)
        assert page.inner_text("#text") == HOSTILE[0]["text"]
        assert page.inner_text("#after") == HOSTILE[1]["text"]
        assert page.inner_text("#facts").split("\n")[1] == "<b>holder</b>"
        assert page.inner_text("#who") == "<i>anna</i> labels"
        assert page.locator("main script, main img, main i, main b").count() == 0
        assert (page.get_attribute("#text", "lang"), page.get_attribute("html", "lang")) == ("it", "en")
        assert "#" not in page.url  # the key stays neither in the address nor in its history
        page.keyboard.press("f")
        page.keyboard.press("c")
        page.keyboard.type("1 ugf s")
        page.keyboard.press("Escape")
        page.keyboard.press("2")
        page.keyboard.press("u")  # takes the half of a label back
        label(page, "1", "3")
        assert page.get_attribute("#text", "lang") == "ru"
        label(page, "s")
        assert page.inner_text("#count") == "1 of 3 labelled, 1 skipped"
        label(page, "u")
        label(page, "Backspace")
        assert (shown(page), page.input_value("#comment")) == ("a", "1 ugf s")
        assert page.get_attribute("#flag", "aria-pressed") == "true"
        page.reload()
        page.wait_for_selector("#work:not([hidden])")
        assert shown(page) == "a"
        for _ in HOSTILE:
            label(page, "2", "2")
        page.wait_for_selector("#end:not([hidden])")
    last = dict(rows_of(tmp_path, "select id, labels from saved order by n"))
    assert {name: json.loads(labels) for name, labels in last.items()} == {
        row["id"]: {"stance": "skeptical", "sentiment": "negative"} for row in HOSTILE
    }


def test_the_guide_the_narrow_screen_and_work_without_shortcuts(page, tmp_path):
    write(tmp_path, [{"id": f"s{i}", "text": "Word " * 60 + "x" * 300, "lang": "it"} for i in range(3)])
    with serving(tmp_path, "annotator=anna") as (_, link):
        begin(page, link)
        page.keyboard.press("g")
        page.wait_for_selector("#guide h2")
        assert "decide in this order" in page.inner_text("#guide").lower()
        page.keyboard.press("g")
        page.wait_for_selector("#guide", state="hidden")
        page.set_viewport_size({"width": 340, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("#keys").uncheck()
        name = shown(page)
        page.keyboard.press("1")
        assert page.locator("[aria-pressed=true]").count() == 0
        for _ in range(2):  # by Tab and Enter alone
            page.locator("fieldset.now button").first.focus()
            page.keyboard.press("Enter")
        leave(page, name)
        assert page.evaluate("document.activeElement.id") == "work"


def test_the_adjudicator_sees_what_was_said_and_decides_what_differs(page, tmp_path):
    write(tmp_path, [{"id": "s0", "text": "Disputed."}, {"id": "s1", "text": "Agreed."}])
    rows = ["id,annotator,stance,sentiment", "s0,anna,neutral,neutral", "s0,bruno,skeptical,neutral"]
    (tmp_path / "a.csv").write_text("\n".join([*rows, "s1,anna,neutral,neutral", "s1,bruno,neutral,neutral", ""]))
    with serving(tmp_path, "annotator=chief", "adjudicate=true", "annotations=a.csv") as (_, link):
        begin(page, link)
        assert page.locator("#votes tbody tr").all_inner_texts() == [
            "anna\tneutral\tneutral",
            "bruno\tskeptical\tneutral",
        ]
        label(page, "2")
        page.wait_for_selector("#end:not([hidden])")
    command = [
        sys.executable,
        "-m",
        "detente",
        "review",
        "input=in.jsonl",
        "annotations=a.csv",
        "export=gold",
        "output=g.csv",
    ]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with (tmp_path / "g.csv").open(encoding="utf-8") as file:
        found = [(r["id"], r["stance"], r["stance_origin"], r["sentiment_origin"]) for r in csv.DictReader(file)]
    assert found == [
        ("s0", "skeptical", "adjudicated: chief", "unanimous: anna, bruno"),
        ("s1", "neutral", "unanimous: anna, bruno", "unanimous: anna, bruno"),
    ]
