"""LC-15 … LC-18, LC-20: our headers, state and transactions, from a node that serves and lies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from node.consensus.cometbft.mapping import engine_chain_id
from node.consensus.cometbft.query import EngineAnswer, Query
from node.core.block import Block
from node.core.errors import NotFound
from node.core.head import HEAD_KEY, Head
from node.core.ids import NATIVE, Height
from node.light.block import LightBlock
from node.light.client import LightClient
from node.light.errors import LightRefused
from node.light.root import ProvedState, VerifiedLedger, genesis_validators
from node.light.validators import MAX_VALIDATORS, Validator, ValidatorSet
from node.light.verify import Trusted
from node.rpc.client import NodeClient
from node.rpc.errors import BadAnswer
from node.rpc.light import LightViews
from node.rpc.light_client import NodeSource
from node.rpc.text import bytes_of
from node.testing.light import (
    ChainQuery,
    SignedChain,
    public,
    signed_ledger,
    signer,
    validators_json,
)
from node.testing.nodes import memory_node, serving
from transparent.accounts import balance_key, sequence
from transparent.signature import SigningKey

PERSON = SigningKey(b"\x07" * 32)
MARK = balance_key(PERSON.account, NATIVE)
BLOCKS = 5


@pytest.fixture(scope="module")
def node():
    return memory_node()


@pytest.fixture(scope="module")
def served(node):
    with serving(node) as client:
        for amount in range(1, BLOCKS + 1):
            client.faucet(PERSON.account, amount)
        yield client


@pytest.fixture(scope="module")
def chain(node, served) -> SignedChain:
    found = signed_ledger(node)
    node.service.light = LightViews(node.chain, ChainQuery(found))
    return found


class Lying(httpx.BaseTransport):
    """Passes questions on to a true node, and changes answers whose path begins as given."""

    def __init__(self, url: str, path: str, change: Callable[[dict], dict]) -> None:
        self._to, self._path, self._change = httpx.HTTPTransport(), path, change

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._to.handle_request(request)
        response.read()
        if not request.url.path.startswith("/v1" + self._path):
            return httpx.Response(response.status_code, content=response.content)
        changed = self._change(json.loads(response.content))
        return httpx.Response(response.status_code, content=json.dumps(changed).encode())

    def close(self) -> None:
        self._to.close()


@pytest.fixture
def lying(served):
    opened = []

    def make(path: str, change: Callable[[dict], dict]) -> NodeSource:
        opened.append(NodeClient(served.url, transport=Lying(served.url, path, change)))
        return NodeSource(opened[-1])

    yield make
    for client in opened:
        client.close()


def synced(node, source: NodeSource, chain: SignedChain) -> LightBlock:
    genesis = node.genesis
    trusted = Trusted.genesis(genesis_validators(genesis), genesis.time_ms)
    client = LightClient(engine_chain_id(genesis), trusted, source)
    return client.sync(chain.now).trace[-1]


@pytest.fixture(scope="module")
def ledger(node, served, chain) -> VerifiedLedger:
    source = NodeSource(served)
    return VerifiedLedger(node.genesis, synced(node, source, chain), source)


def refused(rule: str, call, *arguments) -> LightRefused:
    with pytest.raises(LightRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule, caught.value
    return caught.value


def test_everything_of_an_honest_node_is_proved(node, ledger) -> None:
    chain = node.chain
    assert ledger.height == chain.height >= BLOCKS
    assert ledger.root == chain.root_after(chain.height)
    for height in range(1, chain.height + 1):
        assert ledger.header(height) == chain.header(Height(height))
        assert ledger.verified_root(height) == chain.root_after(Height(height))
        assert ledger.block(height) == chain.block(Height(height))
    assert ledger.verified_root(0) == chain.root_after(Height(0))
    assert ledger.entry(MARK) == sum(range(1, BLOCKS + 1)).to_bytes(8, "little")
    assert ledger.entry(MARK, 1) == (1).to_bytes(8, "little")
    assert ledger.entry(b"t/b/nobody") is None
    block, transaction = ledger.transaction(1, 0)
    assert transaction.to_bytes() == block.txs[0]


def test_genesis_is_the_state_under_block_1(node, served, chain) -> None:
    found = VerifiedLedger(node.genesis, chain.blocks[0], NodeSource(served))
    assert found.height == 0
    assert found.entry(MARK) is None
    with pytest.raises(NotFound):
        found.header(1)


def view_of(value: bytes) -> str:
    return "0x" + value.hex()


def test_lc15_the_app_hash_is_a_state_root(node, chain, served) -> None:
    block = chain.blocks[2]
    header = replace(block.header, app_hash=b"\1" * 20)
    odd = replace(block, signed=replace(block.signed, header=header))
    refused("LC-15", VerifiedLedger, node.genesis, odd, NodeSource(served))


def test_lc15_the_header_is_the_one_that_the_state_names(node, chain, lying) -> None:
    other = node.chain.header(Height(2))
    own = replace(node.chain.header(node.chain.height), time_ms=1)
    for lie in ([view_of(other.to_bytes())], [view_of(own.to_bytes())], []):
        source = lying("/light/headers", lambda answer, lie=lie: {**answer, "headers": lie})
        refused("LC-15", VerifiedLedger, node.genesis, chain.blocks[-1], source)


def test_lc15_the_state_is_of_the_block_before(node, chain, served) -> None:
    """A validator set that signed an app hash out of step signs for another height's state."""
    block = chain.blocks[-1]
    early = replace(block.header, height=block.height - 1)
    odd = replace(block, signed=replace(block.signed, header=early))

    class Late(NodeSource):
        def state_proof(self, key: bytes, height: int) -> bytes:
            return super().state_proof(key, node.chain.height)

    refused("LC-15", VerifiedLedger, node.genesis, odd, Late(served))
    first = chain.blocks[0]
    later = replace(first.header, app_hash=block.header.app_hash)
    odd = replace(first, signed=replace(first.signed, header=later))
    refused("LC-15", VerifiedLedger, node.genesis, odd, Late(served))


