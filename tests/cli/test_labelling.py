"""label, select and suspects as a user types them."""

import csv
import json
from dataclasses import replace

import pytest

from detente.files import write_statements
from detente.labelling import codebook, rules
from tests.llm_server import GOOD, serve


@pytest.fixture
def corpus(tmp_path, statements):
    write_statements(tmp_path / "in.jsonl", [s for s in statements if s.split == "train"])
    return tmp_path


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_of_functions_is_shown_for_labelled_input_and_written_on_demand(run, corpus):
    status, out, err = run("label", "input=in.jsonl", "output=out.csv", "labeller.table=table.csv")
    assert status == 0, err
    assert "votes for" in out
    table = rows_of(corpus / "table.csv")
    assert {row["lang"] for row in table} == {"all", "en", "it"}
    assert all(0 <= float(row["conflicts"]) <= float(row["overlaps"]) <= float(row["coverage"]) <= 1 for row in table)
    rows = rows_of(corpus / "out.csv")
    assert {row["codebook"] for row in rows} == {codebook.load().digest}
    (corpus / "bare.csv").write_text("text,lang\nThe senator warns,en\n", encoding="utf-8")
    assert "votes for" not in run("label", "input=bare.csv", "output=bare_out.csv")[1]


@pytest.mark.parametrize("join", ["weighted", "dawid_skene", "mace"])
def test_votes_are_joined_as_asked(join, run, corpus):
    status, _, err = run(
        "label", "input=in.jsonl", "output=out.csv", f"labeller.join={join}", "labeller.gold=in.jsonl", "batch=17"
    )
    assert status == 0, err
    rows = rows_of(corpus / "out.csv")
    assert {row["origin"] for row in rows} == {f"rules:{join}"}
    assert all(
        sum(float(row[f"stance_{x}"]) for x in ("cooperative", "skeptical", "neutral")) == pytest.approx(1)
        for row in rows
    )


def test_an_analysts_own_lexicon_and_codebook_count(run, corpus):
    (corpus / "lex").mkdir()
    text = (rules.LEXICONS / "en.toml").read_text(encoding="utf-8")
    text += '\n[group.mine]\ntask = "stance"\nlabel = "skeptical"\nweight = 50\ncues = ["the"]\n'
    (corpus / "lex" / "EN.toml").write_text(text, encoding="utf-8")
    book = codebook.SHIPPED.read_text(encoding="utf-8").replace('version = "1.0"', 'version = "2.0"')
    (corpus / "book.toml").write_text(book, encoding="utf-8")
    status, _, err = run("label", "input=in.jsonl", "output=out.csv", "labeller.lexicons=lex", "codebook=book.toml")
    assert status == 0, err
    english = [row for row in rows_of(corpus / "out.csv") if row["lang"] == "en"]
    assert {row["stance"] for row in english} == {"skeptical"}
    assert {row["codebook"] for row in english} == {codebook.load(corpus / "book.toml").digest}
    assert codebook.load(corpus / "book.toml").digest != codebook.load().digest


