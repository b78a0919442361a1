"""EX-40 … EX-43: amounts that nobody sees, between two pools that show here what they are."""

from __future__ import annotations

import itertools
from dataclasses import replace

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from node.audit.supply import SupplyAudit
from node.core.effects import Effects, Event, HiddenValue, Part
from node.core.errors import InvalidTransaction
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Kind
from node.execution import turnstile
from node.execution.overlay import EmptyState, Overlay
from node.execution.run import check_parts
from node.execution.turnstile import Hidden, HiddenMovement, Movement
from node.explorer import state_pages
from node.lane import settled
from node.rpc import views
from node.rpc.schema import SupplyReport, SupplyView
from transparent.accounts import Ledger
from transparent.env import TransparentEnvironment
from zk.errors import DecodeError

TRANSPARENT, SHIELDED = EnvironmentId.TRANSPARENT, EnvironmentId.SHIELDED
PRIVATE, INTENTS = EnvironmentId.PRIVATE, EnvironmentId.INTENTS
REF = "ab" * 32
L = NATIVE.label


@pytest.fixture
def dark(make_world):
    """A chain with both pools; its guardians' orders count."""
    return make_dark(make_world)


def make_dark(make_world, **options):
    pool = make_world().pool
    environments = {
        TRANSPARENT: TransparentEnvironment(64),
        SHIELDED: pool,
        PRIVATE: type(pool)(PRIVATE, b"p/"),
    }
    world = make_world(environments=environments, **options)
    world.pool = pool
    return world


def spend(world, value, *, consumes, creates=(), fee=0, **fields) -> bytes:
    return world.pooled(
        consumes=consumes, creates=creates, fee=fee, hidden=(value,) if value else (), **fields
    )


def around(world, inner: bytes, value, *, consumes, creates=(), **fields) -> bytes:
    """A private transaction that carries `inner` and names the hidden value."""
    named = (value,) if value else ()
    return world.pooled(
        environment=PRIVATE,
        consumes=consumes,
        creates=creates,
        carries=((inner.hex(), named),),
        **fields,
    )


def deposit(world, note, cell, amount, *, reference=REF, kind=NATIVE, **fields) -> bytes:
    """A note of `amount` into a cell, all of it."""
    value = (reference, kind.label, amount, False)
    inner = spend(world, value, consumes=(note,))
    return around(
        world, inner, value,
        consumes=("c0" + cell[2:],), creates=((cell, kind.label, amount),), **fields,
    )  # fmt: skip


def claim(world, cell, note, amount, *, reference=REF, kind=NATIVE, **fields) -> bytes:
    value = (reference, kind.label, amount, True)
    inner = spend(world, value, consumes=("e0" + note[2:],), creates=((note, kind.label, amount),))
    return around(world, inner, value, consumes=(cell,), **fields)


def held(world, environment, kind=NATIVE) -> int:
    return turnstile.totals(world.state, environment, kind).held


def test_there_and_back_again(dark, note):
    assert dark.block(dark.shield(dark.alice, note(1), 100)) == ["ok"]
    assert dark.block(deposit(dark, note(1), note(2), 100)) == ["ok"]
    assert turnstile.hidden(dark.state, NATIVE) == Hidden(1, 0)
    out = dark.pooled(
        environment=PRIVATE,
        consumes=(note(2),),
        creates=((note(3), L, 60),),
        crossings=((1, dark.bob.account.hex(), L, 40, ""),),
    )
    assert dark.block(out) == ["ok"]
    assert (held(dark, SHIELDED), held(dark, PRIVATE)) == (100, -40), "what is known of each"
    assert dark.block(claim(dark, note(3), note(4), 60)) == ["ok"]
    assert dark.block(dark.unshield(dark.bob, note(4), 60)) == ["ok"]
    assert held(dark, SHIELDED) + held(dark, PRIVATE) == 0
    native = next(s for s in turnstile.supply(dark.state) if s.kind == NATIVE)
    assert native.adds_up
    assert (native.joint, native.hidden) == (0, Hidden(1, 1))
    assert turnstile.recomputed(dark.genesis, dark.receipts) == turnstile.stored(dark.state)


