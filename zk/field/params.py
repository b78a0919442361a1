"""BN254 (also alt_bn128, bn256): the fields of the curve of EIP-196 and EIP-197.

Seed       x  = 4965661367192848881
Fp         p  = 36x⁴ + 36x³ + 24x² + 6x + 1        coordinates of points
Fr         r  = 36x⁴ + 36x³ + 18x² + 6x + 1        scalars, circuit values; domains up to 2²⁸
Security   about 100 bits (Barbulescu–Duquesne 2017): chosen for interoperability, not for margin.
Beware     libff's `bn128` and halo2curves' `bn256` are not interchangeable with it in encodings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from zk.errors import ParamsError

SEED: Final = 4965661367192848881


@dataclass(frozen=True, slots=True)
class PrimeFieldParams:
    """A prime field as data. `check()` confirms what the literals claim; a test calls it.

    Attributes:
        name: symbol used in messages.
        modulus: the prime.
        generator: a multiplicative generator, hence a quadratic non-residue.
        two_adicity: largest s with 2ˢ dividing modulus − 1.
    """

    name: str
    modulus: int
    generator: int
    two_adicity: int

    @property
    def root_of_unity(self) -> int:
        """Primitive 2^two_adicity-th root of unity, generator^((p−1)/2ˢ)."""
        return pow(self.generator, (self.modulus - 1) >> self.two_adicity, self.modulus)

    def check(self) -> None:
        """Confirm primality, 2-adicity, and that the generator is a non-residue.

        Raises:
            ParamsError: names what does not hold.
        """
        import gmpy2

        p, s = self.modulus, self.two_adicity
        claims = {
            "the modulus is prime": bool(gmpy2.is_prime(p, 40)),
            "2ˢ is the largest power of two dividing p − 1": (p - 1) % 2 ** (s + 1) == 2**s,
            "the generator is a non-residue": pow(self.generator, (p - 1) // 2, p) == p - 1,
        }
        for claim, holds in claims.items():
            if not holds:
                raise ParamsError(f"{self.name}: it is not true that {claim}")


FP: Final = PrimeFieldParams(
    name="Fp",
    modulus=36 * SEED**4 + 36 * SEED**3 + 24 * SEED**2 + 6 * SEED + 1,
    generator=3,
    two_adicity=1,
)
FR: Final = PrimeFieldParams(
    name="Fr",
    modulus=36 * SEED**4 + 36 * SEED**3 + 18 * SEED**2 + 6 * SEED + 1,
    generator=5,
    two_adicity=28,
)
