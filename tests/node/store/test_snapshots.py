"""Snapshots between stores: what is made is taken, and nothing else is."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.errors import ConsensusFault, StoreError
from node.core.head import CHAIN_KEY, HEAD_KEY, Head
from node.core.ids import ChainId, Height, StateRoot
from node.store import layout, restore
from node.store.chain import Chain
from node.store.memory import MemoryKeyValue, memory_store
from node.store.proof import proved_value
from node.store.rocksdb import open_store
from node.store.snapshots import importing, manifest, stream
from node.store.snapshots.errors import Blame, SnapshotRefused
from node.store.snapshots.export import checkpoint, export, export_checkpoint
from node.store.snapshots.importing import Import, check_offer
from node.store.snapshots.manifest import Manifest, chunk_hash
from node.store.snapshots.shelf import Shelf
from node.store.snapshots.stream import Reading, Writing
from node.store.state_tree import grown
from zk.errors import DecodeError

CHAIN = ChainId(b"\x11" * 32)
GENESIS = b"genesis"
HEIGHT = Height(7)
STATES = st.dictionaries(
    st.binary(max_size=6).map(lambda key: b"t/" + key), st.binary(max_size=40), max_size=60
)
SMALL = 128


@pytest.fixture(autouse=True, scope="module")
def small_chunks():
    """So that a few entries make several chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "CHUNK_BYTES", SMALL)
        patch.setattr(stream, "CHUNK_BYTES", SMALL)
        yield


def full(state, chain_id=CHAIN, height=HEIGHT):
    """With what every state says of itself."""
    head = Head(height, 5, b"\x07" * 32)
    return {**state, CHAIN_KEY: chain_id, HEAD_KEY: head.to_bytes()}


def source(state, database=None):
    """A store that has the state at `HEIGHT`, and older versions of some of it."""
    store = memory_store(CHAIN, database)
    keys = sorted(state)
    for height in range(HEIGHT + 1):
        writes = dict.fromkeys(keys[height::3], b"old") | {b"gone": b"1"}
        if height == HEIGHT:
            writes = {**state, b"gone": None}
        store.commit(store.stage(Height(height), writes, {}))
    return store


def packed(state, root=None, chain_id=CHAIN, height=HEIGHT):
    """(manifest, chunks) of these entries, which may lie about the root."""
    writing = Writing(sorted(state.items()))
    chunks = list(writing.chunks())
    found = Manifest(
        chain_id,
        height,
        StateRoot(root or source(state).root),
        writing.entries,
        writing.size,
        tuple(map(chunk_hash, chunks)),
    )
    return found, chunks


def take(store, found, chunks):
    """All chunks in order; the store has the state at the end."""
    taking = Import(store, found, GENESIS)
    ends = [taking.apply(index, chunk) for index, chunk in enumerate(chunks)]
    assert ends == [False] * (len(chunks) - 1) + [True]


def offer(found, trusted, **said):
    values = {
        "height": found.height,
        "format_": manifest.FORMAT,
        "chunks": len(found.chunks),
        "hash_": found.hash,
        "chain_id": CHAIN,
        "trusted": trusted,
    }
    return check_offer(found.to_bytes(), **{**values, **said})


def refused(call, blame) -> str:
    with pytest.raises(SnapshotRefused) as caught:
        call()
    assert caught.value.blame is blame
    assert caught.value.id == caught.value.rule
    assert caught.value.message.count(caught.value.rule) == 1
    return caught.value.rule


def content(database):
    return [key for key, _ in database.scan(b"", b"z") if key[:1] != b"m"]


