"""EX-25 to EX-34: who may order what about a pool, and what a pool's state lets through."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.block import Transaction
from node.core.errors import InvalidTransaction, Outdated
from node.core.ids import NATIVE, ChainId, EnvironmentId, Height
from node.execution import pools, turnstile
from node.execution.order import MAX_REASON, Order, PoolState
from node.execution.orders import MOST_AHEAD
from node.execution.pools import PoolRecord
from transparent.signature import SigningKey
from zk.errors import DecodeError

SHIELDED = EnvironmentId.SHIELDED


def refusal(world, tx, height=None):
    """The error by which the order alone is refused in the next block."""
    at = world.height + 1 if height is None else height
    (answer,) = world.executor.check([tx], world.state, Height(at))
    return answer.error


def rule(world, tx, height=None) -> str:
    error = refusal(world, tx, height)
    return "ok" if error is None else error.id


def state(world) -> str:
    return pools.record(world.state, SHIELDED).at(world.height + 1).label


def forged(world, nf, amount, kind=NATIVE):
    """Value out of a note that nobody made: what a broken circuit lets through."""
    crossing = (1, world.bob.account.hex(), kind.label, amount, "")
    return world.pooled(consumes=(nf,), crossings=(crossing,), flaw="mint")


def pay_inside(world, nf, new, amount):
    return world.pooled(consumes=(nf,), creates=((new, NATIVE.label, amount),))


# --- orders -------------------------------------------------------------------------------------


def test_ex25_an_order_of_another_chain_is_refused(guarded, make_guarded):
    other = make_guarded(name="successor")
    order = other.order("frozen")
    assert rule(other, order) == "ok"
    assert rule(guarded, order) == "EX-25"
    with pytest.raises(InvalidTransaction) as refused:
        guarded.executor.intake.preview(order)
    assert refused.value.rule == "EX-25"
    assert guarded.block(order) == ["EX-25"]
    assert state(guarded) == "open"


def test_ex26_an_order_is_about_a_pool_a_statement_and_says_why(guarded):
    for fields in (
        {"pool": EnvironmentId.TRANSPARENT},
        {"pool": EnvironmentId.CHAIN},
        {"pool": EnvironmentId.PRIVATE},  # none on this chain
        {"insecure": "pool/2"},
        {"reason": ""},
        {"reason": "x" * MAX_REASON + "x"},
        {"reason": "line\nend"},
        {"reason": "\x1b[2J"},
        {"deadline": Height(1)},  # not after the block
    ):
        order = guarded.order("exit-only", data=False, **fields)
        if len(order.reason) <= MAX_REASON:
            assert rule(guarded, guarded.envelope(order)) == "EX-26", fields
        else:
            assert rule(guarded, guarded.envelope(order)).startswith("ENC-")
    assert rule(guarded, guarded.order("open", deadline=Height(9))) == "EX-26"
    assert rule(guarded, guarded.order("frozen", deadline=Height(9))) == "EX-26"
    assert rule(guarded, guarded.order("frozen", deadline=Height(9), insecure="pool/1")) == "ok"
    assert rule(guarded, guarded.order("exit-only", deadline=Height(2))) == "ok"


def test_ex27_a_majority_of_different_guardians_signs_exactly_this(guarded):
    a, b, c = guarded.guardians
    stranger = SigningKey(b"\x63" * 32)
    for signers in ((), (a,), (c,), (a, a), (a, stranger), (stranger, b, c)):
        assert rule(guarded, guarded.order("frozen", signers)) == "EX-27", signers
    for signers in ((a, b), (b, a), (a, c), (b, c), (a, b, c)):
        assert rule(guarded, guarded.order("frozen", signers)) == "ok"
    order = guarded.order("frozen", (a, b), data=False)
    (one, first), (two, second) = order.signatures
    for signatures in (
        ((two, second), (one, first)),
        ((one, first), (one, first)),
        ((one, second), (two, first)),
        ((one, first), (two, bytes(64))),
        ((one, first), (two, second), (c.account, first)),  # more than enough, one of them wrong
    ):
        wrong = dataclasses.replace(order, signatures=signatures)
        assert rule(guarded, guarded.envelope(wrong)) == "EX-27"


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_ex27_no_field_can_be_changed_after_it_was_signed(make_guarded, data):
    world = make_guarded()
    order = world.order("exit-only", data=False, deadline=Height(50))
    changes = {
        "state": st.just(PoolState.FROZEN),
        "insecure": st.just("pool/1"),
        "not_before": st.just(Height(1)),
        "expiry": st.integers(5, 9),
        "deadline": st.integers(51, 60),
        "reason": st.text("abc ", min_size=1, max_size=9),
    }
    name = data.draw(st.sampled_from(sorted(changes)))
    changed = dataclasses.replace(order, **{name: data.draw(changes[name])})
    assert changed.id != order.id
    assert rule(world, world.envelope(order)) == "ok"
    expected = {"EX-27"} if name != "state" else {"EX-27", "EX-26"}
    assert rule(world, world.envelope(changed)) in expected


def test_ex27_a_chain_without_guardians_obeys_nobody(make_guarded):
    world = make_guarded(guardians=(), guardian_threshold=0)
    assert rule(world, world.order("frozen", ())) == "EX-27"
    assert rule(world, world.order("frozen", world.guardians)) == "EX-27"


def test_ex27_a_payment_is_no_order_and_an_order_no_payment(guarded):
    """The tags differ: a guardian's key that is an account's as well signs nothing by accident."""
    order = guarded.order("frozen", data=False)
    assert order.digest != order.id
    inner = Transaction.from_bytes(guarded.transfer()).payload
    assert rule(guarded, Transaction(EnvironmentId.CHAIN, inner).to_bytes()).startswith("ENC-")


def test_ex28_too_early_and_too_late(guarded):
    order = guarded.order("frozen", not_before=Height(3), expiry=Height(5))
    for height, expected in ((1, "EX-28"), (2, "EX-28"), (3, "ok"), (5, "ok"), (6, "EX-28")):
        assert rule(guarded, order, height) == expected
        if expected != "ok":
            assert isinstance(refusal(guarded, order, height), Outdated)
    with pytest.raises(Outdated):
        guarded.executor.check_block([order], Height(2))


def test_ex29_numbers_run_without_gap_or_repetition(guarded):
    first, again = guarded.order("frozen"), guarded.order("exit-only")  # both number 0
    gap, far = guarded.order("open", sequence=2), guarded.order("open", sequence=MOST_AHEAD)
    assert [rule(guarded, tx) for tx in (gap, far)] == ["EX-29", "EX-29"]
    assert guarded.block(first, again, first) == ["ok", "EX-29", "EX-29"]
    assert guarded.block(first, again) == ["EX-29", "EX-29"]
    assert state(guarded) == "frozen"
    second = guarded.order("open")
    assert guarded.block(second, gap) == ["ok", "ok"], "in one block, one after another"
    assert pools.next_sequence(guarded.state) == 3


def test_ex30_insecure_is_for_ever(guarded):
    assert rule(guarded, guarded.order("open", insecure="pool/1")) == "EX-30"
    assert guarded.block(guarded.order("exit-only", insecure="pool/1")) == ["ok"]
    assert guarded.block(guarded.order("open")) == ["EX-30"]
    # Later orders do not name it again, and it stays.
    assert guarded.block(guarded.order("frozen")) == ["ok"]
    assert guarded.block(guarded.order("exit-only")) == ["ok"]
    assert pools.record(guarded.state, SHIELDED).insecure == ("pool/1",)
    assert guarded.block(guarded.order("open", guarded.guardians)) == ["EX-30"]


def test_ex31_after_the_deadline_of_an_insecure_pool_nothing_changes(guarded, make_guarded, note):
    assert guarded.block(guarded.order("exit-only", insecure="pool/1", deadline=Height(3))) == [
        "ok"
    ]
    assert guarded.block(guarded.order("exit-only", deadline=Height(4))) == ["ok"], "moved in time"
    for _ in range(2):
        assert guarded.block() == []
    assert (guarded.height, state(guarded)) == (4, "frozen")
    assert pools.record(guarded.state, SHIELDED).closed_for_good(5)
    error = refusal(guarded, guarded.shield(guarded.alice, note(1), 5))
    assert (error.id, "stays closed" in error.why) == ("EX-33", True)
    for name in ("frozen", "exit-only", "open"):
        assert guarded.block(guarded.order(name, guarded.guardians)) == ["EX-31"]
    # Without a broken statement a deadline only freezes.
    other = make_guarded()
    assert other.block(other.order("exit-only", deadline=Height(2))) == ["ok"]
    other.block()
    assert state(other) == "frozen"
    assert other.block(other.order("open")) == ["ok"]
    assert state(other) == "open"


def test_ex32_an_order_binds_from_the_next_block_on_wherever_it_stands(make_guarded, note):
    ends = []
    for position in range(3):
        world = make_guarded()
        txs = [world.shield(world.alice, note(1), 100), world.shield(world.bob, note(2), 50)]
        txs.insert(position, world.order("frozen"))
        assert world.block(*txs) == ["ok"] * 3
        third = world.shield(world.alice, note(3), 10)
        assert world.block(third, world.order("open"), third) == ["EX-33", "ok", "EX-33"]
        assert world.block(third) == ["ok"]
        state = dict(world.state.items)
        state.pop(b"s/blocks")  # the order of commitments is that of the transactions
        ends.append(state)
    assert ends[0] == ends[1] == ends[2]


def test_ex33_nothing_touches_a_frozen_pool(guarded, note):
    assert guarded.block(guarded.shield(guarded.alice, note(1), 100)) == ["ok"]
    assert guarded.block(guarded.order("frozen")) == ["ok"]
    before = turnstile.stored(guarded.state)
    txs = [
        guarded.shield(guarded.bob, note(2), 50),
        pay_inside(guarded, note(1), note(3), 100),
        guarded.unshield(guarded.alice, note(1), 100),
        guarded.unshield(guarded.alice, note(1), 90, fee=10),
        forged(guarded, note(9), 5),
        # Its environment is not even asked.
        guarded.pooled(consumes=(note(10),), flaw="historical"),
        guarded.pooled(consumes=(note(11),), flaw="memory"),
    ]
    assert guarded.block(*txs) == ["EX-33"] * len(txs)
    assert [rule(guarded, tx) for tx in txs] == ["EX-33"] * len(txs)
    assert guarded.executor.select(txs, guarded.state, Height(guarded.height + 1), 10**6) == ()
    assert turnstile.stored(guarded.state) == before
    assert guarded.block(guarded.transfer()) == ["ok"], "accounts are not the pool's"
    error = refusal(guarded, txs[0])
    assert "a test" in error.message
    assert error.exit_code == 5
    assert guarded.block(guarded.order("open")) == ["ok"]
    assert guarded.block(guarded.unshield(guarded.alice, note(1), 100)) == ["ok"]


def test_ex33_a_frozen_pool_is_touched_from_no_other_environment(make_guarded, note):
    """A crossing whose *target* is the frozen pool, in both directions."""
    from node.core.effects import Crossing
    from node.core.ids import AccountId
    from node.execution.pools import Gate

    world = make_guarded()
    world.block(world.order("frozen"))
    gate = Gate(world.state, Height(world.height + 1))
    for amount in (5, -5):
        crossing = Crossing(SHIELDED, AccountId(bytes(32)), NATIVE, amount)
        with pytest.raises(InvalidTransaction) as refused:
            gate.check_crossings(EnvironmentId.PRIVATE, [crossing])
        assert refused.value.rule == "EX-33"
    world.block(world.order("exit-only"))
    gate = Gate(world.state, Height(world.height + 1))
    entering, leaving = (Crossing(SHIELDED, AccountId(bytes(32)), NATIVE, n) for n in (5, -5))
    gate.check_crossings(EnvironmentId.PRIVATE, [leaving])
    with pytest.raises(InvalidTransaction) as refused:
        gate.check_crossings(EnvironmentId.PRIVATE, [entering])
    assert refused.value.rule == "EX-34"


def test_ex33_a_deadline_freezes_by_itself(guarded, note):
    assert guarded.block(guarded.shield(guarded.alice, note(1), 100)) == ["ok"]
    assert guarded.block(guarded.order("exit-only", deadline=Height(3))) == ["ok"]
    out = guarded.unshield(guarded.alice, note(1), 100)
    assert [rule(guarded, out, height) for height in (3, 4)] == ["ok", "EX-33"]
    guarded.block()
    assert guarded.block(out) == ["EX-33"]


def test_ex34_value_only_leaves_an_exit_only_pool(guarded, note):
    assert guarded.block(
        guarded.shield(guarded.alice, note(1), 100), guarded.shield(guarded.bob, note(2), 50)
    ) == ["ok", "ok"]
    assert guarded.block(guarded.order("exit-only", deadline=Height(50))) == ["ok"]
    entering = guarded.shield(guarded.bob, note(3), 50)
    inside = pay_inside(guarded, note(1), note(4), 100)
    fee_only = guarded.pooled(consumes=(note(1),), creates=((note(4), NATIVE.label, 90),), fee=10)
    both = guarded.pooled(
        guarded.bob,
        consumes=(note(1),),
        creates=((note(5), NATIVE.label, 80),),
        crossings=(
            (1, guarded.alice.account.hex(), NATIVE.label, 50, ""),
            (1, guarded.bob.account.hex(), NATIVE.label, -30, ""),
        ),
    )
    txs = [entering, inside, fee_only, both]
    assert guarded.block(*txs) == ["EX-34"] * 4
    assert guarded.executor.select(txs, guarded.state, Height(guarded.height + 1), 10**6) == ()
    for tx, what in zip(txs, ("enter", "leaves", "leaves", "enter"), strict=True):
        error = refusal(guarded, tx)
        assert what in error.message
        assert "by block 50" in error.fix
    change = guarded.pooled(
        consumes=(note(1),),
        creates=((note(6), NATIVE.label, 40),),
        crossings=((1, guarded.alice.account.hex(), NATIVE.label, 60, ""),),
    )
    assert guarded.block(change, guarded.unshield(guarded.bob, note(2), 40, fee=10)) == ["ok"] * 2
    assert turnstile.totals(guarded.state, SHIELDED, NATIVE).held == 40


@pytest.mark.parametrize(
    ("pool", "way"), [(SHIELDED, "chiaro unshield"), (EnvironmentId.PRIVATE, "PV-125")]
)
def test_ex34_the_way_out_is_that_of_the_pool(pool, way):
    assert way in pools.narrowed(PoolRecord(PoolState.EXIT_ONLY), pool, "no value may enter").fix


def test_ex34_forged_notes_take_out_no_more_than_entered(guarded, note):
    """What exit-only cannot do: tell a forged note. The turnstile bounds it (EX-11)."""
    assert guarded.block(guarded.shield(guarded.alice, note(1), 100)) == ["ok"]
    assert guarded.block(guarded.order("exit-only", insecure="pool/1")) == ["ok"]
    assert guarded.block(forged(guarded, note(8), 70), forged(guarded, note(9), 31)) == [
        "ok", "EX-11",
    ]  # fmt: skip
    assert guarded.block(guarded.unshield(guarded.alice, note(1), 100)) == ["EX-11"]


# --- bytes --------------------------------------------------------------------------------------


@st.composite
def orders(draw):
    u64 = st.integers(0, 2**64 - 1)
    order = Order(
        ChainId(draw(st.binary(min_size=32, max_size=32))), draw(u64),
        draw(st.sampled_from(EnvironmentId)), draw(st.sampled_from(PoolState)),
        draw(st.sampled_from(["", "action/1"])), Height(draw(u64)), Height(draw(u64)),
        Height(draw(u64)), draw(st.text("ab !", max_size=20)),
    )  # fmt: skip
    for seed in draw(st.sets(st.integers(1, 5), max_size=3)):
        order = order.signed(SigningKey(bytes([seed]) * 32))
    return order


@given(orders(), st.data())
@settings(max_examples=60, deadline=None)
def test_an_order_has_one_encoding(order, data):
    encoded = order.to_bytes()
    assert Order.from_bytes(encoded) == order
    at = data.draw(st.integers(0, len(encoded) * 8 - 1))
    flipped = bytearray(encoded)
    flipped[at // 8] ^= 1 << at % 8
    for other in (bytes(flipped), encoded + b"\0", encoded[:-1]):
        try:
            found = Order.from_bytes(other)
        except DecodeError:
            continue
        assert found.to_bytes() == other
        assert found != order


@given(st.binary(max_size=400))
@settings(max_examples=80, deadline=None)
def test_any_bytes_as_an_order_leave_a_receipt(make_guarded, junk):
    world = make_guarded()
    codes = world.block(Transaction(EnvironmentId.CHAIN, junk).to_bytes(), world.transfer())
    assert codes[0].startswith(("ENC-", "EX-"))
    assert codes[1] == "ok"
    assert state(world) == "open"


def test_a_record_has_one_encoding():
    record = PoolRecord(PoolState.EXIT_ONLY, 7, 99, ("a/1", "b/2"), "why")
    assert PoolRecord.from_bytes(record.to_bytes()) == record
    no_utf8 = record.to_bytes().replace(b"a/1", b"\xff/1"), record.to_bytes()[:-1] + b"\xff"
    for broken in (record.to_bytes() + b"\0", b"\x09" + record.to_bytes()[1:], b"", *no_utf8):
        with pytest.raises(DecodeError):
            PoolRecord.from_bytes(broken)


def test_ex9_nothing_crosses_into_orders(guarded, note):
    tx = guarded.pooled(
        consumes=(note(1),),
        crossings=((int(EnvironmentId.CHAIN), guarded.bob.account.hex(), NATIVE.label, 5, ""),),
        flaw="mint",
    )
    assert guarded.block(tx) == ["EX-9"]
