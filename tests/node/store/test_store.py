"""Both stores against a dictionary: heights, windows, pruning, reopening, refusals."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.errors import NotFound, StoreError
from node.core.ids import ChainId, Height
from node.store import layout
from node.store.memory import MemoryKeyValue, memory_store
from node.store.proof import EMPTY_ROOT, proved_value
from node.store.rocksdb import RocksKeyValue, open_store

CHAIN = ChainId(b"\x11" * 32)
KEYS = st.lists(st.sampled_from([b"a", b"b", b"\x00", b"\xff"]), max_size=3).map(b"".join)
WRITES = st.dictionaries(KEYS, st.none() | st.binary(max_size=4), max_size=6)


def commit(store, height, writes, log=None):
    store.commit(store.stage(Height(height), writes, log or {}))


def apply(model, writes):
    model = dict(model)
    for key, value in writes.items():
        model.pop(key, None) if value is None else model.__setitem__(key, value)
    return model


@given(st.lists(WRITES, min_size=1, max_size=12), st.integers(2, 4), KEYS)
@settings(deadline=None, max_examples=80)
def test_ch12_every_height_of_the_window_reads_as_it_was(plain_root, history, window, prefix):
    database = MemoryKeyValue()
    store = memory_store(CHAIN, database, window=window)
    states, roots = [], []
    for height, writes in enumerate(history):
        commit(store, height, writes)
        states.append(apply(states[-1] if states else {}, writes))
        roots.append(store.root)
        assert store.root == plain_root(states[-1]) == store.rebuild_root()
    last = len(history) - 1
    oldest = max(0, last - window + 1)
    assert (store.height, store.oldest) == (last, oldest)
    for height in range(oldest, last + 1):
        state, reader = states[height], store.reader(Height(height))
        inside = sorted((k, v) for k, v in state.items() if k.startswith(prefix))
        assert list(reader.iterate(prefix)) == inside
        for key in {key for writes in history for key in writes}:
            assert reader.get(key) == state.get(key)
            proof = store.prove(key, Height(height))
            assert proved_value(roots[height], key, proof) == state.get(key)
    for height in (*range(oldest), last + 1):
        with pytest.raises(NotFound, match="CH-12"):
            store.reader(Height(height))
    reopened = memory_store(CHAIN, database, window=window)
    assert (reopened.height, reopened.root, reopened.oldest) == (last, roots[-1], oldest)
    assert all(key[:1] != layout.STATE or len(value) > 0 for key, value in database.scan(b"", b"z"))


def test_ch12_pruning_leaves_nothing_behind():
    """With a window of two, the database holds two trees, two roots, and the live state."""
    database = MemoryKeyValue()
    store = memory_store(CHAIN, database, window=2)
    for height in range(30):
        commit(store, height, {bytes([i]): bytes([height]) for i in range(20)})
    commit(store, 30, {bytes([i]): None for i in range(20)})
    commit(store, 31, {b"end": b"1"})
    commit(store, 32, {b"end": b"2"})
    kinds = {}
    for key, _ in database.scan(b"", b"z"):
        kinds[key[:1]] = kinds.get(key[:1], 0) + 1
    assert kinds == {b"m": 3, b"s": 2, b"r": 2, b"x": 2}


def test_ch12_a_reader_that_outlives_its_height_raises():
    store = memory_store(CHAIN, window=2)
    commit(store, 0, {b"k": b"old"})
    reader = store.reader()
    walk = reader.iterate(b"")
    for height in range(1, 4):
        commit(store, height, {b"k": bytes([height])})
    with pytest.raises(NotFound, match="CH-12"):
        reader.get(b"k")
    with pytest.raises(NotFound, match="CH-12"):
        list(walk)


def test_readers_are_not_disturbed_by_writers(open_again):
    store = open_again()
    commit(store, 0, {b"k%d" % i: b"0" for i in range(100)})
    reader = store.reader()
    seen = []
    for key, value in reader.iterate(b"k"):
        if len(seen) == 50:
            commit(store, 1, {b"k%d" % i: b"1" for i in range(100)})
        seen.append((key, value))
    assert len(seen) == 100
    assert {value for _, value in seen} == {b"0"}
    assert store.reader().get(b"k7") == b"1"
    assert reader.get(b"k7") == b"0"


def test_ch12_readers_in_other_threads_see_one_height_or_are_told(open_again):
    """All keys carry their height: a reader that mixed two heights would see two values."""
    store = open_again(window=2)
    commit(store, 0, {b"k%d" % i: b"0" for i in range(20)})
    stop, seen, wrong = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            reader = store.reader()
            try:
                values = {value for _, value in reader.iterate(b"k")}
                values.add(reader.get(b"k3"))
                proof = store.prove(b"k5", reader.height)
            except NotFound:
                continue
            seen.append(reader.height)
            if values != {b"%d" % reader.height} or not proof:
                wrong.append((reader.height, values))

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        for height in range(1, 80):
            commit(store, height, {b"k%d" % i: b"%d" % height for i in range(20)})
        stop.set()
        for reader in readers:
            reader.result()
    assert not wrong
    assert seen


def test_ch11_staging_writes_nothing(open_again):
    store = open_again()
    assert store.empty
    commit(store, 0, {b"k": b"0"}, {b"b0": b"genesis"})
    staged = store.stage(Height(1), {b"k": b"1", b"l": b"1"}, {b"b1": b"block"})
    store = open_again()
    assert (store.height, store.reader().get(b"k"), store.log(b"b1")) == (0, b"0", None)
    assert not store.empty
    store.commit(staged)
    store = open_again()
    assert (store.height, store.root) == (1, staged.root)
    assert (store.reader().get(b"k"), store.log(b"b1")) == (b"1", b"block")
    assert list(store.log_range(b"b", b"c")) == [(b"b0", b"genesis"), (b"b1", b"block")]


def test_ch11_heights_follow_one_another(open_again):
    store = open_again()
    with pytest.raises(StoreError, match="the next one is 0"):
        store.stage(Height(1), {}, {})
    commit(store, 0, {})
    first = store.stage(Height(1), {b"a": b"1"}, {})
    second = store.stage(Height(1), {b"a": b"2"}, {})
    store.commit(second)
    with pytest.raises(StoreError, match="the next one is 2"):
        store.commit(first)
    with pytest.raises(StoreError, match="the next one is 2"):
        store.stage(Height(3), {}, {})


def test_recompute_gives_the_root_again(open_again):
    store = open_again()
    commit(store, 0, {b"k%d" % i: b"0" for i in range(50)})
    writes = {b"k1": None, b"k2": b"new", b"z": b"1", b"absent": None}
    commit(store, 1, writes)
    assert store.recompute(Height(1), writes) == store.root
    assert store.recompute(Height(1), {**writes, b"z": b"2"}) != store.root


def test_ch13_another_chain_or_format_or_owner_is_refused(open_again, tmp_path):
    commit(open_again(), 0, {b"k": b"v"})
    with pytest.raises(StoreError, match="CH-13: the store belongs to chain 1111"):
        open_again(ChainId(b"\x22" * 32))
    store = open_again()
    store._db.write(((layout.META_FORMAT, layout.u64(99)),))
    with pytest.raises(StoreError, match="CH-13: the store has format 99"):
        open_again()
    foreign = RocksKeyValue(tmp_path / "foreign")
    foreign.write(((b"somebody", b"else"),))
    foreign.close()
    with pytest.raises(StoreError, match="CH-13: the database holds something else"):
        open_store(tmp_path / "foreign", CHAIN)


def test_ch14_a_second_process_is_refused(tmp_path):
    store = open_store(tmp_path / "state", CHAIN)
    commit(store, 0, {b"k": b"v"})
    program = (
        "import sys, pathlib\n"
        "from node.store.rocksdb import open_store\n"
        "from node.core.errors import StoreError\n"
        "try:\n"
        "    open_store(pathlib.Path(sys.argv[1]), b'\\x11' * 32)\n"
        "except StoreError as error:\n"
        "    print(error.message)\n"
    )
    arguments = [sys.executable, "-c", program, str(tmp_path / "state")]
    told = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
    assert told.startswith("CH-14: another process has this store open")
    with pytest.raises(StoreError, match="CH-14"):
        open_store(tmp_path / "state", CHAIN)
    store.close()
    again = open_store(tmp_path / "state", CHAIN)
    assert again.reader().get(b"k") == b"v"
    again.close()


def test_not_a_folder_and_closed_store_are_store_errors(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="the database failed"):
        open_store(tmp_path / "file", CHAIN)
    store = open_store(tmp_path / "state", CHAIN)
    store.close()
    with pytest.raises(StoreError, match="the database failed"):
        store.log(b"k")


def test_window_of_one_is_refused():
    with pytest.raises(StoreError, match="too small"):
        memory_store(CHAIN, window=1)


def test_checkpoint_is_a_whole_second_store(tmp_path):
    store = open_store(tmp_path / "state", CHAIN)
    commit(store, 0, {b"k%d" % i: b"0" for i in range(100)}, {b"b": b"block"})
    (tmp_path / "copy.partial").mkdir()
    store.checkpoint(tmp_path / "copy")
    with pytest.raises(StoreError, match="something already"):
        store.checkpoint(tmp_path / "copy")
    root = store.root
    commit(store, 1, {b"k1": b"1"})
    copy = open_store(tmp_path / "copy", CHAIN)
    assert (copy.height, copy.root, copy.log(b"b")) == (0, root, b"block")
    assert copy.rebuild_root() == root
    copy.close()
    store.close()
    with pytest.raises(StoreError, match="no checkpoints"):
        memory_store(CHAIN).checkpoint(tmp_path / "memory")


def test_scans_stop_at_their_bound_whatever_else_is_allocated(tmp_path):
    """RocksDB holds a pointer to the bound; a bound that is freed early lets a scan run on."""
    database = RocksKeyValue(tmp_path / "raw")
    batch = [(b"%c/%05d" % (prefix, i), b"v" * 50) for prefix in b"mno" for i in range(3000)]
    database.write(tuple(batch))
    for _ in range(3):
        count = 0
        for key, _ in database.scan(b"n/", layout.after_prefix(b"n/")):
            assert key.startswith(b"n/")
            database.get(bytes([count % 256]) * 2)
            count += 1
        assert count == 3000
    assert database.first(b"n/99999", b"o/") is None
    assert database.first(b"n/02999", b"o/")[0] == b"n/02999"
    database.close()


def test_an_empty_store_reads_as_nothing(open_again):
    store = open_again()
    assert (store.height, store.root, store.reader().get(b"k")) == (0, EMPTY_ROOT, None)
    assert proved_value(EMPTY_ROOT, b"k", store.prove(b"k")) is None


@given(st.lists(KEYS, min_size=2, max_size=2))
def test_physical_keys_sort_as_keys(keys):
    low, high = sorted(keys)
    assert (layout.state_key(low) < layout.state_key(high)) == (low < high)
    assert layout.plain_key(layout.state_key(low)) == low
    physical = layout.versioned(layout.state_key(low), 7)
    assert layout.split_versioned(physical) == (layout.state_key(low), 7)
    assert layout.state_key(high).startswith(layout.state_prefix(low)) == high.startswith(low)
