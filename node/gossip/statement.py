"""What a node says under a number: the one form of every signature on the overlay. Rule GO-3.

A node counts its statements on a chain: 0, 1, 2, … Being the origin of a message is one, and so is
passing it on. Two different statements under one number convict whoever signed them
(`node.gossip.equivocation`).

    content   = 32 bytes: a tagged hash of what is said
    signature = Ed25519(node, H("gossip/statement", chain id, node, seq, content))

Content alone is signed, so evidence is short and shows nothing of the messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.ed25519 import is_proper, is_signed
from node.core.ids import ChainId, tagged_hash
from node.gossip.errors import InvalidMessage

SIGNATURE_BYTES: Final = 64
MAX_SEQ: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Statement:
    """`node` says `content` as its statement number `seq`.

    Attributes:
        node: Ed25519 public key, 32 bytes.
        seq: 0 to 2⁶⁴ − 1.
        content: 32 bytes.
        signature: 64 bytes.
    """

    node: bytes
    seq: int
    content: bytes
    signature: bytes

    def verify(self, chain_id: ChainId, rule: str, where: str) -> None:
        """Raise unless a proper key signed this on that chain.

        Raises:
            InvalidMessage: under `rule`.
        """
        if not is_proper(self.node):
            raise InvalidMessage(rule, "not a proper Ed25519 key", where=where)
        digest = _digest(chain_id, self.node, self.seq, self.content)
        if not is_signed(self.node, digest, self.signature):
            raise InvalidMessage(
                rule, f"the signature is not by {self.node.hex()[:16]}… on this chain", where=where
            )


class Signer:
    """A node's signing key on one chain. Its repr shows the public half."""

    __slots__ = ("_key", "chain_id", "node")

    def __init__(self, seed: bytes, chain_id: ChainId) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.chain_id: Final = chain_id
        self.node: Final = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"<Signer: {self.node.hex()[:16]}…>"

    def state(self, seq: int, content: bytes) -> Statement:
        """Sign `content` as statement number `seq`, which must not have been used before."""
        signature = self._key.sign(_digest(self.chain_id, self.node, seq, content))
        return Statement(self.node, seq, content, signature)

    def sign(self, tag: str, *parts: bytes) -> bytes:
        """Sign something that is no statement, under another tag: 64 bytes."""
        return self._key.sign(tagged_hash(tag, self.chain_id, self.node, *parts))


def verify_tagged(
    node: bytes, signature: bytes, chain_id: ChainId, tag: str, *parts: bytes
) -> bool:
    """Whether `signature` is what `Signer.sign` makes; the caller raises under its own rule."""
    return is_signed(node, tagged_hash(tag, chain_id, node, *parts), signature)


def _digest(chain_id: ChainId, node: bytes, seq: int, content: bytes) -> bytes:
    return tagged_hash("gossip/statement", chain_id, node, seq.to_bytes(8, "little"), content)
