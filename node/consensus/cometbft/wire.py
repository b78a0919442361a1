"""Protobuf as CometBFT writes what it hashes and signs: fields in order, zeros left out.

Only writing is here. Nothing of ours is hashed through protobuf; CometBFT's own headers and votes
are, in the one form that gogoproto gives them.
"""

from __future__ import annotations

from typing import Final

NS: Final = 1_000_000_000
"""Nanoseconds of a second; moments are whole nanoseconds since 1970, negative before."""
FIRST_MOMENT: Final = -62135596800 * NS
LAST_MOMENT: Final = 253402300800 * NS - 1
"""Year 1 to 9999, as protobuf has it."""
_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_U64: Final = 2**64


def varint(value: int) -> bytes:
    """Seven bits a byte, low ones first; a negative number as two's complement of 64 bits.

    Raises:
        OverflowError: not a number of 64 bits.
    """
    if not -(_U64 >> 1) <= value < _U64:
        raise OverflowError("no number of 64 bits")
    value %= _U64
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def number(field: int, value: int) -> bytes:
    """An integer or an enumerated value; nothing for 0."""
    return _tag(field, _VARINT) + varint(value) if value else b""


def fixed64(field: int, value: int) -> bytes:
    """A signed integer of eight bytes; nothing for 0. OverflowError: it has more."""
    return _tag(field, _FIXED64) + value.to_bytes(8, "little", signed=True) if value else b""


def data(field: int, value: bytes) -> bytes:
    """Bytes or text; nothing where there are none."""
    return message(field, value) if value else b""


def message(field: int, value: bytes) -> bytes:
    """A message that is always there, also an empty one."""
    return _tag(field, _BYTES) + delimited(value)


def delimited(value: bytes) -> bytes:
    """Behind its length."""
    return varint(len(value)) + value


def timestamp(moment: int) -> bytes:
    """`google.protobuf.Timestamp` of a moment."""
    seconds, nanos = divmod(moment, NS)
    return number(1, seconds) + number(2, nanos)


def _tag(field: int, kind: int) -> bytes:
    return varint(field << 3 | kind)
