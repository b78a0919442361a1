"""Reveals: what passes is sk·U for every ciphertext; forged, late and partial ones are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import cipher, group, reveal, spec, transcript
from private_exec import envelope as envelopes
from private_exec.errors import RevealRefused, Undecryptable
from private_exec.reveal import Reveal
from private_exec.transcript import coefficients
from zk.errors import DecodeError, IdentityPoint


def refused(rule: str, call, *arguments) -> RevealRefused:
    with pytest.raises(RevealRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


def made(w, batch) -> Reveal:
    points = tuple(group.multiples_g1([w.polynomial.secret], batch.bases))
    return Reveal(batch.height, batch.key.epoch, batch.root, points)


def test_px6_a_reveal_has_ten_blocks() -> None:
    for height in range(21, 31):
        reveal.check_height(20, height)
    for height in (0, 19, 20, 31, 100):
        refused("PX-6", reveal.check_height, 20, height)


def test_px17_only_the_right_points_pass(world) -> None:
    w = world(4)
    batch = w.batch(3)
    good = made(w, batch)
    reveal.check_reveal(batch, good)
    a, b, c = good.points
    off = group.sum_g1([1, 1], [a, (1, 2)])
    for points in ((off, b, c), (b, a, c), (a, b), (a, b, c, c), (), (None, b, c), (a, a, a)):
        refused("PX-17", reveal.check_reveal, batch, replace(good, points=points))


def test_px17_for_this_batch(world) -> None:
    w = world(4)
    batch = w.batch(3)
    good = made(w, batch)
    for change in ({"height": 21}, {"epoch": 4}, {"root": bytes(32)}):
        refused("PX-17", reveal.check_reveal, batch, replace(good, **change))
    empty = w.batch(0)
    refused("PX-17", reveal.check_reveal, empty, Reveal(20, 3, empty.root, ()))


def test_the_check_is_that_of_the_plain_formula(world) -> None:
    w = world(4)
    batch = w.batch(1)
    (point,) = made(w, batch).points
    assert spec.reveal_holds(point, batch.bases[0], w.key.pk2)
    assert not spec.reveal_holds((1, 2), batch.bases[0], w.key.pk2)


def weak_check(batch, points) -> bool:
    """The check with coefficients from everything but the points: what PX-9 forbids."""
    rho = coefficients(reveal.reveal_seed(batch, ()), "reveal", len(batch))
    return reveal.points_hold(batch, points, rho)


def test_px9_coefficients_that_leave_the_points_out_accept_forged_ones(world) -> None:
    """K₁ + ρ₂X and K₂ − ρ₁X pass the weak check; the real one refuses them."""
    w = world(4)
    batch = w.batch(3)
    good = made(w, batch)
    rho = coefficients(reveal.reveal_seed(batch, ()), "reveal", 3)
    shift = group.base_g1([99])[0]
    forged = (
        group.sum_g1([1, rho[1]], [good.points[0], shift]),
        group.sum_g1([1, -rho[0]], [good.points[1], shift]),
        good.points[2],
    )
    assert forged[:2] != good.points[:2]
    assert weak_check(batch, forged)
    refused("PX-17", reveal.check_reveal, batch, replace(good, points=forged))
    # Not even against the coefficients of the honest reveal, once they are known:
    rho = coefficients(reveal.reveal_seed(batch, good.points), "reveal", 3)
    forged = (
        group.sum_g1([1, rho[1]], [good.points[0], shift]),
        group.sum_g1([1, -rho[0]], [good.points[1], shift]),
        good.points[2],
    )
    assert reveal.points_hold(batch, forged, rho)
    refused("PX-17", reveal.check_reveal, batch, replace(good, points=forged))


def test_px9_errors_that_cancel_in_a_plain_sum_are_found(world) -> None:
    w = world(4)
    batch = w.batch(2)
    a, b = made(w, batch).points
    forged = (group.sum_g1([1, 1], [a, (1, 2)]), group.sum_g1([1, -1], [b, (1, 2)]))
    assert reveal.points_hold(batch, forged, [1, 1])
    refused("PX-17", reveal.check_reveal, batch, replace(made(w, batch), points=forged))


def test_px9_a_coefficient_of_zero_would_check_nothing_and_never_comes(world, monkeypatch) -> None:
    w = world(4)
    batch = w.batch(2)
    a, _ = made(w, batch).points
    assert reveal.points_hold(batch, (a, (1, 2)), [1, 0])
    real = transcript.word
    monkeypatch.setattr(
        transcript, "word", lambda s, p, i, n: 0 if i == 1 and n < 3 else real(s, p, i, n)
    )
    rho = coefficients(bytes(32), "reveal", 3)
    assert rho[1] == real(bytes(32), "reveal", 1, 3)
    assert all(0 < value < 1 << 128 for value in rho)
    refused("PX-17", reveal.check_reveal, batch, replace(made(w, batch), points=(a, (1, 2))))


def test_px9_the_seed_covers_everything(world) -> None:
    w = world(4)
    batch = w.batch(2)
    points = made(w, batch).points
    seeds = {
        reveal.reveal_seed(batch, points),
        reveal.reveal_seed(batch, points[::-1]),
        reveal.reveal_seed(batch, points[:1]),
        reveal.reveal_seed(w.batch(2, height=21), points),
        reveal.reveal_seed(w.batch(1), points),
        reveal.reveal_seed(world(7).batch(2), points),
    }
    assert len(seeds) == 6
    words = coefficients(bytes(32), "a", 50) + coefficients(bytes(32), "b", 50)
    assert len(set(words + coefficients(b"\1" * 32, "a", 50))) == 150


def test_px16_a_body_of_garbage_is_undecryptable_for_everybody(world) -> None:
    """Its sender proves r and seals no intent: ordered, revealed, and the others open."""
    w = world(4)
    terms = w.terms(8)
    label = envelopes.label_of(w.key.domain, 3, w.key.digest, terms)
    seal = cipher.seal(w.key, label, b"\xff" * (512 - cipher.TAG_BYTES), bytes(32))
    auth = w.payer.sign(envelopes.auth_digest(label, seal))
    garbage = envelopes.Envelope(3, terms, seal, auth)
    batch = w.batch(items=[w.envelope(1), garbage, w.envelope(2)])
    good = made(w, batch)
    reveal.check_reveal(batch, good)
    assert reveal.open_batch(batch, good) == (b"intent 1", None, b"intent 2")
    assert reveal.open_batch(batch, good) == reveal.open_batch(batch, made(w, batch))
    with pytest.raises(Undecryptable) as caught:
        envelopes.open_envelope(garbage, w.key, good.points[1])
    assert caught.value.rule == "PX-16"


def test_reveals_have_one_encoding(world) -> None:
    w = world(4)
    good = made(w, w.batch(3))
    data = good.to_bytes()
    assert Reveal.from_bytes(data) == good
    assert len(data) == 8 + 8 + 32 + 2 + 3 * 32
    for bad in (data + b"\0", data[:-1], b""):
        with pytest.raises(DecodeError):
            Reveal.from_bytes(bad)
    with pytest.raises(IdentityPoint):
        Reveal.from_bytes(data[:50] + bytes(31) + b"\x40" + data[82:])
