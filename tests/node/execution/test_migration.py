"""CH-30 to CH-33: the successor of a chain whose pool is closed for good."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.genesis import Allocation, Genesis, StatementKey
from node.core.ids import FEE_ACCOUNT, NATIVE, EnvironmentId, Height, Kind
from node.core.private import PrivateParameters
from node.execution import turnstile
from node.execution.executor import Executor
from node.execution.migration import (
    LeftBehind,
    NoSuccessor,
    OtherSuccessor,
    check_successor,
    successor,
)
from node.execution.turnstile import Hidden, Totals
from transparent.accounts import Ledger, every_balance

SHIELDED = EnvironmentId.SHIELDED
CORRECTED = StatementKey("pool/2", b"\x03" * 32, b"\x04" * 32)


def header(world):
    return world.as_block().header


def closed(world, note, *txs):
    """A pool with 100 and 30 in it, of which 20 and all fees leave; then closed for good."""
    assert set(world.block(
        world.shield(world.alice, note(1), 100),
        world.shield(world.bob, note(2), 30, kind=world.asset),
        world.transfer(world.alice, fee=40),
        *txs,
    )) == {"ok"}  # fmt: skip
    deadline = Height(world.height + 2)
    assert world.block(world.order("exit-only", insecure="pool/1", deadline=deadline)) == ["ok"]
    leaves = world.pooled(
        consumes=(note(1),),
        creates=((note(3), NATIVE.label, 70),),
        crossings=((1, world.bob.account.hex(), NATIVE.label, 20, ""),),
        fee=10,
    )
    assert world.block(leaves) == ["ok"]
    return world


def made(world, statements=(CORRECTED,), **options):
    return successor(world.genesis, world.state, header(world), statements, **options)


@pytest.fixture
def ended(guarded, note):
    return closed(guarded, note)


def test_the_successor_has_every_balance_and_names_its_predecessor(ended):
    found = made(ended)
    genesis = found.genesis
    balances = {(a, k): n for a, k, n in every_balance(ended.state)}
    assert {(a.account, a.kind): a.amount for a in genesis.allocations} == balances
    assert balances[FEE_ACCOUNT, NATIVE] == 50
    assert set(found.left_behind) == {
        LeftBehind(SHIELDED, NATIVE, 70), LeftBehind(SHIELDED, ended.asset, 30),
    }  # fmt: skip
    before = genesis.predecessor
    assert before.chain_id == ended.genesis.chain_id
    assert (before.height, before.block_hash) == (ended.height, header(ended).hash)
    assert genesis.chain_id != ended.genesis.chain_id
    same = (
        "profile", "name", "parameters", "validators", "guardians", "guardian_threshold", "lane",
    )  # fmt: skip
    assert all(getattr(genesis, name) == getattr(ended.genesis, name) for name in same)
    assert genesis.statements == (CORRECTED,)
    assert Genesis.from_bytes(genesis.to_bytes()) == genesis
    # It starts, adds up, and its pool is open and empty.
    executor = Executor(genesis, ended.environments, ended.verifier)
    state = ended.empty(executor.genesis())
    assert all(line.adds_up and line.shielded == 0 for line in turnstile.supply(state))
    assert Ledger(state).balance(ended.bob.account, NATIVE) == balances[ended.bob.account, NATIVE]


def test_ch30_a_pool_that_can_still_change_has_no_successor(guarded, make_guarded, note):
    with pytest.raises(NoSuccessor, match="CH-30"):
        made(guarded)
    for orders in (
        [("frozen", {})],
        [("frozen", {"insecure": "pool/1"})],
        [("exit-only", {"deadline": Height(2)}), None, None],
        [("exit-only", {"insecure": "pool/1", "deadline": Height(5)})],
    ):
        world = make_guarded()
        for item in orders:
            world.block(*([] if item is None else [world.order(item[0], **item[1])]))
        with pytest.raises(NoSuccessor, match="CH-30: the shielded pool"):
            made(world)
    world = make_guarded()
    world.block(world.order("frozen", insecure="pool/1", deadline=Height(2)))
    with pytest.raises(NoSuccessor, match="CH-30"):
        made(world)  # block 2 could still hold an order
    world.block()
    assert made(world).left_behind == ()


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        (turnstile.totals_key(EnvironmentId.PRIVATE, NATIVE), Totals(5).to_bytes()),
        (turnstile.hidden_key(NATIVE), Hidden(into=1).to_bytes()),
    ],
    ids=["known", "hidden"],
)
def test_ch30_another_pool_that_holds_something_must_be_closed_as_well(ended, key, entry):
    """Also where nobody sees how much."""
    ended.state = ended.state.after({key: entry})
    with pytest.raises(NoSuccessor, match="CH-30: the private pool"):
        made(ended)


def test_what_every_node_must_run_and_the_private_environment_stay(ended):
    ended.genesis = dataclasses.replace(
        ended.genesis, runtime=b"\x07" * 32, private=PrivateParameters()
    )
    found = made(ended).genesis
    assert (found.runtime, found.private) == (b"\x07" * 32, PrivateParameters())


def test_ch31_a_broken_statement_is_not_verified_again(ended):
    old = ended.genesis.statements[0]
    other_key = dataclasses.replace(old, statement="pool/9", verifying_key=b"\x07" * 32)
    other_circuit = dataclasses.replace(old, statement="pool/9", r1cs=b"\x08" * 32)
    for wrong, what in ((old, "key"), (other_key, "circuit"), (other_circuit, "key")):
        with pytest.raises(NoSuccessor, match=f"CH-31: .* has the {what} that pool/1 had"):
            made(ended, (CORRECTED, wrong))
    assert made(ended, (other_key,), same_circuit=True).genesis.statements == (other_key,)
    for wrong in (old, other_circuit):
        with pytest.raises(NoSuccessor, match="CH-31"):
            made(ended, (wrong,), same_circuit=True)
    assert made(ended, (old,), rehearsal=True).genesis.statements == (old,)
    serious = dataclasses.replace(ended.genesis, profile="main", ceremony=bytes(32))
    with pytest.raises(NoSuccessor, match="CH-31: only a development chain"):
        successor(serious, ended.state, header(ended), (old,), ceremony=bytes(32), rehearsal=True)


def test_ch32_units_out_of_nothing_or_lost_are_noticed(ended):
    good = ended.state
    ledger = Ledger(good)
    ledger.credit(ended.bob.account, NATIVE, 1)
    minted = dict(ledger.writes())
    ledger = Ledger(good)
    ledger.debit(ended.bob.account, ended.asset, 1)
    lost = dict(ledger.writes())
    pool = turnstile.totals_key(SHIELDED, NATIVE)
    inflated = {pool: Totals(10**6).to_bytes()}
    overdrawn = {pool: Totals(0, 1).to_bytes()}
    ledger = Ledger(good)
    held = turnstile.totals(good, SHIELDED, NATIVE).held
    ledger.credit(ended.bob.account, NATIVE, held + 1)
    more_than_all = {**overdrawn, **dict(ledger.writes())}  # adds up, below zero in the pool
    unknown = {turnstile.totals_key(SHIELDED, Kind(0, 5)): Totals(1).to_bytes()}
    for writes in (minted, lost, inflated, overdrawn, more_than_all, unknown):
        ended.state = good.after(writes)
        with pytest.raises(NoSuccessor, match="CH-32"):
            made(ended)
    ended.state = good
    made(ended)


def test_ch33_any_other_genesis_is_told_by_its_field(ended):
    expected = made(ended).genesis
    check_successor(expected, made(ended).genesis)
    more = (Allocation(b"\x02" * 32, Kind(0, 99), 5), *expected.allocations)
    for name, value in (
        ("allocations", tuple(sorted(more))),
        ("time_ms", 5),
        ("statements", (dataclasses.replace(CORRECTED, verifying_key=bytes(32)),)),
        ("guardians", expected.guardians[:2]),
        ("predecessor", dataclasses.replace(expected.predecessor, height=1)),
        ("predecessor", None),
        ("name", "other"),
    ):
        wrong = dataclasses.replace(expected, **{name: value})
        with pytest.raises(OtherSuccessor, match=f"CH-33: {name}") as refused:
            check_successor(wrong, expected)
        assert refused.value.exit_code == 1


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 400), st.integers(0, 30)), min_size=1, max_size=6
    )
)
@settings(max_examples=25, deadline=None)
def test_ch32_carried_and_left_behind_are_what_was_issued(make_guarded, note, shields):
    world = make_guarded()
    for number, (alice, amount, fee) in enumerate(shields):
        who = world.alice if alice else world.bob
        world.block(world.shield(who, note(number + 1), amount, fee=min(fee, amount - 1)))
    deadline = Height(world.height + 2)
    assert world.block(world.order("frozen", insecure="pool/1", deadline=deadline)) == ["ok"]
    world.block()
    found = made(world)
    carried = found.genesis.supply()
    for kind, issued in world.genesis.supply().items():
        left = sum(item.amount for item in found.left_behind if item.kind == kind)
        assert carried.get(kind, 0) + left == issued
    assert made(world).genesis.chain_id == found.genesis.chain_id
