r"""Rows of a coded blob, the commitment over them, and the proof that a row is one of them.

    row_i    SHA-256("chiaro/v1/da/row\0" ‖ row)
    node     SHA-256("chiaro/v1/da/node\0" ‖ left ‖ right)         n is a power of two
    root     BLAKE2b-256("da/root", code and K and n, size, top node)

Hashing 4 MiB of rows is most of the work of dispersal; SHA-256 has instructions in every processor
sold for years and takes a third of BLAKE2b's time there. What is short is hashed as elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from node.da.codec import MAX_BLOB_BYTES, MAX_K, RATE, Coding
from node.da.errors import DataRefused

HASH_BYTES: Final = 32
_MAX_DEPTH: Final = (RATE * MAX_K).bit_length() - 1
_ROW: Final = hashlib.sha256(b"chiaro/v1/da/row\0")
_NODE: Final = hashlib.sha256(b"chiaro/v1/da/node\0")


def row_hash(row: bytes) -> bytes:
    """Leaf of the tree over rows."""
    hasher = _ROW.copy()
    hasher.update(row)
    return hasher.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Inner node of the tree over rows."""
    hasher = _NODE.copy()
    hasher.update(left + right)
    return hasher.digest()


def root_hash(coding: Coding, size: int, top: bytes) -> bytes:
    """What a commitment's `root` is: the tree's top with all that is needed to read the rows."""
    writer = Writer()
    coding.write(writer)
    return tagged_hash("da/root", writer.done(), size.to_bytes(8, "little"), top)


class RowTree:
    """The whole tree over n row hashes (a power of two); level 0 are the leaves."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._levels = [list(leaves)]
        while len(below := self._levels[-1]) > 1:
            self._levels.append(
                [node_hash(below[i], below[i + 1]) for i in range(0, len(below), 2)]
            )

    @property
    def top(self) -> bytes:
        return self._levels[-1][0]

    def siblings(self, index: int) -> tuple[bytes, ...]:
        """Hashes beside the path of a leaf, from the leaf up."""
        return tuple(level[(index >> i) ^ 1] for i, level in enumerate(self._levels[:-1]))


@dataclass(frozen=True, slots=True)
class Commitment:
    """What names a coded blob.

    Attributes:
        coding: code, K and n.
        size: bytes of the blob, without padding.
        root: 32 bytes, over coding, size and all rows.
    """

    coding: Coding
    size: int
    root: bytes

    def __post_init__(self) -> None:
        self.coding.row_bytes(self.size)
        if len(self.root) != ID_BYTES:
            raise DataRefused("DA-2", f"a root of {len(self.root)} bytes, not 32", where="root")

    @property
    def row_bytes(self) -> int:
        """Length of every row."""
        return self.coding.row_bytes(self.size)

    def write(self, writer: Writer) -> None:
        self.coding.write(writer)
        writer.u32(self.size).raw(self.root, ID_BYTES)

    @staticmethod
    def read(reader: Reader) -> Commitment:
        """Raises DecodeError; DataRefused (DA-2)."""
        return Commitment(Coding.read(reader), reader.u32(), reader.take(ID_BYTES))


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its proof.

    Attributes:
        index: 0 … n − 1; below K the row is data.
        data: the row.
        siblings: hashes beside its path, from the leaf up.
    """

    index: int
    data: bytes
    siblings: tuple[bytes, ...]

    def write(self, writer: Writer) -> None:
        """Index u16, row as u32 length and bytes, number of siblings u8, siblings."""
        writer.u16(self.index).blob(self.data).u8(len(self.siblings))
        for sibling in self.siblings:
            writer.raw(sibling, HASH_BYTES)

    def to_bytes(self) -> bytes:
        writer = Writer()
        self.write(writer)
        return writer.done()

    @staticmethod
    def read(reader: Reader) -> Row:
        index = reader.u16()
        data = reader.blob(MAX_BLOB_BYTES, "row")
        depth = reader.count(1, _MAX_DEPTH, "siblings")
        return Row(index, data, tuple(reader.take(HASH_BYTES) for _ in range(depth)))

    @staticmethod
    def from_bytes(data: bytes) -> Row:
        """Strict: one encoding per row. Raises DecodeError."""
        reader = Reader(data, "row")
        row = Row.read(reader)
        reader.done()
        return row


def check_row(commitment: Commitment, row: Row) -> None:
    """DA-4: the row is the one at its index under this commitment.

    Raises:
        DataRefused: DA-4.
    """
    where = f"row {row.index}"
    coding = commitment.coding
    if not 0 <= row.index < coding.n:
        raise DataRefused("DA-4", f"there are {coding.n} rows", where=where)
    if len(row.data) != commitment.row_bytes:
        raise DataRefused("DA-4", f"{len(row.data)} bytes, not {commitment.row_bytes}", where=where)
    if len(row.siblings) != coding.depth:
        raise DataRefused(
            "DA-4", f"a path of {len(row.siblings)} hashes, not {coding.depth}", where=where
        )
    current = row_hash(row.data)
    for level, sibling in enumerate(row.siblings):
        if row.index >> level & 1:
            current = node_hash(sibling, current)
        else:
            current = node_hash(current, sibling)
    if root_hash(coding, commitment.size, current) != commitment.root:
        raise DataRefused("DA-4", "does not lead to the root", where=where)
