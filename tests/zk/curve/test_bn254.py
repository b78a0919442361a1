"""G1 and G2: parameters, laws, py_ecc, and what the constructors refuse."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as oracle

from zk.curve import bn254
from zk.curve.bn254 import G1, G2, G1Affine, G2Affine, check_g1, check_g2
from zk.errors import IdentityPoint, NonCanonical, NotInSubgroup, NotOnCurve, ParamsError
from zk.field.params import FP, FR
from zk.field.tower import XI, Fp2

P, R = FP.modulus, FR.modulus
# Hypothesis prefers small integers; a seed gives uniform ones beside them.
UNIFORM = st.integers(min_value=0).map(lambda seed: random.Random(seed).randrange(R))
SCALAR = UNIFORM | st.integers(min_value=0, max_value=R - 1)
EDGE = st.sampled_from([0, 1, 2, 3, 15, 16, 17, R - 2, R - 1, R, R + 1])
OUTSIDE = bn254._points_of_the_twist(4)


def of_oracle(point: object) -> G1Affine | G2Affine:
    if oracle.is_inf(point):
        return None
    x, y = oracle.normalize(point)
    if isinstance(x, oracle.FQ2):
        return tuple(map(int, x.coeffs)), tuple(map(int, y.coeffs))
    return int(x), int(y)


def test_parameters_hold() -> None:
    bn254.check_params()


def test_parameters_are_really_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bn254, "G2_COFACTOR", bn254.G2_COFACTOR - 1)
    with pytest.raises(ParamsError, match="annihilates"):
        bn254.check_params()


def test_twist_constant_and_generators_are_those_of_the_eips() -> None:
    assert G2.b * XI == Fp2(3, 0)
    assert G1.generator().to_affine() == of_oracle(oracle.G1) == (1, 2)
    assert G2.generator().to_affine() == of_oracle(oracle.G2)


@given(SCALAR | EDGE, SCALAR | EDGE)
@settings(deadline=None, max_examples=12)
def test_g1_agrees_with_py_ecc(a: int, b: int) -> None:
    p, q = a * G1.generator(), b * G1.generator()
    theirs_p, theirs_q = oracle.multiply(oracle.G1, a), oracle.multiply(oracle.G1, b)
    assert p.to_affine() == of_oracle(theirs_p)
    assert (p + q).to_affine() == of_oracle(oracle.add(theirs_p, theirs_q))
    assert p.double().to_affine() == of_oracle(oracle.double(theirs_p))


@given(SCALAR | EDGE, SCALAR | EDGE)
@settings(deadline=None, max_examples=8)
def test_g2_agrees_with_py_ecc(a: int, b: int) -> None:
    p, q = a * G2.generator(), b * G2.generator()
    theirs_p, theirs_q = oracle.multiply(oracle.G2, a), oracle.multiply(oracle.G2, b)
    assert p.to_affine() == of_oracle(theirs_p)
    assert (p + q).to_affine() == of_oracle(oracle.add(theirs_p, theirs_q))


@given(st.sampled_from([G1, G2]), SCALAR | EDGE, SCALAR | EDGE, SCALAR | EDGE)
@settings(deadline=None, max_examples=15)
def test_group_laws(group: type[G1] | type[G2], a: int, b: int, c: int) -> None:
    g = group.generator()
    p, q, s = a * g, b * g, c * g
    assert (p + q) + s == p + (q + s)
    assert p + q == q + p == (a + b) % R * g
    assert (p - p).is_identity()
    assert p + group.identity() == p
    assert c * (p + q) == c * p + c * q
    assert group.from_affine(p.to_affine()) == p


@pytest.mark.parametrize("index", range(4))
def test_g2_subgroup_check_agrees_with_the_definition(index: int) -> None:
    outside = OUTSIDE[index]
    assert not (R * outside).is_identity()
    assert not outside.in_subgroup()
    inside = bn254.G2_COFACTOR * outside
    assert (R * inside).is_identity()
    assert not inside.is_identity()
    assert inside.in_subgroup()
    assert not (inside + R * outside).in_subgroup()


def test_every_small_subgroup_of_the_twist_is_refused() -> None:
    """For each small prime factor q of the cofactor, a point of order q."""
    cofactor = bn254.G2_COFACTOR
    small = [q for q in range(2, 20000) if cofactor % q == 0 and all(q % f for f in range(2, q))]
    assert small == [10069]
    for q in small:
        point = next(t for p in OUTSIDE if not (t := R * (cofactor // q) * p).is_identity())
        assert (q * point).is_identity()
        assert not point.in_subgroup()
        with pytest.raises(NotInSubgroup):
            check_g2(point.to_affine())


def test_frobenius_satisfies_its_characteristic_equation() -> None:
    """ψ² − [t]ψ + [p] = 0 on the whole twist: what the subgroup check rests on."""
    for q in (*OUTSIDE, G2.generator(), G2.identity()):
        once = q.frobenius()
        assert (once.frobenius() - bn254.TRACE * once + P * q).is_identity()


def test_identity_is_in_the_subgroup_and_prints() -> None:
    assert G2.identity().in_subgroup()
    assert G1.from_affine(None).is_identity()
    assert G2.from_affine(None).is_identity()
    assert G1.identity().to_affine() is None
    assert G2.identity().to_affine() is None


def test_g1_refusals_have_their_own_errors() -> None:
    check_g1((1, 2))
    check_g1(None, allow_identity=True)
    for point, error in (
        (None, IdentityPoint),
        ((1, 3), NotOnCurve),
        ((0, 0), NotOnCurve),
        ((0, 1), NotOnCurve),
        ((1 + P, 2), NonCanonical),
        ((1, 2 + P), NonCanonical),
        ((-1, 2), NonCanonical),
    ):
        with pytest.raises(error) as caught:
            check_g1(point, what="proof.A")
        assert type(caught.value) is error
        assert caught.value.where == "proof.A"
        assert "proof.A" in str(caught.value)


def test_g2_refusals_have_their_own_errors() -> None:
    (x0, x1), (y0, y1) = bn254.G2_GENERATOR
    check_g2(bn254.G2_GENERATOR)
    check_g2(None, allow_identity=True)
    for point, error in (
        (None, IdentityPoint),
        (((x0, x1), (y0, y1 ^ 1)), NotOnCurve),
        (((x1, x0), (y1, y0)), NotOnCurve),
        (((0, 0), (0, 0)), NotOnCurve),
        (((x0 + P, x1), (y0, y1)), NonCanonical),
        (((x0, x1 + P), (y0, y1)), NonCanonical),
        (((x0, x1), (y0 + P, y1)), NonCanonical),
        (((x0, x1), (y0, y1 + P)), NonCanonical),
        (OUTSIDE[0].to_affine(), NotInSubgroup),
    ):
        with pytest.raises(error) as caught:
            check_g2(point, what="proof.B")
        assert type(caught.value) is error
        assert caught.value.where == "proof.B"


def test_the_subgroup_check_can_be_left_out_only_on_request() -> None:
    outside = OUTSIDE[0].to_affine()
    assert G2.from_affine(outside, subgroup=False) == OUTSIDE[0]
    with pytest.raises(NotInSubgroup):
        G2.from_affine(outside)
