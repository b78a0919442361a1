"""A cell: a value on chain that nobody can read, of which members store no share.  Rule PV-38.

    c = x + r_id        Com = x·G + ρ·H        ρ = ρ_id − blind

r_id and ρ_id come from the keys that members hold together, by the cell's id. So a member's shares
of x and ρ are what these keys give it for c and the id: x_i = c − [r_id]_i, ρ_i = [ρ_id]_i − blind.
`blind` is public; it is 0 until the first change of keys, which leaves Com as it is (PV-46).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from private_exec import group
from private_exec.committee.errors import MalformedCommittee
from private_exec.mpc import prss, vectors
from private_exec.mpc.labels import CellId, MaskLabel, Part
from private_exec.mpc.prss import PrssKeys
from private_exec.pedersen import Opening
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

MAX_INDEX: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell.

    Attributes:
        id: single-use (`cell_id`).
        epoch: whose keys mask it.
        c: x + r_id, below r.
        com: commitment to x and ρ.
        blind: ρ_id − ρ, below r.

    Raises:
        MalformedCommittee: PV-38, a number that is not below r.
        DecodeError: a commitment that is no point.
    """

    id: CellId
    epoch: int
    c: int
    com: G1Affine
    blind: int = 0

    def __post_init__(self) -> None:
        check_g1(self.com, what="commitment")
        if len(self.id) != ID_BYTES or not (0 <= self.c < group.R and 0 <= self.blind < group.R):
            raise MalformedCommittee(
                "PV-38", "a cell's id or number has no such form", where="cell"
            )

    def to_bytes(self) -> bytes:
        head = Writer().raw(self.id, ID_BYTES).u64(self.epoch).fr(self.c)
        return head.raw(g1_to_bytes(self.com), G1_BYTES).fr(self.blind).done()

    @staticmethod
    def read(reader: Reader) -> Cell:
        identity, epoch, c = CellId(reader.take(ID_BYTES)), reader.u64(), reader.fr()
        com = g1_from_bytes(reader.take(G1_BYTES), what="commitment")
        return Cell(identity, epoch, c, com, reader.fr())


def cell_id(origin: bytes, index: int) -> CellId:
    """PV-38 (P2-3): the id of a cell, a hash of where it comes from.

    Args:
        origin: digest of the input, or the session's id: 32 bytes that occur once on the chain.
        index: which of its values.
    """
    if len(origin) != ID_BYTES or not 0 <= index < MAX_INDEX:
        raise MalformedCommittee("PV-38", "no cell comes from there", where="cell")
    return CellId(tagged_hash("private/cell", origin, Writer().u16(index).done()))


def masks(keys: PrssKeys, ids: Sequence[CellId]) -> list[Opening]:
    """A member's shares of (r_id, ρ_id) for each id."""
    labels = [MaskLabel(cell, part) for cell in ids for part in (Part.VALUE, Part.BLINDING)]
    drawn = vectors.ints(prss.masks(keys, labels)) if labels else []
    return [Opening(*drawn[at : at + 2]) for at in range(0, len(drawn), 2)]


def shares(keys: PrssKeys, cells: Sequence[Cell]) -> list[Opening]:
    """A member's shares of (x, ρ) of each cell; the keys are of the cells' epoch."""
    found = []
    for cell, mask in zip(cells, masks(keys, [cell.id for cell in cells]), strict=True):
        value, blinding = cell.c - mask.value, mask.blinding - cell.blind
        found.append(Opening(value % group.R, blinding % group.R))
    return found


def combined(weights: Sequence[int], items: Sequence[Opening]) -> Opening:
    """Σ wᵢ·(xᵢ, ρᵢ): of shares, the share of the sum, as commitments add up to that of the sum."""
    value = sum(w * item.value for w, item in zip(weights, items, strict=True))
    blinding = sum(w * item.blinding for w, item in zip(weights, items, strict=True))
    return Opening(value % group.R, blinding % group.R)
