"""Small satisfied constraint systems from a seed: for tests, benchmarks and documentation."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from zk.field.arrays import U64Array, to_array
from zk.field.params import FR
from zk.r1cs.matrices import R1CS, Matrix

Combination = dict[int, int]
"""Coefficient of each wire."""


def matrix(rows: Sequence[Combination]) -> Matrix:
    """A sparse matrix from its rows."""
    pointers, columns, values = [0], [], []
    for row in rows:
        for wire in sorted(row):
            columns.append(wire)
            values.append(row[wire] % FR.modulus)
        pointers.append(len(columns))
    return Matrix(
        np.array(pointers, dtype=np.uint64), np.array(columns, dtype=np.uint64), to_array(values)
    )


def circuit(
    a: Sequence[Combination],
    b: Sequence[Combination],
    c: Sequence[Combination],
    *,
    wires: int,
    publics: int,
    name: str = "example",
) -> R1CS:
    """A constraint system from rows (A·w)·(B·w) = C·w, wires named by number."""
    return R1CS(
        name=name,
        wires=wires,
        publics=publics,
        rows=len(a),
        a=matrix(a),
        b=matrix(b),
        c=matrix(c),
        wire_names=("one", *(f"w{i}" for i in range(1, wires))),
        row_clauses=("",) * len(a),
        row_scopes=tuple(f"row {i}" for i in range(len(a))),
    )


def random_circuit(
    seed: int, *, rows: int, publics: int = 2, inputs: int = 3
) -> tuple[R1CS, U64Array]:
    """A random constraint system and a satisfying assignment.

    Each row multiplies two random combinations of earlier wires; the last `publics` products are
    the public inputs, the others private wires.

    Args:
        seed: what is drawn.
        rows: number of rows, at least `publics`.
        publics: number of public inputs.
        inputs: private wires that nothing determines.

    Returns:
        the system, and `uint64[wires, 4]` in standard form.
    """
    rng = random.Random(seed)
    wires = 1 + publics + inputs + rows - publics
    values = [1] + [0] * (wires - 1)
    known = [0]
    for wire in range(1 + publics, 1 + publics + inputs):
        values[wire] = rng.randrange(FR.modulus)
        known.append(wire)
    products = [*range(1 + publics + inputs, wires), *range(1, 1 + publics)]
    a, b, c = [], [], []
    for wire in products:
        left, right = (_combination(rng, known) for _ in range(2))
        values[wire] = _value(left, values) * _value(right, values) % FR.modulus
        a.append(left)
        b.append(right)
        c.append({wire: 1})
        known.append(wire)
    return circuit(a, b, c, wires=wires, publics=publics, name=f"random/{seed}"), to_array(values)


def hidden_circuit(seed: int, *, rows: int = 3) -> tuple[R1CS, U64Array]:
    """The claim y = x₁²·x₂ᵏ, its public inputs y, x₁, x₂, ν, the last three of them for hiding.

    Args:
        seed: what x₁, x₂ and ν are drawn from.
        rows: number of rows, at least 3; k is this number less 2.

    Returns:
        the system, and a satisfying assignment as of `random_circuit`.
    """
    rng = random.Random(seed)
    first, second, nu = (rng.randrange(1, FR.modulus) for _ in range(3))
    private = range(5, 3 + rows)  # x₁², x₁²·x₂, …
    values = [first * first % FR.modulus]
    for _ in range(rows - 2):
        values.append(values[-1] * second % FR.modulus)
    shape = circuit(
        [{2: 1}, *({wire: 1} for wire in private), {4: 1}],
        [{2: 1}, *({3: 1} for _ in private), {}],
        [*({wire: 1} for wire in private), {1: 1}, {}],
        wires=3 + rows,
        publics=4,
        name=f"hidden/{seed}",
    )
    return shape, to_array([1, values[-1], first, second, nu, *values[:-1]])


def _combination(rng: random.Random, known: Sequence[int]) -> Combination:
    chosen = rng.sample(known, k=min(len(known), rng.randint(1, 3)))
    small = (1, FR.modulus - 1, rng.randrange(1, FR.modulus))
    return {wire: rng.choice(small) for wire in chosen}


def _value(combination: Combination, values: Sequence[int]) -> int:
    return sum(k * values[wire] for wire, k in combination.items())
