"""Erasure codes by name: K rows become n, and any K of the n give the K back.

Codes of the same size are not compatible with each other, so a chain names the one it uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from node.core.codec import Reader, Writer
from node.da.errors import DataRefused

MAX_BLOB_BYTES: Final = 8 * 1024 * 1024
RATE: Final = 4
"""n = 4 K. A third of the stake holds a third of the rows; a quarter leaves room for rounding."""
MIN_K: Final = 4
MAX_K: Final = 4096
ROW_UNIT: Final = 64
"""Rows are multiples of this: the code works on 32 symbols of 16 bits at a time."""
_MAX_NAME: Final = 32


class ErasureCodec(Protocol):
    """A systematic code without errors: which rows are missing is known, those given are right."""

    name: str

    def encode(self, rows: Sequence[bytes], parity: int) -> tuple[bytes, ...]:
        """`parity` further rows, of the length that all of `rows` have (a multiple of 64)."""
        ...

    def recover(self, k: int, parity: int, rows: Mapping[int, bytes]) -> tuple[bytes, ...]:
        """The k first rows, from exactly k of the k + parity rows by index."""
        ...


class LeopardCodec:
    """Leopard Reed-Solomon over GF(2^16) (Lin, Al-Naffouri, Han, Chung: additive FFT).

    Values of a polynomial of degree < K at points of the Cantor basis: 0 … K−1 the data, then
    the parity. K is a power of two here, so no point is skipped. O(n log n), by SIMD.
    """

    name = "leopard-gf16"

    def encode(self, rows: Sequence[bytes], parity: int) -> tuple[bytes, ...]:
        import reed_solomon_leopard  # an extension module: only who codes loads it

        return tuple(reed_solomon_leopard.encode(list(rows), parity))

    def recover(self, k: int, parity: int, rows: Mapping[int, bytes]) -> tuple[bytes, ...]:
        import reed_solomon_leopard

        data = {i: row for i, row in rows.items() if i < k}
        rest = {i - k: row for i, row in rows.items() if i >= k}
        if len(data) < k:
            data |= reed_solomon_leopard.decode(k, parity, data, rest)
        return tuple(data[i] for i in range(k))


CODECS: Final[Mapping[str, ErasureCodec]] = {LeopardCodec.name: LeopardCodec()}


@dataclass(frozen=True, slots=True)
class Coding:
    """A code and its size: a parameter of the chain.

    Attributes:
        k: rows of data, a power of two.
        n: rows in all, 4 k.
        code: name of the code.

    Raises:
        DataRefused: DA-2.
    """

    k: int = 64
    n: int = 256
    code: str = LeopardCodec.name

    def __post_init__(self) -> None:
        if self.code not in CODECS:
            raise DataRefused(
                "DA-2",
                f"no code is named {self.code!r}",
                where="coding",
                why="rows of another code cannot be told from damaged ones",
                fix=f"use {', '.join(CODECS)}",
            )
        if not MIN_K <= self.k <= MAX_K or self.k & (self.k - 1) or self.n != RATE * self.k:
            raise DataRefused(
                "DA-2",
                f"K = {self.k}, n = {self.n}",
                where="coding",
                fix=f"use a power of two from {MIN_K} to {MAX_K} for K, and n = {RATE} K",
            )

    @property
    def codec(self) -> ErasureCodec:
        return CODECS[self.code]

    @property
    def depth(self) -> int:
        """Levels of the tree over the rows."""
        return self.n.bit_length() - 1

    def row_bytes(self, size: int) -> int:
        """Length of every row of a blob of `size` bytes: the least multiple of 64 that holds it.

        Raises:
            DataRefused: DA-2, an empty blob or one of more than 8 MiB.
        """
        if not 1 <= size <= MAX_BLOB_BYTES:
            raise DataRefused(
                "DA-2", f"a blob of {size} bytes, not 1 to {MAX_BLOB_BYTES}", where="size"
            )
        return -(-size // (self.k * ROW_UNIT)) * ROW_UNIT

    def write(self, writer: Writer) -> None:
        """K and n as u16; the name as a u32 length and ASCII."""
        writer.u16(self.k).u16(self.n).blob(self.code.encode())

    @staticmethod
    def read(reader: Reader) -> Coding:
        """Raises DecodeError; DataRefused (DA-2)."""
        return Coding(
            reader.u16(), reader.u16(), reader.blob(_MAX_NAME, "code").decode("ascii", "replace")
        )


DEFAULT_CODING: Final = Coding()
"""K = 64, n = 256: 16 KiB rows for 1 MiB, and rows enough for some two hundred members."""
