"""Shares of points: which of them agree, and what they say.

A member's share of P = [x]G is [f(i)]G for a polynomial f with f(0) = x. Nobody knows the f(i), so
no decoder of numbers applies; but linear relations can be tested on points. So subsets are tried:
with n ≤ 13 there are few of them, and without liars the first one is right.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from node.core.codec import Reader
from private_exec import group
from private_exec.mpc.shamir import Size
from private_exec.sharing import lagrange
from private_exec.transcript import coefficients
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes
from zk.errors import DecodeError

P = TypeVar("P")
Sum = Callable[[Sequence[int], Sequence[P]], P]
"""Σ kᵢ·Pᵢ of points of one group."""

ZERO = 0
"""Where the value of a polynomial lies; as a member of a word, a value that is known."""


def read(data: bytes, count: int) -> list[G1Affine]:
    """One member's shares of so many points, 32 bytes each; raises a DecodeError."""
    reader = Reader(data, "points of a member")
    points = [g1_from_bytes(reader.take(G1_BYTES), what=f"point {k}") for k in range(count)]
    reader.done()
    return points


def rows_of(
    bodies: Mapping[int, bytes], count: int
) -> tuple[dict[int, list[G1Affine]], frozenset[int]]:
    """Shares by member, and whose bodies are none."""
    rows = {}
    for member, body in bodies.items():
        with contextlib.suppress(DecodeError):
            rows[member] = read(body, count)
    return rows, frozenset(bodies) - frozenset(rows)


def agreeing(
    word: Mapping[int, P], degree: int, needed: int, total: Sum[P], seed: bytes
) -> tuple[int, ...] | None:
    """Members whose shares lie on one polynomial, if there are so many; all that lie on it.

    Args:
        word: shares by member; a share of `ZERO` is known to be right, and counts in `degree` only.
        degree: of the polynomial.
        needed: how many members must agree, more than `degree`.
        total: sums in the points' group.
        seed: hash of the whole word, from which one random test of all is drawn.

    Returns:
        Members, ascending, without `ZERO`; None if there are no such.
    """
    members = sorted(member for member in word if member != ZERO)
    known = [ZERO] if ZERO in word else []
    if len(members) < needed:
        return None
    if consistent(word, degree, total, seed):
        return tuple(members)
    for chosen in itertools.combinations(members, degree + 1 - len(known)):
        basis = [*known, *chosen]
        good, missing = list(chosen), len(members) - len(chosen)
        for member in members:
            if member in chosen:
                continue
            missing -= 1
            if _value(word, basis, member, total) == word[member]:
                good.append(member)
            elif len(good) + missing < needed:
                break
        if len(good) >= needed:
            return tuple(sorted(good))
    return None


def corrected(
    size: Size, rows: Mapping[int, Sequence[G1Affine]], seed: bytes
) -> tuple[list[G1Affine], set[int]] | None:
    """What shares of degree t of several points say, and who sent others.

    Args:
        size: of the committee.
        rows: by member, as many points each.
        seed: hash of all of them.

    Returns:
        The points, and the members that are off; None unless 2t + 1 members agree.
    """
    good = standing(size, rows, seed)
    if good is None:
        return None
    count = len(rows[good[0]])
    columns = [
        value_at_zero(
            {member: rows[member][k] for member in good}, good[: size.t + 1], group.sum_g1
        )
        for k in range(count)
    ]
    return columns, set(rows) - set(good)


def standing(
    size: Size, rows: Mapping[int, Sequence[G1Affine]], seed: bytes
) -> tuple[int, ...] | None:
    """Members whose shares of degree t of several points all agree, if 2t + 1 do.

    Two such sets share t + 1 members at least, so there is one.

    Args:
        size: of the committee.
        rows: by member, as many points each; at `ZERO` what is known to be right.
        seed: hash of all of them.

    Returns:
        Members, ascending, without `ZERO`; None if there are no such.
    """
    weights = coefficients(seed, "points", len(next(iter(rows.values()), ())))
    mixed = {member: group.sum_g1(weights, row) for member, row in rows.items()}
    return agreeing(mixed, size.t, size.quorum, group.sum_g1, seed)


def consistent(word: Mapping[int, P], degree: int, total: Sum[P], seed: bytes) -> bool:
    """Whether all shares lie on one polynomial; wrong with probability 2⁻¹²⁸ at most."""
    points = sorted(word)
    basis, rest = points[: degree + 1], points[degree + 1 :]
    if not rest:
        return True
    weights = dict.fromkeys(points, 0)
    for member, factor in zip(rest, coefficients(seed, "shares", len(rest)), strict=True):
        weights[member] += factor
        for base, weight in zip(basis, lagrange(basis, member), strict=True):
            weights[base] -= factor * weight
    return total([weights[i] for i in points], [word[i] for i in points]) is None


def value_at_zero(word: Mapping[int, P], members: Sequence[int], total: Sum[P]) -> P:
    """The point at 0 of the polynomial through these members' shares."""
    return _value(word, members, ZERO, total)


def _value(word: Mapping[int, P], basis: Sequence[int], at: int, total: Sum[P]) -> P:
    return total(lagrange(basis, at), [word[i] for i in basis])
