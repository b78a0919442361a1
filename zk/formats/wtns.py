"""Witnesses as iden3 files: `.wtns` version 2.

    section 1   field; number of wires u32
    section 2   values[32], standard form

A witness file holds secrets: it is written readable by its owner only. Files of others may have
their sections in any order, and sections that are not known here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from zk.field.arrays import BYTES, LIMBS, U64Array, from_array
from zk.formats.container import FIELD_BYTES, FR_BYTES, read, u32, u32_bytes, write
from zk.r1cs.matrices import below_modulus

VERSION: Final = 2

_HEADER, _VALUES = 1, 2


def write_wtns(assignment: U64Array, path: Path) -> None:
    """Write an assignment, `uint64[wires, 4]` standard form."""
    values = np.ascontiguousarray(assignment, dtype="<u8").tobytes()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)  # the file may have been there, readable by others
        write(
            file,
            "wtns",
            VERSION,
            [(1, FR_BYTES + u32_bytes(len(assignment))), (2, values)],
        )


def read_wtns(source: Path | bytes) -> U64Array:
    """The assignment of a witness file: `uint64[wires, 4]`, standard form, a view of the file.

    Every value is checked: below r, and the first is the constant one. That the values satisfy a
    circuit shows when a proof of them is verified, and not before.

    Raises:
        FormatError: with code, section and offset of what is wrong (`zk.formats.errors`).
        OSError: the file cannot be read.
    """
    file = read(source, "wtns", (VERSION,))
    header = file.sized(_HEADER, FIELD_BYTES + 4)
    if header.data[:FIELD_BYTES] != FR_BYTES:
        raise file.error("FMT-016", "this witness is not one over BN254", _HEADER, header.offset)
    wires = u32(header.data, FIELD_BYTES)
    if wires == 0:
        at = header.offset + FIELD_BYTES
        raise file.error("FMT-017", "a witness has at least one wire", _HEADER, at)
    section = file.sized(_VALUES, wires * BYTES)
    values = np.frombuffer(section.data, dtype="<u8").reshape(wires, LIMBS)
    below = below_modulus(values)
    if not below.all():
        wire = int(np.argmin(below))
        at = section.offset + wire * BYTES
        raise file.error("FMT-025", f"the value of wire {wire} is not below r", _VALUES, at)
    if from_array(values[:1]) != [1]:
        raise file.error("FMT-027", "wire 0 is not one", _VALUES, section.offset)
    return values
