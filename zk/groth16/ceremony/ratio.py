"""Equal ratios: e(s, sp·x) = e(s·x, sp) says that two pairs hide the same exponent."""

from __future__ import annotations

import secrets
from typing import Final

import numpy as np

from zk.curve.bn254 import G1, G2, G1Affine, G2Affine
from zk.field.arrays import LIMBS, U64Array
from zk.groth16.points import g1_rows, g2_rows, stacked
from zk.interfaces import Backend

_WEIGHT_LIMBS: Final = 2


def random_weights(count: int) -> U64Array:
    """`uint64[count, 4]`, 128 random bits each: a wrong row passes with probability 2⁻¹²⁸."""
    weights = np.zeros((count, LIMBS), dtype=np.uint64)
    drawn = np.frombuffer(secrets.token_bytes(8 * _WEIGHT_LIMBS * count), dtype="<u8")
    weights[:, :_WEIGHT_LIMBS] = drawn.reshape(count, _WEIGHT_LIMBS)
    return weights


def same_ratio(
    backend: Backend, one: tuple[G1Affine, G1Affine], two: tuple[G2Affine, G2Affine]
) -> bool:
    """Whether log(one[1]) / log(one[0]) = log(two[1]) / log(two[0]); never for infinity."""
    if None in one or None in two:
        return False
    minus = (-G1.from_affine(one[1])).to_affine()
    return backend.pairing_check(
        stacked(*g1_rows([one[0], minus])), stacked(*g2_rows([two[1], two[0]]))
    )


def times_g1(k: int, point: G1Affine) -> G1Affine:
    """k·P."""
    return (k * G1.from_affine(point)).to_affine()


def times_g2(k: int, point: G2Affine) -> G2Affine:
    """k·P."""
    return (k * G2.from_affine(point)).to_affine()
