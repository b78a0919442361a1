"""BN254 as the kernels need it; the kernels are a leaf and derive it from the curve's seed.

`zk.field.params` states the same primes for everyone else; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SEED: Final = 4965661367192848881
LIMB_BITS: Final = 64
MONTGOMERY_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class Modulus:
    """A prime below 2²⁵⁴ with what Montgomery reduction by R = 2²⁵⁶ needs.

    Attributes:
        prefix: start of the names of this field's functions in the IR.
        value: the prime.
    """

    prefix: str
    value: int

    @property
    def n0(self) -> int:
        """−1/value mod 2⁶⁴."""
        return -pow(self.value, -1, 1 << LIMB_BITS) % (1 << LIMB_BITS)

    def mont(self, x: int) -> int:
        """x·R mod value: the Montgomery form of a constant."""
        return (x << MONTGOMERY_BITS) % self.value


FP: Final = Modulus("fp", 36 * SEED**4 + 36 * SEED**3 + 24 * SEED**2 + 6 * SEED + 1)
FR: Final = Modulus("fr", 36 * SEED**4 + 36 * SEED**3 + 18 * SEED**2 + 6 * SEED + 1)
FR_GENERATOR: Final = 5
FR_TWO_ADICITY: Final = 28
TWIST_XI: Final = (9, 1)
"""ξ = 9 + u: the twist is y² = x³ + 3/ξ, and Fp6 = Fp2[v]/(v³ − ξ)."""
