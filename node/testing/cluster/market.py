"""People of a test chain: accounts that seal limit orders, and a solver that settles them.

They know what the chain's state says, and nothing of what validators hear.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from node.app import assembly
from node.core.genesis import Allocation, Genesis
from node.core.ids import NATIVE, EnvironmentId, Height, Kind
from node.core.intent import Intent
from node.core.interfaces import ProofVerifier, StateReader
from node.execution.executor import Executor
from node.execution.mempool import least_fee
from node.intents.limit import LimitOrder, sign_order
from node.intents.schema import Decoded
from node.intents.settlement import Settlement
from node.intents.solvers.problem import pose
from node.intents.solvers.standard import solve
from node.intents.worker import seed_of
from node.lane import domains, ordering, payload, sealed, view
from node.lane.env import LaneEnvironment
from node.lane.layout import Live
from node.lane.payload import SealTx, SubmitTx
from node.lane.services import Services
from node.testing.cluster.keys import entropy
from private_exec.envelope import Terms, seal_intent, size_class_of, size_of
from shielded.env import ShieldedEnvironment
from transparent.signature import SigningKey
from zk.hash import domains as hashes

APP: Final = b"cluster".ljust(29, b"\0")
GOLD: Final = Kind(0, hashes.asset_label("gold"))
SILVER: Final = Kind(0, hashes.asset_label("silver"))
START: Final = 1_000_000
"""Base units of every kind that a trader starts with."""


def trader(number: int) -> SigningKey:
    """UNSAFE: the key of an account with `START` of everything."""
    return SigningKey(entropy("trader", number))


def allocations(traders: int) -> tuple[Allocation, ...]:
    """What so many traders start with, and the solver, who is trader 0."""
    kinds = (NATIVE, GOLD, SILVER)
    accounts = [trader(k).account for k in range(traders)]
    return tuple(Allocation(account, kind, START) for account in accounts for kind in kinds)


def services_of(genesis: Genesis, verifier: ProofVerifier) -> Services:
    """What judges a settlement on this chain."""
    found = assembly.environments(genesis)
    shielded = found[EnvironmentId.SHIELDED]
    if not isinstance(shielded, ShieldedEnvironment):
        raise TypeError("the shielded environment is another")
    inner = Executor(genesis, found, verifier)
    return LaneEnvironment(genesis, inner, verifier, shielded).services


def order(
    genesis: Genesis,
    who: int,
    sell: Kind,
    amount: int,
    buy: Kind,
    *,
    expiry: int,
    nonce: int = 0,
) -> Intent:
    """A limit order at one for one, any part of it."""
    key = trader(who)
    terms = LimitOrder(key.account, sell, amount, buy, 1, 1, partial=True)
    fresh = entropy("order", who, nonce)
    return sign_order(key, genesis.chain_id, APP, terms, expiry=Height(expiry), fee=0, nonce=fresh)


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals what an account pays for.

    Attributes:
        genesis: of the chain.
        domain: number.
        gas_cap: how many proofs an intent may have.
    """

    genesis: Genesis
    domain: int = 1
    gas_cap: int = 0

    def fee(self, size_class: int) -> int:
        """Base units of the native kind, the least."""
        return domains.least_fee(self.genesis, self.domain, size_of(size_class), self.gas_cap)

    def seal(
        self,
        state: StateReader,
        height: int,
        intent: bytes,
        payer: SigningKey,
        fresh: bytes,
        nonce: int = 0,
    ) -> bytes:
        """A transaction that orders an intent.

        Args:
            state: a recent one.
            height: of the block that should hold it.
            intent: any bytes.
            payer: of the fee.
            fresh: 32 random bytes.
            nonce: of the payer.

        Raises:
            LaneOutdated: LN-3, the epoch has no key.
        """
        slot = ordering.slot(self.genesis, self.domain, state, height)
        size_class = size_class_of(len(intent))
        last = sealed.parameters_of(self.genesis).last_height(slot.epoch)
        fee = self.fee(size_class)
        terms = Terms(payer.account, nonce, fee, self.gas_cap, last, size_class)
        return payload.wire(SealTx(self.domain, seal_intent(slot.key, terms, intent, payer, fresh)))


def submit(
    services: Services, live: Live, settlement: Settlement, solver: SigningKey, proofs: int
) -> bytes:
    """A solver's transaction, signed.

    Args:
        services: of the chain.
        live: the batch.
        settlement: of it.
        solver: pays and signs.
        proofs: in the intents that it covers.
    """
    genesis = services.genesis
    unsigned = SubmitTx(
        genesis.chain_id, live.domain, live.number, solver.account, 0, Height(live.height),
        settlement.to_bytes(),
    )  # fmt: skip
    size = len(payload.wire(unsigned))
    count = max(proofs, len(settlement.intents))
    fee = least_fee(size, count, genesis.parameters.fee_floor)
    unsigned = replace(unsigned, fee=fee)
    return payload.wire(replace(unsigned, signature=solver.sign(unsigned.digest)))


def solved(services: Services, state: StateReader, live: Live, solver: SigningKey) -> bytes | None:
    """What the standard solver makes of an opened batch, in this process; None: nothing.

    Raises:
        TooComplex: it declines.
    """
    where = view.view(state, live.scope, live.height, services)
    batch = view.opened(state, live, services.genesis.chain_id)
    problem, _ = pose(batch, where, services.registry)
    components = solve(problem, seed_of(batch.id))
    if not components:
        return None
    settlement = problem.settlement(components)
    read = batch.decode(services.registry)
    covered = (read.get(intent_id) for intent_id in settlement.intents)
    proofs = sum(len(item.claims(where)) for item in covered if isinstance(item, Decoded))
    return submit(services, live, settlement, solver, proofs)
