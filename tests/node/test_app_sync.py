"""Nodes that begin with a snapshot: whom they believe, what they answer until then, and after."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.app import hosting
from node.app.node import Node
from node.app.options import Options
from node.app.sync import SyncRefused, trusted
from node.app.validator import Belongings
from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import mapping
from node.consensus.cometbft.home import Network, StateSync
from node.core.errors import Unreachable
from node.core.ids import AccountId, Height
from node.da.shards import ShardStore
from node.rpc.actions import ActionStream
from node.store import chain as chains
from node.store.chain import Chain, NotKept
from node.store.memory import MemoryKeyValue, memory_store
from node.store.snapshots.export import export
from node.store.snapshots.importing import Import
from node.store.snapshots.shelf import Shelf
from node.testing.ledger import Ledger, Pool, transfer
from node.testing.nodes import VALIDATOR
from zk.groth16.keys import Proof

PERSON = AccountId(b"\x07" * 32)

HASH = "AB" * 32


# --- whom to believe ---


class Peer:
    """What the RPC of a peer's CometBFT answers."""

    def __init__(self, genesis) -> None:
        self.chain = self.header_chain = mapping.engine_chain_id(genesis)
        self.first, self.last, self.hash = 1, 5_000, HASH
        self.raw: bytes | None = None
        self.asked: list[str] = []
        self.height: str | None = None

    def answer(self, path: str) -> bytes:
        self.asked.append(path)
        if self.raw is not None:
            return self.raw
        if path.startswith("/status"):
            heights = {
                "earliest_block_height": str(self.first),
                "latest_block_height": str(self.last),
            }
            return self.json({"node_info": {"network": self.chain}, "sync_info": heights})
        height = self.height or path.rpartition("=")[2]
        header = {"chain_id": self.header_chain, "height": height}
        commit = {"block_id": {"hash": self.hash}}
        return self.json({"signed_header": {"header": header, "commit": commit}})

    @staticmethod
    def json(result) -> bytes:
        return json.dumps({"jsonrpc": "2.0", "id": -1, "result": result}).encode()


