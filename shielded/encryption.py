"""Note encryption: how a created note reaches its owner. Rules SH-47 to SH-51.

    esk    = H("note/esk", rseed, cm, memo)
    epk    = X25519(esk, g_d)
    key    = HKDF-SHA256(X25519(esk, pk_d), epk)
    enc    = ChaCha20-Poly1305_key(version, logic, label, quantity, data, d, rseed, memo)
    out    = ChaCha20-Poly1305_ock(pk_d, owner, esk),  ock = HKDF-SHA256(ovk, cm ‖ epk)

The nonce of the cipher is zero: each key is used once. The plaintext names neither owner nor
nonce nor kind point. The receiver computes them itself and compares commitment and epk byte for
byte: a note that decrypts but is not the one on the chain does not exist (S-8). The comparison
also makes the cipher committing: what opens under two keys is accepted under one at most.

Every ciphertext has one length, 825 bytes; a second size would split the crowd that a note hides
in.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import ClassVar, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from node.core.codec import Reader, Writer
from node.core.ids import Kind
from shielded import spec
from shielded.address import Address, X25519Secret, diversified_base
from shielded.keys import FullViewingKey, IncomingViewingKey, diversifier_index
from shielded.notes import Note
from zk.errors import DecodeError, Ruled, WrongLength

MEMO_BYTES: Final = 512
PLAINTEXT_VERSION: Final = 1
PLAINTEXT_BYTES: Final = 1 + 32 + 32 + 8 + 32 + 16 + 32 + MEMO_BYTES
TAG_BYTES: Final = 16
EPK_BYTES: Final = 32
ENC_BYTES: Final = PLAINTEXT_BYTES + TAG_BYTES
OUT_BYTES: Final = 3 * 32 + TAG_BYTES
NOTE_CIPHERTEXT_BYTES: Final = EPK_BYTES + ENC_BYTES + OUT_BYTES

_ZERO_NONCE: Final = bytes(12)
_NOTE_KEY: Final = b"chiaro/v1/note-key"
_OUTGOING_KEY: Final = b"chiaro/v1/outgoing-key"
_PUBLIC_NOTE_BYTES: Final = PLAINTEXT_BYTES - MEMO_BYTES


class NoteRefused(Ruled, DecodeError):
    """A ciphertext that is not for this key, or does not match the chain. `rule` says which."""

    code = "SHD-010"
    exit_code: ClassVar[int] = 1
    why = "only a note that the chain commits to exists; anything else is a false balance"
    fix = "nothing to do: most ciphertexts belong to others"

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(rule, message, where="note ciphertext")


@dataclass(frozen=True, slots=True)
class NoteCiphertext:
    """What an action publishes for one created note.

    Attributes:
        epk: ephemeral public key, 32 bytes.
        enc: for the receiver, 681 bytes.
        out: for the sender's ovk, 112 bytes.
    """

    epk: bytes
    enc: bytes
    out: bytes

    def __post_init__(self) -> None:
        sizes = (len(self.epk), len(self.enc), len(self.out))
        if sizes != (EPK_BYTES, ENC_BYTES, OUT_BYTES):
            raise WrongLength("a note ciphertext has parts of another length", where="ciphertext")

    def to_bytes(self) -> bytes:
        return self.epk + self.enc + self.out

    @staticmethod
    def from_bytes(data: bytes) -> NoteCiphertext:
        """Exactly 825 bytes; any content is well-formed.  Rule SH-47."""
        if len(data) != NOTE_CIPHERTEXT_BYTES:
            raise WrongLength(
                f"a note ciphertext has {NOTE_CIPHERTEXT_BYTES} bytes, not {len(data)}",
                where="ciphertext",
            )
        body = EPK_BYTES + ENC_BYTES
        return NoteCiphertext(data[:EPK_BYTES], data[EPK_BYTES:body], data[body:])


@dataclass(frozen=True, slots=True)
class Output:
    """One created note as the chain shows it.

    Attributes:
        nullifiers: both of its action.
        slot: 0 or 1.
        commitment: cm.
        ciphertext: what came with it.
    """

    nullifiers: tuple[int, int]
    slot: int
    commitment: int
    ciphertext: NoteCiphertext

    @property
    def nonce(self) -> int:
        """Computed from the nullifiers, never read from a ciphertext."""
        return spec.created_nonce(self.slot, *self.nullifiers)


@dataclass(frozen=True, slots=True)
class Viewer:
    """A prepared incoming key: one trial decryption serves all its addresses.

    Attributes:
        secret: ivk or ivk_int.
        dk: recognises own diversifiers.
        mpk: makes owner tags.
        internal: whether this is the key of change.
    """

    secret: X25519Secret
    dk: bytes
    mpk: int
    internal: bool

    def __repr__(self) -> str:
        return "<Viewer: secret>"


def viewers(key: FullViewingKey | IncomingViewingKey) -> tuple[Viewer, ...]:
    """External, and for a full viewing key also internal.  Rule SH-46."""
    external = Viewer(X25519Secret(key.ivk), key.dk, key.mpk, internal=False)
    if isinstance(key, IncomingViewingKey):
        return (external,)
    return external, Viewer(X25519Secret(key.ivk_int), key.dk, key.mpk, internal=True)


@dataclass(frozen=True, slots=True, repr=False)
class Received:
    """A note of one's own.

    Attributes:
        note: all of it.
        memo: 512 bytes.
        address_index: which of the wallet's addresses.
        internal: change, not a payment.
    """

    note: Note
    memo: bytes
    address_index: int
    internal: bool

    def __repr__(self) -> str:
        return "<Received: hidden>"


@dataclass(frozen=True, slots=True, repr=False)
class Sent:
    """A note that one sent: what, to whom, with which memo."""

    note: Note
    memo: bytes
    address: Address

    def __repr__(self) -> str:
        return "<Sent: hidden>"


def memo_from_text(text: str) -> bytes:
    """UTF-8, filled up with zero bytes to 512.

    Raises:
        WrongLength: more than 512 bytes.
        DecodeError: a zero character, which would be lost.
    """
    data = text.encode()
    if len(data) > MEMO_BYTES:
        raise WrongLength(f"a memo has at most {MEMO_BYTES} bytes, this one {len(data)}")
    if b"\0" in data:
        raise DecodeError("a memo cannot hold the zero character")
    return data.ljust(MEMO_BYTES, b"\0")


def memo_to_text(memo: bytes) -> str | None:
    """The text of a memo; None where it is not text. Not yet safe to print on a terminal."""
    text = memo.rstrip(b"\0")
    try:
        return None if b"\0" in text else text.decode()
    except UnicodeDecodeError:
        return None


def encrypt_note(note: Note, address: Address, memo: bytes, ovk: bytes | None) -> NoteCiphertext:
    """Encrypt a note for its owner and, under `ovk`, for its sender. Deterministic.  Rule SH-47.

    Args:
        note: the created note, of a persistent kind.
        address: whose note it is.
        memo: 512 bytes (`memo_from_text`).
        ovk: the sender's; None leaves a copy that nobody can open.

    Raises:
        NoteRefused: the note is not one for this address, so its receiver would refuse it (SH-48).
        WrongLength: the memo.
    """
    if note.ephemeral or (note.owner, note.diversifier) != (address.owner, address.diversifier):
        raise NoteRefused("SH-48", "the note does not belong to this address")
    if len(memo) != MEMO_BYTES:
        raise WrongLength(f"a memo has {MEMO_BYTES} bytes, not {len(memo)}")
    cm = note.commitment
    esk = spec.ephemeral_secret(note.rseed, cm, memo)
    secret = X25519Secret(esk)
    epk, shared = secret.exchange(address.g_d), secret.exchange(address.pk_d)
    if epk is None or shared is None:
        raise NoteRefused("SH-49", "the shared secret with this address is zero")
    enc = ChaCha20Poly1305(note_key(shared, epk)).encrypt(_ZERO_NONCE, _plaintext(note, memo), None)
    if ovk is None:
        return NoteCiphertext(epk, enc, _noise("note/no-ovk", note.rseed + esk, OUT_BYTES))
    copy = Writer().raw(address.pk_d, 32).fr(address.owner).raw(esk, 32).done()
    out = ChaCha20Poly1305(outgoing_key(ovk, cm, epk)).encrypt(_ZERO_NONCE, copy, None)
    return NoteCiphertext(epk, enc, out)


def encrypt_dummy(seed: bytes) -> NoteCiphertext:
    """A ciphertext for nobody, distributed like a real one.  Rule SH-47 (S-15).

    epk is [random]g_d of a random diversifier, as real ones are; the rest is pseudo-random, as a
    cipher's output is. For dummies and ephemeral resources.

    Args:
        seed: 32 bytes, used for nothing else.
    """
    d = spec.expand("dummy/diversifier", seed)[: spec.DIVERSIFIER_BYTES]
    secret = X25519Secret(spec.expand("dummy/esk", seed)[:32])
    epk = secret.exchange(diversified_base(d))
    if epk is None:
        raise NoteRefused("SH-49", "the dummy's ephemeral key is zero")
    enc, out = _noise("dummy/enc", seed, ENC_BYTES), _noise("dummy/out", seed, OUT_BYTES)
    return NoteCiphertext(epk, enc, out)


def try_decrypt(viewer: Viewer, output: Output) -> Received | None:
    """The note, if it is one for this viewer; never an exception, whatever the bytes.

    Most outputs are somebody else's, so the common way out raises nothing: it costs an X25519, a
    key derivation and a Poly1305.
    """
    ciphertext = output.ciphertext
    shared = viewer.secret.exchange(ciphertext.epk)
    if shared is None:
        return None
    plaintext = _unseal(note_key(shared, ciphertext.epk), ciphertext.enc)
    if plaintext is None:
        return None
    try:
        return _received(viewer, output, plaintext)
    except NoteRefused:
        return None


def decrypt(viewer: Viewer, output: Output) -> Received:
    """Decrypt and compare with the chain.

    Raises:
        NoteRefused: SH-49 the shared secret is zero; SH-47 not for this key or malformed; SH-48
            the commitment or epk on the chain is another.
    """
    ciphertext = output.ciphertext
    shared = viewer.secret.exchange(ciphertext.epk)
    if shared is None:
        raise NoteRefused("SH-49", "the shared secret is zero")
    plaintext = _unseal(note_key(shared, ciphertext.epk), ciphertext.enc)
    if plaintext is None:
        raise NoteRefused("SH-47", "not encrypted for this key")
    return _received(viewer, output, plaintext)


def _received(viewer: Viewer, output: Output, plaintext: bytes) -> Received:
    fields, memo = _parse(plaintext)
    index = diversifier_index(viewer.dk, fields.diversifier, internal=viewer.internal)
    if index is None:
        raise NoteRefused("SH-48", "the diversifier is none of this wallet's")
    note = _note(fields, spec.owner(viewer.mpk, fields.diversifier), output)
    _check_ephemeral_key(note, memo, output)
    return Received(note, memo, index, viewer.internal)


def recover_outgoing(ovk: bytes, output: Output) -> Sent | None:
    """What the holder of `ovk` sent here; None if it was not the sender.  Rule SH-50."""
    ciphertext = output.ciphertext
    copy = _unseal(outgoing_key(ovk, output.commitment, ciphertext.epk), ciphertext.out)
    if copy is None:
        return None
    try:
        return _sent(output, copy)
    except NoteRefused:
        return None


def decrypt_outgoing(ovk: bytes, output: Output) -> Sent:
    """Open the sender's copy and compare everything with the chain.

    Raises:
        NoteRefused: SH-50 not this sender's, or moved here from another output; SH-48 the copy
            does not match the commitment or epk on the chain; SH-47, SH-49 as in `decrypt`.
    """
    ciphertext = output.ciphertext
    copy = _unseal(outgoing_key(ovk, output.commitment, ciphertext.epk), ciphertext.out)
    if copy is None:
        raise NoteRefused("SH-50", "not sent under this outgoing viewing key")
    return _sent(output, copy)


def _sent(output: Output, copy: bytes) -> Sent:
    ciphertext = output.ciphertext
    reader = Reader(copy, "outgoing copy")
    try:
        pk_d, owner, esk = reader.take(32), reader.fr(), reader.take(32)
    except DecodeError:
        raise NoteRefused("SH-50", "the outgoing copy is malformed") from None
    shared = X25519Secret(esk).exchange(pk_d)
    if shared is None:
        raise NoteRefused("SH-49", "the shared secret is zero")
    fields, memo = _open(note_key(shared, ciphertext.epk), ciphertext.enc)
    note = _note(fields, owner, output)
    if esk != spec.ephemeral_secret(note.rseed, output.commitment, memo):
        raise NoteRefused("SH-48", "the ephemeral secret does not follow from the note's seed")
    _check_ephemeral_key(note, memo, output)
    try:
        return Sent(note, memo, Address(note.diversifier, pk_d, owner))
    except DecodeError:
        raise NoteRefused("SH-44", "the address of the outgoing copy is none") from None


def decrypt_with(esk: bytes, pk_d: bytes, owner: int, output: Output) -> tuple[Note, bytes]:
    """Open a ciphertext with the sender's ephemeral secret: what a disclosure's reader does.

    Raises:
        NoteRefused: as in `decrypt`.
    """
    ciphertext = output.ciphertext
    shared = X25519Secret(esk).exchange(pk_d)
    if shared is None:
        raise NoteRefused("SH-49", "the shared secret is zero")
    fields, memo = _open(note_key(shared, ciphertext.epk), ciphertext.enc)
    note = _note(fields, owner, output)
    _check_ephemeral_key(note, memo, output)
    return note, memo


def note_key(shared: bytes, epk: bytes) -> bytes:
    """Key of `enc`; epk is bound, so that one shared secret never serves two ciphertexts."""
    return hkdf_sha256(shared, _NOTE_KEY + epk)


def outgoing_key(ovk: bytes, cm: int, epk: bytes) -> bytes:
    """Key of `out`, bound to commitment and epk: a copy moved elsewhere does not open.  SH-50."""
    return hkdf_sha256(ovk, _OUTGOING_KEY + cm.to_bytes(32, "little") + epk)


def hkdf_sha256(secret: bytes, info: bytes, salt: bytes = b"", size: int = 32) -> bytes:
    """RFC 5869, up to 255·32 bytes."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    block = out = b""
    for index in range(1, -(-size // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes((index,)), "sha256")
        out += block
    return out[:size]


@dataclass(frozen=True, slots=True)
class _Fields:
    kind: Kind
    quantity: int
    data: int
    diversifier: bytes
    rseed: bytes


def _plaintext(note: Note, memo: bytes) -> bytes:
    return (
        Writer()
        .u8(PLAINTEXT_VERSION)
        .fr(note.kind.logic)
        .fr(note.kind.label)
        .u64(note.quantity)
        .fr(note.data)
        .raw(note.diversifier, spec.DIVERSIFIER_BYTES)
        .raw(note.rseed, spec.RSEED_BYTES)
        .raw(memo, MEMO_BYTES)
        .done()
    )


def _unseal(key: bytes, sealed: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, sealed, None)
    except InvalidTag:
        return None


def _open(key: bytes, enc: bytes) -> tuple[_Fields, bytes]:
    plaintext = _unseal(key, enc)
    if plaintext is None:
        raise NoteRefused("SH-47", "not encrypted for this key")
    return _parse(plaintext)


def _parse(plaintext: bytes) -> tuple[_Fields, bytes]:
    reader = Reader(plaintext, "note plaintext")
    if reader.u8() != PLAINTEXT_VERSION:
        raise NoteRefused("SH-47", "a plaintext of another version")
    try:
        kind = Kind.read(reader)
        fields = _Fields(
            kind,
            reader.u64(),
            reader.fr(),
            reader.take(spec.DIVERSIFIER_BYTES),
            reader.take(spec.RSEED_BYTES),
        )
    except DecodeError:
        raise NoteRefused("SH-47", "a plaintext with a value that is not below r") from None
    return fields, reader.take(MEMO_BYTES)


def _note(fields: _Fields, owner: int, output: Output) -> Note:
    """The note that the plaintext claims, if the chain commits to it.  Rule SH-48 (S-8)."""
    note = Note(
        kind=fields.kind,
        quantity=fields.quantity,
        data=fields.data,
        diversifier=fields.diversifier,
        owner=owner,
        nonce=output.nonce,
        rseed=fields.rseed,
    )
    if note.commitment != output.commitment:
        raise NoteRefused("SH-48", "the commitment on the chain is of another note")
    return note


def _check_ephemeral_key(note: Note, memo: bytes, output: Output) -> None:
    """Recompute epk from the note's own seed and diversifier.  Rule SH-48 (S-8, ZIP 212)."""
    esk = spec.ephemeral_secret(note.rseed, output.commitment, memo)
    if X25519Secret(esk).exchange(diversified_base(note.diversifier)) != output.ciphertext.epk:
        raise NoteRefused("SH-48", "epk does not follow from the note's seed and diversifier")


def _noise(tag: str, seed: bytes, size: int) -> bytes:
    return hashlib.shake_256(spec.expand(tag, seed)).digest(size)
