"""Whether a batch of products is right, at the price of a few: the sacrifice.  Rule PV-15 (P2-4).

Given shares of aₖ, bₖ, cₖ, k = 1 … m. A coin ρ, unknown while these were chosen, folds them into
q rows of w = ⌈m/q⌉:

    Fₗ(j) = ρᵏ·aₖ      Gₗ(j) = bₖ      H(j) = Σₗ ρᵏ·cₖ        k = (j − 1)·w + l,   j = 1 … q

A row 0 of random values is added, which is what is sacrificed. Fₗ and Gₗ are the polynomials of
degree q through rows 0 … q. H = Σₗ Fₗ·Gₗ has degree 2q; its values at 0 and q + 1 … 2q are the
only products that are multiplied for the check. Then a second coin ζ: Fₗ(ζ), Gₗ(ζ), H(ζ) are
opened, which the random row hides, and H(ζ) = Σₗ Fₗ(ζ)·Gₗ(ζ) is what must hold.

If a cₖ is wrong, H(j) differs from the product for some j but for m of the ρ; then the two sides
are different polynomials of degree 2q, and agree for 2q of the ζ: at most (m + 2q)/r in all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from private_exec.mpc import vectors
from private_exec.sharing import lagrange
from zk.field.arrays import LIMBS, U64Array

ROWS: Final = 16
"""q: the opening has 2/q values for each product, the folding costs 2q multiplications for each."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Rows 0 … 2q of F and G, and rows 1 … q of H, as shares of one member; prints none.

    Attributes:
        left: F, `[2q + 1, w, 4]`.
        right: G.
        known: H(1) … H(q), `[q, 4]`.
    """

    left: U64Array = field(repr=False)
    right: U64Array = field(repr=False)
    known: U64Array = field(repr=False)

    @property
    def products(self) -> U64Array:
        """Σₗ Fₗ(j)·Gₗ(j) at 0 and q + 1 … 2q: `[q + 1, 4]`, of degree 2t."""
        rows = (0, *range(ROWS + 1, 2 * ROWS + 1))
        return np.concatenate([row_sum(vectors.mul(self.left[j], self.right[j])) for j in rows])

    def at(self, zeta: int, sums: U64Array) -> U64Array:
        """F(ζ), G(ζ), H(ζ), `[2w + 1, 4]`, given H at 0 and q + 1 … 2q."""
        low = lagrange(range(ROWS + 1), zeta)
        high = lagrange(range(2 * ROWS + 1), zeta)
        values = np.concatenate([sums[:1], self.known, sums[1:]])
        weights = vectors.vec(high)
        return np.concatenate(
            [
                vectors.combine(low, list(self.left[: ROWS + 1])),
                vectors.combine(low, list(self.right[: ROWS + 1])),
                row_sum(vectors.mul(weights, values)),
            ]
        )


def width(count: int) -> int:
    """W, of a check of `count` products."""
    return -(-count // ROWS)


def drawn(count: int) -> int:
    """Random values that a check takes: two rows of w, and q + 1 that hide the products."""
    return 2 * width(count) + ROWS + 1


def row_sum(row: U64Array) -> U64Array:
    """The sum of a vector, as a vector of one."""
    return vectors.vec([vectors.total(row)])


def fold(a: U64Array, b: U64Array, c: U64Array, rho: int, random: U64Array) -> Folded:
    """Rows of F, G and H.

    Args:
        a: shares of the left factors, `[m, 4]`.
        b: of the right ones.
        c: of what their products are said to be.
        rho: the first coin.
        random: the two rows 0, `[2w, 4]`.
    """
    wide = width(len(a))
    weights = vectors.powers(rho, len(a))
    left = _rows(vectors.mul(weights, a), random[:wide])
    right = _rows(b, random[wide:])
    known = _rows(vectors.mul(weights, c), vectors.zeros(wide))[1 : ROWS + 1]
    return Folded(_extended(left), _extended(right), np.concatenate([row_sum(r) for r in known]))


def _rows(vector: U64Array, first: U64Array) -> U64Array:
    """`first`, then the vector cut into q rows, zeros behind its end."""
    padded = np.zeros((ROWS * len(first), LIMBS), dtype=np.uint64)
    padded[: len(vector)] = vector
    return np.concatenate([first[None], padded.reshape(ROWS, len(first), LIMBS)])


def _extended(rows: U64Array) -> U64Array:
    """Rows 0 … q of polynomials of degree q, and rows q + 1 … 2q behind them."""
    points = range(ROWS + 1)
    matrix = [lagrange(points, j) for j in range(ROWS + 1, 2 * ROWS + 1)]
    return np.concatenate([rows, vectors.combinations(matrix, list(rows))])


def coin(value: int) -> int:
    """ζ: the coin, moved off the points where a row lies open."""
    return value if value > 2 * ROWS else value + 2 * ROWS + 1


def holds(opened: U64Array) -> bool:
    """Whether Σₗ Fₗ(ζ)·Gₗ(ζ) = H(ζ)."""
    wide = len(opened) // 2
    return (
        vectors.total(vectors.mul(opened[:wide], opened[wide : 2 * wide]))
        == vectors.ints(opened[2 * wide :])[0]
    )
