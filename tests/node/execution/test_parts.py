"""EX-36 to EX-39: reservations, payers, parts of transactions, and blocks that wait."""

from __future__ import annotations

import pytest

from node.core.block import Transaction
from node.core.effects import BatchScope, Effects, Event, Part, nullifier_key, reservation_key
from node.core.errors import StoreError
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Height, tagged_hash
from node.execution import turnstile
from node.execution.executor import Executor
from transparent.accounts import Ledger, balance_key
from transparent.env import TransparentEnvironment

TRANSPARENT, SHIELDED = EnvironmentId.TRANSPARENT, EnvironmentId.SHIELDED
CHAIN, INTENTS = EnvironmentId.CHAIN, EnvironmentId.INTENTS
SCOPE, OTHER = BatchScope(0, 0, 1), BatchScope(0, 0, 2)


class ScriptEnvironment:
    """An environment whose transactions are names of effects, or of what raises them."""

    def __init__(self, tag: EnvironmentId, script: dict) -> None:
        self.id, self.script = tag, script

    def preview(self, payload, chain_id) -> int:
        return self.script[payload.decode()].fee

    def is_unpaid(self, payload) -> bool:
        return False

    def decode(self, payload) -> str:
        return payload.decode()

    def tx_id(self, tx):
        return tagged_hash("script", tx.encode())

    def expiry(self, tx):
        return Height(1 << 32)

    def fee(self, tx) -> int:
        return self.script[tx].fee

    def conflicts(self, tx):
        return ()

    def check_stateless(self, tx, context) -> None: ...

    def claims(self, tx):
        return ()

    def check_historical(self, tx, state, context) -> None: ...

    def execute(self, tx, state, context):
        return self.script[tx]

    def end_block(self, commitments, state, context):
        return Effects()


class Waiting:
    """Waits until the state says that the lead was there."""

    def passes(self, data) -> bool:
        return data == wire("lead")

    def waits(self, state, height) -> str:
        return "" if state.get(b"i/lead") else "a batch is neither opened nor over"

    def foresee(self, txs, state, height) -> None:
        """Nothing."""


def wire(name: str, tag: EnvironmentId = INTENTS) -> bytes:
    return Transaction(tag, name.encode()).to_bytes()


@pytest.fixture
def lane(make_world):
    """`lane(name=effects, …)`: a chain whose intents' environment does what is scripted."""

    def make(rules=None, **script):
        world = make_world()
        environments = {**world.environments, INTENTS: ScriptEnvironment(INTENTS, script)}
        world.executor = Executor(world.genesis, environments, world.verifier, rules)
        return world

    return make


def balance(world, key, kind=NATIVE) -> int:
    return Ledger(world.state).balance(getattr(key, "account", key), kind)


def parts(world) -> list[tuple[str, str]]:
    """Name and code of every part of the last receipt."""
    data = (dict(e.data) for e in world.receipts[-1].events if e.name == "part")
    return [(item["name"], item["code"]) for item in data]


def paying(world, amount: int, *, to=None, name="pay", **changes) -> Part:
    moved = (
        (world.alice.account, NATIVE, -amount),
        ((to or world.bob).account, NATIVE, amount),
    )
    return Part(name, balances=moved, **changes)


def held(note: str, scope: BatchScope) -> Effects:
    key = reservation_key(nullifier_key(SHIELDED, bytes.fromhex(note)))
    return Effects(writes=((key, scope.ref),))


# EX-36


def test_ex36_a_reserved_note_is_its_batchs_until_the_batch_ends(lane, note):
    world = lane()
    script = world.executor._environments[INTENTS].script
    spend = world.pooled(consumes=(note(1),), creates=((note(2), NATIVE.label, 100),), salt=1)
    script["hold"] = held(note(1), SCOPE)
    script["release"] = Effects(writes=((script["hold"].writes[0][0], None),))
    script["foreign"] = Effects(parts=(Part("foreign", wires=(spend,), scope=OTHER),))
    script["mine"] = Effects(parts=(Part("mine", wires=(spend,), scope=SCOPE),))
    assert world.block(world.shield(world.alice, note(1), 100)) == ["ok"]
    assert world.block(wire("hold"), spend, wire("foreign")) == ["ok", "EX-36", "ok"]
    assert parts(world) == [("foreign", "EX-36")]
    assert world.executor.check([spend], world.state, Height(9))[0].error.id == "EX-36"
    before = world.state
    assert world.block(wire("mine")) == ["ok"]
    assert parts(world) == [("mine", "ok")]
    world.state = before
    assert world.block(spend, wire("release"), spend) == ["EX-36", "ok", "ok"]


