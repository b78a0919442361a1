"""Gadgets on Baby Jubjub against plain arithmetic; what their exceptions would let a prover do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import gmpy2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits import native
from circuits.gadgets import fixed_base, kinds, straus
from circuits.gadgets.assign import assign
from circuits.gadgets.babyjub import (
    EdwardsPoint,
    MontgomeryPoint,
    add,
    assert_on_curve,
    constant_point,
    divide,
    double,
    from_montgomery,
    negate,
    step,
    to_montgomery,
)
from zk.curve import babyjub
from zk.curve.babyjub import B8, CHAIN_START, IDENTITY, ORDER, RCV_BASE, Point
from zk.errors import IdentityPoint, ShapeMismatch, Unsatisfied
from zk.field.params import FR
from zk.field.prime import is_square
from zk.r1cs.advice import QUOTIENT
from zk.r1cs.builder import Builder, Wire
from zk.r1cs.checker import Checker
from zk.r1cs.evaluator import lift
from zk.r1cs.recorder import Recorder

R = FR.modulus
T2 = Point(0, R - 1)
SCALARS = (0, 1, 2, ORDER - 1, ORDER, ORDER + 1, (1 << 251) - 1)
NETS = (0, 1, -1, (1 << 65) - 2, 2 - (1 << 65))


def torsion() -> list[Point]:
    """The eight points of small order: [l]P for any P of the whole group."""
    x = 1
    while True:
        y = babyjub.y_from_x(x)
        if y is not None:
            eighth = babyjub.multiply(ORDER, Point(x, y))
            if babyjub.multiply(4, eighth) != IDENTITY:
                return [babyjub.multiply(i, eighth) for i in range(8)]
        x += 1


SMALL_ORDER = torsion()
points = st.builds(
    lambda k, i: babyjub.add(babyjub.multiply(k, B8), SMALL_ORDER[i]),
    st.one_of(st.sampled_from([0, 1, 2, ORDER - 1]), st.integers(0, ORDER - 1)),
    st.integers(0, 7),
)


def value(wire: Wire) -> int:
    return int(lift(wire).value % R)


def coordinates(p: EdwardsPoint) -> tuple[int, int]:
    return value(p.x), value(p.y)


def witness_point(cs: Builder, p: tuple[int, int], name: str = "p") -> EdwardsPoint:
    return EdwardsPoint(cs.witness(f"{name}.x", p[0]), cs.witness(f"{name}.y", p[1]))


def rows(gadget: Callable[[Builder], object]) -> int:
    recorder = Recorder("gadget")
    gadget(recorder)
    return recorder.finish().rows


def test_small_order_points_are_eight() -> None:
    assert len(set(SMALL_ORDER)) == 8
    assert T2 in SMALL_ORDER
    assert IDENTITY in SMALL_ORDER


@settings(max_examples=40, deadline=None)
@given(points, points)
def test_add_is_complete(p: Point, q: Point) -> None:
    cs = Checker()
    assert coordinates(add(cs, witness_point(cs, p), witness_point(cs, q, "q"))) == babyjub.add(
        p, q
    )
    assert coordinates(add(cs, witness_point(cs, p), constant_point(cs, q))) == babyjub.add(p, q)


@pytest.mark.parametrize(("p", "q"), list(product(SMALL_ORDER, SMALL_ORDER)))
def test_add_on_points_of_small_order(p: Point, q: Point) -> None:
    cs = Checker()
    assert coordinates(add(cs, witness_point(cs, p), witness_point(cs, q, "q"))) == babyjub.add(
        p, q
    )


@settings(max_examples=25, deadline=None)
@given(points)
def test_double_and_negate(p: Point) -> None:
    cs = Checker()
    wire = witness_point(cs, p)
    squares = assert_on_curve(cs, wire)
    assert coordinates(double(cs, wire)) == babyjub.double(p)
    assert coordinates(double(cs, wire, squares)) == babyjub.double(p)
    assert coordinates(negate(wire)) == babyjub.negate(p)


def test_a_point_off_the_curve_is_refused() -> None:
    cs = Checker()
    with pytest.raises(Unsatisfied, match="clause"):
        assert_on_curve(cs, witness_point(cs, (B8.x, B8.y + 1)))


@settings(max_examples=25, deadline=None)
@given(points)
def test_montgomery_and_back(p: Point) -> None:
    cs = Checker()
    wire = witness_point(cs, p)
    if p in (IDENTITY, T2):
        with pytest.raises(Unsatisfied):
            to_montgomery(cs, wire, "image")
        return
    image = to_montgomery(cs, wire, "image")
    assert (value(image.u), value(image.v)) == babyjub.to_montgomery_curve(p)
    assert coordinates(from_montgomery(cs, image)) == p


@pytest.mark.parametrize("p", [IDENTITY, T2], ids=["identity", "order 2"])
@pytest.mark.parametrize("u", [0, 1, 7])
def test_s17_no_advice_maps_the_exceptional_points(p: Point, u: int) -> None:
    """S-17: the identity and (0, −1) have no image, whatever u and 1/x a prover brings."""
    for inverse in (0, 1, 9):
        cs = Checker(tamper={"image/u": u, "image/inverse of x": inverse})
        with pytest.raises(Unsatisfied):
            to_montgomery(cs, witness_point(cs, p), "image")


def test_s17_an_exceptional_step_would_mint() -> None:
    """S-17: why chains start at Z. P + P by the incomplete law leaves the slope to the prover."""
    u, v = babyjub.to_montgomery_curve(B8)
    results = set()
    for slope in (1, 2, 3):
        cs = Checker(tamper={"slope": slope})
        p, t = (MontgomeryPoint(cs.witness(f"u{i}", u), cs.witness(f"v{i}", v)) for i in (0, 1))
        total = step(cs, p, t)  # every row holds
        cs.finish()
        results.add((value(total.u), value(total.v)))
    assert len(results) == 3


def test_s17_opposite_points_satisfy_no_slope() -> None:
    """S-17: P + (−P) asks for slope·0 = −2v, which nothing satisfies."""
    u, v = babyjub.to_montgomery_curve(B8)
    for slope in (0, 1, 2):
        cs = Checker(tamper={"slope": slope})
        with pytest.raises(Unsatisfied):
            step(
                cs,
                MontgomeryPoint(cs.witness("u0", u), cs.witness("v0", v)),
                MontgomeryPoint(cs.witness("u1", u), cs.witness("v1", R - v)),
            )


@settings(max_examples=25, deadline=None)
@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_step_adds(a: int, b: int) -> None:
    p, q = babyjub.multiply(a, B8), babyjub.multiply(b, RCV_BASE)
    cs = Checker()
    total = step(
        cs,
        to_montgomery(cs, witness_point(cs, p), "p"),
        to_montgomery(cs, witness_point(cs, q, "q"), "q"),
    )
    assert coordinates(from_montgomery(cs, total)) == babyjub.add(p, q)


def test_division_by_zero() -> None:
    assert QUOTIENT(5, 0) == 0
    cs = Checker()
    with pytest.raises(Unsatisfied):
        divide(cs, cs.witness("n", 5), cs.witness("d", 0), "q")


def test_assign_holds_its_wire() -> None:
    cs = Checker()
    assert value(assign(cs, "copy", cs.witness("x", 3) + 4)) == 7
    cs = Checker(tamper={"copy": 8})
    with pytest.raises(Unsatisfied):
        assign(cs, "copy", cs.witness("x", 3) + 4)


# Fixed base


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.sampled_from(SCALARS), st.integers(0, (1 << 251) - 1)))
def test_signed_digits(scalar: int) -> None:
    digits = fixed_base.signed_digits(scalar)
    assert len(digits) == fixed_base.WINDOWS
    assert {abs(d) for d in digits} <= {1, 3, 5, 7}
    assert sum(d << 3 * w for w, d in enumerate(digits)) % ORDER == scalar % ORDER


@pytest.mark.parametrize("scalar", [-1, 1 << 251])
def test_signed_digits_refuse_what_does_not_fit(scalar: int) -> None:
    with pytest.raises(ShapeMismatch):
        fixed_base.signed_digits(scalar)


def test_fixed_base_table() -> None:
    windows = fixed_base.table(B8)
    assert len(windows) == fixed_base.WINDOWS
    for w in (0, 1, 83):
        for i, d in enumerate((1, 3, 5, 7)):
            expected = babyjub.to_montgomery_curve(babyjub.multiply(d << 3 * w, B8))
            assert (windows[w].u[i], windows[w].v[i]) == expected


@pytest.mark.parametrize("base", [B8, RCV_BASE], ids=["B8", "R"])
@pytest.mark.parametrize("scalar", SCALARS)
def test_s17_fixed_base_at_the_edges(base: Point, scalar: int) -> None:
    cs = Checker()
    result = fixed_base.multiply(cs, base, scalar, "k")
    assert coordinates(result) == babyjub.multiply(scalar, base)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, (1 << 251) - 1))
def test_fixed_base_multiplies(scalar: int) -> None:
    cs = Checker()
    result = fixed_base.multiply(cs, B8, scalar, "k")
    assert coordinates(result) == babyjub.multiply(scalar, B8)


def test_either_root_is_a_multiple_of_the_base() -> None:
    """The sign of a digit is the prover's: flipping one v turns k into k − 2·d·8^w, no more."""
    window = fixed_base.table(B8)[5]
    k = 123456789
    digit = fixed_base.signed_digits(k)[5]
    other = window.v[abs(digit) >> 1] * (-1 if digit > 0 else 1) % R
    cs = Checker(tamper={"k/window 5/v of T": other})
    result = fixed_base.multiply(cs, B8, k, "k")
    assert coordinates(result) == babyjub.multiply(k - 2 * digit * 8**5, B8)


