"""ABCI's calls on snapshots: who is blamed for what, and what is left behind."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace

import pytest

from node.consensus.application import LedgerApplication
from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import home
from node.consensus.cometbft.bridge import REFUSED, Bridge
from node.consensus.cometbft.home import Network, Place, StateSync
from node.consensus.cometbft.snapshots import SnapshotCalls
from node.core.errors import ConsensusFault
from node.core.ids import StateRoot
from node.store.memory import MemoryKeyValue, memory_store
from node.store.snapshots import manifest, stream
from node.store.snapshots.export import export
from node.store.snapshots.manifest import Manifest, chunk_hash
from node.store.snapshots.shelf import Shelf
from node.testing.abci import Connection, Refused
from node.testing.counters import KvExecutor

OFFER = abci.ResponseOfferSnapshot.Result
CHUNK = abci.ResponseApplySnapshotChunk.Result
PEER = "a peer"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    for module in (manifest, stream):
        monkeypatch.setattr(module, "CHUNK_BYTES", 64)


class Joiner:
    """A node that has nothing, and how it is told of snapshots."""

    def __init__(self, host) -> None:
        self.database = MemoryKeyValue()
        self.store = memory_store(host.genesis.chain_id, self.database)
        self.app = LedgerApplication(host.genesis, KvExecutor(), self.store)
        self.restored: list[int] = []
        self.calls = SnapshotCalls(
            host.genesis, self.store, None, lambda: self.restored.append(self.store.height)
        )
        self.bridge = Bridge(host.genesis, self.app, self.store, host.pool, snapshots=self.calls)

    def offer(self, snapshot, app_hash):
        request = abci.RequestOfferSnapshot(snapshot=snapshot, app_hash=app_hash)
        return ask(self.bridge, "offer_snapshot", request).result

    def apply(self, index, chunk):
        request = abci.RequestApplySnapshotChunk(index=index, chunk=chunk, sender=PEER)
        return ask(self.bridge, "apply_snapshot_chunk", request)


def ask(bridge, kind, request):
    return getattr(bridge.answer(kind, abci.Request(**{kind: request})), kind)


def decide(bridge, height, *txs):
    request = abci.RequestFinalizeBlock(txs=txs, height=height)
    request.time.FromMilliseconds(5_000 + height)
    root = ask(bridge, "finalize_block", request).app_hash
    return root, ask(bridge, "commit", abci.RequestCommit()).retain_height


@pytest.fixture
def served(host, tmp_path):
    """(a host at height 3 that serves a snapshot of it, the snapshot, its chunks, a joiner)."""
    for height in (1, 2, 3):
        decide(host.bridge, height, *(b"add k%d%d 1 ok" % (height, k) for k in range(4)))
    shelf = Shelf(tmp_path)
    export(shelf, host.store.reader(), host.genesis.chain_id, host.store.height, host.store.root)
    calls = SnapshotCalls(host.genesis, host.store, shelf)
    host.bridge = Bridge(host.genesis, host.app, host.store, host.pool, snapshots=calls)
    (snapshot,) = ask(host.bridge, "list_snapshots", abci.RequestListSnapshots()).snapshots
    return host, snapshot, chunks_of(host, snapshot), Joiner(host)


def chunks_of(host, snapshot):
    return [
        ask(
            host.bridge,
            "load_snapshot_chunk",
            abci.RequestLoadSnapshotChunk(height=snapshot.height, format=1, chunk=index),
        ).chunk
        for index in range(snapshot.chunks)
    ]


def test_a_node_goes_on_from_a_snapshot_as_the_others_do(served):
    host, snapshot, chunks, joiner = served
    assert len(chunks) > 3
    assert joiner.offer(snapshot, host.store.root) == OFFER.ACCEPT
    for index, chunk in enumerate(chunks):
        assert joiner.restored == []
        assert joiner.apply(index, chunk).result == CHUNK.ACCEPT
    assert joiner.restored == [3]
    info = ask(joiner.bridge, "info", abci.RequestInfo())
    assert (info.last_block_height, info.last_block_app_hash) == (3, host.store.root)
    for height in (4, 5):
        roots = {decide(found.bridge, height, b"add k11 5 ok") for found in (host, joiner)}
        assert len(roots) == 1


def test_what_is_not_there_is_not_served(served):
    host, _, chunks, _ = served
    for height, format_, chunk in ((4, 1, 0), (3, 2, 0), (3, 1, len(chunks))):
        request = abci.RequestLoadSnapshotChunk(height=height, format=format_, chunk=chunk)
        assert ask(host.bridge, "load_snapshot_chunk", request).chunk == b""
    bare = Joiner(host).bridge
    assert not ask(bare, "list_snapshots", abci.RequestListSnapshots()).snapshots
    request = abci.RequestLoadSnapshotChunk(height=3, format=1)
    assert ask(bare, "load_snapshot_chunk", request).chunk == b""


def test_sn3_an_offer_of_another_root_costs_those_who_made_it(served):
    host, snapshot, chunks, joiner = served
    assert joiner.offer(snapshot, bytes(32)) == OFFER.REJECT_SENDER
    assert joiner.apply(0, chunks[0]).result == CHUNK.ABORT  # nothing was accepted
    other = abci.Snapshot()
    other.CopyFrom(snapshot)
    other.format = 2
    assert joiner.offer(other, host.store.root) == OFFER.REJECT_FORMAT
    other.format, other.metadata = 1, b"\x01"
    assert joiner.offer(other, host.store.root) == OFFER.REJECT_SENDER
    assert joiner.store.empty


def test_sn4_a_chunk_that_was_changed_is_asked_of_another(served):
    host, snapshot, chunks, joiner = served
    joiner.offer(snapshot, host.store.root)
    joiner.apply(0, chunks[0])
    answer = joiner.apply(1, chunks[1][:-1] + b"\xff")
    assert answer.result == CHUNK.RETRY
    assert (list(answer.refetch_chunks), list(answer.reject_senders)) == ([1], [PEER])
    for index in range(1, len(chunks)):
        assert joiner.apply(index, chunks[index]).result == CHUNK.ACCEPT
    assert joiner.store.root == host.store.root


def test_sn6_a_snapshot_that_lies_is_rejected_and_another_taken(served):
    host, snapshot, chunks, joiner = served
    lie = [chunks[0][:-1] + b"\xff", *chunks[1:]]
    found = replace(Manifest.from_bytes(snapshot.metadata), chunks=tuple(map(chunk_hash, lie)))
    lying = abci.Snapshot(
        height=3, format=1, chunks=len(lie), hash=found.hash, metadata=found.to_bytes()
    )
    assert joiner.offer(lying, host.store.root) == OFFER.ACCEPT
    results = [joiner.apply(index, chunk).result for index, chunk in enumerate(lie)]
    assert CHUNK.REJECT_SNAPSHOT in results
    assert joiner.store.empty
    assert [key for key, _ in joiner.database.scan(b"", b"z") if key[:1] != b"m"] == []
    assert joiner.restored == []
    assert joiner.offer(snapshot, host.store.root) == OFFER.ACCEPT
    for index, chunk in enumerate(chunks):
        joiner.apply(index, chunk)
    assert joiner.restored == [3]


def test_sn8_an_offer_to_a_ledger_with_blocks_ends_the_node(served):
    host, snapshot, _, _ = served

    async def body() -> None:
        async with host.serving() as path:
            connection = await Connection.open(path)
            request = abci.RequestOfferSnapshot(snapshot=snapshot, app_hash=host.store.root)
            with pytest.raises(Refused, match="SN-8"):
                await connection.call("offer_snapshot", request)
            await connection.close()

    with pytest.raises(ConsensusFault, match="SN-8"):
        asyncio.run(body())
    assert host.store.height == 3


def test_sn13_without_a_state_no_transaction_is_taken(host):
    joiner = Joiner(host)
    found = joiner.bridge.check([abci.RequestCheckTx(tx=b"add k 5 ok")] * 2)
    assert [item.code for item in found] == [REFUSED] * 2
    assert not host.pool.batches
    info = ask(joiner.bridge, "info", abci.RequestInfo())
    assert (info.last_block_height, info.last_block_app_hash) == (0, b"")


def test_restoring_holds_up_nothing_else(served, monkeypatch):
    """What is asked on another connection is answered while a chunk is being applied."""
    host, *_ = served

    async def body() -> None:
        begun, over = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def slow(_request):
            loop.call_soon_threadsafe(begun.set)
            asyncio.run_coroutine_threadsafe(over.wait(), loop).result()
            return abci.ResponseApplySnapshotChunk(result=CHUNK.ACCEPT)

        monkeypatch.setattr(host.bridge._snapshots, "apply_snapshot_chunk", slow)
        async with host.serving() as path:
            one, other = await Connection.open(path), await Connection.open(path)
            one.send("apply_snapshot_chunk", abci.RequestApplySnapshotChunk())
            await asyncio.gather(one.receive("apply_snapshot_chunk"), waits(begun, other, over))
            await one.close()
            await other.close()

    async def waits(begun, other, over) -> None:
        await begun.wait()
        assert (await other.call("info", abci.RequestInfo())).last_block_height == 3
        over.set()

    asyncio.run(asyncio.wait_for(body(), 10))


def test_the_engines_configuration_says_whom_to_begin_from(host, tmp_path):
    place = Place(b"\x01" * 32, "127.0.0.2:1")
    sync = StateSync(("http://127.0.0.3:2",), 7, b"\xab" * 32)
    home.make(tmp_path / "plain", host.genesis, None, place)
    assert not home.syncs(tmp_path / "plain")
    text = (tmp_path / "plain/config/config.toml").read_text()
    assert tomllib.loads(text)["rpc"]["laddr"] == f"unix://{tmp_path}/plain/rpc.sock"
    peer = "ab" * 20 + "@127.0.0.3:1"
    network = Network(peers=(peer,), rpc="127.0.0.2:2", sync=sync)
    home.make(tmp_path / "late", host.genesis, None, place, [place], network=network)
    assert home.syncs(tmp_path / "late")
    found = tomllib.loads((tmp_path / "late/config/config.toml").read_text())
    assert found["rpc"]["laddr"].split(",")[1] == "tcp://127.0.0.2:2"
    assert found["p2p"]["persistent_peers"] == f"{place.peer},{peer}"
    section = found["statesync"]
    assert section["rpc_servers"] == "http://127.0.0.3:2,http://127.0.0.3:2"
    assert (section["trust_height"], section["trust_hash"]) == (7, "AB" * 32)
    assert section["trust_period"] == "32h0m0s"  # LC-7: and evidence is taken for 48
    (tmp_path / "late/config/config.toml").write_text("no = [")
    with pytest.raises(ConsensusFault, match="configuration"):
        home.syncs(tmp_path / "late")


def test_roots_are_compared_whole(served):
    """A root that begins like the right one is another."""
    host, snapshot, _, joiner = served
    near = StateRoot(host.store.root[:-1] + bytes([host.store.root[-1] ^ 1]))
    assert joiner.offer(snapshot, near) == OFFER.REJECT_SENDER
