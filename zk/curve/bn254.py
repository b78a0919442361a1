"""The groups of BN254 (alt_bn128): G1 over Fp, and G2 on the sextic twist over Fp2.

E  / Fp    y² = x³ + 3                  r points: cofactor 1, on the curve is enough
E' / Fp2   y² = x³ + 3/(9 + u)          D-twist, (2p − r)·r points: the subgroup must be checked
Trace      t = 6x² + 1                  r = p + 1 − t
Source     EIP-196 and EIP-197 give the generators

Reference code: legible, and fast enough to verify a proof. Not constant-time.
"""

from __future__ import annotations

from typing import Final, Self

import gmpy2

from zk.curve.weierstrass import WeierstrassPoint
from zk.errors import (
    DecodeError,
    IdentityPoint,
    NotInSubgroup,
    NotOnCurve,
    ParamsError,
)
from zk.field.bn254 import Fp
from zk.field.params import FP, FR, SEED
from zk.field.tower import XI, Fp2, frobenius_coefficient

G1Affine = tuple[int, int] | None
"""(x, y) in [0, p); None is infinity."""
G2Affine = tuple[tuple[int, int], tuple[int, int]] | None
"""((x.c0, x.c1), (y.c0, y.c1)) in [0, p); None is infinity."""

TRACE: Final = 6 * SEED**2 + 1
G2_COFACTOR: Final = 2 * FP.modulus - FR.modulus

G1_GENERATOR: Final = (1, 2)
G2_GENERATOR: Final = (
    (
        10857046999023057135944570762232829481370756359578518086990519993285655852781,
        11559732032986387107991004021392285783925812861821192530917403151452391805634,
    ),
    (
        8495653923123431417604973247489272438418190587263600148770280649306958101930,
        4082367875863433681332203403145435568316851327593401208105741076214120093531,
    ),
)


class G1(WeierstrassPoint[Fp]):
    """A point of E(Fp)."""

    __slots__ = ()
    b = Fp(3)
    field = Fp

    @classmethod
    def generator(cls) -> Self:
        return cls.from_affine(G1_GENERATOR)

    @classmethod
    def from_affine(cls, point: G1Affine) -> Self:
        """The checked constructor; None gives infinity.

        Raises:
            NonCanonical: a coordinate outside [0, p).
            NotOnCurve: y² ≠ x³ + 3.
        """
        if point is None:
            return cls.identity()
        x, y = map(Fp, point)
        if not cls.satisfies(x, y):
            raise NotOnCurve("the point is not on BN254's G1")
        return cls.affine(x, y)

    def to_affine(self) -> G1Affine:
        affine = self.coordinates()
        return None if affine is None else (int(affine[0]), int(affine[1]))


class G2(WeierstrassPoint[Fp2]):
    """A point of E'(Fp2); of the subgroup of order r where it came through `from_affine`."""

    __slots__ = ()
    b = XI.inverse() * 3
    field = Fp2

    @classmethod
    def generator(cls) -> Self:
        return cls.from_affine(G2_GENERATOR, subgroup=False)

    @classmethod
    def from_affine(cls, point: G2Affine, *, subgroup: bool = True) -> Self:
        """The checked constructor; None gives infinity.

        Args:
            point: coordinates.
            subgroup: False leaves the order unchecked, for points whose order is known.

        Raises:
            NonCanonical: a coordinate outside [0, p).
            NotOnCurve: not on the twist.
            NotInSubgroup: on the twist, not of order r.
        """
        if point is None:
            return cls.identity()
        x, y = Fp2(*point[0]), Fp2(*point[1])
        if not cls.satisfies(x, y):
            raise NotOnCurve("the point is not on BN254's twist")
        result = cls.affine(x, y)
        if subgroup and not result.in_subgroup():
            raise NotInSubgroup("the point is outside BN254's G2")
        return result

    def to_affine(self) -> G2Affine:
        affine = self.coordinates()
        return None if affine is None else (affine[0].to_ints(), affine[1].to_ints())

    def frobenius(self) -> Self:
        """ψ: untwist, raise coordinates to the p-th power, twist back; in G2, [p] = [t − 1]."""
        return type(self)(
            self.x.conjugate() * frobenius_coefficient(2),
            self.y.conjugate() * frobenius_coefficient(3),
            self.z.conjugate(),
        )

    def in_subgroup(self) -> bool:
        """Whether [r]Q = O, by ψ(Q) = [t − 1]Q = [6x²]Q (eprint 2022/352, section 4.3).

        Enough, because ψ² − [t]ψ + [p] = 0 on the whole twist: where ψ acts as t − 1, the point is
        annihilated by (t − 1)² − t(t − 1) + p = p + 1 − t = r.
        """
        return (TRACE - 1) * self == self.frobenius()


def check_g1(point: G1Affine, *, what: str = "point", allow_identity: bool = False) -> None:
    """Refuse everything but canonical coordinates of a point of G1.

    Raises:
        IdentityPoint: infinity, where it may not stand.
        NonCanonical: a coordinate outside [0, p).
        NotOnCurve: y² ≠ x³ + 3.
    """
    _check(G1, point, what, allow_identity)


def check_g2(point: G2Affine, *, what: str = "point", allow_identity: bool = False) -> None:
    """Refuse everything but canonical coordinates of a point of G2.

    Raises:
        IdentityPoint: infinity, where it may not stand.
        NonCanonical: a coordinate outside [0, p).
        NotOnCurve: not on the twist.
        NotInSubgroup: on the twist, not of order r.
    """
    _check(G2, point, what, allow_identity)


def _check(
    group: type[G1] | type[G2], point: G1Affine | G2Affine, what: str, allow_identity: bool
) -> None:
    if point is None:
        if not allow_identity:
            raise IdentityPoint(f"{what} is the point at infinity", where=what)
        return
    try:
        group.from_affine(point)  # type: ignore[arg-type]  # the caller pairs group and point
    except DecodeError as error:
        raise type(error)(f"{what}: {error.message}", where=what) from None


def check_params() -> None:
    """Confirm what the literals of this module claim; a test calls it.

    Raises:
        ParamsError: names what does not hold.
    """
    p, r = FP.modulus, FR.modulus
    base1, base2 = G1.generator(), G2.generator()
    elsewhere = _points_of_the_twist(3)
    claims = {
        "r is p + 1 minus the trace": r == p + 1 - TRACE,
        "G1 has r points by Hasse's bound": 4 * p >= TRACE**2 and r > 4 * gmpy2.isqrt(p) + 2,
        "the generator of G1 has order r": (r * base1).is_identity() and not base1.is_identity(),
        "the generator of G2 has order r": (r * base2).is_identity() and not base2.is_identity(),
        "r·cofactor annihilates the twist": all(
            (G2_COFACTOR * (r * q)).is_identity() for q in elsewhere
        ),
        "the twist has points outside the subgroup": not any(
            (r * q).is_identity() or q.in_subgroup() for q in elsewhere
        ),
        "ξ is neither a square nor a cube": XI.sqrt() is None
        and XI ** ((p * p - 1) // 3) != Fp2.one(),
    }
    for claim, holds in claims.items():
        if not holds:
            raise ParamsError(f"BN254: it is not true that {claim}")


def _points_of_the_twist(count: int) -> list[G2]:
    """The first points of the twist with x = 1, 2, …; practically never of order r."""
    found: list[G2] = []
    x = 0
    while len(found) < count:
        x += 1
        coordinate = Fp2(x, 0)
        y = (coordinate.square() * coordinate + G2.b).sqrt()
        if y is not None:
            found.append(G2.affine(coordinate, y))
    return found
