"""A node in memory with something on every page: payments, a proof, a settled batch, a blob."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from circuits.key_registry import DEV
from node.app.options import Options
from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId, Height, Kind
from node.intents.limit import LimitOrder, sign_order
from node.intents.solvers import standard
from node.intents.solvers.problem import pose
from node.intents.worker import seed_of
from node.lane import layout, payload, view
from node.lane.blobs import blob as blobs
from node.lane.payload import SealTx, SubmitTx
from node.rpc.schema import FaucetRequest
from node.rpc.text import bytes_of, hex_of
from node.testing.nodes import memory_node
from private_exec.envelope import Terms, seal_intent, size_class_of
from shielded.build import build, statement_prover
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan
from shielded.tree import NoteTree
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from transparent.transaction import Transfer, sign

FEE = 1000
UNIT = 10**6
APP = b"app".ljust(29, b".")
NEVER = 3_600_000
ME = "http://127.0.0.1:7420"


class Chain:
    """Makes the traffic, block by block."""

    def __init__(self) -> None:
        self.node = memory_node(options=Options(port=0, delay_ms=1, lane_tick_ms=NEVER))
        self.node.start()
        self.service = self.node.service
        self.chain_id = self.node.genesis.chain_id
        self.faucet = SigningKey(DEV_FAUCET_SEED)
        self.traders = [SigningKey(name.ljust(32, b".")) for name in (b"gold", b"silver")]

    @property
    def state(self):
        return self.node.store.reader()

    def expiry(self, ahead: int = 60) -> Height:
        return Height(self.node.chain.height + ahead)

    def put(self, wire: bytes):
        """One block with a transaction; its receipt."""
        admission = self.node.pool.add(wire)
        assert admission.error is None, admission.error
        produced = self.node.produce_block()
        (receipt,) = [r for r in produced.receipts if r.tx_id == admission.tx_id]
        assert receipt.ok, receipt
        return receipt

    def pay(self, account: bytes, amount: int, asset: str = "native") -> None:
        request = FaucetRequest(account=hex_of(account), amount=str(amount), asset=asset)
        self.service.pay(request)

    def clear(self):
        """A payment that everybody sees."""
        sequence = self.service.account(self.faucet.account).sequence
        transfers = (Transfer(self.traders[0].account, NATIVE, 5 * UNIT),)
        tx = sign(self.faucet, self.chain_id, sequence, self.expiry(), FEE, transfers)
        return self.put(Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes())

    def shield(self):
        """A real proof."""
        key = SpendingKey.from_seed(b"alice".ljust(64, b"."), 0)
        tree = NoteTree.from_bytes(bytes_of(self.service.actions.tree(None).tree))
        account = self.faucet
        value = Crossing(EnvironmentId.TRANSPARENT, account.account, NATIVE, -10 * UNIT - FEE)
        plan = Plan(
            bytes(32), self.chain_id, tree.top, self.expiry(), fee=FEE,
            payments=(Payment(key.full_viewing_key.address(0), 10 * UNIT),),
            public_values=(value,),
        )  # fmt: skip

        def authorize(value: Crossing, identity: bytes) -> bytes:
            digest = crossing_digest(value.account, value.kind, -value.amount, identity)
            return account.sign(digest)

        tx = build(plan, key, statement_prover(profile=DEV), authorize=authorize)
        return self.put(Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes())

    def make_key(self) -> None:
        self.node.want_key(0)
        while layout.key_of(self.state, 0, 0) is None:
            self.node.produce_block()

    def order(self, who: int, kinds: dict[str, Kind]):
        """A sealed limit order of a trader."""
        sell, buy = ("gold", "silver") if who == 0 else ("silver", "gold")
        key = self.traders[who]
        order = LimitOrder(key.account, kinds[sell], 100, kinds[buy], 1, 1, partial=True)
        return sign_order(
            key, self.chain_id, APP, order, expiry=self.expiry(), fee=0, nonce=bytes([who]) * 32
        )

    def seal(self, payer: SigningKey, data: bytes, nonce: int) -> bytes:
        epoch = layout.key_of(self.state, 0, 0)
        terms = Terms(payer.account, nonce, 10_000, 0, self.expiry(30), size_class_of(len(data)))
        item = seal_intent(epoch, terms, data, payer, bytes([nonce]) * 32)
        return payload.wire(SealTx(0, item))

    def until(self, stage: str, number: int = 0) -> None:
        for _ in range(40):
            if self.service.lane.batch(0, number).stage == stage:
                return
            self.node.produce_block()
        raise AssertionError(f"never {stage}")

    def settle(self) -> None:
        """Two orders in a batch, carried out."""
        kinds = {item.name: item.kind for item in self.service.status().assets}
        for who, asset in enumerate(("gold", "silver")):
            self.pay(self.traders[who].account, UNIT)
            self.pay(self.traders[who].account, UNIT, asset)
        while self.node.chain.height % 5:
            self.node.produce_block()
        self.sealed = [
            self.put(self.seal(self.traders[who], self.order(who, kinds).to_bytes(), who + 1))
            for who in range(2)
        ]
        self.until("closed")

    def end(self) -> None:
        services = self.node.executor.lane.services
        (live,) = layout.live(self.state)
        where = view.view(self.state, live.scope, live.height, services)
        problem, _ = pose(view.opened(self.state, live, self.chain_id), where, services.registry)
        found = problem.settlement(standard.solve(problem, seed_of(problem.batch_id)))
        tx = SubmitTx(
            self.chain_id, 0, live.number, self.faucet.account, 50_000, live.height,
            found.to_bytes(),
        )  # fmt: skip
        self.put(payload.wire(SubmitTx(*_fields(tx)[:-1], self.faucet.sign(tx.digest))))
        self.until("settled")

    def disperse(self) -> str:
        """A blob; its root."""
        entries = [
            payload.decode(Transaction.from_bytes(self.seal(self.faucet, b"x", n)).payload).envelope
            for n in range(20, 26)
        ]
        kept = self.service.da.put(0, blobs.encode(entries))
        self.put(bytes_of(kept.tx))
        return kept.root.removeprefix("0x")


def _fields(tx: SubmitTx):
    return tuple(getattr(tx, name) for name in SubmitTx.__dataclass_fields__)


@pytest.fixture(scope="session")
def story():
    """The chain, and what is where on it."""
    chain = Chain()
    clear, shielded = chain.clear(), chain.shield()
    chain.make_key()
    chain.settle()
    with browser_of(chain.node) as http:
        closed = http.get("/explorer/batches/0/0").text
        chain.until("solving")
        solving = http.get("/explorer/batches/0/0").text
    chain.end()
    blob = chain.disperse()
    yield SimpleNamespace(
        chain=chain,
        node=chain.node,
        service=chain.service,
        clear=clear.tx_id.hex(),
        shielded=shielded.tx_id.hex(),
        sealed=chain.sealed[0].tx_id.hex(),
        account=chain.traders[0].account.hex(),
        closed=closed,
        solving=solving,
        blob=blob,
    )
    chain.node.close()


class Browser:
    """HTTP of an application in this process, without a socket; one event loop for all requests."""

    def __init__(self, app) -> None:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
        self._client = httpx.AsyncClient(transport=transport, base_url=ME)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, path, **parts))

    def get(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("GET", path, **parts)

    def post(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("POST", path, **parts)

    def put(self, path: str, **parts: Any) -> httpx.Response:
        return self.request("PUT", path, **parts)


def browser_of(node) -> Browser:
    """Of a node."""
    return Browser(node.server().app)


@pytest.fixture
def http(story):
    with browser_of(story.node) as found:
        yield found


@pytest.fixture(scope="session")
def helpers():
    return SimpleNamespace(browser_of=browser_of, Browser=Browser, me=ME)
