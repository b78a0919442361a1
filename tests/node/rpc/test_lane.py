"""The sealed lane over HTTP: what is told when, and what a client does not believe."""

from __future__ import annotations

import dataclasses
import json

import httpx
import msgspec
import pytest

from node.app.options import Options
from node.core.block import Block
from node.core.errors import NotFound
from node.core.ids import Height
from node.da.errors import DataRefused
from node.intents.limit import LimitOrder, sign_order
from node.lane import holders, layout, provenance, sealed
from node.lane.errors import LaneRefused
from node.lane.payload import SealTx, Tag, tag_of_wire, wire
from node.rpc import lane as lane_views
from node.rpc import lane_schema, light_client
from node.rpc.client import NodeClient
from node.rpc.errors import BadAnswer, BadRequest, StillPending
from node.rpc.text import bytes_of, hex_of
from node.stake import rosters
from node.store.memory import memory_store
from node.store.proof import InvalidStateProof
from node.testing.lane import LaneChain, lane_tx
from node.testing.light import vouched
from node.testing.nodes import memory_node, serving
from private_exec import group
from private_exec.envelope import Terms, seal_intent, size_class_of
from private_exec.keys import EpochKey
from transparent.signature import SigningKey

APP = b"app".ljust(29, b".")
OTHER = b"other".ljust(29, b".")
FOREVER = 3_600_000


class Trader:
    """An account with gold, which seals limit orders."""

    def __init__(self, client: NodeClient, seed: bytes, asset: str) -> None:
        self.client, self.key = client, SigningKey(seed.ljust(32, b"."))
        client.faucet(self.key.account, 10**6)
        client.faucet(self.key.account, 10**6, asset)
        self.genesis = client.genesis()
        kinds = {view.name: view.kind for view in client.status().assets}
        other = {"gold": "silver", "silver": "gold"}[asset]
        self.sell, self.buy = kinds[asset], kinds[other]

    def intent(self, number: int = 0, app: bytes = APP):
        order = LimitOrder(self.key.account, self.sell, 100, self.buy, 1, 1, partial=True)
        expiry = Height(self.client.status().height + 60)
        return sign_order(
            self.key, self.genesis.chain_id, app, order,
            expiry=expiry, fee=0, nonce=number.to_bytes(32, "little"),
        )  # fmt: skip

    def seal(self, intent) -> bytes:
        """Order an intent; the id of its envelope. In a block when this returns."""
        client, data = self.client, intent.to_bytes()
        key = client.lane.key(self.genesis, 0, 0)
        terms = Terms(
            self.key.account, 1, 10_000, 0, client.status().height + 30, size_class_of(len(data))
        )
        envelope = seal_intent(key, terms, data, self.key, intent.nonce[::-1])
        sent = client.submit(wire(SealTx(0, envelope)))
        assert client.wait_for_tx(bytes_of(sent.tx_id), timeout=20).status == "included"
        return envelope.id(key)


@pytest.fixture(scope="module")
def client():
    """A node whose lane counts heights only when it is told to."""
    node = memory_node(options=Options(port=0, delay_ms=1, lane_tick_ms=FOREVER))
    with serving(node) as found:
        yield found


@pytest.fixture(scope="module")
def ready(client):
    """The same, with the key of its first domain."""
    client.lane.want_key(0)
    for _ in range(12):
        if client.lane.key_state(0).state == "made":
            return client
        client.make_block()
    pytest.fail("no key")


@pytest.fixture(scope="module")
def traders(ready):
    return Trader(ready, b"alice", "gold"), Trader(ready, b"bob", "silver")


@pytest.fixture(scope="module")
def story(ready, traders):
    """A batch of three intents that is being solved, and what was told of it before."""
    gold, silver = traders
    start_of_a_batch(ready)
    intents = [gold.intent(1), silver.intent(2), gold.intent(3, OTHER)]
    seals = [gold.seal(intents[0]), silver.seal(intents[1]), gold.seal(intents[2])]
    number = ready.lane.seal(seals[0]).number
    before = {"open": ready.lane.batch(0, number)}
    until(ready, number, "closed")
    before["closed"] = ready.lane.batch(0, number)
    until(ready, number, "solving")
    return number, intents, seals, before


