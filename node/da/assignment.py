"""Which rows a member keeps: in proportion to stake, by largest remainders (Hamilton's method).

A certificate is signed by more than two thirds of the stake, less than one third of which lies: so
at least a third is honest and keeps its rows. DA-7 asks that *every* coalition of a third holds K
rows. Rounding can break that where many members are small, and how far is a knapsack problem; with
K in the hundreds it is solved exactly.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass

import numpy as np

from node.core.committee import Committee, Member
from node.da.codec import Coding
from node.da.errors import DataRefused


@dataclass(frozen=True, slots=True)
class Assignment:
    """Rows by member.

    Attributes:
        committee: whose members they are.
        ranges: rows of each member, in the committee's order; together 0 … n − 1. May be empty.
        third: the fewest rows that a coalition with a third of the stake holds, K or more.
    """

    committee: Committee
    ranges: tuple[range, ...]
    third: int

    def rows_of(self, member_id: bytes) -> range:
        """A member's rows. Raises DataRefused (DA-8) for somebody else."""
        place = self.committee.index(member_id)
        if place is None:
            raise DataRefused("DA-8", f"{member_id.hex()[:16]}… is no member", where="committee")
        return self.ranges[place]

    def holder(self, index: int) -> Member:
        """Who keeps a row; IndexError beyond the last."""
        if not 0 <= index < self.ranges[-1].stop:
            raise IndexError(index)
        stops = [rows.stop for rows in self.ranges]
        return self.committee.members[bisect.bisect_right(stops, index)]


def assign(committee: Committee, coding: Coding) -> Assignment:
    """DA-7: n rows to the members; the same for everybody who asks.

    Raises:
        DataRefused: DA-7, some third of the stake would hold fewer than K rows.
    """
    counts = _largest_remainders([member.weight for member in committee.members], coding.n)
    third = fewest_rows(committee, counts, -(-committee.total // 3))
    if third < coding.k:
        raise DataRefused(
            "DA-7",
            f"a third of the stake holds {third} rows, {coding.k} are needed",
            where=f"committee of {len(committee.members)}",
            why="such a third could be all that is honest, and could not give the batch back",
            fix="use more rows (a larger K), or a committee without so many small members",
        )
    ranges = []
    start = 0
    for count in counts:
        ranges.append(range(start, start + count))
        start += count
    return Assignment(committee, tuple(ranges), third)


def fewest_rows(committee: Committee, counts: list[int], weight: int) -> int:
    """The fewest rows that members of together at least `weight` hold: exact, by a knapsack."""
    heaviest = np.zeros(sum(counts) + 1, dtype=np.int64)  # by rows, of coalitions with so many
    for member, count in zip(committee.members, counts, strict=True):
        if count == 0:
            heaviest += member.weight
        else:
            taken = heaviest[:-count] + member.weight
            np.maximum(heaviest[count:], taken, out=heaviest[count:])
    return int(np.argmax(heaviest >= weight))


def _largest_remainders(weights: list[int], rows: int) -> list[int]:
    """Whole parts first; what is left goes to the largest remainders, earlier members first."""
    total = sum(weights)
    counts = [weight * rows // total for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(weights[i] * rows % total), i))
    for i in order[: rows - sum(counts)]:
        counts[i] += 1
    return counts
