"""Plans, layouts, witnesses, composition: SH-30 … SH-33, SH-39."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.action import Action as ActionStatement
from circuits.native import violations
from circuits.statement import check
from node.core.ids import NATIVE, EnvironmentId, Kind
from shielded import encryption, spec
from shielded import plan as plans
from shielded.build import _blinding as blinding_of
from shielded.build import build, build_part, prepare
from shielded.compose import PartyPart, compose
from shielded.encryption import memo_to_text, try_decrypt, viewers
from shielded.errors import MalformedTransaction, PlanRefused, Unbalanced
from shielded.slots import FILLER, _Open, pack
from shielded.transaction import Mode, Scope, ShieldedTx
from shielded.tree import MerklePath, NoteTree, WitnessTree
from zk.curve import babyjub

CIRCUIT = ActionStatement()


def refused(rule: str, make) -> None:
    with pytest.raises(PlanRefused) as caught:
        make()
    assert caught.value.rule == rule


def received(key, tx):
    """What a key's wallet finds in a transaction."""
    prepared = viewers(key.full_viewing_key)
    outputs = [output for action in tx.actions for output in action.outputs]
    found = [try_decrypt(viewer, output) for output in outputs for viewer in prepared]
    return [note for note in found if note is not None]


def test_a_transfer_reaches_its_owner_and_the_change_its_sender(kit) -> None:
    (payment,) = received(kit.bob, kit.transfer)
    assert payment.note.quantity == 90
    assert memo_to_text(payment.memo) == "rent"
    (change,) = received(kit.alice, kit.transfer)
    assert (change.note.quantity, change.internal) == (7, True)
    sent = [
        encryption.recover_outgoing(kit.alice.ovk, output)
        for output in kit.transfer.actions[0].outputs
    ]
    assert [note.note.quantity for note in sent if note] == [90]


@pytest.mark.parametrize("name", ["transfer", "shield", "two actions", "empty", "second filler"])
def test_witnesses_satisfy_the_circuit(kit, name) -> None:
    plan = {
        "transfer": kit.plan(),
        "shield": kit.plan(payments=(kit.pay(kit.alice, 5),), public_values=(kit.crossing(-5),)),
        "two actions": kit.plan(
            spends=tuple(kit.spend(i) for i in range(3)),
            payments=(kit.pay(kit.bob, 150), kit.pay(kit.bob, 70, kit.gold)),
        ),
        "empty": kit.plan(payments=()),
        "second filler": kit.plan(payments=(kit.pay(kit.bob, 3, FILLER),), mode=Mode.PARTY),
    }[name]
    for item in prepare(plan, kit.alice):
        assert violations(item.public, item.witness) == ()
        check(CIRCUIT, item.public, item.witness)


def test_the_same_plan_gives_the_same_bytes(kit) -> None:
    again = build(kit.plan(), kit.alice, kit.prove)
    assert again.to_bytes() == kit.transfer.to_bytes()


