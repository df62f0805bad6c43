"""Sections on the scores: the headline, what is confused with what, the labels, the slices."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from detente.evaluation.report.html import Section, above, details, el, paragraph, table
from detente.evaluation.report.words import (
    column,
    interval,
    language,
    number,
    p_value,
    percent,
    signed,
    thousands,
    value,
)

_SLICES = 15


def headline(split: str, by_task: Mapping[str, Any]) -> list[Markup]:
    """A sentence a task, as one would say it aloud."""
    out = []
    for task, scores in by_task.items():
        of = scores["all"]
        units = f", in {thousands(of['clusters'])} groups" if of.get("clusters", of["n"]) != of["n"] else ""
        on = f"{thousands(of['n'])} {split} statements{units}"
        said = f"{task.capitalize()}: macro-F1 {interval(of['macro_f1'])} on {on}; "
        said += f"{percent(of['accuracy']['value'])} of the labels are right."
        out.append(el("p", said, class_="headline"))
        if of.get("note"):
            out.append(el("p", of["note"], class_="warning"))
    return out


def section(split: str, by_task: Mapping[str, Any]) -> Section:
    """The scores of one split: overall, by language, by label, the confusion matrix."""
    lead = (
        "Macro-F1 is the mean over labels of the harmonic mean of precision and recall: 1 is perfect, and rare "
        "labels count as much as frequent ones. Brackets hold 95% intervals: what other statements of the same kind "
        "would give. Where statements come in groups (scenarios, documents) the interval draws whole groups."
    )
    parts: list[Markup] = []
    for task, scores in by_task.items():
        parts += [
            el("h3", task.capitalize()),
            _overall(task, scores),
            _labels(task, scores["all"]),
            _confusion(task, scores["all"]),
        ]
        if "mean_f_avg" in scores:
            parts.append(paragraph(f"F1 of the two polar labels, averaged over targets: {scores['mean_f_avg']:.4f}."))
    return Section(anchor=f"scores-{split}", title=f"Scores on {split}", lead=lead, content=tuple(parts))


def _overall(task: str, scores: Mapping[str, Any]) -> Markup:
    parts = {"all statements": scores["all"]}
    by_lang = sorted(scores.get("by_lang", {}).items(), key=lambda item: (-item[1]["n"], item[0]))
    parts |= {language(lang): of for lang, of in by_lang}
    parts |= {name or "(none)": of for name, of in scores.get("by_column", {}).items()}
    rows = [
        [
            name,
            thousands(of["n"]),
            interval(of["macro_f1"]),
            interval(of["accuracy"]),
            _plain(of["mcc"]),
        ]
        for name, of in parts.items()
    ]
    header = ["part", "statements", "macro-F1", "accuracy", "Matthews correlation"]
    return table(f"{task.capitalize()} overall and by part", header, rows)


def _plain(of: Any) -> str:
    """An interval, or the bare figure that older runs hold."""
    return number(of) if isinstance(of, int | float) else interval(of)


def _labels(task: str, of: Mapping[str, Any]) -> Markup:
    rows = [
        [label, thousands(scores["n"]), _plain(scores["precision"]), _plain(scores["recall"]), _plain(scores["f1"])]
        for label, scores in of["labels"].items()
    ]
    header = [
        "label",
        "statements",
        "precision (right among those given it)",
        "recall (found among those that have it)",
        "F1",
    ]
    return table(f"{task.capitalize()} by label", header, rows)


def _confusion(task: str, of: Mapping[str, Any]) -> Markup:
    """The counts, shaded by their share of the row; number and share stand in the cell for those who see no shade."""
    labels = list(of["labels"])
    body = []
    for label, counts in zip(labels, of["confusion"], strict=True):
        cells = []
        for count in counts:
            share = count / max(sum(counts), 1)
            dark = share > 0.55
            style = f"background:rgba(0,114,178,{share:.2f});color:{'#fff' if dark else 'inherit'}"
            cells.append(el("td", thousands(count), el("small", f"{share:.0%}"), class_="share", style=style))
        body.append(el("tr", el("th", label, scope="row"), cells))
    head = el("tr", el("th", "gold ↓  predicted →"), [el("th", label, scope="col") for label in labels])
    caption = f"{task.capitalize()}: what is taken for what (rows are the gold labels and sum to 100%)"
    return el("div", el("table", el("caption", caption), el("thead", head), el("tbody", body)), class_="scroll")


def slices(split: str, by_task: Mapping[str, Any]) -> Section:
    """Where the classifier is worse or better than on the other statements."""
    lead = (
        "Accuracy within groups of statements against all other statements. A group is called worse or better only "
        "if the difference is clear after Holm's correction for the number of groups looked at. Groups too small to "
        "test are named so: their figures mean little."
    )
    parts: list[Markup] = []
    for task, of in by_task.items():
        clear = [row for row in of["rows"] if row["verdict"] in ("worse", "better")]
        found = f"{len(clear)} of {of['tested']} groups of at least {of['least']} statements differ clearly"
        parts += [el("h3", task.capitalize()), paragraph(f"{found}{': ' + _named(clear) if clear else ''}.")]
        caption = f"{task.capitalize()} by group of statements, least accurate first"
        parts.append(_slice_table(caption, of["rows"][:_SLICES]))
        if len(of["rows"]) > _SLICES:
            parts.append(details(f"All {len(of['rows'])} groups", _slice_table(f"{caption} (all)", of["rows"])))
        parts += [el("p", left_out, class_="lead") for left_out in of["left_out"]]
    return Section(anchor=f"slices-{split}", title=f"Groups of statements on {split}", lead=lead, content=tuple(parts))


def _named(rows: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{column(row['column'])} {value(row['column'], row['value'])} ({row['verdict']})" for row in rows)


def _slice_table(caption: str, rows: Sequence[Mapping[str, Any]]) -> Markup:
    shown = [
        [
            column(row["column"]),
            value(row["column"], row["value"]),
            _verdict(row["verdict"]),
            thousands(row["n"]),
            interval(row["accuracy"]),
            above(signed(row["difference"])),
            interval(row["macro_f1"]),
            p_value(row["p_holm"]),
        ]
        for row in rows
    ]
    header = [
        "group",
        "value",
        "verdict",
        "statements",
        "accuracy",
        "against the others, points",
        "macro-F1",
        "p (Holm)",
    ]
    return table(caption, header, shown, words=3)


def _verdict(verdict: str) -> Markup:
    shown = "not clear" if verdict == "no difference found" else verdict
    return el("span", shown, class_={"worse": "bad", "better": "good"}.get(verdict))