def start_of_a_batch(client) -> None:
    while client.status().height % client.lane.state().domains[0].period:
        client.make_block()


def until(client, number: int, stage: str) -> None:
    for _ in range(40):
        if client.lane.batch(0, number).stage == stage:
            return
        client.make_block()
    pytest.fail(f"never {stage}")


def answering(client: NodeClient, changes) -> NodeClient:
    """A client of a node that answers like `client`'s, after `changes` to the documents."""

    def handle(request: httpx.Request) -> httpx.Response:
        found = httpx.request(
            request.method, f"{client.url}{request.url.raw_path.decode()}",
            content=request.content, headers=request.headers, trust_env=False,
        )  # fmt: skip
        document = found.json()
        path = request.url.path.removeprefix("/v1")
        return httpx.Response(found.status_code, json=changes(path, document) or document)

    return NodeClient("http://127.0.0.1", transport=httpx.MockTransport(handle))


# --- what there is --------------------------------------------------------------------------------


def test_rpc26_a_chain_without_a_lane_has_none(make_person) -> None:
    genesis = memory_node().genesis
    plain = dataclasses.replace(genesis, lane=None)
    with serving(memory_node(plain)) as client:
        for ask in (
            client.lane.state,
            lambda: client.lane.key_state(0),
            lambda: client.lane.want_key(0),
            lambda: client.lane.batch(0, 0),
            lambda: client.lane.seal(bytes(32)),
        ):
            with pytest.raises(NotFound, match="RPC-26"):
                ask()


def test_the_lane_names_domains_keys_and_what_is_due(ready, traders) -> None:
    view = ready.lane.state()
    assert [(d.number, d.name) for d in view.domains] == [(0, "main"), (1, "fast")]
    main = view.domains[0]
    assert (main.key.state, main.key.key) == ("made", None)
    assert main.closes % main.period == 0
    assert main.closes > view.height
    key = ready.lane.key_state(0)
    assert bytes_of(key.digest) == ready.lane.key(traders[0].genesis, 0, 0).digest
    assert ready.lane.key_state(1, 7).state == "none"
    for path in ("/lane/x/key", "/lane/00/key", "/lane/0/batches/-1", "/lane/0/batches/01"):
        with pytest.raises(BadRequest, match="RPC-4"):
            ready.get(path, lane_schema.BatchView)
    for domain in (2, 10**18):
        with pytest.raises(NotFound):
            ready.lane.key_state(domain)


def test_rpc27_nothing_of_a_sealed_intent_is_told_before_it_is_opened(ready, story) -> None:
    number, intents, seals, before = story
    for stage in ("open", "closed"):
        view = before[stage]
        assert view.stage == stage
        assert [bytes_of(entry.id) for entry in view.entries] == seals
        assert (view.opened, view.tree, view.best, view.end) == ([], None, None, None)
        text = msgspec.json.encode(view).decode()
        for intent in intents:
            assert intent.id.hex() not in text
            assert intent.payload.hex() not in text
        assert {entry.fate for entry in view.entries} == {""}
    now = ready.lane.batch(0, number)
    assert [bytes_of(item.id) for item in now.opened] == [intent.id for intent in intents]
    assert {entry.fate for entry in now.entries} == {"ok"}
    assert [(b.kind.name, b.amount) for b in now.opened[0].gives] == [("gold", "100")]


def test_rpc27_a_closed_batch_tells_the_root_that_its_reveal_is_made_for(ready, story) -> None:
    number, _, _, before = story
    assert before["open"].root is None
    assert ready.lane.batch(0, number).root is None
    reveals = [
        lane_tx(tx).reveal
        for _, data, _, _ in ready.raw(before["closed"].closed + 1, ready.status().height)
        for tx in Block.from_bytes(data).txs
        if tag_of_wire(tx) is Tag.REVEAL and lane_tx(tx).number == number
    ]
    assert [hex_of(item.root) for item in reveals] == [before["closed"].root]


