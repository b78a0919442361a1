"""The backend in plain integers: what the compiled ones must agree with, bit for bit.

It only translates arrays to the reference mathematics of `zk.curve` and `zk.poly` and back. Meant
to be read, and for small inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from typing import Final, TypeVar

from zk.backends import checks
from zk.backends.pairing_reference import ReferencePairings
from zk.backends.rows import g1_array, g1_points, g2_array, g2_points
from zk.curve import babyjub
from zk.curve.bn254 import G1, G2
from zk.curve.pairing import pairing_product_is_one
from zk.errors import NotOnCurve
from zk.field.arrays import (
    LIMBS,
    WIDE_WEIGHT_BITS,
    U64Array,
    from_array,
    from_montgomery,
    to_array,
    to_montgomery,
    wide_integers,
)
from zk.field.params import FP, FR
from zk.hash.poseidon import poseidon
from zk.interfaces import Csr
from zk.poly.domain import Domain
from zk.r1cs.tape import Tape
from zk.r1cs.tape_reference import interpret

_R: Final = FR.modulus

_Point = TypeVar("_Point", G1, G2)


class ReferenceBackend(ReferencePairings):
    """`zk.interfaces.Backend` in Python integers."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return "reference"

    @property
    def threads(self) -> int:
        return 1

    def msm_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, checks.G1_WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        terms = map(G1.__rmul__, g1_points(points), from_array(scalars))
        return g1_array([reduce(add, terms, G1.identity())]).reshape(-1)

    def msm_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, checks.G2_WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        terms = map(G2.__rmul__, g2_points(points), from_array(scalars))
        return g2_array([reduce(add, terms, G2.identity())]).reshape(-1)

    def fixed_base_g1(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        checks.rows(scalars, LIMBS, "scalars")
        point = G1.generator()
        if base is not None:
            point = g1_points(checks.one_point(base, checks.G1_WIDTH))[0]
        return g1_array(k * point for k in from_array(scalars))

    def fixed_base_g2(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        checks.rows(scalars, LIMBS, "scalars")
        point = G2.generator()
        if base is not None:
            point = g2_points(checks.one_point(base, checks.G2_WIDTH))[0]
        return g2_array(k * point for k in from_array(scalars))

    def scale_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.scaled(points, checks.G1_WIDTH, scalars)
        factors = from_array(scalars) * (n if len(scalars) == 1 else 1)
        return g1_array(k * p for k, p in zip(factors, g1_points(points), strict=True))

    def scale_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.scaled(points, checks.G2_WIDTH, scalars)
        factors = from_array(scalars) * (n if len(scalars) == 1 else 1)
        return g2_array(k * p for k, p in zip(factors, g2_points(points), strict=True))

    def sparse_points_g1(self, matrix: Csr, points: U64Array) -> U64Array:
        checks.sparse_points(matrix, points, checks.G1_WIDTH)
        return g1_array(_combinations(matrix, g1_points(points), G1.identity()))

    def sparse_points_g2(self, matrix: Csr, points: U64Array) -> U64Array:
        checks.sparse_points(matrix, points, checks.G2_WIDTH)
        return g2_array(_combinations(matrix, g2_points(points), G2.identity()))

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

    def fp_standard(self, values: U64Array) -> U64Array:
        checks.rows(values, LIMBS, "values")
        return to_array(from_montgomery(from_array(values), FP.modulus))

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

    def fr_add(self, a: U64Array, b: U64Array) -> U64Array:
        n, single = checks.factors(a, b)
        right = from_array(b) * n if single else from_array(b)
        return to_array((x + y) % _R for x, y in zip(from_array(a), right, strict=True))

    def fr_product(self, a: U64Array, b: U64Array) -> U64Array:
        n, single = checks.factors(a, b)
        right = from_array(b) * n if single else from_array(b)
        return to_array(x * y % _R for x, y in zip(from_array(a), right, strict=True))

    def fr_combine(self, weights: U64Array, rows: Sequence[U64Array]) -> U64Array:
        sums, terms, n = checks.combined(weights, rows)
        columns = list(zip(*(from_array(row) for row in rows), strict=True))
        factors = from_montgomery(from_array(weights.reshape(-1, LIMBS)), _R)
        out = [
            sum(w * x for w, x in zip(factors[q * terms : (q + 1) * terms], column, strict=True))
            for q in range(sums)
            for column in columns
        ]
        return to_array(x % _R for x in out).reshape(sums, n, LIMBS)

    def fr_combine_wide(self, weights: U64Array, rows: U64Array) -> U64Array:
        terms, each, n = checks.combined_wide(weights, rows)
        factors = from_array(weights.reshape(-1, LIMBS))
        values = wide_integers(rows)
        back = pow(1 << WIDE_WEIGHT_BITS, -1, _R)
        sums = (
            sum(
                factors[k * each + j] * values[(k * n + i) * each + j]
                for k in range(terms)
                for j in range(each)
            )
            for i in range(n)
        )
        return to_array(x * back % _R for x in sums)

    def fr_inverse(self, a: U64Array) -> U64Array:
        checks.invertible(a)
        return to_array(pow(x, -1, _R) for x in from_array(a))

    def fr_raise(self, a: U64Array, exponent: int) -> U64Array:
        checks.rows(a, LIMBS, "a")
        checks.natural(exponent, "exponent")
        plain = from_montgomery(from_array(a), _R)
        return to_array(to_montgomery([pow(x, exponent, _R) for x in plain], _R))

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

    def poseidon(self, tag: int, inputs: U64Array) -> U64Array:
        n, k = checks.hashed(tag, inputs)
        values = from_array(inputs.reshape(n * k, LIMBS))
        return to_array(poseidon(tag, values[i : i + k]) for i in range(0, n * k, k))

    def babyjub_sum(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, 2 * LIMBS, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        flat = from_array(points.reshape(2 * n, LIMBS))
        total = babyjub.IDENTITY
        for scalar, x, y in zip(from_array(scalars), flat[::2], flat[1::2], strict=True):
            total = babyjub.add(total, babyjub.multiply(scalar, babyjub.Point(x, y)))
        return to_array(total).reshape(-1)

    def pairing_check(self, g1: U64Array, g2: U64Array) -> bool:
        n = checks.rows(g1, checks.G1_WIDTH, "g1")
        checks.rows(g2, checks.G2_WIDTH, "g2", count=n)
        return pairing_product_is_one(zip(g1_points(g1), g2_points(g2), strict=True))

    def in_g2_subgroup(self, points: U64Array) -> bool:
        checks.rows(points, checks.G2_WIDTH, "points")
        return all((_R * point).is_identity() for point in g2_points(points))

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


def _combinations(matrix: Csr, points: list[_Point], zero: _Point) -> Iterator[_Point]:
    """Each row's sum of multiples."""
    indptr, columns = matrix[0].tolist(), matrix[1].tolist()
    values = from_array(matrix[2])
    for begin, end in itertools.pairwise(indptr):
        terms = (values[t] * points[columns[t]] for t in range(begin, end))
        yield reduce(add, terms, zero)
