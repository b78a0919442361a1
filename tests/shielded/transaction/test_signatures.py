"""Who signed what, and whether it balances: SH-7, SH-8, SH-10, SH-11, SH-14 … SH-20."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.effects import BatchScope
from node.core.errors import Outdated
from node.core.ids import NATIVE, Height
from node.core.interfaces import TxContext
from shielded import digests, schnorr, spec
from shielded.build import build, build_part
from shielded.checks import balance_key
from shielded.compose import compose
from shielded.transaction import Mode, Scope
from zk.curve import babyjub
from zk.curve.babyjub import B8, IDENTITY, ORDER, RCV_BASE
from zk.field.params import FR
from zk.hash import domains


def resigned(kit, tx, secret):
    """Sign for the balance again, knowing Σ rcv."""
    return replace(
        tx,
        delta_signature=schnorr.sign(
            secret, digests.delta_digest(tx), seed=bytes(32), base=RCV_BASE
        ),
    )


def blinding_of(kit, plan) -> int:
    return build_part(plan, kit.alice, kit.prove).rcv_sum


def party_mode(kit, **changes):
    """A balanced transaction whose only party signed in mode PARTY."""
    plan = replace(kit.plan(), mode=Mode.PARTY, **changes)
    return plan, build(plan, kit.alice, kit.prove)


def test_sh7_an_action_with_one_nullifier_twice(kit) -> None:
    nf = kit.transfer.actions[0].public.nullifiers[0]
    kit.refused("SH-7", kit.with_public(kit.transfer, nullifiers=(nf, nf)))


@pytest.mark.parametrize("slots", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_sh8_a_nullifier_in_two_actions(kit, slots) -> None:
    """Incident 36, and what an audit found missing in another resource machine."""
    first, second = kit.two_actions.actions
    pair = list(second.public.nullifiers)
    pair[slots[1]] = first.public.nullifiers[slots[0]]
    kit.refused("SH-8", kit.with_public(kit.two_actions, 1, nullifiers=tuple(pair)))
    kit.refused("SH-8", replace(kit.transfer, parties=kit.transfer.parties * 2))


def test_sh10_expired(kit) -> None:
    kit.check(kit.transfer, TxContext(kit.chain_id, kit.expiry))
    kit.refused("SH-10", kit.transfer, TxContext(kit.chain_id, Height(kit.expiry + 1)))
    with pytest.raises(Outdated):
        kit.check(kit.transfer, TxContext(kit.chain_id, Height(kit.expiry + 1)))


def test_sh10_a_transaction_expires_with_its_earliest_party(kit) -> None:
    early = replace(kit.transfer.parties[0], expiry=Height(6))
    tx = replace(kit.transfer, parties=(kit.transfer.parties[0], early))
    assert kit.env.expiry(tx) == 6
    kit.refused("SH-10", tx, TxContext(kit.chain_id, Height(7)))


def test_sh11_too_far_ahead(kit) -> None:
    for expiry, fine in ((kit.height + 64, True), (kit.height + 65, False)):
        tx = build(replace(kit.plan(), expiry=Height(expiry)), kit.alice, kit.prove)
        if fine:
            kit.check(tx)
        else:
            kit.refused("SH-11", tx)


def test_sh14_replay_on_another_chain(kit) -> None:
    """Incident 35: neither as it is, nor with the chain's id exchanged."""
    other = TxContext(bytes(32), kit.height)
    kit.refused("SH-14", kit.transfer, other)
    kit.refused("SH-16", replace(kit.transfer, chain_id=bytes(32)), other)
    plan, tx = party_mode(kit)
    kit.check(tx)
    moved = resigned(kit, replace(tx, chain_id=bytes(32)), blinding_of(kit, plan))
    kit.refused("SH-15", moved, other)


def test_sh15_a_wrong_signature(kit) -> None:
    _, tx = party_mode(kit)
    auth = tx.actions[0].auth
    for bad in (bytes(64), auth[:32] + bytes(32), bytes([auth[0] ^ 1]) + auth[1:]):
        kit.refused("SH-15", kit.with_action(tx, auth=bad))
    stranger = schnorr.sign(99, digests.auth_digest(tx, 0), seed=bytes(32))
    kit.refused("SH-15", kit.with_action(tx, auth=stranger))


