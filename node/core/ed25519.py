"""Which 32 bytes are an Ed25519 key that this ledger takes, and whether it signed.

Libraries disagree on small-order and non-canonical public keys, and under a small-order key one
signature fits many messages; so both are refused before a library sees them.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
_P: Final = 2**255 - 19
# y-coordinates of the eight points whose order divides 8: 0, 1, −1 and ± the two of order 8.
_ORDER_8: Final = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})


def is_proper(key: bytes) -> bool:
    """32 bytes, a canonical y-coordinate, and not of small order."""
    y = int.from_bytes(key, "little") & ((1 << 255) - 1)
    return len(key) == KEY_BYTES and y < _P and y not in _SMALL_ORDER_Y


def is_signed(key: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether `key`, a proper one, signed exactly this."""
    if not is_proper(key) or len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, digest)
    except (InvalidSignature, ValueError):
        return False
    return True
