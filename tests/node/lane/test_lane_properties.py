"""What is settled holds, nothing is made or lost, arrival means nothing; whatever is submitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.key_registry import DEV
from circuits.keys import KeyStore
from node.core.effects import nullifier_key
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId
from node.execution import turnstile
from node.execution.verifier import GrothVerifier
from node.intents.limit import LimitOrder
from node.intents.settlement import Composed, Fills, Settlement
from node.intents.solvers import standard
from node.intents.solvers.problem import pose
from node.intents.swap import SwapTerms
from node.lane import layout
from node.testing.market import METALS, SILVER, Market
from shielded.build import statement_prover
from transparent.accounts import balances

SEED = bytes(32)


@dataclass(frozen=True)
class Wish:
    """A limit order before it is signed; kinds by their place in METALS."""

    who: int
    kinds: tuple[int, int]
    amount: int
    price: Fraction
    partial: bool


wishes = st.builds(
    Wish,
    who=st.integers(0, 2),
    kinds=st.sampled_from([(0, 1), (1, 0), (0, 1), (1, 0), (1, 2), (2, 0)]),
    amount=st.integers(1, 400),
    price=st.sampled_from([Fraction(1, 2), Fraction(2, 3), Fraction(1), Fraction(4, 3)]),
    partial=st.sampled_from([True, True, False]),
)
meeting = st.tuples(
    *(
        st.builds(replace, wishes, kinds=st.just(kinds), price=st.just(Fraction(2, 3)))
        for kinds in ((0, 1), (1, 0))
    )
)
"""Two that can trade, unless one is all or nothing."""
books = st.builds(lambda pair, others: [*pair, *others], meeting, st.lists(wishes, max_size=3))


def signed(market, number: int, wish: Wish):
    sell, buy = (METALS[kind] for kind in wish.kinds)
    price = wish.price.numerator, wish.price.denominator
    return market.order(
        wish.who, sell, wish.amount, buy, price, partial=wish.partial, nonce=number + 1
    )


def solved(market, live) -> Settlement:
    """As `Market.solve`, with a seed that does not depend on the batch."""
    problem, _ = pose(market.batch(live), market.view(live), market.services.registry)
    return problem.settlement(standard.solve(problem, SEED))


def metals(market) -> dict:
    state = market.chain.state
    accounts = [key.account for key in market.accounts] + [FEE_ACCOUNT]
    return {
        (account, kind): amount
        for account in accounts
        for kind, amount in balances(state, account)
        if kind != NATIVE
    }


def receipts_of(market) -> list:
    heights = range(1, market.chain.height + 1)
    return [receipt for height in heights for receipt in market.chain.chain.receipts(height)]


def check_supply(market) -> None:
    """Balances and pools add up to what was issued; receipts alone give the same turnstile."""
    state = market.chain.state
    assert all(line.adds_up for line in turnstile.supply(state))
    genesis = market.chain.genesis
    assert turnstile.recomputed(genesis, receipts_of(market)) == turnstile.stored(state)


@given(data=st.data(), book=books)
@settings(max_examples=12, deadline=None)
def test_the_order_of_arrival_does_not_change_a_uniform_price(make_market, data, book) -> None:
    first, second = make_market(), make_market()
    intents = [signed(first, number, wish) for number, wish in enumerate(book)]
    outcomes = []
    for market, arrival in (
        (first, intents),
        (second, data.draw(st.permutations(intents))),
    ):
        live = market.opened(*arrival)
        settlement = solved(market, live)
        if settlement.components:
            (receipt,) = market.block(market.submission(live, settlement))
            assert receipt.code == "ok"
        market.end(live)
        check_supply(market)
        outcomes.append((settlement.components, metals(market)))
    assert outcomes[0] == outcomes[1]


def spoiled(settlement: Settlement, data) -> Settlement:
    """A settlement with something taken out, doubled, moved or changed by a unit."""
    components = list(settlement.components)
    what = data.draw(st.sampled_from(["same", "drop", "double", "turn", "fill", "price", "ids"]))
    if not components or what == "same":
        return settlement
    at = data.draw(st.integers(0, len(components) - 1))
    component = components[at]
    if what == "drop":
        del components[at]
    elif what == "double":
        components.append(component)
    elif what == "turn":
        components.reverse()
    elif what == "ids" and isinstance(component, Composed):
        components[at] = replace(component, intents=component.intents[::-1])
    elif what == "price" and isinstance(component, Fills):
        kind, price = component.prices[0]
        components[at] = replace(component, prices=((kind, price + 1), *component.prices[1:]))
    elif what == "fill" and isinstance(component, Fills):
        fills = list(component.fills)
        which = data.draw(st.integers(0, len(fills) - 1))
        delta = data.draw(st.sampled_from([-1, 1]))
        fills[which] = replace(fills[which], sold=max(0, fills[which].sold + delta))
        components[at] = replace(component, fills=tuple(fills))
    return replace(settlement, components=tuple(components))


@given(data=st.data(), book=books, swaps=st.booleans())
@settings(max_examples=15, deadline=None)
def test_every_settled_intent_holds_and_every_other_is_untouched(
    make_market, data, book, swaps
) -> None:
    """On the states before and after the end, by an oracle of its own."""
    market = make_market()
    intents = [signed(market, number, wish) for number, wish in enumerate(book)]
    if swaps:
        market.fund()
        intents += market.ring()
    live = market.opened(*intents)
    for settlement in (solved(market, live), spoiled(solved(market, live), data)):
        market.block(market.submission(live, settlement))
    market.chain.run_to(live.height - 1)
    prior = market.chain.state
    (receipt,) = market.block()
    posterior, height = market.chain.state, market.chain.height.to_bytes(8, "little")
    assert receipt.code == "ok"
    done = {dict(e.data)["intent"] for e in receipt.events if e.name == "settled"}
    fills = {dict(e.data)["order"]: dict(e.data) for e in receipt.events if e.name == "fill"}
    created = {
        commitment
        for e in receipt.events
        if e.name == "action"
        for commitment in dict(e.data)["commitments"].split(",")
    }
    for intent in intents:
        terms = market.services.registry.decode(intent, market.chain.genesis.chain_id).terms
        if isinstance(terms, LimitOrder):
            grown = terms.filled(posterior) - terms.filled(prior)
            assert (grown > 0) == (intent.id.hex() in done)
            if grown:
                fill = fills[terms.digest.hex()]
                assert int(fill["sold"]) == grown <= terms.amount
                assert terms.partial or grown == terms.amount
                assert int(fill["bought"]) * terms.denominator >= grown * terms.numerator
        else:
            assert isinstance(terms, SwapTerms)
            settled = intent.id.hex() in done
            for action in terms.part.party.actions:
                for nullifier in action.public.nullifiers:
                    data_ = nullifier.to_bytes(32, "little")
                    key = nullifier_key(EnvironmentId.SHIELDED, data_)
                    assert prior.get(key) is None
                    assert posterior.get(key) == (height if settled else None)
                for commitment in action.public.commitments:
                    assert (commitment.to_bytes(32, "little").hex() in created) == settled
    assert len(fills) + (len(created) > 0) * 3 == len(done)
    check_supply(market)


@given(book=books, late=st.booleans())
@settings(max_examples=8, deadline=None)
def test_a_batch_without_a_settlement_moves_no_metal(make_market, book, late) -> None:
    """Neither one that nobody solved nor one that nobody opened; fees as DA-28 says."""
    market = make_market()
    before, paid = metals(market), market.balance(FEE_ACCOUNT)
    wealth = [market.balance(key) for key in market.accounts]
    intents = [signed(market, number, wish) for number, wish in enumerate(book)]
    market.seal(*intents)
    chain = market.chain
    if late:
        while chain.live() and chain.height < chain.live()[0].height + 11:
            chain.block()
        while chain.live():
            chain.step()
        assert market.balance(FEE_ACCOUNT) == paid
        assert [market.balance(key) for key in market.accounts] == wealth
    else:
        market.end(market.open())
        assert market.balance(FEE_ACCOUNT) > paid
    assert metals(market) == before
    assert not list(chain.state.iterate(b"i/held/"))
    check_supply(market)


@pytest.mark.slow
def test_a_ring_through_the_whole_lane_with_real_proofs() -> None:
    """Four validators' shares open it; a party with another's proof is refused at the opening."""
    verifier = GrothVerifier({"action/1": KeyStore().verifying_key("action/1", DEV)})
    market = Market(4, verifier=verifier, prove=statement_prover(profile=DEV))
    market.fund()
    ring = market.ring()
    forged = market.swap(0, SILVER, nonce=9)
    terms = market.services.registry.decode(forged, market.chain.genesis.chain_id).terms
    other = market.services.registry.decode(ring[1], market.chain.genesis.chain_id).terms
    party = terms.part.party
    false = replace(party.actions[0], proof=other.part.party.actions[0].proof)
    part = replace(terms.part, party=replace(party, actions=(false,)))
    forged = replace(forged, payload=replace(terms, part=part).to_bytes())
    live = market.opened(*ring, forged)
    fates = layout.fates(market.chain.state, live.ref)
    assert fates[:3] == ("ok", "ok", "ok")
    assert fates[3].startswith("PRF-")
    settlement = market.solve(live)
    (receipt,) = market.block(market.submission(live, settlement))
    assert receipt.code == "ok"
    (receipt,) = market.end(live)
    done = [dict(e.data)["intent"] for e in receipt.events if e.name == "settled"]
    assert sorted(done) == sorted(intent.id.hex() for intent in ring)
    check_supply(market)
    verifier.close()
