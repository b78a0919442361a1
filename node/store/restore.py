"""Writing a whole state into an empty store.  Rule SN-7.

Entries may come in any order and in as many pieces as one likes; the tree over them is built at the
end, in the database's order of key hashes, so that memory holds a small part of it, however the
hashes are spread. Nothing of this is a state before `commit` writes the head: until then the store
is empty, and what lies in it is cleared by the next opening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from node.core.ids import StateRoot
from node.store import layout
from node.store.keyvalue import KeyValue
from node.store.proof import key_hash, value_hash
from node.store.state_tree import Path, Slot, entry, grown, root_hash

_HASH_DIGITS: Final = 64
_NODES_AT_ONCE: Final = 20_000


class Restoration:
    """One state on its way into the store: `add`, `root`, then `commit`, once each but the first.

    Args:
        database: of a store without a head; nobody else writes.
        height: of the state.
        committed: called when it is one.
    """

    def __init__(self, database: KeyValue, height: int, committed: Callable[[], None]) -> None:
        self._db = database
        self._height = height
        self._committed = committed
        self._slot: Slot = b""

    def add(self, entries: Sequence[tuple[bytes, bytes]]) -> None:
        """Keys that have not been added."""
        batch: list[tuple[bytes, bytes]] = []
        for key, value in entries:
            physical = layout.versioned(layout.state_key(key), self._height)
            batch.append((physical, b"\x01" + value))
            batch.append((layout.SCRATCH + key_hash(key), value_hash(value)))
        self._db.write(tuple(batch))

    def root(self) -> StateRoot:
        """Build the tree of all entries; its root."""
        waiting: dict[bytes, bytes] = {}

        def write(nodes: dict[bytes, bytes]) -> None:
            waiting.update(nodes)
            if len(waiting) >= _NODES_AT_ONCE:
                flush()

        def flush() -> None:
            self._db.write(tuple(waiting.items()))
            waiting.clear()

        self._slot = grown(self._under, self._height, write)
        flush()
        return root_hash(self._slot)

    def commit(self, log: Mapping[bytes, bytes]) -> None:
        """From here on it is the store's state, with these entries of the log: one write."""
        self._db.clear(layout.SCRATCH, layout.after_prefix(layout.SCRATCH))
        head = layout.encode_head(self._height, root_hash(self._slot), self._height)
        self._db.write(
            (
                (layout.root_key(self._height), self._slot),
                *((layout.LOG + key, value) for key, value in sorted(log.items())),
                (layout.META_HEAD, head),
            )
        )
        self._committed()

    def _under(self, path: Path) -> Iterator[Slot]:
        """Entries whose key hashes begin with these nibbles."""
        digits = "".join(f"{nibble:x}" for nibble in path)
        start = layout.SCRATCH + bytes.fromhex(digits.ljust(_HASH_DIGITS, "0"))
        last = layout.SCRATCH + bytes.fromhex(digits.ljust(_HASH_DIGITS, "f"))
        for key, value in self._db.scan(start, last + b"\0"):
            yield entry(key[len(layout.SCRATCH) :], value)
