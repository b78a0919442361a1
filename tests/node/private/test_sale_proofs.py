"""Bids and reserves with real proofs: within the range of the program, and nobody else's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from circuits.crossing import TransitWitness
from circuits.key_registry import DEV
from circuits.keys import KeyStore
from circuits.transit import Transit
from node.cli.session import Places, Session
from node.cli.verify_linked import linked_checks
from node.core.private import TRANSIT
from node.execution.verifier import GrothVerifier
from node.private import bidding, statements
from node.private.payload import wire
from node.private.prove import linked_prover
from node.private.sale_terms import LIMIT, Side
from node.testing.batches import BatchChain
from node.testing.private import assert_ok
from node.testing.sales import SaleChain
from private_exec import group
from private_exec.pedersen import Opening
from shielded import spec
from zk.curve import babyjub
from zk.errors import ChiaroError


@pytest.fixture(scope="module")
def verifier() -> GrothVerifier:
    return GrothVerifier({TRANSIT: KeyStore().verifying_key(TRANSIT, DEV)}, workers=1)


@pytest.fixture(scope="module")
def real() -> SaleChain:
    """Sellers and bidders prove; what the chain believes is not asked here."""
    found = SaleChain(bidders=2, linked=linked_prover(profile=DEV, keys=KeyStore()))
    found.start(notes=8)
    return found


def verdicts(verifier: GrothVerifier, claims) -> list[bool]:
    return [error is None for error in verifier.verify(claims)]


def test_pv171_a_reserve_is_proved_to_be_within_the_range(real, verifier):
    offer = real.offer(3_000)
    assert verdicts(verifier, statements.reserve_claims(offer)) == [True, True]
    other = real.offer(3_000, real.sale_terms(item=b"\x02" * 32))
    moved = dataclasses.replace(other, linked=offer.linked, bounded=offer.bounded)
    assert verdicts(verifier, statements.reserve_claims(moved)) == [False, False]


def test_pv173_a_bid_is_proved_to_be_within_the_range(real, verifier):
    identity = real.sell(3_000)
    tx, twin = (real.place(identity, 5_000, n).tx for n in (1, 2))
    assert verdicts(verifier, statements.claims_of(tx)) == [True, True]
    swapped = dataclasses.replace(tx, linked=tx.bounded, bounded=tx.linked)
    assert verdicts(verifier, statements.claims_of(swapped)) == [False, False]
    copied = dataclasses.replace(tx, bounded=twin.bounded)
    assert verdicts(verifier, statements.claims_of(copied)) == [True, False]
    lowest = real.place(identity, 0, 3).tx
    assert verdicts(verifier, statements.claims_of(lowest)) == [True, True]


def test_pv173_the_chain_asks_for_the_proofs_of_offers_and_bids(real):
    intake, offer = real.ledger.executor.intake, real.offer(3_000)
    assert intake.claims(wire(offer)) == statements.reserve_claims(offer)
    tx = real.place(real.sell(3_000), 5_000, 4).tx
    (*asked, carried) = intake.claims(wire(tx))
    assert tuple(asked) == statements.claims_of(tx) and carried.linked is None


def said(tx, profile: str = DEV) -> tuple[list[tuple[str, bool]], Session]:
    """What `chiaro verify` says of a transaction."""
    session = Session(profile, "", Places(*[Path()] * 3))
    found = linked_checks(session, wire(tx), history=False)
    return [(check.id, check.ok) for check in found.checks], session


def test_chiaro_verify_takes_offers_bids_and_results(real):
    offer = real.offer(3_000)
    assert said(offer)[0] == [("key", True), ("linked", True), ("linked", True)]
    assert_ok(real.run(offer))
    placed = real.bid(offer.sale, 5_000, 6)
    checks = [("carried", True), ("key", True), ("linked", True), ("linked", True)]
    assert said(placed.tx)[0] == checks
    moved = dataclasses.replace(placed.tx, bounded=offer.bounded)
    assert said(moved)[0] == [*checks[:-1], ("linked", False)]
    assert_ok(real.run(real.admit(offer.sale, [real.reserve_input(offer), placed.input])))
    real.to(offer.terms.accept)
    real.call(offer.sale)
    result = real.prove(offer.sale)
    checks, session = said(result)
    assert checks == [("result", True)]
    assert any("anybody can prove anything" in text for text in session.warnings)
    assert said(dataclasses.replace(result, made=result.made[::-1]))[0] == [("result", False)]
    assert said(result, "main")[0] == [("result", False)], "no key is known there"


def test_pv173_no_proof_is_made_of_more_than_the_limit(real):
    """What is left of it would be below 0, and has no 64 bits."""
    made, _ = real.bidding(real.sell(3_000), 5_000, 4)
    more = dataclasses.replace(made.sealed, opening=Opening(LIMIT + 1, 77))
    with pytest.raises(ChiaroError):
        more.proving(made.kind, made.reference)
    base = spec.kind_point(made.kind).point
    rest = bidding._proving(base, Opening(group.R - 1, 77), 5, made.reference)
    with pytest.raises(ChiaroError):
        real.linked(rest)


def test_pv173_what_is_left_to_the_limit_is_computed_from_what_is_shown(real):
    made, _ = real.bidding(real.sell(3_000), 5_000, 5)
    base = spec.kind_point(made.kind).point
    cv = babyjub.decode(made.sealed.cv, what="cv")
    point, held = statements.rest_of(base, cv, made.sealed.opening.commitment)
    _, rest = made.sealed.proving(made.kind, made.reference)
    assert (point.x, point.y) == rest.public.cv
    assert held == rest.openings[0].commitment
    assert rest.public.amount == LIMIT - 5_000
    assert Transit().id == rest.statement == TRANSIT
    assert TransitWitness(babyjub.ORDER - made.sealed.rcv) == rest.witness
    assert bidding.LIMIT == LIMIT


# --- batches ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def market() -> BatchChain:
    """The same of traders."""
    found = BatchChain(sizes=(2, 2), linked=linked_prover(profile=DEV, keys=KeyStore()))
    found.start(notes=24)
    return found


@pytest.mark.parametrize(("side", "limit"), [(Side.BUY, 1), (Side.SELL, 0)])
def test_pv202_an_order_is_proved_to_be_within_its_ranges(market, verifier, side, limit):
    identity = market.collect()
    first, twin = (market.trade(identity, side, limit, n, n).tx for n in (0, 70))
    for tx in (first, twin):
        claims = statements.claims_of(tx)
        assert verdicts(verifier, claims) == [True] * 4
        assert market.ledger.executor.intake.claims(wire(tx))[:4] == claims, "the chain asks"
    a, b, c, _ = first.proofs
    swapped = dataclasses.replace(first, proofs=(b, a, c, twin.proofs[3]))
    assert verdicts(verifier, statements.claims_of(swapped)) == [False, False, True, False]
    other = dataclasses.replace(first.ordered, unit=first.ordered.unit + 1)
    moved = dataclasses.replace(first, ordered=other)
    assert said(moved)[0] == [("carried", False)], "what is locked is said for this order"
    checks = [("carried", True), ("key", True), *[("linked", True)] * 4]
    assert said(first)[0] == checks


def test_pv202_no_proof_is_made_of_a_limit_or_quantity_beyond_its_range(market):
    made = market.trade(market.collect(), Side.SELL, 1, 50, 3).making
    for change in (
        {"limit": Opening(2, 77)},
        {"quantity": Opening(LIMIT + 1, 77)},
        {"quantity": Opening(pow(made.said.unit, -1, group.R), 77)},
    ):
        broken = dataclasses.replace(made.openings, **change)
        wrong = dataclasses.replace(made, openings=broken)
        with pytest.raises(ChiaroError):
            list(map(market.linked, wrong.proving()))
