"""Finding a wallet's notes in a block, without touching the wallet."""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

from node.core.ids import NATIVE, Kind
from shielded import encryption
from shielded.encryption import Output, Received, Sent
from shielded.history import Direction, HistoryEntry, OwnedNote
from shielded.keys import FullViewingKey, IncomingViewingKey, OutgoingViewingKey, ViewingKey
from shielded.scan import ScannedBlock, ScannedTransaction

_IN: Final = {Direction.SPENT: 1, Direction.DEPOSITED: 1}
"""What a transaction's notes come from; all else is what they become."""


class Known(Protocol):
    """What the wallet found in earlier blocks."""

    def owned(self, nullifier: int) -> OwnedNote | None:
        """The note with this nullifier, if it is ours."""
        ...

    def knows(self, commitment: int) -> bool:
        """Whether a note with this commitment was found already."""
        ...


class Scanner:
    """A viewing key, prepared for many trial decryptions."""

    __slots__ = ("_ovk", "_viewers", "key")

    def __init__(self, key: ViewingKey) -> None:
        self.key = key
        self._viewers = () if isinstance(key, OutgoingViewingKey) else encryption.viewers(key)
        self._ovk = None if isinstance(key, IncomingViewingKey) else key.ovk

    def discover(self, block: ScannedBlock, start: int, known: Known) -> Found:
        """Scan one block, whose first commitment takes position `start` in the tree."""
        return Found(self, block, start, known)

    def receive(self, output: Output) -> Received | None:
        """Trial decryption under each incoming key."""
        for viewer in self._viewers:
            received = encryption.try_decrypt(viewer, output)
            if received is not None:
                return received
        return None

    def sent(self, output: Output) -> Sent | None:
        """The sender's copy, if it is ours."""
        return None if self._ovk is None else encryption.recover_outgoing(self._ovk, output)


class Found:
    """What one block holds for a wallet.

    Attributes:
        notes: new ones, by position.
        spent: position of a note → transaction that spends it.
        entries: for the history, in block order.
    """

    def __init__(self, scanner: Scanner, block: ScannedBlock, start: int, known: Known) -> None:
        self._scanner = scanner
        self._known = known
        self._height = block.height
        self._position = start
        self.notes: list[OwnedNote] = []
        self.spent: dict[int, bytes] = {}
        self.entries: list[HistoryEntry] = []
        for transaction in block.transactions:
            self._transaction(transaction)

    def _transaction(self, transaction: ScannedTransaction) -> None:
        before = len(self.entries)
        spent = {
            index
            for index, action in enumerate(transaction.actions)
            for slot, nullifier in enumerate(action.nullifiers)
            if self._spend(transaction, index, slot, nullifier)
        }
        sent = {
            index
            for index, action in enumerate(transaction.actions)
            for slot, output in enumerate(action.outputs)
            if self._output(transaction, index, slot, output)
        }
        # No other makes a note at an internal address of ours.
        changed = {e.action for e in self.entries[before:] if e.direction is Direction.CHANGE}
        entered = any(value.amount < 0 for value in transaction.public_values)
        claimed = changed and any(value.enters for value in transaction.hidden_values)
        if spent or (sent and entered) or claimed:
            self._public(transaction)
            if len(spent | sent | changed) == len(transaction.actions):
                self._dark(transaction, before)

    def _spend(
        self, transaction: ScannedTransaction, action: int, slot: int, nullifier: int
    ) -> bool:
        note = self._known.owned(nullifier) or next(
            (note for note in self.notes if note.nullifier == nullifier), None
        )
        if note is None or note.spent or note.position in self.spent:
            return False
        self.spent[note.position] = transaction.tx_id
        self._entry(Direction.SPENT, transaction, note.note.kind, note.note.quantity, action, slot)
        return True

    def _output(
        self, transaction: ScannedTransaction, action: int, slot: int, output: Output
    ) -> bool:
        position = self._position
        self._position += 1
        received, sent = self._scanner.receive(output), self._scanner.sent(output)
        if received is not None:
            self._received(transaction, action, slot, position, output, received)
        elif sent is not None and (sent.note.quantity or any(sent.memo)):
            note = sent.note
            self.entries.append(
                HistoryEntry(
                    self._height,
                    transaction.tx_id,
                    Direction.SENT,
                    note.kind,
                    note.quantity,
                    action,
                    slot,
                    memo=sent.memo,
                    address=sent.address,
                )
            )
        return sent is not None

    def _received(
        self,
        transaction: ScannedTransaction,
        action: int,
        slot: int,
        position: int,
        output: Output,
        received: Received,
    ) -> None:
        """Keep a note, unless the same one was found before (a node that repeats itself)."""
        note, commitment = received.note, output.commitment
        again = self._known.knows(commitment) or any(
            other.commitment == commitment for other in self.notes
        )
        if again or not (note.quantity or any(received.memo)):
            return
        if note.quantity:
            key = self._scanner.key
            nullifier = note.nullifier(key.nk) if isinstance(key, FullViewingKey) else None
            self.notes.append(
                OwnedNote(
                    note=note,
                    commitment=commitment,
                    nullifier=nullifier,
                    position=position,
                    height=self._height,
                    tx_id=transaction.tx_id,
                    memo=received.memo,
                    address_index=received.address_index,
                    internal=received.internal,
                )
            )
        self.entries.append(
            HistoryEntry(
                self._height,
                transaction.tx_id,
                Direction.CHANGE if received.internal else Direction.RECEIVED,
                note.kind,
                note.quantity,
                action,
                slot,
                memo=received.memo,
                address_index=received.address_index,
            )
        )

    def _public(self, transaction: ScannedTransaction) -> None:
        """What our own transaction moved across the pool's border, and its fee."""
        for index, value in enumerate(transaction.public_values):
            direction = Direction.WITHDRAWN if value.amount > 0 else Direction.DEPOSITED
            self.entries.append(
                HistoryEntry(
                    self._height,
                    transaction.tx_id,
                    direction,
                    value.kind,
                    abs(value.amount),
                    index,
                    0,
                    account=bytes(value.account),
                )
            )
        if transaction.fee:
            self._entry(Direction.FEE, transaction, NATIVE, transaction.fee, 0, 0)

    def _dark(self, transaction: ScannedTransaction, before: int) -> None:
        """SH-73: how much moved in the dark follows from everything else that this key sees.

        Every action is ours: where another's notes were composed with ours, it may be the other's
        amount. Where two hidden values have one kind, only their sum is known. Neither is told.
        """
        if not isinstance(self._scanner.key, FullViewingKey):
            return
        rest = Counter[Kind]()
        for entry in self.entries[before:]:
            rest[entry.kind] += _IN.get(entry.direction, -1) * entry.quantity
        kinds = Counter(value.kind for value in transaction.hidden_values)
        for index, value in enumerate(transaction.hidden_values):
            amount = -rest[value.kind] if value.enters else rest[value.kind]
            if kinds[value.kind] > 1 or amount < 0:
                continue
            self.entries.append(
                HistoryEntry(
                    self._height,
                    transaction.tx_id,
                    Direction.CLAIMED if value.enters else Direction.PLEDGED,
                    value.kind,
                    amount,
                    index,
                    0,
                    account=value.reference,
                )
            )

    def _entry(
        self,
        direction: Direction,
        transaction: ScannedTransaction,
        kind: Kind,
        quantity: int,
        action: int,
        slot: int,
    ) -> None:
        self.entries.append(
            HistoryEntry(self._height, transaction.tx_id, direction, kind, quantity, action, slot)
        )
