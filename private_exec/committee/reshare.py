"""From one committee to another that shares no key with it.  Rules PV-47, PV-48 (P2-14).

    every old member deals, for each cell, a pair (m, μ) to both committees: commitments V₀ … V_t
    for the old, W₀ … W_t′ for the new, V₀ = W₀; complaints as for inputs
    the old open     r + m, ρ + μ        to the new
    the new open     r′ + m, ρ′ + μ      among themselves; the differences are published (PV-46)

m and μ are the sums of what dealers without a valid complaint dealt. At least t + 1 of them are
left, so one is honest, and what either committee opens is uniform to the other and to everybody.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.committee import accusation as accusations
from private_exec.committee import pairs, sealing
from private_exec.committee.accusation import Accusation, Verdict
from private_exec.committee.cells import combined
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import CeremonyRefused, MalformedCommittee
from private_exec.committee.pairs import Commitments, PairPolynomial
from private_exec.committee.participant import EpochSecrets
from private_exec.committee.sealing import Sealed
from private_exec.mpc.labels import CellId
from private_exec.mpc.shamir import SIZES
from private_exec.pedersen import Opening
from private_exec.roster import SIGNATURE_BYTES, Signer
from private_exec.transcript import secret_scalar
from zk.curve.bn254 import G1Affine

MAX_CELLS: Final = 256
_MAX_PART: Final = MAX_CELLS * pairs.PAIR_BYTES + sealing.TAG_BYTES


class Side(IntEnum):
    """Which committee."""

    OLD = 0
    NEW = 1


@dataclass(frozen=True)
class Transfer:
    """What is handed over: everything that its messages are bound to.

    Attributes:
        old: record of the committee that has the cells.
        new: record of the committee that will.
        cells: ids, in order.
        retry: advanced by a record on the chain only, with fresh masks.
    """

    old: EpochRecord
    new: EpochRecord
    cells: tuple[CellId, ...]
    retry: int = 0

    @functools.cached_property
    def digest(self) -> bytes:
        head = Writer().u32(self.retry).u16(len(self.cells)).done()
        return tagged_hash("private/transfer", self.old.digest, self.new.digest, head, *self.cells)

    def record(self, side: Side) -> EpochRecord:
        return self.old if side is Side.OLD else self.new

    def degree(self, side: Side) -> int:
        return self.record(side).declaration.size.t


@dataclass(frozen=True)
class MaskDealing:
    """An old member's masks for every cell.

    Attributes:
        dealer: a member of the old committee.
        old: for each cell, V₀ … V_t.
        new: for each cell, W₁ … W_t′; W₀ = V₀.
        sealed: to the old committee, to the new one.
        signature: of the dealer.

    Raises:
        MalformedCommittee: PV-47, no cells, or rows that do not fit each other.
        DecodeError: a point that is none.
    """

    dealer: int
    old: tuple[Commitments, ...]
    new: tuple[Commitments, ...]
    sealed: tuple[Sealed, Sealed]
    signature: bytes

    def __post_init__(self) -> None:
        widths = [{len(row) for row in rows} for rows in (self.old, self.new)]
        alike = all(len(found) == 1 and 0 not in found for found in widths)
        if len(self.old) != len(self.new) or not alike:
            raise MalformedCommittee("PV-47", "both sides share every cell alike", where="masks")
        pairs.check_points((*self.old, *self.new))

    def commitments(self, side: Side) -> list[Commitments]:
        """Of every cell, the committee's whole row."""
        if side is Side.OLD:
            return list(self.old)
        return [(row[0], *rest) for row, rest in zip(self.old, self.new, strict=True)]

    @functools.cached_property
    def body(self) -> bytes:
        """Everything but the signature."""
        return self.head + b"".join(sealed.to_bytes() for sealed in self.sealed)

    @functools.cached_property
    def head(self) -> bytes:
        """Dealer and commitments."""
        return _head(self.dealer, self.old, self.new)

    def to_bytes(self) -> bytes:
        return self.body + self.signature

    @staticmethod
    def from_bytes(data: bytes) -> MaskDealing:
        """Strict; points are checked."""
        reader = Reader(data, "mask dealing")
        dealer, count = reader.u8(), reader.count(2, MAX_CELLS, "cells")
        widths = [reader.count(1, pairs.MAX_COMMITMENTS, "commitments") for _ in Side]
        old, new = (pairs.read_rows(reader, count, width) for width in widths)
        first, second = (Sealed.read(reader, SIZES[-1], _MAX_PART) for _ in Side)
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        return MaskDealing(dealer, old, new, (first, second), signature)

    def digest(self, transfer: Transfer) -> bytes:
        """What the dealer signs."""
        return tagged_hash("private/mask-dealing", transfer.digest, self.body)

    def about(self, transfer: Transfer, side: Side) -> bytes:
        """What a complaint of that side's member names."""
        return tagged_hash("private/mask-complaint", self.digest(transfer), bytes([side]))


