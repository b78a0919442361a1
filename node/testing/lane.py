"""Chains with a sealed lane, and validators whose secrets everybody can derive.

`LaneChain` makes blocks by hand, as `Ledger` does, and knows all validators: it generates keys
through blocks, seals, and opens what was closed. Nothing asks a rule before a block is decided, so
tests put into blocks what they like; `step` makes blocks as an honest proposer would.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from node.core.block import Block, Receipt, Transaction
from node.core.genesis import Allocation, Genesis, Parameters, StatementKey, development_genesis
from node.core.ids import NATIVE, AccountId, Height, tagged_hash
from node.core.interfaces import ProofVerifier, StateReader
from node.core.lane import LaneDomain, LaneParameters
from node.core.stake import GenesisBond, StakeParameters
from node.lane import domains, generation, holders, layout, lead, ordering, payload, sealed
from node.lane.blobs.blob import BlobSource
from node.lane.layout import Live, Stage
from node.lane.payload import KeyMessage, KeyTx, LaneTx, RevealTx, SealTx
from node.store.memory import MemoryKeyValue, memory_store
from node.testing.ledger import Ledger
from private_exec import final, reveal, shares
from private_exec.batch import Batch
from private_exec.envelope import Envelope, Terms, seal_intent, size_class_of
from private_exec.errors import NotFinal
from private_exec.final import MemoryRoots
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import KeygenSucceeded
from private_exec.keys import EpochKey, HeldShares
from private_exec.roster import Roster
from private_exec.shares import ShareMessage
from transparent.signature import SigningKey

LANE: Final = LaneParameters(
    (
        LaneDomain(0, "main", period=5, fee=1000, solve_period=3),
        LaneDomain(1, "fast", period=1, fee=1000, solve_period=1),
    ),
    epoch_heights=50,
    grace=20,
    lead=10,
)
"""Two domains whose batches close every five heights and every height; epochs of 50 heights."""
_MOST: Final = 16
UNIT: Final = 1000
"""Base units of the native kind for one unit of voting weight."""
RICH: Final = 10**12
"""Base units of the native kind that every account of `payers` starts with."""


def entropy(*parts: object) -> bytes:
    """UNSAFE: 32 bytes that everyone can derive."""
    return tagged_hash("test-lane", repr(parts).encode())


def signing_key(*parts: object) -> SigningKey:
    """UNSAFE, as `entropy`."""
    return SigningKey(entropy("signer", *parts))


def validators(n: int) -> tuple[SigningKey, ...]:
    """UNSAFE: consensus keys of n validators, in the order of genesis."""
    keys = (signing_key("validator", k) for k in range(n))
    return tuple(sorted(keys, key=lambda key: key.account))


@functools.cache
def _known() -> dict[bytes, SigningKey]:
    return {bytes(key.account): key for key in validators(_MOST)}


def signer_of(roster: Roster, member: int) -> SigningKey:
    """UNSAFE: the consensus key of a member who is one of `validators(16)`."""
    return _known()[roster.members[member].key]


def owners(n: int) -> tuple[SigningKey, ...]:
    """UNSAFE: whose the stake of n validators is."""
    return tuple(signing_key("owner", k) for k in range(n))


def payers(n: int = 4) -> tuple[SigningKey, ...]:
    """UNSAFE: keys of n accounts with `RICH` each."""
    return tuple(signing_key("payer", k) for k in range(n))


def lane_genesis(
    n: int,
    *,
    lane: LaneParameters = LANE,
    allocations: Sequence[Allocation] = (),
    parameters: Parameters | None = None,
    statements: tuple[StatementKey, ...] = (),
    stakes: Sequence[int] | None = None,
) -> Genesis:
    """A development chain with n validators and four payers beside the faucet.

    Args:
        n: validators.
        lane: of the chain.
        allocations: more of them.
        parameters: of the chain.
        statements: of the chain.
        stakes: of the validators in the order of genesis, units of weight; each has an owner of its
            own, who is rich (`owners`). Default: no stake, and equal validators.
    """
    rich = tuple(Allocation(key.account, NATIVE, RICH) for key in payers())
    if stakes is not None:
        rich = (*rich, *(Allocation(key.account, NATIVE, RICH) for key in owners(n)))
    return development_genesis(
        statements,
        name="lane",
        parameters=parameters or Parameters(block_time_ms=0),
        allocations=(*rich, *allocations),
        validators=tuple(bytes(key.account) for key in validators(n)),
        lane=lane,
        stake=None if stakes is None else _stake(n, lane, stakes),
    )


def _stake(n: int, lane: LaneParameters, stakes: Sequence[int]) -> StakeParameters:
    bonds = tuple(
        GenesisBond(bytes(key.account), owner.account, stake * UNIT)
        for key, owner, stake in zip(validators(n), owners(n), stakes, strict=True)
    )
    return StakeParameters(
        bonds, lane.epoch_heights, UNIT, min_bond=UNIT, unbonding_epochs=2, max_validators=16
    )


def lane_tx(wire: bytes) -> LaneTx:
    """What a whole transaction is in the lane. Raises ChiaroError where it is none."""
    return payload.decode(Transaction.from_bytes(wire).payload)


def envelope_of(wire: bytes) -> Envelope:
    """The sealed intent of a whole transaction that orders one.

    Raises:
        TypeError: it orders none.
    """
    tx = lane_tx(wire)
    if not isinstance(tx, SealTx):
        raise TypeError("no sealed intent")
    return tx.envelope


class Committed:
    """Evidence of finality: the blocks of a chain that only ever commits what is final."""

    def __init__(self, chain: LaneChain) -> None:
        self._chain = chain

    def confirm(self, height: int, block_hash: bytes, batch_root: bytes) -> None:
        """The block is the chain's, and closed this batch. Raises NotFinal (PX-1)."""
        known = self._chain.height >= height
        if (
            not known
            or self._chain.chain.header(Height(height)).hash != block_hash
            or batch_root not in sealed.roots(self._chain.state, height, self._chain.genesis)
        ):
            raise NotFinal("PX-1", f"block {height} is not final", where=f"height {height}")