@given(STATES, STATES)
@settings(deadline=None, max_examples=60)
def test_a_state_is_the_same_on_the_other_side(tmp_path_factory, state, later):
    state = full(state)
    there = source(state)
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    made = export(shelf, there.reader(HEIGHT), CHAIN, HEIGHT, there.root)
    assert shelf.manifests() == [made] == [offer(made, there.root)]
    assert Manifest.from_bytes(made.to_bytes()) == made
    assert made == packed(state)[0]  # a function of the state
    chunks = [shelf.chunk(HEIGHT, index) for index in range(len(made.chunks))]
    assert shelf.chunk(HEIGHT, len(chunks)) is None
    (shelf.folder / str(HEIGHT) / str(len(chunks))).mkdir()
    assert shelf.chunk(HEIGHT, len(chunks)) is None  # nothing that can be read

    database = MemoryKeyValue()
    here = memory_store(CHAIN, database)
    take(here, made, chunks)
    assert (here.height, here.root, here.oldest) == (HEIGHT, there.root, HEIGHT)
    assert dict(here.reader().iterate(b"")) == state
    assert here.rebuild_root() == here.root
    for key in [*state, b"absent"]:
        assert proved_value(there.root, key, here.prove(key)) == state.get(key)
    chain = Chain(here)
    assert (chain.genesis(), chain.first) == (GENESIS, HEIGHT + 1)
    for _ in range(2):
        for store in (here, there):
            writes = dict.fromkeys(list(state)[::2]) | later
            store.commit(store.stage(Height(store.height + 1), writes, {}))
        assert here.root == there.root == here.rebuild_root()
        here = memory_store(CHAIN, database)


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_any_flipped_byte_is_refused(data):
    state = full(data.draw(STATES))
    found, chunks = packed(state)
    database = MemoryKeyValue()
    store = memory_store(CHAIN, database)
    index = data.draw(st.integers(0, len(chunks) - 1))
    at = data.draw(st.integers(0, len(chunks[index]) - 1))
    bad = bytearray(chunks[index])
    bad[at] ^= 1 << data.draw(st.integers(0, 7))
    taking = Import(store, found, GENESIS)
    for k in range(index):
        taking.apply(k, chunks[k])
    assert refused(lambda: taking.apply(index, bytes(bad)), Blame.SENDER) == "SN-4"
    assert store.empty
    if data.draw(st.booleans()):  # another peer has the right one
        for k in range(index, len(chunks)):
            taking.apply(k, chunks[k])
        assert store.root == found.state_root
        return
    # A manifest that was made for it: then entries or root are wrong.
    chunks[index] = bytes(bad)
    lying = replace(found, chunks=tuple(map(chunk_hash, chunks)))
    taking = Import(store, lying, GENESIS)

    def all_of_it():
        for k, chunk in enumerate(chunks):
            taking.apply(k, chunk)

    assert refused(all_of_it, Blame.SNAPSHOT) in {"SN-5", "SN-6", "SN-9"}
    taking.abandon()
    assert store.empty
    assert not content(database)


def test_sn1_a_manifest_has_one_encoding():
    found, _ = packed(full({b"t/%d" % k: bytes(30) for k in range(9)}))
    data = found.to_bytes()
    assert len(found.chunks) > 2
    width = len(data) - 32 * len(found.chunks)
    bad = {
        "version": b"\x02" + data[1:],
        "height": data[:33] + bytes(8) + data[41:],
        "entries": data[: width - 16] + bytes(8) + data[width - 8 :],
        "bytes": data[: width - 8] + bytes(8),
        "a chunk more": data + bytes(32),
        "a chunk less": data[:-32],
        "cut": data[:-1],
        "too many": data[: width - 8] + (2**63).to_bytes(8, "little") + data[width:],
    }
    for name, changed in bad.items():
        with pytest.raises(DecodeError):
            Manifest.from_bytes(changed)
        said = {**vars_of(found), "trusted": found.state_root}
        call = lambda c=changed, s=said: check_offer(c, **s)  # noqa: E731
        assert refused(call, Blame.SENDER) == "SN-1", name
    huge = bytes(manifest.MAX_MANIFEST + 1)
    assert refused(lambda: check_offer(huge, **said), Blame.SENDER) == "SN-1"


def vars_of(found):
    return {
        "height": found.height,
        "format_": manifest.FORMAT,
        "chunks": len(found.chunks),
        "hash_": found.hash,
        "chain_id": CHAIN,
    }


def test_sn2_an_offer_is_of_its_manifest():
    found, _ = packed(full({}))
    for said in ({"height": 8}, {"chunks": 9}, {"hash_": bytes(32)}):
        assert refused(lambda s=said: offer(found, found.state_root, **s), Blame.SENDER) == "SN-2"
    assert refused(lambda: offer(found, found.state_root, format_=2), Blame.FORMAT) == "SN-2"


def test_sn3_an_offer_is_of_this_chain_and_of_the_root_that_was_signed():
    found, _ = packed(full({}))
    other = ChainId(b"\x12" * 32)
    for call in (
        lambda: offer(found, b"\x01" * 32),
        lambda: offer(found, found.state_root, chain_id=other),
    ):
        assert refused(call, Blame.SENDER) == "SN-3"


