"""Lagrange bases in the groups: an inverse transform whose values are points.

With v the powers of τ, Lᵢ(τ) = 1/n·Σ ω^(−ij)·vⱼ, for numbers and for points alike. A layer of the
transform is a sparse matrix times points, radix 4 where it fits: four terms share their doublings.
2^14 points of G1 take some ten seconds on one processor.

Whoever is given bases checks them by one random combination: Σ rⱼ·τʲ = Σ (NTT r)ᵢ·Lᵢ(τ).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from zk.field.arrays import U64Array
from zk.field.params import FR
from zk.groth16.ceremony.errors import CeremonyError
from zk.groth16.ceremony.powers import PowersOfTau
from zk.groth16.ceremony.ratio import random_weights
from zk.groth16.points import G2_WIDTH
from zk.groth16.qap import R_SQUARED, montgomery, root_of_unity, standard
from zk.interfaces import Backend, Csr

_Indices = npt.NDArray[np.int64]

SECTIONS = {
    12: ("g1", "tau_g1"),
    13: ("g2", "tau_g2"),
    14: ("alpha_g1", "alpha_g1"),
    15: ("beta_g1", "beta_g1"),
}
"""Bases of a file and the powers that they follow from."""


def lagrange_points(
    powers: U64Array, backend: Backend, progress: Callable[[float], None] | None = None
) -> U64Array:
    """The basis of as many elements as there are powers.

    Args:
        powers: `[n, 8]` or `[n, 16]`: τ⁰ … τ^(n−1), all times one factor; n a power of two.
        backend: what computes.
        progress: called with the share done.
    """
    report = progress or (lambda _share: None)
    n = len(powers)
    product = backend.sparse_points_g2 if powers.shape[1] == G2_WIDTH else backend.sparse_points_g1
    radices = _radices(n)
    points = np.ascontiguousarray(powers[_arrangement(n, radices)])
    for index, layer in enumerate(_layers(n, radices, backend)):
        report(index / len(radices))
        points = product(layer, points)
    report(1.0)
    return points


def _radices(n: int) -> list[int]:
    log = n.bit_length() - 1
    return [2] * (log % 2) + [4] * (log // 2)


def _arrangement(n: int, radices: list[int]) -> _Indices:
    """Where each input goes so that all layers combine neighbours."""
    order = np.arange(n)
    blocks = [order]
    for radix in reversed(radices):
        blocks = [block[start::radix] for block in blocks for start in range(radix)]
    return np.concatenate(blocks)


def _layers(n: int, radices: list[int], backend: Backend) -> Iterator[Csr]:
    """Matrices of the layers; the last one divides by n."""
    root = pow(root_of_unity(n), -1, FR.modulus)
    roots = backend.fr_powers(montgomery(root), n)
    plain = backend.fr_mul(roots, standard(1))
    shared = backend.fr_mul(roots, standard(pow(n, -1, FR.modulus)))
    rows = np.arange(n)
    size = 1
    for number, radix in enumerate(radices):
        step, size = size, size * radix
        start, within = rows - rows % size, rows % size
        terms = np.arange(radix)
        columns = (start + within % step)[:, None] + terms * step
        exponents = within[:, None] * terms * (n // size) % n
        values = (shared if number == len(radices) - 1 else plain)[exponents.reshape(-1)]
        indptr = np.arange(n + 1, dtype=np.uint64) * np.uint64(radix)
        yield indptr, columns.reshape(-1).astype(np.uint64), np.ascontiguousarray(values)


def verify_lagrange(powers: PowersOfTau, backend: Backend) -> None:
    """That the bases of a first phase follow from its powers.

    Raises:
        CeremonyError: CER-025, names the section and the size.
    """
    if powers.lagrange is None:
        return
    for section, (name, source) in SECTIONS.items():
        bases, points = getattr(powers.lagrange, name), getattr(powers, source)
        msm = backend.msm_g2 if points.shape[1] == G2_WIDTH else backend.msm_g1
        for log in range(powers.power + (2 if section == 12 else 1)):
            n = 1 << log
            weights = random_weights(n)
            weights[len(points) :] = 0  # beyond the powers of the file
            left = msm(np.ascontiguousarray(points[:n]), weights[: len(points)])
            transformed = backend.fr_mul(
                backend.ntt(backend.fr_mul(weights, R_SQUARED)), standard(1)
            )
            right = msm(np.ascontiguousarray(bases[n - 1 : 2 * n - 1]), transformed)
            if not np.array_equal(left, right):
                where = f"section {section}, 2^{log} elements"
                raise CeremonyError("CER-025", "the basis does not follow", where=where)
