"""Labels to other tools and back: nothing is lost, annotators stay apart, and the tools' own exports are read."""

import json
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import InputError, UsageError
from detente.files import Layout, read_statements
from detente.labelling.agreement import Annotation
from detente.labelling.review import annotations, exchange, labelstudio
from detente.labelling.review.carried import Around
from detente.records import COLUMNS, FIELDS, Statement
from detente.tasks import Task

TASKS = (
    Task(name="stance", labels=("cooperative", "skeptical", "neutral")),
    Task(name="sentiment", labels=("positive", "negative", "neutral")),
)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
plain = words.map(str.strip)
names = plain.filter(bool)
texts = words.filter(lambda t: bool(t.strip()))
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
_OURS = {*COLUMNS, *FIELDS, *annotations.BESIDE, "annotator", "kind", "before", "after", "statement", "statement_id"}
_OURS |= {"given_stance", "given_sentiment", "lead_time", "updated_at", "created_at", "annotation_id"}
columns = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n,;\t"), min_size=1, max_size=12)
columns = columns.map(str.strip).filter(lambda name: bool(name) and name not in _OURS)


@st.composite
def statements(draw):
    ids = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    keys = draw(st.lists(columns, max_size=3, unique=True))
    return [
        Statement(
            id=name,
            text=draw(texts),
            lang=draw(st.sampled_from(["", "en", "it", "ru"])),
            holder=draw(plain),
            source=draw(plain),
            quote=draw(st.sampled_from(["", "direct", "none"])),
            relevance=draw(st.none() | st.floats(0, 1)),
            start=draw(st.none() | st.integers(0, 99)),
            labels={t.name: label for t in TASKS if (label := draw(st.sampled_from(["", *t.labels])))},
            extra={key: draw(values) for key in keys},
        )
        for name in ids
    ]


@st.composite
def reviewed(draw):
    """Statements, and annotations of some of them by some people."""
    made = draw(statements())
    people = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    said = []
    for statement in made:
        for person in draw(st.lists(st.sampled_from(people), unique=True)):
            annotation = Annotation(
                *(statement.id, person, "person", statement.lang),
                {t.name: label for t in TASKS if (label := draw(st.sampled_from(["", *t.labels])))},
                skipped=draw(st.booleans()),
                flag=draw(st.booleans()),
                comment=draw(words),
                seconds=draw(st.none() | st.floats(0, 1e5)),
                at=draw(st.sampled_from(["", "2026-11-22T10:00:00.000Z"])),
            )
            if annotations.says_something(annotation):
                said.append(annotation)
    return made, said


def there_and_back(name, export, made, said):
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        around = {s.id: Around(before="before <b>", after="after") for s in made}
        exchange.write(path, export, made, said, TASKS, around=around, prelabels=export != "doccano")
        back = exchange.read(str(path), TASKS, Layout())
        return list(back.statements.values()), sorted(back.annotations, key=key_of)


def key_of(annotation):
    return annotation.id, annotation.annotator, annotation.kind


@given(reviewed())
def test_label_studio_loses_nothing(case):
    made, said = case
    assert there_and_back("tasks.json", "labelstudio", made, said) == (made, sorted(said, key=key_of))


@given(reviewed())
def test_doccano_loses_nothing_and_has_a_file_an_annotator(case):
    made, said = case
    assert there_and_back("tasks.zip", "doccano", made, said) == (made, sorted(said, key=key_of))


@given(reviewed())
def test_sheets_as_jsonl_lose_nothing(case):
    made, said = case
    back, heard = there_and_back("sheet.jsonl", "table", made, said)

    def known(rows):
        return [replace(s, extra={k: v for k, v in s.extra.items() if v is not None}) for s in rows]

    assert known(back) == known(made)
    assert heard == sorted(said, key=key_of)


@given(reviewed())
def test_sheets_as_csv_lose_no_label_and_no_cell(case):
    made, said = case
    made = [replace(s, extra={k: json.dumps(v) for k, v in s.extra.items()}) for s in made]
    back, heard = there_and_back("sheet.csv", "table", made, said)
    columns = {k for s in made for k in s.extra}
    assert [replace(s, extra={}) for s in back] == [replace(s, extra={}) for s in made]
    assert [{k: s.extra[k] for k in columns} for s in back] == [{k: s.extra.get(k, "") for k in columns} for s in made]
    assert heard == sorted(said, key=key_of)


