"""What members do together, as rounds without sockets or clocks.  Rules PV-39, PV-43, PV-48.

    accepting   owners' values → cells            open, show points, sign
    rekeying    cells → the next epoch's keys     open, show points, sign
    handing     cells → another committee         the old one opens, and signs what it opened
    taking                                        the new one opens, shows points, signs

Every opened value is what 2t + 1 members say (PV-13), and points are compared before anything is
signed: so t liars or absent members stop none of it, are named where they lie, and change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import exponent
from private_exec.committee import acceptance, cells, points, rekey, remask, reshare
from private_exec.committee import certificate as certificates
from private_exec.committee.acceptance import Acceptance, Accepted
from private_exec.committee.cells import Cell
from private_exec.committee.certificate import Certificate
from private_exec.committee.declaration import Declaration
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.errors import CellRefused, CertificateRefused
from private_exec.committee.remask import Change, Remasking
from private_exec.committee.reshare import Side, Transfer
from private_exec.mpc import vectors
from private_exec.mpc.context import Context
from private_exec.mpc.labels import CellId, SessionId
from private_exec.mpc.message import Kind, Session
from private_exec.mpc.opening import open_shares
from private_exec.mpc.prss import PrssKeys
from private_exec.mpc.rounds import WAIT, Form, Round, Rounds
from private_exec.pedersen import Opening
from zk.curve.bn254 import G1Affine


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A value that is to become a cell, as one member has it.

    Attributes:
        id: of the cell.
        com: of the input, or v·G of a public amount.
        pair: the member's share of (x, ρ); (v, 0) of a public amount.
    """

    id: CellId
    com: G1Affine
    pair: Opening


@dataclass(frozen=True, slots=True)
class Handed:
    """What an old committee opened to a new one.

    Attributes:
        masked: (r + m, ρ + μ) of each cell.
        certificate: of 2t + 1 of the old committee.
    """

    masked: tuple[Opening, ...]
    certificate: Certificate

    def to_bytes(self) -> bytes:
        head = Writer().u16(len(self.masked)).done()
        pairs = b"".join(map(Opening.to_bytes, self.masked))
        return head + pairs + self.certificate.to_bytes()

    @staticmethod
    def read(reader: Reader) -> Handed:
        """Strict. Raises DecodeError."""
        count = reader.count(2, reshare.MAX_CELLS, "cells")
        masked = tuple(Opening(reader.fr(), reader.fr()) for _ in range(count))
        return Handed(masked, Certificate.read(reader))

    def check(self, transfer: Transfer) -> None:
        """PV-48: of as many cells, and the old committee's word.

        Raises:
            CertificateRefused: PV-48, PV-43.
        """
        if len(self.masked) != len(transfer.cells):
            raise CertificateRefused("PV-48", "not of as many cells", where="hand-over")
        certificates.check(
            self.certificate, transfer.old.declaration, _handed(transfer, self.masked)
        )


def session(declaration: Declaration, what: str, *parts: bytes) -> Session:
    """Where the members of a committee do one such thing: its id hashes what it is about."""
    sid = SessionId(tagged_hash(f"private/committee/{what}", declaration.id, *parts))
    keys = tuple(seat.key for seat in declaration.seats)
    return Session(declaration.chain, sid, declaration.size, keys)


def acceptance_session(record: EpochRecord, ids: Sequence[CellId]) -> Session:
    """Of `accepting`."""
    return session(record.declaration, "accepting", record.digest, *ids)


def rekey_session(old: EpochRecord, new: EpochRecord, ids: Sequence[CellId]) -> Session:
    """Of `rekeying`."""
    return session(new.declaration, "rekeying", old.digest, new.digest, *ids)


def transfer_session(transfer: Transfer, side: Side) -> Session:
    """Of `handing` (the old side) and `taking` (the new one)."""
    return session(transfer.record(side).declaration, "transfer", transfer.digest)


def accepting(
    context: Context, record: EpochRecord, awaiting: Sequence[Awaiting]
) -> Rounds[Acceptance]:
    """Make cells of values that nobody complained of in time. Three rounds.

    Args:
        context: of the member; its keys are the epoch's.
        record: of the epoch.
        awaiting: the values, in an order that all members share.

    Raises:
        OpeningFailed: PV-13; CellRefused: PV-39; CertificateRefused: PV-43.
    """
    ids = [one.id for one in awaiting]
    c, shift = acceptance.masked(context.keys, ids, [one.pair for one in awaiting])
    own = [Opening(*pair) for pair in zip(c, shift, strict=True)]
    opened = yield from opened_pairs(context, own)
    accepted = [
        Accepted(identity, pair.value, pair.blinding)
        for identity, pair in zip(ids, opened, strict=True)
    ]
    made = acceptance.cells_of(record, accepted, {one.id: one.com for one in awaiting})
    yield from shown(context, made)
    digest = acceptance.statement(record, accepted)
    certificate = yield from certified(context, record.declaration, digest)
    return Acceptance(record.declaration.id, record.epoch, tuple(accepted), certificate)


