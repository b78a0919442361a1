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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from node.core.codec import Reader, Writer
from node.core.errors import StoreError
from node.core.ids import StateRoot
from node.store import layout
from node.store.proof import EMPTY_ROOT, leaf_hash, node_hash

_RADIX: Final = 16
Path = tuple[int, ...]


class Entry(NamedTuple):
    """One key of the state."""

    key_hash: bytes
    value_hash: bytes


class Branch(NamedTuple):
    """A node further down: the height that wrote it, and its hash."""

    height: int
    hash: bytes


Slot = Entry | Branch | None
Change = tuple[bytes, bytes | None]
"""(key hash, new value hash); `None` deletes."""


class _Sub(NamedTuple):
    """A binary subtree within a node: its hash, and the entry if it holds exactly one."""

    hash: bytes
    lone: Entry | None


_EMPTY: Final = _Sub(EMPTY_ROOT, None)


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
    return StateRoot(_sub(slot).hash)


def encode_slot(slot: Slot) -> bytes:
    """A root slot: kind, then its fields."""
    match slot:
        case Entry(key_hash, value_hash):
            return Writer().u8(1).raw(key_hash, 32).raw(value_hash, 32).done()
        case Branch(height, digest):
            return Writer().u8(2).u64(height).raw(digest, 32).done()
    return b"\x00"


def decode_slot(data: bytes) -> Slot:
    """Undo `encode_slot`. Raises StoreError or DecodeError."""
    reader = Reader(data, "root of the state tree")
    tag = reader.u8()
    slot: Slot = None
    if tag == 1:
        slot = Entry(reader.take(32), reader.take(32))
    elif tag == 2:
        slot = Branch(reader.u64(), reader.take(32))
    elif tag:
        raise StoreError(f"the state tree has a root of unknown kind {tag}")
    reader.done()
    return slot


def encode_node(slots: Sequence[Slot]) -> bytes:
    """Two bit maps (entries, branches), then the slots in order."""
    entries = sum(1 << i for i, slot in enumerate(slots) if isinstance(slot, Entry))
    branches = sum(1 << i for i, slot in enumerate(slots) if isinstance(slot, Branch))
    parts = [entries.to_bytes(2, "little"), branches.to_bytes(2, "little")]
    for slot in slots:
        match slot:
            case Entry(key_hash, value_hash):
                parts += (key_hash, value_hash)
            case Branch(height, digest):
                parts += (layout.u64(height), digest)
    return b"".join(parts)


def decode_node(data: bytes) -> list[Slot]:
    """Undo `encode_node`. Raises StoreError."""
    entries = int.from_bytes(data[:2], "little")
    branches = int.from_bytes(data[2:4], "little")
    slots: list[Slot] = [None] * _RADIX
    at = 4
    for i in range(_RADIX):
        if entries >> i & 1:
            slots[i] = Entry(data[at : at + 32], data[at + 32 : at + 64])
            at += 64
        elif branches >> i & 1:
            slots[i] = Branch(int.from_bytes(data[at : at + 8], "big"), data[at + 8 : at + 40])
            at += 40
    if at != len(data) or entries & branches:
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

    def prove(self, root: Slot, key_digest: bytes) -> tuple[tuple[bytes, ...], Entry | None]:
        """Siblings from the root down, and the entry at the end: the key's, another, or none."""
        siblings: list[bytes] = []
        slot = root
        path: Path = ()
        while isinstance(slot, Branch):
            slots = self._node(slot, path)
            nibble = _nibble(key_digest, len(path))
            levels = _levels(slots)
            for k in (3, 2, 1, 0):
                index = nibble >> k
                siblings.append(levels[k][index ^ 1].hash)
                sub = levels[k][index]
                if sub.lone is not None or sub.hash == EMPTY_ROOT:
                    return tuple(siblings), sub.lone
            slot, path = slots[nibble], (*path, nibble)
        return tuple(siblings), slot

    def _node(self, branch: Branch, path: Path) -> list[Slot]:
        data = self._load(layout.node_key(branch.height, path))
        if data is None:
            raise StoreError(
                "a node of the state tree is missing",
                where=f"height {branch.height}, path {bytes(path).hex() or 'root'}",
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
        if not isinstance(slot, Branch):
            entries = {slot.key_hash: slot.value_hash} if slot is not None else {}
            for key_digest, value_digest in changes:
                if value_digest is None:
                    entries.pop(key_digest, None)
                else:
                    entries[key_digest] = value_digest
            return self._build(
                sorted(Entry(*item) for item in entries.items()), path, height, update
            )
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
        update.stale.append(layout.node_key(slot.height, path))
        return _close(new, path, height, update)

    def _build(self, entries: list[Entry], path: Path, height: int, update: TreeUpdate) -> Slot:
        """A subtree of nothing but these entries, sorted."""
        if len(entries) <= 1:
            return entries[0] if entries else None
        slots: list[Slot] = [None] * _RADIX
        depth = len(path)
        groups: dict[int, list[Entry]] = {}
        for entry in entries:
            groups.setdefault(_nibble(entry.key_hash, depth), []).append(entry)
        for nibble, group in groups.items():
            slots[nibble] = self._build(group, (*path, nibble), height, update)
        return _close(slots, path, height, update)


def _close(slots: list[Slot], path: Path, height: int, update: TreeUpdate) -> Slot:
    """Record a node, unless what is below it is nothing or a lone entry."""
    filled = [slot for slot in slots if slot is not None]
    if not filled:
        return None
    if len(filled) == 1 and isinstance(filled[0], Entry):
        return filled[0]
    update.nodes[layout.node_key(height, path)] = encode_node(slots)
    return Branch(height, _levels(slots)[4][0].hash)


def _nibble(key_digest: bytes, depth: int) -> int:
    byte = key_digest[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def _sub(slot: Slot) -> _Sub:
    match slot:
        case Entry(key_hash, value_hash):
            return _Sub(leaf_hash(key_hash, value_hash), slot)
        case Branch(_, digest):
            return _Sub(digest, None)
    return _EMPTY


def _levels(slots: Sequence[Slot]) -> list[list[_Sub]]:
    """The node's four binary levels: 16, 8, 4, 2, 1 subtrees."""
    levels = [[_sub(slot) for slot in slots]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([_join(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def _join(left: _Sub, right: _Sub) -> _Sub:
    if right is _EMPTY and (left.lone is not None or left is _EMPTY):
        return left
    if left is _EMPTY and right.lone is not None:
        return right
    return _Sub(node_hash(left.hash, right.hash), None)
