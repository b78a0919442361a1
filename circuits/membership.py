"""Trees of a round's members: who may take part once, without saying who.

A member has a secret and gives its leaf, Poseidon_member(secret), to whoever keeps the list. The
round publishes the root. The nullifier Poseidon_member-nullifier(secret, round) is the same for
every proof of one member in one round, and says nothing in another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from circuits.native import tree_node
from circuits.records import ARITY, Children
from zk.errors import ParamsError
from zk.field.hashing import hash_to_fr
from zk.hash import domains
from zk.hash.poseidon import poseidon
from zk.hashes import poseidon_many

ROUND_BYTES: Final = 32


def leaf(secret: int) -> int:
    """The member's entry in a tree, Poseidon_member(secret)."""
    return poseidon(domains.MEMBER, (secret,))


def member_nullifier(secret: int, round_element: int) -> int:
    """What a member shows once a round, Poseidon_member-nullifier(secret, round)."""
    return poseidon(domains.MEMBER_NULLIFIER, (secret, round_element))


def round_element(identifier: bytes) -> int:
    """A round's 32-byte id as the field element that proofs speak of.

    Raises:
        ParamsError: not 32 bytes.
    """
    if len(identifier) != ROUND_BYTES:
        raise ParamsError(f"a round's id has {ROUND_BYTES} bytes, not {len(identifier)}")
    return hash_to_fr(b"member-round/" + identifier)


class MemberTree:
    """The tree over given leaves; what is empty is a constant of which nobody knows an opening.

    Args:
        leaves: what members gave, in the order of the list.
        depth: levels below the root.

    Raises:
        ParamsError: more leaves than places, or one leaf twice.
    """

    def __init__(self, leaves: Sequence[int], depth: int) -> None:
        if len(leaves) > ARITY**depth:
            raise ParamsError(f"{len(leaves)} members, and a tree of {ARITY**depth} places")
        if len(set(leaves)) != len(leaves):
            raise ParamsError(
                "a member is listed twice",
                why="both places have one nullifier, so one of them is lost",
            )
        self.leaves = tuple(leaves)
        self._empty = [domains.EMPTY_MEMBER]
        for _ in range(depth):
            self._empty.append(tree_node([self._empty[-1]] * ARITY))
        self._levels = [list(leaves)]
        for level in range(depth):
            groups = self._groups(level)
            self._levels.append(poseidon_many(domains.TREE_NODE, groups))

    @property
    def depth(self) -> int:
        """Levels below the root."""
        return len(self._levels) - 1

    @property
    def root(self) -> int:
        """The root; of no members, that of the empty tree."""
        return self._levels[-1][0] if self._levels[-1] else self._empty[-1]

    def path(self, secret: int) -> tuple[Children, ...]:
        """For each level the children among which the member's node is, leaves first.

        Raises:
            ParamsError: this secret's leaf is not in the tree.
        """
        own = leaf(secret)
        if own not in self.leaves:
            raise ParamsError("this secret is no member's", fix="ask who keeps the list")
        position, levels = self.leaves.index(own), []
        for level in range(self.depth):
            position //= ARITY
            levels.append(self._groups(level)[position])
        return tuple(levels)

    def _groups(self, level: int) -> list[Children]:
        """The nodes of a level by parent, the last group filled up."""
        nodes, empty = self._levels[level], self._empty[level]
        groups: list[Children] = []
        for start in range(0, len(nodes), ARITY):
            part = nodes[start : start + ARITY]
            a, b, c, d, e, f, g, h = [*part, *[empty] * (ARITY - len(part))]
            groups.append((a, b, c, d, e, f, g, h))
        return groups
