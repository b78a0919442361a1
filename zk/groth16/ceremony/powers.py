"""Powers of τ, the first phase of a ceremony: any circuit up to a size can start from them.

    τⁱ in G1, i < 2N − 1 · τⁱ in G2, i < N · α·τⁱ and β·τⁱ in G1, i < N · β in G2        N = 2^power

A file cut to a smaller power than its ceremony's keeps the ceremony's contributions, whose hashes
cover more points than are left; what those hashes would show can be checked on the whole file only.

Lagrange bases (values at τ of the Lagrange polynomials on domains of all sizes) may follow; they
are computed from the powers, so they are checked against them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from zk.errors import ParamsError
from zk.field.arrays import LIMBS, U64Array
from zk.field.params import FP
from zk.groth16.points import G1_WIDTH, G2_WIDTH
from zk.interfaces import Backend

MAX_POWER = 28
_HASH_ROWS = 1 << 15
_HALF = np.frombuffer(((FP.modulus - 1) // 2).to_bytes(32, "big"), dtype=">u8")


@dataclass(frozen=True, slots=True, eq=False)
class LagrangeBases:
    """Values at τ of the Lagrange polynomials of the domains of 1, 2, 4, … elements, in groups.

    The basis of 2^p elements starts at row 2^p − 1.

    Attributes:
        g1: `[2^(power+2) − 1, 8]`: up to 2^(power+1) elements.
        g2: `[2^(power+1) − 1, 16]`.
        alpha_g1: `[2^(power+1) − 1, 8]`.
        beta_g1: the same for β.
    """

    g1: U64Array
    g2: U64Array
    alpha_g1: U64Array
    beta_g1: U64Array


@dataclass(frozen=True, slots=True, eq=False)
class PowersOfTau:
    """A first phase.

    Attributes:
        power: log₂ of N.
        ceremony_power: that of the whole ceremony.
        tau_g1: `[2N − 1, 8]`.
        tau_g2: `[N, 16]`.
        alpha_g1: `[N, 8]`.
        beta_g1: `[N, 8]`.
        beta_g2: `[1, 16]`.
        contributions: as encoded in section 7, with their number.
        lagrange: bases that follow from the powers, where the file has them.

    Raises:
        ParamsError: parts of other shapes.
    """

    power: int
    ceremony_power: int
    tau_g1: U64Array
    tau_g2: U64Array
    alpha_g1: U64Array
    beta_g1: U64Array
    beta_g2: U64Array
    contributions: bytes
    lagrange: LagrangeBases | None = None

    def __post_init__(self) -> None:
        n = self.size
        shapes = (
            (self.tau_g1, (2 * n - 1, G1_WIDTH)),
            (self.tau_g2, (n, G2_WIDTH)),
            (self.alpha_g1, (n, G1_WIDTH)),
            (self.beta_g1, (n, G1_WIDTH)),
            (self.beta_g2, (1, G2_WIDTH)),
        )
        if not 0 < self.power <= self.ceremony_power <= MAX_POWER:
            raise ParamsError(f"powers of tau of 2^{self.power} elements")
        if any(array.shape != shape for array, shape in shapes):
            raise ParamsError("powers of tau whose parts do not fit together")

    @property
    def size(self) -> int:
        """N."""
        return 1 << self.power

    @property
    def whole(self) -> bool:
        """Whether these are all powers of the ceremony."""
        return self.power == self.ceremony_power

    def with_contributions(self, contributions: bytes) -> PowersOfTau:
        """The same powers with other contributions."""
        return replace(self, contributions=contributions)

    def parts(self) -> tuple[U64Array, ...]:
        """The five arrays, in the order in which they are hashed."""
        return self.tau_g1, self.tau_g2, self.alpha_g1, self.beta_g1, self.beta_g2


def hash_compressed(powers: PowersOfTau, start: bytes, end: bytes, backend: Backend) -> bytes:
    """BLAKE2b-512 of a challenge, all points compressed, and a public key: a response."""
    hasher = hashlib.blake2b(start)
    for part in powers.parts():
        for at in range(0, len(part), _HASH_ROWS):
            hasher.update(compressed(part[at : at + _HASH_ROWS], backend))
    hasher.update(end)
    return hasher.digest()


def uncompressed(rows: U64Array, backend: Backend) -> bytes:
    """Coordinates big-endian, c1 before c0, infinity all zero: 64 or 128 bytes a point."""
    return _words(rows, backend).astype(">u8").tobytes()


def compressed(rows: U64Array, backend: Backend) -> bytes:
    """The x of each point, with 0x80 in its first byte where y is the larger of ±y."""
    words = _words(rows, backend)
    n, half = len(words), words.shape[1] // 2
    x, y = words[:, :half].copy(), words[:, half:]
    larger = _above_half(y[:, :LIMBS])
    if half == 2 * LIMBS:  # by c1, then by c0
        larger = np.where(y[:, :LIMBS].any(axis=1), larger, _above_half(y[:, LIMBS:]))
    x[:, 0] |= larger.astype(np.uint64) << np.uint64(63)
    return x.astype(">u8").tobytes() if n else b""


def _words(rows: U64Array, backend: Backend) -> U64Array:
    """Standard form, most significant word first, c1 before c0."""
    flat = backend.fp_standard(np.ascontiguousarray(rows).reshape(-1, LIMBS))[:, ::-1]
    if rows.shape[-1] == G2_WIDTH:
        flat = flat.reshape(-1, 2, LIMBS)[:, ::-1]
    return np.ascontiguousarray(flat).reshape(len(rows), -1)


def _above_half(values: U64Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """`[n, 4]`, most significant word first, against (q − 1)/2."""
    above = np.zeros(len(values), np.bool_)
    equal = np.ones(len(values), np.bool_)
    for word, limit in enumerate(_HALF.tolist()):
        column = values[:, word]
        above |= equal & (column > limit)
        equal &= column == limit
    return above


def hash_uncompressed(powers: PowersOfTau, start: bytes, backend: Backend) -> bytes:
    """BLAKE2b-512 of 64 bytes and all points: the challenge to the next contributor."""
    hasher = hashlib.blake2b(start)
    for part in powers.parts():
        for at in range(0, len(part), _HASH_ROWS):
            hasher.update(uncompressed(part[at : at + _HASH_ROWS], backend))
    return hasher.digest()


def first_challenge(power: int, backend: Backend) -> bytes:
    """The challenge to the first contributor: every secret is still one."""
    one = np.array([[1, 0, 0, 0]], dtype=np.uint64)
    g1 = uncompressed(backend.fixed_base_g1(one), backend)
    g2 = uncompressed(backend.fixed_base_g2(one), backend)
    n = 1 << power
    hasher = hashlib.blake2b(hashlib.blake2b().digest())
    for point, count in ((g1, 2 * n - 1), (g2, n), (g1, 2 * n), (g2, 1)):
        chunk = point * min(count, _HASH_ROWS)
        for _ in range(count // _HASH_ROWS):
            hasher.update(chunk)
        hasher.update(point * (count % _HASH_ROWS))
    return hasher.digest()
