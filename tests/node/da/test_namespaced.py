"""All entries of a namespace, or none: proofs, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.da.errors import DataRefused
from node.da.namespaced import (
    Entry,
    NamespaceProof,
    NamespaceTree,
    Node,
    _root,
    check_entries,
    check_namespace,
    join,
    leaf,
    split,
)
from zk.errors import DecodeError


def ns(value: int) -> bytes:
    return value.to_bytes(29, "big")


def entries_of(*values: int) -> list[Entry]:
    return [Entry(ns(value), b"entry %d" % i) for i, value in enumerate(values)]


def refused(rule: str, call, *arguments) -> DataRefused:
    with pytest.raises(DataRefused) as caught:
        call(*arguments)
    assert caught.value.rule == rule
    return caught.value


values = st.lists(st.integers(0, 9), max_size=24)


# AGAINST THE DEFINITION


def naive_top(leaves: list[Node]) -> Node:
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return join(naive_top(leaves[:middle]), naive_top(leaves[middle:]))


@settings(max_examples=80, deadline=None)
@given(values)
def test_root_and_answers_are_those_of_the_definition(chosen) -> None:
    entries = entries_of(*chosen)
    ordered = sorted(entries, key=lambda entry: entry.namespace)
    tree = NamespaceTree(entries)
    top = naive_top([leaf(entry) for entry in ordered]) if entries else None
    assert tree.root == _root(len(entries), top)
    check_entries(tree.root, entries)
    for value in range(11):
        data, proof = tree.prove(ns(value))
        assert list(data) == [entry.data for entry in entries if entry.namespace == ns(value)]
        assert NamespaceProof.from_bytes(proof.to_bytes()) == proof
        check_namespace(tree.root, ns(value), data, proof)


@pytest.mark.parametrize(("size", "left"), [(2, 1), (3, 2), (4, 2), (5, 4), (8, 4), (9, 8)])
def test_shape_is_that_of_rfc_6962(size, left) -> None:
    assert split(size) == left


# ATTACKS


@settings(max_examples=60, deadline=None)
@given(values.filter(bool), st.data())
def test_da18_no_other_answer_passes(chosen, draw) -> None:
    """Data left out, added, changed or in another order, with any proof that the tree can give."""
    tree = NamespaceTree(entries_of(*chosen))
    value = draw.draw(st.integers(0, 10))
    right, own = tree.prove(ns(value))
    _, proof = tree.prove(ns(draw.draw(st.integers(0, 10))))
    wrong = [right[1:], right[:-1], (*right, b"more"), right[::-1], (*right[:-1], b"changed"), ()]
    for data in wrong:
        if data != right:
            refused("DA-18", check_namespace, tree.root, ns(value), data, proof)
    if proof != own:
        refused("DA-18", check_namespace, tree.root, ns(value), right, proof)


def test_da18_an_omitted_leaf_shows_in_the_bounds_around() -> None:
    """Three of four entries, as a range of three with the fourth inside a node at its side."""
    tree = NamespaceTree(entries_of(1, 5, 5, 5, 5, 9))
    data, whole = tree.prove(ns(5))
    leaves = [leaf(entry) for entry in tree.entries]
    # Leaves 0 | 1 2 3 | 4 5: a proof that is right in every hash, and leaves one entry out.
    short = NamespaceProof(6, 1, 4, (leaves[0], join(leaves[4], leaves[5])))
    assert whole != short
    refusal = refused("DA-18", check_namespace, tree.root, ns(5), data[:3], short)
    assert "on the right" in refusal.message
    late = NamespaceProof(6, 2, 5, (join(leaves[0], leaves[1]), leaves[5]))
    refusal = refused("DA-18", check_namespace, tree.root, ns(5), data[1:], late)
    assert "on the left" in refusal.message


def test_da18_presence_cannot_be_shown_as_absence() -> None:
    tree = NamespaceTree(entries_of(1, 5, 9, 9))
    leaves = [leaf(entry) for entry in tree.entries]
    empty = NamespaceProof(4, 1, 1, (leaves[0], leaves[1], join(leaves[2], leaves[3])))
    check_namespace(tree.root, ns(4), (), empty)
    refused("DA-18", check_namespace, tree.root, ns(5), (), empty)
    for start in range(5):
        _, proof = NamespaceTree(entries_of(1, 5, 9, 9)).prove(ns(4))
        moved = replace(proof, start=start, end=start)
        if moved != proof:
            refused("DA-18", check_namespace, tree.root, ns(4), (), moved)
    refused("DA-18", check_namespace, tree.root, ns(5), (), NamespaceProof(0, 0, 0, ()))


def test_da18_forged_bounds_do_not_lead_to_the_root() -> None:
    tree = NamespaceTree(entries_of(1, 5, 5, 9))
    leaves = [leaf(entry) for entry in tree.entries]
    hidden = replace(join(leaves[2], leaves[3]), least=ns(6))  # says it begins after 5
    forged = NamespaceProof(4, 1, 2, (leaves[0], hidden))
    refusal = refused("DA-18", check_namespace, tree.root, ns(5), (b"entry 1",), forged)
    assert "root" in refusal.message
    turned = replace(forged, nodes=(leaves[0], replace(hidden, least=ns(9), greatest=ns(6))))
    refusal = refused("DA-18", check_namespace, tree.root, ns(5), (b"entry 1",), turned)
    assert "wrong way round" in refusal.message


def test_da18_nodes_out_of_order_are_refused_even_under_a_matching_root() -> None:
    """A proposer's own tree with leaves out of order: bounds overlap."""
    first, second, third, fourth = (leaf(entry) for entry in entries_of(1, 8, 3, 9))
    top = join(join(first, second), join(third, fourth))
    proof = NamespaceProof(4, 3, 4, (join(first, second), third))
    refusal = refused("DA-18", check_namespace, _root(4, top), ns(9), (b"entry 3",), proof)
    assert "order" in refusal.message


