"""Whose words a headline quotes, where it does not say so."""

from detente.text import people
from detente.text.lexicons import key
from detente.text.reader import Holder, Sentence
from detente.text.tokens import Token, tokenize


def settle_headline(sentences: list[Sentence], known: people.People) -> None:
    """A quote in a headline that names no speaker is taken from the speech below that shares most words.

    Over an interview it is the interviewee's also where the headline calls him by what he is.
    """
    answer = next((s.turn for s in sentences if s.turn is not None and not s.turn.asks), None)
    for sentence in sentences[:2]:
        if not sentence.pieces or (sentence.holder.name and (sentence.turn or _names(sentence, known))):
            continue
        if answer is not None:
            sentence.holder = Holder(answer.label, answer.name, "direct")
            continue
        if sentence.holder.name and (not sentence.headline or _names(sentence, None)):
            continue
        wanted = {t.key for t in _inside(sentence)}
        spoken = [s for s in sentences[2:] if s.holder.quote == "direct" and s.holder.name]
        if spoken:
            best = max(spoken, key=lambda s: len(wanted & {t.key for t in _inside(s)}))
            sentence.holder = best.holder._replace(quote="direct")


def _names(sentence: Sentence, known: people.People | None) -> bool:
    """Whether a sentence names its own holder; given the document's people, whether it names one of these."""
    words = {t.key for t in sentence.tokens}
    name = tuple(sentence.holder.name.split())
    return any(key(word) in words for word in name) and (known is None or known.knows(name))


def _inside(sentence: Sentence) -> list[Token]:
    return [t for t in tokenize(sentence.words) if len(t.key) > 3]
