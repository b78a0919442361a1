"""Baby Jubjub: the twisted Edwards curve over BN254's Fr of ERC-2494, as circomlib uses it.

Curve      168700·x² + y² = 1 + 168696·x²·y²       8·l points, l prime
Points     affine pairs of integers in [0, r); the neutral element is (0, 1)
Encoding   32 bytes: y little-endian, top bit set iff x > (r − 1)/2 (circomlibjs `packPoint`)
Beware     ERC-2494 and circomlib: a = 168700. Others rescale x to a = 1 or −1, another encoding.
           Keys and published points must be checked (`check`, `decode`): cofactor 8.

Not constant-time.
"""

from __future__ import annotations

import functools
from typing import Final

import gmpy2

from zk.curve.edwards import IDENTITY, EdwardsCurve, EdwardsParams, Point
from zk.errors import IdentityPoint, NonCanonical, NotInSubgroup, NotOnCurve, WrongLength
from zk.field.hashing import hash_to_fr
from zk.field.params import FR

__all__ = ["IDENTITY", "Point"]

PARAMS: Final = EdwardsParams(
    name="Baby Jubjub",
    field=FR,
    a=168700,
    d=168696,
    order=2736030358979909402780800718157159386076813972158567259200215660948447373041,
    cofactor=8,
    generator=(
        5299619240641551281634865583518297030282874472190772894086521144482721001553,
        16950150798460657717958625567821834550301663161624707787222815936182638968203,
    ),
)
A: Final = PARAMS.a
D: Final = PARAMS.d
ORDER: Final = PARAMS.order
COFACTOR: Final = PARAMS.cofactor
B8: Final = Point(*PARAMS.generator)
"""Base point: ERC-2494's generator of the whole group, times 8."""
GENERATOR: Final = Point(
    995203441582195749578291179787384436505546430278305826713579947235728471134,
    5472060717959818805561601436314318772137091100104008585924551046643952123905,
)
"""ERC-2494's generator of the whole group."""

# The birationally equivalent Montgomery curve B·v² = u³ + A·u² + u:
# A = 2(a + d)/(a − d), B = 4/(a − d).
MONT_A: Final = 168698
MONT_B: Final = 1

BYTES: Final = 32

_R: Final = FR.modulus
_CURVE: Final = EdwardsCurve(PARAMS)
_SIGN: Final = 1 << 255


def add(p: Point, q: Point) -> Point:
    """The sum; the law is complete, so p = ±q and the identity need no care."""
    return _CURVE.add(p, q)


def negate(p: Point) -> Point:
    """−p = (−x, y)."""
    return _CURVE.negate(p)


def double(p: Point) -> Point:
    """[2]p."""
    return _CURVE.add(p, p)


def multiply(k: int, p: Point) -> Point:
    """[k]p for any integer k; p on the curve, of any order. Variable time."""
    return _CURVE.multiply(k, p)


def is_on_curve(p: Point) -> bool:
    """Whether p's coordinates are canonical and satisfy the equation."""
    return _CURVE.is_on_curve(p)


