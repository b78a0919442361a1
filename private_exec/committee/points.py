"""That members' shares of a cell are those of what its commitment holds.  Rule PV-39 (P2-12).

    Pᵢ = x_i·G + ρ_i·H        P₁ … P_n and Com = P₀ are values of one polynomial of degree t

A member publishes its Pᵢ, which are commitments and tell nothing, and signs for new cells only when
2t + 1 of them, its own among them, interpolate to Com: then t + 1 honest members do hold x and ρ.
Many cells are checked in one combination whose coefficients hash all points; a member who lies
about one of them is off it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from node.core.codec import Writer
from node.core.ids import tagged_hash
from private_exec import exponent
from private_exec.committee.errors import CellRefused
from private_exec.mpc.shamir import Size
from private_exec.pedersen import Opening, commit
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_to_bytes


def points_of(shares: Sequence[Opening]) -> bytes:
    """A member's Pᵢ for each cell, 32 bytes each: what it broadcasts."""
    return b"".join(map(g1_to_bytes, commit(shares)))


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
    rows = {exponent.ZERO: commitments, **known}
    data = (
        Writer().u8(member).done() + b"".join(map(g1_to_bytes, rows[member]))
        for member in sorted(rows)
    )
    good = exponent.standing(size, rows, tagged_hash("private/cell/points", *data))
    if good is None or own not in good:
        raise CellRefused(
            "PV-39",
            f"no {size.quorum} members' shares make what the commitments hold",
            set(points) - set(known),
        )
    return tuple(sorted(set(points) - set(good)))
