"""The note tree: 8-ary, depth 10, append-only. Rule SH-53.

    node  = Poseidon_tree(eight children)        leaf = a commitment, or EMPTY_LEAF
    root  = anchor, level 10                     room for 8¹⁰ = 2³⁰ notes

Eight children a node, because a path costs the circuit least that way. Nothing is hashed twice:
appending n leaves costs about n/7 hashes, level by level in batches (`zk.hashes`), a root ten more.

`NoteTree` is what the chain stores: the frontier, enough to append and to know the root.
`WitnessTree` is what a wallet stores: also the nodes beside the paths of its own notes.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from zk.errors import DecodeError, NonCanonical
from zk.field.params import FR
from zk.hash import domains
from zk.hashes import poseidon_many

ARITY: Final = 8
DEPTH: Final = 10
CAPACITY: Final = ARITY**DEPTH

_BITS: Final = 3
_LAST: Final = ARITY - 1


class TreeFull(DecodeError):
    """No room for another note."""

    code = "SHD-020"
    why = "positions beyond the tree's capacity would overwrite others"
    fix = "the chain needs a new tree; no transaction can be added to this one"


def parents(groups: Sequence[Sequence[int]]) -> list[int]:
    """Hashes of groups of eight children, under the tree's own tag."""
    return poseidon_many(domains.TREE_NODE, groups)


def node(children: Sequence[int]) -> int:
    """Hash of eight children."""
    return parents([children])[0]


@functools.cache
def empty_roots() -> tuple[int, ...]:
    """Root of an empty subtree per level 0 … 10; level 0 is the empty leaf."""
    roots = [domains.EMPTY_LEAF]
    for _ in range(DEPTH):
        roots.append(node([roots[-1]] * ARITY))
    return tuple(roots)


@dataclass(frozen=True, slots=True)
class NoteTree:
    """The append-only frontier. Immutable: `append` returns another.

    Attributes:
        size: number of leaves.
        frontier: per level 0 … 10, the complete nodes of the group still open there, as many as the
            base-8 digit of `size` at that level.
    """

    size: int = 0
    frontier: tuple[tuple[int, ...], ...] = ((),) * (DEPTH + 1)

    def append(self, commitments: Sequence[int]) -> NoteTree:
        """Add leaves in this order.

        Raises:
            TreeFull: more than 2³⁰ leaves.
            NonCanonical: a leaf that is not below r.
        """
        if self.size + len(commitments) > CAPACITY:
            raise TreeFull("the note tree is full")
        _check_leaves(commitments)
        added = list(commitments)
        frontier: list[tuple[int, ...]] = []
        for known in self.frontier:
            nodes = [*known, *added]
            whole = len(nodes) // ARITY * ARITY if len(frontier) < DEPTH else 0
            frontier.append(tuple(nodes[whole:]))
            added = parents([nodes[i : i + ARITY] for i in range(0, whole, ARITY)]) if whole else []
        return NoteTree(self.size + len(commitments), tuple(frontier))

    @property
    def root(self) -> int:
        """The anchor: ten hashes."""
        if self.frontier[DEPTH]:
            return self.frontier[DEPTH][0]
        partial = _partials(self.frontier)[DEPTH]
        return empty_roots()[DEPTH] if partial is None else partial

    @property
    def top(self) -> tuple[int, ...]:
        """Children of the root: what an action that spends no note opens its anchor with.

        Raises:
            TreeFull: the frontier of a full tree no longer knows them.
        """
        if self.frontier[DEPTH]:
            raise TreeFull("the note tree is full")
        partial = _partials(self.frontier)[DEPTH - 1]
        children = [*self.frontier[DEPTH - 1], *([] if partial is None else [partial])]
        return (*children, *[empty_roots()[DEPTH - 1]] * (ARITY - len(children)))

    def to_bytes(self) -> bytes:
        """Size (u64), then the frontier's nodes, lowest level first; their number follows."""
        writer = Writer().u64(self.size)
        for nodes in self.frontier:
            for value in nodes:
                writer.fr(value)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> NoteTree:
        """Strict and canonical.

        Raises:
            NonCanonical: a size above the capacity, a node that is not below r.
            WrongLength: not exactly as many nodes as the size demands.
        """
        reader = Reader(data, "note tree")
        size = reader.u64()
        if size > CAPACITY:
            raise NonCanonical("a note tree of impossible size", where="note tree")
        frontier = tuple(
            tuple(reader.fr() for _ in range(_digit(size, level))) for level in range(DEPTH + 1)
        )
        reader.done()
        return NoteTree(size, frontier)


@dataclass(frozen=True, slots=True)
class MerklePath:
    """What the action's circuit reads of one note's place.

    Attributes:
        levels: nine groups of eight children, the leaf's own group first.
        top: the children of the root, shared by all paths at one anchor.
    """

    levels: tuple[tuple[int, ...], ...]
    top: tuple[int, ...]

    def root(self, leaf: int) -> int:
        """The anchor under which `leaf` is a member.

        Raises:
            DecodeError: the path does not lead from this leaf to its top.
        """
        current = leaf
        for group in (*self.levels, self.top):
            if len(group) != ARITY or current not in group:
                raise DecodeError("a path does not lead from this note to the root", where="path")
            current = node(group)
        return current


