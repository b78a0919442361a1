"""Settlements are checked, their authors are not believed: every rule refusing something."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.block import Receipt
from node.core.effects import Crossing
from node.core.errors import InvalidTransaction
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Height
from node.intents.batch import Batch
from node.intents.check import _check_balances, best, check_settlement
from node.intents.fills import fill_effects
from node.intents.limit import LimitSchema
from node.intents.schema import Decoded, Evidence, Fill
from node.intents.settlement import Complete, Composed, Fills, Settlement
from node.intents.solvers import cycles, standard
from node.intents.solvers.problem import pose
from node.intents.view import Posterior
from node.intents.worker import seed_of
from shielded.compose import compose
from shielded.transaction import ShieldedTx
from transparent.accounts import Ledger, every_balance
from zk.errors import BackendError, ChiaroError


def solve(market, batch: Batch) -> Settlement:
    problem = market.problem(batch)
    return problem.settlement(standard.solve(problem, seed_of(batch.id)))


def check(market, batch: Batch, settlement: Settlement, **view):
    return check_settlement(batch, settlement, market.view(**view), market.registry)


def refused(market, rule: str, batch: Batch, settlement: Settlement) -> None:
    with pytest.raises(ChiaroError) as caught:
        check(market, batch, settlement)
    assert caught.value.id == rule, caught.value


def component_refused(market, rule: str, batch: Batch, component, **view) -> None:
    outcome = check(market, batch, Settlement(batch.id, (component,)), **view)
    assert [error.id for _, error in outcome.refused] == [rule], outcome.refused
    assert not outcome.accepted
    assert outcome.score == 0


@pytest.fixture(scope="module")
def ring_batch(market, ring):
    return market.batch(*ring)


@pytest.fixture(scope="module")
def ring_component(market, ring_batch) -> Composed:
    (component,) = cycles.solve(market.problem(ring_batch), bytes(32))
    return component


@pytest.fixture
def pair(market):
    """Gold against silver: 60 at no less than 1/2, and 100 at no less than 3/2."""
    gold, silver, _ = market.metals
    return market.batch(
        market.order(0, gold, 100, silver, (1, 2), fee=2),
        market.order(1, silver, 60, gold, (3, 2), fee=3),
    )


def fills(batch, prices, *amounts) -> Fills:
    made = [Fill(i.id, *a) for i, a in zip(batch.intents, amounts, strict=True) if a]
    ordered = tuple(sorted(made, key=lambda f: f.intent_id))
    return Fills(tuple(sorted(prices.items())), ordered)


def good_fills(market, pair) -> Fills:
    gold, silver, _ = market.metals
    return fills(pair, {gold: 3, silver: 5}, (100, 60), (60, 100))


def test_everything_at_once(market, ring, pair) -> None:
    """A ring of three, two orders, a whole transaction: all settle; effects are as they should."""
    transfer = market.transfer(2, 3, 7)
    batch = market.batch(*ring, *pair.intents, transfer)
    outcome = check(market, batch, solve(market, batch))
    assert not outcome.refused
    assert len(outcome.accepted) == 3
    gold, silver, _ = market.metals
    after = outcome.posterior
    assert market.balance(after, 0, silver) == 1000 + 60
    assert market.balance(after, 1, gold) - market.balance(market.state, 1, gold) == 100
    assert market.balance(after, 3, gold) == 1000 + 7
    fees = [Ledger(state).balance(FEE_ACCOUNT, NATIVE) for state in (market.state, after)]
    assert fees[1] - fees[0] == 3 * 2 + 2 + 3 + 3
    assert outcome.score > 6


# --- the whole -----------------------------------------------------------------------------------


def test_in12_one_intent_once_and_its_own_batch(market, pair, ring) -> None:
    with pytest.raises(ChiaroError) as caught:
        market.batch(ring[0], ring[0])
    assert caught.value.id == "IN-12"
    settlement = Settlement(pair.id, (good_fills(market, pair),))
    refused(market, "IN-12", pair, replace(settlement, batch_id=bytes(32)))
    other = market.batch(*pair.intents[::-1])
    assert other.id != pair.id
    refused(market, "IN-12", other, settlement)


def test_in13_an_intent_from_after_the_batch(market, pair) -> None:
    """A solver saw the batch and adds an order of its own that takes the whole surplus."""
    gold, silver, _ = market.metals
    late = market.order(5, silver, 100, gold, (1, 1))
    greedy = market.batch(pair.intents[0], late)
    component = fills(greedy, {gold: 1, silver: 1}, (100, 100), (100, 100))
    refused(market, "IN-13", pair, Settlement(pair.id, (component,)))
    refused(market, "IN-13", pair, Settlement(pair.id, (Complete(late.id),)))


def test_in14_double_satisfaction(market, ring_batch, ring_component, pair) -> None:
    """S-9: one intent in two components; two intents that spend one note; one order twice."""
    refused(market, "IN-14", ring_batch, Settlement(ring_batch.id, (ring_component,) * 2))
    component = good_fills(market, pair)
    refused(market, "IN-14", pair, Settlement(pair.id, (component, component)))
    # The same note promised twice, in two intents that each alone would be satisfied.
    silver, copper = market.metals[1:]
    double = [market.swap(0, silver), market.swap(0, copper, tag=2)]
    counter = [market.swap(1, market.metals[0]), market.swap(2, market.metals[0])]
    batch = market.batch(*double, *counter)
    both = tuple(composed(market, batch, pair_) for pair_ in zip(double, counter, strict=True))
    refused(market, "IN-14", batch, Settlement(batch.id, both))
    for one in both:
        assert check(market, batch, Settlement(batch.id, (one,))).score == 2


def test_in14_one_order_under_two_signatures(market) -> None:
    """IN-21: an owner can sign twice, and a solver finds both in the batch."""
    gold, silver, _ = market.metals
    order = market.order(0, gold, 10, silver)
    other = replace(order, payload=order.payload[:-64] + bytes(64))
    batch = market.batch(order, other, market.order(1, silver, 20, gold))
    read = batch.decode(market.registry)
    # As if the second signature were valid, which only the account could make.
    schema = LimitSchema()
    read[other.id] = Decoded(other, schema, schema.parse(other, market.chain_id))
    both = fills(batch, {gold: 1, silver: 1}, (10, 10), (10, 10), (20, 20))
    settlement = Settlement(batch.id, (both,))
    with pytest.raises(ChiaroError) as caught:
        check_settlement(batch, settlement, market.view(), market.registry, read=read)
    assert caught.value.id == "IN-14"


def composed(market, batch, intents, **changes) -> Composed:
    parts = [market.registry.decode(intent, market.chain_id).terms.part for intent in intents]
    fee = changes.pop("fee", sum(intent.fee for intent in intents))
    tx = compose(parts, changes.pop("values", ()), fee, seed=bytes(32))
    return Composed(tuple(intent.id for intent in intents), tx.to_bytes())


def test_in17_two_prices_of_a_kind(market) -> None:
    """Two components, each fair in itself, that charge different people differently."""
    gold, silver, _ = market.metals
    batch = market.batch(
        market.order(0, gold, 10, silver),
        market.order(1, silver, 10, gold),
        market.order(2, gold, 10, silver),
        market.order(3, silver, 20, gold, (1, 2)),
    )
    one = fills(batch, {gold: 1, silver: 1}, (10, 10), (10, 10), None, None)
    two = fills(batch, {gold: 2, silver: 1}, None, None, (10, 20), (20, 10))
    for component in (one, two):
        assert not check(market, batch, Settlement(batch.id, (component,))).refused
    refused(market, "IN-17", batch, Settlement(batch.id, (one, two)))


@given(st.binary(max_size=300))
def test_in22_random_bytes(data) -> None:
    try:
        settlement = Settlement.from_bytes(data)
    except ChiaroError as error:
        assert error.id == "IN-22"
    else:
        assert settlement.to_bytes() == data


def test_in22_second_forms(market, pair) -> None:
    good = good_fills(market, pair)
    (gold, a), (silver, b) = good.prices
    bad = [
        replace(good, prices=((gold, 2 * a), (silver, 2 * b))),
        replace(good, prices=((silver, b), (gold, a))),
        replace(good, prices=((gold, 0), (silver, 1))),
        replace(good, fills=good.fills[::-1]),
        replace(good, fills=()),
        replace(good, prices=((gold, 2**256), (silver, 1))),
    ]
    for component in bad:
        settlement = Settlement(pair.id, (component,))
        with pytest.raises(ChiaroError) as caught:
            check(market, pair, settlement)
        assert caught.value.id in {"IN-22", "IN-5"}
    data = Settlement(pair.id, (good,)).to_bytes()
    assert Settlement.from_bytes(data).to_bytes() == data
    for broken in (data + b"\0", data[:-1], data[:32] + b"\xff\xff" + data[34:]):
        with pytest.raises(ChiaroError) as caught:
            Settlement.from_bytes(broken)
        assert caught.value.id == "IN-22"


@given(
    st.lists(
        st.one_of(
            st.builds(Complete, st.sampled_from(range(5))),
            st.builds(
                lambda ids, tx: Composed(tuple(ids), tx),
                st.lists(st.sampled_from(range(5)), max_size=3),
                st.binary(max_size=80),
            ),
            st.builds(
                lambda ids, p, n: (ids, p, n),
                st.sets(st.sampled_from(range(5)), min_size=1, max_size=3),
                st.tuples(st.integers(1, 9), st.integers(1, 9)),
                st.lists(st.integers(0, 120), min_size=6, max_size=6),
            ),
        ),
        max_size=3,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_in15_whatever_is_proposed_each_accepted_intent_holds(market, ring, items) -> None:
    """Adherence, from balances alone: none below its limit, nothing made or lost."""
    gold, silver, _ = market.metals
    orders = [
        market.order(0, gold, 100, silver, (1, 2)),
        market.order(1, silver, 60, gold, (3, 2)),
        market.order(2, silver, 50, gold, (1, 1), partial=False),
    ]
    batch = market.batch(*orders, ring[0], market.transfer(4, 3, 7))
    ids = [intent.id for intent in batch.intents]
    components = []
    for item in items:
        if isinstance(item, Complete):
            components.append(Complete(ids[item.intent]))
        elif isinstance(item, Composed):
            components.append(Composed(tuple(ids[i] for i in item.intents), item.tx))
        else:
            chosen, (a, b), amounts = item
            pairs = zip(sorted(chosen), zip(amounts[::2], amounts[1::2], strict=True), strict=False)
            made = tuple(sorted((Fill(ids[i], *n) for i, n in pairs), key=lambda f: f.intent_id))
            components.append(Fills(tuple(sorted({gold: a, silver: b}.items())), made))
    try:
        outcome = check(market, batch, Settlement(batch.id, tuple(components)))
    except ChiaroError as error:
        assert error.id.startswith("IN-")
        return
    held = {i for accepted in outcome.accepted for i in accepted.component.intents}
    assert ids[3] not in held, "a swap without counterparts cannot settle"
    limits = [(gold, silver, 1, 2), (silver, gold, 3, 2), (silver, gold, 1, 1)]
    for who, (sell, buy, num, den) in enumerate(limits):
        after = outcome.posterior
        sold = market.balance(market.state, who, sell) - market.balance(after, who, sell)
        bought = market.balance(after, who, buy) - market.balance(market.state, who, buy)
        assert bought * den >= sold * num >= 0
        assert (sold > 0) == (ids[who] in held)


# --- components ----------------------------------------------------------------------------------


def test_in15_states_satisfy_not_claims(market, ring, ring_component, pair) -> None:
    """States and receipts that do not show the effect: each schema refuses its own."""
    view = market.view()
    swap = market.registry.decode(ring[0], market.chain_id)
    order = market.registry.decode(pair.intents[0], market.chain_id)
    whole = market.registry.decode(market.transfer(2, 3, 7), market.chain_id)
    tx = ShieldedTx.from_bytes(ring_component.tx)
    height = view.context.height.to_bytes(8, "little")
    spent = Posterior(market.state, dict.fromkeys(swap.terms.uses, height))
    receipt = Receipt(bytes(32), tx.id, view.context.height, 0, EnvironmentId.SHIELDED, "ok", "", 0)
    record = {order.terms.record_key: (9).to_bytes(8, "little")}
    filled = Posterior(market.state, record)
    of_it = replace(receipt, tx_id=whole.terms.tx.id, fee=3)
    bad: list[tuple[Decoded, Evidence]] = [
        (swap, Evidence(market.state, market.state, receipt)),
        (swap, Evidence(spent, spent, receipt)),
        (swap, Evidence(market.state, spent, receipt)),  # notes spent, nothing created
        (swap, Evidence(market.state, spent, None)),
        (order, Evidence(market.state, filled, fill=None)),
        (order, Evidence(market.state, filled, fill=Fill(pair.intents[0].id, 8, 8))),
        (order, Evidence(market.state, filled, fill=Fill(pair.intents[0].id, 9, 4))),
        (order, Evidence(filled, filled, fill=Fill(pair.intents[0].id, 0, 0))),
        (whole, Evidence(market.state, market.state, None)),
        (whole, Evidence(market.state, market.state, receipt)),
        (whole, Evidence(market.state, market.state, of_it)),
    ]
    for item, evidence in bad:
        with pytest.raises(ChiaroError) as caught:
            item.check_satisfied(evidence, view)
        assert caught.value.id == "IN-15"
    order.check_satisfied(Evidence(market.state, filled, fill=Fill(pair.intents[0].id, 9, 5)), view)


def test_in15_a_part_of_a_whole_order(market) -> None:
    gold, silver, _ = market.metals
    whole = market.order(0, gold, 100, silver, partial=False)
    item = market.registry.decode(whole, market.chain_id)
    filled = Posterior(market.state, {item.terms.record_key: (9).to_bytes(8, "little")})
    evidence = Evidence(market.state, filled, fill=Fill(whole.id, 9, 9))
    with pytest.raises(ChiaroError) as caught:
        item.check_satisfied(evidence, market.view())
    assert caught.value.id == "IN-15"


def test_in16_more_than_an_order_has_left(market) -> None:
    gold, silver, _ = market.metals
    sell = market.order(0, gold, 100, silver)
    buy = market.order(1, silver, 500, gold)
    batch = market.batch(sell, buy)
    above = fills(batch, {gold: 1, silver: 1}, (101, 101), (101, 101))
    component_refused(market, "IN-16", batch, above)
    record = market.registry.decode(sell, market.chain_id).terms.record_key
    state = Posterior(market.state, {record: (70).to_bytes(8, "little")})
    over = fills(batch, {gold: 1, silver: 1}, (31, 31), (31, 31))
    component_refused(market, "IN-16", batch, over, state=state)
    within = fills(batch, {gold: 1, silver: 1}, (30, 30), (30, 30))
    outcome = check(market, batch, Settlement(batch.id, (within,)), state=state)
    assert outcome.posterior.get(record) == (100).to_bytes(8, "little")


def test_in16_a_limit_after_rounding_and_a_part_of_a_whole_order(market) -> None:
    """⌊5 · 2 / 3⌋ = 3 for 5 is below 2/3, though the price is not."""
    gold, silver, _ = market.metals
    batch = market.batch(
        market.order(0, gold, 9, silver, (2, 3)), market.order(1, silver, 100, gold, (3, 2))
    )
    component_refused(market, "IN-16", batch, fills(batch, {gold: 2, silver: 3}, (5, 3), (3, 4)))
    whole = market.batch(
        market.order(0, gold, 9, silver, partial=False), market.order(1, silver, 8, gold)
    )
    component_refused(market, "IN-16", whole, fills(whole, {gold: 1, silver: 1}, (8, 8), (8, 8)))


def test_in18_what_no_intent_brings(market, ring_batch, ring_component) -> None:
    tx = ShieldedTx.from_bytes(ring_component.tx)
    ids = ring_component.intents
    leak = Crossing(EnvironmentId.TRANSPARENT, market.accounts[0].account, market.metals[0], 5)
    bad = [
        Composed(ids, replace(tx, public_values=(leak,)).to_bytes()),
        Composed(ids[:2], ring_component.tx),
        Composed((ids[1], ids[0], ids[2]), ring_component.tx),
        Composed(ids, replace(tx, fee=5).to_bytes()),
        Composed(ids, replace(tx, parties=tx.parties[:2]).to_bytes()),
    ]
    for component in bad:
        component_refused(market, "IN-18", ring_batch, component)
    component_refused(market, "IN-18", ring_batch, Complete(ids[0]))
    gold, silver, _ = market.metals
    filled_swap = fills(ring_batch, {gold: 1, silver: 1}, (1, 1), None, None)
    component_refused(market, "IN-18", ring_batch, filled_swap)


def test_in18_a_solver_adds_a_party_of_its_own(market, ring) -> None:
    """Silver is offered for less than another would give; the solver would keep the rest."""
    gold, silver, _ = market.metals
    cheap = market.swap(0, silver, 30, 60)  # would give 60 gold for 30 silver
    other = market.swap(1, gold, 40, 30)  # is content with 40 gold
    greedy = market.swap(2, gold, 20, 0)  # the solver's: 20 gold for nothing
    batch = market.batch(cheap, other)
    component = composed(market, batch, (cheap, other, greedy))
    component_refused(market, "IN-18", batch, replace(component, intents=component.intents[:2]))
    refused(market, "IN-13", batch, Settlement(batch.id, (component,)))


def test_in23_a_fill_at_another_price(market, pair) -> None:
    gold, silver, copper = market.metals
    for component in (
        fills(pair, {gold: 3, silver: 5}, (100, 59), (60, 100)),
        fills(pair, {gold: 3, silver: 5}, (100, 61), (61, 100)),
        fills(pair, {gold: 3, silver: 5}, (1, 0), None),
        fills(pair, {gold: 3, silver: 5}, (0, 0), None),
        fills(pair, {gold: 3, silver: 5, copper: 1}, (100, 60), (60, 100)),
        fills(pair, {gold: 1}, (100, 60), (60, 100)),
    ):
        component_refused(market, "IN-23", pair, component)


def test_in24_more_bought_than_sold(market, pair, ring) -> None:
    gold, silver, _ = market.metals
    component_refused(market, "IN-24", pair, fills(pair, {gold: 3, silver: 5}, (100, 60), (57, 95)))
    component_refused(market, "IN-24", pair, fills(pair, {gold: 3, silver: 5}, (100, 60), None))
    # Swaps that do not sum to zero: nobody can sign, so the signature is someone else's.
    batch = market.batch(ring[0], ring[1])
    parts = [market.registry.decode(i, market.chain_id).terms.part for i in ring[:2]]
    tx = ShieldedTx(market.chain_id, tuple(p.party for p in parts), (), 4, bytes(64))
    component_refused(market, "IN-24", batch, Composed((ring[0].id, ring[1].id), tx.to_bytes()))


def test_in25_effects_that_move_something_else(market, pair) -> None:
    """Against effects of a flawed ledger: a unit more, lost, for a third, from one to another."""
    component = good_fills(market, pair)
    decoded = {i.id: market.registry.decode(i, market.chain_id) for i in pair.intents}
    orders = {key: item.terms for key, item in decoded.items()}
    fees = {key: item.intent.fee for key, item in decoded.items()}
    writes = dict(fill_effects(component, orders, fees, market.state).writes)
    gold = market.metals[0]
    one, two = (market.accounts[who].account for who in (0, 1))
    for moves in ({one: 1}, {two: -1}, {FEE_ACCOUNT: 1}, {one: -1, two: 1}):
        ledger = Ledger(Posterior(market.state, writes))
        for account, change in moves.items():
            (ledger.credit if change > 0 else ledger.debit)(account, gold, 1)
        bad = Posterior(market.state, {**writes, **dict(ledger.writes())})
        with pytest.raises(InvalidTransaction) as caught:
            _check_balances(component, orders, fees, market.state, bad)
        assert caught.value.id == "IN-25"


def test_what_rounding_leaves_goes_to_the_fees(market) -> None:
    gold, silver, _ = market.metals
    batch = market.batch(
        market.order(0, gold, 10, silver, (1, 3)), market.order(1, silver, 10, gold, (1, 3))
    )
    component = fills(batch, {gold: 3, silver: 5}, (9, 5), (5, 8))
    outcome = check(market, batch, Settlement(batch.id, (component,)))
    assert not outcome.refused
    assert Ledger(outcome.posterior).balance(FEE_ACCOUNT, gold) == 1


def test_a_fee_is_due_once(market, pair) -> None:
    gold, silver, _ = market.metals
    first = fills(pair, {gold: 3, silver: 5}, (50, 30), (30, 50))
    outcome = check(market, pair, Settlement(pair.id, (first,)))
    state = outcome.posterior
    before = market.balance(market.state, 0, NATIVE)
    assert market.balance(state, 0, NATIVE) == before - 2
    again = check(market, pair, Settlement(pair.id, (first,)), state=state)
    assert market.balance(again.posterior, 0, NATIVE) == before - 2
    third = check(market, pair, Settlement(pair.id, (first,)), state=again.posterior)
    assert [error.id for _, error in third.refused] == ["IN-10"]


def test_in31_a_bad_component_leaves_others_alone(market, ring_component, ring, pair) -> None:
    """S-19: a bad transaction, unpayable fills; what is good settles as if they were not there."""
    whole = market.transfer(4, 3, 7), market.transfer(5, 3, 7, sequence=3)
    batch = market.batch(*ring, *pair.intents, *whole)
    broken = replace(ring_component, tx=ring_component.tx[:-1] + bytes([ring_component.tx[-1] ^ 1]))
    late, good = batch.intents[6], batch.intents[5]
    amounts = (None, None, None, (100, 60), (60, 100), None, None)
    component = fills(batch, dict(good_fills(market, pair).prices), *amounts)
    components = (broken, Complete(late.id), component, Complete(good.id))
    outcome = check(market, batch, Settlement(batch.id, components))
    assert [index for index, _ in outcome.refused] == [0, 1]
    assert {error.id for _, error in outcome.refused} <= {"SH-19", "SH-1", "TR-6"}
    alone = check(market, batch, Settlement(batch.id, (component, Complete(good.id))))
    assert outcome.score == alone.score
    prefix = b"t/"
    assert list(outcome.posterior.iterate(prefix)) == list(alone.posterior.iterate(prefix))


def test_in31_as_many_components_as_fit_and_a_bad_last_one(market) -> None:
    """More states on top of each other than Python calls functions within each other."""
    items = [market.transfer(k % 4, 5, 1, sequence=k // 4, fee=1) for k in range(1200)]
    batch = market.batch(*items, market.transfer(4, 5, 2000))
    components = tuple(Complete(item.id) for item in batch.intents)
    outcome = check(market, batch, Settlement(batch.id, components))
    assert [(index, error.id) for index, error in outcome.refused] == [(1200, "TR-7")]
    assert outcome.score == 1200
    gold = market.metals[0]
    moved = market.balance(outcome.posterior, 5, gold) - market.balance(market.state, 5, gold)
    assert moved == 1200


def test_in32_a_fault_of_the_machine_refuses_nothing(market, ring_batch, ring_component) -> None:
    """Else a node without memory would call the others' settlement invalid."""

    class Broken:
        def verify(self, claims):
            raise BackendError("no kernel")

    view = replace(market.view(), verifier=Broken())
    settlement = Settlement(ring_batch.id, (ring_component,))
    with pytest.raises(BackendError):
        check_settlement(ring_batch, settlement, view, market.registry)
    with pytest.raises(BackendError):
        best(ring_batch, [settlement], view, market.registry)
    with pytest.raises(BackendError):
        pose(ring_batch, view, market.registry)