def test_sh15_a_composer_cannot_change_a_party(kit) -> None:
    """S-18. The composer knows Σ rcv and signs the balance anew each time; auth alone refuses."""
    plan = kit.plan(
        spends=(kit.spend(0), kit.spend(1), kit.spend(2)),
        payments=(kit.pay(kit.bob, 150), kit.pay(kit.bob, 70, kit.gold)),
        mode=Mode.PARTY,
    )
    tx = build(plan, kit.alice, kit.prove)
    kit.check(tx)
    first, second = tx.parties[0].actions
    bobs = kit.plan(spends=(kit.spend(3),), payments=(kit.change(kit.bob, 30),), mode=Mode.PARTY)
    foreign = build_part(bobs, kit.bob, kit.prove)
    flipped = replace(first.ciphertexts[0], enc=bytes(len(first.ciphertexts[0].enc)))
    one_less = replace(tx.parties[0], actions=(first,))
    the_other = replace(tx.parties[0], actions=(second,))
    changed = {
        "dropped": kit.with_party(tx, actions=(first,)),
        "reordered": kit.with_party(tx, actions=(second, first)),
        "split": replace(tx, parties=(one_less, the_other)),
        "added": kit.with_party(tx, actions=(first, second, *foreign.party.actions)),
        "expiry": kit.with_party(tx, expiry=Height(kit.expiry + 1)),
        "mode": kit.with_party(tx, mode=Mode.TRANSACTION),
        "ciphertext": kit.with_action(tx, ciphertexts=(flipped, first.ciphertexts[1])),
        "anchor": kit.with_public(tx, anchor=3),
    }
    secret = blinding_of(kit, plan)
    for name, bad in changed.items():
        rule = "SH-16" if name == "mode" else "SH-15"
        if name in ("dropped", "added"):  # these do not balance either; auth is looked at first
            kit.refused(rule, bad)
        else:
            kit.refused(rule, resigned(kit, bad, secret))


def test_sh15_two_parties_cannot_be_merged(kit) -> None:
    alice = replace(kit.plan(), mode=Mode.PARTY, fee=0)
    bob = kit.plan(spends=(kit.spend(3),), payments=(kit.change(kit.bob, 33),), mode=Mode.PARTY)
    parts = [build_part(alice, kit.alice, kit.prove), build_part(bob, kit.bob, kit.prove)]
    tx = compose(parts, seed=bytes(32))
    kit.check(tx)
    merged = replace(tx, parties=(replace(tx.parties[0], actions=tx.actions),))
    kit.refused("SH-15", resigned(kit, merged, sum(part.rcv_sum for part in parts)))


def test_sh16_mode_transaction_binds_everything_else(kit) -> None:
    secret = blinding_of(kit, kit.plan())
    tx = kit.transfer
    for bad in (
        replace(tx, fee=2),
        replace(tx, public_values=(kit.crossing(1),)),
        replace(tx, parties=(*tx.parties, kit.two_actions.parties[0])),
    ):
        kit.refused("SH-8" if len(bad.parties) > 1 else "SH-16", resigned(kit, bad, secret))
    bob = kit.plan(spends=(kit.spend(3),), payments=(kit.change(kit.bob, 30),), mode=Mode.PARTY)
    part = build_part(bob, kit.bob, kit.prove)
    joined = replace(tx, parties=(*tx.parties, part.party))
    kit.refused("SH-16", resigned(kit, joined, secret + part.rcv_sum))


def test_sh17_a_scoped_party_settles_in_batches_of_its_domain_and_epoch(kit) -> None:
    tx = build(replace(kit.plan(), scope=Scope(1, 7)), kit.alice, kit.prove)
    assert kit.env.decode(tx.to_bytes()) == tx
    kit.refused("SH-17", tx)
    for scope in (BatchScope(2, 7, 0), BatchScope(1, 8, 0), BatchScope(7, 1, 0)):
        kit.refused("SH-17", tx, replace(kit.context, scope=scope))
    for number in (0, 3):
        kit.check(tx, replace(kit.context, scope=BatchScope(1, 7, number)))
    kit.check(kit.transfer, replace(kit.context, scope=BatchScope(1, 7, 0)))


