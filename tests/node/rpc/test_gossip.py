"""Open intents over HTTP: handed in, listed for solvers, followed to their settlement."""

from __future__ import annotations

import dataclasses

import pytest

from node.app.options import Options
from node.core.errors import NotFound, PolicyRefused
from node.core.ids import NATIVE, Height
from node.core.intent import Intent
from node.gossip.envelope import plain
from node.gossip.fees import SettlementFee
from node.gossip.message import Message, originate, pass_on
from node.gossip.statement import Signer
from node.intents.batch import Batch
from node.intents.limit import LimitOrder, sign_order
from node.intents.solvers import standard
from node.intents.worker import seed_of
from node.lane import direct, payload
from node.lane.direct import DirectTx
from node.rpc import gossip_schema as schema
from node.rpc.errors import BadAnswer, BadRequest, RemoteError
from node.rpc.text import bytes_of, hex_of
from node.testing.nodes import development_genesis, memory_node, serving
from transparent.signature import SigningKey

APP = b"chiaro/exchange".ljust(29, b"\0")
FOREVER = 3_600_000
CUT = 300


class Trader:
    """An account with an asset to sell, one for one; each message under a key of its own."""

    def __init__(self, client, seed: bytes, asset: str, wants: str) -> None:
        self.client, self.key = client, SigningKey(seed.ljust(32, b"."))
        client.faucet(self.key.account, 10**6)
        client.faucet(self.key.account, 10**6, asset)
        self.genesis = client.genesis()
        kinds = {view.name: view.kind for view in client.status().assets}
        self.sell, self.buy = kinds[asset], kinds[wants]

    def intent(self, number: int, fee: int = 1000, blocks: int = 30):
        order = LimitOrder(self.key.account, self.sell, 100, self.buy, 1, 1, partial=True)
        return sign_order(
            self.key, self.genesis.chain_id, APP, order,
            expiry=Height(self.client.status().height + blocks),
            fee=fee, nonce=number.to_bytes(32, "little"),
        )  # fmt: skip

    def message(self, number: int, **terms) -> Message:
        intent = self.intent(number, **terms)
        fee = SettlementFee(intent.fee, reserved=400)
        origin = Signer(number.to_bytes(32, "big"), self.genesis.chain_id)
        envelope = plain(APP, intent.schema, intent.expiry, intent.to_bytes(), fee)
        return originate(origin, 0, envelope)


