"""The store on disk: RocksDB, one synchronous write batch per block.

Chosen by measurement: hash-keyed state makes copy-on-write stores write about fifty times as much.
Durability is the write-ahead log with `sync` on every batch; after a crash RocksDB replays it up to
the last whole batch, which is the last whole block. One process at a time holds the folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from node.core.errors import StoreError
from node.core.ids import ChainId
from node.store.keyvalue import Batch
from node.store.versioned import DEFAULT_WINDOW, CrashPoint, VersionedStore, no_crash

_WRITE_BUFFER: Final = 32 * 1024 * 1024
_CACHE: Final = 128 * 1024 * 1024
_BLOOM_BITS: Final = 10
_OPEN_FILES: Final = 256
_LOG_FILES: Final = 2


class RocksKeyValue:
    """A RocksDB folder in raw mode (bytes in, bytes out).

    Raises:
        StoreError: the folder is in use, damaged, or not a database.
    """

    def __init__(self, path: Path) -> None:
        import rocksdict  # a large extension module: only nodes load it

        self._rocksdict: Any = rocksdict
        self.path = path
        options = rocksdict.Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(_WRITE_BUFFER)
        options.set_max_open_files(_OPEN_FILES)
        options.set_keep_log_file_num(_LOG_FILES)
        options.set_wal_recovery_mode(rocksdict.DBRecoveryMode.point_in_time())
        table = rocksdict.BlockBasedOptions()
        table.set_block_cache(rocksdict.Cache(_CACHE))
        table.set_bloom_filter(_BLOOM_BITS, False)
        options.set_block_based_table_factory(table)
        options.set_compression_type(rocksdict.DBCompressionType.lz4())
        self._durable = rocksdict.WriteOptions()
        self._durable.sync = True
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._db = rocksdict.Rdict(str(path), options)
        except Exception as error:
            raise _translate(error, path) from error

    def get(self, key: bytes) -> bytes | None:
        with self._errors():
            value: bytes | None = self._db.get(key)
            return value

    def first(self, start: bytes, stop: bytes) -> tuple[bytes, bytes] | None:
        with self._errors():
            return self._entry(self._seek(start, self._below(stop)), stop)

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._errors():
            bound = self._below(stop)
            iterator = self._seek(start, bound)
        while True:
            with self._errors():
                entry = self._entry(iterator, stop)
                if entry is None:
                    return
                iterator.next()
            yield entry

    def _below(self, stop: bytes) -> Any:
        """Read options with an upper bound, without which deleted neighbours are walked over.

        RocksDB keeps a pointer to the bytes of `stop`, and in raw mode rocksdict does not copy
        them: the caller must hold `stop` for as long as the iterator lives.
        """
        bound = self._rocksdict.ReadOptions()
        bound.set_iterate_upper_bound(stop)
        return bound

    def _seek(self, start: bytes, bound: Any) -> Any:
        iterator = self._db.iter(bound)
        iterator.seek(start)
        return iterator

    @staticmethod
    def _entry(iterator: Any, stop: bytes) -> tuple[bytes, bytes] | None:
        """Where the iterator stands; `None` at the end, which is told apart from a failed read."""
        if not iterator.valid():
            iterator.status()
            return None
        key: bytes = iterator.key()
        return (key, iterator.value()) if key < stop else None

    def write(self, batch: Batch) -> None:
        with self._errors():
            writes = self._rocksdict.WriteBatch(raw_mode=True)
            for key, value in batch:
                if value is None:
                    writes.delete(key)
                else:
                    writes.put(key, value)
            self._db.write(writes, self._durable)

    def clear(self, start: bytes, stop: bytes) -> None:
        with self._errors():
            self._db.delete_range(start, stop, self._durable)

    def checkpoint(self, path: Path) -> None:
        """Hard links to the current files."""
        with self._errors():
            self._rocksdict.Checkpoint(self._db).create_checkpoint(str(path))

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise _translate(error, self.path) from error


def open_store(
    path: Path,
    chain_id: ChainId,
    *,
    window: int = DEFAULT_WINDOW,
    crash_point: CrashPoint = no_crash,
) -> VersionedStore:
    """Open the chain's store in `path`, or make an empty one there.

    Raises:
        StoreError: in use by another process, another chain's, another format's, damaged.
    """
    database = RocksKeyValue(path)
    try:
        return VersionedStore(database, chain_id, window=window, crash_point=crash_point)
    except BaseException:
        database.close()
        raise


def _translate(error: Exception, path: Path) -> StoreError:
    """RocksDB speaks in strings; say what they mean."""
    text = str(error)
    if "lock" in text.lower() and "LOCK" in text:
        return StoreError(
            "CH-14: another process has this store open",
            where=str(path),
            why="two writers would tear the state apart",
            fix="stop the other node (`chiaro down`), or use another folder",
        )
    return StoreError(
        f"the database failed: {text or type(error).__name__}",
        where=str(path),
        why="the node must not go on with a state it cannot read or write",
        fix="check free space and permissions; restore a damaged folder from a checkpoint",
    )
