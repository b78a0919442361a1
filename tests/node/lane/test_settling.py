"""LN-16 … LN-21: settlements are submitted, the best is carried out, and every batch ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.block import Transaction
from node.core.genesis import Parameters
from node.core.ids import FEE_ACCOUNT, NATIVE, ChainId, EnvironmentId, Height
from node.core.intent import Intent
from node.core.interfaces import TxContext
from node.da.batch import Expired, Reason, Refund, Settled
from node.execution import turnstile
from node.intents.check import check_settlement
from node.intents.errors import SettlementRefused
from node.intents.limit import LimitSchema
from node.intents.settlement import Complete, Composed, Fills, Settlement
from node.lane import layout, lead, payload, settling
from node.lane.errors import LaneRefused
from node.lane.layout import Live, Stage
from node.lane.payload import Ending, EndTx
from node.testing.market import GOLD, METALS, NOTE, SILVER, WEALTH, Market
from shielded.transaction import Scope, ShieldedTx
from transparent.accounts import balance_key


def codes(receipts) -> list[str]:
    return [receipt.code for receipt in receipts]


def parts(receipt) -> list[tuple[str, str]]:
    """Name and code of every part."""
    data = (dict(event.data) for event in receipt.events if event.name == "part")
    return [(item["name"], item["code"]) for item in data]


def settled(receipt) -> list[str]:
    return [dict(event.data)["intent"] for event in receipt.events if event.name == "settled"]


def pair(market) -> Live:
    """Two orders that meet, opened."""
    return market.opened(market.order(0, GOLD, 100, SILVER), market.order(1, SILVER, 100, GOLD))


def adds_up(market) -> bool:
    return all(line.adds_up for line in turnstile.supply(market.chain.state))


# SUBMIT


def test_ln16_made_for_this_chain_in_time_and_signed(market) -> None:
    live = pair(market)
    settlement = market.solve(live)
    good = market.submission(live, settlement)
    tx = payload.decode(good[6:])
    wires = (
        market.submission(live, settlement, chain_id=ChainId(b"\x07" * 32)),
        market.submission(live, settlement, expiry=market.chain.height),
        payload.wire(replace(tx, fee=tx.fee + 1)),
        payload.wire(replace(tx, solver=market.accounts[0].account)),
        good,
    )
    assert codes(market.chain.block(*wires)) == ["LN-16"] * 4 + ["ok"]


def test_ln17_settlements_come_behind_the_opening_and_before_the_end(market) -> None:
    live = pair(market)
    wire = market.submission(live, market.solve(live), expiry=999)
    assert codes(market.chain.copy().block(wire)) == ["ok"]
    unknown = market.submission(replace(live, number=5), market.solve(live))
    assert codes(market.chain.copy().block(unknown)) == ["LN-17"]
    late = market.chain.copy()
    late.run_to(live.height - 1)
    assert codes(late.step(wire)) == ["ok", "LN-17"], "it ended, unsolved"
    assert layout.live_batch(late.state, live.domain, live.number) is None


def test_ln17_the_deadline_itself_is_too_late(market) -> None:
    live = pair(market)
    tx = payload.decode(market.submission(live, market.solve(live), expiry=999)[6:])
    context = TxContext(market.chain.genesis.chain_id, Height(live.height))
    with pytest.raises(LaneRefused) as caught:
        settling.submit(tx, market.chain.state, context, market.services)
    assert caught.value.rule == "LN-17"
    before = replace(context, height=Height(live.height - 1))
    assert settling.submit(tx, market.chain.state, before, market.services).fee == tx.fee


def test_ln17_nobody_settles_in_the_block_that_opens(market, make_market) -> None:
    """Whoever proposes knows the intents first; the others see them in a block of their own."""
    later = make_market()
    wire = later.submission(live := pair(later), later.solve(live))
    market.seal(market.order(0, GOLD, 100, SILVER), market.order(1, SILVER, 100, GOLD))
    while not [x for x in market.chain.live() if x.stage is Stage.CLOSED]:
        market.block()
    assert codes(market.block(wire)) == ["ok", "LN-17"]
    assert codes(market.block(wire)) == ["ok"]


def test_ln18_a_settlement_pays_for_its_size_and_its_proofs(market) -> None:
    floor = market.chain.genesis.parameters.fee_floor
    market.fund()
    live = market.opened(*market.ring())
    settlement = market.solve(live)
    size = len(market.submission(live, settlement))
    least = floor * max(3, -(-size // 4096))
    wires = [market.submission(live, settlement, fee=fee) for fee in (0, least - 1, least)]
    assert codes(market.block(*wires)) == ["LN-18", "LN-18", "ok"]


def test_ln18_every_order_that_is_covered_costs_a_floor(market) -> None:
    floor = market.chain.genesis.parameters.fee_floor
    live = market.opened(
        market.order(0, GOLD, 100, SILVER),
        market.order(1, SILVER, 60, GOLD),
        market.order(2, SILVER, 40, GOLD),
    )
    settlement = market.solve(live)
    assert len(settlement.intents) == 3
    wires = [market.submission(live, settlement, fee=fee) for fee in (3 * floor - 1, 3 * floor)]
    assert codes(market.block(*wires)) == ["LN-18", "ok"]


def test_tr11_an_order_settles_with_all_that_its_account_has(market) -> None:
    """What a batch holds is there for its own settlement, when it is judged and when it is done."""
    live = market.opened(
        market.order(0, GOLD, WEALTH, SILVER), market.order(1, SILVER, WEALTH, GOLD)
    )
    assert codes(market.block(market.submission(live, market.solve(live)))) == ["ok"]
    (receipt,) = market.end(live)
    assert parts(receipt) == [("component 0", "ok")]
    assert market.balance(market.accounts[0], GOLD) == 0


def test_ln18_the_solver_has_the_fee(market) -> None:
    live = pair(market)
    wire = market.submission(live, market.solve(live), fee=10**15)
    assert codes(market.block(wire)) == ["TR-7"]


def test_ln19_an_end_fits_a_transaction_and_half_a_block() -> None:
    limits = Parameters(block_time_ms=0, max_tx_bytes=9_000, max_block_bytes=16_000)
    market = Market(parameters=limits)
    live = pair(market)
    batch_id = market.batch(live).id

    def padded(size: int) -> bytes:
        return Settlement(batch_id, (Composed((bytes(32),), bytes(size)),)).to_bytes()

    sizes = (9_000, 8_500, 7_000)
    wires = [market.submission(live, padded(size)) for size in sizes]
    receipts = market.chain.block(*wires)
    assert codes(receipts) == ["LN-19", "LN-19", "IN-13"]
    assert "a transaction has 9000" in receipts[0].message
    assert f"the ends of block {live.height}" in receipts[1].message


def two_domains(market) -> tuple[Live, Live]:
    """A ring in domain 0 and a payment in domain 1, to end in one block."""
    market.fund()
    ring = market.opened(*market.ring())
    market.seal(market.complete(market.payment(0, 1, 5)), domain=1)
    market.block()
    (other,) = market.chain.live(1)
    assert other.height == ring.height
    return ring, other


def test_ln19_all_ends_of_a_height_fit_half_a_block_together(make_market) -> None:
    market = make_market()
    ring, _ = two_domains(market)
    size = len(market.solve(ring).to_bytes())
    for room, code in ((size + 150, "ok"), (size + 50, "LN-19")):
        market = Market(parameters=Parameters(block_time_ms=0, max_block_bytes=2 * room))
        ring, other = two_domains(market)
        wires = (market.submission(x, market.solve(x)) for x in (ring, other))
        assert codes(market.block(*wires)) == ["ok", code]


def test_da29_only_what_is_better_is_kept(market) -> None:
    """Of equal scores the lower hash stays, whoever came first."""
    live = pair(market)
    best = market.solve(live)
    (fills,) = best.components
    assert isinstance(fills, Fills)
    small = [replace(fill, sold=fill.sold // 2, bought=fill.bought // 2) for fill in fills.fills]
    worse = replace(best, components=(replace(fills, fills=tuple(small)),))
    outcome = check_settlement(
        market.batch(live), worse, market.view(live), market.services.registry
    )
    assert 0 < settling.score_of(outcome) < settling.SCORE_UNIT * 2
    wires = [market.submission(live, item) for item in (worse, worse, best, worse, best)]
    assert codes(market.block(*wires)) == ["ok", "DA-29", "ok", "DA-29", "DA-29"]
    found = layout.best(market.chain.state, live.ref)
    assert found is not None and found.settlement == best.to_bytes()
    assert found.solver == market.accounts[3].account


def test_da29_ties_go_to_the_lower_hash_in_either_order(make_market) -> None:
    kept = []
    for turn in (1, -1):
        market = make_market()
        live = market.opened(*(market.complete(market.payment(i, 3, 5)) for i in range(2)))
        batch = market.batch(live)
        first, second = (Complete(intent.id) for intent in batch.intents)
        both = [Settlement(batch.id, x) for x in ((first, second), (second, first))]
        for item in both[::turn]:
            market.block(market.submission(live, item))
        found = layout.best(market.chain.state, live.ref)
        kept.append(found.settlement)
        assert found.settlement == min(both, key=lambda item: item.id).to_bytes()
    assert kept[0] == kept[1]


def test_in27_in13_in14_in22_what_is_no_settlement_is_not_kept(market) -> None:
    live = pair(market)
    good = market.solve(live)
    (fills,) = good.components
    foreign = Complete(bytes(32))
    cases = {
        "IN-27": replace(good, components=(Complete(market.batch(live).intents[0].id),)),
        "IN-13": replace(good, components=(fills, foreign)),
        "IN-14": replace(good, components=(fills, fills)),
        "IN-12": replace(good, batch_id=bytes(32)),
        "IN-22": good.to_bytes() + b"\0",
    }
    wires = [market.submission(live, item) for item in cases.values()]
    assert codes(market.block(*wires)) == list(cases)
    assert layout.best(market.chain.state, live.ref) is None


def test_in13_an_intent_that_was_not_valid_at_the_opening_stays_out(market) -> None:
    """Else who sealed it could look first, and then decide by paying the account."""
    poor = market.order(2, GOLD, WEALTH + 100, SILVER, partial=False)
    live = market.opened(market.order(1, SILVER, WEALTH, GOLD), poor)
    assert layout.fates(market.chain.state, live.ref) == ("ok", "IN-10")
    market.block(market.payment(0, 2, 100, GOLD))
    assert poor.id not in {intent.id for intent in market.batch(live).intents}
    settlement = Settlement(market.batch(live).id, (Complete(poor.id),))
    assert codes(market.block(market.submission(live, settlement))) == ["IN-13"]


# END


def test_ln20_a_batch_ends_exactly_as_the_state_says(market) -> None:
    live = pair(market)
    market.block(market.submission(live, market.solve(live)))
    early = EndTx(0, live.number, Ending.UNSOLVED)
    assert codes(market.chain.copy().block(payload.wire(early))) == ["LN-20"]
    market.chain.run_to(live.height - 1)
    (right,) = lead.ends(market.chain.state, live.height)
    tx = payload.decode(right[6:])
    wrong = (
        early,
        EndTx(0, live.number, Ending.UNREVEALED),
        replace(tx, settlement=b""),
        replace(tx, settlement=tx.settlement + b"\0"),
        replace(tx, number=9),
        replace(tx, domain=1),
    )
    receipts = market.chain.block(*map(payload.wire, wrong), right, right)
    assert codes(receipts) == ["LN-20"] * len(wrong) + ["ok", "LN-20"]
    assert market.chain.live() == ()


def test_ln21_the_solver_gets_what_settled_intents_offer_and_no_other(market) -> None:
    live = market.opened(
        market.order(0, GOLD, 100, SILVER, fee=700),
        market.order(1, SILVER, 100, GOLD, fee=40),
        market.order(2, GOLD, 5, SILVER, (9, 1), fee=5000),  # finds nobody
    )
    solver = market.accounts[3]
    market.block(market.submission(live, market.solve(live)))
    fees, before = market.balance(FEE_ACCOUNT), market.balance(solver)
    (receipt,) = market.end(live)
    assert len(settled(receipt)) == 2
    assert market.balance(solver) == before + 740
    assert market.balance(FEE_ACCOUNT) == fees, "what passes through it leaves nothing there"
    assert adds_up(market)


def test_a_settled_batch_leaves_its_record_and_nothing_else(market) -> None:
    live = pair(market)
    batch = market.batch(live)
    market.block(market.submission(live, market.solve(live)))
    (receipt,) = market.end(live)
    assert receipt.code == "ok"
    assert parts(receipt) == [("component 0", "ok")]
    assert settled(receipt) == sorted(intent.id.hex() for intent in batch.intents)
    assert [market.balance(market.accounts[0], k) for k in (GOLD, SILVER)] == [900, 1100]
    state = market.chain.state
    for prefix in (b"i/seal/", b"i/open/", b"i/best/", b"i/r/", b"i/cover/", b"i/held/"):
        assert not list(state.iterate(prefix)), prefix
    assert isinstance(layout.batch(state, live.ref), Settled)
    assert layout.fates(state, live.ref) == ("ok", "ok")
    assert state.get(layout.tree_key(live.ref)) is not None
    assert adds_up(market)


def test_a_settlement_takes_all_that_was_held_for_it(market) -> None:
    orders = market.order(0, GOLD, WEALTH, SILVER), market.order(1, SILVER, WEALTH, GOLD)
    live = market.opened(*orders)
    market.block(market.submission(live, market.solve(live)))
    (receipt,) = market.end(live)
    assert parts(receipt) == [("component 0", "ok")]
    assert [market.balance(market.accounts[0], k) for k in (GOLD, SILVER)] == [0, 2 * WEALTH]


def test_a_batch_that_nobody_solves_expires_and_keeps_its_fees(market) -> None:
    fees = market.balance(FEE_ACCOUNT)
    live = pair(market)
    kept = market.balance(FEE_ACCOUNT)
    assert kept > fees
    (receipt,) = market.end(live)
    assert dict(receipt.events[0].data)["ending"] == "unsolved"
    assert settled(receipt) == []
    record = layout.batch(market.chain.state, live.ref)
    assert isinstance(record, Expired) and record.reason is Reason.UNSOLVED
    assert market.balance(FEE_ACCOUNT) == kept
    assert adds_up(market)


def test_p16_fees_of_a_batch_that_nobody_opened_go_back(market) -> None:
    """P1-6. From the close on nothing else happens; at the end every payer is as before."""
    before = [market.balance(key) for key in market.accounts]
    fees = market.balance(FEE_ACCOUNT)
    orders = [market.order(i, GOLD, 5, SILVER) for i in range(3)]
    market.seal(*orders)
    assert [market.balance(key) for key in market.accounts] != before
    chain = market.chain
    while not [x for x in chain.live() if x.stage is Stage.CLOSED]:
        chain.block()
    live = chain.closed()
    assert codes(chain.block(market.payment(0, 1, 5))) == ["EX-39"]
    while chain.height < live.height:
        chain.block()
    receipts = chain.step(market.payment(0, 1, 5))
    assert codes(receipts) == ["ok", "ok"], "the lane waits no more"
    assert parts(receipts[0]) == [("refunds", "ok")]
    refunds = [dict(e.data)["account"] for e in receipts[0].events if e.name == "refund"]
    assert refunds == [key.account.hex() for key in market.accounts[:3]]
    record = layout.batch(chain.state, live.ref)
    assert isinstance(record, Expired) and record.reason is Reason.UNREVEALED
    paid = market.chain.genesis.parameters.fee_floor
    after = [market.balance(key) for key in market.accounts]
    assert after == [before[0] - 5 - paid, before[1] + 5, *before[2:]]
    assert market.balance(FEE_ACCOUNT) == fees + paid
    assert adds_up(market)


def test_da28_a_fee_that_an_account_cannot_take_does_not_stop_the_others(make_market) -> None:
    market = make_market()
    full, other = (key.account for key in market.accounts[:2])
    state = {balance_key(full, NATIVE): (2**64 - 5).to_bytes(8, "little")}
    refunds = tuple(
        Refund(bytes([i]) * 32, account, amount)
        for i, (account, amount) in enumerate([(full, 4), (full, 2), (other, 7)])
    )
    (part,) = settling._refunds(refunds, DictState(state))
    assert part.required
    moved = [(account, amount) for account, _, amount in part.balances if account != FEE_ACCOUNT]
    assert moved == [(full, 4), (other, 7)]
    assert sum(amount for _, _, amount in part.balances) == 0


class DictState(dict):
    """A state in memory."""

    def iterate(self, prefix):
        return iter(sorted(item for item in self.items() if item[0].startswith(prefix)))


def test_what_no_longer_holds_is_left_out_and_the_rest_goes_on(market) -> None:
    """S-19: an account's own payment took the number of the transaction that it had sealed."""
    sealed = market.complete(market.payment(2, 3, 50, GOLD))
    orders = market.order(0, GOLD, 100, SILVER), market.order(1, SILVER, 100, GOLD)
    live = market.opened(sealed, *orders)
    settlement = market.solve(live)
    assert len(settlement.components) == 2
    market.block(market.submission(live, settlement))
    assert codes(market.block(market.payment(2, 3, 1, SILVER))) == ["ok"]
    (receipt,) = market.end(live)
    assert receipt.code == "ok"
    assert sorted(parts(receipt)) == [("component 0", "TR-6"), ("component 1", "ok")]
    assert settled(receipt) == sorted(intent.id.hex() for intent in orders)
    assert market.balance(market.accounts[2], GOLD) == WEALTH
    assert adds_up(market)


