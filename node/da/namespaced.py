"""A tree over a block's entries by which "these are all entries of this application" is proved.

Every node carries the least and the greatest namespace below it (the namespaced Merkle tree of
LazyLedger, Al-Bassam 2019). The tree has the shape of RFC 6962: the left part of m leaves is the
greatest power of two below m.

    leaf    (ns, ns, H_leaf(ns ‖ data))
    node    (left.least, right.greatest, H_node(left ‖ right)), each of the two as 90 bytes
    root    H_root(number of leaves ‖ node); without leaves H_root(0)

All are BLAKE2b-256 with the purpose as personalisation. A proof is the range of leaves with the
nodes left and right of it. A namespace without entries has an empty range at its place, and the
nodes around it then are the proof of absence: nothing else than their bounds is needed.

Bounds of nodes that are not opened are as honest as the root. It is made and checked by whoever has
all entries, which every validator has (DA-17).
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.da.errors import DataRefused
from zk.errors import NonCanonical

NAMESPACE_BYTES: Final = 29
MAX_ENTRIES: Final = 1 << 20
_HASH_BYTES: Final = 32
_VERSION: Final = 1


def _keyed(purpose: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=_HASH_BYTES, person=b"chiaro/v1/" + purpose)


# Never updated, only copied.
_LEAF: Final = _keyed(b"nsleaf")
_NODE: Final = _keyed(b"nsnode")
_ROOT: Final = _keyed(b"nsroot")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is ordered: an application's namespace (29 bytes), and bytes that only it reads."""

    namespace: bytes
    data: bytes

    def __post_init__(self) -> None:
        _check_length(self.namespace)


@dataclass(frozen=True, slots=True)
class Node:
    """A subtree: least and greatest namespace below, hash."""

    least: bytes
    greatest: bytes
    digest: bytes

    def __bytes__(self) -> bytes:
        return self.least + self.greatest + self.digest

    @staticmethod
    def read(reader: Reader) -> Node:
        return Node(
            reader.take(NAMESPACE_BYTES), reader.take(NAMESPACE_BYTES), reader.take(_HASH_BYTES)
        )


def leaf(entry: Entry) -> Node:
    """The subtree of one entry."""
    hasher = _LEAF.copy()
    hasher.update(entry.namespace)
    hasher.update(entry.data)
    return Node(entry.namespace, entry.namespace, hasher.digest())


def join(left: Node, right: Node) -> Node:
    """The subtree of two."""
    hasher = _NODE.copy()
    hasher.update(bytes(left) + bytes(right))
    return Node(left.least, right.greatest, hasher.digest())


def _root(count: int, top: Node | None) -> bytes:
    hasher = _ROOT.copy()
    hasher.update(count.to_bytes(4, "little"))
    if top is not None:
        hasher.update(bytes(top))
    return hasher.digest()


def split(size: int) -> int:
    """Leaves of the left part of a subtree of `size` ≥ 2 leaves."""
    return 1 << (size - 1).bit_length() - 1


