"""The note tree: frontier, paths, checkpoints, against the tree computed plainly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shielded import tree as module
from shielded.tree import (
    ARITY,
    CAPACITY,
    DEPTH,
    MerklePath,
    NoteTree,
    TreeFull,
    WitnessTree,
    empty_roots,
)
from zk.errors import DecodeError, NonCanonical, WrongLength
from zk.field.params import FR
from zk.hash import domains
from zk.hash.poseidon import poseidon


@cache
def hash_once(children: tuple[int, ...]) -> int:
    return poseidon(domains.TREE_NODE, children)


def cached_parents(groups: Sequence[Sequence[int]]) -> list[int]:
    return [hash_once(tuple(children)) for children in groups]


@pytest.fixture(autouse=True, scope="module")
def hashes_are_remembered() -> Iterator[None]:
    """The same trees are hashed over and over here; `parents` is a pure function."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "parents", cached_parents)
        yield


def leaf(index: int) -> int:
    return pow(3, index + 1, FR.modulus)


def naive_root(leaves: list[int]) -> int:
    """Level by level, all of it."""
    level = leaves
    for depth in range(DEPTH):
        empty = empty_roots()[depth]
        groups = [level[i : i + ARITY] for i in range(0, len(level), ARITY)]
        level = cached_parents([group + [empty] * (ARITY - len(group)) for group in groups])
    return level[0] if level else empty_roots()[DEPTH]


def test_empty_roots_follow_from_the_empty_leaf() -> None:
    roots = empty_roots()
    assert roots[0] == domains.EMPTY_LEAF
    assert len(roots) == DEPTH + 1
    assert roots[1] == poseidon(domains.TREE_NODE, [domains.EMPTY_LEAF] * 8)
    assert NoteTree().root == roots[DEPTH] == WitnessTree().root()


@settings(deadline=None, max_examples=12)
@given(st.lists(st.sampled_from([0, 1, 2, 7, 8, 9, 64, 65, 30]), max_size=8))
def test_sh53_frontier_root_is_the_naive_root(batches: list[int]) -> None:
    tree, leaves = NoteTree(), list[int]()
    for count in batches:
        added = [leaf(len(leaves) + i) for i in range(count)]
        tree = tree.append(added)
        leaves += added
    assert tree.size == len(leaves)
    assert tree.root == naive_root(leaves)
    assert tree == NoteTree().append(leaves)
    assert NoteTree.from_bytes(tree.to_bytes()) == tree


@settings(deadline=None, max_examples=10)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 2**20 - 1)), min_size=1, max_size=8),
    st.data(),
)
def test_sh55_paths_and_rewinding(batches: list[tuple[int, int]], data: st.DataObject) -> None:
    """Paths lead to the root at any checkpoint; rewinding equals never having gone on."""
    tree, leaves, sizes = WitnessTree(), list[int](), {0: 0}
    for height, (count, bits) in enumerate(batches, 1):
        added = [leaf(len(leaves) + i) for i in range(count)]
        tree.append(added, [len(leaves) + i for i in range(count) if bits >> i & 1])
        leaves += added
        tree.checkpoint(height)
        sizes[height] = len(leaves)
    for height, size in sizes.items():
        assert tree.root(height) == naive_root(leaves[:size])
        for position in tree.marks:
            if position < size:
                path = tree.path(position, height)
                assert path.root(leaves[position]) == tree.root(height)
    height = data.draw(st.sampled_from(sorted(sizes)))
    again = WitnessTree.from_json(json.loads(json.dumps(tree.to_json())))
    assert again.to_json() == tree.to_json()
    for rewound in (tree, again):
        rewound.rewind(height)
        assert rewound.size == sizes[height]
        assert rewound.root() == naive_root(leaves[: sizes[height]])
        rewound.append(leaves[sizes[height] :])
        assert rewound.root() == naive_root(leaves)
        for position in rewound.marks:
            assert rewound.path(position).root(leaves[position]) == naive_root(leaves)


def test_sh55_a_hundred_checkpoints_can_be_rewound() -> None:
    tree = WitnessTree()
    for height in range(1, 201):
        tree.append([leaf(2 * height), leaf(2 * height + 1)], [2 * height - 2])
        tree.checkpoint(height)
    assert tree.KEEP > 100
    with pytest.raises(DecodeError, match="no checkpoint"):
        tree.rewind(200 - tree.KEEP)
    tree.rewind(100)
    assert tree.size == 200
    fresh = NoteTree().append([leaf(i) for i in range(2, 202)])
    assert tree.tree() == fresh


def test_pruning_keeps_what_is_needed() -> None:
    """Marked paths and old roots survive; the rest of many leaves is forgotten."""
    tree = WitnessTree()
    leaves = [leaf(i) for i in range(3000)]
    tree.append(leaves[:1000], [17])
    tree.checkpoint(1)
    tree.append(leaves[1000:], [2999])
    tree.checkpoint(2)
    stored = tree.to_json()
    nodes = stored["nodes"]
    assert isinstance(nodes, list)
    assert sum(len(level) for level in nodes) < 150
    root = naive_root(leaves)
    assert tree.root() == root
    assert tree.path(17).root(leaves[17]) == root
    assert tree.path(17, 1).root(leaves[17]) == naive_root(leaves[:1000])
    tree.unmark(17)
    with pytest.raises(DecodeError, match="no path"):
        tree.path(17)


