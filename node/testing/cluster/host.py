"""What a cluster runs: the ledger behind the application, and what a validator does besides.

A `Kit` is what all validators of a cluster have in common; it makes a `Host` for each of them, at
every start of its process.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from node.consensus.certificate import CommitCertificate
from node.consensus.finality import CertifiedBlock, RootsOf
from node.core.block import Block, Receipt
from node.core.committee import Committee
from node.core.ids import ChainId, Height
from node.core.interfaces import BlockExecutor, SealedLane, StateReader
from node.store.memory import MemoryKeyValue
from node.testing.cluster.keys import Members
from node.testing.cluster.messages import Decision
from node.testing.cluster.rounds import Memory
from private_exec.batch import Batch
from private_exec.final import FinalityEvidence, MemoryRoots
from private_exec.shares import ShareMessage

if TYPE_CHECKING:
    from node.testing.cluster.liars import Liar

EvidenceOf = Callable[[ChainId, Committee, CommitCertificate, Block, RootsOf], FinalityEvidence]
"""`CertifiedBlock`, or what a test puts into its place to show that the checks see it."""


@dataclass
class Disk:
    """What outlives the process. Every assignment stands for one synced write."""

    database: MemoryKeyValue = field(default_factory=MemoryKeyValue)
    memory: Memory | None = None
    decisions: dict[int, Decision] = field(default_factory=dict)
    roots: MemoryRoots = field(default_factory=MemoryRoots)
    pool: list[bytes] = field(default_factory=list)
    secrets: Any = None
    """The host's own."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a validator tells all others, because of a block.

    Attributes:
        shares: decryption shares that it made.
        txs: transactions that it made.
        batch: of the shares, where the host has it at hand.
    """

    shares: tuple[ShareMessage, ...] = ()
    txs: tuple[bytes, ...] = ()
    batch: Batch | None = None


NOTHING = Said()


@dataclass(frozen=True)
class Around:
    """What surrounds a host.

    Attributes:
        place: in the committee; None: one who only checks.
        disk: of the validator.
        point: passes a crash point.
        evidence: of finality.
        lie: what this host does otherwise, if it knows how.
    """

    place: int | None
    disk: Disk
    point: Callable[[str], None]
    evidence: EvidenceOf = CertifiedBlock
    lie: Enum | None = None


class Host(Protocol):
    """One validator's ledger."""

    @property
    def executor(self) -> BlockExecutor: ...

    @property
    def lane(self) -> SealedLane | None:
        """For the application."""
        ...

    @property
    def repeats(self) -> int:
        """For how many heights shares are said again, as some may be lost."""
        ...

    def opened(self, latest: Callable[[], tuple[Height, StateReader]]) -> None:
        """The store is open and replayed; its state can be asked for from now on."""
        ...

    def learned(self, block: Block, certificate: CommitCertificate) -> Said:
        """Something is known of a block that may be final, or not, or never; called often."""
        ...

    def committed(
        self, state: StateReader, decision: Decision, receipts: Sequence[Receipt]
    ) -> Said:
        """A block is on disk, and `state` is that behind it."""
        ...

    def resumed(self, state: StateReader, decisions: Mapping[int, Decision]) -> Iterable[Said]:
        """After a start: everything that is on disk, and the state behind the last of it."""
        ...

    def hear(self, share: ShareMessage) -> None:
        """A share of another validator, as it came."""
        ...

    def offer(self, txs: Sequence[bytes]) -> None:
        """Transactions, as they came; also those that `Said` had."""
        ...

    def pending(self, draw: random.Random) -> Sequence[bytes]:
        """Candidates for a block."""
        ...


class Kit(Protocol):
    """What a cluster has in common."""

    @property
    def keys(self) -> Members: ...

    def host(self, around: Around) -> Host: ...

    def roots(self, block: Block, state: StateReader) -> tuple[bytes, ...]:
        """Roots of the batches whose shares wait for this block.

        Args:
            block: decided.
            state: behind it.
        """
        ...

    def liar(self, lie: Enum, place: int, draw: random.Random) -> Liar | None:
        """What a Byzantine validator does in rounds; None: its host lies, it votes as others."""
        ...

    def is_lead(self, tx: bytes) -> bool:
        """Whether proposers make it themselves, so that nobody needs to have submitted it."""
        ...
