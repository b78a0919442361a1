"""Numbers and points from a seed, as every program of a ceremony must derive them.

A contribution proves that its maker knew the exponent against a point of G2 that is hashed from the
transcript; a beacon's whole contribution follows from public randomness. Both need one rule from 32
bytes to field elements and points, and snarkjs has set it (ffjavascript `chacha.js`, `fromRng`):

    words      the key stream of ChaCha20 (RFC 8439) as u32 little-endian; its key is eight words of
               the seed, each read big-endian; counter and nonce are zero
    u64        two words, the first of them the high one
    element    four u64, the lowest first, cut to 254 bits, drawn again until below the modulus;
               these bits are the element's Montgomery form, R = 2²⁵⁶
    of Fp2     c0, then c1
    point      x, then a word whose lowest bit asks for the larger of ±y; drawn again until y
               exists; in G2 times the cofactor
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from zk.curve.bn254 import G1, G2, G2_COFACTOR, G1Affine, G2Affine
from zk.curve.encoding import is_larger
from zk.field.arrays import from_montgomery
from zk.field.bn254 import Fp
from zk.field.params import FP, FR, PrimeFieldParams
from zk.field.tower import Fp2

SEED_BYTES: Final = 32
MIN_ITERATIONS_EXP: Final = 10
MAX_ITERATIONS_EXP: Final = 63
MAX_BEACON_BYTES: Final = 255

_WORDS: Final = 8
_CHUNK: Final = 1 << 10
_BITS: Final = 254


class Stream:
    """The numbers that follow from a seed; whoever knows the seed knows them all.

    Args:
        seed: at least 32 bytes, of which the first 32 count.
    """

    def __init__(self, seed: bytes) -> None:
        key = b"".join(seed[4 * i : 4 * i + 4][::-1] for i in range(_WORDS))
        self._cipher = Cipher(algorithms.ChaCha20(key, bytes(16)), mode=None).encryptor()
        self._words = self._read()

    def _read(self) -> Iterator[int]:
        while True:
            data = self._cipher.update(bytes(_CHUNK))
            yield from memoryview(data).cast("I")

    def word(self) -> int:
        """The next u32."""
        return next(self._words)

    def _element(self, params: PrimeFieldParams) -> int:
        while True:
            value = 0
            for i in range(4):
                high = self.word()
                value |= (high << 32 | self.word()) << 64 * i
            value &= (1 << _BITS) - 1
            if value < params.modulus:
                return from_montgomery([value], params.modulus)[0]

    def scalar(self) -> int:
        """An element of Fr."""
        return self._element(FR)

    def g1(self) -> G1Affine:
        """A point of G1 whose logarithm nobody knows."""
        while True:
            x, larger = Fp(self._element(FP)), bool(self.word() & 1)
            y = (x.square() * x + G1.b).sqrt()
            if y is not None:
                return int(x), int(y if (int(y) > FP.modulus >> 1) == larger else -y)

    def g2(self) -> G2Affine:
        """A point of G2 whose logarithm nobody knows."""
        while True:
            x = Fp2(self._element(FP), self._element(FP))
            larger = bool(self.word() & 1)
            y = (x.square() * x + G2.b).sqrt()
            if y is not None:
                point = G2.affine(x, y if is_larger(y) == larger else -y)
                return (G2_COFACTOR * point).to_affine()


def hash_to_g2(digest: bytes) -> G2Affine:
    """The point of G2 against which a contribution proves its exponent."""
    return Stream(digest).g2()


def beacon_seed(beacon: bytes, iterations_exp: int) -> bytes:
    """SHA-256 of a beacon, 2^`iterations_exp` times over: slow, so that nobody could choose it."""
    for _ in range(1 << iterations_exp):
        beacon = hashlib.sha256(beacon).digest()
    return beacon
