"""The most confident mistakes, in their words: what a reader of the table wants to see next."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from detente.evaluation.report.html import Section, el, paragraph
from detente.evaluation.report.words import language, percent, thousands

_SHOWN = 12


def section(split: str, rows: Sequence[Mapping[str, Any]], tasks: Mapping[str, Sequence[str]]) -> Section:
    """Of each task the mistakes with the highest probability. `rows` are those of a predictions file."""
    lead = (
        "Statements whose label is wrong though the classifier was sure. Some show what it cannot read, some that "
        "the gold label can be argued with: both are worth knowing before trusting a figure."
    )
    parts: list[Markup] = []
    for task in tasks:
        wrong = [r for r in rows if r.get(f"given_{task}") and r[f"given_{task}"] != r[task]]
        wrong.sort(key=lambda row: (-row[f"{task}_confidence"], str(row.get("id"))))
        parts.append(el("h3", task.capitalize()))
        labelled = sum(bool(r.get(f"given_{task}")) for r in rows)
        parts.append(
            paragraph(
                f"{thousands(len(wrong))} of {thousands(labelled)} statements are labelled wrong; the surest first."
            )
        )
        parts += [_mistake(task, row) for row in wrong[:_SHOWN]]
    return Section(anchor=f"mistakes-{split}", title=f"The surest mistakes on {split}", lead=lead, content=tuple(parts))


def _mistake(task: str, row: Mapping[str, Any]) -> Markup:
    about = [language(row["lang"])] if row.get("lang") else []
    about += (
        [f"held by {row.get('holder_name') or row.get('holder')}"]
        if row.get("holder_name") or row.get("holder")
        else []
    )
    about += [f"{row['source']}"] if row.get("source") else []
    about += [f"{row['date']}"] if row.get("date") else []
    about += [f"about {row['target']}"] if row.get("target") else []
    said = [
        "gold ", el("strong", row[f"given_{task}"]), ", predicted ", el("strong", row[task]),
        f" at {percent(row[f'{task}_confidence'])}", f" · {' · '.join(map(str, about))}" if about else "",
        f" · {row['id']}" if row.get("id") else "",
    ]  # fmt: skip
    return el("blockquote", el("p", row["text"], lang=row.get("lang") or None), el("p", said, class_="meta"))
