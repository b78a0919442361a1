"""Points of G2 decoded without their order, against the strict decoder; sums against integers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec import group
from zk.curve.bn254 import G1_GENERATOR, G2_GENERATOR, _points_of_the_twist
from zk.curve.encoding import g2_from_bytes, g2_to_bytes
from zk.errors import IdentityPoint, NonCanonical, NotInSubgroup, NotOnCurve, WrongLength
from zk.field.params import FP, FR

P, R = FP.modulus, FR.modulus


def test_points_of_g2_decode_as_the_strict_decoder_says() -> None:
    for point in group.base_g2([1, 2, 3, R - 1, 12345]):
        data = g2_to_bytes(point)
        assert group.g2_on_twist(data, "q") == point == g2_from_bytes(data)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", WrongLength),
        (bytes(63), WrongLength),
        (bytes(65), WrongLength),
        (bytes(63) + b"\x40", IdentityPoint),
        (g2_to_bytes(G2_GENERATOR)[:63] + b"\x40", IdentityPoint),
        (P.to_bytes(32, "little") + bytes(32), NonCanonical),
        (bytes(32) + P.to_bytes(32, "little"), NonCanonical),
        ((1).to_bytes(32, "little") + bytes(32), None),
        ((6).to_bytes(32, "little") + bytes(32), None),
    ],
)
def test_px13_what_is_no_point_of_g2(data, error) -> None:
    """Where the strict decoder refuses for another reason than the order, so does this one."""
    try:
        strict = g2_from_bytes(data, what="q")
    except NotInSubgroup:
        with pytest.raises(NotInSubgroup):
            group.check_order_g2([group.g2_on_twist(data, "q")], "q")
        return
    except (WrongLength, IdentityPoint, NonCanonical, NotOnCurve) as refusal:
        with pytest.raises(error or type(refusal)):
            group.g2_on_twist(data, "q")
        return
    assert group.g2_on_twist(data, "q") == strict


def test_px13_an_x_without_a_point_is_refused() -> None:
    refused = 0
    for x in range(1, 20):
        data = x.to_bytes(32, "little") + bytes(32)
        try:
            g2_from_bytes(data)
        except NotOnCurve:
            refused += 1
            with pytest.raises(NotOnCurve):
                group.g2_on_twist(data, "q")
        except NotInSubgroup:
            group.g2_on_twist(data, "q")
    assert refused > 3


def test_px13_one_point_outside_among_many_is_found() -> None:
    outside = _points_of_the_twist(1)[0].to_affine()
    good = group.base_g2([1, 2, 3])
    group.check_order_g2(good, "q")
    group.check_order_g2([], "q")
    for at in range(4):
        with pytest.raises(NotInSubgroup):
            group.check_order_g2([*good[:at], outside, *good[at:]], "q")


@given(st.lists(st.tuples(st.integers(-5, R + 5), st.integers(0, R)), min_size=0, max_size=20))
@settings(max_examples=20, deadline=None)
def test_sums_are_those_of_exponents(terms) -> None:
    """Few and many terms, negative scalars, points at infinity, by every way of summing."""
    scalars, exponents = [k for k, _ in terms], [e for _, e in terms]
    points = group.base_g1(exponents) if exponents else []
    expected = group.base_g1([sum(k * e for k, e in terms)])[0]
    assert group.sum_g1(scalars, points) == expected
    assert group.total_g1(group.multiples_g1(scalars, points)) == expected
    if terms:
        row = list(enumerate(scalars))
        assert group.rows_times_g1([row, row], points) == [expected, expected]
    twisted = group.base_g2(exponents) if exponents else []
    right = group.base_g2([sum(k * e for k, e in terms)])[0]
    assert group.sum_g2(scalars, twisted) == right
    if expected is not None:
        assert group.same_exponent(expected, right)
        assert not group.same_exponent(group.sum_g1([1, 1], [expected, G1_GENERATOR]), right)


def test_rows_of_different_length_and_none() -> None:
    points = group.base_g1([1, 10, 100])
    rows = [[(0, 1)], [(2, 3), (1, 2)], [(0, R - 1), (1, 1), (2, 1)]]
    assert group.rows_times_g1(rows, points) == group.base_g1([1, 320, 109])
    assert group.rows_times_g1([], points) == []
    assert group.sum_g1([], []) is None
    assert group.negative(None) is None
