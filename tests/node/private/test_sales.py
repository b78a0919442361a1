"""A sealed-bid auction on the chain, from an offer to what goes back."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.ids import AccountId, EnvironmentId, Kind, tagged_hash
from node.execution import turnstile
from node.private import (
    auctions,
    bidding,
    claims,
    committees,
    deposits,
    markets,
    sales,
    statements,
)
from node.private import sale_state as entries
from node.private import state as shared
from node.private.bidding import Bidding
from node.private.errors import PrivateRefused
from node.private.gifts import BidTx
from node.private.messages import AcceptTx, ComplaintTx, OpenTx, SettleTx
from node.private.places import whose
from node.private.sale_payload import CallTx, SilenceTx, sign_offer
from node.private.sale_terms import LIMIT, SalePhase, program_of
from node.private.state import Status
from node.testing.ledger import FAUCET
from node.testing.private import assert_ok, signer
from node.testing.sales import SELLER, Placed, SaleChain, plaintext
from private_exec import group
from private_exec.committee import inputs
from private_exec.committee.cells import cell_id
from private_exec.committee.opening import OpenStatement
from private_exec.mpc import labels
from private_exec.pedersen import Opening
from private_exec.provable.session import Known, touched
from shielded.private_owner import PrivateOwner
from zk.curve.encoding import g1_to_bytes
from zk.errors import Ruled


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    """Two places; a committee of four that really computes and proves."""
    found = SaleChain(bidders=2)
    found.start(notes=32)
    return found


def dark(chain: SaleChain) -> int:
    held = chain.held()
    return held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)


def test_an_auction_end_to_end(chain):
    before, seller = dark(chain), chain.balance(SELLER.account)
    identity, (alice, bob) = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    result = chain.prove(identity)
    assert chain.codes(result) == ["ok"]
    assert_ok(chain.run(chain.outputs(identity)))
    assert chain.codes(SettleTx(identity)) == ["ok"]
    outcome = chain.sale(identity).outcome
    assert (outcome.winner, outcome.price) == plaintext(2_000, [9_000, 7_000]) == (0, 7_000)
    assert chain.balance(SELLER.account) == seller + 7_000
    notes = chain.purse.holdings
    assert_ok(chain.run(chain.back(alice, 7_000), chain.back(bob)))
    assert chain.purse.holdings == notes + 2_000 + 7_000 - 2 * 1000
    assert dark(chain) == before - 7_000 - 4 * 1000
    assert all(row.adds_up for row in turnstile.supply(chain.state))


def test_ex44_messages_of_sales_are_their_committees(chain):
    identity, (alice,) = chain.ready(2_000, 9_000)
    session = chain.call(identity)
    for tx in (
        ComplaintTx(alice.input.id, b""),
        AcceptTx(identity, b""),
        CallTx(identity, 1),
        SilenceTx(identity, session, 1, 0),
        OpenTx(OpenStatement(session, ())),
        SettleTx(identity),
    ):
        assert whose(tx, chain.state) == chain.declaration.id


# --- offers -------------------------------------------------------------------------------------


def test_pv170_terms_that_cannot_be_kept_are_refused(chain):
    at, step = chain.height + 20, chain.parameters.step_heights
    good = {"close": at, "accept": at + step, "prove": at + 3 * step}
    broken = {
        "logic": ({"kind": Kind(5, 7)}, "PV-170"),
        "one place": ({"bidders": 1}, "PV-170"),
        "too many": ({"bidders": 33}, "PV-170"),
        "no key": ({"bidders": 3}, "PV-170"),
        "improper": ({"seller": AccountId(b"\x01" + bytes(31))}, "TR-3"),
        "close": ({"close": chain.height + 2}, "PV-170"),
        "accept": ({"accept": at + step - 1}, "PV-170"),
        "prove": ({"prove": at + 3 * step - 1}, "PV-170"),
        "long": ({"prove": chain.height + 2 + 600}, "PV-170"),
    }
    for name, (changes, rule) in broken.items():
        tx = chain.offer(1, chain.sale_terms(**good | changes))
        assert chain.codes(tx) == [rule], name
    epoch = committees.epoch_of(chain.state, chain.declaration.id, 0)
    last = epoch.until - step
    for prove, code in ((last + 1, "PV-170"), (last, "ok")):
        assert chain.codes(chain.offer(1, chain.sale_terms(**good | {"prove": prove}))) == [code]
    assert chain.codes(chain.offer(1, chain.sale_terms(**good))) == ["ok"]
    with pytest.raises(PrivateRefused) as caught:
        entries.sale_of(chain.state, bytes(32))
    assert caught.value.rule == "PV-170"
    for places in (0, 1, 33, 255):
        with pytest.raises(PrivateRefused, match="2 to 32 bidders"):
            auctions.check_terms(chain.sale_terms(bidders=places))


def test_pv170_phases_follow_from_heights(chain):
    terms = chain.sale_terms()
    for height, phase in (
        (terms.close, SalePhase.BIDDING),
        (terms.close + 1, SalePhase.ACCEPTING),
        (terms.accept, SalePhase.ACCEPTING),
        (terms.accept + 1, SalePhase.COMPUTING),
        (terms.prove, SalePhase.COMPUTING),
        (terms.prove + 1, SalePhase.OVER),
    ):
        assert terms.phase(height) is phase


def test_pv171_a_reserve_is_one_value_for_its_sale_and_committee(chain):
    tx = chain.offer(100)
    given = chain.reserve_input(tx)
    values = (Opening(5, 6),)

    def refused(reference, openings=values, record=chain.record) -> str:
        made = inputs.make(record, reference, given.owner, openings, b"\x01" * 32)
        with pytest.raises(PrivateRefused) as caught:
            auctions.check_offer(dataclasses.replace(tx, input=made.to_bytes()))
        return caught.value.rule

    assert refused(bytes(32)) == "PV-171"
    assert refused(tx.sale, (*values, Opening(7, 8))) == "PV-171"
    improper = inputs.make(chain.record, tx.sale, b"\x01" + bytes(31), values, b"\x01" * 32)
    with pytest.raises(Ruled) as caught:
        auctions.check_offer(dataclasses.replace(tx, input=improper.to_bytes()))
    assert caught.value.rule == "TR-3"
    later = dataclasses.replace(given, epoch=1).to_bytes()
    with pytest.raises(PrivateRefused, match="another committee") as caught:
        auctions.check_offer(dataclasses.replace(tx, input=later))
    assert caught.value.rule == "PV-171"
    changed = sign_offer(dataclasses.replace(tx, input=mauled(tx.input)), FAUCET)
    two = inputs.make(chain.record, tx.sale, given.owner, (*values, Opening(7, 8)), b"\x01" * 32)
    both = sign_offer(dataclasses.replace(tx, input=two.to_bytes()), FAUCET)
    assert chain.codes(both) == ["PV-171"]
    owner = PrivateOwner(bytes(32), tx.terms.item)
    second = bidding.offering(tx.head, chain.record, tx.terms, 101, owner, chain.linked)
    assert second.sale == tx.sale
    codes = chain.codes(changed, tx, tx, sign_offer(second, FAUCET))
    assert codes == ["PV-33", "ok", "PV-113", "EX-6"]
    assert chain.sale(tx.sale).reserve.input == given.id
    with pytest.raises(PrivateRefused) as caught:
        claims.leaving(chain.state, given.id, chain.height + 1)
    assert caught.value.rule == "PV-109"


def mauled(data: bytes) -> bytes:
    """An input that somebody has put another key into."""
    given = inputs.Input.from_bytes(data)
    return dataclasses.replace(given, owner=signer(3).account).to_bytes()


# --- bids ---------------------------------------------------------------------------------------


def test_pv172_bids_are_in_time_in_a_place_and_for_their_sale(chain):
    identity, other = chain.sell(10), chain.sell(10)
    first = chain.place(identity, 50_000, 10)
    given = first.input
    for made in (
        inputs.make(chain.record, other, given.owner, (first.opening,), b"\x01" * 32),
        inputs.make(chain.record, identity, given.owner, (first.opening, Opening(1, 2)), b"1" * 32),
    ):
        with pytest.raises(PrivateRefused) as caught:
            auctions.check_bid(dataclasses.replace(first.tx, input=made.to_bytes()))
        assert caught.value.rule == "PV-172"
    assert chain.codes(dataclasses.replace(first.tx, cv=b"\x01" * 32)) == ["PV-111"]
    assert chain.codes(first.tx) == ["ok"]
    assert entries.bid_of(chain.state, given.id).number == 0
    with pytest.raises(PrivateRefused) as caught:
        entries.bid_of(chain.state, bytes(32))
    assert caught.value.rule == "PV-172"
    copied = inputs.make(chain.record, identity, b"\x01" * 32, (first.opening,), b"\x09" * 32)
    with pytest.raises(PrivateRefused) as caught:
        sales.entered(copied, copied.to_bytes(), chain.sale(identity).terms, chain.state)
    assert caught.value.rule == "PV-113"
    elsewhere = inputs.make(chain.record, other, given.owner, (Opening(5, 6),), b"\x02" * 32)
    changed, _ = with_input(chain, identity, 65_000, 11, mauled)
    foreign, _ = with_input(chain, identity, 65_000, 11, lambda _: elsewhere.to_bytes())
    assert chain.codes(changed, foreign) == ["PV-33", "PV-172"]
    chain.bid(identity, 60_000, 11)
    assert chain.codes(chain.place(identity, 70_000, 12).tx) == ["PV-172"]
    late = chain.place(other, 70_000, 12)
    chain.to(chain.sale(other).terms.close)
    assert chain.codes(late.tx) == ["PV-172"]


def with_input(chain, identity: bytes, amount: int, bidder: int, change) -> tuple[BidTx, Bidding]:
    """A bid with another input than its bidder would make."""
    made, _ = chain.bidding(identity, amount, bidder)
    sealed = dataclasses.replace(made.sealed, input=change(made.sealed.input))
    made = dataclasses.replace(made, sealed=sealed)
    return made.complete(chain.purse.pledge(made.value), chain.linked), made


def test_pv172_bids_are_of_the_sales_kind(chain):
    tx = chain.place(chain.sell(10), 5_000, 10).tx
    value = dataclasses.replace(tx.carried.hidden_values[0], kind=Kind(0, 99))
    carried = dataclasses.replace(tx.carried, hidden_values=(value,))
    with pytest.raises(PrivateRefused) as caught:
        auctions.check_open(
            dataclasses.replace(tx, carried=carried), chain.sale(tx.sale), chain.height
        )
    assert caught.value.rule == "PV-172"


def test_pv173_both_proofs_are_about_what_the_bid_and_the_rest_to_the_limit_hold(chain):
    placed = chain.place(chain.sell(10), 5_000, 13)
    amount, rest = statements.claims_of(placed.tx)
    assert amount.linked.commitments == (g1_to_bytes(placed.opening.commitment),)
    left = Opening(LIMIT - 5_000, -placed.opening.blinding % group.R)
    assert rest.linked.commitments == (g1_to_bytes(left.commitment),)
    assert amount.linked.context == rest.linked.context == placed.tx.reference
    for beyond in (-1, LIMIT + 1):
        with pytest.raises(PrivateRefused) as caught:
            chain.bidding(placed.tx.sale, beyond, 13)
        assert caught.value.rule == "PV-173"


# --- members ------------------------------------------------------------------------------------


def test_pv174_2t_plus_1_members_accept_inputs_of_a_sale_in_time(chain):
    offer = chain.offer(10)
    assert_ok(chain.run(offer))
    placed, late = (chain.bid(offer.sale, 50_000 + n, n) for n in (14, 15))
    given = [chain.reserve_input(offer), placed.input]
    assert chain.codes(chain.admit(offer.sale, given, signers=(1, 2))) == ["PV-43"]
    assert chain.codes(chain.admit(chain.declaration.id, given)) == ["PV-44"]
    assert chain.codes(chain.admit(chain.open_round(), given)) == ["PV-44"]
    assert chain.codes(chain.admit(chain.sell(11), given)) == ["PV-44"]
    right = chain.admit(offer.sale, given)
    assert chain.codes(right, right) == ["ok", "PV-44"]
    assert chain.codes(complaint(chain, placed.input)) == ["PV-174"], "it waits no more"
    assert chain.bid_entry(placed).status is Status.ACCEPTED
    assert chain.sale(offer.sale).reserve.status is Status.ACCEPTED
    admission = chain.admit(offer.sale, [late.input])
    chain.to(offer.terms.accept)
    assert chain.codes(admission) == ["PV-174"]
    assert chain.codes(complaint(chain, late.input)) == ["PV-174"]
    assert chain.codes(chain.back(late)) == ["ok"]
    with pytest.raises(PrivateRefused) as caught:
        entries.cell_of(chain.state, cell_id(late.input.id, 0))
    assert caught.value.rule == "PV-174"


def garbage(chain, data: bytes) -> inputs.Input:
    """An input that gives its members no share of what it commits to."""
    good = inputs.Input.from_bytes(data)
    plain = {member: bytes(64) for member in chain.record.keys}
    return inputs.assemble(
        chain.record, good.reference, good.owner, good.values, plain, b"\x05" * 32
    )


def complaint(chain, given: inputs.Input) -> ComplaintTx:
    accused = inputs.accuse(given, chain.secrets[2], signer(2), b"\x03" * 32)
    return ComplaintTx(given.id, accused.to_bytes())


def test_pv174_a_bid_without_shares_goes_back_and_a_false_complaint_changes_nothing(chain):
    identity = chain.sell(10)
    _, owner = chain.bidding(identity, 70_000, 16)
    tx, made = with_input(chain, identity, 70_000, 16, lambda data: garbage(chain, data).to_bytes())
    bad = inputs.Input.from_bytes(tx.input)
    assert_ok(chain.run(tx))
    good = chain.bid(identity, 60_000, 17)
    placed = Placed(tx, bad, made.sealed.opening, owner)
    assert chain.codes(chain.back(placed)) == ["PV-182"]
    receipts = chain.run(complaint(chain, bad), complaint(chain, good.input))
    verdicts = [dict(receipt.events[0].data)["verdict"] for receipt in receipts]
    assert verdicts == ["guilty_sender", "false_accuser"]
    statuses = [chain.bid_entry(one).status for one in (placed, good)]
    assert statuses == [Status.REFUSED, Status.PENDING]
    assert chain.codes(chain.back(placed)) == ["ok"]


def test_pv183_without_a_reserve_nobody_is_called_and_everything_goes_back_at_once(chain):
    tx = chain.offer(10)
    bad = garbage(chain, tx.input)
    tx = sign_offer(dataclasses.replace(tx, input=bad.to_bytes()), FAUCET)
    assert_ok(chain.run(tx))
    placed = chain.bid(tx.sale, 60_000, 18)
    assert_ok(chain.run(complaint(chain, bad), chain.admit(tx.sale, [placed.input])))
    assert chain.sale(tx.sale).reserve.status is Status.REFUSED
    chain.to(tx.terms.accept - 1)
    assert chain.codes(chain.back(placed)) == ["PV-182"], "in the last block for an acceptance"
    assert chain.sale(tx.sale).label(chain.height + 1) == "failed"
    assert chain.codes(CallTx(tx.sale, 0), chain.back(placed)) == ["PV-175", "ok"]


# --- calls --------------------------------------------------------------------------------------


def test_pv175_a_call_is_due_once_an_attempt_at_its_heights(chain):
    offer = chain.offer(10)
    assert_ok(chain.run(offer))
    placed = chain.bid(offer.sale, 50_000, 19)
    assert_ok(chain.run(chain.admit(offer.sale, [chain.reserve_input(offer), placed.input])))
    first, second = (CallTx(offer.sale, number) for number in range(2))
    chain.to(offer.terms.accept - 1)
    assert chain.codes(first) == ["PV-175"]
    assert chain.height == offer.terms.accept
    assert chain.codes(second) == ["PV-175"]
    assert chain.codes(first, first, second) == ["ok", "PV-175", "PV-175"]
    called = chain.sale(offer.sale).attempt.called
    assert called == chain.height == offer.terms.accept + 2
    chain.to(called + 2 * chain.parameters.step_heights - 1)
    assert chain.codes(second) == ["PV-175"]
    assert chain.codes(second) == ["ok"]
    chain.to(offer.terms.prove)
    assert chain.codes(CallTx(offer.sale, 2)) == ["PV-175"]


def test_pv175_without_a_bid_nobody_is_called(chain):
    identity, _ = chain.ready(10)
    assert chain.codes(CallTx(identity, 0)) == ["PV-175"]


def test_pv176_every_call_is_a_session_of_its_own(chain):
    at = chain.height
    deadlines = {"close": at + 40, "accept": at + 44, "prove": at + 90}
    pair = []
    for number in range(2):
        tx = chain.offer(10 + number, chain.sale_terms(**deadlines))
        assert_ok(chain.run(tx))
        placed = chain.bid(tx.sale, 50_000, 20 + number)
        assert_ok(chain.run(chain.admit(tx.sale, [chain.reserve_input(tx), placed.input])))
        pair.append(tx.sale)
    chain.to(at + 44)
    before = [chain.sale(sale) for sale in pair]
    assert_ok(chain.run(*(CallTx(sale, 0) for sale in pair)))
    found = [chain.sale(sale) for sale in pair]
    assert [one.attempt.session for one in found] == [
        labels.session(
            labels.Call(
                chain=chain.genesis.chain_id,
                block=tagged_hash("private/call", sale, was.to_bytes(), bytes(2)),
                height=chain.height,
                index=index,
                epoch=0,
                committee=chain.declaration.id,
                program=program_of(2).digest,
                cells=[touched(one) for one in markets.of(was).reads(chain.state, sale, was)],
            )
        )
        for index, (sale, was) in enumerate(zip(pair, before, strict=True))
    ]
    chain.to(chain.height + 10)
    (was, *_), cells = found, markets.of(found[0]).reads(chain.state, pair[0], found[0])
    assert_ok(chain.run(CallTx(pair[0], 1)))
    assert chain.sale(pair[0]).attempt.session == labels.session(
        labels.Call(
            chain.genesis.chain_id,
            tagged_hash("private/call", pair[0], was.to_bytes(), bytes(2)),
            chain.height, 0, 0, chain.declaration.id, program_of(2).digest,
            [touched(one) for one in cells], retry=1,
        )
    )  # fmt: skip
    sessions = {one.attempt.session for one in (*found, chain.sale(pair[0]))}
    assert len(sessions) == 3
    assert all(entries.sale_with(chain.state, session) in pair for session in sessions)
    reads = chain.reads(pair[0])
    assert [isinstance(read, Known) for read in reads] == [False, True, False]


def test_pv177_a_cell_of_a_sale_is_nothing_elses(chain):
    identity, (placed,) = chain.ready(10, 5_000)
    cell = entries.cell_of(chain.state, cell_id(placed.input.id, 0))
    with pytest.raises(PrivateRefused) as caught:
        shared.cell_of(chain.state, cell.id)
    assert caught.value.rule == "PV-115"
    with pytest.raises(PrivateRefused) as caught:
        deposits.deposit_of(chain.state, placed.input.id)
    assert caught.value.rule == "PV-122"
    assert chain.codes(chain.back(placed), chain.leave(placed, FAUCET.account)) == ["PV-182"] * 2
    chain.call(identity)
    assert chain.codes(chain.back(placed), chain.leave(placed, FAUCET.account)) == ["PV-182"] * 2
    again = chain.admit(identity, [placed.input])
    assert chain.codes(again) == ["PV-174"]
