"""Explanations as one HTML page: no script, nothing loaded, readable without colour and on paper."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from detente.arrays import FloatArray
from detente.evaluation.behaviour.bias import signed
from detente.evaluation.explaining.curve import curve
from detente.evaluation.explaining.explanation import TopTerm
from detente.evaluation.explaining.faithfulness import Faithfulness
from detente.evaluation.explaining.parts import Explained, centred
from detente.evaluation.intervals import Interval
from detente.tasks import Task

_LEVELS = 4
# Words that add less than this share of the strongest word's contribution bear no number.
_NUMBERED = 0.3
_TERMS = 6


@dataclass(frozen=True, kw_only=True)
class TaskPage:
    """What the page tells of one task; `proba` are calibrated (n, labels), `top` by language, label."""

    task: Task
    explained: Sequence[Explained]
    proba: FloatArray
    words: Mapping[str, Mapping[str, Sequence[TopTerm]]]
    features: Mapping[str, Mapping[str, Sequence[TopTerm]]]
    faithful: Mapping[str, Faithfulness]


@dataclass(frozen=True, kw_only=True)
class About:
    """What is explained, how, and by which command; `gap` is the largest of all explanations, in logits."""

    title: str
    method: str
    gap: float
    command: str


def page(about: About, tasks: Sequence[TaskPage]) -> str:
    """The whole page."""
    names = " · ".join(f'<a href="#{_id(of)}">{escape(of.task.name)}</a>' for of in tasks)
    body = "\n".join(_task(of) for of in tasks)
    n = len(tasks[0].explained) if tasks else 0
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(about.title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(about.title)}</h1>
<p>{n} statements · {names}</p>
<section class="read"><h2>How to read this</h2>
<p>The score of a label is its logit less the mean over the labels: above zero it is favoured. What stands under a
word is what the word adds to the score of the label that the model chose.
<span class="u p3">For it</span><sup>+0.8</sup>: a solid line and a plus.
<span class="u m3">Against it</span><sup>−0.8</sup>: a dotted line and a minus. The thicker the line, the more; the
numbers of the strongest words are written. All words and what stands at no word sum to the score.</p>
<p>Method: {escape(about.method)}. The sums miss the model's own logits by {about.gap:.1g} at most.</p>
<p>An explanation says what moved this model, not what is true of the statement. Whether it is true of the model is
measured under “Are the explanations faithful?”.</p></section>
{body}
<footer><p>Made by <code>{escape(about.command)}</code></p></footer>
</body></html>
"""


def _task(of: TaskPage) -> str:
    parts = [f'<h2 id="{_id(of)}">{escape(of.task.name.capitalize())}</h2>', _faithful(of)]
    parts.append(_top("Words", "all that falls on a word, on average over the statements of a language", of, of.words))
    if any(terms for by_label in of.features.values() for terms in by_label.values()):
        what = "word n-grams and cues of the rules, as the linear model counts them"
        parts.append(_top("Terms of the linear model", what, of, of.features))
    parts.append("<h3>Statements</h3>")
    parts += [_statement(of, i) for i in range(len(of.explained))]
    return "\n".join(parts)


def _id(of: TaskPage) -> str:
    return "task-" + "".join(c if c.isalnum() else "-" for c in of.task.name)


def _faithful(of: TaskPage) -> str:
    if not of.faithful:
        return "<p>No statement has three words: whether the explanations are faithful cannot be measured.</p>"
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{f['n']}</td><td>{_interval(f['top'])}</td><td>{_interval(f['random'])}</td>"
        f"<td>{_interval(f['difference'])}</td></tr>"
        for name, f in of.faithful.items()
    )
    return f"""<h3>Are the explanations faithful?</h3>
<p>The words that speak most for the chosen label are deleted one after the other, and the fall of its probability is
averaged over the deletions (AOPC). Deleting as many random words is the measure to beat.</p>
<div class="wide"><table><caption>Mean fall of probability, with 95% intervals over statements</caption>
<thead><tr><th>language</th><th>n</th><th>words explained</th><th>random words</th><th>difference</th></tr></thead>
<tbody>{rows}</tbody></table></div>
{curve(of.faithful["all"])}"""


def _interval(of: Interval) -> str:
    return f"{of['value']:.3f} <small>({signed(of)})</small>"


def _top(title: str, what: str, of: TaskPage, found: Mapping[str, Mapping[str, Sequence[TopTerm]]]) -> str:
    head = "".join(f"<th>{escape(label)}</th>" for label in of.task.labels)
    rows = "".join(
        f"<tr><th>{escape(lang)}</th>{''.join(_terms(by_label[label]) for label in of.task.labels)}</tr>"
        for lang, by_label in found.items()
    )
    return f"""<h3>{escape(title)}</h3>
<div class="wide"><table class="terms"><caption>What adds most to each label: {escape(what)}.
In brackets, in how many statements it stands; only what stands in two or more is listed</caption>
<thead><tr><th>language</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"""


