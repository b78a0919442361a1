"""Publish, send and subscribe, within one process."""

from __future__ import annotations

import asyncio

import pytest

from node.core.ids import Height
from node.gossip.bus import Filter, IntentBus
from node.gossip.envelope import APP_BYTES, plain
from node.gossip.errors import GossipRefused
from node.gossip.memory import MemoryHub
from node.gossip.node import GossipNode
from node.gossip.sequence import MemorySequence
from node.testing.clock import FakeClock
from node.testing.network import APP, box_of, intent, signer_of


def buses(hub: MemoryHub, *names: str):
    clock = FakeClock()
    made = [
        hub.join(GossipNode(signer_of(name), MemorySequence(), box_of(name)), clock)
        for name in names
    ]
    hub.link_all()
    return made


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def run(scenario) -> None:
    asyncio.run(asyncio.wait_for(scenario, 30))


def test_a_subscriber_gets_what_it_wants_once_wherever_it_sits() -> None:
    async def scenario() -> None:
        alice, bob, carol = buses(MemoryHub(), "alice", "bob", "carol")
        bus: IntentBus = alice
        other = b"other".ljust(APP_BYTES, b"\0")
        with (
            carol.subscribe(Filter(app=b"app", schema="swap/")) as wanted,
            alice.subscribe(Filter()) as own,
        ):
            for app, schema in ((APP, "swap/2"), (APP, "limit/1"), (other, "swap/2")):
                await bus.publish(plain(app, schema, Height(9), b"x"))
            await bob.publish(plain(APP, "swap/1", Height(9), b"y"))
            await settle()
            carol.close()
            got = [delivery.envelope.schema async for delivery in wanted]
            assert got == ["swap/2", "swap/1"]
            alice.close()
            assert len([delivery async for delivery in own]) == 4

    run(scenario())


def test_a_directed_intent_reaches_its_reader_only() -> None:
    async def scenario() -> None:
        hub = MemoryHub()
        alice, bob, carol = buses(hub, "alice", "bob", "carol")
        with bob.subscribe(Filter(schema="test/")) as mine, carol.subscribe(Filter()) as others:
            (name,) = await alice.send(intent("for bob"), [bob.node.contact])
            delivery = await anext(aiter(mine))
            assert delivery.directed
            assert delivery.sender == alice.node.node
            assert delivery.message.id == name
            await settle()
            carol.close()
            assert [found async for found in others] == []

    run(scenario())


def test_go27_rejects_to_keep_more_than_a_slow_reader_has_room_for() -> None:
    async def scenario() -> None:
        alice, bob = buses(MemoryHub(), "alice", "bob")
        with bob.subscribe(Filter(), most=3) as slow:
            for index in range(5):
                await alice.publish(intent(f"n {index}"))
            await settle()
            assert slow.missed == 2
            bob.close()
            assert [d.envelope.body async for d in slow] == [b"n 2", b"n 3", b"n 4"]
        with pytest.raises(GossipRefused) as caught:
            alice.subscribe(Filter(), most=0)
        assert caught.value.rule == "GO-27"

    run(scenario())


def test_go27_rejects_a_filter_that_nothing_passes() -> None:
    with pytest.raises(GossipRefused) as caught:
        Filter(app=bytes(APP_BYTES + 1))
    assert caught.value.rule == "GO-27"


def test_a_waiting_reader_is_woken_by_the_end() -> None:
    async def scenario() -> None:
        (alice,) = buses(MemoryHub(), "alice")
        subscription = alice.subscribe(Filter())

        async def read() -> list[object]:
            return [delivery async for delivery in subscription]

        reading = asyncio.create_task(read())
        await settle()
        subscription.close()
        subscription.close()
        assert await reading == []

    run(scenario())


def test_who_joins_late_gets_what_is_still_of_use_and_ticks_repair() -> None:
    async def scenario() -> None:
        hub = MemoryHub()
        alice, bob = buses(hub, "alice", "bob")
        await alice.publish(intent("early"))
        await settle()
        (carol,) = buses(hub, "carol")
        with carol.subscribe(Filter()) as late:
            bob.tick()
            delivery = await anext(aiter(late))
            assert delivery.envelope.body == b"early"

    run(scenario())


def test_go22_rejects_two_nodes_of_one_key_in_a_hub() -> None:
    async def scenario() -> None:
        hub = MemoryHub()
        buses(hub, "alice")
        with pytest.raises(GossipRefused) as caught:
            buses(hub, "alice")
        assert caught.value.rule == "GO-22"

    run(scenario())


def test_a_banned_peer_is_cut_off_on_both_sides() -> None:
    async def scenario() -> None:
        hub = MemoryHub()
        alice, bob = buses(hub, "alice", "bob")
        for garbage in (b"\1a", b"\1b"):
            hub.carry(bob.node.node, alice.node.node, garbage)
        await settle()
        assert alice.node.peers.connected == bob.node.peers.connected == ()
        with pytest.raises(GossipRefused) as caught:
            hub.link(bob, alice)
        assert caught.value.rule == "GO-21"
        assert bob.node.peers.connected == ()

    run(scenario())


def test_evidence_is_kept_for_whoever_asks() -> None:
    from node.gossip.message import originate

    async def scenario() -> None:
        hub = MemoryHub()
        alice, bob = buses(hub, "alice", "bob")
        eve = signer_of("eve")
        for text in ("one", "two"):
            hub.carry(
                bob.node.node, alice.node.node, b"\1" + originate(eve, 0, intent(text)).to_bytes()
            )
        await settle()
        for bus in (alice, bob):
            assert [evidence.node for evidence in bus.convicted] == [eve.node]

    run(scenario())


def test_the_running_bus_ticks(monkeypatch) -> None:
    from node.gossip import memory

    async def scenario() -> None:
        monkeypatch.setattr(memory, "TICK_SECONDS", 0.001)
        (alice,) = buses(MemoryHub(), "alice")
        ticked = asyncio.Event()
        monkeypatch.setattr(alice, "tick", ticked.set)
        running = asyncio.create_task(alice.run())
        await ticked.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    run(scenario())