def test_ex36_a_reservation_made_in_a_block_binds_what_stands_behind_it(lane, note):
    world = lane(hold=held(note(1), SCOPE))
    spend = world.pooled(consumes=(note(1),), creates=((note(2), NATIVE.label, 100),))
    world.block(world.shield(world.alice, note(1), 100))
    assert world.block(wire("hold"), spend) == ["ok", "EX-36"]


def test_ex36_the_record_of_a_reserved_order_is_written_for_its_batch_only(lane):
    """The order can be read once its batch is opened; who fills it elsewhere takes it out."""
    world, order = lane(), b"t/f/order"
    script = world.executor._environments[INTENTS].script
    script["hold"] = Effects(writes=((reservation_key(order), SCOPE.ref),))
    fill = ((TRANSPARENT, Effects(writes=((order, b"1"),))),)
    for name, scope in (("open", None), ("foreign", OTHER), ("mine", SCOPE)):
        script[name] = Effects(parts=(Part(name, effects=fill, scope=scope),))
    assert world.block(wire("hold"), wire("open"), wire("foreign")) == ["ok"] * 3
    assert parts(world) == [("foreign", "EX-36")]
    assert world.state.get(order) is None
    assert world.block(wire("mine")) == ["ok"]
    assert world.state.get(order) == b"1"


# EX-37


def test_ex37_the_payer_has_the_fee_or_nothing_happens(lane):
    world = lane()
    script = world.executor._environments[INTENTS].script
    rich = balance(world, world.alice)
    script["paid"] = Effects(writes=((b"i/a", b"1"),), fee=10, payer=world.alice.account)
    script["poor"] = Effects(writes=((b"i/b", b"1"),), fee=rich, payer=world.alice.account)
    totals = turnstile.totals(world.state, INTENTS, NATIVE)
    assert world.block(wire("paid"), wire("poor")) == ["ok", "EX-37"]
    assert world.state.get(b"i/a") and world.state.get(b"i/b") is None
    assert balance(world, world.alice) == rich - 10
    assert balance(world, FEE_ACCOUNT) == 10
    assert turnstile.totals(world.state, INTENTS, NATIVE) == totals, "nothing crossed"


# EX-38


def test_ex38_a_part_fails_alone_and_without_a_trace(lane, note):
    world = lane()
    script = world.executor._environments[INTENTS].script
    rich = balance(world, world.alice)
    broken = Part(
        "broken",
        wires=(world.shield(world.alice, note(1), 100),),
        balances=((world.alice.account, NATIVE, -rich), (world.bob.account, NATIVE, rich)),
    )
    crash = Part("crash", wires=(world.pooled(consumes=(note(9),), flaw="crash"),))
    script["settle"] = Effects(parts=(paying(world, 7), broken, crash, paying(world, 5, name="b")))
    assert world.block(wire("settle")) == ["ok"]
    assert parts(world) == [("pay", "ok"), ("broken", "TR-7"), ("crash", "EX-16"), ("b", "ok")]
    assert balance(world, world.alice) == rich - 12
    assert world.state.get(b"s/note/" + bytes.fromhex(note(1))) is None
    assert world.state.get(nullifier_key(SHIELDED, bytes.fromhex("dd" + note(1)[2:]))) is None
    assert not [e for e in world.receipts[-1].events if e.name == "crossing"]


def test_ex38_the_failure_of_a_required_part_refuses_the_transaction(lane):
    world = lane()
    script = world.executor._environments[INTENTS].script
    rich = balance(world, world.alice)
    needed = paying(world, rich + 1, required=True)
    script["settle"] = Effects(writes=((b"i/a", b"1"),), parts=(paying(world, 7), needed))
    assert world.block(wire("settle")) == ["TR-7"]
    assert balance(world, world.alice) == rich
    assert world.state.get(b"i/a") is None


