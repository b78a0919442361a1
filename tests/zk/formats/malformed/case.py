"""A row of the table: a kind of file, what is wrong with it, the code that says so."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from fuzzing import mutations, proofs

from zk.curve.bn254 import G2, G2Affine
from zk.field.params import FP
from zk.field.tower import Fp2

Sections = list[tuple[int, bytes]]


@dataclass(frozen=True)
class Case:
    """One malformed file.

    Attributes:
        kind: heading of the table.
        what: the row.
        code: of the refusal.
        data: the file.
        read: the reader that must refuse it.
        command: words of a command that must refuse it; `FILE` stands for the file. None where no
            command reads that part of a file by itself.
        exit_code: of that command.
    """

    kind: str
    what: str
    code: str
    data: Callable[[], bytes]
    read: Callable[[bytes], Any]
    command: tuple[str, ...] | None
    exit_code: int = 3


def taken_apart(data: bytes) -> Sections:
    """Sections of a container."""
    return [(number, data[at + 12 : end]) for number, at, end in mutations.sections(data)]


def packed(kind: str, version: int, sections: Sections) -> bytes:
    """A container, by a writer of its own."""
    body = b"".join(struct.pack("<IQ", n, len(data)) + data for n, data in sections)
    return kind.encode() + struct.pack("<II", version, len(sections)) + body


def patched(data: bytes, at: int, new: bytes) -> bytes:
    """Other bytes at a place; from the end where it is negative."""
    at %= len(data)
    return data[:at] + new + data[at + len(new) :]


def u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def little(value: int) -> bytes:
    return value.to_bytes(32, "little")


def big(value: int) -> bytes:
    return value.to_bytes(32, "big")


OFF_CURVE = 4
"""No point of G1 has this x: 67 is no square."""


def no_g1_x() -> int:
    """As `OFF_CURVE`, checked."""
    assert pow(OFF_CURVE**3 + 3, (FP.modulus - 1) // 2, FP.modulus) == FP.modulus - 1
    return OFF_CURVE


@cache
def outside_g2() -> G2Affine:
    """On the twist, not of order r."""
    x = 0
    while True:
        x += 1
        y = (Fp2(x, 0).square() * Fp2(x, 0) + G2.b).sqrt()
        if y is not None:
            return (x, 0), y.to_ints()


made = proofs.made