@pytest.fixture(scope="module")
def client():
    """A node that takes a cut, and makes blocks for transactions only."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=FOREVER, gossip_cut=CUT)
    with serving(memory_node(options=options)) as found:
        yield found


@pytest.fixture(scope="module")
def traders(client):
    return Trader(client, b"alice", "gold", "silver"), Trader(client, b"bob", "silver", "gold")


@pytest.fixture(scope="module")
def solver(client):
    key = SigningKey(b"solver".ljust(32, b"."))
    client.faucet(key.account, 10**6)
    return key


def settle(client, genesis, solver, messages):
    """Solve these messages and hand the settlement in; in a block when this returns."""
    intents = [Intent.from_bytes(m.envelope.body) for m in messages]
    problem = client.gossip.problem(genesis, intents)
    components = standard.solve(problem, seed_of(problem.batch_id))
    batch = Batch(genesis.chain_id, None, tuple(intents))
    assert problem.batch_id == batch.id
    tx = DirectTx(
        genesis.chain_id, solver.account, 5000, problem.height, tuple(messages),
        problem.settlement(components),
    )  # fmt: skip
    sent = client.submit(payload.wire(direct.sign(tx, solver)))
    view = client.wait_for_tx(bytes_of(sent.tx_id), timeout=20)
    assert view.status == "included", view
    return view


def test_rpc43_from_publishing_to_the_settlement_and_the_relay_is_paid(
    client, traders, solver
) -> None:
    alice, bob = traders
    genesis = alice.genesis
    published = [alice.message(1), bob.message(2)]
    for message in published:
        view = client.gossip.publish(message)
        assert view.id == hex_of(message.id)
        assert client.gossip.publish(message).id == view.id  # said again, still there
        assert client.gossip.fate(message.id).status == "held"
    handed = list(client.gossip.messages(genesis, solver=solver.account))
    assert [m.id for m in handed] == [m.id for m in published]
    assert [m.cuts for m in handed] == [(CUT,), (CUT,)]
    relay = handed[0].hops[0].node
    before = client.account(solver.account).balance(NATIVE)
    done = settle(client, genesis, solver, handed)
    assert client.account(relay).balance(NATIVE) == 2 * CUT
    assert client.account(solver.account).balance(NATIVE) == before - 5000 + 2 * (1000 - CUT)
    assert client.account(alice.key.account).balance(alice.buy) == 100
    for message in published:
        for name in (message.id, Intent.from_bytes(message.envelope.body).id):
            fate = client.gossip.fate(name)
            assert (fate.status, fate.settled) == ("settled", done.receipt.height)
            assert fate.tx_id == done.tx_id


def test_rpc41_only_the_origin_hands_a_message_in(client, traders) -> None:
    message = traders[0].message(3)
    relay = Signer(b"r" * 32, traders[0].genesis.chain_id)
    with pytest.raises(BadRequest, match="RPC-41"):
        client.gossip.publish(pass_on(message, relay, 0, 1))


def test_rpc41_admission_refuses_by_its_own_rules(client, traders) -> None:
    late = traders[0].message(4, blocks=65)
    with pytest.raises(PolicyRefused) as refused:
        client.gossip.publish(late)
    assert refused.value.id == "GO-19"
    forged = dataclasses.replace(traders[0].message(4), signature=bytes(64))
    with pytest.raises(RemoteError) as wrong:
        client.gossip.publish(forged)
    assert wrong.value.id == "GO-3"


def test_rpc42_filters_pages_and_paths_are_the_askers(client, traders, solver) -> None:
    genesis = traders[0].genesis
    sent = [traders[0].message(number) for number in range(10, 14)]
    for message in sent:
        client.gossip.publish(message)
    ids = {message.id for message in sent}
    assert ids <= {m.id for m in client.gossip.messages(genesis, app=APP[:6])}
    assert not list(client.gossip.messages(genesis, app=b"other"))
    assert not list(client.gossip.messages(genesis, schema_prefix="swap"))
    assert not list(client.gossip.messages(genesis, sealed=True))
    seen, since = [], 0
    while since is not None:
        page = client.get("/gossip", schema.MessagePage, {"since": since, "limit": 1})
        seen += [view.id for view in page.messages]
        since = page.next
    assert len(seen) == len(set(seen)) >= 4
    other = Signer(b"o" * 32, genesis.chain_id).node
    (handed,) = [m for m in client.gossip.messages(genesis, solver=other) if m.id == sent[0].id]
    assert handed.hops[-1].next == other


def test_rpc42_a_message_whose_path_ends_elsewhere_is_refused(client, traders, solver) -> None:
    genesis = traders[0].genesis
    client.gossip.publish(traders[0].message(20))
    strange = dataclasses.replace(genesis, time_ms=genesis.time_ms + 1)
    with pytest.raises(BadAnswer, match="RPC-42: GO-3"):
        list(client.gossip.messages(strange, solver=solver.account))


def test_rpc43_what_expired_is_told_and_what_never_came_is_not(client, traders) -> None:
    message = traders[0].message(30, blocks=1)
    client.gossip.publish(message)
    for _ in range(3):
        client.make_block()
    assert client.gossip.fate(message.id).status == "expired"
    with pytest.raises(NotFound, match="RPC-43"):
        client.gossip.fate(bytes(32))


def test_rpc44_a_problem_is_of_these_intents_on_this_chain(client, traders) -> None:
    alice, bob = traders
    intents = [alice.intent(40), bob.intent(41), alice.intent(42, blocks=-1)]
    problem = client.gossip.problem(alice.genesis, intents)
    assert {entry.id for entry, _ in problem.entries} == {i.id for i in intents[:2]}
    strange = dataclasses.replace(alice.genesis, time_ms=alice.genesis.time_ms + 1)
    with pytest.raises(BadAnswer, match="RPC-44"):
        client.gossip.problem(strange, intents)
    with pytest.raises(BadRequest, match="RPC-3"):
        client.gossip.problem(alice.genesis, [])


def test_rpc45_a_chain_without_a_lane_has_no_overlay() -> None:
    genesis = dataclasses.replace(development_genesis(), lane=None, validators=())
    with serving(memory_node(genesis, options=Options(port=0, delay_ms=1))) as client:
        for ask in (
            lambda: client.gossip.fate(bytes(32)),
            lambda: list(client.gossip.messages(genesis)),
        ):
            with pytest.raises(NotFound, match="RPC-45"):
                ask()
