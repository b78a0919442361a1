"""Validators with keepers around one chain: what each says after a block reaches all others.

The chain decides by itself, as `LaneChain` does; keepers are the real ones, each with what would be
its disk. A keeper that is down hears and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from node.core.block import Receipt
from node.core.ids import Height
from node.lane import layout, sealed
from node.lane.validator.extension import decode
from node.lane.validator.identity import ConsensusKey
from node.lane.validator.keeper import Evidence, Keeper, Outbox
from node.lane.validator.roots import MemoryRootLogs
from node.lane.validator.secrets import MemorySecrets
from node.testing.lane import Committed, LaneChain, entropy
from private_exec.shares import ShareMessage


def consensus_keys(n: int) -> tuple[ConsensusKey, ...]:
    """UNSAFE: those of `node.testing.lane.validators`, in the order of genesis."""
    keys = (ConsensusKey(entropy("signer", "validator", k)) for k in range(n))
    return tuple(sorted(keys, key=lambda key: key.public))


class Town:
    """All validators of a chain.

    Args:
        chain: with their keys in genesis.
        ahead: see `Keeper`.
        n: how many there are, with those who are not in genesis; default: none are.

    Attributes:
        secrets, roots: what each validator's disk keeps.
        pool: transactions for the next block.
        down: who is.
        extensions: of the votes for the last block, by member.
    """

    def __init__(self, chain: LaneChain, *, ahead: bool = False, n: int | None = None) -> None:
        self.chain: Final = chain
        self.ahead: Final = ahead
        self.keys: Final = consensus_keys(n or len(chain.genesis.validators))
        self.secrets: Final = [MemorySecrets() for _ in self.keys]
        self.roots: Final = [MemoryRootLogs() for _ in self.keys]
        self.keepers: Final = [self.keeper(member) for member in range(len(self.keys))]
        self.pool: tuple[bytes, ...] = ()
        self.down: set[int] = set()
        self.extensions: dict[int, bytes] = {}
        self.restart(*range(len(self.keys)))

    def keeper(self, member: int) -> Keeper:
        """A new process of a validator, with what its disk keeps."""
        return Keeper(
            self.chain.genesis,
            self.keys[member],
            self.secrets[member],
            self.roots[member],
            ahead=self.ahead,
        )

    def restart(self, *members: int) -> None:
        """These begin again; what they say then reaches the others."""
        outboxes = []
        for member in members:
            self.keepers[member] = self.keeper(member)
            state, height = self.chain.state, self.chain.height
            outboxes.append(self.keepers[member].resume(state, height, self.evidence_of))
        self.deliver(outboxes)

    def evidence_of(self, height: int) -> Evidence | None:
        """The chain commits nothing that is not final."""
        return self.chain.chain.header(Height(height)).hash, Committed(self.chain)

    def want(self, domain: int = 0) -> None:
        """The first validator that is not down asks for a key."""
        keeper = self.keepers[self.up()[0]]
        keeper.want(domain)
        self.pool += keeper.due(self.chain.state, self.chain.height)

    def up(self) -> list[int]:
        """Who is not down."""
        return [member for member in range(len(self.keys)) if member not in self.down]

    def step(self, *txs: bytes, proposer: int | None = None) -> tuple[Receipt, ...]:
        """A block by an honest proposer: what it begins with, the pool, then these."""
        chain = self.chain
        keeper = self.keepers[self.up()[0] if proposer is None else proposer]
        height = chain.next_height
        begin, more = keeper.lead(chain.state, height)
        body = (*begin, *((*self.pool, *txs) if more else ()))
        for member in self.up():
            self.keepers[member].check_lead(body, chain.state, height)
        self._vote()
        receipts = chain.block(*body)
        self.pool = () if more else (*self.pool, *txs)
        block, state = chain.last_block(), chain.state
        outboxes = [
            self.keepers[member].committed(state, block, Committed(chain)) for member in self.up()
        ]
        self.deliver(outboxes)
        return receipts

    def _vote(self) -> None:
        """Everybody's extension of the vote for the next block, checked by everybody."""
        height, state = self.chain.next_height, self.chain.state
        self.extensions = {m: self.keepers[m].extend(state, height) for m in self.up()}
        for sender, extension in self.extensions.items():
            for member in self.up():
                keeper = self.keepers[member]
                keeper.check_extension(extension, self.keys[sender].public, state, height)
                keeper.receive(extension)

    def deliver(self, outboxes: Iterable[Outbox]) -> None:
        """To all who are not down, and into the pool."""
        for outbox in outboxes:
            self.pool = tuple(dict.fromkeys((*self.pool, *outbox.txs)))
            for message in outbox.shares:
                for member in self.up():
                    self.keepers[member].hear(message)

    def shares_of(self, member: int) -> tuple[ShareMessage, ...]:
        """What this validator would put into its next vote."""
        keeper = self.keepers[member]
        return decode(keeper.extend(self.chain.state, self.chain.next_height))

    def make_key(self, domain: int = 0) -> None:
        """Ask for a key and make blocks until it is there."""
        lane = sealed.parameters_of(self.chain.genesis)
        self.want(domain)
        while True:
            epoch = lane.epoch_of(self.chain.next_height)
            if layout.key_of(self.chain.state, domain, epoch) is not None:
                return
            self.step()
