"""Two runs on the same statements: is one better, by how much, and how many statements would tell?"""

from typing import TypedDict

from detente.evaluation.intervals import Interval


class McNemar(TypedDict):
    """Exact McNemar test of accuracy over the statements that one run alone gets right.

    `effect` is Cohen's g: the share of those that the first run gets right, minus a half.
    """

    first_only: int
    second_only: int
    p: float
    effect: float


class Pair(TypedDict):
    """Two entries of a ranking, the better first, on `part` of the statements (`all`, or `lang=en`).

    `macro_f1` and `accuracy` are differences, first minus second. `p` is of macro-F1: by approximate
    randomisation for single runs, by the bootstrap over statements and seeds for groups (`test` says
    which); `p_holm` after Holm's correction over the ranking's pairs and parts; `tied` where it is 0.05 or
    more. `more_needed` is how many statements more would tell the two apart at 80% power if the difference
    seen is the true one; 0 where these are enough, null where there is none. `mcnemar` is of single runs.
    """

    first: str
    second: str
    part: str
    n: int
    clusters: int
    macro_f1: Interval
    accuracy: Interval
    test: str
    p: float
    p_holm: float
    tied: bool
    mcnemar: McNemar | None
    more_needed: int | None


class OverSeeds(TypedDict):
    """Macro-F1 over the runs of one configuration: mean, standard deviation, extremes.

    `training` is Student's interval of the mean over seeds on these very statements (what training leaves
    to chance); `both` adds the chance in the choice of statements.
    """

    seeds: list[int]
    mean: float
    sd: float
    least: float
    most: float
    training: Interval
    both: Interval


class Entry(TypedDict):
    """A run, or the runs of one configuration with several seeds, in a ranking. Scores are the mean over runs."""

    name: str
    runs: list[str]
    macro_f1: Interval
    accuracy: Interval
    over_seeds: OverSeeds | None


class Ranking(TypedDict):
    """One task on one split: entries best first, pairs, and tiers of entries tied with the first of their tier.

    `n` statements are those that all runs were scored on; `left_out` counts the others of each run.
    """

    task: str
    split: str
    n: int
    clusters: int
    left_out: dict[str, int]
    entries: list[Entry]
    pairs: list[Pair]
    tiers: list[list[str]]


class Comparison(TypedDict):
    """What `comparison.json` holds. `folders` gives the run folder of each run's name; `notes` are warnings."""

    folders: dict[str, str]
    rankings: list[Ranking]
    notes: list[str]