def test_rpc27_a_closed_batch_has_no_problem_and_no_proof(ready, traders, story) -> None:
    """Also not for a node that has gathered the shares: it answers from the state alone."""
    until_over(ready, story[0])
    start_of_a_batch(ready)
    sealed = traders[0].seal(traders[0].intent(40))
    number = ready.lane.seal(sealed).number
    for stage in ("open", "closed"):
        until(ready, number, stage)
        with pytest.raises(NotFound, match="RPC-27"):
            ready.lane.problem(traders[0].genesis, 0, number)
        with pytest.raises(NotFound, match="RPC-27"):
            ready.lane.opened_of(0, number, APP)


def until_over(client, number: int) -> None:
    for _ in range(40):
        if client.lane.batch(0, number).stage in {"settled", "unsolved"}:
            return
        client.make_block()


def test_rpc34_the_end_is_told_from_its_block(ready, story) -> None:
    number = story[0]
    until_over(ready, number)
    view = ready.lane.batch(0, number)
    assert (view.stage, view.due, view.opened) == ("unsolved", None, [])
    block = ready.block(view.end.height)
    assert view.end.height == view.height
    assert view.end.settled == []
    assert [e.name for r in block.receipts if r.environment == "intents" for e in r.events]


# --- what a client checks -------------------------------------------------------------------------


def test_rpc28_a_key_of_another_place_or_of_other_validators_is_refused(ready, traders) -> None:
    genesis = traders[0].genesis
    assert ready.lane.key(genesis, 0, 1) is None
    with pytest.raises(BadAnswer, match="RPC-28"):
        ready.lane.key(dataclasses.replace(genesis, validators=(b"\x01" * 32,)), 0, 0)
    with pytest.raises(BadAnswer, match="RPC-28"):
        ready.lane.key(dataclasses.replace(genesis, time_ms=genesis.time_ms + 1), 0, 0)


def test_rpc28_a_key_that_is_not_in_the_state_is_refused(ready, traders) -> None:
    strange = LaneChain(1)
    strange.make_key(0)
    other = strange.key(0)

    def lie(path: str, document):
        if path.startswith("/state/"):
            return {**document, "value": hex_of(other.to_bytes())}
        return None

    with pytest.raises(InvalidStateProof, match="RPC-10"):
        answering(ready, lie).lane.key(traders[0].genesis, 0, 0)


def own_key(genesis, secret: int) -> EpochKey:
    """Of the right place and holders, and of a secret that one person knows."""
    count = len(genesis.validators)
    assert count == 1
    public = group.base_g2([secret])[0]
    held = holders.of_committee(rosters.genesis_roster(genesis))
    place = sealed.context_of(genesis.chain_id, held.roster, held.parameters, 0, 0, 0)
    point = group.base_g1([secret])[0]
    return EpochKey(place.domain, 0, place.parameters, place.roster, point, public, (public,))


class OwnState:
    """A node that makes up a state, with proofs that hold under a root of its own."""

    def __init__(self, ready, genesis, entries) -> None:
        self.store = memory_store(genesis.chain_id)
        self.store.commit(self.store.stage(Height(0), entries, {}))

    def answer(self, path: str, _document):
        if not path.startswith("/state/"):
            return None
        key = bytes.fromhex(path.removeprefix("/state/"))
        value = self.store.reader().get(key)
        return {
            "height": 7,
            "state_root": hex_of(self.store.root),
            "key": hex_of(key),
            "proof": hex_of(self.store.prove(key)),
            "value": None if value is None else hex_of(value),
        }


def said(client) -> dict[bytes, bytes]:
    """What the chain's state has of how its key was made."""
    place = layout.attempt_key(0, 0)
    entries = {place: bytes_of(client.state(place).value)}
    for number in range(64):
        name = layout.word_key(0, 0, 0, number)
        if (value := client.state(name).value) is not None:
            entries[name] = bytes_of(value)
    return entries