class NamespaceTree:
    """The tree of a block.

    Args:
        entries: in the block's order; they are put in order of namespaces, those of one namespace
            keep theirs.

    Raises:
        DataRefused: DA-17, more than 2^20 entries.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries: Final = tuple(sorted(entries, key=lambda entry: entry.namespace))
        if len(self.entries) > MAX_ENTRIES:
            raise DataRefused(
                "DA-17", f"{len(self.entries)} entries, at most {MAX_ENTRIES}", where="entries"
            )
        self._namespaces = [entry.namespace for entry in self.entries]
        self._levels = [[leaf(entry) for entry in self.entries]]
        while len(below := self._levels[-1]) > 1:
            level = [join(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
            if len(below) & 1:
                level.append(below[-1])  # the shape of RFC 6962, from below
            self._levels.append(level)

    @property
    def root(self) -> bytes:
        """32 bytes."""
        return _root(len(self.entries), self._levels[-1][0] if self.entries else None)

    def prove(self, namespace: bytes) -> tuple[tuple[bytes, ...], NamespaceProof]:
        """All data of a namespace, perhaps none, with the proof that it is all.

        Raises:
            DataRefused: DA-17, not 29 bytes.
        """
        _check_length(namespace)
        start = bisect.bisect_left(self._namespaces, namespace)
        end = bisect.bisect_right(self._namespaces, namespace)
        nodes: list[Node] = []

        def walk(low: int, high: int) -> None:
            if high <= start or end <= low:
                level = (high - low - 1).bit_length()
                nodes.append(self._levels[level][low >> level])
            elif not (start <= low and high <= end):
                middle = low + split(high - low)
                walk(low, middle)
                walk(middle, high)

        if self.entries:
            walk(0, len(self.entries))
        data = tuple(entry.data for entry in self.entries[start:end])
        return data, NamespaceProof(len(self.entries), start, end, tuple(nodes))


@dataclass(frozen=True, slots=True)
class NamespaceProof:
    """Where a namespace's entries lie, and what lies around them.

    Attributes:
        count: leaves of the tree.
        start: first leaf of the namespace, or where it would be.
        end: one behind its last; `start` where it has none.
        nodes: greatest subtrees left and right of the range, from left to right.
    """

    count: int
    start: int
    end: int
    nodes: tuple[Node, ...]

    def to_bytes(self) -> bytes:
        """Version u8; count, start, end u32; the nodes, whose number follows from these."""
        writer = Writer().u8(_VERSION).u32(self.count).u32(self.start).u32(self.end)
        for node in self.nodes:
            writer.raw(bytes(node), 2 * NAMESPACE_BYTES + _HASH_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> NamespaceProof:
        """DA-19, strict: one encoding per proof. Raises DecodeError."""
        where = "namespace proof"
        reader = Reader(data, where)
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"DA-19: unknown version {version}", where=where)
        count = reader.count(4, MAX_ENTRIES, "count")
        start, end = reader.u32(), reader.u32()
        if not start <= end <= count:
            raise NonCanonical(f"DA-19: leaves {start} to {end} of {count}", where=where)
        nodes = tuple(Node.read(reader) for _ in range(_around(0, count, start, end)))
        reader.done()
        return NamespaceProof(count, start, end, nodes)


def _around(low: int, high: int, start: int, end: int) -> int:
    """How many subtrees of leaves low … high − 1 lie around a range, as `prove` lists them."""
    if low == high or (start <= low and high <= end and start < end):
        return 0
    if high <= start or end <= low:
        return 1
    middle = low + split(high - low)
    return _around(low, middle, start, end) + _around(middle, high, start, end)


def check_namespace(
    root: bytes, namespace: bytes, data: Sequence[bytes], proof: NamespaceProof
) -> None:
    """DA-18: `data` is all that this namespace has under `root`, in order; perhaps nothing.

    Raises:
        DataRefused: DA-18, something is missing, added, changed, or out of order;
            DA-17, the namespace is not 29 bytes.
    """
    _check_length(namespace)
    count, start, end = proof.count, proof.start, proof.end
    if not 0 <= start <= end <= count <= MAX_ENTRIES:
        raise _refuse(f"leaves {start} to {end} of {count}")
    if len(data) != end - start:
        raise _refuse(f"{len(data)} entries are shown, the proof is of {end - start}")
    leaves = [leaf(Entry(namespace, item)) for item in data]
    if len(proof.nodes) != _around(0, count, start, end):
        raise _refuse(f"{len(proof.nodes)} nodes lie around the range")
    nodes = iter(proof.nodes)

    def rebuild(low: int, high: int) -> Node:
        if high <= start or end <= low:
            node = next(nodes)
            if node.least > node.greatest:
                raise _refuse("a node's bounds are the wrong way round")
            if high <= start and not node.greatest < namespace:
                raise _refuse("a node on the left reaches into the namespace")
            if end <= low and not namespace < node.least:
                raise _refuse("a node on the right reaches into the namespace")
            return node
        if high - low == 1:
            return leaves[low - start]
        middle = low + split(high - low)
        left, right = rebuild(low, middle), rebuild(middle, high)
        if left.greatest > right.least:
            raise _refuse("nodes are not in order of their namespaces")
        return join(left, right)

    if _root(count, rebuild(0, count) if count else None) != root:
        raise _refuse("does not lead to the root")


def check_entries(root: bytes, entries: Iterable[Entry]) -> None:
    """DA-17: the root is that of exactly these entries; what every validator checks of a block.

    Raises:
        DataRefused: DA-17.
    """
    if NamespaceTree(entries).root != root:
        raise DataRefused(
            "DA-17",
            "the root is not that of the block's entries",
            where="namespace root",
            why="a proposer could hide entries from who reads one namespace",
        )


def _check_length(namespace: bytes) -> None:
    """DA-17."""
    if len(namespace) != NAMESPACE_BYTES:
        raise DataRefused(
            "DA-17", f"a namespace of {len(namespace)} bytes, not 29", where="namespace"
        )


def _refuse(message: str) -> DataRefused:
    return DataRefused(
        "DA-18",
        message,
        where="namespace proof",
        why="entries could be left out of what an application gets to see",
        fix="ask another node",
    )