# Joint ladder


def halves() -> tuple[Point, Point]:
    first, second = (
        babyjub.multiply(4, Point(native.kind_x(k), k.y))
        for k in (native.find_kind(0, 1), native.find_kind(0, 2))
    )
    return first, second


def ladder(
    n0: int,
    n1: int,
    pair: tuple[Point, Point],
    tamper: Mapping[str, int] | None = None,
) -> tuple[int, int]:
    cs = Checker(tamper=tamper)
    numbers = (cs.witness("n0", n0 % R), cs.witness("n1", n1 % R))
    wires = (witness_point(cs, pair[0], "h0"), witness_point(cs, pair[1], "h1"))
    return coordinates(straus.joint_multiply(cs, numbers, wires, "sum"))


@pytest.mark.parametrize(("n0", "n1"), list(product(NETS, NETS)))
def test_s17_ladder_at_the_edges(n0: int, n1: int) -> None:
    pair = halves()
    expected = babyjub.add(babyjub.multiply(2 * n0, pair[0]), babyjub.multiply(2 * n1, pair[1]))
    assert ladder(n0, n1, pair) == expected


@settings(max_examples=8, deadline=None)
@given(st.integers(-(1 << 65), (1 << 65) - 1), st.integers(-(1 << 65), (1 << 65) - 1), points)
def test_ladder_multiplies(n0: int, n1: int, p: Point) -> None:
    """Also for points with a component of small order, which kinds have before the cofactor."""
    pair = (babyjub.add(p, CHAIN_START), halves()[1])
    expected = babyjub.add(babyjub.multiply(2 * n0, pair[0]), babyjub.multiply(2 * n1, pair[1]))
    assert ladder(n0, n1, pair) == expected


