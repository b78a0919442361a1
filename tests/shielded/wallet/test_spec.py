"""The formulas: kinds, commitments, nullifiers, nonces."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.ids import NATIVE, Kind
from shielded import spec
from shielded.notes import Note
from zk.curve import babyjub
from zk.errors import DecodeError, NonCanonical, WrongLength
from zk.field.params import FR
from zk.field.prime import sqrt
from zk.hash import domains
from zk.hash.poseidon import poseidon

R = FR.modulus
elements = st.integers(0, R - 1)
kinds = st.builds(Kind, elements, elements)


def a_note(**changes: object) -> Note:
    fields = {
        "kind": NATIVE,
        "quantity": 5,
        "data": 0,
        "diversifier": b"d" * 16,
        "owner": 11,
        "nonce": 12,
        "rseed": b"s" * 32,
        **changes,
    }
    return Note(**fields)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=25)
@given(kinds, st.booleans())
def test_sh40_exactly_one_sign_is_canonical(kind: Kind, ephemeral: bool) -> None:
    """S-2: with ±K both admitted, q of (kind, K) and q of (kind, −K) balance, and q is minted."""
    k = spec.kind_point(kind, ephemeral)
    assert spec.is_canonical_y(k.y)
    assert not spec.is_canonical_y(R - k.y)
    s, t = sqrt((2 + k.y) % R, FR), sqrt((2 - k.y) * pow(5, -1, R) % R, FR)
    assert s is not None
    assert t is not None
    assert (s * s - 2 - k.y) % R == 0
    assert (5 * t * t - 2 + k.y) % R == 0
    assert sqrt((2 - k.y) % R, FR) is None


@settings(deadline=None, max_examples=15)
@given(kinds, st.booleans())
def test_sh40_the_counter_is_the_smallest(kind: Kind, ephemeral: bool) -> None:
    k = spec.kind_point(kind, ephemeral)
    tag = domains.EPHEMERAL_KIND if ephemeral else domains.KIND
    for ctr in range(k.ctr + 1):
        x = poseidon(tag, (kind.logic, kind.label, ctr))
        root = babyjub.y_from_x(x)
        found = root is not None and any(spec.is_canonical_y(y) for y in (root, R - root))
        assert found == (ctr == k.ctr)
    assert k.x == poseidon(tag, (kind.logic, kind.label, k.ctr))
    assert k.point == babyjub.multiply(8, babyjub.Point(k.x, k.y))
    babyjub.check(k.point)


def test_sh40_persistent_and_ephemeral_kinds_differ() -> None:
    assert spec.kind_point(NATIVE).x != spec.kind_point(NATIVE, ephemeral=True).x


def test_sh40_bases_are_distinct() -> None:
    """S-14: a kind whose point has a known relation to R is free money."""
    points = {spec.kind_point(NATIVE).point, babyjub.RCV_BASE, babyjub.B8, babyjub.CHAIN_START}
    assert len(points) == 4


@settings(deadline=None, max_examples=10)
@given(st.integers(-(2**64), 2**64), st.integers(0, babyjub.ORDER - 1))
def test_delta_is_homomorphic(net: int, rcv: int) -> None:
    point = spec.kind_point(NATIVE).point
    left = spec.delta_point([(point, net)], rcv)
    right = spec.delta_point([(point, -net)], babyjub.ORDER - rcv)
    assert babyjub.add(left, right) == babyjub.IDENTITY


def test_randomised_keys_sign_under_the_sum(keys) -> None:
    key, alpha = keys(1), 12345
    expected = babyjub.multiply(key.ask + alpha, babyjub.B8)
    assert spec.randomized_key(key.ak, alpha) == expected


def test_sh42_every_field_changes_the_commitment() -> None:
    base = a_note()
    changed = [
        a_note(kind=Kind(0, 1)),
        a_note(kind=Kind(1, NATIVE.label)),
        a_note(quantity=6),
        a_note(data=1),
        a_note(owner=12),
        a_note(nonce=13),
        a_note(rseed=b"t" * 32),
        a_note(ephemeral=True),
    ]
    assert len({note.commitment for note in (base, *changed)}) == len(changed) + 1


def test_sh42_one_nullifier_per_note(alice, bob) -> None:
    """S-1, incident 13: a function of the note and its owner's nk, and of nothing else."""
    assert a_note().nullifier(alice.nk) == a_note().nullifier(alice.nk)
    assert a_note().nullifier(alice.nk) != a_note().nullifier(bob.nk)
    note = a_note()
    assert note.nullifier(alice.nk) == poseidon(
        domains.NULLIFIER, (alice.nk, note.nonce, note.commitment)
    )