def test_lc15_a_state_without_a_last_block(node, chain) -> None:
    from node.store.memory import memory_store

    store = memory_store(node.genesis.chain_id)
    store.commit(store.stage(Height(0), {b"x": b"y"}, {}))

    class Bare(NodeSource):
        def state_proof(self, key: bytes, height: int) -> bytes:
            return store.prove(key)

    block = chain.blocks[0]
    header = replace(block.header, app_hash=store.root)
    odd = replace(block, signed=replace(block.signed, header=header))
    refused("LC-15", VerifiedLedger, node.genesis, odd, Bare(None))


def test_lc15_a_header_of_another_chain(node, chain, served) -> None:
    genesis = replace(node.genesis, name="other")
    refused("LC-15", VerifiedLedger, genesis, chain.blocks[-1], NodeSource(served))


def test_lc16_older_headers_hang_by_their_hashes(node, ledger, chain, lying) -> None:
    def forge(answer: dict) -> dict:
        if answer["first"] != 1:
            return answer
        forged = replace(node.chain.header(Height(1)), time_ms=1).to_bytes()
        return {**answer, "headers": [view_of(forged), *answer["headers"][1:]]}

    def omit(answer: dict) -> dict:
        return {**answer, "headers": answer["headers"][1:]} if answer["first"] == 1 else answer

    for change in (forge, omit):
        found = VerifiedLedger(node.genesis, chain.blocks[-1], lying("/light/headers", change))
        refused("LC-16", found.header, 1)
        refused("LC-16", found.verified_root, 0)


def test_lc17_no_transaction_is_left_out_added_or_changed(node, chain, lying, ledger) -> None:
    block = node.chain.block(Height(2))
    other = node.chain.block(Height(3))
    for lie in (
        Block(block.header, ()),
        Block(replace(block.header, time_ms=1), block.txs),
        Block(block.header, (*block.txs, *block.txs)),
        Block(block.header, other.txs),
        other,
    ):

        def change(answer: dict, lie: Block = lie) -> dict:
            answer["blocks"][0]["block"] = view_of(lie.to_bytes())
            return answer

        found = VerifiedLedger(node.genesis, chain.blocks[-1], lying("/raw", change))
        refused("LC-17", found.block, 2)
    refused("LC-17", ledger.transaction, 2, 5)


