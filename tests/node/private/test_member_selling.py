"""What a member does about sales: over a chain whose blocks are made by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from node.execution.order import PoolState
from node.private import calls, committees, freezing
from node.private import sale_state as entries
from node.private.errors import PrivateRefused
from node.private.member.due import Job
from node.private.member.errors import MemberRefused
from node.private.member.keys import Keys
from node.private.member.secrets import Vault
from node.private.member.selling import SaleDuties
from node.private.member.view import Past, View
from node.private.messages import ComplaintTx, FreezeTx, OpenTx, SettleTx
from node.private.sale_payload import BlameTx, CallTx, ResultTx, SilenceTx, members_of
from node.private.sale_terms import Side
from node.private.state import Status
from node.testing.batches import BASE, BASE_UNITS, LOT, BatchChain, fills_of
from node.testing.ledger import FAUCET
from node.testing.private import assert_ok, signer
from node.testing.sales import SaleChain, provable
from node.testing.selling import Asked
from private_exec.committee import inputs
from private_exec.mpc import simulate
from private_exec.mpc.faults import Fault, Rewritten, Silent, Wrong
from private_exec.mpc.message import Kind
from private_exec.mpc.simulate import Committee, Outcome

MEMBERS = (1, 2, 3, 4)


class People:
    """Members with disks, and keys that they made on the chain."""

    def __init__(self, folder: Path, made: SaleChain | None = None, **options: Any) -> None:
        self.chain = chain = made or SaleChain(bidders=2, **options)
        assert_ok(chain.run(chain.declare()))
        identity, step = chain.declaration.id, chain.parameters.step_heights
        vaults = {m: Vault(folder / str(m), identity) for m in MEMBERS}
        self.keys = {m: Keys(m, signer(m), vaults[m], step) for m in MEMBERS}
        while self.keys[1].of_epoch(self.view(), 0) is None:
            assert_ok(chain.run(*(tx for k in self.keys.values() for tx in k.due(self.view()))))
        chain.secrets = {m: k.of_epoch(self.view(), 0) for m, k in self.keys.items()}
        assert_ok(chain.run(chain.purse.shield(16, 10**9)))
        self.duties = {m: SaleDuties(k, signer(m), step, provable) for m, k in self.keys.items()}

    def view(self) -> View:
        return View(Asked(self.chain), self.chain.declaration.id, self.chain.height, Past())

    def look(self, member: int, unheard=None):
        return self.duties[member].look(self.view(), unheard or {})

    def jobs(self, members: Sequence[int] = MEMBERS) -> dict[int, Job]:
        """The one session that is due to each."""
        found = {m: self.look(m)[1] for m in members}
        assert {len(jobs) for jobs in found.values()} == {1}
        assert len({jobs[0].session.sid for jobs in found.values()}) == 1
        return {m: jobs[0] for m, jobs in found.items()}

    def together(self, *faults: Fault) -> Outcome:
        """It, held by all who have it due."""
        absent = members_of(self.attempt.absent) if self.attempt.called else ()
        jobs = self.jobs([m for m in MEMBERS if m not in absent])
        one = next(iter(jobs.values()))
        committee = Committee(
            one.session,
            {m: self.chain.secrets[m].prss for m in MEMBERS},
            {m: signer(m) for m in MEMBERS},
            one.absent,
        )
        return simulate.run(
            committee,
            lambda context: jobs.get(context.member, one).protocol(context),
            faults=[*faults, *(Silent(m) for m in absent)],
        )

    def settle(self, *faults: Fault) -> None:
        """What a session comes to, in a block, by whoever is first."""
        results = self.together(*faults).results
        assert_ok(self.chain.run(results[min(results)]))

    @property
    def attempt(self) -> entries.Attempt:
        every = [found for _, found in entries.sales(self.chain.state) if not found.settled]
        return every[0].attempt if every else entries.Attempt()


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def accepted(people: People, *amounts: int) -> bytes:
    """A sale of which members accepted everything, by what was due to them."""
    chain = people.chain
    offer = chain.offer(2_000)
    assert_ok(chain.run(offer))
    for number, amount in enumerate(amounts):
        chain.bid(offer.sale, amount, number)
    assert not people.look(1)[0]
    while chain.height < offer.terms.accept:
        if people.look(1)[1]:
            people.settle()
        else:
            chain.run()
    assert chain.sale(offer.sale).reserve.status is Status.ACCEPTED
    assert len(entries.accepted(chain.state, offer.sale, chain.sale(offer.sale))) == len(amounts)
    return offer.sale


def test_pv186_members_bring_a_sale_from_bids_to_its_outcome(people):
    chain, sale = people.chain, accepted(people, 9_000, 7_000)
    (due,), jobs = people.look(1)
    assert due == CallTx(sale, 0) and not jobs
    assert people.look(2)[0] == [due]
    assert_ok(chain.run(due))
    assert people.look(1)[0] == []
    people.settle(Wrong(3, Kind.OPEN))
    assert chain.sale(sale).proved == chain.height
    people.settle()
    assert chain.sale(sale).outcome.price == 7_000
    assert people.look(1) == ([], [])
    assert_ok(chain.run(SettleTx(sale)))


ORDERS = [(Side.SELL, 0, 70), (Side.BUY, 2, 40)]


def check_fills(chain: BatchChain, sale: bytes, traded: Sequence[Any]) -> None:
    """The tick is the program's, and every owner reads what it traded."""
    tick, fills = fills_of(chain.terms_of(sale), ORDERS)
    assert chain.sale(sale).outcome.tick == tick
    for one, fill in zip(traded, fills, strict=True):
        _, (_, _, got) = chain.claims_of(sale, one)
        price = chain.terms_of(sale).price(tick)
        assert got.value == fill * (LOT if one.side is Side.BUY else price) > 0


