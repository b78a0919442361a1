"""The sealed intent: terms in the clear, a body of a standard size, the payer's consent.

    version 1 ‖ epoch 8 ‖ terms 73 ‖ U 32 ‖ Ū 32 ‖ W 32 ‖ W̄ 32 ‖ z 32 ‖ body ‖ auth 64

    terms  payer 32, payer nonce 8, fee 8, gas cap 8, expiry 8, size class 1 (reserved: none)
    label  H(chain id, instance, DA domain, epoch, key digest, expiry, H(version, terms))
    id     H(label, ciphertext)                          everything but auth
    auth   the payer's Ed25519 signature over the same under another tag

The label is what the ciphertext's proof is bound to, so no part of it can be changed without the
sender; auth is the payer's consent, so nobody makes another pay (PX-4). Chain, instance and domain
are not on the wire: who reads knows where it is. Not hidden: payer, fee, gas cap, expiry, size
class, time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import is_signed
from node.core.ids import AccountId, tagged_hash
from private_exec import cipher
from private_exec.cipher import Seal
from private_exec.errors import MalformedSeal, SealRefused, Undecryptable
from private_exec.keys import EpochKey
from private_exec.roster import SIGNATURE_BYTES, Domain, Signer
from zk.curve.bn254 import G1Affine

VERSION: Final = 1
SIZE_CLASSES: Final = (512, 1024, 2560, 4096)
"""Lengths of a body, tag included. Few, so that many intents look alike."""
PADDING_BYTES: Final = 2
OVERHEAD: Final = PADDING_BYTES + cipher.TAG_BYTES
TERMS_BYTES: Final = 32 + 4 * 8 + 1
HEADER_BYTES: Final = 1 + 8 + TERMS_BYTES


@dataclass(frozen=True, slots=True)
class Terms:
    """What stays readable, because ordering and paying need it.

    Attributes:
        payer: Ed25519 account that pays.
        payer_nonce: makes each consent single-use.
        fee: base units of the native kind, kept once the intent is ordered.
        gas_cap: most work that settling may take.
        expiry: last height of a block that may order it.
        size_class: index into `SIZE_CLASSES`.

    Raises:
        MalformedSeal: PX-15, a value out of range.
    """

    payer: AccountId
    payer_nonce: int
    fee: int
    gas_cap: int
    expiry: int
    size_class: int

    def __post_init__(self) -> None:
        numbers = (self.payer_nonce, self.fee, self.gas_cap, self.expiry)
        if len(self.payer) != 32 or not all(0 <= number < 1 << 64 for number in numbers):
            raise MalformedSeal("PX-15", "a term is out of range", where="terms")
        if not 0 <= self.size_class < len(SIZE_CLASSES):
            raise MalformedSeal("PX-15", f"no size class {self.size_class}", where="size class")

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.payer, 32).u64(self.payer_nonce).u64(self.fee)
        return writer.u64(self.gas_cap).u64(self.expiry).u8(self.size_class).done()

    @staticmethod
    def read(reader: Reader) -> Terms:
        payer = AccountId(reader.take(32))
        numbers = (reader.u64(), reader.u64(), reader.u64(), reader.u64())
        return Terms(payer, *numbers, reader.u8())

    @property
    def body_bytes(self) -> int:
        """Length of the body on the wire."""
        return SIZE_CLASSES[self.size_class]


@dataclass(frozen=True, slots=True)
class EpochWindow:
    """When an epoch's key takes new intents.

    Attributes:
        number: the epoch.
        first: first height of the epoch.
        last: its last height.
        grace: heights behind `last` for which shares are kept.
    """

    number: int
    first: int
    last: int
    grace: int


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed intent as it travels.

    Raises:
        MalformedSeal: PX-4, body or auth of another length than stated.
    """

    epoch: int
    terms: Terms
    seal: Seal
    auth: bytes

    def __post_init__(self) -> None:
        if len(self.seal.body) != self.terms.body_bytes:
            raise MalformedSeal(
                "PX-4",
                f"the body has {len(self.seal.body)} bytes, its class {self.terms.body_bytes}",
                where="body",
            )
        if len(self.auth) != SIGNATURE_BYTES:
            raise MalformedSeal("PX-4", f"auth has {SIGNATURE_BYTES} bytes", where="auth")

    def to_bytes(self) -> bytes:
        head = Writer().u8(VERSION).u64(self.epoch).done() + self.terms.to_bytes()
        return head + self.seal.to_bytes() + self.auth

    @staticmethod
    def from_bytes(data: bytes) -> Envelope:
        """PX-15: strict, one encoding.

        Raises:
            DecodeError: length, a point that is none, z not below r (PX-13).
            MalformedSeal: PX-15, version, size class or a term.
        """
        reader = Reader(data, "sealed intent")
        if (version := reader.u8()) != VERSION:
            raise MalformedSeal("PX-15", f"unknown version {version}", where="version")
        epoch, terms = reader.u64(), Terms.read(reader)
        sealed = Seal.read(reader, terms.body_bytes)
        auth = reader.take(SIGNATURE_BYTES)
        reader.done()
        return Envelope(epoch, terms, sealed, auth)

    def label(self, key: EpochKey) -> bytes:
        """What the ciphertext is bound to, if this key is the one it was made for."""
        return label_of(key.domain, self.epoch, key.digest, self.terms)

    def id(self, key: EpochKey) -> bytes:
        """PX-4: identity, 32 bytes; auth is no part of it."""
        return tagged_hash("private/envelope", self.label(key), self.seal.to_bytes())