@given(st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10, deadline=None
)
def test_in15_what_solvers_find_is_accepted_whole_and_holds(market, data) -> None:
    """Random books of eight accounts: (prior, posterior) within every limit, value conserved."""
    kinds = (NATIVE, *market.metals)
    row = st.tuples(
        st.permutations(range(4)).map(lambda p: p[:2]),
        st.integers(1, 900),
        st.sampled_from([(1, 2), (1, 1), (2, 3), (3, 2), (2, 1)]),
        st.booleans(),
    )
    rows = data.draw(st.lists(row, min_size=2, max_size=6))
    terms = [(kinds[a], amount, kinds[b], price) for (a, b), amount, price, _ in rows]
    batch = market.batch(
        *(
            market.order(3 + n, *term, partial=part[3], fee=n)
            for n, (term, part) in enumerate(zip(terms, rows, strict=True))
        )
    )
    outcome = check(market, batch, solve(market, batch))
    assert not outcome.refused
    filled = {i for item in outcome.accepted for i in item.component.intents}
    for n, (sell, amount, buy, (num, den)) in enumerate(terms):
        fee = n if batch.intents[n].id in filled else 0
        before = {k: market.balance(market.state, 3 + n, k) for k in kinds}
        after = {k: market.balance(outcome.posterior, 3 + n, k) for k in kinds}
        sold = before[sell] - after[sell] - fee * (sell == NATIVE)
        bought = after[buy] - before[buy] + fee * (buy == NATIVE)
        assert 0 <= sold <= amount
        assert bought * den >= sold * num
        assert (bought > 0) == (sold > 0) == (batch.intents[n].id in filled)
    supply = [dict.fromkeys(kinds, 0) for _ in range(2)]
    for state, sums in zip((market.state, outcome.posterior), supply, strict=True):
        for _, kind, amount in every_balance(state):
            sums[kind] += amount
    assert supply[0] == supply[1]


