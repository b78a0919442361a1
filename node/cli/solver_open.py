"""Solving open intents: what is on the overlay, what came for this solver alone, one transaction.

Plain functions. Whatever carried an intent is verified here, and again by the chain (LN-40, LN-41).
A directed intent is settled under a message that its solver makes: nobody carried it in the clear,
so the solver has all of its fee.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from node.cli import keystore
from node.cli.solver_run import LIFE, check_funds, proofs_in
from zk.errors import ChiaroError

if TYPE_CHECKING:
    from node.core.genesis import Genesis
    from node.core.ids import ChainId
    from node.core.intent import Intent
    from node.gossip.message import Message
    from node.gossip.sealed import BoxKey, Contact
    from node.gossip.statement import Signer
    from node.intents.settlement import Settlement
    from node.intents.solvers.problem import Problem
    from node.rpc.client import NodeClient
    from transparent.signature import SigningKey

MOST_BYTES: Final = 96 * 1024
"""Of messages in one transaction; a settlement repeats what swaps say, and 256 KiB is the most."""


@dataclass(frozen=True, slots=True, repr=False)
class Solver:
    """Whose account settles, and whose box directed messages are for."""

    key: SigningKey
    signer: Signer
    box: BoxKey

    def __repr__(self) -> str:
        return f"<Solver: {self.key.account.hex()[:16]}…>"

    @property
    def contact(self) -> Contact:
        """Where directed messages for it go."""
        return self.box.contact(self.signer)


def solver_of(entropy: bytes, key: SigningKey, chain_id: ChainId) -> Solver:
    """A wallet as a solver; its box key derives from the same words.

    Args:
        entropy: of the wallet.
        key: of its account.
        chain_id: where.
    """
    from node.core.ids import tagged_hash
    from node.gossip.sealed import BoxKey
    from node.gossip.statement import Signer
    from transparent.signature import account_secret

    seed = keystore.seed_of(entropy)
    box = BoxKey(tagged_hash("gossip/box-key", seed, chain_id))
    return Solver(key, Signer(account_secret(seed), chain_id), box)


@dataclass(frozen=True, slots=True, repr=False)
class Carried:
    """An open intent, and the message under which this solver may settle it.

    Attributes:
        message: its path ends at the solver.
        intent: what it carries.
        directed: it came sealed, for this solver.
        worth: base units that are left for the solver, if all of the fee is due.
    """

    message: Message
    intent: Intent
    directed: bool
    worth: int

    def __repr__(self) -> str:
        return f"<Carried: {self.message.id.hex()[:16]}>"


@dataclass(slots=True)
class Inbox:
    """What this solver may settle; boxes that were tried are not tried again.

    Attributes:
        solver: who.
        tried: ids of sealed messages, and what was in them for this solver.
    """

    solver: Solver
    tried: dict[bytes, Carried | None] = field(default_factory=dict)

    def gather(self, client: NodeClient, genesis: Genesis, tip: int) -> list[Carried]:
        """The best paying open intents that fit one transaction, each once.

        Raises:
            BadAnswer: RPC-42.
        """
        found = [
            *self._open(client, genesis),
            *(item for item in self._directed(client, genesis) if item is not None),
        ]
        best: dict[bytes, Carried] = {}
        for item in sorted(found, key=lambda item: (-item.worth, item.message.id)):
            if item.intent.expiry > tip:
                best.setdefault(item.intent.id, item)
        return _fitting(best.values())

    def _open(self, client: NodeClient, genesis: Genesis) -> list[Carried]:
        messages = client.gossip.messages(genesis, solver=self.solver.key.account)
        found = (_carried(message, directed=False) for message in messages)
        return [item for item in found if item is not None]

    def _directed(self, client: NodeClient, genesis: Genesis) -> list[Carried | None]:
        messages = list(client.gossip.messages(genesis, sealed=True))
        held = {message.id for message in messages}
        self.tried = {name: item for name, item in self.tried.items() if name in held}
        for message in messages:
            if message.id not in self.tried:
                self.tried[message.id] = self._opened(message, genesis.chain_id)
        return list(self.tried.values())

    def _opened(self, message: Message, chain_id: ChainId) -> Carried | None:
        """What a box holds for this solver, under a message of a key that is used once."""
        from node.gossip.errors import InvalidMessage
        from node.gossip.message import originate
        from node.gossip.sealed import try_open
        from node.gossip.statement import Signer

        solver = self.solver
        try:
            box = try_open(
                solver.box, solver.key.account, chain_id, message.origin, message.envelope
            )
        except InvalidMessage:
            return None  # a false box; who made it is not known
        if box is None:
            return None
        origin = Signer(randomness.token_bytes(32), chain_id)
        return _carried(originate(origin, 0, box.envelope), directed=True)


def _carried(message: Message, *, directed: bool) -> Carried | None:
    """An intent that the chain would let settle under this message; None: no."""
    from node.core.intent import Intent
    from node.gossip.fees import SettlementFee, split
    from node.lane.direct import check_wrapping

    try:
        intent = Intent.from_bytes(message.envelope.body)
        check_wrapping(message, intent)
    except ChiaroError:
        return None
    fee = message.envelope.fee
    worth = split(fee, message.cuts).solver if isinstance(fee, SettlementFee) else 0
    return Carried(message, intent, directed, worth)


def _fitting(items: Iterable[Carried]) -> list[Carried]:
    from node.lane.direct import MAX_MESSAGES

    chosen: list[Carried] = []
    size = 0
    for item in items:
        size += len(item.message.to_bytes())
        if len(chosen) == MAX_MESSAGES or size > MOST_BYTES:
            break
        chosen.append(item)
    return chosen


def transaction(
    client: NodeClient,
    genesis: Genesis,
    solver: Solver,
    carried: Sequence[Carried],
    problem: Problem,
    settlement: Settlement,
) -> tuple[bytes, int, list[Carried]]:
    """A signed transaction of exactly what is settled; its fee; whose intents these are.

    Raises:
        PolicyRefused: the account has too little.
    """
    from node.core.ids import Height
    from node.execution.mempool import least_fee
    from node.intents.batch import Batch
    from node.lane.direct import DirectTx, sign
    from node.lane.payload import wire

    wanted = set(settlement.intents)
    used = [item for item in carried if item.intent.id in wanted]
    batch = Batch(genesis.chain_id, None, tuple(item.intent for item in used))
    expiry = min(problem.height + LIFE, *(item.intent.expiry for item in used))
    tx = DirectTx(
        genesis.chain_id,
        solver.key.account,
        0,
        Height(expiry),
        tuple(item.message for item in used),
        replace(settlement, batch_id=batch.id),
    )
    floor = genesis.parameters.fee_floor
    fee = max(least_fee(len(wire(tx)), proofs_in(settlement), floor), floor * len(used))
    check_funds(client, solver.key.account, fee)
    return wire(sign(replace(tx, fee=fee), solver.key)), fee, used
