"""Jellyfish Merkle tree: the authenticated index of the state, kept in nodes of sixteen slots.

Nodes are immutable and named by the height that wrote them and their path, so that every height in
the window stays readable and an update writes the changed paths only: about log₁₆(n) nodes a key.
A slot is empty, an entry (key hash and value hash, kept in the parent), or a branch (height and
hash of a node). A node always has at least two entries below it: a lone one rises to where it is
alone. Hashes and proofs are those of the binary tree in `node.store.proof`.

Pure: `update` returns what to write and what became stale; nothing here touches a database.
Shape after "Jellyfish Merkle Tree" (Diem, 2021); values live outside the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from node.core.errors import StoreError
from node.core.ids import StateRoot
from node.store import layout
from node.store.proof import EMPTY_ROOT, leaf_hash, node_hash

_RADIX: Final = 16
_ENTRY: Final = 64
_BRANCH: Final = 40
MOST_AT_ONCE: Final = 1 << 17
"""Entries in memory while a whole tree is made: some 30 MB."""
_FIRST_PARTS: Final = 2
"""Nibbles: 256 parts, most of which are small enough."""
Path = tuple[int, ...]
Slot = bytes
"""Empty; or an entry, key hash ‖ value hash; or a branch, height (8, big-endian) ‖ node hash. The
length tells which: nodes have many slots, and an object for each would cost most of the time."""
EMPTY: Final[Slot] = b""
Change = tuple[bytes, bytes | None]
"""(key hash, new value hash); `None` deletes."""


def entry(key_digest: bytes, value_digest: bytes) -> Slot:
    """Slot of a single key."""
    return key_digest + value_digest


def branch(height: int, digest: bytes) -> Slot:
    """Slot of a node further down: the height that wrote it, and its hash."""
    return layout.u64(height) + digest


def branch_key(slot: Slot, path: Path) -> bytes:
    """Physical key of the node that a branch at `path` points to."""
    return layout.node_key(int.from_bytes(slot[:8], "big"), path)


@dataclass(frozen=True, slots=True)
class TreeUpdate:
    """What an update writes.

    Attributes:
        root: the new root slot.
        nodes: physical key → encoded node.
        stale: physical keys of nodes that the new tree no longer reaches.
    """

    root: Slot
    nodes: dict[bytes, bytes] = field(default_factory=dict)
    stale: list[bytes] = field(default_factory=list)


def root_hash(slot: Slot) -> StateRoot:
    """The state root that a root slot stands for."""
    return StateRoot(_slot_hash(slot))


def decode_slot(data: bytes) -> Slot:
    """Check the root slot read from disk. Raises StoreError."""
    if len(data) not in {0, _BRANCH, _ENTRY}:
        raise StoreError("the root of the state tree is damaged")
    return data


def encode_node(slots: Sequence[Slot]) -> bytes:
    """Two bit maps (entries, branches), then the slots in order."""
    entries = branches = 0
    for i, slot in enumerate(slots):
        if len(slot) == _ENTRY:
            entries |= 1 << i
        elif slot:
            branches |= 1 << i
    return (entries | branches << 16).to_bytes(4, "little") + b"".join(slots)


def decode_node(data: bytes) -> list[Slot]:
    """Undo `encode_node`. Raises StoreError."""
    maps = int.from_bytes(data[:4], "little")
    slots = [EMPTY] * _RADIX
    at = 4
    for i in range(_RADIX):
        kind = maps >> i & 0x10001
        if kind:
            start = at
            at += _ENTRY if kind == 1 else _BRANCH
            slots[i] = data[start:at]
    if at != len(data) or maps & maps >> 16 & 0xFFFF:
        raise StoreError("a node of the state tree is damaged")
    return slots


class StateTree:
    """Reads nodes through `load` (physical key → bytes) and computes updates and proofs."""

    def __init__(self, load: Callable[[bytes], bytes | None]) -> None:
        self._load = load

    def update(self, root: Slot, height: int, changes: Mapping[bytes, bytes | None]) -> TreeUpdate:
        """Apply key hash → value hash (`None` deletes) on top of `root`.

        The order of `changes` does not matter; deleting what is not there changes nothing.
        """
        update = TreeUpdate(root)
        slot = self._apply(root, (), sorted(changes.items()), height, update)
        return TreeUpdate(slot, update.nodes, update.stale)

    def prove(
        self, root: Slot, key_digest: bytes
    ) -> tuple[tuple[bytes, ...], tuple[bytes, bytes] | None]:
        """Siblings from the root down; (key hash, value hash) of the entry that ends the path."""
        siblings: list[bytes] = []
        slot = root
        path: Path = ()
        while len(slot) == _BRANCH:
            slots = self._node(slot, path)
            nibble = _nibble(key_digest, len(path))
            levels = _levels(slots)
            for k in (3, 2, 1, 0):
                index = nibble >> k
                siblings.append(levels[k][0][index ^ 1])
                if levels[k][0][index] == EMPTY_ROOT:
                    return tuple(siblings), None
                if lone := levels[k][1][index]:
                    return tuple(siblings), (lone[:32], lone[32:])
            slot, path = slots[nibble], (*path, nibble)
        return tuple(siblings), (slot[:32], slot[32:]) if slot else None

    def _node(self, slot: Slot, path: Path) -> list[Slot]:
        data = self._load(branch_key(slot, path))
        if data is None:
            raise StoreError(
                "a node of the state tree is missing",
                where=f"height {int.from_bytes(slot[:8], 'big')}, path {bytes(path).hex()}",
                why="the state cannot be proved, nor a next root computed",
                fix="restore the folder from a checkpoint, or sync the chain again",
            )
        return decode_node(data)

    def _apply(
        self, slot: Slot, path: Path, changes: list[Change], height: int, update: TreeUpdate
    ) -> Slot:
        """New slot for the subtree at `path`, whose changes (sorted, not empty) are given."""
        if not changes:
            return slot
        if len(slot) != _BRANCH:
            entries = {slot[:32]: slot[32:]} if slot else {}
            for key_digest, value_digest in changes:
                if value_digest is None:
                    entries.pop(key_digest, None)
                else:
                    entries[key_digest] = value_digest
            return self.build(sorted(map(entry, entries, entries.values())), path, height, update)
        old = self._node(slot, path)
        new = list(old)
        depth = len(path)
        start = 0
        while start < len(changes):
            nibble = _nibble(changes[start][0], depth)
            stop = start + 1
            while stop < len(changes) and _nibble(changes[stop][0], depth) == nibble:
                stop += 1
            new[nibble] = self._apply(
                old[nibble], (*path, nibble), changes[start:stop], height, update
            )
            start = stop
        if new == old:
            return slot
        update.stale.append(branch_key(slot, path))
        return _close(new, path, height, update)

    def build(self, entries: list[Slot], path: Path, height: int, update: TreeUpdate) -> Slot:
        """A subtree of nothing but these entries, sorted."""
        if len(entries) <= 1:
            return entries[0] if entries else EMPTY
        slots = [EMPTY] * _RADIX
        depth = len(path)
        groups: dict[int, list[Slot]] = {}
        for slot in entries:
            groups.setdefault(_nibble(slot, depth), []).append(slot)
        for nibble, group in groups.items():
            slots[nibble] = self.build(group, (*path, nibble), height, update)
        return _close(slots, path, height, update)


def grown(
    under: Callable[[Path], Iterator[Slot]],
    height: int,
    write: Callable[[dict[bytes, bytes]], None],
    most: int = MOST_AT_ONCE,
) -> Slot:
    """Root slot of a whole new tree, in the memory of one part of it.

    A part is cut into sixteen until it is small: whoever chose the keys may have chosen hashes
    that begin alike.

    Args:
        under: path → entries whose key hashes begin so, sorted; asked again for parts of it.
        height: that the nodes carry.
        write: takes nodes, physical key → encoded node, as they are made.
        most: entries of a part.
    """
    tree = StateTree(lambda _: None)

    def part(path: Path) -> Slot:
        update = TreeUpdate(EMPTY)
        found = list(islice(under(path), most + 1)) if len(path) >= _FIRST_PARTS else []
        if len(path) >= _FIRST_PARTS and len(found) <= most:
            slot = tree.build(found, path, height, update)
        else:
            del found
            slots = [part((*path, nibble)) for nibble in range(_RADIX)]
            slot = _close(slots, path, height, update)
        write(update.nodes)
        return slot

    return part(())


def _close(slots: list[Slot], path: Path, height: int, update: TreeUpdate) -> Slot:
    """Record a node, unless what is below it is nothing or a lone entry."""
    filled = [slot for slot in slots if slot]
    if not filled:
        return EMPTY
    if len(filled) == 1 and len(filled[0]) == _ENTRY:
        return filled[0]
    update.nodes[layout.node_key(height, path)] = encode_node(slots)
    return branch(height, _levels(slots)[4][0][0])


def _nibble(key_digest: bytes, depth: int) -> int:
    byte = key_digest[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def _slot_hash(slot: Slot) -> bytes:
    if len(slot) == _ENTRY:
        return leaf_hash(slot[:32], slot[32:])
    return slot[8:] if slot else EMPTY_ROOT


def _levels(slots: Sequence[Slot]) -> list[tuple[list[bytes], list[Slot]]]:
    """The node's binary levels of 16, 8, 4, 2, 1 subtrees: hashes, and entries that are alone."""
    hashes = [_slot_hash(slot) for slot in slots]
    alone = [slot if len(slot) == _ENTRY else EMPTY for slot in slots]
    levels = [(hashes, alone)]
    while len(hashes) > 1:
        below, lone, hashes, alone = hashes, alone, [], []
        for i in range(0, len(below), 2):
            left, right = below[i], below[i + 1]
            if right == EMPTY_ROOT and (lone[i] or left == EMPTY_ROOT):
                hashes.append(left)
                alone.append(lone[i])
            elif left == EMPTY_ROOT and lone[i + 1]:
                hashes.append(right)
                alone.append(lone[i + 1])
            else:
                hashes.append(node_hash(left, right))
                alone.append(EMPTY)
        levels.append((hashes, alone))
    return levels