def _head(dealer: int, old: Sequence[Commitments], new: Sequence[Commitments]) -> bytes:
    writer = Writer().u8(dealer).u16(len(old))
    for rows in (old, new):
        writer.u8(len(rows[0]) if rows else 0)
    return writer.done() + pairs.write_rows((*old, *new))


def _header(transfer: Transfer, head: bytes, side: Side) -> bytes:
    return tagged_hash("private/mask-header", transfer.digest, bytes([side]), head)


def deal(transfer: Transfer, dealer: int, signer: Signer, entropy: bytes) -> MaskDealing:
    """Fresh masks for every cell.

    Args:
        transfer: the hand-over.
        dealer: a member of the old committee.
        signer: its key.
        entropy: 32 fresh bytes.
    """
    seed = (entropy, transfer.digest, Writer().u8(dealer).done())
    plain: tuple[dict[int, list[Opening]], ...] = ({}, {})
    rows: tuple[list[Commitments], ...] = ([], [])
    for place in range(len(transfer.cells)):
        secret = Opening(
            secret_scalar(f"private/mask/value/{place}", *seed),
            secret_scalar(f"private/mask/blinding/{place}", *seed),
        )
        for side in Side:
            tag = f"private/mask/{side.name.lower()}/{place}"
            polynomial = PairPolynomial.of(secret, transfer.degree(side), tag, *seed)
            rows[side].append(polynomial.commitments())
            for member in transfer.record(side).keys:
                plain[side].setdefault(member, []).append(polynomial.share(member))
    sealable = [{m: pairs.write(row) for m, row in given.items()} for given in plain]
    new = [row[1:] for row in rows[Side.NEW]]
    return assemble(transfer, dealer, rows[Side.OLD], new, sealable, signer, entropy)


def assemble(
    transfer: Transfer,
    dealer: int,
    old: Sequence[Commitments],
    new: Sequence[Commitments],
    plain: Sequence[Mapping[int, bytes]],
    signer: Signer,
    entropy: bytes,
) -> MaskDealing:
    """Seal, prove and sign; `plain` is what is sealed to each side's members, right or not."""
    head = _head(dealer, old, new)
    first, second = (
        sealing.seal(
            _header(transfer, head, side),
            secret_scalar("private/mask/ephemeral", entropy, _header(transfer, head, side)),
            transfer.record(side).keys,
            plain[side],
            entropy,
        )
        for side in Side
    )
    unsigned = MaskDealing(dealer, tuple(old), tuple(new), (first, second), b"")
    signature = signer.sign(unsigned.digest(transfer))
    return MaskDealing(dealer, tuple(old), tuple(new), (first, second), signature)


