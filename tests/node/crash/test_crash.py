"""kill −9 between and inside the calls: the last whole block stands, nothing told is lost."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys

import pytest

from node.consensus import application, local
from node.core.errors import NotFound
from node.store.chain import NotKept
from node.store.memory import memory_store
from node.store.rocksdb import open_store
from node.store.snapshots import export, importing
from node.store.snapshots.shelf import Shelf

POINTS = (*application.CRASH_POINTS, *local.CRASH_POINTS, *export.CRASH_POINTS)
SELDOM = ("init-", "checkpoint-", "snapshot-")
"""Points that not every block passes."""
TARGET = 12
REPEATED = [point for point in POINTS if not point.startswith("init-")]


@contextlib.contextmanager
def nursery_of(kv_node_path, *world: str):
    with subprocess.Popen(
        [sys.executable, str(kv_node_path), "nursery", *world],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def run(folder, target=TARGET, *, point="", hit=0, delay=None, join="") -> int:
            order = {"folder": str(folder), "target": target, "point": point, "hit": hit}
            order["join"] = str(join)
            process.stdin.write(json.dumps({**order, "delay": delay}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.fixture(scope="module")
def nursery(kv_node_path):
    with nursery_of(kv_node_path) as run:
        yield run


@pytest.fixture(scope="module")
def roots(kv):
    """State roots of a run that nothing interrupts, by height."""
    return kv.COUNTERS.uninterrupted(60)


def told(folder) -> list[tuple[int, str]]:
    file = folder / "acknowledged"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(line.split()[0]), line.split()[1]) for line in lines]


def check(folder, kv, roots, target=TARGET, *, world=None, joined=0) -> None:
    """Everything that was ever told is on the chain, and the chain is the uninterrupted one."""
    world = world or kv.COUNTERS
    chain_id = world.genesis.chain_id
    for height, root in told(folder):
        assert root == roots[height]
    store = open_store(folder / "state", chain_id, window=4)
    try:
        app, _ = world.build(store)
        assert (store.height, store.root.hex()) == (target, roots[target])
        assert store.rebuild_root() == store.root
        app.check_head()
        first = max(1, target - kv.RETAIN + 1)
        assert app.chain.first == first
        for height in range(1, first):
            with pytest.raises(NotKept):
                app.chain.receipts(height)
        previous = app.chain.anchor.hash if first > 1 else bytes(32)
        for height in range(first, target + 1):
            block = app.chain.block(height)
            assert block.header.previous == previous
            assert block.header.state_root.hex() == roots[height - 1]
            assert app.chain.height_of(block.header.hash) == height
            receipts = app.chain.receipts(height)
            assert len(receipts) == len(block.txs) > 0
            for receipt in receipts:
                assert app.chain.locate(receipt.tx_id).ok
            previous = block.header.hash
        with pytest.raises(NotFound):
            app.chain.block(target + 1)
    finally:
        store.close()
    for height in range(joined + 4, target + 1, 4):
        copy = open_store(folder / f"copy{height}", chain_id, window=4)
        assert (copy.height, copy.root.hex()) == (height, roots[height])
        copy.close()
    check_snapshots(Shelf(folder / "snapshots"), kv, roots, target, world)


def check_snapshots(shelf, kv, roots, target, world) -> None:
    """SN-10: the last two are whole, and nothing else is left of any."""
    last = target - target % 4
    assert {path.name for path in shelf.folder.iterdir()} == {str(last), str(last - 4)}
    for height, made in zip((last, last - 4), shelf.manifests(), strict=True):
        assert (made.height, made.state_root.hex()) == (height, roots[height])
    store = memory_store(world.genesis.chain_id)
    kv.restore(store, world.genesis, shelf)
    assert store.rebuild_root().hex() == roots[last - 4]


def kill_at(nursery, folder, point, hits) -> int:
    """Start once per entry of `hits`, killed at that passing of `point`; then run to the end."""
    killed = 0
    for hit in hits:
        before = told(folder)
        code = nursery(folder, point=point, hit=hit)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        assert told(folder)[: len(before)] == before
    assert nursery(folder) == 0
    return killed


@pytest.mark.parametrize("point", POINTS)
def test_ch22_killed_at_a_named_point(nursery, kv, roots, tmp_path, point):
    """Twice or more at every point, in one life of the store."""
    hits = [1, 1] if point.startswith(SELDOM) else [3, 1, 4]
    killed = kill_at(nursery, tmp_path, point, hits)
    assert killed == (1 if point == "init-after-commit" else len(hits))
    check(tmp_path, kv, roots)


@pytest.mark.parametrize("point", importing.CRASH_POINTS)
def test_sn7_killed_while_a_snapshot_is_taken(nursery, kv, roots, tmp_path, point):
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        folder.mkdir()
    assert nursery(there, 8) == 0
    shelf = there / "snapshots"
    for _ in range(2):
        code = nursery(here, point=point, hit=1, join=shelf)
        assert code in (0, -signal.SIGKILL)
        if point != "restore-committed":
            assert code == -signal.SIGKILL
            assert not told(here)
    assert nursery(here, join=shelf) == 0
    assert told(here)[0][0] == 5  # behind the snapshot of 4
    check(here, kv, roots, joined=4)


def test_ch22_a_crash_before_the_write_loses_the_height_and_after_it_keeps_it(
    nursery, kv, roots, tmp_path
):
    for point, height in (("store-before-write", 4), ("store-after-write", 5)):
        folder = tmp_path / point
        folder.mkdir()
        assert nursery(folder, point=point, hit=6) == -signal.SIGKILL  # genesis passes once too
        store = open_store(folder / "state", kv.GENESIS.chain_id, window=4)
        assert (store.height, store.root.hex()) == (height, roots[height])
        assert told(folder)[-1][0] == 4
        store.close()


def test_ch22_killed_at_any_time(nursery, kv, roots, tmp_path):
    rng = random.Random(2026)
    rounds(nursery, kv, roots, tmp_path, [rng.uniform(0.0, 0.05) for _ in range(20)], target=40)


@pytest.mark.slow
@pytest.mark.parametrize("point", REPEATED)
def test_ch22_killed_often_at_a_named_point(nursery, kv, roots, tmp_path, point):
    """Twenty-five times at every point."""
    rng = random.Random(point)
    killed = 0
    while killed < 25:
        folder = tmp_path / str(killed)
        folder.mkdir()
        one = point.startswith(SELDOM)
        killed += kill_at(nursery, folder, point, [1 if one else rng.randint(1, 3)] * 3)
        check(folder, kv, roots)


@pytest.mark.slow
def test_ch22_killed_often_at_any_time(nursery, kv, roots, tmp_path):
    rng = random.Random(int(os.environ.get("CHIARO_TEST_SEED", "7")))
    for i in range(10):
        folder = tmp_path / str(i)
        folder.mkdir()
        rounds(nursery, kv, roots, folder, [rng.uniform(0, 0.06) for _ in range(25)], target=60)


def rounds(nursery, kv, roots, folder, delays, target) -> None:
    """Kill after each delay, whatever the node is doing; then let it finish."""
    for delay in delays:
        before = told(folder)
        assert nursery(folder, target, delay=delay) in (0, -signal.SIGKILL)
        assert told(folder)[: len(before)] == before
    assert nursery(folder, target) == 0
    check(folder, kv, roots, target)
