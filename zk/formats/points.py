"""Points of binary files as arrays, and what is checked of them before anything uses them."""

from __future__ import annotations

import numpy as np

from zk.field.arrays import U64Array, from_array
from zk.field.params import FP
from zk.formats.container import Container
from zk.groth16.subgroup import first_outside_g2
from zk.interfaces import Backend

_LIMB_BYTES = 8


def rows_of(file: Container, number: int, count: int, width: int) -> U64Array:
    """The points of a section, as they lie in the file, aligned or not.

    Raises:
        FormatError: FMT-013 … FMT-015.
    """
    data = file.sized(number, count * width * _LIMB_BYTES).data
    if count == 0:
        return np.zeros((0, width), dtype=np.uint64)
    return np.frombuffer(data, dtype="<u8").reshape(count, width)


def check_rows(
    file: Container, number: int, rows: U64Array, name: str, *, twist: bool, backend: Backend
) -> None:
    """Every point of a section; the first that is none is named.

    Raises:
        FormatError: FMT-022 not below q, FMT-019 not on the curve, FMT-023 outside the subgroup.
    """
    first = (backend.first_off_curve_g2 if twist else backend.first_off_curve_g1)(rows)
    problem, code = "is not on the curve", "FMT-019"
    if first < len(rows) and max(from_array(rows[first])) >= FP.modulus:
        problem, code = "has a coordinate not below q", "FMT-022"
    if first == len(rows) and twist:
        first = first_outside_g2(rows, backend)
        problem, code = "is outside the subgroup", "FMT-023"
    if first < len(rows):
        offset = file.section(number).offset + first * rows.shape[1] * _LIMB_BYTES
        raise file.error(code, f"{name}[{first}] {problem}", number, offset)