def test_a_settlement_across_environments_is_atomic_per_component(market) -> None:
    """A payment, a ring of notes and fills of orders in one settlement."""
    market.fund()
    ring = market.ring()
    orders = market.order(0, GOLD, 100, SILVER), market.order(1, SILVER, 100, GOLD)
    live = market.opened(market.complete(market.payment(2, 3, 50, GOLD)), *ring, *orders)
    settlement = market.solve(live)
    kinds = [type(component) for component in settlement.components]
    assert kinds == [Complete, Composed, Fills]
    market.block(market.submission(live, settlement))
    (receipt,) = market.end(live)
    assert parts(receipt) == [(f"component {i}", "ok") for i in range(3)]
    assert len(settled(receipt)) == 6
    assert adds_up(market)
    spent = dict(market.chain.state.iterate(b"n/2/"))
    assert spent and not list(market.chain.state.iterate(b"i/r/"))


def test_a_component_that_fails_leaves_no_trace_of_itself(market) -> None:
    market.fund()
    ring = market.ring()
    orders = market.order(0, GOLD, 100, SILVER), market.order(1, SILVER, 100, GOLD)
    live = market.opened(*ring, *orders)
    composed, fills = market.solve(live).components
    tx = ShieldedTx.from_bytes(composed.tx)
    torn = Composed(composed.intents, replace(tx, parties=tx.parties[::-1]).to_bytes())
    settlement = Settlement(market.batch(live).id, (torn, fills))
    before = dict(market.chain.state.iterate(b"s/anchor/"))
    assert codes(market.block(market.submission(live, settlement))) == ["ok"]
    (receipt,) = market.end(live)
    assert sorted(parts(receipt)) == [("component 0", "IN-18"), ("component 1", "ok")]
    assert before.keys() == dict(market.chain.state.iterate(b"s/anchor/")).keys()
    assert settled(receipt) == sorted(intent.id.hex() for intent in orders)


