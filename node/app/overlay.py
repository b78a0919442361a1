"""A node's place on the gossip overlay: its key, its bus, and what blocks did with messages.

    gossip/node.key         secrets of the node's signing key and box, 0600
    gossip/sequence-….json  numbers of its statements on one chain (GO-15)

Lives in the node's event loop. A fault of the overlay ends the overlay, never the chain.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from node.app.blocks import system_clock
from node.core.block import Block, Receipt
from node.core.errors import NodeError
from node.core.ids import ChainId, Height
from node.gossip.bus import HostBus
from node.gossip.memory import MemoryHub
from node.gossip.nats import NatsBus
from node.gossip.node import GossipNode, Options
from node.gossip.pool import PoolLimits
from node.gossip.sealed import BoxKey
from node.gossip.sequence import MemorySequence, SequenceFile
from node.gossip.sequence import Sequence as Numbers
from node.gossip.servers import Servers
from node.gossip.statement import Signer
from node.lane.fates import Fates
from node.store.chain import Chain
from zk import files
from zk.errors import ChiaroError

FOLDER: Final = "gossip"
KEY_FILE: Final = "node.key"
_HEAD: Final = b"chiaro-gossip-key/1 "
_SECRET_BYTES: Final = 64
_LENGTH: Final = len(_HEAD) + 2 * _SECRET_BYTES + 1

_log = logging.getLogger(__name__)


class BadGossipKey(NodeError):
    """The key of a node on the overlay that cannot be used."""

    code = "APP-006"
    exit_code = 3
    why = "whoever signs with this key is paid for what this node carries, and answers for its lies"
    fix = "put the file back from a copy; or remove the folder: the node gets a new key"


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """What a node has of its own on the overlay.

    Attributes:
        signer: its key; hops are paid to the account of that name.
        box: opens what is directed to it.
        sequence: numbers of its statements.
    """

    signer: Signer
    box: BoxKey
    sequence: Numbers

    def __repr__(self) -> str:
        return f"<Place: {self.signer.node.hex()[:16]}…>"

    def close(self) -> None:
        """Let another process have the key."""
        if isinstance(self.sequence, SequenceFile):
            self.sequence.close()

    @staticmethod
    def in_memory(chain_id: ChainId) -> Place:
        """A new key that nothing keeps."""
        return _place(secrets.token_bytes(_SECRET_BYTES), chain_id, MemorySequence())

    @staticmethod
    def load(home: Path, chain_id: ChainId) -> Place:
        """Of the node in `home`; made where there is none.

        Raises:
            BadGossipKey: no key, or open to others.
            SequenceFault: GO-15.
        """
        folder = files.make_private_folder(home / FOLDER)
        path = folder / KEY_FILE
        if not path.exists():
            fresh = secrets.token_bytes(_SECRET_BYTES)
            for gone in folder.glob("sequence-*.json"):
                gone.unlink()  # of a key that is not there any more
            files.write(
                path, _HEAD + fresh.hex().encode() + b"\n", mode=files.PRIVATE, durable=True
            )
        secret = _read(path)
        node = Signer(secret[:32], chain_id).node
        numbers = folder / f"sequence-{chain_id.hex()[:16]}.json"
        return _place(secret, chain_id, SequenceFile(numbers, node, chain_id))


def _place(secret: bytes, chain_id: ChainId, sequence: Numbers) -> Place:
    return Place(Signer(secret[:32], chain_id), BoxKey(secret[32:]), sequence)


def _read(path: Path) -> bytes:
    try:
        data = files.read_private(path, _LENGTH)
    except files.OpenToOthers as error:
        raise BadGossipKey(
            f"the key is {error.strerror}",
            where=str(path),
            fix="`chmod 600` it, and think about who may have read it",
        ) from None
    body = data.removeprefix(_HEAD).removesuffix(b"\n")
    if len(data) != _LENGTH or len(body) != 2 * _SECRET_BYTES or body.strip(b"0123456789abcdef"):
        raise BadGossipKey("this is no gossip key", where=str(path))
    return bytes.fromhex(body.decode())


def monotonic_ms() -> int:
    """Milliseconds that never go back."""
    return time.monotonic_ns() // 1_000_000


class Overlay:
    """Bus and memory of one node.

    Args:
        place: its own; closed by `close`.
        hub: where it meets other nodes of this process.
        cut: base units of a settlement fee that it takes for passing a message on.
        servers: of NATS, which then carries in the place of the hub.

    Raises:
        BadServer: GO-36, a file of credentials.

    Attributes:
        bus: until `close`.
        chain_id: whose overlay it is.
        fates: of messages, by its own blocks.
    """

    def __init__(
        self, place: Place, hub: MemoryHub, cut: int = 0, servers: Servers | None = None
    ) -> None:
        self._place = place
        self.chain_id: Final = place.signer.chain_id
        node = GossipNode(place.signer, place.sequence, place.box, Options(cut=cut))
        self.bus: Final[HostBus] = (
            hub.join(node, monotonic_ms)
            if servers is None
            else NatsBus(node, place.signer, servers, monotonic_ms, system_clock)
        )
        self.fates: Final = Fates()

    def start(self, chain: Chain) -> None:
        """As if the last blocks came now: as many as a message can live."""
        tip = chain.height
        first = Height(max(1, tip - PoolLimits().most_ahead + 1))
        for block in chain.blocks(first, tip):
            self.fates.committed(block, chain.receipts(block.header.height))
        self.bus.advance(tip)

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:
        """A new block is on the disk."""
        self.fates.committed(block, receipts)
        self.fates.expired(self.bus.advance(block.header.height))

    async def run(self, stop: asyncio.Event) -> None:
        """Repair until `stop`. A fault is logged, and the node goes on without the overlay."""
        running = asyncio.create_task(self.bus.run())
        halted = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({running, halted}, return_when=asyncio.FIRST_COMPLETED)
            if running.done() and (error := running.exception()) is not None:
                code = error.id if isinstance(error, ChiaroError) else type(error).__name__
                _log.error("the gossip overlay ended: %s", error, extra={"code": code})
        finally:
            running.cancel()
            halted.cancel()
            await asyncio.gather(running, return_exceptions=True)  # it says goodbye
            self.bus.close()

    def close(self) -> None:
        """Give the key back."""
        self._place.close()