STATEMENT = Statement(id="s1", text='He "welcomes" <b>uranium</b> & gas.', lang="en", holder="he")


def test_an_annotations_table_is_what_agreement_reads(tmp_path):
    from detente.verbs.agreement import read_annotations

    said = [Annotation("s1", who, "person", "en", {"stance": "neutral"}, comment="a, b") for who in ("anna", "bruno")]
    annotations.write(tmp_path / "a.csv", said, TASKS)
    assert (tmp_path / "a.csv").read_text().splitlines()[0].startswith("id,lang,annotator,kind,stance,sentiment,")
    assert {a.annotator: a.labels["stance"] for a in read_annotations(str(tmp_path / "a.csv"), TASKS)} == {"anna": "neutral", "bruno": "neutral"}  # fmt: skip
    assert list(exchange.read(str(tmp_path / "a.csv"), TASKS, Layout()).annotations) == said


def test_an_id_may_be_the_number_nought():
    row = {"id": 0, "annotator": 0, "stance": "neutral"}
    found = annotations.from_row(row, TASKS)
    assert (found.id, found.annotator) == ("0", "0")
    with pytest.raises(InputError, match="no id"):
        annotations.from_row(row | {"id": None}, TASKS)


def test_a_sheet_opens_in_a_spreadsheet_with_what_people_need_first(tmp_path):
    exchange.write(tmp_path / "s.csv", "table", [STATEMENT], [], TASKS, around={}, prelabels=False, annotator="anna")
    content = (tmp_path / "s.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfid,lang,text,stance,sentiment,flag,comment,skipped,annotator,holder")
    filled = content.decode("utf-8-sig").replace('gas.",,,', 'gas.",neutral,,')
    found = read_export(tmp_path, filled, "filled.csv")
    assert [(a.annotator, dict(a.labels), a.flag) for a in found.annotations] == [
        ("anna", {"stance": "neutral"}, False)
    ]
    assert found.statements == {"s1": STATEMENT}


def test_the_configuration_names_every_label_and_field_of_the_tasks(tmp_path):
    exchange.write(tmp_path / "t.json", "labelstudio", [STATEMENT], [], TASKS, around={}, prelabels=False)
    tree = ElementTree.fromstring((tmp_path / "t.xml").read_text())
    choices = {c.get("name"): [x.get("value") for x in c] for c in tree.iter("Choices")}
    assert choices == {"stance": list(TASKS[0].labels), "sentiment": list(TASKS[1].labels), "flag": ["flag"]}
    data = json.loads((tmp_path / "t.json").read_text())[0]["data"]
    wanted = {word.strip("$") for tag in tree.iter() for word in (tag.get("value") or "").split() if "$" in word}
    assert wanted <= set(data)


def test_machine_labels_go_along_only_when_asked(tmp_path):
    labelled = replace(STATEMENT, labels={"stance": "neutral"}, confidence=0.7, origin="rules")
    for asked in (False, True):
        exchange.write(tmp_path / "t.json", "labelstudio", [labelled], [], TASKS, around={}, prelabels=asked)
        exchange.write(tmp_path / "d.jsonl", "doccano", [labelled], [], TASKS, around={}, prelabels=asked)
        exchange.write(tmp_path / "s.csv", "table", [labelled], [], TASKS, around={}, prelabels=asked)
        assert ("predictions" in json.loads((tmp_path / "t.json").read_text())[0]) is asked
        assert bool(json.loads((tmp_path / "d.jsonl").read_text())["label"]) is asked
        assert ("given_stance" in (tmp_path / "s.csv").read_text()) is asked
        assert exchange.read(str(tmp_path / "s.csv"), TASKS, Layout()).annotations == ()


def choice(name, *labels):
    return {"id": "x", "from_name": name, "to_name": "text", "type": "choices", "origin": "manual", "value": {"choices": list(labels)}}  # fmt: skip


def export(*given, data=None, **more):
    data = {"text": "Gas.", "statement_id": "s1"} if data is None else data
    return [{"id": 7, "data": data, "annotations": list(given), "drafts": [], "predictions": [], "meta": {}, **more}]


def read_export(tmp_path, content, name="export.json", layout=None, tasks=TASKS, **more):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / name).write_text(text, encoding="utf-8")
    return exchange.read(str(tmp_path / name), tasks, layout or Layout(), **more)