# PARTIES


def test_sh17_a_scoped_party_settles_in_its_batch_only(market) -> None:
    """The whole ring, composed rightly, in a block of its own; while solving and after it."""
    market.fund()
    live = market.opened(*market.ring())
    (composed,) = market.solve(live).components
    wire = Transaction(EnvironmentId.SHIELDED, composed.tx).to_bytes()
    assert codes(market.block(wire)) == ["SH-17"]
    market.end(live)
    assert codes(market.block(wire)) == ["SH-17"], "it was not settled; still nobody takes it"


def test_in9_a_party_of_another_domain_or_epoch_does_not_settle_here(market) -> None:
    market.fund()
    swaps = [market.swap(0, SILVER, scope=scope) for scope in (Scope(1, 0), Scope(0, 1))]
    live = market.opened(*swaps)
    assert layout.fates(market.chain.state, live.ref) == ("IN-9", "IN-9")


def test_s9_one_note_or_output_satisfies_one_intent(market) -> None:
    """Two swaps of one note are both valid, and a settlement has one of them."""
    market.fund()
    first, second = market.swap(0, SILVER), market.swap(0, SILVER, nonce=2)
    other = market.swap(1, GOLD)
    live = market.opened(first, second, other)
    assert layout.fates(market.chain.state, live.ref) == ("ok", "ok", "ok")
    good = market.solve(live)
    (composed,) = good.components
    assert len(composed.intents) == 2
    left = ({first.id, second.id} - set(composed.intents)).pop()
    twice = replace(good, components=(composed, Composed((left,), composed.tx)))
    assert codes(market.block(market.submission(live, twice))) == ["IN-14"]
    assert codes(market.block(market.submission(live, good))) == ["ok"]
    (receipt,) = market.end(live)
    assert sorted(settled(receipt)) == sorted(key.hex() for key in composed.intents)