@pytest.mark.parametrize(
    "fields",
    [{"start": 2}, {"end": 4}, {"count": 5}, {"count": 3}, {"start": 3, "end": 2}, {"end": 7},
     {"nodes": ()}, {"count": 2**21}, {"start": -1}],
    ids=str,
)  # fmt: skip
def test_da18_overlapping_and_impossible_ranges_are_refused(fields) -> None:
    tree = NamespaceTree(entries_of(1, 5, 5, 9))
    data, proof = tree.prove(ns(5))
    for shown in (data, data[1:], (*data, b"entry 3")):
        refused("DA-18", check_namespace, tree.root, ns(5), shown, replace(proof, **fields))


def test_da18_another_number_of_leaves_is_another_tree() -> None:
    """Without it a proof of absence beside the tree would have as many encodings as shapes."""
    tree = NamespaceTree(entries_of(1, 5))
    first, second = (leaf(entry) for entry in tree.entries)
    top = join(first, second)
    check_namespace(tree.root, ns(0), (), NamespaceProof(2, 0, 0, (top,)))
    for count in (1, 3, 2**20):
        refused("DA-18", check_namespace, tree.root, ns(0), (), NamespaceProof(count, 0, 0, (top,)))


def test_da17_a_proposer_cannot_hide_entries_from_validators() -> None:
    """The forged bound stands in the root itself: a reader is fooled, a validator is not."""
    entries = entries_of(1, 5, 5, 9)
    leaves = [leaf(entry) for entry in entries]
    hidden = replace(join(leaves[2], leaves[3]), least=ns(6))
    root = _root(4, join(join(leaves[0], leaves[1]), hidden))
    check_namespace(root, ns(5), (b"entry 1",), NamespaceProof(4, 1, 2, (leaves[0], hidden)))
    refused("DA-17", check_entries, root, entries)
    refused("DA-17", check_entries, NamespaceTree(entries).root, entries[:-1])
    refused("DA-17", check_entries, NamespaceTree(entries[:2]).root, [])


def test_da17_order_within_a_namespace_is_that_of_the_block() -> None:
    entries = entries_of(5, 1, 5)
    assert NamespaceTree(entries).prove(ns(5))[0] == (b"entry 0", b"entry 2")
    refused("DA-17", check_entries, NamespaceTree(entries[::-1]).root, entries)


def test_da17_namespaces_have_29_bytes() -> None:
    tree = NamespaceTree(entries_of(1))
    _, proof = tree.prove(ns(2))
    for wrong in (b"", bytes(28), bytes(30)):
        refused("DA-17", Entry, wrong, b"")
        refused("DA-17", tree.prove, wrong)
        refused("DA-17", check_namespace, tree.root, wrong, (), proof)


def test_da19_proofs_have_one_encoding() -> None:
    tree = NamespaceTree(entries_of(1, 5, 5, 7, 9))
    data = tree.prove(ns(5))[1].to_bytes()
    wrong = [
        data[:-1],
        data + b"\0",
        data + data[-90:],
        b"\2" + data[1:],
        data[:5] + (4).to_bytes(4, "little") + data[9:],  # starts behind its end
        data[:1] + (2**20 + 1).to_bytes(4, "little") + data[5:],
    ]
    for bad in wrong:
        with pytest.raises(DecodeError):
            NamespaceProof.from_bytes(bad)
