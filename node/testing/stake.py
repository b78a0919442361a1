"""A chain with stake whose blocks are made by hand."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

from node.consensus.cometbft import mapping
from node.consensus.cometbft.duplicate import DuplicateVote
from node.consensus.cometbft.votes import NO_BLOCK, BlockId, Vote, VoteType
from node.core.block import Receipt
from node.core.errors import ConsensusFault
from node.core.genesis import Allocation, Genesis, StatementKey, development_genesis
from node.core.ids import NATIVE, EnvironmentId, Height
from node.core.interfaces import StateReader
from node.core.stake import GenesisBond, StakeParameters
from node.execution import turnstile
from node.stake import state as entries
from node.stake.faults import FaultKind
from node.stake.rosters import consensus_set
from node.stake.transaction import BondTx, EvidenceTx, Tag, sign, wire
from node.testing.ledger import Ledger
from transparent.accounts import every_balance
from transparent.signature import SigningKey

UNIT: Final = 100
BONDS: Final = (5000, 4000, 3000, 2050)
FEE: Final = 7
PURSE: Final = 100_000
MOMENT: Final = 1_700_000_000_000_000_005


def key(number: int) -> SigningKey:
    """A consensus key or an owner's."""
    return SigningKey(bytes([number]) * 32)


def validator(number: int) -> SigningKey:
    """A consensus key; of those of genesis the owner is `key(number + 1)`."""
    return key(100 + number)


def parameters(**changes: Any) -> StakeParameters:
    """Four validators with `BONDS`, epochs of four blocks, two epochs of notice."""
    bonds = tuple(
        sorted(
            GenesisBond(validator(n).account, key(n + 1).account, amount)
            for n, amount in enumerate(BONDS)
        )
    )
    fixed = StakeParameters(
        bonds, epoch_heights=4, unit=UNIT, min_bond=1000, unbonding_epochs=2, max_validators=5
    )
    return dataclasses.replace(fixed, **changes)


def genesis(
    stake: StakeParameters | None = None, statements: tuple[StatementKey, ...] = ()
) -> Genesis:
    """Of a development chain; keys 1 to 9 have `PURSE` each."""
    stake = stake or parameters()
    return development_genesis(
        statements,
        name="stake",
        validators=tuple(bond.key for bond in stake.bonds),
        stake=stake,
        allocations=tuple(Allocation(key(n).account, NATIVE, PURSE) for n in range(1, 10)),
    )


def double_vote(
    found: Genesis,
    who: SigningKey,
    height: int,
    *,
    turn: int = 0,
    kind: VoteType = VoteType.PRECOMMIT,
) -> DuplicateVote:
    """Two votes of one step, for a block and for none, signed as CometBFT has them signed."""
    name = mapping.engine_chain_id(found)

    def vote(block: BlockId) -> Vote:
        bare = Vote(kind, height, turn, block, MOMENT)
        return dataclasses.replace(bare, signature=who.sign(bare.sign_bytes(name)))

    return DuplicateVote.of(
        who.account, vote(BlockId(b"\x01" * 32, 1, b"\x02" * 32)), vote(NO_BLOCK)
    )


@dataclass
class StakeChain:
    """Blocks by hand, and what stake says of them; keys are those of `key` and `validator`."""

    genesis: Genesis
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.genesis)

    @property
    def stake(self) -> StakeParameters:
        if self.genesis.stake is None:
            raise ConsensusFault("the chain has no stake")
        return self.genesis.stake

    @property
    def height(self) -> int:
        return self.ledger.height

    @property
    def state(self) -> StateReader:
        return self.ledger.store.reader()

    def make(
        self, tag: Tag, owner: SigningKey, who: SigningKey, amount: int, **changes: Any
    ) -> BondTx:
        bare = BondTx(
            tag,
            self.genesis.chain_id,
            who.account,
            owner.account,
            amount,
            changes.pop("fee", FEE),
            Height(changes.pop("expiry", self.height + 10)),
        )
        proof = changes.pop("proof", False)
        return sign(dataclasses.replace(bare, **changes), owner, who if proof else None)

    def evidence(self, votes: DuplicateVote) -> bytes:
        tx = EvidenceTx(self.genesis.chain_id, FaultKind.DUPLICATE_VOTE, votes.to_bytes())
        return wire(tx)

    def run(self, *txs: BondTx | bytes) -> list[Receipt]:
        """One block of these."""
        return list(self.ledger.block(*(tx if isinstance(tx, bytes) else wire(tx) for tx in txs)))

    def codes(self, *txs: BondTx | bytes) -> list[str]:
        return [receipt.code for receipt in self.run(*txs)]

    def to(self, height: int) -> None:
        while self.height < height:
            self.run()

    def weights(self) -> dict[bytes, int]:
        """Who votes two blocks later."""
        return {m.key: m.weight for m in consensus_set(self.state, self.genesis).members}

    def balance(self, who: SigningKey) -> int:
        return sum(
            n for account, kind, n in every_balance(self.state)
            if (account, kind) == (who.account, NATIVE)
        )  # fmt: skip

    def check(self) -> None:
        """EX-15, ST-23: all that was issued is somewhere, and stake where it says."""
        rows = turnstile.supply(self.state)
        native = next(row for row in rows if row.kind == NATIVE)
        if not all(row.adds_up for row in rows):
            raise ConsensusFault("EX-15: the supply does not add up")
        if native.held[EnvironmentId.STAKE] != entries.at_stake(self.state):
            raise ConsensusFault("ST-23: the pool of stake is not what its owners have in it")
