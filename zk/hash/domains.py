"""Domain separators: one line each, nowhere else.

A tag is a field element hashed from its name, so that no two uses of one hash can collide and no
tag is 0 (tag 0 is circomlib's plain Poseidon, kept for published vectors).
"""

from __future__ import annotations

from typing import Final

from zk.field import hashing

PREFIX: Final = hashing.PREFIX


def element(name: bytes) -> int:
    """Nothing-up-my-sleeve element of Fr: BLAKE2b-512(`chiaro/v1/` ‖ name) mod r."""
    return hashing.hash_to_fr(name)


# Poseidon tags: the initial capacity element of the sponge state.
COMMITMENT: Final = element(b"note-commitment")
NULLIFIER: Final = element(b"nullifier")
NONCE: Final = element(b"nonce")
MASTER_KEY: Final = element(b"master-public-key")
OWNER: Final = element(b"owner")
KIND: Final = element(b"kind")
EPHEMERAL_KIND: Final = element(b"ephemeral-kind")
TREE_NODE: Final = element(b"tree-node")
MEMBER: Final = element(b"member")
MEMBER_NULLIFIER: Final = element(b"member-nullifier")

# Constants that are values, not tags.
EMPTY_LEAF: Final = element(b"empty-leaf")
EMPTY_MEMBER: Final = element(b"empty-member")
NATIVE_LABEL: Final = element(b"asset/native")


def asset_label(name: str) -> int:
    """Label of a plain asset known by a name, such as `native`."""
    return element(b"asset/" + name.encode())
