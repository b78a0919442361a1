"""Points of BN254 as bytes: two formats, one encoding for each point, strict decoding.

Compressed     x little-endian, c0 before c1; two flags in the last byte: 0x80 = y is the larger of
               ±y, 0x40 = infinity (then every other bit is 0). 32 bytes for G1, 64 for G2. The
               larger of two Fp2 values is the one with the larger c1, then c0. As arkworks does.
Uncompressed   x ‖ y big-endian, c1 before c0; infinity is all zero. 64 and 128 bytes, as in EIP-196
               and EIP-197.

Decoding always checks the curve, and for G2 the subgroup. Every refusal has its own error. Both
formats refuse infinity unless the caller allows it.
"""

from __future__ import annotations

from typing import Final

from zk.curve.bn254 import G1, G2, G1Affine, G2Affine, check_g1, check_g2
from zk.errors import IdentityPoint, NonCanonical, NotInSubgroup, NotOnCurve, WrongLength
from zk.field.arrays import BYTES
from zk.field.bn254 import Fp
from zk.field.params import FP
from zk.field.tower import Fp2

G1_BYTES: Final = BYTES
G2_BYTES: Final = 2 * BYTES
G1_EVM_BYTES: Final = 2 * BYTES
G2_EVM_BYTES: Final = 4 * BYTES

_P: Final = FP.modulus
_LARGER: Final = 0x80
_INFINITY: Final = 0x40


def g1_to_bytes(point: G1Affine) -> bytes:
    """32 bytes, compressed."""
    if point is None:
        return bytes(G1_BYTES - 1) + bytes([_INFINITY])
    x, y = point
    return _with_flag(x.to_bytes(BYTES, "little"), larger=y > _P - y)


def g1_from_bytes(data: bytes, *, what: str = "point", allow_identity: bool = False) -> G1Affine:
    """The point that encodes to these 32 bytes.

    Raises:
        WrongLength: not 32 bytes.
        IdentityPoint: infinity, where it may not stand.
        NonCanonical: x ≥ p, or flags that no encoder sets.
        NotOnCurve: no y for this x.
    """
    _require_length(data, G1_BYTES, what)
    if _is_infinity(data, what, allow_identity):
        return None
    x, larger = _without_flag(data)
    return g1_with_x(int.from_bytes(x, "little"), larger=larger, what=what)


def g1_with_x(x: int, *, larger: bool, what: str = "point") -> G1Affine:
    """The point with this x whose y is the larger, or the smaller, of ±y.

    Raises:
        NonCanonical: x ≥ p.
        NotOnCurve: no y for this x.
    """
    value = _coordinate(x, what)
    root = (value.square() * value + G1.b).sqrt()
    if root is None:
        raise NotOnCurve(f"{what} is not on BN254's G1", where=what)
    y = int(-root if larger else root)  # the root is the smaller; y = 0 does not occur: r is odd
    return x, y


def g2_to_bytes(point: G2Affine) -> bytes:
    """64 bytes, compressed."""
    if point is None:
        return bytes(G2_BYTES - 1) + bytes([_INFINITY])
    (x0, x1), y = point
    data = x0.to_bytes(BYTES, "little") + x1.to_bytes(BYTES, "little")
    return _with_flag(data, larger=is_larger(Fp2(*y)))


def g2_from_bytes(
    data: bytes, *, what: str = "point", allow_identity: bool = False, order: bool = True
) -> G2Affine:
    """The point of G2 that encodes to these 64 bytes.

    Args:
        data: compressed.
        what: names the point in errors.
        allow_identity: whether infinity may stand here.
        order: check that the point has order r; without it, whoever uses the point must.

    Raises:
        WrongLength: not 64 bytes.
        IdentityPoint: infinity, where it may not stand.
        NonCanonical: a coefficient of x ≥ p, or flags that no encoder sets.
        NotOnCurve: no y for this x.
        NotInSubgroup: on the twist, not of order r.
    """
    _require_length(data, G2_BYTES, what)
    if _is_infinity(data, what, allow_identity):
        return None
    x1, larger = _without_flag(data[BYTES:])
    numbers = (int.from_bytes(data[:BYTES], "little"), int.from_bytes(x1, "little"))
    return g2_with_x(numbers, larger=larger, what=what, order=order)


