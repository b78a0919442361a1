"""Paths in the 8-ary note tree, by membership instead of position.

A level shows the eight children of a node and that the value below is one of them: the product of
the eight differences vanishes. Nothing binds the position, so no selector is needed. Two paths of
one statement share the root's children, `top`, which are hashed once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from circuits.gadgets.poseidon import poseidon
from zk.errors import ShapeMismatch
from zk.hash import domains
from zk.r1cs.builder import Builder, Wire

ARITY: Final = 8


def witness_children(cs: Builder, name: str, values: Sequence[int]) -> tuple[Wire, ...]:
    """The eight children of a node as witnesses. Constrains nothing. Cost: 0.

    Raises:
        ShapeMismatch: not eight values in [0, r).
    """
    if len(values) != ARITY:
        raise ShapeMismatch(f"a node has {ARITY} children", where=cs.path(name))
    with cs.scope(name):
        return tuple(cs.witness(f"child {i}", value) for i, value in enumerate(values))


def node(cs: Builder, children: Sequence[Wire]) -> Wire:
    """Poseidon_tree-node of the eight children.

    Constrains: the result.
    Assumes:    nothing.
    Cost:       402.
    """
    if len(children) != ARITY:
        raise ShapeMismatch(f"a node has {ARITY} children", where=cs.path("node"))
    return poseidon(cs, domains.TREE_NODE, children, "node")


def enforce_member(
    cs: Builder,
    value: Wire,
    children: Sequence[Wire],
    why: str = "is among the children",
    live: Wire | None = None,
) -> None:
    """The value is one of the children: ∏ (value − childᵢ) = 0.

    Constrains: membership; with `live`, only where that is not zero: live·∏ (…) = 0.
    Assumes:    nothing; `live` may be any wire, a quantity for instance.
    Cost:       7 for eight children (their number less one); one more with `live`.
    """
    first, *rest = [value - child for child in children]
    product = first
    for index, difference in enumerate(rest[:-1], 1):
        product = cs.mul(product, difference, f"product {index}")
    if live is None:
        cs.enforce(product, rest[-1], 0, why)
    else:
        cs.enforce(live, cs.mul(product, rest[-1], f"product {len(rest)}"), 0, why)


def climb(cs: Builder, leaf: Wire, levels: Sequence[Sequence[int]]) -> Wire:
    """The node reached from a leaf through `levels`, children of the lowest node first.

    Membership is enforced at every level, also for a dummy, whose prover invents a subtree; what
    ties the result to a tree is its own membership among the root's children, by the caller.

    Constrains: the leaf lies below the result.
    Assumes:    nothing.
    Cost:       409 a level.

    Raises:
        ShapeMismatch: a level without eight values in [0, r).
    """
    current = leaf
    for index, values in enumerate(levels):
        with cs.scope(f"level {index}"):
            children = witness_children(cs, "children", values)
            enforce_member(cs, current, children)
            current = node(cs, children)
    return current
