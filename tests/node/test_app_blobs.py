"""A node on disk that keeps a blob: ordered, closed, opened again, exported, audited."""

from __future__ import annotations

import pytest

from circuits.key_registry import Registry
from node.app import development
from node.app.node import Node
from node.app.options import Options
from node.audit import keys, sources, work
from node.audit.engine import Audit
from node.audit.export import export
from node.core.ids import tagged_hash
from node.lane import domains
from node.lane.blobs import blob as blobs
from node.lane.validator import identity
from node.rpc.text import bytes_of
from node.testing.clock import EPOCH_MS
from node.testing.nodes import serving
from private_exec.envelope import Terms, seal_intent
from transparent.signature import SigningKey

PAYER = SigningKey(tagged_hash("blobs", b"payer"))
STILL = Options(port=0, delay_ms=1, lane_tick_ms=3_600_000)


@pytest.fixture
def home(tmp_path):
    """The folder of a development chain's only validator."""
    folder = tmp_path / "node"
    key = identity.create(folder / identity.KEY_FILE)
    Node.create(folder, development.genesis(EPOCH_MS, validators=(key.public,)))
    return folder


def blob_of(client) -> bytes:
    genesis, lane = client.genesis(), client.lane.state()
    key = client.lane.key(genesis, 0, lane.epoch)
    fee, last = domains.least_fee(genesis, 0, 1024, 1), genesis.lane.last_height(lane.epoch)
    return blobs.encode(
        seal_intent(
            key,
            Terms(PAYER.account, number, fee, 1, last, 0),
            b"x",
            PAYER,
            tagged_hash("blobs/entropy", bytes([number])),
        )
        for number in range(6)
    )


def test_a_blob_outlives_the_process_and_its_chain_can_be_audited(home, tmp_path) -> None:
    with serving(Node.open(home, options=STILL)) as client:
        client.faucet(PAYER.account, 10**9)
        client.lane.want_key(0)
        while client.lane.key_state(0).state != "made":
            client.make_block()
        data = blob_of(client)
        kept = client.da.put(0, data)
        client.submit(bytes_of(kept.tx))
        assert client.wait_for_tx(bytes_of(kept.tx_id), timeout=20).status == "included"
    root = bytes_of(kept.root)
    with serving(Node.open(home, options=STILL)) as client:  # CH-24: executes the last block again
        assert client.da.read(client.da.ordered(root).commitment) == data
        online = list(sources.NodeSource(client).blocks(1))
    path = tmp_path / "chain.tar"
    with sources.opened(home) as source:
        assert list(source.blocks(1)) == online
        export(source, path, Registry.load())
    with sources.bundle_in(path) as source:
        chosen, _ = keys.choose(source.genesis, source.keys, Registry.load())
        with work.in_memory(source.genesis) as journal:
            report = Audit(source, chosen, journal).run()
    assert report.valid and report.executed == source.height
