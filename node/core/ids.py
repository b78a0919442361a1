"""Names of things: environments, chains, transactions, kinds, accounts."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NewType

from node.core.codec import Reader, Writer
from zk.hash import domains

ChainId = NewType("ChainId", bytes)
"""32 bytes: S-12's hash over genesis, circuits, verifying keys and ceremony."""
TxId = NewType("TxId", bytes)
"""32 bytes: hash of a transaction without its proofs and signatures."""
AccountId = NewType("AccountId", bytes)
"""32 bytes: an Ed25519 public key, or one of the reserved accounts below."""
Height = NewType("Height", int)
StateRoot = NewType("StateRoot", bytes)

ID_BYTES: Final = 32


class EnvironmentId(IntEnum):
    """The three environments, guardians' orders, the sealed lane, stake; the tag on the wire."""

    TRANSPARENT = 1
    SHIELDED = 2
    PRIVATE = 3
    CHAIN = 4
    INTENTS = 5
    STAKE = 6

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What makes a resource fungible: (logic, label), both field elements. logic 0: plain token."""

    logic: int
    label: int

    def to_bytes(self) -> bytes:
        return Writer().fr(self.logic).fr(self.label).done()

    @staticmethod
    def read(reader: Reader) -> Kind:
        return Kind(reader.fr(), reader.fr())


NATIVE: Final = Kind(0, domains.NATIVE_LABEL)
"""The kind in which fees are paid."""


def tagged_hash(tag: str, *parts: bytes) -> bytes:
    """BLAKE2b-256 of parts under a tag; each part is length-prefixed, so no two lists collide."""
    hasher = _begun(tag).copy()
    for part in parts:
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.digest()


@functools.lru_cache(maxsize=1024)
def _begun(tag: str) -> hashlib.blake2b:
    """A hash of the tag alone, to be copied."""
    name = domains.PREFIX + tag.encode()
    return hashlib.blake2b(len(name).to_bytes(8, "little") + name, digest_size=32)


FEE_ACCOUNT: Final = AccountId(tagged_hash("account/fees"))
"""Where fees gather; no key opens it."""
