"""The tree alone: roots by definition, independence of history, stale nodes, damaged nodes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.core.errors import StoreError
from node.store.proof import EMPTY_ROOT, leaf_hash, node_hash
from node.store.state_tree import (
    EMPTY,
    StateTree,
    branch,
    branch_key,
    decode_node,
    decode_slot,
    encode_node,
    entry,
    grown,
    root_hash,
)

# Few distinct bytes, so that long shared prefixes, hoisting and collapsing all happen.
DIGEST = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x80, 0xFF]), min_size=1, max_size=3).map(
    lambda head: bytes(head) + bytes(31 - len(head)) + b"\x07"
)
VALUE = st.integers(0, 5).map(lambda n: bytes([n]) * 32)
CHANGES = st.dictionaries(DIGEST, st.none() | VALUE, max_size=12)


def by_definition(state, bit=0):
    if not state:
        return EMPTY_ROOT
    if len(state) == 1:
        return leaf_hash(*next(iter(state.items())))
    halves = ({}, {})
    for key, value in state.items():
        halves[int.from_bytes(key, "big") >> (255 - bit) & 1][key] = value
    return node_hash(by_definition(halves[0], bit + 1), by_definition(halves[1], bit + 1))


class Disk:
    def __init__(self):
        self.nodes = {}
        self.tree = StateTree(self.nodes.get)
        self.root = EMPTY
        self.height = -1

    def apply(self, changes):
        self.height += 1
        update = self.tree.update(self.root, self.height, changes)
        assert not set(update.nodes) & set(self.nodes)
        self.nodes.update(update.nodes)
        self.root = update.root
        return update

    def reachable(self, slot="root", path=()):
        slot = self.root if slot == "root" else slot
        if len(slot) != 40:
            return set()
        key = branch_key(slot, path)
        found = {key}
        for nibble, child in enumerate(decode_node(self.nodes[key])):
            found |= self.reachable(child, (*path, nibble))
        return found


@given(st.lists(CHANGES, max_size=6))
@settings(deadline=None, max_examples=120)
def test_root_is_that_of_the_entries_whatever_the_history(history):
    disk, model, live = Disk(), {}, set()
    for changes in history:
        update = disk.apply(changes)
        for key, value in changes.items():
            model.pop(key, None) if value is None else model.__setitem__(key, value)
        assert root_hash(disk.root) == by_definition(model)
        live = (live | set(update.nodes)) - set(update.stale)
        assert live == disk.reachable()  # what is not reachable is listed as stale, and no more


@given(CHANGES, st.randoms())
@settings(deadline=None, max_examples=60)
def test_root_does_not_depend_on_order(changes, rng):
    items = list(changes.items())
    rng.shuffle(items)
    together, apart = Disk(), Disk()
    together.apply(changes)
    for key, value in items:
        apart.apply({key: value})
    assert root_hash(together.root) == root_hash(apart.root)


def test_writing_what_is_there_makes_no_node():
    disk = Disk()
    changes = {bytes([i]) * 32: bytes(32) for i in range(40)}
    disk.apply(changes)
    update = disk.apply(changes)
    assert not update.nodes
    assert not update.stale


def test_a_lone_entry_rises_to_the_root():
    disk = Disk()
    near = b"\xab" * 31
    disk.apply({near + b"\x00": b"v" * 32, near + b"\x01": b"w" * 32})
    assert len(disk.root) == 40
    assert len(disk.reachable()) == 64
    disk.apply({near + b"\x01": None})
    assert disk.root == entry(near + b"\x00", b"v" * 32)


@given(
    st.lists(
        st.none() | st.tuples(DIGEST, VALUE) | st.integers(0, 2**64 - 1), min_size=16, max_size=16
    )
)
@settings(deadline=None, max_examples=60)
def test_nodes_and_slots_encode_back(parts):
    slots = [
        EMPTY if p is None else branch(p, b"h" * 32) if isinstance(p, int) else entry(*p)
        for p in parts
    ]
    assert decode_node(encode_node(slots)) == slots
    for slot in slots:
        assert decode_slot(slot) == slot


def test_damaged_nodes_are_refused():
    data = encode_node([entry(b"k" * 32, b"v" * 32), branch(1, b"h" * 32)] + [EMPTY] * 14)
    for broken in (data[:-1], data + b"\x00", b"\x01\x00\x03\x00" + data[4:]):
        with pytest.raises(StoreError, match="damaged"):
            decode_node(broken)
    with pytest.raises(StoreError, match="root of the state tree is damaged"):
        decode_slot(b"\x09")
    disk = Disk()
    disk.apply({bytes([i]) * 32: bytes(32) for i in range(40)})
    disk.nodes.clear()
    with pytest.raises(StoreError, match="missing"):
        disk.apply({b"\x01" * 32: b"x" * 32})


DIGESTS = st.sets(
    st.one_of(
        st.binary(min_size=32, max_size=32),
        st.binary(min_size=1, max_size=2).map(lambda end: end.rjust(32, b"\xab")),
        st.binary(min_size=31, max_size=31).map(lambda rest: b"\xff" + rest),
    ),
    max_size=60,
)


@given(DIGESTS, st.integers(1, 8))
def test_a_whole_tree_is_that_of_an_update_however_alike_its_hashes_begin(digests, most):
    """In the memory of a few entries, though somebody chose keys that all fall into one part."""
    slots = [entry(digest, digest[::-1]) for digest in sorted(digests)]
    read, nodes = [], {}

    def under(path):
        digits = "".join(f"{nibble:x}" for nibble in path)
        found = [slot for slot in slots if slot.hex().startswith(digits)]
        for number, slot in enumerate(found):
            read.append(number)
            yield slot

    root = grown(under, 7, nodes.update, most)
    whole = StateTree(lambda _: None).update(EMPTY, 7, {s[:32]: s[32:] for s in slots})
    assert (root, nodes) == (whole.root, whole.nodes)
    assert all(number <= most for number in read)
