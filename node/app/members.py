"""A node's place among the members of a committee: its listener, and where the others are.

    members.toml      listen, url: of this validator; [members]: key = "http://host:port"

Addresses are written there, or announced on the overlay: a validator publishes a record that its
consensus key signs (DA-40), again and again, since messages of the overlay expire.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from node.app.blocks import system_clock
from node.app.errors import BadMembersFile
from node.app.overlay import Overlay
from node.core.genesis import Genesis
from node.core.ids import Height
from node.da.errors import DataRefused
from node.gossip.bus import Filter
from node.gossip.envelope import APP_BYTES, plain
from node.lane.blobs.addresses import Book, Record, check_url
from node.lane.blobs.availability import Availability
from node.lane.validator.identity import ConsensusKey
from node.rpc.listener import Listener, listen
from node.rpc.member_client import MemberClient
from node.rpc.member_server import MemberServer
from node.store.versioned import VersionedStore
from zk import files, tomltext
from zk.errors import ChiaroError, DecodeError

MEMBERS_FILE: Final = "members.toml"
APP: Final = b"chiaro/members".ljust(APP_BYTES, b"\0")
SCHEMA: Final = "member/1"
LIFE: Final = 32
"""Heights that an announcement lives; it comes again after half of them."""
_MOST_FILE: Final = 512 * 1024
_MOST_DOTS: Final = 16 * 1024
"""Addresses of a large committee have some."""
POLL_S: Final = 2.0
_KEYS: Final = {"listen", "url", "members"}
_PORT: Final = re.compile("[0-9]{1,5}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MembersConfig:
    """What the operator wrote down.

    Attributes:
        listen: host and port for the other members; empty: this node takes no rows from them.
        url: where they reach that; empty: nothing is announced.
        members: addresses by consensus key.
    """

    listen: str = ""
    url: str = ""
    members: Mapping[bytes, str] = field(default_factory=dict)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @staticmethod
    def load(home: Path) -> MembersConfig:
        """Of the node in `home`; nothing where there is no file. Raises BadMembersFile."""
        path = home / MEMBERS_FILE
        try:
            data = files.read_own(path, _MOST_FILE)
        except FileNotFoundError:
            return MembersConfig()
        except OSError as error:
            raise BadMembersFile(f"cannot be read: {error.strerror}", where=str(path)) from None
        try:
            return _parse(data)
        except (DecodeError, DataRefused) as error:
            raise BadMembersFile(error.message, where=str(path)) from None

    def save(self, home: Path) -> None:
        """Write it down."""
        lines = [f'listen = "{self.listen}"', f'url = "{self.url}"', "", "[members]"]
        lines += [f'{key.hex()} = "{url}"' for key, url in sorted(self.members.items())]
        files.write(home / MEMBERS_FILE, ("\n".join(lines) + "\n").encode())


def _parse(data: bytes) -> MembersConfig:
    if len(data) > _MOST_FILE:
        raise DecodeError(f"more than {_MOST_FILE} bytes")
    try:
        document = tomltext.loads(data, most_dots=_MOST_DOTS)
    except ValueError as error:
        raise DecodeError(f"no TOML: {error}") from None
    if unknown := document.keys() - _KEYS:
        raise DecodeError(f"nothing is named {sorted(unknown)[0]!r}")
    listen, url = document.get("listen", ""), document.get("url", "")
    table = document.get("members", {})
    if not isinstance(listen, str) or not isinstance(url, str) or not isinstance(table, dict):
        raise DecodeError("listen and url are texts, members a table")
    host, _, port = listen.rpartition(":")
    if listen and not (host and _PORT.fullmatch(port) and int(port) < 1 << 16):
        raise DecodeError("listen is not HOST:PORT")
    members = {}
    for name, value in table.items():
        key = bytes.fromhex(name) if len(name) == 64 and not name.strip("0123456789abcdef") else b""
        if not key or not isinstance(value, str):
            raise DecodeError("members are keys of 64 hexadecimal digits and addresses")
        check_url(value)
        members[key] = value
    if url:
        check_url(url)
    return MembersConfig(listen, url, members)


class MemberPlace:
    """What a node is among the members: how it asks them, how they reach it, who is where.

    Args:
        config: what the operator wrote.
        genesis: of the chain.
        key: of this validator; None: it asks only.

    Attributes:
        client: asks the others; closed by the owner.
    """

    def __init__(self, config: MembersConfig, genesis: Genesis, key: ConsensusKey | None) -> None:
        self._config: Final = config
        self._genesis: Final = genesis
        self._key: Final = key
        book = Book(b"" if key is None else key.public, config.members)
        self.client: Final = MemberClient(book, genesis.chain_id, key, system_clock)

    async def run(
        self,
        overlay: Overlay | None,
        keeper: Availability,
        store: VersionedStore,
        stop: asyncio.Event,
    ) -> None:
        """Serve rows and tell addresses until `stop` is set. A fault is logged and ends this only.

        It begins before the chain is open: others may wait for rows to open theirs.
        """
        parts = [self._serve(keeper, store, stop)]
        if overlay is not None:
            parts += [self._hear(overlay, keeper, store), self._say(overlay, store)]
        tasks = [asyncio.create_task(_told(part)) for part in parts]
        await stop.wait()
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(
        self, keeper: Availability, store: VersionedStore, stop: asyncio.Event
    ) -> None:
        if not self._config.listen or self._key is None:
            return
        with contextlib.closing(listen(*self._config.address, allow_remote=True)) as sock:
            server = MemberServer(self._genesis, keeper, store, self._key.public, system_clock)
            listener = Listener(server.app)
            serving = asyncio.create_task(listener.serve(sockets=[sock]))
            await stop.wait()
            listener.should_exit = True
            await serving

    async def _say(self, overlay: Overlay, store: VersionedStore) -> None:
        said_at = -LIFE
        while self._key is not None and self._config.url:
            height = store.height
            if height - said_at >= LIFE // 2:
                record = Record.sign(self._key, overlay.chain_id, system_clock(), self._config.url)
                envelope = plain(APP, SCHEMA, Height(height + LIFE), record.to_bytes())
                with contextlib.suppress(ChiaroError):
                    await overlay.bus.publish(envelope)
                    said_at = height
            await asyncio.sleep(POLL_S)

    async def _hear(self, overlay: Overlay, keeper: Availability, store: VersionedStore) -> None:
        with overlay.bus.subscribe(Filter(APP, SCHEMA)) as arriving:
            async for item in arriving:
                try:
                    reader = store.reader()
                    keys = keeper.members(reader, Height(reader.height + 1))
                    record = Record.from_bytes(item.envelope.body)
                    self.client.book.hear(record, overlay.chain_id, keys)
                except ChiaroError as error:
                    _log.info("an address was not taken: %s", error, extra={"code": error.id})
                else:
                    _log.info("member %s…", record.member.hex()[:16], extra={"url": record.url})


async def _told(part: Awaitable[None]) -> None:
    """A fault is said when it happens: nobody looks at the end of a node that runs for months."""
    try:
        await part
    except Exception as error:
        _log.error("no place among the members: %s", error)
