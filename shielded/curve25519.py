"""Curve25519 beyond X25519: hashing to it, checking public keys.  Rules SH-43, SH-44.

Curve      v² = u³ + 486662·u² + u over GF(2²⁵⁵ − 19); 8·l points, its twist 4·l'
Hashing    RFC 9380, suite curve25519_XMD:SHA-512_ELL2_NU_ (encode_to_curve), u coordinate only
Checking   X25519 (RFC 7748) accepts every 32 bytes; a published key must be better than that

The u coordinate is all that X25519 uses, so the sign of v is never computed. Not constant-time: it
runs on public values (diversifiers, published keys).
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import gmpy2

from zk.errors import IdentityPoint, NonCanonical, NotInSubgroup, NotOnCurve, WrongLength

P: Final = 2**255 - 19
A: Final = 486662
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
COFACTOR: Final = 8
BYTES: Final = 32

_P: Final = gmpy2.mpz(P)
_ELLIGATOR_Z: Final = 2
_LENGTH: Final = 48
"""RFC 9380's L: ⌈(255 + 128) / 8⌉ bytes reduced modulo p are within 2⁻¹²⁸ of uniform."""


def encode_to_curve(message: bytes, dst: bytes) -> bytes:
    """RFC 9380 §3 `encode_to_curve`: the u coordinate, 32 bytes little-endian.

    Args:
        message: what is hashed.
        dst: domain separation tag, 1 to 255 bytes.

    Raises:
        IdentityPoint: the hash fell on a point of small order (probability about 2⁻²⁵⁰).
    """
    u, w = gmpy2.mpz(_map_to_curve(_hash_to_field(message, dst))), gmpy2.mpz(1)
    for _ in range(3):  # times 8
        u, w = _double(u, w)
    if w == 0:
        raise IdentityPoint("a message hashed to a point of small order", where="curve25519")
    return int(u * gmpy2.invert(w, _P) % _P).to_bytes(BYTES, "little")


def check_public_key(data: bytes, *, what: str = "public key") -> None:
    """Refuse everything but a u coordinate of a point of order l.  Rule SH-44 (S-15).

    Raises:
        WrongLength: not 32 bytes.
        NonCanonical: u ≥ 2²⁵⁵ − 19, the ignored top bit included.
        NotOnCurve: u belongs to the twist.
        IdentityPoint: order 1, 2, 4 or 8: every shared secret would be zero.
        NotInSubgroup: a small-order component: a second key with the same shared secrets.
    """
    if len(data) != BYTES:
        raise WrongLength(f"{what} has {BYTES} bytes, not {len(data)}", where=what)
    u = gmpy2.mpz(int.from_bytes(data, "little"))
    if u >= _P:
        raise NonCanonical(f"{what} is not below 2^255 - 19", where=what)
    if gmpy2.jacobi(_curve_equation(u), _P) < 0:
        raise NotOnCurve(f"{what} lies on the twist of Curve25519", where=what)
    cleared = (u, gmpy2.mpz(1))
    for _ in range(3):
        cleared = _double(*cleared)
    if cleared[1] == 0:
        raise IdentityPoint(f"{what} has small order", where=what)
    if _multiply(ORDER, u)[1] != 0:
        raise NotInSubgroup(f"{what} is outside Curve25519's prime subgroup", where=what)


def expand_message_xmd(message: bytes, dst: bytes, size: int) -> bytes:
    """RFC 9380 §5.3.1 with SHA-512; size up to 255·64 bytes."""
    blocks = -(-size // 64)
    if not 1 <= blocks <= 255 or not 1 <= len(dst) <= 255:
        raise WrongLength("expand_message_xmd: output or tag of an impossible length")
    tag = dst + bytes((len(dst),))
    first = hashlib.sha512(bytes(128) + message + size.to_bytes(2, "big") + b"\0" + tag).digest()
    block = hashlib.sha512(first + b"\x01" + tag).digest()
    out = block
    for index in range(2, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + bytes((index,)) + tag).digest()
        out += block
    return out[:size]


def _hash_to_field(message: bytes, dst: bytes) -> int:
    """RFC 9380 §5.2 for one element."""
    return int.from_bytes(expand_message_xmd(message, dst, _LENGTH), "big") % P


def _map_to_curve(t: int) -> int:
    """Elligator 2 (RFC 9380 §6.7.1), the u coordinate.

    Of u₁ = −A/(1 + 2t²) and u₂ = −A − u₁ exactly one is on the curve: their values of the curve
    equation differ by the non-square factor 2t². Straight hashing to u would hit the twist half
    of the time, and epk = [esk]g would tell which half.
    """
    denominator = (1 + _ELLIGATOR_Z * t * t) % P
    u = -A * pow(denominator, -1, P) % P  # −1/2 is no square: the denominator is never 0
    return u if gmpy2.jacobi(_curve_equation(u), P) >= 0 else (-A - u) % P


def _curve_equation(u: Any) -> Any:
    return (u * u % P * u + A * u * u + u) % P


def _double(u: Any, w: Any) -> tuple[Any, Any]:
    """X-only doubling, projective: u' = (u² − w²)², w' = 4uw(u² + A·uw + w²)."""
    square, other = u * u % _P, w * w % _P
    product = u * w % _P
    difference = square - other
    return difference * difference % _P, 4 * product * (square + A * product + other) % _P


def _multiply(k: int, u: Any) -> tuple[Any, Any]:
    """Montgomery's ladder, projective (U, W); W = 0 is the identity."""
    low, high = (gmpy2.mpz(1), gmpy2.mpz(0)), (u, gmpy2.mpz(1))
    for bit in bin(k)[2:]:
        a, b = low[0] + low[1], low[0] - low[1]
        c, d = high[0] + high[1], high[0] - high[1]
        da, cb = d * a % _P, c * b % _P
        total = (da + cb) * (da + cb) % _P, u * (da - cb) * (da - cb) % _P
        low, high = (_double(*low), total) if bit == "0" else (total, _double(*high))
    return low
