"""The backend in plain integers: what the compiled ones must agree with, bit for bit.

It only translates arrays to the reference mathematics of `zk.curve` and `zk.poly` and back. Meant
to be read, and for small inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import add
from typing import Final

from zk.backends import checks
from zk.curve.bn254 import G1, G2
from zk.curve.pairing import pairing_product_is_one
from zk.errors import NotOnCurve
from zk.field.arrays import (
    LIMBS,
    U64Array,
    from_array,
    from_montgomery,
    to_array,
    to_montgomery,
)
from zk.field.bn254 import Fp
from zk.field.params import FP, FR
from zk.field.tower import Fp2
from zk.interfaces import Csr
from zk.poly.domain import Domain
from zk.r1cs.tape import Tape
from zk.r1cs.tape_reference import interpret

_R: Final = FR.modulus


def _coordinates(array: U64Array, width: int) -> list[list[int]]:
    flat = from_montgomery(from_array(array), FP.modulus)
    return [flat[i : i + width] for i in range(0, len(flat), width)]


def _g1_points(array: U64Array) -> list[G1]:
    rows = _coordinates(array, 2)
    return [G1.affine(Fp(x), Fp(y)) if x or y else G1.identity() for x, y in rows]


def _g2_points(array: U64Array) -> list[G2]:
    rows = _coordinates(array, 4)
    return [G2.affine(Fp2(*row[:2]), Fp2(*row[2:])) if any(row) else G2.identity() for row in rows]


def _point_array(rows: Iterable[Sequence[int]], width: int) -> U64Array:
    flat = [c for row in rows for c in row]
    return to_array(to_montgomery(flat, FP.modulus)).reshape(-1, width)


def _g1_array(points: Iterable[G1]) -> U64Array:
    return _point_array((p.to_affine() or (0, 0) for p in points), checks.G1_WIDTH)


def _g2_array(points: Iterable[G2]) -> U64Array:
    pairs = (p.to_affine() or ((0, 0), (0, 0)) for p in points)
    return _point_array(((*x, *y) for x, y in pairs), checks.G2_WIDTH)


class ReferenceBackend:
    """`zk.interfaces.Backend` in Python integers."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return "reference"

    def msm_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, checks.G1_WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        terms = map(G1.__rmul__, _g1_points(points), from_array(scalars))
        return _g1_array([reduce(add, terms, G1.identity())]).reshape(-1)

    def msm_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, checks.G2_WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        terms = map(G2.__rmul__, _g2_points(points), from_array(scalars))
        return _g2_array([reduce(add, terms, G2.identity())]).reshape(-1)

    def fixed_base_g1(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        checks.rows(scalars, LIMBS, "scalars")
        point = G1.generator()
        if base is not None:
            point = _g1_points(checks.one_point(base, checks.G1_WIDTH))[0]
        return _g1_array(k * point for k in from_array(scalars))

    def fixed_base_g2(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        checks.rows(scalars, LIMBS, "scalars")
        point = G2.generator()
        if base is not None:
            point = _g2_points(checks.one_point(base, checks.G2_WIDTH))[0]
        return _g2_array(k * point for k in from_array(scalars))

    def ntt(self, values: U64Array, *, inverse: bool = False) -> U64Array:
        """The transform is linear, so Montgomery form passes through it."""
        domain = Domain(1 << checks.domain(values))
        plain = from_array(values)
        return to_array(domain.interpolate(plain) if inverse else domain.evaluate(plain))

    def quotient(self, a: U64Array, b: U64Array) -> U64Array:
        domain = Domain(1 << checks.quotient(a, b))
        values = [from_montgomery(from_array(x), _R) for x in (a, b)]
        values.append([x * y % _R for x, y in zip(*values, strict=True)])
        odd = domain.coset(Domain(2 * domain.size).generator)
        columns = (odd.evaluate(domain.interpolate(v)) for v in values)
        return to_array((x * y - z) % _R for x, y, z in zip(*columns, strict=True))

    def fr_mul(self, a: U64Array, b: U64Array) -> U64Array:
        n, single = checks.factors(a, b)
        right = from_array(b) * n if single else from_array(b)
        products = [x * y for x, y in zip(from_array(a), right, strict=True)]
        return to_array(from_montgomery(products, _R))

    def fr_sub(self, a: U64Array, b: U64Array) -> U64Array:
        n = checks.rows(a, LIMBS, "a")
        checks.rows(b, LIMBS, "b", count=n)
        pairs = zip(from_array(a), from_array(b), strict=True)
        return to_array((x - y) % _R for x, y in pairs)

    def fr_powers(self, base: U64Array, count: int) -> U64Array:
        checks.rows(base, LIMBS, "base", count=1)
        checks.natural(count, "count")
        (b,) = from_montgomery(from_array(base), _R)
        return to_array(to_montgomery([pow(b, i, _R) for i in range(count)], _R))

    def sparse_product(
        self, indptr: U64Array, columns: U64Array, values: U64Array, vector: U64Array
    ) -> U64Array:
        checks.sparse(indptr, columns, values, vector)
        entries, operand = from_array(values), from_array(vector)
        sums = [
            sum(entries[k] * operand[int(columns[k])] for k in range(int(start), int(stop)))
            for start, stop in itertools.pairwise(indptr)
        ]
        return to_array(from_montgomery(sums, _R))

    def sparse_products(self, a: Csr, b: Csr, vector: U64Array) -> tuple[U64Array, U64Array]:
        checks.same_rows(checks.sparse(*a, vector), checks.sparse(*b, vector))
        return self.sparse_product(*a, vector), self.sparse_product(*b, vector)

    def run_tape(self, tape: Tape, inputs: U64Array) -> U64Array:
        checks.rows(inputs, LIMBS, "inputs", count=len(tape.inputs))
        return interpret(tape, inputs)

    def pairing_check(self, g1: U64Array, g2: U64Array) -> bool:
        n = checks.rows(g1, checks.G1_WIDTH, "g1")
        checks.rows(g2, checks.G2_WIDTH, "g2", count=n)
        return pairing_product_is_one(zip(_g1_points(g1), _g2_points(g2), strict=True))

    def in_g2_subgroup(self, points: U64Array) -> bool:
        checks.rows(points, checks.G2_WIDTH, "points")
        return all((_R * point).is_identity() for point in _g2_points(points))

    def first_off_curve_g1(self, points: U64Array) -> int:
        n = checks.rows(points, checks.G1_WIDTH, "points")
        return next((i for i in range(n) if not _is_point(G1, points[i])), n)

    def first_off_curve_g2(self, points: U64Array) -> int:
        n = checks.rows(points, checks.G2_WIDTH, "points")
        return next((i for i in range(n) if not _is_point(G2, points[i])), n)


def _is_point(curve: type[G1] | type[G2], row: U64Array) -> bool:
    stored = from_array(row)
    if max(stored) >= FP.modulus:
        return False
    flat = from_montgomery(stored, FP.modulus)
    if not any(flat):
        return True
    try:
        if curve is G1:
            G1.from_affine((flat[0], flat[1]))
        else:
            G2.from_affine(((flat[0], flat[1]), (flat[2], flat[3])), subgroup=False)
    except NotOnCurve:
        return False
    return True
