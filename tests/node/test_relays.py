"""Links between nodes: what passes, what waits, what breaks. Real sockets, no CometBFT."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import tempfile
import time
from pathlib import Path

import pytest

from node.app import disturb, localnet, relays
from node.app.errors import NoNode, StartFailed
from node.app.links import CLEAR, Link, Mode, Weather, dialled, pairs
from node.testing.localnets import free_port
from zk.errors import DecodeError

SHORT_S = 0.25


class Line:
    """An echo behind a link from node 0 to node 1."""

    async def __aenter__(self) -> Line:
        self.port = free_port(["127.0.0.3", "127.0.1.3"])
        self.heard = 0
        self.ends = []
        self.server = await asyncio.start_server(self._echo, "127.0.0.3", self.port)
        self.link = Link((0, 1), self.port)
        await self.link.start()
        return self

    async def __aexit__(self, *_) -> None:
        for _, writer in self.ends:
            writer.close()
        await self.link.stop()
        self.server.close()

    async def _echo(self, reader, writer) -> None:
        self.heard += 1
        with contextlib.suppress(OSError):
            while data := await reader.read(100_000):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def dial(self):
        host, _, port = dialled(0, 1, self.port).partition(":")
        self.ends.append(await asyncio.open_connection(host, int(port)))
        return self.ends[-1]


async def says(ends, data: bytes) -> bytes:
    reader, writer = ends
    writer.write(data)
    await writer.drain()
    return await reader.readexactly(len(data))


def run(story) -> None:
    async def body() -> None:
        async with Line() as line:
            await asyncio.wait_for(story(line), 20)

    asyncio.run(body())


def test_what_is_sent_arrives_in_order_and_is_counted() -> None:
    async def story(line: Line) -> None:
        ends = await line.dial()
        blob = bytes(range(256)) * 4096
        assert await says(ends, blob) == blob
        assert line.link.bytes == 2 * len(blob)
        assert line.link.connections == 1

    run(story)


def test_a_held_link_keeps_connections_and_what_was_sent() -> None:
    async def story(line: Line) -> None:
        ends = await line.dial()
        assert await says(ends, b"before") == b"before"
        line.link.set(Weather(Mode.HELD))
        ends[1].write(b"meanwhile")
        fresh = await line.dial()
        fresh[1].write(b"new")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ends[0].read(1), SHORT_S)
        assert line.heard == 1
        line.link.set(CLEAR)
        assert await ends[0].readexactly(9) == b"meanwhile"
        assert await fresh[0].readexactly(3) == b"new"

    run(story)


def test_a_cut_link_resets_what_stands_and_what_comes() -> None:
    async def story(line: Line) -> None:
        ends = await line.dial()
        assert await says(ends, b"before") == b"before"
        line.link.set(Weather(Mode.CUT))
        for reader, _ in (ends, await line.dial()):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 5)
        line.link.set(CLEAR)
        assert await says(await line.dial(), b"after") == b"after"

    run(story)


def test_a_delay_is_paid_by_every_piece_and_all_of_it_arrives() -> None:
    async def story(line: Line) -> None:
        line.link.set(Weather(delay_ms=150))
        began = time.monotonic()
        reader, writer = await line.dial()
        assert await says((reader, writer), b"x" * 500_000) == b"x" * 500_000
        assert time.monotonic() - began >= 0.3
        writer.write(b"last words")
        writer.write_eof()
        assert await reader.read(-1) == b"last words"

    run(story)


def test_a_lost_piece_breaks_its_connection() -> None:
    async def story(line: Line) -> None:
        line.link.set(Weather(drop=1.0))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await says(await line.dial(), b"gone")

    run(story)


@pytest.fixture
def town():
    """The relays of three nodes that are not there."""
    folder = Path(tempfile.mkdtemp(prefix="relay", dir="/tmp"))
    port = free_port((f"127.0.{1 + a}.{2 + b}" for a, b in pairs(3)))
    for number in range(3):
        home = folder / f"node{number}"
        home.mkdir()
        (home / "genesis.toml").touch()
    relays.make(folder, 3, port)
    yield folder
    relays.stop(folder)
    shutil.rmtree(folder)


def test_groups_are_parted_and_healed(town) -> None:
    assert relays.start(town)
    assert not relays.start(town)
    assert disturb.partition(town, [[0], [2]]) == [(0, 1), (0, 2), (1, 2)]
    assert disturb.partition(town, [[1, 2]], Weather(Mode.CUT)) == [(0, 1), (0, 2)]
    found = relays.weathers(town)
    assert [found[pair].mode for pair in ((0, 1), (1, 0), (1, 2), (2, 1))] == [
        Mode.CUT, Mode.CUT, Mode.OPEN, Mode.OPEN,
    ]  # fmt: skip
    disturb.heal(town)
    assert set(relays.weathers(town).values()) == {CLEAR}
    for groups in ([[0, 0]], [[0], [0]], [[3]]):
        with pytest.raises(DecodeError, match="at most once"):
            disturb.partition(town, groups)
    assert relays.stop(town)
    assert not relays.stop(town)
    with pytest.raises(NoNode, match="do not run"):
        disturb.heal(town)
    assert {path.name for path in town.iterdir()} <= {
        "node0", "node1", "node2", relays.RECORD, relays.LOG, relays.LOCK,
    }  # fmt: skip


def test_a_word_that_the_relays_do_not_know_is_refused(town) -> None:
    relays.start(town)
    for request in (
        {"links": [[0, 1, "open", -1, 0.0]]},
        {"links": [[0, 1, "open", 0, 1.5]]},
        {"links": [[0, 0, "open", 0, 0.0]]},
        {"links": [[0, 1, "sideways", 0, 0.0]]},
        {"links": [[0]]},
        {"links": [[0, 1, "held", 0, 0.0], [0, 9, "held", 0, 0.0]]},  # all or nothing
        {"links": [[[], 1, "open", 0, 0.0]]},
        {"links": [[0, 1, "open", None, 0.0]]},
        {"links": 5},
        {"else": 1},
        [],
    ):
        with pytest.raises(DecodeError):
            relays.ask(town, request)
    assert set(relays.weathers(town).values()) == {CLEAR}


def test_a_taken_address_is_named(town) -> None:
    nodes, port = 3, relays.record(town)[1]
    with socket.socket() as taken:
        taken.bind(("127.0.1.3", port))
        taken.listen()
        with pytest.raises(StartFailed):
            relays.start(town)
    assert "127.0.1.3" in (town / relays.LOG).read_text()
    assert nodes == relays.record(town)[0]


def test_they_end_when_the_record_is_gone(town) -> None:
    relays.start(town)
    (town / relays.RECORD).rename(town / "away")
    deadline = time.monotonic() + 20
    while (town / relays.SOCKET).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (town / "away").rename(town / relays.RECORD)
    while relays.running(town):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_localnet_without_relays_cannot_be_parted(tmp_path) -> None:
    localnet.create(tmp_path, 2, time_ms=1)
    with pytest.raises(NoNode, match="no relays"):
        disturb.partition(tmp_path, [[0], [1]])
    for call in (disturb.kill, disturb.pause, disturb.resume):
        with pytest.raises(NoNode, match="does not run"):
            call(tmp_path, 0)
        with pytest.raises(NoNode, match="no node 2"):
            call(tmp_path, 2)


def test_with_relays_peers_are_dialled_through_them(tmp_path) -> None:
    localnet.create(tmp_path, 3, time_ms=1, p2p_port=4000, with_relays=True)
    for own in range(3):
        text = (tmp_path / f"node{own}" / "engine" / "config" / "config.toml").read_text()
        assert f'laddr = "tcp://127.0.0.{2 + own}:4000"' in text
        for other in {0, 1, 2} - {own}:
            assert f"@127.0.{1 + own}.{2 + other}:4000" in text
