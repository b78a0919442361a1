"""Rules TR-1 … TR-10, each shown refusing, and what they leave alone."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.amounts import MAX_AMOUNT
from node.core.ed25519 import _ORDER_8
from node.core.effects import Crossing
from node.core.errors import InvalidTransaction
from node.core.ids import NATIVE, AccountId, ChainId, EnvironmentId, Height, Kind
from transparent import spec
from transparent.accounts import Ledger, balances, every_balance, sequence
from transparent.signature import SigningKey, check_key
from transparent.transaction import Transfer, TransparentTx, sign
from zk.errors import ChiaroError, DecodeError, WrongLength

P25519 = 2**255 - 19


@pytest.fixture
def pay(alice, bob, context):
    """An ordinary transaction of Alice's; keyword arguments change it before it is signed."""

    def make(**changes) -> TransparentTx:
        fields = {
            "key": alice,
            "chain_id": context.chain_id,
            "sequence": 0,
            "expiry": Height(20),
            "fee": 3,
            "transfers": (Transfer(bob.account, NATIVE, 100),),
            **changes,
        }
        return sign(**fields)

    return make


def refused(rule: str, function, *arguments) -> None:
    with pytest.raises(InvalidTransaction) as caught:
        function(*arguments)
    assert caught.value.rule == rule


def test_a_transfer_moves_exactly_its_amount_and_the_fee(
    env, state, context, pay, alice, bob
) -> None:
    tx = pay()
    env.check_stateless(tx, context)
    effects = env.execute(tx, state, context)
    state.apply(effects)
    assert dict(balances(state, alice.account))[NATIVE] == 1000 - 100 - 3
    assert dict(balances(state, bob.account))[NATIVE] == 110
    assert sequence(state, alice.account) == 1
    assert effects.fee == 3


def test_round_trip_and_trailing_bytes(pay) -> None:
    data = pay().to_bytes()
    assert TransparentTx.from_bytes(data) == pay()
    for wrong in (data + b"\0", data[:-1], b""):
        with pytest.raises(DecodeError):
            TransparentTx.from_bytes(wrong)


def test_tr1_another_chain(env, context, pay) -> None:
    refused("TR-1", env.check_stateless, pay(chain_id=ChainId(bytes(32))), context)


def test_tr1_another_chain_is_seen_before_anything_is_decoded(env, context, pay) -> None:
    tx = pay(fee=77)
    assert env.preview(tx.to_bytes(), tx.chain_id) == env.fee(tx) == 77
    garbage = tx.to_bytes()[:88] + b"\xff" * 40
    assert env.preview(garbage, tx.chain_id) == 77
    refused("TR-1", env.preview, garbage, ChainId(bytes(32)))
    for size in range(88):
        with pytest.raises(WrongLength):
            env.preview(tx.to_bytes()[:size], tx.chain_id)


@pytest.mark.parametrize("expiry", [0, 4, 5 + 64 + 1, 2**63])
def test_tr2_expired_or_too_far(env, context, pay, expiry) -> None:
    refused("TR-2", env.check_stateless, pay(expiry=Height(expiry)), context)


def test_tr2_its_bounds_are_valid(env, context, pay) -> None:
    for expiry in (5, 5 + 64):
        env.check_stateless(pay(expiry=Height(expiry)), context)


def _edwards_add(p, q):
    d = -121665 * pow(121666, -1, P25519) % P25519
    (x1, y1), (x2, y2) = p, q
    k = d * x1 * x2 * y1 * y2 % P25519
    return (
        (x1 * y2 + x2 * y1) * pow(1 + k, -1, P25519) % P25519,
        (y1 * y2 + x1 * x2) * pow(1 - k, -1, P25519) % P25519,
    )