def test_a_label_studio_export_as_the_tool_writes_it(tmp_path):
    full = {"id": 3, "email": "anna@example.org", "first_name": "Anna", "last_name": ""}
    common = {"was_cancelled": False, "ground_truth": False, "lead_time": 4.25, "created_at": "2026-01-01T10:00:00Z", "task": 7, "parent_prediction": None}  # fmt: skip
    comment = {"from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": ["one", "two"]}}
    content = export(
        {
            "id": 1,
            "completed_by": full,
            "result": [choice("stance", "neutral"), choice("sentiment", "positive"), comment],
            **common,
        },
        {"id": 2, "completed_by": 5, "result": [choice("stance", "skeptical"), choice("flag", "flag")], **common},
        {"id": 3, "completed_by": 6, "result": [], **common | {"was_cancelled": True}},
        {
            "id": 4,
            "completed_by": 5,
            "result": [choice("stance", "cooperative")],
            **common | {"updated_at": "2026-01-02T10:00:00Z"},
        },
    )
    found = read_export(tmp_path, content)
    assert [(a.id, a.annotator, dict(a.labels), a.skipped, a.comment) for a in found.annotations] == [
        ("s1", "anna@example.org", {"stance": "neutral", "sentiment": "positive"}, False, "one\ntwo"),
        ("s1", "5", {"stance": "cooperative"}, False, ""),
        ("s1", "6", {}, True, ""),
    ]
    assert found.annotations[0].seconds == 4.25
    assert found.statements["s1"].text == "Gas."


def test_a_foreign_project_is_read_by_naming_its_fields(tmp_path):
    given = {"completed_by": 1, "result": [choice("tone", "Good")]}
    content = export(given, data={"my_text": "Great opossums", "id": "o-1"})
    layout = Layout(columns={"text": "my_text", "sentiment": "tone"}, values={"Good": "positive"})
    found = read_export(tmp_path, content, layout=layout)
    assert found.annotations[0].labels == {"sentiment": "positive"}
    assert found.statements["o-1"].text == "Great opossums"
    with pytest.raises(InputError, match='the choice "tone" is no task here'):
        read_export(tmp_path, content, layout=Layout(columns={"text": "my_text"}))


def test_json_min_and_the_tools_csv_are_read(tmp_path):
    flat = [{"id": 7, "text": "Gas.", "statement_id": "s1", "stance": "neutral", "annotator": 2, "annotation_id": 9, "lead_time": 1.5, "updated_at": "2026-01-01"}]  # fmt: skip
    flat.append(
        {"id": 8, "text": "Oil.", "statement_id": "s2", "annotator": None, "annotation_id": None, "lead_time": None}
    )
    found = read_export(tmp_path, flat)
    assert list(found.statements) == ["s1", "s2"]
    (annotation,) = found.annotations
    assert (annotation.id, annotation.annotator, annotation.seconds) == ("s1", "2", 1.5)
    rows = '"annotation_id","annotator","id","lead_time","stance","statement_id","text","flag"\n9,"a@b.c",7,1.5,"neutral","s1","Gas.","flag"\n'
    (annotation,) = read_export(tmp_path, rows, "export.csv").annotations
    assert (annotation.id, annotation.annotator, annotation.seconds, annotation.flag) == ("s1", "a@b.c", 1.5, True)


@given(statements())
def test_a_passage_through_data_frames_as_in_doccano_loses_nothing(made):
    """doccano reads a batch into a data frame, keeps all but text and label as its metadata, and writes by pandas."""
    import pandas as pd

    with TemporaryDirectory() as folder:
        path = Path(folder) / "anna.jsonl"
        exchange.write(path, "doccano", made, [], TASKS, around={}, prelabels=False)
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
        frame = pd.DataFrame([{"#line_number": i, **json.loads(line)} for i, line in enumerate(lines)])
        kept = frame.drop(columns="label").to_dict(orient="records")
        out = pd.DataFrame(
            [{"id": i, **row, "label": ["stance:neutral"], "Comments": []} for i, row in enumerate(kept)]
        )
        out.to_json(path, orient="records", lines=True, force_ascii=False)
        back = exchange.read(str(path), TASKS, Layout())
    assert list(back.statements.values()) == made
    assert [(a.id, a.annotator, dict(a.labels)) for a in back.annotations] == [
        (s.id, "anna", {"stance": "neutral"}) for s in made
    ]