KINDS = [NATIVE, Kind(0, 5), Kind(0, 6), Kind(0, 7)]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, 3), max_size=9),
    st.lists(st.integers(0, 3), max_size=9),
    st.binary(min_size=32, max_size=32),
)
def test_every_note_of_a_plan_gets_one_slot(kit, spent, paid, seed) -> None:
    path = kit.tree.path(0)  # laying out looks at kinds only
    notes = [kit.note(kit.alice, 5, 20 + i, KINDS[k]) for i, k in enumerate(spent)]
    plan = kit.plan(
        seed=seed,
        spends=tuple(plans.Spend(note, path) for note in notes),
        payments=tuple(kit.pay(kit.bob, 1 + i, KINDS[k]) for i, k in enumerate(paid)),
    )
    actions = pack(plan)
    consumed = [slot for action in actions for slot in action.consumed if slot]
    created = [slot for action in actions for slot in action.created if slot]
    assert sorted(map(id, consumed)) == sorted(map(id, plan.spends))
    assert sorted(map(id, created)) == sorted(map(id, plan.payments))
    for action in actions:
        assert action.kinds[0] != action.kinds[1]
        used = {s.note.kind for s in action.consumed if s} | {p.kind for p in action.created if p}
        assert used <= set(action.kinds)
    if len(set(spent) | set(paid)) <= 2:
        assert len(actions) == max(1, -(-len(spent) // 2), -(-len(paid) // 2))


def test_places_do_not_tell_payment_from_change(kit) -> None:
    def first_is_payment(number: int) -> bool:
        (slots,) = pack(kit.plan().revised(bytes([number]) * 32))
        return not slots.created[0].change

    assert {first_is_payment(number) for number in range(20, 32)} == {True, False}


def _secrets(kit, plan) -> set[object]:
    (item,) = prepare(plan, kit.alice)
    witness = item.witness
    notes = [*witness.consumed, *witness.created]
    values = {witness.alpha, witness.rcv, item.blinding.r, item.blinding.s}
    own = {kit.notes[0].rcm}
    return values | {note.rcm for note in notes} - own | {c.epk for c in item.ciphertexts}


def test_sh30_a_changed_plan_shares_no_secret_even_under_the_old_seed(kit) -> None:
    plan = kit.plan()
    base = _secrets(kit, plan)
    for changes in (
        {"fee": 4, "mode": Mode.PARTY},
        {"expiry": kit.Height(21)},
        {"payments": (kit.pay(kit.bob, 90, memo="Rent"), kit.change(kit.alice, 7))},
        {"payments": plan.payments[::-1]},
    ):
        assert not base & _secrets(kit, replace(plan, **changes)), changes
    refused("SH-30", lambda: plan.revised(plan.seed, fee=4))
    refused("SH-30", lambda: replace(plan, seed=b"short"))
    assert plan.revised(bytes(32), fee=4).fee == 4


def test_sh30_secrets_are_bound_to_purpose_nullifiers_and_slot(kit) -> None:
    randomness = kit.plan().randomness
    values = {
        randomness.scalar(purpose, *of)
        for purpose in ("rseed", "rcv")
        for of in ((1, 2, 0), (1, 2, 1), (2, 1, 0), (1, 3, 0))
    }
    assert len(values) == 8
    for secret in (kit.plan(), randomness, kit.plan().spends[0], kit.plan().payments[0]):
        assert "hidden" in repr(secret) or "secret" in repr(secret)


def test_what_a_plan_says_prints_nothing(kit) -> None:
    """Logs and tracebacks show reprs: of whom, what and how much a plan is, they tell nothing."""
    plan = kit.plan()
    (slots,) = pack(plan)
    opened = _Open([kit.gold], [plan.spends[0]], [plan.payments[0]])
    for value in (plan, plan.summary(), slots, opened, *prepare(plan, kit.alice)):
        assert re.fullmatch(r"<[\w ]+: (hidden|secret)>", repr(value)), type(value)


def test_sh30_two_witnesses_never_share_a_blinding(kit) -> None:
    """Incident 32: r and s hash the whole witness and statement."""
    items = prepare(kit.plan(payments=(kit.pay(kit.bob, 1),) * 3), kit.alice)
    values = [value for item in items for value in (item.blinding.r, item.blinding.s)]
    assert len(set(values)) == len(values) == 4


def test_sh30_the_root_of_the_randomness_hashes_every_field_of_a_plan(kit) -> None:
    """Under one seed, whatever differs: signing nonces of one seed would give ask away (S-13)."""
    value, pay, change = kit.crossing(-5), kit.pay(kit.bob, 1), kit.change(kit.alice, 1)
    plan = kit.plan(payments=(pay, change), public_values=(value,), spends=(kit.spend(0),))
    other_note = replace(kit.notes[0], rseed=bytes(32))
    variants = [
        {"seed": bytes(32)},
        {"chain_id": bytes(32)},
        {"expiry": kit.Height(21)},
        {"fee": 1},
        {"mode": Mode.PARTY},
        {"scope": Scope(0, 0)},
        {"scope": Scope(1, 0)},
        {"scope": Scope(0, 1)},
        {"spends": ()},
        {"spends": (plans.Spend(other_note, plan.spends[0].path),)},
        {"spends": (kit.spend(1),)},
        {"spends": (), "anchor_children": NoteTree().top},
        {"public_values": ()},
        {"public_values": (replace(value, amount=5),)},
        {"public_values": (replace(value, amount=-6),)},
        {"public_values": (replace(value, kind=kit.gold),)},
        {"public_values": (replace(value, account=bytes(32)),)},
        {"public_values": (replace(value, target=EnvironmentId.PRIVATE),)},
        {"payments": (change, pay)},
        *(
            {"payments": (replace(pay, **field), change)}
            for field in (
                {"quantity": 2},
                {"kind": kit.gold},
                {"memo": encryption.memo_from_text("x")},
                {"data": 1},
                {"change": True},
                {"address": kit.bob.full_viewing_key.address(2)},
            )
        ),
    ]
    roots = {replace(plan, **changes).randomness.root for changes in ({}, *variants)}
    assert len(roots) == 1 + len(variants)


def test_sh30_no_secret_serves_two_actions_or_slots(kit) -> None:
    items = prepare(kit.plan(payments=(kit.pay(kit.bob, 0),) * 5), kit.alice)
    assert len(items) == 3
    secrets = [
        value
        for item in items
        for value in (
            item.witness.alpha,
            item.witness.rcv,
            *(note.rcm for note in item.witness.consumed),
            *(note.rcm for note in item.witness.created),
            *(note.nonce for note in item.witness.consumed),
        )
    ]
    parts = [
        part for item in items for c in item.ciphertexts for part in (c.epk, c.enc[:64], c.out[:64])
    ]
    assert len(set(secrets)) == len(secrets)
    assert len(set(parts)) == len(parts)
    dummies = prepare(kit.plan(spends=tuple(map(kit.spend, range(3))), payments=()), kit.alice)
    noise = [part for item in dummies for c in item.ciphertexts for part in (c.epk, c.enc, c.out)]
    assert len(dummies) == 2
    assert len(set(noise)) == len(noise) == 12
    seeds = {note.rseed for item in (*items, *dummies) for note in item.notes if note}
    assert len(seeds) == 5


def test_sh30_alpha_and_rcv_hash_the_nullifier_pair(kit) -> None:
    """The same plan under another key: one root, other nullifiers (S-13)."""
    plan = kit.plan(payments=(kit.pay(kit.bob, 0),), fee=0)
    (one,), (other,) = prepare(plan, kit.alice), prepare(plan, kit.bob)
    assert one.public.nullifiers != other.public.nullifiers
    assert one.witness.alpha != other.witness.alpha
    assert one.witness.rcv != other.witness.rcv
    rcms = {note.rcm for item in (one, other) for note in item.witness.created}
    assert len(rcms) == 4


def test_sh30_a_blinding_hashes_the_witness_beside_the_statement(kit) -> None:
    """Incident 32: two witnesses of one statement under one blinding show their difference."""
    randomness = kit.plan().randomness
    (item,) = prepare(kit.plan(), kit.alice)
    blindings = [
        blinding_of(randomness, public, witness)
        for public, witness in (
            (item.public, item.witness),
            (item.public, replace(item.witness, alpha=item.witness.alpha + 1)),
            (item.public, replace(item.witness, top=(*item.witness.top[:7], 1))),
            (replace(item.public, anchor=1), item.witness),
        )
    ]
    assert len({b.r for b in blindings} | {b.s for b in blindings}) == 8


def test_places_tell_neither_spend_from_dummy_nor_kind_from_kind(kit) -> None:
    def places(number: int) -> tuple[bool, bool]:
        first, _ = pack(
            kit.plan(
                seed=bytes([number]) * 32,
                spends=(kit.spend(0),),
                payments=(kit.pay(kit.bob, 1),) * 3,
            )
        )
        return any(first.consumed), first.consumed[0] is not None

    seen = {places(number) for number in range(32)}
    assert seen == {(False, False), (True, False), (True, True)}


def test_sh31_one_anchor_for_all_spends(kit) -> None:
    other = WitnessTree()
    other.append([kit.notes[1].commitment], marked=[0])
    stray = plans.spend(kit.notes[1], other.path(0))
    refused("SH-31", lambda: kit.plan(spends=(kit.spend(0), stray)))
    stranger = kit.note(kit.alice, 1, 77)
    refused("SH-31", lambda: plans.spend(stranger, kit.tree.path(0)))
    path = kit.tree.path(0)
    refused("SH-31", lambda: plans.spend(kit.notes[0], MerklePath(path.levels[:-1], path.top)))


def test_sh31_the_anchor_of_a_plan_without_spends(kit) -> None:
    assert kit.plan(payments=()).anchor == kit.tree.root()
    tree = NoteTree()
    for leaves in ([], [1], [2] * 7, [3] * 60):
        tree = tree.append(leaves)
        plan = replace(kit.plan(payments=()), anchor_children=plans.anchor_children(tree))
        assert plan.anchor == tree.root


def test_sh32_a_foreign_note_is_not_spent(kit) -> None:
    plan = kit.plan(spends=(kit.spend(3),), payments=(kit.pay(kit.bob, 30),))
    refused("SH-32", lambda: prepare(plan, kit.alice))


def test_sh32_kinds_with_a_logic_are_not_planned(kit) -> None:
    odd = Kind(3, 4)
    refused("SH-32", lambda: prepare(kit.plan(payments=(kit.pay(kit.bob, 1, odd),)), kit.alice))
    note = kit.note(kit.alice, 5, 9, odd)
    tree = WitnessTree()
    tree.append([note.commitment], marked=[0])
    spend = plans.spend(note, tree.path(0))
    plan = kit.plan(anchor_children=tree.tree().top, spends=(spend,))
    refused("SH-32", lambda: prepare(plan, kit.alice))


def test_sh7_a_note_planned_twice(kit) -> None:
    plan = kit.plan(spends=(kit.spend(0), kit.spend(0)), payments=(kit.pay(kit.bob, 200),))
    refused("SH-7", lambda: prepare(plan, kit.alice))


def test_sh39_a_plan_that_does_not_balance_is_not_built(kit) -> None:
    for changes in ({"fee": 2}, {"public_values": (kit.crossing(1),)}, {"payments": ()}):
        plan = replace(kit.plan(), **changes)
        assert plan.imbalance()
        refused("SH-39", lambda plan=plan: build(plan, kit.alice, kit.prove))
    assert kit.plan().imbalance() == {}
    two_kinds = kit.plan(spends=(kit.spend(0),), payments=(kit.pay(kit.bob, 100, kit.gold),))
    assert two_kinds.imbalance() == {NATIVE: 100, kit.gold: -100}


def test_sh39_amounts_are_u64(kit) -> None:
    refused("SH-39", lambda: kit.plan(payments=(kit.pay(kit.bob, 1 << 64),)))
    refused("SH-39", lambda: kit.plan(payments=(), fee=-1))
    refused("SH-39", lambda: kit.plan(payments=(replace(kit.pay(kit.bob, 1), memo=b"short"),)))


def test_sh5_too_many_actions_for_one_transaction(kit) -> None:
    refused("SH-5", lambda: pack(kit.plan(payments=(kit.pay(kit.bob, 1),) * 129)))


def _swap(kit, mode=Mode.PARTY):
    """Alice gives 100 and wants 80 gold; Bob gives 80 gold and wants 97; 3 are the fee."""
    alice = kit.plan(
        seed=b"\1" * 32,
        spends=(kit.spend(0),),
        payments=(kit.pay(kit.alice, 80, kit.gold),),
        mode=Mode.PARTY,
    )
    bob = kit.plan(
        seed=b"\2" * 32, spends=(kit.spend(4),), payments=(kit.pay(kit.bob, 97),), fee=3, mode=mode
    )
    return alice, bob


@pytest.mark.parametrize("mode", list(Mode))
def test_two_parties_swap(kit, mode) -> None:
    alice, bob = _swap(kit, mode)
    offer = PartyPart.from_bytes(build_part(alice, kit.alice, kit.prove).to_bytes())
    tx = build(bob, kit.bob, kit.prove, others=(offer,))
    kit.check(tx)
    assert [note.note.kind for note in received(kit.alice, tx)] == [kit.gold]
    assert [note.note.quantity for note in received(kit.bob, tx)] == [97]


def test_sh33_parts_are_composed_by_whoever_balances_them(kit) -> None:
    alice, bob = _swap(kit)
    parts = [build_part(alice, kit.alice, kit.prove), build_part(bob, kit.bob, kit.prove)]
    kit.check(compose(parts, fee=3, seed=bytes(32)))
    kit.check(compose(parts[::-1], fee=3, seed=bytes(32)))
    for bad, fee in ((parts, 2), (parts[:1], 3), (parts[1:], 3)):
        with pytest.raises(Unbalanced) as caught:
            compose(bad, fee=fee, seed=bytes(32))
        assert caught.value.rule == "SH-19"
    refused("SH-33", lambda: compose((), seed=bytes(32)))
    foreign = replace(parts[1], chain_id=bytes(32))
    refused("SH-33", lambda: compose((parts[0], foreign), seed=bytes(32)))


def test_sh33_a_part_hands_over_the_sum_of_its_blindings_only(kit) -> None:
    plan = kit.plan(payments=(kit.pay(kit.bob, 1),) * 3, mode=Mode.PARTY)
    part = build_part(plan, kit.alice, kit.prove)
    single = [item.witness.rcv for item in prepare(plan, kit.alice)]
    data = part.to_bytes()
    assert len(single) == 2
    assert not any(rcv.to_bytes(32, "little") in data for rcv in single)
    assert part.rcv_sum not in single


def test_sh60_whoever_holds_a_part_finds_its_net_amounts(kit) -> None:
    """S-6: a few hundred trials, for Σ rcv is all that hid them; without it no trial fits."""

    def nets(part: PartyPart, rcv: int) -> list[tuple[int, int]]:
        hidden = babyjub.negate(babyjub.multiply(rcv, babyjub.RCV_BASE))
        for action in part.party.actions:
            hidden = babyjub.add(hidden, action.delta)
        native, gold = (spec.kind_point(kind).point for kind in (NATIVE, kit.gold))
        given = {babyjub.multiply(amount, native): amount for amount in range(128)}
        wanted = {b: babyjub.add(hidden, babyjub.multiply(b, gold)) for b in range(128)}
        return [(given[point], b) for b, point in wanted.items() if point in given]

    part = build_part(_swap(kit)[0], kit.alice, kit.prove)
    assert nets(part, part.rcv_sum) == [(100, 80)]
    assert nets(part, part.rcv_sum + 1) == []


def test_sh60_a_part_is_no_transaction_and_shows_itself_to_nobody(kit) -> None:
    alice, bob = _swap(kit)
    for plan, key in ((alice, kit.alice), (bob, kit.bob)):
        part = build_part(plan, key, kit.prove)
        assert repr(part) == "<PartyPart: secret>"
        with pytest.raises(MalformedTransaction):
            kit.env.decode(part.to_bytes())
        # Even in the form of a transaction it does not go on the chain before it balances.
        alone = ShieldedTx(part.chain_id, (part.party,), (), plan.fee)
        with pytest.raises(Unbalanced) as caught:
            kit.check(alone)
        assert caught.value.rule == "SH-19"


def test_sh60_the_user_is_told_what_a_part_reveals(kit) -> None:
    def told(plan) -> list[str]:
        return [line for line in plan.summary().reveals() if line.startswith("to ")]

    for mode in Mode:  # under either, another party gets it
        alice, bob = _swap(kit, mode)
        assert len(told(alice)) == len(told(bob)) == 2
        assert "how much of which kinds" in told(alice)[0]
    assert told(kit.plan()) == []
    assert len(told(kit.plan(mode=Mode.PARTY))) == 2


def test_sh1_parts_decode_strictly(kit) -> None:
    data = build_part(_swap(kit)[0], kit.alice, kit.prove).to_bytes()
    for bad in (data + b"\0", data[:-1], data[:32] + b"\xff" * 32 + data[64:]):
        with pytest.raises(MalformedTransaction) as caught:
            PartyPart.from_bytes(bad)
        assert caught.value.rule == "SH-1"


def test_a_summary_shows_amounts_recipients_and_what_is_revealed(kit) -> None:
    summary = kit.plan().summary()
    assert summary.paid() == {NATIVE: 90}
    assert summary.change == {NATIVE: 7}
    assert summary.spent == {NATIVE: 100}
    assert (summary.fee, summary.inputs, summary.actions) == (3, 1, 1)
    assert summary.memos() == ("rent",)
    assert summary.payments[0].address == kit.bob.full_viewing_key.address(1)
    assert not any("account" in line for line in summary.reveals())
    plan = kit.plan(payments=(kit.pay(kit.alice, 5),), public_values=(kit.crossing(-5),))
    assert any(
        "enters from the transparent account 22222222" in x for x in plan.summary().reveals()
    )
