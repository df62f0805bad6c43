"""Anonymous sources and what tells whose they are: "two sources | familiar with it", "источник | в делегации"."""

from detente.text.tokens import Token

_HEADS = (
    *("source", "people", "person", "official", "insider", "executive", "diplomat", "trader", "aide"),
    *("fonte", "fonti", "persona", "persone", "funzionari", "dirigent", "diplomatic"),
    *("источник", "собеседник", "чиновник", "человек", "люди", "люд", "сотрудник", "представител", "дипломат"),
)
KNOWING = frozenset(("familiar", "close", "briefed", "involved", "vicina", "vicine", "vicino", "vicini", "informata"))
_PLACING = frozenset(("в", "во", "на", "при", "из", "с"))
# With these nouns a Russian preposition tells when or where something happened, not whose the source is.
_CIRCUMSTANCES = (
    *("понедел", "вторник", "сред", "четверг", "пятниц", "суббот", "воскрес", "январ", "феврал", "март", "апрел"),
    *("мае", "июн", "июл", "август", "сентябр", "октябр", "ноябр", "декабр", "интервью", "бесед", "эфир", "ход"),
    *("кулуар", "разговор", "телеграм", "telegram", "это", "услови", "минувш", "прошл", "начал", "конц"),
)


def attached(tokens: list[Token], start: int, at: int) -> bool:
    """Whether the word at a place goes on with the phrase that begins at `start` and names a source."""
    if at <= start or at + 1 >= len(tokens) or tokens[at].cap:
        return False
    if not tokens[at - 1].key.startswith(_HEADS):
        return False
    word, following = tokens[at].key, tokens[at + 1]
    if word in KNOWING:
        return True
    return word in _PLACING and following.text[0].isalpha() and not following.key.startswith(_CIRCUMSTANCES)
