"""Blocks, receipts and indices in the store's log: written with the state, read by RPC and engine.

    g              genesis, canonical bytes
    b ‖ height     block
    r ‖ height     its receipts
    h ‖ hash       height of the header with that hash
    x ‖ tx id      where the transaction is: height, index, whether it took effect; of one that
                   another carried out (a settlement), where that one is
    a              the block before the first that is kept, if not all are: height, time, hash

Heights are big-endian. The log is not under the state root: a block is checked by its header's
hash, which the next header carries; receipts are recomputed by anyone who executes the block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.block import MAX_BLOCK_BYTES, Block, Header, Receipt
from node.core.codec import Reader, Writer
from node.core.effects import CARRIED
from node.core.errors import NotFound, StoreError
from node.core.head import Head
from node.core.ids import Height, StateRoot, TxId
from node.core.interfaces import Store
from node.store.layout import u64

_GENESIS: Final = b"g"
_BLOCK: Final = b"b"
_RECEIPTS: Final = b"r"
_HEADER: Final = b"h"
_TX: Final = b"x"
_ANCHOR: Final = b"a"
MIN_RETAINED: Final = 256
"""More than a node itself looks back to: its window of states, overlay and open batches."""
MOST_PRUNED: Final = 16
"""Blocks that one write removes: a node that begins to prune does it over many blocks."""
_MAX_RECEIPT: Final = 16 * MAX_BLOCK_BYTES


class NotKept(NotFound):
    """SN-12: a block that this node does not keep, or never had."""

    code = "STO-003"
    why = "the node began from a snapshot, or keeps its last blocks only"
    fix = "ask a node that keeps all blocks (role `archive`)"


@dataclass(frozen=True, slots=True)
class Location:
    """Where a transaction is on the chain; `ok` is whether it took effect there."""

    height: Height
    index: int
    ok: bool

    def to_bytes(self) -> bytes:
        return Writer().u64(self.height).u32(self.index).u8(self.ok).done()

    @staticmethod
    def from_bytes(data: bytes) -> Location:
        reader = Reader(data, "index of transactions")
        location = Location(Height(reader.u64()), reader.u32(), reader.u8() == 1)
        reader.done()
        return location


class Chain:
    """Read side: everything that has been committed, by height, hash or transaction id."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def height(self) -> Height:
        return self._store.height

    @property
    def anchor(self) -> Head | None:
        """The block before the first that is kept; None: all are."""
        data = self._store.log(_ANCHOR)
        return None if data is None else Head.from_bytes(data)

    @property
    def first(self) -> Height:
        """SN-12: of the lowest block that is kept; above `height` if there is none yet."""
        anchor = self.anchor
        return Height(1 if anchor is None else anchor.height + 1)

    def head(self, height: Height) -> Head:
        """What a header says of itself: also of the block before the first that is kept."""
        anchor = self.anchor
        if anchor is not None and anchor.height == height:
            return anchor
        header = self.header(height)
        return Head(height, header.time_ms, header.hash)

    def check_kept(self, height: int) -> None:
        """SN-12: raises NotKept of a block that was, or was elsewhere, and is not here."""
        if 1 <= height < (first := self.first):
            raise NotKept(f"SN-12: block {height} is not kept here; those from {first} on are")

    def genesis(self) -> bytes:
        return self._need(_GENESIS, "genesis")

    def block(self, height: Height) -> Block:
        return Block.from_bytes(self._of(_BLOCK, height, f"block {height}"))

    def header(self, height: Height) -> Header:
        return Block.header_of(self._of(_BLOCK, height, f"block {height}"))

    def receipts(self, height: Height) -> tuple[Receipt, ...]:
        return decode_receipts(self._of(_RECEIPTS, height, f"receipts of block {height}"))

    def raw(self, height: Height) -> tuple[bytes, bytes]:
        """Full bytes of a block and of its receipts, as `Block` and `decode_receipts` read them."""
        return (
            self._of(_BLOCK, height, f"block {height}"),
            self._of(_RECEIPTS, height, f"receipts of block {height}"),
        )

    def root_after(self, height: Height) -> StateRoot:
        """State root after the block: the next header carries it; for the last, the store."""
        while height == self._store.height:
            root = self._store.root
            if height == self._store.height:  # no block came in between
                return root
        return self.header(Height(height + 1)).state_root

    def height_of(self, header_hash: bytes) -> Height:
        data = self._need(_HEADER + header_hash, f"block {header_hash.hex()}")
        return Height(int.from_bytes(data, "big"))

    def locate(self, tx_id: TxId) -> Location:
        """CH-15: where the transaction took effect, else where it was last tried."""
        return Location.from_bytes(self._need(_TX + tx_id, f"transaction {tx_id.hex()}"))

    def receipt(self, tx_id: TxId) -> Receipt:
        at = self.locate(tx_id)
        return self.receipts(at.height)[at.index]

    def transaction(self, tx_id: TxId) -> bytes:
        """Full bytes of the transaction at `locate`."""
        at = self.locate(tx_id)
        return self.block(at.height).txs[at.index]

    def blocks(self, first: Height, last: Height) -> Iterator[Block]:
        """Blocks of heights `first` … `last` that are kept, ascending."""
        for _, data in self._store.log_range(_BLOCK + u64(first), _BLOCK + u64(last + 1)):
            yield Block.from_bytes(data)

    def headers(self, first: Height, last: Height) -> Iterator[Header]:
        """Their headers, without a look at what they order."""
        for _, data in self._store.log_range(_BLOCK + u64(first), _BLOCK + u64(last + 1)):
            yield Block.header_of(data)

    def _of(self, kind: bytes, height: Height, what: str) -> bytes:
        found = self._store.log(kind + u64(height))
        if found is None:
            self.check_kept(height)
            return self._need(kind + u64(height), what)
        return found

    def _need(self, key: bytes, what: str) -> bytes:
        if (found := self._store.log(key)) is None:
            raise NotFound(f"no {what} in this store", fix="check the id, or wait for the block")
        return found