@pytest.mark.parametrize("what", ["lane", "order"])
def test_ex38_parts_are_transactions_of_accounts_and_pools(lane, make_guarded, what):
    world = lane()
    script = world.executor._environments[INTENTS].script
    script["inner"] = Effects(writes=((b"i/a", b"1"),))
    wires = {"lane": wire("inner"), "order": make_guarded().order("frozen", signers=())}
    script["outer"] = Effects(parts=(Part("p", wires=(wires[what],), scope=SCOPE),))
    if what == "order":  # an order that its own rules would take
        orders = world.executor._environments[CHAIN]
        orders.check_stateless = lambda tx, context: None
    assert world.block(wire("outer")) == ["ok"]
    assert parts(world) == [("p", "EX-38")]
    assert world.state.get(b"i/a") is None


def test_ex38_outside_of_batches_the_lanes_own_may_be_parts_and_have_none(lane):
    world = lane()
    script = world.executor._environments[INTENTS].script
    script["entry"] = Effects(writes=((b"i/a", b"1"),), fee=3, payer=world.alice.account)
    script["nested"] = Effects(parts=(Part("deep", wires=(wire("entry"),)),))
    rich = balance(world, world.alice)
    script["blob"] = Effects(
        parts=(Part("one", wires=(wire("entry"),)), Part("two", wires=(wire("nested"),)))
    )
    assert world.block(wire("blob")) == ["ok"]
    assert parts(world) == [("one", "ok"), ("two", "EX-38")]
    assert world.state.get(b"i/a") == b"1"
    assert balance(world, world.alice) == rich - 3
    (told,) = (dict(e.data) for e in world.receipts[-1].events if e.name == "carried")
    assert (told["environment"], told["fee"]) == ("intents", "3")
    assert "wire" not in told


def test_the_bytes_of_a_part_are_told_where_it_says_so(lane, note):
    world = lane()
    script = world.executor._environments[INTENTS].script
    inner = world.shield(world.alice, note(1), 100)
    script["settle"] = Effects(parts=(Part("p", wires=(inner,), told=True),))
    assert world.block(wire("settle")) == ["ok"]
    (told,) = (dict(e.data) for e in world.receipts[-1].events if e.name == "carried")
    assert bytes.fromhex(told["wire"]) == inner


def test_ex38_in_anothers_name_there_are_writes_and_nothing_else(lane):
    world = lane()
    script = world.executor._environments[INTENTS].script
    key = balance_key(world.alice.account, NATIVE)
    attempts = {
        "spends": Effects(nullifiers=(bytes(32),)),
        "creates": Effects(commitments=(5,)),
        "pays": Effects(fee=1),
        "nests": Effects(parts=(paying(world, 1),)),
        "mints": Effects(writes=((key, (1 << 60).to_bytes(8, "little")),)),
    }
    made = tuple(Part(name, effects=((TRANSPARENT, e),)) for name, e in attempts.items())
    abroad = Part("abroad", effects=((TRANSPARENT, Effects(writes=((b"s/x", b"1"),))),))
    record = Part(
        "record",
        effects=((TRANSPARENT, Effects(writes=((b"t/f/x", b"1"),), events=(Event("f"),))),),
    )
    script["settle"] = Effects(parts=(*made, abroad, record))
    before = balance(world, world.alice)
    assert world.block(wire("settle")) == ["ok"]
    refused = [(name, "EX-38") for name in attempts]
    assert parts(world) == [*refused, ("abroad", "EX-8"), ("record", "ok")]
    assert balance(world, world.alice) == before
    assert world.state.get(b"t/f/x") == b"1"


def test_ex38_changes_of_balances_sum_to_zero(lane):
    world = lane()
    script = world.executor._environments[INTENTS].script
    alice, bob = world.alice.account, world.bob.account
    kinds = ((alice, NATIVE, -5), (bob, world.asset, 5))
    script["settle"] = Effects(
        parts=(
            Part("mint", balances=((alice, NATIVE, 5),)),
            Part("burn", balances=((alice, NATIVE, -5),)),
            Part("kinds", balances=kinds),
        )
    )
    assert world.block(wire("settle")) == ["ok"]
    assert parts(world) == [(name, "EX-38") for name in ("mint", "burn", "kinds")]


def test_ex38_no_other_environment_has_parts_or_payers(make_world):
    for effects in (Effects(parts=(Part("p"),)), Effects(fee=5, payer=make_world().alice.account)):
        world = make_world(
            environments={
                TRANSPARENT: TransparentEnvironment(64),
                SHIELDED: ScriptEnvironment(SHIELDED, {"x": effects}),
            }
        )
        assert world.block(wire("x", SHIELDED)) == ["EX-38"]