def test_in26_the_score_is_computed(market, pair, ring_batch, ring_component) -> None:
    """Both orders filled at 3/5: limits 1/2 and 3/2 against 3/5 and 5/3."""
    outcome = check(market, pair, Settlement(pair.id, (good_fills(market, pair),)))
    assert outcome.score == (2 - Fraction(1, 2) / Fraction(3, 5)) + (2 - Fraction(9, 10))
    half = fills(pair, {market.metals[0]: 3, market.metals[1]: 5}, (50, 30), (30, 50))
    assert check(market, pair, Settlement(pair.id, (half,))).score == outcome.score / 2
    assert check(market, ring_batch, Settlement(ring_batch.id, (ring_component,))).score == 3
    # Nothing that a solver could write adds to it: a refused component counts nothing.
    worthless = Settlement(pair.id, (fills(pair, dict(half.prices), (50, 31), (31, 50)),))
    assert check(market, pair, worthless).score == 0


def test_in27_the_highest_score_then_the_lowest_hash(market, pair) -> None:
    gold, silver, _ = market.metals
    full = Settlement(pair.id, (good_fills(market, pair),))
    half = Settlement(pair.id, (fills(pair, {gold: 3, silver: 5}, (50, 30), (30, 50)),))
    empty = Settlement(pair.id, ())
    foreign = replace(full, batch_id=bytes(32))
    for order in ([full, half, empty, foreign], [foreign, empty, half, full, full]):
        ranking = best(pair, order, market.view(), market.registry)
        assert [o.settlement_id for o in ranking.outcomes] == [full.id, half.id]
        assert {key: e.id for key, e in ranking.refused} == {empty.id: "IN-27", foreign.id: "IN-12"}
    swapped = market.batch(
        *(market.order(i, *((gold, 10, silver), (silver, 10, gold))[i % 2]) for i in range(4))
    )
    price = {gold: 1, silver: 1}
    ties = [
        Settlement(swapped.id, (fills(swapped, price, (10, 10), (10, 10), None, None),)),
        Settlement(swapped.id, (fills(swapped, price, None, None, (10, 10), (10, 10)),)),
    ]
    ranking = best(swapped, ties, market.view(), market.registry)
    assert [o.settlement_id for o in ranking.outcomes] == sorted(t.id for t in ties)
    assert best(pair, [], market.view(), market.registry).outcomes == ()


