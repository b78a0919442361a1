"""Malformed variants of well-formed bytes: cut short, with lying lengths, with changed bits."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from fuzzing.target import Target
from node.core.codec import Reader
from zk.errors import ChiaroError
from zk.field.params import FP, FR

_LIES = (0, 1, 1 << 31, (1 << 32) - 1, 1 << 63)


@dataclass(frozen=True, order=True)
class Field:
    """A number in a file that a reader may believe."""

    at: int
    size: int
    order: str = "little"


def sections(data: bytes) -> list[tuple[int, int, int]]:
    """Number, place of its header and end of each section, by a walk of its own."""
    (count,) = struct.unpack_from("<I", data, 8)
    found, at = [], 12
    for _ in range(count):
        number, size = struct.unpack_from("<IQ", data, at)
        found.append((number, at, at + 12 + size))
        at += 12 + size
    assert at == len(data)
    return found


_HEADERS = {
    "r1cs": {1: range(0, 64, 4), 2: range(0, 8, 4)},
    "wtns": {1: range(0, 40, 4)},
    "zkey": {1: range(0, 4, 4), 2: range(0, 84, 4), 4: range(0, 16, 4), 10: range(64, 68, 4)},
    "ptau": {1: range(0, 44, 4), 7: range(0, 4, 4)},
}
"""Where numbers stand in the sections of each kind."""


def fields(target: Target, data: bytes) -> list[Field]:
    """The lengths and counts of a file."""
    if target.container:
        found = [Field(4, 4), Field(8, 4)]
        for number, at, _ in sections(data):
            found += [Field(at, 4), Field(at + 4, 8)]
            places = _HEADERS[target.name].get(number, range(0))
            found += [Field(at + 12 + place, 4) for place in places]
        return found
    scale = 2 if len(data) in (324, 716, 584) else 1  # uncompressed points
    match target.name:
        case "gnark_proof":
            return [Field(scale * 128, 4, "big")]
        case "gnark_key":
            places = (scale * 288, len(data) - 8, len(data) - 4)
            return [Field(place, 4, "big") for place in places]
        case "arkworks_key":
            return [Field(scale * 224, 8)]
        case "verifying_key":
            return [Field(224, 4)]
        case "zkey_contributions" | "ptau_contributions":
            return [Field(0, 4), *(Field(len(data) - back, 4) for back in (13, 12, 11, 10, 9, 8))]
        case "tape":
            return [Field(at, 8) for at in range(48, len(data) - 7, 8)]
        case "evm_words" | "evm_call" | "arkworks_proof":
            return []
        case _ if target.text:
            return []
        case _:
            return _as_read(target, data)


def _as_read(target: Target, data: bytes) -> list[Field]:
    """The integers that the ledger's own codec reads."""
    found: set[Field] = set()
    with _watched(found):
        try:
            target.read(data)
        except ChiaroError:
            raise AssertionError("a seed is refused") from None
    return sorted(found)


@contextmanager
def _watched(found: set[Field]) -> Iterator[None]:
    plain = Reader.uint

    def uint(self: Reader, size: int) -> int:
        if size <= 8:
            found.add(Field(self._at, size))
        return plain(self, size)

    Reader.uint = uint
    try:
        yield
    finally:
        Reader.uint = plain


def lies(target: Target, data: bytes) -> Iterator[bytes]:
    """Each length and count replaced by what it cannot be."""
    for field in fields(target, data):
        end = field.at + field.size
        value = int.from_bytes(data[field.at : end], field.order)
        for lie in dict.fromkeys((*_LIES, value + 1, value - 1)):
            fits = lie % (1 << 8 * field.size)
            if lie in (value + 1, value - 1) or fits == lie:
                yield data[: field.at] + fits.to_bytes(field.size, field.order) + data[end:]


def truncations(target: Target, data: bytes, chance: random.Random) -> Iterator[bytes]:
    """At every boundary of a section or field, beside it, and at random."""
    places = {chance.randrange(len(data)) for _ in range(12)} if data else set()
    if target.container:
        ends = [12, *(place for _, at, end in sections(data) for place in (at, at + 12, end))]
    else:
        ends = [
            place for field in fields(target, data) for place in (field.at, field.at + field.size)
        ]
        ends = chance.sample(ends, min(len(ends), 24))
    places.update(place + step for place in ends for step in (-1, 0, 1))
    yield from (data[:place] for place in sorted(places) if 0 <= place < len(data))
    yield data + b"\0"
    yield data + data


def flips(data: bytes, chance: random.Random, count: int) -> Iterator[bytes]:
    """One to three bits changed."""
    for _ in range(count if data else 0):
        changed = bytearray(data)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        yield bytes(changed)


def rearranged(data: bytes, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Sections left out, twice, in another order, and unknown ones; what was done comes first."""
    parts = [data[at:end] for _, at, end in sections(data)]
    unknown = struct.pack("<IQ", 0xFFFF_FFFE, 5) + b"stuff"

    def packed(chosen: list[bytes]) -> bytes:
        return data[:8] + struct.pack("<I", len(chosen)) + b"".join(chosen)

    for index in range(len(parts)):
        yield "left out", packed(parts[:index] + parts[index + 1 :])
        yield "twice", packed([*parts, parts[index]])
    for _ in range(3):
        yield "order", packed(chance.sample(parts, len(parts)))
    yield "order", packed(parts[::-1])
    for index in (0, len(parts)):
        yield "unknown", packed([*parts[:index], unknown, *parts[index:]])
    yield "unknown", packed([unknown, *parts, unknown])


_Q, _R = FP.modulus, FR.modulus
_NUMBERS = (0, 1, _R - 1, _R, _R + 1, _Q - 1, _Q, _Q + 1, (1 << 254) - 1, (1 << 256) - 1)
_TEXTS = (b"-1", b"01", b"+1", b"1.0", b"1e3", b"0x1", b"", b"null", b"[]", b"{}", b'"1"', b"1")
_TOKEN = re.compile(rb"[0-9]+|[A-Za-z_]+|[][{}:,\"]")


def elements(data: bytes, chance: random.Random) -> bytes:
    """One element of a field replaced by a number at an end of its range."""
    at = 4 * chance.randrange(max(1, len(data) // 4))
    order: Literal["little", "big"] = chance.choice(("little", "big"))
    number = chance.choice(_NUMBERS).to_bytes(32, order)
    return (data[:at] + number + data[at + 32 :])[: max(len(data), 32)]


def tokens(data: bytes, chance: random.Random) -> bytes:
    """One token of a text left out, doubled, replaced, or exchanged with another."""
    found = list(_TOKEN.finditer(data))
    if chance.random() < 0.7:  # what keeps the text's structure
        found = [token for token in found if token[0].isalnum()] or found
    if not found:
        return data
    one, other = sorted((chance.choice(found), chance.choice(found)), key=lambda m: m.start())
    number = str(chance.choice(_NUMBERS)).encode()
    new = chance.choice((b"", one[0] * 2, number, chance.choice(_TEXTS), other[0]))
    changed = data[: one.start()] + new + data[one.end() :]
    if chance.random() < 0.2:  # a piece of the text once more
        changed = changed[: one.start()] + data[one.start() : other.end()] + changed[one.start() :]
    return changed
