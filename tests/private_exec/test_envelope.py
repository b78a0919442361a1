"""Envelopes: sealing and opening, one encoding, consent, epochs, labels that cannot be swapped."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec import batch as batches
from private_exec import cipher, group, spec
from private_exec import envelope as envelopes
from private_exec.batch import duplicate_key
from private_exec.envelope import SIZE_CLASSES, Envelope, label_of, pad, unpad
from private_exec.errors import BadSeals, MalformedSeal, SealRefused, Undecryptable
from zk.curve.encoding import g1_to_bytes
from zk.errors import DecodeError, IdentityPoint, NonCanonical, NotOnCurve, WrongLength
from zk.field.params import FP, FR

HEADER = envelopes.HEADER_BYTES


def refused(rule: str, call, *arguments, **options) -> SealRefused:
    with pytest.raises(SealRefused) as caught:
        call(*arguments, **options)
    assert caught.value.rule == rule
    return caught.value


def resigned(world, item: Envelope) -> Envelope:
    """The payer consents to whatever this is: what is left is the ciphertext's own proof."""
    auth = world.payer.sign(envelopes.auth_digest(item.label(world.key), item.seal))
    return replace(item, auth=auth)


@pytest.mark.parametrize("size_class", range(4))
def test_what_is_sealed_opens(world, helpers, size_class) -> None:
    w = world(4)
    size = SIZE_CLASSES[size_class]
    for intent in (b"", b"x", b"y" * (size - envelopes.OVERHEAD)):
        item = w.envelope(1, intent, size_class=size_class)
        assert len(item.seal.body) == size
        assert len(item.to_bytes()) == envelopes.size_of(size_class)
        assert Envelope.from_bytes(item.to_bytes()) == item
        envelopes.check(item, w.key, helpers.window, helpers.height)
        cipher.verify(w.key, item.label(w.key), item.seal)
        shared = group.multiple_g1(w.polynomial.secret, item.seal.u)
        assert envelopes.open_envelope(item, w.key, shared) == intent


def test_an_intents_class_is_the_smallest_that_holds_it() -> None:
    assert [envelopes.size_class_of(n) for n in (0, 494, 495, 1006, 1007, 2542, 2543, 4078)] == [
        0, 0, 1, 1, 2, 2, 3, 3,
    ]  # fmt: skip
    refused("PX-15", envelopes.size_class_of, 4079)
    refused("PX-15", pad, bytes(495), 0)


# PX-15 and PX-13: one encoding.


