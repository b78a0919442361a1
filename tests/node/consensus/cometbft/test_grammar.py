"""Random walks over ABCI's grammar, with restarts, against the same application called directly."""

from __future__ import annotations

import asyncio
import random

import pytest

from node.consensus.proposer import next_block
from node.store.memory import memory_store
from node.testing.abci import Walk

HEIGHTS = 12
SEEDS = range(6)


def candidates(height: int) -> list[bytes]:
    txs = [b"add key%d %d ok" % (height * i % 11, height + i) for i in range(8)]
    return [*txs, b"add key%d -1 ok" % (height % 5), b"add debt%d -1 ok" % height]


def spoil(txs) -> list[bytes]:
    return [*txs, b"add key1 1 bad"]


class Reference:
    """Roots of the same blocks, by direct calls on an application that never stops."""

    def __init__(self, host) -> None:
        self.store = memory_store(host.genesis.chain_id)
        self.app, engine = host.kv.build(self.store, genesis=host.genesis)
        engine.start()

    def root(self, time_ms: int, txs) -> bytes:
        block = next_block(self.app.info(), self.app.chain, time_ms, tuple(txs))
        root = self.app.finalize_block(block)
        self.app.commit()
        return root


async def walk(host, seed: int, heights: int = HEIGHTS) -> Walk:
    draw = random.Random(seed)
    reference = Reference(host)
    walk = Walk(host.genesis, draw, candidates, spoil)
    killed = ""
    while walk.height < heights:
        host.restart()
        async with host.serving() as path:
            await walk.connect(path)
            while walk.height < heights:
                if killed != "finalized":  # what was decided is replayed, not decided anew
                    await walk.decide()
                killed = draw.choice(("",) * 6 + ("decided", "finalized"))
                if killed == "decided":
                    walk.decided.pop()
                    break
                answer = await walk.finalize()
                if draw.random() < 0.2:
                    again = await walk.finalize()
                    assert again == answer
                if killed:
                    break
                await walk.commit(answer.app_hash)
                assert answer.app_hash == reference.root(*walk.decided[-1])
            await walk.disconnect()
    return walk


@pytest.mark.parametrize("seed", SEEDS)
def test_ch44_walks_with_restarts_reach_the_roots_of_direct_calls(host, seed: int) -> None:
    found = asyncio.run(walk(host, seed))
    assert found.height == HEIGHTS
    assert host.app.info().state_root == found.app_hash


def test_what_is_seen_over_the_socket_is_a_function_of_the_calls(make_host) -> None:
    first, second = make_host(), make_host()
    one, two = asyncio.run(walk(first, 99)), asyncio.run(walk(second, 99))
    assert one.decided == two.decided
    assert one.app_hash == two.app_hash
