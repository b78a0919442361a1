"""Random orders among random payments, honest and forged: closed pools keep what they hold."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from node.core.ids import NATIVE, EnvironmentId, Height, Kind
from node.execution import pools, turnstile

SHIELDED = EnvironmentId.SHIELDED
KINDS = (NATIVE, Kind(0, 77))


class Walk(RuleBasedStateMachine):
    """The model knows the pool's state by its own few lines; the chain must agree with it."""

    make_world = None

    @initialize()
    def start(self):
        self.world = self.make_world()
        self.notes, self.names = {}, 0
        self.ordered, self.deadline, self.insecure = "open", 0, False
        self.issued = self.world.genesis.supply()

    def name(self):
        self.names += 1
        return f"{self.names:064x}"

    def state_at(self, height):
        return "frozen" if self.deadline and height > self.deadline else self.ordered

    def step(self, *txs):
        """One block; whatever is in it, a closed pool's totals say what it was."""
        world = self.world
        state = self.state_at(world.height + 1)
        before = {kind: turnstile.totals(world.state, SHIELDED, kind) for kind in KINDS}
        codes = world.block(*txs)
        for kind, old in before.items():
            new = turnstile.totals(world.state, SHIELDED, kind)
            if state == "frozen":
                assert new == old
            if state == "exit-only":
                assert new.entered == old.entered
        return codes

    @rule(
        name=st.sampled_from(["open", "exit-only", "frozen"]),
        insecure=st.sampled_from([False, False, False, True]),
        ahead=st.sampled_from([0, 0, 0, 1, 2, 5]),
    )
    def order(self, name, insecure, ahead):
        height = self.world.height + 1
        deadline = height + ahead if ahead else 0
        broken = self.insecure or insecure
        final = self.insecure and self.deadline and height > self.deadline
        possible = not (
            final
            or (name == "open" and (broken or deadline))
            or (name == "frozen" and deadline and not broken)
        )
        fields = {"insecure": "pool/1" if insecure else "", "deadline": Height(deadline)}
        (code,) = self.step(self.world.order(name, **fields))
        assert (code == "ok") == possible, (code, name, fields)
        if possible:
            self.ordered, self.deadline, self.insecure = name, deadline, broken

    @rule(kind=st.sampled_from(KINDS), amount=st.integers(1, 200), flood=st.booleans())
    def shield(self, kind, amount, flood):
        name = self.name()
        tx = self.world.pooled(
            self.world.alice,
            consumes=(self.name(),),
            creates=((name, kind.label, amount),),
            crossings=((1, self.world.alice.account.hex(), kind.label, -amount, ""),),
            expiry=self.world.height + 1,
        )
        closed = self.state_at(self.world.height + 1)
        # An order that nobody signed, in the same block, changes nothing.
        codes = self.step(tx, self.world.order("frozen", ())) if flood else self.step(tx)
        expected = {"frozen": {"EX-33"}, "exit-only": {"EX-34"}, "open": {"ok", "TR-7"}}
        assert codes[0] in expected[closed]
        if codes[0] == "ok":
            self.notes[name] = (kind, amount)

    @rule(data=st.data(), share=st.integers(0, 100), forged=st.booleans())
    def spend(self, data, share, forged):
        """Part of a note to an account, the rest to a new one; or out of nothing."""
        world = self.world
        if forged or not self.notes:
            kind, amount, nf = data.draw(st.sampled_from(KINDS)), 150, self.name()
        else:
            nf = data.draw(st.sampled_from(sorted(self.notes)))
            kind, amount = self.notes[nf]
        out = amount * share // 100
        new = self.name()
        tx = world.pooled(
            consumes=(nf,),
            creates=((new, kind.label, amount - out),),
            crossings=((1, world.bob.account.hex(), kind.label, out, ""),) if out else (),
            expiry=world.height + 1,
            flaw="mint" if nf not in self.notes else "",
        )
        state = self.state_at(world.height + 1)
        (code,) = self.step(tx)
        if state == "frozen":
            assert code == "EX-33"
        elif state == "exit-only" and not out:
            assert code == "EX-34"
        else:
            assert code in {"ok", "EX-11"}
        if code == "ok":
            self.notes.pop(nf, None)
            self.notes[new] = (kind, amount - out)

    @rule(blocks=st.integers(1, 3))
    def wait(self, blocks):
        for _ in range(blocks):
            self.step()

    @invariant()
    def everything_that_was_issued_is_somewhere(self):
        if not hasattr(self, "world"):
            return
        for line in turnstile.supply(self.world.state):
            assert line.adds_up
            assert line.issued == self.issued[line.kind]
        height = self.world.height + 1
        assert pools.record(self.world.state, SHIELDED).at(height).label == self.state_at(height)

    def teardown(self):
        """Replaying the blocks from genesis gives the same state: orders included."""
        again = self.make_world()
        for txs in self.world.blocks:
            again.block(*txs)
        assert again.state.items == self.world.state.items
        assert turnstile.recomputed(self.world.genesis, self.world.receipts) == turnstile.stored(
            self.world.state
        )


def test_ex33_random_orders_and_payments_never_move_a_frozen_pool(walk, make_guarded) -> None:
    walk(Walk, make_guarded, examples=30, steps=25)
