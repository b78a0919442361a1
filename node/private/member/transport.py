"""What members say to each other: links from each to each.  Rules PV-152, PV-153, PV-231.

A link (`link`) carries the caller's messages, as `private_exec.mpc.message` encodes them, and what
it passes on of others (PV-24), to one member, and nothing back. It is sealed, so that what comes
over it is its caller's (PV-28); everything on it is meant for all members, t liars among them, so
it hides nothing. A link is made anew when it breaks, and now and then: then the caller says again
all that is live, so that a member that was away hears it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from node.core.ids import tagged_hash
from node.private.member.errors import MemberRefused
from node.private.member.link import (
    HELLO_BYTES,
    KEY_BYTES,
    LENGTH_BYTES,
    TAG_BYTES,
    Listener,
    Opener,
    call,
)
from node.private.member.watch import Watch
from private_exec.committee.declaration import Declaration
from private_exec.mpc.message import MAX_BODY, OVERHEAD, Kind, Message
from private_exec.roster import Signer
from zk.errors import ChiaroError

PASSED_ON: Final = frozenset({Kind.PRODUCT, Kind.ECHO, Kind.FIX})
"""PV-24: of rounds that wait for everybody: what others said in them a member brings, too."""
MAX_FRAME: Final = MAX_BODY + OVERHEAD + TAG_BYTES
MOST_SESSIONS: Final = 256
"""Of one caller, of which messages wait here."""
MOST_BYTES: Final = 32 << 20
"""Of the messages that one caller brought and that wait here."""
MOST_STRANGERS: Final = 32
"""Callers who have not said who they are."""
HELLO_S: Final = 5.0
RETRY_S: Final = 0.5
RENEW_S: Final = 60.0
"""A link is made anew so often, lest one that died silently be spoken to for ever."""


@dataclass
class _Box:
    """What one member brought, by session, oldest session first."""

    sessions: OrderedDict[bytes, dict[bytes, bytes]] = field(default_factory=OrderedDict)
    held: int = 0


class Inflow:
    """PV-231: what a session that runs has not taken yet, in bounds for each caller."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self._held: Counter[int] = Counter()

    def __len__(self) -> int:
        return self._queue.qsize()

    def put(self, caller: int, data: bytes) -> bool:
        """False, and nothing is kept, if too much that this caller brought waits."""
        if self._held[caller] + len(data) > MOST_BYTES:
            return False
        self._held[caller] += len(data)
        self._queue.put_nowait((caller, data))
        return True

    async def get(self) -> tuple[int, bytes]:
        """Who brought the next message, and that message, when there is one."""
        caller, data = await self._queue.get()
        self._held[caller] -= len(data)
        return caller, data


class Mail:
    """PV-153: what came from others, kept for sessions that have not begun here, in bounds."""

    def __init__(self) -> None:
        self._boxes: dict[int, _Box] = {}
        self._waiting: dict[bytes, Inflow] = {}

    def put(self, caller: int, message: Message, data: bytes) -> None:
        """A message that this member brought; what it brought before changes nothing.

        Raises:
            MemberRefused: PV-231, its session takes no more of this member now.
        """
        box = self._boxes.setdefault(caller, _Box())
        said = box.sessions.setdefault(message.sid, {})
        name = tagged_hash("private/member/mail", data)
        if name in said:
            return
        flow = self._waiting.get(message.sid)
        if flow is not None and not flow.put(caller, data):
            raise MemberRefused(
                "PV-231", f"member {caller} says more than its session takes in", where="link"
            )
        said[name] = data
        box.held += len(data)
        box.sessions.move_to_end(message.sid)
        while len(box.sessions) > MOST_SESSIONS or box.held > MOST_BYTES:
            _, gone = box.sessions.popitem(last=False)
            box.held -= sum(map(len, gone.values()))

    def open(self, sid: bytes) -> Inflow:
        """Everything of a session: what came, and what will."""
        flow = Inflow()
        for caller, box in self._boxes.items():
            for data in box.sessions.get(sid, {}).values():
                flow.put(caller, data)
        self._waiting[sid] = flow
        return flow

    def close(self, sid: bytes) -> None:
        """Nobody takes messages of it for now; they are kept."""
        self._waiting.pop(sid, None)


class Outbox:
    """What a member says in the sessions that are live: to each other one once per link."""

    def __init__(self) -> None:
        self._live: dict[bytes, dict[bytes, int]] = {}
        self._news = asyncio.Event()

    def say(self, sid: bytes, data: bytes, of: int = 0) -> None:
        """To everybody, now and to whoever comes later.

        Args:
            sid: of the session.
            data: the message.
            of: whose it is, if it is passed on: that member is not told.
        """
        said = self._live.setdefault(sid, {})
        if data not in said:
            said[data] = of
            self._news.set()
            self._news = asyncio.Event()

    def keep(self, sids: Sequence[bytes]) -> None:
        """Only these sessions are live."""
        for sid in self._live.keys() - set(sids):
            del self._live[sid]

    def due(self, said: set[tuple[bytes, int]], to: int = 0) -> list[bytes]:
        """What a link with this memory, to this member, has still to say; it remembers."""
        found = []
        for sid, messages in self._live.items():
            for number, (data, of) in enumerate(messages.items()):
                if (sid, number) not in said:
                    said.add((sid, number))
                    if not to or of != to:
                        found.append(data)
        return found

    @property
    def news(self) -> asyncio.Event:
        """Set when something is said from now on: to be had before one looks at what is due."""
        return self._news