class LaneChain(Ledger):
    """A chain with a lane; all validators in one place.

    Args:
        n: validators.
        genesis: default: `lane_genesis(n)`.
        verifier: of proofs; default: believes all.
        database: of an earlier one, to go on.
        blobs: where the bytes of dispersed intents come from; default: nowhere.
    """

    def __init__(
        self,
        n: int = 4,
        *,
        genesis: Genesis | None = None,
        verifier: ProofVerifier | None = None,
        database: MemoryKeyValue | None = None,
        blobs: BlobSource | None = None,
    ) -> None:
        self.database: Final = database or MemoryKeyValue()
        genesis = genesis or lane_genesis(n)
        store = memory_store(genesis.chain_id, self.database)
        super().__init__(genesis, verifier=verifier, store=store, blobs=blobs)
        self._verifier = verifier
        self._blobs = blobs
        self.validators: Final = validators(n)
        self.payers: Final = payers()
        self.held: dict[tuple[int, int], tuple[HeldShares, ...]] = {}
        self._nonce = 0

    def copy(self, blobs: BlobSource | None = None) -> LaneChain:
        """The same chain at the same height, to go on from there another way.

        Args:
            blobs: where the copy gets bytes from; default: where this one does.
        """
        database = MemoryKeyValue()
        database.write(tuple(self.database.scan(b"", b"\xff" * 64)))
        other = LaneChain(
            len(self.validators),
            genesis=self.genesis,
            verifier=self._verifier,
            database=database,
            blobs=blobs or self._blobs,
        )
        other.held, other._nonce = dict(self.held), self._nonce
        return other

    @property
    def state(self) -> StateReader:
        """After the last block."""
        return self.store.reader()

    @property
    def next_height(self) -> Height:
        """Of the block that comes next."""
        return Height(self.height + 1)

    # BLOCKS

    def step(self, *txs: bytes) -> tuple[Receipt, ...]:
        """A block as an honest proposer makes it: what is due first, then these.

        Returns:
            Receipts of all of it.
        """
        return self.block(*self.due(), *txs)

    def due(self) -> tuple[bytes, ...]:
        """Ends and reveals that the next block begins with."""
        return lead.begin(self.state, self.next_height, self.genesis, self.reveal)[0]

    def run_to(self, height: int) -> None:
        """Honest blocks without other transactions, until the chain has this height."""
        while self.height < height:
            self.step()

    def last_block(self) -> Block:
        return self.chain.block(Height(self.height))

    # KEYS

    def participant(
        self, member: int, domain: int = 0, epoch: int = 0, attempt: int = 0
    ) -> Participant:
        """A validator's secret side of an attempt; the same whenever it is asked for."""
        context = generation.context_of(self.state, self.genesis, domain, epoch, attempt)
        secret = entropy("keygen", member, domain, epoch, attempt)
        return Participant(context, member, signer_of(context.roster, member), secret)

    def key_message(
        self, member: int, what: KeyMessage, domain: int = 0, epoch: int = 0, attempt: int = 0
    ) -> bytes:
        """An honest validator's message of a round other than complaints, as a transaction."""
        secret = self.participant(member, domain, epoch, attempt)
        if what is KeyMessage.NOTICE:
            message = secret.notice().to_bytes()
        else:
            keygen = generation.replay(self.state, self.genesis, domain, epoch, attempt)
            message = secret.commit(keygen).to_bytes()
            if what is KeyMessage.DEALING:
                message = secret.dealing().to_bytes()
        return payload.wire(KeyTx(domain, epoch, attempt, what, message))

    def make_key(
        self,
        domain: int = 0,
        epoch: int | None = None,
        *,
        absent: Sequence[int] = (),
        attempt: int = 0,
    ) -> EpochKey:
        """Generate a key through blocks; keeps everybody's shares of it in `held`.

        Args:
            domain: number.
            epoch: default: that of the next block.
            absent: members who say nothing.
            attempt: number.
        """
        if epoch is None:
            epoch = sealed.parameters_of(self.genesis).epoch_of(self.next_height)
        rounds = (KeyMessage.NOTICE, KeyMessage.COMMIT, KeyMessage.DEALING)
        roster = holders.of(self.state, self.genesis, epoch).roster
        present = [m for m in range(len(roster.members)) if m not in absent]
        for what in rounds:
            self._wait(domain, epoch, what)
            self.step(*(self.key_message(m, what, domain, epoch, attempt) for m in present))
        while layout.key_of(self.state, domain, epoch) is None:
            if generation.finding(self.state, domain, epoch, attempt) is not None:
                raise ValueError("the attempt gave no key")
            self.step()
        keygen = generation.replay(self.state, self.genesis, domain, epoch, attempt)
        outcome = keygen.finish(keygen.schedule.complaints + 1)
        if not isinstance(outcome, KeygenSucceeded):
            raise TypeError(f"no key: {outcome}")
        self.held[domain, epoch] = tuple(
            self.participant(m, domain, epoch, attempt).held(keygen, outcome) for m in present
        )
        return outcome.key

    def _wait(self, domain: int, epoch: int, what: KeyMessage) -> None:
        """Blocks until messages of this kind count."""
        while True:
            now = generation.phase(self.state, self.genesis, domain, epoch, self.next_height)
            if now.what is what:
                return
            if now.what is None and now.opened is not None:
                raise ValueError(f"no {what.name} counts any more")
            self.step()

    def key(self, domain: int = 0) -> EpochKey:
        """The key under which the next block takes intents."""
        return ordering.slot(self.genesis, domain, self.state, self.next_height).key

    # SEALED INTENTS

    def seal(
        self,
        intent: bytes,
        *,
        domain: int = 0,
        payer: SigningKey | None = None,
        gas_cap: int = 1,
        fee: int | None = None,
        expiry: int | None = None,
    ) -> bytes:
        """A transaction that orders an intent in the next block.

        Args:
            intent: any bytes.
            domain: number.
            payer: default: the first of `payers`.
            gas_cap: how many proofs it may have.
            fee: default: the least.
            expiry: default: the last height of the epoch.
        """
        key, payer = self.key(domain), payer or self.payers[0]
        self._nonce += 1
        last = sealed.parameters_of(self.genesis).last_height(key.epoch)
        size = size_class_of(len(intent))
        terms = Terms(
            AccountId(payer.account), self._nonce, 0, gas_cap, last if expiry is None else expiry,
            size,
        )  # fmt: skip
        if fee is None:
            empty = seal_intent(key, terms, b"", payer, entropy("size"))
            fee = domains.least_fee(self.genesis, domain, len(empty.to_bytes()), gas_cap)
        item = seal_intent(
            key, replace(terms, fee=fee), intent, payer, entropy("seal", self._nonce)
        )
        return payload.wire(SealTx(domain, item))

    def live(self, domain: int = 0) -> tuple[Live, ...]:
        """Batches of a domain that are not over, in order."""
        return tuple(item for item in layout.live(self.state) if item.domain == domain)

    def closed(self, domain: int = 0) -> Live:
        """The first batch of a domain that waits to be opened."""
        return next(item for item in self.live(domain) if item.stage is Stage.CLOSED)

    def batch(self, item: Live) -> Batch:
        """What of it is decrypted."""
        return sealed.sealed_batch(self.state, item, self.genesis)

    def messages(self, item: Live, members: Sequence[int] | None = None) -> list[ShareMessage]:
        """Validators' shares of a batch that closed; default: all that have any."""
        batch = self.batch(item)
        block_hash = self.chain.header(Height(item.closed)).hash
        block = final.finalise(Committed(self), block_hash, batch)
        made = (
            shares.make_shares(block, held, MemoryRoots(), signer_of(batch.key.roster, held.member))
            for held in self.held[item.domain, item.epoch]
            if members is None or held.member in members
        )
        return [message for message in made if message is not None]

    def reveal(self, item: Live, members: Sequence[int] | None = None) -> bytes:
        """The transaction that opens a batch."""
        opened, _ = reveal.recover(self.batch(item), self.messages(item, members))
        return payload.wire(RevealTx(item.domain, item.number, opened))
