"""A node's place among the members: it says where it is, hears where others are, and is reached."""

from __future__ import annotations

import asyncio
import socket

import pytest

from node.app import members
from node.app.members import MemberPlace, MembersConfig
from node.app.overlay import Overlay, Place
from node.core.errors import NotFound
from node.core.ids import Height
from node.da.blob import encode
from node.da.codec import DEFAULT_CODING
from node.da.shards import ShardStore
from node.gossip.envelope import plain
from node.gossip.memory import MemoryHub
from node.lane.blobs.addresses import Record
from node.lane.blobs.availability import Availability
from node.lane.validator.identity import ConsensusKey
from node.store.memory import MemoryKeyValue
from node.testing.lane import LaneChain, entropy
from node.testing.localnets import free_port


def test_a_listener_that_cannot_be_is_told_at_once_and_ends_nothing_else(caplog) -> None:
    chain = LaneChain(4)
    key = ConsensusKey(entropy("signer", "validator", 0))
    keeper = Availability(chain.genesis, ShardStore(MemoryKeyValue(), chain.genesis.chain_id), key)

    async def story(port: int) -> None:
        stop = asyncio.Event()
        place = MemberPlace(MembersConfig(f"127.0.0.1:{port}"), chain.genesis, key)
        running = asyncio.create_task(place.run(None, keeper, chain.store, stop))
        async with asyncio.timeout(10):
            while "no place among the members" not in caplog.text:
                await asyncio.sleep(0.02)
        assert not running.done()
        stop.set()
        await running

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        asyncio.run(story(taken.getsockname()[1]))


def test_da40_members_find_each_other_on_the_overlay(monkeypatch) -> None:
    monkeypatch.setattr(members, "POLL_S", 0.02)
    chain, hub = LaneChain(4), MemoryHub()
    chain_id = chain.genesis.chain_id
    keys = [ConsensusKey(entropy("signer", "validator", k)) for k in range(2)]
    here = f"127.0.0.1:{free_port()}"

    async def until(look) -> None:
        async with asyncio.timeout(10):
            while not look():
                await asyncio.sleep(0.02)

    async def story() -> None:
        stop = asyncio.Event()
        overlays = [Overlay(Place.in_memory(chain_id), hub) for _ in keys]
        hub.link_all()
        places = [
            MemberPlace(MembersConfig(here, f"http://{here}"), chain.genesis, keys[0]),
            MemberPlace(MembersConfig(), chain.genesis, None),
        ]
        keepers = [
            Availability(chain.genesis, ShardStore(MemoryKeyValue(), chain_id), key)
            for key in (keys[0], None)
        ]
        running = [
            asyncio.create_task(place.run(overlay, keeper, chain.store, stop))
            for place, overlay, keeper in reversed(
                list(zip(places, overlays, keepers, strict=True))
            )
        ]
        await until(lambda: places[1].client.others() == (keys[0].public,))
        assert places[1].client.book.url(keys[0].public) == f"http://{here}"
        forged = Record(keys[1].public, 1, "http://10.0.0.1:1", bytes(64)).to_bytes()
        stranger = ConsensusKey(entropy("nobody"))
        theirs = Record.sign(stranger, chain_id, 1, "http://10.0.0.1:1").to_bytes()
        for body in (forged, theirs, b"?"):
            await overlays[0].bus.publish(plain(members.APP, members.SCHEMA, Height(20), body))
        commitment = encode(b"x" * 5000, DEFAULT_CODING).commitment
        with pytest.raises(NotFound):
            await asyncio.to_thread(places[1].client.rows, keys[0].public, commitment, 0, 1)
        assert places[1].client.others() == (keys[0].public,)
        stop.set()
        await asyncio.gather(*running)
        for place in places:
            place.client.close()

    asyncio.run(story())
