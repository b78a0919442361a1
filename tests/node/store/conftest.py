"""Both stores under one set of tests, and a root computed the slow way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from node.core.ids import ChainId
from node.store.memory import MemoryKeyValue, memory_store
from node.store.proof import EMPTY_ROOT, key_hash, leaf_hash, node_hash, value_hash
from node.store.rocksdb import open_store
from node.store.versioned import VersionedStore

CHAIN = ChainId(b"\x11" * 32)


@pytest.fixture(params=["memory", "rocksdb"])
def open_again(request, tmp_path) -> Iterator[Callable[..., VersionedStore]]:
    """Opens the store; called again, closes it and opens what it left behind."""
    database = MemoryKeyValue()
    opened: list[VersionedStore] = []

    def reopen(chain_id: ChainId = CHAIN, **options) -> VersionedStore:
        if opened:
            opened.pop().close()
        if request.param == "memory":
            store = memory_store(chain_id, database, **options)
        else:
            store = open_store(tmp_path / "state", chain_id, **options)
        opened.append(store)
        return store

    yield reopen
    for store in opened:
        store.close()


@pytest.fixture(scope="session")
def plain_root() -> Callable[[Mapping[bytes, bytes]], bytes]:
    """The root by its definition: one recursion over the sorted entries, bit by bit."""

    def root(entries: list[tuple[int, bytes]], bit: int) -> bytes:
        if not entries:
            return EMPTY_ROOT
        if len(entries) == 1:
            return entries[0][1]
        left = [entry for entry in entries if not entry[0] >> (255 - bit) & 1]
        right = [entry for entry in entries if entry[0] >> (255 - bit) & 1]
        return node_hash(root(left, bit + 1), root(right, bit + 1))

    def of_state(state: Mapping[bytes, bytes]) -> bytes:
        entries = [
            (int.from_bytes(key_hash(k), "big"), leaf_hash(key_hash(k), value_hash(v)))
            for k, v in state.items()
        ]
        return root(entries, 0)

    return of_state
