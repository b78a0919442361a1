"""Decryption shares: made, verified, combined; faulty makers named; every other share refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from private_exec import cipher, group, reveal, shares, spec
from private_exec import envelope as envelopes
from private_exec.errors import BadShares, RevealRefused, SealRefused, TooFewShares
from private_exec.shares import ShareMessage
from private_exec.sharing import slot_weights
from zk.errors import DecodeError, NotOnCurve
from zk.field.params import FR

SIZES = [(1, 1), (4, 1), (7, 1), (7, 2), (16, 1), (16, 3)]


def refused(rule: str, call, *arguments) -> SealRefused:
    with pytest.raises(SealRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


def keys_of(w, batch):
    """sk·U, from the secret that only the test knows."""
    return tuple(group.multiples_g1([w.polynomial.secret], batch.bases))


def signed(w, message: ShareMessage, member: int | None = None, **changes) -> ShareMessage:
    """Another message, properly signed by its sender."""
    bad = replace(message, **changes)
    sender = w.signers[bad.member if member is None else member]
    return replace(bad, signature=sender.sign(bad.digest(w.key)))


def spoiled(w, message: ShareMessage, at: int = 0) -> ShareMessage:
    points = list(message.points)
    points[at] = group.sum_g1([1, 1], [points[at] or (1, 2), (1, 2)])
    return signed(w, message, points=tuple(points))


@pytest.mark.parametrize(("n", "packing"), SIZES)
@pytest.mark.parametrize("size", [1, 5, 6])
def test_any_quorum_opens_the_batch(world, n, packing, size) -> None:
    """Also where ℓ does not divide B."""
    w = world(n, packing)
    batch = w.batch(size)
    messages = w.messages(batch)
    quorum = w.parameters.quorum
    shares.verify_shares(batch, messages)
    for chosen in (messages[:quorum], messages[-quorum:], messages):
        assert shares.combine(batch, chosen) == keys_of(w, batch)
    found, bad = reveal.recover(batch, messages[-quorum:])
    assert bad == {}
    assert reveal.open_batch(batch, found) == tuple(b"intent %d" % k for k in range(size))


def test_every_quorum_of_four_gives_the_same_points(world) -> None:
    w = world(4)
    batch = w.batch(2)
    messages = w.messages(batch)
    results = {shares.combine(batch, chosen) for chosen in combinations(messages, 3)}
    assert results == {keys_of(w, batch)}


def test_holders_of_several_shares_send_them_together(world) -> None:
    w = world(shares=(3, 2, 1, 1, 0))
    batch = w.batch(4)
    messages = w.messages(batch)
    assert [len(m.points) for m in messages] == [12, 8, 4, 4]  # nobody without shares sends
    shares.verify_shares(batch, messages)
    assert shares.combine(batch, messages[:2]) == keys_of(w, batch)
    with pytest.raises(TooFewShares):
        shares.combine(batch, messages[1:])
    bad = spoiled(w, messages[0], at=11)
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, [bad, *messages[1:]])
    assert caught.value.culprits == (0,)


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (7, 2), (16, 3)])
def test_shares_are_those_of_the_plain_formula(world, n, packing) -> None:
    """The twin: one member's points, one pairing each, and combining at every slot."""
    w = world(n, packing)
    batch = w.batch(packing + 1)
    message = w.messages(batch, [1])[0]
    value, vk = w.held[1].values[2], w.key.vks[1]
    for u, point in enumerate(message.points):
        bases = [batch.bases[j] for j in batch.members(u)]
        assert point == spec.share(value, bases, packing, 2)
    assert spec.share_holds(message.points[0], batch.bases[:packing], packing, 2, vk)
    assert not spec.share_holds(message.points[0], batch.bases[:packing], packing, 2, w.key.vks[2])
    first = {m.member + 1: m.points[0] for m in w.messages(batch)[: w.parameters.quorum]}
    assert spec.combine(first, packing - 1) == keys_of(w, batch)[packing - 1]


