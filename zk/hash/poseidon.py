"""Poseidon over BN254's Fr with circomlib's parameters (S-box x⁵, eprint 2019/458).

`poseidon(tag, inputs)` starts the state at (tag, inputs…) and returns lane 0 after the permutation.
The tag in the capacity lane separates domains at no cost: in a circuit it is a constant. Tag 0
gives circomlib's published values.

Not constant-time: it runs on arbitrary-precision integers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Final

import gmpy2

from zk.errors import NonCanonical, WrongLength
from zk.field.params import FR
from zk.hash.poseidon_constants import PoseidonParams, build, load
from zk.hash.poseidon_generate import WIDTHS, generate

MAX_INPUTS: Final = 16

_R: Final = FR.modulus


def poseidon(tag: int, inputs: Sequence[int]) -> int:
    """Poseidon_tag(inputs), an integer in [0, r).

    Args:
        tag: capacity lane, from `zk.hash.domains`; 0 for circomlib's plain hash.
        inputs: 1 to 16 integers in [0, r).

    Raises:
        WrongLength: no input, or more than 16.
        NonCanonical: a value outside [0, r): x and x + r would hash alike.
    """
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise WrongLength(f"Poseidon takes 1 to {MAX_INPUTS} inputs, not {len(inputs)}")
    for value in (tag, *inputs):
        if not 0 <= value < _R:
            raise NonCanonical("a Poseidon input is not below r")
    return int(_compiled(len(inputs) + 1)((tag, *inputs))[0])


def permutation(state: Sequence[int]) -> list[int]:
    """The permutation of t = len(state) lanes in [0, r), by the sparse form; 2 ≤ t ≤ 17."""
    return [int(v) for v in _compiled(len(state))(state)]


def permutation_reference(state: Sequence[int]) -> list[int]:
    """The permutation as the paper states it: add constants, x⁵, multiply by the MDS matrix."""
    p = parameters(len(state))
    half = p.full_rounds // 2
    lanes = list(state)
    for index, constants in enumerate(p.round_constants):
        lanes = [x + c for x, c in zip(lanes, constants, strict=True)]
        full = index < half or index >= half + p.partial_rounds
        lanes = [pow(x, 5, _R) if full or i == 0 else x for i, x in enumerate(lanes)]
        lanes = [sum(m * x for m, x in zip(row, lanes, strict=True)) % _R for row in p.mds]
    return lanes


@functools.cache
def parameters(t: int) -> PoseidonParams:
    """Parameters of any width 2 … 17: data where they ship, else made by the generator."""
    return load(t) if t in WIDTHS else build(*generate(t))


@functools.cache
def _compiled(t: int) -> Callable[[Sequence[int]], list[Any]]:
    """The fast permutation of one width, its constants converted once to GMP integers."""
    p = parameters(t)
    z = gmpy2.mpz
    r = z(_R)
    half = p.full_rounds // 2
    mds = [[z(v) for v in row] for row in p.mds]
    pre = [[z(v) for v in row] for row in p.sparse.pre]
    full = [
        ([z(v) for v in constants], pre if index == half - 1 else mds)
        for index, constants in enumerate(p.sparse.full_constants)
    ]
    partial = [
        (z(constant), [z(v) for v in row], [z(v) for v in column])
        for constant, row, column in zip(
            p.sparse.partial_constants, p.sparse.rows, p.sparse.columns, strict=True
        )
    ]

    def full_round(lanes: list[Any], constants: list[Any], matrix: list[list[Any]]) -> list[Any]:
        powers = []
        for x, c in zip(lanes, constants, strict=True):
            y = x + c
            square = y * y % r
            powers.append(square * square % r * y % r)
        return [sum(map(z.__mul__, row, powers)) % r for row in matrix]

    def permute(state: Sequence[int]) -> list[Any]:
        lanes = [z(v) for v in state]
        for constants, matrix in full[:half]:
            lanes = full_round(lanes, constants, matrix)
        for constant, row, column in partial:
            y = lanes[0] + constant
            square = y * y % r
            s = lanes[0] = square * square % r * y % r
            first = sum(map(z.__mul__, row, lanes)) % r
            lanes = [first, *[(x + w * s) % r for x, w in zip(lanes[1:], column, strict=True)]]
        for constants, matrix in full[half:]:
            lanes = full_round(lanes, constants, matrix)
        return lanes

    return permute
