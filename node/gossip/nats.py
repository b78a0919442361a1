"""The overlay over NATS: core publish and subscribe, nothing of it believed. Rules GO-30 … GO-38.

    chiaro.<chain>.here.<node>           what a node says of itself, every two seconds
    chiaro.<chain>.to.<node>.<sender>    datagrams for one node

NATS carries; that a frame is its sender's, new and short enough is checked here, and what it says
by `GossipNode`. What is lost is repaired by digests, so every queue may drop. A server that lets
its users publish under their own key only keeps forgers away from the start; none has to.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

import nats.errors
from nats.aio.msg import Msg

from node.core.ids import ChainId
from node.gossip.driver import TICK_SECONDS, Driver
from node.gossip.errors import GossipRefused, InvalidMessage
from node.gossip.link import MAX_DATAGRAM, Datagram, Link, Session, check_size
from node.gossip.node import GossipNode
from node.gossip.presence import EVERY_MS, SOONEST_MS, Directory, Presence
from node.gossip.servers import BadServer, Connection, Servers
from node.gossip.statement import Signer

MOST_WAITING: Final = 256
"""Frames of one peer."""
MOST_OUTWARD: Final = 4096
"""Datagrams on their way to the server, some 64 MiB at worst."""
AT_ONCE: Final = 4
"""Frames that are judged between two turns of the event loop; eight times as many are moved."""
CONNECT_S: Final = 3.0
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 10.0
_MOST_UNREAD: Final = 8192
_TO: Final = "to"
_HERE: Final = "here"

_log = logging.getLogger(__name__)


class NatsBus(Driver):
    """A `Driver` over NATS.

    Args:
        node: the node behind it.
        signer: of that node.
        servers: where to connect.
        clock: milliseconds that never go back.
        wall: milliseconds since 1970.

    Raises:
        BadServer: GO-36, a file of credentials.

    Attributes:
        dropped: how many datagrams and presences were not taken, by rule.
        connected: whether a server has this node now.
    """

    def __init__(
        self,
        node: GossipNode,
        signer: Signer,
        servers: Servers,
        clock: Callable[[], int],
        wall: Callable[[], int],
    ) -> None:
        super().__init__(node, clock)
        for url in servers.urls:  # what is wrong with files is said at the start
            Connection(servers, url)
            servers.options(url)
        self._signer: Final = signer
        self._servers: Final = servers
        self._wall: Final = wall
        self._session: Final = Session(node.node, signer.chain_id)
        self._links: Final[dict[bytes, tuple[bytes, Link]]] = {}
        self._inward: Final[dict[bytes, deque[bytes]]] = {}
        self._outward: Final[deque[tuple[str, bytes]]] = deque()
        self._arrived: Final = asyncio.Event()
        self._leaves: Final = asyncio.Event()
        self._client: Connection | None = None
        self._said_ms: int | None = None
        self._moved = 0
        self.directory: Final = Directory(node.node, signer.chain_id, clock())
        self.dropped: Final[Counter[str]] = Counter()

    @property
    def connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    # --- running ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Carry, until cancelled. Without a server it waits for one (GO-37)."""
        parts = (self._stay_connected(), self._read(), self._write(), self._tick())
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._say_goodbye()
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _stay_connected(self) -> None:
        """GO-37: one server after the other, with pauses that grow to ten seconds."""
        urls = list(self._servers.urls)
        random.shuffle(urls)
        pause = FIRST_PAUSE_S
        while True:
            for url in urls:
                try:
                    lost = await self._connect(url)
                except (nats.errors.Error, OSError, TimeoutError, BadServer) as error:
                    name = type(error).__name__
                    _log.warning("no NATS server: %s", name, extra={"url": url, "code": "GO-37"})
                else:
                    pause = FIRST_PAUSE_S
                    _log.info("on the overlay", extra={"url": url})
                    await lost.wait()
                    _log.warning("the NATS server is gone", extra={"url": url, "code": "GO-37"})
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _connect(self, url: str) -> asyncio.Event:
        """Raises what a server's absence or refusal raises; else says when it is gone."""
        lost = asyncio.Event()

        async def gone() -> None:
            lost.set()

        async def trouble(error: Exception) -> None:
            if isinstance(error, nats.errors.SlowConsumerError):
                self.dropped["GO-34"] += 1

        client = Connection(self._servers, url)
        try:
            async with asyncio.timeout(CONNECT_S):
                await client.connect(
                    **self._servers.options(url),
                    signature_cb=None if client.signing is None else client.signing.sign,
                    closed_cb=gone,
                    disconnected_cb=gone,
                    error_cb=trouble,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    ping_interval=5,
                    no_echo=True,
                    pending_size=4 * MAX_DATAGRAM,
                )
                own = self.node.node.hex()
                for subject, take in ((_HERE, self._on_presence), (f"{_TO}.{own}", self._on_frame)):
                    await client.subscribe(
                        f"{prefix(self._signer.chain_id)}.{subject}.*",
                        cb=take,
                        pending_msgs_limit=_MOST_UNREAD,
                        pending_bytes_limit=_MOST_UNREAD * MAX_DATAGRAM // 8,
                    )
                await client.flush()
        except BaseException:
            await client.close()
            raise
        self._client, self._said_ms = client, None
        self._announce()
        return lost

    async def _tick(self) -> None:
        """Digests, presence, and who is there no more."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = self.now()
            if self._said_ms is None or now - self._said_ms >= EVERY_MS - 500:
                self._announce()
            for peer in self.directory.silent(now):
                self._gone(peer)
            self._meet()
            self.tick()

    # --- who is there ----------------------------------------------------------------------------

    def _announce(self) -> None:
        """GO-31, as often as others listen to."""
        now = self.now()
        if self._said_ms is not None and now - self._said_ms < 2 * SOONEST_MS:
            return
        self._said_ms = now
        said = Presence.sign(self._signer, self._session.public, self._wall())
        self._push(f"{_HERE}.{self.node.node.hex()}", said.to_bytes())

    async def _on_presence(self, message: Msg) -> None:
        try:
            check_size(message.data)
            said = Presence.from_bytes(message.data)
            if message.subject.rpartition(".")[2] != said.node.hex():
                raise InvalidMessage("GO-30", "a presence in another's place", where="subject")
            news = self.directory.session(said.node) != said.session
            self.directory.hear(said, self.now(), self._wall())
            if not said.here or news:
                self._gone(said.node)
            if said.here and news:
                self._announce()
                self._meet()
        except (InvalidMessage, GossipRefused) as error:
            self.dropped[error.rule] += 1

    def _meet(self) -> None:
        """GO-38: connect to whom this node wants and does not have."""
        for peer in self.directory.wanted() - set(self.node.peers.connected):
            self._open(peer)

    def _link(self, peer: bytes) -> Link | None:
        """Keys of one that is there. Raises InvalidMessage (GO-31)."""
        session = self.directory.session(peer)
        if session is None:
            return None
        known = self._links.get(peer)
        if known is None or known[0] != session:
            known = self._links[peer] = (session, self._session.link(peer, session))
        return known[1]

    def _open(self, peer: bytes) -> bool:
        """Let a peer in, if there is a place."""
        try:
            if self._link(peer) is None:
                return False
            actions = self.node.connect(peer, self.now())
        except (InvalidMessage, GossipRefused) as error:
            self.dropped[error.rule] += 1
            return False
        self.act(actions)
        return True

    def _gone(self, peer: bytes) -> None:
        self.node.disconnect(peer)
        self._links.pop(peer, None)
        self._inward.pop(peer, None)

    # --- frames in -------------------------------------------------------------------------------

    async def _on_frame(self, message: Msg) -> None:
        """Cheap questions, then a place in its sender's own queue (GO-34)."""
        try:
            check_size(message.data)
            name = message.subject.rpartition(".")[2]
            sender = bytes.fromhex(name) if len(name) == 64 else b""
            link = self._link(sender)
            if link is None:
                raise GossipRefused("GO-32", "of nobody that is there", where="datagram")
            frame = link.open(Datagram.from_bytes(message.data))
            self.directory.alive(sender, self.now())
            if sender not in self.node.peers.connected and not self._open(sender):
                raise GossipRefused("GO-22", "no place for this node", where="datagram")
            waiting = self._inward.setdefault(sender, deque())
            if len(waiting) >= MOST_WAITING:
                raise GossipRefused("GO-34", "too many frames of this peer wait", where="datagram")
            waiting.append(frame)
            self._arrived.set()
        except (InvalidMessage, GossipRefused) as error:
            self.dropped[error.rule] += 1
        except ValueError:
            self.dropped["GO-30"] += 1
        await self._breathe()

    async def _breathe(self) -> None:
        """Let the event loop turn now and then: what waits in queues never makes a task wait."""
        self._moved += 1
        if self._moved % (8 * AT_ONCE) == 0:
            await asyncio.sleep(0)

    async def _read(self) -> None:
        """GO-34: a frame of each in turn, and the event loop in between. Raises SequenceFault."""
        done = 0
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while any(self._inward.values()):
                for peer in list(self._inward):
                    waiting = self._inward.get(peer)
                    if waiting:
                        self.receive(peer, waiting.popleft())
                        done += 1
                        if done % AT_ONCE == 0:
                            await asyncio.sleep(0)

    # --- frames out ------------------------------------------------------------------------------

    def carry(self, peer: bytes, data: bytes) -> None:
        known = self._links.get(peer)
        if known is not None:
            own = self.node.node.hex()
            self._push(f"{_TO}.{peer.hex()}.{own}", known[1].pack(data))

    def _push(self, subject: str, data: bytes) -> None:
        """GO-34: what does not fit is not sent, and repaired."""
        if not self.connected or len(self._outward) >= MOST_OUTWARD:
            self.dropped["GO-34"] += 1
            return
        self._outward.append((f"{prefix(self._signer.chain_id)}.{subject}", data))
        self._leaves.set()

    async def _write(self) -> None:
        while True:
            await self._leaves.wait()
            self._leaves.clear()
            while self._outward:
                subject, data = self._outward.popleft()
                await self._breathe()
                client = self._client
                if client is None or not client.is_connected:
                    continue
                try:
                    await client.publish(subject, data)
                except (nats.errors.Error, OSError):
                    self.dropped["GO-34"] += 1

    def cut(self, peer: bytes) -> None:
        self._gone(peer)

    def leave(self) -> None:
        for peer in self.node.peers.connected:
            self.node.disconnect(peer)

    async def _say_goodbye(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            async with asyncio.timeout(1):
                if client.is_connected:
                    said = Presence.sign(
                        self._signer, self._session.public, self._wall(), here=False
                    )
                    place = f"{prefix(self._signer.chain_id)}.{_HERE}.{self.node.node.hex()}"
                    await client.publish(place, said.to_bytes())
                    await client.flush()
                await client.close()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            _log.info("left without a word: %s", type(error).__name__)


def prefix(chain_id: ChainId) -> str:
    """GO-30: subjects of one chain."""
    return f"chiaro.{chain_id[:16].hex()}"


def permissions(chain_id: ChainId, node: bytes) -> dict[str, Any]:
    """GO-30: what a server has to allow the user that is this node, in the words it uses."""
    begin, own = prefix(chain_id), node.hex()
    return {
        "publish": [f"{begin}.{_HERE}.{own}", f"{begin}.{_TO}.*.{own}"],
        "subscribe": [f"{begin}.{_HERE}.*", f"{begin}.{_TO}.{own}.*"],
    }
