"""Single points as contributions hold them: affine, little-endian, Montgomery; none at infinity."""

from __future__ import annotations

import numpy as np

from zk.curve.bn254 import G1Affine, G2Affine, check_g1, check_g2
from zk.errors import DecodeError
from zk.field.arrays import U64Array
from zk.groth16.ceremony.errors import MalformedContribution
from zk.groth16.points import g1_points, g1_rows, g2_points, g2_rows


def g1_to_file(point: G1Affine) -> bytes:
    """64 bytes."""
    return g1_rows([point]).astype("<u8").tobytes()


def g2_to_file(point: G2Affine) -> bytes:
    """128 bytes."""
    return g2_rows([point]).astype("<u8").tobytes()


def g1_from_file(data: bytes, what: str, where: str) -> G1Affine:
    """The point of 64 bytes.

    Raises:
        MalformedContribution: CER-011, not canonical, off the curve, or infinity.
    """
    row = _row(data)
    (point,) = g1_points(row)
    try:
        check_g1(point, what=what)
    except DecodeError as error:
        raise MalformedContribution(error.message, where=where) from None
    _check_canonical(g1_rows([point]), row, what, where)
    return point


def g2_from_file(data: bytes, what: str, where: str) -> G2Affine:
    """The point of 128 bytes.

    Raises:
        MalformedContribution: CER-011, not canonical, off the twist, outside the subgroup, or
            infinity.
    """
    row = _row(data)
    (point,) = g2_points(row)
    try:
        check_g2(point, what=what)
    except DecodeError as error:
        raise MalformedContribution(error.message, where=where) from None
    _check_canonical(g2_rows([point]), row, what, where)
    return point


def _row(data: bytes) -> U64Array:
    return np.frombuffer(data, dtype="<u8").reshape(1, -1).astype(np.uint64)


def _check_canonical(canonical: U64Array, row: U64Array, what: str, where: str) -> None:
    if not np.array_equal(canonical, row):
        raise MalformedContribution(f"a coordinate of {what} is not below q", where=where)
