"""The stream that wallets scan: actions of shielded transactions that took effect, in tree order.

Those that a settlement or a private transaction carried are among them (`node.lane.settled`). Built
from blocks and receipts alone. Positions come from an index of how many commitments there were
after each block; it lives in memory and is filled on first use, from receipts. On a node that does
not keep all blocks it begins where they do, with as many commitments as the state's tree had there.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Mapping
from typing import Final

from node.core.block import Block, Receipt, Transaction
from node.core.errors import NotFound
from node.core.ids import EnvironmentId, Height, Kind
from node.core.interfaces import Store
from node.lane import settled
from node.rpc import schema, views
from node.rpc.text import hex_of
from node.store.chain import Chain
from shielded.env import TREE_KEY, root_key
from shielded.transaction import ShieldedTx
from shielded.tree import NoteTree

MAX_PAGE_ACTIONS: Final = 1000
"""RPC-12: about four megabytes of JSON; a page ends with the block that reaches it."""
_ACTION: Final = "action"
_NOTES_PER_ACTION: Final = 2
_ACTING: Final = (EnvironmentId.SHIELDED, *settled.CARRIERS)
"""Whose receipts have events of actions: a settlement's have those of what it carried out."""


class ActionStream:
    """Pages of the stream. Safe between threads."""

    def __init__(self, chain: Chain, store: Store, names: Mapping[Kind, str]) -> None:
        self._chain = chain
        self._store = store
        self._names = names
        self._heights: list[int] = [0]
        self._counts: list[int] = [0]
        self._indexed: int | None = None
        self._lock = threading.Lock()

    def page(self, first: int, limit: int) -> schema.ActionPage:
        """Heights from `first` on, at most `limit` of them.

        Raises:
            NotFound: `first` is above the next height; NotKept, SN-12: or below what is kept.
        """
        tip = self._chain.height
        if first > tip + 1:
            raise NotFound(f"height {first} is above the next one, {tip + 1}")
        self._chain.check_kept(max(first, 1))
        last = min(tip, first + limit - 1)
        blocks: list[schema.ActionBlock] = []
        actions, at = 0, first
        position = self._position(first)
        for block in self._chain.blocks(Height(first), Height(last)):
            at = block.header.height + 1
            receipts = self._chain.receipts(block.header.height)
            txs = shielded_transactions(block, receipts)
            if txs:
                blocks.append(self._block(block.header.height, position, txs))
                count = sum(len(tx.actions) for tx in txs)
                position += _NOTES_PER_ACTION * count
                actions += count
            if actions >= MAX_PAGE_ACTIONS:
                break
        anchor = self.anchor(at - 1) if at > first else None
        return schema.ActionPage(first=first, next=at, tip=tip, blocks=blocks, anchor=anchor)

    def anchor(self, height: int) -> str | None:
        """Root of the note tree after a block, as long as the state remembers it."""
        data = self._store.reader().get(root_key(height))
        return None if data is None else str(int.from_bytes(data, "little"))

    def tree(self, height: int | None) -> schema.AnchorView:
        """The note tree after a block. Raises NotFound outside the window of heights kept."""
        at = self._store.height if height is None else Height(height)
        reader = self._store.reader(at)
        data = reader.get(TREE_KEY)
        if data is None:
            raise NotFound("this chain has no note tree")
        tree = NoteTree.from_bytes(data)
        root = reader.get(root_key(at))
        anchor = tree.root if root is None else int.from_bytes(root, "little")
        return schema.AnchorView(height=at, anchor=str(anchor), notes=tree.size, tree=hex_of(data))

    def _block(self, height: int, position: int, txs: list[ShieldedTx]) -> schema.ActionBlock:
        return schema.ActionBlock(
            height=height,
            position=position,
            txs=[views.shielded_tx(tx, self._names) for tx in txs],
            anchor=self.anchor(height),
        )

    def _position(self, height: int) -> int:
        """Commitments before block `height`."""
        with self._lock:
            kept = self._chain.first
            if self._indexed is None or self._indexed + 1 < kept:
                self._begin(kept)
            self._index(height - 1)
            return self._counts[bisect.bisect_left(self._heights, height) - 1] if height else 0

    def _begin(self, first: Height) -> None:
        """Of what was before the first block that is kept, only the number is known."""
        self._heights, self._counts, self._indexed = [first - 1], [0], first - 1
        if first == 1:
            return
        tip = self._store.height
        state = self._store.reader(tip)
        self._index(tip)
        tree = NoteTree.from_bytes(state.get(TREE_KEY) or NoteTree().to_bytes())
        before = tree.size - self._counts[-1]
        self._counts = [before + count for count in self._counts]

    def _index(self, last: int) -> None:
        for at in range((self._indexed or 0) + 1, last + 1):
            notes = _NOTES_PER_ACTION * _actions(self._chain.receipts(Height(at)))
            if notes:
                self._heights.append(at)
                self._counts.append(self._counts[-1] + notes)
            self._indexed = at


def shielded_transactions(block: Block, receipts: tuple[Receipt, ...]) -> list[ShieldedTx]:
    """The block's shielded transactions that took effect, decoded; RPC-40: settlements' too."""
    return [
        ShieldedTx.from_bytes(Transaction.from_bytes(data).payload)
        for data, receipt in settled.flattened(block, receipts)
        if receipt.environment is EnvironmentId.SHIELDED
    ]


def _actions(receipts: tuple[Receipt, ...]) -> int:
    """How many actions took effect."""
    return sum(
        event.name == _ACTION
        for receipt in receipts
        if receipt.ok and receipt.environment in _ACTING
        for event in receipt.events
    )
