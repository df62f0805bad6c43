"""Other words for the same office: "the head of state" is the president, "il capo del governo" the premier."""

from collections.abc import Sequence

# The beginnings of the words of an epithet -> the beginnings of the roles that it stands for.
_OFFICES = {
    ("head", "state"): ("presi",),
    ("capo", "stato"): ("presi",),
    ("глав", "госуд"): ("прези",),
    ("jefe", "estado"): ("presi",),
    ("chef", "état"): ("prési",),
    ("staats",): ("präsi",),
    ("head", "gover"): ("premi", "prime", "chanc"),
    ("capo", "gover"): ("premi", "presi", "cance"),
    ("глав", "прави"): ("премь",),
    ("capo", "cremlino"): ("presi",),
    ("глав", "кремл"): ("прези",),
    ("capo", "diplomazia"): ("minis", "segre"),
    ("глав", "дипло"): ("минис", "госсе"),
    ("глав", "диплом"): ("минис", "госсе"),
    ("top", "diplomat"): ("minis", "secre"),
    ("capo", "pentagono"): ("segre",),
}
# A role in general -> roles that are of its kind.
_KINDS = {
    **dict.fromkeys(("lawma", "legis"), ("senat", "congr", "repre", "deput")),
    **dict.fromkeys(("parla",), ("deput", "senat")),
    **dict.fromkeys(("парла", "закон", "полит"), ("депут", "сенат", "конгр")),
    **dict.fromkeys(("repub", "democ"), ("senat", "congr", "repre", "deput")),
    **dict.fromkeys(("респу", "демок"), ("сенат", "конгр")),
    **dict.fromkeys(("диплом", "дипло"), ("посол", "посла", "предс", "замми", "минис", "офици")),
    **dict.fromkeys(("diplo",), ("ambas", "envoy", "minis", "deput", "porta", "spoke", "invia")),
    **dict.fromkeys(("manag", "execu", "dirig", "boss"), ("chief", "ceo", "direc", "diret", "presi", "ammin")),
    **dict.fromkeys(("бизне", "предп", "милли", "олига"), ("владе", "совла", "основ", "акцио")),
    **dict.fromkeys(("tycoo", "billi", "magna", "oliga"), ("owner", "found", "propr", "fonda", "presi", "numer")),
    **dict.fromkeys(("expert", "esper", "speci"), ("analy", "anali", "profe", "econo", "resea", "ricer")),
    **dict.fromkeys(("экспе", "спици", "специ", "собес"), ("анали", "профе", "эконо", "научн", "партн", "консу")),
    **dict.fromkeys(("топ-м", "руков", "менед"), ("гендир", "генди", "дирек", "глава", "прези", "предс")),
    **dict.fromkeys(("spoke",), ("press",)),
}


def synonyms(keys: Sequence[str]) -> frozenset[str]:
    """The beginnings of the roles that the words of a phrase may stand for."""
    found: set[str] = set()
    for words, roles in _OFFICES.items():
        if all(any(k.startswith(word) for k in keys) for word in words):
            found.update(roles)
    for word in keys:
        found.update(_KINDS.get(word[:5], ()))
    return frozenset(found)
