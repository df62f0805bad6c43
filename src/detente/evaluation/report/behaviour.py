"""Sections on behaviour: probes of what the classifier should know, and swaps that should change nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from detente.evaluation.report.html import Section, above, details, el, table
from detente.evaluation.report.words import interval, language, percent, signed, thousands

_SHOWN = 3


def probes(suites: Mapping[str, Any]) -> Section:
    """Failure rates by suite and language, worst first, with examples."""
    lead = (
        "Made-up statements that isolate one thing each, after CheckList (Ribeiro et al. 2020). Minimum "
        "functionality: the label is beyond doubt. Invariance: the change should not matter. Directional: the "
        "probability should move one way. The figure is the share of cases that fail; intervals treat cases of one "
        "template as one."
    )
    parts: list[Markup] = []
    for task in dict.fromkeys(of["task"] for of in suites.values()):
        own = {name: of for name, of in suites.items() if of["task"] == task}
        worst = sorted(own.items(), key=lambda item: -item[1]["all"]["rate"]["value"])
        langs = sorted({lang for of in own.values() for lang in of["by_lang"]}, key=lambda lang: ("+" in lang, lang))
        rows = [
            [
                name.replace("_", " "),
                of["about"],
                of["kind"],
                thousands(of["all"]["n"]),
                interval(of["all"]["rate"], share=True),
                *(percent(of["by_lang"][lang]["rate"]["value"]) if lang in of["by_lang"] else "" for lang in langs),
            ]
            for name, of in worst
        ]
        header = ["suite", "what it asks", "kind", "cases", "fail", *map(language, langs)]
        parts += [
            el("h3", task.capitalize()),
            table(f"{task.capitalize()}: share of cases that fail, worst suite first", header, rows, words=3),
        ]
        parts += [
            details(
                f"Failures of “{name.replace('_', ' ')}”", [_example(example) for example in of["examples"][:_SHOWN]]
            )
            for name, of in worst
            if of["examples"]
        ]
    return Section(anchor="probes", title="Does it read? Behaviour probes", lead=lead, content=tuple(parts))


def _example(example: Mapping[str, Any]) -> Markup:
    texts = [
        el("p", text, el("span", f" → {label}", class_="meta"), lang=_lang(example["lang"]))
        for text, label in zip(example["texts"], example["predicted"], strict=True)
    ]
    return el("blockquote", texts, el("p", f"expected: {example['expected']}", class_="meta"))


def _lang(code: str) -> str | None:
    return None if "+" in code or not code else code


def bias(swaps: Sequence[Mapping[str, Any]]) -> Section:
    """What changing the speaker's country, name or outlet does when nothing else changes."""
    lead = (
        "The same words from another mouth should get the same label. Shown is how often the label changes, and by "
        "how many points the probability of each label moves on average. A shift is marked clear if it differs from "
        "zero after Holm's correction."
    )
    parts: list[Markup] = []
    for task in dict.fromkeys(of["task"] for of in swaps):
        own = sorted((of for of in swaps if of["task"] == task), key=lambda of: -of["all"]["flips"]["rate"]["value"])
        labels = list(own[0]["all"]["shift"])
        rows = [
            [
                of["swap"].replace("->", "→"),
                of["on"],
                thousands(of["all"]["flips"]["n"]),
                interval(of["all"]["flips"]["rate"], share=True),
                *(_shift(of["all"]["shift"][label], clear=label in of["clear"]) for label in labels),
            ]
            for of in own
        ]
        header = ["swap", "made in", "cases", "label changes", *(f"{label}, points" for label in labels)]
        parts += [
            el("h3", task.capitalize()),
            table(f"{task.capitalize()}: effect of swaps, largest first", header, rows, words=2),
        ]
        parts += [
            details(
                f"Labels that change: {of['swap'].replace('->', '→')} ({of['on']})",
                [_example(example) for example in of["examples"][:_SHOWN]],
            )
            for of in own[:_SHOWN]
            if of["examples"]
        ]
    return Section(anchor="bias", title="Does the speaker matter? Swaps", lead=lead, content=tuple(parts))


def _shift(of: Mapping[str, Any], *, clear: bool) -> Markup:
    shift, interval_ = signed(of)
    return above((f"{shift} clear" if clear else shift, interval_), class_="bad" if clear else None)
