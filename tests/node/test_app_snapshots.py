"""Snapshots of a running node: another process makes them, and no block waits."""

from __future__ import annotations

import logging
import time

import pytest

from node.app.snapshots import Snapshotter
from node.core.ids import ChainId, Height
from node.store.rocksdb import open_store
from node.store.snapshots.shelf import Shelf

CHAIN = ChainId(b"\x11" * 32)


@pytest.fixture
def store(tmp_path):
    found = open_store(tmp_path / "chain", CHAIN)
    commit(found)
    yield found
    found.close()


def commit(store):
    height = Height(0 if store.empty else store.height + 1)
    store.commit(store.stage(height, {b"t/%d" % height: b"1"}, {}))
    return height


def finished(made: Snapshotter) -> None:
    deadline = time.monotonic() + 60
    while made.busy and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not made.busy


def test_sn10_one_at_every_interval_and_one_at_a_time(store, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    shelf = Shelf(tmp_path / "shelf")
    left = shelf.place(7, ".partial")
    left.mkdir()
    made = Snapshotter(shelf, store, CHAIN, 2)
    assert not left.exists()
    for _ in range(5):  # 1 to 5: begun at 2, which is under way at 4
        made.committed(commit(store))
    root = store.root_at(Height(2)).hex()
    assert "still being made" in caplog.text
    finished(made)
    assert [(item.height, item.state_root.hex()) for item in shelf.manifests()] == [(2, root)]
    assert [path.name for path in shelf.folder.iterdir()] == ["2"]
    made.committed(commit(store))  # 6
    finished(made)
    assert shelf.heights() == [6, 2]
    made.close()
    made.committed(Height(8))
    assert not made.busy


def test_a_snapshot_that_fails_costs_nothing_else(store, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(Snapshotter, "module", "node.no_such_module")
    shelf = Shelf(tmp_path / "shelf")
    made = Snapshotter(shelf, store, CHAIN, 1)
    made.committed(commit(store))
    finished(made)
    assert "no snapshot" in caplog.text
    assert shelf.heights() == []
    commit(store)
    made.close()


def test_a_snapshot_that_the_disk_refuses_is_told_in_a_line(store, tmp_path, caplog):
    shelf = Shelf(tmp_path / "shelf")
    made = Snapshotter(shelf, store, CHAIN, 1)
    shelf.place(1, ".partial").write_text("in its way")
    made.committed(commit(store))
    finished(made)
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == f"no snapshot: File exists: {shelf.place(1, '.partial')}"
    made.close()


def test_a_node_that_ends_does_not_wait_for_a_snapshot(store, tmp_path, monkeypatch, caplog):
    (tmp_path / "endless_export.py").write_text("import time; time.sleep(100)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(Snapshotter, "module", "endless_export")
    made = Snapshotter(Shelf(tmp_path / "shelf"), store, CHAIN, 1)
    made.committed(commit(store))
    time.sleep(0.5)
    assert made.busy
    made.close()
    assert not made.busy  # it was ended: left alone it would outlive the wait for it
    assert "no snapshot" not in caplog.text


def test_without_a_shelf_or_an_interval_there_is_none(store, tmp_path):
    for shelf, interval in ((None, 1), (Shelf(tmp_path / "shelf"), 0)):
        made = Snapshotter(shelf, store, CHAIN, interval)
        made.committed(Height(1))
        assert not made.busy
        made.close()
