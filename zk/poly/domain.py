"""Radix-2 evaluation domains over a prime field, and the number-theoretic transform on integers.

The domain of size n is H = {ω⁰, …, ω^(n−1)} with ω = root_of_unity^(2^s/n), s the field's
2-adicity: the choice of circom, snarkjs and arkworks for BN254. Its vanishing polynomial is
Z(X) = Xⁿ − 1. The reference; kernels are compared with it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import gmpy2

from zk.errors import ShapeMismatch
from zk.field.params import FR, PrimeFieldParams

_mpz: Final = gmpy2.mpz


@dataclass(frozen=True, slots=True)
class Domain:
    """The multiplicative subgroup of `size` elements, a power of two.

    Values are integers in [0, modulus), in natural order: values[i] belongs to ωⁱ.

    Attributes:
        size: number of points.
        field: the prime field, Fr unless said.
        shift: 1 for H itself; g for the coset g·H.

    Raises:
        ShapeMismatch: the size is no power of two, or above 2^two_adicity.
    """

    size: int
    field: PrimeFieldParams = FR
    shift: int = 1

    def __post_init__(self) -> None:
        if self.size < 1 or self.size & (self.size - 1):
            raise ShapeMismatch(f"a domain's size is a power of two, not {self.size}")
        if self.size > 1 << self.field.two_adicity:
            raise ShapeMismatch(
                f"{self.field.name} has no domain of {self.size} points",
                fix=f"keep the size at 2^{self.field.two_adicity} or below",
            )

    @classmethod
    def at_least(cls, count: int, field: PrimeFieldParams = FR) -> Domain:
        """The smallest domain with `count` points or more, count ≥ 1."""
        return cls(1 << (count - 1).bit_length(), field)

    @property
    def generator(self) -> int:
        """ω, a primitive root of unity of order `size`."""
        p = self.field.modulus
        exponent = (1 << self.field.two_adicity) // self.size
        return pow(self.field.root_of_unity, exponent, p)

    def coset(self, shift: int) -> Domain:
        """shift·H; snarkjs shifts by the primitive root of order 2·size."""
        return Domain(self.size, self.field, shift % self.field.modulus)

    def elements(self) -> list[int]:
        """The points shift·ωⁱ, i = 0 … size − 1."""
        p, w = _mpz(self.field.modulus), self.generator
        points, x = [], _mpz(self.shift)
        for _ in range(self.size):
            points.append(int(x))
            x = x * w % p
        return points

    def evaluate(self, coefficients: Sequence[int]) -> list[int]:
        """f(shift·ωⁱ) for all i; at most `size` coefficients, lowest degree first."""
        p = _mpz(self.field.modulus)
        padded = [_mpz(c) for c in self._fitting(coefficients)]
        padded += [_mpz(0)] * (self.size - len(padded))
        if self.shift != 1:
            padded = _scale_by_powers(padded, self.shift, p)
        return [int(v) for v in _transform(padded, _twiddles(self, inverse=False), p)]

    def interpolate(self, values: Sequence[int]) -> list[int]:
        """The `size` coefficients of the polynomial of degree < size with these values.

        Raises:
            ShapeMismatch: not exactly `size` values.
        """
        if len(values) != self.size:
            raise ShapeMismatch(f"{len(values)} values on a domain of {self.size} points")
        p = _mpz(self.field.modulus)
        result = _transform([_mpz(v) for v in values], _twiddles(self, inverse=True), p)
        scale = gmpy2.invert(self.size, p)
        result = [v * scale % p for v in result]
        if self.shift != 1:
            result = _scale_by_powers(result, gmpy2.invert(self.shift, p), p)
        return [int(v) for v in result]

    def vanishing(self, x: int) -> int:
        """Z(x) = xⁿ − shiftⁿ, zero exactly on the domain."""
        p, n = self.field.modulus, self.size
        return (pow(x, n, p) - pow(self.shift, n, p)) % p

    def lagrange(self, x: int) -> list[int]:
        """[L₀(x), …, L_{n−1}(x)], the values at x of the Lagrange basis of the domain.

        Lᵢ(x) = aᵢ·Z(x) / (n·shiftⁿ·(x − aᵢ)) at the point aᵢ = shift·ωⁱ; a unit vector where x is
        itself a point.
        """
        p = _mpz(self.field.modulus)
        points = self.elements()
        x = x % self.field.modulus
        vanishing = self.vanishing(x)
        if not vanishing:
            return [int(point == x) for point in points]
        scale = vanishing * gmpy2.invert(self.size * gmpy2.powmod(self.shift, self.size, p), p) % p
        inverses = batch_inverse([x - point for point in points], self.field)
        return [
            int(scale * point % p * inverse % p)
            for point, inverse in zip(points, inverses, strict=True)
        ]

    def _fitting(self, coefficients: Sequence[int]) -> Sequence[int]:
        if len(coefficients) > self.size:
            raise ShapeMismatch(
                f"{len(coefficients)} coefficients do not fit a domain of {self.size} points"
            )
        return coefficients


def batch_inverse(values: Sequence[int], field: PrimeFieldParams = FR) -> list[int]:
    """1/v for every v, by one inversion and 3n products (Montgomery's trick).

    Raises:
        ZeroDivisionError: a value is 0.
    """
    p = _mpz(field.modulus)
    prefixes, running = [], _mpz(1)
    for value in values:
        prefixes.append(running)
        running = running * value % p
    inverse = gmpy2.invert(running, p)
    result = [0] * len(values)
    for i in range(len(values) - 1, -1, -1):
        result[i] = int(prefixes[i] * inverse % p)
        inverse = inverse * values[i] % p
    return result


def evaluate_polynomial(coefficients: Sequence[int], x: int, field: PrimeFieldParams = FR) -> int:
    """f(x) by Horner's rule, lowest degree first; the empty polynomial is 0."""
    p = _mpz(field.modulus)
    result = _mpz(0)
    for coefficient in reversed(coefficients):
        result = (result * x + coefficient) % p
    return int(result)


def _scale_by_powers(values: list[Any], base: Any, p: Any) -> list[Any]:
    """values[i]·baseⁱ."""
    scaled, power = [], _mpz(1)
    for value in values:
        scaled.append(value * power % p)
        power = power * base % p
    return scaled


@functools.lru_cache(maxsize=8)
def _twiddles(domain: Domain, *, inverse: bool) -> list[Any]:
    """ω⁰ … ω^(n/2−1), or the powers of 1/ω."""
    p = _mpz(domain.field.modulus)
    w = gmpy2.invert(domain.generator, p) if inverse else _mpz(domain.generator)
    powers, power = [], _mpz(1)
    for _ in range(max(1, domain.size // 2)):
        powers.append(power)
        power = power * w % p
    return powers


def _transform(values: list[Any], twiddles: list[Any], p: Any) -> list[Any]:
    """Cooley–Tukey, decimation in time: bit-reversed order in, then log₂ n layers of butterflies.

    In the layer of blocks of 2m values, (a, b) at distance m becomes (a + τb, a − τb) with
    τ = ω^(j·n/2m).
    """
    n = len(values)
    bits = n.bit_length() - 1
    work = [values[int(f"{i:0{bits}b}"[::-1], 2)] if bits else values[i] for i in range(n)]
    half = 1
    while half < n:
        stride = n // (2 * half)
        for start in range(0, n, 2 * half):
            for j in range(half):
                a = work[start + j]
                b = work[start + j + half] * twiddles[j * stride] % p
                work[start + j] = (a + b) % p
                work[start + j + half] = (a - b) % p
        half *= 2
    return work
