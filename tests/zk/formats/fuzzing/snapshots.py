"""Readers of snapshots: what peers offer and send to a node that joins late."""

from __future__ import annotations

from fuzzing.target import Target
from node.core.ids import ChainId, Height, StateRoot
from node.store.snapshots.manifest import CHUNK_BYTES, Manifest
from node.store.snapshots.stream import Entry, Reading, Writing

CHAIN = ChainId(b"\1" * 32)
ROOT = StateRoot(b"\2" * 32)
HASHES = (b"\3" * 32, b"\4" * 32)


def _manifests() -> list[bytes]:
    return [
        Manifest(CHAIN, Height(1000), ROOT, 3, 90, HASHES[:1]).to_bytes(),
        Manifest(CHAIN, Height(7), ROOT, 9, CHUNK_BYTES + 1, HASHES).to_bytes(),
    ]


def _streams() -> list[bytes]:
    entries = [(b"", b""), (b"c/chain", CHAIN), (b"t/\0", b""), (b"t/\0\1", b"value")]
    return [_write(entries), _write(entries[1:2])]


def _read(data: bytes) -> list[Entry]:
    """A whole stream, in one chunk."""
    reading = Reading()
    found = reading.feed(data)
    reading.done(len(found))
    return found


def _write(entries: list[Entry]) -> bytes:
    return b"".join(Writing(entries).chunks())


TARGETS = (
    Target(
        "snapshot_manifest",
        Manifest.from_bytes,
        Manifest.to_bytes,
        _manifests,
        memory=8,
        exact=True,
    ),
    Target("snapshot_stream", _read, _write, _streams, memory=32, exact=True),
)