def test_sn4_a_chunk_is_the_one_that_the_manifest_names():
    found, chunks = packed(full({b"t/%d" % k: bytes(30) for k in range(9)}))
    taking = Import(memory_store(CHAIN), found, GENESIS)
    for bad in (b"", chunks[0][:-1], chunks[0] + b"\0", chunks[1]):
        assert refused(lambda b=bad: taking.apply(0, b), Blame.SENDER) == "SN-4"
    assert refused(lambda: taking.apply(1, chunks[1]), Blame.SNAPSHOT) == "SN-4"  # not its turn


def test_sn4_a_manifest_that_names_chunks_of_another_length_is_nobodys_else_fault():
    """Asked again, every honest peer would send the same, and be blamed for it."""
    found, chunks = packed(full({b"t/%d" % k: bytes(30) for k in range(9)}))
    longer = chunks[0] + b"\0"
    lying = replace(found, chunks=(chunk_hash(longer), *found.chunks[1:]))
    taking = Import(memory_store(CHAIN), lying, GENESIS)
    assert refused(lambda: taking.apply(0, longer), Blame.SNAPSHOT) == "SN-4"


def test_sn5_entries_ascend_and_end():
    def fed(*parts, count=None):
        reading = Reading()
        for part in parts:
            reading.feed(part)
        reading.done(reading.entries if count is None else count)

    def wire(*entries):
        return b"".join(Writing(entries).chunks())

    good = wire((b"a", b"1"), (b"b", b""))
    fed(good)
    fed(*(good[k : k + 1] for k in range(len(good))))
    fed(wire((b"", b""), (b"\0", b"")))
    for bad in (
        wire((b"b", b"1"), (b"a", b"1")),
        wire((b"a", b"1"), (b"a", b"2")),
        good[:-1],
        good + b"\0",
        (stream.MAX_KEY + 1).to_bytes(4, "little"),
        bytes(4) + (stream.MAX_VALUE + 1).to_bytes(4, "little"),
    ):
        assert refused(lambda b=bad: fed(b), Blame.SNAPSHOT) == "SN-5"
    assert refused(lambda: fed(good, count=3), Blame.SNAPSHOT) == "SN-5"
    for key, value in ((bytes(stream.MAX_KEY + 1), b""), (b"", bytes(stream.MAX_VALUE + 1))):
        with pytest.raises(StoreError, match="too large"):
            list(Writing([(key, value)]).chunks())


@pytest.mark.parametrize(
    "said",
    [
        (stream.MAX_KEY + 1).to_bytes(4, "little"),
        b"\1\0\0\0k" + (stream.MAX_VALUE + 1).to_bytes(4, "little"),
    ],
)
def test_sn5_what_is_too_long_is_refused_as_soon_as_it_says_so(said):
    """And is not gathered, chunk by chunk, until it ends: it might be all of the stream."""
    reading = Reading()
    assert refused(lambda: reading.feed(said), Blame.SNAPSHOT) == "SN-5"
    most = int.from_bytes(said[-4:], "little") - 1
    assert Reading().feed(said[:-4] + most.to_bytes(4, "little")) == []


def test_sn6_entries_that_give_another_root_are_refused():
    state = full({b"t/%d" % k: bytes(30) for k in range(9)})
    for lie in (
        {**state, b"t/3": b"more"},
        {key: value for key, value in state.items() if key != b"t/3"},
        {**state, b"t/new": b"1"},
    ):
        found, chunks = packed(lie, root=source(state).root)
        database = MemoryKeyValue()
        taking = Import(memory_store(CHAIN, database), found, GENESIS)
        for index, chunk in enumerate(chunks[:-1]):
            taking.apply(index, chunk)
        end = (len(chunks) - 1, chunks[-1])
        assert refused(lambda t=taking, e=end: t.apply(*e), Blame.SNAPSHOT) == "SN-6"
        taking.abandon()
        assert not content(database)


def test_sn6_the_tree_is_made_in_parts_that_are_as_small_as_one_likes(monkeypatch):
    """Down to a single entry: parts of parts are read by nibbles of the hash."""
    monkeypatch.setattr(restore, "grown", partial(grown, most=1))
    state = full({b"t/%d" % n: b"v" for n in range(400)})
    store = memory_store(CHAIN, MemoryKeyValue())
    take(store, *packed(state))
    assert store.root == source(state).root
    assert store.rebuild_root() == store.root


