"""What speaks for and against each reading of who holds a sentence: named features of a phrase in its place.

A reading is a phrase of the sentence, the author, or the voice heard before. Every feature is the name of
something that holds; the weights in `weights/holders.json` say what it counts. Most features come twice:
once for all languages and once, with its language before it, for its own.
"""

from collections.abc import Iterable, Sequence

from detente.text import meanings
from detente.text.lexicons import Lexicon
from detente.text.mentions import Mention
from detente.text.places import ENDING, READ, STEM, View, content_from, ending_at, resumes_at, tag_at, word_at
from detente.text.voices import AUTHOR

_SHORT = 5
_INSERTION = 32
# The marks that open an insertion, and those that may close it.
_INSERTS = {",": ",", "(": ")", "—": "—,", "–": "–,"}
_SUBORDINATE = frozenset(
    ("that", "which", "who", "whom", "if", "che", "cui", "se", "quale", "что", "чтобы", "если", "который", "которая")
)


def of_phrase(view: View, mention: Mention, rank: int, lex: Lexicon) -> list[str]:
    """What holds of a phrase: its kind, its neighbours, the verb beside it, what the grammar says of it."""
    said, kind, likely = _grammar(view, mention), mention.kind, int(3 * view.relevance)
    right = tag_at(view.tags, mention.end)
    found = [
        "bias",
        f"kind={kind}",
        f"rank={min(rank, 3)}",
        f"grammar={said}",
        f"grammar={said},{kind}",
        *_beside(view, mention),
        *_governs(view, mention, rank, lex),
        *_clause(view, mention),
        *_resumed(view, mention),
        *_verbs(view, mention),
        *(f"state={name},{kind}" for name in view.state),
        *(f"state={name},{said}" for name in view.state),
        *_opens(view, mention),
        f"relevant={likely},{kind},{right}",
        f"relevant={likely},{said}",
        f"relevant={likely},{rank == 0}",
    ]
    if view.headline:
        found += [f"headline,{kind}", f"headline,{right}", f"headline,{tag_at(view.tags, mention.start - 1)}"]
    return _twice(found, lex.lang) + list(meanings.of_phrase(view, mention, lex))


def _beside(view: View, mention: Mention) -> list[str]:
    """The words of a phrase and those before and after it: their classes, beginnings and endings."""
    tokens, tags, kind = view.tokens, view.tags, mention.kind
    start, end = mention.start, mention.end
    left = [tag_at(tags, i) for i in (start - 3, start - 2, start - 1)]
    right = [tag_at(tags, i) for i in (end, end + 1, end + 2)]
    words = [word_at(tokens, i) for i in (start - 2, start - 1, end, end + 1)]
    return [
        f"left={left[2]}",
        f"left2={left[1]}{left[2]}",
        f"left3={''.join(left)}",
        f"right={right[0]}",
        f"right2={right[0]}{right[1]}",
        f"right3={''.join(right)}",
        f"around={left[2]}_{right[0]},{kind}",
        f"around2={left[1]}{left[2]}_{right[0]}{right[1]}",
        f"word-2={words[0]}",
        f"word-1={words[1]}",
        f"word-1={words[1]},{left[1]}",
        f"word+1={words[2]}",
        f"word+2={words[3]}",
        f"ending+1={ending_at(tokens, end)}",
        f"ending+1={ending_at(tokens, end)},{left[2]}",
        f"ending-1={ending_at(tokens, start - 1)},{right[0]}",
        f"first={tokens[start].key[:STEM]}",
        f"last={tokens[end - 1].key[:STEM]}",
        f"size={min(end - start, 6)}",
        f"case={tokens[start].key[-2:]},{tokens[end - 1].key[-2:]}",
        f"case={tokens[end - 1].key[-2:]},{kind},{right[0]}",
    ]


def _opens(view: View, mention: Mention) -> Iterable[str]:
    """Whether a phrase opens its sentence, perhaps after a preposition, and what governs it."""
    tags, kind, start = view.tags, mention.kind, mention.start
    right, before = tag_at(tags, mention.end), word_at(view.tokens, start - 1)
    begins = next((i for i, tag in enumerate(tags) if tag not in "#—–-«"), 0)
    if start == begins:
        after = f"{right}{tag_at(tags, mention.end + 1)}"
        yield from ("opens", f"opens,{kind}", f"opens,{right}", f"opens,{after},{kind}")
    elif start == begins + 1:
        yield from (f"second={before},{kind}", f"second={before},{right}")
    if tag_at(tags, start - 1) in "PC":
        ending = _main_ending(view)
        yield from (f"governed={before},{ending},{kind}", f"governed={before},{ending}")
    yield f"figures={_figures(tags)},{kind},{start == begins}"


