"""Encoding and form: SH-1 … SH-6, SH-18, SH-21 … SH-29, SH-38."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.action import PUBLIC_NAMES
from circuits.statement import public_values
from node.core.block import Transaction
from node.core.errors import InvalidTransaction
from node.core.ids import NATIVE, EnvironmentId, Kind
from shielded.action import public_inputs
from shielded.errors import MalformedTransaction
from shielded.transaction import MAX_ACTIONS, MAX_PARTIES, ShieldedTx
from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, Point
from zk.errors import ChiaroError, DecodeError
from zk.field.params import FR

R = FR.modulus


def _torsion() -> list[Point]:
    """The seven points whose order divides 8, without the identity."""
    x = 1
    while True:
        if (y := babyjub.y_from_x(x)) is not None:
            first = babyjub.multiply(babyjub.ORDER, Point(x, y))
            points = [babyjub.multiply(k, first) for k in range(1, 8)]
            if len(set(points)) == 7 and IDENTITY not in points:
                return points
        x += 1


TORSION = _torsion()


def le(value: int) -> bytes:
    return value.to_bytes(32, "little")


def refused(rule: str, make) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        make()
    assert caught.value.rule == rule


def test_transactions_of_every_sort_are_accepted(kit) -> None:
    for tx in (kit.transfer, kit.shield, kit.two_actions):
        kit.check(tx)
        assert ShieldedTx.from_bytes(tx.to_bytes()) == tx


def test_size_of_a_transfer_with_two_memos(kit) -> None:
    assert len(kit.transfer.to_bytes()) == 2185


def test_sh1_trailing_and_missing_bytes(kit) -> None:
    data = kit.transfer.to_bytes()
    kit.refused_bytes("SH-1", data + b"\0")
    kit.refused_bytes("SH-1", data[:-1])
    kit.refused_bytes("SH-1", b"")


def test_sh1_unknown_mode_flag_and_environment(kit) -> None:
    data = bytearray(kit.transfer.to_bytes())
    at_mode, at_scope = 33, 33 + 1 + 8
    for at, value in ((at_mode, 2), (at_scope, 2)):
        bad = bytearray(data)
        bad[at] = value
        kit.refused_bytes("SH-1", bytes(bad))
    at_logic_flags = 33 + 11 + 160
    data[at_logic_flags] = 16
    kit.refused_bytes("SH-1", bytes(data))
    shield = kit.shield.to_bytes()
    at_target = shield.index(kit.account) - 1
    kit.refused_bytes("SH-1", shield[:at_target] + b"\x09" + shield[at_target + 1 :])


def test_sh1_a_logic_of_zero_is_not_written(kit) -> None:
    data = kit.transfer.to_bytes()
    at = 33 + 11 + 160
    body = data[:at] + b"\x01" + bytes(32) + data[at + 1 :]
    kit.refused_bytes("SH-1", body)


@pytest.mark.parametrize("multiple", [1, 2, 4])
@pytest.mark.parametrize("index", range(5))
def test_sh2_a_public_input_not_below_r(kit, index, multiple) -> None:
    public = kit.transfer.actions[0].public
    value = public_inputs(public)[index]
    kit.refused_bytes("SH-2", kit.patched(kit.transfer, le(value), le(value + multiple * R)))


def test_sh2_an_action_is_not_made_of_such_values(kit) -> None:
    public = kit.transfer.actions[0].public
    for value in (R, -1):
        refused("SH-2", lambda value=value: kit.with_public(kit.transfer, anchor=value))
    nf0, nf1 = public.nullifiers
    refused("SH-2", lambda: kit.with_public(kit.transfer, nullifiers=(nf0 + R, nf1)))


def _bad_encodings(point: Point) -> dict[str, bytes]:
    small = babyjub.add(point, TORSION[0])
    return {
        "y not below r": le(R + 1),
        "off the curve": le(next(y for y in range(2, 99) if not _has_x(y))),
        "small order": babyjub.encode(TORSION[0]),
        "outside the subgroup": babyjub.encode(small),
    }


def _has_x(y: int) -> bool:
    try:
        babyjub.decode(le(y))
    except DecodeError as error:
        return error.code != "ENC-004"
    return True


@pytest.mark.parametrize(("rule", "name"), [("SH-3", "rk"), ("SH-4", "delta")])
@pytest.mark.parametrize(
    "case", ["y not below r", "off the curve", "small order", "outside the subgroup"]
)
def test_sh3_sh4_bad_points_on_the_wire(kit, rule, name, case) -> None:
    point = getattr(kit.transfer.actions[0], name)
    bad = _bad_encodings(point)[case]
    kit.refused_bytes(rule, kit.patched(kit.transfer, babyjub.encode(point), bad))


def test_sh3_identity_small_order_and_off_curve_rk(kit) -> None:
    """Incidents 14, 16, 17; also where no bytes are decoded."""
    good = kit.transfer.actions[0].rk
    kit.refused_bytes(
        "SH-3", kit.patched(kit.transfer, babyjub.encode(good), babyjub.encode(IDENTITY))
    )
    refused("SH-3", lambda: kit.with_public(kit.transfer, rk=IDENTITY))
    refused("SH-3", lambda: kit.with_public(kit.transfer, rk=(1, 1)))
    for torsion in TORSION:
        assert babyjub.is_on_curve(torsion)
        for point in (torsion, babyjub.add(good, torsion)):
            tx = kit.with_public(kit.transfer, rk=point)
            refused("SH-3", lambda tx=tx: kit.env.check_stateless(tx, kit.context))


def test_sh4_delta_off_curve_and_outside_the_subgroup(kit) -> None:
    good = kit.transfer.actions[0].delta
    refused("SH-4", lambda: kit.with_public(kit.transfer, delta=(1, 1)))
    for torsion in TORSION:
        for point in (torsion, babyjub.add(good, torsion)):
            tx = kit.with_public(kit.transfer, delta=point)
            refused("SH-4", lambda tx=tx: kit.env.check_stateless(tx, kit.context))


def test_sh4_the_identity_decodes(kit) -> None:
    """It is then refused for its signature, by a rule and without a crash."""
    tx = kit.with_public(kit.transfer, delta=IDENTITY)
    assert ShieldedTx.from_bytes(tx.to_bytes()) == tx
    kit.refused("SH-16", tx)


def test_sh5_counts(kit) -> None:
    tx = kit.transfer
    refused("SH-5", lambda: replace(tx, parties=()))
    refused("SH-5", lambda: replace(tx, parties=tx.parties * (MAX_PARTIES + 1)))
    refused("SH-5", lambda: kit.with_party(tx, actions=()))
    refused("SH-5", lambda: kit.with_party(tx, actions=tx.actions * (MAX_ACTIONS + 1)))
    half = replace(tx.parties[0], actions=tx.actions * (MAX_ACTIONS // 2 + 1))
    refused("SH-5", lambda: replace(tx, parties=(half, half)))
    values = tuple(kit.crossing(1, account=bytes([i]) * 32) for i in range(33))
    refused("SH-5", lambda: replace(tx, public_values=values))


def test_sh5_counts_on_the_wire_are_refused_before_reading(kit) -> None:
    data = bytearray(kit.transfer.to_bytes())
    at_parties, at_actions, at_values = 32, 33 + 10, len(data) - 64 - 8 - 1
    for at, values in ((at_parties, (0, 33, 255)), (at_actions, (0, 65, 255)), (at_values, (33,))):
        for value in values:
            bad = bytearray(data)
            bad[at] = value
            kit.refused_bytes("SH-5", bytes(bad))


def test_sh6_every_action_claims_its_proof_over_its_public_inputs(kit) -> None:
    tx = kit.two_actions
    claims = kit.env.claims(tx)
    assert len(claims) == len(tx.actions) == 2
    for claim, action in zip(claims, tx.actions, strict=True):
        assert claim.key_id == "action/1"
        assert list(claim.public) == public_values(action.public)
        assert claim.proof == action.proof
    assert len(claims[0].public) == len(PUBLIC_NAMES) == 13
    changed = kit.with_public(tx, commitments=(1, 2))
    assert kit.env.claims(changed)[0] != claims[0]


def test_sh18_one_id_many_encodings(kit) -> None:
    """Incidents 7 and 25: another proof, the same transaction, other full bytes."""
    other = kit.with_action(kit.transfer, proof=bytes(128))
    assert other.id == kit.transfer.id
    wire = [
        Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).wire_id for tx in (other, kit.transfer)
    ]
    assert wire[0] != wire[1]
    assert kit.env.claims(other) != kit.env.claims(kit.transfer)


def test_sh29_the_id_covers_everything_but_proofs_and_signatures(kit) -> None:
    tx = kit.shield
    same = [
        kit.with_action(tx, proof=bytes(128)),
        kit.with_action(tx, auth=bytes(64)),
        replace(tx, delta_signature=bytes(64)),
        replace(tx, public_values=(replace(tx.public_values[0], authorization=b"other"),)),
    ]
    assert {other.id for other in same} == {tx.id}
    first, second = tx.actions[0].ciphertexts
    different = [
        replace(tx, chain_id=bytes(32)),
        replace(tx, fee=tx.fee + 1),
        replace(tx, public_values=()),
        replace(tx, public_values=(kit.crossing(-201),)),
        replace(tx, parties=tx.parties * 2),
        kit.with_party(tx, expiry=kit.Height(21)),
        kit.with_party(tx, mode=kit.plan().mode.PARTY),
        kit.with_action(tx, ciphertexts=(second, first)),
        kit.with_public(tx, anchor=1),
    ]
    assert len({other.id for other in different} | {tx.id}) == len(different) + 1


def test_sh21_public_values_sorted_and_unique(kit) -> None:
    low, high = kit.crossing(5, account=b"\1" * 32), kit.crossing(5, account=b"\2" * 32)
    tx = replace(kit.transfer, public_values=(low, high))
    assert ShieldedTx.from_bytes(tx.to_bytes()) == tx
    refused("SH-21", lambda: replace(kit.transfer, public_values=(high, low)))
    refused("SH-21", lambda: replace(kit.transfer, public_values=(low, replace(low, amount=-5))))


def test_sh21_unsorted_on_the_wire(kit) -> None:
    low, high = kit.crossing(5, account=b"\1" * 32), kit.crossing(5, account=b"\2" * 32)
    data = replace(kit.transfer, public_values=(low, high)).to_bytes()
    swapped = data.replace(b"\1" * 32, b"\3" * 32)
    kit.refused_bytes("SH-21", swapped)


@pytest.mark.parametrize("amount", [0, 1 << 64, -(1 << 64)])
def test_sh22_amount_zero_or_too_large(kit, amount) -> None:
    refused("SH-22", lambda: replace(kit.transfer, public_values=(kit.crossing(amount),)))


def test_sh22_zero_on_the_wire_in_both_signs(kit) -> None:
    data = replace(kit.transfer, public_values=(kit.crossing(5),)).to_bytes()
    at = data.index(kit.account) + 32 + 64
    assert data[at : at + 9] == b"\0" + (5).to_bytes(8, "little")
    kit.refused_bytes("SH-22", data[: at + 1] + bytes(8) + data[at + 9 :])
    kit.refused_bytes("SH-22", data[:at] + b"\1" + bytes(8) + bytes(4) + data[at + 9 :])


def test_sh23_credits_carry_nothing_debits_something(kit) -> None:
    signed = kit.crossing(5, authorization=b"x")
    refused("SH-23", lambda: replace(kit.transfer, public_values=(signed,)))
    long = kit.crossing(-5, authorization=bytes(257))
    refused("SH-23", lambda: replace(kit.transfer, public_values=(long,)))
    kit.refused("SH-23", replace(kit.shield, public_values=(kit.crossing(-200),)))


def test_sh24_no_crossing_into_the_own_pool(kit) -> None:
    value = replace(kit.crossing(5), target=EnvironmentId.SHIELDED)
    refused("SH-24", lambda: replace(kit.transfer, public_values=(value,)))


def test_sh25_a_kind_with_a_logic_does_not_cross(kit) -> None:
    tx = replace(kit.transfer, public_values=(kit.crossing(5, Kind(9, NATIVE.label)),))
    kit.refused("SH-25", tx)


def test_sh26_a_logic_is_refused_until_registered(kit) -> None:
    for name in ("consumed_logic", "created_logic"):
        public = replace(kit.transfer.actions[0].public, **{name: (0, 77)})
        tx = kit.with_action(kit.transfer, public=public, logic_proofs=(bytes(128),))
        assert ShieldedTx.from_bytes(tx.to_bytes()) == tx
        kit.refused("SH-26", tx)


def test_sh27_one_logic_proof_per_slot_with_a_logic(kit) -> None:
    refused("SH-27", lambda: kit.with_action(kit.transfer, logic_proofs=(bytes(128),)))
    refused("SH-27", lambda: kit.with_public(kit.transfer, consumed_logic=(1, 0)))
    public = replace(kit.transfer.actions[0].public, consumed_logic=(1, 0))
    refused(
        "SH-27",
        lambda: kit.with_action(kit.transfer, public=public, logic_proofs=(bytes(128),) * 2),
    )


@pytest.mark.parametrize("fee", [-1, 1 << 64])
def test_sh28_fee_range(kit, fee) -> None:
    refused("SH-28", lambda: replace(kit.transfer, fee=fee))


def test_malformed_is_both_a_decode_error_and_an_invalid_transaction() -> None:
    error = MalformedTransaction("SH-1", "no")
    assert isinstance(error, DecodeError)
    assert error.id == error.rule == "SH-1"
    assert error.exit_code == 3


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_sh38_mutated_bytes_raise_chiaro_errors_only(kit, data) -> None:
    """Incident 17: verification never raises anything else; incident 18: one decoder for all."""
    original = data.draw(st.sampled_from([kit.transfer, kit.shield])).to_bytes()
    mutated = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        how = data.draw(st.sampled_from(["flip", "cut", "insert", "zero", "ones"]))
        if how == "flip":
            mutated[at] ^= data.draw(st.integers(1, 255))
        elif how == "cut":
            del mutated[at : at + data.draw(st.integers(1, 40))]
        elif how == "insert":
            mutated[at:at] = data.draw(st.binary(min_size=1, max_size=40))
        else:
            mutated[at : at + 32] = (b"\0" if how == "zero" else b"\xff") * 32
        if not mutated:
            break
    try:
        tx = kit.env.decode(bytes(mutated))
        assert tx.to_bytes() == bytes(mutated)
        kit.env.check_stateless(tx, kit.context)
        kit.env.check_historical(tx, kit.state, kit.context)
    except ChiaroError:
        return
    # What still passes differs in proofs and authorizations only.
    assert tx.id == ShieldedTx.from_bytes(original).id


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=3000))
def test_sh38_arbitrary_bytes(kit, data) -> None:
    with pytest.raises(ChiaroError):
        kit.env.decode(data)
