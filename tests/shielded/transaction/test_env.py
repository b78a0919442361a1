"""ShieldedEnvironment over a state: SH-9, SH-12, SH-13, SH-36, SH-37."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core.block import MAX_BLOCK_BYTES
from node.core.effects import Effects
from node.core.errors import InvalidTransaction, Outdated
from node.core.ids import EnvironmentId, Height
from node.core.interfaces import ExecutionEnvironment, TxContext
from node.core.lane import MAX_DOMAINS
from private_exec.envelope import SIZE_CLASSES
from private_exec.parameters import MAX_BATCH
from shielded import env as module
from shielded.action import ACTION_BYTES
from shielded.env import (
    RESERVED_LEAVES,
    ShieldedEnvironment,
    anchor_key,
    nullifier_bytes,
    root_key,
)
from shielded.errors import MalformedTransaction
from shielded.transaction import ShieldedTx
from shielded.tree import CAPACITY, NoteTree, TreeFull
from zk.errors import ParamsError


def conforms(env: ShieldedEnvironment) -> ExecutionEnvironment[ShieldedTx]:
    """The type checker agrees."""
    return env


def copy(kit):
    return type(kit.state)(dict(kit.state.entries))


def end(kit, env, state, height, commitments=()) -> Effects:
    effects = env.end_block(commitments, state, TxContext(kit.chain_id, Height(height)))
    state.apply(effects)
    return effects


def test_it_is_an_execution_environment(kit) -> None:
    env = conforms(kit.env)
    assert env.id is EnvironmentId.SHIELDED
    assert env.fee(kit.transfer) == 3
    assert env.tx_id(kit.transfer) == kit.transfer.id
    assert env.expiry(kit.transfer) == kit.expiry


def test_sh14_another_chain_is_seen_before_anything_is_decoded(kit) -> None:
    """64 actions are 128 points to decompress, whoever they were meant for."""
    for tx in (kit.transfer, kit.shield):
        data = tx.to_bytes()
        assert kit.env.preview(data, kit.chain_id) == kit.env.fee(kit.env.decode(data)) == tx.fee
        garbage = data[:32] + bytes(len(data) - 104) + data[-72:]
        assert kit.env.preview(garbage, kit.chain_id) == tx.fee
        with pytest.raises(InvalidTransaction) as caught:
            kit.env.preview(garbage, bytes(32))
        assert caught.value.rule == "SH-14"
        for size in (0, 31, 103):
            with pytest.raises(MalformedTransaction) as short:
                kit.env.preview(data[:size], kit.chain_id)
            assert short.value.rule == "SH-1"


def test_effects_of_a_transaction(kit) -> None:
    effects = kit.env.execute(kit.shield, kit.state, kit.context)
    assert effects.commitments == kit.shield.commitments
    assert effects.crossings == kit.shield.public_values
    assert effects.fee == 2
    assert effects.writes == ()
    assert [event.name for event in effects.events] == ["action"]


def test_sh9_every_nullifier_enters_the_set_dummies_included(kit) -> None:
    """A shield consumes two dummies; a second copy of it shares them, so it cannot be replayed."""
    for tx in (kit.shield, kit.two_actions):
        effects = kit.env.execute(tx, kit.state, kit.context)
        expected = [nf for action in tx.actions for nf in action.public.nullifiers]
        assert effects.nullifiers == tuple(map(nullifier_bytes, expected))
        assert len(set(effects.nullifiers)) == 2 * len(tx.actions)
    other_proof = kit.with_action(kit.shield, proof=bytes(128))
    assert kit.env.conflicts(other_proof) == kit.env.conflicts(kit.shield)
    assert not set(kit.env.conflicts(kit.shield)) & set(kit.env.conflicts(kit.two_actions))


def test_sh12_an_unknown_anchor(kit) -> None:
    tx = kit.with_public(kit.transfer, anchor=12345)
    for call in (kit.env.check_historical, kit.env.execute):
        with pytest.raises(Outdated) as caught:
            call(tx, kit.state, kit.context)
        assert caught.value.rule == "SH-12"


def test_sh12_one_stale_anchor_among_many(kit) -> None:
    tx = kit.with_public(kit.two_actions, 1, anchor=12345)
    with pytest.raises(Outdated) as caught:
        kit.env.check_historical(tx, kit.state, kit.context)
    assert caught.value.rule == "SH-12"


def test_sh12_an_anchor_leaves_the_window(kit) -> None:
    env, state = ShieldedEnvironment(2, 4, 2), copy(kit)
    end(kit, env, state, 5, [1])  # the tree of height 4 is not the last any more
    for height, fine in ((8, True), (9, False)):
        context = TxContext(kit.chain_id, Height(height))
        if fine:
            env.check_historical(kit.transfer, state, context)
        else:
            with pytest.raises(Outdated) as caught:
                env.check_historical(kit.transfer, state, context)
            assert caught.value.rule == "SH-12"


def test_sh13_a_window_shorter_than_the_longest_expiry_and_a_batch(kit) -> None:
    ShieldedEnvironment(64, 80, 16)
    with pytest.raises(ParamsError, match="SH-13"):
        ShieldedEnvironment(64, 79, 16)


def test_sh13_the_longest_expiry_is_within_the_window(kit) -> None:
    """A root that is current when a plan is made still stands when the plan expires."""
    env, state = ShieldedEnvironment(3, 5, 2), copy(kit)
    made_at = 4
    for height in range(made_at + 1, made_at + 1 + 3):
        end(kit, env, state, height, [height])
    latest = Height(made_at + 1 + 3)
    env.check_historical(kit.transfer, state, TxContext(kit.chain_id, latest))


def test_sh36_the_pool_is_no_target(kit) -> None:
    for amount in (5, -5):
        value = replace(kit.crossing(amount), target=EnvironmentId.SHIELDED)
        with pytest.raises(InvalidTransaction) as caught:
            kit.env.cross(value, bytes(32), kit.state)
        assert caught.value.rule == "SH-36"


def test_sh37_commitments_are_appended_in_order_and_the_root_recorded(kit) -> None:
    state = copy(kit)
    before = NoteTree.from_bytes(state.get(module.TREE_KEY))
    effects = kit.env.execute(kit.two_actions, state, kit.context)
    end(kit, kit.env, state, 5, effects.commitments)
    after = NoteTree.from_bytes(state.get(module.TREE_KEY))
    assert after == before.append(kit.two_actions.commitments)
    assert state.get(anchor_key(after.root)) == (5).to_bytes(8, "little")
    assert state.get(root_key(5)) == nullifier_bytes(after.root)
    first, second = kit.two_actions.actions
    assert effects.commitments == (*first.public.commitments, *second.public.commitments)
    swapped = effects.commitments[::-1]
    assert before.append(swapped).root != after.root


def test_sh37_roots_are_forgotten_after_the_window(kit) -> None:
    env, state = ShieldedEnvironment(2, 4, 2), type(kit.state)({})
    state.apply(env.genesis(kit.chain_id))
    for height in range(1, 30):
        end(kit, env, state, height, [height])
        assert len(list(state.iterate(module.ANCHOR_PREFIX))) <= 5
        assert len(list(state.iterate(module.ROOT_PREFIX))) <= 5
    kept = [int.from_bytes(key[-8:], "big") for key, _ in state.iterate(module.ROOT_PREFIX)]
    assert kept == [26, 27, 28, 29]


def test_sh37_a_root_that_stays_current_stays_known(kit) -> None:
    """Blocks without notes renew it; it is forgotten a window after the last of them."""
    env, state = ShieldedEnvironment(2, 4, 2), copy(kit)
    for height in range(5, 20):
        end(kit, env, state, height)
    env.check_historical(kit.transfer, state, TxContext(kit.chain_id, Height(20)))
    for height in range(20, 25):
        end(kit, env, state, height, [height])
    with pytest.raises(Outdated):
        env.check_historical(kit.transfer, state, TxContext(kit.chain_id, Height(25)))
    assert state.get(anchor_key(kit.transfer.actions[0].public.anchor)) is None


def test_sh37_genesis_records_the_empty_tree(kit) -> None:
    effects = kit.env.genesis(kit.chain_id)
    writes = dict(effects.writes)
    assert writes[module.TREE_KEY] == NoteTree().to_bytes()
    assert writes[anchor_key(NoteTree().root)] == bytes(8)


def of_size(size: int) -> bytes:
    """A tree of that many leaves, none of which anybody looks at."""
    digits = [size >> 3 * level & 7 for level in range(11)]
    return NoteTree(size, tuple((1,) * digit for digit in digits)).to_bytes()


def test_sh59_the_tree_keeps_room_for_the_notes_of_a_block(kit) -> None:
    """A full tree would refuse in `end_block`, and every node would stop."""
    smallest = kit.transfer.actions[0].to_bytes()
    assert len(smallest) == ACTION_BYTES
    sealed = MAX_DOMAINS * MAX_BATCH * SIZE_CLASSES[-1]
    most = 2 * ((MAX_BLOCK_BYTES + sealed) // len(smallest))
    assert most <= RESERVED_LEAVES
    state = copy(kit)
    last = CAPACITY - RESERVED_LEAVES
    state.entries[module.TREE_KEY] = of_size(last)
    kit.env.execute(kit.transfer, state, kit.context)
    kit.env.end_block([1] * most, state, kit.context)
    state.entries[module.TREE_KEY] = of_size(last + 1)
    with pytest.raises(InvalidTransaction) as caught:
        kit.env.execute(kit.transfer, state, kit.context)
    assert caught.value.rule == "SH-59"
    with pytest.raises(TreeFull):
        kit.env.end_block([1] * (RESERVED_LEAVES + 1), state, kit.context)
    kit.env.end_block([], state, kit.context)
