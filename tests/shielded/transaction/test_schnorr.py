"""SH-34, SH-35: Schnorr signatures on Baby Jubjub (S-21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shielded import schnorr
from shielded.schnorr import SignatureRefused, SignedMessage
from zk import backends
from zk.curve import babyjub
from zk.curve.babyjub import B8, IDENTITY, ORDER, RCV_BASE, Point
from zk.errors import (
    DecodeError,
    IdentityPoint,
    NonCanonical,
    NotInSubgroup,
    NotOnCurve,
    WrongLength,
)
from zk.field.params import FR


@pytest.fixture(scope="module", params=["python", "kernels"], autouse=True)
def both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """Sums of points in Python, and by the kernels of a backend that runs."""
    found = backends.get("portable") if request.param == "kernels" else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backends, "started", lambda: found)
        yield


SEED = b"\5" * 32
ORDER_2 = Point(0, FR.modulus - 1)


def signed(secret: int = 12345, message: bytes = b"m", base: Point = B8) -> SignedMessage:
    signature = schnorr.sign(secret, message, seed=SEED, base=base)
    return SignedMessage(babyjub.multiply(secret, base), message, signature, base)


@settings(deadline=None, max_examples=15)
@given(st.integers(1, ORDER - 1), st.binary(max_size=80), st.sampled_from([B8, RCV_BASE]))
def test_sh34_a_signature_verifies_under_its_key_message_and_base_only(secret, message, base):
    one = signed(secret, message, base)
    schnorr.verify(one)
    other_base = RCV_BASE if base is B8 else B8
    for bad in (
        replace(one, message=message + b"x"),
        replace(one, key=babyjub.add(one.key, B8)),
        replace(one, base=other_base),
        replace(one, base=other_base, key=babyjub.multiply(secret, other_base)),
    ):
        with pytest.raises((SignatureRefused, IdentityPoint)):
            schnorr.verify(bad)


def test_sh34_the_equation() -> None:
    one = signed()
    commitment = babyjub.decode(one.signature[:32])
    s = int.from_bytes(one.signature[32:], "little")
    c = schnorr.challenge(B8, one.signature[:32], one.key, b"m")
    assert babyjub.multiply(s, B8) == babyjub.add(commitment, babyjub.multiply(c, one.key))


def test_sh34_the_challenge_hashes_base_commitment_key_and_message() -> None:
    """Without the key, a signature would fit keys made after it (weak Fiat-Shamir)."""
    bases = (B8, RCV_BASE)
    points = [babyjub.multiply(k, B8) for k in (2, 3)]
    challenges = {
        schnorr.challenge(base, babyjub.encode(commitment), key, message)
        for base in bases
        for commitment in points
        for key in points
        for message in (b"a", b"b")
    }
    assert len(challenges) == 16


def test_sh34_no_key_fits_a_signature_made_before_it() -> None:
    """R and s chosen first, then key = [1/c]([s]B − R) for a c that does not depend on the key."""
    commitment, s = babyjub.multiply(7, B8), 11
    encoded = babyjub.encode(commitment)
    for assumed in (B8, IDENTITY, commitment):
        c = schnorr.challenge(B8, encoded, assumed, b"m")
        difference = babyjub.add(babyjub.multiply(s, B8), babyjub.negate(commitment))
        key = babyjub.multiply(pow(c, -1, ORDER), difference)
        forged = SignedMessage(key, b"m", encoded + s.to_bytes(32, "little"))
        with pytest.raises(SignatureRefused):
            schnorr.verify(forged)


@pytest.mark.parametrize("multiple", [1, 2, 3])
def test_sh34_s_is_below_the_order(multiple) -> None:
    one = signed()
    s = int.from_bytes(one.signature[32:], "little") + multiple * ORDER
    bad = replace(one, signature=one.signature[:32] + s.to_bytes(32, "little"))
    with pytest.raises(NonCanonical):
        schnorr.verify(bad)


def test_sh34_the_commitment_is_canonical_in_the_subgroup_and_not_the_identity() -> None:
    one = signed()
    commitment = babyjub.decode(one.signature[:32])
    r = FR.modulus
    cases = [
        (babyjub.encode(babyjub.add(commitment, ORDER_2)), NotInSubgroup),
        (babyjub.encode(ORDER_2), NotInSubgroup),
        (babyjub.encode(IDENTITY), IdentityPoint),
        ((r + 5).to_bytes(32, "little"), NonCanonical),
    ]
    for encoded, error in cases:
        with pytest.raises(error):
            schnorr.verify(replace(one, signature=encoded + one.signature[32:]))
    for length in (0, 63, 65):
        with pytest.raises(WrongLength):
            schnorr.verify(replace(one, signature=bytes(length)))


def test_sh34_the_key_is_on_the_curve_in_the_subgroup_and_not_the_identity() -> None:
    one = signed()
    for key, error in (
        (babyjub.add(one.key, ORDER_2), NotInSubgroup),
        (Point(1, 1), NotOnCurve),
        (Point(one.key.x + FR.modulus, one.key.y), NonCanonical),
        (IDENTITY, IdentityPoint),
    ):
        with pytest.raises(error):
            schnorr.verify(replace(one, key=key))


def test_sh34_the_identity_as_key_where_allowed() -> None:
    zero = SignedMessage(IDENTITY, b"m", schnorr.sign(0, b"m", seed=SEED), allow_identity=True)
    schnorr.verify(zero)
    with pytest.raises(IdentityPoint):
        schnorr.verify(replace(zero, allow_identity=False))


def test_sh34_the_nonce_hashes_secret_seed_key_and_message() -> None:
    """S-13: one nonce under two messages would give the secret away."""
    commitments = {
        schnorr.sign(secret, message, seed=seed, base=base)[:32]
        for secret in (1, 2)
        for message in (b"a", b"b")
        for seed in (SEED, bytes(32))
        for base in (B8, RCV_BASE)
    }
    assert len(commitments) == 16
    assert schnorr.sign(7, b"a", seed=SEED) == schnorr.sign(7, b"a", seed=SEED)


def test_sh35_a_batch_of_good_ones() -> None:
    schnorr.verify_batch([])
    for size in (1, 3, 6):
        schnorr.verify_batch(
            [signed(i + 1, bytes([i]), (B8, RCV_BASE)[i % 2]) for i in range(size)]
        )


def test_sh35_culprits_are_named() -> None:
    batch = [signed(i + 1, bytes([i])) for i in range(6)]
    batch[1] = replace(batch[1], message=b"other")
    batch[4] = replace(batch[4], signature=bytes(64))
    batch[5] = replace(batch[5], key=Point(1, 1))
    with pytest.raises(SignatureRefused) as caught:
        schnorr.verify_batch(batch)
    assert caught.value.culprits == (1, 4, 5)


def test_sh35_errors_that_cancel_do_not_pass() -> None:
    """Incident 31: s₁ + e and s₂ − e keep the plain sum, so the weights must be unforeseeable."""
    batch = [signed(i + 1, bytes([i])) for i in range(5)]
    for index, error in ((0, 1), (1, -1)):
        one = batch[index]
        s = (int.from_bytes(one.signature[32:], "little") + error) % ORDER
        batch[index] = replace(one, signature=one.signature[:32] + s.to_bytes(32, "little"))
    with pytest.raises(SignatureRefused) as caught:
        schnorr.verify_batch(batch)
    assert caught.value.culprits == (0, 1)


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_sh35_a_batch_decides_as_its_members(data) -> None:
    batch = [signed(i + 1, bytes([i])) for i in range(5)]
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, 4))
        how = data.draw(st.sampled_from(["torsion R", "torsion key", "s", "byte", "message"]))
        batch[at] = _broken(batch[at], how, data)
    singly = []
    for index, one in enumerate(batch):
        try:
            schnorr.verify(one)
        except (DecodeError, SignatureRefused):
            singly.append(index)
    if not singly:
        schnorr.verify_batch(batch)
        return
    with pytest.raises(SignatureRefused) as caught:
        schnorr.verify_batch(batch)
    assert caught.value.culprits == tuple(singly)


def _broken(one: SignedMessage, how: str, data) -> SignedMessage:
    if how == "torsion R":
        # With the cofactor in play, this would pass in a batch and fail alone.
        value = int.from_bytes(one.signature[:32], "little")
        y = (FR.modulus - (value & (1 << 255) - 1)) % FR.modulus
        flipped = (y | (value & 1 << 255)) ^ (1 << 255)
        return replace(one, signature=flipped.to_bytes(32, "little") + one.signature[32:])
    if how == "torsion key":
        return replace(one, key=babyjub.add(one.key, ORDER_2))
    if how == "message":
        return replace(one, message=data.draw(st.binary(max_size=4)))
    at = 40 if how == "s" else data.draw(st.integers(0, 63))
    changed = bytearray(one.signature)
    changed[at] ^= 1
    return replace(one, signature=bytes(changed))
