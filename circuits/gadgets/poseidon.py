"""Poseidon (x⁵, circomlib's parameters) as a gadget; `zk.hash.poseidon` is its native twin.

Only S-boxes take rows, three each:  x·x = x²,  x²·x² = x⁴,  x⁴·x = x⁵.  The input x is a long
combination. In the third row x⁴ stands on the left (matrix A) and x on the right (B): the wires of
x are in B already, by the first row, so x⁴ never enters B and never needs a point of G2. Of an
S-box's three wires x² and x⁵ are in B. The other order would save non-zeros in B (one long
combination fewer) and cost one G2 point an S-box, which is dearer.

Partial rounds are expanded from the sparse form: the input of the i-th partial S-box is a fixed
combination of the t outputs of the last full round before and the i outputs of the partial S-boxes
before it. Those coefficients depend on t alone and are computed once.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from zk.errors import CircuitError
from zk.field.params import FR
from zk.hash.poseidon import MAX_INPUTS, parameters
from zk.r1cs.builder import Builder, Wire


def poseidon(cs: Builder, tag: Wire | int, inputs: Sequence[Wire], name: str = "poseidon") -> Wire:
    """Poseidon_tag(inputs), as a combination of the last S-boxes' outputs.

    Constrains: the result.
    Assumes:    nothing. A tag that is no constant must be chosen by constraint among the admitted
                ones, for instance by `select`.
    Cost:       3·(8t + R_P) with t = inputs + 1, less 3 for each constant among tag and inputs:
                an S-box on a constant is one. R_P = 56, 57, 56, 60, 60, 63, 64, 63 for t = 2 … 9.
                With a constant tag: 213, 240, 261, 297, 321, 354, 381, 402 for 1 … 8 inputs.

    Raises:
        CircuitError: no input, or more than 16.
    """
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise CircuitError(f"Poseidon takes 1 to {MAX_INPUTS} inputs, not {len(inputs)}")
    first = cs.constant(tag) if isinstance(tag, int) else tag
    plan = _plan(len(inputs) + 1)
    with cs.scope(name):
        lanes: list[Wire] = [first, *inputs]
        for index, (constants, matrix) in enumerate(plan.before):
            lanes = [x + c for x, c in zip(lanes, constants, strict=True)]
            lanes = [_power5(cs, x) for x in lanes]
            if index < len(plan.before) - 1:
                lanes = [cs.dot(row, lanes) for row in matrix]
        for coefficients, offset in plan.partial:
            lanes.append(_power5(cs, cs.dot(coefficients, lanes, offset)))
        for constants, matrix in plan.after:
            lanes = [cs.dot(row, lanes, c) for row, c in zip(matrix, constants, strict=True)]
            lanes = [_power5(cs, x) for x in lanes]
        return cs.dot(plan.output, lanes)


def _power5(cs: Builder, x: Wire) -> Wire:
    """x⁵. Cost: 3; see the module's docstring for the order of factors."""
    fourth = cs.square(cs.square(x, "x^2"), "x^4")
    return cs.mul(fourth, x, "x^5")


Row = tuple[int, ...]
Layer = tuple[Row, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The permutation as linear layers between S-boxes.

    Attributes:
        before: full rounds as (constants, matrix): add, S-box each lane, multiply; the last
            matrix is folded into what follows.
        partial: (coefficients, offset) of each partial S-box over the t last outputs of `before`
            and the outputs of the partial S-boxes so far.
        after: full rounds as (constants, matrix): multiply, add, S-box; the first matrix takes
            t + R_P values.
        output: row of lane 0 over the last outputs.
    """

    before: tuple[Layer, ...]
    partial: tuple[tuple[Row, int], ...]
    after: tuple[Layer, ...]
    output: Row


@functools.cache
def _plan(t: int) -> _Plan:
    p = parameters(t)
    r, sparse, half = FR.modulus, p.sparse, p.full_rounds // 2
    lanes = [list(row) for row in sparse.pre]  # over the t outputs of the last full round
    partial: list[tuple[Row, int]] = []
    for constant, row, column in zip(
        sparse.partial_constants, sparse.rows, sparse.columns, strict=True
    ):
        partial.append((tuple(lanes[0]), constant))
        new = [0] * len(lanes[0]) + [1]  # this S-box's output, a new coordinate
        inputs = [new, *([*lane, 0] for lane in lanes[1:])]
        lanes = [
            [sum(map(int.__mul__, row, values)) % r for values in zip(*inputs, strict=True)],
            *([*lane, w] for lane, w in zip(lanes[1:], column, strict=True)),
        ]
    matrices = (tuple(map(tuple, lanes)), *[p.mds] * (half - 1))
    return _Plan(
        before=tuple((constants, p.mds) for constants in sparse.full_constants[:half]),
        partial=tuple(partial),
        after=tuple(zip(sparse.full_constants[half:], matrices, strict=True)),
        output=p.mds[0],
    )
