"""When a committee is gone: its epoch is frozen, and owners leave.  Rules PV-49, PV-51 (P2-8).

A freeze is irrevocable and has a height. Before it, and at it, cells belong to the committee's
sessions; behind it they belong to nobody but their owners, and no acceptance, result, opening or
change of keys of that epoch lands. So no cell is used twice. An owner shows the chain a proof
against Com (`private_exec.linking`) that is bound to `digest`, and signs that digest; (x, ρ) is all
that he needs, and no member.

A cell without one owner (a pool, a sum of many) cannot leave: what it holds stays in the pool.

PV-51 is for cells that sessions may use. Deposits, on which nothing computes, leave at any time
(`node.private.deposits`).
"""

from __future__ import annotations

from dataclasses import dataclass

from node.core.codec import Reader, Writer
from node.core.ed25519 import is_signed
from node.core.ids import ID_BYTES, tagged_hash
from private_exec.committee.cells import Cell
from private_exec.committee.errors import FrozenRefused
from private_exec.roster import SIGNATURE_BYTES, Signer
from zk.curve.encoding import g1_to_bytes


@dataclass(frozen=True, slots=True)
class Freeze:
    """An epoch that has ended for its committee.

    Attributes:
        committee: id of its declaration.
        epoch: number.
        height: the last one at which something of it could land.
    """

    committee: bytes
    epoch: int
    height: int

    def to_bytes(self) -> bytes:
        return Writer().raw(self.committee, ID_BYTES).u64(self.epoch).u64(self.height).done()

    @staticmethod
    def from_bytes(data: bytes) -> Freeze:
        reader = Reader(data, "freeze")
        freeze = Freeze(reader.take(ID_BYTES), reader.u64(), reader.u64())
        reader.done()
        return freeze


def freeze(known: Freeze | None, committee: bytes, epoch: int, height: int) -> Freeze:
    """Freeze an epoch at this height.

    Raises:
        FrozenRefused: PV-49, it is frozen already: its height stays.
    """
    if known is not None:
        raise FrozenRefused("PV-49", f"frozen since height {known.height}", where="freeze")
    return Freeze(committee, epoch, height)


def require_live(known: Freeze | None, height: int, what: str) -> None:
    """That something of an epoch may still land at this height.

    Raises:
        FrozenRefused: PV-49.
    """
    if known is not None and height > known.height:
        raise FrozenRefused("PV-49", f"the epoch is frozen since height {known.height}", where=what)


@dataclass(frozen=True, slots=True)
class Exit:
    """An owner takes one cell's value out.

    Attributes:
        cell: id.
        target: digest of the message that receives the value, 32 bytes.
        signature: of the owner.
    """

    cell: bytes
    target: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        head = Writer().raw(self.cell, ID_BYTES).raw(self.target, ID_BYTES)
        return head.raw(self.signature, SIGNATURE_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes) -> Exit:
        reader = Reader(data, "exit")
        found = Exit(reader.take(ID_BYTES), reader.take(ID_BYTES), reader.take(SIGNATURE_BYTES))
        reader.done()
        return found


def digest(freeze: Freeze, cell: Cell, target: bytes) -> bytes:
    """What the owner signs, and the proof against Com is bound to."""
    return tagged_hash("private/exit", freeze.to_bytes(), cell.id, g1_to_bytes(cell.com), target)


def leave(freeze: Freeze, cell: Cell, target: bytes, signer: Signer) -> Exit:
    """An owner's exit."""
    return Exit(cell.id, target, signer.sign(digest(freeze, cell, target)))


def check(
    message: Exit, known: Freeze | None, cell: Cell, owner: bytes | None, height: int
) -> bytes:
    """That this cell may leave now, by its owner's will.

    Args:
        message: the exit.
        known: the freeze of the cell's epoch, if there is one.
        cell: as the chain has it.
        owner: its only owner's Ed25519 key; None where it has not exactly one.
        height: of the block.

    Returns:
        The context, 32 bytes, for the proof against Com, which the caller verifies.

    Raises:
        FrozenRefused: PV-51.
    """
    where = "exit"
    if known is None or known.epoch != cell.epoch or height <= known.height:
        raise FrozenRefused("PV-51", "the cell's committee still has it", where=where)
    if owner is None:
        raise FrozenRefused("PV-51", "a cell without one owner cannot leave", where=where)
    context = digest(known, cell, message.target)
    if message.cell != cell.id or not is_signed(owner, context, message.signature):
        raise FrozenRefused("PV-51", "not signed by the cell's owner for this", where=where)
    return context
