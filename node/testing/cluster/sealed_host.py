"""The small ledger as a host: every block is a batch of its own, under a key made beforehand.

It asks for its decryption share whenever it learns anything, so that only the guard of
`private_exec.final` decides when one is made.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

from node.consensus.certificate import CommitCertificate
from node.core.block import Block, Receipt
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.testing.cluster.faults import Lie
from node.testing.cluster.host import NOTHING, Around, Said
from node.testing.cluster.keys import Keys
from node.testing.cluster.ledger import SealedLedger
from node.testing.cluster.liars import Liar
from node.testing.cluster.messages import Decision
from private_exec.errors import NotFinal, SealRefused
from private_exec.final import finalise
from private_exec.shares import ShareMessage, make_shares
from zk.errors import DecodeError


class SealedHost:
    """`node.testing.cluster.host.Host` of the small ledger.

    Args:
        keys: of the cluster.
        around: of this validator.
    """

    lane: Final = None
    repeats: Final = 3

    def __init__(self, keys: Keys, around: Around) -> None:
        self.executor: Final = SealedLedger(keys)
        self._keys = keys
        self._around = around
        self._done: set[bytes] = set()
        self._shared: set[int] = set()
        self._asked: set[tuple[bytes, int, int]] = set()

    def opened(self, latest: Callable[[], tuple[Height, StateReader]]) -> None:
        """The small ledger reads no state."""

    def learned(self, block: Block, certificate: CommitCertificate) -> Said:
        """This validator's share of a block's batch, if the evidence lets it make one."""
        height, hash_ = block.header.height, certificate.block_hash
        attempt = hash_, certificate.round, len(certificate.signers)
        if self._around.place is None or height in self._shared or attempt in self._asked:
            return NOTHING
        self._asked.add(attempt)
        try:
            batch = self.executor.batch(block.txs, height)
        except (DecodeError, SealRefused):
            return NOTHING
        if not len(batch):
            return NOTHING
        keys, place = self._keys, self._around.place
        evidence = self._around.evidence(
            keys.genesis.chain_id, keys.committee, certificate, block, self.executor.roots_of
        )
        with contextlib.suppress(NotFinal):
            token = finalise(evidence, hash_, batch)
            self._around.point("before-share")
            share = make_shares(
                token, keys.held[place], self._around.disk.roots, keys.signers[place]
            )
            self._around.point("after-share")
            if share is not None:
                self._shared.add(height)
                return Said((share,), batch=batch)
        return NOTHING

    def committed(
        self,
        state: StateReader,  # noqa: ARG002 - the protocol's call
        decision: Decision,
        receipts: Sequence[Receipt],  # noqa: ARG002 - the protocol's call
    ) -> Said:
        self._done.update(decision.block.txs)
        said = self.learned(decision.block, decision.certificate)
        self._asked.clear()
        return said

    def resumed(
        self,
        state: StateReader,  # noqa: ARG002 - the protocol's call
        decisions: Mapping[int, Decision],
    ) -> Iterator[Said]:
        for _, decision in sorted(decisions.items()):
            self._done.update(decision.block.txs)
            yield self.learned(decision.block, decision.certificate)

    def hear(self, share: ShareMessage) -> None:
        """Nobody opens batches here; tests look at what a validator received."""

    def offer(self, txs: Sequence[bytes]) -> None:
        self._around.disk.pool.extend(txs)

    def pending(self, draw: random.Random) -> Sequence[bytes]:
        """A few, in any order."""
        pool = [tx for tx in self._around.disk.pool if tx not in self._done]
        draw.shuffle(pool)
        return pool[: draw.randint(1, 4)]


class SealedKit:
    """`node.testing.cluster.host.Kit` of the small ledger."""

    def __init__(self, keys: Keys) -> None:
        self.keys: Final = keys

    def host(self, around: Around) -> SealedHost:
        return SealedHost(self.keys, around)

    def roots(self, block: Block, state: StateReader) -> tuple[bytes, ...]:  # noqa: ARG002
        return SealedLedger(self.keys).roots_of(block)

    def liar(self, lie: Enum, place: int, draw: random.Random) -> Liar:
        return Liar(Lie(lie), self.keys, place, draw)

    def is_lead(self, tx: bytes) -> bool:  # noqa: ARG002
        return False
