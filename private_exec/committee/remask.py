"""Cells under other keys: what both a new epoch and a new committee end with.  Rule PV-46.

    c′ = c + (r′ − r)        blind′ = blind + (ρ′ − ρ)        Com stays

Only the two differences are opened. Com stays, so whoever knows (x, ρ) still does, and everything
that names Com still holds. The new keys' members show their points (PV-39) against the old Com
before they sign, so their signatures suffice: what was lied to them on the way makes no points.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from private_exec import group
from private_exec.committee import certificate as certificates
from private_exec.committee.cells import Cell
from private_exec.committee.certificate import Certificate
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import CertificateRefused, MalformedCommittee
from private_exec.mpc.labels import CellId
from private_exec.roster import Signer

MAX_CELLS: Final = 1024
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Change:
    """What moves one cell.

    Attributes:
        id: of the cell; it stays.
        value: r′ − r.
        blinding: ρ′ − ρ.
    """

    id: CellId
    value: int
    blinding: int

    def to_bytes(self) -> bytes:
        return Writer().raw(self.id, ID_BYTES).fr(self.value).fr(self.blinding).done()


@dataclass(frozen=True)
class Remasking:
    """Cells that go from one epoch's keys to another's, of the same committee or of a new one.

    Attributes:
        old: digest of the record whose keys mask them.
        new: digest of the record whose keys will.
        changes: at least one, no cell twice.
        certificate: of 2t + 1 of the new record's members.

    Raises:
        MalformedCommittee: PV-46, none, too many, one twice, or a number that is not below r.
    """

    old: bytes
    new: bytes
    changes: tuple[Change, ...]
    certificate: Certificate

    def __post_init__(self) -> None:
        ids = [change.id for change in self.changes]
        if not 1 <= len(ids) <= MAX_CELLS or len(set(ids)) != len(ids):
            raise MalformedCommittee(
                "PV-46", f"1 to {MAX_CELLS} cells, none of them twice", where="remasking"
            )
        numbers = [n for change in self.changes for n in (change.value, change.blinding)]
        if not all(0 <= number < group.R for number in numbers):
            raise MalformedCommittee("PV-46", "a number is not below r", where="remasking")

    def to_bytes(self) -> bytes:
        writer = Writer().u8(VERSION).raw(self.old, ID_BYTES).raw(self.new, ID_BYTES)
        head = writer.u16(len(self.changes)).done()
        return b"".join((head, *map(Change.to_bytes, self.changes), self.certificate.to_bytes()))

    @staticmethod
    def from_bytes(data: bytes) -> Remasking:
        reader = Reader(data, "remasking")
        if reader.u8() != VERSION:
            raise MalformedCommittee("PV-46", "unknown version", where="remasking")
        old, new = reader.take(ID_BYTES), reader.take(ID_BYTES)
        changes = tuple(
            Change(CellId(reader.take(ID_BYTES)), reader.fr(), reader.fr())
            for _ in range(reader.count(2, MAX_CELLS, "cells"))
        )
        certificate = Certificate.read(reader)
        reader.done()
        return Remasking(old, new, changes, certificate)


def moved(cells: Sequence[Cell], changes: Sequence[Change], epoch: int) -> list[Cell]:
    """The cells under the new keys; one change for each, in order."""
    return [
        replace(
            cell,
            epoch=epoch,
            c=(cell.c + change.value) % group.R,
            blind=(cell.blind + change.blinding) % group.R,
        )
        for cell, change in zip(cells, changes, strict=True)
    ]


def statement(old: EpochRecord, new: EpochRecord, changes: Sequence[Change]) -> bytes:
    """What the new record's members sign."""
    return tagged_hash("private/remasking", old.digest, new.digest, *map(Change.to_bytes, changes))


def sign(old: EpochRecord, new: EpochRecord, changes: Sequence[Change], signer: Signer) -> bytes:
    """A member's signature, once its points agreed with those of 2t others (`points.agree`)."""
    return certificates.sign(new.declaration, statement(old, new, changes), signer)


def assemble(
    old: EpochRecord,
    new: EpochRecord,
    changes: Sequence[Change],
    signatures: Mapping[int, bytes],
) -> Remasking:
    """The message, from signatures of 2t + 1 of the new record's members or more."""
    certificate = Certificate.of(signatures)
    return Remasking(old.digest, new.digest, tuple(changes), certificate)


def apply(
    message: Remasking, old: EpochRecord, new: EpochRecord, cells: Mapping[CellId, Cell]
) -> list[Cell]:
    """What everybody does with a remasking.

    A cell that is not under these keys any more is passed over: an owner who leaves would else undo
    the members' work on everybody's cells.

    Args:
        message: to apply.
        old: the record whose keys mask the cells.
        new: that the chain has named to follow it: a later epoch, or another committee's.
        cells: of the old record, by id.

    Raises:
        CertificateRefused: PV-46 other records, or no cell that the old one has; PV-43.
    """
    if (message.old, message.new) != (old.digest, new.digest) or message.old == message.new:
        raise CertificateRefused("PV-46", "between other epochs than these", where="remasking")
    if old.declaration == new.declaration and new.epoch <= old.epoch:
        raise CertificateRefused("PV-46", "keys of an epoch do not come back", where="remasking")
    found = [(cells.get(change.id), change) for change in message.changes]
    present = [(cell, change) for cell, change in found if cell and cell.epoch == old.epoch]
    if not present:
        raise CertificateRefused("PV-46", "no cell that is under these keys", where="remasking")
    digest = statement(old, new, message.changes)
    certificates.check(message.certificate, new.declaration, digest)
    return moved([cell for cell, _ in present], [change for _, change in present], new.epoch)
