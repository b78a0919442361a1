"""Rows on disk: how long, whose, and what a crash leaves."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from node.core.errors import NotFound, StoreError
from node.core.ids import ChainId, Height
from node.da.attest import CRASH_POINTS, Attester
from node.da.blob import recover
from node.da.errors import DataRefused
from node.da.shards import ShardStore, open_shards
from node.store.memory import MemoryKeyValue
from zk.jsontext import loads

CHAIN = ChainId(b"\x11" * 32)


@pytest.fixture(params=["memory", "rocksdb"])
def open_again(request, tmp_path):
    """Opens the store; called again, closes it and opens what it left behind."""
    database = MemoryKeyValue()
    opened = []

    def reopen(chain_id=CHAIN, **options) -> ShardStore:
        while opened:
            opened.pop().close()
        if request.param == "memory":
            store = ShardStore(database, chain_id, **options)
        else:
            store = open_shards(tmp_path / "rows", chain_id, **options)
        opened.append(store)
        return store

    yield reopen
    for store in opened:
        store.close()


def test_rows_come_back_with_proofs_after_a_restart(world, open_again) -> None:
    root = world.statement.commitment.root
    open_again().put(world.statement, world.rows(1), keep_until=1060)
    store = open_again()
    assert store.indices(root) == (4, 5, 6, 7)
    assert store.commitment(root) == world.statement.commitment
    rows = [store.row(root, index) for index in store.indices(root)]
    assert rows == world.rows(1)
    assert recover(store.commitment(root), rows) == b"sealed " * 100


def test_what_is_not_here_is_not_found(world, open_again) -> None:
    store = open_again()
    root = world.statement.commitment.root
    with pytest.raises(NotFound):
        store.commitment(root)
    store.put(world.statement, world.rows(1), keep_until=1060)
    for index in (0, 15, 16, -1, 70000):
        with pytest.raises(NotFound, match=f"row {index} of blob"):
            store.row(root, index)


def test_da14_another_chains_rows_are_refused(world, open_again) -> None:
    open_again()
    other = ChainId(b"\x12" * 32)
    with pytest.raises(StoreError, match="DA-14"):
        open_again(other)
    store = open_again()
    with pytest.raises(DataRefused) as caught:
        store.put(replace(world.statement, chain_id=other), world.rows(1), keep_until=1)
    assert caught.value.rule == "DA-14"


def test_da14_other_formats_and_foreign_databases_are_refused() -> None:
    foreign = MemoryKeyValue()
    foreign.write(((b"something", b"else"),))
    with pytest.raises(StoreError, match="DA-14: the database holds something else"):
        ShardStore(foreign, CHAIN)
    later = MemoryKeyValue()
    later.write(((b"mformat", (2).to_bytes(8, "big")),))
    with pytest.raises(StoreError, match="DA-14: the rows have format 2"):
        ShardStore(later, CHAIN)


def test_da15_rows_stay_until_their_height_and_not_longer(world, make_world, open_again) -> None:
    store = open_again()
    root = world.statement.commitment.root
    other = make_world(1, 1, 1, 1, blob=b"later " * 100)
    store.put(world.statement, world.rows(1), keep_until=100)
    store.put(other.statement, other.rows(1), keep_until=256)
    assert store.prune(Height(100)) == 0
    assert store.row(root, 4) == world.rows(1)[0]
    assert store.prune(Height(101)) == 1
    with pytest.raises(NotFound):
        store.row(root, 4)
    assert store.indices(root) == ()
    assert len(store.indices(other.statement.commitment.root)) == 4
    store = open_again()
    assert store.prune(Height(10_000)) == 1
    assert {key for key, _ in store._db.scan(b"", b"\xff")} == {b"mchain", b"mformat"}


def test_da15_the_later_of_two_heights_counts(world, open_again) -> None:
    store = open_again()
    root = world.statement.commitment.root
    for keep_until in (100, 300, 200):
        store.put(world.statement, world.rows(1), keep_until=keep_until)
    assert store.prune(Height(300)) == 0
    assert len(store.indices(root)) == 4
    assert store.prune(Height(301)) == 1


def test_da15_an_archive_keeps_all(world, open_again) -> None:
    store = open_again(archival=True)
    store.put(world.statement, world.rows(1), keep_until=100)
    assert store.prune(Height(10**6)) == 0
    assert len(store.indices(world.statement.commitment.root)) == 4


@pytest.mark.parametrize("harm", ["bit", "cut", "swapped", "entry"])
def test_da16_a_damaged_row_is_not_served(world, harm) -> None:
    database = MemoryKeyValue()
    store = ShardStore(database, CHAIN)
    store.put(world.statement, world.rows(1), keep_until=100)
    root = world.statement.commitment.root
    key = b"r" + root + (4).to_bytes(2, "big")
    data = database.get(key)
    if harm == "bit":
        database.write(((key, data[:40] + bytes([data[40] ^ 1]) + data[41:]),))
    elif harm == "cut":
        database.write(((key, data[:-1]),))
    elif harm == "swapped":
        database.write(((key, world.rows(1)[1].to_bytes()),))
    else:
        database.write(((b"b" + root, b"\0"),))
    with pytest.raises(StoreError, match="DA-16"):
        store.row(root, 4)


# CRASHES


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """(folder, how each member ended): a process of its own, as RocksDB does not like forks."""
    folder = tmp_path_factory.mktemp("killed")
    program = Path(__file__).with_name("attesters.py")
    done = subprocess.run(
        [sys.executable, str(program), str(folder)], check=True, capture_output=True
    )
    return folder, {line["point"]: line for line in map(loads, done.stdout.splitlines())}


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("point", [*CRASH_POINTS, "nowhere"])
def test_da10_killed_anywhere_no_signature_is_out_without_its_rows(
    world, member_key, killed, point
) -> None:
    """Killed −9 at the point: what was sent is on disk; asked again, the member signs alike."""
    folder, ends = killed
    sent = bytes.fromhex(ends[point]["sent"])
    assert ends[point]["killed"] == (point != "nowhere")
    assert sent == (world.sign(1) if point == "nowhere" else b"")
    store = open_shards(folder / point, CHAIN)
    try:
        root = world.statement.commitment.root
        assert len(store.indices(root)) == (0 if point == "da-checked" else 4)
        signer = Attester((1).to_bytes(32, "big"), member_key(1), store, lambda _: None)
        rows, height = world.rows(1), Height(55)
        assert signer.attest(world.statement, rows, world.domain, CHAIN, height) == world.sign(1)
        assert [store.row(root, index) for index in store.indices(root)] == rows
    finally:
        store.close()
