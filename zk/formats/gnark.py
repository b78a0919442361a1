"""Keys and proofs as gnark writes them (`WriteTo`, and `WriteRawTo`): Groth16 over BN254.

Numbers are big-endian, 32 bytes; of an element of Fp2, c1 comes first. The top two bits of the
first byte of a point say how it is written:

    00   x ‖ y, uncompressed; infinity is all zero
    10   x, and y is the smaller of ±y        11   x, and y is the larger
    01   infinity, compressed: every other bit is 0

    proof            Ar ‖ Bs ‖ Krs ‖ commitments u32, points of G1 ‖ proof of knowledge, G1
    verifying key    α₁ ‖ β₁ ‖ β₂ ‖ γ₂ ‖ δ₁ ‖ δ₂ ‖ number u32, K … ‖ committed wires u32, lists
                     ‖ commitment keys u32, keys

Source: gnark `backend/groth16/bn254/marshal.go`, gnark-crypto `ecc/bn254/marshal.go`. The order is
the code's: its comments name Krs before Bs. gnark commits to wires inside a proof (an extension of
Groth16); such keys and proofs are refused, since their equation is another.

A file has one form throughout, compressed or raw; older versions of gnark end a proof after Krs and
a key after K, and both ends are read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from zk.curve.bn254 import G1, G2, G1Affine, G2Affine
from zk.curve.encoding import (
    g1_from_evm,
    g1_to_evm,
    g1_with_x,
    g2_from_evm,
    g2_to_evm,
    g2_with_x,
    is_larger,
)
from zk.curve.pairing import pairing_product_is_one
from zk.errors import FormatError, IdentityPoint, NonCanonical, UnsafeKey
from zk.field.arrays import BYTES
from zk.field.params import FP
from zk.field.tower import Fp2
from zk.groth16.keys import MAX_PUBLICS, Proof, VerifyingKey

_FLAGS: Final = 0b11 << 6
_RAW, _INFINITY, _SMALLER, _LARGER = 0b00 << 6, 0b01 << 6, 0b10 << 6, 0b11 << 6
_U32: Final = 4

_Point = TypeVar("_Point", G1Affine, G2Affine)


def proof_to_bytes(proof: Proof, *, raw: bool = False) -> bytes:
    """A proof as `WriteTo` (164 bytes), or `WriteRawTo` (324 bytes), has it."""
    none = _g1_bytes(None, raw=raw)
    points = (_g1_bytes(proof.a, raw=raw), _g2_bytes(proof.b, raw=raw), _g1_bytes(proof.c, raw=raw))
    return b"".join((*points, bytes(_U32), none))


def proof_from_bytes(data: bytes) -> Proof:
    """The proof of either form.

    Raises:
        FormatError: FMT-012 too short, FMT-018 bytes left over, FMT-031 a commitment, FMT-032
            another form than the file's first point.
        DecodeError: which point, and how it fails.
    """
    reader = _Reader(data, "proof")
    a, b, c = reader.g1("Ar"), reader.g2("Bs"), reader.g1("Krs")
    if not reader.done:
        if reader.u32("number of commitments"):
            raise reader.error("FMT-031", "the proof commits to wires")
        reader.infinity("proof of knowledge")
    reader.end()
    return Proof(a, b, c)


def verifying_key_to_bytes(
    key: VerifyingKey, beta_g1: G1Affine, delta_g1: G1Affine, *, raw: bool = False
) -> bytes:
    """A verifying key as `WriteTo`, or `WriteRawTo`, has it.

    Args:
        key: the key.
        beta_g1: β in G1, which only the proving key has.
        delta_g1: δ in G1, too.
        raw: uncompressed points.

    Raises:
        UnsafeKey: β or δ is another value in G1 than in G2.
    """
    _same_in_both_groups(key, beta_g1, delta_g1)
    g1, g2 = _g1_bytes, _g2_bytes
    return b"".join(
        (
            g1(key.alpha, raw=raw),
            g1(beta_g1, raw=raw),
            g2(key.beta, raw=raw),
            g2(key.gamma, raw=raw),
            g1(delta_g1, raw=raw),
            g2(key.delta, raw=raw),
            len(key.ic).to_bytes(_U32, "big"),
            *(g1(point, raw=raw) for point in key.ic),
            bytes(2 * _U32),
        )
    )


def verifying_key_from_bytes(data: bytes) -> VerifyingKey:
    """The verifying key of either form; β and δ are compared in both groups.

    Raises:
        FormatError: FMT-012, FMT-017, FMT-018, FMT-031 or FMT-032.
        DecodeError: which point, and how it fails.
        UnsafeKey: rule S-11, or β or δ is another value in G1 than in G2.
    """
    reader = _Reader(data, "verifying key")
    alpha, beta_g1, beta = reader.g1("alpha"), reader.g1("beta in G1"), reader.g2("beta")
    gamma, delta_g1, delta = reader.g2("gamma"), reader.g1("delta in G1"), reader.g2("delta")
    count = reader.u32("number of K")
    if not 0 < count <= min(MAX_PUBLICS + 1, reader.left // BYTES):
        raise reader.error("FMT-017", f"{count} points of K")
    ic = tuple(reader.g1(f"K[{i}]") for i in range(count))
    if not reader.done and (reader.u32("committed wires") or reader.u32("commitment keys")):
        raise reader.error("FMT-031", "proofs under this key commit to wires")
    reader.end()
    key = VerifyingKey(alpha, beta, gamma, delta, ic)
    _same_in_both_groups(key, beta_g1, delta_g1)
    return key


def _same_in_both_groups(key: VerifyingKey, beta: G1Affine, delta: G1Affine) -> None:
    for name, one, two in (("beta", beta, key.beta), ("delta", delta, key.delta)):
        left = (-G1.from_affine(one), G2.generator())
        if not pairing_product_is_one((left, (G1.generator(), G2.from_affine(two)))):
            raise UnsafeKey(f"{name} is another value in G1 than in G2", where=name)


def _g1_bytes(point: G1Affine, *, raw: bool) -> bytes:
    if raw:
        return g1_to_evm(point)
    if point is None:
        return bytes([_INFINITY]) + bytes(BYTES - 1)
    x, y = point
    return _flagged(x.to_bytes(BYTES, "big"), larger=y > FP.modulus - y)


def _g2_bytes(point: G2Affine, *, raw: bool) -> bytes:
    if raw:
        return g2_to_evm(point)
    if point is None:
        return bytes([_INFINITY]) + bytes(2 * BYTES - 1)
    (x0, x1), y = point
    data = x1.to_bytes(BYTES, "big") + x0.to_bytes(BYTES, "big")
    return _flagged(data, larger=is_larger(Fp2(*y)))


def _flagged(data: bytes, *, larger: bool) -> bytes:
    return bytes([data[0] | (_LARGER if larger else _SMALLER)]) + data[1:]


class _Reader:
    """A position in a file, and the one form that its points have."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what
        self._raw: bool | None = None

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    @property
    def done(self) -> bool:
        return self.left == 0

    def error(self, code: str, message: str) -> FormatError:
        return FormatError(message, offset=self._at, where=self._what, code=code)

    def end(self) -> None:
        if not self.done:
            raise self.error("FMT-018", "bytes follow the last point")

    def u32(self, what: str) -> int:
        return int.from_bytes(self._take(_U32, what), "big")

    def g1(self, what: str) -> G1Affine:
        return self._point(what, BYTES, g1_from_evm, _g1_compressed)

    def g2(self, what: str) -> G2Affine:
        return self._point(what, 2 * BYTES, g2_from_evm, _g2_compressed)

    def infinity(self, what: str) -> None:
        """The neutral element of G1, which stands where nothing was committed to."""
        data = self._take(2 * BYTES if self._raw else BYTES, what)
        if data != _g1_bytes(None, raw=bool(self._raw)):
            raise self.error("FMT-031", f"{what} is not the neutral element")

    def _point(
        self,
        what: str,
        size: int,
        read_raw: Callable[..., _Point],
        read_compressed: Callable[[bytes, str], _Point],
    ) -> _Point:
        if self.done:
            raise self.error("FMT-012", f"the file ends before {what}")
        raw = not self._data[self._at] & _FLAGS
        if self._raw is None:
            self._raw = raw
        if self._raw != raw:
            raise self.error("FMT-032", f"{what} is written in another form than the first point")
        data = self._take(2 * size if raw else size, what)
        return read_raw(data, what=what) if raw else read_compressed(data, what)

    def _take(self, size: int, what: str) -> bytes:
        if self.left < size:
            raise self.error("FMT-012", f"the file ends inside {what}")
        data = self._data[self._at : self._at + size]
        self._at += size
        return bytes(data)


def _g1_compressed(data: bytes, what: str) -> G1Affine:
    number, larger = _unflagged(data, what)
    return g1_with_x(number, larger=larger, what=what)


def _g2_compressed(data: bytes, what: str) -> G2Affine:
    x1, larger = _unflagged(data[:BYTES], what)
    return g2_with_x((int.from_bytes(data[BYTES:], "big"), x1), larger=larger, what=what)


def _unflagged(data: bytes, what: str) -> tuple[int, bool]:
    flags = data[0] & _FLAGS
    if flags == _INFINITY:
        if any(data[1:]) or data[0] != _INFINITY:
            raise NonCanonical(f"{what} is infinity with other bits set", where=what)
        raise IdentityPoint(f"{what} is the point at infinity", where=what)
    return int.from_bytes(bytes([data[0] & ~_FLAGS]) + data[1:], "big"), flags == _LARGER