def test_a_dry_run_sends_nothing_and_a_run_with_parts_joins_them(run, corpus):
    def answer(text, _):
        return "I cannot say." if "number 5" in text else GOOD

    with serve(answer) as endpoint:
        model = (f"labeller.url={endpoint.url}", "labeller.model=m", "labeller.price_in=2")
        status, out, err = run("label", "input=in.jsonl", "output=out.csv", "labeller=llm", *model, "dry_run=true")
        assert status == 0, err
        assert "Nothing was sent" in out
        assert "120 statements, 0 answers already" in out
        assert "## Stance: decide in this order" in out
        assert not endpoint.asked
        assert not (corpus / "out.csv").exists()
        parts = [argument.replace("labeller.", "labeller.parts.llm.") for argument in model]
        status, out, err = run(
            "label", "input=in.jsonl", "output=out.csv", "labeller=joined", "labeller.parts=[rules,llm]", *parts
        )
        assert status == 0, err
        assert ", cost 0." in out
        rows = rows_of(corpus / "out.csv")
        assert len(rows) == 120
        marked = [row for row in rows if "number 5" in row["text"]]
        assert marked
        assert all(row["llm_stance"] == "" and "llm: wrong answer" in row["reason"] and row["stance"] for row in marked)
        assert {row["llm_stance"] for row in rows if "number 5" not in row["text"]} == {"skeptical"}
        status, out, err = run("label", "input=in.jsonl", "output=alone.jsonl", "labeller=llm", *model)
        assert status == 0, err
        assert f"{len(marked)} statements have no label" in out
        alone = [json.loads(line) for line in (corpus / "alone.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [row["stance_confidence"] for row in alone if row["reason"]] == [None] * len(marked)
        assert {row["stance"] for row in alone if row["reason"]} == {""}


@pytest.mark.parametrize("gold", [False, True])
def test_a_dry_run_of_a_fitted_join_sends_nothing_and_tells_what_is_asked(gold, run, corpus):
    rows = [{"id": f"g{i}", "text": f"Rosneft welcomes deal {i}.", "lang": "en"} for i in range(9)]
    rows = [row | {"stance": "neutral", "sentiment": "neutral"} for row in rows]
    (corpus / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with serve(lambda *_: GOOD) as endpoint:
        given = ["label", "input=in.jsonl", "output=out.csv", "labeller=joined", "labeller.parts=[rules,llm]"]
        given += [f"labeller.parts.llm.url={endpoint.url}", "labeller.parts.llm.model=m", "labeller.join=dawid_skene"]
        given += ["labeller.gold=gold.jsonl"] if gold else []
        status, out, err = run(*given, "labeller.parts.llm.dry_run=true")
        assert status == 0, err
        assert not endpoint.asked
        besides = " and 9 of gold to fit the join on" if gold else ""
        assert f"120 statements{besides}, 0 answers already" in out
        assert run(*given)[0] == 0
        assert len(endpoint.answered) == (129 if gold else 120)
        out = run(*given, "labeller.parts.llm.dry_run=true")[1]
        assert f", {129 if gold else 120} answers already in" in out
        assert "about 0 tokens in" in out


def test_select_ranks_by_a_checkpoint_and_says_when_to_stop(run, corpus, statements):
    write_statements(corpus / "pool.jsonl", [replace(s, labels={}) for s in statements if s.split == "dev"])
    for seed in (1, 2, 3, 4):
        train = ("train", "data=files", "data.train=in.jsonl", "model=majority", "tracking=none", f"seed={seed}")
        assert run(*train, f"hydra.run.dir=r{seed}")[0] == 0
    status, out, err = run(
        "select", "input=pool.jsonl", "output=next.csv", "checkpoint=r1", "previous=[r2,r3,r4]", "n=10"
    )
    assert status == 0, err
    assert "stabilising predictions stop at 0.99: stop" in out
    rows = rows_of(corpus / "next.csv")
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert {row["predicted_stance"] for row in rows} <= {"cooperative", "skeptical", "neutral"}
    status, out, err = run("select", "input=pool.jsonl", "output=cold.jsonl", "n=5")
    assert status == 0, err
    assert "ranked by density" in out
    mixed = [replace(s, labels={}) if i < 4 else s for i, s in enumerate(statements)]
    write_statements(corpus / "mixed.jsonl", mixed)
    assert run("select", "input=mixed.jsonl", "output=next.csv", "strategy=random")[0] == 0
    assert {row["text"] for row in rows_of(corpus / "next.csv")} <= {s.text for s in statements[:4]}
    status, _, err = run("select", "input=pool.jsonl", "output=next.csv", "labelled=pool.jsonl")
    assert (status, "is labelled already; give others" in err) == (1, True)
    assert "too early" in run("select", "input=pool.jsonl", "output=next.csv", "checkpoint=r1", "previous=[r2]")[1]


def test_suspects_names_a_planted_error(run, corpus, statements):
    kept = [s for s in statements if s.split == "train"]
    kept[7] = replace(
        kept[7], labels={"stance": "cooperative" if kept[7].labels["stance"] != "cooperative" else "skeptical"}
    )
    write_statements(corpus / "planted.jsonl", kept)
    status, out, err = run("suspects", "input=planted.jsonl", "output=suspects.csv", "task=stance")
    assert status == 0, err
    first = rows_of(corpus / "suspects.csv")[0]
    assert (first["id"], first["given"]) == (kept[7].id, kept[7].labels["stance"])
    assert kept[7].id in out


MISTAKES = [
    (["label", "labeller=llm", "labeller.model=x"], 2, "labeller.url is not given"),
    (["label", "labeller=llm", "labeller.url=nowhere", "labeller.model=x"], 2, "must be like http://"),
    (["label", "labeller=joined"], 2, "joins two labellers or more"),
    (["label", "labeller=joined", "labeller.parts=[rules,lmm]"], 2, "lmm is not known"),
    (["label", "labeller.join=mase"], 2, 'did you mean "mace"'),
    (["label", "labeller.lexicons=empty"], 2, "holds no <lang>.toml"),
    (["label", "labeller.lexicons=broken"], 1, "en.toml is no TOML file"),
    (["label", "labeller.lexicons=misnamed"], 2, "my_cues.toml: the name must be a language code"),
    (["label", "codebook=missing.toml"], 1, "missing.toml is no file"),
    (
        ["label", "task=favor_against", "labeller=llm", "labeller.url=http://h/v1", "labeller.model=x"],
        2,
        "does not explain",
    ),
    (["select", "strategy=entropy"], 2, "needs checkpoint=RUN"),
    (["select", "strategy=entrpy"], 2, 'did you mean "entropy"'),
    (["suspects", "folds=1"], 2, "folds is 1"),
    (["suspects", "input=bare.csv"], 1, 'no column "stance"'),
]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"), MISTAKES, ids=lambda v: " ".join(v) if isinstance(v, list) else None
)
def test_mistakes_get_one_sentence(arguments, status, sentence, run, corpus):
    (corpus / "empty").mkdir()
    (corpus / "broken").mkdir()
    (corpus / "broken" / "en.toml").write_text("[group", encoding="utf-8")
    (corpus / "misnamed").mkdir()
    (corpus / "misnamed" / "my_cues.toml").write_bytes((rules.LEXICONS / "en.toml").read_bytes())
    (corpus / "bare.csv").write_text("text\nciao\n", encoding="utf-8")
    given = [] if any(a.startswith("input=") for a in arguments) else ["input=in.jsonl"]
    found, out, err = run(*arguments, *given, "output=y.csv")
    lines = [line for line in err.splitlines() if line.startswith("detente: ")]
    assert (found, len(lines), out) == (status, 1, ""), err
    assert sentence in lines[0]
    assert not list(corpus.glob("y.*"))


def test_a_join_that_calls_everything_one_label_is_warned_of(run, tmp_path):
    """Two cue groups against one that speaks everywhere: agreement believes the loud one."""
    (tmp_path / "lex").mkdir()
    lexicon = "negators = []\ncontrasts = []\n[prior]\nstance = 0.5\nsentiment = 0.5\n"
    for name, label, cue in (
        ("a", "neutral", "the"),
        ("b", "neutral", "project"),
        ("c", "cooperative", "welcomes"),
        ("d", "skeptical", "bans"),
    ):
        lexicon += f'[group.{name}]\ntask = "stance"\nlabel = "{label}"\ncues = ["{cue}"]\n'
    lexicon += '[group.e]\ntask = "sentiment"\nlabel = "positive"\ncues = ["the"]\n'
    for lang in ("en", "it", "ru"):
        (tmp_path / "lex" / f"{lang}.toml").write_text(lexicon, encoding="utf-8")
    verbs = ["welcomes", "bans", "notes"]
    rows = [f"Moscow {verbs[i % 3]} the project number {i},en" for i in range(60)]
    (tmp_path / "in.csv").write_text("text,lang\n" + "\n".join(rows) + "\n", encoding="utf-8")
    status, out, err = run("label", "input=in.csv", "output=out.csv", "labeller.lexicons=lex", "labeller.join=weighted")
    assert status == 0, err
    assert "take care: labeller.join=weighted calls 100% of the statements neutral (stance), though 67%" in out
    assert "take care" not in run("label", "input=in.csv", "output=out.csv", "labeller.lexicons=lex")[1]