def test_an_unscoped_party_is_free_once_its_batch_is_over(market) -> None:
    """What IN-9 and EX-36 protect, by what happens to a party without a scope."""
    market.fund()
    swaps = [market.swap(i, METALS[1 - i], scope=None) for i in range(2)]
    live = market.opened(*swaps)
    (composed,) = market.solve(live).components
    wire = Transaction(EnvironmentId.SHIELDED, composed.tx).to_bytes()
    assert codes(market.block(wire)) == ["EX-36"]
    market.end(live)
    assert codes(market.block(wire)) == ["ok"]
    assert market.balance(market.accounts[0], GOLD) == WEALTH - NOTE


@pytest.mark.parametrize("what", ["encoding", "whole"])
def test_a_settlement_that_cannot_be_judged_any_more_still_ends(market, monkeypatch, what) -> None:
    live = pair(market)
    market.block(market.submission(live, market.solve(live)))

    def fails(*_: object, **__: object) -> None:
        if what == "encoding":
            raise KeyError("a bug")
        raise SettlementRefused("IN-12", "another batch", where="batch id")

    monkeypatch.setattr(settling, "check_settlement", fails)
    (receipt,) = market.end(live)
    assert receipt.code == "ok"
    assert parts(receipt) == [("settlement", "IN-5" if what == "encoding" else "IN-12")]
    assert market.chain.live() == ()
    assert market.balance(market.accounts[0], GOLD) == WEALTH


