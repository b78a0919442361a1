"""The two prime fields of BN254 as element classes; `zk.field.params` has their numbers."""

from __future__ import annotations

from zk.field.params import FP, FR
from zk.field.prime import PrimeElement


class Fp(PrimeElement):
    """Base field: coordinates of G1."""

    __slots__ = ()
    params = FP


class Fr(PrimeElement):
    """Scalar field: circuit values, and coordinates of Baby Jubjub."""

    __slots__ = ()
    params = FR
