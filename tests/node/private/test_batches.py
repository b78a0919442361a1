"""Batches of orders on the chain: what they take, what is told of them, and what everybody has."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.codec import Reader
from node.core.ids import NATIVE, EnvironmentId, Kind
from node.execution import turnstile
from node.private import batches, claims, ordering, results, statements
from node.private import sale_state as entries
from node.private.batch_terms import MAX_UNIT, Clearing
from node.private.errors import PrivateRefused
from node.private.messages import ComplaintTx, FreezeTx, SettleTx
from node.private.sale_entries import PAD_AT
from node.private.sale_payload import CallTx
from node.private.sale_program import Market, SaleProgram
from node.private.sale_terms import LIMIT, Side
from node.private.state import Status
from node.testing.batches import BASE, LOT, BatchChain, Traded, fills_of
from node.testing.private import assert_ok, signer, wrong_input
from private_exec import group
from private_exec.committee import inputs
from private_exec.committee.cells import cell_id
from private_exec.committee.opening import OpenStatement
from private_exec.mpc.faults import Silent, Wrong
from private_exec.mpc.message import Kind as Round
from private_exec.pedersen import Opening
from private_exec.provable.session import Known
from zk.curve.encoding import g1_to_bytes

BUY, SELL = Side.BUY, Side.SELL
ALICE = signer(7)


@pytest.fixture(scope="module")
def chain() -> BatchChain:
    """Three places, four prices; a committee of four that really computes and proves."""
    found = BatchChain(epoch_blocks=10_000)
    found.start(notes=48)
    return found


def dark(chain: BatchChain, kind: Kind) -> int:
    held = chain.held_of(kind)
    return held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)


def opened(chain: BatchChain, *orders: tuple[Side, int, int]) -> tuple[bytes, list[Traded]]:
    """A batch whose outputs are open."""
    identity, traded = chain.gathered(*orders)
    chain.call(identity)
    assert_ok(chain.run(chain.prove(identity)))
    assert_ok(chain.run(chain.outputs(identity)))
    return identity, traded


def refusal(call) -> str:
    with pytest.raises(PrivateRefused) as caught:
        call()
    return caught.value.rule


# --- terms --------------------------------------------------------------------------------------


def test_pv200_terms_that_cannot_be_kept_are_refused(chain):
    at, step = chain.height + 20, chain.parameters.step_heights
    good = {"close": at, "accept": at + step, "prove": at + 3 * step}
    broken = {
        "one kind": {"quote": BASE},
        "logic": {"base": Kind(5, 7)},
        "logic of the quote": {"quote": Kind(5, 7)},
        "one place": {"orders": 1},
        "too many": {"orders": 17},
        "one price": {"ticks": 1},
        "no key": {"ticks": 5},
        "nothing": {"lot": 0},
        "lot": {"lot": MAX_UNIT + 1},
        "free": {"low": 0},
        "flat": {"step": 0},
        "top": {"low": MAX_UNIT - 3 * 500 + 1},
        "prove": {"prove": at + 3 * step - 1},
    }
    for name, changes in broken.items():
        tx = chain.batch(chain.batch_terms(**good | changes))
        assert chain.codes(tx) == ["PV-200"], name
    most = chain.batch_terms(**good | {"lot": MAX_UNIT, "low": MAX_UNIT - 3 * 500})
    assert most.top == MAX_UNIT and most.top * LIMIT < 2**64
    ladder = chain.batch_terms()
    assert [ladder.price(tick) for tick in range(4)] == [3_000, 3_500, 4_000, 4_500]
    assert chain.codes(chain.batch(most)) == ["ok"]
    again = chain.batch(chain.batch_terms(**good))
    assert chain.codes(again, again) == ["ok", "EX-6"]


# --- orders -------------------------------------------------------------------------------------


def test_pv201_orders_are_in_time_in_a_place_and_for_their_batch(chain):
    identity = chain.collect()
    first = chain.trade(identity, BUY, 1, 20, 1)
    pairs = first.making.openings.values
    for reference, values in ((bytes(32), pairs), (identity, pairs[:2])):
        made = inputs.make(chain.record, reference, first.owner.public, values, b"\x01" * 32)
        said = dataclasses.replace(first.tx.ordered, input=made.to_bytes())
        order = dataclasses.replace(first.tx, ordered=said)
        assert refusal(lambda order=order: batches.check_order(order)) == "PV-201"
        assert chain.codes(order) == ["PV-201"]
    for change in ({"unit": 0}, {"unit": MAX_UNIT + 1}, {"ticks": 0}):
        order = dataclasses.replace(
            first.tx, ordered=dataclasses.replace(first.tx.ordered, **change)
        )
        assert refusal(lambda order=order: batches.check_order(order)) == "PV-201"
    found = chain.sale(identity)
    for change in ({"unit": 4_000}, {"ticks": 3}):
        order = dataclasses.replace(
            first.tx, ordered=dataclasses.replace(first.tx.ordered, **change)
        )
        assert refusal(lambda order=order: batches.check_open(order, found, 1)) == "PV-201"
    value = dataclasses.replace(first.tx.carried.hidden_values[0], kind=Kind(0, 99))
    carried = dataclasses.replace(first.tx.carried, hidden_values=(value,))
    order = dataclasses.replace(first.tx, carried=carried)
    assert refusal(lambda: batches.check_open(order, found, 1)) == "PV-201"
    assert refusal(lambda: batches.check_open(first.tx, chain.sale(chain.sell(5)), 1)) == "PV-201"
    assert refusal(lambda: entries.order_of(chain.state, bytes(32))) == "PV-201"
    twin = chain.trade(identity, BUY, 1, 20, 1)
    assert chain.codes(first.tx, twin.tx) == ["ok", "PV-113"]
    assert chain.entry(first).side is BUY
    assert_ok(chain.run(*(chain.trade(identity, SELL, 1, 20, n).tx for n in (2, 3))))
    assert chain.codes(chain.trade(identity, SELL, 1, 20, 4).tx) == ["PV-201"], "no place"
    other = chain.collect()
    late = chain.trade(other, SELL, 1, 20, 5)
    chain.to(chain.sale(other).terms.close)
    assert chain.codes(late.tx) == ["PV-201"]


def test_pv113_a_pads_commitment_is_used_once(chain, monkeypatch):
    identity = chain.collect()
    first, drawn = chain.order(identity, BUY, 1, 20, 1), ordering.OrderOpenings.of
    pad = first.making.openings.pad
    monkeypatch.setattr(
        ordering.OrderOpenings, "of", lambda *asked: dataclasses.replace(drawn(*asked), pad=pad)
    )
    assert chain.codes(chain.trade(identity, SELL, 2, 30, 2).tx) == ["PV-113"]


def test_pv201_what_is_locked_is_a_public_multiple_of_the_quantity(chain):
    identity = chain.collect()
    terms = chain.terms_of(identity)
    for side, kind, unit, gets in (
        (SELL, BASE, LOT, NATIVE),
        (BUY, NATIVE, terms.price(terms.ticks - 1), BASE),
    ):
        before = dark(chain, kind)
        traded = chain.order(identity, side, 2, 30, 9 + side)
        assert traded.making.value.amount == 30 * unit == 30 * terms.unit(side)
        assert (traded.making.value.kind, terms.gets(side)) == (kind, gets)
        (value,) = traded.tx.carried.hidden_values
        assert value.kind == kind
        assert before - dark(chain, kind) == (traded.tx.carried.fee if kind == NATIVE else 0)
        left = traded.making.openings.locked(terms, side)
        assert (left.value, left.commitment) == (30 * unit, chain.entry(traded).left)


def test_pv202_four_proofs_are_about_limit_quantity_and_what_is_left_of_them(chain):
    identity = chain.collect()
    terms, traded = chain.terms_of(identity), chain.trade(identity, BUY, 3, 30, 12)
    shown = statements.claims_of(traded.tx)
    own = traded.making.openings
    rests = [
        Opening(most - one.value, -one.blinding % group.R)
        for one, most in ((own.limit, terms.ticks - 1), (own.quantity, LIMIT))
    ]
    due = [own.limit, rests[0], own.quantity, rests[1]]
    assert [claim.linked.commitments for claim in shown] == [
        (g1_to_bytes(one.commitment),) for one in due
    ]
    assert {claim.linked.context for claim in shown} == {traded.tx.reference}
    made = traded.making.proving()
    for claim, item, opening in zip(shown, made, due, strict=True):
        assert claim.public == (*item.public.kind, *item.public.cv)
        assert item.openings == (opening,)
        assert item.public.amount == opening.value
    assert shown[0].public[:2] != shown[2].public[:2], "a quantity counts in units"
    for limit, quantity in ((4, 1), (-1, 1), (0, -1), (0, LIMIT + 1)):
        with pytest.raises(PrivateRefused) as caught:
            ordering.ordering(
                chain.genesis.chain_id, chain.record, terms, identity, BUY, limit, quantity,
                traded.owner,
            )  # fmt: skip
        assert caught.value.rule == "PV-202"


def test_pv173_links_are_bound_to_all_that_an_offer_bid_or_order_says(chain):
    offer, bid = chain.offer(5), chain.place(chain.sell(4), 5_000, 3).tx
    said = chain.trade(chain.collect(), BUY, 1, 20, 7).making.said
    texts = {"chain_id", "sale", "limit_cv", "cv", "input"}
    terms = dataclasses.replace(offer.terms, item=b"\x09" * 32)
    seen = [dataclasses.replace(offer, terms=terms).reference]
    for made, names in ((offer, {"cv", "input"}), (bid, texts - {"limit_cv"}), (said, texts)):
        seen += [dataclasses.replace(made, **{name: b"\x09" * 32}).reference for name in names]
        seen.append(made.reference)
    seen += [
        dataclasses.replace(said, **change).reference for change in ({"unit": 1}, {"ticks": 9})
    ]
    assert len(set(seen)) == len(seen) == 17


# --- members ------------------------------------------------------------------------------------


def test_pv203_an_orders_cells_are_accepted_together_and_a_pads_keeps_its_commitment(chain):
    identity = chain.collect()
    good, bad = (chain.order(identity, SELL, 0, 30, n) for n in (20, 21))
    rows = chain.rows([good.input])
    assert chain.codes(chain.certified(identity, rows[:2])) == ["PV-174"]
    assert chain.codes(chain.certified(identity, rows)) == ["ok"]
    assert chain.entry(good).status is Status.ACCEPTED
    (limit, quantity, pad) = (
        entries.cell_of(chain.state, cell_id(good.input.id, index)) for index in range(3)
    )
    own = good.making.openings
    assert pad.com == own.pad.commitment == good.input.commitments[PAD_AT] and pad.blind
    assert (limit.blind, quantity.blind) == (0, 0)
    assert quantity.com != own.quantity.commitment
    assert [chain.value_of(one) for one in (limit, quantity, pad)] == [0, 30, own.pad.value]
    chain.to(chain.terms_of(identity).accept - 1)
    assert chain.codes(chain.into_notes(bad, chain.claims_of(identity, bad)[0])) == ["PV-182"]
    assert chain.codes(chain.into_notes(bad, chain.claims_of(identity, bad)[0])) == ["ok"]
    gone = [chain.state.get(b"p/w/" + cell_id(bad.input.id, index)) for index in range(3)]
    assert gone == [None] * 3


def test_pv204_a_call_takes_orders_of_both_sides_in_the_order_of_arrival(chain):
    alone, (one, _) = chain.gathered((SELL, 0, 30), (SELL, 1, 30))
    assert chain.sale(alone).label(chain.height + 1) == "failed"
    (rest,) = chain.claims_of(alone, one)
    assert chain.codes(CallTx(alone, 0), chain.into_notes(one, rest)) == ["PV-204", "ok"]
    identity, traded = chain.gathered((SELL, 0, 30), (BUY, 1, 20))
    reads = chain.reads(identity)
    assert [isinstance(one, Known) for one in reads] == [True] * 3 + [False, False, True] * 2
    assert [one.value for one in reads if isinstance(one, Known)] == [0, 1, 0, 0, 0]
    assert len({one.id for one in reads}) == 9
    own = [one.id for one in reads if not isinstance(one, Known)]
    assert own == [cell_id(one.input.id, index) for index in (0, 1) for one in traded]
    chain.call(identity)
    result = chain.prove(identity)
    assert (len(result.reads), len(result.made)) == (9, 4)
    fewer = dataclasses.replace(result, made=result.made[:2])
    assert refusal(lambda: results.check_form(fewer, {result.statement})) == "PV-178"


def test_pv178_a_result_names_the_program_that_was_run(chain):
    identity, _ = chain.gathered((SELL, 0, 30), (BUY, 1, 20))
    chain.call(identity)
    right, after = chain.prove(identity), chain.height + 1
    other = dataclasses.replace(right, digest=bytes(32))
    like = dataclasses.replace(right, digest=right.digest[:8] + bytes(24))
    sized = dataclasses.replace(right, program=SaleProgram(Market.BATCH, (3, 5)))
    assert refusal(lambda: results.check_form(other, {right.statement})) == "PV-178"
    assert chain.codes(other) == ["PV-178"], "the chain has no such key, and traces nothing"
    assert like.statement == right.statement
    for tx in (like, sized):
        assert refusal(lambda tx=tx: results.check_result(tx, chain.state, after)) == "PV-178"
    assert chain.codes(right) == ["ok"]


# --- outcomes -----------------------------------------------------------------------------------


def test_pv205_the_tick_and_each_fill_under_its_owners_pad_are_opened_and_nothing_else(chain):
    orders = [(SELL, 1, 500), (BUY, 3, 300)]
    identity, traded = chain.gathered(*orders)
    chain.call(identity)
    assert_ok(chain.run(chain.prove(identity)))
    right = chain.outputs(identity, Wrong(3, Round.OPEN))
    tick, *told = right.opened.outputs
    session = chain.sale(identity).attempt.session
    for outputs in ((tick,), (tick, told[1], told[0]), (tick, *told, Opening(0, 0))):
        wrong = dataclasses.replace(right, opened=OpenStatement(session, outputs))
        assert chain.codes(wrong) == ["PV-45"]
    beyond = (Opening(5, 0), *told)
    market, found = results.markets.of(chain.sale(identity)), chain.sale(identity)
    assert refusal(lambda: market.opened(beyond, chain.state, identity, found)) == "PV-205"
    assert chain.codes(right, right) == ["ok", "PV-180"]
    expected, fills = fills_of(chain.terms_of(identity), orders)
    assert chain.sale(identity).outcome == Clearing(expected)
    for one, fill in zip(traded, fills, strict=True):
        seen = chain.entry(one).told
        assert (seen.value - one.making.openings.pad.value) % group.R == fill
        assert seen.value > 2**64, "to everybody else a number like any other"


def test_pv206_fills_and_what_is_left_follow_from_the_opened_tick(chain):
    before = dark(chain, NATIVE), dark(chain, BASE)
    orders = [(SELL, 1, 500), (BUY, 3, 300), (BUY, 2, 400)]
    identity, traded = opened(chain, *orders)
    terms = chain.terms_of(identity)
    assert chain.codes(SettleTx(identity), SettleTx(identity)) == ["ok", "PV-181"]
    tick, fills = fills_of(terms, orders)
    assert (tick, fills) == (2, (500, 300, 200))
    fees = sum(one.tx.carried.fee for one in traded)
    for one, fill in zip(traded, fills, strict=True):
        base, quote = fill * LOT, fill * terms.price(tick)
        locked = one.quantity * terms.unit(one.side)
        rest, got = chain.claims_of(identity, one)
        assert (rest[2].value, got[2].value) == (
            (locked - quote, base) if one.side is BUY else (locked - base, quote)
        )
        for what in (rest, got):
            if what[2].value:
                claim = chain.into_notes(one, what)
                fees += claim.carried.fee
                assert chain.codes(claim) == ["ok"]
    assert dark(chain, BASE) == before[1]
    assert dark(chain, NATIVE) == before[0] - fees
    assert all(row.adds_up for row in turnstile.supply(chain.state))
    assert all(
        chain.state.get(entries.cell_key(cell_id(one.input.id, index))) is None
        for one in traded
        for index in range(3)
    )


def test_pv178_a_result_of_another_program_over_the_same_cells_is_none(chain):
    """Who holds most of a committee proves what it likes of its cells, but of this program only."""
    identity, _ = chain.gathered((SELL, 1, 500), (BUY, 3, 300))
    chain.call(identity)
    right = chain.prove(identity)
    results.check_result(right, chain.state, chain.height + 1)
    for sizes in ((3, 5), (3, 3)):
        other = dataclasses.replace(right, program=SaleProgram(Market.BATCH, sizes))
        results.check_form(other, {other.statement})
        call = partial(results.check_result, other, chain.state, chain.height + 1)
        assert refusal(call) == "PV-178"


def test_pv178_programs_that_there_are_not_are_not_read():
    for data in ([0, 2], [1, 1], [1, 33], [2, 17, 2], [2, 2, 17], [2, 1, 2], [2, 2, 1], [3, 2]):
        assert refusal(partial(SaleProgram.read, Reader(bytes(data), "program"))) == "PV-178"
    for data in ([1, 32], [2, 16, 16]):
        SaleProgram.read(Reader(bytes(data), "program"))


def test_pv206_an_order_that_was_not_accepted_is_in_nobodys_way(chain):
    orders = [(SELL, 1, 500), (SELL, 0, 400), (BUY, 3, 300)]
    identity = chain.collect()
    first, late, last = (chain.order(identity, *one, n) for n, one in enumerate(orders))
    assert_ok(chain.run(chain.admit(identity, [first.input, last.input])))
    chain.to(chain.terms_of(identity).accept)
    chain.call(identity)
    assert_ok(chain.run(chain.prove(identity)))
    assert_ok(chain.run(chain.outputs(identity)))
    assert_ok(chain.run(SettleTx(identity)))
    assert chain.entry(late).told is None
    assert entries.find_fill(chain.state, entries.fill_id(late.input.id)) is None
    for one, amount in ((first, (500 - 300) * LOT), (late, 400 * LOT)):
        rest = chain.claims_of(identity, one)[0]
        assert rest[2].value == amount
        assert chain.codes(chain.into_account(one, rest, ALICE)) == ["ok"]
    _, got = chain.claims_of(identity, last)
    assert got[2].value == 300 * LOT
    assert chain.codes(chain.into_account(last, got, ALICE)) == ["ok"]


def test_pv206_where_nothing_trades_everybody_keeps_everything(chain):
    identity, traded = opened(chain, (SELL, 3, 500), (BUY, 0, 300))
    assert chain.sale(identity).outcome == Clearing(4)
    assert chain.codes(SettleTx(identity)) == ["ok"]
    for one in traded:
        (rest,) = chain.claims_of(identity, one)
        assert rest[2].value == one.quantity * chain.terms_of(identity).unit(one.side)
        assert entries.find_fill(chain.state, entries.fill_id(one.input.id)) is None
        assert chain.codes(chain.into_account(one, rest, ALICE)) == ["ok"]


def test_pv207_what_was_traded_leaves_once_by_its_owner_alone(chain):
    identity, (seller, buyer) = opened(chain, (SELL, 1, 500), (BUY, 3, 300))
    early = entries.fill_id(buyer.input.id)
    assert refusal(lambda: claims.leaving(chain.state, early, chain.height + 1)) == "PV-109"
    assert_ok(chain.run(SettleTx(identity)))
    _, got = chain.claims_of(identity, buyer)
    thief = dataclasses.replace(buyer, owner=seller.owner)
    assert chain.codes(chain.into_notes(thief, got)) == ["PV-119"]
    more = (got[0], got[1], Opening(got[2].value + 1, got[2].blinding))
    assert chain.codes(chain.into_account(buyer, more, ALICE)) == ["PV-125"]
    assert chain.codes(chain.into_account(buyer, got, ALICE)) == ["ok"]
    assert chain.codes(chain.into_account(buyer, got, ALICE)) == ["PV-207"]
    assert chain.codes(chain.into_notes(buyer, chain.claims_of(identity, buyer)[0])) == ["ok"]


def test_pv207_what_was_traded_and_what_is_left_leave_once_each_in_every_order(chain):
    """Also where one owner trades with itself."""
    identity = chain.collect()
    seller, buyer = (chain.order(identity, *one, 9) for one in ((SELL, 1, 500), (BUY, 3, 300)))
    assert seller.owner == buyer.owner
    assert_ok(chain.run(chain.admit(identity, [seller.input, buyer.input])))
    chain.to(chain.terms_of(identity).accept)
    chain.call(identity)
    for tx in (chain.prove, chain.outputs, SettleTx):
        assert_ok(chain.run(tx(identity)))
    sold = {what[1]: what[2].value for what in chain.claims_of(identity, seller)}
    bought = {what[1]: what[2].value for what in chain.claims_of(identity, buyer)}
    locked = {one.making.value.kind: one.making.value.amount for one in (seller, buyer)}
    assert {kind: sold[kind] + bought[kind] for kind in sold} == locked
    parts = dict(zip(("PV-182", "PV-207"), chain.claims_of(identity, buyer), strict=True))
    for what in parts.values():
        other = next(one for one in parts.values() if one is not what)
        kind = (what[0], other[1], what[2])
        assert chain.next_codes(chain.into_notes(buyer, kind)) == ["SH-69"], "of another kind"
        mixed = (what[0], what[1], other[2])
        assert chain.next_codes(chain.into_notes(buyer, mixed)) == ["PV-119"]
        assert chain.next_codes(chain.into_account(buyer, mixed, ALICE)) == ["PV-125"]
    ways = [
        (code, make)
        for code, what in parts.items()
        for make in (chain.into_notes(buyer, what), chain.into_account(buyer, what, ALICE))
    ]
    for order in itertools.permutations(ways):
        seen: set[str] = set()
        due = ["ok" if not (code in seen or seen.add(code)) else code for code, _ in order]
        assert chain.next_codes(*(tx for _, tx in order)) == due


def test_pv208_orders_go_back_whole_where_nothing_came_of_them(chain):
    identity, (seller, buyer) = chain.gathered((SELL, 1, 500), (BUY, 3, 300))
    chain.call(identity)
    late = chain.prove(identity, Silent(4, since=0))
    chain.to(chain.terms_of(identity).prove - 1)
    rest = chain.claims_of(identity, buyer)[0]
    assert chain.codes(chain.into_notes(buyer, rest)) == ["PV-182"]
    assert chain.codes(late, chain.into_notes(buyer, rest)) == ["PV-185", "ok"]
    rest = chain.claims_of(identity, seller)[0]
    assert chain.codes(chain.into_account(seller, rest, ALICE)) == ["ok"]
    cells = [cell_id(one.input.id, index) for one in (seller, buyer) for index in range(3)]
    assert [chain.state.get(entries.cell_key(cell)) for cell in cells] == [None] * 6


def test_pv208_a_refused_order_goes_back_at_once(chain):
    identity = chain.collect()
    traded = chain.trade(identity, SELL, 1, 500, 30)
    own = traded.making.openings
    bad = wrong_input(chain.record, identity, traded.owner.public, own.values, 2)
    said = dataclasses.replace(traded.making.said, input=bad.to_bytes())
    value = dataclasses.replace(traded.making.value, reference=said.reference)
    making = dataclasses.replace(traded.making, said=said, value=value)
    tx = making.complete(chain.purse.pledge(value), chain.linked)
    assert_ok(chain.run(tx))
    wrong = dataclasses.replace(traded, making=making, tx=tx, input=bad)
    rest = chain.claims_of(identity, wrong)[0]
    assert chain.codes(chain.into_notes(wrong, rest)) == ["PV-182"]
    rest_tx = chain.into_notes(wrong, rest)
    secrets = chain.secrets[2]
    said_by = inputs.accuse(bad, secrets, signer(2), b"\x01" * 32)
    assert chain.codes(ComplaintTx(bad.id, said_by.to_bytes())) == ["ok"]
    assert chain.codes(rest_tx) == ["ok"]


def test_pv208_orders_that_nobody_ever_opens_go_back_behind_the_freeze():
    chain = BatchChain(epoch_blocks=100)
    chain.start(notes=8)
    identity, (seller, buyer) = chain.gathered((SELL, 1, 500), (BUY, 3, 300))
    chain.call(identity)
    assert_ok(chain.run(chain.prove(identity)))
    never = chain.outputs(identity)
    chain.to(150)
    assert chain.codes(FreezeTx(chain.declaration.id, 0)) == ["ok"]
    assert chain.codes(never) == ["PV-49"]
    for one in (seller, buyer):
        (rest,) = chain.claims_of(identity, one)
        assert chain.codes(chain.into_notes(one, rest)) == ["ok"]


ORDERS = st.lists(
    st.tuples(st.sampled_from([BUY, SELL]), st.integers(0, 3), st.sampled_from([7, 40, 90])),
    min_size=2, max_size=3,
)  # fmt: skip


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(orders=ORDERS, proves=st.booleans(), hidden=st.booleans())
def test_pv206_value_of_each_kind_is_conserved_whatever_is_ordered(chain, orders, proves, hidden):
    before = {kind: dark(chain, kind) for kind in (NATIVE, BASE)}
    identity, traded = chain.gathered(*orders)
    terms = chain.terms_of(identity)
    fees = sum(one.tx.carried.fee for one in traded)
    if proves and {side for side, _, _ in orders} == set(Side):
        chain.call(identity)
        assert_ok(chain.run(chain.prove(identity)))
        assert_ok(chain.run(chain.outputs(identity)))
        assert_ok(chain.run(SettleTx(identity)))
        tick, fills = fills_of(terms, orders)
        assert chain.sale(identity).outcome.tick == tick
        assert sum(f if o[0] is BUY else -f for o, f in zip(orders, fills, strict=True)) == 0
    else:
        chain.to(terms.prove)
    out = dict.fromkeys(before, 0)
    for one in traded:
        for what in chain.claims_of(identity, one):
            if not what[2].value:
                continue
            if hidden:
                claim = chain.into_notes(one, what)
                fees += claim.carried.fee
                assert chain.codes(claim) == ["ok"]
            else:
                out[what[1]] += what[2].value
                assert_ok(chain.run(chain.into_account(one, what, ALICE)))
            assert chain.codes(chain.into_account(one, what, ALICE))[0] in ("PV-182", "PV-207")
    assert dark(chain, BASE) == before[BASE] - out[BASE]
    assert dark(chain, NATIVE) == before[NATIVE] - out[NATIVE] - fees
    assert all(row.adds_up for row in turnstile.supply(chain.state))
