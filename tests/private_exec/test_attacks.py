"""What coalitions can and cannot read: the claims of PX-5, as attacks that fail or succeed.

Coalitions know S at their numbers. With p of them S(x) = aₓ·sk + bₓ for every x, a and b known; the
attacks below are linear algebra on that.
"""

from __future__ import annotations

import pytest

from private_exec import envelope as envelopes
from private_exec import group, spec
from private_exec.errors import TooFewShares, Undecryptable
from private_exec.reveal import recover
from private_exec.sharing import interpolate, lagrange, slot_weights, slots
from zk.field.params import FR

R = FR.modulus
SHAPES = [(4, 1), (7, 1), (7, 2), (16, 3)]


def affine(w, corrupt, x: int) -> tuple[int, int]:
    """(a, b) with S(x) = a·sk + b, from the key shares of p corrupt holders."""
    points = [*slots(w.parameters.packing), *corrupt]
    weights = lagrange(points, x)
    a = sum(weights[: w.parameters.packing]) % R
    own = weights[w.parameters.packing :]
    b = sum(k * w.held[i - 1].values[i] for k, i in zip(own, corrupt, strict=True)) % R
    return a, b


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_px5_p_key_shares_and_no_honest_share_open_nothing(world, n, packing) -> None:
    """Their shares and those of a committee with any other secret are the same; that one opens
    differently, so they do not determine what opens."""
    w = world(n, packing)
    p = w.parameters.privacy
    corrupt = list(range(1, p + 1))
    item = w.envelope(1)
    right = group.multiple_g1(w.polynomial.secret, item.seal.u)
    points = [*slots(packing), *corrupt]
    for other in (1, w.polynomial.secret + 1):
        values = [*[other] * packing, *(w.held[i - 1].values[i] for i in corrupt)]
        for i in corrupt:
            assert interpolate(points, values, i) == w.held[i - 1].values[i]
        wrong = group.multiple_g1(other, item.seal.u)
        assert wrong != right
        with pytest.raises(Undecryptable):
            envelopes.open_envelope(item, w.key, wrong)
    for x in range(p + 1, n + 1):
        a, b = affine(w, corrupt, x)
        assert a != 0  # no honest holder's share is known to them
        assert (a * w.polynomial.secret + b) % R == w.held[x - 1].values[x]


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_px5_p_corrupt_messages_do_not_open_by_the_protocol_either(world, n, packing) -> None:
    w = world(n, packing)
    batch = w.batch(packing)
    with pytest.raises(TooFewShares) as caught:
        recover(batch, w.messages(batch, range(w.parameters.privacy)))
    assert caught.value.rule == "PX-5"


@pytest.mark.parametrize(("n", "packing"), SHAPES)
def test_px5_attack_p_plus_1_key_shares_open_everything(world, n, packing) -> None:
    """Succeeds, as stated: one more key share gives sk = (S(x) − bₓ)/aₓ, and every ciphertext."""
    w = world(n, packing)
    p = w.parameters.privacy
    corrupt = list(range(1, p + 1))
    a, b = affine(w, corrupt, p + 1)
    secret = (w.held[p].values[p + 1] - b) * pow(a, -1, R) % R
    assert secret == w.polynomial.secret
    item = w.envelope(1)
    shared = group.multiple_g1(secret, item.seal.u)
    assert envelopes.open_envelope(item, w.key, shared) == b"intent 1"


@pytest.mark.parametrize(("n", "packing"), [(7, 2), (16, 3)])
@pytest.mark.parametrize("unknown", [1, 2])
def test_px5_attack_p_key_shares_and_m_honest_shares_open_m_unknown(
    world, n, packing, unknown
) -> None:
    """Succeeds: D_x = aₓ·Σ L_s(x)K_s + bₓ·Q_x. The coalition filled the other slots itself, so it
    knows their K_s = r_s·pk₁; m honest shares give m equations. T is no opening threshold."""
    w = world(n, packing)
    p = w.parameters.privacy
    corrupt = list(range(1, p + 1))
    batch = w.batch(packing)
    targets = range(unknown)
    known = {
        s: group.multiple_g1(w.polynomial.secret, batch.bases[s])  # r·pk₁, of their own making
        for s in range(unknown, packing)
    }
    rows, right = [], []
    for message in w.messages(batch, range(p, p + unknown)):
        x = message.member + 1
        a, b = affine(w, corrupt, x)
        weights = slot_weights(packing, x)
        weighted = group.sum_g1(weights, batch.bases)
        scalars = [1, -b, *(-a * weights[s] for s in known)]
        right.append(group.sum_g1(scalars, [message.points[0], weighted, *known.values()]))
        rows.append([a * weights[s] % R for s in targets])
    if unknown == 1:
        inverse = [[pow(rows[0][0], -1, R)]]
    else:
        (a, b), (c, d) = rows
        det = pow(a * d - b * c, -1, R)
        inverse = [[d * det, -b * det], [-c * det, a * det]]
    for s in targets:
        shared = group.sum_g1(inverse[s], right)
        opened = envelopes.open_envelope(batch.envelopes[s], w.key, shared)
        assert opened == b"intent %d" % s


def test_shares_of_one_batch_say_nothing_about_another(world) -> None:
    """Simulation: from sk·U of a batch and p key shares all its honest shares are computed, so
    they hold nothing else."""
    w = world(16, 3)
    corrupt = list(range(1, w.parameters.privacy + 1))
    batch = w.batch(3)
    opened = group.multiples_g1([w.polynomial.secret], batch.bases)
    for message in w.messages(batch, range(len(corrupt), 16)):
        x = message.member + 1
        a, b = affine(w, corrupt, x)
        weights = slot_weights(3, x)
        scalars = [*(a * k for k in weights), *(b * k for k in weights)]
        assert group.sum_g1(scalars, [*opened, *batch.bases]) == message.points[0]


@pytest.mark.parametrize("quorum", [11, 12, 13])
def test_the_quorum_is_exact(world, quorum) -> None:
    """T shares open, T − 1 interpolate to something else, whatever T is: no slack hides in it."""
    w = world(16, 3, quorum=quorum)
    assert w.parameters.privacy == quorum - 5
    batch = w.batch(3)
    right = group.multiples_g1([w.polynomial.secret], batch.bases)
    points = {m.member + 1: m.points[0] for m in w.messages(batch)[:quorum]}
    assert [spec.combine(points, s) for s in range(3)] == right
    del points[1]
    assert not any(spec.combine(points, s) == right[s] for s in range(3))
