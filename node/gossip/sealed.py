"""Directed messages: an intent for chosen recipients, that nobody else can read. GO-23 … GO-25.

    box    = HPKE(X25519, HKDF-SHA256, ChaCha20-Poly1305), base mode (RFC 9180)
    info   = H("gossip/box", chain id, outer origin, recipient's node key)
    inside = sender ‖ signature ‖ length of the envelope, u32 ‖ envelope ‖ zeros up to a size class
    signed = H("gossip/sealed", chain id, sender, outer origin, recipient, its box key, envelope)

A box is the body of an ordinary message, which everyone passes on and only the recipient opens: who
that is stays hidden, and losses are repaired as for any message. The outer origin is a key that is
used once, so the sender shows itself inside only. A box that is copied under another origin, or put
into an overlay of another chain, does not open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES
from node.core.ids import ChainId, tagged_hash
from node.gossip.envelope import MAX_ENVELOPE, NO_APP, Envelope
from node.gossip.errors import InvalidMessage, decoding
from node.gossip.fees import Fee, NoFee
from node.gossip.statement import SIGNATURE_BYTES, Signer, verify_tagged

SIZES: Final = (1024, 4096, 14336)
"""Lengths of what is inside: an observer learns which of three, and no more."""
BOX_OVERHEAD: Final = 32 + 16
_HEAD: Final = KEY_BYTES + SIGNATURE_BYTES + 4
MAX_SEALED: Final = SIZES[-1] - _HEAD
"""The longest envelope that fits."""

_SUITE: Final = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


@dataclass(frozen=True, slots=True)
class Contact:
    """Where directed messages for a node go.

    Attributes:
        node: its key.
        box: X25519 public key, 32 bytes.
        signature: of `node` over `box`, so that nobody puts in a key of his own.
    """

    node: bytes
    box: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.node, KEY_BYTES).raw(self.box, KEY_BYTES)
        return writer.raw(self.signature, SIGNATURE_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes, chain_id: ChainId) -> Contact:
        """Decode and verify.

        Raises:
            InvalidMessage: GO-24.
        """
        with decoding("GO-24", "contact"):
            reader = Reader(data, "contact")
            node, box = reader.take(KEY_BYTES), reader.take(KEY_BYTES)
            contact = Contact(node, box, reader.take(SIGNATURE_BYTES))
            reader.done()
        contact.verify(chain_id)
        return contact

    def verify(self, chain_id: ChainId) -> None:
        """GO-24: the node itself names this box."""
        if not verify_tagged(self.node, self.signature, chain_id, "gossip/contact", self.box):
            raise InvalidMessage("GO-24", "the node did not sign this box key", where="contact")


class BoxKey:
    """The secret that opens boxes. Its repr shows nothing of it."""

    __slots__ = ("_key", "public")

    def __init__(self, seed: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(seed)
        self.public: Final = self._key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"<BoxKey: {self.public.hex()[:16]}…>"

    def contact(self, signer: Signer) -> Contact:
        """What others need to write to this node."""
        return Contact(signer.node, self.public, signer.sign("gossip/contact", self.public))

    def decrypt(self, box: bytes, info: bytes) -> bytes | None:
        """What is inside; None: it is not for this key, or was changed."""
        try:
            return _SUITE.decrypt(box, self._key, info)
        except (InvalidTag, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Opened:
    """What a box held.

    Attributes:
        sender: the node that signed it.
        envelope: what it sent.
    """

    sender: bytes
    envelope: Envelope


def seal(
    sender: Signer, outer: bytes, contact: Contact, envelope: Envelope, postage: Fee | None = None
) -> Envelope:
    """An envelope with a box for one recipient; `outer` is to be the origin of its message.

    Args:
        sender: who sends it.
        outer: public key of the outer origin, used for this message only.
        contact: the recipient's.
        envelope: what it shall read; neither sealed nor bound.
        postage: what is offered in the clear to those who carry it; None: nothing.

    Raises:
        InvalidMessage: GO-24 the contact; GO-25 the envelope is too long, or sealed itself.
    """
    contact.verify(sender.chain_id)
    if envelope.sealed or envelope.bound:
        raise InvalidMessage("GO-25", "what is sealed is a plain envelope", where="envelope")
    content = envelope.to_bytes()
    size = next((size for size in SIZES if _HEAD + len(content) <= size), None)
    if size is None:
        raise InvalidMessage("GO-25", f"{len(content)} bytes, at most {MAX_SEALED} can be sealed")
    signature = sender.sign("gossip/sealed", outer, contact.node, contact.box, content)
    inside = Writer().raw(sender.node, KEY_BYTES).raw(signature, SIGNATURE_BYTES).blob(content)
    info = _info(sender.chain_id, outer, contact.node)
    try:
        key = X25519PublicKey.from_public_bytes(contact.box)
        box = _SUITE.encrypt(inside.done().ljust(size, b"\0"), key, info)
    except ValueError:
        raise InvalidMessage("GO-24", "not a proper X25519 key", where="contact") from None
    return Envelope(NO_APP, "", envelope.expiry, postage or NoFee(), box, sealed=True)


def try_open(
    key: BoxKey, node: bytes, chain_id: ChainId, outer: bytes, envelope: Envelope
) -> Opened | None:
    """What a sealed envelope holds for this node; None where it is for another.

    Args:
        key: the recipient's.
        node: the recipient's node key.
        chain_id: of the overlay.
        outer: origin of the message.
        envelope: of the message.

    Raises:
        InvalidMessage: GO-23 it opens, and its sender did not sign it for this node; GO-25 it
            opens, and is not padded or filled as it must be.
    """
    if len(envelope.body) not in {size + BOX_OVERHEAD for size in SIZES}:
        return None
    inside = key.decrypt(envelope.body, _info(chain_id, outer, node))
    if inside is None:
        return None
    with decoding("GO-25", "box"):
        reader = Reader(inside, "box")
        sender, signature = reader.take(KEY_BYTES), reader.take(SIGNATURE_BYTES)
        content = reader.blob(MAX_ENVELOPE, "envelope")
    size = next((size for size in SIZES if _HEAD + len(content) <= size), None)
    if size != len(inside) or any(inside[_HEAD + len(content) :]):
        raise InvalidMessage("GO-25", "padded with anything but zeros, or too far", where="box")
    if not verify_tagged(
        sender, signature, chain_id, "gossip/sealed", outer, node, key.public, content
    ):
        raise InvalidMessage("GO-23", "not signed by its sender for this recipient", where="box")
    held = Envelope.from_bytes(content)
    if held.sealed or held.bound or held.expiry != envelope.expiry:
        raise InvalidMessage("GO-25", "sealed again, bound, or of another expiry", where="box")
    return Opened(sender, held)


def _info(chain_id: ChainId, outer: bytes, recipient: bytes) -> bytes:
    return tagged_hash("gossip/box", chain_id, outer, recipient)
