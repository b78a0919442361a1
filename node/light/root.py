"""From a verified block of CometBFT to our header, the state, transactions.  Rules LC-15 … LC-18.

app hash of block H + 1  =  state root after our block H      (docs/adr/0018)
proof of `c/head` under it  →  hash of our header of H  →  its transactions
its `previous`  →  the header before, and so on, down to block 1
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from node.core.block import Block, Header, Transaction, tx_root
from node.core.errors import NotFound
from node.core.genesis import Genesis
from node.core.head import HEAD_KEY, Head
from node.core.ids import Height, StateRoot
from node.light.block import LightBlock
from node.light.errors import LightRefused
from node.light.validators import ValidatorSet
from node.stake.rosters import genesis_roster
from node.store.proof import InvalidStateProof, proved_value
from zk.errors import DecodeError

ROOT_BYTES: Final = 32
PAGE: Final = 1000
"""Headers of one question."""


class LedgerSource(Protocol):
    """A node that serves the ledger; nothing that it says is believed.

    All raise `NotFound` for what it does not have, `NodeError` or `DecodeError` for no answer or
    none of the documented form.
    """

    def state_proof(self, key: bytes, height: int) -> bytes:
        """What `key` holds after block `height`, as `node.store.proof` encodes it."""
        ...

    def ledger_headers(self, first: int, limit: int) -> Sequence[bytes]:
        """Our headers from a height on, ascending."""
        ...

    def ledger_block(self, height: int) -> bytes:
        """Our block, whole."""
        ...


def genesis_validators(genesis: Genesis) -> ValidatorSet:
    """LC-12: who signs block 1, with which power. Raises DecodeError: LC-3, nobody does."""
    roster = genesis_roster(genesis)
    return ValidatorSet.of((member.key, member.weight) for member in roster.members)


class VerifiedLedger:
    """The ledger as of one verified block; everything that it returns is proved.

    Args:
        genesis: of the chain; trusted.
        block: of CometBFT, verified.
        source: where proofs and blocks come from.

    Raises:
        LightRefused: LC-15.
        DecodeError, NodeError: no usable answer.
    """

    def __init__(self, genesis: Genesis, block: LightBlock, source: LedgerSource) -> None:
        if len(block.header.app_hash) != ROOT_BYTES:
            raise LightRefused("LC-15", "the app hash is no state root", where=_at(block.height))
        self.height: Final = Height(block.height - 1)
        self.root: Final = StateRoot(block.header.app_hash)
        self._genesis: Final = genesis
        self._source: Final = source
        head = self._head()
        self.time_ms: Final = head.time_ms
        self._headers: Final[dict[int, Header]] = {}
        if self.height:
            self._headers[self.height] = self._read_header(self.height, head.hash)

    def _head(self) -> Head:
        data = self.entry(HEAD_KEY)
        if data is None:
            raise LightRefused("LC-15", "the state names no last block", where=_at(self.height))
        head = Head.from_bytes(data)
        if head.height != self.height:
            raise LightRefused(
                "LC-15", f"the state is that after block {head.height}", where=_at(self.height)
            )
        return head

    def verified_root(self, height: int) -> StateRoot:
        """The state root after a block, this one or any before it.

        Raises:
            NotFound: it is above what was verified.
            LightRefused: LC-16.
        """
        if height == self.height:
            return self.root
        return self.header(height + 1).state_root

    def header(self, height: int) -> Header:
        """LC-16: our header of a height, by the chain of hashes from the verified one down.

        Raises:
            NotFound: it is above what was verified, or below block 1.
            LightRefused: LC-16.
        """
        if not 1 <= height <= self.height:
            raise NotFound(
                f"block {height} is not verified; the last one is {self.height}",
                fix="`chiaro light sync`, or ask for a lower height",
            )
        at = min(known for known in self._headers if known >= height)
        while at > height:
            first = max(height, at - PAGE)
            page = self._source.ledger_headers(first, at - first)
            if len(page) != at - first:
                raise LightRefused("LC-16", "headers are missing", where=_at(first))
            for data in reversed(page):
                self._link(at - 1, data)
                at -= 1
        return self._headers[height]

    def _link(self, height: int, data: bytes) -> None:
        header = Header.from_bytes(data)
        after = self._headers[height + 1]
        if header.hash != after.previous or header.height != height:
            raise LightRefused("LC-16", "it is not the block before the next", where=_at(height))
        self._headers[height] = header

    def _read_header(self, height: int, digest: bytes) -> Header:
        page = self._source.ledger_headers(height, 1)
        header = Header.from_bytes(page[0]) if len(page) == 1 else None
        if header is None or header.hash != digest or header.height != height:
            raise LightRefused(
                "LC-15", "the header is not the one that the state names", where=_at(height)
            )
        if header.chain_id != self._genesis.chain_id:
            raise LightRefused("LC-15", "the header is of another chain", where=_at(height))
        return header

    def entry(self, key: bytes, height: int | None = None) -> bytes | None:
        """LC-18: what a key of the state holds after a block; `None` is proved absence.

        Args:
            key: of the state.
            height: of the block; by default the verified one. Nodes keep old states for a while.

        Raises:
            LightRefused: LC-18, the proof is of another key, value or state.
        """
        at = self.height if height is None else height
        root = self.verified_root(at)
        try:
            return proved_value(root, key, self._source.state_proof(key, at))
        except InvalidStateProof as error:
            raise LightRefused("LC-18", error.message, where=_at(at)) from error
        except DecodeError as error:
            raise LightRefused("LC-18", f"no proof: {error.message}", where=_at(at)) from error

    def block(self, height: int) -> Block:
        """LC-17: a block with all its transactions, none left out, added or changed.

        Raises:
            NotFound: as `header`.
            LightRefused: LC-16, LC-17.
        """
        header = self.header(height)
        found = Block.from_bytes(self._source.ledger_block(height))
        if found.header != header:
            raise LightRefused("LC-17", "the block has another header", where=_at(height))
        if tx_root(found.txs) != header.tx_root:
            raise LightRefused(
                "LC-17", "its transactions are not those of the header", where=_at(height)
            )
        return found

    def transaction(self, height: int, index: int) -> tuple[Block, Transaction]:
        """LC-17: a transaction by its place, and the block around it.

        Raises:
            LightRefused: LC-17, there is none at that place.
        """
        block = self.block(height)
        if not 0 <= index < len(block.txs):
            raise LightRefused("LC-17", f"the block has no transaction {index}", where=_at(height))
        return block, Transaction.from_bytes(block.txs[index])


class ProvedState:
    """`node.core.interfaces.StateReader` of one height, every entry of which is proved (LC-18).

    Args:
        ledger: at or above the height.
        height: of the block behind which the state is; by default the verified one.
    """

    def __init__(self, ledger: VerifiedLedger, height: int | None = None) -> None:
        self._ledger: Final = ledger
        self._height: Final = height

    def get(self, key: bytes) -> bytes | None:
        """Raises LightRefused: LC-18."""
        return self._ledger.entry(key, self._height)

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Raises LightRefused: LC-18, that a list is whole has no proof."""
        raise LightRefused(
            "LC-18",
            "that a list of entries is whole has no proof",
            where=prefix.hex(),
            fix="ask for each entry, or run a node",
        )


def _at(height: int) -> str:
    return f"block {height}"
