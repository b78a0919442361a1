"""What validators of the test bed send each other. Everything that counts is signed."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from node.consensus.certificate import Ballot, CommitCertificate
from node.core.block import Block
from node.core.codec import Writer
from node.core.committee import Committee
from node.core.ed25519 import is_signed
from node.core.ids import Height, tagged_hash
from private_exec.shares import ShareMessage

_verified = functools.lru_cache(maxsize=65536)(is_signed)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A block for a round; `valid_round` is where it had a quorum of prevotes before, or −1."""

    round: int
    valid_round: int
    block: Block
    place: int
    signature: bytes

    @property
    def height(self) -> Height:
        return self.block.header.height

    def digest(self, committee: Committee) -> bytes:
        """What the proposer signs."""
        header = self.block.header
        writer = Writer().raw(header.chain_id, 32).u64(header.height).u32(self.round)
        writer.u32(self.valid_round + 1).raw(header.hash, 32)
        return tagged_hash("test-bed/proposal", writer.done(), committee.digest)

    def holds(self, committee: Committee) -> bool:
        """Whether its sender signed it."""
        key = committee.members[self.place].key
        return _verified(key, self.digest(committee), self.signature)

    def __str__(self) -> str:
        block = self.block.header
        return (
            f"proposal {block.height}/{self.round} of {self.place} from {self.valid_round}: "
            f"{block.hash.hex()[:12]}"
        )


@dataclass(frozen=True, slots=True)
class Vote:
    """A signed ballot; the application's extension travels beside a precommit, unsigned."""

    ballot: Ballot
    place: int
    signature: bytes
    extension: bytes = b""

    @property
    def height(self) -> Height:
        return self.ballot.height

    @property
    def round(self) -> int:
        return self.ballot.round

    def holds(self, committee: Committee) -> bool:
        """Whether its sender signed it."""
        key = committee.members[self.place].key
        return _verified(key, self.ballot.digest(committee), self.signature)

    def __str__(self) -> str:
        ballot = self.ballot
        chosen = ballot.block_hash.hex()[:12] if ballot.block_hash else "none"
        kind = ballot.kind.name.lower()
        return f"{kind} {ballot.height}/{ballot.round} of {self.place}: {chosen}"


@dataclass(frozen=True, slots=True)
class Decision:
    """A block and why it is final."""

    block: Block
    certificate: CommitCertificate

    def __str__(self) -> str:
        header = self.block.header
        return f"decision {header.height}/{self.certificate.round}: {header.hash.hex()[:12]}"


@dataclass(frozen=True, slots=True)
class Status:
    """The last height that a validator has; who has more sends decisions."""

    height: int

    def __str__(self) -> str:
        return f"status {self.height}"


@dataclass(frozen=True, slots=True)
class Share:
    """Decryption shares of a batch."""

    message: ShareMessage

    def __str__(self) -> str:
        return f"share {self.message.height} of {self.message.member}"


@dataclass(frozen=True, slots=True)
class Gossip:
    """Transactions for the pools."""

    txs: tuple[bytes, ...]

    def __str__(self) -> str:
        return f"{len(self.txs)} transactions"


RoundMessage = Proposal | Vote
Message = Proposal | Vote | Decision | Status | Share | Gossip