def test_rpc28_a_key_that_only_the_node_made_is_refused(ready, traders) -> None:
    """Its proof holds under the root that it names, and it names the chain's validators."""
    genesis = traders[0].genesis
    forged = {layout.epoch_key(0, 0): own_key(genesis, 12345).to_bytes()}
    for entries in (forged, forged | said(ready)):
        liar = answering(ready, OwnState(ready, genesis, entries).answer)
        assert liar.state(layout.epoch_key(0, 0)).value == hex_of(forged[layout.epoch_key(0, 0)])
        with pytest.raises(BadAnswer, match="RPC-28: the chain's validators did not make this key"):
            liar.lane.key(genesis, 0, 0)


def test_ln49_a_key_of_other_holders_is_refused_before_its_making_is_asked_for(
    ready, traders
) -> None:
    genesis = traders[0].genesis
    others = LaneChain(1)
    others.make_key(0)
    key = dataclasses.replace(ready.lane.key(genesis, 0, 0), roster=others.key(0).roster, epoch=2)
    asked = []
    entries = {layout.epoch_key(0, 2): key.to_bytes()}
    made_up = OwnState(ready, genesis, entries)

    def answer(path: str, document):
        asked.append(path)
        return made_up.answer(path, document)

    with pytest.raises(LaneRefused) as caught:
        answering(ready, answer).lane.key(genesis, 0, 2)
    assert caught.value.rule == "LN-49"
    assert len(asked) == 1


def test_ln43_a_key_takes_the_signatures_of_its_validators(ready, traders) -> None:
    genesis, true = traders[0].genesis, said(ready)
    key = ready.lane.key(genesis, 0, 0)
    provenance.check_signed(genesis, key, true)
    with pytest.raises(LaneRefused) as caught:
        provenance.check_signed(genesis, own_key(genesis, 12345), true)
    assert caught.value.rule == "LN-43"
    others = LaneChain(1)
    others.make_key(0)
    stranger = {
        name: value for name, value in others.state.iterate(b"i/") if name.startswith(
            (layout.attempt_key(0, 0), layout.word_prefix(0, 0, 0))
        )
    }  # fmt: skip
    strange = dataclasses.replace(others.key(0), domain=key.domain, roster=key.roster)
    for entries in ({}, stranger):  # nothing; messages that other validators signed
        with pytest.raises(LaneRefused) as caught:
            provenance.check_signed(genesis, strange, entries)
        assert caught.value.rule == "LN-43"
    flood = layout.Attempt(0, 1, 10**6, over=True).to_bytes()
    with pytest.raises(LaneRefused, match="so much") as caught:
        provenance.keys_of_words(key.roster, 0, 0, flood)
    assert caught.value.rule == "LN-43"


def test_rpc29_an_opened_intent_under_a_false_id_is_refused(ready, traders) -> None:
    start_of_a_batch(ready)
    intent = traders[0].intent(20)
    number = ready.lane.seal(traders[0].seal(intent)).number
    until(ready, number, "solving")

    def lie(path: str, document):
        if "/batches/" in path and document.get("opened"):
            document["opened"][0]["id"] = "0x" + "11" * 32
        return document

    with pytest.raises(BadAnswer, match="RPC-29"):
        answering(ready, lie).lane.batch(0, number)


def test_rpc30_a_problem_for_another_height_or_chain_is_refused(ready, traders) -> None:
    gold, silver = traders
    start_of_a_batch(ready)
    number = ready.lane.seal(gold.seal(gold.intent(30))).number
    silver.seal(silver.intent(31))
    until(ready, number, "solving")
    problem, deadline = ready.lane.problem(gold.genesis, 0, number)
    assert (len(problem.entries), problem.height) == (2, deadline)

    def lie(path: str, document):
        if path.endswith("/problem"):
            document["deadline"] += 1
        return document

    with pytest.raises(BadAnswer, match="RPC-30"):
        answering(ready, lie).lane.problem(gold.genesis, 0, number)
    stranger = dataclasses.replace(gold.genesis, time_ms=gold.genesis.time_ms + 1)
    with pytest.raises(BadAnswer, match="RPC-30"):
        ready.lane.problem(stranger, 0, number)