def test_in27_a_value_that_has_no_encoding_is_refused_like_any_other(market, pair) -> None:
    gold, silver, _ = market.metals
    good = Settlement(pair.id, (good_fills(market, pair),))
    huge = replace(good_fills(market, pair), prices=((gold, 1 << 256), (silver, 1)))
    for bad in (Complete(b"short"), huge):
        wrong = Settlement(pair.id, (bad,))
        ranking = best(pair, (wrong, good), market.view(), market.registry)
        assert [o.settlement_id for o in ranking.outcomes] == [good.id]
        assert [(name, error.id) for name, error in ranking.refused] == [(b"", "IN-5")]


def test_an_unreadable_intent_harms_nobody_else(market, pair) -> None:
    garbage = replace(market.transfer(0, 1, 5), payload=b"garbage")
    batch = market.batch(garbage, *pair.intents)
    outcome = check(market, batch, Settlement(batch.id, (Complete(garbage.id),)))
    assert [error.id for _, error in outcome.refused] == ["IN-5"]
    solved = check(market, batch, solve(market, batch))
    assert not solved.refused
    assert len(solved.accepted) == 1


def test_a_batch_that_expired(market, pair) -> None:
    component_refused(market, "IN-6", pair, good_fills(market, pair), height=21)
    assert market.view(height=21).context.height == Height(21)
