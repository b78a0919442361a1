"""A wallet's view of the chain: notes, balances, history. No I/O, no keys in what it stores.

Works for each viewing key (SH-46): a full one sees everything; an incoming one sees what external
addresses received, but neither change nor spending; an outgoing one sees what was sent.

Blocks are scanned in order and without gaps, one checkpoint each; a chain that is reorganised, or a
node that lied, is undone by `rewind`. Scanning a block changes everything or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from node.core.ids import Kind
from shielded import selection
from shielded.history import HistoryEntry, OwnedNote
from shielded.keys import FullViewingKey, ViewingKey
from shielded.scan import ScannedBlock
from shielded.scanner import Scanner
from shielded.tree import MerklePath, NoteTree, WitnessTree
from zk.errors import ChiaroError

NOTES_PER_ACTION: Final = 2
ANCHOR_INTERVAL: Final = 64
"""Blocks between two comparisons of anchors in a long scan; below WitnessTree.KEEP."""


class WalletError(ChiaroError):
    """A wallet that cannot do what was asked."""

    code = "WAL-001"
    exit_code = 1


class NotNextBlock(WalletError):
    """Blocks must be scanned one after another."""

    code = "WAL-002"
    why = "a block left out may hold notes, and shifts the place of every later one"
    fix = "continue at the height after the last one scanned"


class AnchorMismatch(WalletError):
    """The note tree computed from the blocks is not the chain's."""

    code = "WAL-003"
    exit_code = 6
    why = "the node left out, added or changed notes, or serves another chain"
    fix = "rewind and scan again from another node"


@dataclass(frozen=True, slots=True)
class Balance:
    """Amounts of one kind.

    Attributes:
        spendable: confirmed, unspent and not part of a transaction under way.
        pending: not confirmed deep enough yet.
        locked: in a transaction that was submitted and has not been seen in a block.
    """

    spendable: int = 0
    pending: int = 0
    locked: int = 0

    @property
    def total(self) -> int:
        return self.spendable + self.pending + self.locked


@dataclass(frozen=True, slots=True)
class SpendContext:
    """Paths for all notes of one transaction, under one anchor.  Rule SH-58 (S-24).

    Attributes:
        height: block after which the anchor is the tree's root.
        anchor: that root.
        paths: one per note, in the order asked for.
    """

    height: int
    anchor: int
    paths: tuple[MerklePath, ...]


