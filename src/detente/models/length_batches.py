"""Batches of texts of like length, the same for a seed and an epoch however many processes share them."""

from collections.abc import Iterator, Sequence

import numpy as np

from detente.seeds import rng

_POOL = 50  # batches sorted together: less padding with more of them, less chance in who meets whom


class LengthBatches:
    """A batch sampler of torch: each process's share of every step, in `accumulate` parts.

    A step takes `batch_size * accumulate * world` rows. Rows are shuffled, sorted by length within pools of
    steps, cut into steps of equal size (give or take one row), and the steps shuffled. All of it depends on
    `seed` and `epoch` alone: set `epoch` before each. Every process gives the same number of batches; a step
    of fewer rows than parts repeats rows.
    """

    def __init__(
        self, lengths: Sequence[int], *, batch_size: int, accumulate: int, rank: int, world: int, seed: int
    ) -> None:
        self.lengths = np.asarray(lengths)
        self.parts = accumulate * world
        self.steps = -(-len(lengths) // (batch_size * self.parts))
        self.accumulate, self.rank, self.world, self.seed = accumulate, rank, world, seed
        self.epoch = 0

    def __len__(self) -> int:
        """Batches of one epoch for this process."""
        return self.steps * self.accumulate

    def __iter__(self) -> Iterator[list[int]]:
        """Positions of the rows of each batch."""
        draw = rng(self.seed, "batches", self.epoch)
        order = draw.permutation(len(self.lengths))
        bounds = np.linspace(0, len(order), self.steps + 1).round().astype(int)
        for first in range(0, self.steps, _POOL):
            low, high = bounds[first], bounds[min(first + _POOL, self.steps)]
            pool = order[low:high]
            order[low:high] = pool[np.argsort(self.lengths[pool], kind="stable")[::-1]]
        for step in draw.permutation(self.steps):
            rows = order[bounds[step] : bounds[step + 1]]
            rows = np.resize(rows, max(len(rows), self.parts))
            for part in range(self.accumulate):
                yield rows[part * self.world + self.rank :: self.parts].tolist()
