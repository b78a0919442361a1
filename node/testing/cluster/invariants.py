"""What is checked in every run of a cluster. The checker sees all; no validator sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from node.consensus.application import LedgerApplication
from node.core.block import Block
from node.core.ids import Height, StateRoot
from node.store.memory import memory_store
from node.testing.cluster.keys import Keys
from node.testing.cluster.ledger import SealedLedger
from private_exec.batch import Batch


class Violation(Exception):
    """Something happened that must not.

    Attributes:
        what: `agreement`, `validity`, `durability`, `liveness` or `share`.
    """

    def __init__(self, what: str, message: str) -> None:
        super().__init__(f"{what}: {message}")
        self.what = what


@dataclass(frozen=True, slots=True)
class MadeShare:
    """A share that exists, and of what."""

    place: int
    height: int
    block_hash: bytes
    root: bytes
    at_ms: int


class Checker:
    """Notes what honest validators have on disk, and every share that anyone made.

    Args:
        keys: of the cluster.
    """

    def __init__(self, keys: Keys) -> None:
        self.final: Final[dict[int, tuple[Block, StateRoot]]] = {}
        self.batches: Final[dict[int, Batch]] = {}
        self.shares: Final[list[MadeShare]] = []
        self.submitted: Final[set[bytes]] = set()
        self._keys = keys
        self._told: dict[int, int] = {}

    def committed(self, place: int, block: Block, root: StateRoot) -> None:
        """Agreement: one block and one state a height, whoever commits it, and however often."""
        height = block.header.height
        first, first_root = self.final.setdefault(height, (block, root))
        if (first.header.hash, first_root) != (block.header.hash, root):
            raise Violation(
                "agreement",
                f"{place} has {block.header.hash.hex()[:12]} at {height}, "
                f"another has {first.header.hash.hex()[:12]}",
            )
        self._told[place] = max(height, self._told.get(place, 0))

    def restarted(self, place: int, height: int) -> None:
        """Durability: what was told is there after a crash. Its hash, `committed` compares."""
        if height < (told := self._told.get(place, 0)):
            raise Violation("durability", f"{place} told of {told} and restarts at {height}")

    def shared(self, place: int, block: Block, batch: Batch, at_ms: int) -> None:
        """Remember; `finish` judges, since a block may become final later, or never."""
        header = block.header
        self.shares.append(MadeShare(place, header.height, header.hash, batch.root, at_ms))
        self.batches[header.height] = batch

    def early_shares(self) -> list[MadeShare]:
        """Shares of a batch whose block did not become final at its height in the whole run.

        Either another block did (`share.height in checker.final`), or none until the run's end.
        """
        ledger = SealedLedger(self._keys)
        early = []
        for share in self.shares:
            found = self.final.get(share.height)
            if (
                found is None
                or found[0].header.hash != share.block_hash
                or ledger.root_of(found[0]) != share.root
            ):
                early.append(share)
        return early

    def finish(self, last: int) -> None:
        """At the end of a run: validity of the chain by a fresh replay, and shares up to `last`.

        Args:
            last: every honest validator has committed it.
        """
        self._replay(block for _, (block, _) in sorted(self.final.items()))
        if early := [share for share in self.early_shares() if share.height <= last]:
            raise Violation("share", f"{len(early)} shares of blocks that lost, first: {early[0]}")

    def _replay(self, blocks: Iterable[Block]) -> None:
        store = memory_store(self._keys.genesis.chain_id)
        app = LedgerApplication(self._keys.genesis, SealedLedger(self._keys), store)
        app.init_chain()
        for block in blocks:
            height = block.header.height
            if strange := [tx for tx in block.txs if tx not in self.submitted]:
                raise Violation("validity", f"block {height} orders {strange[0][:20]!r}")
            app.process_proposal(block)
            if app.finalize_block(block) != self.final[Height(height)][1]:
                raise Violation("agreement", f"block {height} replays to another state")
            app.commit()
