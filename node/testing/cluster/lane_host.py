"""A node's real ledger as a host: every environment, a mempool, and the keeper of the sealed lane.

Nothing is simplified here but the network and the clock. `LaneKit` is the chain that the validators
share; liars' hosts are in `lane_liars`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.app import assembly
from node.consensus.certificate import CommitCertificate
from node.core.block import Block, Receipt
from node.core.genesis import Allocation, Genesis, Parameters, StatementKey
from node.core.ids import NATIVE, Height
from node.core.interfaces import BlockExecutor, ProofClaim, ProofVerifier, SealedLane, StateReader
from node.core.lane import LaneDomain, LaneParameters
from node.core.stake import GenesisBond, StakeParameters
from node.execution.executor import Executor
from node.execution.mempool import Mempool
from node.lane import payload, sealed
from node.lane.validator.keeper import Keeper
from node.lane.validator.roots import MemoryRootLogs
from node.lane.validator.secrets import MemorySecrets
from node.stake import rosters
from node.testing.cluster.faults import Lie
from node.testing.cluster.host import NOTHING, Around, Host, Said
from node.testing.cluster.keys import (
    GENESIS_MS,
    Members,
    entropy,
    public_key,
    signing_keys,
)
from node.testing.cluster.liars import Liar
from node.testing.cluster.messages import Decision
from private_exec.final import FinalityEvidence
from private_exec.keygen.participant import Participant
from private_exec.shares import ShareMessage
from transparent.signature import SigningKey
from zk.errors import ChiaroError

MARKET: Final = LaneDomain(1, "market", period=3, fee=100, solve_period=10)
LANE: Final = LaneParameters((MARKET,), epoch_heights=24, grace=24, lead=12, round_heights=2)
"""Two heights a round, so that a message may miss one."""
BUSY: Final = LaneParameters((MARKET,), epoch_heights=48, grace=24, lead=36, round_heights=4)
"""Four, so that it may miss those in which nothing but the opening of a batch is allowed (P1-1)."""
QUICK: Final = LaneParameters((MARKET,), epoch_heights=12, grace=12, lead=12, round_heights=2)
"""Short epochs, for rosters that change."""
STAKE_UNIT: Final = 1000
"""Base units of the native kind for one unit of weight."""
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Signer:
    """A validator's consensus key, as a keeper wants it."""

    key: Ed25519PrivateKey = field(repr=False)

    @property
    def public(self) -> bytes:
        return public_key(self.key)

    def sign(self, digest: bytes) -> bytes:
        return self.key.sign(digest)


@dataclass
class Vault:
    """What a keeper has on its validator's disk."""

    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    roots: MemoryRootLogs = field(default_factory=MemoryRootLogs)


class LaneHost:
    """`node.testing.cluster.host.Host` of a node with the sealed lane.

    Args:
        kit: the chain.
        around: of this validator, or of one who only checks.
    """

    repeats: Final = 11
    """A batch is opened within ten heights of its close, or not at all."""

    def __init__(self, kit: LaneKit, around: Around) -> None:
        self._keys: Final = kit.keys
        self._around: Final = around
        self.ledger: Final[Executor] = assembly.executor(kit.keys.genesis, kit.verifier)
        self.keeper: Final = self._make_keeper(kit.keys.genesis)
        self._pool: Mempool | None = None
        self._told: set[tuple[int, bytes]] = set()

    def _make_keeper(
        self, genesis: Genesis, participant: type[Participant] = Participant
    ) -> Keeper:
        place = self._around.place
        if place is None:
            return Keeper(genesis)
        vault = self._around.disk.secrets = self._around.disk.secrets or Vault()
        signer = Signer(self._keys.signers[place])
        fresh = entropy("keygen", place)  # each attempt derives its own from it
        return Keeper(
            genesis,
            signer,
            vault.secrets,
            vault.roots,
            entropy=lambda: fresh,
            participant=participant,
        )

    @property
    def executor(self) -> BlockExecutor:
        return self.ledger

    @property
    def lane(self) -> SealedLane:
        return self.keeper

    @property
    def pool(self) -> Mempool:
        """Once `opened` was called."""
        if self._pool is None:
            raise RuntimeError("the store is not open")
        return self._pool

    def opened(self, latest: Callable[[], tuple[Height, StateReader]]) -> None:
        self._pool = Mempool(self.ledger, latest)
        for tx in self._around.disk.pool:
            self._pool.add(tx)

    # --- blocks ------------------------------------------------------------------------------

    def learned(self, block: Block, certificate: CommitCertificate) -> Said:  # noqa: ARG002
        """What closes a batch is known behind its block only."""
        return NOTHING

    def committed(
        self, state: StateReader, decision: Decision, receipts: Sequence[Receipt]
    ) -> Said:
        block = decision.block
        self.pool.committed(block, receipts)
        gone = set(block.txs)
        self._around.disk.pool[:] = [tx for tx in self._around.disk.pool if tx not in gone]
        self._around.point("before-share")
        outbox = self.keeper.committed(state, block, self._evidence(state, decision))
        self._around.point("after-share")
        return self._said(outbox.shares, outbox.txs)

    def resumed(self, state: StateReader, decisions: Mapping[int, Decision]) -> Iterator[Said]:
        if not decisions:
            outbox = self.keeper.resume(state, 0, lambda _: None)
            yield self._said(outbox.shares, outbox.txs)
            return

        def evidence_of(height: int) -> tuple[bytes, FinalityEvidence] | None:
            found = decisions.get(height)
            if found is None:
                return None
            return found.block.header.hash, self._evidence(state, found)

        outbox = self.keeper.resume(state, max(decisions), evidence_of)
        yield self._said(outbox.shares, outbox.txs)

    def _evidence(self, state: StateReader, decision: Decision) -> FinalityEvidence:
        """Of the block, whose batches are read from the state behind it or a later one."""
        genesis = self._keys.genesis
        return self._around.evidence(
            genesis.chain_id,
            self._keys.committee,
            decision.certificate,
            decision.block,
            lambda block: sealed.roots(state, block.header.height, genesis),
        )

    def _said(self, shares: Sequence[ShareMessage], txs: tuple[bytes, ...]) -> Said:
        """Each share once; who needs it again gets it with every tick."""
        new = tuple(share for share in shares if (share.height, share.root) not in self._told)
        self._told.update((share.height, share.root) for share in new)
        return Said(new, txs)

    # --- messages ----------------------------------------------------------------------------

    def hear(self, share: ShareMessage) -> None:
        self.keeper.hear(share)

    def offer(self, txs: Sequence[bytes]) -> None:
        """Into the mempool, and into what a restart reads again."""
        kept = self._around.disk.pool
        for tx in txs:
            if self.pool.add(tx).error is None and tx not in kept:
                kept.append(tx)

    def pending(self, draw: random.Random) -> Sequence[bytes]:  # noqa: ARG002
        """By fee, as a node proposes them."""
        return self.pool.pending(_MOST_BYTES)


