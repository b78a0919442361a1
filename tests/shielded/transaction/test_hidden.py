"""Hidden values: SH-5, SH-15, SH-16, SH-19, SH-29, SH-30, SH-66 … SH-70."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from node.core.effects import BatchScope
from node.core.errors import InvalidTransaction
from node.core.ids import NATIVE, EnvironmentId, Kind
from node.core.interfaces import TxContext
from node.rpc import scanning, schema, views
from shielded import digests, hidden, schnorr
from shielded.build import build, build_part
from shielded.compose import compose
from shielded.errors import PlanRefused, Unbalanced
from shielded.hidden import HiddenOpening
from shielded.scan import ScannedTransaction
from shielded.transaction import Mode, ShieldedTx
from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, ORDER, RCV_BASE
from zk.errors import DecodeError
from zk.field.params import FR

REF, OTHER = b"\x31" * 32, b"\x32" * 32
RCV = 987654321


def out(amount=40, reference=REF, kind=NATIVE, rcv=RCV) -> HiddenOpening:
    return HiddenOpening(reference, kind, amount, rcv)


def paying(kit, *dark, **changes):
    """Alice puts 40 of her 100 into the private pool, fee 3."""
    plan = {
        "spends": (kit.spend(0),),
        "payments": (kit.change(kit.alice, 57),),
        "fee": 3,
        "hidden_values": dark or (out(),),
    }
    return kit.plan(**(plan | changes))


@pytest.fixture(scope="module")
def deposit(kit) -> ShieldedTx:
    return build(paying(kit), kit.alice, kit.prove)


@pytest.fixture(scope="module")
def claim(kit) -> ShieldedTx:
    """40 come back, 2 of it pay the fee."""
    value = replace(out(), enters=True)
    plan = kit.plan(payments=(kit.change(kit.alice, 38),), hidden_values=(value,), fee=2)
    return build(plan, kit.alice, kit.prove)


def inside(kit, tx: ShieldedTx, **changes) -> TxContext:
    return TxContext(kit.chain_id, kit.height, **({"hidden": tx.hidden_values} | changes))


def refused_form(rule: str, make) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        make()
    assert caught.value.rule == rule


def resigned(tx, secret) -> ShieldedTx:
    signature = schnorr.sign(
        secret % ORDER, digests.delta_digest(tx), seed=bytes(32), base=RCV_BASE
    )
    return replace(tx, delta_signature=signature)


def test_out_and_in_are_accepted_where_they_are_named(kit, deposit, claim) -> None:
    for tx in (deposit, claim):
        assert ShieldedTx.from_bytes(tx.to_bytes()) == tx
        kit.check(tx, inside(kit, tx))
        effects = kit.env.execute(tx, kit.state, inside(kit, tx))
        assert effects.hidden == tx.hidden_values
    assert len(deposit.to_bytes()) == len(kit.transfer.to_bytes()) + 130


def test_sh69_alone_or_where_others_are_named_it_is_refused(kit, deposit, claim) -> None:
    kit.refused("SH-69", deposit)
    kit.refused("SH-69", deposit, inside(kit, deposit, hidden=(), scope=BatchScope(0, 0, 1)))
    kit.refused("SH-69", kit.transfer, inside(kit, deposit))
    kit.refused("SH-69", deposit, inside(kit, claim))
    (value,) = deposit.hidden_values
    for other in (
        replace(value, reference=OTHER),
        replace(value, kind=kit.gold),
        replace(value, enters=True),
        replace(value, cv=babyjub.encode(RCV_BASE)),
    ):
        kit.refused("SH-69", deposit, inside(kit, deposit, hidden=(other,)))


def test_sh19_what_moves_in_the_dark_counts_in_the_balance(kit) -> None:
    """Who knows every blinding makes no other amount, kind or direction balance."""
    plan = paying(kit, mode=Mode.PARTY)
    actions = build_part(plan, kit.alice, kit.prove).rcv_sum
    tx = build(plan, kit.alice, kit.prove)
    kit.check(resigned(tx, actions - RCV), inside(kit, tx))
    (value,) = tx.hidden_values
    for wrong in (
        (),
        (out(41).value,),
        (out(kind=kit.gold).value,),
        (replace(value, enters=True),),
        (value, replace(value, reference=OTHER)),
    ):
        bad = replace(tx, hidden_values=wrong)
        for blinding in (0, RCV, -RCV, 2 * RCV, -2 * RCV):
            kit.refused("SH-19", resigned(bad, actions + blinding), inside(kit, bad))


def test_sh19_nothing_of_it_can_be_signed_that_does_not_balance(kit) -> None:
    part = build_part(paying(kit), kit.alice, kit.prove)
    for dark in ((), (out(39),), (out(kind=kit.gold),), (replace(out(), enters=True),)):
        with pytest.raises(Unbalanced):
            compose((part,), (), 3, seed=bytes(32), dark=dark)


def test_sh16_who_signs_the_whole_signs_for_the_dark(kit, deposit) -> None:
    secret = build_part(paying(kit), kit.alice, kit.prove).rcv_sum - RCV
    for tx in (
        replace(deposit, hidden_values=(replace(deposit.hidden_values[0], reference=OTHER),)),
        replace(deposit, hidden_values=()),
    ):
        kit.refused("SH-16", resigned(tx, secret), inside(kit, tx))


def test_sh15_a_party_leaves_it_to_the_composer(kit) -> None:
    """As public values: what a party in mode PARTY signs does not cover them, the balance does."""
    tx = build(paying(kit, mode=Mode.PARTY), kit.alice, kit.prove)
    kit.check(tx, inside(kit, tx))
    other = replace(tx, hidden_values=(replace(tx.hidden_values[0], reference=OTHER),))
    kit.refused("SH-19", other, inside(kit, other))


def test_sh29_the_identity_covers_hidden_values(kit, deposit) -> None:
    (value,) = deposit.hidden_values
    other = [
        replace(deposit, hidden_values=values)
        for values in (
            (),
            (replace(value, reference=OTHER),),
            (replace(value, kind=kit.gold),),
            (replace(value, enters=True),),
            (replace(value, cv=babyjub.encode(RCV_BASE)),),
        )
    ]
    assert len({tx.id for tx in other} | {deposit.id}) == 6


def test_sh5_eight_hidden_values_at_most(kit, deposit) -> None:
    (value,) = deposit.hidden_values
    many = tuple(replace(value, reference=bytes([i]) * 32) for i in range(9))
    assert len(replace(deposit, hidden_values=many[:8]).hidden_values) == 8
    refused_form("SH-5", lambda: replace(deposit, hidden_values=many))
    data = deposit.to_bytes()
    at = data.index(REF) - 2
    assert data[at] == 1
    kit.refused_bytes("SH-5", data[:at] + b"\x09" + data[at + 1 :])


def test_sh66_form_of_a_hidden_value(kit, deposit) -> None:
    (value,) = deposit.hidden_values
    small = next(
        point
        for x in range(1, 99)
        if (y := babyjub.y_from_x(x)) is not None
        and (point := babyjub.multiply(ORDER, babyjub.Point(x, y))) != IDENTITY
    )
    outside = babyjub.add(RCV_BASE, small)
    bad = {
        "y not below r": (FR.modulus + 1).to_bytes(32, "little"),
        "small order": babyjub.encode(small),
        "outside the subgroup": babyjub.encode(outside),
        "the identity": babyjub.encode(IDENTITY),
    }
    for cv in bad.values():
        refused_form(
            "SH-66", lambda cv=cv: replace(deposit, hidden_values=(replace(value, cv=cv),))
        )
        kit.refused_bytes("SH-66", kit.patched(deposit, value.cv, cv))
    for target in EnvironmentId:
        if target is not EnvironmentId.PRIVATE:
            wrong = replace(value, target=target)
            refused_form("SH-66", lambda w=wrong: replace(deposit, hidden_values=(w,)))


def test_sh1_unknown_target_and_direction(kit, deposit) -> None:
    data = deposit.to_bytes()
    at = data.index(REF)
    kit.refused_bytes("SH-1", data[: at - 1] + b"\x09" + data[at:])
    kit.refused_bytes("SH-1", data[: at + 96] + b"\x02" + data[at + 97 :])
    short = replace(deposit.hidden_values[0], reference=b"\x31")
    refused_form("SH-1", lambda: replace(deposit, hidden_values=(short,)))


def test_sh67_sorted_and_each_reference_once(kit, deposit) -> None:
    (first,) = deposit.hidden_values
    second = replace(first, reference=OTHER)
    both = replace(deposit, hidden_values=(first, second))
    assert ShieldedTx.from_bytes(both.to_bytes()) == both
    refused_form("SH-67", lambda: replace(deposit, hidden_values=(second, first)))
    refused_form("SH-67", lambda: replace(deposit, hidden_values=(first, first)))
    kit.refused_bytes("SH-67", both.to_bytes().replace(OTHER, REF))


def test_sh68_a_kind_with_a_logic_does_not_cross(kit, deposit) -> None:
    value = replace(deposit.hidden_values[0], kind=Kind(9, NATIVE.label))
    tx = replace(deposit, hidden_values=(value,))
    kit.refused("SH-68", tx, inside(kit, tx))


@pytest.mark.parametrize(("amount", "rcv"), [(-1, 1), (1 << 64, 1), (1, 0), (1, ORDER)])
def test_sh70_amounts_and_blindings_of_a_plan(amount, rcv) -> None:
    with pytest.raises(PlanRefused) as caught:
        HiddenOpening(REF, NATIVE, amount, rcv)
    assert caught.value.rule == "SH-70"
    assert str(amount) not in str(caught.value)


def test_sh70_openings_do_not_print() -> None:
    assert repr(out()) == "<HiddenOpening: secret>"


def test_sh39_a_plan_counts_what_moves_in_the_dark(kit) -> None:
    for dark in ((out(39),), (replace(out(), enters=True),), (out(kind=kit.gold),)):
        with pytest.raises(PlanRefused) as caught:
            paying(kit, *dark).check_balanced()
        assert caught.value.rule == "SH-39"
    paying(kit).check_balanced()


def test_sh32_a_plan_moves_plain_kinds_only(kit) -> None:
    with pytest.raises(PlanRefused) as caught:
        paying(kit, out(kind=Kind(9, 1)))
    assert caught.value.rule == "SH-32"


def test_sh30_a_plan_binds_every_part_of_a_hidden_value(kit) -> None:
    plans = [
        paying(kit, dark)
        for dark in (
            out(),
            out(41),
            out(reference=OTHER),
            out(rcv=RCV + 1),
            out(kind=kit.gold),
            replace(out(), enters=True),
        )
    ]
    assert len({plan.randomness.root for plan in plans}) == len(plans)


def test_two_kinds_in_two_directions(kit) -> None:
    dark = (out(40), replace(out(5, OTHER, kit.gold), enters=True))
    tx = build(
        paying(
            kit, *dark, payments=(kit.change(kit.alice, 57), kit.change(kit.alice, 5, kit.gold))
        ),
        kit.alice,
        kit.prove,
    )
    kit.check(tx, inside(kit, tx))


def test_what_a_user_is_told(kit) -> None:
    summary = paying(kit).summary()
    assert summary.hidden_values == (out(),)
    (line,) = [line for line in summary.reveals() if "private pool" in line]
    assert "40" not in line.replace(REF.hex()[:8], "")


def test_a_cv_says_nothing_but_to_who_opens_it() -> None:
    assert out().value.cv == out().value.cv
    assert out(40).value.cv != out(41).value.cv
    assert out(rcv=1).value.cv != out(rcv=2).value.cv
    point = hidden.point(out().value)
    assert point == hidden.commitment(NATIVE, 40, RCV)


def test_scanned_form_goes_through_json(deposit, claim) -> None:
    for tx in (deposit, claim):
        data = tx.scanned.to_json()
        assert ScannedTransaction.from_json(data) == tx.scanned
        data["hidden_values"][0]["enters"] = 1
        with pytest.raises(DecodeError):
            ScannedTransaction.from_json(data)


def test_scanned_form_goes_over_the_rpc(deposit, claim) -> None:
    for tx in (deposit, claim):
        view = views.shielded_tx(tx, {})
        block = schema.ActionBlock(height=1, position=0, txs=[view])
        page = schema.ActionPage(first=1, next=2, tip=1, blocks=[block])
        (found,) = scanning.scanned_blocks(page)
        assert found.transactions == (tx.scanned,)


@settings(deadline=None, max_examples=20)
@given(
    amounts=st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=8),
    public=st.integers(-20, 20),
    fee=st.integers(0, 9),
    error=st.integers(-2, 2),
)
def test_sh19_balances_exactly_where_the_sums_do(kit, amounts, public, fee, error) -> None:
    """Many at once, both ways, beside a public value and a fee; off by a little, it never does."""
    dark = tuple(
        HiddenOpening(bytes([index]) * 32, NATIVE, amount, RCV + index, enters)
        for index, (amount, enters) in enumerate(amounts)
    )
    inward = sum(amount if enters else -amount for amount, enters in amounts)
    rest = 100 + inward - public - fee + error
    assume(rest >= 0)
    plan = kit.plan(
        spends=(kit.spend(0),),
        payments=(kit.change(kit.alice, rest),),
        public_values=(kit.crossing(public),) if public else (),
        hidden_values=dark,
        fee=fee,
    )
    if error:
        with pytest.raises(PlanRefused):
            build(plan, kit.alice, kit.prove)
        part = build_part(plan, kit.alice, kit.prove)
        with pytest.raises(Unbalanced):
            compose((part,), plan.public_values, fee, seed=bytes(32), dark=dark)
        return
    tx = build(plan, kit.alice, kit.prove, authorize=lambda _value, digest: digest * 2)
    kit.check(tx, inside(kit, tx))
