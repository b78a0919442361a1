"""A session of a committee about cells on the chain: what it reads, and what it lands.

    provable.protocol    compute, commit to the outputs, prove
    open                 c = y + r_id of each output, for a cell that only this session makes
    show                 2t + 1 members' points make the commitments (PV-39)
    sign                 2t + 1 members sign for exactly these cells

Nothing declared is opened here (P2-5): when the result is final, members open its public outputs
from the cells that it made, and from their keys, as they would in any later session. So a member
that was killed in between needs nothing but its keys and the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from private_exec import group
from private_exec.committee import cells, together
from private_exec.committee import certificate as certificates
from private_exec.committee.cells import Cell, cell_id
from private_exec.committee.certificate import Certificate
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.opening import OpenStatement
from private_exec.linking import Linked
from private_exec.mpc import vectors
from private_exec.mpc.certificate import Certificate as BatchCertificate
from private_exec.mpc.context import Context
from private_exec.mpc.errors import BatchBlamed
from private_exec.mpc.labels import CellId, SessionId, Touched
from private_exec.mpc.message import Session
from private_exec.mpc.rounds import Rounds
from private_exec.pedersen import H, Opening
from private_exec.provable.protocol import Operands
from private_exec.provable.protocol import run as run_proved
from private_exec.provable.transition import Provable
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

PUBLIC_BLINDING: Final = 1
"""Of a public number that stands in the place of a cell: Com = v·G + H, which is a point always."""


@dataclass(frozen=True, slots=True)
class Known:
    """A public number where a program reads a cell: of a place that nobody took.

    Attributes:
        id: as a cell's.
        value: below r.
    """

    id: CellId
    value: int

    @property
    def com(self) -> G1Affine:
        """What everybody computes."""
        return _known(self.value)

    @property
    def opening(self) -> Opening:
        """Every member's share of it, and its own."""
        return Opening(self.value, PUBLIC_BLINDING)


@lru_cache(maxsize=64)
def _known(value: int) -> G1Affine:
    """Kept: who has a result looked at pays nothing for it."""
    return group.total_g1([*group.base_g1([value]), H])


Read = Cell | Known


@dataclass(frozen=True, slots=True)
class Made:
    """A new cell's masked value and commitment; its id is the session's and its place.

    Attributes:
        c: y + r_id.
        com: commitment to y and ρ_id.
    """

    c: int
    com: G1Affine

    def write(self, writer: Writer) -> None:
        writer.fr(self.c).raw(g1_to_bytes(self.com), G1_BYTES)

    @staticmethod
    def read(reader: Reader) -> Made:
        """Strict. Raises DecodeError."""
        return Made(reader.fr(), g1_from_bytes(reader.take(G1_BYTES), what="commitment"))


@dataclass(frozen=True, eq=False)
class Landing:
    """What a session lands on the chain.

    Attributes:
        made: the new cells, in the order of the program's outputs.
        linked: the proof.
        certificate: of 2t + 1 members.
    """

    made: tuple[Made, ...]
    linked: Linked
    certificate: Certificate


def touched(read: Read, version: int = 0) -> Touched:
    """What the session's id covers of it (PV-3)."""
    c = read.c if isinstance(read, Cell) else 0
    return Touched(read.id, version, c, g1_to_bytes(read.com))


def new_ids(session: SessionId, count: int) -> list[CellId]:
    """Ids of the cells that a session makes."""
    return [cell_id(session, index) for index in range(count)]


def new_cells(session: SessionId, epoch: int, made: Sequence[Made]) -> list[Cell]:
    """The cells themselves."""
    ids = new_ids(session, len(made))
    return [Cell(i, epoch, one.c, one.com) for i, one in zip(ids, made, strict=True)]


def statement(record: EpochRecord, session: SessionId, made: Sequence[Made]) -> bytes:
    """What members sign for."""
    writer = Writer().raw(session, ID_BYTES).u16(len(made))
    for one in made:
        one.write(writer)
    return tagged_hash("private/result", record.digest, writer.done())


