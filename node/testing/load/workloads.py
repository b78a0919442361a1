"""What is sent: payments in the clear, private transfers, sealed orders.

A workload prepares what it can before the clock runs, and then gives one transaction at a time.
"""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from circuits.keys import KeyStore
from node.app import development
from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.genesis import Genesis
from node.core.ids import NATIVE, EnvironmentId, Height
from node.intents.limit import LimitOrder, sign_order
from node.lane import domains, payload
from node.lane.payload import SealTx
from node.rpc.client import NodeClient
from node.rpc.scanning import scanned_blocks
from node.testing.load.accounts import Account, fund, payment
from node.testing.load.targets import DOMAIN, LANE
from private_exec.envelope import Terms, seal_intent, size_class_of, size_of
from shielded.action import STATEMENT
from shielded.build import build, statement_prover
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan, spend
from shielded.transaction import ShieldedTx
from shielded.wallet import WalletState
from transparent.spec import crossing_digest

APP: Final = b"load".ljust(29, b"\0")
Told = Callable[[str], None]
_NOTES_AT_ONCE: Final = 32
"""Of one transaction that shields: sixteen proofs."""
_WAIT_S: Final = 120.0


class Workload(Protocol):
    """Transactions, one at a time.

    Attributes:
        name: what it is.
    """

    name: str

    def next(self, tip: int) -> bytes | None:
        """A transaction for a chain whose last block has this height; None: there is no more."""
        ...


class Payments:
    """In the clear, from many accounts in turn.

    Args:
        client: of a node.
        genesis: of its chain.
        accounts: how many pay.
        transfers: of each payment; 1 is the least, 9 make a KiB.
    """

    def __init__(self, client: NodeClient, genesis: Genesis, accounts: int, transfers: int) -> None:
        self.name = "transparent" if transfers == 1 else "transparent, 1 KiB"
        self._chain_id = genesis.chain_id
        self._transfers = transfers
        self._turn = itertools.cycle(fund(client, genesis.chain_id, accounts))

    def next(self, tip: int) -> bytes:
        return payment(next(self._turn), self._chain_id, tip, self._transfers)


class Transfers:
    """Private transfers of one note each, with change; proved before the clock runs.

    Args:
        client: of a node.
        genesis: of its chain.
        count: how many.
        tell: progress.
    """

    name = "shielded"

    def __init__(self, client: NodeClient, genesis: Genesis, count: int, tell: Told) -> None:
        keys = KeyStore()
        keys.proving_key(STATEMENT, genesis.profile)
        prove = statement_prover(keys=keys, profile=genesis.profile)
        key = SpendingKey.from_seed(secrets.token_bytes(64))
        wallet = WalletState(key.full_viewing_key)
        (account,) = fund(client, genesis.chain_id, 1)
        fee = 2 * genesis.parameters.fee_floor
        value = 10 * fee
        own, scanned = key.full_viewing_key.address(0), 0
        for left in range(count, 0, -_NOTES_AT_ONCE):
            notes = min(left, _NOTES_AT_ONCE)
            cost = notes * genesis.parameters.fee_floor
            amount = notes * value + cost
            plan = Plan(
                secrets.token_bytes(32),
                genesis.chain_id,
                wallet.tree.tree().top,
                Height(client.status().height + 60),
                payments=tuple(Payment(own, value, NATIVE) for _ in range(notes)),
                public_values=(
                    Crossing(EnvironmentId.TRANSPARENT, account.key.account, NATIVE, -amount),
                ),
                fee=cost,
            )
            tx = build(plan, key, prove, authorize=_authorized_by(account))
            client.submit(_shielded(tx))
            client.wait_for_tx(tx.id, _WAIT_S)
            tell(f"{count - left + notes} of {count} notes")
            scanned = _scan(client, wallet, scanned)
        tip = client.status().height
        self._ready: deque[bytes] = deque()
        other = SpendingKey.from_seed(secrets.token_bytes(64)).full_viewing_key.address(0)
        change = key.full_viewing_key.address(0, internal=True)
        for note in wallet.notes[:count]:
            context = wallet.spend_context((note,))
            plan = Plan(
                secrets.token_bytes(32),
                genesis.chain_id,
                context.paths[0].top,
                Height(tip + 63),
                spends=(spend(note, context.paths[0]),),
                payments=(
                    Payment(other, fee, NATIVE),
                    Payment(change, value - 2 * fee, NATIVE, change=True),
                ),
                fee=fee,
            )
            self._ready.append(_shielded(build(plan, key, prove)))
            if len(self._ready) % 25 == 0:
                tell(f"{len(self._ready)} of {count} transfers proved")

    def next(self, tip: int) -> bytes | None:  # noqa: ARG002
        return self._ready.popleft() if self._ready else None


class SealedOrders:
    """Limit orders that nobody can fill, each sealed to the key of the epoch and paid for.

    Args:
        client: of a node.
        genesis: of its chain.
        accounts: how many order, in turn.
    """

    name = "sealed"

    def __init__(self, client: NodeClient, genesis: Genesis, accounts: int) -> None:
        self._genesis = genesis
        self._key = client.lane.wait_for_key(genesis, DOMAIN.number, _WAIT_S)
        found = fund(client, genesis.chain_id, accounts)
        self._nonces = {id(account): 0 for account in found}
        self._turn: Iterator[Account] = itertools.cycle(found)

    def next(self, tip: int) -> bytes:
        account = next(self._turn)
        nonce = self._nonces[id(account)]
        self._nonces[id(account)] += 1
        sell, buy = development.asset("gold"), development.asset("silver")
        terms = LimitOrder(account.key.account, sell, 1, buy, 10**6, 1, partial=False)
        order = sign_order(
            account.key,
            self._genesis.chain_id,
            APP,
            terms,
            expiry=Height(tip + 60),
            fee=0,
            nonce=secrets.token_bytes(32),
        ).to_bytes()
        size_class = size_class_of(len(order))
        fee = domains.least_fee(self._genesis, DOMAIN.number, size_of(size_class), 0)
        last = LANE.last_height(self._key.epoch)
        header = Terms(account.key.account, nonce, fee, 0, last, size_class)
        envelope = seal_intent(self._key, header, order, account.key, secrets.token_bytes(32))
        return payload.wire(SealTx(DOMAIN.number, envelope))


def _authorized_by(account: Account) -> Callable[[Crossing, bytes], bytes]:
    def authorize(value: Crossing, digest: bytes) -> bytes:
        signed = crossing_digest(value.account, value.kind, -value.amount, digest)
        return account.key.sign(signed)

    return authorize


def _scan(client: NodeClient, wallet: WalletState, height: int) -> int:
    """Blocks above `height`, up to the tip, which is returned."""
    tip = client.status().height
    while height < tip:
        for block in scanned_blocks(client.action_page(height + 1)):
            wallet.scan(block)
            height = block.height
    return height


def _shielded(tx: ShieldedTx) -> bytes:
    return Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()