def check(dealing: MaskDealing, transfer: Transfer) -> None:
    """Everything about a dealing that everybody sees.

    Raises:
        CeremonyRefused: PV-47 not its dealer's, counts or lengths; PV-33 a proof.
    """
    where = f"masks of member {dealing.dealer}"
    declaration = transfer.old.declaration
    if not declaration.is_signed(dealing.dealer, dealing.digest(transfer), dealing.signature):
        raise CeremonyRefused("PV-47", "not signed by a member of the old committee", where=where)
    count = len(transfer.cells)
    part = count * pairs.PAIR_BYTES + sealing.TAG_BYTES
    for side in Side:
        rows = (dealing.old, dealing.new)[side]
        width = transfer.degree(side) + (1 if side is Side.OLD else 0)
        if len(rows) != count or any(len(row) != width for row in rows):
            raise CeremonyRefused("PV-47", "commitments of another number", where=where)
        lengths = [len(sealed) for sealed in dealing.sealed[side].parts]
        if lengths != [part] * len(transfer.record(side).keys):
            raise CeremonyRefused("PV-47", "sealed parts of wrong number or length", where=where)
    items = [(_header(transfer, dealing.head, side), dealing.sealed[side]) for side in Side]
    if sealing.unproved(items):
        raise CeremonyRefused("PV-33", "the proof for E does not hold", where=where)


def _open(
    dealing: MaskDealing, transfer: Transfer, side: Side, member: int, shared: G1Affine
) -> list[Opening] | None:
    """A member's masks under K, checked against the commitments; None where they are wrong."""
    record = transfer.record(side)
    place = sorted(record.keys).index(member)
    header = _header(transfer, dealing.head, side)
    data = sealing.open_part(dealing.sealed[side], header, place, member, shared)
    found = None if data is None else pairs.read(data, len(transfer.cells))
    if found is None:
        return None
    rows = dealing.commitments(side)
    claims = [(row, member, pair) for row, pair in zip(rows, found, strict=True)]
    return None if pairs.wrong(claims, transfer.digest) else found


def open_masks(
    dealing: MaskDealing, transfer: Transfer, side: Side, secrets: EpochSecrets
) -> list[Opening] | None:
    """This member's shares of (m, μ) of each cell; None: complain."""
    shared = group.multiple_g1(secrets.decryption.secret, dealing.sealed[side].ephemeral)
    return _open(dealing, transfer, side, secrets.member, shared)


def accuse(
    dealing: MaskDealing,
    transfer: Transfer,
    side: Side,
    secrets: EpochSecrets,
    signer: Signer,
    entropy: bytes,
) -> Accusation:
    """Complain that a dealing gave this member no right masks."""
    return accusations.accuse(
        transfer.record(side).session,
        secrets.member,
        dealing.about(transfer, side),
        dealing.sealed[side].ephemeral,
        secrets.decryption,
        signer,
        entropy,
    )


def judge(accusation: Accusation, dealing: MaskDealing, transfer: Transfer, side: Side) -> Verdict:
    """Public and deterministic; the dealing passed `check`.

    Raises:
        ComplaintRefused: PV-34.
    """
    record = transfer.record(side)
    shared = accusations.disclosed(
        accusation,
        record.declaration,
        record.session,
        record.keys,
        dealing.about(transfer, side),
        dealing.sealed[side].ephemeral,
    )
    if shared is None:
        return Verdict.FALSE_ACCUSER
    opened = _open(dealing, transfer, side, accusation.accuser, shared)
    return Verdict.GUILTY_SENDER if opened is None else Verdict.FALSE_ACCUSER


def qualified(transfer: Transfer, dealt: Sequence[int], guilty: set[int]) -> tuple[int, ...]:
    """PV-48: whose masks add up, ascending.

    Raises:
        CeremonyRefused: PV-48, fewer than t + 1: none of them need be honest.
    """
    left = tuple(sorted(set(dealt) - guilty))
    needed = transfer.degree(Side.OLD) + 1
    if len(left) < needed:
        raise CeremonyRefused(
            "PV-48", f"{len(left)} members dealt masks rightly, {needed} must", where="transfer"
        )
    return left


def masked(own: Sequence[Opening], masks: Sequence[Sequence[Opening]]) -> list[Opening]:
    """A member's shares of (r + m, ρ + μ) of each cell, of its committee's degree.

    Args:
        own: its shares of (r_id, ρ_id) of each cell (`cells.masks`).
        masks: for each qualified dealer, its shares of (m, μ) of each cell.
    """
    return [combined([1] * len(each), each) for each in zip(own, *masks, strict=True)]