def keeper_of(host: Host) -> Keeper:
    """What a validator with the sealed lane knows of it. Raises TypeError for one without."""
    if not isinstance(host, LaneHost):
        raise TypeError("a host without a lane")
    return host.keeper


class Believer:
    """A verifier that is asked nothing: for chains without shielded transactions."""

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        if claims:
            raise RuntimeError("a proof, and nobody to verify it")
        return []


def owner(place: int) -> SigningKey:
    """UNSAFE: the key of the account whose the stake of a validator is."""
    return SigningKey(entropy("owner", place))


def _stake(
    signers: Sequence[Ed25519PrivateKey], lane: LaneParameters, stakes: Sequence[int]
) -> StakeParameters:
    bonds = tuple(
        GenesisBond(public_key(signer), owner(place).account, stake * STAKE_UNIT)
        for place, (signer, stake) in enumerate(zip(signers, stakes, strict=True))
    )
    return StakeParameters(
        bonds,
        lane.epoch_heights,
        STAKE_UNIT,
        min_bond=STAKE_UNIT,
        unbonding_epochs=2,
        max_validators=len(signers),
    )


@dataclass(frozen=True)
class LaneKit:
    """`node.testing.cluster.host.Kit` of a chain with the sealed lane.

    Attributes:
        keys: who validates.
        verifier: of proofs; one for all, as they are in one process.
    """

    keys: Members
    verifier: ProofVerifier

    @staticmethod
    def of(
        n: int,
        *,
        lane: LaneParameters = LANE,
        allocations: Sequence[Allocation] = (),
        statements: tuple[StatementKey, ...] = (),
        verifier: ProofVerifier | None = None,
        stakes: Sequence[int] | None = None,
    ) -> LaneKit:
        """A new chain of n validators.

        Args:
            n: how many.
            lane: of the chain.
            allocations: of genesis.
            statements: of the chain.
            verifier: of proofs.
            stakes: of the validators, in units of weight; by default there is no stake, and they
                are equals. They vote with what they have in genesis for the whole run; rosters, and
                so keys and their holders, follow what becomes of it.
        """
        signers = signing_keys(n)
        if stakes is not None:
            rich = (Allocation(owner(k).account, NATIVE, STAKE_UNIT * 1000) for k in range(n))
            allocations = (*allocations, *rich)
        genesis = Genesis(
            "dev",
            "cluster",
            GENESIS_MS,
            Parameters(block_time_ms=1),
            allocations=tuple(sorted(allocations, key=lambda a: (a.account, a.kind))),
            statements=statements,
            validators=tuple(public_key(signer) for signer in signers),
            lane=lane,
            stake=None if stakes is None else _stake(signers, lane, stakes),
        )
        members = Members(genesis, rosters.genesis_roster(genesis), signers)
        return LaneKit(members, verifier or Believer())

    def host(self, around: Around) -> LaneHost:
        from node.testing.cluster.lane_liars import LaneLie, LyingHost

        if isinstance(around.lie, LaneLie):
            return LyingHost(self, around)
        return LaneHost(self, around)

    def roots(self, block: Block, state: StateReader) -> tuple[bytes, ...]:
        return tuple(sealed.roots(state, block.header.height, self.keys.genesis))

    def liar(self, lie: Enum, place: int, draw: random.Random) -> Liar | None:
        return Liar(lie, self.keys, place, draw) if isinstance(lie, Lie) else None

    def is_lead(self, tx: bytes) -> bool:
        return payload.tag_of_wire(tx) in payload.LEAD
