"""The model card: README.md of a checkpoint, made from the numbers of its manifest."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from detente.checkpoint import Checkpoint
from detente.corpus import origins
from detente.evaluation.tables import interval
from detente.labelling import codebook
from detente.tasks import Task


def model_card(checkpoint: Checkpoint) -> str:
    """Markdown: what it predicts, how well by split and language, on what it was trained, how to use it."""
    about = checkpoint.about
    data = about["data"]
    lines = [
        f"# {about['name']}",
        "",
        _made(checkpoint),
        "",
        "## What it predicts",
        "",
    ]
    for task in checkpoint.tasks:
        target = f", towards: {task.target}" if task.target else ""
        lines.append(f"- **{task.name}**: {', '.join(f'`{label}`' for label in task.labels)}{target}")
        lines += _meanings(task)
    lines += [
        "",
        "Probabilities are calibrated by temperature scaling on dev.",
        "",
        "## How well",
        "",
    ]
    lines += _score_rows(about["metrics"])
    lines += [
        "",
        "Dev chose the temperature; test chose nothing.",
        "",
        *(line for note in _machine_labels(data) for line in (note, "")),
        "## Limits",
        "",
        "Measured on the corpus named above and nothing else: statements of other subjects, times, outlets and",
        "languages will fare worse. A label is a reading of one statement, not of its holder.",
        "",
        "## Use",
        "",
        "```",
        "detente predict checkpoint=THIS_FOLDER input=FILE_OR_FOLDER output=labelled.csv",
        "```",
        "",
        f"Data fingerprint `{data['fingerprint'][:16]}`, code commit `{about['git_commit'] or 'installed package'}`.",
        "",
    ]
    return "\n".join(lines)


def _machine_labels(data: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on labels by machine that were learnt or measured on; a card must not pass them off as people's."""
    found = data.get("machine_labels", {})
    for split, n in data["n"].items():
        if found.get(split):
            told = origins.of_training if split == "train" else partial(origins.of_measuring, what=split)
            yield f"**{told(found[split], n)}.**"


def _made(checkpoint: Checkpoint) -> str:
    about, data = checkpoint.about, checkpoint.about["data"]
    return (
        f"A `{checkpoint.family}` classifier trained by détente {about['versions']['detente']} "
        f"on {data['n']['train']} statements of the corpus `{data['name']}` (seed {about['seed']})."
    )


def _meanings(task: Task) -> list[str]:
    """What each label means, where the shipped codebook explains the task."""
    book = codebook.load()
    if not codebook.covers(book, [task]):
        return []
    meanings = book.tasks[task.name].labels
    lines = [f"  - `{label}`: {meanings[label]}" for label in task.labels]
    return [*lines, f"  - after the codebook `{book.digest}`"]


def _score_rows(metrics: Mapping[str, Any]) -> list[str]:
    """A Markdown table of the scores by task, split and language."""
    lines = [
        "| task | split | part | n | macro-F1 | 95% interval | accuracy | ECE |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for split, by_task in metrics.items():
        for name, scores in by_task.items():
            for part, of in ({"all": scores["all"]} | scores.get("by_lang", {})).items():
                macro = of["macro_f1"]
                accuracy = of["accuracy"]["value"]
                numbers = (
                    f"{of['n']} | {macro['value']:.3f} | {interval(macro)} | {accuracy:.3f} | {of['ece']['value']:.3f}"
                )
                lines.append(f"| {name} | {split} | {part} | {numbers} |")
    return lines
