"""Anonymous sources and what tells whose they are: "two sources | familiar with it", "источник | в делегации"."""

from detente.text.lexicons import sources
from detente.text.tokens import Token


def attached(tokens: list[Token], start: int, at: int) -> bool:
    """Whether the word at a place goes on with the phrase that begins at `start` and names a source."""
    if at <= start or at + 1 >= len(tokens) or tokens[at].cap:
        return False
    known = sources()
    if not tokens[at - 1].key.startswith(known.heads):
        return False
    word, following = tokens[at].key, tokens[at + 1]
    if word in known.knowing:
        return True
    return word in known.placing and following.text[0].isalpha() and not following.key.startswith(known.circumstances)