def _main_ending(view: View) -> str:
    """How the first reporting verb, else the first deed, of a sentence ends."""
    at = next((i for name in "VAv" for i, tag in enumerate(view.tags) if tag == name), -1)
    return view.tokens[at].key[-2:] if at >= 0 else ""


def _figures(tags: list[str]) -> str:
    return f"{min(tags.count('#'), 3)}{'%' if '%' in tags else ''}"


def _governs(view: View, mention: Mention, rank: int, lex: Lexicon) -> Iterable[str]:
    """The verb that a phrase may be the subject of: what follows it, over auxiliaries, adverbs and an insertion."""
    inserted = tag_at(view.tags, mention.end) == ","
    verb, helped = content_from(view, resumes_at(view.tags, mention.end), 1, lex)
    yield from (f"verb+{verb[:STEM]}", f"verb+ending={verb[-ENDING:]},{helped}", f"verb+{helped},{inserted}")
    yield f"verb+ending={verb[-ENDING:]},{mention.kind},{mention.start == 0}"
    yield f"verb+ending={verb[-2:]},{mention.kind},{rank == 0}"
    yield f"verb+ending={verb[-2:]},{helped},{view.headline}"
    verb, helped = content_from(view, mention.start - 1, -1, lex)
    yield from (f"verb-{verb[:STEM]}", f"verb-ending={verb[-ENDING:]},{helped}", f"verb-{helped}")


def _resumed(view: View, mention: Mention) -> Iterable[str]:
    """What follows after an insertion: "Novatek, the majority owner, | has hired"; "X, who buys in Y, Va., | said"."""
    tags, end = view.tags, mention.end
    if tag_at(tags, end) not in _INSERTS:
        return
    closers = _INSERTS[tags[end]]
    opening = view.tokens[end + 1].key[:STEM] if end + 1 < len(tags) else ""
    for i in range(end + 2, min(len(tags) - 1, end + _INSERTION)):
        if tags[i] in closers and tags[i + 1] in "VAXv":
            at = next((j for j in range(i + 1, min(i + 5, len(tags))) if tags[j] not in "XsH"), i + 1)
            yield from (f"resumes={tags[i + 1]}", f"resumes={tags[i + 1]},{mention.kind},{mention.start == 0}")
            yield from (f"resumes,{opening}", f"resumes-verb={view.tokens[at].key[:STEM]}", f"resumes-tag={tags[at]}")
            return
    yield f"resumes=no,{mention.kind}"


def _grammar(view: View, mention: Mention) -> str:
    """What the grammar takes a phrase for: the chosen voice, another voice, or none."""
    for cue in ([view.chosen] if view.chosen else []) + view.cues:
        other = cue.mention
        if other is not None and other.start < mention.end and mention.start < other.end:
            first = next((c for c in view.cues if c.mention is not None), cue)
            chosen = "other" if cue != view.chosen else "chosen" if cue == first else "inner"
            return f"{chosen}-{cue.kind}{'-weak' if cue.weak else ''}"
    return "none"


def _clause(view: View, mention: Mention) -> list[str]:
    """Where in its clause a phrase stands: under a linking word, governed by a preposition, beside direct speech."""
    tokens, tags = view.tokens, view.tags
    start, end = mention.start, mention.end
    begin = start
    while begin > 0 and tags[begin - 1] not in (",", "—", "–", ":", ";", "Q", "("):
        begin -= 1
    opening = [t.key for t in tokens[begin : min(start, begin + 3)]]
    linked = next((k for k in opening if k in _SUBORDINATE), "")
    found = [f"linked={linked}", f"into={min(start - begin, 5)}"]
    marks = sum(tag in (",", ";", ":", "—", "–") for tag in tags[:start])
    found.append(f"marks={min(marks, 3)}")
    quotes = [i for i, tag in enumerate(tags) if tag == "Q"]
    if quotes:
        gap = min((start - q if q < start else q - end + 1) for q in quotes)
        side = "after" if min(quotes, key=lambda q: abs(q - start)) < start else "before"
        found += [f"speech={side}{min(gap, 6)}", f"speech={side}{min(gap, 6)},{mention.kind}"]
    closing = end >= len(tokens) or (end == len(tokens) - 1 and tags[end] in (".", "!", "…"))
    found.append(f"closes={closing},{tags[start - 1] if start else '^'}")
    return found