def test_a_wallet_starts_behind_others_leaves() -> None:
    leaves = [leaf(i) for i in range(700)]
    tree = WitnessTree(NoteTree().append(leaves[:555]), height=9)
    tree.append(leaves[555:], [600])
    assert tree.root() == naive_root(leaves)
    assert tree.path(600).root(leaves[600]) == naive_root(leaves)
    assert tree.tree() == NoteTree().append(leaves)


def test_sh53_a_path_of_another_note_is_refused() -> None:
    tree = WitnessTree()
    tree.append([leaf(i) for i in range(100)], [42])
    path = tree.path(42)
    assert path.root(leaf(42)) == tree.root()
    with pytest.raises(DecodeError, match="does not lead"):
        path.root(leaf(99))
    swapped = MerklePath((path.levels[1], path.levels[0], *path.levels[2:]), path.top)
    with pytest.raises(DecodeError, match="does not lead"):
        swapped.root(leaf(42))
    with pytest.raises(DecodeError, match="does not lead"):
        MerklePath((path.levels[0][:7], *path.levels[1:]), path.top).root(leaf(42))
    with pytest.raises(DecodeError, match="no path"):
        tree.path(43)


def test_sh53_the_order_of_leaves_matters() -> None:
    assert NoteTree().append([1, 2]).root != NoteTree().append([2, 1]).root
    assert NoteTree().append([1]).root != NoteTree().append([1, domains.EMPTY_LEAF - 1]).root


def test_sh53_leaves_are_canonical() -> None:
    """Incident 4: a commitment + r would be the same leaf under another name."""
    for wrong in (FR.modulus, -1, FR.modulus + 3):
        with pytest.raises(NonCanonical):
            NoteTree().append([wrong])
        tree = WitnessTree()
        with pytest.raises(NonCanonical):
            tree.append([1, wrong])
        assert tree.size == 0


def test_sh53_the_frontier_decodes_strictly() -> None:
    data = NoteTree().append([leaf(i) for i in range(77)]).to_bytes()
    assert len(data) == 8 + 32 * (5 + 1 + 1)  # 77 = 115 in base 8
    for wrong in (data + bytes(32), data[:-32], data[:-1], data + b"\0"):
        with pytest.raises(WrongLength):
            NoteTree.from_bytes(wrong)
    with pytest.raises(NonCanonical):
        NoteTree.from_bytes(data[:8] + (FR.modulus).to_bytes(32, "little") + data[40:])
    with pytest.raises(WrongLength):
        NoteTree.from_bytes((78).to_bytes(8, "little") + data[8:])
    with pytest.raises(NonCanonical):
        NoteTree.from_bytes((CAPACITY + 1).to_bytes(8, "little") + bytes(32))


def test_sh53_a_full_tree_takes_no_more() -> None:
    """Incident 12: no leaf beyond the capacity."""
    digits = tuple(tuple(leaf(i) for i in range(7)) for _ in range(DEPTH))
    almost = NoteTree(CAPACITY - 1, (*digits, ()))
    with pytest.raises(TreeFull):
        almost.append([1, 2])
    full = almost.append([1])
    assert full.size == CAPACITY
    assert NoteTree.from_bytes(full.to_bytes()) == full
    assert full.root == full.frontier[DEPTH][0] != almost.root
    wallet = WitnessTree(almost)
    wallet.append([1], [CAPACITY - 1])
    assert wallet.root() == full.root
    assert wallet.path(CAPACITY - 1).root(1) == full.root
    for tree in (full, wallet):
        with pytest.raises(TreeFull):
            tree.append([1])


def test_only_new_leaves_can_be_marked_and_checkpoints_ascend() -> None:
    tree = WitnessTree()
    with pytest.raises(DecodeError, match="marked"):
        tree.append([1], [1])
    tree.append([1], [0])
    tree.checkpoint(5)
    for height in (5, 4, 0):
        with pytest.raises(DecodeError, match="not above"):
            tree.checkpoint(height)
    with pytest.raises(DecodeError, match="no path"):
        tree.path(0, 0)  # younger than the checkpoint


def test_sh56_a_damaged_tree_is_refused() -> None:
    tree = WitnessTree()
    tree.append([leaf(i) for i in range(70)], [3])
    tree.checkpoint(1)
    good = tree.to_json()

    def changed(name: str, value: object) -> dict[str, object]:
        return {**good, name: value}

    nodes = good["nodes"]
    assert isinstance(nodes, list)
    missing = [dict(level) for level in nodes]
    del missing[0]["3"]
    large = [dict(level) for level in nodes]
    large[0]["3"] = f"{FR.modulus:064x}"
    bad = [
        {},
        changed("size", 71),
        changed("size", "70"),
        changed("marks", [70]),
        changed("checkpoints", []),
        changed("checkpoints", [[1, 70], [0, 0]]),
        changed("nodes", missing),
        changed("nodes", large),
        changed("nodes", nodes[:-1]),
    ]
    for data in bad:
        with pytest.raises(DecodeError, match="damaged"):
            WitnessTree.from_json(data)


def test_appending_hashes_each_touched_node_once(monkeypatch) -> None:
    """A block of n leaves costs about n/7 hashes, however it is cut."""
    calls = []
    monkeypatch.setattr(
        module,
        "parents",
        lambda groups: calls.extend(groups) or [sum(children) % 97 for children in groups],
    )
    NoteTree().append(list(range(512)))
    assert len(calls) == 64 + 8 + 1
    calls.clear()
    tree = WitnessTree()
    for start in range(0, 512, 4):
        tree.append(list(range(start, start + 4)))
    assert len(calls) == 64 + 8 + 1
