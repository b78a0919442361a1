"""The store's logic over any ordered key-value database: versions, tree, log, pruning, one write.

Nothing is ever changed in place. A block adds entries under its own height and one new head; what
they replace is listed as stale and removed, in the same write, once it falls out of the window. A
reader of an old height therefore sees exactly that height, beside a writer, without a lock.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from node.core.errors import NotFound, StoreError
from node.core.ids import ChainId, Height, StateRoot
from node.core.interfaces import Staged
from node.store import layout
from node.store.keyvalue import KeyValue
from node.store.proof import EMPTY_ROOT, StateProof, key_hash, value_hash
from node.store.restore import Restoration
from node.store.state_tree import EMPTY, Slot, StateTree, decode_slot, root_hash

CrashPoint = Callable[[str], None]
"""Called with the name of a place where a crash must do no harm; tests kill the process there."""

DEFAULT_WINDOW: Final = 128
"""Heights that stay readable: above the 100 that wallets may rewind."""


def no_crash(point: str) -> None:
    """Do nothing."""


class VersionedStore:
    """`node.core.interfaces.Store` over a `KeyValue`.

    Rules CH-11 (one atomic write), CH-12 (old heights) and CH-13 (right database) are kept here.

    Args:
        database: opened, and used by nobody else.
        chain_id: the chain that must be in it; written when it is empty.
        window: how many heights stay readable and provable, the last one included.
        crash_point: see `CrashPoint`.

    Raises:
        StoreError: another chain's, another format's, or no database of ours.
    """

    def __init__(
        self,
        database: KeyValue,
        chain_id: ChainId,
        *,
        window: int = DEFAULT_WINDOW,
        crash_point: CrashPoint = no_crash,
    ) -> None:
        if window < 2:
            raise StoreError(
                f"a window of {window} heights is too small",
                why="while a block is written its readers still stand on the one before",
                fix="use 2 or more",
            )
        self._db = database
        self._window = window
        self._crash_point = crash_point
        self._tree = StateTree(database.get)
        self._bind(chain_id)
        self._head: tuple[int, StateRoot] | None = None  # replaced whole: readers see both or none
        self._oldest = 0
        self._read_head()
        if self.empty:
            self._clear()

    def _read_head(self) -> None:
        if (head := self._db.get(layout.META_HEAD)) is not None:
            height, root, self._oldest = layout.decode_head(head)
            self._head = (height, StateRoot(root))

    def _bind(self, chain_id: ChainId) -> None:
        """CH-13: the database is of this format and chain, or empty and now is."""
        found = self._db.get(layout.META_FORMAT)
        if found is None:
            if self._db.first(b"", b"\xff" * 16) is not None:
                raise StoreError(
                    "CH-13: the database holds something else",
                    why="writing into a foreign database would destroy it",
                    fix="name an empty folder",
                )
            self._db.write(
                ((layout.META_FORMAT, layout.u64(layout.FORMAT)), (layout.META_CHAIN, chain_id))
            )
            return
        if (version := int.from_bytes(found, "big")) != layout.FORMAT:
            raise StoreError(
                f"CH-13: the store has format {version}, this program reads {layout.FORMAT}",
                why="data of another layout would be misread",
                fix="run the version of the program that made it, or sync the chain again",
            )
        if (other := self._db.get(layout.META_CHAIN)) != chain_id:
            raise StoreError(
                f"CH-13: the store belongs to chain {(other or b'').hex()[:16]}…, "
                f"not to {chain_id.hex()[:16]}…",
                why="two chains in one store would mix their states",
                fix="name another folder, or use the genesis file of that chain",
            )

    # --- reading -----------------------------------------------------------------------------

    @property
    def height(self) -> Height:
        return Height(self._head[0] if self._head else 0)

    @property
    def root(self) -> StateRoot:
        return self._head[1] if self._head else EMPTY_ROOT

    @property
    def empty(self) -> bool:
        """Whether genesis has not been committed yet."""
        return self._head is None

    @property
    def oldest(self) -> Height:
        """Lowest height that can still be read."""
        return Height(self._oldest)

    def reader(self, height: Height | None = None) -> VersionedReader:
        while height is None:
            at = self.height
            if self._oldest <= at:  # else the window moved past it in between: ask again
                return VersionedReader(self, self._db, at)
        self.check_readable(height)
        return VersionedReader(self, self._db, height)

    def root_at(self, height: Height) -> StateRoot:
        """Of a height inside the window. Raises NotFound: CH-12."""
        self.check_readable(height)
        return root_hash(self._root_slot(height))

    def check_readable(self, height: int) -> None:
        """CH-12: refuse a height that is not there, rather than answer from another."""
        newest = self.height
        if not self._oldest <= height <= newest:
            raise NotFound(
                f"CH-12: state at height {height} is not kept; "
                f"heights {self._oldest} to {newest} are",
                why="an answer from another height would be wrong",
                fix="ask for a recent height, or an archive node",
            )

    def log(self, key: bytes) -> bytes | None:
        return self._db.get(layout.LOG + key)

    def log_range(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, value in self._db.scan(layout.LOG + start, layout.LOG + stop):
            yield key[len(layout.LOG) :], value

    def prove(self, key: bytes, height: Height | None = None) -> bytes:
        reader = self.reader(height)
        digest = key_hash(key)
        try:
            siblings, entry = self._tree.prove(self._root_slot(reader.height), digest)
        except StoreError:
            self.check_readable(reader.height)  # pruned meanwhile: not a damaged database
            raise
        if entry is not None and entry[0] == digest:
            proof = StateProof(siblings, reader.get(key), None)
        else:
            proof = StateProof(siblings, None, entry)
        self.check_readable(reader.height)
        return proof.to_bytes()

    # --- writing -----------------------------------------------------------------------------

    def stage(
        self,
        height: Height,
        writes: Mapping[bytes, bytes | None],
        log: Mapping[bytes, bytes | None],
    ) -> Staged:
        self._check_next(height)
        last = self.height
        batch: list[tuple[bytes, bytes | None]] = []
        stale: list[bytes] = []
        changes: dict[bytes, bytes | None] = {}
        for key, value in sorted(writes.items(), key=lambda item: item[0]):
            state = layout.state_key(key)
            before = self._version(state, last)
            if value == (before[1] if before else None):
                continue
            physical = layout.versioned(state, height)
            batch.append((physical, b"\x00" if value is None else b"\x01" + value))
            if before is not None:
                stale.append(before[0])
            if value is None:
                stale.append(physical)  # a mark of deletion outlives what it hides by nothing
            changes[key_hash(key)] = None if value is None else value_hash(value)
        update = self._tree.update(self._root_slot(last), height, changes)
        batch += sorted(update.nodes.items())
        batch.append((layout.root_key(height), update.root))
        stale += update.stale
        if not self.empty:
            stale.append(layout.root_key(last))
        batch += ((layout.stale_key(height, physical), b"") for physical in sorted(set(stale)))
        batch += ((layout.LOG + key, value) for key, value in sorted(log.items()))
        oldest = max(self._oldest, height - self._window + 1)
        batch += self._prune(oldest)
        root = root_hash(update.root)
        batch.append((layout.META_HEAD, layout.encode_head(height, root, oldest)))
        return Staged(height, root, tuple(batch))

    def commit(self, staged: Staged) -> None:
        """CH-11: everything or nothing, on disk when this returns."""
        self._check_next(staged.height)
        _, root, oldest = layout.decode_head(staged.batch[-1][1] or b"")
        self._crash_point("store-before-write")
        self._oldest = oldest  # first, so that a reader never mistakes pruned for absent
        self._db.write(staged.batch)
        self._crash_point("store-after-write")
        self._head = (staged.height, StateRoot(root))

    def recompute(self, height: Height, writes: Mapping[bytes, bytes | None]) -> StateRoot:
        """The root that `writes` give on top of `height` - 1; for checking a committed block."""
        before = Height(height - 1)
        self.check_readable(before)
        changes = {
            key_hash(key): None if value is None else value_hash(value)
            for key, value in writes.items()
        }
        return root_hash(self._tree.update(self._root_slot(before), height, changes).root)

    def rebuild_root(self, height: Height | None = None) -> StateRoot:
        """The root of a tree made anew from every entry of the state: an audit of the database."""
        entries = {key_hash(k): value_hash(v) for k, v in self.reader(height).iterate(b"")}
        return root_hash(StateTree(lambda _: None).update(EMPTY, 0, dict(entries)).root)

    # --- a state from elsewhere --------------------------------------------------------------

    def restore(self, height: Height) -> Restoration:
        """Begin to take over a state. Raises StoreError: the store is not empty."""
        if not self.empty:
            raise StoreError(
                "SN-8: the store has a state already",
                why="another would take its place",
                fix="name an empty folder",
            )
        self._clear()
        return Restoration(self._db, height, self._read_head)

    def wipe(self) -> None:
        """Empty again; whatever stops it, the state is gone first and as a whole."""
        self._db.write(((layout.META_HEAD, None),))
        self._head, self._oldest = None, 0
        self._clear()

    def _clear(self) -> None:
        """SN-7: away with what a restoration left that did not come to its end."""
        for start in layout.CONTENT:
            stop = layout.after_prefix(start)
            if self._db.first(start, stop) is not None:
                self._db.clear(start, stop)

    def checkpoint(self, path: Path) -> None:
        """A copy of the store at `path`, as of the last block; there whole or not at all."""
        if path.exists():
            raise StoreError("there is something already", where=str(path), fix="name a new folder")
        partial = path.with_name(path.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed here
        self._db.checkpoint(partial)
        self._crash_point("checkpoint-before-rename")
        partial.rename(path)

    def close(self) -> None:
        self._db.close()

    def _check_next(self, height: int) -> None:
        expected = 0 if self.empty else self.height + 1
        if height != expected:
            raise StoreError(f"height {height} cannot follow: the next one is {expected}")

    def _root_slot(self, height: int) -> Slot:
        if self.empty:
            return EMPTY
        data = self._db.get(layout.root_key(height))
        if data is None:
            self.check_readable(height)
            raise StoreError("the root of the state tree is missing", where=f"height {height}")
        return decode_slot(data)

    def _version(self, state: bytes, height: int) -> tuple[bytes, bytes | None] | None:
        """Physical key and value (`None`: deleted) of the last write at or below `height`."""
        start, stop = layout.versioned(state, height), layout.after_prefix(state)
        found = self._db.first(start, stop)
        if found is None:
            return None
        return found[0], (found[1][1:] if found[1][:1] == b"\x01" else None)

    def _prune(self, oldest: int) -> Iterator[tuple[bytes, None]]:
        """Deletions of what nobody who reads at `oldest` or above can reach."""
        start = layout.stale_key(self._oldest, b"")  # below is done, and slow to walk over
        for key, _ in self._db.scan(start, layout.stale_key(oldest + 1, b"")):
            yield key[len(layout.STALE) + 8 :], None
            yield key, None


class VersionedReader:
    """The state at one height. Raises rather than answer once that height has been pruned."""

    def __init__(self, store: VersionedStore, database: KeyValue, height: int) -> None:
        self._store = store
        self._db = database
        self.height: Final = Height(height)

    def get(self, key: bytes) -> bytes | None:
        state = layout.state_key(key)
        start, stop = layout.versioned(state, self.height), layout.after_prefix(state)
        found = self._db.first(start, stop)
        self._store.check_readable(self.height)
        if found is None or found[1][:1] != b"\x01":
            return None
        return found[1][1:]

    def iterate(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        start = layout.state_prefix(prefix)
        done = b""
        for physical, value in self._db.scan(start, layout.after_prefix(start)):
            state, height = layout.split_versioned(physical)
            if state == done or height > self.height:
                continue
            self._store.check_readable(self.height)
            done = state
            if value[:1] == b"\x01":
                yield layout.plain_key(state), value[1:]
        self._store.check_readable(self.height)
