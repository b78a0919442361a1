"""EX-11, EX-15, and a random walk over everything that moves value."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from node.core.errors import InvalidTransaction
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Kind
from node.execution import turnstile
from node.execution.overlay import Overlay
from node.execution.turnstile import Movement, Totals
from transparent.accounts import Ledger
from zk.errors import DecodeError

SHIELDED, TRANSPARENT = EnvironmentId.SHIELDED, EnvironmentId.TRANSPARENT


def held(world, kind=NATIVE) -> int:
    return turnstile.totals(world.state, SHIELDED, kind).held


def test_ex11_a_flawed_pool_gives_no_more_than_entered_it(world, note):
    assert world.block(world.shield(world.alice, note(1), 100)) == ["ok"]
    # The circuit's flaw: notes out of nothing. The pool cannot see it, the turnstile can.
    forged = [
        world.pooled(
            consumes=(note(10 + i),),
            crossings=((1, world.bob.account.hex(), NATIVE.label, 60, ""),),
            flaw="mint",
        )
        for i in range(2)
    ]
    assert world.block(*forged) == ["ok", "EX-11"]
    assert held(world) == 40
    fee = world.pooled(consumes=(note(20),), fee=41, flaw="mint")
    other = world.pooled(
        consumes=(note(21),),
        crossings=((1, world.bob.account.hex(), world.asset.label, 1, ""),),
        flaw="mint",
    )
    assert world.block(fee, other) == ["EX-11", "EX-11"], "fees and other kinds alike"
    assert all(s.adds_up for s in turnstile.supply(world.state))


def test_ex11_counts_the_whole_transaction_and_nets_nothing(world):
    state = Overlay(world.state)
    into, out = (
        Movement(TRANSPARENT, SHIELDED, NATIVE, 7),
        Movement(SHIELDED, TRANSPARENT, NATIVE, 7),
    )
    turnstile.move(state, [out, into])  # in this order nothing is there yet
    assert turnstile.totals(state, SHIELDED, NATIVE) == Totals(7, 7)
    with pytest.raises(InvalidTransaction) as refused:
        turnstile.move(state, [out])
    assert refused.value.rule == "EX-11"


def test_ex11_totals_outgrow_64_bits(world):
    state = Overlay(world.state)
    step = 10**15
    for _ in range(3):
        turnstile.move(state, [Movement(TRANSPARENT, SHIELDED, NATIVE, step)])
        turnstile.move(state, [Movement(SHIELDED, TRANSPARENT, NATIVE, step)])
    state.put(turnstile.totals_key(SHIELDED, NATIVE), Totals(2**64 + 5, 2**64).to_bytes())
    turnstile.move(state, [Movement(SHIELDED, TRANSPARENT, NATIVE, 5)])
    assert turnstile.totals(state, SHIELDED, NATIVE) == Totals(2**64 + 5, 2**64 + 5)


def test_ex15_recomputed_equals_incremental_after_failures_and_duplicates(world, note):
    shield = world.shield(world.alice, note(1), 100, fee=10)
    world.block(shield, shield)
    world.block(shield, world.unshield(world.bob, note(1), 80, fee=10))
    assert [r.code for r in world.receipts] == ["ok", "EX-6", "EX-7", "ok"]
    assert turnstile.recomputed(world.genesis, world.receipts) == turnstile.stored(world.state)
    # A block counted twice (a duplicate header, a reorganisation undone) does not go unnoticed.
    twice = [*world.receipts, world.receipts[0]]
    assert turnstile.recomputed(world.genesis, twice) != turnstile.stored(world.state)
    with pytest.raises(InvalidTransaction) as refused:
        turnstile.recomputed(world.genesis, world.receipts[1:])
    assert refused.value.rule == "EX-11"


def test_ex15_replaying_the_blocks_gives_the_same_state(world, make_world, note):
    world.block(world.shield(world.alice, note(1), 100, fee=10), world.transfer())
    world.block(world.unshield(world.bob, note(1), 80, fee=10), b"junk")
    again = make_world()
    for txs in world.blocks:
        again.block(*txs)
    assert again.state.items == world.state.items
    assert again.receipts == world.receipts


def test_ex15_events_read_back_or_are_refused():
    movement = Movement(SHIELDED, TRANSPARENT, Kind(3, 4), 2**64 - 1)
    event = movement.event()
    assert Movement.from_event(event) == movement
    for broken in (
        event.data[1:],
        (*event.data[:4], ("amount", "x")),
        (*event.data[:4], ("amount", "-1")),
        (*event.data[:4], ("amount", "0")),
        (*event.data[:4], ("amount", str(2**64))),
        (("from", "x"), *event.data[1:]),
    ):
        with pytest.raises(DecodeError):
            Movement.from_event(type(event)(event.name, broken))


def test_ex15_the_audit_finds_what_does_not_add_up(world, note):
    world.block(world.shield(world.alice, note(1), 100, fee=10))
    native = next(s for s in turnstile.supply(world.state) if s.kind == NATIVE)
    assert (native.shielded, native.fees, native.private) == (90, 10, 0)
    assert native.issued == native.transparent + 90
    assert native.adds_up
    ledger = Ledger(world.state)
    ledger.credit(world.bob.account, NATIVE, 1)
    minted = world.state.after(dict(ledger.writes()))
    pool = Totals(10**6).to_bytes()
    inflated = world.state.after({turnstile.totals_key(SHIELDED, NATIVE): pool})
    overdrawn = world.state.after(
        {turnstile.totals_key(SHIELDED, world.asset): Totals(0, 1).to_bytes()}
    )
    unissued = world.state.after({turnstile.issued_key(NATIVE): bytes(8)})
    for state in (minted, inflated, overdrawn, unissued):
        assert not all(s.adds_up for s in turnstile.supply(state))


AMOUNTS = st.integers(1, 400)
KINDS = st.sampled_from([NATIVE, Kind(0, 77)])


class Walk(RuleBasedStateMachine):
    """Transfers, shields, payments in the pool, unshields; and each kind of wrong one."""

    make_world = None

    @initialize()
    def start(self):
        self.world = self.make_world()
        self.keys = [self.world.alice, self.world.bob]
        self.sequences = [0, 0]
        self.notes = {}
        self.spent = []
        self.names = 0
        self.issued = self.world.genesis.supply()

    def name(self):
        self.names += 1
        return f"{self.names:064x}"

    def step(self, tx, expected=None):
        code = self.world.block(tx)[0]
        assert expected is None or code == expected, (code, expected)
        return code == "ok"

    @rule(who=st.integers(0, 1), kind=KINDS, amount=st.integers(1, 700), fee=st.integers(0, 50))
    def transfer(self, who, kind, amount, fee):
        tx = self.world.transfer(
            self.keys[who], sequence=self.sequences[who], fee=fee, amount=amount, kind=kind,
            to=self.keys[1 - who], expiry=self.world.height + 1,
        )  # fmt: skip
        self.sequences[who] += self.step(tx)

    @rule(who=st.integers(0, 1), kind=KINDS, amount=AMOUNTS, fee=st.integers(0, 50))
    def shield(self, who, kind, amount, fee):
        name, dummy = self.name(), self.name()
        fee = min(fee, amount) if kind == NATIVE else 0
        tx = self.world.pooled(
            self.keys[who],
            consumes=(dummy,),
            creates=((name, kind.label, amount - fee),),
            crossings=((1, self.keys[who].account.hex(), kind.label, -amount, ""),),
            fee=fee,
            expiry=self.world.height + 1,
        )
        if self.step(tx):
            self.notes[name] = (kind, amount - fee)

    @rule(data=st.data(), share=st.integers(0, 100), who=st.integers(0, 1))
    def spend(self, data, share, who):
        """Part of a note to an account, the rest to a new note."""
        if not self.notes:
            return
        name = data.draw(st.sampled_from(sorted(self.notes)))
        kind, value = self.notes[name]
        out, change = value * share // 100, self.name()
        crossings = ((1, self.keys[who].account.hex(), kind.label, out, ""),) if out else ()
        tx = self.world.pooled(
            consumes=(name,), creates=((change, kind.label, value - out),), crossings=crossings,
            expiry=self.world.height + 1,
        )  # fmt: skip
        assert self.step(tx, "ok")
        del self.notes[name]
        self.spent.append(name)
        self.notes[change] = (kind, value - out)

    @rule(data=st.data())
    def spend_again(self, data):
        if self.spent:
            name = data.draw(st.sampled_from(self.spent))
            tx = self.world.pooled(consumes=(name,), expiry=self.world.height + 1, flaw="mint")
            self.step(tx, "EX-7")

    @rule(kind=KINDS, extra=st.integers(1, 2**64 - 1))
    def overdraw_the_pool(self, kind, extra):
        out = held(self.world, kind) + extra
        if out < 2**64:
            crossings = ((1, self.keys[0].account.hex(), kind.label, out, ""),)
            tx = self.world.pooled(
                consumes=(self.name(),),
                crossings=crossings,
                expiry=self.world.height + 1,
                flaw="mint",
            )
            assert not self.step(tx)

    @rule(who=st.integers(0, 1), kind=KINDS, amount=AMOUNTS)
    def debit_another_s_account(self, who, kind, amount):
        crossings = ((1, self.keys[who].account.hex(), kind.label, -amount, ""),)
        tx = self.world.pooled(
            self.keys[1 - who], consumes=(self.name(),),
            creates=((self.name(), kind.label, amount),), crossings=crossings,
            expiry=self.world.height + 1,
        )  # fmt: skip
        self.step(tx, "TR-10")

    @invariant()
    def nothing_came_of_nothing(self):
        audit = {s.kind: s for s in turnstile.supply(self.world.state)}
        assert {k: s.issued for k, s in audit.items()} == self.issued
        assert all(s.adds_up for s in audit.values())
        for kind, line in audit.items():
            notes = sum(value for k, value in self.notes.values() if k == kind)
            assert line.shielded == notes
        fees = Ledger(self.world.state).balance(FEE_ACCOUNT, NATIVE)
        assert fees == sum(r.fee for r in self.world.receipts) == audit[NATIVE].fees

    def teardown(self):
        recomputed = turnstile.recomputed(self.world.genesis, self.world.receipts)
        assert recomputed == turnstile.stored(self.world.state)


def test_ex15_random_walks_conserve_value_per_kind(walk, make_world):
    walk(Walk, make_world, examples=25, steps=25)