def test_sh19_a_wrong_delta_signature(kit) -> None:
    for bad in (bytes(64), kit.two_actions.delta_signature):
        kit.refused("SH-19", replace(kit.transfer, delta_signature=bad))
    wrong_base = schnorr.sign(5, digests.delta_digest(kit.transfer), seed=bytes(32), base=B8)
    kit.refused("SH-19", replace(kit.transfer, delta_signature=wrong_base))


def test_sh19_unbalanced(kit) -> None:
    """Even with the right Σ rcv, nobody can sign for a sum that is not zero."""
    plan, tx = party_mode(kit)
    secret = blinding_of(kit, plan)
    kit.check(resigned(kit, tx, secret))
    for bad in (
        replace(tx, fee=2),
        replace(tx, fee=4),
        replace(tx, public_values=(kit.crossing(1),)),
        replace(tx, public_values=(kit.crossing(-1, authorization=b"x"),)),
        replace(tx, public_values=(kit.crossing(1, kit.gold),)),
    ):
        kit.refused("SH-19", resigned(kit, bad, secret))


def test_sh19_amounts_of_one_kind_are_summed_over_the_integers(kit) -> None:
    top = (1 << 64) - 1
    values = tuple(
        kit.crossing(amount, account=bytes([index]) * 32, authorization=b"x" * (amount < 0))
        for index, amount in enumerate((top, top, -top, -top))
    )
    plan, tx = party_mode(kit)
    kit.check(resigned(kit, replace(tx, public_values=values), blinding_of(kit, plan)))
    # A multiple of the group's order is no zero: no sum of 32 amounts gets there.
    assert 32 * top < ORDER


def test_sh19_a_balanced_transaction_without_blinding(kit) -> None:
    """Δ = O, key O: valid, and nothing crashes (S-4)."""
    tx = kit.with_public(party_mode(kit)[1], delta=IDENTITY)
    tx = replace(tx, fee=0)
    assert balance_key(tx) == IDENTITY
    kit.refused("SH-15", resigned(kit, tx, 0))
    action = tx.actions[0]
    secret = 77
    public = replace(action.public, rk=babyjub.multiply(secret, B8))
    own = kit.with_action(tx, public=public)
    auth = schnorr.sign(secret, digests.auth_digest(own, 0), seed=bytes(32))
    kit.check(resigned(kit, kit.with_action(own, auth=auth), 0))


@pytest.mark.parametrize("how", ["sign", "counter", "ephemeral", "label"])
def test_sh20_the_point_of_a_kind_is_computed_not_read(kit, how) -> None:
    """S-2: an action whose Δ uses −K, or another point for the kind, matches no public value."""
    honest = spec.kind_point(NATIVE)
    foreign = {
        "sign": babyjub.negate(honest.point),
        "counter": _next_counter(honest.ctr),
        "ephemeral": spec.kind_point(NATIVE, ephemeral=True).point,
        "label": spec.kind_point(kit.gold).point,
    }[how]
    for point, accepted in ((honest.point, True), (foreign, False)):
        tx = _withdrawal(kit, point)
        if accepted:
            kit.check(tx)
        else:
            kit.refused("SH-19", tx)


def _next_counter(ctr: int):
    while True:
        ctr += 1
        x = spec.poseidon(domains.KIND, (NATIVE.logic, NATIVE.label, ctr))
        root = babyjub.y_from_x(x)
        for y in () if root is None else (root, FR.modulus - root):
            if spec.is_canonical_y(y):
                return babyjub.multiply(8, babyjub.Point(x, y))


def _withdrawal(kit, point):
    """10 units leave, by an action whose Δ = [10]point + [rcv]R, signed by a key of its own."""
    rcv, secret = 4321, 1234
    delta = babyjub.add(babyjub.multiply(10, point), babyjub.multiply(rcv, RCV_BASE))
    tx = kit.with_public(party_mode(kit)[1], delta=delta, rk=babyjub.multiply(secret, B8))
    tx = replace(tx, fee=0, public_values=(kit.crossing(10),))
    auth = schnorr.sign(secret, digests.auth_digest(tx, 0), seed=bytes(32))
    return resigned(kit, kit.with_action(tx, auth=auth), rcv)
