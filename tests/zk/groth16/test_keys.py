from __future__ import annotations

from dataclasses import replace

import pytest

from zk.curve.bn254 import G1, G1_GENERATOR, G2, G2_GENERATOR
from zk.curve.pairing import pairing_product_is_one
from zk.errors import (
    BackendError,
    IdentityPoint,
    NonCanonical,
    NotInSubgroup,
    NotOnCurve,
    UnsafeKey,
    WrongLength,
)
from zk.field.params import FP, FR
from zk.groth16.keys import Blinding, Proof, VerifyingKey, negate_g2
from zk.groth16.setup import ToxicWaste, UnsafeDevSetup, setup


def reasons(key, **changes) -> str:
    with pytest.raises(UnsafeKey) as caught:
        replace(key, **changes)
    return caught.value.message


def unchecked(key, **changes) -> VerifyingKey:
    """A key that was never linted, as a careless program would hold it."""
    forged = object.__new__(VerifyingKey)
    for name in ("alpha", "beta", "gamma", "delta", "ic"):
        object.__setattr__(forged, name, changes.get(name, getattr(key, name)))
    return forged


def satisfies_equation(key, public, proof) -> bool:
    statement = G1.from_affine(key.ic[0])
    for value, point in zip(public, key.ic[1:], strict=True):
        statement = statement + value * G1.from_affine(point)
    return pairing_product_is_one(
        [
            (-G1.from_affine(proof.a), G2.from_affine(proof.b)),
            (G1.from_affine(key.alpha), G2.from_affine(key.beta)),
            (statement, G2.from_affine(key.gamma)),
            (G1.from_affine(proof.c), G2.from_affine(key.delta)),
        ]
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_s11_a_key_with_gamma_equal_to_delta_lets_anyone_forge_and_is_refused(case, sign) -> None:
    """The exploited keys: (α, β, ∓Σ xᵢ·ICᵢ) satisfies the equation for every x."""
    delta = case.key.gamma if sign == 1 else negate_g2(case.key.gamma)
    weak = unchecked(case.key, delta=delta)
    lie = (31337, 42)
    statement = G1.from_affine(weak.ic[0])
    for value, point in zip(lie, weak.ic[1:], strict=True):
        statement = statement + value * G1.from_affine(point)
    forged = Proof(weak.alpha, weak.beta, (-statement if sign == 1 else statement).to_affine())
    assert satisfies_equation(weak, lie, forged)

    assert "gamma and delta" in reasons(case.key, delta=delta)
    with pytest.raises(UnsafeKey, match="gamma and delta"):
        VerifyingKey.from_bytes(unchecked(case.key, delta=delta).to_bytes())


def test_s11_a_key_without_a_contribution_is_refused(case, reference) -> None:
    assert "nobody has contributed" in reasons(case.key, gamma=case.key.beta, delta=G2_GENERATOR)
    assert "nobody has contributed" in reasons(
        case.key, gamma=case.key.beta, delta=negate_g2(G2_GENERATOR)
    )
    initial = setup(case.shape, ToxicWaste(11, 12, 13, 14, 1), reference)
    with pytest.raises(UnsafeKey, match="nobody has contributed"):
        _ = initial.verifying_key


@pytest.mark.parametrize("name", ["alpha", "beta", "gamma", "delta"])
def test_s11_a_point_at_infinity_is_refused(case, name) -> None:
    assert f"{name} is the point at infinity" in reasons(case.key, **{name: None})


def test_s11_an_ic_at_infinity_or_twice_is_refused(case) -> None:
    assert "IC[1]" in reasons(case.key, ic=(case.key.ic[0], None, case.key.ic[2]))
    assert "two IC points are equal" in reasons(
        case.key, ic=(case.key.ic[0], case.key.ic[1], case.key.ic[1])
    )
    assert "0 IC points" in reasons(case.key, ic=())


def test_s11_ics_equal_up_to_sign_let_public_inputs_move_together_and_are_refused(case) -> None:
    """With IC₂ = −IC₁ a proof of (x₁, x₂) is one of (x₁ + t, x₂ + t) for every t."""
    x, y = case.key.ic[1]
    opposite = (case.key.ic[0], (x, y), (x, FP.modulus - y))
    weak = unchecked(case.key, ic=opposite)
    toxic = UnsafeDevSetup().toxic_waste(case.shape)
    statement = G1.from_affine(weak.ic[0]) + 3 * G1.from_affine(weak.ic[1])
    product = (7 * 9 - toxic.alpha * toxic.beta) % FR.modulus
    c = pow(toxic.delta, -1, FR.modulus) * (product * G1.generator() + (-statement))
    proof = Proof((7 * G1.generator()).to_affine(), (9 * G2.generator()).to_affine(), c.to_affine())
    for public in ((3, 0), (31340, 31337)):
        assert satisfies_equation(weak, public, proof)

    assert "equal up to sign" in reasons(case.key, ic=opposite)
    with pytest.raises(UnsafeKey, match="equal up to sign"):
        VerifyingKey.from_bytes(weak.to_bytes())


def test_s11_points_off_curve_or_subgroup_are_refused(case, outside_g2) -> None:
    assert "alpha" in reasons(case.key, alpha=(1, 3))
    assert "beta" in reasons(case.key, beta=((1, 2), (3, 4)))
    for name in ("beta", "gamma", "delta"):
        assert name in reasons(case.key, **{name: outside_g2})
    x, y = case.key.alpha
    assert "alpha" in reasons(case.key, alpha=(x + FP.modulus, y))


def test_verifying_key_bytes_are_canonical(case) -> None:
    data = case.key.to_bytes()
    assert VerifyingKey.from_bytes(data) == case.key
    assert VerifyingKey.from_bytes(data).id == case.key.id
    assert len(case.key.id) == 64
    for wrong in (data[:-1], data + b"\0", data[:10], b""):
        with pytest.raises(WrongLength):
            VerifyingKey.from_bytes(wrong)
    count_at = 32 + 3 * 64
    inflated = data[:count_at] + b"\xff\xff\xff\xff" + data[count_at + 4 :]
    with pytest.raises(WrongLength):
        VerifyingKey.from_bytes(inflated)


def test_other_keys_have_other_ids(case, reference) -> None:
    other = UnsafeDevSetup("another seed").run(case.shape, reference).verifying_key
    assert other.id != case.key.id
    assert replace(case.key, ic=case.key.ic[::-1]).id != case.key.id


def test_proof_is_128_bytes_and_round_trips(case) -> None:
    data = case.proof.to_bytes()
    assert len(data) == 128
    assert Proof.from_bytes(data) == case.proof


@pytest.mark.parametrize("change", [b"", b"\0", b"\0" * 64])
def test_padded_and_truncated_proofs_are_refused(case, change) -> None:
    """GHSA-2x4w-pxqw-58v9: trailing bytes are a second encoding of a proof."""
    data = case.proof.to_bytes()
    with pytest.raises(WrongLength):
        Proof.from_bytes(data + change if change else data[:-1])


@pytest.mark.parametrize(("at", "size"), [(0, 32), (32, 64), (96, 32)])
def test_infinity_in_proof_bytes_is_refused(case, at, size) -> None:
    data = bytearray(case.proof.to_bytes())
    data[at : at + size] = bytes(size - 1) + b"\x40"
    with pytest.raises(IdentityPoint):
        Proof.from_bytes(bytes(data))


@pytest.mark.parametrize(("at", "size"), [(0, 32), (32, 32), (64, 32), (96, 32)])
def test_coordinates_plus_q_in_proof_bytes_are_refused(case, at, size) -> None:
    data = bytearray(case.proof.to_bytes())
    flags = data[at + size - 1] & 0xC0 if at != 32 else 0
    value = int.from_bytes(data[at : at + size], "little") - (flags << 8 * (size - 1))
    if value + FP.modulus >= 1 << 254:
        value = 1  # the flags leave no room for x + q: any coordinate ≥ q will do
    data[at : at + size] = (value + FP.modulus | flags << 8 * (size - 1)).to_bytes(size, "little")
    with pytest.raises(NonCanonical):
        Proof.from_bytes(bytes(data))


def test_proof_bytes_off_the_curve_are_refused(case) -> None:
    x = 1
    while pow(x**3 + 3, (FP.modulus - 1) // 2, FP.modulus) == 1:
        x += 1
    data = x.to_bytes(32, "little") + case.proof.to_bytes()[32:]
    with pytest.raises(NotOnCurve):
        Proof.from_bytes(data)


def test_proof_bytes_with_b_outside_the_subgroup_are_refused(case, outside_g2) -> None:
    outside = Proof(case.proof.a, outside_g2, case.proof.c)
    with pytest.raises(NotInSubgroup):
        Proof.from_bytes(outside.to_bytes())


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_a_proof_has_no_point_at_infinity(case, name) -> None:
    with pytest.raises(IdentityPoint):
        replace(case.proof, **{name: None})


def test_a_proof_holds_points_of_the_curve_only(case) -> None:
    x, y = case.proof.a
    with pytest.raises(NotOnCurve):
        replace(case.proof, a=(x, y + 1))
    with pytest.raises(NonCanonical):
        replace(case.proof, c=(x + FP.modulus, y))
    (x0, x1), (y0, y1) = case.proof.b
    with pytest.raises(NotOnCurve):
        replace(case.proof, b=((x0, x1), (y0, y1 ^ 1)))
    with pytest.raises(NonCanonical):
        replace(case.proof, b=((x0, x1 + FP.modulus), (y0, y1)))


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (FR.modulus, 1), (1, -1)])
def test_blinding_outside_its_range_is_refused(r, s) -> None:
    with pytest.raises(NonCanonical):
        Blinding(r, s)


def test_secrets_are_not_shown() -> None:
    blinding = Blinding(8675309, 314159265)
    toxic = ToxicWaste(8675309, 314159265, 3, 4, 5)
    for shown in (repr(blinding), str(blinding), f"{toxic}", repr(toxic)):
        assert "8675309" not in shown
        assert "314159265" not in shown


def test_a_proving_key_of_other_shapes_is_refused(case) -> None:
    key = case.proving_key
    for changes in (
        {"a": key.a[:-1]},
        {"h": key.h[:-1]},
        {"domain": key.domain + 1},
        {"wires": key.publics},
        {"b2": key.b2.astype("int64")},
    ):
        with pytest.raises(BackendError):
            replace(key, **changes)


def test_generators_are_where_they_should_be() -> None:
    assert G1.from_affine(G1_GENERATOR) == G1.generator()
    assert negate_g2(None) is None
    assert negate_g2(negate_g2(G2_GENERATOR)) == G2_GENERATOR