def test_a_doccano_export_as_the_tool_writes_it(tmp_path):
    def line(number, *labels):
        return json.dumps(
            {
                "id": number,
                "text": f"Gas {number}.",
                "statement_id": f"s{number}",
                "label": list(labels),
                "Comments": ["hm"],
            }
        )

    with zipfile.ZipFile(tmp_path / "project.zip", "w") as archive:
        archive.writestr("admin.jsonl", line(1, "sentiment:positive", "stance:neutral") + "\n" + line(2) + "\n")
        archive.writestr("anna.jsonl", line(1, "skeptical") + "\n")
    found = exchange.read(str(tmp_path / "project.zip"), TASKS, Layout())
    assert [(a.id, a.annotator, dict(a.labels), a.comment) for a in found.annotations] == [
        ("s1", "admin", {"sentiment": "positive", "stance": "neutral"}, "hm"),
        ("s2", "admin", {}, "hm"),
        ("s1", "anna", {"stance": "skeptical"}, "hm"),
    ]
    said = [Annotation("s1", "anna", "person", "", {"stance": "neutral"})]
    exchange.write(
        tmp_path / "d.jsonl", "doccano", [Statement(id="s1", text="Gas.")], said, TASKS, around={}, prelabels=False
    )
    assert [a.annotator for a in exchange.read(str(tmp_path / "d.jsonl"), TASKS, Layout()).annotations] == ["anna"]
    with zipfile.ZipFile(tmp_path / "relabelled.zip", "w") as archive:
        archive.write(tmp_path / "d.jsonl", "bruno.jsonl")
    assert [a.annotator for a in exchange.read(str(tmp_path / "relabelled.zip"), TASKS, Layout()).annotations] == [
        "bruno"
    ]
    with pytest.raises(InputError, match=r"all\.jsonl:1: two labels for stance, neutral and skeptical"):
        read_export(tmp_path, line(1, "stance:neutral", "stance:skeptical"), "all.jsonl")
    with pytest.raises(InputError, match='the label "neutral" could be stance and sentiment'):
        read_export(tmp_path, line(1, "neutral"), "anna.jsonl")
    assert read_export(tmp_path, line(1, "neutral"), "anna.jsonl", tasks=TASKS[:1]).annotations[0].annotator == "anna"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "id,annotator,stance\n1,anna,maybe\n", r'a\.csv:2: the stance "maybe" is no label of the task'),
        ("a.csv", "id,annotator,stance\n1,,neutral\n", r"a\.csv:2: no annotator"),
        ("a.csv", "id,annotator,stance\n,anna,neutral\n", r"a\.csv:2: no id"),
        ("a.csv", "id,annotator,stance\n1,a,neutral\n1,a,neutral\n", r'a\.csv:3: "a" labels the id "1" already at .*a\.csv:2'),
        ("a.csv", "id,annotator,mood\n1,a,x\n", "no column stance or sentiment among id, annotator, mood"),
        ("a.csv", "id,annotator,stance,flag\n1,a,neutral,perhaps\n", 'flag is "perhaps"; it must be true or false'),
        ("a.csv", "id,annotator,stance,text\n1,a,neutral,x\n1,b,neutral,y\n", 'the id "1" has another text than before'),
        ("a.json", "[", "is no whole JSON file"),
        ("a.json", "[3]", "task 1 is no object"),
        ("a.json", '[{"x": 1}]', "neither data nor a text"),
        ("a.json", json.dumps(export({"completed_by": 1, "result": [choice("stance", "neutral", "skeptical")]})), "stance has several choices"),
        ("a.json", json.dumps(export({"completed_by": 1, "result": [choice("stance", "good")]})), 'task 1: the stance "good" is no label'),
        ("a.json", json.dumps(export({"result": [choice("stance", "neutral")]})), "task 1: no annotator"),
        ("a.json", json.dumps(export(data={"text": "x", "statement": "{"})), 'the field "statement" was changed'),
        ("a.jsonl", '{"text": "x", "id": 1, "label": ["good"]}\n', '"good" is no label here'),
        ("a.zip", "no zip", "is no whole zip file"),
    ],
)  # fmt: skip
def test_bad_exports_are_one_sentence(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message) as error:
        read_export(tmp_path, content, name)
    assert "\n" not in str(error.value)


