"""The embedded node as the one validator of a chain with sealed intents."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from node.app import development
from node.app.blocks import BlockMaker
from node.app.errors import NoNode
from node.app.node import Node
from node.app.options import Options
from node.app.validator import Belongings, create_key
from node.core.genesis import DEV_FAUCET_SEED, Parameters
from node.core.ids import Height
from node.lane import layout, lead, payload
from node.lane.errors import BadKeyFile
from node.lane.layout import Stage
from node.lane.payload import SealTx, Tag, tag_of_wire
from node.lane.validator import identity
from node.lane.validator.identity import ConsensusKey
from node.store.memory import MemoryKeyValue
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, development_genesis, memory_node, serving
from private_exec.envelope import Terms, seal_intent
from transparent.signature import SigningKey

FAST = 1
WAIT_S = 30.0


def started(**options) -> Node:
    node = memory_node(**options)
    node.start()
    return node


def intent(node: Node, number: int = 0, *, domain: int = FAST) -> bytes:
    """A sealed intent that says nothing, paid by the faucet."""
    key = layout.key_of(node.store.reader(), domain, 0)
    payer = SigningKey(DEV_FAUCET_SEED)
    terms = Terms(payer.account, number, 10_000, 1, 1000, 0)
    item = seal_intent(key, terms, b"nothing", payer, bytes([number]) * 32)
    return payload.wire(SealTx(domain, item))


def make_key(node: Node, domain: int = FAST) -> None:
    node.want_key(domain)
    while layout.key_of(node.store.reader(), domain, 0) is None:
        node.produce_block()


def test_the_development_chain_has_a_lane_and_does_nothing_unasked(genesis) -> None:
    assert genesis.lane == development.LANE
    assert genesis.validators == (VALIDATOR.public,)
    node = started()
    for _ in range(3):
        assert node.produce_block().block.txs == ()
    assert not node.validator.busy()
    assert len(node.pool) == 0
    node.close()


def test_a_key_an_intent_and_its_opening() -> None:
    node = started()
    make_key(node)
    assert node.chain.height == 4
    assert node.validator.holds(FAST, 0)
    assert node.pool.add(intent(node)).error is None
    closed = node.produce_block()
    assert [receipt.code for receipt in closed.receipts] == ["ok"]
    assert node.validator.busy()
    opened = node.produce_block()
    assert [tag_of_wire(tx) for tx in opened.block.txs] == [Tag.REVEAL]
    assert [receipt.code for receipt in opened.receipts] == ["ok"]
    (item,) = layout.live(node.store.reader())
    assert item.stage is Stage.SOLVING
    assert layout.plaintexts(node.store.reader(), item.ref) == {0: b"nothing"}
    while layout.live(node.store.reader()):
        node.produce_block()
    assert not node.validator.busy()
    node.application.check_head()
    node.close()


def test_an_offender_in_our_own_proposal_costs_neither_the_opening_nor_the_others(
    monkeypatch,
) -> None:
    node = started()
    make_key(node)
    assert node.pool.add(intent(node)).error is None
    node.produce_block()
    second = intent(node, 1)
    assert node.pool.add(second).error is None
    select = node.executor.select

    def careless(txs, reader, height, most):
        chosen = select(txs, reader, height, most)
        return (*chosen, b"garbage") if second in txs else chosen

    monkeypatch.setattr(node.executor, "select", careless)
    block = node.produce_block().block
    assert tag_of_wire(block.txs[0]) is Tag.REVEAL
    assert block.txs[1:] == (second,)
    node.close()


def test_a_node_without_the_validators_key_watches(genesis) -> None:
    stranger = Belongings.in_memory(ConsensusKey(bytes(32)))
    node = started(validator=stranger)
    assert not node.validator.keeper.has_part(node.store.reader(), 0)
    assert node.validator.public is None
    node.want_key(FAST)
    assert not node.validator.busy()
    assert node.produce_block().block.txs == ()
    node.close()


def test_an_unopened_batch_holds_everything_else_up_until_it_expires() -> None:
    database = MemoryKeyValue()
    own = Belongings.in_memory(VALIDATOR)
    node = started(database=database, validator=own)
    make_key(node)
    assert node.pool.add(intent(node)).error is None
    node.produce_block()
    # The validator loses its secrets, and starts again.
    node = started(database=database, validator=Belongings.in_memory(VALIDATOR))
    assert not node.validator.holds(FAST, 0)
    (item,) = layout.live(node.store.reader())
    second = intent(node, 1)
    node.pool.add(second)
    while node.chain.height < item.height:
        assert node.produce_block().block.txs == ()
        assert lead.waits(node.store.reader(), node.chain.height + 1)
    ended = node.produce_block()
    assert tag_of_wire(ended.block.txs[0]) is Tag.END
    assert [receipt.code for receipt in ended.receipts] == ["ok"] * len(ended.receipts)
    node.close()


def test_a_restarted_validator_opens_what_was_closed_before() -> None:
    database, own = MemoryKeyValue(), Belongings.in_memory(VALIDATOR)
    node = started(database=database, validator=own)
    make_key(node)
    node.pool.add(intent(node))
    node.produce_block()
    again = started(database=database, validator=own)
    opened = again.produce_block()
    assert [tag_of_wire(tx) for tx in opened.block.txs] == [Tag.REVEAL]
    again.close()


def test_blocks_go_on_by_themselves_while_the_lane_counts_heights() -> None:
    node = memory_node()
    with serving(node) as client:
        height = client.status().height
        time.sleep(0.2)
        assert client.status().height == height  # nobody asked
        node.want_key(FAST)
        until(lambda: layout.key_of(node.store.reader(), FAST, 0) is not None)
        client.submit(intent(node))
        until(lambda: node.chain.height > height + 4 and not layout.live(node.store.reader()))
        assert len(layout.fates(node.store.reader(), payload.ref(FAST, 0))) == 1
        until(lambda: not node.validator.busy())
        height = client.status().height
        time.sleep(0.2)
        assert client.status().height == height


def until(holds) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.01)


def test_a_busy_lane_makes_empty_blocks_at_its_tick_and_stops() -> None:
    made: list[int] = []
    source = SimpleNamespace(pending=lambda _most: [])

    async def produce():
        made.append(1)
        return SimpleNamespace(block=SimpleNamespace(txs=()))

    async def drive() -> None:
        stop = asyncio.Event()
        maker = BlockMaker(
            produce, source, delay_ms=0, interval_ms=0, busy=lambda: len(made) < 3, tick_ms=1
        )
        task = asyncio.create_task(maker.run(stop))
        while len(made) < 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        assert len(made) == 3
        stop.set()
        await asyncio.wait_for(task, 10)

    asyncio.run(drive())


def test_a_chain_with_a_timer_makes_keys_ahead() -> None:
    genesis = development_genesis(Parameters(block_time_ms=5))
    node = memory_node(genesis, options=Options(port=0, delay_ms=1, empty_blocks=True))
    with serving(node):
        until(lambda: layout.key_of(node.store.reader(), 0, 0) is not None)
        until(lambda: layout.key_of(node.store.reader(), FAST, 0) is not None)
    assert node.validator.keeper.faults == ()


# FOLDERS


def test_a_node_on_disk_is_the_validator_whose_key_is_in_its_folder(tmp_path) -> None:
    home = tmp_path / "node"
    key = create_key(home)
    with pytest.raises(NoNode, match="a validator's key in this folder"):
        create_key(home)
    Node.create(home, development.genesis(EPOCH_MS, validators=(key.public,)))
    node = Node.open(home, options=Options(port=0))
    node.start()
    make_key(node)
    assert node.validator.public == key.public
    node.close()
    again = Node.open(home, options=Options(port=0))
    again.start()
    assert again.validator.holds(FAST, 0)
    again.close()
    (home / identity.KEY_FILE).chmod(0o644)
    with pytest.raises(BadKeyFile, match="LN-32"):
        Node.open(home)
    (home / identity.KEY_FILE).unlink()
    watching = Node.open(home)
    assert watching.validator.public is None
    watching.close()


def test_no_lane_without_a_validator() -> None:
    genesis = development.genesis(EPOCH_MS)
    assert (genesis.lane, genesis.validators) == (None, ())
    node = memory_node(genesis)
    node.start()
    assert node.validator is None
    node.want_key(0)
    assert node.produce_block().block.header.height == Height(1)
    node.close()
