"""Dealings: proofs, form, points, and what they must not be; wrong shares of every kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from private_exec import group
from private_exec.errors import KeygenRefused
from private_exec.keygen import complaint as complaints
from private_exec.keygen import dealing as dealings
from private_exec.keygen.complaint import Verdict
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.protocol import Fault, FaultKind
from private_exec.keys import EpochKey
from private_exec.sharing import PackedPolynomial
from zk.curve.bn254 import _points_of_the_twist
from zk.curve.encoding import g2_to_bytes
from zk.errors import NotInSubgroup


def refused(rule: str, call, *arguments) -> KeygenRefused:
    with pytest.raises(KeygenRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


# PX-3: proofs of dealings.


def test_px3_a_dealing_without_knowledge_of_its_secret_is_refused(generation) -> None:
    """Rogue key: C₀ = C − Σ of others, chosen by its dealer to know the sum."""
    run = generation(4)
    run.notices()
    honest = run.wrong_dealing(3, ())
    rogue = group.sum_g1([1, -1], [(1, 2), honest.first[0]])
    bad = replace(honest, first=(rogue, *honest.first[1:]))
    run.plant(3, bad)
    error = refused("PX-3", run.keygen.deal, bad, 3)
    assert "C₀" in error.message
    assert run.keygen.faults == [Fault(3, FaultKind.INVALID_DEALING)]


@pytest.mark.parametrize("shift", [0, 5])
def test_px3_a_copied_ephemeral_key_would_be_a_decryption_oracle(generation, shift) -> None:
    """E' = E + sG in a dealing of garbage: complaints about it open the copied dealing.

    Reproduced with complaints that skip the check; with it the dealing does not stand, and nothing
    about it is complainable.
    """
    run = generation(4)
    run.notices()
    run.commits(absent=(3,))
    target = run.members[0].dealing()
    copied = group.sum_g1([1, shift], [target.ephemeral, (1, 2)])
    base = run.wrong_dealing(3, ())
    garbage = tuple(bytes(dealings.SEALED_BYTES) for _ in base.sealed)
    bad = replace(base, ephemeral=copied, sealed=garbage)
    run.plant(3, bad)

    # The attack, against nodes that do not ask for proofs: member 1 complains honestly …
    victim = run.members[1]
    complaint = complaints.make(
        run.context, run.keygen.keys, bad, 1, 2, victim._secret, run.signers[1], bytes(32)
    )
    assert complaints.judge(complaint, bad, run.context, run.keygen.keys) is Verdict.GUILTY_DEALER
    # … and from its K everybody opens the share that member 0 dealt to it.
    opened = group.sum_g1([1, -shift], [complaint.shared, run.keygen.keys[1]])
    stolen = dealings.open_share(target, run.context, run.keygen.keys, 2, opened)
    assert stolen is not None
    assert dealings.is_share(target, run.context, 2, stolen)

    # The rule: the dealing is refused, and complaints about it are.
    refused("PX-3", run.keygen.deal, bad, 3)
    refused("PX-21", run.keygen.complain, complaint, 4)
    assert victim.complaints(run.keygen) == []


def test_px3_proofs_are_bound_to_everything(generation) -> None:
    """Another dealer, epoch, attempt; a changed share: a copied proof holds nowhere."""
    run, again = generation(4), generation(4, attempt=1)
    for each in (run, again):
        each.notices()
    dealing = run.wrong_dealing(0, ())
    dealings.check(dealing, run.context, run.keygen.keys)
    changed = (bytes(dealings.SEALED_BYTES), *dealing.sealed[1:])
    for bad in (replace(dealing, dealer=1), replace(dealing, sealed=changed)):
        refused("PX-3", dealings.check, bad, run.context, run.keygen.keys)
    refused("PX-3", dealings.check, dealing, again.context, again.keygen.keys)
    swapped = replace(
        dealing, knows_secret=dealing.knows_ephemeral, knows_ephemeral=dealing.knows_secret
    )
    refused("PX-3", dealings.check, swapped, run.context, run.keygen.keys)
    unproved = replace(dealing, knows_ephemeral=dealing.knows_secret)
    assert "E" in refused("PX-3", dealings.check, unproved, run.context, run.keygen.keys).message


# PX-20: the form of dealings.


@pytest.mark.parametrize("where", [0, 1, 2])
def test_px20_commitments_that_differ_between_the_groups_are_refused(generation, where) -> None:
    run = generation(4)
    run.notices()
    good = run.wrong_dealing(3, ())
    points = list(good.second)
    points[where] = group.base_g2([123])[0]
    bad = run.proved(replace(good, second=tuple(points)), 7, 102)
    error = refused("PX-20", dealings.check, bad, run.context, run.keygen.keys)
    assert "differ" in error.message
    dealings.check(run.proved(good, 7, 102), run.context, run.keygen.keys)


def test_px20_differences_that_would_cancel_without_weights_are_refused(generation) -> None:
    run = generation(4)
    run.notices()
    good = run.wrong_dealing(3, ())
    first, second, third = good.second
    more = group.sum_g2([1, 1], [first, group.base_g2([5])[0]])
    less = group.sum_g2([1, -1], [second, group.base_g2([5])[0]])
    bad = run.proved(replace(good, second=(more, less, third)), 7, 102)
    refused("PX-20", dealings.check, bad, run.context, run.keygen.keys)


def test_px20_another_degree_or_count_is_refused(generation) -> None:
    run = generation(4)
    run.notices()
    good = run.wrong_dealing(3, ())
    for bad in (
        replace(good, first=good.first[:2], second=good.second[:2]),
        replace(good, first=(*good.first, (1, 2)), second=(*good.second, good.second[0])),
        replace(good, sealed=good.sealed[:3]),
        replace(good, sealed=(*good.sealed, good.sealed[0])),
        replace(good, dealer=9),
    ):
        refused("PX-20", dealings.check, bad, run.context, run.keygen.keys)


def test_px13_a_commitment_outside_the_subgroup_is_refused(generation) -> None:
    """On the twist, off G₂: in memory and on the wire."""
    run = generation(4)
    run.notices()
    good = run.wrong_dealing(3, ())
    outside = _points_of_the_twist(1)[0].to_affine()
    with pytest.raises(NotInSubgroup):
        replace(good, second=(*good.second[:2], outside))
    data = good.to_bytes()
    assert Dealing.from_bytes(data) == good
    at = data.index(g2_to_bytes(good.second[2]))
    bad = data[:at] + g2_to_bytes(outside) + data[at + 64 :]
    with pytest.raises(NotInSubgroup):
        Dealing.from_bytes(bad)


def test_px13_a_public_key_outside_the_subgroup_is_refused(world) -> None:
    """Before any combination: one misses a component of small order with a chance that is not."""
    key = world(4).key
    outside = _points_of_the_twist(1)[0].to_affine()
    for position in range(4):
        vks = (*key.vks[:position], outside, *key.vks[position + 1 :])
        with pytest.raises(NotInSubgroup):
            replace(key, vks=vks)
        data, good = key.to_bytes(), g2_to_bytes(key.vks[position])
        with pytest.raises(NotInSubgroup):
            EpochKey.from_bytes(data.replace(good, g2_to_bytes(outside)))
    with pytest.raises(NotInSubgroup):
        replace(key, pk2=outside)


@pytest.mark.parametrize("how", ["garbage", "off by one", "not below r"])
def test_every_wrong_share_is_judged_alike(generation, how) -> None:
    run = generation(4)
    run.notices()
    run.commits(absent=(3,))
    bad = run.wrong_dealing(3, {1} if how == "off by one" else ())
    if how == "garbage":
        bad = run.proved(replace(bad, sealed=(bytes(48), *bad.sealed[1:])), 7, 102)
    if how == "not below r":
        shared = group.multiple_g1(102, run.keygen.keys[0])
        cipher = dealings._cipher(shared, run.keygen.session, 3, 1)
        associated = dealings._associated(run.keygen.session, bad.first, bad.ephemeral)
        polynomial = PackedPolynomial(1, (7, 8, 9))
        value = (polynomial.share(1) + group.R).to_bytes(32, "little")
        sealed = cipher.encrypt(bytes(12), value, associated)
        bad = run.proved(replace(bad, sealed=(sealed, *bad.sealed[1:])), 7, 102)
    run.plant(3, bad)
    run.deal(absent=(3,))
    run.keygen.deal(bad, 3)
    assert run.complain() == [Verdict.GUILTY_DEALER]
    assert run.keygen.guilty == {3}