shapes = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["data", "annotations", "text", "result", "from_name", "value", "choices", "label", "annotation", "statement", "stance", "id", "completed_by", "Comments"]),
        inner,
        max_size=5,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(shapes, max_size=3), st.sampled_from(["a.json", "a.jsonl"]))
def test_no_shape_of_json_is_a_traceback(content, name):
    text = (
        json.dumps(content)
        if name == "a.json"
        else "\n".join(json.dumps({"text": "x", "label": [], **c} if isinstance(c, dict) else c) for c in content)
    )
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(text, encoding="utf-8")
        with suppress(InputError):
            exchange.read(str(Path(folder) / name), TASKS, Layout())


LABELLED = ({"stance": "neutral"}, {"stance": "skeptical"})
FOREIGN = {
    "tasks.json": json.dumps(
        [
            {
                "data": {"text": f"Text {i}."},
                "annotations": [
                    {
                        "completed_by": {"email": "anna"},
                        "result": [{"from_name": "stance", "value": {"choices": [said["stance"]]}}],
                    }
                ],
            }
            for i, said in enumerate(LABELLED)
        ]
    ),
    "min.json": json.dumps([{"text": f"Text {i}.", "annotator": "anna", **said} for i, said in enumerate(LABELLED)]),
    "anna.jsonl": "".join(
        json.dumps({"text": f"Text {i}.", "label": [f"stance:{said['stance']}"]}) + "\n"
        for i, said in enumerate(LABELLED)
    ),
    "from_0.jsonl": "".join(
        json.dumps({"id": i, "text": f"Text {i}.", "label": [f"stance:{said['stance']}"]}) + "\n"
        for i, said in enumerate(LABELLED)
    ),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_no_label_is_lost_of_tasks_without_ids(name, tmp_path):
    (tmp_path / name).write_text(FOREIGN[name], encoding="utf-8")
    given = exchange.read(str(tmp_path / name), TASKS, Layout())
    texts = {annotation.labels["stance"]: given.statements[annotation.id].text for annotation in given.annotations}
    assert texts == {"neutral": "Text 0.", "skeptical": "Text 1."}


@pytest.mark.parametrize(("export", "name"), [("labelstudio", "t.json"), ("doccano", "t.jsonl"), ("table", "t.csv")])
def test_statements_without_ids_come_back_from_a_tool(export, name, tmp_path):
    (tmp_path / "in.csv").write_text("text\nText 0.\nText 1.\n", encoding="utf-8")
    read = list(read_statements([tmp_path / "in.csv"]))
    said = [Annotation(s.id, "anna", "person", "", labels) for s, labels in zip(reversed(read), LABELLED, strict=True)]
    exchange.write(tmp_path / name, export, read, said, TASKS, around={}, prelabels=False)
    given = exchange.read(str(tmp_path / name), TASKS, Layout())
    assert {a.id: a.labels for a in given.annotations} == {a.id: a.labels for a in said}
    exchange.check_known(given, {s.id: s for s in read}, "in.csv")


def test_annotators_of_several_do_not_go_into_one_doccano_file(tmp_path):
    said = [Annotation("s1", who, "person", "en", {"stance": "neutral"}) for who in ("a", "b")]
    with pytest.raises(UsageError, match=r"2 annotators do not fit into one JSONL; give output=d\.zip"):
        exchange.write(tmp_path / "d.jsonl", "doccano", [STATEMENT], said, TASKS, around={}, prelabels=False)


def test_a_sheet_says_whose_column_is_in_the_way(tmp_path):
    with pytest.raises(InputError, match='a column "comment", which the sheet needs'):
        exchange.write(
            tmp_path / "s.csv",
            "table",
            [replace(STATEMENT, extra={"comment": "x"})],
            [],
            TASKS,
            around={},
            prelabels=False,
        )


def test_a_folder_of_exports_is_read_together(tmp_path):
    for who in ("anna", "bruno"):
        said = [Annotation("s1", who, "person", "en", {"stance": "neutral"})]
        annotations.write(tmp_path / f"{who}.csv", said, TASKS)
    labelstudio.write(tmp_path / "c.json", [STATEMENT], [Annotation("s1", "c@d.e", "person", "en", {"stance": "neutral"})], TASKS, around={}, prelabels=False)  # fmt: skip
    assert {a.annotator for a in exchange.read(str(tmp_path), TASKS, Layout()).annotations} == {
        "anna",
        "bruno",
        "c@d.e",
    }
