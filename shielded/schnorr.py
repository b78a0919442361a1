"""Schnorr signatures on Baby Jubjub.  Rules SH-34, SH-35 (S-21).

    key = [secret]B          k = H("schnorr/nonce", secret, seed, B, key, message), non-zero mod l
    R = [k]B                 c = H("schnorr/challenge", B, R, key, message) mod l
    s = k + c·secret mod l   accept iff s < l, R and key in the subgroup, [s]B = R + [c]key

The base is an argument: B8 under a randomised spending key (auth), R of protocol.md under the sum
of the blindings (delta). All points are checked to lie in the subgroup of prime order, so the
cofactor plays no part and a batch decides as its members do.

The nonce hashes secret, seed *and* the whole message: with the seed alone, signing two messages
under one plan would give the secret away (S-13). Not constant-time.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from shielded import spec
from zk.combinations import combination
from zk.curve import babyjub
from zk.curve.babyjub import B8, IDENTITY, ORDER, Point
from zk.errors import ChiaroError, DecodeError, NonCanonical, WrongLength

SIGNATURE_BYTES: Final = 64
_HALF: Final = 32
_RANDOMIZER_BYTES: Final = 16
_WORTHWHILE: Final = 4
"""Signatures from which on one combined equation is cheaper than each alone."""


class SignatureRefused(ChiaroError):
    """Not a signature by this key over this message.

    Attributes:
        culprits: indices of the bad signatures of a batch; (0,) for a single one.
    """

    code: ClassVar[str] = "SHD-007"
    exit_code: ClassVar[int] = 1
    why = "a message that its key's owner did not sign"

    def __init__(self, message: str, culprits: tuple[int, ...] = (0,)) -> None:
        super().__init__(message, where="signature")
        self.culprits = culprits


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """One thing to verify.

    Attributes:
        key: public key, a point of the subgroup.
        message: what was signed, a digest.
        signature: 64 bytes.
        base: B.
        allow_identity: whether the key may be the identity: so for a balanced action whose blinding
            is zero, where the signature proves that and nothing else.
    """

    key: Point
    message: bytes
    signature: bytes
    base: Point = B8
    allow_identity: bool = False


def sign(secret: int, message: bytes, *, seed: bytes, base: Point = B8) -> bytes:
    """Sign.

    Args:
        secret: discrete logarithm of the key to `base`; reduced mod l.
        message: a digest.
        seed: of the plan; hedges the nonce.
        base: B.

    Returns:
        64 bytes: R encoded, s little-endian.
    """
    secret %= ORDER
    key = babyjub.multiply(secret, base)
    parts = (_scalar_bytes(secret), seed, babyjub.encode(base), babyjub.encode(key), message)
    nonce = _int(spec.expand("schnorr/nonce", *parts)) % (ORDER - 1) + 1
    commitment = babyjub.encode(babyjub.multiply(nonce, base))
    s = (nonce + challenge(base, commitment, key, message) * secret) % ORDER
    return commitment + _scalar_bytes(s)


def challenge(base: Point, commitment: bytes, key: Point, message: bytes) -> int:
    """The challenge c = H("schnorr/challenge", B, R, key, message) mod l."""
    parts = (babyjub.encode(base), commitment, babyjub.encode(key), message)
    return _int(spec.expand("schnorr/challenge", *parts)) % ORDER


def verify(signed: SignedMessage) -> None:
    """Accept iff [s]B = R + [c]key.

    Raises:
        DecodeError: length; s ≥ l; R or key not canonical, off the curve, outside the subgroup; the
            identity where it may not stand.
        SignatureRefused: the equation does not hold.
    """
    commitment, s = _parse(signed)
    c = challenge(signed.base, signed.signature[:_HALF], signed.key, signed.message)
    # [s]B − [c]key, with l − c for −c: the key has order l
    if combination([(s, signed.base), (ORDER - c, signed.key)]) != commitment:
        raise SignatureRefused("the signature's equation does not hold")


def verify_batch(batch: Sequence[SignedMessage]) -> None:
    """Verify many; accepts exactly when `verify` accepts each.  Rule SH-35.

    One equation, Σ zᵢ([sᵢ]Bᵢ − Rᵢ − [cᵢ]keyᵢ) = O, the zᵢ hashed from the whole batch: fixed for a
    given batch, so that nodes agree, and unknown before it is complete, so that errors cannot be
    made to cancel (incident 31). A sum that is not O is followed by single verifications.

    Raises:
        SignatureRefused: `culprits` names every bad one, malformed ones included.
    """
    if len(batch) >= _WORTHWHILE and _combined(batch):
        return
    culprits = tuple(index for index, signed in enumerate(batch) if not _accepts(signed))
    if culprits:
        raise SignatureRefused(f"{len(culprits)} of {len(batch)} signatures are bad", culprits)


def _combined(batch: Sequence[SignedMessage]) -> bool:
    try:
        parsed = [_parse(signed) for signed in batch]
    except DecodeError:
        return False
    challenges = [challenge(m.base, m.signature[:_HALF], m.key, m.message) for m in batch]
    transcript = spec.expand(
        "schnorr/batch",
        *(m.signature + _scalar_bytes(c) for m, c in zip(batch, challenges, strict=True)),
    )
    terms, per_base = list[tuple[int, Point]](), dict[Point, int]()
    for index, (signed, (commitment, s), c) in enumerate(
        zip(batch, parsed, challenges, strict=True)
    ):
        z = _int(spec.expand("schnorr/z", transcript, bytes((index & 255, index >> 8))))
        z = z % (1 << 8 * _RANDOMIZER_BYTES) if index else 1
        per_base[signed.base] = per_base.get(signed.base, 0) + z * s
        terms += [(z, commitment), (z * c % ORDER, signed.key)]
    terms += [(-scalar % ORDER, base) for base, scalar in per_base.items()]
    return combination(terms) == IDENTITY


def _accepts(signed: SignedMessage) -> bool:
    try:
        verify(signed)
    except (DecodeError, SignatureRefused):
        return False
    return True


def _parse(signed: SignedMessage) -> tuple[Point, int]:
    """Everything but the equation."""
    if len(signed.signature) != SIGNATURE_BYTES:
        raise WrongLength(f"a signature has {SIGNATURE_BYTES} bytes", where="signature")
    s = _int(signed.signature[_HALF:])
    if s >= ORDER:
        raise NonCanonical("s is not below the order l", where="signature")
    check_point(signed.key, "key", signed.allow_identity)
    return babyjub.decode(signed.signature[:_HALF], what="R"), s


@functools.lru_cache(maxsize=4096)
def check_point(point: Point, what: str, allow_identity: bool) -> None:
    """`babyjub.check`, remembered: keys are looked at in mempool and block alike."""
    babyjub.check(point, what=what, allow_identity=allow_identity)


def _scalar_bytes(value: int) -> bytes:
    return value.to_bytes(_HALF, "little")


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little")
