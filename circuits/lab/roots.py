"""Roots of polynomials of degree two over Fr, given by three values."""

from __future__ import annotations

from typing import Any, Final

import gmpy2

from circuits.lab.program import R
from zk.field.params import FR
from zk.field.prime import sqrt

_HALF: Final = gmpy2.invert(2, R)


def roots(at_0: Any, at_1: Any, at_2: Any) -> list[Any]:
    """Where the polynomial of degree two with these values at 0, 1, 2 vanishes; none if it is 0."""
    twice = (at_0 - 2 * at_1 + at_2) % R
    square = twice * _HALF % R
    linear = (at_1 - at_0 - square) % R
    if not square:
        return [-at_0 * gmpy2.invert(linear, R) % R] if linear else []
    root = square_root((linear * linear - 4 * square * at_0) % R)
    if root is None:
        return []
    inverse = gmpy2.invert(2 * square, R)
    return sorted({(-linear + root) * inverse % R, (-linear - root) * inverse % R})


def square_root(value: Any) -> Any:
    """A square root, or None where there is none."""
    found = sqrt(int(value), FR)
    return None if found is None else gmpy2.mpz(found)


def other_change(alpha: Any, beta: Any, gamma: Any, left: Any, right: Any) -> Any:
    """The one change ≠ 0 of a wire that a satisfied row a·b = c admits, or None.

    αβ·δ² + (a·β + b·α − γ)·δ = 0 with α, β, γ the wire's coefficients.
    """
    quadratic = alpha * beta % R
    linear = (left * beta + right * alpha - gamma) % R
    return -linear * gmpy2.invert(quadratic, R) % R if quadratic and linear else None
