"""Rounds of matching funds: terms, donations, sums, payouts."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import pytest

from node.core.amounts import MAX_AMOUNT
from node.core.ids import AccountId, EnvironmentId, Height, Kind
from node.private import rounds
from node.private import state as entries
from node.private.errors import PrivateRefused
from node.private.gifts import DonateTx
from node.private.messages import OpenTx, SettleTx
from node.private.paid import sign_taking
from node.private.payload import wire
from node.private.state import Round, Status, Sums, Tally
from node.private.terms import Phase, Project
from node.testing.ledger import FAUCET
from node.testing.private import POOL, PrivateChain, signer
from private_exec.committee import inputs
from private_exec.committee.opening import OpenStatement
from private_exec.pedersen import Opening
from shielded import schnorr
from zk.errors import Ruled

UNBOUND = Kind(5, 7)


def tallied(chain: PrivateChain, *weights: tuple[int, int], minimums=(0, 0), **changes):
    """A round behind its last acceptance; (project, weight) of each donation."""
    identity = chain.open_round(*minimums, **changes)
    given = [
        chain.donate(identity, project, weight, donor)
        for donor, (project, weight) in enumerate(weights)
    ]
    terms = entries.round_of(chain.state, identity).terms
    chain.to(terms.close)
    if given:
        assert chain.codes(chain.accept(identity, given)) == ["ok"]
    chain.to(terms.accept)
    return identity, given


def test_a_round_from_terms_to_payouts(chain):
    before, held = chain.balance(FAUCET.account), chain.held()
    identity, given = tallied(chain, (0, 300), (0, 500), (1, 700))
    of = entries.round_of(chain.state, identity)
    assert [tally.count for tally in of.tallies] == [2, 1]
    assert chain.codes(chain.sums(identity)) == ["ok"]
    of = entries.round_of(chain.state, identity)
    assert of.sums == (Sums(800, 340_000), Sums(700, 490_000))
    assert chain.codes(chain.settle(identity)) == ["ok"]
    of = entries.round_of(chain.state, identity)
    assert of.payouts == (300_000, 0) and of.settled
    recipients = [project.recipient for project in of.terms.projects]
    assert [chain.balance(account) for account in recipients] == [640_000, 490_000]
    assert chain.balance(FAUCET.account) == before - 1000 - 300_000
    # the amounts that went in are hidden, those that came out are not: both pools are one
    after = chain.held()
    dark = (EnvironmentId.SHIELDED, EnvironmentId.PRIVATE)
    assert sum(after.get(e, 0) - held.get(e, 0) for e in dark) == -830_000 - 3 * 1000
    for item in given:
        assert not chain.is_claimable(item)


# --- terms --------------------------------------------------------------------------------------


def test_pv107_terms_that_cannot_be_kept_are_refused(chain):
    good = chain.terms(1, 2)
    improper = AccountId(b"\x01" + bytes(31))
    broken = {
        "logic": ({"kind": UNBOUND}, "PV-107"),
        "empty pool": ({"pool": 0}, "PV-107"),
        "no project": ({"projects": ()}, "PV-107"),
        "no donation": ({"least": 0}, "PV-107"),
        "improper": ({"projects": (Project(improper, 0),)}, "TR-3"),
        "close": ({"close": chain.height + 2}, "PV-107"),
        "accept": ({"accept": good.close + 1}, "PV-107"),
        "open": ({"open": good.accept + 1}, "PV-107"),
        "long": ({"open": chain.height + 2 + 500}, "PV-107"),
        "committee": ({"committee": b"\x04" * 32}, "PV-106"),
        "epoch": ({"epoch": 1}, "PV-106"),
    }
    for name, (changes, rule) in broken.items():
        tx = chain.round(dataclasses.replace(good, **changes))
        codes = chain.codes(tx)
        assert codes == [rule], name
    for last, following in pairwise((good.close, good.accept, good.open)):
        assert following - last == 2 * chain.parameters.step_heights


def test_pv107_a_round_outlives_neither_its_keys_nor_the_longest_round(chain):
    until = 500 + 6  # of the epoch's keys
    terms = chain.terms()
    assert chain.codes(chain.round(dataclasses.replace(terms, open=until + 50))) == ["PV-107"]
    tx, height = chain.round(terms), chain.height + 1
    for heights, kept in ((terms.open - height, True), (terms.open - height - 1, False)):
        short = dataclasses.replace(chain.parameters, round_heights=heights)
        if kept:
            assert rounds.open_round(tx, chain.state, height, short).writes
            continue
        with pytest.raises(PrivateRefused) as caught:
            rounds.open_round(tx, chain.state, height, short)
        assert caught.value.rule == "PV-107"
    with pytest.raises(PrivateRefused) as caught:
        entries.round_of(chain.state, b"\x00" * 32)
    assert caught.value.rule == "PV-107"


def test_pv107_phases_follow_from_heights(chain):
    terms = chain.terms()
    for height, phase in (
        (terms.close, Phase.DONATING),
        (terms.close + 1, Phase.ACCEPTING),
        (terms.accept, Phase.ACCEPTING),
        (terms.accept + 1, Phase.OPENING),
        (terms.open, Phase.OPENING),
        (terms.open + 1, Phase.OVER),
    ):
        assert terms.phase(height) is phase


def test_pv108_the_pool_leaves_its_providers_account_once_and_by_its_signature(chain):
    at = chain.height
    tx = chain.round(chain.terms(close=at + 20, accept=at + 25, open=at + 30))
    before = chain.balance(FAUCET.account)
    foreign = dataclasses.replace(tx, authorization=signer(1).sign(tx.debit))
    assert chain.codes(foreign) == ["TR-10"]
    poor = signer(2)
    bare = dataclasses.replace(tx, head=chain.head(poor))
    assert chain.codes(sign_taking(bare, poor)) == ["TR-7"]
    assert chain.balance(FAUCET.account) == before
    assert chain.codes(tx, tx) == ["ok", "EX-6"]
    assert chain.codes(tx) == ["EX-7"]
    assert chain.balance(FAUCET.account) == before - POOL - 1000


# --- donations ----------------------------------------------------------------------------------


def test_pv109_a_donation_is_what_its_round_takes(chain):
    identity = chain.open_round()
    given = chain.give(identity, 0, 50, 0)

    def refused(**changes) -> str:
        named = dataclasses.replace(given.tx.given, **changes)
        tx = DonateTx(named, given.tx.linked, given.tx.carried)
        with pytest.raises(PrivateRefused) as caught:
            rounds.donate(tx, chain.state, chain.height + 1, chain.parameters)
        return caught.value.rule

    assert refused(project=2) == "PV-109"
    assert refused(members=given.tx.given.members + 1) == "PV-109"
    assert refused(round=b"\x02" * 32) == "PV-107"
    terms = entries.round_of(chain.state, identity).terms
    chain.to(terms.close)
    assert chain.codes(given.tx) == ["PV-109"]
    assert entries.round_of(chain.state, identity).donations == 0
    with pytest.raises(PrivateRefused) as caught:
        entries.donation_of(chain.state, given.input.id)
    assert caught.value.rule == "PV-109"


def test_pv109_an_input_is_of_two_values_for_this_round_and_of_a_proper_owner(chain):
    identity = chain.open_round()
    given = chain.give(identity, 0, 50, 0)
    values = (given.openings.weight, given.openings.amount)
    owner = given.owner.public

    def codes(found) -> str:
        named = dataclasses.replace(given.tx.given, input=found.to_bytes())
        tx = DonateTx(named, given.tx.linked, given.tx.carried)
        try:
            rounds.check_donation(tx)
        except Ruled as error:
            return error.rule
        return "ok"

    make, record = inputs.make, chain.record
    assert codes(make(record, identity, owner, values, b"\x01" * 32)) == "ok"
    assert codes(make(record, identity, owner, values[:1], b"\x01" * 32)) == "PV-109"
    assert codes(make(record, b"\x05" * 32, owner, values, b"\x01" * 32)) == "PV-109"
    improper = b"\x01" + bytes(31)
    assert codes(make(record, identity, improper, values, b"\x01" * 32)) == "TR-3"


def test_pv109_a_round_takes_so_many_donations(chain):
    identity = chain.open_round()
    given = chain.give(identity, 0, 50, 0)
    few = dataclasses.replace(chain.parameters, max_donations=1)
    height = chain.height + 1
    assert rounds.donate(given.tx, chain.state, height, few).parts
    assert chain.codes(given.tx) == ["ok"]
    with pytest.raises(PrivateRefused) as caught:
        rounds.donate(chain.give(identity, 0, 50, 1).tx, chain.state, height, few)
    assert caught.value.rule == "PV-109"


def test_pv109_an_input_of_another_committee_or_changed_is_refused(chain):
    identity = chain.open_round()
    given = chain.give(identity, 0, 60, 0)
    other = dataclasses.replace(given.input, epoch=1)
    named = dataclasses.replace(given.tx.given, input=other.to_bytes())
    tx = DonateTx(named, given.tx.linked, given.tx.carried)
    with pytest.raises(Ruled) as caught:
        rounds.donate(tx, chain.state, chain.height + 1, chain.parameters)
    assert caught.value.rule == "PV-41"
    mauled = dataclasses.replace(given.input, owner=signer(3).account)
    named = dataclasses.replace(given.tx.given, input=mauled.to_bytes())
    tx = DonateTx(named, given.tx.linked, given.tx.carried)
    with pytest.raises(Ruled) as caught:
        rounds.donate(tx, chain.state, chain.height + 1, chain.parameters)
    assert caught.value.rule == "PV-33"


def test_pv112_a_member_gives_once_in_a_round(chain):
    identity, other = chain.open_round(), chain.open_round()
    chain.donate(identity, 0, 50, 0)
    again = chain.give(identity, 1, 60, 0)
    assert chain.codes(again.tx) == ["EX-7"]
    first, second = chain.give(identity, 0, 50, 1), chain.give(identity, 0, 51, 1)
    assert chain.codes(first.tx, second.tx) == ["ok", "EX-6"]
    chain.donate(other, 0, 50, 0)


def test_pv113_a_commitment_of_somebody_elses_is_refused(chain):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 50, 0)
    # a copy under an owner of one's own; shares are sealed anew, of values that nobody knows
    mine = chain.give(identity, 0, 50, 1)
    values = (given.openings.weight, given.openings.amount)
    copied = inputs.make(chain.record, identity, mine.owner.public, values, b"\x02" * 32)
    named = dataclasses.replace(mine.tx.given, input=copied.to_bytes())
    tx = DonateTx(named, mine.tx.linked, mine.tx.carried)
    with pytest.raises(PrivateRefused) as caught:
        rounds.donate(tx, chain.state, chain.height + 1, chain.parameters)
    assert caught.value.rule == "PV-113"


# --- sums ---------------------------------------------------------------------------------------


def test_pv116_sums_are_opened_once_in_time_and_only_where_enough_gave(chain):
    wide = {"minimums": (0, 0, 0), "least": 2, "open": chain.height + 60}
    identity, _ = tallied(chain, (0, 50), (0, 60), (1, 70), **wide)
    terms = entries.round_of(chain.state, identity).terms
    right = chain.sums(identity)
    assert len(right.opened.outputs) == 2  # of project 0 alone

    def codes(*outputs: Opening) -> list[str]:
        return chain.codes(OpenTx(OpenStatement(identity, tuple(outputs))))

    weights, amounts = right.opened.outputs
    assert codes() == ["PV-45"]
    assert codes(weights, amounts, weights, amounts) == ["PV-45"]
    assert codes(amounts, weights) == ["PV-45"]
    wrong = Opening(weights.value + 1, weights.blinding)
    assert codes(wrong, amounts) == ["PV-45"]
    found = entries.round_of(chain.state, identity)
    assert not found.sums
    for height in (terms.accept, terms.open + 1):
        with pytest.raises(PrivateRefused) as caught:
            rounds.check_sums(right, found, height)
        assert caught.value.rule == "PV-116"
    assert chain.codes(right, right) == ["ok", "PV-116"]
    assert entries.round_of(chain.state, identity).sums == (Sums(110, 6100), Sums(), Sums())


def forged(chain: PrivateChain, weights: int, amounts: int, *, pool: int = POOL) -> Round:
    """A round that a committee and broken proofs made: commitments to sums of no donations."""
    commitments = [Opening(value, 1).commitment for value in (weights, amounts)]
    terms = chain.terms(0, pool=pool)
    return Round(terms, FAUCET.account, 1, (Tally(1, *commitments),))


@pytest.mark.parametrize(
    ("weights", "amounts", "rule"),
    [(2**32, 2**63, "PV-116"), (5, 4, "PV-81"), (5, 26, "PV-81"), (5, 2**64 - 2, "PV-116")],
)
def test_pv116_what_is_opened_can_be_settled(chain, weights, amounts, rule):
    found = forged(chain, weights, amounts)
    outputs = (Opening(weights, 1), Opening(amounts, 1))
    tx = OpenTx(OpenStatement(b"\x01" * 32, outputs))
    with pytest.raises(Ruled) as caught:
        rounds.check_sums(tx, found, found.terms.open)
    assert caught.value.rule == rule
    assert found.terms.pool + 2**64 - 2 > MAX_AMOUNT


# --- ends ---------------------------------------------------------------------------------------


def test_pv117_a_round_is_settled_once_and_not_before_its_sums_are_open(chain):
    identity, _ = tallied(chain, (0, 50), (1, 60))
    assert chain.codes(SettleTx(identity)) == ["PV-117"]
    assert chain.codes(chain.sums(identity)) == ["ok"]
    assert chain.codes(SettleTx(identity), SettleTx(identity)) == ["ok", "PV-117"]
    assert chain.codes(SettleTx(identity)) == ["PV-117"]


def test_pv117_the_pool_is_shared_and_a_project_below_its_minimum_takes_nothing(chain):
    identity, given = tallied(
        chain, (0, 100), (0, 100), (1, 100), (1, 300), minimums=(0, 200_001), pool=30_000
    )
    provider = chain.balance(FAUCET.account)
    assert chain.codes(chain.sums(identity)) == ["ok"]
    assert chain.codes(SettleTx(identity)) == ["ok"]
    of = entries.round_of(chain.state, identity)
    assert of.payouts == (20_000, None)
    assert chain.balance(FAUCET.account) == provider + 10_000
    assert [chain.is_claimable(item) for item in given] == [False, False, True, True]


def test_pv117_what_too_few_gave_to_a_project_without_a_minimum_goes_back(chain):
    identity, given = tallied(chain, (0, 50), (0, 60), (1, 70), minimums=(0, 0), least=2)
    assert chain.codes(chain.sums(identity)) == ["ok"]
    assert chain.codes(SettleTx(identity)) == ["ok"]
    assert entries.round_of(chain.state, identity).payouts == (6000, None)
    assert [chain.is_claimable(item) for item in given] == [False, False, True]
    assert chain.codes(chain.claim(given[2])) == ["ok"]


def test_pv117_projects_of_one_account_are_paid_in_one_sum(chain):
    mine = signer(9).account
    projects = (Project(mine, 0), Project(mine, 0))
    identity, _ = tallied(chain, (0, 50), (1, 60), projects=projects)
    assert chain.codes(chain.sums(identity)) == ["ok"]
    assert chain.codes(SettleTx(identity)) == ["ok"]
    assert chain.balance(mine) == 2500 + 3600


def test_pv118_a_round_whose_sums_nobody_opened_gives_everything_back(chain):
    before = chain.balance(FAUCET.account)
    identity, given = tallied(chain, (0, 50), (1, 60))
    of = entries.round_of(chain.state, identity)
    late = chain.sums(identity)
    chain.to(of.terms.open - 1)
    assert chain.codes(SettleTx(identity)) == ["PV-117"]  # in the last block that takes sums
    assert chain.is_claimable(given[0])  # in the block behind it
    assert chain.codes(late, SettleTx(identity)) == ["PV-116", "ok"]
    assert chain.balance(FAUCET.account) == before - 1000
    of = entries.round_of(chain.state, identity)
    assert of.settled and not of.sums and of.status(chain.height) == "failed"
    assert chain.codes(SettleTx(identity)) == ["PV-117"]
    assert all(chain.is_claimable(item) for item in given)
    assert entries.donation_of(chain.state, given[0].input.id).status is Status.ACCEPTED


def test_signatures_of_what_is_carried_are_verified_once_and_never_for_other_bytes(
    chain, monkeypatch
):
    identity = chain.open_round()
    tx = chain.give(identity, 0, 100, 0).tx
    asked = []
    real = schnorr.verify_batch
    monkeypatch.setattr(schnorr, "verify_batch", lambda found: (asked.append(found), real(found)))
    height = Height(chain.height + 1)
    (right,) = chain.ledger.executor.check([wire(tx)], chain.state, height)
    assert right.error is None
    assert len(asked) == 1  # as carried and as a part
    carried = dataclasses.replace(tx.carried, delta_signature=bytes(64))
    assert chain.codes(dataclasses.replace(tx, carried=carried)) == ["SH-19"]
    assert chain.codes(tx) == ["ok"]