def test_tr3_the_constant_is_a_point_of_order_eight() -> None:
    d = -121665 * pow(121666, -1, P25519) % P25519
    square = (_ORDER_8**2 - 1) * pow(d * _ORDER_8**2 + 1, -1, P25519) % P25519
    x = pow(square, (P25519 + 3) // 8, P25519)
    if x * x % P25519 != square:
        x = x * pow(2, (P25519 - 1) // 4, P25519) % P25519
    assert x * x % P25519 == square
    point, seen = (x, _ORDER_8), []
    total = point
    for _ in range(8):
        seen.append(total[1])
        total = _edwards_add(total, point)
    assert _edwards_add(point, (P25519 - x, _ORDER_8)) == (0, 1)
    assert seen.index(1) == 7


@pytest.mark.parametrize("y", [0, 1, P25519 - 1, _ORDER_8, P25519 - _ORDER_8, P25519, P25519 + 1])
@pytest.mark.parametrize("sign_bit", [0, 1])
def test_tr3_small_order_and_non_canonical_keys(env, context, pay, y, sign_bit) -> None:
    bad = AccountId((y | sign_bit << 255).to_bytes(32, "little"))
    refused("TR-3", check_key, bad)
    refused("TR-3", env.check_stateless, pay(transfers=(Transfer(bad, NATIVE, 1),)), context)
    refused("TR-3", env.check_stateless, dataclasses.replace(pay(), sender=bad), context)


@pytest.mark.parametrize(
    "change",
    [
        {"fee": 4},
        {"sequence": 1},
        {"expiry": Height(21)},
        {"signature": bytes(64)},
        {"transfers": None},
    ],
)
def test_tr4_the_signature_covers_every_field(env, context, pay, bob, change) -> None:
    if "transfers" in change:
        change = {"transfers": (Transfer(bob.account, NATIVE, 101),)}
    refused("TR-4", env.check_stateless, dataclasses.replace(pay(), **change), context)


def test_tr4_another_sender(env, context, pay, bob) -> None:
    refused("TR-4", env.check_stateless, dataclasses.replace(pay(), sender=bob.account), context)


def test_tr4_the_id_leaves_the_signature_out(pay) -> None:
    assert dataclasses.replace(pay(), signature=bytes(64)).id == pay().id
    assert pay(fee=4).id != pay().id


def test_tr5_no_transfer_zero_amount_order_and_repetition(env, context, pay, bob, alice) -> None:
    refused("TR-5", env.check_stateless, pay(transfers=()), context)
    refused(
        "TR-5", env.check_stateless, pay(transfers=(Transfer(bob.account, NATIVE, 0),)), context
    )
    twice = (Transfer(bob.account, NATIVE, 1),) * 2
    refused("TR-5", env.check_stateless, pay(transfers=twice), context)
    both = tuple(
        sorted(
            (Transfer(bob.account, NATIVE, 1), Transfer(alice.account, NATIVE, 1)),
            key=lambda t: t.recipient,
            reverse=True,
        )
    )
    refused("TR-5", env.check_stateless, dataclasses.replace(pay(), transfers=both), context)


def test_tr5_more_than_sixteen_do_not_decode(pay, bob) -> None:
    many = tuple(Transfer(bob.account, Kind(0, i), 1) for i in range(17))
    with pytest.raises(DecodeError):
        TransparentTx.from_bytes(pay(transfers=many).to_bytes())


def test_tr6_gap_and_repetition(env, state, context, pay) -> None:
    refused("TR-6", env.execute, pay(sequence=1), state, context)
    state.apply(env.execute(pay(), state, context))
    refused("TR-6", env.execute, pay(), state, context)
    refused("TR-6", env.check_historical, pay(), state, context)
    env.check_historical(pay(sequence=5), state, context)


def test_tr7_overdraft_by_amount_by_fee_and_by_another_kind(
    env, state, context, pay, bob, asset
) -> None:
    refused("TR-7", env.execute, pay(fee=901), state, context)
    refused("TR-7", env.execute, pay(transfers=(Transfer(bob.account, asset, 51),)), state, context)
    refused(
        "TR-7", env.execute, pay(transfers=(Transfer(bob.account, Kind(0, 5), 1),)), state, context
    )


def test_tr8_a_balance_does_not_wrap(state, bob) -> None:
    refused("TR-8", Ledger(state).credit, bob.account, NATIVE, MAX_AMOUNT - 9)
    Ledger(state).credit(bob.account, NATIVE, MAX_AMOUNT - 10)


def test_tr9_commitments_are_refused_here(env, state, context) -> None:
    refused("TR-9", env.end_block, [1], state, context)


@settings(max_examples=60, deadline=None)
@given(
    amounts=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 600)), min_size=1, max_size=5),
    fee=st.integers(0, 1100),
)
def test_tr9_value_is_conserved_whatever_happens(amounts, fee) -> None:
    keys = [SigningKey(bytes([n + 1]) * 32) for n in range(3)]
    ledger_state = {}
    from node.core.interfaces import TxContext
    from transparent.accounts import balance_key
    from transparent.env import TransparentEnvironment

    class State:
        get = staticmethod(ledger_state.get)

        @staticmethod
        def iterate(prefix):
            return iter(sorted(i for i in ledger_state.items() if i[0].startswith(prefix)))

    ledger_state[balance_key(keys[0].account, NATIVE)] = (1000).to_bytes(8, "little")
    merged = dict(amounts)
    transfers = tuple(Transfer(keys[n].account, NATIVE, a) for n, a in merged.items())
    context = TxContext(ChainId(bytes(32)), Height(1))
    tx = sign(keys[0], context.chain_id, 0, Height(2), fee, transfers)
    try:
        effects = TransparentEnvironment(64).execute(tx, State, context)
    except InvalidTransaction as error:
        assert error.rule == "TR-7"
        assert fee + sum(merged.values()) > 1000 - merged.get(0, 0)
        return
    for key, value in effects.writes:
        ledger_state[key] = value
    live = {k: v for k, v in ledger_state.items() if v is not None}
    ledger_state.clear()
    ledger_state.update(live)
    assert sum(amount for _, _, amount in every_balance(State)) == 1000 - effects.fee


