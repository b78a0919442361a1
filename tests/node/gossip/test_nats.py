"""Nodes over real NATS servers: they meet, converge, outlive servers, and shut out who forges."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from node.app.blocks import system_clock
from node.app.overlay import monotonic_ms
from node.core.ids import Height
from node.gossip import nats
from node.gossip.bus import Filter
from node.gossip.link import MAX_DATAGRAM
from node.gossip.nats import NatsBus, prefix
from node.gossip.node import GossipNode
from node.gossip.presence import Presence
from node.gossip.sequence import MemorySequence
from node.gossip.servers import Connection, Files, Nkey, Servers
from node.testing.nats import Cluster, binary
from node.testing.network import CHAIN, box_of, intent, signer_of

needs_server = pytest.mark.skipif(
    binary() is None, reason="nats-server is not here: `make nats`, which needs Go"
)
pytestmark = [needs_server, pytest.mark.oracle_nats]
NAMES = ("alice", "bob", "carol", "dave", "erin")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(binary()) as found:
        yield found


def bus_of(name: str, urls, files: Files | None = None) -> NatsBus:
    node = GossipNode(signer_of(name), MemorySequence(), box_of(name))
    return NatsBus(
        node, signer_of(name), Servers(tuple(urls), files or Files()), monotonic_ms, system_clock
    )


@contextlib.asynccontextmanager
async def running(*buses: NatsBus) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(bus.run()) for bus in buses]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for bus in buses:
            bus.close()


async def until(look: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.02)


def met(*buses: NatsBus) -> bool:
    return all(len(bus.node.peers.connected) == len(buses) - 1 for bus in buses)


def ids(bus: NatsBus) -> set[bytes]:
    return {entry.id for entry in bus.node.admission.pool}


def test_go37_five_nodes_on_three_servers_converge_and_outlive_one(cluster: Cluster) -> None:
    async def story() -> None:
        buses = [
            bus_of(name, cluster.urls[k % 3 :] + cluster.urls[: k % 3])
            for k, name in enumerate(NAMES)
        ]
        async with running(*buses):
            await until(lambda: met(*buses))
            sent = {await bus.publish(intent(f"{k} before")) for k, bus in enumerate(buses)}
            await until(lambda: all(ids(bus) == sent for bus in buses))
            with buses[1].subscribe(Filter()) as inbox:
                await buses[0].send(intent("for bob"), [buses[1].node.contact])
                got = await asyncio.wait_for(anext(aiter(inbox)), 5)
            assert got.directed and got.envelope.body == b"for bob"
            cluster.kill(0)
            sent = {await bus.publish(intent(f"{k} meanwhile")) for k, bus in enumerate(buses)}
            await until(lambda: all(sent <= ids(bus) for bus in buses))
            for number in (1, 2):
                cluster.kill(number)
            await until(lambda: not any(bus.connected for bus in buses))
            lonely = await buses[2].publish(intent("nobody carries"))
            for number in range(3):
                cluster.start(number)
            await until(lambda: all(lonely in ids(bus) for bus in buses), 25)

    asyncio.run(story())


def test_go38_who_leaves_is_gone_and_who_comes_back_is_met(cluster: Cluster) -> None:
    async def story() -> None:
        alice, bob = bus_of("alice", cluster.urls), bus_of("bob", cluster.urls)
        async with running(alice):
            async with running(bob):
                await until(lambda: met(alice, bob))
            await until(lambda: not alice.node.peers.connected)
            async with running(again := bus_of("bob", cluster.urls)):
                await until(lambda: met(alice, again))
                sent = await again.publish(intent())
                await until(lambda: sent in ids(alice))

    asyncio.run(story())


def test_go34_a_fifth_lost_doubled_and_late_is_repaired(cluster: Cluster, monkeypatch) -> None:
    """Every datagram goes through a lossy push: dropped, twice, or later than those behind it."""
    weather = random.Random(5)
    push = NatsBus._push

    def lossy(self: NatsBus, subject: str, data: bytes) -> None:
        for _ in range(1 + (weather.random() < 0.2)):
            if weather.random() >= 0.2:
                late = weather.random() * 0.2
                asyncio.get_running_loop().call_later(late, push, self, subject, data)

    async def story() -> None:
        buses = [bus_of(name, cluster.urls) for name in NAMES[:4]]
        async with running(*buses):
            await until(lambda: met(*buses))
            monkeypatch.setattr(NatsBus, "_push", lossy)
            sent = {await buses[k % 4].publish(intent(f"no {k}")) for k in range(40)}
            await until(lambda: all(sent == ids(bus) for bus in buses))
            assert sum(bus.dropped["GO-32"] for bus in buses) > 0, "copies were refused"
            monkeypatch.undo()

    asyncio.run(story())


async def stranger(cluster: Cluster) -> Connection:
    client = Connection(Servers(cluster.urls), cluster.urls[0])
    await client.connect(cluster.urls[0], allow_reconnect=False)
    return client


def test_go30_what_is_forged_on_the_bus_is_dropped_and_blames_nobody(cluster: Cluster) -> None:
    async def story() -> None:
        alice, bob = bus_of("alice", cluster.urls), bus_of("bob", cluster.urls)
        async with running(alice, bob):
            await until(lambda: met(alice, bob))
            eve = await stranger(cluster)
            start, to = prefix(CHAIN), alice.node.node.hex()
            known = bob.node.node.hex()
            alice.dropped.clear()
            await eve.publish(f"{start}.to.{to}.{known}", b"\x01" + bytes(60))
            await eve.publish(f"{start}.to.{to}.{known}", bytes(60))
            await eve.publish(f"{start}.to.{to}.{'ab' * 32}", b"\x01" + bytes(60))
            await eve.publish(f"{start}.to.{to}.{'zz' * 32}", b"\x01" + bytes(60))
            await eve.publish(f"{start}.to.{to}.{known}", bytes(MAX_DATAGRAM + 1))
            said = Presence.sign(signer_of("mallory"), bytes(range(32)), system_clock())
            await eve.publish(f"{start}.here.{known}", said.to_bytes())
            await eve.publish(f"{start}.here.{known}", b"?")
            await eve.flush()
            await until(lambda: sum(alice.dropped.values()) >= 7)
            await eve.close()
            assert alice.dropped == {"GO-32": 3, "GO-30": 2, "GO-33": 1, "GO-31": 1}
            assert alice.node.peers.connected == (bob.node.node,)
            assert alice.node.peers.score(bob.node.node, monotonic_ms()) == 0
            sent = await bob.publish(intent())
            await until(lambda: sent in ids(alice))

    asyncio.run(story())


def test_go34_a_peer_that_floods_fills_its_own_queue_only(cluster: Cluster, monkeypatch) -> None:
    monkeypatch.setattr(nats, "MOST_WAITING", 4)

    async def story() -> None:
        alice, bob, carol = (bus_of(name, cluster.urls) for name in NAMES[:3])
        async with running(alice, bob, carol):
            await until(lambda: met(alice, bob, carol))
            for k in range(300):
                bob.carry(alice.node.node, b"\x02" + k.to_bytes(4, "big"))
            sent = await carol.publish(intent())
            await until(lambda: sent in ids(alice))
            assert alice.dropped["GO-34"] > 0
            await until(lambda: bob.node.node not in alice.node.peers.connected)
            assert carol.node.node in alice.node.peers.connected

    asyncio.run(story())


def test_go36_a_server_with_users_takes_who_has_the_nkey(tmp_path, caplog) -> None:
    seed = Nkey(bytes(32))
    body = bytes((18 << 3 | 20 << 3 >> 5, (20 << 3 & 31) << 3)) + bytes(32)
    text = base64.b32encode(body + binascii.crc_hqx(body, 0).to_bytes(2, "little"))
    path = tmp_path / "user.nk"
    path.write_bytes(text.rstrip(b"=") + b"\n")
    path.chmod(0o600)
    assert Nkey.load(path).public == seed.public
    own = signer_of("alice").node
    allowed = nats.permissions(CHAIN, own)
    users = f"authorization {{ users: [ {{ nkey: {seed.public}, permissions: {allowed} }} ] }}\n"

    async def story(urls) -> None:
        alice, bob = bus_of("alice", urls, Files(nkey=path)), bus_of("bob", urls)
        async with running(alice, bob):
            await until(lambda: alice.connected)
            await until(lambda: "no NATS server" in caplog.text)  # bob was turned away
            assert alice.connected
            assert not bob.connected

    with Cluster(binary(), 1, users.replace("'", '"')) as cluster:
        asyncio.run(story(cluster.urls))


def test_blocks_advance_and_messages_expire_as_on_any_bus(cluster: Cluster) -> None:
    async def story() -> None:
        (alice,) = (bus_of("alice", cluster.urls),)
        sent = await alice.publish(intent(expiry=3))
        assert [entry.id for entry in alice.advance(Height(4))] == [sent]
        alice.close()

    asyncio.run(story())
