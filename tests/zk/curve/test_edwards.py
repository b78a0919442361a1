"""The Edwards law, exhaustively on toy curves."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from zk.curve.edwards import IDENTITY, EdwardsCurve, EdwardsParams, Point
from zk.errors import ParamsError
from zk.field.params import PrimeFieldParams

# 20 points, few enough for all triples.
SMALL = EdwardsParams("small", PrimeFieldParams("F29", 29, 2, 2), 4, 2, 5, 4, (0, 1))
# 8·257 points: the shape of Baby Jubjub, small enough for all points.
TOY = EdwardsParams("toy", PrimeFieldParams("F2017", 2017, 5, 5), 2, 51, 257, 8, (1, 502))


def points(params: EdwardsParams) -> list[Point]:
    """All points, by the equation alone."""
    p, roots = params.field.modulus, {}
    for y in range(p):
        roots.setdefault(y * y % p, []).append(y)
    found = []
    for x in range(p):
        right = (1 - params.a * x * x) * pow(1 - params.d * x * x, -1, p) % p
        found += [Point(x, y) for y in roots.get(right, [])]
    return found


def textbook(params: EdwardsParams, p: Point, q: Point) -> Point:
    """The law as eprint 2008/013 prints it."""
    m = params.field.modulus
    t = params.d * p.x * q.x * p.y * q.y
    x = (p.x * q.y + p.y * q.x) * pow(1 + t, -1, m)
    y = (p.y * q.y - params.a * p.x * q.x) * pow(1 - t, -1, m)
    return Point(x % m, y % m)


def test_toy_parameters_hold() -> None:
    TOY.check()
    assert len(points(TOY)) == 8 * 257
    assert len(points(SMALL)) == 20


def test_small_curve_is_an_abelian_group() -> None:
    curve, everything = EdwardsCurve(SMALL), points(SMALL)
    table = {(p, q): curve.add(p, q) for p in everything for q in everything}
    for (p, q), total in table.items():
        assert total == textbook(SMALL, p, q)
        assert curve.is_on_curve(total)
        assert total == table[q, p]
    for p, q, s in itertools.product(everything, repeat=3):
        assert table[table[p, q], s] == table[p, table[q, s]]
    for p in everything:
        assert table[p, IDENTITY] == p
        assert table[p, curve.negate(p)] == IDENTITY


def test_toy_multiplication_agrees_with_repeated_addition() -> None:
    """[k]P for every k up to the number of points and beyond, from a point of maximal order."""
    curve = EdwardsCurve(TOY)
    start = max(points(TOY)[:50], key=lambda p: len(orbit(curve, p)))
    total = IDENTITY
    for k in range(8 * 257 + 5):
        assert curve.multiply(k, start) == total
        assert curve.multiply(-k, start) == curve.negate(total)
        total = curve.add(total, start)


def orbit(curve: EdwardsCurve, p: Point) -> list[Point]:
    found, total = [], IDENTITY
    while not found or total != IDENTITY:
        found.append(total)
        total = curve.add(total, p)
    return found


def test_toy_subgroup_is_exactly_what_the_order_annihilates() -> None:
    curve = EdwardsCurve(TOY)
    subgroup = set(orbit(curve, Point(*TOY.generator)))
    assert len(subgroup) == 257
    for p in points(TOY):
        assert (curve.multiply(257, p) == IDENTITY) == (p in subgroup)


def test_toy_membership_and_roots_agree_with_the_equation() -> None:
    curve, everything = EdwardsCurve(TOY), set(points(TOY))
    by_x, by_y = {}, {}
    for p in sorted(everything, reverse=True):
        by_x[p.x] = min(p.y, by_x.get(p.x, p.y))
        by_y[p.y] = min(p.x, by_y.get(p.y, p.x))
    for v in range(2017):
        assert curve.y_from_x(v) == by_x.get(v)
        assert curve.x_from_y(v) == by_y.get(v)
        for w in range(0, 2017, 97):
            assert curve.is_on_curve(Point(v, w)) == ((v, w) in everything)
    p = Point(*TOY.generator)
    assert not curve.is_on_curve(Point(p.x + 2017, p.y))
    assert not curve.is_on_curve(Point(p.x, p.y - 2017))


@pytest.mark.parametrize(("a", "d"), [(5, 51), (2, 4)])
def test_incomplete_laws_are_refused(a: int, d: int) -> None:
    with pytest.raises(ParamsError, match="not complete"):
        EdwardsCurve(dataclasses.replace(TOY, a=a, d=d))


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"order": 256}, "the order is prime"),
        ({"cofactor": 4}, "Hasse"),
        ({"generator": (1, 503)}, "the generator is on the curve"),
        ({"generator": (0, 2016)}, "the generator has the order"),
        ({"generator": (0, 1)}, "the generator has the order"),
        ({"order": 2, "cofactor": 1028}, "one multiple"),
    ],
)
def test_wrong_parameters_are_refused(change: dict[str, object], claim: str) -> None:
    with pytest.raises(ParamsError, match=claim):
        dataclasses.replace(TOY, **change).check()