def test_pv186_members_bring_a_batch_from_orders_to_its_fills(tmp_path):
    chain = BatchChain()
    people = People(tmp_path, chain)
    assert_ok(chain.run(chain.purse.shield_kind(BASE, 2, BASE_UNITS, FAUCET)))
    alone = chain.collect()
    assert_ok(chain.run(chain.admit(alone, [chain.order(alone, Side.BUY, 2, 40, 9).input])))
    sale = chain.collect()
    traded = [chain.order(sale, *one, n) for n, one in enumerate(ORDERS)]
    while chain.height < chain.terms_of(sale).accept:
        if people.look(1)[1]:
            people.settle()
        else:
            chain.run()
    (due,), jobs = people.look(1)
    assert due == CallTx(sale, 0) and not jobs, "and none of a batch of one side"
    assert_ok(chain.run(due))
    people.settle(Wrong(3, Kind.OPEN))
    people.settle(Wrong(3, Kind.OPEN))
    assert_ok(chain.run(SettleTx(sale)))
    assert people.look(1) == ([], [])
    check_fills(chain, sale, traded)


@pytest.mark.slow  # four chains with a batch each, three or four sessions on every one
@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        (Rewritten(3, Kind.POINT, lambda body: body[::-1]), 1),
        (Rewritten(3, Kind.SHOW, lambda body: body[::-1]), 1),
        (Rewritten(3, Kind.SIGN, lambda body: bytes(len(body))), 1),
        (Wrong(3, Kind.PRODUCT), 2),
    ],
    ids=["points of proofs", "points of cells", "signatures", "products"],
)
def test_pv186_one_of_four_that_lies_throughout_a_batch_is_named(tmp_path, fault, attempts):
    chain = BatchChain()
    people = People(tmp_path, chain)
    assert_ok(chain.run(chain.purse.shield_kind(BASE, 2, BASE_UNITS, FAUCET)))
    sale, named = chain.collect(), set()
    traded = [chain.order(sale, *one, n) for n, one in enumerate(ORDERS)]
    while not chain.sale(sale).outcome and chain.height < chain.terms_of(sale).prove:
        due, jobs = people.look(1)
        if jobs:
            outcome = people.together(fault)
            named |= outcome.accused(1)
            due = [outcome.results[1]]
        assert_ok(chain.run(*due))
    assert chain.sale(sale).attempt.number == attempts
    assert named == {3}
    assert_ok(chain.run(SettleTx(sale)))
    check_fills(chain, sale, traded)


def test_pv186_who_has_no_key_of_the_program_or_is_absent_holds_no_session(people):
    chain, sale = people.chain, accepted(people, 9_000)
    assert_ok(chain.run(CallTx(sale, 0)))
    keyless = SaleDuties(people.keys[1], signer(1), chain.parameters.step_heights, lambda _: None)
    assert keyless.look(people.view(), {}) == ([], [])
    outcome = people.together(Wrong(3, Kind.PRODUCT))
    blame = outcome.results[1]
    assert isinstance(blame, BlameTx) and members_of(blame.liars) == (3,)
    assert_ok(chain.run(blame))
    (due,), jobs = people.look(1)
    assert due == CallTx(sale, 1) and not jobs
    assert_ok(chain.run(due))
    assert people.look(3) == ([], [])
    assert people.jobs((1, 2, 4))[1].absent == {3}
    result = people.together().results[1]
    assert isinstance(result, ResultTx)
    assert_ok(chain.run(result))


