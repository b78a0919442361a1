"""What a snapshot is: of which chain, height and root, and the hash of every chunk.  Rule SN-1.

    version u8 · chain id · height u64 · state root · entries u64 · bytes u64 · hash of each chunk

A snapshot is one stream of bytes (`node.store.snapshots.stream`), cut every `CHUNK_BYTES`. It is a
function of the state alone, so that all nodes make the same one and each can serve what another
began to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ChainId, Height, StateRoot, tagged_hash
from zk.errors import NonCanonical

FORMAT: Final = 1
CHUNK_BYTES: Final = 4 * 1024 * 1024
MAX_CHUNKS: Final = 16_384
"""64 GiB of state; half a megabyte of manifest, where CometBFT's messages take four."""
MAX_MANIFEST: Final = 128 + 32 * MAX_CHUNKS
_HASH: Final = 32
_WHERE: Final = "manifest"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One snapshot.

    Attributes:
        chain_id: of the chain.
        height: of the block after which the state is.
        state_root: of that state.
        entries: in the state.
        size: bytes of the stream.
        chunks: hash of each, in order.
    """

    chain_id: ChainId
    height: Height
    state_root: StateRoot
    entries: int
    size: int
    chunks: tuple[bytes, ...]

    @property
    def hash(self) -> bytes:
        """32 bytes; names the snapshot among peers."""
        return tagged_hash("snapshot/manifest", self.to_bytes())

    def length(self, index: int) -> int:
        """Bytes of one chunk: all are full but the last."""
        return min(CHUNK_BYTES, self.size - index * CHUNK_BYTES)

    def to_bytes(self) -> bytes:
        writer = Writer().u8(FORMAT).raw(self.chain_id, _HASH).u64(self.height)
        writer.raw(self.state_root, _HASH).u64(self.entries).u64(self.size)
        for chunk in self.chunks:
            writer.raw(chunk, _HASH)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Manifest:
        """SN-1: strict. Raises DecodeError."""
        reader = Reader(data, _WHERE)
        if (version := reader.u8()) != FORMAT:
            raise NonCanonical(f"SN-1: unknown version {version} of a snapshot", where=_WHERE)
        chain_id, height = ChainId(reader.take(_HASH)), Height(reader.u64())
        root, entries = StateRoot(reader.take(_HASH)), reader.u64()
        size = reader.count(8, MAX_CHUNKS * CHUNK_BYTES, "SN-1: bytes")
        if not height or not entries or not size:
            raise NonCanonical("SN-1: no height, no entries or no bytes", where=_WHERE)
        count = -(-size // CHUNK_BYTES)
        chunks = tuple(reader.take(_HASH) for _ in range(count))
        reader.done()
        return Manifest(chain_id, height, root, entries, size, chunks)


def chunk_hash(data: bytes) -> bytes:
    """What a manifest says of a chunk."""
    return tagged_hash("snapshot/chunk", data)