def encode_receipts(receipts: Sequence[Receipt]) -> bytes:
    """Number of receipts (u32), then each with its length."""
    writer = Writer().u32(len(receipts))
    for receipt in receipts:
        writer.blob(receipt.to_bytes())
    return writer.done()


def decode_receipts(data: bytes) -> tuple[Receipt, ...]:
    """Undo `encode_receipts`. Raises DecodeError."""
    reader = Reader(data, "receipts")
    count = reader.count(4, MAX_BLOCK_BYTES, "receipts")
    receipts = tuple(Receipt.from_bytes(reader.blob(_MAX_RECEIPT)) for _ in range(count))
    reader.done()
    return receipts


def genesis_entries(genesis: bytes) -> dict[bytes, bytes]:
    """Log of height 0."""
    return {_GENESIS: genesis}


def anchor_entries(head: Head) -> dict[bytes, bytes]:
    """SN-12: the log has no block up to this one."""
    return {_ANCHOR: head.to_bytes()}


def block_entries(store: Store, block: Block, receipts: Sequence[Receipt]) -> dict[bytes, bytes]:
    """Log of a block.

    CH-15: an id may stand in several blocks (with another proof, or tried again after a failure).
    The index keeps the place where it took effect: a copy that fails later must not hide it.
    """
    at = u64(block.header.height)
    entries = {
        _BLOCK + at: block.to_bytes(),
        _RECEIPTS + at: encode_receipts(receipts),
        _HEADER + block.header.hash: at,
    }
    for receipt in receipts:
        location = Location(receipt.height, receipt.index, receipt.ok)
        for tx_id in (receipt.tx_id, *carried_ids(receipt)):
            key = _TX + tx_id
            before = entries.get(key) or store.log(key)
            if receipt.ok or before is None or not Location.from_bytes(before).ok:
                entries[key] = location.to_bytes()
    return entries


def check_retention(retain: int) -> None:
    """SN-14: 0 (all blocks), or enough of the last ones. Raises StoreError."""
    if retain != 0 and retain < MIN_RETAINED:
        raise StoreError(
            f"SN-14: {retain} blocks are too few to keep",
            why="the node itself looks back further",
            fix=f"keep {MIN_RETAINED} or more; 0 keeps all",
        )


def pruned_entries(store: Store, keep: int, most: int) -> dict[bytes, bytes | None]:
    """SN-14: what to remove from the log, so that no block below `keep` is in it.

    Args:
        store: of the chain.
        keep: lowest height that stays, at most the next block's.
        most: blocks to remove at once.
    """
    chain = Chain(store)
    first = chain.first
    stop = min(keep, first + most)
    if stop <= first:
        return {}
    gone: dict[bytes, bytes | None] = {}
    for height in range(first, stop):
        block, receipts = chain.block(Height(height)), chain.receipts(Height(height))
        gone |= {_BLOCK + u64(height): None, _RECEIPTS + u64(height): None}
        gone[_HEADER + block.header.hash] = None
        for receipt in receipts:
            for tx_id in (receipt.tx_id, *carried_ids(receipt)):
                at = store.log(_TX + tx_id)
                if at is not None and Location.from_bytes(at).height == height:
                    gone[_TX + tx_id] = None
    return {**gone, **anchor_entries(chain.head(Height(stop - 1)))}


def carried_ids(receipt: Receipt) -> Iterator[bytes]:
    """Ids of the transactions that this one carried out, in order."""
    for event in receipt.events:
        if receipt.ok and event.name == CARRIED:
            yield bytes.fromhex(dict(event.data)["tx_id"])