# PX-18: shares that are wrong, and who made them.


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (7, 1), (16, 1), (16, 3)])
def test_px18_f_makers_of_bad_shares_are_named_and_done_without(world, n, packing) -> None:
    w = world(n, packing)
    batch = w.batch(5)
    messages = w.messages(batch)
    bad = tuple(range((n - 1) // 3))
    for m in bad:
        messages[m] = spoiled(w, messages[m], at=m % len(messages[m].points))
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, messages)
    assert caught.value.rule == "PX-18"
    assert caught.value.culprits == bad
    found, blamed = reveal.recover(batch, messages)
    assert tuple(sorted(blamed)) == bad
    assert found.points == keys_of(w, batch)


def test_px18_nobody_is_silenced_by_messages_in_its_name(world) -> None:
    """Unsigned and stale messages name every honest member; the one liar alone is blamed."""
    w = world(4)
    batch = w.batch(3)
    messages = w.messages(batch)
    honest = messages[1:]
    forged = [replace(m, signature=bytes(64)) for m in honest]
    stale = w.messages(w.batch(2))[1:]
    for sent in ([*forged, *stale, *messages], [*messages, *forged, *stale]):
        found, blamed = reveal.recover(batch, sent)
        assert (blamed, found.points) == ({}, keys_of(w, batch))
    found, blamed = reveal.recover(batch, [spoiled(w, messages[0]), *honest, *forged, *stale])
    assert found.points == keys_of(w, batch)
    assert {m: error.rule for m, error in blamed.items()} == {0: "PX-18"}
    _, blamed = reveal.recover(batch, [*honest, replace(messages[0], signature=bytes(64))])
    assert list(blamed) == [0]  # nothing of it was taken


def test_px24_a_message_longer_than_any_is_refused_before_a_point_is_read(world) -> None:
    w = world(4)
    (message, *_) = w.messages(w.batch(1), [0])
    long = replace(message, points=message.points * 256)
    refused("PX-24", ShareMessage.from_bytes, long.to_bytes())
    with pytest.raises(SealRefused) as caught:
        ShareMessage.from_bytes(b"\xff" * 8193)
    assert caught.value.rule == "PX-24"


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (16, 3)])
def test_px5_one_bad_share_too_many_gives_nothing(world, n, packing) -> None:
    """f absent and one bad: it waits, and says so."""
    w = world(n, packing)
    batch = w.batch(4)
    messages = w.messages(batch)[: w.parameters.quorum]
    messages[0] = spoiled(w, messages[0])
    refused("PX-5", reveal.recover, batch, messages)


def test_px18_errors_that_cancel_are_found(world) -> None:
    """+X in one share and −X in another, of one member or of two: their plain sums are right."""
    w = world(4)
    batch = w.batch(2)
    a, b, c, _ = w.messages(batch)
    plus = [group.sum_g1([1, 1], [a.points[0], (1, 2)]), a.points[1]]
    minus = [b.points[0], group.sum_g1([1, -1], [b.points[1], (1, 2)])]
    both = [plus[0], group.sum_g1([1, -1], [a.points[1], (1, 2)])]
    within = signed(w, a, points=tuple(both))
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, [within, b, c])
    assert caught.value.culprits == (0,)
    across = [signed(w, a, points=tuple(plus)), signed(w, b, points=tuple(minus)), c]
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, across)
    assert caught.value.culprits == (0, 1)


def test_px18_another_members_share_is_refused(world) -> None:
    """Copied and signed by the copier: it is under the wrong vk."""
    w = world(4)
    batch = w.batch(2)
    a, b, c, _ = w.messages(batch)
    copied = signed(w, b, points=a.points)
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, [a, copied, c])
    assert caught.value.culprits == (1,)
    swapped = signed(w, a, points=a.points[::-1])
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, [swapped, b, c])
    assert caught.value.culprits == (0,)


def test_px18_sender_and_signature(world) -> None:
    w = world(4)
    batch = w.batch(2)
    message = w.messages(batch)[0]
    for bad in (
        replace(message, signature=bytes(64)),
        replace(message, points=message.points[::-1]),
        signed(w, message, member=1),
        replace(message, member=1),
        replace(message, member=4),
    ):
        refused("PX-18", shares.check_form, bad, batch)
    assert [v if v is None else v.rule for v in shares.judge(batch, [message, bad])] == [
        None,
        "PX-18",
    ]


def test_px18_a_point_off_the_curve_does_not_decode(world) -> None:
    w = world(4)
    data = w.messages(w.batch(2))[0].to_bytes()
    at = 8 + 8 + 32 + 2 + 4
    with pytest.raises(NotOnCurve):
        ShareMessage.from_bytes(data[:at] + (4).to_bytes(32, "little") + data[at + 32 :])


def test_px9_the_seeds_cover_everything_that_is_weighed(world) -> None:
    """Shares: batch, sender and so number and vk, sub-batch, point. Proofs: labels, whole seals."""
    w = world(4)
    batch = w.batch(2)
    a, b, c, _ = w.messages(batch)
    turned = replace(a, points=a.points[::-1])
    seeds = {
        shares.share_seed(batch, [a, b]),
        shares.share_seed(batch, [b, a]),
        shares.share_seed(batch, [a, c]),
        shares.share_seed(batch, [a]),
        shares.share_seed(batch, [turned, b]),
        shares.share_seed(batch, [replace(a, member=1), b]),
        shares.share_seed(w.batch(2, height=21), [a, b]),
        shares.share_seed(w.batch(items=w.envelopes(2)[::-1]), [a, b]),
    }
    assert len(seeds) == 8

    items = [(e.label(w.key), e.seal) for e in batch.envelopes]
    (label, seal), last = items
    other = w.envelope(5).seal
    parts = ("u", "u_bar", "w", "w_bar", "z", "body")
    others = [replace(seal, **{part: getattr(other, part)}) for part in parts]
    changed = [(bytes(32), seal), *((label, one) for one in others)]
    first, second = cipher.batch_coefficients(w.key, items)
    assert not set(first) & set(second)  # separate for the two equations
    found = {tuple(cipher.batch_coefficients(w.key, [c, last])[0]) for c in [items[0], *changed]}
    assert len(found) == 8


# PX-8: for which batch.