class WitnessTree:
    """Paths of marked leaves at any of the last checkpoints.

    Complete nodes never change, so they are kept once, whatever the checkpoint: those beside a
    marked leaf's path, and those on the frontier of each checkpoint. Incomplete nodes are computed
    when asked for. Rewinding forgets the nodes that were not complete then; nothing is recomputed.
    """

    KEEP: Final = 128
    """Checkpoints that can be returned to, one a block."""

    __slots__ = ("_cached", "_checkpoints", "_marks", "_nodes", "_pruned", "_size")

    def __init__(self, tree: NoteTree | None = None, height: int = 0) -> None:
        """Start behind `tree`, whose leaves belong to others, as it was after block `height`."""
        start = tree or NoteTree()
        self._size = start.size
        self._nodes: list[dict[int, int]] = [{} for _ in range(DEPTH + 1)]
        for level, nodes in enumerate(start.frontier):
            first = (start.size >> _BITS * level) - len(nodes)
            self._nodes[level].update(enumerate(nodes, first))
        self._marks: set[int] = set()
        self._checkpoints: dict[int, int] = {height: start.size}
        self._cached: tuple[int, tuple[int | None, ...]] | None = None
        self._pruned = 0

    @property
    def size(self) -> int:
        return self._size

    @property
    def heights(self) -> tuple[int, ...]:
        """Checkpoints that exist, oldest first."""
        return tuple(self._checkpoints)

    @property
    def marks(self) -> frozenset[int]:
        return frozenset(self._marks)

    def append(self, commitments: Sequence[int], marked: Iterable[int] = ()) -> None:
        """Add leaves; `marked` are the positions (absolute) among them to keep paths for.

        Raises:
            TreeFull, NonCanonical: as `NoteTree.append`.
            DecodeError: a mark outside the new leaves.
        """
        if self._size + len(commitments) > CAPACITY:
            raise TreeFull("the note tree is full")
        _check_leaves(commitments)
        start, end = self._size, self._size + len(commitments)
        marks = set(marked)
        if not all(start <= position < end for position in marks):
            raise DecodeError("only leaves that are being added can be marked")
        self._nodes[0].update(enumerate(commitments, start))
        for level in range(DEPTH):
            below, above = self._nodes[level], self._nodes[level + 1]
            fresh = range(start >> _BITS, end >> _BITS)
            if not fresh:  # hence none above
                break
            groups = [[below[ARITY * index + i] for i in range(ARITY)] for index in fresh]
            above.update(zip(fresh, parents(groups), strict=True))
            start, end = start >> _BITS, end >> _BITS
        self._marks |= marks
        self._size += len(commitments)

    def unmark(self, position: int) -> None:
        """Stop keeping the path of a leaf."""
        self._marks.discard(position)

    def checkpoint(self, height: int) -> None:
        """Remember this state as that after block `height`; forget what is older than KEEP.

        Raises:
            DecodeError: not above the last checkpoint.
        """
        if height <= next(reversed(self._checkpoints)):
            raise DecodeError(f"checkpoint {height} is not above the last one")
        self._checkpoints[height] = self._size
        while len(self._checkpoints) > self.KEEP:
            del self._checkpoints[next(iter(self._checkpoints))]
        if sum(map(len, self._nodes)) > 2 * self._pruned + 4096:
            self._prune()

    def rewind(self, height: int) -> None:
        """Return to the state after block `height`.

        Raises:
            DecodeError: no checkpoint of that height.
        """
        size = self._at(height)
        self._checkpoints = {h: s for h, s in self._checkpoints.items() if h <= height}
        self._size = size
        self._marks = {position for position in self._marks if position < size}
        for level, nodes in enumerate(self._nodes):
            whole = size >> _BITS * level
            for index in [index for index in nodes if index >= whole]:
                del nodes[index]
        self._cached = None

    def root(self, height: int | None = None) -> int:
        """The anchor at a checkpoint, by default of all leaves so far."""
        return self.tree(height).root

    def tree(self, height: int | None = None) -> NoteTree:
        """The frontier at a checkpoint, by default of all leaves so far."""
        size = self._size if height is None else self._at(height)
        return NoteTree(size, self._frontier(size))

    def path(self, position: int, height: int | None = None) -> MerklePath:
        """Path of a marked leaf under the root at a checkpoint (default: of all leaves so far).

        Raises:
            DecodeError: the leaf is not marked, or is younger than the checkpoint.
        """
        size = self._size if height is None else self._at(height)
        if position not in self._marks or position >= size:
            raise DecodeError("no path is kept for this position at this height", where="tree")
        partials = self._partials_at(size)
        groups = []
        for level in range(DEPTH):
            first = (position >> _BITS * level) & ~_LAST
            groups.append(tuple(self._node(level, first + i, size, partials) for i in range(ARITY)))
        return MerklePath(tuple(groups[:-1]), groups[-1])

    def to_json(self) -> dict[str, object]:
        """Everything, as JSON's types. Reveals which leaves are marked: keep it private."""
        self._prune()
        return {
            "size": self._size,
            "marks": sorted(self._marks),
            "checkpoints": [[height, size] for height, size in self._checkpoints.items()],
            "nodes": [
                {str(index): f"{value:064x}" for index, value in sorted(nodes.items())}
                for nodes in self._nodes
            ],
        }

    @classmethod
    def from_json(cls, data: dict[str, object]) -> WitnessTree:
        """The tree that `to_json` wrote.

        Raises:
            DecodeError: anything else; a node that is missing or not below r included.
        """
        tree = cls()
        try:
            tree._restore(data)
            tree._check_complete()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DecodeError("a stored witness tree is damaged", where="wallet") from error
        return tree

    def _restore(self, data: dict[str, object]) -> None:
        size, marks, checkpoints, nodes = (
            data["size"],
            data["marks"],
            data["checkpoints"],
            data["nodes"],
        )
        if not (isinstance(size, int) and isinstance(marks, list) and isinstance(nodes, list)):
            raise TypeError("size, marks or nodes")
        if not isinstance(checkpoints, list) or not checkpoints or len(nodes) != DEPTH + 1:
            raise TypeError("checkpoints or nodes")
        self._size = size
        self._marks = {int(position) for position in marks}
        self._checkpoints = {int(height): int(at) for height, at in checkpoints}
        self._nodes = [{int(i): int(v, 16) for i, v in level.items()} for level in nodes]

    def _check_complete(self) -> None:
        """Every node that a path or root may ask for is there, and is a field element."""
        sizes = list(self._checkpoints.values())
        ordered = list(self._checkpoints) == sorted(self._checkpoints) and sizes == sorted(sizes)
        if not ordered or not 0 <= self._size <= CAPACITY or sizes[-1] > self._size or sizes[0] < 0:
            raise ValueError("checkpoints out of order")
        if not all(0 <= position < self._size for position in self._marks):
            raise ValueError("a mark beyond the tree")
        for level, wanted in enumerate(self._wanted()):
            for index in wanted:
                if not 0 <= self._nodes[level][index] < FR.modulus:
                    raise ValueError("a node that is not below r")

    def _at(self, height: int) -> int:
        if height not in self._checkpoints:
            raise DecodeError(
                f"no checkpoint at height {height}", fix="scan again from the wallet's birthday"
            )
        return self._checkpoints[height]

    def _frontier(self, size: int) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(
                self._nodes[level][index]
                for index in range((size >> _BITS * level) & ~_LAST, size >> _BITS * level)
            )
            for level in range(DEPTH + 1)
        )

    def _partials_at(self, size: int) -> tuple[int | None, ...]:
        if self._cached is None or self._cached[0] != size:
            self._cached = (size, _partials(self._frontier(size)))
        return self._cached[1]

    def _node(self, level: int, index: int, size: int, partials: tuple[int | None, ...]) -> int:
        whole = size >> _BITS * level
        if index < whole:
            return self._nodes[level][index]
        partial = partials[level] if index == whole else None
        return empty_roots()[level] if partial is None else partial

    def _wanted(self) -> list[set[int]]:
        """Indices per level that paths of marks and frontiers of checkpoints need."""
        sizes = {self._size, *self._checkpoints.values()}
        wanted: list[set[int]] = []
        for level in range(DEPTH + 1):
            shift, kept = _BITS * level, set[int]()
            for size in sizes:
                kept.update(range((size >> shift) & ~_LAST, size >> shift))
            for first in {(position >> shift) & ~_LAST for position in self._marks}:
                kept.update(range(first, min(first + ARITY, self._size >> shift)))
            wanted.append(kept)
        return wanted

    def _prune(self) -> None:
        for level, wanted in enumerate(self._wanted()):
            nodes = self._nodes[level]
            self._nodes[level] = {index: nodes[index] for index in wanted}
        self._pruned = sum(map(len, self._nodes))


def _partials(frontier: Sequence[Sequence[int]]) -> tuple[int | None, ...]:
    """Per level 0 … 10, the one incomplete node there, or None: hashed from below."""
    partials: list[int | None] = [None]
    for level in range(DEPTH):
        children = list(frontier[level])
        if (below := partials[level]) is not None:
            children.append(below)
        if children:
            children += [empty_roots()[level]] * (ARITY - len(children))
            partials.append(node(children))
        else:
            partials.append(None)
    return tuple(partials)


def _digit(size: int, level: int) -> int:
    return (size >> _BITS * level) & _LAST


def _check_leaves(commitments: Sequence[int]) -> None:
    if not all(0 <= leaf < FR.modulus for leaf in commitments):
        raise NonCanonical("a commitment is not below r", where="note tree")
