"""Rows on a member's disk: kept until a height, served with their proofs.

    mformat, mchain             what the database is
    b ‖ root                    keep-until u64, commitment
    r ‖ root ‖ index            the row with its proof
    e ‖ keep-until ‖ root       what to remove when (heights big-endian)
    p ‖ root                    who promised that it will be paid for, bytes, expiry

Every change is one atomic, synced write of the database, so there is never half a blob.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from node.core.codec import Reader, Writer
from node.core.errors import NotFound, StoreError
from node.core.ids import ID_BYTES, ChainId, Height
from node.da.certificate import Statement
from node.da.errors import DataRefused
from node.da.rows import Commitment, Row, check_row
from node.store.keyvalue import KeyValue
from node.store.layout import u64
from node.store.rocksdb import RocksKeyValue
from zk.errors import DecodeError

FORMAT: Final = 1
_FORMAT_KEY: Final = b"mformat"
_CHAIN_KEY: Final = b"mchain"
_ROW: Final = b"r"
_BLOB: Final = b"b"
_EXPIRY: Final = b"e"
_PROMISED: Final = b"p"
_HEIGHTS: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Promised:
    """A blob that no block has ordered yet, and who answers for its being paid for (DA-35).

    Attributes:
        member: id of the member that promised it.
        size: bytes of the rows kept for that.
        expiry: last height at which it may be ordered.
    """

    member: bytes
    size: int
    expiry: int


class ShardStore:
    """Rows by root and index.

    Args:
        database: opened, and used by nobody else; `write` returns when it is durable.
        chain_id: whose rows these are (DA-14).
        archival: keep everything for good.

    Raises:
        StoreError: DA-14, the database is another chain's, of another format, or not ours.
    """

    def __init__(self, database: KeyValue, chain_id: ChainId, *, archival: bool = False) -> None:
        self._db = database
        self._chain_id = chain_id
        self.archival = archival
        self._bind()
        everything = database.scan(_PROMISED, _PROMISED + b"\xff" * (ID_BYTES + 1))
        self._promises = {key[1:]: _read_promise(data) for key, data in everything}

    def _bind(self) -> None:
        """DA-14."""
        found = self._db.get(_FORMAT_KEY)
        if found is None:
            if self._db.first(b"", b"\xff" * 16) is not None:
                raise StoreError(
                    "DA-14: the database holds something else",
                    why="writing into a foreign database would destroy it",
                    fix="name an empty folder",
                )
            self._db.write(((_FORMAT_KEY, u64(FORMAT)), (_CHAIN_KEY, self._chain_id)))
        elif (version := int.from_bytes(found, "big")) != FORMAT:
            raise StoreError(
                f"DA-14: the rows have format {version}, this program reads {FORMAT}",
                why="data of another layout would be misread",
                fix="run the version of the program that wrote them",
            )
        elif self._db.get(_CHAIN_KEY) != self._chain_id:
            raise StoreError(
                f"DA-14: the rows are not those of chain {self._chain_id.hex()[:16]}…",
                why="members answer for rows of their own chain",
                fix="name the folder of this chain, or an empty one",
            )

    def put(
        self,
        statement: Statement,
        rows: Sequence[Row],
        *,
        keep_until: int,
        promised: Promised | None = None,
    ) -> None:
        """Keep checked rows; on disk when this returns. Again is no matter; the later height wins.

        Who promised first answers for a blob; where it was settled already, nobody does.

        Raises:
            StoreError: the disk refuses; nothing changed.
            DataRefused: DA-14, the statement is for another chain.
        """
        if statement.chain_id != self._chain_id:
            raise DataRefused("DA-14", "made for another chain", where="statement")
        root = statement.commitment.root
        batch: list[tuple[bytes, bytes | None]] = []
        if (found := self._entry(root)) is not None:
            keep_until = max(keep_until, found[0])
            if keep_until != found[0]:
                batch.append((_expiry_key(found[0], root), None))
        writer = Writer().u64(keep_until)
        statement.commitment.write(writer)
        batch.append((_BLOB + root, writer.done()))
        batch.append((_expiry_key(keep_until, root), b""))
        batch.extend((_row_key(root, row.index), row.to_bytes()) for row in rows)
        before = self._promises.get(root)
        if promised is not None and (found is None or before is not None):
            promised = _later(before, promised)
            batch.append((_PROMISED + root, _write_promise(promised)))
            self._db.write(tuple(batch))
            self._promises[root] = promised
        else:
            self._db.write(tuple(batch))

    def _entry(self, root: bytes) -> tuple[int, Commitment] | None:
        if (data := self._db.get(_BLOB + root)) is None:
            return None
        try:
            reader = Reader(data, f"blob {root.hex()[:16]}…")
            entry = reader.u64(), Commitment.read(reader)
            reader.done()
        except (DecodeError, DataRefused) as error:
            raise _damaged(root) from error
        return entry

    def commitment(self, root: bytes) -> Commitment:
        """What is known of a blob whose rows are here. Raises NotFound; StoreError."""
        if (entry := self._entry(root)) is None:
            raise _absent(root)
        return entry[1]

    def indices(self, root: bytes) -> tuple[int, ...]:
        """Which rows of a blob are here, ascending; none for an unknown blob."""
        start, stop = _row_key(root, 0), _row_key(root, 0xFFFF)
        return tuple(int.from_bytes(key[-2:], "big") for key, _ in self._db.scan(start, stop))

    def row(self, root: bytes, index: int) -> Row:
        """DA-16: a row with its proof, checked again before it leaves.

        Raises:
            NotFound: not here: never received, or its retention is over.
            StoreError: DA-16, damaged on disk.
        """
        commitment = self.commitment(root)
        data = self._db.get(_row_key(root, index)) if 0 <= index < commitment.coding.n else None
        if data is None:
            raise _absent(root, index)
        try:
            row = Row.from_bytes(data)
            if row.index != index:
                raise DataRefused("DA-4", "another row", where=f"row {index}")
            check_row(commitment, row)
        except (DecodeError, DataRefused) as error:
            raise _damaged(root, index) from error
        return row

    def promised(self) -> dict[bytes, Promised]:
        """Blobs that were taken on a promise and not settled yet, by root."""
        return dict(self._promises)

    def settle(self, root: bytes) -> None:
        """A block ordered it: nobody has to answer for it any more."""
        if root in self._promises:
            self._db.write(((_PROMISED + root, None),))
            del self._promises[root]

    def drop(self, root: bytes) -> None:
        """DA-36: forget a blob, in one write; nothing if it is not here."""
        if (found := self._entry(root)) is None:
            return
        rows = ((_row_key(root, index), None) for index in self.indices(root))
        gone = (_expiry_key(found[0], root), _BLOB + root, _PROMISED + root)
        self._db.write((*((key, None) for key in gone), *rows))
        self._promises.pop(root, None)

    def prune(self, height: Height) -> int:
        """DA-15: remove blobs whose last height is below `height`; how many they were.

        Each blob goes in one write. An archival store keeps all.

        Raises:
            StoreError: the disk refuses; blobs are there whole or not at all.
        """
        if self.archival:
            return 0
        due = [key for key, _ in self._db.scan(_EXPIRY, _EXPIRY + u64(min(height, _HEIGHTS)))]
        for key in due:
            root = key[-ID_BYTES:]
            rows = ((_row_key(root, index), None) for index in self.indices(root))
            self._db.write(((key, None), (_BLOB + root, None), (_PROMISED + root, None), *rows))
            self._promises.pop(root, None)
        return len(due)

    def close(self) -> None:
        self._db.close()


def open_shards(path: Path, chain_id: ChainId, *, archival: bool = False) -> ShardStore:
    """The rows in folder `path`, or an empty store there.

    Raises:
        StoreError: DA-14; in use by another process; damaged.
    """
    database = RocksKeyValue(path)
    try:
        return ShardStore(database, chain_id, archival=archival)
    except BaseException:
        database.close()
        raise


def _read_promise(data: bytes) -> Promised:
    reader = Reader(data, "promise")
    return Promised(reader.take(ID_BYTES), reader.u64(), reader.u64())


def _write_promise(item: Promised) -> bytes:
    return Writer().raw(item.member, ID_BYTES).u64(item.size).u64(item.expiry).done()


def _later(before: Promised | None, now: Promised) -> Promised:
    """The first member's, with the last height of both."""
    first = before or now
    return replace(first, expiry=max(first.expiry, now.expiry))


def _row_key(root: bytes, index: int) -> bytes:
    return _ROW + root + index.to_bytes(2, "big")


def _expiry_key(keep_until: int, root: bytes) -> bytes:
    return _EXPIRY + u64(keep_until) + root


def _absent(root: bytes, index: int | None = None) -> NotFound:
    what = "rows" if index is None else f"row {index}"
    return NotFound(
        f"{what} of blob {root.hex()[:16]}… not here",
        why="never received, another member's, or kept for longer than its retention",
        fix="ask other members; after the retention, an archival node",
    )


def _damaged(root: bytes, index: int | None = None) -> StoreError:
    what = "the entry" if index is None else f"row {index}"
    return StoreError(
        f"DA-16: {what} of blob {root.hex()[:16]}… is damaged on disk",
        why="it would not prove anything to who asked for it",
        fix="other members can restore it; check the disk",
    )
