"""Where things lie in the ordered key space under the store. Changing this is a new `FORMAT`.

    m…                          what the database is: format, chain, head
    s ‖ key ‖ ~height           state: one entry per change, newest first; empty tag = deleted
    t ‖ height ‖ path           tree nodes, by the height that wrote them
    r ‖ height                  root slot of the tree after each height
    x ‖ height ‖ physical key   stale since `height`: nobody who reads at ≥ `height` needs it
    l ‖ key                     log: blocks, receipts, indices; not authenticated
    y ‖ key hash                value hash of an entry, while a state is being restored (SN-7)

Keys of the state have any length, and must sort as themselves with a height behind them; so a zero
byte is written 00 FF, and 00 00 ends the key.
"""

from __future__ import annotations

from typing import Final

from node.core.codec import Reader, Writer
from zk.errors import NonCanonical

FORMAT: Final = 1
META_FORMAT: Final = b"mformat"
META_CHAIN: Final = b"mchain"
META_HEAD: Final = b"mhead"

STATE: Final = b"s"
NODE: Final = b"t"
ROOT: Final = b"r"
STALE: Final = b"x"
LOG: Final = b"l"
SCRATCH: Final = b"y"

CONTENT: Final = (STATE, NODE, ROOT, STALE, LOG, SCRATCH)
"""All but what the database is."""

MAX_HEIGHT: Final = 2**64 - 1
_END: Final = b"\x00\x00"


def u64(value: int) -> bytes:
    """Big-endian, so that bytes sort as numbers do."""
    return value.to_bytes(8, "big")


def state_key(key: bytes) -> bytes:
    """All versions of a key lie behind this prefix, and nothing else does."""
    return STATE + key.replace(b"\x00", b"\x00\xff") + _END


def state_prefix(prefix: bytes) -> bytes:
    """All versions of all keys that begin with `prefix` lie behind this."""
    return STATE + prefix.replace(b"\x00", b"\x00\xff")


def versioned(state: bytes, height: int) -> bytes:
    """Physical key of a key's value as written at `height`; later heights sort first."""
    return state + u64(MAX_HEIGHT - height)


def split_versioned(physical: bytes) -> tuple[bytes, int]:
    """Undo `versioned`: the `state_key`, and the height of the write."""
    return physical[:-8], MAX_HEIGHT - int.from_bytes(physical[-8:], "big")


def plain_key(state: bytes) -> bytes:
    """Undo `state_key`."""
    return state[len(STATE) : -len(_END)].replace(b"\x00\xff", b"\x00")


def node_key(height: int, path: tuple[int, ...]) -> bytes:
    """Physical key of the tree node at `path` (nibbles from the root)."""
    return NODE + u64(height) + bytes(path)


def root_key(height: int) -> bytes:
    """Physical key of the tree's root slot after `height`."""
    return ROOT + u64(height)


def stale_key(since: int, physical: bytes) -> bytes:
    """Physical key of the note that nothing at or above `since` needs `physical`."""
    return STALE + u64(since) + physical


def after_prefix(prefix: bytes) -> bytes:
    """The least byte string above every one that begins with `prefix` (not all FF)."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1])


def encode_head(height: int, root: bytes, oldest: int) -> bytes:
    """Value of `META_HEAD`."""
    return Writer().u64(height).raw(root, 32).u64(oldest).done()


def decode_head(data: bytes) -> tuple[int, bytes, int]:
    """(height, root, oldest readable height)."""
    reader = Reader(data, "head of the store")
    head = (reader.u64(), reader.take(32), reader.u64())
    reader.done()
    if head[2] > head[0]:
        raise NonCanonical("the oldest height is above the newest", where=reader.where)
    return head
