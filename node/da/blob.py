"""A blob to rows and back, by the rule of AVID-M (DispersedLedger, 2021).

Nobody proves that rows are an encoding. Who reads decodes any K proved rows, encodes the result
again and compares the root. If it differs it differs for every reader, whichever rows it had: rows
that are an encoding give one root, and any K of others give some encoding with another root. So
the answer is the same content for all or ⊥ for all, and K proved rows show ⊥ to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.da.codec import MAX_K, Coding
from node.da.errors import BadEncoding, DataRefused, TooFewRows
from node.da.rows import Commitment, Row, RowTree, check_row, root_hash, row_hash
from zk.errors import NonCanonical

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Dispersal:
    """A blob, coded: what an uploader hands out.

    Attributes:
        commitment: names it.
        data: n rows, the first K of which are the blob and zeros behind it.
        tree: over the rows.
    """

    commitment: Commitment
    data: tuple[bytes, ...]
    tree: RowTree

    def row(self, index: int) -> Row:
        """One row with its proof; IndexError beyond the last."""
        return Row(index, self.data[index], self.tree.siblings(index))


def encode(blob: bytes, coding: Coding) -> Dispersal:
    """Pad with zeros to K rows, add 3 K of parity, commit to all.

    Raises:
        DataRefused: DA-2, an empty or too large blob.
    """
    length = coding.row_bytes(len(blob))
    padded = blob.ljust(length * coding.k, b"\0")
    rows = tuple(padded[i : i + length] for i in range(0, len(padded), length))
    return disperse(coding, len(blob), rows + coding.codec.encode(rows, coding.n - coding.k))


def disperse(coding: Coding, size: int, rows: tuple[bytes, ...]) -> Dispersal:
    """Commit to n rows as they are; `encode` is the honest way to make them."""
    tree = RowTree([row_hash(row) for row in rows])
    return Dispersal(Commitment(coding, size, root_hash(coding, size, tree.top)), rows, tree)


def recover(commitment: Commitment, rows: Iterable[Row]) -> bytes:
    """The blob, from any K proved rows; rows that prove nothing are passed over.

    Raises:
        TooFewRows: DA-3, fewer than K different rows are proved.
        BadEncoding: DA-5, the blob is ⊥ for everybody; carries the evidence.
    """
    good: dict[int, Row] = {}
    bad: list[int] = []
    for row in rows:
        if len(good) == commitment.coding.k:
            break
        if row.index in good:
            continue
        try:
            check_row(commitment, row)
        except DataRefused:
            bad.append(row.index)
        else:
            good[row.index] = row
    if len(good) < commitment.coding.k:
        wrong = f"; wrong ones: {', '.join(map(str, bad[:8]))}" if bad else ""
        raise TooFewRows(
            f"{len(good)} of {commitment.coding.k} rows are there{wrong}", where=_name(commitment)
        )
    return _decode(commitment, tuple(good[index] for index in sorted(good)))


def _decode(commitment: Commitment, rows: tuple[Row, ...]) -> bytes:
    """DA-5: decode, encode again, compare. `rows` are K proved ones, sorted by index."""
    coding = commitment.coding
    data = coding.codec.recover(coding.k, coding.n - coding.k, {r.index: r.data for r in rows})
    blob = b"".join(data)[: commitment.size]
    if encode(blob, coding).commitment != commitment:
        raise BadEncoding(
            "the rows are no encoding of a blob",
            Evidence(commitment, rows),
            where=_name(commitment),
        )
    return blob


@dataclass(frozen=True, slots=True)
class Evidence:
    """K rows with proofs whose blob, encoded again, has another root.

    Attributes:
        commitment: the one that an uploader made and members signed for.
        rows: exactly K, ascending by index.
    """

    commitment: Commitment
    rows: tuple[Row, ...]

    def check(self) -> None:
        """DA-6: whoever made the commitment is at fault. Returns only if that is shown.

        Raises:
            DataRefused: DA-6, not K rows in order, or the blob is a proper encoding;
                DA-4, a row is not one of the commitment's.
        """
        where = _name(self.commitment)
        indices = [row.index for row in self.rows]
        if len(indices) != self.commitment.coding.k or indices != sorted(set(indices)):
            raise DataRefused(
                "DA-6", f"not {self.commitment.coding.k} different rows in order", where=where
            )
        for row in self.rows:
            check_row(self.commitment, row)
        try:
            _decode(self.commitment, self.rows)
        except BadEncoding:
            return
        raise DataRefused(
            "DA-6",
            "the rows are a proper encoding",
            where=where,
            why="an uploader would be punished for nothing",
        )

    def to_bytes(self) -> bytes:
        writer = Writer().u8(_VERSION)
        self.commitment.write(writer)
        writer.u16(len(self.rows))
        for row in self.rows:
            row.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Evidence:
        """Strict. Raises DecodeError; DataRefused (DA-2)."""
        where = "evidence"
        reader = Reader(data, where)
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"unknown version {version}", where=where)
        commitment = Commitment.read(reader)
        count = reader.count(2, MAX_K, "rows")
        rows = tuple(Row.read(reader) for _ in range(count))
        reader.done()
        return Evidence(commitment, rows)


def _name(commitment: Commitment) -> str:
    return f"blob {commitment.root.hex()[:16]}…"