def rekeying(
    context: Context, old: EpochRecord, new: EpochRecord, before: PrssKeys, held: Sequence[Cell]
) -> Rounds[Remasking]:
    """Move cells to the keys of the next epoch. Three rounds.

    Args:
        context: of the member; its keys are the new epoch's.
        old: the record whose keys mask the cells.
        new: the record whose keys will.
        before: the member's keys of the old epoch.
        held: the cells, in an order that all members share.

    Raises:
        OpeningFailed: PV-13; CellRefused: PV-39; CertificateRefused: PV-43.
    """
    own = rekey.differences(before, context.keys, [cell.id for cell in held])
    opened = yield from opened_pairs(context, own)
    return (yield from _moved(context, old, new, held, opened))


def handing(
    context: Context, transfer: Transfer, masks: Sequence[Sequence[Opening]]
) -> Rounds[Handed]:
    """The old committee's part of a hand-over. Two rounds.

    Args:
        context: of an old member; its keys are those of the cells.
        transfer: what is handed over.
        masks: for each qualified dealer, ascending, the member's shares of (m, μ) of each cell.

    Raises:
        OpeningFailed: PV-13; CertificateRefused: PV-43.
    """
    own = reshare.masked(cells.masks(context.keys, transfer.cells), masks)
    opened = yield from opened_pairs(context, own)
    digest = _handed(transfer, opened)
    certificate = yield from certified(context, transfer.old.declaration, digest)
    return Handed(tuple(opened), certificate)


def taking(
    context: Context,
    transfer: Transfer,
    masks: Sequence[Sequence[Opening]],
    handed: Handed,
    held: Sequence[Cell],
) -> Rounds[Remasking]:
    """The new committee's part of a hand-over. Three rounds.

    Args:
        context: of a new member; its keys are the new record's.
        transfer: what is handed over.
        masks: for each qualified dealer, ascending, the member's shares of (m, μ) of each cell.
        handed: what the old committee opened.
        held: the cells.

    Raises:
        CertificateRefused: PV-48, `handed` is not of this transfer; PV-43.
        OpeningFailed: PV-13; CellRefused: PV-39.
    """
    if len(held) != len(transfer.cells):
        raise CertificateRefused("PV-48", "not of as many cells", where="hand-over")
    handed.check(transfer)
    own = reshare.masked(cells.masks(context.keys, transfer.cells), masks)
    opened = yield from opened_pairs(context, own)
    changes = [cells.combined((1, -1), pair) for pair in zip(opened, handed.masked, strict=True)]
    return (yield from _moved(context, transfer.old, transfer.new, held, changes))


def _handed(transfer: Transfer, masked: Sequence[Opening]) -> bytes:
    return tagged_hash("private/handed", transfer.digest, *map(Opening.to_bytes, masked))


def opened(context: Context, values: Sequence[int]) -> Rounds[list[int]]:
    """Open numbers of which every member holds shares. One round."""
    return vectors.ints((yield from open_shares(context, vectors.vec(values))))


def opened_pairs(context: Context, own: Sequence[Opening]) -> Rounds[list[Opening]]:
    """Open pairs of which every member holds shares. One round."""
    shares = [*(pair.value for pair in own), *(pair.blinding for pair in own)]
    found, count = (yield from opened(context, shares)), len(own)
    return [Opening(*pair) for pair in zip(found[:count], found[count:], strict=True)]


def _moved(
    context: Context,
    old: EpochRecord,
    new: EpochRecord,
    held: Sequence[Cell],
    opened: Sequence[Opening],
) -> Rounds[Remasking]:
    changes = [
        Change(cell.id, pair.value, pair.blinding) for cell, pair in zip(held, opened, strict=True)
    ]
    yield from shown(context, remask.moved(held, changes, new.epoch))
    digest = remask.statement(old, new, changes)
    certificate = yield from certified(context, new.declaration, digest)
    return Remasking(old.digest, new.digest, tuple(changes), certificate)


def shown(context: Context, made: Sequence[Cell]) -> Rounds[None]:
    """PV-39: go on only if 2t + 1 members' points make the commitments. One round."""
    own = points.points_of(cells.shares(context.keys, made))
    inbox = yield Round(Kind.SHOW, own, Form.BYTES)
    while True:
        rows, broken = exponent.rows_of(inbox.bodies, len(made))
        try:
            off = points.agree(
                context.session.size, [cell.com for cell in made], rows, context.member
            )
        except CellRefused:
            if inbox.closed:
                raise
            inbox = yield WAIT
        else:
            context.accuse(
                (*off, *sorted(broken)), "PV-39", "showed points of no share of these cells"
            )
            return


def certified(context: Context, declaration: Declaration, statement: bytes) -> Rounds[Certificate]:
    """PV-43: sign, and gather 2t + 1 signatures of the same. One round."""
    own = certificates.sign(declaration, statement, context.signer)
    inbox = yield Round(Kind.SIGN, own, Form.BYTES)
    while True:
        good = {
            member: signature
            for member, signature in inbox.bodies.items()
            if certificates.is_signed(declaration, member, statement, signature)
        }
        if len(good) >= declaration.quorum:
            others = tuple(member for member in inbox.bodies if member not in good)
            context.accuse(others, "PV-43", "signed something else")
            return Certificate.of(good)
        if inbox.closed:
            raise CertificateRefused(
                "PV-43",
                f"{len(good)} signatures, {declaration.quorum} are due",
                where="certificate",
            )
        inbox = yield WAIT
