"""Baby Jubjub: circomlibjs's values, group laws, strict decoding, nothing-up-my-sleeve points."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zk.curve import babyjub
from zk.curve.babyjub import B8, IDENTITY, ORDER, Point
from zk.errors import (
    DecodeError,
    IdentityPoint,
    NonCanonical,
    NotInSubgroup,
    NotOnCurve,
    WrongLength,
)
from zk.field.params import FR

R = FR.modulus
VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "babyjub.json").read_text()
)
TORSION = [Point(int(x), int(y)) for x, y in VECTORS["torsion"]]
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).randrange(ORDER))
SCALAR = UNIFORM | st.integers(min_value=0, max_value=ORDER - 1)


def point(pair: list[str]) -> Point:
    return Point(int(pair[0]), int(pair[1]))


def test_parameters_hold() -> None:
    babyjub.PARAMS.check()
    assert babyjub.multiply(8, babyjub.GENERATOR) == B8
    assert babyjub.multiply(4 * ORDER, babyjub.GENERATOR) == (0, R - 1)
    assert (babyjub.A, babyjub.D, babyjub.COFACTOR) == (168700, 168696, 8)
    assert babyjub.PARAMS.field.modulus == R


def test_additions_are_circomlibs() -> None:
    for case in VECTORS["add"]:
        p, q = point(case["p"]), point(case["q"])
        assert babyjub.add(p, q) == point(case["sum"])
        if p == q:
            assert babyjub.double(p) == point(case["sum"])


def test_multiplications_are_circomlibs() -> None:
    for case in VECTORS["multiply"]:
        result = babyjub.multiply(int(case["k"]), point(case["p"]))
        assert result == point(case["product"])
        assert type(result.x) is int  # never a GMP integer: these reach JSON and bytes


def test_packing_and_membership_are_circomlibs() -> None:
    inside = 0
    for case in VECTORS["pack"]:
        p, data = point(case["point"]), bytes.fromhex(case["bytes"])
        assert babyjub.encode(p) == data
        assert babyjub.in_subgroup(p) == case["in_subgroup"]
        if p == IDENTITY:
            with pytest.raises(IdentityPoint):
                babyjub.decode(data)
            assert babyjub.decode(data, allow_identity=True) == p
        elif case["in_subgroup"]:
            inside += 1
            assert babyjub.decode(data) == p
        else:
            with pytest.raises(NotInSubgroup):
                babyjub.decode(data)
    assert inside >= 8


@given(SCALAR, SCALAR, SCALAR, st.sampled_from(TORSION))
@settings(deadline=None, max_examples=25)
def test_group_laws(a: int, b: int, c: int, small: Point) -> None:
    """Also for points outside the subgroup: the law is complete on the whole curve."""
    p, q, s = (babyjub.multiply(k, B8) for k in (a, b, c))
    p = babyjub.add(p, small)
    assert babyjub.add(babyjub.add(p, q), s) == babyjub.add(p, babyjub.add(q, s))
    assert babyjub.add(p, q) == babyjub.add(q, p)
    assert babyjub.add(p, IDENTITY) == p
    assert babyjub.add(p, babyjub.negate(p)) == IDENTITY
    assert babyjub.double(p) == babyjub.add(p, p) == babyjub.multiply(2, p)
    assert babyjub.is_on_curve(babyjub.add(p, q))
    assert babyjub.add(q, s) == babyjub.multiply(b + c, B8)
    assert babyjub.multiply(c, babyjub.add(p, q)) == babyjub.add(
        babyjub.multiply(c, p), babyjub.multiply(c, q)
    )
    assert babyjub.multiply(-a, q) == babyjub.negate(babyjub.multiply(a, q))


@given(SCALAR)
@settings(deadline=None, max_examples=25)
def test_round_trip(k: int) -> None:
    p = babyjub.multiply(k, B8)
    data = babyjub.encode(p)
    assert len(data) == 32
    assert babyjub.decode(data, allow_identity=True) == p


def test_the_eight_small_order_points_are_all_there_are() -> None:
    assert len(set(TORSION)) == 8
    orders = sorted(
        next(n for n in (1, 2, 4, 8) if babyjub.multiply(n, p) == IDENTITY) for p in TORSION
    )
    assert orders == [1, 2, 4, 4, 8, 8, 8, 8]  # cyclic


@given(SCALAR, st.sampled_from(TORSION))
@settings(deadline=None, max_examples=60)
def test_membership_by_the_pairing_is_membership_by_the_order(k: int, small: Point) -> None:
    p = babyjub.add(babyjub.multiply(k, B8), small)
    assert babyjub.in_subgroup(p) == (babyjub.multiply(ORDER, p) == IDENTITY)
    assert babyjub.in_subgroup(p) == (small == IDENTITY)


def test_membership_in_the_whole_group() -> None:
    """Multiples of a generator of all 8·l points: one in eight is inside."""
    for k in range(1, 33):
        p = babyjub.multiply(k * 0x9E3779B97F4A7C15, babyjub.GENERATOR)
        assert babyjub.in_subgroup(p) == (k % 8 == 0)


@pytest.mark.parametrize("index", range(8))
def test_small_order_points_are_refused(index: int) -> None:
    p = TORSION[index]
    error = IdentityPoint if p == IDENTITY else NotInSubgroup
    for refuse in (lambda: babyjub.check(p), lambda: babyjub.decode(babyjub.encode(p))):
        with pytest.raises(error) as caught:
            refuse()
        assert type(caught.value) is error


@pytest.mark.parametrize("index", range(8))
def test_small_order_components_are_refused(index: int) -> None:
    p = TORSION[index]
    mixed = babyjub.add(babyjub.multiply(12345, B8), p)
    if p == IDENTITY:
        babyjub.check(mixed)
        return
    with pytest.raises(NotInSubgroup):
        babyjub.check(mixed)
    with pytest.raises(NotInSubgroup):
        babyjub.decode(babyjub.encode(mixed))
    with pytest.raises(NotInSubgroup):
        babyjub.check(mixed, allow_identity=True)


def test_check_names_the_point_and_its_own_error() -> None:
    babyjub.check(B8)
    babyjub.check(IDENTITY, allow_identity=True)
    for p, error in (
        (IDENTITY, IdentityPoint),
        (Point(0, 0), NotOnCurve),
        (Point(B8.x, B8.y + 1), NotOnCurve),
        (Point(B8.y, B8.x), NotOnCurve),
        (Point(B8.x + R, B8.y), NonCanonical),
        (Point(B8.x, B8.y + R), NonCanonical),
        (Point(-B8.x, B8.y), NonCanonical),
        (Point(0, 1 + R), NonCanonical),
    ):
        with pytest.raises(error) as caught:
            babyjub.check(p, what="rk")
        assert type(caught.value) is error
        assert caught.value.where == "rk"


def no_point() -> bytes:
    y = next(y for y in range(2, 99) if babyjub._CURVE.x_from_y(y) is None)
    return y.to_bytes(32, "little")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", WrongLength),
        (babyjub.encode(B8)[:-1], WrongLength),
        (babyjub.encode(B8) + b"\0", WrongLength),
        ((B8.y + R).to_bytes(32, "little"), NonCanonical),
        (R.to_bytes(32, "little"), NonCanonical),
        (b"\xff" * 32, NonCanonical),
        # (0, 1) and (0, −1) with a sign: second encodings, as y = 1 + r is.
        ((1 | 1 << 255).to_bytes(32, "little"), NonCanonical),
        (((R - 1) | 1 << 255).to_bytes(32, "little"), NonCanonical),
        ((R + 1).to_bytes(32, "little"), NonCanonical),
        (no_point(), NotOnCurve),
        ((1).to_bytes(32, "little"), IdentityPoint),
        ((R - 1).to_bytes(32, "little"), NotInSubgroup),
        (bytes(32), NotInSubgroup),
    ],
)
def test_decoding_refusals_have_their_own_errors(data: bytes, error: type[DecodeError]) -> None:
    with pytest.raises(error) as caught:
        babyjub.decode(data, what="rk")
    assert type(caught.value) is error
    assert caught.value.where == "rk"


@given(st.integers(min_value=0).map(lambda seed: random.Random(seed).randbytes(32)))
@settings(deadline=None, max_examples=150)
def test_bytes_have_one_meaning_or_none(data: bytes) -> None:
    try:
        p = babyjub.decode(data, allow_identity=True)
    except DecodeError:
        return
    assert babyjub.encode(p) == data


def test_hash_to_point_by_its_definition() -> None:
    """Recomputed with hashlib and the equation alone."""
    for name, expected in ((b"rcv-base", babyjub.RCV_BASE), (b"chain-start", babyjub.CHAIN_START)):
        counter = 0
        while True:
            seed = b"chiaro/v1/" + name + counter.to_bytes(4, "little")
            x = int.from_bytes(hashlib.blake2b(seed).digest(), "little") % R
            square = (1 - 168700 * x * x) * pow(1 - 168696 * x * x, -1, R) % R
            if pow(square, (R - 1) // 2, R) == 1:
                break
            counter += 1
        y = babyjub.y_from_x(x)
        assert y is not None
        assert y * y % R == square
        assert y <= R // 2
        p = Point(x, y)
        for _ in range(3):
            p = babyjub.add(p, p)
        assert p == expected


def test_hashed_points_are_pinned() -> None:
    """Circuit-breaking if they move: R of the balance, Z of the chains."""
    assert babyjub.RCV_BASE == (
        8950918086751176907928521323325064761741822174414585655427272956968485477474,
        14008428206006579264511255676151607763438271401923080814661709079995724801292,
    )
    assert babyjub.CHAIN_START == (
        19978492194096839757280348464825732611713586271700128241307742247695735777475,
        6622490203149749426445654370629266851691315403404235655638789642056225048135,
    )


def test_hashed_points_differ_and_have_prime_order() -> None:
    found = [babyjub.hash_to_point(f"test/{i}".encode()) for i in range(20)]
    found += [babyjub.RCV_BASE, babyjub.CHAIN_START, B8]
    assert len(set(found)) == 23
    for p in found:
        babyjub.check(p)


def test_montgomery_constants_follow_from_the_edwards_ones() -> None:
    a, d = babyjub.A, babyjub.D
    assert babyjub.MONT_A * (a - d) % R == 2 * (a + d) % R
    assert babyjub.MONT_B * (a - d) % R == 4


@given(SCALAR.filter(bool), SCALAR.filter(bool), st.sampled_from(TORSION))
@settings(deadline=None, max_examples=25)
def test_montgomery_form_is_an_isomorphism(a: int, b: int, small: Point) -> None:
    p = babyjub.add(babyjub.multiply(a, B8), small)
    q = babyjub.multiply(b, B8)
    u, v = babyjub.to_montgomery_curve(p)
    assert (v * v - u**3 - babyjub.MONT_A * u * u - u) % R == 0
    assert babyjub.from_montgomery_curve(u, v) == p
    s, t = babyjub.to_montgomery_curve(q)
    if u != s:
        slope = (t - v) * pow(s - u, -1, R)
        w = (slope * slope - babyjub.MONT_A - u - s) % R
        total = (w, (slope * (u - w) - v) % R)
        assert babyjub.to_montgomery_curve(babyjub.add(p, q)) == total


def test_montgomery_form_of_the_small_order_points() -> None:
    for p in TORSION:
        if p == IDENTITY:
            with pytest.raises(IdentityPoint):
                babyjub.to_montgomery_curve(p)
        else:
            u, v = babyjub.to_montgomery_curve(p)
            assert (v * v - u**3 - babyjub.MONT_A * u * u - u) % R == 0
            assert babyjub.from_montgomery_curve(u, v) == p
    assert babyjub.to_montgomery_curve(Point(0, R - 1)) == (0, 0)
