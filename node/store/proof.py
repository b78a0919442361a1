"""The state tree's hashes, and the check of a proof with nothing but a root (rules CH-9, CH-10).

The tree that roots commit to is a binary one over the 256-bit hashes of keys, in which a subtree is

    empty               32 zero bytes
    of one entry        H_leaf(key hash, value hash), whatever its depth ("hoisted")
    of more             H_node(left, right)

so a root depends on the set of entries alone. Radix 16 (`node.store.state_tree`) is how it is kept
on disk, and does not show in any hash. The shape is Diem's Jellyfish Merkle tree.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import StateRoot
from zk.errors import ChiaroError, NonCanonical

HASH_BYTES: Final = 32
DEPTH: Final = 256
EMPTY_ROOT: Final = StateRoot(bytes(HASH_BYTES))
"""Root of a state without entries; of no chain, since genesis always writes its parameters."""

_VERSION: Final = 1
_MAX_VALUE: Final = 1 << 24


class InvalidStateProof(ChiaroError):
    """A proof that does not lead to the state root it is checked against."""

    code = "STO-001"
    exit_code = 1
    why = "the value shown is not proved to be the ledger's"
    fix = "ask for a proof at the height whose root you hold, or ask another node"


def _keyed(purpose: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=HASH_BYTES, person=b"chiaro/v1/" + purpose)


# Never updated, only copied: half the time of a new hasher with its parameters.
_KEY: Final = _keyed(b"key")
_VALUE: Final = _keyed(b"value")
_LEAF: Final = _keyed(b"leaf")
_NODE: Final = _keyed(b"node")


def key_hash(key: bytes) -> bytes:
    """Place of a key in the tree."""
    hasher = _KEY.copy()
    hasher.update(key)
    return hasher.digest()


def value_hash(value: bytes) -> bytes:
    """What an entry says of its value."""
    hasher = _VALUE.copy()
    hasher.update(value)
    return hasher.digest()


def leaf_hash(key_digest: bytes, value_digest: bytes) -> bytes:
    """Hash of a subtree that holds one entry."""
    hasher = _LEAF.copy()
    hasher.update(key_digest + value_digest)
    return hasher.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a subtree that holds more than one entry."""
    hasher = _NODE.copy()
    hasher.update(left + right)
    return hasher.digest()


@dataclass(frozen=True, slots=True)
class StateProof:
    """What one key holds, or that it holds nothing, under a root.

    Attributes:
        siblings: hashes beside the path, from the root down; `EMPTY_ROOT` where there is nothing.
        value: the key's value, or `None` if the proof is one of absence.
        other: (key hash, value hash) of the single entry that stands where the key would, for
            absence; `None` if nothing stands there.
    """

    siblings: tuple[bytes, ...]
    value: bytes | None
    other: tuple[bytes, bytes] | None

    def to_bytes(self) -> bytes:
        """Version, kind, depth, a bit per sibling that is not empty, those siblings, the end."""
        depth = len(self.siblings)
        bits = sum(1 << i for i, s in enumerate(self.siblings) if s != EMPTY_ROOT)
        kind = 1 if self.value is not None else 2 if self.other is not None else 0
        writer = Writer().u8(_VERSION).u8(kind).u16(depth).uint(bits, (depth + 7) // 8)
        for sibling in self.siblings:
            if sibling != EMPTY_ROOT:
                writer.raw(sibling, HASH_BYTES)
        if self.value is not None:
            writer.blob(self.value)
        elif self.other is not None:
            writer.raw(self.other[0], HASH_BYTES).raw(self.other[1], HASH_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> StateProof:
        """Strict: one encoding per proof. Raises DecodeError."""
        where = "state proof"
        reader = Reader(data, where)
        if (version := reader.u8()) != _VERSION:
            raise NonCanonical(f"unknown version {version} of a state proof", where=where)
        if (kind := reader.u8()) > 2:
            raise NonCanonical(f"unknown kind {kind} of a state proof", where=where)
        depth = reader.count(2, DEPTH, "depth")
        bits = reader.uint((depth + 7) // 8)
        if bits >> depth:
            raise NonCanonical("bits are set beyond the last sibling", where=where)
        siblings: list[bytes] = []
        for i in range(depth):
            present = bits >> i & 1
            siblings.append(reader.take(HASH_BYTES) if present else EMPTY_ROOT)
            if present and siblings[-1] == EMPTY_ROOT:
                raise NonCanonical("an empty sibling is written out", where=where)
        value = reader.blob(_MAX_VALUE, "value") if kind == 1 else None
        other = (reader.take(HASH_BYTES), reader.take(HASH_BYTES)) if kind == 2 else None
        reader.done()
        return StateProof(tuple(siblings), value, other)


def proved_value(root: StateRoot, key: bytes, proof: bytes) -> bytes | None:
    """What `key` holds under `root`; `None` is *proved* absence (CH-9, CH-10).

    Raises:
        InvalidStateProof: the proof is of another key, value or root.
        DecodeError: the bytes are no proof.
    """
    parsed = StateProof.from_bytes(proof)
    digest = key_hash(key)
    path = int.from_bytes(digest, "big")
    depth = len(parsed.siblings)
    if parsed.value is not None:
        current = leaf_hash(digest, value_hash(parsed.value))
    elif parsed.other is not None:
        other = int.from_bytes(parsed.other[0], "big")
        if other == path or (other ^ path) >> (DEPTH - depth):
            raise InvalidStateProof("the entry shown instead is not on the key's path", where="end")
        current = leaf_hash(*parsed.other)
    else:
        current = EMPTY_ROOT
    for level in range(depth - 1, -1, -1):
        sibling = parsed.siblings[level]
        right = path >> (DEPTH - 1 - level) & 1
        current = node_hash(sibling, current) if right else node_hash(current, sibling)
    if current != root:
        raise InvalidStateProof("the proof does not lead to the state root")
    return parsed.value