def g2_with_x(
    numbers: tuple[int, int], *, larger: bool, what: str = "point", order: bool = True
) -> G2Affine:
    """The point of G2 with this x whose y is the larger, or the smaller, of ±y.

    `order` as in `g2_from_bytes`.

    Raises:
        NonCanonical: a coefficient of x ≥ p.
        NotOnCurve: no y for this x.
        NotInSubgroup: on the twist, not of order r.
    """
    x = Fp2(*(int(_coordinate(number, what)) for number in numbers))
    y = (x.square() * x + G2.b).sqrt()
    if y is None:
        raise NotOnCurve(f"{what} is not on BN254's twist", where=what)
    if is_larger(y) != larger:
        y = -y  # y = 0 does not occur: the twist has an odd number of points, (2p − r)·r
    if order and not G2.affine(x, y).in_subgroup():
        raise NotInSubgroup(f"{what} is outside BN254's G2", where=what)
    return x.to_ints(), y.to_ints()


def g1_to_evm(point: G1Affine) -> bytes:
    """64 bytes as EIP-196 has them."""
    x, y = point or (0, 0)
    return x.to_bytes(BYTES, "big") + y.to_bytes(BYTES, "big")


def g1_from_evm(data: bytes, *, what: str = "point", allow_identity: bool = False) -> G1Affine:
    """The point of EIP-196's 64 bytes.

    Raises:
        WrongLength: not 64 bytes.
        IdentityPoint: infinity, where it may not stand.
        NonCanonical: a coordinate ≥ p.
        NotOnCurve: y² ≠ x³ + 3.
    """
    _require_length(data, G1_EVM_BYTES, what)
    x, y = _big_endian(data)
    point = (x, y) if x or y else None
    check_g1(point, what=what, allow_identity=allow_identity)
    return point


def g2_to_evm(point: G2Affine) -> bytes:
    """128 bytes as EIP-197 has them: x.c1, x.c0, y.c1, y.c0."""
    (x0, x1), (y0, y1) = point or ((0, 0), (0, 0))
    return b"".join(value.to_bytes(BYTES, "big") for value in (x1, x0, y1, y0))


def g2_from_evm(data: bytes, *, what: str = "point", allow_identity: bool = False) -> G2Affine:
    """The point of EIP-197's 128 bytes.

    Raises:
        WrongLength: not 128 bytes.
        IdentityPoint: infinity, where it may not stand.
        NonCanonical: a coefficient ≥ p.
        NotOnCurve: not on the twist.
        NotInSubgroup: on the twist, not of order r.
    """
    _require_length(data, G2_EVM_BYTES, what)
    x1, x0, y1, y0 = _big_endian(data)
    point = ((x0, x1), (y0, y1)) if any((x0, x1, y0, y1)) else None
    check_g2(point, what=what, allow_identity=allow_identity)
    return point


def _require_length(data: bytes, length: int, what: str) -> None:
    if len(data) != length:
        raise WrongLength(f"{what} takes {length} bytes, not {len(data)}", where=what)


def _is_infinity(data: bytes, what: str, allow_identity: bool) -> bool:
    if not data[-1] & _INFINITY:
        return False
    if data[-1] != _INFINITY or any(data[:-1]):
        raise NonCanonical(f"{what} is infinity with other bits set", where=what)
    if not allow_identity:
        raise IdentityPoint(f"{what} is the point at infinity", where=what)
    return True


def _with_flag(data: bytes, *, larger: bool) -> bytes:
    return data[:-1] + bytes([data[-1] | _LARGER]) if larger else data


def _without_flag(data: bytes) -> tuple[bytes, bool]:
    return data[:-1] + bytes([data[-1] & ~_LARGER & 0xFF]), bool(data[-1] & _LARGER)


def _coordinate(value: int, what: str) -> Fp:
    if value >= _P:
        raise NonCanonical(f"a coordinate of {what} is not below p", where=what)
    return Fp(value)


def is_larger(y: Fp2) -> bool:
    """Whether y > −y: by c1, then by c0."""
    decisive = y.c1 or y.c0
    return bool(decisive > _P >> 1)


def _big_endian(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + BYTES], "big") for i in range(0, len(data), BYTES)]