def test_ln18_refused_submissions_do_not_read_the_batch_again(market, monkeypatch) -> None:
    """What is refused pays nothing, so it must not cost the signatures of all intents."""
    live = pair(market)
    wire = market.submission(live, market.solve(live), fee=0)
    assert codes(market.block(wire)) == ["LN-18"]
    monkeypatch.setattr(LimitSchema, "decode", None)
    assert codes(market.block(wire)) == ["LN-18"]


# TWO BATCHES THAT END IN ONE BLOCK


def two(market, first: list[Intent], second: list[Intent]) -> tuple[Live, Live]:
    """A batch of each domain, opened; both end at the same height."""
    while market.chain.next_height % 5:
        market.block()
    market.seal(*first)
    market.block()
    market.seal(*second, domain=1)
    market.block()
    one, other = layout.live(market.chain.state)
    assert (one.domain, other.domain) == (0, 1)
    assert one.height == other.height == market.chain.height + 2
    assert {one.stage, other.stage} == {Stage.SOLVING}
    return one, other


def meeting(market, nonce: int) -> list[Intent]:
    return [
        market.order(0, GOLD, 100, SILVER, nonce=nonce),
        market.order(1, SILVER, 100, GOLD, nonce=nonce),
    ]


def test_ln20_ends_come_one_after_the_other(market) -> None:
    one, _ = two(market, meeting(market, 1), meeting(market, 2))
    market.chain.run_to(one.height - 1)
    first, second = lead.ends(market.chain.state, one.height)
    assert codes(market.chain.block(second, first, second)) == ["LN-20", "ok", "ok"]
    assert layout.live(market.chain.state) == ()


def test_ln20_an_end_lets_go_of_what_its_batch_holds_and_of_nothing_else(market) -> None:
    market.fund()
    own = market.swap(0, SILVER)
    outside = market.spending(0, 1)
    while market.chain.next_height % 5:
        market.block()
    market.block(
        market.chain.seal(own.to_bytes(), gas_cap=4),
        market.chain.seal(market.order(2, GOLD, WEALTH, SILVER).to_bytes()),
        market.chain.seal(market.order(0, GOLD, 100, SILVER, nonce=2).to_bytes(), domain=1),
    )
    while len(found := layout.live(market.chain.state)) == 2:
        market.block()
    assert [live.domain for live in found] == [0], "domain 1 has ended"
    assert codes(market.chain.copy().block(outside)) == ["EX-36"]
    assert codes(market.chain.copy().block(market.payment(2, 0, 1, GOLD))) == ["TR-11"]
    assert codes(market.chain.copy().block(market.payment(0, 2, WEALTH - NOTE, GOLD))) == ["ok"]
    market.end(found[0])
    assert codes(market.block(outside, market.payment(2, 0, 1, GOLD))) == ["ok", "ok"]