def test_pv187_who_misses_somebody_for_a_step_says_so_and_who_is_asked_answers(people):
    chain, sale = people.chain, accepted(people, 9_000)
    assert_ok(chain.run(CallTx(sale, 0)))
    session = chain.sale(sale).attempt.session
    missed = {session: frozenset({4})}
    assert people.look(1, missed)[0] == [], "not for a step yet"
    chain.to(chain.height + chain.parameters.step_heights)
    assert people.look(1)[0] == [], "misses nobody"
    assert people.look(4, missed)[0] == [], "it does not miss itself"
    (word,) = people.look(1, missed)[0]
    assert isinstance(word, SilenceTx) and members_of(word.unheard) == (4,)
    assert_ok(chain.run(word))
    assert people.look(1, missed)[0] == [], "once"
    answers = [people.look(m, missed if m == 2 else {})[0] for m in (2, 3)]
    assert [members_of(one.unheard) for (one,) in answers] == [(4,), ()]
    assert_ok(chain.run(*(one for (one,) in answers)))
    chain.to(calls.over_at(chain.sale(sale).attempt, chain.parameters.step_heights) - 1)
    assert people.look(1)[0] == [CallTx(sale, 1)]
    assert_ok(chain.run(CallTx(sale, 1)))
    assert members_of(chain.sale(sale).attempt.absent) == (4,)
    people.settle()
    assert chain.sale(sale).proved


def test_pv187_who_is_asked_at_once_names_nobody_who_is_a_moment_behind(people):
    chain, sale = people.chain, accepted(people, 9_000)
    assert_ok(chain.run(CallTx(sale, 0)))
    called, step = chain.height, chain.parameters.step_heights
    missed = {chain.sale(sale).attempt.session: frozenset({2})}
    assert_ok(chain.run(chain.silence(sale, 4, [2])))
    while chain.height + 1 < called + step:
        assert people.look(1, missed)[0] == []
        chain.run()
    (word,) = people.look(1)[0]
    assert members_of(word.unheard) == (), "by then it has heard it"
    assert calls.over_at(chain.sale(sale).attempt, step) > chain.height + step, "in time"


def test_pv188_outputs_are_opened_of_a_result_that_a_block_has(people):
    chain, sale = people.chain, accepted(people, 9_000)
    assert_ok(chain.run(CallTx(sale, 0)))
    computing = people.jobs()[1].session.sid
    result = people.together().results[1]
    assert people.jobs()[1].session.sid == computing, "nothing else before it is in a block"
    assert_ok(chain.run(result))
    opening = people.jobs()[1]
    assert opening.session.sid != computing
    opened = people.together().results[1]
    assert isinstance(opened, OpenTx)
    forged = dataclasses.replace(opened, opened=dataclasses.replace(opened.opened, outputs=()))
    assert chain.codes(forged, opened) == ["PV-45", "ok"]


def test_pv188_behind_a_freeze_nothing_is_opened(tmp_path):
    people = People(tmp_path, epoch_blocks=90)
    chain, sale = people.chain, accepted(people, 9_000)
    assert_ok(chain.run(CallTx(sale, 0)))
    people.settle()
    epoch = committees.epoch_of(chain.state, chain.declaration.id, 0)
    chain.to(epoch.until + freezing.GRACE_STEPS * chain.parameters.step_heights)
    assert people.jobs()[1].about.startswith("outputs")
    assert_ok(chain.run(FreezeTx(chain.declaration.id, 0)))
    assert people.look(1) == ([], [])


@pytest.mark.parametrize("proved", [False, True])
def test_pv188_under_an_insecure_statement_nothing_is_computed_or_opened(people, proved):
    chain, sale = people.chain, accepted(people, 9_000)
    assert_ok(chain.run(CallTx(sale, 0)))
    if proved:
        people.settle()
    assert people.jobs()[1].about.startswith("outputs" if proved else "attempt")
    chain.decree(PoolState.EXIT_ONLY, insecure=chain.sale(sale).terms.program.statement)
    assert people.look(1) == ([], [])


def test_pv186_a_bid_without_a_share_is_complained_of_and_not_accepted(people):
    chain = people.chain
    sale = chain.sell(2_000)
    made, _ = chain.bidding(sale, 5_000, 1)
    good = inputs.Input.from_bytes(made.sealed.input)
    plain = {member: bytes(64) for member in chain.record.keys}
    parts = (good.reference, good.owner, good.values, plain, b"\x05" * 32)
    bad = inputs.assemble(chain.record, *parts)
    sealed = dataclasses.replace(made.sealed, input=bad.to_bytes())
    made = dataclasses.replace(made, sealed=sealed)
    assert_ok(chain.run(made.complete(chain.purse.pledge(made.value), chain.linked)))
    (complaint,), _ = people.look(1)
    assert isinstance(complaint, ComplaintTx) and complaint.input == bad.id
    assert_ok(chain.run(complaint))
    assert entries.bid_of(chain.state, bad.id).status is Status.REFUSED
    assert people.look(2)[0] == []
    with pytest.raises(MemberRefused) as caught:
        list(people.view().reader.iterate(b"p/"))
    assert caught.value.rule == "PV-154"
    with pytest.raises(PrivateRefused) as caught:
        entries.bid_of(people.view().reader, b"\x01" * 32)
    assert caught.value.rule == "PV-172"
