"""Jacobian formulas, exhaustively on toy curves against the affine textbook law."""

from __future__ import annotations

import itertools

import pytest

from zk.curve.weierstrass import WeierstrassPoint
from zk.field.params import PrimeFieldParams
from zk.field.prime import PrimeElement


class F31(PrimeElement):
    __slots__ = ()
    params = PrimeFieldParams("F31", 31, 3, 1)


class Prime(WeierstrassPoint[F31]):
    """43 points, a prime: the shape of G1."""

    __slots__ = ()
    b = F31(3)
    field = F31


class Even(WeierstrassPoint[F31]):
    """36 points, three of them of order 2 (y = 0)."""

    __slots__ = ()
    b = F31(1)
    field = F31


Affine = tuple[int, int] | None
CURVES = [(Prime, 43), (Even, 36)]


def affine(p: WeierstrassPoint[F31]) -> Affine:
    found = p.coordinates()
    return None if found is None else (int(found[0]), int(found[1]))


def points(curve: type[WeierstrassPoint[F31]]) -> list[WeierstrassPoint[F31]]:
    pairs = itertools.product(map(F31, range(31)), repeat=2)
    return [curve.identity(), *(curve.affine(x, y) for x, y in pairs if curve.satisfies(x, y))]


def textbook(p: Affine, q: Affine) -> Affine:
    if p is None or q is None:
        return q if p is None else p
    (x1, y1), (x2, y2) = p, q
    if x1 == x2 and (y1 + y2) % 31 == 0:
        return None
    slope = 3 * x1 * x1 * pow(2 * y1, -1, 31) if p == q else (y2 - y1) * pow(x2 - x1, -1, 31)
    x = (slope * slope - x1 - x2) % 31
    return x, (slope * (x1 - x) - y1) % 31


@pytest.mark.parametrize(("curve", "count"), CURVES)
def test_toy_law_is_the_textbook_law(curve: type[WeierstrassPoint[F31]], count: int) -> None:
    everything = points(curve)
    assert len(everything) == count
    for p, q in itertools.product(everything, repeat=2):
        assert affine(p + q) == textbook(affine(p), affine(q))
        assert (p == q) == (affine(p) == affine(q))
        assert p - q == p + -q
    for p in everything:
        assert affine(p.double()) == textbook(affine(p), affine(p))
        assert (p - p).is_identity()


@pytest.mark.parametrize(("curve", "count"), CURVES)
def test_toy_law_is_associative_and_ignores_z(
    curve: type[WeierstrassPoint[F31]], count: int
) -> None:
    """Sums are kept in Jacobian form, so that every Z occurs."""
    everything = points(curve)
    scaled = [p.double() + p - p - p for p in everything]  # the same points, other coordinates
    for p, q in zip(everything, scaled, strict=True):
        assert p == q
        assert hash(p) == hash(q)
    assert any(q.z != 1 for q in scaled if not q.is_identity())
    for p, q, s in itertools.product(scaled[:12], scaled[5:20], scaled[::3]):
        assert (p + q) + s == p + (q + s)


@pytest.mark.parametrize(("curve", "count"), CURVES)
def test_toy_multiplication_agrees_with_repeated_addition(
    curve: type[WeierstrassPoint[F31]], count: int
) -> None:
    for p in points(curve):
        total = curve.identity()
        for k in range(2 * count):
            assert k * p == total
            assert -k * p == -total
            total = total + p
        assert (count * p).is_identity()


def test_points_of_different_curves_are_not_equal() -> None:
    assert Prime.identity() != Even.identity()
    assert repr(Prime.identity()) == "Prime(infinity)"
    assert repr(points(Prime)[1]).startswith("Prime(F31(")
