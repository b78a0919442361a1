"""Watches a chain through one node's RPC and believes nothing: it executes every block itself."""

from __future__ import annotations

import time
from typing import Final

from node.app import assembly
from node.consensus.application import LedgerApplication
from node.core.block import Block, Receipt
from node.core.genesis import Genesis
from node.core.ids import Height, StateRoot
from node.core.interfaces import ProofVerifier, StateReader
from node.lane.validator.keeper import Keeper
from node.rpc.client import NodeClient
from node.store.chain import decode_receipts
from node.store.memory import memory_store
from node.store.versioned import VersionedStore
from node.testing.cluster.invariants import Violation
from zk.errors import ChiaroError

_POLL_S: Final = 0.05
_WINDOW: Final = 1000
"""Heights whose states stay readable."""


class Observer:
    """One who has the genesis and a way to ask, and no key.

    Args:
        genesis: of the chain.
        verifier: of proofs.
    """

    def __init__(self, genesis: Genesis, verifier: ProofVerifier) -> None:
        self.final: Final[dict[int, tuple[Block, StateRoot]]] = {}
        self._store = memory_store(genesis.chain_id, window=_WINDOW)
        self._app = LedgerApplication(
            genesis,
            assembly.executor(genesis, verifier),
            self._store,
            lane=None if genesis.lane is None else Keeper(genesis),
        )
        self._app.init_chain()

    @property
    def height(self) -> int:
        """Of the last block that it has executed."""
        return self._store.height

    @property
    def store(self) -> VersionedStore:
        """The whole chain; not to be written."""
        return self._store

    @property
    def state(self) -> StateReader:
        """Behind the last block."""
        return self._store.reader()

    def state_at(self, height: int) -> StateReader:
        """The same behind an earlier block; 0 is genesis."""
        return self._store.reader(Height(height))

    def receipts(self, height: int) -> tuple[Receipt, ...]:
        """Of a block, as it found them."""
        return self._app.chain.receipts(Height(height))

    def follow(self, client: NodeClient, height: int, seconds: float) -> None:
        """Execute blocks up to `height`, as they come.

        Args:
            client: of a node.
            height: to be reached.
            seconds: how long the chain may take for it.

        Raises:
            Violation: `liveness`, it takes longer; `agreement`, a block gives something else than
                the node says.
        """
        deadline = time.monotonic() + seconds
        while self.height < height:
            if self._take(client, height):
                deadline = time.monotonic() + seconds
            elif time.monotonic() > deadline:
                raise Violation("liveness", f"no block {self.height + 1} within {seconds:g} s")
            else:
                time.sleep(_POLL_S)

    def _take(self, client: NodeClient, height: int) -> bool:
        """Whether there was anything new."""
        before = self.height
        try:
            tip = min(client.status().height, height)
        except ChiaroError:
            return False  # it may be on its way up again: the deadline decides
        if tip <= before:
            return False
        for at, data, receipts, _ in client.raw(before + 1, tip):
            block = Block.from_bytes(data)
            self._app.process_proposal(block)
            root = self._app.finalize_block(block)
            found = self._app.finalized
            if found is None or found.receipts != decode_receipts(receipts):
                raise Violation("agreement", f"the receipts of block {at} are others")
            self._app.commit()
            self.final[at] = (block, root)
        return True