def check_certificate(
    record: EpochRecord, session: SessionId, made: Sequence[Made], certificate: Certificate
) -> None:
    """2t + 1 members signed for these cells of this session.

    Raises:
        CertificateRefused: PV-43.
    """
    digest = statement(record, session, made)
    certificates.check(certificate, record.declaration, digest)


def blame_statement(
    record: EpochRecord, session: SessionId, blamed: BatchCertificate, liars: Sequence[int]
) -> bytes:
    """What members sign of a batch that they gave up: whom they found to have spoiled it."""
    named = bytes(liars)
    about = (session, blamed.batch, blamed.root)
    return tagged_hash("private/blamed", record.digest, *about, named)


def session_of(record: EpochRecord, session: SessionId) -> Session:
    """Where the members compute: its id is the chain's for this call."""
    declaration = record.declaration
    keys = tuple(seat.key for seat in declaration.seats)
    return Session(declaration.chain, session, declaration.size, keys)


def opening_session(record: EpochRecord, session: SessionId) -> Session:
    """Where they open the outputs that were declared public."""
    return together.session(record.declaration, "outputs", record.digest, session)


def proving(
    context: Context, record: EpochRecord, provable: Provable, reads: Sequence[Read]
) -> Rounds[Landing]:
    """The whole session of one member.

    Args:
        context: of the member, in `session_of`; its keys are the epoch's.
        record: of the epoch.
        provable: the program, with its key.
        reads: what it reads, in the program's order.

    Raises:
        whatever computing (PV-10 …), proving (PV-69 to PV-79) and certifying (PV-13, PV-39, PV-43)
        refuse.
    """
    session = context.session.sid
    shared = _shares(context, reads)
    operands = Operands(
        vectors.vec(one.value for one in shared),
        vectors.vec(one.blinding for one in shared),
        tuple(one.com for one in reads),
    )
    masks = cells.masks(context.keys, new_ids(session, len(provable.layout.outputs)))
    blindings = vectors.vec(mask.blinding for mask in masks)
    proved = yield from run_proved(context, provable, operands, blindings)
    values = vectors.ints(proved.values)
    masked = [(y + mask.value) % group.R for y, mask in zip(values, masks, strict=True)]
    opened = yield from together.opened(context, masked)
    made = [Made(c, com) for c, com in zip(opened, proved.outputs, strict=True)]
    yield from together.shown(context, new_cells(session, record.epoch, made))
    digest = statement(record, session, made)
    certificate = yield from together.certified(context, record.declaration, digest)
    return Landing(tuple(made), proved.linked, certificate)


def blaming(context: Context, record: EpochRecord, found: BatchBlamed) -> Rounds[Certificate]:
    """Sign, after a batch was blamed, who spoiled it. One round.

    Raises:
        CertificateRefused: PV-43, no 2t + 1 members found the same.
    """
    digest = blame_statement(record, context.session.sid, found.certificate, found.liars)
    return (yield from together.certified(context, record.declaration, digest))


def opening(
    context: Context, session: SessionId, held: Sequence[Sequence[Cell]]
) -> Rounds[OpenStatement]:
    """Open declared outputs of a result that is final, or their sums with owners' pads. One round.

    Args:
        context: of the member, in `opening_session`; its keys are the epoch's.
        session: whose outputs.
        held: cells of each sum, as the chain has them.

    Raises:
        OpeningFailed: PV-13.
    """
    own = [cells.combined([1] * len(one), cells.shares(context.keys, one)) for one in held]
    opened = yield from together.opened_pairs(context, own)
    return OpenStatement(session, tuple(opened))


def _shares(context: Context, reads: Sequence[Read]) -> list[Opening]:
    """This member's shares of what is read, in order."""
    own = iter(cells.shares(context.keys, [one for one in reads if isinstance(one, Cell)]))
    return [one.opening if isinstance(one, Known) else next(own) for one in reads]
