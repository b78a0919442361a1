"""A node on the overlay: its key and numbers on the disk, blocks that it reads, nodes that meet."""

from __future__ import annotations

import asyncio
import stat

import pytest

from node.app import overlay
from node.app.node import Node
from node.app.options import Options
from node.app.overlay import BadGossipKey, Overlay, Place
from node.core.ids import ChainId, Height
from node.gossip.envelope import plain
from node.gossip.errors import SequenceFault
from node.gossip.memory import MemoryHub
from node.gossip.message import Message, originate
from node.gossip.sequence import AT_ONCE
from node.gossip.statement import Signer
from node.testing.nodes import development_genesis, memory_node

CHAIN = ChainId(bytes(range(32)))
APP = b"app".ljust(29, b".")


def message(number: int = 0, expiry: int = 30) -> Message:
    envelope = plain(APP, "test", Height(expiry), b"body")
    return originate(Signer(number.to_bytes(32, "big"), CHAIN), 0, envelope)


def test_a_place_is_made_once_private_and_counts_on(tmp_path) -> None:
    place = Place.load(tmp_path, CHAIN)
    taken = [place.sequence.take() for _ in range(3)]
    place.close()
    again = Place.load(tmp_path, CHAIN)
    assert (again.signer.node, again.box.public) == (place.signer.node, place.box.public)
    assert again.sequence.take() == taken[0] + AT_ONCE
    again.close()
    path = tmp_path / overlay.FOLDER / overlay.KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().split()[1]
    assert secret[:64] not in repr(again) + repr(again.signer) + repr(again.box)


def test_one_process_at_a_time_signs_with_a_key(tmp_path) -> None:
    place = Place.load(tmp_path, CHAIN)
    with pytest.raises(SequenceFault) as refused:
        Place.load(tmp_path, CHAIN)
    assert refused.value.rule == "GO-15"
    place.close()


def test_a_key_that_is_open_or_damaged_is_refused(tmp_path) -> None:
    Place.load(tmp_path, CHAIN).close()
    path = tmp_path / overlay.FOLDER / overlay.KEY_FILE
    good = path.read_bytes()
    path.chmod(0o640)
    with pytest.raises(BadGossipKey, match="open to others"):
        Place.load(tmp_path, CHAIN)
    path.chmod(0o600)
    for wrong in (b"", good[:-2], good + b"\n", good.replace(b"/1 ", b"/2 "), b"x" * len(good)):
        path.write_bytes(wrong)
        with pytest.raises(BadGossipKey, match="no gossip key"):
            Place.load(tmp_path, CHAIN)


def test_a_node_in_a_folder_keeps_its_key(tmp_path) -> None:
    genesis = development_genesis()
    home = tmp_path / "node"
    Node.create(home, genesis)
    found = []
    for _ in range(2):
        node = Node.open(home, options=Options(port=0))
        found.append(node.overlay.bus.node.node)
        node.close()
    assert found[0] == found[1]


def test_nodes_of_one_process_meet_on_a_hub_and_the_relay_takes_its_cut() -> None:
    async def story() -> list[Message]:
        hub = MemoryHub()
        nodes = [Overlay(Place.in_memory(CHAIN), hub, cut) for cut in (0, 7)]
        hub.link_all()
        sent = message()
        nodes[0].bus.submit(sent.to_bytes())
        for _ in range(5):
            await asyncio.sleep(0)
        return [entry.message for entry in nodes[1].bus.node.admission.pool]

    (arrived,) = asyncio.run(story())
    assert arrived.id == message().id
    assert len(arrived.hops) == 1


def test_blocks_make_messages_expire() -> None:
    node = memory_node(options=Options(port=0))
    node.start()
    chain_id = node.genesis.chain_id
    envelope = plain(APP, "test", Height(1), b"body")
    sent = originate(Signer(bytes(32), chain_id), 0, envelope)
    node.overlay.bus.submit(sent.to_bytes())
    node.produce_block()
    assert sent.id in node.overlay.bus.node.admission.pool
    node.produce_block()
    assert sent.id not in node.overlay.bus.node.admission.pool
    assert node.overlay.fates.expiry(sent.id) == 1
    node.close()


def test_a_fault_ends_the_overlay_and_not_the_node(caplog) -> None:
    async def story() -> None:
        place = Overlay(Place.in_memory(CHAIN), MemoryHub())

        async def fails() -> None:
            raise SequenceFault("GO-15", "the disk is full")

        place.bus.run = fails
        await asyncio.wait_for(place.run(asyncio.Event()), 5)

    asyncio.run(story())
    (record,) = [item for item in caplog.records if item.name == overlay.__name__]
    assert record.code == "GO-15"