def test_px8_shares_of_another_batch_are_refused(world) -> None:
    """Another height, epoch, root, order, or regrouped."""
    w = world(7, 2)
    batch = w.batch(4)
    message = w.messages(batch)[0]
    turned = w.batch(items=w.envelopes(4)[::-1])
    later = w.batch(4, height=21)
    for bad in (
        w.messages(turned)[0],
        w.messages(later)[0],
        signed(w, message, epoch=4),
        signed(w, message, root=bytes(32)),
        signed(w, message, height=21),
        signed(w, message, points=message.points[:1]),
        signed(w, message, points=(*message.points, message.points[0])),
        signed(w, message, points=()),
    ):
        refused("PX-8", shares.check_form, bad, batch)


def test_px8_sub_batches_follow_the_blocks_order(world) -> None:
    w = world(7, 2)
    batch = w.batch(5)
    assert [list(batch.members(u)) for u in range(batch.sub_batches)] == [[0, 1], [2, 3], [4]]


# PX-5: how many.


@pytest.mark.parametrize(("n", "packing"), [(4, 1), (7, 2), (16, 1), (16, 3)])
def test_px5_one_share_fewer_than_the_quorum_gives_nothing(world, n, packing) -> None:
    w = world(n, packing)
    batch = w.batch(3)
    messages = w.messages(batch)[: w.parameters.quorum - 1]
    assert refused("PX-5", shares.combine, batch, messages).exit_code == 7
    refused("PX-5", reveal.recover, batch, messages)
    refused("PX-5", reveal.recover, batch, [])
    refused("PX-5", shares.combine, batch, [messages[0]] * w.parameters.quorum)


def test_px5_interpolating_from_fewer_gives_something_else(world) -> None:
    """The refusal is not all that protects: T − 1 points give another point."""
    w = world(7, 2)
    batch = w.batch(2)
    messages = w.messages(batch)[: w.parameters.quorum - 1]
    points = {m.member + 1: m.points[0] for m in messages}
    assert spec.combine(points, 0) != keys_of(w, batch)[0]


# Senders who choose their U.


def test_a_share_may_be_the_point_at_infinity(world) -> None:
    """U₂ = −(L₁(3)/L₂(3))·U₁: what holder 3 weighs is O. Its share must count, and decode."""
    w = world(7, 2)
    first, second = slot_weights(2, 3)
    r = 4711
    other = -first * pow(second, -1, FR.modulus) * r % FR.modulus
    batch = w.batch(items=[with_secret(w, k, secret) for k, secret in enumerate((r, other))])
    messages = w.messages(batch)
    assert messages[2].points == (None,)
    assert ShareMessage.from_bytes(messages[2].to_bytes()) == messages[2]
    shares.verify_shares(batch, messages)
    assert shares.combine(batch, messages[:5]) == keys_of(w, batch)
    lie = signed(w, messages[2], points=((1, 2),))
    with pytest.raises(BadShares) as caught:
        shares.verify_shares(batch, [*messages[:2], lie, *messages[3:]])
    assert caught.value.culprits == (2,)


def with_secret(w, number: int, r: int):
    """A valid envelope with this r, as a sender may well choose it."""
    terms = w.terms(number)
    label = envelopes.label_of(w.key.domain, 3, w.key.digest, terms)
    u, p = group.base_g1([r, 77])
    u_bar, p_bar = group.base_g1([r, 77], w.key.second_base)
    body = bytes(512)
    e = cipher.challenge(label, u, u_bar, p, p_bar, body)
    seal = cipher.Seal(u, u_bar, p, p_bar, (77 + e * r) % FR.modulus, body)
    auth = w.payer.sign(envelopes.auth_digest(label, seal))
    return envelopes.Envelope(3, terms, seal, auth)


# Form.


def test_messages_have_one_encoding(world) -> None:
    w = world(4)
    message = w.messages(w.batch(3))[0]
    data = message.to_bytes()
    assert ShareMessage.from_bytes(data) == message
    assert len(data) == 8 + 8 + 32 + 2 + 4 + 3 * 32 + 64
    for bad in (data + b"\0", data[:-1], b""):
        with pytest.raises(DecodeError):
            ShareMessage.from_bytes(bad)


@given(st.integers(1, 9), st.integers(1, 3), st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_any_batch_opens_by_any_quorum(world, size, packing, rng) -> None:
    w = world(10, packing)
    batch = w.batch(size)
    members = rng.sample(range(10), w.parameters.quorum)
    found, bad = reveal.recover(batch, w.messages(batch, members))
    assert bad == {}
    assert found.points == keys_of(w, batch)


@pytest.mark.slow
def test_the_largest_batch(world) -> None:
    w = world(16, 3)
    batch = w.batch(128)
    found, bad = reveal.recover(batch, w.messages(batch))
    assert bad == {}
    assert reveal.open_batch(batch, found)[127] == b"intent 127"


def test_an_empty_batch_has_nothing_to_reveal(world) -> None:
    w = world(4)
    batch = w.batch(0)
    assert w.messages(batch) == []
    with pytest.raises(RevealRefused) as caught:
        reveal.recover(batch, [])
    assert caught.value.rule == "PX-17"
    assert shares.judge(batch, []) == []
