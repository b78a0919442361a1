"""Shamir's sharing among n = 3t + 1 members, of vectors.

A value is f(0) of a polynomial of degree t over Fr, member i holds f(i), i = 1 … n. Products of
shares lie on polynomials of degree 2t.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from private_exec.mpc import vectors
from private_exec.mpc.errors import Inconsistent, MalformedVector, TooFewVectors, UnfitKeys
from private_exec.sharing import lagrange
from zk.field.arrays import U64Array

SIZES: Final = (4, 7, 10, 13)
"""Of a committee: beyond it the keys of pseudo-random sharing are too many."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many members there are, and how many of them may be faulty.

    Attributes:
        t: the most that may be.
    """

    t: int

    def __post_init__(self) -> None:
        if self.n not in SIZES:
            raise UnfitKeys("PV-1", f"t = {self.t} makes no committee of {_named(SIZES)} members")

    @staticmethod
    def of(n: int) -> Size:
        """PV-1: of a committee of n.

        Raises:
            UnfitKeys: PV-1.
        """
        if n not in SIZES:
            raise UnfitKeys("PV-1", f"a committee has {_named(SIZES)} members, not {n}")
        return Size((n - 1) // 3)

    @property
    def n(self) -> int:
        return 3 * self.t + 1

    @property
    def quorum(self) -> int:
        """2t + 1: any two sets of so many share t + 1 members, so an honest one."""
        return 2 * self.t + 1

    @property
    def members(self) -> range:
        """Their points, 1 … n."""
        return range(1, self.n + 1)

    def check_member(self, member: int) -> None:
        """PV-1: a point of a member.

        Raises:
            UnfitKeys: PV-1, among others for 0, where the value lies.
        """
        if member not in self.members:
            raise UnfitKeys("PV-1", f"members are 1 … {self.n}, {member} is none")


def _named(sizes: Sequence[int]) -> str:
    return ", ".join(map(str, sizes[:-1])) + f" or {sizes[-1]}"


def deal(
    values: U64Array, size: Size, degree: int, random: Callable[[int], U64Array]
) -> list[U64Array]:
    """Shares of values, those of member 1 first.

    Args:
        values: `[m, 4]`.
        size: of the committee.
        degree: of the polynomials, at least 1 and below n.
        random: so many uniform values, secret and fresh.

    Returns:
        n vectors of m shares.
    """
    if not 1 <= degree < size.n:
        raise UnfitKeys("PV-1", f"polynomials have degree 1 … {size.n - 1}, not {degree}")
    rows = [values, *(random(len(values)) for _ in range(degree))]
    powers = [[pow(i, k, vectors.R) for k in range(degree + 1)] for i in size.members]
    return list(vectors.combinations(powers, rows))


def reconstruct(size: Size, shares: Mapping[int, U64Array], degree: int) -> U64Array:
    """The values, from shares that must all agree; nothing is corrected.

    Args:
        size: of the committee.
        shares: by member; more than `degree` of them.
        degree: of the polynomials.

    Raises:
        TooFewVectors: PV-5, no more than `degree`.
        Inconsistent: PV-5, they do not lie on polynomials of this degree.
    """
    members = present(size, shares)
    if len(members) <= degree:
        raise TooFewVectors("PV-5", f"{len(members)} shares fix no value of degree {degree}")
    basis, rest = members[: degree + 1], members[degree + 1 :]
    values: U64Array
    values, *others = extend(basis, (0, *rest), shares)
    if disagreeing(others, rest, shares) is not None:
        raise Inconsistent("PV-5", f"{len(members)} shares do not agree")
    return values


def present(size: Size, shares: Mapping[int, U64Array]) -> tuple[int, ...]:
    """Members whose shares there are, ascending; all vectors have one length (PV-2)."""
    members = tuple(sorted(shares))
    for member in members:
        size.check_member(member)
    if len({vector.shape for vector in shares.values()}) > 1:
        raise MalformedVector("PV-2", "vectors of shares differ in length")
    return members


def extend(basis: Sequence[int], points: Sequence[int], shares: Mapping[int, U64Array]) -> U64Array:
    """The polynomials through the shares of `basis`, at other points.

    Returns:
        `[len(points), m, 4]`.
    """
    matrix = _lagrange_rows(tuple(basis), tuple(points))
    return vectors.combinations(matrix, [shares[i] for i in basis])


def disagreeing(
    expected: Sequence[U64Array], members: Sequence[int], shares: Mapping[int, U64Array]
) -> int | None:
    """The first place where a member's share is not the expected one, if there is one."""
    places = [
        int((row != shares[i]).any(axis=1).argmax())
        for row, i in zip(expected, members, strict=True)
        if not vectors.same(row, shares[i])
    ]
    return min(places, default=None)


@lru_cache(maxsize=1024)
def _lagrange_rows(basis: tuple[int, ...], points: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(lagrange(basis, point)) for point in points)