def _terms(terms: Sequence[TopTerm]) -> str:
    items = "".join(f"<li><b>{escape(_plain(t.term))}</b> +{t.mean:.3f} <small>({t.n})</small></li>" for t in terms)
    return f"<td><ol>{items}</ol></td>" if items else "<td>none</td>"


def _plain(term: str) -> str:
    """A feature's name in words: "cue:offers -> cooperative" is the cue “offers”."""
    kind, colon, name = term.partition(":")
    if kind == "cue":
        group, _, label = name.partition(" -> ")
        return f"cue: {group.replace('_', ' ')} ({label})"
    if kind in ("left", "right"):
        return f"“{name}” {kind} of the target"
    return f"“{name}”" if colon and kind == "word" else term


def _statement(of: TaskPage, i: int) -> str:
    one, proba = of.explained[i], of.proba[i]
    label = int(one.logits.argmax())
    scores = centred(one.contributions)[:, label] if len(one.units) else one.contributions[:, label]
    rest = {name: float(centred(value)[label]) for name, value in one.rest.items()}
    shares = ", ".join(f"{escape(name)} {p:.2f}" for name, p in zip(of.task.labels, proba, strict=True))
    given = one.statement.labels.get(of.task.name, "")
    mark = "" if not given else (" · given label: the same" if given == of.task.labels[label] else
                                 f" · <strong>given label: {escape(given)}</strong>")  # fmt: skip
    about = " · ".join(escape(v) for v in (one.statement.id, one.statement.lang, one.statement.holder) if v)
    score = float(centred(one.logits)[label])
    sums = "; ".join(f"{escape(name)} {value:+.2f}" for name, value in rest.items())
    return f"""<article><p class="about">{about}</p>
<p class="text">{_marked(one, [float(s) for s in scores])}</p>
<p><strong>{escape(of.task.labels[label])}</strong> ({shares}){mark}</p>
<p class="sum">words {sum(scores):+.2f}{_members(one, label)}; {sums}; score {score:+.2f}</p>
{_counted(one, label)}
</article>"""


def _members(one: Explained, label: int) -> str:
    """What the words get from each member of a blend; empty for a single model or member."""
    shares = [f"{escape(name)} {float(centred(value)[label]):+.2f}" for name, value in one.members.items()]
    return f" ({', '.join(shares)})" if len(shares) > 1 else ""


def _counted(one: Explained, label: int) -> str:
    """The terms that a linear model counted in a statement, the strongest first."""
    found = sorted(((float(centred(c)[label]), name) for name, c in one.features()), key=lambda pair: -abs(pair[0]))
    items = "".join(f"<li>{escape(_plain(name))} {value:+.2f}</li>" for value, name in found[:_TERMS])
    return f"<details><summary>strongest terms</summary><ul>{items}</ul></details>" if items else ""


def _marked(one: Explained, scores: Sequence[float]) -> str:
    """The text, each unit underlined by its sign and size."""
    text, strongest, parts, at = one.statement.text, max((abs(s) for s in scores), default=0.0), [], 0
    for (start, end), score in zip(one.units, scores, strict=True):
        parts.append(escape(text[at:start]))
        at = end
        share = abs(score) / strongest if strongest else 0.0
        level = min(_LEVELS - 1, int(share * _LEVELS))
        sign = "p" if score >= 0 else "m"
        number = f"<sup>{'+' if score >= 0 else '−'}{abs(score):.2f}</sup>" if share >= _NUMBERED else ""
        parts.append(f'<span class="u {sign}{level}" title="{score:+.3f}">{escape(text[start:end])}</span>{number}')
    return "".join([*parts, escape(text[at:])])


# Blue and vermilion of Okabe & Ito: told apart by every kind of colour vision, and by line and sign without any.
_STYLE = """
:root{color-scheme:light dark;--for:#0072b2;--against:#d55e00;--line:#8888}
@media (prefers-color-scheme:dark){:root{--for:#56b4e9;--against:#e69f00}}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{margin-top:2.5rem}article{border-top:1px solid var(--line);padding:.6rem 0;break-inside:avoid}
.text{font-size:1.1rem;line-height:2.1}.about,.sum,caption,small,figcaption{opacity:.8;font-size:.85rem}
p.sum{margin:.2rem 0}.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0}caption{text-align:left}
th,td{padding:.25rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
td ol{margin:0;padding-left:1.2rem}sup{font-size:.65rem;line-height:0}
.u{border-bottom:0 solid var(--for);padding-bottom:1px}
.p1{border-bottom-width:2px}.p2{border-bottom-width:4px}.p3{border-bottom-width:6px}
.m1,.m2,.m3{border-bottom-style:dotted;border-bottom-color:var(--against)}
.m1{border-bottom-width:2px}.m2{border-bottom-width:4px}.m3{border-bottom-width:6px}
.p1+sup,.p2+sup,.p3+sup{color:var(--for)}.m1+sup,.m2+sup,.m3+sup{color:var(--against)}
svg{max-width:100%;height:auto}figure{margin:1rem 0}details ul{margin:.2rem 0}
@media print{body{max-width:none;font-size:11pt}details{display:none}}
"""
