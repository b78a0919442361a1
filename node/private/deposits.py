"""Deposits: a value of one owner in a cell of a committee, outside of rounds.

    deposit    a hidden amount out of the shielded pool, or
    place      an amount that everybody sees, out of an account     → `Deposit`, pending
    accept     2t + 1 members have their shares                     → a cell
    remask     the cell goes to other keys; Com stays               (custody.py)
    claim      back into the shielded pool, hidden                  (claims.py)
    withdraw   into an account, shown                               (claims.py)

    p/g/ ‖ input                    a deposit: whose, where, its commitment, its status
    p/q/ ‖ committee ‖ input        it waits for members
    p/v/ ‖ cell                     the deposit of which it is
    p/k/, p/y/                      whose it is, and who holds its cell (held.py)

Nothing computes on deposits yet, so their owner may leave at any time, with what the commitment
*as the owner made it* holds: no member is asked, and keys that are lost or frozen change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from node.core.codec import Reader, Writer
from node.core.effects import Crossing, Effects, Event
from node.core.ids import ID_BYTES, AccountId, EnvironmentId, Kind, tagged_hash
from node.core.interfaces import StateReader
from node.private import committees, freezing, held
from node.private import state as entries
from node.private.errors import PrivateOutdated, PrivateRefused
from node.private.gifts import DepositTx, carried_part
from node.private.messages import AcceptTx
from node.private.paid import PlaceTx
from node.private.rounds import read_input
from node.private.state import Status, Write
from private_exec.committee import acceptance as acceptances
from private_exec.committee import inputs
from private_exec.committee.acceptance import Acceptance
from private_exec.committee.cells import Cell, cell_id
from private_exec.committee.inputs import Input
from private_exec.mpc.labels import CellId
from transparent.signature import check_key
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.errors import NonCanonical

_DEPOSIT: Final = b"p/g/"
_QUEUE: Final = b"p/q/"
_OF_CELL: Final = b"p/v/"


@dataclass(frozen=True, slots=True)
class Deposit:
    """See the module.

    Attributes:
        committee: who holds it, by the id of its declaration.
        epoch: whose keys the input was sealed to; those of the cell, the cell says.
        kind: of the amount.
        owner: Ed25519 key that may take it back, made for this input alone.
        status: what became of it.
        amount: commitment to it, as the owner made it.
        height: of its block.
    """

    committee: bytes
    epoch: int
    kind: Kind
    owner: bytes
    status: Status
    amount: G1Affine
    height: int

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.committee, ID_BYTES).u64(self.epoch)
        writer.raw(self.kind.to_bytes(), 64).raw(self.owner, ID_BYTES).u8(self.status)
        return writer.raw(g1_to_bytes(self.amount), G1_BYTES).u64(self.height).done()

    @staticmethod
    def from_bytes(data: bytes) -> Deposit:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "deposit")
        committee, epoch = reader.take(ID_BYTES), reader.u64()
        kind, owner, status = Kind.read(reader), reader.take(ID_BYTES), reader.u8()
        if status not in Status.__members__.values():
            raise NonCanonical(f"unknown status {status} of a deposit", where=reader.where)
        amount = g1_from_bytes(reader.take(G1_BYTES), what="commitment")
        found = Deposit(committee, epoch, kind, owner, Status(status), amount, reader.u64())
        reader.done()
        return found


def deposit_key(identity: bytes) -> bytes:
    """Where the state has a deposit."""
    return _DEPOSIT + identity


def queue_key(committee: bytes, identity: bytes) -> bytes:
    """Where the state says that a deposit waits for its committee."""
    return _QUEUE + committee + identity


def find(state: StateReader, identity: bytes) -> Deposit | None:
    """A deposit, or none of that id."""
    data = state.get(deposit_key(identity))
    return None if data is None else Deposit.from_bytes(data)


def deposit_of(state: StateReader, identity: bytes) -> Deposit:
    """A deposit. Raises PrivateRefused: PV-122, there is none of that id."""
    if (found := find(state, identity)) is None:
        raise PrivateRefused("PV-122", "there is no such deposit", where="input")
    return found


def of_cell(state: StateReader, cell: bytes) -> tuple[bytes, Deposit] | None:
    """The deposit of which a cell is, with its id; None: it has not one owner, or is none."""
    identity = state.get(_OF_CELL + cell)
    return None if identity is None else (identity, deposit_of(state, identity))


def waiting(state: StateReader, committee: bytes) -> Iterator[tuple[bytes, Deposit]]:
    """Those that wait for a committee, by id."""
    prefix = _QUEUE + committee
    for key, _ in state.iterate(prefix):
        identity = key[len(prefix) :]
        yield identity, deposit_of(state, identity)


def reference_of(committee: bytes, kind: Kind) -> bytes:
    """What the input of a deposit says that it is for."""
    return tagged_hash("private/deposit-for", committee, kind.to_bytes())


# --- entering -----------------------------------------------------------------------------------


def check_input(data: bytes, kind: Kind) -> Input:
    """PV-122, as far as it needs no state: one value, for its committee and kind.

    Raises:
        PrivateRefused: PV-122; DecodeError: no input.
        InvalidTransaction: TR-3, its owner is no key.
    """
    given = read_input(data)
    if given.reference != reference_of(given.committee, kind) or len(given.values) != 1:
        raise PrivateRefused("PV-122", "its input is not of one value of this kind", where="input")
    check_key(AccountId(given.owner), what="owner")
    return given


def check_place(tx: PlaceTx) -> None:
    """PV-123: an amount that everybody sees is committed to without a blinding.

    Raises:
        PrivateRefused: PV-122, PV-123.
    """
    if tx.kind.logic or not tx.amount:
        raise PrivateRefused("PV-123", "an amount is of a plain kind, and not 0", where="amount")
    given = check_input(tx.input, tx.kind)
    if given.commitments != (acceptances.public_commitment(tx.amount),):
        raise PrivateRefused("PV-123", "its commitment is of another amount", where="input")


def deposit(tx: DepositTx, state: StateReader, height: int) -> Effects:
    """PV-122: a hidden amount, carried as a donation's is."""
    given = read_input(tx.input)
    used = entries.used(state, given.duplicate_keys, given.id)
    kind = tx.carried.hidden_values[0].kind
    writes = _entered(given, tx.input, kind, state, height)
    return Effects(
        writes=(*writes, *used),
        nullifiers=(tx.id,),
        carried_fee=tx.carried.fee,
        parts=(carried_part(tx, "deposit", kind),),
        events=(_event("deposit", given.committee, input=given.id.hex()),),
    )