@pytest.mark.parametrize("number", [1 << 65, -(1 << 65) - 1, R // 2])
def test_ladder_refuses_numbers_beyond_66_bits(number: int) -> None:
    for pair in ((number, 0), (0, number)):
        with pytest.raises(Unsatisfied):
            ladder(*pair, halves())


def test_s17_ladder_refuses_equal_and_opposite_points() -> None:
    """S-17: the table would hold the identity; nothing may be left to the prover there."""
    first, _ = halves()
    for other in (first, babyjub.negate(first), babyjub.add(first, T2)):
        with pytest.raises(Unsatisfied):
            ladder(1, 1, (first, other))


def test_s17_a_known_relation_with_z_breaks_the_ladder() -> None:
    """S-17: why the ladder takes hashed points only. With H0 + H1 = Z the first step is 0/0."""
    first = B8
    pair = (first, babyjub.add(CHAIN_START, babyjub.negate(first)))
    expected = babyjub.add(babyjub.multiply(2, pair[0]), babyjub.multiply(2, pair[1]))
    results = {
        ladder(1, 1, pair, {"sum/bit 65/slope": slope}) for slope in (1, 2)
    }  # every row holds
    assert len(results) == 2
    assert expected not in results


def test_s17_bases_are_distinct_and_of_prime_order() -> None:
    """S-14, S-17: Z, R and B8 come from different names; none is a small multiple of another."""
    bases = (B8, RCV_BASE, CHAIN_START)
    for base in bases:
        babyjub.check(base)
    assert babyjub.hash_to_point(b"rcv-base") == RCV_BASE
    assert babyjub.hash_to_point(b"chain-start") == CHAIN_START
    for base, other in product(bases, bases):
        if base != other:
            multiples = {babyjub.multiply(k << 3 * w, base) for w in range(84) for k in range(1, 8)}
            assert other not in multiples
            assert babyjub.negate(other) not in multiples


# Kinds


def test_s2_facts_that_the_sign_rule_rests_on() -> None:
    """S-2: 5 is no square, no point has y = ±2. Montgomery: A − 2 and A² − 4 are no squares."""
    assert not is_square(5, FR)
    x_squared = (1 - 4) * gmpy2.invert(babyjub.A - 4 * babyjub.D, R) % R
    assert not is_square(int(x_squared), FR)
    assert not is_square(babyjub.MONT_A - 2, FR)
    assert not is_square(babyjub.MONT_A**2 - 4, FR)
    with pytest.raises(IdentityPoint):
        babyjub.to_montgomery_curve(IDENTITY)


def test_s2_no_point_of_small_order_is_canonical() -> None:
    """S-2: so that [8](x, y) is never the identity, whose balance nobody would feel."""
    assert len({p.x for p in SMALL_ORDER}) == 5
    assert not any(native.is_canonical(p.y) for p in SMALL_ORDER)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, R - 1))