def crossing(account: AccountId, amount: int, authorization: bytes = b"") -> Crossing:
    return Crossing(EnvironmentId.TRANSPARENT, account, NATIVE, amount, authorization)


def test_tr10_a_debit_needs_the_accounts_own_signature(env, state, alice, bob) -> None:
    digest = b"\x07" * 32
    good = alice.sign(spec.crossing_digest(alice.account, NATIVE, 40, digest))
    effects = env.cross(crossing(alice.account, -40, good), digest, state)
    state.apply(effects)
    assert dict(balances(state, alice.account))[NATIVE] == 960
    for wrong in (
        (crossing(alice.account, -40), digest),
        (crossing(alice.account, -41, good), digest),
        (crossing(alice.account, -40, good), b"\x08" * 32),
        (crossing(bob.account, -10, good), digest),
        (crossing(alice.account, 40, good), digest),
        (crossing(alice.account, 0), digest),
        (crossing(alice.account, 2**64), digest),
        (dataclasses.replace(crossing(alice.account, 1), target=EnvironmentId.SHIELDED), digest),
    ):
        refused("TR-10", env.cross, *wrong, state)


def test_tr10_a_transfers_signature_is_no_authorization(env, state, alice, pay) -> None:
    tx = pay()
    refused("TR-10", env.cross, crossing(alice.account, -40, tx.signature), tx.id, state)


def test_tr7_a_debit_is_covered(env, state, bob) -> None:
    digest = b"\x07" * 32
    signed = bob.sign(spec.crossing_digest(bob.account, NATIVE, 11, digest))
    refused("TR-7", env.cross, crossing(bob.account, -11, signed), digest, state)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_mutated_bytes_never_raise_anything_unexpected(data) -> None:
    from node.core.interfaces import TxContext
    from transparent.env import TransparentEnvironment

    key = SigningKey(b"\x01" * 32)
    context = TxContext(ChainId(bytes(32)), Height(1))
    tx = sign(key, context.chain_id, 0, Height(2), 1, (Transfer(key.account, NATIVE, 1),))
    raw = bytearray(tx.to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    env = TransparentEnvironment(64)
    try:
        decoded = env.decode(bytes(raw))
        assert decoded.to_bytes() == bytes(raw)
        env.check_stateless(decoded, context)
        assert decoded == tx
    except ChiaroError:
        pass


def test_a_signing_key_does_not_print_its_secret(alice) -> None:
    assert (b"\x01" * 32).hex() not in repr(alice)
