"""Hashing to G1 of BN254: RFC 9380, suite BN254G1_XMD:SHA-256_SVDW_RO_.

    u₀, u₁ = hash_to_field(message)             expand_message_xmd with SHA-256, L = 48
    P      = map(u₀) + map(u₁)                  Shallue–van de Woestijne with Z = 1; cofactor 1

The map for curves with a ≠ 0 (SSWU) does not apply to y² = x³ + 3. Nobody learns the logarithm of a
point that is made so; vectors of gnark-crypto, which has the same suite, are in the tests. Used
for public names only, so it need not be constant-time.
"""

from __future__ import annotations

import hashlib
from typing import Final

from zk.curve.bn254 import G1, G1Affine
from zk.errors import WrongLength
from zk.field.params import FP
from zk.field.prime import is_square, sqrt

_P: Final = FP.modulus
_B: Final = 3
_Z: Final = 1
_L: Final = 48
_BLOCK: Final = 64
_DIGEST: Final = 32
_MAX_TAG: Final = 255


def _g(x: int) -> int:
    return (x * x * x + _B) % _P


def _constant_c3() -> int:
    root = sqrt(-_g(_Z) * 3 * _Z * _Z % _P, FP) or 0  # Z = 1 meets RFC 9380, H.1: there is one
    return root if root % 2 == 0 else _P - root


_C1: Final = _g(_Z)
_C2: Final = -_Z * pow(2, -1, _P) % _P
_C3: Final = _constant_c3()
_C4: Final = -4 * _g(_Z) * pow(3 * _Z * _Z, -1, _P) % _P


def hash_to_g1(message: bytes, tag: bytes) -> G1Affine:
    """A point that is uniform for a random oracle; its logarithm is unknown.

    Args:
        message: what is hashed.
        tag: domain separation, 1 to 255 bytes.

    Raises:
        WrongLength: the tag's length.
    """
    u0, u1 = hash_to_field(message, tag)
    total = G1.from_affine(map_to_curve(u0)) + G1.from_affine(map_to_curve(u1))
    return total.to_affine()


def hash_to_field(message: bytes, tag: bytes) -> tuple[int, int]:
    """Two elements of Fp (RFC 9380, 5.2)."""
    data = expand_message(message, tag, 2 * _L)
    first, second = (int.from_bytes(part, "big") % _P for part in (data[:_L], data[_L:]))
    return first, second


def expand_message(message: bytes, tag: bytes, length: int) -> bytes:
    """expand_message_xmd with SHA-256 (RFC 9380, 5.3.1)."""
    if not 0 < len(tag) <= _MAX_TAG:
        raise WrongLength(f"a tag has 1 to {_MAX_TAG} bytes, not {len(tag)}", where="tag")
    blocks = -(-length // _DIGEST)
    suffix = tag + bytes([len(tag)])
    head = bytes(_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + suffix
    first = hashlib.sha256(head).digest()
    parts = [hashlib.sha256(first + b"\1" + suffix).digest()]
    while len(parts) < blocks:
        mixed = bytes(a ^ b for a, b in zip(first, parts[-1], strict=True))
        parts.append(hashlib.sha256(mixed + bytes([len(parts) + 1]) + suffix).digest())
    return b"".join(parts)[:length]


def map_to_curve(u: int) -> G1Affine:
    """Shallue–van de Woestijne, straight-line (RFC 9380, F.1)."""
    first = u * u % _P * _C1 % _P
    second = (1 + first) % _P
    first = (1 - first) % _P
    product = first * second % _P
    inverse = pow(product, -1, _P) if product else 0
    step = u * first % _P * inverse % _P * _C3 % _P
    x1, x2 = (_C2 - step) % _P, (_C2 + step) % _P
    x3 = (pow(second * second * inverse, 2, _P) * _C4 + _Z) % _P
    x = next(x for x in (x1, x2, x3) if is_square(_g(x), FP))
    y = sqrt(_g(x), FP) or 0
    return x, y if y % 2 == u % 2 else _P - y
