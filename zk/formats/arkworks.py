"""Keys and proofs as arkworks writes them (`CanonicalSerialize`): Groth16 over BN254.

Numbers are little-endian, 32 bytes; of an element of Fp2, c0 comes first. Two flags stand in a
point's last byte: 0x80 = y is the larger of ±y, 0x40 = infinity. A compressed point is x and the
flags, an uncompressed one x ‖ y and the flags.

    proof            a ‖ b ‖ c                                        128 or 256 bytes
    verifying key    α₁ ‖ β₂ ‖ γ₂ ‖ δ₂ ‖ number u64, IC …

Source: ark-serialize, ark-ec `models/short_weierstrass/serialization_flags.rs`, ark-groth16
`data_structures.rs`. Our own compressed points are these (`zk.curve.encoding`).
"""

from __future__ import annotations

from typing import Final

from zk.curve.bn254 import G1Affine, G2Affine, check_g1, check_g2
from zk.curve.encoding import (
    G1_BYTES,
    G2_BYTES,
    g1_from_bytes,
    g1_to_bytes,
    g2_from_bytes,
    g2_to_bytes,
    is_larger,
)
from zk.errors import FormatError, IdentityPoint, NonCanonical, WrongLength
from zk.field.arrays import BYTES
from zk.field.params import FP
from zk.field.tower import Fp2
from zk.groth16.keys import MAX_PUBLICS, PROOF_BYTES, Proof, VerifyingKey

_LARGER, _INFINITY = 0x80, 0x40
_U64: Final = 8
_HEAD: Final = G1_BYTES + 3 * G2_BYTES


def proof_to_bytes(proof: Proof, *, raw: bool = False) -> bytes:
    """A proof, `serialize_compressed` or `serialize_uncompressed`."""
    if not raw:
        return proof.to_bytes()
    return _g1_raw(proof.a) + _g2_raw(proof.b) + _g1_raw(proof.c)


def proof_from_bytes(data: bytes) -> Proof:
    """The proof of either form; its length tells which.

    Raises:
        WrongLength: neither 128 nor 256 bytes.
        DecodeError: which point, and how it fails.
    """
    if len(data) == PROOF_BYTES:
        return Proof.from_bytes(data)
    if len(data) != 2 * PROOF_BYTES:
        message = f"a proof takes {PROOF_BYTES} or {2 * PROOF_BYTES} bytes, not {len(data)}"
        raise WrongLength(message, where="proof")
    a, b, c = data[: 2 * G1_BYTES], data[2 * G1_BYTES : -2 * G1_BYTES], data[-2 * G1_BYTES :]
    return Proof(_g1_of_raw(a, "proof.a"), _g2_of_raw(b, "proof.b"), _g1_of_raw(c, "proof.c"))


def verifying_key_to_bytes(key: VerifyingKey, *, raw: bool = False) -> bytes:
    """A verifying key, `serialize_compressed` or `serialize_uncompressed`."""
    g1, g2 = (_g1_raw, _g2_raw) if raw else (g1_to_bytes, g2_to_bytes)
    head = g1(key.alpha) + g2(key.beta) + g2(key.gamma) + g2(key.delta)
    return head + len(key.ic).to_bytes(_U64, "little") + b"".join(map(g1, key.ic))


def verifying_key_from_bytes(data: bytes) -> VerifyingKey:
    """The verifying key of either form; its length and number of ICs tell which.

    Raises:
        WrongLength: of no form.
        FormatError: FMT-017, too many public inputs.
        DecodeError: which point, and how it fails.
        UnsafeKey: rule S-11.
    """
    for scale in (1, 2):
        head = scale * _HEAD
        count = int.from_bytes(data[head : head + _U64], "little")
        if len(data) != head + _U64 + scale * count * G1_BYTES:
            continue
        if not 0 < count <= MAX_PUBLICS + 1:
            raise FormatError(f"{count} points of IC", offset=head, code="FMT-017")
        return _key(data, scale, count)
    raise WrongLength("no verifying key of arkworks has this length", where="verifying key")


def _key(data: bytes, scale: int, count: int) -> VerifyingKey:
    one, two, at = scale * G1_BYTES, scale * G2_BYTES, 0

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return data[at - size : at]

    def g1(what: str) -> G1Affine:
        part = take(one)
        return g1_from_bytes(part, what=what) if scale == 1 else _g1_of_raw(part, what)

    def g2(what: str) -> G2Affine:
        part = take(two)
        return g2_from_bytes(part, what=what) if scale == 1 else _g2_of_raw(part, what)

    alpha, beta, gamma, delta = g1("alpha"), g2("beta"), g2("gamma"), g2("delta")
    take(_U64)
    return VerifyingKey(alpha, beta, gamma, delta, tuple(g1(f"IC[{i}]") for i in range(count)))


def _g1_raw(point: G1Affine) -> bytes:
    if point is None:
        return bytes(2 * BYTES - 1) + bytes([_INFINITY])
    x, y = point
    return x.to_bytes(BYTES, "little") + _flagged(y.to_bytes(BYTES, "little"), y > FP.modulus - y)


def _g2_raw(point: G2Affine) -> bytes:
    if point is None:
        return bytes(4 * BYTES - 1) + bytes([_INFINITY])
    (x0, x1), (y0, y1) = point
    x = x0.to_bytes(BYTES, "little") + x1.to_bytes(BYTES, "little")
    y = y0.to_bytes(BYTES, "little") + y1.to_bytes(BYTES, "little")
    return x + _flagged(y, is_larger(Fp2(y0, y1)))


def _flagged(data: bytes, larger: bool) -> bytes:
    return data[:-1] + bytes([data[-1] | (_LARGER if larger else 0)])


def _numbers(data: bytes, what: str) -> list[int]:
    """The coordinates of an uncompressed point, flags off.

    Raises:
        IdentityPoint, NonCanonical.
    """
    flags = data[-1] & (_LARGER | _INFINITY)
    if flags & _INFINITY:
        if flags != _INFINITY or any(data[:-1]) or data[-1] != _INFINITY:
            raise NonCanonical(f"{what} is infinity with other bits set", where=what)
        raise IdentityPoint(f"{what} is the point at infinity", where=what)
    plain = data[:-1] + bytes([data[-1] & ~_LARGER & 0xFF])
    return [int.from_bytes(plain[i : i + BYTES], "little") for i in range(0, len(plain), BYTES)]


def _g1_of_raw(data: bytes, what: str) -> G1Affine:
    x, y = _numbers(data, what)
    check_g1((x, y), what=what)
    _check_flag(data, y > FP.modulus - y, what)
    return x, y


def _g2_of_raw(data: bytes, what: str) -> G2Affine:
    x0, x1, y0, y1 = _numbers(data, what)
    point = ((x0, x1), (y0, y1))
    check_g2(point, what=what)
    _check_flag(data, is_larger(Fp2(y0, y1)), what)
    return point


def _check_flag(data: bytes, larger: bool, what: str) -> None:
    if bool(data[-1] & _LARGER) != larger:
        raise NonCanonical(f"{what} has a flag that its y contradicts", where=what)