def _verbs(view: View, mention: Mention) -> list[str]:
    """The reporting verb or deed nearest to a phrase, how far it stands and what lies between."""
    tags = view.tags
    found = []
    for name in ("V", "A", "S", "v"):
        after = next(
            (i - mention.end for i in range(mention.end, min(len(tags), mention.end + 9)) if tags[i] == name), 9
        )
        before = next(
            (
                mention.start - 1 - i
                for i in range(mention.start - 1, max(-1, mention.start - 10), -1)
                if tags[i] == name
            ),
            9,
        )
        between = tags[mention.end : mention.end + after] if after < 9 else []
        behind = tags[mention.start - before : mention.start] if 0 < before < 9 else []
        found += [
            f"{name}+{after}",
            f"{name}-{before}",
            f"{name}+{'|'.join(sorted(set(between)))}" if after < 9 else f"{name}+no",
            f"{name}-{'|'.join(sorted(set(behind)))}" if before < 9 else f"{name}-no",
        ]
    return found


def of_nobody(view: View, kinds: Sequence[str], lex: Lexicon) -> list[str]:
    """What speaks for the author."""
    return [
        *_twice(["nobody", *(f"nobody,{name}" for name in whole(view, kinds))], lex.lang),
        *(f"nobody,{name}" for name in meanings.of_sentence(view, lex)),
    ]


def of_before(view: View, kinds: Sequence[str], lex: Lexicon) -> list[str]:
    """What speaks for the voice heard before: a continued quote, a dropped subject."""
    return [
        *_twice(["before", *(f"before,{name}" for name in whole(view, kinds))], lex.lang),
        *(f"before,{name}" for name in meanings.of_sentence(view, lex)),
    ]


def whole(view: View, kinds: Sequence[str]) -> Iterable[str]:
    """What holds of a sentence as a whole."""
    tokens, tags, chosen = view.tokens, view.tags, view.chosen
    said = "none"
    if chosen is not None:
        said = f"{chosen.kind}{'-weak' if chosen.weak else ''},{chosen.mention.kind if chosen.mention else 'unsaid'}"
    yield f"grammar={said}"
    for cue in view.cues[:1]:
        yield f"cue={cue.kind},{cue.mention.kind if cue.mention else 'unsaid'},{cue.weak}"
    for tag in "QVASX?:Hv":
        yield f"{tag}={tag in tags}"
    yield f"speech={'Q' in tags},{'V' in tags}"
    yield f"verb={'V' in tags},{'A' in tags},{'Q' in tags}"
    yield f"opens={word_at(tokens, 0)}"
    yield f"opens2={tag_at(tags, 0)}{tag_at(tags, 1)}"
    yield f"opens3={tag_at(tags, 0)}{tag_at(tags, 1)}{tag_at(tags, 2)}"
    yield f"ending={ending_at(tokens, 0)}"
    yield f"only={all(t in 'Q.,!?—–' for t in tags)}"
    yield f"relevant={int(4 * view.relevance)}"
    yield f"relevant={int(4 * view.relevance)},{said}"
    yield f"asks={bool(tokens) and tokens[-1].text == '?'}"
    yield f"own={any(t.key in AUTHOR for t in tokens)}"
    yield f"headline={view.headline}"
    yield f"long={min(len(tokens) // 8, 4)}"
    yield f"figures={_figures(tags)}"
    yield f"figures={_figures(tags)},{said}"
    yield f"names={min(sum(k in ('person', 'role') for k in kinds), 2)}"
    for name in view.state:
        yield f"state={name}"
        yield f"state={name},{said}"
        yield f"state={name},{'Q' in tags},{'V' in tags}"
    yield f"deed={'A' in tags or 'v' in tags},{int(2 * view.relevance)},{any(k in ('actor', 'org') for k in kinds)}"
    for token, tag in zip(tokens[:READ], tags, strict=False):
        if tag in "wvVA" and len(token.key) >= _SHORT - 1:
            yield f"word={token.key[:STEM]}"


def _twice(found: list[str], lang: str) -> list[str]:
    return found + [f"{lang}:{name}" for name in found]
