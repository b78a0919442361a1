"""Stake as a machine with states: whatever its owners and their faults do, nothing is made or lost.

A plain model beside the chain says what every block must come to: what is bonded, waiting, lost,
due and voting. What the chain refuses changes nothing in either.
"""

from __future__ import annotations

from collections import defaultdict

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from node.core.genesis import DEV_FAUCET_AMOUNT
from node.core.ids import NATIVE, EnvironmentId
from node.core.stake import MILLION
from node.execution import turnstile
from node.stake import state as entries
from node.stake.rosters import committee
from node.stake.transaction import Tag
from node.testing.stake import (
    BONDS,
    FEE,
    PURSE,
    UNIT,
    StakeChain,
    double_vote,
    genesis,
    key,
    parameters,
    validator,
)

ISSUED = DEV_FAUCET_AMOUNT + 9 * PURSE + sum(BONDS)
LEAST = 1000
CUT = 50_000
PEOPLE = st.integers(0, 6)
"""Validator n is owned by key n + 1; the last three begin without a bond."""


class Stakes(RuleBasedStateMachine):
    """Owners bond, give notice and withdraw; validators vote twice; blocks and epochs go by."""

    @initialize(notice=st.integers(2, 3), places=st.integers(4, 6))
    def begin(self, notice, places):
        self.chain = StakeChain(
            genesis(parameters(epoch_heights=3, unbonding_epochs=notice, max_validators=places))
        )
        self.bonded = dict(enumerate(BONDS))
        self.waiting: dict[int, dict[int, int]] = defaultdict(dict)
        self.purse = dict.fromkeys(range(7), PURSE)
        self.faulty: set[int] = set()
        self.punished: set[tuple[int, int]] = set()
        self.lost = 0
        self.withdrawn = 0
        self.deposited = sum(BONDS)
        self.rosters = {0: self.weights(self.bonded), 1: self.weights(self.bonded)}

    @staticmethod
    def weights(bonded) -> dict[bytes, int]:
        return {validator(n).account: amount // UNIT for n, amount in bonded.items()}

    @property
    def epoch(self) -> int:
        """Of the next block."""
        return self.chain.stake.epoch_of(self.chain.height + 1)

    def ended(self) -> None:
        """What the end of a block does: at an epoch's end a roster, by the model's own rule."""
        stake, height = self.chain.stake, self.chain.height
        epoch = stake.epoch_of(height)
        if height == stake.last_height(epoch):
            fit = {
                n: amount
                for n, amount in self.bonded.items()
                if amount >= LEAST and n not in self.faulty
            }
            ranked = sorted(fit, key=lambda n: (-fit[n], validator(n).account))
            chosen = {n: fit[n] for n in ranked[: stake.max_validators]}
            before = self.rosters[epoch + 1]
            self.rosters[epoch + 2] = self.weights(chosen) if chosen else before

    def one(self, tx) -> bool:
        """A block of one transaction; whether it took effect."""
        (code,) = self.chain.codes(tx)
        return code == "ok"

    @rule(n=PEOPLE, amount=st.integers(1, 6000))
    def bond(self, n, amount):
        new = n not in self.bonded
        total = self.bonded.get(n, 0) + amount
        due = total >= LEAST and n not in self.faulty and self.purse[n] >= amount + FEE
        tx = self.chain.make(Tag.BOND, key(n + 1), validator(n), amount, proof=new)
        assert self.one(tx) == due
        if due:
            self.bonded[n] = total
            self.purse[n] -= amount + FEE
            self.deposited += amount
        self.ended()

    @rule(n=PEOPLE, share=st.sampled_from([100, 1000, 2500, None]))
    def unbond(self, n, share):
        have, epoch = self.bonded.get(n, 0), self.epoch
        amount = max(have if share is None else share, 1)
        left = have - amount
        due = n in self.bonded and left >= 0 and not 0 < left < LEAST and self.purse[n] >= FEE
        assert self.one(self.chain.make(Tag.UNBOND, key(n + 1), validator(n), amount)) == due
        if due:
            self.bonded[n] = left
            self.waiting[n][epoch] = self.waiting[n].get(epoch, 0) + amount
            self.purse[n] -= FEE
        self.ended()

    @rule(n=PEOPLE)
    def withdraw(self, n):
        last = self.epoch - self.chain.stake.unbonding_epochs
        ripe = {e: amount for e, amount in self.waiting[n].items() if e < last}
        total = sum(ripe.values())
        due = total > 0 and total >= FEE
        tx = self.chain.make(Tag.WITHDRAW, key(n + 1), validator(n), 0)
        assert self.chain.codes(tx, tx) == ["ok" if due else "ST-14", "ST-14"]
        if due:
            self.purse[n] += total - FEE
            self.withdrawn += total
            for e in ripe:
                del self.waiting[n][e]
            if not self.bonded[n] and not self.waiting[n] and n not in self.faulty:
                del self.bonded[n]
        self.ended()

    @rule(n=PEOPLE, back=st.integers(0, 12))
    def vote_twice(self, n, back):
        """Evidence of a fault some blocks ago; it may be too old, or of nobody."""
        at, epoch = self.chain.height - back, self.epoch
        if at < 1:
            return
        when = self.chain.stake.epoch_of(max(1, at - 1))
        known = n in self.bonded
        due = (
            known
            and when > epoch - self.chain.stake.unbonding_epochs
            and (n, when) not in self.punished
        )
        evidence = self.chain.evidence(double_vote(self.chain.genesis, validator(n), at))
        codes = self.chain.codes(evidence, evidence)
        assert (codes[0] == "ok") == due
        assert codes[1] != "ok"
        if due:
            self.punished.add((n, when))
            self.faulty.add(n)
            cut = self.bonded[n] * CUT // MILLION
            self.bonded[n] -= cut
            self.lost += cut
            for e in list(self.waiting[n]):
                if e + 1 >= when:
                    cut = self.waiting[n][e] * CUT // MILLION
                    self.waiting[n][e] -= cut
                    self.lost += cut
        self.ended()

    @rule(n=PEOPLE)
    def somebody_else_tries(self, n):
        """Another account's hands off: neither more nor less."""
        for tag, amount in ((Tag.BOND, 1000), (Tag.UNBOND, 1000), (Tag.WITHDRAW, 0)):
            other = key((n + 1) % 7 + 1)
            tx = self.chain.make(tag, other, validator(n), amount)
            assert not self.one(tx)
            self.ended()

    @rule(blocks=st.integers(1, 12))
    def wait(self, blocks):
        for _ in range(blocks):
            self.chain.codes()
            self.ended()

    @precondition(lambda self: self.chain.height > 2)
    @rule()
    def send_again(self):
        """Nothing that took effect takes effect again."""
        chain = self.chain.ledger.chain
        for height in range(max(1, self.chain.height - 3), self.chain.height + 1):
            receipts = chain.receipts(height)
            for receipt, data in zip(receipts, chain.block(height).txs, strict=True):
                if receipt.ok:
                    assert not self.one(data)
                    self.ended()

    @invariant()
    def nothing_is_made_or_lost(self):
        if not hasattr(self, "chain"):
            return
        self.chain.check()
        (row,) = turnstile.supply(self.chain.state)
        assert row.kind == NATIVE
        assert sum(row.held.values()) == row.issued == ISSUED

    @invariant()
    def the_state_is_the_models(self):
        if not hasattr(self, "chain"):
            return
        state = self.chain.state
        found = dict(entries.validators(state))
        numbers = {validator(n).account: n for n in range(7)}
        assert {numbers[k]: v.bonded for k, v in found.items()} == self.bonded
        assert {numbers[k] for k, v in found.items() if v.fault} == self.faulty
        for n in range(7):
            notices = {e: amount for e, amount in self.waiting[n].items() if amount}
            assert dict(entries.notices(state, validator(n).account)) == notices
            assert self.chain.balance(key(n + 1)) == self.purse[n]

    @invariant()
    def what_was_lost_never_leaves(self):
        if not hasattr(self, "chain"):
            return
        state = self.chain.state
        held = turnstile.totals(state, EnvironmentId.STAKE, NATIVE).held
        assert entries.lost(state) == self.lost
        assert held == self.deposited - self.withdrawn
        assert held >= self.lost

    @invariant()
    def who_votes_is_a_function_of_rosters_and_faults(self):
        if not hasattr(self, "chain"):
            return
        state, height = self.chain.state, self.chain.height
        epoch = self.chain.stake.epoch_of(max(height, 1))
        for e in (epoch, epoch + 1):
            roster = committee(state, self.chain.genesis, e)
            assert {m.key: m.weight for m in roster.members} == self.rosters[e]
        roster = self.rosters[self.chain.stake.epoch_of(height + 1)]
        faulty = {validator(n).account for n in self.faulty}
        voting = {k: w for k, w in roster.items() if k not in faulty} or roster
        assert self.chain.weights() == voting
        assert voting


Stakes.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class TestSt23StakeIsConserved(Stakes.TestCase):
    """The machine, as pytest finds it."""


def test_constants_of_the_model_are_the_chains(chain):
    assert chain.stake.min_bond == LEAST
    assert chain.stake.duplicate_vote == CUT
    assert chain.genesis.supply() == {NATIVE: ISSUED}