def test_rpc31_intents_that_a_node_leaves_out_are_missed(ready, traders) -> None:
    gold, silver = traders
    start_of_a_batch(ready)
    intents = [gold.intent(50), silver.intent(51), gold.intent(52, OTHER)]
    number = ready.lane.seal(gold.seal(intents[0])).number
    silver.seal(intents[1])
    gold.seal(intents[2])
    until(ready, number, "solving")
    mine = (intents[0].to_bytes(), intents[1].to_bytes())
    assert ready.lane.opened_of(0, number, APP) == mine
    assert ready.lane.opened_of(0, number, OTHER) == (intents[2].to_bytes(),)
    assert ready.lane.opened_of(0, number, bytes(29)) == ()

    def leave_out(path: str, document):
        if path.endswith("/proof"):
            document["data"] = document["data"][:1]
        return document

    with pytest.raises(DataRefused) as refused:
        answering(ready, leave_out).lane.opened_of(0, number, APP)
    assert refused.value.id == "DA-18"

    def other_tree(path: str, document):
        if path.endswith("/proof"):
            document["tree"] = "0x" + "22" * 32
        return document

    with pytest.raises(BadAnswer, match="RPC-31"):
        answering(ready, other_tree).lane.opened_of(0, number, APP)

    ledger = vouched(ready)
    assert light_client.opened_of(ready, ledger, 0, number, APP) == mine
    with pytest.raises(DataRefused) as refused:
        light_client.opened_of(answering(ready, leave_out), ledger, 0, number, APP)
    assert refused.value.id == "DA-18"
    with pytest.raises(NotFound):
        light_client.opened_of(ready, ledger, 0, number + 99, APP)


# --- asking for a key, looking for an intent ------------------------------------------------------


def test_a_round_that_there_is_not_is_no_answer(ready) -> None:
    def rounds(number: int) -> NodeClient:
        def change(path: str, document) -> None:
            document["keys"][0].update(stage="round", round=number)

        return answering(ready, change)

    assert rounds(4).lane.keys().keys[0].round == 4
    with pytest.raises(BadAnswer, match="round"):
        rounds(5).lane.keys()


def test_rpc32_asking_for_a_key_moves_this_nodes_validator_only() -> None:
    node = memory_node(options=Options(port=0, delay_ms=FOREVER, lane_tick_ms=FOREVER))
    with serving(node) as client:
        assert client.lane.key_state(0).state == "none"
        first = client.lane.want_key(0)
        assert (first.wanted, first.key.state) == (True, "none")
        assert client.status().height == 0  # a message waits; no block was made by asking
        assert client.status().mempool_txs == 1
        assert client.lane.want_key(0).wanted is True
        assert client.status().mempool_txs == 1
        with pytest.raises(NotFound, match="RPC-32"):
            client.lane.want_key(9)
        with pytest.raises(StillPending, match="no key"):
            client.lane.wait_for_key(client.genesis(), 0, 0.0)


def test_rpc32_a_made_key_is_not_wanted_again(ready) -> None:
    before = ready.status().height
    view = ready.lane.want_key(0)
    assert (view.wanted, view.key.state) == (False, "made")
    assert ready.status().height == before


def test_rpc33_a_sealed_intent_is_looked_for_in_so_many_batches(
    ready, traders, story, monkeypatch
) -> None:
    number, _, seals, _ = story
    until_over(ready, number)
    found = ready.lane.seal(seals[1])
    assert (found.domain, found.number, found.index, found.fate) == (0, number, 1, "ok")
    with pytest.raises(NotFound, match="RPC-33"):
        ready.lane.seal(bytes(32))
    start_of_a_batch(ready)
    later = traders[0].seal(traders[0].intent(60))
    monkeypatch.setattr(lane_views, "MOST_SEARCHED", 1)
    assert ready.lane.seal(later).number > number
    until_over(ready, ready.lane.seal(later).number)
    with pytest.raises(NotFound, match="RPC-33"):
        ready.lane.seal(seals[1])


def test_the_documents_of_the_lane_are_described(ready) -> None:
    found = httpx.get(f"{ready.url}/v1/openapi.json", trust_env=False).json()
    path = "/lane/{domain}/batches/{number}/proof"
    names = [p["name"] for p in found["paths"][path]["get"]["parameters"]]
    assert names == ["domain", "number", "app"]
    assert "LaneView" in json.dumps(found)
