"""Records of a wallet: the notes it owns and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from node.core.ids import Kind
from shielded.address import Address
from shielded.notes import Note


class Direction(StrEnum):
    """What an entry of the history tells.

    For the transactions of a full viewing key's owner, per kind:
    spent + deposited + claimed = received (from oneself) + change + sent + withdrawn + pledged +
    fee. Pledged goes into the private pool, claimed comes from there (SH-73).
    """

    RECEIVED = "received"
    CHANGE = "change"
    SPENT = "spent"
    SENT = "sent"
    DEPOSITED = "deposited"
    WITHDRAWN = "withdrawn"
    PLEDGED = "pledged"
    CLAIMED = "claimed"
    FEE = "fee"


@dataclass(frozen=True, slots=True, repr=False)
class OwnedNote:
    """A note of the wallet's, with its place on the chain.

    Attributes:
        note: all of it.
        commitment: its cm, the leaf at `position`.
        nullifier: what spends it; None where the viewing key cannot know.
        position: leaf number in the note tree.
        height, tx_id: where it was created.
        memo: 512 bytes.
        address_index: which of the wallet's addresses received it.
        internal: change.
        spent_height, spent_tx: where it was spent, if it was.
    """

    note: Note
    commitment: int
    nullifier: int | None
    position: int
    height: int
    tx_id: bytes
    memo: bytes
    address_index: int
    internal: bool
    spent_height: int | None = None
    spent_tx: bytes | None = None

    def __repr__(self) -> str:
        return f"<OwnedNote: position {self.position}, hidden>"

    @property
    def spent(self) -> bool:
        return self.spent_height is not None


@dataclass(frozen=True, slots=True, repr=False)
class HistoryEntry:
    """One movement.

    Attributes:
        height, tx_id: where.
        direction: which way.
        kind, quantity: what.
        action, slot: the output or input it refers to; for what crosses its index and 0.
        memo: 512 bytes, empty where there is none.
        address: the receiver, of what was sent.
        address_index: which own address, of what was received.
        account: the account on the other side, of public values; the reference of hidden ones.
    """

    height: int
    tx_id: bytes
    direction: Direction
    kind: Kind
    quantity: int
    action: int
    slot: int
    memo: bytes = b""
    address: Address | None = None
    address_index: int | None = None
    account: bytes = b""

    def __repr__(self) -> str:
        return f"<HistoryEntry: {self.direction} at {self.height}, hidden>"