@pytest.mark.parametrize("point", importing.CRASH_POINTS)
def test_sn7_a_restoration_that_stops_leaves_no_state(point):
    class Killed(Exception):
        pass

    def crash(at):
        if at == point:
            raise Killed

    found, chunks = packed(full({b"t/%d" % k: bytes(30) for k in range(9)}))
    database = MemoryKeyValue()
    with contextlib.suppress(Killed):
        taking = Import(memory_store(CHAIN, database), found, GENESIS, crash_point=crash)
        for index, chunk in enumerate(chunks):
            taking.apply(index, chunk)
    store = memory_store(CHAIN, database)
    if point == "restore-committed":
        assert store.root == found.state_root
    else:
        assert store.empty
        assert not content(database)
    take(store, found, chunks)  # from the beginning
    assert store.root == found.state_root == store.rebuild_root()
    assert not [key for key in content(database) if key[:1] == layout.SCRATCH]


def test_sn8_a_ledger_with_blocks_takes_no_snapshot():
    found, chunks = packed(full({}))
    ledger = source(full({}))
    with pytest.raises(ConsensusFault, match="SN-8"):
        Import(ledger, found, GENESIS)
    with pytest.raises(StoreError, match="SN-8"):
        ledger.restore(HEIGHT)
    assert ledger.root == found.state_root
    store = memory_store(CHAIN)
    take(store, found, chunks)
    store.commit(store.stage(Height(8), {b"t/1": b"1"}, {}))
    with pytest.raises(ConsensusFault, match="SN-8"):
        Import(store, found, GENESIS)
    assert store.height == 8


@pytest.mark.parametrize(
    "said",
    [
        full({}, chain_id=ChainId(b"\x12" * 32)),
        full({}, height=Height(8)),
        {CHAIN_KEY: CHAIN, HEAD_KEY: b"short"},
        {CHAIN_KEY: CHAIN},
    ],
)
def test_sn9_the_state_names_its_chain_and_height(said):
    found, chunks = packed(said)
    store = memory_store(CHAIN)
    assert refused(lambda: take(store, found, chunks), Blame.SNAPSHOT) == "SN-9"
    assert store.empty


def test_sn10_a_snapshot_is_on_the_shelf_whole_or_not_at_all(tmp_path):
    state = full({b"t/%d" % k: bytes(30) for k in range(9)})
    store = source(state, None)
    shelf = Shelf(tmp_path / "shelf", keep=2)
    shelf.clear()
    assert shelf.manifests() == []

    class Killed(Exception):
        pass

    for point in ("snapshot-chunk", "snapshot-before-rename"):

        def crash(at, point=point):
            if at == point:
                raise Killed

        with pytest.raises(Killed):
            export(shelf, store.reader(), CHAIN, HEIGHT, store.root, crash)
        assert shelf.manifests() == []
        assert shelf.chunk(HEIGHT, 0) is None
        shelf.clear()
        assert not list(shelf.folder.iterdir())
    made = []
    for _ in range(4):
        made.append(export(shelf, store.reader(), CHAIN, store.height, store.root))
        store.commit(store.stage(Height(store.height + 1), {b"t/1": b"%d" % len(made)}, {}))
    assert shelf.manifests() == [made[3], made[2]]
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["10", "9"]
    (shelf.folder / "10" / "manifest").write_bytes(b"\xff")
    assert shelf.manifests() == [made[2]]


def test_a_snapshot_from_the_checkpoint_of_a_store_on_disk(tmp_path):
    store = open_store(tmp_path / "there", CHAIN)
    state = full({b"t/%d" % k: bytes([k]) * 30 for k in range(200)}, height=Height(0))
    store.commit(store.stage(Height(0), state, {}))
    state = full(state, height=Height(1)) | {b"t/1": b"new"}
    store.commit(store.stage(Height(1), state, {}))
    root = store.root
    shelf = Shelf(tmp_path / "shelf")
    checkpoint(shelf, store, Height(1))
    store.commit(store.stage(Height(2), {b"t/1": b"newer"}, {}))  # it went on meanwhile
    store.close()
    made = export_checkpoint(shelf, CHAIN, Height(1))
    assert made.state_root == root
    assert [path.name for path in shelf.folder.iterdir()] == ["1"]
    here = open_store(tmp_path / "here", CHAIN)
    chunks = [shelf.chunk(1, index) for index in range(len(made.chunks))]
    Import(here, made, GENESIS).apply(0, chunks[0])
    here.close()
    here = open_store(tmp_path / "here", CHAIN)
    assert here.empty
    take(here, made, chunks)
    here.close()
    here = open_store(tmp_path / "here", CHAIN)
    assert (here.height, here.root, here.rebuild_root()) == (1, root, root)
    assert dict(here.reader().iterate(b"")) == state
    here.close()
