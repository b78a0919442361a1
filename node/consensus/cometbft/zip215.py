"""Ed25519 as CometBFT verifies it: ZIP 215, which takes more signatures than RFC 8032's libraries.

    8·s·B = 8·R + 8·k·A,   k = SHA-512(R ‖ A ‖ message)          s below the order of B

R may have a part of small order, and another encoding than the usual one. Who knows the key can
make such signatures: CometBFT counts them, and without the factor 8 they are none. So a validator
could vote twice and not be convicted, or have blocks that no light client takes. What the quick way
(`node.core.ed25519`) takes this takes as well; it costs some hundred times as much.
"""

from __future__ import annotations

import hashlib
from typing import Final

from node.core.ed25519 import SIGNATURE_BYTES, is_proper, is_signed
from zk.curve.edwards import IDENTITY, EdwardsCurve, EdwardsParams, Point
from zk.field.params import PrimeFieldParams

_FIELD: Final = PrimeFieldParams("2^255 - 19", 2**255 - 19, generator=2, two_adicity=2)
_P: Final = _FIELD.modulus
PARAMS: Final = EdwardsParams(
    name="edwards25519",
    field=_FIELD,
    a=_P - 1,
    d=-121665 * pow(121666, -1, _P) % _P,
    order=2**252 + 27742317777372353535851937790883648493,
    cofactor=8,
    generator=(
        15112221349535400772501151409588531511454012693041857206046113283949847762202,
        46316835694926478169428394003475163141307993866256225615783033603165251855960,
    ),
)
CURVE: Final = EdwardsCurve(PARAMS)
_BASE: Final = Point(*PARAMS.generator)
_SIGN: Final = 1 << 255


def is_counted(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether CometBFT takes this for the signature of `key`, a proper one, over `message`."""
    if is_signed(key, message, signature):
        return True
    if not is_proper(key) or len(signature) != SIGNATURE_BYTES:
        return False
    scalar = int.from_bytes(signature[32:], "little")
    public, commitment = _point(key), _point(signature[:32])
    if scalar >= PARAMS.order or public is None or commitment is None:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    challenge = int.from_bytes(digest, "little") % PARAMS.order
    signed = CURVE.multiply(scalar, _BASE)
    due = CURVE.add(commitment, CURVE.multiply(challenge, public))
    return CURVE.multiply(PARAMS.cofactor, CURVE.add(signed, CURVE.negate(due))) == IDENTITY


def _point(data: bytes) -> Point | None:
    """Of 32 bytes; ZIP 215 takes a y beyond the modulus, and a sign of x = 0."""
    number = int.from_bytes(data, "little")
    y = (number & (_SIGN - 1)) % _P
    x = CURVE.x_from_y(y)
    if x is None:
        return None
    return Point(-x % _P if x % 2 != number >> 255 else x, y)