def test_px15_versions_classes_and_ends(world) -> None:
    item = world(4).envelope(1)
    data = item.to_bytes()
    refused("PX-15", Envelope.from_bytes, b"\2" + data[1:])
    at = HEADER - 1
    refused("PX-15", Envelope.from_bytes, data[:at] + b"\4" + data[at + 1 :])
    for bad in (data + b"\0", data[:-1], b"", data[:HEADER]):
        with pytest.raises(WrongLength):
            Envelope.from_bytes(bad)
    longer = data[:at] + b"\1" + data[at + 1 :]
    with pytest.raises(WrongLength):
        Envelope.from_bytes(longer)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_px15_whatever_decodes_is_what_was_encoded(world, data) -> None:
    """Any changed byte is refused, or another envelope with another id or auth: none is ignored."""
    w = world(4)
    item = w.envelope(1)
    raw = bytearray(item.to_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        other = Envelope.from_bytes(bytes(raw))
    except DecodeError:
        return
    assert other.to_bytes() == bytes(raw)
    assert other.id(w.key) != item.id(w.key) or other.auth != item.auth


@pytest.mark.parametrize("place", range(4), ids=["u", "u_bar", "w", "w_bar"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (bytes(31) + b"\x40", IdentityPoint),
        (FP.modulus.to_bytes(32, "little"), NonCanonical),
        ((FP.modulus + 1).to_bytes(32, "little"), NonCanonical),
        ((4).to_bytes(32, "little"), NotOnCurve),
    ],
)
def test_px13_points_on_the_wire(world, place, value, error) -> None:
    data = world(4).envelope(1).to_bytes()
    at = HEADER + 32 * place
    with pytest.raises(error):
        Envelope.from_bytes(data[:at] + value + data[at + 32 :])


def test_px13_z_plus_r_is_refused(world) -> None:
    item = world(4).envelope(1)
    data, at = item.to_bytes(), HEADER + 128
    more = (item.seal.z + FR.modulus).to_bytes(32, "little")
    with pytest.raises(NonCanonical):
        Envelope.from_bytes(data[:at] + more + data[at + 32 :])
    refused("PX-13", replace, item.seal, z=item.seal.z + FR.modulus)


def test_px13_points_in_memory(world) -> None:
    seal = world(4).envelope(1).seal
    x, y = seal.u
    for bad, error in (
        (None, IdentityPoint),
        ((x, y + 1), NotOnCurve),
        ((x, y + FP.modulus), NonCanonical),
    ):
        with pytest.raises(error):
            replace(seal, u=bad)


# PX-4: consent, identity, length.


def test_px4_nobody_else_makes_the_payer_pay(world, helpers) -> None:
    w, thief = world(4), helpers.signer("thief")
    item = w.envelope(1)
    check = (w.key, helpers.window, helpers.height)
    unsigned = replace(item, auth=bytes(64))
    label = item.label(w.key)
    by_thief = replace(item, auth=thief.sign(envelopes.auth_digest(label, item.seal)))
    refused("PX-4", envelopes.check, unsigned, *check)
    refused("PX-4", envelopes.check, by_thief, *check)
    weak = replace(item, terms=replace(item.terms, payer=bytes(32)))
    refused("PX-4", envelopes.check, weak, *check)


def test_px4_the_signature_covers_every_part(world, helpers) -> None:
    w = world(4)
    item, other = w.envelope(1), w.envelope(2)
    check = (w.key, helpers.window, helpers.height)
    for part in ("u", "u_bar", "w", "w_bar", "z", "body"):
        bad = replace(item, seal=replace(item.seal, **{part: getattr(other.seal, part)}))
        refused("PX-4", envelopes.check, bad, *check)
    for part in ("payer_nonce", "fee", "gas_cap", "expiry"):
        bad = replace(item, terms=replace(item.terms, **{part: getattr(item.terms, part) + 1}))
        refused("PX-4", envelopes.check, bad, *check)


def test_px4_the_id_leaves_auth_out_and_nothing_else(world) -> None:
    w = world(4)
    item = w.envelope(1)
    assert replace(item, auth=bytes(64)).id(w.key) == item.id(w.key)
    assert replace(item, terms=replace(item.terms, fee=6)).id(w.key) != item.id(w.key)
    assert replace(item, seal=replace(item.seal, z=1)).id(w.key) != item.id(w.key)
    assert item.id(world(7).key) != item.id(w.key)


def test_px4_the_body_is_as_long_as_its_class_says(world) -> None:
    item = world(4).envelope(1)
    for length in (511, 513, 1024):
        refused("PX-4", replace, item, seal=replace(item.seal, body=bytes(length)))
    refused("PX-4", replace, item, auth=bytes(63))


# PX-14: the label.


def test_px14_the_label_binds_chain_instance_domain_epoch_key_expiry_and_terms(world) -> None:
    """Swapped one by one; the proof holds for none of them."""
    w = world(4)
    item = w.envelope(1)
    key, domain = w.key, w.key.domain
    good = item.label(key)
    assert label_of(domain, 3, key.digest, item.terms) == good
    labels = [
        label_of(replace(domain, chain_id=bytes(32)), 3, key.digest, item.terms),
        label_of(replace(domain, instance=9), 3, key.digest, item.terms),
        label_of(replace(domain, da_domain=9), 3, key.digest, item.terms),
        label_of(domain, 4, key.digest, item.terms),
        label_of(domain, 3, bytes(32), item.terms),
        label_of(domain, 3, key.digest, replace(item.terms, expiry=51)),
        label_of(domain, 3, key.digest, replace(item.terms, fee=6)),
        label_of(domain, 3, key.digest, replace(item.terms, payer=bytes(32))),
        label_of(domain, 3, key.digest, replace(item.terms, payer_nonce=9)),
        label_of(domain, 3, key.digest, replace(item.terms, gas_cap=9)),
    ]
    assert len({good, *labels}) == 11
    for label in labels:
        with pytest.raises(BadSeals) as caught:
            cipher.verify(key, label, item.seal)
        assert caught.value.rule == "PX-14"
    cipher.verify(key, good, item.seal)


def test_px14_mauled_ciphertexts_are_refused(world) -> None:
    """A bit of the body; U + G and all that one can do about it without r; swapped halves."""
    w = world(4)
    item = w.envelope(1)
    seal, label = item.seal, item.label(w.key)
    moved = group.sum_g1([1, 1], [seal.u, (1, 2)])
    moved_bar = group.sum_g1([1, 1], [seal.u_bar, w.key.second_base])
    body = bytes([seal.body[0] ^ 1]) + seal.body[1:]
    e = cipher.challenge(label, moved, moved_bar, seal.w, seal.w_bar, seal.body)
    for bad in (
        replace(seal, body=body),
        replace(seal, u=moved),
        replace(seal, u=moved, u_bar=moved_bar),
        replace(seal, u=moved, u_bar=moved_bar, z=(seal.z + e) % FR.modulus),
        replace(seal, u=seal.u_bar, u_bar=seal.u),
        replace(seal, w=seal.w_bar, w_bar=seal.w),
        replace(seal, z=(seal.z + 1) % FR.modulus),
    ):
        refused("PX-14", cipher.verify, w.key, label, bad)
        assert not spec.seal_holds(bad, label, w.key.second_base)
    assert spec.seal_holds(seal, label, w.key.second_base)


def test_px14_unequal_exponents_are_refused(world) -> None:
    """Ū = r'Ḡ: the first equation holds, the second does not; the security proof needs Ū."""
    w = world(4)
    r, s, other = 1234, 5678, 4321
    u, p = group.base_g1([r, s])
    u_bar, p_bar = group.base_g1([other, s], w.key.second_base)
    label = bytes(32)
    e = cipher.challenge(label, u, u_bar, p, p_bar, b"")
    bad = cipher.Seal(u, u_bar, p, p_bar, (s + e * r) % FR.modulus, b"")
    refused("PX-14", cipher.verify, w.key, label, bad)


def test_px9_errors_of_the_two_equations_do_not_cancel(world) -> None:
    """D is missing in one and too much in the other; a weight common to both would not see it."""
    w = world(4)
    r, s, off = 1234, 5678, group.base_g1([99])[0]
    u, first = group.base_g1([r, s])
    u_bar, second = group.base_g1([r, s], w.key.second_base)
    p, p_bar = group.total_g1([first, group.negative(off)]), group.total_g1([second, off])
    e = cipher.challenge(bytes(32), u, u_bar, p, p_bar, b"")
    bad = cipher.Seal(u, u_bar, p, p_bar, (s + e * r) % FR.modulus, b"")
    good = w.envelope(1)
    with pytest.raises(BadSeals) as caught:
        cipher.verify_batch(w.key, [(good.label(w.key), good.seal), (bytes(32), bad)])
    assert (caught.value.rule, caught.value.culprits) == ("PX-14", (1,))


def test_px14_a_copy_under_another_payer_is_refused(world, helpers) -> None:
    """The thief pays and signs properly; the proof is for the first payer's label."""
    w, thief = world(4), helpers.signer("thief")
    item = w.envelope(1)
    stolen = replace(item, terms=replace(item.terms, payer=helpers.public(thief)))
    auth = thief.sign(envelopes.auth_digest(stolen.label(w.key), stolen.seal))
    stolen = replace(stolen, auth=auth)
    envelopes.check(stolen, w.key, helpers.window, helpers.height)
    with pytest.raises(BadSeals) as caught:
        w.batch(items=[w.envelope(2), stolen])
    assert caught.value.rule == "PX-14"
    assert caught.value.culprits == (1,)


@pytest.mark.parametrize("bad", [(), (0,), (7,), (2, 3), (0, 4, 7), tuple(range(8))])
def test_px14_batches_name_every_culprit(world, bad) -> None:
    w = world(4)
    items = [(e.label(w.key), e.seal) for e in w.envelopes(8)]
    for k in bad:
        items[k] = (items[k][0], replace(items[k][1], z=(items[k][1].z + 1) % FR.modulus))
    if not bad:
        cipher.verify_batch(w.key, items)
        cipher.verify_batch(w.key, [])
        return
    with pytest.raises(BadSeals) as caught:
        cipher.verify_batch(w.key, items)
    assert caught.value.culprits == bad


# PX-7: epochs and expiry.


def test_px7_epochs_and_expiry(world, helpers) -> None:
    w = world(4)
    check, window = envelopes.check, helpers.window

    def at(item, height):
        return (item, w.key, window, height)

    item = w.envelope(1)
    future = resigned(w, replace(item, epoch=4))
    refused("PX-7", check, *at(future, 20))
    past = resigned(w, replace(item, epoch=2))
    refused("PX-7", check, *at(past, 20))
    refused("PX-7", check, item, w.key, replace(window, number=4), 20)
    refused("PX-7", check, *at(item, 9))  # the epoch begins at 10
    check(*at(item, 50))
    refused("PX-7", check, *at(item, 51))  # its expiry is 50
    check(*at(w.envelope(1, expiry=110), 105))  # the epoch ends at 100, its grace at 110
    refused("PX-7", check, *at(w.envelope(1, expiry=111), 20))


# PX-12: one U, once.


def test_px12_a_base_is_ordered_once(world, helpers) -> None:
    w = world(4)
    first, second = w.envelope(1), w.envelope(2)
    assert "seal 2" in refused("PX-12", w.batch, items=[first, second, first]).where
    copied = replace(second, seal=replace(second.seal, u=first.seal.u))
    refused("PX-12", w.batch, items=[first, copied])
    seen = [duplicate_key(first.seal.u)]
    refused("PX-12", batches.order, w.key, helpers.window, 21, [second, first], seen=seen)


def test_px12_fresh_entropy_or_another_message_gives_another_base(world) -> None:
    w = world(4)
    label = bytes(32)
    same = [cipher.seal(w.key, label, b"text", bytes(32)) for _ in range(2)]
    assert same[0] == same[1]
    others = [
        cipher.seal(w.key, label, b"text", b"\1" * 32),
        cipher.seal(w.key, label, b"texts", bytes(32)),
        cipher.seal(w.key, b"\1" * 32, b"text", bytes(32)),
        cipher.seal(world(7).key, label, b"text", bytes(32)),
    ]
    assert len({same[0].u, *(other.u for other in others)}) == 5
    assert len({same[0].w, *(other.w for other in others)}) == 5


# PX-16: what does not open.


def test_px16_what_is_no_intent_is_undecryptable_for_everybody(world) -> None:
    w = world(4)
    item = w.envelope(1)
    label = item.label(w.key)
    shared = group.multiple_g1(w.polynomial.secret, item.seal.u)
    wrong = group.multiple_g1(w.polynomial.secret + 1, item.seal.u)
    refused("PX-16", envelopes.open_envelope, item, w.key, wrong)
    broken = replace(item, seal=replace(item.seal, body=bytes(512)))
    refused("PX-16", envelopes.open_envelope, broken, w.key, shared)
    for plaintext in (
        (495).to_bytes(2, "little") + bytes(494),  # longer than it is
        b"\0\0" + bytes(493) + b"\1",  # padded with something
        b"\1\0ab" + bytes(492),
    ):
        seal = cipher.seal(w.key, label, plaintext, bytes(32))
        key = group.multiple_g1(w.polynomial.secret, seal.u)
        refused("PX-16", envelopes.open_envelope, replace(item, seal=seal), w.key, key)


@given(st.binary(max_size=494), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_padding_is_undone(intent, size_class) -> None:
    padded = pad(intent, size_class)
    assert len(padded) == SIZE_CLASSES[size_class] - cipher.TAG_BYTES
    assert unpad(padded) == intent
    if len(padded) > 2 + len(intent):
        with pytest.raises(Undecryptable):
            unpad(padded[:-1] + b"\1")


# PX-24, and batches.


def test_px24_the_cap_is_that_of_the_keys_heaviest_holder(world) -> None:
    """Whoever orders need not know it: 90 shares of one member leave room for two intents."""
    w = world(packing=1, shares=(90, 1, 1))
    items = w.envelopes(3)
    assert len(w.batch(items=items[:2])) == 2
    with pytest.raises(SealRefused) as caught:
        w.batch(items=items)
    assert caught.value.rule == "PX-24"


def test_px24_a_block_orders_no_more_than_the_cap(world, helpers) -> None:
    w = world(4)
    items = w.envelopes(3)
    assert len(batches.order(w.key, helpers.window, 20, items, most=3)) == 3
    for most in (2, 0):
        with pytest.raises(SealRefused) as caught:
            batches.order(w.key, helpers.window, 20, items, most=most)
        assert caught.value.rule == "PX-24"
    with pytest.raises(SealRefused) as caught:
        w.batch(items=[items[0]] * 129)
    assert caught.value.rule == "PX-24"


def test_a_batch_names_the_position_of_what_it_refuses(world) -> None:
    w = world(4)
    error = refused("PX-4", w.batch, items=[w.envelope(1), replace(w.envelope(2), auth=bytes(64))])
    assert error.where == "seal 1, auth"


def test_the_root_depends_on_height_key_order_and_members(world) -> None:
    w, other = world(4), world(7)
    items = w.envelopes(3)
    roots = {
        w.batch(items=items).root,
        w.batch(items=items[::-1]).root,
        w.batch(items=items[:2]).root,
        w.batch(items=items, height=21).root,
        w.batch(items=[]).root,
        other.batch(items=[]).root,
    }
    assert len(roots) == 6


def test_terms_are_in_range(world) -> None:
    terms = world(4).terms()
    for change in ({"fee": 1 << 64}, {"fee": -1}, {"size_class": 4}, {"payer": b""}):
        with pytest.raises(MalformedSeal) as caught:
            replace(terms, **change)
        assert caught.value.rule == "PX-15"


def test_the_second_base_is_hashed_from_the_key(world) -> None:
    keys = [world(4).key, world(7).key, replace(world(4).key, epoch=4)]
    assert len({g1_to_bytes(key.second_base) for key in keys}) == 3