class Links:
    """A member's links, to and from all others.

    Args:
        declaration: of the committee.
        member: 1 … n.
        signer: the member's key.
        mail: where what comes goes.
        outbox: what is said.
        report: told of what went wrong with a member's link, in words.
        renew_s: how long a link lives.
        watch: told of every message that comes or goes.
    """

    def __init__(
        self,
        declaration: Declaration,
        member: int,
        signer: Signer,
        mail: Mail,
        outbox: Outbox,
        report: Callable[[str], None],
        renew_s: float = RENEW_S,
        watch: Watch | None = None,
    ) -> None:
        self._declaration = declaration
        self._member = member
        self._signer = signer
        self._mail = mail
        self._outbox = outbox
        self._report = report
        self._renew_s = renew_s
        self._watch = watch or Watch()
        self._strangers: dict[asyncio.StreamWriter, None] = {}
        self._heard: dict[int, asyncio.StreamWriter] = {}
        self._answering: set[asyncio.StreamWriter] = set()

    async def run(self, listen: str) -> None:
        """Until cancelled.

        Args:
            listen: HOST:PORT.

        Raises:
            MemberRefused: PV-152, the address is none, or not to be had.
        """
        host, port = address(listen)
        try:
            server = await asyncio.start_server(self._answer, host, port)
        except OSError as error:
            raise MemberRefused(
                "PV-152", f"cannot listen: {error.strerror}", where=listen
            ) from None
        try:
            async with asyncio.TaskGroup() as group:
                for other in self._declaration.members:
                    if other != self._member:
                        group.create_task(self._call(other))
                await server.serve_forever()
        finally:
            server.close()
            for writer in self._answering:
                writer.transport.abort()

    # --- speaking ----------------------------------------------------------------------------

    async def _call(self, other: int) -> None:
        """Speak to one member, again and again; never to one whose endpoint is none."""
        try:
            host, port = address(self._declaration.seats[other - 1].endpoint)
        except MemberRefused as error:
            self._report(f"{error.id}: {error}")
            return
        while True:
            try:
                async with asyncio.timeout(self._renew_s):
                    await self._speak(other, host, port)
            except TimeoutError:
                continue
            except (OSError, EOFError):
                await asyncio.sleep(RETRY_S)
            except MemberRefused as error:  # whoever answers there; perhaps not for ever
                self._report(f"{error.id}: {error}")
                await asyncio.sleep(RETRY_S)

    async def _speak(self, other: int, host: str, port: int) -> None:
        """One link to a member. Raises MemberRefused: PV-152; EOFError, OSError: it ended."""
        reader, writer = await asyncio.open_connection(host, port)
        try:
            greeting = await reader.readexactly(KEY_BYTES)
            said, sealer = call(self._declaration, self._member, other, self._signer, greeting)
            writer.write(said)
            told: set[tuple[bytes, int]] = set()
            gone = asyncio.ensure_future(reader.read(1))
            try:
                while not gone.done():
                    said_more = self._outbox.news
                    for data in self._outbox.due(told, other):
                        writer.write(sealer.seal(data))
                        self._watch.said(other, data)
                    await writer.drain()
                    news = asyncio.ensure_future(said_more.wait())
                    try:
                        await asyncio.wait({news, gone}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        news.cancel()
                raise EOFError
            finally:
                gone.cancel()
        finally:
            writer.transport.abort()

    # --- hearing -----------------------------------------------------------------------------

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One caller, until it goes or says something that no member says."""
        self._answering.add(writer)
        try:
            caller, opener = await self._met(reader, writer)
            if (old := self._heard.get(caller)) is not None:
                old.transport.abort()
            self._heard[caller] = writer
            await self._hear(caller, opener, reader)
        except (OSError, EOFError, TimeoutError):
            pass
        except ChiaroError as error:
            self._report(f"{error.id}: {error}")
        finally:
            self._answering.discard(writer)
            writer.transport.abort()

    async def _met(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, Opener]:
        """PV-152: which member calls, and what opens what it says.

        Raises:
            MemberRefused: PV-152, it is no member.
        """
        if len(self._strangers) >= MOST_STRANGERS:  # not the newest: a member says hello at once
            oldest = next(iter(self._strangers))
            del self._strangers[oldest]
            oldest.transport.abort()
        self._strangers[writer] = None
        try:
            async with asyncio.timeout(HELLO_S):
                listener = Listener()
                writer.write(listener.greeting)
                said = await reader.readexactly(HELLO_BYTES)
        finally:
            self._strangers.pop(writer, None)
        return listener.meet(self._declaration, self._member, said)

    async def _hear(self, caller: int, opener: Opener, reader: asyncio.StreamReader) -> None:
        """PV-153: its messages, and what it passes on of others (PV-24).

        Raises:
            MemberRefused: PV-28, it did not seal this; PV-153, longer than any message, or another
                member's of a kind that is not passed on; PV-231.
            DecodeError: no message.
        """
        where = f"link of member {caller}"
        while True:
            length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "little")
            if length > MAX_FRAME:
                raise MemberRefused("PV-153", "longer than a message can be", where=where)
            data = opener.open(await reader.readexactly(length))
            message = Message.from_bytes(data)
            if message.sender != caller and message.header.kind not in PASSED_ON:
                raise MemberRefused("PV-153", "another's, and nothing to pass on", where=where)
            self._watch.heard(caller, data)
            self._mail.put(caller, message, data)


def address(text: str) -> tuple[str, int]:
    """HOST:PORT. Raises MemberRefused: PV-152."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    with contextlib.suppress(ValueError):  # of more digits than `int` takes, or of `idna`
        if host and port.isascii() and port.isdigit() and 0 < int(port) < 1 << 16:
            host.encode("idna")  # as sockets do, whose error would be none of `OSError`
            return host, int(port)
    raise MemberRefused("PV-152", "an endpoint is HOST:PORT", where=text)
