"""What a computation leaves its owner for when the committee is gone.  Rule PV-50 (P2-8).

An owner knows (x, ρ) of what he shared. Of a cell that a computation made he knows nothing, so a
result carries, before it lands, what 2t + 1 members seal to him: their shares of (x, ρ). Of those
t + 1 are of honest members, and Com tells which: others do not interpolate to what it holds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Final

from node.core.codec import Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.committee import pairs, sealing
from private_exec.committee.cells import Cell, combined
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import CellRefused
from private_exec.committee.sealing import Sealed
from private_exec.mpc.shamir import Size
from private_exec.pedersen import Opening, opens
from private_exec.sharing import lagrange
from private_exec.transcript import secret_scalar
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_to_bytes

_OWNER: Final = 0
"""The owner's place among receivers: members have 1 … n."""


def _header(record: EpochRecord, member: int, cells: Sequence[Cell], owner: G1Affine) -> bytes:
    ids = (cell.id + g1_to_bytes(cell.com) for cell in cells)
    place = Writer().u8(member).done()
    return tagged_hash("private/owner", record.digest, place, g1_to_bytes(owner), *ids)


def seal(
    record: EpochRecord,
    member: int,
    cells: Sequence[Cell],
    shares: Sequence[Opening],
    owner: G1Affine,
    entropy: bytes,
) -> Sealed:
    """A member's shares of an owner's new cells, sealed to the owner's encryption key."""
    header = _header(record, member, cells, owner)
    plain = pairs.write(shares)
    secret = secret_scalar("private/owner/ephemeral", entropy, header, plain)
    return sealing.seal(header, secret, {_OWNER: owner}, {_OWNER: plain}, entropy)


def check(
    record: EpochRecord, cells: Sequence[Cell], owner: G1Affine, sealed: Mapping[int, Sealed]
) -> None:
    """That a result carries enough for its owner, as far as anybody else can see.

    Raises:
        CellRefused: PV-50, of fewer than 2t + 1 members, or of another length; PV-33 a proof.
    """
    declaration = record.declaration
    members = [member for member in sealed if member in declaration.members]
    if len(members) < declaration.quorum or len(members) != len(sealed):
        raise CellRefused("PV-50", f"shares of {len(members)} members for an owner")
    length = len(cells) * pairs.PAIR_BYTES + sealing.TAG_BYTES
    wrong = [m for m in members if [len(part) for part in sealed[m].parts] != [length]]
    if wrong:
        raise CellRefused("PV-50", "sealed shares of wrong number or length", wrong)
    items = [(_header(record, m, cells, owner), sealed[m]) for m in members]
    unproved = sealing.unproved(items)
    if unproved:
        raise CellRefused("PV-33", "the proof for E does not hold", [members[k] for k in unproved])


def recover(
    record: EpochRecord,
    cells: Sequence[Cell],
    sealed: Mapping[int, Sealed],
    secret: int,
) -> list[Opening]:
    """The owner's (x, ρ) of each cell.

    Args:
        record: of the epoch in which they were sealed.
        cells: as they were then.
        sealed: by member.
        secret: of the owner's encryption key.

    Raises:
        CellRefused: PV-50, no t + 1 of the shares make what a commitment holds.
    """
    owner = group.base_g1([secret])[0]
    found: dict[int, list[Opening]] = {}
    for member, part in sealed.items():
        if len(part.parts) != 1:
            continue
        header = _header(record, member, cells, owner)
        shared = group.multiple_g1(secret, part.ephemeral)
        data = sealing.open_part(part, header, 0, _OWNER, shared)
        opened = None if data is None else pairs.read(data, len(cells))
        if opened is not None:
            found[member] = opened
    size = record.declaration.size
    return [
        _recovered(size, cell, {member: row[place] for member, row in found.items()})
        for place, cell in enumerate(cells)
    ]


def _recovered(size: Size, cell: Cell, shares: Mapping[int, Opening]) -> Opening:
    for chosen in itertools.combinations(sorted(shares), size.t + 1):
        opening = combined(lagrange(chosen, 0), [shares[m] for m in chosen])
        if opens(cell.com, opening):
            return opening
    raise CellRefused("PV-50", "no t + 1 shares make what the commitment holds", sorted(shares))