def test_lc18_old_state_wrong_proofs_and_noise(node, chain, lying, served) -> None:
    true = NodeSource(served)
    proofs = {
        "old": true.state_proof(MARK, 2),
        "another key": true.state_proof(HEAD_KEY, node.chain.height),
        "noise": b"\1\2",
        "nothing": b"",
    }
    for name, proof in proofs.items():

        def change(answer: dict, proof: bytes = proof) -> dict:
            mine = answer["key"] == view_of(MARK)
            return {**answer, "proof": view_of(proof)} if mine else answer

        found = VerifiedLedger(node.genesis, chain.blocks[-1], lying("/state", change))
        assert refused("LC-18", found.entry, MARK), name
        assert found.entry(HEAD_KEY) is not None


def test_lc18_absence_must_be_proved(node, chain, lying, served) -> None:
    absent = NodeSource(served).state_proof(b"t/b/nobody", node.chain.height)

    def change(answer: dict) -> dict:
        mine = answer["key"] == view_of(MARK)
        return {**answer, "proof": view_of(absent)} if mine else answer

    found = VerifiedLedger(node.genesis, chain.blocks[-1], lying("/state", change))
    refused("LC-18", found.entry, MARK)


def test_lc18_a_state_of_which_every_entry_is_proved(node, ledger) -> None:
    """Code that reads a state reads this one, but for lists."""
    assert sequence(ProvedState(ledger), PERSON.account) == 0
    assert ProvedState(ledger, 1).get(MARK) == (1).to_bytes(8, "little")
    refused("LC-18", lambda: list(ProvedState(ledger).iterate(b"t/b/")))


def test_lc20_commits_and_validators_come_from_the_engine(node, served, chain) -> None:
    source = NodeSource(served)
    for height in (1, 3, chain.height):
        assert source.light_block(height) == chain.blocks[height - 1]
    assert source.light_block() == chain.blocks[-1]
    with pytest.raises(NotFound):
        source.light_block(chain.height + 1)


@pytest.mark.parametrize("count", [250, 1025, 1300])
def test_lc20_all_validators_or_none(node, count: int) -> None:
    """CometBFT tells of a hundred at a time; of more than LC-3 allows no part is served."""
    members = [Validator(public(signer(number)), 1) for number in range(count)]
    listed = validators_json(SimpleNamespace(members=members))

    class Many(Query):
        def ask(self, method: str, **parameters):
            page, size = parameters["page"], parameters["per_page"]
            part = listed[(page - 1) * size : page * size]
            return {"validators": part, "total": str(count)}

    views = LightViews(node.chain, Many(Path("/nowhere")))
    if count > MAX_VALIDATORS:
        with pytest.raises(EngineAnswer, match="LC-3"):
            views.validators(1)
        return
    found = ValidatorSet.from_bytes(bytes_of(views.validators(1).validators))
    assert set(found.members) == set(members)


def test_lc20_an_embedded_engine_signs_nothing() -> None:
    with serving(memory_node()) as client:
        with pytest.raises(NotFound, match="LC-20"):
            NodeSource(client).light_block()
        client.make_block()
        assert len(NodeSource(client).ledger_headers(1, 10)) == 1


def test_what_does_not_decode_is_the_nodes_fault(lying) -> None:
    source = lying("/light/commit", lambda answer: {**answer, "signed": "0x01"})
    with pytest.raises(BadAnswer):
        source.light_block()
    source = lying("/light/validators", lambda answer: {**answer, "validators": "0x0000"})
    with pytest.raises(BadAnswer, match="LC-3"):
        source.light_block()


def test_the_heads_encoding_is_the_states(node, ledger) -> None:
    data = ledger.entry(HEAD_KEY)
    assert Head.from_bytes(data).hash == node.chain.header(node.chain.height).hash
