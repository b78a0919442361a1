"""A chain of Poseidon hashes: h₀ and a₀ … aₙ₋₁ are known such that hₙ is public.

    hᵢ₊₁ = Poseidon₀(hᵢ, aᵢ)

Every wire is a full-width field element: the case in which multi-scalar multiplications cost most.
240 rows a hash, as circom's compiler gives after linear elimination.

The circuit computes the same as `circuits.gadgets.poseidon` with another choice of wires. There an
S-box's output x⁵ is a wire, its input x a combination of all outputs before, and a partial round's
combination, of up to 60 wires, stands in A once and in B twice. Here x is the wire, and x⁵ a
combination that stands in C, which a prover never sees: A and B have one entry in almost every row,
and a key is half as large. (A prover must find the x first; they are advised, and determined by the
rows because every linear layer can be undone.)
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import gmpy2

from circuits.statement import Statement
from zk.field.params import FR
from zk.hash.poseidon import parameters, poseidon
from zk.hash.poseidon_constants import inverse
from zk.r1cs.advice import Formula
from zk.r1cs.builder import Builder, Wire

TAG: Final = 0
WIDTH: Final = 3
ROWS_PER_HASH: Final = 240

Row = tuple[int, ...]
"""Coefficients of the three lanes, then a constant."""


@dataclass(frozen=True, slots=True)
class ChainPublic:
    """The last hash."""

    out: int


@dataclass(frozen=True, slots=True, repr=False)
class ChainWitness:
    """The first value, and what is hashed in."""

    start: int
    inputs: tuple[int, ...]


class PoseidonChain(Statement[ChainPublic, ChainWitness]):
    """The end of a chain of Poseidon hashes with two inputs each; see the module's docstring.

    Args:
        length: how many hashes, at least one.
    """

    public_names = ("out",)

    def __init__(self, length: int) -> None:
        self.id = f"poseidon-chain-{length}/1"
        self.length = length

    def placeholder(self) -> tuple[ChainPublic, ChainWitness]:
        return ChainPublic(0), ChainWitness(0, (0,) * self.length)

    def constrain(self, cs: Builder, public: ChainPublic, witness: ChainWitness) -> None:
        out = cs.public("out", public.out)
        value = cs.witness("start", witness.start)
        for index, number in enumerate(witness.inputs):
            with cs.scope(f"hash {index}"):
                value = hash_two(cs, value, cs.witness("input", number))
        cs.equal(value, out, "the last hash is the public one")


def example(length: int, seed: int) -> tuple[ChainPublic, ChainWitness]:
    """A true statement."""
    start, *inputs = (poseidon(TAG, (seed % FR.modulus, i)) for i in range(length + 1))
    value = start
    for number in inputs:
        value = poseidon(TAG, (value, number))
    return ChainPublic(value), ChainWitness(start, tuple(inputs))


def hash_two(cs: Builder, left: Wire, right: Wire) -> Wire:
    """Poseidon₀(left, right), as a combination of the last three S-boxes' outputs.

    Constrains: the result.
    Assumes:    nothing.
    Cost:       240.
    """
    plan = _plan()
    lanes = [cs.constant(TAG), left, right]
    lanes = [lane + c for lane, c in zip(lanes, plan.first, strict=True)]
    # The first S-box is one of a constant: three lanes hold two unknowns, and x⁵ must be a wire.
    powers = [_power5(cs, lane) for lane in lanes]
    lanes = _combined(cs, plan.start, powers)
    for layer in plan.before:
        lanes = _round(cs, layer, lanes)
    for layer in plan.partial:
        lanes = _partial_round(cs, layer, lanes)
    for layer in plan.after:
        lanes = _round(cs, layer, lanes)
    powers = [_power5(cs, lane) for lane in lanes]
    return cs.dot(plan.output, powers)


def _power5(cs: Builder, x: Wire) -> Wire:
    fourth = cs.square(cs.square(x, "x^2"), "x^4")
    return cs.mul(fourth, x, "x^5")


def _combined(cs: Builder, rows: Sequence[Row], lanes: Sequence[Wire]) -> list[Wire]:
    return [cs.dot(row[:WIDTH], lanes, row[WIDTH]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Layer:
    """Rows of (matrix | constants), how to undo them, and each row's polynomial.

    Attributes:
        rows: from the S-boxes' outputs to the next lanes.
        back: from the next lanes to the S-boxes' outputs.
        next_lane: per row, its lane from fourth powers and inputs of the S-boxes.
    """

    rows: tuple[Row, ...]
    back: tuple[Row, ...]
    next_lane: tuple[Formula, ...]


def _round(cs: Builder, layer: _Layer, lanes: Sequence[Wire]) -> list[Wire]:
    """A full round: three S-boxes, a linear layer whose results are wires."""
    fourths = [cs.square(cs.square(lane, "x^2"), "x^4") for lane in lanes]
    known = [*fourths, *lanes]
    following = [cs.advise(formula, *known, name="x") for formula in layer.next_lane]
    powers = _combined(cs, layer.back, following)
    for fourth, lane, power in zip(fourths, lanes, powers, strict=True):
        cs.enforce(fourth, lane, power, "x^5")
    return list(following)


def _partial_round(cs: Builder, layer: _Layer, lanes: Sequence[Wire]) -> list[Wire]:
    """An S-box on lane 0. Its result is known from the next lane 0, which is the wire."""
    fourth = cs.square(cs.square(lanes[0], "x^2"), "x^4")
    first = cs.advise(layer.next_lane[0], fourth, *lanes, name="x")
    power = cs.dot(layer.back[0][:WIDTH], [first, *lanes[1:]], layer.back[0][WIDTH])
    cs.enforce(fourth, lanes[0], power, "x^5")
    others = [
        cs.dot([row[0], 1], [power, lane], row[WIDTH])
        for row, lane in zip(layer.rows[1:], lanes[1:], strict=True)
    ]
    return [first, *others]


@dataclass(frozen=True, slots=True)
class _Plan:
    """The permutation as linear layers between S-boxes, constants of the next round included.

    Attributes:
        first: constants of the first round.
        start: after the first full round, whose lanes hold but two unknowns.
        before: after the next three.
        partial: after each partial round.
        after: after each full round but the last.
        output: lane 0 after the last.
    """

    first: Row
    start: tuple[Row, ...]
    before: tuple[_Layer, ...]
    partial: tuple[_Layer, ...]
    after: tuple[_Layer, ...]
    output: Row


@functools.cache
def _plan() -> _Plan:
    p = parameters(WIDTH)
    sparse, half = p.sparse, p.full_rounds // 2
    none = (0,) * (WIDTH - 1)
    starts = [(constant, *none) for constant in sparse.partial_constants]
    entries = [*sparse.full_constants[1:half], starts[0]]
    matrices = [*[p.mds] * (half - 1), sparse.pre]
    before = [_rows(m, c) for m, c in zip(matrices, entries, strict=True)]
    partial = [
        _partial_layer(row, column, constants)
        for row, column, constants in zip(
            sparse.rows, sparse.columns, [*starts[1:], sparse.full_constants[half]], strict=True
        )
    ]
    return _Plan(
        first=tuple(sparse.full_constants[0]),
        start=before[0],
        before=tuple(map(_full_layer, before[1:])),
        partial=tuple(partial),
        after=tuple(_full_layer(_rows(p.mds, c)) for c in sparse.full_constants[half + 1 :]),
        output=tuple(p.mds[0]),
    )


def _rows(matrix: Sequence[Sequence[int]], constants: Sequence[int]) -> tuple[Row, ...]:
    return tuple((*row, constant) for row, constant in zip(matrix, constants, strict=True))


def _full_layer(rows: tuple[Row, ...]) -> _Layer:
    r = FR.modulus
    undone = inverse([row[:WIDTH] for row in rows])
    offsets = [-sum(u * row[WIDTH] for u, row in zip(line, rows, strict=True)) for line in undone]
    back = tuple((*line, offset % r) for line, offset in zip(undone, offsets, strict=True))
    return _Layer(rows, back, tuple(Formula(functools.partial(_next_full, row)) for row in rows))


def _next_full(row: Row, *known: Any) -> Any:
    """A lane from the fourth powers and inputs of the three S-boxes before it."""
    fourths, lanes = known[:WIDTH], known[WIDTH:]
    terms = (x4 * x * m for x4, x, m in zip(fourths, lanes, row[:WIDTH], strict=True))
    return sum(terms, row[WIDTH])


def _partial_layer(row: Sequence[int], column: Sequence[int], constants: Sequence[int]) -> _Layer:
    """Lane 0 becomes row·(x₀⁵, x₁, x₂), lane i becomes xᵢ + columnᵢ·x₀⁵; then constants."""
    r = FR.modulus
    share = int(gmpy2.invert(row[0], r))
    lane = (*row, constants[0])
    back = (share, *(-share * k % r for k in lane[1:]))
    others = [(w, 0, 0, c) for w, c in zip(column, constants[1:], strict=True)]
    formula = Formula(functools.partial(_next_partial, lane))
    return _Layer((lane, *others), (back,), (formula,))


def _next_partial(row: Row, fourth: Any, first: Any, second: Any, third: Any) -> Any:
    a, b, c, constant = row
    return fourth * first * a + second * b + third * c + constant
