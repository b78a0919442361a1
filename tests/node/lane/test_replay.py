"""Who has the blocks has the state, whatever was remembered on the way."""

from __future__ import annotations

from node.core.ids import Height
from node.execution.bounded import BoundedCache
from node.lane import generation, ordering, sealed
from node.lane.payload import KeyMessage
from node.testing.lane import LaneChain


def forget(monkeypatch) -> None:
    for module, name in (
        (generation, "_REPLAYS"),
        (ordering, "_CHECKED"),
        (sealed, "_BATCHES"),
        (sealed, "_REVEALS"),
    ):
        monkeypatch.setattr(module, name, BoundedCache(8))


def test_a_node_that_remembers_nothing_comes_to_the_same_roots(chain, monkeypatch) -> None:
    bad = chain.seal(b"bad", fee=1)
    chain.step(chain.seal(b"one"), bad, chain.seal(b"two", domain=1))
    chain.step(chain.seal(b"three"))
    chain.run_to(43)
    chain.step(*(chain.key_message(m, KeyMessage.NOTICE, epoch=1) for m in (0, 1)))
    chain.run_to(60)
    forget(monkeypatch)
    other = LaneChain(4, genesis=chain.genesis)
    for height in range(1, chain.height + 1):
        block = chain.chain.block(Height(height))
        assert other.store.root == block.header.state_root
        other.application.finalize_block(block)
        other.application.commit()
    assert other.store.root == chain.store.root
    assert other.chain.receipts(Height(9)) == chain.chain.receipts(Height(9))
    assert [receipt.code for receipt in chain.chain.receipts(Height(9))] == ["ok", "LN-4", "ok"]


def test_the_last_block_executes_again_on_the_state_before_it(chain) -> None:
    chain.step(chain.seal(b"one"), chain.seal(b"two", domain=1))
    chain.application.check_head()
    chain.step()
    chain.application.check_head()
