"""EX-35, EX-22: orders in the mempool, and pending payments when one takes effect."""

from __future__ import annotations

import pytest

from node.core.errors import PolicyRefused
from node.core.ids import EnvironmentId, Height
from node.execution.mempool import MOST_ORDERS, Mempool, MempoolLimits
from node.execution.orders import OrderEnvironment

BIG = 10**7


@pytest.fixture
def mempool(guarded):
    return Mempool(guarded.executor, guarded.latest)


def code(admission) -> str:
    return admission.error.id if admission.error else "ok"


def settle(world, mempool, *txs):
    codes = world.block(*txs)
    mempool.committed(world.as_block(*txs), world.receipts[-len(txs) :] if txs else ())
    return codes


def test_ex35_an_order_without_a_fee_goes_first(guarded, mempool):
    rich = guarded.transfer(fee=100_000)
    order = guarded.order("frozen")
    assert [code(mempool.add(tx)) for tx in (rich, order)] == ["ok", "ok"]
    assert mempool.pending(BIG) == [order, rich]
    assert mempool.status().least_rate > 0, "the price of a place is not the orders'"
    assert settle(guarded, mempool, *mempool.pending(BIG)) == ["ok", "ok"]
    assert len(mempool) == 0


def test_ex35_orders_are_refused_by_the_chain_s_rules(guarded, mempool):
    a, b, _ = guarded.guardians
    for tx, expected in (
        (guarded.order("frozen", (a,)), "EX-27"),
        (guarded.order("frozen", chain_id=bytes(32)), "EX-25"),
        (guarded.order("frozen", not_before=Height(2)), "EX-28"),
        (guarded.order("frozen", sequence=99), "EX-29"),
        (guarded.order("frozen", pool=EnvironmentId.TRANSPARENT), "EX-26"),
        (guarded.order("frozen", (a, b))[:-1], "ENC-003"),
    ):
        assert code(mempool.add(tx)) == expected
    assert len(mempool) == 0
    early = guarded.order("frozen", not_before=Height(2))
    assert settle(guarded, mempool) == []
    assert code(mempool.add(early)) == "ok", "what was too early is not remembered as wrong"


def test_ex35_a_number_of_the_past_costs_no_signature(guarded, mempool, monkeypatch):
    order = guarded.order("frozen")
    assert settle(guarded, mempool, order) == ["ok"]
    looked = []
    monkeypatch.setattr(OrderEnvironment, "_check_signatures", lambda self, tx: looked.append(tx))
    for _ in range(3):
        assert code(mempool.add(order)) == "EX-29"
    assert looked == []


def test_ex35_places_are_few_and_one_per_number(guarded):
    mempool = Mempool(guarded.executor, guarded.latest, MempoolLimits(most=2))
    orders = [guarded.order("frozen", sequence=n, reason=f"n {n}") for n in range(MOST_ORDERS)]
    assert [code(mempool.add(tx)) for tx in orders] == ["ok"] * MOST_ORDERS
    assert code(mempool.add(orders[3])) == "ok", "again is no error"
    rival = mempool.add(guarded.order("exit-only", sequence=3))
    assert (code(rival), isinstance(rival.error, PolicyRefused)) == ("EX-35", True)
    assert mempool.pending(BIG) == orders, "in the order of their numbers"
    # The pool of two places has still two for those who pay.
    assert [code(mempool.add(guarded.transfer(sequence=n, fee=20 + n))) for n in range(2)] == [
        "ok", "ok",
    ]  # fmt: skip
    crowd = guarded.transfer(guarded.bob, fee=10, to=guarded.alice)
    assert code(mempool.add(crowd)) == "EX-18"
    richer = guarded.transfer(guarded.bob, fee=1000, to=guarded.alice)
    assert code(mempool.add(richer)) == "ok"
    assert len(mempool) == MOST_ORDERS + 2, "a payment made room, no order did"


def test_ex35_a_full_pool_has_room_for_an_order(guarded):
    mempool = Mempool(guarded.executor, guarded.latest, MempoolLimits(most=1))
    assert code(mempool.add(guarded.transfer(fee=100))) == "ok"
    assert code(mempool.add(guarded.transfer(guarded.bob, fee=10, to=guarded.alice))) == "EX-18"
    assert code(mempool.add(guarded.order("frozen"))) == "ok"
    assert len(mempool) == 2


def test_ex35_another_order_of_a_pending_number_waits(guarded, mempool):
    assert code(mempool.add(guarded.order("frozen"))) == "ok"
    answer = mempool.add(guarded.order("exit-only"))
    assert code(answer) == "EX-20"
    assert "order" in answer.error.message


def test_ex22_pending_payments_leave_when_their_pool_is_closed(guarded, mempool, note):
    assert settle(guarded, mempool, guarded.shield(guarded.alice, note(1), 100)) == ["ok"]
    enters = guarded.shield(guarded.bob, note(2), 50, fee=20)
    leaves = guarded.unshield(guarded.alice, note(1), 80, fee=20)
    pays = guarded.transfer(guarded.bob, fee=20, to=guarded.alice)
    for tx in (enters, leaves, pays):
        assert code(mempool.add(tx)) == "ok"
    assert settle(guarded, mempool, guarded.order("exit-only")) == ["ok"]
    assert set(mempool.pending(BIG)) == {leaves, pays}
    assert code(mempool.add(enters)) == "EX-34"
    assert settle(guarded, mempool, guarded.order("frozen")) == ["ok"]
    assert mempool.pending(BIG) == [pays]
    assert code(mempool.add(leaves)) == "EX-33"
    # Refused for the state that it met: welcome again once that has changed.
    assert settle(guarded, mempool, guarded.order("open")) == ["ok"]
    assert [code(mempool.add(tx)) for tx in (leaves, enters)] == ["ok", "ok"]
