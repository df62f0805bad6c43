"""A table from 64-bit hashes to numbers: open addressing, filled and asked in vectorised steps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]
# Odd multipliers with well spread bits (Steele, Lea & Flood 2014 for the mixing).
_SPREAD = np.uint64(0xD1342543DE82EF95)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
# Slots a hash: with a quarter of them taken, nearly every look-up ends at its first slot.
_ROOM = 4


@dataclass(frozen=True)
class Table:
    """`hashes` and their `columns` by slot; a free slot has hash 0. The slot is the hash's upper bits, or the next."""

    hashes: Codes
    columns: NDArray[np.int32]
    shift: np.uint64


def build_table(hashes: Codes) -> Table:
    """Column i for hashes[i]. Raises ValueError if two are the same: two terms would share a column."""
    if len(np.unique(hashes)) < len(hashes):
        raise ValueError("two terms have one hash")
    bits = max(int(len(hashes) * _ROOM).bit_length(), 4)
    table = Table(np.zeros(1 << bits, np.uint64), np.zeros(1 << bits, np.int32), np.uint64(64 - bits))
    waiting, slots = np.arange(len(hashes)), _slots(hashes, table)
    while len(waiting):
        free = np.flatnonzero(table.hashes[slots] == 0)
        _, winners = np.unique(slots[free], return_index=True)
        placed = free[winners]
        table.hashes[slots[placed]] = hashes[waiting[placed]]
        table.columns[slots[placed]] = waiting[placed]
        waiting, slots = np.delete(waiting, placed), np.delete(slots, placed)
        slots = (slots + 1) % len(table.hashes)
    return table


def find(hashes: Codes, table: Table) -> NDArray[np.int32]:
    """The column of each hash, -1 for one that is not there."""
    slots = _slots(hashes, table)
    there = table.hashes[slots]
    columns = np.where(there == hashes, table.columns[slots], np.int32(-1))
    asking = np.flatnonzero((there != hashes) & (there != 0))
    slots = slots[asking]
    while len(asking):
        slots = (slots + 1) % len(table.hashes)
        there = table.hashes[slots]
        hit = there == hashes[asking]
        columns[asking[hit]] = table.columns[slots[hit]]
        on = ~hit & (there != 0)
        asking, slots = asking[on], slots[on]
    return columns


def mixed(hashes: Codes) -> Codes:
    """The finaliser of SplitMix64: every bit of the input moves half the bits of the output."""
    out = (hashes ^ (hashes >> np.uint64(30))) * _MIX[0]
    out = (out ^ (out >> np.uint64(27))) * _MIX[1]
    return np.asarray(out ^ (out >> np.uint64(31)))


def _slots(hashes: Codes, table: Table) -> NDArray[np.int64]:
    return ((hashes * _SPREAD) >> table.shift).astype(np.int64)
