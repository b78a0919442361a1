"""What is checked in every run of a cluster. The checker sees all; no validator sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.consensus.application import LedgerApplication
from node.core.block import Block, Receipt
from node.core.ids import Height, StateRoot
from node.core.interfaces import StateReader
from node.store.memory import memory_store
from node.store.versioned import VersionedStore, no_crash
from node.testing.cluster.host import Around, Disk, Kit
from private_exec.batch import Batch
from private_exec.shares import ShareMessage


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
        kit: of the cluster.
    """

    def __init__(self, kit: Kit) -> None:
        self.final: Final[dict[int, tuple[Block, StateRoot]]] = {}
        self.batches: Final[dict[int, Batch]] = {}
        self.shares: Final[list[MadeShare]] = []
        self.submitted: Final[set[bytes]] = set()
        self._kit = kit
        self._told: dict[int, int] = {}
        self._roots: dict[int, tuple[bytes, ...]] = {}
        genesis = kit.keys.genesis
        host = kit.host(Around(None, Disk(), no_crash))
        self._store = memory_store(genesis.chain_id)
        self._app = LedgerApplication(genesis, host.executor, self._store, lane=host.lane)
        self._app.init_chain()
        host.opened(lambda: (self._store.height, self._store.reader()))
        self._host = host

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

    def shared(
        self, place: int, block: Block, share: ShareMessage, batch: Batch | None, at_ms: int
    ) -> None:
        """Remember; `finish` judges, since a block may become final later, or never."""
        hash_ = block.header.hash
        self.shares.append(MadeShare(place, share.height, hash_, share.root, at_ms))
        if batch is not None:
            self.batches[share.height] = batch

    def early_shares(self) -> list[MadeShare]:
        """Shares of a batch whose block did not become final at its height in the whole run.

        Either another block did (`share.height in checker.final`), or none until the run's end.
        """
        self._replay()
        early = []
        for share in self.shares:
            found = self.final.get(share.height)
            if (
                found is None
                or found[0].header.hash != share.block_hash
                or share.root not in self._roots[share.height]
            ):
                early.append(share)
        return early

    def finish(self, last: int) -> None:
        """At the end of a run: validity of the chain by a fresh replay, and shares up to `last`.

        Args:
            last: every honest validator has committed it.
        """
        self._replay()
        if early := [share for share in self.early_shares() if share.height <= last]:
            raise Violation("share", f"{len(early)} shares of blocks that lost, first: {early[0]}")

    @property
    def store(self) -> VersionedStore:
        """The whole chain, as one who only checks has it; not to be written."""
        self._replay()
        return self._store

    @property
    def state(self) -> StateReader:
        """Behind the last final block, as one who only checks has it."""
        self._replay()
        return self._store.reader()

    def state_at(self, height: int) -> StateReader:
        """The same behind an earlier block; 0 is genesis."""
        self._replay()
        return self._store.reader(Height(height))

    def receipts(self, height: int) -> tuple[Receipt, ...]:
        """Of a final block."""
        self._replay()
        return self._app.chain.receipts(Height(height))

    def _replay(self) -> None:
        """Go on with the chain as one who was not there: no key, no vote, no message."""
        for height in range(self._app.info().height + 1, max(self.final, default=0) + 1):
            block, root = self.final[height]
            strange = [
                tx for tx in block.txs if tx not in self.submitted and not self._kit.is_lead(tx)
            ]
            if strange:
                raise Violation("validity", f"block {height} orders {strange[0][:20]!r}")
            self._app.process_proposal(block)
            if self._app.finalize_block(block) != root:
                raise Violation("agreement", f"block {height} replays to another state")
            self._app.commit()
            self._roots[height] = self._kit.roots(block, self._store.reader())
