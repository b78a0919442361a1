"""The embedded engine: order of calls, refusals, the timer, walks through ABCI's grammar."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.consensus import application, local
from node.consensus.errors import InvalidBlock
from node.consensus.local import LocalEngine
from node.consensus.replay import replay
from node.core.errors import ConsensusFault
from node.core.genesis import Parameters
from node.core.ids import Height
from node.store.chain import Chain
from node.store.memory import memory_store


class Queue:
    """A mempool of bytes."""

    def __init__(self, *txs: bytes):
        self.txs = list(txs)
        self.discarded = []
        self.seen = []

    def pending(self, max_bytes):
        return list(self.txs)

    def committed(self, block, receipts):
        self.txs = [tx for tx in self.txs if tx not in block.txs]
        self.seen.append((block.header.height, [receipt.code for receipt in receipts]))

    def discard(self, txs, error):
        self.discarded += [(tx, error.rule) for tx in txs]
        self.txs = [tx for tx in self.txs if tx not in txs]


def test_blocks_on_demand_follow_one_another(make_ledger):
    queue = Queue(b"add k 5 ok")
    ledger = make_ledger(source=queue).start()
    first = ledger.engine.produce_block()
    second = ledger.engine.produce_block()
    assert first.block.txs == (b"add k 5 ok",)
    assert second.block.txs == ()
    assert second.block.header.previous == first.block.header.hash
    assert second.block.header.state_root == first.root
    assert second.root == ledger.store.root
    assert queue.seen == [(1, ["ok"]), (2, [])]
    assert ledger.restart().start().store.height == 2


def test_every_crash_point_is_passed_in_the_order_of_the_calls(kv):
    passed = []
    store = memory_store(kv.GENESIS.chain_id, crash_point=passed.append)
    _, engine = kv.build(store, crash_point=passed.append)
    engine.start()
    engine.produce_block()
    assert passed == [
        "init-before-commit", "store-before-write", "store-after-write", "init-after-commit",
        "engine-begin", "engine-prepared", "engine-processed", "engine-extended",
        "finalize-begin", "finalize-executed", "finalize-staged", "engine-finalized",
        "commit-begin", "store-before-write", "store-after-write", "commit-end",
        "engine-committed", "engine-acknowledged",
    ]  # fmt: skip
    known = {*application.CRASH_POINTS, *local.CRASH_POINTS}
    assert known - set(passed) == {"checkpoint-before-rename", "prune-planned"}


def test_ch26_more_than_one_validator_is_refused(kv, make_ledger):
    ids = tuple(bytes([i]) * 32 for i in range(3))
    make_ledger(genesis=dataclasses.replace(kv.GENESIS, validators=ids[:1])).start()
    with pytest.raises(ConsensusFault, match="CH-26: the embedded engine serves one validator"):
        make_ledger(genesis=dataclasses.replace(kv.GENESIS, validators=ids))


def test_time_never_goes_back_whatever_the_clock_says(kv):
    store = memory_store(kv.GENESIS.chain_id)
    app, _ = kv.build(store)
    times = iter([5_000, 3_000, 0, 6_000])
    engine = LocalEngine(app, app.chain, kv.GENESIS, Queue(), lambda: next(times))
    engine.start()
    made = [engine.produce_block().block.header.time_ms for _ in range(4)]
    assert made == [5_000, 5_000, 5_000, 6_000]


def test_a_transaction_that_makes_our_proposal_invalid_is_dropped(kv, make_ledger):
    executor = kv.KvExecutor()
    executor.selects_anything = True  # a mempool that does not see what the rules see
    queue = Queue(b"add k 5 ok", b"noise", b"add k 6 bad", b"add j 1 ok")
    ledger = make_ledger(executor=executor, source=queue).start()
    made = ledger.engine.produce_block()
    assert made.block.txs == (b"add k 5 ok", b"add j 1 ok")
    assert queue.discarded == [(b"noise", "CH-8"), (b"add k 6 bad", "CH-8")]
    assert queue.txs == []


def test_what_passes_alone_but_not_together_is_dropped_whole(kv, make_ledger):
    class Picky(kv.KvExecutor):
        selects_anything = True

        def check_block(self, txs, height):
            super().check_block(txs, height)
            if len(txs) > 1:
                kv.parse(b"noise")

    executor = Picky()
    executor.selects_anything = True
    queue = Queue(b"add k 5 ok", b"add j 1 ok")
    ledger = make_ledger(executor=executor, source=queue).start()
    assert ledger.engine.produce_block().block.txs == ()
    assert [rule for _, rule in queue.discarded] == ["CH-8", "CH-8"]


def test_an_empty_block_of_ours_that_is_refused_stops_the_engine(kv, make_ledger):
    class Broken(kv.KvExecutor):
        def check_block(self, txs, height):
            kv.parse(b"noise")

    ledger = make_ledger(executor=Broken(), source=Queue()).start()
    with pytest.raises(ConsensusFault, match="our own empty block"):
        ledger.engine.produce_block()


def test_the_timer_makes_blocks_when_there_is_something_to_put_in(make_ledger):
    queue = Queue()
    ledger = make_ledger(source=queue).start()

    async def scenario() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(ledger.engine.run(stop))
        await asyncio.sleep(0.02)
        assert ledger.store.height == 0
        queue.txs.append(b"add k 5 ok")
        while ledger.store.height < 1:
            await asyncio.sleep(0.001)
        stop.set()
        await running
        stop.clear()
        running = asyncio.create_task(ledger.engine.run(stop, empty_blocks=True))
        while ledger.store.height < 4:
            await asyncio.sleep(0.001)
        stop.set()
        await running

    asyncio.run(asyncio.wait_for(scenario(), 60))
    assert ledger.app.chain.block(Height(1)).txs == (b"add k 5 ok",)


def test_an_error_ends_the_timer(kv, make_ledger):
    class Broken(kv.KvExecutor):
        def execute(self, txs, reader, height, time_ms):
            raise ConsensusFault("disk on fire")

    ledger = make_ledger(executor=Broken(), source=Queue(b"add k 5 ok")).start()
    with pytest.raises(ConsensusFault, match="disk on fire"):
        asyncio.run(asyncio.wait_for(ledger.engine.run(asyncio.Event()), 60))
    assert ledger.store.height == 0


def test_replay_from_genesis_gives_the_same_root(kv, make_ledger):
    ledger = make_ledger().start()
    for _ in range(8):
        ledger.engine.produce_block()
    blocks = list(ledger.app.chain.blocks(Height(1), Height(8)))
    again = make_ledger()
    assert replay(again.app, blocks[:5]) == blocks[5].header.state_root
    assert replay(again.app, blocks) == ledger.store.root  # goes on from what it has
    assert replay(again.app, blocks) == ledger.store.root
    bad = dataclasses.replace(blocks[2].header, state_root=b"\x01" * 32)
    wrong = [*blocks[:2], dataclasses.replace(blocks[2], header=bad)]
    with pytest.raises(ConsensusFault, match="CH-4"):
        replay(make_ledger().app, wrong)
    with pytest.raises(ConsensusFault, match="CH-2"):
        replay(make_ledger().app, blocks[1:])


STEPS = st.sampled_from(
    ["prepare", "process", "process-bad", "extend", "check", "finalize-other", "restart", "decide"]
)


@given(st.lists(STEPS, max_size=40), st.randoms())
@settings(deadline=None, max_examples=60)
def test_any_legal_sequence_of_calls_gives_the_same_chain(kv, make_ledger, steps, rng):
    """ABCI's grammar: several rounds a height, restarts anywhere, and two nodes always agree."""
    one, two = make_ledger(window=2).start(), make_ledger(window=3).start()
    for step in steps:
        height = Height(one.store.height + 1)
        txs = one.app.prepare_proposal(height, kv.script(height), 10**5)
        block = one.block(*txs)
        node = rng.choice([one, two])
        if step == "prepare":
            node.app.prepare_proposal(height, kv.script(rng.randrange(50)), rng.randrange(500))
        elif step == "process":
            node.app.process_proposal(block)
        elif step == "process-bad":
            with pytest.raises(InvalidBlock):
                node.app.process_proposal(one.block(*txs, b"noise"))
        elif step == "extend":
            node.app.verify_vote_extension(height, node.app.extend_vote(height))
        elif step == "check":
            node.app.check_tx(kv.script(rng.randrange(50)))
        elif step == "finalize-other":
            node.app.finalize_block(one.block(*txs[:3]))
        elif step == "restart":
            node.restart().start()
        else:
            roots = {ledger.app.finalize_block(block) for ledger in (one, two)}
            assert len(roots) == 1
            assert one.app.commit() == two.app.commit() == height
        assert one.app.info() == two.app.info()


@pytest.mark.parametrize("options", [{"max_tx_bytes": 30}])
def test_engine_respects_the_parameters(kv, make_ledger, options):
    parameters = Parameters(block_time_ms=1, max_block_bytes=100, **options)
    genesis = dataclasses.replace(kv.GENESIS, parameters=parameters)
    queue = Queue(*[b"add k%d 1 ok" % i for i in range(30)])
    ledger = make_ledger(genesis=genesis, source=queue).start()
    sizes = []
    while queue.txs:
        sizes.append(sum(map(len, ledger.engine.produce_block().block.txs)))
    assert max(sizes) <= 100
    assert Chain(ledger.store).height == len(sizes)


def test_roots_do_not_depend_on_the_hash_seed(kv, kv_node_path):
    expected = kv.COUNTERS.uninterrupted(6)
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, str(kv_node_path), "6"],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == expected
