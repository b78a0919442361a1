"""Signatures that CometBFT takes and libraries of RFC 8032 do not: R has a part of small order."""

from __future__ import annotations

import hashlib
from typing import Final

from node.consensus.cometbft.zip215 import CURVE, PARAMS
from node.core.ed25519 import KEY_BYTES
from zk.curve.edwards import Point

_Y: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL: Final = Point(CURVE.x_from_y(_Y) or 0, _Y)
"""Of order 8."""
_BASE: Final = Point(*PARAMS.generator)


def encoded(point: Point) -> bytes:
    """32 bytes."""
    return (point.y | (point.x & 1) << 255).to_bytes(KEY_BYTES, "little")


def sign(seed: bytes, message: bytes, times: int = 1) -> bytes:
    """By the key of a seed, with `times` the point of order 8 in R; 0: as everybody signs."""
    _, prefix = _expanded(seed)
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % PARAMS.order
    begun = CURVE.add(CURVE.multiply(nonce, _BASE), CURVE.multiply(times, SMALL))
    return answer(seed, message, encoded(begun), nonce)


def answer(seed: bytes, message: bytes, start: bytes, nonce: int = 0) -> bytes:
    """The signature that begins with `start`: nonce·B, but for a part of small order."""
    secret, _ = _expanded(seed)
    public = encoded(CURVE.multiply(secret, _BASE))
    digest = hashlib.sha512(start + public + message).digest()
    challenge = int.from_bytes(digest, "little") % PARAMS.order
    return start + ((nonce + challenge * secret) % PARAMS.order).to_bytes(KEY_BYTES, "little")


def _expanded(seed: bytes) -> tuple[int, bytes]:
    """Secret scalar, and what nonces are made of (RFC 8032)."""
    hashed = hashlib.sha512(seed).digest()
    half = bytearray(hashed[:KEY_BYTES])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    return int.from_bytes(half, "little"), hashed[KEY_BYTES:]