def test_ex38_a_part_sees_those_before_it_and_spends_nothing_twice(lane, note):
    world = lane()
    script = world.executor._environments[INTENTS].script
    script["settle"] = Effects(
        parts=(
            Part("in", wires=(world.shield(world.alice, note(1), 100),)),
            Part("out", wires=(world.unshield(world.bob, note(1), 100),)),
            Part("again", wires=(world.unshield(world.bob, note(1), 100),)),
        )
    )
    rich = balance(world, world.bob)
    assert world.block(wire("settle")) == ["ok"]
    assert parts(world) == [("in", "ok"), ("out", "ok"), ("again", "EX-5")]
    assert balance(world, world.bob) == rich + 100
    assert world.state.get(b"s/blocks").endswith(b"1:0;"), "one note, in its block"
    assert turnstile.recomputed(world.genesis, world.receipts) == turnstile.stored(world.state)
    assert all(line.adds_up for line in turnstile.supply(world.state))


def test_ex38_what_two_transactions_of_a_part_move_is_counted_once_each(lane, note):
    world = lane()
    wires = (
        world.shield(world.alice, note(1), 100),
        world.shield(world.alice, note(2), 50),
        world.unshield(world.bob, note(1), 100),
    )
    world.executor._environments[INTENTS].script["settle"] = Effects(parts=(Part("all", wires),))
    assert world.block(wire("settle")) == ["ok"]
    assert parts(world) == [("all", "ok")]
    totals = turnstile.totals(world.state, SHIELDED, NATIVE)
    assert (totals.entered, totals.left) == (150, 100)
    assert turnstile.recomputed(world.genesis, world.receipts) == turnstile.stored(world.state)


def test_ex38_a_machine_that_fails_in_a_part_stops(lane, note):
    world = lane()
    environments = dict(world.environments)

    class Broken(type(world.pool)):
        def execute(self, tx, state, context):
            raise StoreError("disk")

    environments[SHIELDED] = Broken()
    part = Part("p", wires=(world.pooled(consumes=(note(1),)),))
    environments[INTENTS] = ScriptEnvironment(INTENTS, {"settle": Effects(parts=(part,))})
    executor = Executor(world.genesis, environments, world.verifier)
    with pytest.raises(StoreError):
        world.execute(wire("settle"), executor=executor)


def test_ex38_a_rehearsal_does_what_the_part_will_do(lane, note):
    """Accepted alike, the same writes; and nothing of the block's end."""
    world = lane()
    script = world.executor._environments[INTENTS].script
    world.block(world.shield(world.alice, note(1), 100))
    wires = (
        world.unshield(world.bob, note(1), 100),
        world.unshield(world.bob, note(1), 100),
        world.transfer(),
    )
    script["settle"] = Effects(
        parts=tuple(Part(str(i), wires=(data,), scope=SCOPE) for i, data in enumerate(wires))
    )
    rehearsed = world.executor.rehearse(wires, world.state, Height(world.height + 1), SCOPE)
    assert [receipt.ok for receipt in rehearsed.receipts] == [True, False, True]
    assert b"s/blocks" not in rehearsed.writes
    done = world.execute(wire("settle"))
    assert rehearsed.writes.items() <= done.writes.items()
    codes = [dict(e.data)["code"] for e in done.receipts[0].events if e.name == "part"]
    assert codes == ["ok", "EX-5", "ok"]


# EX-39


def test_ex39_nothing_but_the_lead_changes_the_state_while_the_lane_waits(lane):
    world = lane(Waiting(), lead=Effects(writes=((b"i/lead", b"1"),)), other=Effects())
    junk = b"\x01"
    assert world.block(world.transfer(), wire("other"), junk) == ["EX-39"] * 3
    assert world.block(world.transfer(), wire("lead"), world.transfer()) == ["EX-39", "ok", "ok"]


def test_ex39_a_lead_that_fails_leaves_the_block_waiting(lane):
    failing = Effects(writes=((b"s/x", b"1"),))
    world = lane(Waiting(), lead=failing)
    assert world.block(wire("lead"), world.transfer()) == ["EX-8", "EX-39"]


def test_ex39_without_a_lane_nobody_waits(make_world):
    assert make_world().block(make_world().transfer()) == ["ok"]
