"""Bytes that are hashed or ordered: fixed layout, little-endian, one encoding per value.

`Writer` is total; `Reader` is strict: exact lengths, canonical field elements, no trailing bytes,
and every variable length is checked against a stated maximum before anything is read.
"""

from __future__ import annotations

from typing import Final, Self

from zk.errors import NonCanonical, WrongLength
from zk.field.params import FR

FR_BYTES: Final = 32


class Writer:
    """Appends fields to a buffer; every method returns the writer."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def uint(self, value: int, size: int) -> Self:
        """Unsigned integer of `size` bytes; OverflowError marks a bug of the caller."""
        self._parts.append(value.to_bytes(size, "little"))
        return self

    def u8(self, value: int) -> Self:
        return self.uint(value, 1)

    def u16(self, value: int) -> Self:
        return self.uint(value, 2)

    def u32(self, value: int) -> Self:
        return self.uint(value, 4)

    def u64(self, value: int) -> Self:
        return self.uint(value, 8)

    def i128(self, value: int) -> Self:
        """Signed, two's complement, 16 bytes."""
        self._parts.append(value.to_bytes(16, "little", signed=True))
        return self

    def fr(self, value: int) -> Self:
        """Canonical field element, 32 bytes."""
        if not 0 <= value < FR.modulus:
            raise NonCanonical("value is not below the field modulus r")
        return self.uint(value, FR_BYTES)

    def raw(self, value: bytes, size: int) -> Self:
        """Exactly `size` bytes."""
        if len(value) != size:
            raise WrongLength(f"expected {size} bytes, got {len(value)}")
        self._parts.append(value)
        return self

    def blob(self, value: bytes) -> Self:
        """Length as u32, then the bytes."""
        self.u32(len(value))
        self._parts.append(value)
        return self

    def done(self) -> bytes:
        return b"".join(self._parts)


class Reader:
    """Reads the fields back; `where` names the thing being read in errors."""

    def __init__(self, data: bytes, where: str = "") -> None:
        self._data = data
        self._at = 0
        self.where = where

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise WrongLength(
                f"needs {size} more bytes at offset {self._at}, has {len(self._data) - self._at}",
                where=self.where,
            )
        part = self._data[self._at : end]
        self._at = end
        return part

    def uint(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def u8(self) -> int:
        return self.uint(1)

    def u16(self) -> int:
        return self.uint(2)

    def u32(self) -> int:
        return self.uint(4)

    def u64(self) -> int:
        return self.uint(8)

    def i128(self) -> int:
        return int.from_bytes(self.take(16), "little", signed=True)

    def fr(self) -> int:
        value = self.uint(FR_BYTES)
        if value >= FR.modulus:
            raise NonCanonical("value is not below the field modulus r", where=self.where)
        return value

    def count(self, size: int, most: int, name: str) -> int:
        """A count of `size` bytes, refused above `most` before anything is allocated."""
        value = self.uint(size)
        if value > most:
            raise WrongLength(f"{name}: {value} is more than {most}", where=self.where)
        return value

    def blob(self, most: int, name: str = "bytes") -> bytes:
        return self.take(self.count(4, most, name))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def done(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise WrongLength(f"{len(self._data) - self._at} trailing bytes", where=self.where)