@contextmanager
def listening(peer: Peer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = peer.answer(self.path)
            self.send_response(200)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def peers(genesis):
    one, two = Peer(genesis), Peer(genesis)
    with listening(one) as first, listening(two) as second:
        yield one, two, (first, second)


def test_a_header_that_all_peers_have(genesis, peers):
    one, two, servers = peers
    assert trusted(genesis, servers) == StateSync(servers, 3_000, bytes.fromhex(HASH))
    two.last, one.first = 1_500, 40
    assert trusted(genesis, servers).height == 40
    assert trusted(genesis, servers[1:]).height == 1
    assert trusted(genesis, servers, back=100).height == 1_400


def test_sn16_peers_of_one_chain_that_agree(genesis, peers):
    _, two, servers = peers

    def refuses(words: str) -> None:
        with pytest.raises(SyncRefused, match="SN-16") as caught:
            trusted(genesis, servers)
        assert caught.value.id == "STO-005"
        assert words in str(caught.value)

    def fails(words: str, **lie) -> None:
        before = {name: getattr(two, name) for name in lie}
        for name, value in lie.items():
            setattr(two, name, value)
        refuses(words)
        for name, value in before.items():
            setattr(two, name, value)

    fails("disagree", hash="CD" * 32)
    fails("another chain", chain="chiaro-other")
    fails("another header", header_chain="chiaro-other")
    fails("another header", height="7")
    fails("no height", first=6_000)
    fails("a hash of 1 bytes", hash="AB")
    fails("hexadecimal", hash=7)
    fails("a number", last="many")
    fails("no height", last=-1)
    fails("no JSON", raw=b"<html>")
    fails("refused", raw=b"{}")
    fails("no JSON-RPC", raw=b"[]")
    fails("nothing of that height", raw=b'{"result":null}')
    assert trusted(genesis, servers).height == 3_000
    with pytest.raises(SyncRefused, match="no peer"):
        trusted(genesis, ())


def test_a_peer_that_is_not_there(genesis):
    with pytest.raises(Unreachable):
        trusted(genesis, ("http://127.0.0.1:1",))


@pytest.mark.parametrize(
    "server",
    ["http://[", "ftp://127.0.0.1:1", "http://u:secret@127.0.0.1:1", "http://127.0.0.1:1/path",
     "127.0.0.1:1", "file:///etc/passwd", "http://127.0.0.1:1,http://a:1", 'http://a:1"'],
)  # fmt: skip
def test_sn16_an_address_is_a_host_and_a_port(genesis, server):
    with pytest.raises(SyncRefused, match="SN-16: a peer's address") as refused:
        trusted(genesis, (server,))
    assert "secret" not in f"{refused.value} {refused.value.where}"


# --- a node that waits ---


class Story:
    """Five blocks, with shielded notes in the second and the fourth; a snapshot of each height."""

    def __init__(self, folder) -> None:
        self.ledger = Ledger()
        key = KeyStore().verifying_key("action/1", DEV)
        proof = Proof(key.alpha, key.beta, key.alpha)  # the ledger's verifier believes it
        self.pool = Pool(self.ledger, prove=lambda *_: proof)
        self.shelf = Shelf(folder, keep=9)
        self.sequence = 0
        for height in range(1, 6):
            self.block(height in (2, 4))

    def block(self, shielding: bool):
        txs = []
        if shielding:
            txs.append(self.pool.shield(2, 10**6))
        txs.append(transfer(self.ledger, PERSON, 5, sequence=self.sequence))
        self.sequence += 1
        assert all(item.ok for item in self.ledger.block(*txs))
        self.pool.settle(*txs[:-1])
        store, chain_id = self.ledger.store, self.ledger.genesis.chain_id
        export(self.shelf, store.reader(), chain_id, store.height, store.root)
        return self.ledger.chain.block(store.height)

    def snapshot(self, height: int):
        (found,) = [item for item in self.shelf.manifests() if item.height == height]
        return found, self.shelf.chunk(height, 0)


@pytest.fixture
def story(tmp_path):
    return Story(tmp_path / "shelf")


def snapshot_of(found) -> abci.Snapshot:
    return abci.Snapshot(
        height=found.height, format=1, chunks=1, hash=found.hash, metadata=found.to_bytes()
    )


@pytest.fixture
def joining(story, tmp_path):
    """A node that has not begun."""
    genesis, home = story.ledger.genesis, tmp_path / "home"
    begin = StateSync(("http://127.0.0.1:1",), 1, b"\1" * 32)
    network = Network(sync=begin)
    hosting.make(home, genesis, {"engine.mode": "beside"}, p2p="127.0.0.1:1", network=network)
    node = Node(
        genesis,
        memory_store(genesis.chain_id),
        options=Options(port=0, engine=home / "engine"),
        validator=Belongings.in_memory(VALIDATOR),
        shards=ShardStore(MemoryKeyValue(), genesis.chain_id, archival=True),
    )
    node.start()
    yield node
    node.close()


def get(node: Node, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=node.server().app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    return asyncio.run(ask())


def restore(node: Node, story: Story, height: int) -> None:
    found, chunk = story.snapshot(height)
    calls = node.engine.bridge
    offer = abci.RequestOfferSnapshot(snapshot=snapshot_of(found), app_hash=found.state_root)
    assert calls.answer("offer_snapshot", abci.Request(offer_snapshot=offer)).offer_snapshot.result
    part = abci.RequestApplySnapshotChunk(index=0, chunk=chunk, sender="a peer")
    calls.answer("apply_snapshot_chunk", abci.Request(apply_snapshot_chunk=part))


def test_sn13_a_node_without_a_state_answers_nothing(joining, story, caplog):
    for path in ("/v1/status", "/v1/supply", "/v1/accounts/0x" + "11" * 32):
        answer = get(joining, path)
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "NET-008"
        assert "SN-13" in answer.json()["error"]["message"]
    for path in ("/explorer/", "/explorer/blocks"):
        answer = get(joining, path)
        assert answer.status_code == 503
        assert "SN-13" in answer.text
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert joining.store.empty  # in particular no genesis
    restore(joining, story, 5)
    answer = get(joining, "/v1/status").json()
    assert answer["height"] == 5
    head = story.ledger.chain.head(Height(5))
    assert (answer["block_hash"], answer["time_ms"]) == ("0x" + head.hash.hex(), head.time_ms)
    assert answer["state_root"] == "0x" + story.ledger.store.root.hex()
    assert joining.tip.height == 5


def test_sn12_a_joined_node_says_what_it_has_not(joining, story):
    restore(joining, story, 4)
    follow(joining, story.ledger.chain.block(Height(5)))
    for path in (
        "/v1/blocks/4",
        "/v1/blocks?from=3",
        "/v1/raw?from=1",
        "/v1/actions?from=2",
        "/v1/events?after=2",
    ):
        answer = get(joining, path)
        assert answer.status_code == 404, path
        assert answer.json()["error"]["code"] == "STO-003", path
    assert get(joining, "/v1/blocks/5").status_code == 200
    assert get(joining, "/v1/blocks?from=5").status_code == 200


def follow(node: Node, block) -> None:
    request = abci.RequestFinalizeBlock(txs=block.txs, height=block.header.height)
    request.time.FromMilliseconds(block.header.time_ms)
    bridge = node.engine.bridge
    # Its own verifier would see that the proofs prove nothing: as the ledger's, it is not asked.
    bridge.answer("finalize_block", abci.Request(finalize_block=request))
    bridge.answer("commit", abci.Request(commit=abci.RequestCommit()))


@pytest.mark.parametrize("height", [1, 2, 3, 4])
def test_a_wallet_finds_the_same_actions_at_the_same_places(story, height):
    """RPC of the stream, on a chain that began behind some of the notes."""
    there = story.ledger
    here = memory_store(there.genesis.chain_id)
    found, chunk = story.snapshot(height)
    Import(here, found, there.genesis.to_bytes()).apply(0, chunk)
    joined = Ledger(there.genesis, store=here)
    for at in range(height + 1, 6):
        joined.block(*there.chain.block(Height(at)).txs)
    streams = [ActionStream(item.chain, item.store, {}) for item in (there, joined)]
    for first in range(height + 1, 7):
        pages = [stream.page(first, 9) for stream in streams]
        assert pages[0] == pages[1]
    for first in (0, height):
        with pytest.raises(NotKept, match="SN-12"):
            streams[1].page(first, 9)
    block = story.block(True)
    joined.block(*block.txs)
    assert streams[0].page(5, 9) == streams[1].page(5, 9)
    assert (
        sum(
            len(tx.actions)
            for page in (streams[0].page(1, 9),)
            for b in page.blocks
            for tx in b.txs
        )
        == 3
    )


def test_sn15_the_engine_keeps_what_snapshots_need(tmp_path, monkeypatch, genesis):
    monkeypatch.setattr(chains, "MIN_RETAINED", 2)
    shelf = Shelf(tmp_path / "shelf")
    store = memory_store(genesis.chain_id)
    options = Options(port=0, engine=tmp_path / "engine", retain_heights=2, snapshot_interval=0)
    node = Node(genesis, store, options=options, shelf=shelf)
    node.start()
    told = []
    for height in range(1, 7):
        request = abci.RequestFinalizeBlock(height=height)
        request.time.FromMilliseconds(genesis.time_ms + height)
        bridge = node.engine.bridge
        bridge.answer("finalize_block", abci.Request(finalize_block=request))
        if height == 3:
            export(shelf, store.reader(), genesis.chain_id, store.height, store.root)  # of 2
        answer = bridge.answer("commit", abci.Request(commit=abci.RequestCommit()))
        told.append(answer.commit.retain_height)
    assert Chain(store).first == 5
    assert told == [1, 1, 2, 2, 2, 2]  # the light client of a joining node asks for 2 and on
    node.close()