def test_s2_at_most_one_sign_is_canonical(x: int) -> None:
    y = babyjub.y_from_x(x)
    if y is not None:
        assert not (native.is_canonical(y) and native.is_canonical(R - y))


@pytest.mark.parametrize("ephemeral", [False, True])
def test_kind_is_the_twins(ephemeral: bool) -> None:
    witness = native.find_kind(5, 6, ephemeral=ephemeral)
    cs = Checker()
    made = kinds.kind(cs, witness, "kind")
    assert value(made.x) == native.kind_x(witness)
    assert babyjub.double(Point(*coordinates(made.half))) == native.kind_point(witness)


def test_find_kind_takes_the_smallest_counter() -> None:
    kind = native.find_kind(5, 1234)
    for ctr in range(kind.ctr):
        x = native.kind_x(native.KindWitness(5, 1234, ctr, 0, 0))
        y = babyjub.y_from_x(x)
        assert y is None or not (native.is_canonical(y) or native.is_canonical(R - y))


# Costs, as the docstrings state them


def test_costs() -> None:
    def point(cs: Builder, name: str = "p") -> EdwardsPoint:
        return witness_point(cs, (0, 0), name)

    def image(cs: Builder) -> MontgomeryPoint:
        return MontgomeryPoint(*point(cs))

    assert rows(lambda cs: assert_on_curve(cs, point(cs))) == 3
    assert rows(lambda cs: add(cs, point(cs), point(cs))) == 6
    assert rows(lambda cs: add(cs, point(cs), constant_point(cs, B8))) == 3
    assert rows(lambda cs: double(cs, point(cs))) == 5
    assert rows(lambda cs: to_montgomery(cs, point(cs), "image")) == 3
    assert rows(lambda cs: from_montgomery(cs, image(cs))) == 2
    assert rows(lambda cs: step(cs, image(cs), image(cs))) == 3
    assert rows(lambda cs: fixed_base.multiply(cs, B8, 0, "k")) == 593
    assert rows(lambda cs: kinds.kind(cs, native.find_kind(0, 1), "kind")) == 280

    def joint(cs: Builder) -> None:
        numbers = (cs.witness("n0", 0), cs.witness("n1", 0))
        straus.joint_multiply(cs, numbers, (point(cs), point(cs)), "sum")

    assert rows(joint) == 755
