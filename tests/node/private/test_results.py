"""Results of sales: proved before they are opened, opened before they are paid, nothing undone."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.core.block import Transaction
from node.core.ids import EnvironmentId
from node.execution import turnstile
from node.private import calls, committees, freezing, results
from node.private import payload as payloads
from node.private import sale_state as entries
from node.private.errors import PrivateRefused
from node.private.messages import FreezeTx, OpenTx, SettleTx
from node.private.payload import wire
from node.private.sale_payload import BlameTx, CallTx, mask_of, members_of
from node.private.sale_state import Attempt, Sale
from node.private.state import Status
from node.testing.private import assert_ok, signer
from node.testing.sales import SELLER, SaleChain, plaintext, provable_of
from private_exec.committee.cells import cell_id
from private_exec.committee.certificate import Certificate
from private_exec.committee.declaration import Seat
from private_exec.committee.opening import OpenStatement
from private_exec.mpc.certificate import Verdict
from private_exec.mpc.context import MemoryJournal
from private_exec.mpc.faults import Rewritten, Shifted, Silent, Withheld, Wrong
from private_exec.mpc.labels import SessionId
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import Round
from private_exec.pedersen import Opening
from private_exec.provable import session as sessions
from private_exec.provable.document import document, parse
from zk.errors import ChiaroError, Ruled

ALICE = signer(7)


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    """Two places; a committee of four that really computes and proves."""
    found = SaleChain(bidders=2, epoch_blocks=10_000)
    found.start(notes=64)
    return found


def dark(chain: SaleChain) -> int:
    held = chain.held()
    return held.get(EnvironmentId.SHIELDED, 0) + held.get(EnvironmentId.PRIVATE, 0)


def proved(chain: SaleChain, *amounts: int, reserve: int = 2_000, **changes):
    """A sale whose result has landed."""
    identity, placed = chain.ready(reserve, *amounts, **changes)
    chain.call(identity)
    assert_ok(chain.run(chain.prove(identity)))
    return identity, placed


def opened(chain: SaleChain, *amounts: int, **changes):
    """A sale whose outputs are open."""
    identity, placed = proved(chain, *amounts, **changes)
    assert_ok(chain.run(chain.outputs(identity)))
    return identity, placed


def test_pv170_no_sale_is_longer_than_a_round_may_be(chain):
    last = chain.height + 1 + chain.parameters.round_heights
    for prove, code in ((last + 1, "PV-170"), (last + 1, "ok")):
        assert chain.codes(chain.offer(1, chain.sale_terms(prove=prove))) == [code]


# --- results ------------------------------------------------------------------------------------


def test_pv178_only_a_true_result_of_this_session_and_its_cells_lands_once(chain):
    identity, _ = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    right = chain.prove(identity)
    crossed = dataclasses.replace(right, reads=right.reads[::-1])
    swapped = dataclasses.replace(right, made=right.made[::-1])
    proof = bytes(reversed(right.linked.proof))
    forged = dataclasses.replace(right, linked=dataclasses.replace(right.linked, proof=proof))
    renamed = dataclasses.replace(right, session=type(right.session)(b"\x07" * 32))
    for tx in (crossed, swapped, forged, renamed):
        assert chain.codes(tx) not in (["ok"], ["PV-178"], ["PV-43"]), "a proof refuses it first"
    with pytest.raises(PrivateRefused) as caught:
        results.check_result(crossed, chain.state, chain.height + 1)
    assert caught.value.rule == "PV-178"
    with pytest.raises(PrivateRefused) as caught:
        results.check_form(dataclasses.replace(right, reads=right.reads[:2]), {right.statement})
    assert caught.value.rule == "PV-178"
    assert chain.codes(right, right) == ["ok", "PV-185"]
    assert chain.codes(CallTx(identity, 1)) == ["PV-175"]


def test_pv178_an_auditor_verifies_a_result_from_its_bytes_and_the_key_alone(chain):
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    data = wire(chain.prove(identity))
    read = payloads.decode(Transaction.from_bytes(data).payload)
    text = json.dumps(document(results.transition_of(read))).encode()
    key = provable_of(2).verifying_key
    parse(text, "file").verify(key)
    moved = dataclasses.replace(read, made=read.made[::-1])
    with pytest.raises(ChiaroError):
        results.transition_of(moved).verify(key)


def test_pv178_a_result_of_an_attempt_that_is_over_is_none(chain):
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    late = chain.prove(identity)
    chain.to(chain.height + 2 * chain.parameters.step_heights)
    chain.call(identity)
    assert chain.codes(late) == ["PV-185"]
    assert chain.codes(chain.prove(identity)) == ["ok"]


def test_pv179_2t_plus_1_members_signed_for_exactly_these_cells(chain):
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    right = chain.prove(identity, Silent(4, since=0))
    few = Certificate(right.certificate.signatures[:2])
    first, second = right.made
    moved = (dataclasses.replace(first, c=first.c ^ 1), second)
    assert chain.codes(dataclasses.replace(right, certificate=few)) == ["PV-43"]
    assert chain.codes(dataclasses.replace(right, made=moved)) == ["PV-43"]
    later = dataclasses.replace(chain.record.context, epoch=1)
    others = {
        sessions.statement(chain.record, right.session, right.made),
        sessions.statement(chain.record, SessionId(bytes(32)), right.made),
        sessions.statement(
            dataclasses.replace(chain.record, context=later), right.session, right.made
        ),
    }
    assert len(others) == 3, "of this session, and of these keys"
    assert chain.codes(right) == ["ok"]


@pytest.mark.parametrize(
    "fault",
    [
        Silent(3, since=4),
        Wrong(3, Kind.OPEN),
        *(Rewritten(3, kind, lambda body: body[::-1]) for kind in (Kind.POINT, Kind.SHOW)),
        Rewritten(3, Kind.SIGN, lambda body: bytes(len(body))),
    ],
    ids=["silent", "openings", "points", "shows", "signs"],
)
def test_one_member_of_four_changes_no_result_in_any_phase(chain, fault):
    identity, _ = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    outcome = chain.compute(identity, fault)
    right = chain.result(identity, outcome.results[1])
    signers = [member for member, _ in right.certificate.signatures]
    assert len(signers) >= 3
    assert chain.codes(right) == ["ok"]
    assert_ok(chain.run(chain.outputs(identity, fault)))
    assert chain.sale(identity).outcome.price == 7_000


class InOpening(Shifted):
    """Members that agree on another value in one of their openings."""

    def __init__(self, members: Sequence[int], polynomial: Sequence[int], number: int) -> None:
        super().__init__(members, Kind.OPEN, polynomial)
        object.__setattr__(self, "number", number)
        object.__setattr__(self, "seen", dict.fromkeys(members, -1))

    def speak(self, member: int, asked: Round) -> Round:
        if member in self.members and asked.kind is self.kind:
            self.seen[member] += 1
            if self.seen[member] == self.number:
                return super().speak(member, asked)
        return asked


def test_pv179_nobody_signs_for_masked_values_that_the_commitments_do_not_hold(chain):
    """P2-12: t + 1 that agree open a false c; the proof is right, and could never be opened."""
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    honest = chain.compute(identity)
    openings = sum(sent.kind is Kind.OPEN and sent.sender == 1 for sent in honest.sent)
    outcome = chain.compute(identity, InOpening((1, 2), (-3, 1), openings - 1))
    assert not outcome.results
    assert {outcome.errors[member].rule for member in (3, 4)} == {"PV-39"}


def test_members_that_were_killed_say_the_same_again(chain):
    """All of them, behind the round in which 2t + 1 had answered; the second time one is late."""
    identity, _ = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    journals = {member: MemoryJournal() for member in range(1, 5)}
    first = chain.compute(identity, Silent(2, since=40), journals=journals)
    again = chain.compute(identity, Silent(4, since=9), journals=journals)
    assert not again.errors
    before, after = first.results[1], again.results[1]
    assert (before.made, before.linked) == (after.made, after.linked)
    said = {(m.header.round, m.sender): m.body for m in first.messages}
    for message in again.messages:
        assert said.get((message.header.round, message.sender), message.body) == message.body
    assert chain.codes(chain.result(identity, after)) == ["ok"]


# --- openings -----------------------------------------------------------------------------------


def test_pv180_outputs_are_opened_once_behind_the_block_of_the_result(chain):
    identity, _ = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    result = chain.prove(identity)
    session = chain.sale(identity).attempt.session
    early = OpenTx(OpenStatement(session, (Opening(0, 0), Opening(0, 0))))
    assert chain.codes(result, early) == ["ok", "PV-180"]
    proved_at = chain.sale(identity).proved
    with pytest.raises(PrivateRefused) as caught:
        results.check_openable(chain.sale(identity), proved_at)
    assert caught.value.rule == "PV-180"
    results.check_openable(chain.sale(identity), proved_at + 1)
    right = chain.outputs(identity, Wrong(2, Kind.OPEN))
    winner, price = right.opened.outputs
    more = Opening(price.value + 1, price.blinding)
    for outputs in ((winner, more), (winner,), (price, winner), (winner, price, price)):
        wrong = OpenTx(OpenStatement(session, outputs))
        assert chain.codes(wrong) == ["PV-45"]
    assert chain.sale(identity).outcome is None
    assert chain.codes(SettleTx(identity)) == ["PV-181"]
    assert chain.codes(right, right) == ["ok", "PV-180"]


def test_pv180_the_winner_is_told_by_its_number_among_all_bids(chain):
    offer = chain.offer(2_000)
    assert_ok(chain.run(offer))
    late, alice = (chain.bid(offer.sale, amount, n) for n, amount in enumerate((9_500, 9_000)))
    assert_ok(chain.run(chain.admit(offer.sale, [chain.reserve_input(offer), alice.input])))
    chain.to(offer.terms.accept)
    chain.call(offer.sale)
    assert_ok(chain.run(chain.prove(offer.sale)))
    right = chain.outputs(offer.sale)
    assert right.opened.outputs[0].value == 0, "the program has it in its first place"
    assert_ok(chain.run(right))
    assert chain.sale(offer.sale).outcome.winner == chain.bid_entry(alice).number == 1
    assert_ok(chain.run(SettleTx(offer.sale)))
    assert chain.codes(chain.back(alice, 2_000), chain.back(late)) == ["ok", "ok"]


def test_pv180_what_no_auction_comes_to_is_not_taken(chain):
    """Under a key that somebody can forge with, say: the seller is not paid more than was bid."""
    identity, _ = proved(chain, 9_000)
    found = chain.sale(identity)
    for winner, price in ((3, 0), (0, 2**32)):
        openings = Opening(winner, 5), Opening(price, 6)
        made = tuple(sessions.Made(0, one.commitment) for one in openings)
        forged = dataclasses.replace(found, made=made)
        state = {entries.sale_key(identity): forged.to_bytes()}
        tx = OpenTx(OpenStatement(found.attempt.session, openings))
        with pytest.raises(PrivateRefused) as caught:
            results.open_outputs(tx, identity, Reader(state), chain.height + 1)
        assert caught.value.rule == "PV-180"


@dataclasses.dataclass
class Reader:
    """A state of some entries."""

    entries: dict[bytes, bytes]

    def get(self, key: bytes) -> bytes | None:
        return self.entries.get(key)

    def iterate(self, prefix: bytes):
        return iter(sorted(e for e in self.entries.items() if e[0].startswith(prefix)))


# --- settlements --------------------------------------------------------------------------------


def test_pv181_the_price_is_paid_once_out_of_the_winners_bid(chain):
    identity, (alice, bob) = opened(chain, 7_000, 9_000)
    seller, before = chain.balance(SELLER.account), dark(chain)
    assert chain.codes(SettleTx(identity), SettleTx(identity)) == ["ok", "PV-181"]
    assert chain.balance(SELLER.account) == seller + 7_000
    assert dark(chain) == before - 7_000
    for spent in (alice.input.id, bob.input.id, chain.sale(identity).reserve.input):
        with pytest.raises(PrivateRefused, match="no such cell"):
            entries.cell_of(chain.state, cell_id(spent, 0))
    assert chain.codes(chain.back(bob)) == ["PV-119"], "the whole bid is not there any more"
    assert chain.codes(chain.leave(bob, ALICE.account)) == ["PV-125"]
    held = chain.balance(ALICE.account)
    assert chain.codes(chain.leave(bob, ALICE.account, 7_000)) == ["ok"]
    assert chain.codes(chain.leave(alice, ALICE.account)) == ["ok"]
    assert chain.balance(ALICE.account) == held + 2_000 + 7_000


def test_pv182_a_bid_goes_back_once(chain):
    identity, (alice,) = opened(chain, 5_000, reserve=6_000)
    assert chain.codes(chain.back(alice)) == ["PV-182"], "before the settlement"
    assert chain.codes(SettleTx(identity)) == ["ok"]
    back, out = chain.back(alice), chain.leave(alice, ALICE.account)
    assert chain.codes(back, out) == ["ok", "PV-182"]
    assert chain.bid_entry(alice).status is Status.CLAIMED
    sale = chain.sale(identity)
    assert not results.goes_back(Status.CLAIMED, sale, chain.height, closed=True)


def test_pv183_a_deadline_unlocks_before_a_result_and_never_behind_it(chain):
    at = chain.height
    deadlines = {"close": at + 7, "accept": at + 9, "prove": at + 17}
    identity, (alice,) = chain.ready(2_000, 9_000, **deadlines)
    chain.call(identity)
    result = chain.prove(identity)
    chain.to(deadlines["prove"] - 1)
    assert chain.codes(chain.back(alice)) == ["PV-182"], "in the last block for a result"
    assert chain.codes(result) == ["PV-185"], "in the first block behind it"
    assert chain.sale(identity).label(chain.height) == "failed"
    assert chain.codes(chain.back(alice)) == ["ok"]


def test_pv183_a_result_in_the_last_block_counts_and_locks_for_good(chain):
    identity, (alice,) = chain.ready(2_000, 9_000)
    terms = chain.sale(identity).terms
    chain.to(terms.prove - 2)
    chain.call(identity)
    assert chain.codes(chain.prove(identity)) == ["ok"]
    assert chain.height == terms.prove
    chain.to(terms.prove + 20)
    assert not chain.sale(identity).has_failed(chain.height)
    assert chain.codes(chain.back(alice)) == ["PV-182"]
    assert_ok(chain.run(chain.outputs(identity)))
    assert_ok(chain.run(SettleTx(identity)))
    assert chain.codes(chain.back(alice, 2_000)) == ["ok"]


def test_pv183_what_members_never_open_goes_back_behind_the_freeze_of_their_keys():
    chain = SaleChain(bidders=2, epoch_blocks=100)
    chain.start(notes=4)
    identity, (alice,) = proved(chain, 9_000)
    right = chain.outputs(identity)
    epoch = committees.epoch_of(chain.state, chain.declaration.id, 0)
    steps = freezing.GRACE_STEPS * chain.parameters.step_heights
    chain.to(epoch.until + steps)
    freeze = FreezeTx(chain.declaration.id, 0)
    assert chain.codes(chain.back(alice), freeze) == ["PV-182", "ok"]
    assert chain.codes(right, chain.back(alice)) == ["PV-49", "ok"]


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    reserve=st.sampled_from([0, 4_000, 8_000]),
    amounts=st.lists(st.sampled_from([0, 2_000, 4_000, 8_000]), min_size=1, max_size=2),
)
def test_an_auction_comes_to_what_it_comes_to_in_the_clear_and_conserves(chain, reserve, amounts):
    """Ties, one bidder, below reserve, bids of nothing; what goes in comes out."""
    start, seller = dark(chain), chain.balance(SELLER.account)
    account = chain.balance(ALICE.account)
    identity, placed = opened(chain, *amounts, reserve=reserve)
    assert_ok(chain.run(SettleTx(identity)))
    winner, price = plaintext(reserve, amounts)
    outcome = chain.sale(identity).outcome
    assert outcome.price == price
    assert outcome.winner == (2 if winner is None else winner)
    assert chain.balance(SELLER.account) == seller + price
    for number, one in enumerate(placed):
        paid = price if number == winner else 0
        if one.opening.value > paid:
            assert_ok(chain.run(chain.leave(one, ALICE.account, paid)))
    assert chain.balance(ALICE.account) == account + sum(amounts) - price
    assert dark(chain) == start - sum(amounts) - len(amounts) * 1000
    assert all(row.adds_up for row in turnstile.supply(chain.state))


# --- attempts that end early --------------------------------------------------------------------


def blamed(chain: SaleChain, identity: bytes) -> BlameTx:
    """What members send of an attempt whose preparation member 3 spoils."""
    outcome = chain.compute(identity, Wrong(3, Kind.PRODUCT))
    return next(one for one in outcome.results.values() if isinstance(one, BlameTx))


def test_pv184_a_spoiled_batch_ends_an_attempt_and_names_who_did_it(chain):
    identity, (alice,) = chain.ready(2_000, 9_000)
    chain.call(identity)
    right = blamed(chain, identity)
    assert members_of(right.liars) == (3,)
    certificate = calls.read_blamed(right.blamed)
    accepted = dataclasses.replace(certificate, verdict=Verdict.ACCEPTED)
    root = dataclasses.replace(certificate, root=bytes(32))
    for changes, rule in (
        ({"liars": mask_of([1])}, "PV-43"),
        ({"liars": mask_of([1, 3])}, "PV-184"),
        ({"liars": mask_of([0])}, "PV-184"),
        ({"blamed": accepted.to_bytes()}, "PV-184"),
        ({"blamed": root.to_bytes()}, "PV-16"),
        ({"certificate": Certificate(right.certificate.signatures[:2])}, "PV-43"),
        ({"session": type(right.session)(b"\x07" * 32)}, "PV-185"),
    ):
        with pytest.raises(Ruled) as caught:
            calls.check_blame(dataclasses.replace(right, **changes), chain.state, chain.height + 1)
        assert caught.value.rule == rule, changes
    named = partial(sessions.blame_statement, chain.record, right.session)
    assert named(certificate, (3,)) != named(root, (3,)), "of all that was said of the batch"
    again = CallTx(identity, 1)
    assert chain.codes(again) == ["PV-175"]
    assert chain.codes(right, right, again) == ["ok", "PV-185", "PV-175"]
    assert chain.state.get(entries.blamed_key(right.session))[2:] == right.blamed
    assert chain.codes(chain.back(alice)) == ["PV-182"], "nothing unlocks by that"
    chain.call(identity)
    attempt = chain.sale(identity).attempt
    assert members_of(attempt.absent) == (3,)
    assert attempt.session != right.session
    assert chain.codes(chain.prove(identity, Wrong(3, Kind.PRODUCT))) == ["ok"]
    assert_ok(
        chain.run(
            chain.outputs(identity),
        )
    )
    assert chain.sale(identity).outcome.price == 2_000


def test_pv185_members_say_once_in_an_attempt_whom_they_did_not_hear(chain):
    identity, _ = chain.ready(2_000, 9_000)
    with pytest.raises(PrivateRefused) as caught:
        calls.present(chain.sale(identity), chain.sale(identity).attempt.session, chain.height)
    assert caught.value.rule == "PV-185"
    chain.call(identity)
    right = chain.silence(identity, 1, [4])
    stolen = dataclasses.replace(right, member=2)
    foreign = dataclasses.replace(right, session=type(right.session)(b"\x07" * 32))
    others = chain.silence(identity, 1, [1]), chain.silence(identity, 2, [5])
    assert chain.codes(stolen, foreign, *others) == ["PV-185"] * 4
    assert chain.codes(right, right) == ["ok", "PV-185"]
    assert chain.codes(chain.silence(identity, 1)) == ["PV-185"]


def absent(chain: SaleChain, *said: tuple[int, tuple[int, ...]]) -> tuple[int, ...]:
    """Who is absent in the second attempt, if members say this in the first."""
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    assert_ok(chain.run(*(chain.silence(identity, member, unheard) for member, unheard in said)))
    found = chain.sale(identity).attempt
    due = calls.over_at(found, chain.parameters.step_heights)
    if said:
        assert due > found.asked + chain.parameters.step_heights
    chain.to(due - 2)
    assert chain.codes(CallTx(identity, 1)) == ["PV-175"]
    chain.call(identity)
    return members_of(chain.sale(identity).attempt.absent)


def test_pv185_absent_is_who_does_not_answer_or_is_not_heard_by_an_honest_member(chain):
    assert absent(chain) == ()
    assert absent(chain, (1, (4,)), (2, (4,)), (3, ()), (4, ())) == (4,), "t + 1 did not hear it"
    assert absent(chain, (1, (4,)), (2, ()), (3, ()), (4, ())) == (), "one may lie"
    assert absent(chain, (1, ()), (2, ()), (3, ())) == (4,), "it did not answer"
    assert absent(chain, (1, (4,)), (2, ()), (3, (2,))) == (4,), "who names others is not believed"
    assert absent(chain, (1, ()), (2, ())) == (), "more than t cannot all be at fault"
    assert absent(chain, (1, (4,)), (2, (4,))) == (4,), "and the better reason stands"


def absent_of_seven(
    chain: SaleChain, words: dict[int, tuple[int, ...]], **changes: Any
) -> tuple[int, ...]:
    """Who is absent in the next attempt, if members said this in one in which 7 was."""
    seats = tuple(Seat(signer(member).account, f"{member}") for member in range(1, 8))
    declaration = dataclasses.replace(chain.declaration, seats=seats)
    session = SessionId(b"\x07" * 32)
    attempt = Attempt(1, 5, session, absent=mask_of([7]), asked=6, **changes)
    found = Sale(chain.sale_terms(), attempt=attempt)
    state = {
        entries.unheard_key(session, member): mask_of(missed).to_bytes(2, "little")
        for member, missed in words.items()
    }
    return members_of(calls.absent_next(Reader(state), found, declaration))


def test_pv185_who_is_absent_names_nobody_and_comes_back_where_there_is_no_room(chain):
    quiet = dict.fromkeys(range(1, 8), ())
    against = {m: dict.fromkeys(range(m, m + 3), (1,)) for m in (4, 5)}
    assert absent_of_seven(chain, quiet) == (7,)
    assert absent_of_seven(chain, quiet | against[5]) == (7,), "one of three is 7 itself"
    assert absent_of_seven(chain, quiet | against[4]) == (1, 7)
    both = dict.fromkeys(range(4, 7), (1, 2))
    assert absent_of_seven(chain, quiet | both) == (1, 2)


MEMBERS = st.frozensets(st.integers(1, 7)).map(tuple)


@settings(max_examples=60, deadline=None)
@given(other=st.integers(1, 6), missed=st.dictionaries(st.integers(1, 7), MEMBERS))
def test_pv185_so_many_liars_as_there_may_be_have_no_honest_member_named(chain, other, missed):
    """Whatever 7 and another say, or do not say, where honest members miss these alone.

    That honest members do not miss each other is assumed here, and no rule of the chain. It holds
    where they hear each other and pass on what they hear (PV-24): who waits in a round waits for
    somebody that no honest member has heard there, and then all of them do.
    """
    liars = {7, other}
    words = {
        member: unheard if member in liars else tuple(liars & set(unheard))
        for member, unheard in missed.items()
    }
    honest = dict.fromkeys(set(range(1, 8)) - liars, ())
    assert set(absent_of_seven(chain, honest | words)) <= liars


def test_pv185_who_was_asked_in_a_spoiled_attempt_had_no_time_to_answer(chain):
    words = dict.fromkeys(range(1, 6), ())
    assert absent_of_seven(chain, words) == (6, 7)
    assert absent_of_seven(chain, words, spoiled=True) == (7,)


def test_pv185_who_is_asked_late_still_has_a_step_to_answer(chain):
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    step = chain.parameters.step_heights
    patience = chain.sale(identity).attempt.called + 2 * step
    chain.to(patience - 1)
    assert_ok(chain.run(chain.silence(identity, 1, [4])))
    assert chain.sale(identity).attempt.asked == chain.height == patience
    assert_ok(chain.run(chain.silence(identity, 2)))
    assert chain.sale(identity).attempt.asked == patience, "later words prolong nothing"
    chain.to(patience + step - 1)
    second = CallTx(identity, 1)
    assert chain.codes(second) == ["PV-175"], "the last block in which to answer"
    assert chain.codes(second) == ["ok"]


def test_an_attempt_that_waits_for_a_member_is_followed_by_one_without_it(chain):
    """Who keeps its products from all others is missed by all; from one of them, by nobody."""
    identity, _ = chain.ready(2_000, 9_000, 4_000)
    chain.call(identity)
    nearly = Withheld(4, Kind.PRODUCT, (2, 3)), Withheld(4, Kind.ECHO, (2, 3))
    outcome = chain.compute(identity, *nearly, daemons=True)
    assert set(outcome.results) == {1, 2, 3, 4} and not outcome.errors
    silent = Withheld(4, Kind.PRODUCT, (1, 2, 3))
    unheard = chain.compute(identity, silent, daemons=True).unheard
    assert unheard == {1: {4}, 2: {4}, 3: {4}, 4: {1, 2, 3}}
    assert_ok(chain.run(*(chain.silence(identity, m, unheard[m]) for m in (1, 2, 3, 4))))
    chain.to(calls.over_at(chain.sale(identity).attempt, chain.parameters.step_heights) - 1)
    chain.call(identity)
    assert members_of(chain.sale(identity).attempt.absent) == (4,)
    assert chain.codes(chain.prove(identity, silent)) == ["ok"]
