"""What a localnet does while it is disturbed: payments, and intents that are sealed and opened."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from node.app import development
from node.core.block import Transaction
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId, Height
from node.intents.limit import LimitOrder, sign_order
from node.lane import domains, payload
from node.lane.payload import SealTx
from node.rpc.client import NodeClient
from node.rpc.errors import BadAnswer
from node.testing.cluster.invariants import Violation
from node.testing.faults.net import MARKET, Net
from node.testing.localnets import until
from private_exec.envelope import Terms, seal_intent, size_class_of, size_of
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk.errors import ChiaroError

PAYERS: Final = 4
FUNDS: Final = 10**9
FEE: Final = 1000
LIFE: Final = 60
"""Heights until a payment expires."""
APP: Final = b"faults".ljust(29, b"\0")
GOLD: Final = development.asset("gold")
SILVER: Final = development.asset("silver")
_AGAIN_S: Final = 4.0
_PAUSE_S: Final = 0.1
_TO_CLOSE: Final = 3
"""Heights that a batch must stay open for an intent that is sent now."""


def faucet() -> SigningKey:
    """UNSAFE, published: who has everything on a development chain."""
    return SigningKey(DEV_FAUCET_SEED)


@dataclass(slots=True)
class Payer:
    """One account, which has at most one payment under way."""

    key: SigningKey
    sequence: int = 0
    tx_id: bytes = b""
    wire: bytes = b""
    sent: float = 0.0


@dataclass(slots=True)
class Counts:
    """What came of the work.

    Attributes:
        acknowledged: payments that a node called included, with their heights.
    """

    acknowledged: dict[bytes, int] = field(default_factory=dict)


class Work:
    """Runs on a thread of its own between `start` and `stop`.

    Args:
        net: whose nodes are asked, each time another one.
        draw: which.
        sealing: also seal intents.

    Attributes:
        closing: heights of the close of each batch that an intent was sealed for.
        counts: what came of it.
    """

    def __init__(self, net: Net, draw: random.Random, *, sealing: bool = True) -> None:
        self._net: Final = net
        self._draw: Final = draw
        self._sealing: Final = sealing
        self._payers: Final = [Payer(SigningKey(bytes([k + 1]) * 32)) for k in range(PAYERS)]
        self._sink: Final = SigningKey(b"\x7f" * 32).account
        self._stop: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="work", daemon=True)
        self.closing: Final[set[int]] = set()
        self._failure: BaseException | None = None
        self.counts: Final = Counts()

    def start(self) -> None:
        """Fund the payers, and begin. Raises Violation: no block comes."""
        self._fund()
        self._thread.start()

    def abandon(self) -> None:
        """End, whatever is under way."""
        self._stop.set()
        self._thread.join()

    def stop(self) -> None:
        """End, and wait until what is under way is in a block or refused.

        Raises:
            Violation: `liveness`, it never is.
        """
        self.abandon()
        if self._failure is not None:
            raise self._failure
        for payer in self._payers:
            if payer.tx_id:
                until(lambda p=payer: self._under_way(p) is None, "the last payments")  # type: ignore[misc]

    def check(self) -> None:
        """Every node has what was acknowledged, where it was.

        Raises:
            Violation: `durability`.
        """
        for number, client in self._net.clients.items():
            for tx_id, height in self.counts.acknowledged.items():
                view = until(lambda c=client, i=tx_id: c.transaction(i), "a transaction")  # type: ignore[misc]
                found = view.receipt.height if view.receipt is not None else None
                if view.status != "included" or found != height:
                    raise Violation(
                        "durability",
                        f"node {number} says {view.status} at {found} of {tx_id.hex()}, "
                        f"acknowledged at {height}",
                    )

    # ON THE THREAD

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                for payer in self._payers:
                    with _not_there():
                        self._pay(payer)
                if self._sealing:
                    with _not_there():
                        self._seal()
                self._stop.wait(_PAUSE_S)
        except BaseException as error:
            self._failure = error

    def _anyone(self) -> NodeClient:
        awake = [client for k, client in tuple(self._net.clients.items()) if k in self._net.awake()]
        if not awake:
            raise BadAnswer("no node is awake")
        return self._draw.choice(awake)

    def _fund(self) -> None:
        client = next(iter(self._net.clients.values()))
        owner = faucet()
        chain = self._net.genesis.chain_id
        for kind in (NATIVE, GOLD, SILVER):
            sequence = until(lambda: client.account(owner.account), "the faucet").sequence
            transfers = tuple(Transfer(p.key.account, kind, FUNDS) for p in self._payers)
            tx = sign(owner, chain, sequence, Height(client.status().height + LIFE), FEE, transfers)
            client.submit(Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes())
            until(lambda i=tx.id: client.transaction(i).status == "included", "funds")  # type: ignore[misc]

    def _pay(self, payer: Payer) -> None:
        client = self._anyone()
        if self._under_way(payer) is not None:
            return
        height = client.status().height
        tx = sign(
            payer.key,
            self._net.genesis.chain_id,
            payer.sequence,
            Height(height + LIFE),
            FEE,
            (Transfer(self._sink, NATIVE, 1),),
        )
        payer.tx_id = tx.id
        payer.wire = Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()
        payer.sent = time.monotonic()
        client.submit(payer.wire)

    def _under_way(self, payer: Payer) -> bytes | None:
        """Its payment that is in no block yet; sent again now and then, since nodes are killed."""
        if not payer.tx_id or self._settled(payer):
            return None
        if time.monotonic() - payer.sent > _AGAIN_S:
            payer.sent = time.monotonic()
            self._anyone().submit(payer.wire)
        return payer.tx_id

    def _settled(self, payer: Payer) -> bool:
        view = self._anyone().transaction(payer.tx_id)
        if view.status == "included" and view.receipt is not None:
            self.counts.acknowledged[payer.tx_id] = view.receipt.height
            payer.sequence += 1
        elif view.status == "rejected":
            payer.sequence = self._anyone().account(payer.key.account).sequence
        else:
            return False
        payer.tx_id = b""
        return True

    def _seal(self) -> None:
        """One order for every batch, by the first payer's neighbour."""
        client = self._anyone()
        view = next(d for d in client.lane.state().domains if d.number == MARKET.number)
        height = client.status().height
        if view.closes in self.closing or view.closes - height < _TO_CLOSE:
            return
        if view.key.state != "made":
            client.lane.want_key(MARKET.number)
            return
        genesis = self._net.genesis
        lane = genesis.lane
        key = client.lane.key(genesis, MARKET.number, view.key.epoch)
        if key is None or lane is None:
            return
        who = self._draw.choice(self._payers).key
        terms = LimitOrder(who.account, GOLD, 300, SILVER, 1, 1, partial=True)
        order = sign_order(
            who,
            genesis.chain_id,
            APP,
            terms,
            expiry=Height(height + LIFE),
            fee=0,
            nonce=os.urandom(32),
        )
        data = order.to_bytes()
        size_class = size_class_of(len(data))
        fee = domains.least_fee(genesis, MARKET.number, size_of(size_class), 0)
        nonce = int.from_bytes(os.urandom(6))
        header = Terms(who.account, nonce, fee, 0, lane.last_height(key.epoch), size_class)
        envelope = seal_intent(key, header, data, who, os.urandom(32))
        client.submit(payload.wire(SealTx(MARKET.number, envelope)))
        self.closing.add(view.closes)


@contextlib.contextmanager
def _not_there() -> Iterator[None]:
    """A node that was killed meanwhile, with its client; whoever asks tries another one."""
    with contextlib.suppress(ChiaroError, RuntimeError):
        yield