def label_of(domain: Domain, epoch: int, key_digest: bytes, terms: Terms) -> bytes:
    """PX-14: the label, 32 bytes."""
    env = tagged_hash("private/terms", bytes([VERSION]), terms.to_bytes())
    numbers = Writer().u64(epoch).raw(key_digest, 32).u64(terms.expiry).done()
    return tagged_hash("private/label", domain.to_bytes(), numbers, env)


def auth_digest(label: bytes, sealed: Seal) -> bytes:
    """PX-4: what the payer signs."""
    return tagged_hash("private/auth", label, sealed.to_bytes())


def size_of(size_class: int) -> int:
    """Bytes of an envelope whose body is of this class."""
    return HEADER_BYTES + cipher.POINTS_BYTES + SIZE_CLASSES[size_class] + SIGNATURE_BYTES


def size_class_of(length: int) -> int:
    """The smallest class that holds an intent of this length.

    Raises:
        MalformedSeal: PX-15, none does.
    """
    for number, size in enumerate(SIZE_CLASSES):
        if length <= size - OVERHEAD:
            return number
    most = SIZE_CLASSES[-1] - OVERHEAD
    raise MalformedSeal("PX-15", f"an intent has at most {most} bytes, not {length}", where="body")


def pad(intent: bytes, size_class: int) -> bytes:
    """Length, the intent, zeros: the plaintext of a body of this class."""
    size = SIZE_CLASSES[size_class] - cipher.TAG_BYTES
    if size_class < size_class_of(len(intent)):
        raise MalformedSeal("PX-15", "the intent is longer than its class", where="body")
    framed = Writer().u16(len(intent)).done() + intent
    return framed + bytes(size - len(framed))


def unpad(plaintext: bytes) -> bytes:
    """The intent of a plaintext.

    Raises:
        Undecryptable: PX-16: it is none, so the sender wrote no intent.
    """
    length = int.from_bytes(plaintext[:PADDING_BYTES], "little")
    end = PADDING_BYTES + length
    if end > len(plaintext) or any(plaintext[end:]):
        raise Undecryptable("PX-16", "the plaintext is not a padded intent", where="body")
    return plaintext[PADDING_BYTES:end]


def seal_intent(
    key: EpochKey, terms: Terms, intent: bytes, payer: Signer, entropy: bytes
) -> Envelope:
    """Seal an intent under an epoch's key.

    Args:
        key: of the epoch that will order it.
        terms: in the clear; `size_class` holds the intent (`size_class_of`).
        intent: any bytes.
        payer: signs for `terms.payer`.
        entropy: 32 fresh bytes of the system's generator for each call (PX-12).
    """
    label = label_of(key.domain, key.epoch, key.digest, terms)
    sealed = cipher.seal(key, label, pad(intent, terms.size_class), entropy)
    return Envelope(key.epoch, terms, sealed, payer.sign(auth_digest(label, sealed)))


def check(envelope: Envelope, key: EpochKey, window: EpochWindow, height: int) -> None:
    """Everything about one envelope but its proof, at the height that would order it.

    Raises:
        SealRefused: PX-7 epoch or expiry, PX-4 the payer's signature.
    """
    check_times(envelope, key, window, height)
    if not is_signed(
        envelope.terms.payer, auth_digest(envelope.label(key), envelope.seal), envelope.auth
    ):
        raise SealRefused("PX-4", "the payer did not sign this envelope", where="auth")


def check_times(envelope: Envelope, key: EpochKey, window: EpochWindow, height: int) -> None:
    """PX-7: the envelope's epoch is the key's, has begun, and its expiry lies within the grace.

    Raises:
        SealRefused: PX-7.
    """
    if not envelope.epoch == key.epoch == window.number:
        raise SealRefused(
            "PX-7", f"sealed for epoch {envelope.epoch}, this is {key.epoch}", where="epoch"
        )
    if height < window.first:
        raise SealRefused("PX-7", f"epoch {window.number} starts at {window.first}", where="epoch")
    if envelope.terms.expiry > window.last + window.grace:
        raise SealRefused(
            "PX-7",
            f"expiry {envelope.terms.expiry} is behind the epoch's grace, which ends at "
            f"{window.last + window.grace}",
            where="expiry",
        )
    if height > envelope.terms.expiry:
        raise SealRefused("PX-7", f"expired at {envelope.terms.expiry}", where="expiry")


def open_envelope(envelope: Envelope, key: EpochKey, shared: G1Affine) -> bytes:
    """The intent under K = sk·U.

    Raises:
        Undecryptable: PX-16.
    """
    return unpad(cipher.open_body(envelope.seal, envelope.label(key), shared))
