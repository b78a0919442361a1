"""What a ledger answers that does not have all blocks: it forgot them, or never had them."""

from __future__ import annotations

import pytest

from node.consensus.finality import DecidedBlock
from node.core.errors import NotFound, StoreError
from node.core.ids import Height
from node.store import chain as chains
from node.store.chain import MIN_RETAINED, MOST_PRUNED, NotKept, pruned_entries
from node.store.memory import memory_store
from node.store.snapshots.export import export
from node.store.snapshots.importing import Import
from node.store.snapshots.shelf import Shelf
from private_exec.errors import NotFinal


def add(height: int) -> bytes:
    return b"add k%d %d ok" % (height, height)


def log_of(ledger) -> set[bytes]:
    return {key for key, _ in ledger.store.log_range(b"", b"z")}


@pytest.fixture
def few(monkeypatch):
    """A node that may keep as few as one likes."""
    monkeypatch.setattr(chains, "MIN_RETAINED", 2)


@pytest.fixture
def joined(make_ledger, tmp_path):
    """(the ledger that was there first, one that began from its snapshot of height 5)."""
    there = make_ledger().start()
    for height in range(1, 6):
        there.decide(add(height))
    shelf = Shelf(tmp_path)
    made = export(shelf, there.store.reader(), there.genesis.chain_id, Height(5), there.store.root)
    here = make_ledger()
    assert Import(here.store, made, there.genesis.to_bytes()).apply(0, shelf.chunk(5, 0))
    return there, here.restart()


def test_sn11_a_ledger_from_a_snapshot_starts_without_the_block_before(joined):
    there, here = joined
    for _ in range(2):
        here.restart().start()
        assert here.app.info() == there.app.info()
    for height in (6, 7):
        block, root = there.decide(add(height))
        assert here.block(add(height)) == block  # of the same hash before it
        here.app.process_proposal(block)
        assert here.decide(add(height)) == (block, root)
        here.restart().start()
        assert here.app.head() == there.app.head()


def test_ch24_holds_again_from_the_first_block_on(joined):
    _, here = joined
    here.decide(add(6))
    here.executor.writes_too = {b"t/wrong": b"1"}
    with pytest.raises(Exception, match="CH-24"):
        here.restart().start()


def test_sn12_blocks_before_the_snapshot_are_not_kept(joined):
    there, here = joined
    here.decide(add(6))
    chain = here.app.chain
    assert (chain.first, chain.height) == (6, 6)
    assert chain.genesis() == there.app.chain.genesis()
    for height in (1, 5):
        for call in (chain.block, chain.header, chain.receipts, chain.raw, chain.check_kept):
            with pytest.raises(NotKept, match="SN-12: block") as caught:
                call(Height(height))
            assert caught.value.id == "STO-003"
    for height in (0, 7):  # never was one
        chain.check_kept(height)
        with pytest.raises(NotFound) as caught:
            chain.block(Height(height))
        assert not isinstance(caught.value, NotKept)
    assert [block.header.height for block in chain.blocks(Height(1), Height(9))] == [6]
    assert chain.head(Height(5)) == there.app.chain.head(Height(5))
    assert chain.root_after(Height(5)) == there.app.chain.root_after(Height(5))


def test_sn17_a_block_that_came_with_a_snapshot_is_no_evidence(joined):
    there, here = joined
    block, _ = there.decide(add(6))
    here.decide(add(6))
    roots = lambda _: (b"batch",)  # noqa: E731
    for height in (4, 5):
        hash_ = there.app.chain.header(Height(height)).hash
        DecidedBlock(there.app.chain, roots).confirm(height, hash_, b"batch")
        with pytest.raises(NotFinal, match="CL-7: the block is not on this node's disk"):
            DecidedBlock(here.app.chain, roots).confirm(height, hash_, b"batch")
    DecidedBlock(here.app.chain, roots).confirm(6, block.header.hash, b"batch")


def test_sn14_the_oldest_blocks_go_with_the_write_of_a_new_one(make_ledger, few):
    ledger, whole = make_ledger(retain=3).start(), make_ledger().start()
    ids = {}
    for height in range(1, 11):
        block, root = ledger.decide(add(height))
        assert whole.decide(add(height)) == (block, root)  # the state does not know
        ids[height] = ledger.app.chain.receipts(Height(height))[0].tx_id
        first = max(1, height - 2)
        chain = ledger.app.chain
        assert chain.first == first
        kept = [found.header.height for found in chain.blocks(Height(0), Height(99))]
        assert kept == list(range(first, height + 1))
        for gone in range(1, first):
            with pytest.raises(NotKept, match="SN-12"):
                chain.receipts(Height(gone))
            with pytest.raises(NotFound):
                chain.locate(ids[gone])
        for stays in range(first, height + 1):
            assert chain.locate(ids[stays]).height == stays
        ledger.restart().start()
    # genesis, anchor; of each of three: block, receipts, hash, id
    assert len(log_of(ledger)) == 2 + 3 * 4


def test_sn14_the_index_of_an_id_goes_with_the_block_that_it_points_to(make_ledger, few):
    ledger = make_ledger(retain=2).start()
    ledger.decide(b"add k -1 ok", b"add k 5 ok")  # the first one fails
    tx_id = ledger.app.chain.receipts(Height(1))[0].tx_id
    ledger.decide(b"add k -1 ok")  # takes effect, in a block that stays longer
    ledger.decide()
    assert ledger.app.chain.first == 2
    assert ledger.app.chain.locate(tx_id).height == 2


def test_sn14_a_node_that_begins_to_prune_does_it_bit_by_bit(make_ledger, few):
    ledger = make_ledger().start()
    for height in range(1, 41):
        ledger.decide(add(height))
    ledger.retain = 2
    ledger.restart().start()
    for height, first in ((41, 1 + MOST_PRUNED), (42, 1 + 2 * MOST_PRUNED), (43, 42), (44, 43)):
        ledger.decide(add(height))
        assert ledger.app.chain.first == first
    assert pruned_entries(ledger.store, 1, MOST_PRUNED) == {}


def test_sn14_a_node_keeps_what_it_looks_back_to(make_ledger):
    for retain in (-1, 1, MIN_RETAINED - 1):
        with pytest.raises(StoreError, match="SN-14"):
            make_ledger(retain=retain)
    make_ledger(retain=MIN_RETAINED)


def test_a_pruned_store_in_memory_can_be_opened_again(make_ledger, few):
    ledger = make_ledger(retain=2).start()
    for height in range(1, 6):
        ledger.decide(add(height))
    again = memory_store(ledger.genesis.chain_id, ledger.database)
    assert again.root == ledger.store.root == again.rebuild_root()
