"""That members' shares of a cell are those of what its commitment holds.  Rule PV-39 (P2-12).

    Pᵢ = x_i·G + ρ_i·H        P₁ … P_n and Com = P₀ are values of one polynomial of degree t

A member publishes its Pᵢ, which are commitments and tell nothing, and signs for new cells only when
2t + 1 of them, its own among them, interpolate to Com: then t + 1 honest members do hold x and ρ.
Many cells are checked in one combination whose coefficients hash all points; a member who lies
about one of them is off it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.committee.errors import CellRefused
from private_exec.mpc.shamir import Size
from private_exec.pedersen import Opening, commit
from private_exec.transcript import coefficients, scalar_hash
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes


def points_of(shares: Sequence[Opening]) -> bytes:
    """A member's Pᵢ for each cell, 32 bytes each: what it broadcasts."""
    return b"".join(map(g1_to_bytes, commit(shares)))


def read(data: bytes, count: int) -> list[G1Affine]:
    """A member's points for so many cells; raises a DecodeError."""
    reader = Reader(data, "points of a member")
    points = [g1_from_bytes(reader.take(G1_BYTES), what=f"point {k}") for k in range(count)]
    reader.done()
    return points


def agree(
    size: Size,
    commitments: Sequence[G1Affine],
    points: Mapping[int, Sequence[G1Affine]],
    own: int,
) -> tuple[int, ...]:
    """That 2t + 1 members' points, one's own among them, interpolate to the commitments.

    Args:
        size: of the committee.
        commitments: Com of each cell.
        points: by member, as many each; members that are absent are missing.
        own: the member that asks.

    Returns:
        Who is off that polynomial, ascending: at most t can be.

    Raises:
        CellRefused: PV-39, no 2t + 1 agree.
    """
    known = {member: row for member, row in points.items() if len(row) == len(commitments)}
    short = set(points) - set(known)
    if own in known:
        combined = _combined(commitments, known)
        others = sorted(set(known) - {own})
        for dropped in range(len(known) - 2 * size.t):
            for liars in itertools.combinations(others, dropped):
                rest = tuple(m for m in (0, *sorted(known)) if m not in liars)
                if _is_codeword(rest, size.t, [combined[m] for m in rest]):
                    return tuple(sorted({*liars, *short}))
    raise CellRefused(
        "PV-39", f"no {size.quorum} members' shares make what the commitments hold", short
    )


def _combined(
    commitments: Sequence[G1Affine], points: Mapping[int, Sequence[G1Affine]]
) -> dict[int, G1Affine]:
    """Σ wₖ·(point k) for each member; for 0 of the commitments."""
    rows = {0: commitments, **points}
    data = [
        Writer().u8(member).done() + b"".join(map(g1_to_bytes, rows[member]))
        for member in sorted(rows)
    ]
    weights = coefficients(tagged_hash("private/cell/points", *data), "cell", len(commitments))
    return {member: group.sum_g1(weights, row) for member, row in rows.items()}


def _is_codeword(places: Sequence[int], degree: int, points: Sequence[G1Affine]) -> bool:
    """Whether the points are values at `places` of one polynomial of this degree.

    Σ vᵢ·f(xᵢ)·P(xᵢ) = O for all f of degree ≤ m − d − 2, vᵢ = Π_{j≠i}(xᵢ − xⱼ)⁻¹, says so; one f,
    hashed from the points, finds any other word with probability 1 − 1/r (SCRAPE, ACNS 2017).
    """
    seed = tagged_hash("private/cell/codeword", bytes(places), *map(g1_to_bytes, points))
    count = len(places) - degree - 1
    f = [scalar_hash("private/cell/codeword", seed, bytes([k])) for k in range(count)]
    weights = []
    for x, inverse in zip(places, _dual(tuple(places)), strict=True):
        value = 0
        for coefficient in f:
            value = (value * x + coefficient) % group.R
        weights.append(value * inverse % group.R)
    return group.sum_g1(weights, points) is None


@lru_cache(maxsize=4096)
def _dual(places: tuple[int, ...]) -> tuple[int, ...]:
    """Π_{j≠i}(xᵢ − xⱼ)⁻¹ for each place."""
    found = []
    for x in places:
        below = 1
        for other in places:
            if other != x:
                below = below * (x - other) % group.R
        found.append(pow(below, -1, group.R))
    return tuple(found)
