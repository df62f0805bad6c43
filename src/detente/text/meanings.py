"""Evidence by what words mean rather than by how they are written: what it teaches in one language holds in all."""

from collections.abc import Iterable

from detente.text.concepts import concept
from detente.text.lexicons import Lexicon
from detente.text.mentions import Mention
from detente.text.places import READ, View, content_from, resumes_at, tag_at
from detente.text.tokens import Token


def of_phrase(view: View, mention: Mention, lex: Lexicon) -> Iterable[str]:
    """What the words of a phrase and beside it mean; its verb and what stands over it."""
    tokens, start, end, kind = view.tokens, mention.start, mention.end, mention.kind
    places = {"-2": start - 2, "-1": start - 1, "+1": end, "+2": end + 1, "first": start, "last": end - 1}
    for name, at in places.items():
        yield f"means{name}={_meaning(tokens, at, lex)}"
    after, helped = content_from(view, resumes_at(view.tags, end), 1, lex)
    verb = concept(after, lex.lang)
    yield from (f"verb+means={verb}", f"verb+means={verb},{helped}", f"verb+means={verb},{kind}")
    yield f"verb+means={verb},{int(2 * view.relevance)}"
    before, _ = content_from(view, start - 1, -1, lex)
    yield f"verb-means={concept(before, lex.lang)}"
    yield f"means={_meaning(tokens, end - 1, lex)},{tag_at(view.tags, end)}"


def of_sentence(view: View, lex: Lexicon) -> Iterable[str]:
    """What the words of a sentence mean; those that may be verbs apart, also with how relevant it is."""
    likely = int(2 * view.relevance)
    for token, tag in zip(view.tokens[:READ], view.tags, strict=False):
        if meaning := concept(token.key, lex.lang):
            yield f"means={meaning}"
            if tag in "wvVA":
                yield from (f"verb-means={meaning}", f"verb-means={meaning},{likely}")


def _meaning(tokens: list[Token], at: int, lex: Lexicon) -> str:
    return concept(tokens[at].key, lex.lang) if 0 <= at < len(tokens) else ""
