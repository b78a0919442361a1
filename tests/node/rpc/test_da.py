"""Blobs over the RPC: kept, served with proofs, sampled; and nodes that lie.  RPC-36 … RPC-39."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from node.app.options import Options
from node.core.errors import NotFound
from node.core.ids import tagged_hash
from node.da import blob
from node.da.certificate import Collector
from node.da.errors import BadEncoding, NotAvailable, TooFewRows
from node.da.rows import Row, check_row
from node.da.sampling import risk
from node.da.shards import ShardStore
from node.lane import domains
from node.lane.blobs import blob as blobs
from node.lane.blobs import dispersal
from node.lane.blobs.blob import ShardBlobs
from node.lane.blobs.reading import Reading
from node.rpc import da_schema, light_client
from node.rpc.da_client import DaClient
from node.rpc.errors import BadAnswer
from node.rpc.text import bytes_of, hex_of
from node.store.memory import MemoryKeyValue
from node.testing.light import vouched
from node.testing.nodes import VALIDATOR, memory_node, serving
from private_exec.envelope import Terms, seal_intent
from transparent.signature import SigningKey
from zk.errors import ChiaroError

COUNT = 6
PAYER = SigningKey(tagged_hash("da", b"payer"))


@pytest.fixture(scope="module")
def node():
    return memory_node(options=Options(port=0, delay_ms=1, lane_tick_ms=3_600_000))


@pytest.fixture(scope="module")
def client(node):
    with serving(node) as found:
        found.faucet(PAYER.account, 10**9)
        found.lane.want_key(0)
        while found.lane.key_state(0).state != "made":
            found.make_block()
        yield found


def envelopes(client, name: str, payer: SigningKey = PAYER):
    genesis = client.genesis()
    lane = client.lane.state()
    key = client.lane.key(genesis, 0, lane.epoch)
    fee = domains.least_fee(genesis, 0, 1024, 1)
    last = genesis.lane.last_height(lane.epoch)
    return [
        seal_intent(
            key,
            Terms(payer.account, number, fee, 1, last, 0),
            b"sealed",
            payer,
            tagged_hash("da/entropy", name.encode(), bytes([number])),
        )
        for number in range(COUNT)
    ]


@pytest.fixture(scope="module")
def kept(client):
    """A blob that the node took and a block ordered."""
    data = blobs.encode(envelopes(client, "kept"))
    found = client.da.put(0, data)
    client.submit(bytes_of(found.tx))
    view = client.wait_for_tx(bytes_of(found.tx_id), timeout=20)
    assert view.status == "included"
    return bytes_of(found.root), data


def test_a_blob_from_the_hand_in_to_the_batch(client, kept) -> None:
    root, data = kept
    view = client.da.blob(root)
    assert (view.status, view.entries, view.rows, view.total) == ("ordered", COUNT, 256, 256)
    ordered = client.da.ordered(root)
    assert ordered.height == view.height
    assert client.da.read(ordered.commitment) == data
    live = client.lane.state().live
    batch = client.lane.batch(0, live[0].number)
    assert len(batch.entries) == COUNT


def test_rpc36_what_nobody_pays_is_not_kept(client) -> None:
    poor = SigningKey(tagged_hash("da", b"poor"))
    data = blobs.encode(envelopes(client, "poor", poor))
    with pytest.raises(ChiaroError) as caught:
        client.da.put(0, data)
    assert caught.value.id == "DA-9"
    assert "entry 0" in caught.value.message
    root = blob.encode(data, domains.domain_of(client.genesis(), 0).coding).commitment.root
    with pytest.raises(NotFound):
        client.da.blob(root)


def test_rpc36_only_sealed_intents_of_a_domain_are_kept(client) -> None:
    for domain, data, rule in (
        (0, b"\x01" * 5000, "LN-38"),
        (9, blobs.encode(envelopes(client, "nine")), "LN-2"),
        (0, blobs.encode(envelopes(client, "few")[:2]), "DA-11"),
    ):
        with pytest.raises(ChiaroError) as caught:
            client.da.put(domain, data)
        assert caught.value.id == rule


def test_rpc36_a_node_that_is_no_validator_keeps_nothing() -> None:
    from node.app import development
    from node.lane.blobs.availability import Availability
    from node.testing.clock import EPOCH_MS

    genesis = development.genesis(EPOCH_MS, validators=(VALIDATOR.public,))
    watching = Availability(genesis, memory_node().availability._store, None)
    with pytest.raises(NotFound):
        watching.put(0, b"", None, None, 1)


def test_rpc37_rows_come_with_their_proofs(client, kept) -> None:
    root, _ = kept
    commitment = client.da.ordered(root).commitment
    page = client.get(f"/da/blobs/{root.hex()}/rows", da_schema.RowPage, {"from": 250, "limit": 9})
    assert [view.index for view in page.rows] == list(range(250, 256)) and page.next is None
    for view in page.rows:
        check_row(commitment, Row.from_bytes(bytes_of(view.row)))
    page = client.get(f"/da/blobs/{root.hex()}/rows", da_schema.RowPage, {"from": 0, "limit": 3})
    assert (len(page.rows), page.next) == (3, 3)


class Liar:
    """A node whose rows another hand wrote."""

    def __init__(self, client, change) -> None:
        self._client, self._change = client, change

    def get(self, path, kind, query=None):
        answer = self._client.get(path, kind, query)
        if isinstance(answer, da_schema.RowPage):
            return da_schema.RowPage(
                rows=[self._changed(view) for view in answer.rows], next=answer.next
            )
        return self._changed(answer) if isinstance(answer, da_schema.RowView) else answer

    def _changed(self, view):
        row = self._change(Row.from_bytes(bytes_of(view.row)))
        return da_schema.RowView(index=view.index, row=hex_of(row))


def test_rpc37_rows_that_do_not_prove_are_none(client, kept) -> None:
    root, data = kept
    commitment = client.da.ordered(root).commitment

    def half(row: Row) -> bytes:
        wrong = replace(row, data=bytes(len(row.data)))
        return (row if row.index % 2 else wrong).to_bytes()

    with pytest.raises(ChiaroError) as caught:
        DaClient(Liar(client, lambda row: replace(row, data=bytes(64)).to_bytes())).read(commitment)
    assert caught.value.id == "DA-3"
    assert DaClient(Liar(client, Row.to_bytes)).read(commitment) == data
    with pytest.raises(BadAnswer, match="RPC-37"):
        DaClient(Liar(client, lambda row: row.to_bytes() + b"\0")).read(commitment)
    with pytest.raises(NotAvailable):
        DaClient(Liar(client, half)).sample(commitment, 30)


def test_rpc38_the_entry_of_a_blob_is_proved_under_the_state_root(client, kept) -> None:
    root, _ = kept
    assert client.da.ordered(root).commitment.root == root
    with pytest.raises(NotFound):
        client.da.ordered(bytes(32))

    class Other:
        def state(self, _key):
            return client.state(dispersal.ordered_key(root))

    with pytest.raises(BadAnswer, match="RPC-38"):
        DaClient(Other()).ordered(b"\x01" * 32)


def test_lc18_the_same_under_a_block_that_validators_signed(client, kept) -> None:
    root, _ = kept
    ledger = vouched(client)
    assert light_client.ordered(ledger, root) == client.da.ordered(root)
    with pytest.raises(NotFound):
        light_client.ordered(ledger, bytes(32))

    class Other:
        def entry(self, _key):
            return ledger.entry(dispersal.ordered_key(root))

    with pytest.raises(BadAnswer, match="RPC-38"):
        light_client.ordered(Other(), b"\x01" * 32)


def test_rpc38_a_blob_that_is_no_encoding_is_told_by_its_reader(client, node) -> None:
    genesis = client.genesis()
    domain = domains.domain_of(genesis, 0)
    good = blob.encode(blobs.encode(envelopes(client, "torn")), domain.coding)
    rows = (bytes([good.data[0][0] ^ 1]) + good.data[0][1:], *good.data[1:])
    torn = blob.disperse(domain.coding, good.commitment.size, rows)
    said = dispersal.statement(genesis, domain, torn.commitment, client.status().height + 1)
    node.availability._store.put(said, [torn.row(i) for i in range(256)], keep_until=2**32)
    collector = Collector(said, domain.committee)
    collector.add(VALIDATOR.public, VALIDATOR.sign(said.digest(domain.committee)))
    client.submit(dispersal.wire(0, collector.certificate()))
    while client.status().mempool_txs:
        client.make_block()
    ordered = client.da.ordered(torn.commitment.root)
    assert ordered.entries == 0
    with pytest.raises(BadEncoding) as caught:
        client.da.read(ordered.commitment)
    caught.value.evidence.check()


def test_rpc39_a_sample_says_how_sure_it_is_exactly(client, kept) -> None:
    root, _ = kept
    commitment = client.da.ordered(root).commitment
    passed = client.da.sample(commitment, 20)
    assert len(set(passed.indices)) == 20 and passed.missing == ()
    assert passed.risk == risk(commitment.coding, 20) < Fraction(1, 4**20)


def test_rpc39_rows_that_are_not_served_count_as_missing(client, node, kept) -> None:
    _, data = kept
    torn = blob.encode(data, domains.domain_of(client.genesis(), 0).coding)
    said = dispersal.statement(
        client.genesis(), domains.domain_of(client.genesis(), 0), torn.commitment, 1
    )
    few = ShardStore(MemoryKeyValue(), client.genesis().chain_id)
    few.put(said, [torn.row(i) for i in range(63)], keep_until=9)
    whole, reading = node.availability._rows, node.availability._reading
    node.availability._rows = ShardBlobs((few,))
    node.availability._reading = Reading(node.availability._rows, None)
    try:
        with pytest.raises(NotAvailable) as caught:
            client.da.sample(torn.commitment, 24)
        assert caught.value.missing and all(index >= 63 for index in caught.value.missing)
        with pytest.raises(TooFewRows):
            client.da.read(torn.commitment)
    finally:
        node.availability._rows, node.availability._reading = whole, reading
    assert client.da.sample(torn.commitment, 24).missing == ()
