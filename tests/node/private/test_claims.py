"""Donations that go back: who may, when, once, and without any member."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.effects import BatchScope, HiddenValue
from node.core.errors import InvalidTransaction
from node.core.ids import EnvironmentId, Height
from node.core.interfaces import TxContext
from node.private import claims, statements
from node.private import state as entries
from node.private.errors import PrivateRefused
from node.private.state import Donation, Status
from node.private.terms import Phase
from node.testing.private import PrivateChain, signer
from private_exec.pedersen import Opening


def failed(chain: PrivateChain, *, accept: bool = True):
    """A round with one donation that nobody opens, behind its last block."""
    identity = chain.open_round()
    given = chain.donate(identity, 0, 100, 0)
    if accept:
        assert chain.codes(chain.accept(identity, [given])) == ["ok"]
    chain.to(entries.round_of(chain.state, identity).terms.open)
    return identity, given


def test_pv118_what_goes_back_and_when(chain):
    identity = chain.open_round(0, 0)
    of = entries.round_of(chain.state, identity)
    t = of.terms
    point = Opening(1, 1).commitment
    table = [
        # status, round, heights at which it goes back
        (Status.PENDING, of, {t.close: False, t.accept: False, t.accept + 1: True}),
        (Status.ACCEPTED, of, {t.accept + 1: False, t.open: False, t.open + 1: True}),
        (Status.REFUSED, of, {t.close: True, t.open + 9: True}),
        (Status.CLAIMED, of, {t.close: False, t.open + 9: False}),
    ]
    sums = (entries.Sums(1, 1), entries.Sums(1, 1))
    opened = dataclasses.replace(of, sums=sums)
    settled = dataclasses.replace(opened, payouts=(None, 5), settled=True)
    table.append((Status.ACCEPTED, opened, {t.open: False, t.open + 1: False}))
    table.append((Status.ACCEPTED, settled, {t.open: True, t.open + 1: True}))
    table.append((Status.PENDING, settled, {t.open: True}))
    for status, found, heights in table:
        donation = Donation(identity, 0, bytes(32), status, point, point, t.close)
        for height, wanted in heights.items():
            assert claims.is_claimable(donation, found, height) is wanted, (status, height)
    funded = Donation(identity, 1, bytes(32), Status.ACCEPTED, point, point, t.close)
    assert not claims.is_claimable(funded, settled, t.open + 9)
    assert t.phase(t.open + 1) is Phase.OVER


def test_pv118_a_donation_whose_time_has_not_come_stays(chain):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 100, 0)
    assert chain.codes(chain.claim(given)) == ["PV-118"]
    assert status(chain, given) is Status.PENDING


def status(chain, given) -> Status:
    return entries.donation_of(chain.state, given.input.id).status


@pytest.mark.parametrize("accept", [True, False])
def test_pv119_a_claim_makes_notes_of_it_once(chain, accept):
    _, given = failed(chain, accept=accept)
    first, second = chain.claim(given), chain.claim(given)
    notes = chain.purse.notes
    assert chain.codes(first, second) == ["ok", "PV-118"]
    assert status(chain, given) is Status.CLAIMED
    assert chain.purse.notes == notes + 1
    assert chain.codes(chain.claim(given)) == ["PV-118"]


def test_pv119_a_claim_is_its_owners_and_of_the_donors_commitment(chain):
    _, given = failed(chain)
    tx = chain.claim(given)
    assert chain.codes(dataclasses.replace(tx, signature=signer(1).sign(tx.digest))) == ["PV-119"]
    other = Opening(given.openings.amount.value + 5, given.openings.amount.blinding)
    more = dataclasses.replace(given, openings=dataclasses.replace(given.openings, amount=other))
    assert chain.codes(chain.claim(more)) == ["PV-119"]
    # somebody else's transaction around the same proof: the signature is over both
    theirs = chain.claim(given, person=1)
    assert theirs.wanted == tx.wanted
    assert chain.codes(dataclasses.replace(tx, carried=theirs.carried)) == ["PV-119"]
    assert chain.codes(tx) == ["ok"]


def test_pv111_the_carried_transaction_moves_exactly_what_is_named(chain):
    identity = chain.open_round()
    given, other = chain.give(identity, 0, 50, 0), chain.give(identity, 0, 60, 1)
    swapped = dataclasses.replace(given.tx, carried=other.tx.carried)
    assert chain.codes(swapped) == ["PV-111"]
    value = given.tx.carried.hidden_values[0]
    more = dataclasses.replace(value, reference=b"\xff" * 32)
    for values in ((), (value, more)):
        bare = dataclasses.replace(given.tx.carried, hidden_values=values)
        with pytest.raises(PrivateRefused) as caught:
            statements.moved(dataclasses.replace(given.tx, carried=bare))
        assert caught.value.rule == "PV-111"
    assert statements.moved(given.tx) == value
    turned = HiddenValue(EnvironmentId.PRIVATE, value.reference, value.kind, value.cv, enters=True)
    entering = dataclasses.replace(given.tx.carried, hidden_values=(turned,))
    with pytest.raises(PrivateRefused) as caught:
        statements.moved(dataclasses.replace(given.tx, carried=entering))
    assert caught.value.rule == "PV-111"
    unbalanced = dataclasses.replace(given.tx.carried, fee=given.tx.carried.fee + 1)
    assert chain.codes(dataclasses.replace(given.tx, carried=unbalanced)) == ["SH-16"]
    assert chain.codes(given.tx) == ["ok"]


def test_pv111_what_is_carried_is_good_before_anything_is_looked_up(chain):
    """A proposal is refused for it (EX-3); no batch of intents has such a part."""
    env = chain.ledger.executor._environments[EnvironmentId.PRIVATE]
    given = chain.give(chain.open_round(), 0, 50, 2).tx
    context = TxContext(chain.genesis.chain_id, Height(chain.height + 1))
    env.check_stateless(given, context)
    unsigned = dataclasses.replace(given.carried, delta_signature=bytes(64))
    for tx, scope, rule in (
        (dataclasses.replace(given, carried=unsigned), None, "SH-19"),
        (given, BatchScope(1, 2, 3), "PV-111"),
    ):
        with pytest.raises(InvalidTransaction) as caught:
            env.check_stateless(tx, dataclasses.replace(context, scope=scope))
        assert caught.value.rule == rule


def test_pv121_nothing_else_crosses_into_the_private_pool(chain):
    from node.core.effects import Crossing
    from node.core.ids import NATIVE
    from node.testing.ledger import FAUCET

    env = chain.ledger.executor._environments[EnvironmentId.PRIVATE]
    crossing = Crossing(EnvironmentId.PRIVATE, FAUCET.account, NATIVE, 5)
    with pytest.raises(PrivateRefused) as caught:
        env.cross(crossing, b"\x01" * 32, chain.state)
    assert caught.value.rule == "PV-121"