def place(tx: PlaceTx, state: StateReader, height: int) -> Effects:
    """PV-123: an amount out of an account, by its owner's signature (TR-10)."""
    given = read_input(tx.input)
    payer = tx.head.payer
    taken = Crossing(EnvironmentId.TRANSPARENT, payer, tx.kind, -tx.amount, tx.authorization)
    return Effects(
        writes=tuple(_entered(given, tx.input, tx.kind, state, height)),
        nullifiers=(tx.id,),
        crossings=(taken,),
        fee=tx.head.fee,
        payer=payer,
        events=(_event("deposit", given.committee, input=given.id.hex(), amount=str(tx.amount)),),
    )


def _entered(given: Input, data: bytes, kind: Kind, state: StateReader, height: int) -> list[Write]:
    """PV-122: to a committee that has keys to take it under, once."""
    epoch = committees.epoch_of(state, given.committee, given.epoch)
    if not epoch.since <= height <= epoch.until:
        raise PrivateOutdated(
            "PV-122", f"epoch {given.epoch} is of {epoch.since} to {epoch.until}", where="epoch"
        )
    inputs.check(given, epoch.record)
    if find(state, given.id) is not None:
        raise PrivateRefused("PV-122", "this input was deposited before", where="input")
    entry = Deposit(
        given.committee, given.epoch, kind, given.owner, Status.PENDING, given.commitments[0],
        height,
    )  # fmt: skip
    return [
        (deposit_key(given.id), entry.to_bytes()),
        (entries.input_key(given.id), data),
        (entries.waiting_key(cell_id(given.id, 0)), given.id + b"\x00"),
        (queue_key(given.committee, given.id), b"\x01"),
        held.entered(given.owner, given.id),
        held.gained(given.committee, given.epoch, cell_id(given.id, 0)),
    ]


# --- members ------------------------------------------------------------------------------------


def pending(state: StateReader, identity: bytes) -> Deposit:
    """PV-114, PV-115: a deposit about which members may still say something.

    Raises:
        PrivateRefused: PV-122; PrivateOutdated: PV-114.
    """
    found = deposit_of(state, identity)
    if found.status is not Status.PENDING:
        raise PrivateOutdated("PV-114", f"the deposit is {found.status.label}", where="input")
    return found


def accepted(found: Deposit, identity: bytes, cell: Cell) -> list[Write]:
    """Of a deposit that has become a cell."""
    return [
        *_decided(found, identity, Status.ACCEPTED),
        (entries.cell_key(cell.id), cell.to_bytes()),
        (_OF_CELL + cell.id, identity),
    ]


def over(state: StateReader, found: Deposit, identity: bytes, status: Status) -> list[Write]:
    """Of a deposit that is not to become a cell, or has left; its cell is gone, too."""
    cell = cell_id(identity, 0)
    data = state.get(entries.cell_key(cell))
    epoch = found.epoch if data is None else entries.cell_from(data).epoch
    return [
        *_decided(found, identity, status),
        (entries.cell_key(cell), None),
        (_OF_CELL + cell, None),
        held.lost(found.committee, epoch, cell),
    ]


def _decided(found: Deposit, identity: bytes, status: Status) -> list[Write]:
    """It waits for nobody any more."""
    return [
        (deposit_key(identity), replace(found, status=status).to_bytes()),
        (queue_key(found.committee, identity), None),
        *entries.forget_input(identity),
    ]


def accept(tx: AcceptTx, said: Acceptance, state: StateReader, height: int) -> Effects:
    """PV-115: deposits of a committee, named in the place of a round, become cells.

    Raises:
        PrivateRefused: PV-106; CommitteeRefused: PV-43, PV-44, PV-49.
    """
    epoch = committees.epoch_of(state, tx.round, said.epoch)
    freezing.require_live(state, tx.round, said.epoch, height, "acceptance")
    here: dict[CellId, tuple[bytes, Deposit]] = {}
    for row in said.cells:
        place = state.get(entries.waiting_key(row.id))
        found = None if place is None else find(state, place[:-1])
        if place is None or found is None or found.status is not Status.PENDING:
            continue
        if (found.committee, found.epoch) == (tx.round, said.epoch):
            here[row.id] = place[:-1], found
    commitments = {cell: found.amount for cell, (_, found) in here.items()}
    writes: list[Write] = []
    for cell in acceptances.accept(said, epoch.record, commitments):
        identity, found = here[cell.id]
        writes += accepted(found, identity, cell)
    names = ",".join(identity.hex() for identity, _ in here.values())
    return Effects(writes=tuple(writes), events=(_event("accepted", tx.round, inputs=names),))


def _event(name: str, committee: bytes, **fields: str) -> Event:
    return Event(name, (("committee", committee.hex()), *fields.items()))
