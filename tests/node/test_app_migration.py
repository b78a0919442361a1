"""A successor from a chain on disk: kept states, pruned ones, other registries, other chains."""

from __future__ import annotations

import dataclasses

import pytest

from circuits.key_registry import Registry
from circuits.keys import KeyStore
from node.app import migration
from node.app.errors import AlreadyRunning, ForeignGenesis, NoNode
from node.app.node import Node
from node.core.block import Transaction
from node.core.errors import NotFound
from node.core.guardians import DEV_GUARDIAN_SEED
from node.core.ids import EnvironmentId, Height
from node.execution.migration import NoSuccessor, OtherSuccessor
from node.execution.order import Order, PoolState
from node.testing.clock import FakeClock
from transparent.signature import SigningKey
from zk.errors import InsecureVersion

CLOSED_AT = 5
BLOCKS = 135
"""More than the 128 states that a node keeps."""


def order(genesis) -> bytes:
    made = Order(
        genesis.chain_id, 0, EnvironmentId.SHIELDED, PoolState.FROZEN, "action/1", Height(0),
        Height(10), Height(CLOSED_AT), "a drill",
    )  # fmt: skip
    signed = made.signed(SigningKey(DEV_GUARDIAN_SEED))
    return Transaction(EnvironmentId.CHAIN, signed.to_bytes()).to_bytes()


@pytest.fixture(scope="module")
def home(tmp_path_factory, genesis):
    """A chain whose pool is closed for good after block 5, and which went on."""
    folder = tmp_path_factory.mktemp("chain") / "node"
    Node.create(folder, genesis)
    node = Node.open(folder)
    node.engine._clock = FakeClock()
    node.start()
    assert node.pool.add(order(genesis)).error is None
    for _ in range(BLOCKS):
        node.produce_block()
    node.close()
    return folder


@pytest.fixture(scope="module")
def corrected():
    """An installation whose only statement has another circuit and another key."""
    entry = Registry.load().find("action/1", "dev")
    other = dataclasses.replace(entry, r1cs="11" * 32, verifying_key="22" * 32)
    return KeyStore(Registry({("action/1", "dev"): other}))


def test_the_same_genesis_from_a_kept_and_from_a_pruned_state(home, corrected) -> None:
    with migration.opened(home) as old:
        assert old.store.oldest > CLOSED_AT
        kept = migration.succeed(old, keys=corrected)
        assert kept.genesis.predecessor.height == old.height == BLOCKS
        # Pruned: executed again, which takes the old chain's keys, not the new ones.
        with pytest.raises(ForeignGenesis):
            migration.succeed(old, CLOSED_AT, keys=corrected)
        seen = []
        again = migration.Again(rehearsal=True)
        early = migration.succeed(old, CLOSED_AT, again, report=lambda *step: seen.append(step))
        assert (seen[0], seen[-1]) == (("replayed", 1 / CLOSED_AT), ("replayed", 1.0))
        late = migration.succeed(old, BLOCKS, again)
        assert early.genesis.allocations == late.genesis.allocations
        assert early.genesis.predecessor.height == CLOSED_AT
        for found in (early, late):
            assert migration.check(old, found.genesis, again).genesis == found.genesis
        assert migration.check(old, kept.genesis, keys=corrected).genesis == kept.genesis


def test_ch30_a_height_before_the_end_has_no_successor(home) -> None:
    with migration.opened(home) as old, pytest.raises(NoSuccessor, match="CH-30"):
        migration.succeed(old, CLOSED_AT - 1, migration.Again(rehearsal=True))


def test_ch33_another_chain_s_successor_is_refused(home, corrected) -> None:
    with migration.opened(home) as old:
        made = migration.succeed(old, keys=corrected).genesis
        other = dataclasses.replace(made.predecessor, chain_id=bytes(32))
        for wrong in (
            dataclasses.replace(made, predecessor=other),
            dataclasses.replace(made, predecessor=None),
            dataclasses.replace(made, statements=old.genesis.statements),
        ):
            with pytest.raises(OtherSuccessor, match="CH-33"):
                migration.check(old, wrong, keys=corrected)
        with pytest.raises(NotFound):
            migration.succeed(old, BLOCKS + 1, keys=corrected)


def test_a_running_node_and_an_empty_folder_are_left_alone(home, tmp_path) -> None:
    with pytest.raises(NoNode), migration.opened(tmp_path):
        pass
    with migration.opened(home), pytest.raises(AlreadyRunning), migration.opened(home):
        pass
    assert not list(tmp_path.iterdir())


def test_rpc25_what_the_registry_marks_insecure_succeeds_nothing(home, corrected) -> None:
    """The mark of the installation beside the mark of the guardians: either is enough."""
    entry = corrected.entry("action/1", "dev")
    marked = dataclasses.replace(
        entry, status="insecure", since="2026-05-01", reason="a wire is free"
    )
    keys = KeyStore(Registry({("action/1", "dev"): marked}))
    with migration.opened(home) as old:
        with pytest.raises(InsecureVersion):
            migration.succeed(old, keys=keys)
        assert migration.succeed(old, keys=corrected).genesis.ceremony is None
