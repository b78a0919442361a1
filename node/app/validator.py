"""A node's part in the sealed lane: its keeper between engine, mempool and disk.

A block that is on this node's disk is final where the chain has one validator (CL-6), and where
CometBFT decided it (CL-7). Its decryption shares are made right after it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.app.accusations import Accusations
from node.app.errors import NoNode
from node.app.settings import may_vote
from node.consensus.finality import CommittedBlock, DecidedBlock
from node.core.block import Block, Receipt
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import Admission
from node.execution.mempool import Mempool
from node.lane import sealed
from node.lane.validator import identity
from node.lane.validator.identity import ConsensusKey
from node.lane.validator.keeper import Evidence, Keeper, Outbox
from node.lane.validator.roots import FileRootLogs, MemoryRootLogs, RootLogs
from node.lane.validator.secrets import FileSecrets, MemorySecrets, SecretStore
from node.store.chain import Chain
from node.store.versioned import VersionedStore
from private_exec.final import FinalityEvidence
from zk.errors import ChiaroError

LANE_FOLDER: Final = "lane"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a validator has of its own.

    Attributes:
        key: its consensus key.
        secrets: of key generation.
        roots: what it made shares of.
    """

    key: ConsensusKey
    secrets: SecretStore
    roots: RootLogs

    @staticmethod
    def in_memory(key: ConsensusKey) -> Belongings:
        """For tests and tools: nothing outlives the process."""
        return Belongings(key, MemorySecrets(), MemoryRootLogs())

    @staticmethod
    def load(home: Path, genesis: Genesis) -> Belongings | None:
        """Those of the node in `home`; None: it has no validator's key.

        Raises:
            BadKeyFile: LN-32.
        """
        path = home / identity.KEY_FILE
        if not path.exists():
            return None
        folder = home / LANE_FOLDER
        return Belongings(
            identity.load(path),
            FileSecrets(folder / "secrets", genesis.chain_id),
            FileRootLogs(folder / "roots", genesis.chain_id),
        )


class Validator:
    """`node.core.interfaces.TransactionSource`: the mempool, and the keeper told of each block.

    Args:
        genesis: of the chain; it has a lane.
        chain, store: of the node.
        pool: of the node.
        own: the validator's; None: this node watches.
        ahead: see `Keeper`.
        decided: CometBFT decides; else this node does, alone.
    """

    def __init__(
        self,
        genesis: Genesis,
        chain: Chain,
        store: VersionedStore,
        pool: Mempool,
        own: Belongings | None,
        *,
        ahead: bool,
        decided: bool = False,
    ) -> None:
        self._decided = decided
        self._genesis = genesis
        self._chain = chain
        self._store = store
        self._pool = pool
        self._accusations = Accusations(genesis, pool.add)
        self._own = b"" if own is None else own.key.public
        parts = (None, None, None) if own is None else (own.key, own.secrets, own.roots)
        self.keeper: Final = Keeper(genesis, *parts, ahead=ahead)

    # TRANSACTION SOURCE

    def pending(self, max_bytes: int) -> Sequence[bytes]:
        return self._pool.pending(max_bytes)

    def take(self, txs: Sequence[bytes]) -> list[Admission]:
        return self._pool.take(txs)

    def has_pending(self, tx: bytes) -> bool:
        return self._pool.has_pending(tx)

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:
        self._pool.committed(block, receipts)
        evidence = self._evidence()
        reader = self._store.reader()
        self._send(self.keeper.committed(reader, block, evidence))
        if self._genesis.stake is not None:
            self._accusations.send(self.keeper.evidence(reader))

    def discard(self, txs: Sequence[bytes], error: ChiaroError) -> None:
        self._pool.discard(txs, error)

    # THE NODE

    def start(self) -> None:
        """Go on where the last process ended: the same messages, the same shares."""
        height = self._chain.height
        if not self._has_part():
            _log.info("this node has no part in this epoch's keys, and watches the sealed lane")
        self._send(self.keeper.resume(self._store.reader(), height, self._evidence_of))

    def want(self, domain: int) -> None:
        """Ask the validators for the domain's key; nothing if there is one."""
        self.keeper.want(domain)
        reader = self._store.reader()
        self._send(Outbox(txs=self.keeper.due(reader, reader.height)))

    @property
    def public(self) -> bytes | None:
        """Consensus key, if this node is a validator of its chain, or may become one."""
        return self._own if self._own and may_vote(self._own, self._genesis) else None

    def _has_part(self) -> bool:
        reader = self._store.reader()
        lane = sealed.parameters_of(self._genesis)
        return self.keeper.has_part(reader, lane.epoch_of(reader.height + 1))

    def holds(self, domain: int, epoch: int) -> bool:
        """Whether it has its shares of a key."""
        return self.keeper.holds(self._store.reader(), domain, epoch)

    def busy(self) -> bool:
        """Whether blocks must go on although nobody sends anything."""
        return self.keeper.busy(self._store.reader())

    def _evidence(self) -> FinalityEvidence:
        if self._decided:
            return DecidedBlock(self._chain, self._roots)
        return CommittedBlock(self._chain, self._genesis.validators, self._own, self._roots)

    def _evidence_of(self, height: int) -> Evidence | None:
        if not self._chain.first <= height <= self._chain.height:
            return None  # SN-17: of a batch that closed before the snapshot others make shares
        return self._chain.header(Height(height)).hash, self._evidence()

    def _roots(self, block: Block) -> tuple[bytes, ...]:
        """What this node's own state says that the block closed."""
        return sealed.roots(self._store.reader(), block.header.height, self._genesis)

    def _send(self, outbox: Outbox) -> None:
        """Shares have nowhere to go: one validator's are enough, or CometBFT's votes carry them."""
        for data in outbox.txs:
            error = self._pool.add(data).error
            if error is not None:
                _log.warning("own message refused: %s", error, extra={"code": error.id})


def create_key(home: Path) -> ConsensusKey:
    """A validator's key for the node that will be in `home`.

    Raises:
        NoNode: there is one already.
    """
    path = home / identity.KEY_FILE
    if path.exists():
        raise NoNode(
            "there is a validator's key in this folder already",
            where=str(path),
            why="a new key is another validator",
            fix="use it, or name another folder",
        )
    return identity.create(path)
