"""The backend in plain integers: what the compiled ones must agree with, bit for bit.

Textbook algorithms on GMP integers: affine chords and tangents, double-and-add, the recursive
transform. Meant to be read and for small inputs (n ≤ 64 in the tests).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import gmpy2

from zk.backends import checks
from zk.field.arrays import (
    LIMBS,
    U64Array,
    from_array,
    from_montgomery,
    to_array,
    to_montgomery,
)
from zk.field.params import FP, FR

_P: Final = gmpy2.mpz(FP.modulus)
_R: Final = gmpy2.mpz(FR.modulus)

Coordinate = Any  # mpz on G1; a pair of them, c0 + c1·u, on G2
Affine = tuple[Coordinate, Coordinate] | None  # None is infinity


@dataclass(frozen=True, slots=True)
class _Curve:
    """y² = x³ + b in affine coordinates over a field given by its three operations."""

    sub: Callable[[Coordinate, Coordinate], Coordinate]
    mul: Callable[[Coordinate, Coordinate], Coordinate]
    inverse: Callable[[Coordinate], Coordinate]
    zero: Coordinate

    def negate(self, p: Affine) -> Affine:
        return None if p is None else (p[0], self.sub(self.zero, p[1]))

    def add(self, p: Affine, q: Affine) -> Affine:
        """Chord and tangent, every case."""
        if p is None:
            return q
        if q is None:
            return p
        (x1, y1), (x2, y2) = p, q
        if x1 == x2:
            if y1 != y2 or y1 == self.zero:
                return None
            square = self.mul(x1, x1)
            rise = self.sub(square, self.sub(self.sub(self.zero, square), square))  # 3x²
            run = self.sub(y1, self.sub(self.zero, y1))  # 2y
        else:
            rise, run = self.sub(y2, y1), self.sub(x2, x1)
        slope = self.mul(rise, self.inverse(run))
        x3 = self.sub(self.sub(self.mul(slope, slope), x1), x2)
        return x3, self.sub(self.mul(slope, self.sub(x1, x3)), y1)

    def multiply(self, k: int, p: Affine) -> Affine:
        total: Affine = None
        for bit in bin(k)[2:]:
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, p)
        return total

    def msm(self, points: Iterable[Affine], scalars: Iterable[int]) -> Affine:
        total: Affine = None
        for point, k in zip(points, scalars, strict=True):
            total = self.add(total, self.multiply(k, point))
        return total


def _fp2_mul(a: Coordinate, b: Coordinate) -> Coordinate:
    """(a0 + a1·u)(b0 + b1·u) with u² = −1."""
    return ((a[0] * b[0] - a[1] * b[1]) % _P, (a[0] * b[1] + a[1] * b[0]) % _P)


def _fp2_inverse(a: Coordinate) -> Coordinate:
    """1/(a0 + a1·u) = (a0 − a1·u)/(a0² + a1²)."""
    norm = gmpy2.invert(a[0] * a[0] + a[1] * a[1], _P)
    return (a[0] * norm % _P, -a[1] * norm % _P)


_G1: Final = _Curve(
    sub=lambda a, b: (a - b) % _P,
    mul=lambda a, b: a * b % _P,
    inverse=lambda a: gmpy2.invert(a, _P),
    zero=gmpy2.mpz(0),
)
_G2: Final = _Curve(
    sub=lambda a, b: ((a[0] - b[0]) % _P, (a[1] - b[1]) % _P),
    mul=_fp2_mul,
    inverse=_fp2_inverse,
    zero=(gmpy2.mpz(0), gmpy2.mpz(0)),
)
G1_GENERATOR: Final = (1, 2)
G2_GENERATOR: Final = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


def _g1_points(array: U64Array) -> list[Affine]:
    flat = [gmpy2.mpz(v) for v in from_montgomery(from_array(array), FP.modulus)]
    pairs = zip(flat[0::2], flat[1::2], strict=True)
    return [None if x == 0 and y == 0 else (x, y) for x, y in pairs]


def _g2_points(array: U64Array) -> list[Affine]:
    flat = [gmpy2.mpz(v) for v in from_montgomery(from_array(array), FP.modulus)]
    rows = [flat[i : i + 4] for i in range(0, len(flat), 4)]
    return [None if not any(row) else ((row[0], row[1]), (row[2], row[3])) for row in rows]


def _g1_array(points: Iterable[Affine]) -> U64Array:
    flat = [c for p in points for c in ((0, 0) if p is None else p)]
    return to_array(to_montgomery(flat, FP.modulus)).reshape(-1, checks.G1_WIDTH)


def _g2_array(points: Iterable[Affine]) -> U64Array:
    flat = [c for p in points for c in ((0,) * 4 if p is None else (*p[0], *p[1]))]
    return to_array(to_montgomery(flat, FP.modulus)).reshape(-1, checks.G2_WIDTH)


def _transform(values: list[int], root: int) -> list[int]:
    """Recursive radix-2: even and odd halves at the square of the root."""
    n = len(values)
    if n == 1:
        return values
    even = _transform(values[0::2], root * root % _R)
    odd = _transform(values[1::2], root * root % _R)
    out = [0] * n
    power = gmpy2.mpz(1)
    for i in range(n // 2):
        twisted = power * odd[i] % _R
        out[i], out[i + n // 2] = (even[i] + twisted) % _R, (even[i] - twisted) % _R
        power = power * root % _R
    return out


class ReferenceBackend:
    """`zk.interfaces.Backend` in Python integers."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return "reference"

    def msm_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, checks.G1_WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        return _g1_array([_G1.msm(_g1_points(points), from_array(scalars))]).reshape(-1)

    def msm_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(points, checks.G2_WIDTH, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        return _g2_array([_G2.msm(_g2_points(points), from_array(scalars))]).reshape(-1)

    def fixed_base_g1(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        checks.rows(scalars, LIMBS, "scalars")
        point: Affine = G1_GENERATOR
        if base is not None:
            point = _g1_points(checks.one_point(base, checks.G1_WIDTH))[0]
        return _g1_array(_G1.multiply(k, point) for k in from_array(scalars))

    def fixed_base_g2(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        checks.rows(scalars, LIMBS, "scalars")
        point: Affine = G2_GENERATOR
        if base is not None:
            point = _g2_points(checks.one_point(base, checks.G2_WIDTH))[0]
        return _g2_array(_G2.multiply(k, point) for k in from_array(scalars))

    def ntt(self, values: U64Array, *, inverse: bool = False) -> U64Array:
        log = checks.domain(values)
        root = gmpy2.powmod(FR.root_of_unity, 1 << (FR.two_adicity - log), _R)
        if inverse:
            root = gmpy2.invert(root, _R)
        out = _transform([gmpy2.mpz(v) for v in from_array(values)], root)
        if inverse:
            share = gmpy2.invert(1 << log, _R)
            out = [v * share % _R for v in out]
        return to_array(out)

    def fr_mul(self, a: U64Array, b: U64Array) -> U64Array:
        n, single = checks.factors(a, b)
        right = from_array(b) * n if single else from_array(b)
        products = [x * y for x, y in zip(from_array(a), right, strict=True)]
        return to_array(from_montgomery(products, FR.modulus))

    def fr_sub(self, a: U64Array, b: U64Array) -> U64Array:
        n = checks.rows(a, LIMBS, "a")
        checks.rows(b, LIMBS, "b", count=n)
        pairs = zip(from_array(a), from_array(b), strict=True)
        return to_array((x - y) % FR.modulus for x, y in pairs)

    def fr_powers(self, base: U64Array, count: int) -> U64Array:
        checks.rows(base, LIMBS, "base", count=1)
        checks.natural(count, "count")
        (b,) = from_montgomery(from_array(base), FR.modulus)
        powers, value = [], 1
        for _ in range(count):
            powers.append(value)
            value = value * b % FR.modulus
        return to_array(to_montgomery(powers, FR.modulus))

    def sparse_product(
        self, indptr: U64Array, columns: U64Array, values: U64Array, vector: U64Array
    ) -> U64Array:
        checks.sparse(indptr, columns, values, vector)
        entries, operand = from_array(values), from_array(vector)
        sums = [
            sum(entries[k] * operand[int(columns[k])] for k in range(int(start), int(stop)))
            for start, stop in itertools.pairwise(indptr)
        ]
        return to_array(from_montgomery(sums, FR.modulus))

    def pairing_check(self, g1: U64Array, g2: U64Array) -> bool:
        n = checks.rows(g1, checks.G1_WIDTH, "g1")
        checks.rows(g2, checks.G2_WIDTH, "g2", count=n)
        from py_ecc.fields import optimized_bn128_FQ as FQ
        from py_ecc.fields import optimized_bn128_FQ2 as FQ2
        from py_ecc.fields import optimized_bn128_FQ12 as FQ12
        from py_ecc.optimized_bn128.optimized_pairing import pairing

        product = FQ12.one()
        for p, q in zip(_g1_points(g1), _g2_points(g2), strict=True):
            if p is None or q is None:
                continue
            left = (FQ(int(p[0])), FQ(int(p[1])), FQ(1))
            right = (FQ2([int(c) for c in q[0]]), FQ2([int(c) for c in q[1]]), FQ2.one())
            product = product * pairing(right, left)
        return bool(product == FQ12.one())

    def in_g2_subgroup(self, points: U64Array) -> bool:
        checks.rows(points, checks.G2_WIDTH, "points")
        return all(_G2.multiply(FR.modulus, p) is None for p in _g2_points(points))