def in_subgroup(p: Point) -> bool:
    """Whether a point of the curve has order l or is the identity, without multiplying by l.

    The points of order l are those that are 8 times another, and by the Tate pairing with a point
    T of order 8 (Koshelev, eprint 2022/037) these are the P for which f_T(P) is an eighth power: 8
    divides r − 1, and the rational points of order 8 are all multiples of T, so the pairing is
    perfect. On the Montgomery curve, with 2T = (1, v₂) and up to eighth powers,

        f_T(P) = ℓ_T(P)⁴ · ℓ_2T(P)² · (u − 1)⁴ · u⁷       ℓ_Q the tangent at Q,

    which `_tangents` and u = (1 + y)/(1 − y), v = u/x turn into the product below. It vanishes for
    multiples of T alone.
    """
    if p == IDENTITY:
        return True
    alpha, beta, v_2 = _tangents()
    x, y = gmpy2.mpz(p[0]), gmpy2.mpz(p[1])
    fourth = 2 * y * (1 + y - x * (alpha + beta * y) % _R) % _R
    second = (1 - v_2 * x) * x % _R * fourth % _R * fourth % _R
    seventh = (1 - y) % _R
    inverse = seventh * seventh % _R
    inverse = inverse * inverse % _R * inverse % _R * seventh % _R
    value = second * second % _R * (1 + y) % _R * inverse
    return bool(gmpy2.powmod(value, (_R - 1) // COFACTOR, _R) == 1)


@functools.cache
def _tangents() -> tuple[int, int, int]:
    """ℓ_T = 0 as 1 + y = x·(α + β·y), and v₂ of 2T, for T = [l]·generator of the whole group."""
    torsion = _CURVE.multiply(ORDER, GENERATOR)
    u, v = to_montgomery_curve(torsion)
    slope = (3 * u * u + 2 * MONT_A * u + 1) * pow(2 * v, -1, _R)
    _, v_2 = to_montgomery_curve(double(torsion))
    return (v + slope * (1 - u)) % _R, (slope * (1 + u) - v) % _R, v_2


def y_from_x(x: int) -> int | None:
    """The smaller y with (x, y) on the curve, or None. x in [0, r)."""
    return _CURVE.y_from_x(x)


def check(p: Point, *, what: str = "point", allow_identity: bool = False) -> None:
    """Refuse everything but a canonical point of the prime subgroup.

    Args:
        p: a pair of integers.
        what: the point's name in messages.
        allow_identity: whether (0, 1) may stand here.

    Raises:
        NonCanonical: a coordinate outside [0, r).
        NotOnCurve: the equation does not hold.
        IdentityPoint: the identity, where it may not stand.
        NotInSubgroup: a small-order component.
    """
    if not all(0 <= coordinate < _R for coordinate in p):
        raise NonCanonical(f"a coordinate of {what} is not below r", where=what)
    if not _CURVE.is_on_curve(p):
        raise NotOnCurve(f"{what} is not on Baby Jubjub", where=what)
    if p == IDENTITY:
        if not allow_identity:
            raise IdentityPoint(f"{what} is the identity of Baby Jubjub", where=what)
        return
    if not in_subgroup(p):
        raise NotInSubgroup(f"{what} is outside Baby Jubjub's prime subgroup", where=what)


def encode(p: Point) -> bytes:
    """32 bytes: y little-endian, the top bit tells whether x > (r − 1)/2."""
    sign = _SIGN if p[0] > _R >> 1 else 0
    return (p[1] | sign).to_bytes(BYTES, "little")


def decode(data: bytes, *, what: str = "point", allow_identity: bool = False) -> Point:
    """The one point of the prime subgroup that encodes to these bytes.

    Raises:
        WrongLength: not 32 bytes.
        NonCanonical: y ≥ r, or the sign of x = 0 set.
        NotOnCurve: no x for this y.
        IdentityPoint: the identity, where it may not stand.
        NotInSubgroup: a small-order component.
    """
    if len(data) != BYTES:
        raise WrongLength(f"{what} takes {BYTES} bytes, not {len(data)}", where=what)
    value = int.from_bytes(data, "little")
    y, sign = value & (_SIGN - 1), value & _SIGN
    if y >= _R:
        raise NonCanonical(f"the y coordinate of {what} is not below r", where=what)
    x = _CURVE.x_from_y(y)
    if x is None:
        raise NotOnCurve(f"{what} is not on Baby Jubjub", where=what)
    if sign:
        if x == 0:
            raise NonCanonical(f"{what} has the sign of x = 0 set", where=what)
        x = _R - x
    point = Point(x, y)
    check(point, what=what, allow_identity=allow_identity)
    return point


@functools.cache
def hash_to_point(name: bytes) -> Point:
    """A point of order l whose discrete logarithm to any other base nobody knows.

    x = BLAKE2b-512(`chiaro/v1/` ‖ name ‖ counter) mod r, counter 4 bytes little-endian from 0; the
    first x on the curve with [8](x, smaller y) ≠ O gives the result.
    """
    counter = 0
    while True:
        x = hash_to_fr(name + counter.to_bytes(4, "little"))
        y = _CURVE.y_from_x(x)
        if y is not None:
            point = _CURVE.multiply(COFACTOR, Point(x, y))
            if point != IDENTITY:
                return point
        counter += 1


def to_montgomery_curve(p: Point) -> tuple[int, int]:
    """(u, v) = ((1 + y)/(1 − y), u/x) on v² = u³ + 168698·u² + u; (0, −1) ↦ (0, 0).

    Raises:
        IdentityPoint: the identity has no affine image.
    """
    x, y = p
    if y == 1:
        raise IdentityPoint("the identity has no affine Montgomery coordinates")
    if x == 0:
        return 0, 0
    inverse = pow((1 - y) * x, -1, _R)
    return (1 + y) * x * inverse % _R, (1 + y) * inverse % _R


def from_montgomery_curve(u: int, v: int) -> Point:
    """(x, y) = (u/v, (u − 1)/(u + 1)) for a point of v² = u³ + 168698·u² + u; (0, 0) ↦ (0, −1).

    No other point has v = 0 or u = −1: A² − 4 and A − 2 are non-squares.
    """
    if u == 0:
        return Point(0, _R - 1)
    inverse = pow(v * (u + 1), -1, _R)
    return Point(u * (u + 1) * inverse % _R, (u - 1) * v * inverse % _R)


RCV_BASE: Final = hash_to_point(b"rcv-base")
"""R, the base of the balance's blinding factor (S-14)."""
CHAIN_START: Final = hash_to_point(b"chain-start")
"""Z, where every incomplete chain of additions starts (S-17)."""