def test_ex40_alone_or_in_anything_else_nothing_moves_in_the_dark(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    value = (REF, L, 100, False)
    inner = spend(dark, value, consumes=(note(1),))
    assert dark.block(inner) == ["EX-40"]
    other = (REF, L, 99, False)
    for named in ((), (other,), (value, ("ac" * 32, L, 5, False))):
        outer = dark.pooled(
            environment=PRIVATE,
            consumes=(note(9),),
            creates=((note(8), L, sum(item[2] for item in named)),),
            carries=((inner.hex(), named),),
        )
        assert dark.block(outer) == ["EX-40"], named
    plain = spend(dark, None, consumes=(note(1),), creates=((note(2), L, 100),))
    outer = around(dark, plain, value, consumes=(note(9),), creates=((note(8), L, 100),))
    assert dark.block(outer) == ["EX-40"], "what is named and does not happen would mint"
    assert dark.block(deposit(dark, note(1), note(2), 100)) == ["ok"]


def test_ex40_a_private_transaction_moves_nothing_in_the_dark_itself(dark, note):
    own = dark.pooled(
        environment=PRIVATE,
        consumes=(note(1),),
        creates=((note(2), L, 7),),
        hidden=((REF, L, 7, True),),
    )
    assert dark.block(own) == ["EX-40"]


def test_ex40_the_lane_names_no_hidden_values():
    value = HiddenValue(PRIVATE, bytes(32), NATIVE, bytes(32), False)
    with pytest.raises(InvalidTransaction) as refused:
        check_parts(INTENTS, Effects(parts=(Part("x", wires=(b"",), hidden=(value,)),)))
    assert refused.value.rule == "EX-40"


def test_ex41_the_two_pools_are_bounded_together(dark, note):
    """A flaw of either circuit takes what is in both at most."""
    dark.block(dark.shield(dark.alice, note(1), 100), dark.shield(dark.alice, note(2), 50))
    assert dark.block(deposit(dark, note(1), note(3), 100)) == ["ok"]

    def out(environment, amount, name):
        crossing = (1, dark.bob.account.hex(), L, amount, "")
        return dark.pooled(
            environment=environment, consumes=(name,), crossings=(crossing,), flaw="mint"
        )

    assert dark.block(out(PRIVATE, 151, note(20))) == ["EX-41"]
    assert dark.block(out(PRIVATE, 120, note(21))) == ["ok"]
    # Nothing came back in the dark, so the shielded pool has its own bound; but before that is
    # reached nothing is left in the two.
    assert dark.block(out(SHIELDED, 31, note(22))) == ["EX-41"]
    assert dark.block(out(SHIELDED, 151, note(23))) == ["EX-11"]
    assert dark.block(out(SHIELDED, 30, note(24))) == ["ok"]
    assert dark.block(out(PRIVATE, 1, note(25))) == ["EX-41"]
    assert all(s.adds_up for s in turnstile.supply(dark.state))


def test_ex41_without_a_movement_in_the_dark_each_pool_is_bounded_alone(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    out = ((1, dark.bob.account.hex(), L, 1, ""),)
    forged = dark.pooled(environment=PRIVATE, consumes=(note(5),), crossings=out, flaw="mint")
    assert dark.block(forged) == ["EX-11"]
    dark.block(dark.shield(dark.alice, note(2), 9, kind=dark.asset))
    assert dark.block(deposit(dark, note(2), note(3), 9, kind=dark.asset)) == ["ok"]
    assert dark.block(forged) == ["EX-11"], "of another kind"


def test_ex41_direction_counts():
    state = Overlay(turnstile_state())
    back = HiddenMovement(PRIVATE, SHIELDED, NATIVE, bytes(32))
    turnstile.move(state, [Movement(TRANSPARENT, PRIVATE, NATIVE, 10)], [back])
    turnstile.move(state, [Movement(SHIELDED, TRANSPARENT, NATIVE, 10)])
    with pytest.raises(InvalidTransaction) as refused:
        turnstile.move(Overlay(state), [Movement(SHIELDED, TRANSPARENT, NATIVE, 1)])
    assert refused.value.rule == "EX-41"
    with pytest.raises(InvalidTransaction) as refused:
        turnstile.move(Overlay(state), [Movement(PRIVATE, TRANSPARENT, NATIVE, 11)])
    assert refused.value.rule == "EX-11", "nothing came into the private pool in the dark"


def turnstile_state():
    state = Overlay(EmptyState())
    entered = turnstile.Totals(1000)
    state.put(turnstile.totals_key(TRANSPARENT, NATIVE), entered.to_bytes())
    state.put(turnstile.issued_key(NATIVE), (1000).to_bytes(8, "little"))
    return state


def test_ex41_an_audit_follows_what_moved_in_the_dark(dark, note):
    audit = SupplyAudit(dark.genesis)
    out = dark.pooled(
        environment=PRIVATE,
        consumes=(note(2),),
        creates=((note(3), L, 60),),
        crossings=((1, dark.bob.account.hex(), L, 40, ""),),
    )
    shield, into = dark.shield(dark.alice, note(1), 100), deposit(dark, note(1), note(2), 100)
    for height, tx in enumerate((shield, into, out), 1):
        assert dark.block(tx) == ["ok"]
        audit.follow([dark.receipts[-1]])
        assert audit.fault(height, dark.state, last=True) is None
    forgotten = SupplyAudit(dark.genesis)
    for receipt in dark.receipts[:2]:
        bare = tuple(e for e in receipt.events if e.name != turnstile.HIDDEN_EVENT)
        forgotten.follow([replace(receipt, events=bare)])
    with pytest.raises(InvalidTransaction) as refused:
        forgotten.follow([dark.receipts[2]])
    assert refused.value.rule == "EX-11"


def test_ex41_the_views_say_what_is_known_of_each_and_of_both(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    dark.block(deposit(dark, note(1), note(2), 100))
    out = ((1, dark.bob.account.hex(), L, 40, ""),)
    dark.block(
        dark.pooled(
            environment=PRIVATE, consumes=(note(2),), creates=((note(3), L, 60),), crossings=out
        )
    )
    found = [views.supply(line, {}) for line in turnstile.supply(dark.state)]
    (native,) = [view for view in found if view.kind.kind == NATIVE]
    assert (native.shielded, native.private, native.joint) == ("100", "-40", "60")
    assert (native.hidden_into, native.hidden_out_of, native.balanced) == (1, 0, True)
    assert msgspec.json.decode(msgspec.json.encode(native), type=SupplyView) == native
    report = SupplyReport(height=3, state_root="0x" + "00" * 32, kinds=found, balanced=True)
    (asset,) = [item for item in state_pages.shares(report) if item["view"] is native]
    assert min(asset["parts"].values()) >= 0
    assert (asset["parts"]["private"], asset["shadow"]) == (0, 60), "as its text says"


def test_ex41_receipts_tell_and_are_read_strictly(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    dark.block(deposit(dark, note(1), note(2), 100))
    _, (found,) = turnstile.told(dark.receipts[-1])
    assert found == HiddenMovement(SHIELDED, PRIVATE, NATIVE, bytes.fromhex(REF))
    event = found.event()
    assert "amount" not in dict(event.data)
    for broken in (
        event.data[1:],
        (("from", "transparent"), *event.data[1:]),
        (("from", "private"), *event.data[1:]),
        (*event.data[:4], ("reference", "x")),
    ):
        with pytest.raises(DecodeError):
            HiddenMovement.from_event(Event(event.name, broken))


@pytest.mark.parametrize("pool", [SHIELDED, PRIVATE])
def test_ex42_only_between_open_pools(make_world, note, pool):
    keys = tuple(bytes(key.account) for key in make_world.guardians)
    world = make_dark(make_world, guardians=keys, guardian_threshold=2)
    world.block(world.shield(world.alice, note(1), 100), world.shield(world.alice, note(2), 100))
    assert world.block(deposit(world, note(1), note(3), 100)) == ["ok"]
    assert world.block(world.order("exit-only", pool=pool)) == ["ok"]
    # Beside it value leaves in the open, which EX-34 asks for; the dark stays closed all the same.
    public = ((1, world.bob.account.hex(), L, 1, ""),)
    value = (REF, L, 99, False)
    inner = spend(world, value, consumes=(note(2),), crossings=public)
    entering = around(
        world, inner, value,
        consumes=(note(7),), creates=((note(8), L, 98),), crossings=public,
    )  # fmt: skip
    back = (REF, L, 99, True)
    inner = spend(world, back, consumes=(note(9),), creates=((note(10), L, 98),), crossings=public)
    leaving = around(world, inner, back, consumes=(note(3),), crossings=public)
    assert world.block(entering, leaving) == ["EX-42", "EX-42"]
    assert world.block(world.order("open", pool=pool)) == ["ok"]
    assert world.block(entering, leaving) == ["ok", "ok"]


def test_ex43_a_part_is_one_transaction_that_must_happen_and_is_told(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    for flaw in ("twice", "perhaps", "untold"):
        tx = deposit(dark, note(1), note(2), 100, flaw=flaw)
        assert dark.block(tx) == ["EX-43"], flaw
    wrong = spend(dark, (REF, L, 100, False), consumes=(note(1),), flaw="stateless")
    outer = around(
        dark, wrong, (REF, L, 100, False), consumes=(note(9),), creates=((note(8), L, 100),)
    )
    before = held(dark, SHIELDED), len(dark.state.items)
    assert dark.block(outer) == ["PO-2"], "nothing happens without what it carries"
    assert held(dark, SHIELDED) == before[0]
    assert turnstile.hidden(dark.state, NATIVE) == Hidden()


def test_ex43_fees_of_what_is_carried_count_once(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    value = (REF, L, 80, False)
    inner = spend(dark, value, consumes=(note(1),), fee=20)

    def outer(**fields):
        return around(
            dark, inner, value, consumes=(note(3),), creates=((note(2), L, 80),), **fields
        )

    assert dark.block(outer(), outer(carried_fee=19), outer(carried_fee=21)) == ["EX-43"] * 3
    assert dark.block(spend(dark, None, consumes=(note(9),), carried_fee=20)) == ["EX-43"]
    assert dark.block(outer(carried_fee=20)) == ["ok"]
    assert dark.receipts[-1].fee == 20
    assert Ledger(dark.state).balance(FEE_ACCOUNT, NATIVE) == 20


def test_what_was_carried_is_found_in_the_block(dark, note):
    dark.block(dark.shield(dark.alice, note(1), 100))
    tx = deposit(dark, note(1), note(2), 100)
    dark.block(tx)
    (item,) = settled.carried(tx, dark.receipts[-1])
    assert item.environment is SHIELDED
    found = list(settled.flattened(dark.as_block(tx), [dark.receipts[-1]]))
    assert [receipt.environment for _, receipt in found] == [PRIVATE, SHIELDED]
    assert any(e.name == "turnstile-hidden" for e in found[1][1].events)


AMOUNTS = st.integers(1, 400)
KINDS = st.sampled_from([NATIVE, Kind(0, 77)])


class Walk(RuleBasedStateMachine):
    """Value on accounts, in notes and in cells, moved openly and in the dark, whole or in part."""

    make_world = None

    @initialize()
    def start(self):
        self.world = make_dark(self.make_world)
        self.names = itertools.count(1)
        self.pools = {SHIELDED: {}, PRIVATE: {}}
        self.issued = self.world.genesis.supply()

    def name(self):
        return f"{next(self.names):064x}"

    def pick(self, data, pool):
        return data.draw(st.sampled_from(sorted(self.pools[pool])))

    @rule(pool=st.sampled_from([SHIELDED, PRIVATE]), kind=KINDS, amount=AMOUNTS)
    def enter(self, pool, kind, amount):
        world, name = self.world, self.name()
        tx = world.pooled(
            world.alice,
            environment=pool,
            consumes=(self.name(),),
            creates=((name, kind.label, amount),),
            crossings=((1, world.alice.account.hex(), kind.label, -amount, ""),),
            expiry=world.height + 1,
        )
        (code,) = world.block(tx)
        assert code in ("ok", "TR-7")
        if code == "ok":
            self.pools[pool][name] = (kind, amount)

    @rule(pool=st.sampled_from([SHIELDED, PRIVATE]), data=st.data(), share=st.integers(1, 100))
    def leave(self, pool, data, share):
        if not self.pools[pool]:
            return
        name, rest, world = self.pick(data, pool), self.name(), self.world
        kind, amount = self.pools[pool].pop(name)
        out = max(1, amount * share // 100)
        tx = world.pooled(
            environment=pool,
            consumes=(name,),
            creates=((rest, kind.label, amount - out),),
            crossings=((1, world.bob.account.hex(), kind.label, out, ""),),
            expiry=world.height + 1,
        )
        assert world.block(tx) == ["ok"]
        if amount > out:
            self.pools[pool][rest] = (kind, amount - out)

    @rule(into=st.booleans(), data=st.data(), share=st.integers(0, 100), fee=st.integers(0, 9))
    def in_the_dark(self, into, data, share, fee):
        source, sink = (SHIELDED, PRIVATE) if into else (PRIVATE, SHIELDED)
        if not self.pools[source]:
            return
        world, name = self.world, self.pick(data, source)
        new, rest, reference = self.name(), self.name(), self.name()
        kind, amount = self.pools[source].pop(name)
        moved = amount * share // 100
        value = (reference, kind.label, moved, not into)
        change = ((rest, kind.label, amount - moved),)
        fee = min(fee, amount - moved if into else moved) if kind == NATIVE else 0
        if into:
            change = ((rest, kind.label, amount - moved - fee),)
            ends = (name,), change, (self.name(),), ((new, kind.label, moved),)
        else:
            arrives = ((new, kind.label, moved - fee),)
            ends = (self.name(),), arrives, (name,), change
        inner = world.pooled(
            consumes=ends[0], creates=ends[1], hidden=(value,), fee=fee, expiry=world.height + 1
        )
        outer = around(
            world, inner, value, consumes=ends[2], creates=ends[3], carried_fee=fee,
            expiry=world.height + 1,
        )  # fmt: skip
        assert world.block(outer) == ["ok"]
        left = amount - moved - (fee if into else 0)
        came = moved - (0 if into else fee)
        self.pools[source] |= {rest: (kind, left)} if left else {}
        self.pools[sink] |= {new: (kind, came)} if came else {}

    @rule(pool=st.sampled_from([SHIELDED, PRIVATE]), kind=KINDS, extra=st.integers(1, 2**32))
    def forge(self, pool, kind, extra):
        """More than is in both pools never comes out."""
        world = self.world
        joint = held(world, SHIELDED, kind) + held(world, PRIVATE, kind)
        tx = world.pooled(
            environment=pool,
            consumes=(self.name(),),
            crossings=((1, world.bob.account.hex(), kind.label, joint + extra, ""),),
            expiry=world.height + 1,
            flaw="mint",
        )
        assert world.block(tx)[0] in ("EX-11", "EX-41")

    @invariant()
    def nothing_came_of_nothing(self):
        audit = {s.kind: s for s in turnstile.supply(self.world.state)}
        assert {k: s.issued for k, s in audit.items()} == self.issued
        for kind, line in audit.items():
            inside = {
                pool: sum(n for k, n in found.values() if k == kind)
                for pool, found in self.pools.items()
            }
            assert line.adds_up
            assert line.joint == sum(inside.values())
            if line.hidden == Hidden():
                assert (line.shielded, line.private) == (inside[SHIELDED], inside[PRIVATE])
        fees = Ledger(self.world.state).balance(FEE_ACCOUNT, NATIVE)
        assert fees == sum(r.fee for r in self.world.receipts)

    def teardown(self):
        recomputed = turnstile.recomputed(self.world.genesis, self.world.receipts)
        assert recomputed == turnstile.stored(self.world.state)


def test_ex41_random_walks_between_three_environments_conserve_value(walk, make_world):
    walk(Walk, make_world, examples=15, steps=15)