@pytest.mark.parametrize("name", ["data", "owner", "nonce"])
def test_sh42_aliases_of_field_values_are_refused(name: str) -> None:
    """Incident 4: x and x + r would be two spellings of one note."""
    for wrong in (R, R + 5, -1):
        with pytest.raises(NonCanonical):
            a_note(**{name: wrong})
    with pytest.raises(NonCanonical):
        a_note(kind=Kind(0, R))
    with pytest.raises(NonCanonical):
        spec.nullifier(R, 1, 1)


def test_sh54_note_value_wraps() -> None:
    """A quantity of 2⁶⁴ or −1 would balance modulo something; none may be a note."""
    for wrong in (2**64, -1, R - 1, 2**64 + 5):
        with pytest.raises(DecodeError, match="outside"):
            a_note(quantity=wrong)
        with pytest.raises(DecodeError, match="outside"):
            spec.commitment(1, wrong, 0, 1, 1, 1)
    assert a_note(quantity=2**64 - 1).commitment != a_note(quantity=0).commitment


@settings(deadline=None, max_examples=25)
@given(elements, elements)
def test_sh52_nonces_differ_by_slot_and_by_nullifiers(first: int, second: int) -> None:
    nonces = {
        spec.created_nonce(0, first, second),
        spec.created_nonce(1, first, second),
        spec.created_nonce(0, first, (second + 1) % R),
        spec.created_nonce(1, (first + 1) % R, second),
    }
    assert len(nonces) == 4


def test_sh52_there_are_two_slots() -> None:
    for slot in (-1, 2, R):
        with pytest.raises(DecodeError, match="slots"):
            spec.created_nonce(slot, 1, 2)


def test_sh52_two_notes_with_equal_fields_are_both_spendable(alice) -> None:
    """Incident 19: same amount, owner and seed in two actions, and in both slots of one."""
    notes = [
        a_note(nonce=spec.created_nonce(slot, *nullifiers))
        for nullifiers in ((1, 2), (3, 4))
        for slot in (0, 1)
    ]
    assert len({note.commitment for note in notes}) == 4
    assert len({note.nullifier(alice.nk) for note in notes}) == 4


def test_sh52_roadblock(alice) -> None:
    """Incident 20: whoever learns a pending note's fields cannot publish it first to block it.

    Its nonce comes from nullifiers that only its own transaction can publish.
    """
    victim = a_note(nonce=spec.created_nonce(0, 1, 2))
    attacker = a_note(nonce=spec.created_nonce(0, 1, 3))
    assert attacker.commitment != victim.commitment
    assert attacker.nullifier(alice.nk) != victim.nullifier(alice.nk)


def test_sh51_seeds_are_bound_to_their_use() -> None:
    seed = b"s" * 32
    assert spec.commitment_randomness(seed, 1) != spec.commitment_randomness(seed, 2)
    secrets = {
        spec.ephemeral_secret(seed, 1, b"a"),
        spec.ephemeral_secret(seed, 2, b"a"),
        spec.ephemeral_secret(seed, 1, b"b"),
        spec.ephemeral_secret(b"t" * 32, 1, b"a"),
    }
    assert len(secrets) == 4
    with pytest.raises(WrongLength):
        spec.commitment_randomness(b"short", 1)
    with pytest.raises(WrongLength):
        spec.ephemeral_secret(b"short", 1, b"")


def test_expand_separates_parts() -> None:
    assert spec.expand("t", b"ab", b"c") != spec.expand("t", b"a", b"bc")
    assert spec.expand("t", b"") != spec.expand("t")
    assert spec.expand("ta", b"b") != spec.expand("t", b"ab")


def test_lengths_are_exact() -> None:
    with pytest.raises(WrongLength):
        a_note(diversifier=b"d" * 15)
    with pytest.raises(WrongLength):
        a_note(rseed=b"s" * 31)
    with pytest.raises(WrongLength):
        spec.owner(1, b"d" * 17)
