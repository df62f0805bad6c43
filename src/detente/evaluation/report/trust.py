"""Sections on the probabilities: are they what they say, and what leaving the unsure ones out buys."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from detente.evaluation.report.drawing import reliability, risk_coverage
from detente.evaluation.report.html import Section, above, el, figure, paragraph, table
from detente.evaluation.report.words import interval, language, number, percent, signed, thousands


def calibration(split: str, by_task: Mapping[str, Any]) -> Section:
    """Reliability diagrams, calibration errors, the Brier score and its parts."""
    lead = (
        "Of the statements that were given a label with a probability of 80%, 80% should be right. Points on the "
        "dashed line are; below it the classifier is surer than right. Each point holds a tenth of the statements, "
        "bars are 95% intervals."
    )
    parts: list[Markup] = []
    for task, of in by_task.items():
        parts.append(el("h3", task.capitalize()))
        name = f"Reliability of {task} on {split}"
        caption = (
            f"{task.capitalize()}: how often labels of some probability are right ({thousands(of['n'])} statements)"
        )
        parts.append(figure(reliability(of["bins"], label=name), caption))
        parts.append(_calibration_table(task, of))
        brier = of["brier"]
        parts.append(
            paragraph(
                f"Brier score {interval(brier)} (0 is perfect): miscalibration adds {number(brier['reliability'])}, "
                f"telling statements apart takes off {number(brier['resolution'])} of the "
                f"{number(brier['uncertainty'])} that knowing nothing but the labels' shares would cost."
            )
        )
        parts += [el("p", f"{advice[:1].upper()}{advice[1:]}.", class_="warning") for advice in of["advice"]]
    return Section(
        anchor=f"calibration-{split}",
        title=f"Can the probabilities be trusted? ({split})",
        lead=lead,
        content=tuple(parts),
    )


def _calibration_table(task: str, of: Mapping[str, Any]) -> Markup:
    parts = {"all statements": of} | {language(lang): part for lang, part in of["by_lang"].items()}
    rows = [
        [
            name,
            thousands(part["n"]),
            percent(part["confidence"]),
            percent(part["accuracy"]),
            above(signed(part["gap"])),
            interval(part["ece"]),
            number(part["ece_if_calibrated"]),
        ]
        for name, part in parts.items()
    ]
    header = [
        "part", "statements", "mean probability", "right", "surer than right by, points", "expected calibration error",
        "a calibrated classifier stays below",
    ]  # fmt: skip
    return table(f"{task.capitalize()}: probability against what came true", header, rows)


def abstention(split: str, by_task: Mapping[str, Any]) -> Section:
    """Risk–coverage curves, and what the checkpoint's stored thresholds do here."""
    lead = (
        "Leaving out the statements that the classifier is least sure of makes the rest more reliable. The curve "
        "shows the share of wrong labels among those answered, from the surest statements (left) to all (right). "
        "Squares are thresholds that were chosen on dev so that at most the stated share is wrong."
    )
    parts: list[Markup] = []
    for task, of in by_task.items():
        drawing = risk_coverage(of, label=f"Error against coverage of {task} on {split}")
        caption = f"{task.capitalize()}: wrong labels among the answered, by how many are answered; 95% band"
        parts += [el("h3", task.capitalize()), figure(drawing, caption)]
        parts.append(
            paragraph(
                f"Area under the curve {interval(of['aurc'])}; an order that knew the truth would reach "
                f"{number(of['aurc_best'])}, no order at all {number(of['aurc_random'])}."
            )
        )
        if of["rates"]:
            parts.append(_rates(task, of["rates"]))
            parts.append(
                paragraph("Use one: ", el("code", "detente predict checkpoint=RUN input=… output=… abstain=0.10"))
            )
    return Section(
        anchor=f"abstention-{split}", title=f"What abstaining buys ({split})", lead=lead, content=tuple(parts)
    )


def _rates(task: str, rates: list[Mapping[str, Any]]) -> Markup:
    rows = [
        [
            f"at most {percent(rate['rate'])} wrong",
            f"{rate['threshold']:.2f}",
            thousands(rate["answered"]),
            interval(rate["coverage"], share=True),
            interval(rate["error"], share=True),
            el("span", "kept" if rate["kept"] else "broken", class_="good" if rate["kept"] else "bad"),
        ]
        for rate in rates
    ]
    header = ["promise", "answers from probability", "answered", "share answered", "wrong among them", "here"]
    return table(f"{task.capitalize()}: the checkpoint's thresholds on these statements", header, rows)
