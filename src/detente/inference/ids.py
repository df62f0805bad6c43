"""Which ids a file has shown so far, in eight bytes each."""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


class SeenIds:
    """Hashes of the ids of one file, in sorted runs each at least twice as long as the next.

    Eight bytes of an id are kept: a million ids take 8 MB. That two different ids share them has a
    chance of 3 in 10^8 for a million rows, and of 3 in 100 for a billion rows of one file.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []

    def repeated(self, ids: Hashes) -> NDArray[np.bool_]:
        """Which of `ids`, in their order, are among those added or stand earlier in `ids`."""
        again = np.ones(len(ids), dtype=bool)
        again[np.unique(ids, return_index=True)[1]] = False
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, ids), len(run) - 1)
            again |= run[at] == ids
        return again

    def add(self, ids: Hashes) -> None:
        """Remember them."""
        if not len(ids):
            return
        self._runs.append(np.sort(ids))
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) > len(self._runs[-2]):
            last = self._runs.pop()
            merged = np.concatenate([self._runs.pop(), last])
            merged.sort(kind="stable")  # which merges what is sorted already
            self._runs.append(merged)

    def forget(self) -> None:
        """Begin another file."""
        self._runs.clear()
