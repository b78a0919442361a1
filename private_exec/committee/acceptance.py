"""How inputs become cells.  Rules PV-39, PV-43, PV-44 (P2-8, P2-12).

    opened by the members, robustly:    c = x + r_id      shift = ρ_id − ρ
    Com(cell) = Com(input) + shift·H,   so that its blinding is ρ_id

Both are uniform to whoever misses one key of the mask. Members then show their points (PV-39) and
sign. Observers check 2t + 1 signatures; that Com moved by shift·H they compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from private_exec import group
from private_exec.committee import certificate as certificates
from private_exec.committee.cells import Cell, masks
from private_exec.committee.certificate import Certificate
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import CertificateRefused, MalformedCommittee
from private_exec.mpc.labels import CellId
from private_exec.mpc.prss import PrssKeys
from private_exec.pedersen import H, Opening
from private_exec.roster import Signer
from zk.curve.bn254 import G1Affine

MAX_CELLS: Final = 1024
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of one value.

    Attributes:
        id: of the cell.
        c: x + r_id.
        shift: ρ_id − ρ.
    """

    id: CellId
    c: int
    shift: int

    def to_bytes(self) -> bytes:
        return Writer().raw(self.id, ID_BYTES).fr(self.c).fr(self.shift).done()


@dataclass(frozen=True)
class Acceptance:
    """Cells that members accepted together.

    Attributes:
        committee: id of its declaration.
        epoch: whose keys mask them.
        cells: at least one, no id twice.
        certificate: 2t + 1 signatures.

    Raises:
        MalformedCommittee: PV-44, none, too many, one twice, or a number that is not below r.
    """

    committee: bytes
    epoch: int
    cells: tuple[Accepted, ...]
    certificate: Certificate

    def __post_init__(self) -> None:
        ids = [cell.id for cell in self.cells]
        if not 1 <= len(ids) <= MAX_CELLS or len(set(ids)) != len(ids):
            raise MalformedCommittee(
                "PV-44", f"1 to {MAX_CELLS} cells, none of them twice", where="acceptance"
            )
        numbers = [number for cell in self.cells for number in (cell.c, cell.shift)]
        if not all(0 <= number < group.R for number in numbers):
            raise MalformedCommittee("PV-44", "a number is not below r", where="acceptance")

    def to_bytes(self) -> bytes:
        writer = Writer().u8(VERSION).raw(self.committee, ID_BYTES).u64(self.epoch)
        head = writer.u16(len(self.cells)).done()
        return b"".join((head, *map(Accepted.to_bytes, self.cells), self.certificate.to_bytes()))

    @staticmethod
    def from_bytes(data: bytes) -> Acceptance:
        reader = Reader(data, "acceptance")
        if reader.u8() != VERSION:
            raise MalformedCommittee("PV-44", "unknown version", where="acceptance")
        committee, epoch = reader.take(ID_BYTES), reader.u64()
        cells = tuple(
            Accepted(CellId(reader.take(ID_BYTES)), reader.fr(), reader.fr())
            for _ in range(reader.count(2, MAX_CELLS, "cells"))
        )
        certificate = Certificate.read(reader)
        reader.done()
        return Acceptance(committee, epoch, cells, certificate)


def masked(
    keys: PrssKeys, ids: Sequence[CellId], pairs: Sequence[Opening]
) -> tuple[list[int], list[int]]:
    """A member's shares of x + r_id and of ρ_id − ρ, of degree t: what it broadcasts.

    Args:
        keys: of the epoch.
        ids: of the cells to be.
        pairs: its shares of (x, ρ), from the inputs; of a public amount v, (v, 0) for everybody.
    """
    own = masks(keys, ids)
    c = [(pair.value + mask.value) % group.R for pair, mask in zip(pairs, own, strict=True)]
    shift = [
        (mask.blinding - pair.blinding) % group.R for pair, mask in zip(pairs, own, strict=True)
    ]
    return c, shift


def public_commitment(amount: int) -> G1Affine:
    """Com of an amount that everybody sees, before it is a cell: v·G."""
    return group.base_g1([amount])[0]


def statement(record: EpochRecord, cells: Sequence[Accepted]) -> bytes:
    """What the members sign."""
    return tagged_hash("private/acceptance", record.digest, *map(Accepted.to_bytes, cells))


def sign(record: EpochRecord, cells: Sequence[Accepted], signer: Signer) -> bytes:
    """A member's signature, once its points agreed with those of 2t others (`points.agree`)."""
    return certificates.sign(record.declaration, statement(record, cells), signer)


def assemble(
    record: EpochRecord, cells: Sequence[Accepted], signatures: Mapping[int, bytes]
) -> Acceptance:
    """The message, from signatures of 2t + 1 members or more."""
    certificate = Certificate.of(signatures)
    return Acceptance(record.declaration.id, record.epoch, tuple(cells), certificate)


def shifted(commitments: Sequence[G1Affine], shifts: Sequence[int]) -> list[G1Affine]:
    """Com + shift·H of each."""
    added = group.base_g1(shifts, H)
    return [group.total_g1(pair) for pair in zip(commitments, added, strict=True)]


def cells_of(
    record: EpochRecord, cells: Sequence[Accepted], commitments: Mapping[CellId, G1Affine]
) -> list[Cell]:
    """The cells themselves; `commitments` are the inputs', by the id of the cell to be.

    Raises:
        CertificateRefused: PV-44, a cell comes from no input that awaits acceptance.
    """
    strange = [cell for cell in cells if cell.id not in commitments]
    if strange:
        raise CertificateRefused("PV-44", "a cell that comes from no input", where="acceptance")
    moved = shifted([commitments[cell.id] for cell in cells], [cell.shift for cell in cells])
    return [
        Cell(cell.id, record.epoch, cell.c, com) for cell, com in zip(cells, moved, strict=True)
    ]


def accept(
    acceptance: Acceptance, record: EpochRecord, commitments: Mapping[CellId, G1Affine]
) -> list[Cell]:
    """What everybody does with an acceptance.

    What does not await acceptance any more is passed over: an owner who leaves, or a complaint,
    would else undo the members' work on everybody's inputs.

    Args:
        acceptance: the message.
        record: of the epoch.
        commitments: of inputs that await acceptance, by the id of the cell to be.

    Raises:
        CertificateRefused: PV-44 another committee or epoch, or no cell of any such input; PV-43.
    """
    if (acceptance.committee, acceptance.epoch) != (record.declaration.id, record.epoch):
        raise CertificateRefused("PV-44", "of another committee or epoch", where="acceptance")
    digest = statement(record, acceptance.cells)
    certificates.check(acceptance.certificate, record.declaration, digest)
    awaited = [cell for cell in acceptance.cells if cell.id in commitments]
    return cells_of(record, awaited or acceptance.cells, commitments)
