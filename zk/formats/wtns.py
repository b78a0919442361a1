"""Witnesses as iden3 files: `.wtns` version 2.

    section 1   field; number of wires u32
    section 2   values[32], standard form

A witness file holds secrets: it is written readable by its owner only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from zk.field.arrays import U64Array
from zk.formats.container import FR_BYTES, u32_bytes, write

VERSION: Final = 2


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