class WalletState:
    """Everything that a viewing key has found up to a height."""

    __slots__ = (
        "_by_commitment",
        "_by_nullifier",
        "_history",
        "_key",
        "_locks",
        "_notes",
        "_scanner",
        "_tree",
        "_verified",
        "birthday",
        "height",
    )

    def __init__(self, key: ViewingKey, *, birthday: int = 0, tree: NoteTree | None = None) -> None:
        """An empty wallet.

        Args:
            key: what it can see.
            birthday: last block that holds nothing for it; scanning starts at the next.
            tree: the note tree after that block; the empty one by default.
        """
        self._key = key
        self._scanner = Scanner(key)
        self._tree = WitnessTree(tree, birthday)
        self._notes: dict[int, OwnedNote] = {}
        self._history: list[HistoryEntry] = []
        self._locks: dict[int, int] = {}
        self._by_commitment: dict[int, int] = {}
        self._by_nullifier: dict[int, int] = {}
        self._verified = birthday
        self.birthday = birthday
        self.height = birthday

    def __repr__(self) -> str:
        return f"<WalletState: height {self.height}>"

    @property
    def key(self) -> ViewingKey:
        return self._key

    @property
    def sees_spending(self) -> bool:
        """Whether spent notes can be told from others; else balances are sums received."""
        return isinstance(self._key, FullViewingKey)

    @property
    def notes(self) -> tuple[OwnedNote, ...]:
        """All notes found, spent ones included, by position."""
        return tuple(note for _, note in sorted(self._notes.items()))

    @property
    def history(self) -> tuple[HistoryEntry, ...]:
        """What happened, oldest first."""
        return tuple(self._history)

    @property
    def verified(self) -> int:
        """Last height whose anchor was compared with the chain's."""
        return self._verified

    @property
    def tree(self) -> WitnessTree:
        return self._tree

    # Scanning

    def scan(self, block: ScannedBlock, *, check_anchor: bool = True) -> tuple[HistoryEntry, ...]:
        """Take in the next block; returns what it added to the history.

        Raises:
            NotNextBlock: not the height after the last one.
            AnchorMismatch: the tree does not lead to the block's anchor; nothing was changed.
            TreeFull: more notes than the tree holds.
        """
        if block.height != self.height + 1:
            raise NotNextBlock(f"block {block.height} after {self.height}")
        found = self._scanner.discover(block, self._tree.size, self)
        self._tree.append(block.commitments, [note.position for note in found.notes])
        if check_anchor and block.anchor is not None:
            if self._tree.root() != block.anchor:
                self._tree.rewind(self.height)
                raise AnchorMismatch(f"block {block.height} leads to another note tree")
            self._verified = block.height
        self._tree.checkpoint(block.height)
        for note in found.notes:
            self._add(note)
        for position, tx_id in found.spent.items():
            note = self._notes[position]
            self._notes[position] = replace(note, spent_height=block.height, spent_tx=tx_id)
        self._history.extend(found.entries)
        self.height = block.height
        self._locks = {
            position: until
            for position, until in self._locks.items()
            if until > block.height and not self._notes[position].spent
        }
        self._forget_paths()
        return tuple(found.entries)

    def scan_all(
        self,
        blocks: Iterable[ScannedBlock],
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Take in a run of blocks; anchors are compared every 64 blocks and at the last.

        Args:
            blocks: consecutive, from the next height on.
            progress: called after each block with its height and the outputs scanned so far.

        Returns:
            How many blocks.

        Raises:
            AnchorMismatch: the wallet is back at the last height that was compared.
        """
        count = outputs = 0
        last: ScannedBlock | None = None
        try:
            for block in blocks:
                self.scan(block, check_anchor=block.height - self._verified >= ANCHOR_INTERVAL)
                last = block
                count += 1
                outputs += len(block.commitments)
                if progress is not None:
                    progress(self.height, outputs)
            self._verify(last)
        except AnchorMismatch:
            self.rewind(max(self._verified, self._tree.heights[0]))
            raise
        return count

    def rewind(self, height: int) -> None:
        """Return to the state after block `height`, at least a hundred blocks back.  Rule SH-55.

        Raises:
            DecodeError: no checkpoint there any more; scan again from the birthday.
        """
        self._tree.rewind(height)
        kept = [note for note in self.notes if note.height <= height]
        self._notes, self._by_commitment, self._by_nullifier = {}, {}, {}
        for note in kept:
            undone = note.spent_height is not None and note.spent_height > height
            self._add(replace(note, spent_height=None, spent_tx=None) if undone else note)
        self._history = [entry for entry in self._history if entry.height <= height]
        self._locks = {at: until for at, until in self._locks.items() if at in self._notes}
        self._verified = min(self._verified, height)
        self.height = height

    # Balances and spending

    def balances(self, confirmations: int = 1) -> dict[Kind, Balance]:
        """Unspent amounts per kind. A note in the last block has one confirmation."""
        result: dict[Kind, Balance] = {}
        for note in self.notes:
            if note.spent:
                continue
            balance = result.get(note.note.kind, Balance())
            quantity = note.note.quantity
            if note.position in self._locks:
                balance = replace(balance, locked=balance.locked + quantity)
            elif self._confirmed(note, confirmations):
                balance = replace(balance, spendable=balance.spendable + quantity)
            else:
                balance = replace(balance, pending=balance.pending + quantity)
            result[note.note.kind] = balance
        return result

    def balance(self, kind: Kind, confirmations: int = 1) -> Balance:
        """Unspent amounts of one kind."""
        return self.balances(confirmations).get(kind, Balance())

    def select(
        self,
        kind: Kind,
        amount: int,
        *,
        most: int = NOTES_PER_ACTION,
        confirmations: int = 1,
    ) -> tuple[OwnedNote, ...]:
        """The fewest notes that reach `amount`; among these, with little change.

        Raises:
            InsufficientFunds: `most` notes do not reach it.
            WalletError: this key cannot tell which notes are spent.
        """
        if not self.sees_spending:
            raise WalletError(
                "this viewing key cannot tell spent notes from others",
                fix="use a wallet with the full viewing key",
            )
        usable = [
            note
            for note in self.notes
            if note.note.kind == kind
            and not note.spent
            and note.position not in self._locks
            and self._confirmed(note, confirmations)
        ]
        return selection.fewest(usable, amount, most)

    def lock(self, notes: Iterable[OwnedNote], until: int) -> None:
        """Keep notes out of other transactions up to block `until`, the expiry of this one."""
        for note in notes:
            self._locks[note.position] = until

    def unlock(self, notes: Iterable[OwnedNote]) -> None:
        """The transaction was given up."""
        for note in notes:
            self._locks.pop(note.position, None)

    def spend_context(self, notes: Sequence[OwnedNote], height: int | None = None) -> SpendContext:
        """Paths of `notes` under the one anchor after block `height` (default: the last scanned).

        Raises:
            DecodeError: a note younger than that, or a height out of reach.
        """
        at = self.height if height is None else height
        paths = tuple(self._tree.path(note.position, at) for note in notes)
        return SpendContext(at, self._tree.root(at), paths)

    # Storage: see shielded.wallet_json

    def snapshot(self) -> tuple[tuple[OwnedNote, ...], tuple[HistoryEntry, ...], dict[int, int]]:
        """Notes, history and locks (position → height): all but the tree."""
        return self.notes, self.history, dict(self._locks)

    @classmethod
    def restore(
        cls,
        key: ViewingKey,
        birthday: int,
        tree: WitnessTree,
        notes: Iterable[OwnedNote],
        history: Iterable[HistoryEntry],
        locks: dict[int, int],
        verified: int,
    ) -> WalletState:
        """A wallet from what `snapshot` gave; its height is the tree's last checkpoint."""
        state = cls(key, birthday=birthday)
        state._verified = verified
        state._tree = tree
        state.height = tree.heights[-1]
        for note in notes:
            state._add(note)
        state._history = list(history)
        state._locks = dict(locks)
        return state

    # What the scanner asks

    def owned(self, nullifier: int) -> OwnedNote | None:
        """The note with this nullifier, if it is ours."""
        position = self._by_nullifier.get(nullifier)
        return None if position is None else self._notes[position]

    def knows(self, commitment: int) -> bool:
        """Whether a note with this commitment was found already."""
        return commitment in self._by_commitment

    # Internal

    def _add(self, note: OwnedNote) -> None:
        self._notes[note.position] = note
        self._by_commitment[note.commitment] = note.position
        if note.nullifier is not None:
            self._by_nullifier[note.nullifier] = note.position

    def _confirmed(self, note: OwnedNote, confirmations: int) -> bool:
        return self.height - note.height + 1 >= confirmations

    def _verify(self, last: ScannedBlock | None) -> None:
        """Compare the anchor of the block just scanned."""
        if last is None or last.anchor is None:
            return
        if self._tree.root() != last.anchor:
            raise AnchorMismatch(f"block {last.height} leads to another note tree")
        self._verified = last.height

    def _forget_paths(self) -> None:
        """Notes whose spending can no longer be undone need no path."""
        oldest = self._tree.heights[0]
        for position in self._tree.marks:
            spent_height = self._notes[position].spent_height
            if spent_height is not None and spent_height <= oldest:
                self._tree.unmark(position)
